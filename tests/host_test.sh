#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The KVM host itself: that tests/kvmhost runs a command in an emulated host of
# each architecture and on this machine as if it had been called, and that there
# is a KVM.
# shellcheck disable=SC2016,SC2094

set -u

here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd) || exit 1
. "$here/host/cache.sh" || exit 1

tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
count=0
failed=0

# expect TEXT WANT GOT: one line of the result.
expect() {
	local text=$1 want=$2 got=$3

	count=$((count + 1))
	if [ "$want" = "$got" ]; then
		echo "ok $count $text"
	else
		echo "not ok $count $text"
		printf '%s\n' "expected:" "$want" "got:" "$got" | sed 's/^/#   /'
		failed=$((failed + 1))
	fi
}

# run OPTION... -- COMMAND: its status in $status, its outputs in files out and err.
run() {
	"$here/kvmhost" "$@" > "$tmp/out" 2> "$tmp/err" < /dev/null
	status=$?
	sed 's/^/# /' "$tmp/err" >&2
}

out() { cat "$tmp/out"; }

# Of the standard error what is COMMAND's.
err() { grep -v '^kvmhost: starting' "$tmp/err"; }

# All that a command sees and does to the machine it was called on.
test_command() {
	export KVMHOST_OUT="$tmp/a result, of many"
	mkdir "$KVMHOST_OUT"
	cd "$tmp" || exit 1
	cat > script <<-'END'
		echo "in $PWD: <$1> <$2> <$VMTOOL_TEST>"
		cat
		echo to stderr >&2
		echo new > written && echo changed > before
		echo "written: $(cat written)"
		echo kept > "$KVMHOST_OUT/file"
		exit 7
	END
	echo unchanged > before
	printf 'some\0input' | VMTOOL_TEST='a  b' \
		"$here/kvmhost" --emulate -- bash ./script 'x y' '' > out 2> err
	expect "x86: status 7" 7 $?
	printf 'in %s: <x y> <> <a  b>\nsome\0inputwritten: new\n' "$tmp" > want
	expect "x86: arguments, directory, environment, standard input and output" "" \
		"$(cmp want out 2>&1)"
	expect "x86: standard error is apart" "to stderr" "$(err)"
	expect "x86: writes are kept off this machine" "" \
		"$(grep -v unchanged before; ls written 2>/dev/null)"
	expect "x86: writes below \$KVMHOST_OUT arrive" kept "$(cat "$KVMHOST_OUT/file")"
	unset KVMHOST_OUT
}

test_status() {
	run --emulate -- sh -c 'exit 255'
	expect "x86: status 255" 255 $status
	run --emulate -- sh -c 'kill -KILL $$'
	expect "x86: status of a command killed by a signal" 137 $status
	run --emulate -- no-such-command
	expect "x86: status of a command that is not there" 127 $status
	run --emulate -- bash -c 'echo c > /proc/sysrq-trigger; sleep 600'
	expect "x86: status when the host panics" 125 $status
	expect "x86: the panic is named" 1 "$(grep -c 'went down.*Kernel panic' "$tmp/err")"
	KVMHOST_BOOT_SECONDS=1 run --emulate --cpus 8 -- true
	expect "x86: status when the host does not boot in time" 125 $status
	expect "x86: which is named" 1 "$(grep -c 'did not boot within 1 s' "$tmp/err")"
}

# Options that cannot be: status 125 and one line, and no machine is started.
test_options() {
	local bad

	for bad in '--cpus 0' '--cpus' '--cpus x' '--mem 4' '--mem 0G' '--mem 16M' '--arch mips' \
		   '--add /no/such/file' '--icount --cpus 2' '--no-such-option' '--help=x'; do
		# shellcheck disable=SC2086
		run $bad -- true
		[[ $bad != --cpus ]] || run --emulate --cpus
		expect "option $bad: refused" "125 1 0" \
			"$status $(wc -l < "$tmp/err") $(grep -c starting "$tmp/err")"
	done
	run --emulate
	expect "no command: refused" "125 1" "$status $(wc -l < "$tmp/err")"
	KVMHOST_OUT=/no/such/dir run --emulate -- true
	expect "\$KVMHOST_OUT is no directory: refused" "125 1" "$status $(wc -l < "$tmp/err")"
}

# The order of two outputs that are one, more of it than any pipe holds, and that
# it comes while the command runs.
test_output() {
	local file=$tmp/random

	head -c 3000000 /dev/urandom > "$file"
	"$here/kvmhost" --emulate -- cat < "$file" 2>/dev/null | cmp - "$file" >&2
	expect "x86: megabytes pass unchanged" "0 0" "${PIPESTATUS[*]}"
	"$here/kvmhost" --emulate -- sh -c 'for i in 1 2 3; do echo o$i; echo e$i >&2; done' \
		> "$tmp/both" 2>&1
	expect "x86: the order of both outputs" "o1 e1 o2 e2 o3 e3" \
		"$(grep -v '^kvmhost: starting' "$tmp/both" | paste -sd' ')"
	timeout 300 "$here/kvmhost" --emulate -- yes 2>/dev/null | head -n1 > "$tmp/out"
	expect "x86: ends when nobody reads any more" "141 0" "${PIPESTATUS[*]}"
}

test_kvm() {
	local arch=$1 probe

	probe=$(cache_program "$arch" "$here/host/kvmprobe.c") || exit 1
	run --arch "$arch" --emulate -- "$probe"
	expect "$arch: /dev/kvm makes a machine" "kvm: api 12, vm ok" "$(out)"
	expect "$arch: status 0" 0 $status
	cat > "$tmp/look" <<-'END'
		grep -c ^processor /proc/cpuinfo
		awk '/^MemTotal/ { print int($2 / 1048576 + 1) }' /proc/meminfo
		ls -d /dev/net/tun /dev/vhost-net /dev/vhost-vsock
		exit 7
	END
	run --arch "$arch" --emulate --cpus 3 --mem 1G -- sh "$tmp/look"
	expect "$arch: CPUs, memory, devices" \
		"3 1 /dev/net/tun /dev/vhost-net /dev/vhost-vsock" "$(paste -sd' ' "$tmp/out")"
	expect "$arch: status 7 is returned" 7 $status
}

test_icount() {
	local arch=$1 probe first

	probe=$(cache_program "$arch" "$here/host/kvmprobe.c") || exit 1
	echo "only this" > "$tmp/added"
	run --arch "$arch" --icount --add "$tmp/added" -- "$probe"
	first=$(tail -n1 "$tmp/err")
	expect "$arch: a program runs on the clock that counts" "0 kvm: api 12, vm ok" "$status $(out)"
	run --arch "$arch" --icount --add "$tmp/added" -- "$probe"
	expect "$arch: it counts the same again" "$first" "$(tail -n1 "$tmp/err")"
	expect "$arch: and more than a million" 1 "$(grep -Ec '^icount: [0-9]{7,}$' "$tmp/err")"
	KVMHOST_OUT=$tmp/icount run --arch "$arch" --icount --add "$tmp/added" -- \
		sh -c 'cat "$PWD/added"; cp added "$KVMHOST_OUT/copy"; ls /home; exit 9'
	expect "$arch: files come only with --add" "9 only this" "$status $(out)"
	expect "$arch: and leave by \$KVMHOST_OUT" "only this" "$(cat "$tmp/icount/copy")"
	rm "$tmp/icount/copy"
}

# In an emulated host kvmhost finds a KVM that runs stock kernels.
test_direct() {
	local probe

	probe=$(cache_program x86 "$here/host/kvmprobe.c") || exit 1
	cat > "$tmp/direct" <<-'END'
		cp -r "$1/kvmhost" "$1/host" "$2" . && chmod -R go+rX . && chmod 666 /dev/kvm
		kvmhost=$PWD/kvmhost probe=$PWD/${2##*/}
		mkdir result
		KVMHOST_OUT=result "$kvmhost" -- sh -c \
			'"$0" && echo o > written && echo kept > "$KVMHOST_OUT/file"; exit 5' "$probe"
		echo "status $?, written $(ls written 2>/dev/null), file $(cat result/file)"
		"$kvmhost" -- no-such-command
		echo "status $?"
		HOME=/nonexistent setpriv --reuid "$(id -u nobody)" --clear-groups "$kvmhost" -- "$probe"
		echo "status $?"
	END
	cd "$tmp" || exit 1
	run --emulate -- bash ./direct "$here" "$probe"
	expect "x86: on a machine with KVM, as root and as nobody" "$(cat <<-'END'
		kvm: api 12, vm ok
		status 5, written , file kept
		status 127
		kvm: api 12, vm ok
		status 0
	END
	)" "$(out)"
	expect "x86: nothing is emulated there" 1 "$(grep -c '^kvmhost: starting' "$tmp/err")"
}

mkdir "$tmp/icount" "$tmp/tmpdir"
export TMPDIR=$tmp/tmpdir
echo "TAP version 13"
test_options
test_command
test_status
test_output
for arch in x86 arm powerpc; do
	test_kvm $arch
	test_icount $arch
done
test_direct
expect "no file is left behind" "" "$(ls "$TMPDIR")"
echo "1..$count"
[ $failed -eq 0 ]
