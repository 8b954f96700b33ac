#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# "vmtool run", tried with guests of a few KiB (guest/guest.S) on the KVM of the
# machine that this runs on.

set -u

. "$(dirname "$0")/lib.sh" || exit 1
need_guest

pty() {
	"$tests_dir/pty.py" "${@:2}" -- "$VMTOOL" run --name tty -c 1 -m 2M -k "$guest" -p "do=$1"
}

need_python() {
	command -v python3 > /dev/null || skip "python3 is missing"
}

# ---- how a guest ends

ends() {
	run_guest "$@"
}

# ends_saying STATUS TEXT WORDS [OPTION]...: with one line on stderr.
ends_saying() {
	run_guest "$1" "${@:3}"
	one_line err || fail "not one line: $(cat err)"
	grep -qF -- "$2" err || fail "'$2' is not in: $(cat err)"
}

# The same, and where the vCPU stood on a second line.
ends_showing() {
	run_guest "$1" "${@:3}"
	[ "$(wc -l < err)" = 2 ] || fail "not two lines: $(cat err)"
	grep -qF -- "$2" err || fail "'$2' is not in: $(cat err)"
	grep -qE '^vmtool: vCPU 0: 0x[0-9a-f]+, in the kernel, interrupts (on|off)' err ||
		fail "not where the vCPU stood: $(cat err)"
}

silent() {
	run_guest "$@"
	[ ! -s err ] || fail "said: $(cat err)"
}

test_case 'power-off: 0, without a word' silent 0 print:hello,poweroff
test_case 'no instruction after the power-off' silent 0 poweroff,print:alive
for how in acpi kbd cf9; do
	test_case "reset by $how with --on-reboot exit: 0" silent 0 $how --on-reboot exit
	test_case "reset by $how with stdin no terminal: 0" silent 0 $how
done
test_case 'announced triple fault with --on-reboot exit: 0' silent 0 restart,triple
test_case 'triple fault: 104' ends_saying 104 'triple fault' triple
test_case 'triple fault with --on-reboot reset: 104' \
	ends_saying 104 'triple fault' triple --on-reboot reset
test_case 'triple fault after an announced reboot: 104' \
	ends_saying 104 'triple fault' boot,only:1,restart,triple --on-reboot reset
test_case 'panic and reset: 101' ends 101 panic,acpi --on-reboot reset
test_case 'panic and triple fault: 101' ends 101 panic,triple
test_case 'panic and silence: 101' ends 101 panic,hlt
test_case 'panic and a spinning CPU: 101' ends 101 panic,spin
test_case 'panic and power-off: 101' ends 101 panic,poweroff
test_case 'pvpanic: 101' ends 101 pvpanic:1,spin
test_case 'pvpanic, then power-off: 101' ends 101 pvpanic:1,poweroff
test_case 'pvpanic with a crash kernel loaded: it goes on' ends 0 pvpanic:2,poweroff
test_case 'pvpanic, other events: it goes on' ends 0 pvpanic:4,poweroff
test_case 'halted without power-off: 0' ends 0 halted,hlt
test_case 'timeout of a spinning guest: 103' ends_showing 103 'within 1 seconds' spin --timeout 1
test_case 'timeout of a halted guest: 103' ends_showing 103 'within 1 seconds' hlt --timeout 1
test_case 'timeout with a console that is not stopped: 103' \
	ends_showing 103 'within 1 seconds' flood:0 --timeout 1
test_case 'a hang with interrupts off: 103' ends_showing 103 'with interrupts off' spin --hang 1
test_case 'a halt with interrupts off: 103' ends_showing 103 'halted' hlt --hang 1
test_case 'a guest that prints does not hang' \
	ends_showing 103 'within 3 seconds' flood:0 --hang 1 --timeout 3
test_case 'no timeout before its time: 0' ends 0 poweroff --timeout 1000
test_case 'an instruction KVM cannot emulate: 105, with its bytes' \
	ends_saying 105 'the instruction 66 0f fe 05' sse
test_case 'code where no memory is: 105' ends_saying 105 'rip 0xd0000000' mmio

panic_end_is_fast() {
	local start=${EPOCHREALTIME/./}

	run_guest 101 panic,panicend,spin
	[ $((${EPOCHREALTIME/./} - start)) -lt 1900000 ] ||
		fail "the end of a panic was waited for"
}
test_case 'the end of a panic is not waited for' panic_end_is_fast

advice_names_the_host() {
	! grep -Eqm1 '^flags.* (vmx|svm)( |$)' /proc/cpuinfo ||
		skip "the CPU has hardware virtualization"
	ends_saying 105 'no hardware virtualization' sse
}
test_case '105 on a KVM that interprets code says so' advice_names_the_host

# ---- what a guest finds

prints() {
	run_guest 0 "$1,poweroff" "${@:3}"
	diff <(printf "$2") out
}

test_case 'output is not changed' prints print:a_b,start:c,print:d 'a b\ncd\n'
test_case 'output by a string instruction' \
	prints burst:abcdefghijklmnopqrstuvwxyz_0123456789 'abcdefghijklmnopqrstuvwxyz_0123456789\n'
test_case 'default command line' prints args \
	'console=ttyS0,115200n8r panic=-1 pci=off 8250.nr_uarts=1 do=args,poweroff\n'
test_case '--nodefaults' prints args 'do=args,poweroff\n' --nodefaults
test_case 'several -p' prints args 'do=args,poweroff a=1 b=2\n' --nodefaults -p a=1 -p b=2
test_case 'ports that nobody has read as ones' prints port:92,port:cf8 'port ff\nport ff\n'
test_case 'addresses that nobody has read as ones' \
	prints read:d0000000,write:d0000000,read:d0000000 'read ffffffff\nread ffffffff\n'
test_case 'keyboard controller: ready' prints port:64 'port 00\n'
test_case 'pvpanic tells what it knows' prints port:505 'port 03\n'
test_case 'memory is zero at first' prints read:180000,read:1f0000 'read 00000000\nread 00000000\n'

low_map='map 0000000000000000 000000000009fc00 1
map 000000000009fc00 0000000000000400 2
map 00000000000c0000 0000000000020000 3
map 00000000000e0000 0000000000020000 2
'
test_case 'memory map of 2M' prints memory "${low_map}map 0000000000100000 0000000000100000 1\n"
test_case 'memory map of 3G' \
	prints memory "${low_map}map 0000000000100000 00000000bff00000 1\n" -m 3G
test_case 'memory map of 3G and a page' \
	prints memory "${low_map}map 0000000000100000 00000000bff00000 1
map 0000000100000000 0000000000001000 1\n" -m 3145732K
test_case 'memory map of 5G' \
	prints memory "${low_map}map 0000000000100000 00000000bff00000 1
map 0000000100000000 0000000080000000 1\n" -m 5G
test_case 'the end of memory is memory, and no more' \
	prints write:1ffffc,read:1ffffc,read:200000 'read 600df00d\nread ffffffff\n'
test_case 'the end of memory below the hole' \
	prints write:bffffffc,read:bffffffc,read:c0000000 'read 600df00d\nread ffffffff\n' -m 5G

initrds() {
	printf 'first' > one
	head -c 5000 /dev/zero | tr '\0' 'x' > two
	prints initrd 'initrd 5 73726966\n' -i one
	prints initrd 'initrd 9096 73726966\n' -i one -i two
	prints initrd 'initrd 0\n'
}
test_case 'initrds' initrds

entry_64bit() {
	build_guest guest64 -DNO_PVH
	guest=$PWD/guest64
	printf 'first' > one
	prints print:hello,initrd,memory "hello\ninitrd 5 73726966
${low_map}map 0000000000100000 00000000bff00000 1
map 0000000100000000 0000000080000000 1\n" -m 5G -i one
	run_guest 0 boot,until:3,acpi --on-reboot reset
	expect 'boots' 'boot 1 boot 2 boot 3' "$(paste -sd' ' out)"
}
test_case 'the 64-bit entry' entry_64bit

reserved_only() {
	local rss

	start_guest large print:up,hlt -m 64G
	wait_for "the guest" printed large.out up
	rss=$(awk '/^VmRSS/ { print $2 }' "/proc/$pid/status")
	[ "$rss" -lt 32768 ] || fail "$rss KiB are resident"
	vmtool stop --force large || fail "cannot be stopped"
	end_guest 125 "$pid"
}
test_case 'memory beyond what the host has is reserved only' reserved_only

huge_pages() {
	local free pool=/proc/sys/vm/nr_hugepages before

	before=$(cat $pool) && echo $((before + 8)) 2> /dev/null > $pool
	trap 'echo '"$before"' 2> /dev/null > /proc/sys/vm/nr_hugepages' EXIT
	free=$(awk '/^HugePages_Free/ { f = $2 } /^Hugepagesize/ { print f * $2 / 2048 }' \
		/proc/meminfo)
	mkdir huge && mount -t hugetlbfs none huge 2> /dev/null || skip "cannot mount a hugetlbfs"
	trap 'umount huge; echo '"$before"' 2> /dev/null > /proc/sys/vm/nr_hugepages' EXIT
	vmtool run -c 1 -m 1000000M --hugetlbfs huge -k "$guest" < /dev/null > out 2> err
	expect 'status without enough pages' 125 $?
	one_line err && grep -q 'huge pages' err || fail "said: $(cat err)"
	vmtool run -c 1 -m 3M --hugetlbfs huge -k "$guest" < /dev/null > out 2> err
	expect 'status of an odd size' 125 $?
	grep -q 'multiple of 2048 KiB' err || fail "said: $(cat err)"
	[ "$free" -ge 8 ] || skip "only what is refused was tried: no free huge pages"
	prints boot,until:3,acpi 'boot 1\nboot 2\nboot 3\n' --hugetlbfs huge -m 16M --on-reboot reset
	expect 'files left' '' "$(ls huge)"
}
test_case '--hugetlbfs' huge_pages

# ---- persistent memory: at 4 GiB, as there is less RAM

word_at() {
	od -An -tx4 -j "$2" -N 4 "$1" | tr -d ' '
}

pmem_file() {
	truncate -s "$2" "$1" && printf data | dd of="$1" bs=1 seek=4096 conv=notrunc status=none
}

pmem_is_the_file() {
	pmem_file a 2M && pmem_file b 4M
	# The next one is 128 MiB further.
	prints far:4,read:80001000,write:801ffffc,read:801ffffc,write:88002000 \
		'read 61746164\nread 600df00d\n' --pmem a --pmem b
	expect 'the last word of the first file' 600df00d "$(word_at a 0x1ffffc)"
	expect 'a word of the second file' 600df00d "$(word_at b 0x2000)"
	expect 'the same word of the first file' 00000000 "$(word_at a 0x2000)"
}
test_case '--pmem: a file is memory' pmem_is_the_file

pmem_survives_resets() {
	pmem_file a 2M
	run_guest 0 boot,only:1,far:4,only:1,write:80000000,until:3,only:2,far:4,only:2,read:80000000,acpi \
		--on-reboot reset --pmem a
	grep -qx 'read 600df00d' out || fail "printed: $(cat out)"
}
test_case '--pmem: it survives a reset' pmem_survives_resets

pmem_read_only() {
	pmem_file a 2M
	prints far:4,write:80001000,read:80001000 'read 61746164\n' --pmem a,ro
	expect 'the file' 61746164 "$(word_at a 4096)"
}
test_case '--pmem: writes to a read-only file go nowhere' pmem_read_only

pmem_is_no_ram() {
	pmem_file a 2M
	run_guest 0 memory,poweroff
	mv out without
	run_guest 0 memory,poweroff --pmem a
	diff without out
}
test_case '--pmem: it is not in the memory map' pmem_is_no_ram

pmem_beyond_the_file() {
	pmem_file a 4M
	prints far:4,read:80200000 'read ffffffff\n' --pmem a,size=2M
}
test_case '--pmem: nothing is behind it' pmem_beyond_the_file

# Not every KVM tells us: one takes the page for none at all.
pmem_cut() {
	pmem_file a 2M
	mkfifo in && exec 9<> in
	start_guest cut sum,far:4,read:80100000,poweroff --pmem a <&9
	wait_for 'the guest' printed cut.out ready
	truncate -s 4096 a
	printf '\004' >&9
	wait_for "the guest's end" has_ended "$pid"
	wait "$pid"
	case $? in
	0) printed cut.out 'read ffffffff' || fail "printed: $(cat cut.out)" ;;
	105) one_line cut.err && grep -q 'a page of guest memory is not there' cut.err ||
		fail "said: $(cat cut.err)" ;;
	*) fail "said: $(cat cut.err)" ;;
	esac
}
test_case '--pmem: a file that was cut: 105, or nothing is there' pmem_cut

pmem_in_use() {
	pmem_file a 2M
	mkfifo in && exec 9<> in
	start_guest first sum,poweroff --pmem a <&9
	wait_for 'the guest' printed first.out ready
	ends_saying 125 'in use elsewhere' poweroff --pmem a
	ends_saying 125 'somebody writes to it' poweroff --pmem a,ro
	printf '\004' >&9
	end_guest 0 "$pid"
	run_guest 0 poweroff --pmem a
}
test_case '--pmem: one guest that writes' pmem_in_use

# ---- vCPUs

smp() {
	prints "cpus:$1" "cpus $1\n" -c "$1"
	[ ! -s err ] || fail "said: $(cat err)"
}
for n in 1 2 3 4 5 6 7 8; do
	test_case "$n vCPUs start" smp $n
done

many_cpus() {
	vmtool run -c 300 -m 2M -k "$guest" -p "do=cpus:300,poweroff" < /dev/null > out 2> err
	case $? in
	0) expect 'output' 'cpus 300' "$(cat out)" ;;
	125) grep -q 'at most' err || fail "said: $(cat err)"; skip "$(cat err)" ;;
	*) fail "said: $(cat out err)" ;;
	esac
}
test_case '300 vCPUs start' many_cpus

smp_reset() {
	run_guest 0 "busy:$1,boot,until:4,$2" -c "$1" --on-reboot reset
	expect 'output' "cpus $1 boot 1 cpus $1 boot 2 cpus $1 boot 3 cpus $1 boot 4" \
		"$(grep -v reboot out | paste -sd' ')"
}
test_case '2 vCPUs that run are reset' smp_reset 2 acpi
test_case '8 vCPUs that run are reset' smp_reset 8 cf9
test_case '4 vCPUs are reset by an announced triple fault' smp_reset 4 restart,triple

# ---- resets

resets() {
	run_guest 0 "boot,until:5,$1" --on-reboot reset
	expect 'boots' 'boot 1 boot 2 boot 3 boot 4 boot 5' "$(grep ^boot out | paste -sd' ')"
	expect 'other words' '' "$(cat err)"
}
for how in acpi kbd cf9 restart,triple; do
	test_case "--on-reboot reset: $how" resets $how
done

# A line of what a process has: descriptors, threads, mappings, resident KiB.
holdings() {
	echo "$(find "/proc/$1/fd" -mindepth 1 | wc -l) $(find "/proc/$1/task" -mindepth 1 \
		-maxdepth 1 | wc -l) $(wc -l < "/proc/$1/maps") $(awk '/^Rss/ { print $2 }' \
		"/proc/$1/smaps_rollup")"
}

boots() {
	local line

	line=$(tail -n 2 "$1" | grep -m1 '^boot [0-9]*$')
	[ "${line#boot }" -ge "$2" ] 2> /dev/null
}

thousand_resets() {
	local before after

	start_guest again boot,acpi --on-reboot reset -c 2
	wait_for "100 boots" boots again.out 100
	vmtool pause again || fail "no pause"
	before=$(holdings "$pid")
	vmtool resume again || fail "no resume"
	wait_for "1100 boots" boots again.out 1100
	vmtool pause again || fail "no pause"
	after=$(holdings "$pid")
	vmtool stop --force again || fail "no end"
	end_guest 125 "$pid"
	echo "before: $before, after: $after"
	expect 'descriptors, threads, mappings' "${before% *}" "${after% *}"
	[ "${after##* }" -le $((${before##* } + 64)) ] || fail "memory grew"
}
test_case '1000 resets: nothing grows' thousand_resets

# ---- input and output

echoed() {
	echo "$(stat -c %s "$1") $(sum < "$1" | awk '{ print $1 + 0 }')"
}

make_text() {
	awk -v n="$1" 'BEGIN { for (i = 0; i < n; i++)
		printf "%06d the quick brown fox jumps over the lazy dog\n", i }' > text
	{ cat text; printf '\004'; } > typed
}

# How input comes, of how many lines of 51 bytes.
input() {
	make_text "$2"
	case $1 in
	pipe) cat typed | run_guest 0 sum,poweroff ;;
	slowly) { head -c 3 typed; sleep 0.2; tail -c +4 typed; } | run_guest 0 sum,poweroff ;;
	file) run_guest 0 sum,poweroff < typed ;;
	socket) input_from_socket ;;
	esac || return
	expect 'echo' "echoed $(echoed text)" "$(tail -n 1 out)"
}

input_from_socket() {
	need_python
	limited python3 -c 'if 1:
		import socket, subprocess, sys
		here, there = socket.socketpair()
		guest = subprocess.Popen(sys.argv[2:], stdin=there)
		there.close()
		with open(sys.argv[1], "rb") as f:
			here.sendall(f.read())
		here.shutdown(socket.SHUT_WR)
		sys.exit(guest.wait())' typed \
		"$VMTOOL" run -c 1 -m 2M -k "$guest" -p do=sum,poweroff > out 2> err
	expect 'status' 0 $?
}

test_case '100 kB from a pipe' input pipe 2000
test_case 'a pipe that hesitates' input slowly 200
test_case '20 kB from a file' input file 400
test_case 'input from a socket' input socket 200

echo_input() {
	make_text 400
	run_guest 0 echo,poweroff < typed
	{ echo ready; cat text; echo; echo "echoed $(echoed text)"; } | cmp - out
}
test_case '20 kB come back' echo_input

input_ends() {
	printf 'abc' | run_guest 103 echo,poweroff --timeout 1
	expect 'output' 'ready abc' "$(paste -sd' ' out)"
	run_guest 103 echo,poweroff --timeout 1
	expect 'output' 'ready' "$(cat out)"
	run_guest 0 print:up,poweroff <&-
	expect 'output' 'up' "$(cat out)"
	run_guest 103 echo,poweroff --timeout 1 <&-
	expect 'output' 'ready' "$(cat out)"
}
test_case 'the end of input is not that of the guest' input_ends

input_over_reset() {
	local count

	{ printf 'one\004'; head -c 20000 /dev/zero | tr '\0' x; printf '\004'; } > typed
	run_guest 0 boot,sum,until:2,acpi --on-reboot reset < typed
	grep -qx 'echoed 3 [0-9]*' out || fail "printed: $(cat out)"
	# What was in the FIFO is gone, and nothing else.
	count=$(awk '/^echoed/ { n = $2 } END { print n }' out)
	[ "$count" -ge 19984 ] && [ "$count" -le 20000 ] || fail "$count characters of 20000"
}
test_case 'input for a guest that resets' input_over_reset

# Nothing but vmtool's message may be anywhere.
output_lost() {
	one_line err && grep -qF "console output is lost: $1" err || fail "said: $(cat err)"
}

stdout_full() {
	vmtool run -c 1 -m 2M -k "$guest" -p do=flood:0 < /dev/null > /dev/full 2> err
	expect 'status' 125 $?
	output_lost 'No space left on device'
	vmtool run -c 1 -m 2M -k "$guest" -p do=print:x,poweroff < /dev/null > /dev/full 2> err
	expect 'status of a short run' 125 $?
	output_lost 'No space left on device'
}
test_case 'stdout is full: 125' stdout_full

stdout_closed() {
	vmtool run -c 1 -m 2M -k "$guest" -p do=flood:0 < /dev/null 2> err >&-
	expect 'status' 125 $?
	output_lost 'Bad file descriptor'
}
test_case 'stdout is closed: 125' stdout_closed

reader_leaves() {
	vmtool run -c 1 -m 2M -k "$guest" -p do=flood:0 < /dev/null 2> err | head -n 1 > out
	expect 'status' 125 "${PIPESTATUS[0]}"
	output_lost 'Broken pipe'
	expect 'lines read' 1 "$(wc -l < out)"
}
test_case 'the reader of stdout leaves: 125' reader_leaves

reader_is_slow() {
	run_guest 0 flood:3000,poweroff
	mv out wanted
	vmtool run -c 1 -m 2M -k "$guest" -p do=flood:3000,poweroff < /dev/null |
		{ sleep 0.5; cat; } > out
	cmp wanted out || fail "output was lost"
	expect 'lines' 3000 "$(wc -l < out)"
}
test_case 'a slow reader loses nothing' reader_is_slow

stderr_closed() {
	run_guest 0 print:x,poweroff
	vmtool run -c 1 -m 2M -k "$guest" -p do=triple < /dev/null > out 2>&-
	expect 'status' 104 $?
	expect 'output' '' "$(cat out)"
}
test_case 'messages that nobody reads go nowhere' stderr_closed

reader_is_stuck() {
	local reader

	mkfifo pipe
	sleep 1000 < pipe &
	reader=$!
	env --default-signal=INT "$VMTOOL" run --name stuck -c 1 -m 2M -k "$guest" -p do=flood:0 \
		< /dev/null > pipe 2> err &
	pid=$!
	sleep 0.5
	vmtool list --json > list || fail "it is not listed"
	grep -q '"running"' list || fail "it does not answer: $(cat list)"
	kill -INT $pid
	end_guest 125 $pid
	kill $reader
}
test_case 'a reader that is stuck stops the guest, not vmtool' reader_is_stuck

# ---- a terminal

tty_keys() {
	need_python
	pty echo,poweroff 'expect:ready' raw 'send:hello\r' 'expect:hello' 'send:\x03\x1a\x1c\x13\x11' \
		'expect:\x03\x1a\x1c\x13\x11' 'send:\x01a' 'expect:\x01' 'send:\x01\x01' 'expect:\x01' \
		'send:\x01z' expect:z 'send:\x04' expect:echoed > out
}
test_case 'keys reach the guest, the mode comes back' tty_keys

tty_quit() {
	need_python
	pty "$1" "expect:$2" raw 'send:\x01x' > out
	expect 'status' 125 $?
}
test_case 'Ctrl-a x ends a guest that listens' tty_quit echo ready
test_case 'Ctrl-a x ends a guest that spins' tty_quit print:up,spin up
test_case 'Ctrl-a x ends a guest that prints without end' tty_quit flood:0 00000010

tty_help() {
	need_python
	pty echo,poweroff expect:ready 'send:\x01h' 'expect:Ctrl-a x' 'expect:end the guest' \
		'send:\x01?' 'expect:Ctrl-a x' 'send:\x04' expect:echoed > out
}
test_case 'Ctrl-a h helps' tty_help

tty_signal() {
	need_python
	pty echo,poweroff expect:ready raw "signal:$1" > out
	expect 'status' 125 $?
}
for name in INT TERM HUP; do
	test_case "SIG$name ends it, the mode comes back" tty_signal $name
done

tty_fatal() {
	need_python
	pty echo,poweroff expect:ready raw "signal:$1" > out
	[ $? -gt 128 ] || fail "it has survived"
	# It was killed: the next command sweeps.
	expect 'guests' '' "$(vmtool list --quiet)"
}
for name in SEGV ABRT QUIT ALRM USR2; do
	test_case "SIG$name: the mode comes back" tty_fatal $name
done

tty_paste() {
	need_python
	make_text 2000
	pty sum,poweroff 'expect:ready' paste:typed expect:echoed > out || return
	expect 'echo' "echoed $(echoed text)" "$(grep ^echoed out | tr -d '\r')"
}
test_case '100 kB are pasted' tty_paste

tty_reboot() {
	need_python
	pty boot,until:3,echo,acpi expect:ready 'send:\x04' 'expect:boot 2' expect:ready raw \
		'send:\x04' 'expect:boot 3' > out
}
test_case 'on a terminal a reboot is one' tty_reboot

tty_hangup() {
	need_python
	pty echo,poweroff expect:ready raw hangup > out
	expect 'status' 125 $?
}
test_case 'the terminal is gone: it ends' tty_hangup

tty_unread() {
	need_python
	pty "start:$(head -c "$1" /dev/zero | tr '\0' x),flood:0" expect:00000020 pause:500 \
		'signal:TERM' > out
	expect 'status' 125 $?
}
for n in 0 7 14 21 28 35; do
	test_case "a terminal that is not read does not stop vmtool ($n)" tty_unread $n
done

tty_suspend() {
	need_python
	pty echo,poweroff expect:ready raw signal:TSTP pause:300 cooked signal:CONT pause:300 raw \
		'send:on' expect:on 'send:\x04' expect:echoed > out
}
test_case 'SIGTSTP gives the terminal back, SIGCONT takes it' tty_suspend

tty_not_controlling() {
	need_python
	"$tests_dir/pty.py" expect:ready 'send:hello' expect:hello 'send:\x04' expect:echoed -- \
		setsid -w "$VMTOOL" run -c 1 -m 2M -k "$guest" -p do=echo,poweroff > out
}
test_case 'a terminal that is not the controlling one' tty_not_controlling

# ---- signals

signal_ends() {
	start_guest victim print:up,spin
	wait_for "the guest" printed victim.out up
	kill -"$1" "$pid"
	end_guest 125 "$pid"
	one_line victim.err && grep -q "signal" victim.err || fail "said: $(cat victim.err)"
}
for name in INT TERM HUP; do
	test_case "SIG$name ends it" signal_ends $name
done

signal_ends_paused() {
	start_guest victim print:up,spin
	wait_for "the guest" printed victim.out up
	vmtool pause victim || fail "no pause"
	kill -TERM "$pid"
	end_guest 125 "$pid"
}
test_case 'SIGTERM ends one that is paused' signal_ends_paused

nohup_works() {
	(
		trap '' HUP
		exec "$VMTOOL" run --name survivor -c 1 -m 2M -k "$guest" -p do=print:up,spin \
			< /dev/null > survivor.out 2> survivor.err
	) &
	pid=$!
	wait_for "the guest" printed survivor.out up
	kill -HUP $pid
	sleep 0.3
	vmtool list --json | grep -q '"running"' || fail "SIGHUP has ended it"
	kill -TERM $pid
	end_guest 125 $pid
}
test_case 'nohup is obeyed' nohup_works

run_cases "$@"
