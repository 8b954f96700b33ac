#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Host calls that fail, are interrupted or are short: strace makes them so. A program
# tests/inject/NAME_inject.c has a device with a driver in it, does what it is told and
# prints what came of it; the cases are in tests/inject/NAME.sh:
#
#	inject_case NAME 'what is true' EXPECTED 'CALL:WHAT...' ARG...
#
# runs NAME_inject ARG..., in a directory that the function NAME_prepare has made ready,
# while the call CALL does WHAT (strace(1), inject=: error=EIO:when=1...). There may be
# several of these, with blanks between; each must happen, but for those that begin
# with "?". Calls are counted in each thread by itself. EXPECTED is a pattern of bash
# for all that is printed, with "; " between lines.

set -u

. "$(dirname "$0")/lib.sh" || exit 1

programs=$(dirname "$VMTOOL")/tests/inject
command -v strace > /dev/null || skip_all "strace is not installed"
strace -qq -e trace=none true 2> /dev/null || skip_all "strace may not trace here"

# injected NAME EXPECTED INJECTIONS ARG...
injected() {
	local name=$1 expected=$2 injection call said status options=()

	[ -x "$programs/${name}_inject" ] || skip "there is no $programs/${name}_inject"
	for injection in $3; do
		options+=(-e "inject=${injection#\?}")
	done
	[ ! "$3" ] || options+=(-e "trace=$(sed 's/:[^ ]*//g; s/?//g; s/ /,/g' <<< "$3")")
	"${name}_prepare" "${@:4}" || exit
	LSAN_OPTIONS=detect_leaks=0 limited strace -f -qq -o trace "${options[@]}" \
		"$programs/${name}_inject" "${@:4}" > out 2> err
	status=$?
	said=$(paste -sd';' out | sed 's/;/; /g')
	echo "status $status, printed: $said"
	echo "said: $(cat err)"
	tail -n 20 trace
	for injection in $3; do
		call=${injection%%:*}
		[[ $call == '?'* ]] || grep -Eq "(^[0-9]+ +$call\(|<... $call resumed).*\(INJECTED" trace ||
			fail "$call was never made to fail"
	done
	[ $status -eq 0 ] || fail "the program ended with status $status"
	# shellcheck disable=SC2053
	[[ $said == $expected ]] || fail "expected: $expected"
}

# inject_case NAME WHAT EXPECTED INJECTIONS ARG...
inject_case() {
	test_case "$1: $2" injected "$1" "${@:3}"
}

for cases in "$tests_dir"/inject/*.sh; do
	. "$cases"
done
run_cases "$@"
