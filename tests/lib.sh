# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What the shell tests share. A test sources this, names its cases and runs them:
#
#	. "$(dirname "$0")/lib.sh"
#	test_case 'what is true' function [ARG]...
#	run_cases
#
# A case is a function in a subshell: it fails by fail(), by a status other than
# 0, or by leaving a guest or a control socket behind; skip() says that it cannot
# be tried here. The result is KTAP on stdout, and the exit status is 0, 1 (a case
# failed) or 4 (nothing can be tried).
# Arguments of the test, if any, are patterns: only cases that match one are run.
#
# VMTOOL names the program, CC the compiler for the guests; LIMIT is the number
# of seconds after which whatever is waited for has failed.

tests_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd) || exit 1
: "${VMTOOL:=$tests_dir/../vmtool}" "${CC:=gcc}" "${LIMIT:=60}"
VMTOOL=$(realpath "$VMTOOL")
. "$tests_dir/ktap.sh" || exit 1

tmp=$(mktemp -d "${TMPDIR:-/tmp}/vmtool-test.XXXXXX") || exit 1
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' INT TERM HUP

case_names=()
case_commands=()

test_case() {
	case_names+=("$1")
	case_commands+=("$(printf '%q ' "${@:2}")")
}

skip_all() {
	echo "TAP version 13"
	echo "1..0 # SKIP $*"
	exit "$KTAP_SKIP"
}

fail() {
	echo "$*"
	exit 1
}

skip() {
	echo "$*"
	exit "$KTAP_SKIP"
}

# expect WHAT WANTED SEEN
expect() {
	[ "$2" = "$3" ] || fail "$1: expected '$2', found '$3'"
}

# wait_for WHAT COMMAND...: until it succeeds.
wait_for() {
	local what=$1 end=$((SECONDS + LIMIT))

	shift
	until "$@"; do
		[ $SECONDS -lt $end ] || fail "waited $LIMIT s for $what"
		sleep 0.02
	done
}

# A command with a hang guard; in the foreground, as it may use the terminal.
limited() {
	timeout --foreground -k 5 "$LIMIT" "$@"
}

vmtool() {
	limited "$VMTOOL" "$@"
}

one_line() {
	[ "$(wc -l < "$1")" -eq 1 ] && [ "$(head -c 8 "$1")" = 'vmtool: ' ]
}

# Guests of this case that still run: the runtime directory is its own.
case_leftovers() {
	local file pid

	for file in $(find /proc -maxdepth 2 -name exe -lname "$VMTOOL" 2> /dev/null); do
		pid=$(basename "${file%/exe}")
		tr '\0' '\n' < "/proc/$pid/environ" 2> /dev/null |
			grep -qxF "VMTOOL_RUNTIME_DIR=$VMTOOL_RUNTIME_DIR" || continue
		echo "process $pid is left: $(tr '\0' ' ' 2> /dev/null < "/proc/$pid/cmdline")"
		kill -9 "$pid"
	done
	for file in "$VMTOOL_RUNTIME_DIR"/*; do
		[ ! -e "$file" ] || echo "$file is left"
	done
}

# Runs the case whose number is given, in a directory of its own.
run_case() {
	local status left

	mkdir -m 700 "$tmp/run.$1" "$tmp/case.$1"
	export VMTOOL_RUNTIME_DIR=$tmp/run.$1
	(cd "$tmp/case.$1" && eval "${case_commands[$1]}")
	status=$?
	left=$(case_leftovers)
	if [ "$left" ] && [ $status -ne "$KTAP_SKIP" ]; then
		echo "$left"
		status=1
	fi
	rm -rf "$tmp/run.$1" "$tmp/case.$1"
	return $status
}

case_wanted() {
	local pattern

	[ $# -gt 1 ] || return 0
	for pattern in "${@:2}"; do
		# shellcheck disable=SC2254
		case ${case_names[$1]} in $pattern) return 0 ;; esac
	done
	return 1
}

run_cases() {
	local i

	echo "TAP version 13"
	for i in "${!case_names[@]}"; do
		case_wanted "$i" "$@" || continue
		[ -z "${TIMES-}" ] || date +%s.%N >&2
		ktap_test "${case_names[$i]}" run_case "$i"
	done
	ktap_end || exit 1
	exit 0
}

# build_guest FILE [FLAG]...: the guest of guest/guest.S.
build_guest() {
	"$CC" -nostdlib -static -no-pie -Wl,--build-id=none -Wl,-z,noexecstack \
		-Wl,-T,"$tests_dir/guest/guest.lds" "${@:2}" -o "$1" "$tests_dir/guest/guest.S" ||
		skip_all "$CC cannot build the guest"
}

# Most tests need this: a KVM, and a guest in $guest.
need_guest() {
	[ -x "$VMTOOL" ] || skip_all "there is no $VMTOOL; VMTOOL= names it"
	[ -c /dev/kvm ] && : 2> /dev/null <> /dev/kvm || skip_all "/dev/kvm cannot be used here"
	guest=$tmp/guest
	build_guest "$guest"
	mkdir -m 700 "$tmp/run.probe"
	VMTOOL_RUNTIME_DIR=$tmp/run.probe vmtool run -c 1 -m 2M -k "$guest" -p do=poweroff \
		< /dev/null 2> "$tmp/log" ||
		skip_all "KVM here does not run a tiny guest: $(head -n 1 "$tmp/log")"
}

# run_guest STATUS WORDS [OPTION]...: its console is in the file out, messages in
# err; stdin is the caller's.
run_guest() {
	local status

	vmtool run -c 1 -m 2M -k "$guest" -p "do=$2" "${@:3}" > out 2> err
	status=$?
	[ $status -eq "$1" ] ||
		fail "$2 ${*:3}: expected status $1, found $status; said: $(cat err)"
}

# start_guest NAME WORDS [OPTION]...: in the background, as process $pid; with the
# signals that a shell has background processes ignore back to normal. What it
# prints is in NAME.out and NAME.err; its stdin is the caller's.
start_guest() {
	env --default-signal=INT,QUIT "$VMTOOL" run --name "$1" -c 1 -m 2M -k "$guest" \
		-p "do=$2" "${@:3}" > "$1.out" 2> "$1.err" <&0 &
	pid=$!
}

has_ended() {
	! kill -0 "$1" 2> /dev/null
}

# end_guest STATUS PID: wait for its end.
end_guest() {
	local status

	wait_for "the end of a guest" has_ended "$2"
	wait "$2"
	status=$?
	[ $status -eq "$1" ] || fail "guest: expected status $1, found $status"
}

# printed FILE LINE: has the guest printed it?
printed() {
	grep -qxF -- "$2" "$1" 2> /dev/null
}
