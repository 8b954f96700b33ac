#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Commands in Linux guests: vmtool run -- COMMAND, vmtool exec, vmtool console. Runs on a
# KVM host; where this machine is none, it starts itself again in the emulated one.
#
# TEST_ARCH	architecture of the KVM host (see linux/lib.sh)
# VMTOOL	the vmtool to test, with its guest/init beside it
# COMMAND_TESTS	names of the groups to run (default: all)

set -u

here=$(cd "$(dirname "$0")" && pwd)
VMTOOL=$(readlink -f "${VMTOOL:-$here/../vmtool}")
export VMTOOL

script=$here/command_test.sh
again=y
. "$here/linux/lib.sh"
all_groups=kernels
[ "$arch" != x86 ] || all_groups="run bytes tty exec root kernels user bisect"
groups=${LINUX_TESTS:-${COMMAND_TESTS:-$all_groups}}

fetch_x86() {
	local built guest

	built=$(cache_build_kernel 6.1-virtio) && guest=$(cache_build_kernel 6.1) &&
	debian=$(cache_debian_kernel x86) || return
	ln -s "$built/bzImage" "$dir/bzImage"
	ln -s "$built/tree" "$dir/tree"
	ln -s "$guest/bzImage" "$dir/kvm_guest"
	ln -s "$debian/vmlinuz" "$dir/debian"
}

# --- outside: fetch what is needed, then go to a machine with KVM ----------------
if [ -z "${LINUX_TEST_DIR:-}" ]; then
	. "$here/host/cache.sh"
	. "$here/host/kernel.sh"
	cache_packages busybox-static cpio python3 procps kmod git gcc passt >&2 || exit 1
	dir=$(mktemp -d /var/tmp/vmtool-command.XXXXXX)
	trap 'rm -rf "$dir"' EXIT
	if [ "$arch" = x86 ]; then
		fetch_x86
	else
		fetch_foreign
	fi && ln -s "$debian/lib/modules/$(cat "$debian/release")" "$dir/debian.modules" || exit 1
	run_groups
	exit
fi

# --- inside ---------------------------------------------------------------------
dir=$LINUX_TEST_DIR
enter

machine=(-k "$dir/bzImage" -m 512M -c 1)
# There the root is a directory of that architecture's files.
root=()
if [ "$arch" != x86 ]; then
	root=(--root "$(readlink -f "$dir/root")")
	machine=(-k "$dir/debian" -m 512M -c 1 --modules "$dir/debian.modules" "${root[@]}")
fi
export XDG_DATA_HOME=$work/data.home

# does STATUS NAME OPTIONS...: a guest runs a command that returns STATUS. Its stdin is
# $in; what it prints is in $work/out and $work/err.
does() {
	local want=$1 name=$2 status

	shift 2
	timeout -k 5 "${seconds:-120}" "$VMTOOL" run "${machine[@]}" "$@" \
		< "${in:-/dev/null}" > "$work/out" 2> "$work/err"
	status=$?
	if [ $status != "$want" ]; then
		not_ok "$name" "status $status, not $want: $(head -c 300 "$work/err")"
	elif [ -n "$(ls -A "$VMTOOL_RUNTIME_DIR")" ]; then
		not_ok "$name" "left behind: $(ls -A "$VMTOOL_RUNTIME_DIR")"
	else
		ok "$name"
	fi
}

out_is() { check "$1" diff "$work/out" <(printf '%b' "$2"); }
err_is() { check "$1" diff "$work/err" <(printf '%b' "$2"); }

group_run() {
	does 7 "exit 7" -- sh -c 'echo out; echo err >&2; exit 7'
	out_is "stdout is stdout" 'out\n'
	err_is "stderr is stderr, and nothing else" 'err\n'
	does 1 "false" -- false
	does 100 "death by a signal" -- sh -c 'kill -SEGV $$'
	does 100 "a shell's word for it" -e 'exit 143'
	does 125 "no such command" -- no-such-command
	check "which is said in one line" \
		grep -qx 'vmtool: no-such-command: cannot be run in the guest: .*' "$work/err"
	does 3 "-e STRING, a pipe, arguments" -e "printf '%s.' 'a b' c | cat; exit 3"
	out_is "as they were" 'a b.c.'
	does 0 "the guest powers off by itself" -- busybox poweroff -f
	does 101 "a panic" -- sh -c 'echo c > /proc/sysrq-trigger; sleep 60'
	does 104 "a reset" -- sh -c 'busybox reboot -f; sleep 60'
	does 103 "--timeout" --timeout 40 -- sleep 1000
	does 0 "what is left behind ends with the command" -e 'sleep 1000 & echo left'
	out_is "its output does not wait for that" 'left\n'
	does 0 "the kernel's console with -v" -v -- true
	check "goes to stderr" grep -q 'Linux version' "$work/err"
	check "and not to stdout" test ! -s "$work/out"
	mkdir "$work/bare" && mount -t tmpfs -o ro bare "$work/bare"
	does 125 "a guest without a root" --root "$work/bare" --rw -- true
	umount "$work/bare"
	check "says why" grep -q 'the guest cannot run commands: cannot ' "$work/err"
	does 0 "orphans are reaped" -e 'for i in 1 2 3 4 5; do (sh -c "exit 0" &); done; sleep 3
		ps ax | grep -c "[d]efunct"; true'
	out_is "all of them" '0\n'
}

group_bytes() {
	local sum status

	head -c 50M /dev/urandom > "$work/data"
	sum=$(md5sum < "$work/data")
	in=$work/data seconds=500 does 0 "50 MB through cat" -- cat
	check "as they were" test "$(md5sum < "$work/out")" = "$sum"
	in=$work/data seconds=400 does 0 "a command that reads nothing" -- true
	timeout 120 "$VMTOOL" run "${machine[@]}" -- sh -c 'yes; echo over >&2' \
		< /dev/null 2> "$work/err" | head -c 100000 | wc -c > "$work/out"
	out_is "a reader that has had enough" '100000\n'
	check "is the command's SIGPIPE" grep -q over "$work/err"
}

# pty STATUS NAME STEP... -- COMMAND...: the command has a terminal, the steps are typed.
pty() {
	local want=$1 name=$2 status
	local -a steps=()

	shift 2
	while [ "$1" != -- ]; do
		steps+=("$1")
		shift
	done
	LIMIT=150 TERM=dumb timeout -k 5 200 python3 "$here/pty.py" "${steps[@]}" "$@" \
		< /dev/null > "$work/out" 2>&1
	status=$?
	if [ $status = "$want" ]; then
		ok "$name"
	else
		not_ok "$name" "status $status, not $want"
	fi
}

group_tty() {
	local vm=("$VMTOOL" run "${machine[@]}")

	pty 5 "a shell on a terminal" 'expect:# ' 'send:tty; stty size\r' 'expect:/dev/pts/0' \
		'expect:24 80' raw 'resize:50x132' 'send:stty size\r' 'expect:50 132' \
		'send:sleep 1000\r' 'expect:1000' 'pause:1500' 'send:\x03' 'expect:# ' \
		'send:sleep 1000 & jobs\r' 'expect:unning' 'send:kill %1; exit 5\r' \
		-- "${vm[@]}" -- sh -i
	pty 0 "a shell without a command" 'expect:# ' 'send:id -u; stty size\r' 'expect:24 80' \
		'send:sleep 1000\r' 'pause:1500' 'send:\x1a' 'expect:topped' 'send:fg\r' \
		'pause:1000' 'send:\x03' 'pause:500' 'send:exit 0\r' -- env SHELL=/bin/bash "${vm[@]}"
	pty 100 "Ctrl-C is the command's" 'expect:ready' 'send:\x03' -- \
		"${vm[@]}" -- sh -c 'stty -echo; echo ready; exec sleep 1000'
	pty 0 "all of the output comes" 'expect:last 20000' -- \
		"${vm[@]}" -e 'seq -f "last %.0f" 20000'
	pty 0 "Ctrl-Z does not stop what nobody continues" 'expect:ready' 'send:\x1a' 'expect:done' -- \
		"${vm[@]}" -e 'echo ready; sleep 3; echo done'
	pty 125 "Ctrl-] x ends at once" 'expect:ready' 'send:\x1dx' -- \
		"${vm[@]}" -e 'echo ready; sleep 1000'
}

in_guest() { timeout 100 "$VMTOOL" exec --name one "$@"; }

many() {
	local i
	local -a pids=()

	for i in $(seq 20); do
		in_guest -- sh -c "echo $i; cat; exit $i" < <(seq "$i" 3000) > "$work/many.$i" &
		pids[i]=$!
	done
	for i in $(seq 20); do
		wait "${pids[i]}"
		[ $? = "$i" ] || { echo "$i: another status"; return 1; }
		diff -q "$work/many.$i" <(echo "$i"; seq "$i" 3000) || return 1
	done
}

group_exec() {
	local status exec_pid

	"$VMTOOL" run "${machine[@]}" --name one -- \
		sh -c 'echo up; until [ -e /tmp/end ]; do sleep 1; done; exit 9' \
		< /dev/null > "$work/out" 2> "$work/err" &
	pid=$!
	expect '^up'
	in_guest -- hostname > "$work/cmd.out"
	check "a command in a guest that runs" grep -qx "$(hostname)" "$work/cmd.out"
	in_guest -- sh -c 'echo o; echo e >&2; exit 4' > "$work/o" 2> "$work/e"
	status=$?
	check "its status" test $status = 4
	check "its stdout" grep -qx o "$work/o"
	check "its stderr" grep -qx e "$work/e"
	check "many at once" many
	check "its directory" test "$(in_guest --cwd /proc -- pwd < /dev/null)" = /proc
	"$VMTOOL" exec one -- sh -c 'trap "exit 6" TERM; echo > /tmp/there; sleep 60 & wait' \
		< /dev/null &
	exec_pid=$!
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		in_guest -- test -e /tmp/there < /dev/null && break
		sleep 1
	done
	kill -TERM $exec_pid
	wait $exec_pid
	status=$?
	check "signals are the command's" test $status = 6
	(sleep 2; echo) | timeout -k 1 3 "$VMTOOL" exec one -- sleep 777 > /dev/null 2>&1
	check "who is gone hangs up" test "$(in_guest -e 'sleep 2; ps ax | grep -c "[s]leep 777"' \
		< /dev/null)" = 0
	LIMIT=60 pty 8 "a terminal in a guest that runs" 'expect:# ' 'send:tty\r' 'expect:/dev/pts/' \
		'send:exit 8\r' -- env SHELL=/bin/sh "$VMTOOL" exec one
	in_guest -e 'echo hello-console > /dev/kmsg' < /dev/null
	LIMIT=60 pty 0 "its console" 'expect:hello-console' 'send:\x01d' -- "$VMTOOL" console one
	"$VMTOOL" exec two -- true > "$work/o" 2> "$work/e" < /dev/null
	status=$?
	check "no such guest" test $status = 125
	check "is said" grep -q "no guest of that name" "$work/e"
	check "the socket is the user's" test "$(stat -c %a "$VMTOOL_RUNTIME_DIR/one.agent")" = 600
	in_guest -- touch /tmp/end < /dev/null
	wait $pid
	status=$?
	check "the guest ends with its command" test $status = 9
	check "nothing is left" test -z "$(ls -A "$VMTOOL_RUNTIME_DIR")"
}

# What of the host's files the guest sees, and may change.
group_root() {
	local i

	cd "$work" || return
	for i in rw1 rw2 ro over elsewhere; do
		mkdir "$work/$i" && echo old > "$work/$i/file"
	done
	does 0 "directories" --rwdir "$work/rw1" --rwdir "/new/point=$work/rw2" --rodir "$work/ro" \
		--overlay-rwdir "$work/over" -e "echo new > $work/rw1/file; echo new > /new/point/file
		echo new > $work/over/file && cat $work/over/file; echo new > $work/ro/file; cat $work/ro/file"
	out_is "to write to, to read" 'new\nold\n'
	check "--rwdir: is changed" test "$(cat "$work/rw1/file" "$work/rw2/file")" = "new
new"
	check "--overlay-rwdir and --rodir: are not" test "$(cat "$work/over/file" "$work/ro/file")" = "old
old"
	check "--rodir: which is said" grep -q 'Read-only file system' "$work/err"
	does 0 "the guest's own" -e 'for d in /tmp /run /dev/shm; do echo x > $d/x && rm $d/x && echo $d; done
		cd /proc/self && cd /sys/kernel && hostname'
	out_is "are /tmp, /run and /dev/shm; the host's its name" "/tmp\n/run\n/dev/shm\n$(hostname)\n"
	does 0 "the root can be written to" -e 'echo x > /etc/vmtool-test && rm /bin/cat && cat /etc/vmtool-test ||
		echo gone'
	out_is "and forgets" 'gone\n'
	check "what was written" test ! -e /etc/vmtool-test -a -e /bin/cat
	does 0 "the directory is the one here" -- pwd
	out_is "by its name" "$work\n"
	does 0 "--cwd, --user" --cwd /usr --user nobody \
		-e 'pwd; id -un; echo $HOME; touch /usr/x 2>/dev/null || echo no'
	out_is "are others" "/usr\nnobody\n$(getent passwd nobody | cut -d: -f6)\nno\n"
	does 125 "--user: nobody of that name" --user no-such-user -- true
	"$VMTOOL" setup --busybox small > "$work/out" 2>&1
	does 0 "a root by its name" --root small -e 'echo gone > /file; ls -d /bin /root; readlink -f /bin/ls'
	out_is "of busybox" '/bin\n/root\n/bin/busybox\n'
	does 0 "a disk of that name" -d small -e 'echo kept > /file'
	check "keeps changes" test "$(cat "$XDG_DATA_HOME/vmtool/small/file")" = kept
	echo nameserver 192.0.2.53 > /etc/resolv.conf
	does 0 "--network" -n user -e 'cat /etc/resolv.conf'
	out_is "the host's name server" 'nameserver 192.0.2.53\n'
}

# Debian's kernel has its drivers in modules; one of kvm_guest.config has neither
# virtio-fs nor overlayfs. In a build tree there are modules that nobody installed.
group_kernels() {
	local kernel kernels="debian kvm_guest" machine

	[ "$arch" = x86 ] || kernels=debian
	head -c 5M /dev/urandom > "$work/data"
	for kernel in $kernels; do
		machine=(-k "$dir/$kernel" -m 512M -c 1 "${root[@]}")
		[ "$kernel" != debian ] || machine+=(--modules "$dir/debian.modules")
		does 7 "$kernel: exit 7" -- sh -c 'uname -m; uname -r >&2; exit 7'
		out_is "$kernel: stdout" "$(uname -m)\n"
		check "$kernel: stderr" grep -q '^[1-9][.0-9]*' "$work/err"
		at_length does 1 "$kernel: false" -- false
		does 100 "$kernel: a signal" -- sh -c 'kill -9 $$'
		in=$work/data does 0 "$kernel: 5 MB through cat" -- cat
		check "$kernel: as they were" cmp "$work/out" "$work/data"
	done
	machine=(-k "$dir/debian" -m 512M -c 1 --modules "$dir/debian.modules" "${root[@]}")
	does 0 "Debian's modules" -e 'modprobe dummy && ip link add d0 type dummy && lsmod'
	check "of the kernel's release" grep -q '^dummy ' "$work/out"
	[ "$arch" = x86 ] || return

	machine=(-k "$dir/tree/arch/x86/boot/bzImage" -m 512M -c 1)
	does 0 "a module that was never installed" -e 'modprobe vfat && lsmod && modinfo -n vfat'
	check "with the one it depends on" grep -q '^fat .* vfat' "$work/out"
	check "comes from where it was built" grep -qx "/.*/tree/fs/fat/vfat.ko" "$work/out"
	does 1 "a module that nobody made" -- modprobe no-such-module
}

# As an ordinary user the guest's root sees what that user sees.
as_user() {
	setpriv --reuid 65534 --regid 65534 --clear-groups env VMTOOL_RUNTIME_DIR="$work/user/run" \
		HOME="$work/user" "$@"
}

group_user() {
	local status machine=(-k "$work/bzImage" -m 512M -c 1)

	# Nobody looks into the caller's home.
	cp "$VMTOOL" "$work/vmtool" && chmod 755 "$work/vmtool" || return
	local VMTOOL=$work/vmtool
	cd "$work" || return
	mkdir -p "$work/user/run" && chmod 700 "$work/user/run" &&
		chown -R 65534:65534 "$work/user" && chmod 711 "$work" && chmod 666 /dev/kvm
	cp -L "$dir/bzImage" "$work" || return
	echo secret > "$work/secret" && chmod 600 "$work/secret"
	echo open > "$work/open" && chmod 644 "$work/open"
	cp /bin/busybox "$work/busybox" && chmod 4755 "$work/busybox"
	as_user "$VMTOOL" run "${machine[@]}" -- sh -c "cat $work/open; id -u; cat $work/secret; exit 7" \
		< /dev/null > "$work/out" 2> "$work/err"
	status=$?
	check "an ordinary user: the status" test $status = 7
	out_is "an ordinary user: root in the guest" 'open\n0\n'
	check "an ordinary user: what that user cannot read" \
		grep -q "secret: Permission denied" "$work/err"
	as_user "$VMTOOL" run "${machine[@]}" --rwdir "$work/user" -- sh -c \
		"echo new > $work/user/file; echo no > $work/open" < /dev/null > "$work/out" 2> "$work/err"
	check "an ordinary user: files written are that user's" \
		test "$(stat -c %u "$work/user/file")" = 65534
	check "an ordinary user: others are not" grep -qx open "$work/open"
	does 0 "set-user-id bits of the host mean nothing" --user 65534 -- "$work/busybox" id -u
	out_is "to another user in the guest" '65534\n'
	LIMIT=150 pty 5 "an ordinary user: a terminal" 'expect:# ' 'send:stty size; exit 5\r' \
		'expect:24 80' -- setpriv --reuid 65534 --regid 65534 --clear-groups \
		env VMTOOL_RUNTIME_DIR="$work/user/run" HOME="$work/user" \
		"$VMTOOL" run "${machine[@]}" -- sh -i
	chmod 600 /dev/kvm
	as_user "$VMTOOL" run "${machine[@]}" -- true < /dev/null > "$work/out" 2> "$work/err"
	status=$?
	check "an ordinary user: without rights to /dev/kvm" test $status = 125
	check "an ordinary user: is told in a line" test "$(wc -l < "$work/err")" = 1
	check "an ordinary user: nothing is left" test -z "$(ls -A "$work/user/run")"
}

# history_of DIR COMMITS BAD: a program that dies of a signal from its commit BAD on.
history_of() {
	local i

	git init -q "$1" && cd "$1" && git config user.name t && git config user.email t@t || return
	for ((i = 1; i <= $2; i++)); do
		echo "int main(void) { return $i < $3 ? 0 : *(volatile int *)0; }" > test.c
		git add -A && git commit -qm "commit $i" || return
	done
}

group_bisect() {
	mkdir "$work/repo" && (history_of "$work/repo" 12 8) &&
	(cd "$work/repo" && git bisect start HEAD HEAD~11 && git bisect run sh -c \
		"gcc -static -o $work/test test.c && exec $VMTOOL run ${machine[*]} -- $work/test") \
		> "$work/out" 2>&1 < /dev/null
	check "git bisect run finds the commit" \
		test "$(git -C "$work/repo" log -1 --format=%s refs/bisect/bad)" = "commit 8"
}

do_groups
