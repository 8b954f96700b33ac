#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What is typed: each mistake is answered by one line on stderr and status 125, and
# leaves nothing behind; what is right does what it should without starting a guest.

set -u

. "$(dirname "$0")/lib.sh" || exit 1
need_guest

# A name that no option parser eats, for use in tables.
long=$(printf '%0200d' 0)

# refused TEXT ARG...: TEXT has to be in the message.
refused() {
	local text=$1 status

	shift
	vmtool "$@" < /dev/null > out 2> err
	status=$?
	[ $status -eq 125 ] || fail "$*: expected status 125, found $status; said: $(cat err)"
	was_refused "$text" "$*"
}

was_refused() {
	[ ! -s out ] || fail "$2: there is output: $(head -c 200 out)"
	one_line err || fail "$2: not one line: $(cat err)"
	[ "$(wc -c < err)" -lt 500 ] || fail "$2: a long line: $(cat err)"
	grep -qF -- "$1" err || fail "$2: '$1' is not in: $(cat err)"
	[ -z "$(ls -A "$VMTOOL_RUNTIME_DIR")" ] || fail "$2: left: $(ls -A "$VMTOOL_RUNTIME_DIR")"
}

# refused_values OPTION TEXT VALUE...: each of the values, in both ways of giving it.
refused_values() {
	local option=$1 text=$2 value

	shift 2
	for value in "$@"; do
		refused "$text" run -k "$guest" "$option=$value"
		refused "$text" run -k "$guest" "$option" "$value"
	done
}

# ---- vmtool itself

test_case 'no command' refused 'a command is missing'
test_case 'no such command' refused 'frobnicate: no such command' frobnicate
test_case 'no such command to help with' refused 'frobnicate: no such command' help frobnicate
test_case 'no such command by prefix' refused 'no such command' ru
test_case 'an option where a command belongs' refused 'no such command' --frobnicate
test_case 'an empty command' refused 'no such command' ''

for name in $("$VMTOOL" --list-cmds); do
	test_case "$name: unknown long option" refused '--frobnicate: unknown option' \
		"$name" --frobnicate
	test_case "$name: unknown long option with a value" \
		refused '--frobnicate: unknown option' "$name" --frobnicate=1
	test_case "$name: unknown short option" refused '-Z: unknown option' "$name" -Z
	test_case "$name: the beginning of any negation" refused 'option' "$name" --no
done
for name in version list; do
	test_case "$name takes no argument" refused 'x' $name x
done
for name in stop pause resume; do
	test_case "$name: no guest named" refused '' $name
	test_case "$name: --name without one" refused 'missing' $name --name
	test_case "$name: a name and --all" refused '' $name --all x
	test_case "$name: a name no guest can have" refused '' $name ../x
done
for name in balloon "stat -m" stat; do
	# shellcheck disable=SC2086
	test_case "$name: no guest named" refused '' $name
	# shellcheck disable=SC2086
	test_case "$name: --name without one" refused 'missing' $name --name
	# shellcheck disable=SC2086
	test_case "$name: no such guest" refused nobody $name -n nobody
done
test_case 'balloon: no size' refused 'not an amount of memory' balloon -a x
test_case 'balloon: too small' refused 'not an amount of memory' balloon -a 4095B
test_case 'balloon: two sizes' refused 'one of SIZE' balloon -a 64 65
test_case 'balloon: a size and --inflate' refused 'one of SIZE' balloon -a 64 -i 1
test_case 'balloon --deflate: nothing' refused 'not an amount of memory' balloon -a -d 0
test_case 'stat: of memory, as JSON' refused '--memory excludes --json' stat -a -m --json
test_case 'stat: of memory, with KVM' refused '--memory excludes --kvm' stat -a -m -k
test_case 'stop --timeout: no number' refused 'not a number' stop -a --timeout x
test_case 'stop --timeout: negative' refused 'timeout' stop -a --timeout -1

for name in stop pause resume; do
	test_case "$name: no such guest" refused nobody $name nobody
done

helps() {
	local name=$1 way

	vmtool "$name" -h < /dev/null > wanted 2> err || fail "-h: status $?"
	[ -s wanted ] && [ ! -s err ] || fail "-h: said: $(cat err)"
	grep -q "^usage: vmtool $name" wanted || fail "-h: printed: $(head -n 1 wanted)"
	for way in "$name --help" "help $name" "$name -h --frobnicate" "$name --help x"; do
		# shellcheck disable=SC2086
		vmtool $way > out 2> err || fail "$way: status $?"
		cmp wanted out || fail "$way prints something else"
		[ ! -s err ] || fail "$way: said: $(cat err)"
	done
	[ "$(wc -L < wanted)" -le 100 ] || fail "a line of $(wc -L < wanted) characters"
}
for name in $("$VMTOOL" --list-cmds); do
	test_case "$name -h, help $name" helps "$name"
done

general_help() {
	local name

	vmtool help > wanted 2> err || fail "help: status $?"
	for name in -h --help; do
		vmtool $name | cmp - wanted || fail "$name prints something else"
	done
	for name in $("$VMTOOL" --list-cmds); do
		grep -q "^  $name " wanted || fail "$name is not in it"
	done
}
test_case 'help names every command' general_help

full() {
	vmtool "$@" > /dev/full 2> err < /dev/null
	expect 'status' 125 $?
	: > out
	was_refused 'cannot write to stdout: No space left on device' "$*"
}
test_case 'version >/dev/full' full version
test_case '--version >/dev/full' full --version
test_case 'help >/dev/full' full help
test_case 'help run >/dev/full' full help run
test_case 'run -h >/dev/full' full run -h
test_case 'list >/dev/full' full list
test_case 'list --json >/dev/full' full list --json
test_case 'run --dry-run >/dev/full' full run --dry-run -k "$guest"
test_case '--list-cmds >/dev/full' full --list-cmds

version_closed() {
	vmtool version >&- 2> err
	expect 'status' 125 $?
	: > out
	was_refused 'cannot write to stdout: Bad file descriptor' version
}
test_case 'version >&-' version_closed

# ---- run: values

# Every option that takes a value, so that a new one has to come here.
valued_options='name cpus mem hugetlbfs kernel initrd params on-reboot timeout dump-acpi dump-dtb loglevel'
valued_options+=' console port hang verdict stats vmlinux exec'
valued_options+=' root rwdir rodir overlay-rwdir cwd user modules'
valued_options+=' pmem scsi vsock disk fs 9p network virtio-transport'

options_are_known() {
	expect 'options with a value' "$(printf '%s\n' $valued_options | sort | paste -sd' ')" \
		"$(vmtool run -h | sed -nE 's/^ *(-.,)? *--([a-z0-9-]+) [^ ].*/\2/p;' |
			grep -vxE 'rw|nodefaults|dry-run|fail-on-warn|verbose|quiet|debug-ioport|debug-mmio' |
			sort | paste -sd' ')"
}
test_case 'each option with a value is tried here' options_are_known

values_are_missing() {
	local option

	for option in $valued_options; do
		refused 'missing' run -k "$guest" --"$option"
	done
	for option in c m k i p; do
		refused "-$option" run -$option
	done
}
test_case 'a value is missing' values_are_missing

flags_take_no_value() {
	local option

	for option in rw nodefaults dry-run fail-on-warn verbose quiet debug-ioport debug-mmio; do
		refused "--$option: takes no value" run --$option=x -k "$guest"
	done
	refused '--no-name: takes no value' run --no-name=x -k "$guest"
}
test_case 'a flag with a value' flags_take_no_value

test_case 'an ambiguous option' refused '--d: ambiguous option' run --d
test_case '-c: no number' refused_values -c -c '' x 1x -1 +1 ' 1' 1.5 0x2 --
test_case '--cpus: none' refused_values --cpus 'at least one vCPU' 0 00
test_case '--cpus: more than KVM runs' refused_values --cpus -c 100000 4294967295 4294967296 \
	4294967297 99999999999999999999
test_case '-m: no size' refused_values --mem -m '' x M 1x 1MM 1KB -1 +1 ' 1' '1 ' 1.5G 0x10 1M, --
test_case '-m: too little' refused_values --mem 'at least 1M' 0 0G 1023K 1B 1048575B
test_case '-m: no whole pages' refused_values --mem 'multiple of the size' 1025K 2097153B
test_case '-m: more than can be addressed' refused_values --mem -m 99999T 3000000T 16777215T \
	16777216T 18446744073709551615 18446744073709547520B 99999999999999999999
test_case '-m: too little for the kernel' refused_values --mem 'use a larger -m' 1 1M 1024K
test_case '--timeout' refused_values --timeout 'not a number of seconds' '' x 0 -1 1.5 1s \
	4294967296 4294967297 315360001 99999999999999999999
test_case '--hang' refused_values --hang 'not a number of seconds' '' x 0 -1 1.5 1s ,idle 1, \
	1,idl 1,idle, 1,idle,idle 315360001 4294967297 99999999999999999999,idle
test_case '--verdict' refused_values --verdict --verdict /nonexistent/x / /tmp/. ''
test_case '--stats' refused_values --stats --stats /nonexistent/x / /tmp/. ''
# What an earlier run has left must not be taken for the verdict of one that never ran.
stale_verdict() {
	echo '{ "status": 0 }' > stale
	refused "$@" --verdict stale
	grep -q '"status": 125,' stale && grep -q '"reason": "error",' stale || fail "$(cat stale)"
}

test_case '--verdict: no kernel' stale_verdict 'is not a regular file' run -k /dev/null
test_case '--verdict: another option is bad' stale_verdict '--hang x' run -k "$guest" --hang x
test_case '--vmlinux' refused_values --vmlinux 'No such file' /nonexistent ''
test_case '--on-reboot' refused_values --on-reboot 'neither reset nor exit' '' x RESET resets
test_case '--loglevel' refused_values --loglevel 'not error' '' x 0 ERROR
test_case '--console' refused_values --console 'neither serial nor virtio' '' x hvc0 VIRTIO
test_case '--port: nowhere' refused_values --port 'say either socket=PATH or file=PATH' a \
	a,socket=s,file=f
test_case '--port: no name' refused_values --port name '' socket=s a/b,file=f $'a\033b,file=f' \
	"$long,file=f"
test_case '--port: a directory' refused_values --port 'cannot open /: ' a,file=/
test_case '--port: no directory' refused_values --port 'cannot create nonexistent/s: ' \
	a,socket=nonexistent/s
test_case '--port: a long path' refused_values --port 'File name too long' "a,socket=/$long"
test_case '--port: twice' refused 'two ports have this name' run -k "$guest" --port a,file=/dev/null \
	--port a,file=/dev/null
test_case '--rng: no rate' refused '--rng: rate=' run -k "$guest" --rng=rate=x
test_case '--rng: twice' refused '--rng: a guest has only one' run -k "$guest" --rng --rng
test_case '--balloon: no such property' refused '--balloon' run -k "$guest" --balloon=x
test_case '--virtio-transport' refused_values --virtio-transport 'pci and mmio are known' '' x PCI
test_case '--disk: no disk' refused_values --disk disk '' nonexistent "$long" / /dev/null ,ro
test_case '--disk: no such property' refused_values --disk disk "$guest,format=qcow2" \
	"$guest,cache=x" "$guest,queues=0" "$guest,io=x" "$guest,what" "$guest,serial="
test_case '--fs: nothing to share' refused_values --fs '' '' nonexistent,t "$guest,t" / /,t,cache=x \
	/,t,queues=0 "/,$long$long" /,
test_case '--9p: nothing to share' refused_values --9p '' '' nonexistent,t "$guest,t" / /,t,fids=0 \
	"/,$long$long" /,
test_case '--root: not for what is no Linux' refused 'is no Linux' run -k "$guest" --root /
test_case '--fs: one tag twice' refused 'tag' run --dry-run -k "$guest" --fs /,t --fs /usr,t
test_case '--network' refused_values --network '' x mode=x user,fwd=x user,fwd=tcp:1 tap,tapif=nosuch0 \
	user,guest_mac=x tap,host_ip=1.2.3 socket,mq=0
test_case '--vsock: no address' refused_values --vsock vsock '' x 0 1 2 4294967295 4294967296 -1 3,4
test_case '--vsock: twice' refused '--vsock: a guest has only one' run -k "$guest" --vsock 3 --vsock 4
test_case '--scsi: no name' refused_values --scsi scsi '' x naa. naa.500140500000000 \
	naa.5001405000000001,queues=0 naa.5001405000000001,queues=63
test_case '--pmem: no file' refused_values --pmem pmem '' nonexistent "$long" / /dev/null ,ro
test_case '--pmem: no size' refused_values --pmem pmem "$guest" "$guest,ro" "$guest,size=1M" \
	"$guest,size=2M" "$guest,ro,alloc"
test_case '--name' refused_values --name name '' . .. a/b /a ../a -a .a 'a b' $'a\nb' $'a\033b' ä \
	"$long"
test_case '--hugetlbfs' refused_values --hugetlbfs hugetlbfs '' /nonexistent . /etc/passwd
test_case '-k: no file' refused_values --kernel 'No such file' '' nonexistent "$long/x"
test_case '-k: a directory' refused_values --kernel 'is a directory' / . ..
test_case '-k: no kernel' refused_values --kernel /etc/passwd /etc/passwd
test_case '-k: a device' refused_values --kernel /dev/ /dev/null /dev/zero /dev/full
test_case '-i: no file' refused_values --initrd 'No such file' '' nonexistent
test_case '-i: a directory' refused_values --initrd 'is a directory' / . ..
test_case '-i: a device' refused_values --initrd /dev/ /dev/null /dev/zero /dev/full
test_case '-p: too long' refused_values --params 'too long' "$(printf '%03000d' 0)" \
	"$(printf '%0100000d' 0)"
test_case '--dump-dtb where there is none' refused_values --dump-dtb 'no device tree' file
test_case '--dump-acpi' refused_values --dump-acpi dump-acpi '' nonexistent /etc/passwd

default_name_is_shown() {
	vmtool run --dry-run --name dry -k "$guest" > out || fail "status $?"
	grep -qx 'name: dry' out || fail "printed: $(head -n 1 out)"
}
test_case '--dry-run tells the name' default_name_is_shown

# ---- run: files

test_case 'two kernels' refused 'one kernel' run "$guest" "$guest"
test_case 'two kernels, one by -k' refused 'by -k already' run -k "$guest" "$guest"
test_case 'a command that is missing' refused 'COMMAND is missing' run -k "$guest" --
test_case 'two commands' refused 'exclude each other' run -k "$guest" -e true -- true
test_case 'exec without a guest' refused 'no guest given' exec -- true
test_case 'exec in no guest' refused 'no guest of that name' exec nobody -- true
test_case 'exec without --' refused 'write -- before' exec nobody true
test_case 'console of no guest' refused 'no guest of that name' console nobody

fifo() {
	mkfifo fifo
	refused 'fifo' run -k fifo
	refused 'fifo' run -k "$guest" -i fifo
}
test_case 'a fifo as kernel or initrd is not waited for' fifo

truncated() {
	local size

	size=$(stat -c %s "$guest")
	for n in 0 1 3 4 15 16 63 64 100 175 176 231 1000 4096 $((size / 2)) 8191; do
		head -c $n "$guest" > short
		refused short run -k short
	done
}
test_case 'a truncated kernel' truncated

initrd_is_large() {
	truncate -s 1G large
	refused 'do not fit' run -m 64M -k "$guest" -i large
	truncate -s 16000000T large 2> /dev/null || truncate -s 8E large 2> /dev/null ||
		truncate -s 15T large || skip "no file of that size here"
	refused 'do not fit' run -m 64M -k "$guest" -i large
	truncate -s 4G large
	refused 'do not fit' run -m 5G -k "$guest" -i large -i large
}
test_case 'an initrd that is larger than memory' initrd_is_large

many_initrds() {
	local i args=()

	echo x > rd
	for ((i = 0; i < 16; i++)); do
		args+=(-i rd)
	done
	vmtool run --dry-run -k "$guest" "${args[@]}" > out 2> err || fail "16: said: $(cat err)"
	refused 'more than 16' run -k "$guest" "${args[@]}" -i rd
	vmtool run --dry-run -k "$guest" "${args[@]}" --no-initrd -i rd > out 2> err ||
		fail "--no-initrd: said: $(cat err)"
}
test_case 'as many initrds as there may be' many_initrds

no_default_kernel() {
	unshare -m true 2> /dev/null || skip "no mount namespaces"
	limited unshare -m sh -c 'mount -t tmpfs none /boot && exec "$0" run' "$VMTOOL" \
		< /dev/null > out 2> err
	expect 'status' 125 $?
	was_refused 'kernel' run
}
test_case 'no kernel by default' no_default_kernel

# ---- run: the host

# in_namespace SCRIPT TEXT: run in a mount namespace that SCRIPT has changed.
in_namespace() {
	unshare -m true 2> /dev/null || skip "no mount namespaces"
	: > empty
	limited unshare -m sh -c "$1"' || exit 1; exec "$0" run -k "$1"' "$VMTOOL" "$guest" \
		< /dev/null > out 2> err
	expect 'status' 125 $?
	was_refused "$2" "$1"
}
test_case 'no /dev/kvm' in_namespace 'mount -t tmpfs none /dev && mknod /dev/null c 1 3' \
	'/dev/kvm: No such file'
test_case '/dev/kvm is something else' in_namespace 'mount --bind empty /dev/kvm' \
	'/dev/kvm: not KVM'
test_case '/dev/kvm is a directory' in_namespace \
	'mount -t tmpfs none /dev && mknod /dev/null c 1 3 && mkdir /dev/kvm' '/dev/kvm: '
test_case 'no place for the control socket' in_namespace \
	'mount -t tmpfs -o ro,mode=700 none "$VMTOOL_RUNTIME_DIR"' 'Read-only file system'

# as_nobody TEXT ARG...: what a user without rights is told.
as_nobody() {
	local text=$1 dir

	shift
	[ "$(id -u)" -eq 0 ] || skip "only root can become somebody else"
	dir=$(mktemp -d /tmp/vmtool-nobody.XXXXXX)
	chmod 755 "$dir"
	# shellcheck disable=SC2064
	trap "rm -rf '$dir'" EXIT
	cp "$VMTOOL" "$dir/vmtool"
	cp "$guest" "$dir/guest"
	install -m 600 "$guest" "$dir/secret"
	install -d -m 700 -o nobody "$dir/run"
	install -d -m 755 "$dir/acpi"
	(cd "$dir" && VMTOOL_RUNTIME_DIR=$dir/run limited setpriv --reuid=nobody \
		--regid=nogroup --clear-groups ./vmtool "$@") < /dev/null > out 2> err
	expect 'status' 125 $?
	was_refused "$text" "$*"
	[ -z "$(ls -A "$dir/run")" ] || fail "left: $(ls -A "$dir/run")"
}
test_case 'a kernel that may not be read' as_nobody 'Permission denied' run -k secret
test_case 'an initrd that may not be read' as_nobody 'Permission denied' run -k guest -i secret
test_case 'a directory that may not be written' \
	as_nobody 'Permission denied' run -k guest --dump-acpi acpi

kvm_is_not_ours() {
	[ "$(stat -c %A /dev/kvm)" = crw------- ] || [ "$(stat -c %a /dev/kvm)" = 660 ] ||
		skip "everybody may use /dev/kvm"
	as_nobody '/dev/kvm: Permission denied' run -k guest
}
test_case '/dev/kvm may not be used' kvm_is_not_ours

runtime_dir() {
	VMTOOL_RUNTIME_DIR=$PWD/open
	mkdir -m 755 open
	refused 'open' run -k "$guest"
	VMTOOL_RUNTIME_DIR=$PWD/file
	touch file
	vmtool run -k "$guest" < /dev/null > out 2> err
	expect 'status' 125 $?
	one_line err || fail "not one line: $(cat err)"
	VMTOOL_RUNTIME_DIR=$PWD/no/such
	vmtool run -k "$guest" < /dev/null > out 2> err
	expect 'status' 125 $?
	one_line err || fail "not one line: $(cat err)"
}
test_case 'a bad runtime directory' runtime_dir

name_in_use() {
	start_guest taken print:up,spin
	wait_for "the guest" printed taken.out up
	vmtool run --name taken -k "$guest" < /dev/null > out 2> err
	expect 'status' 125 $?
	one_line err && grep -q "'taken' is in use" err || fail "said: $(cat err)"
	[ ! -s out ] || fail "there is output"
	kill "$pid"
	end_guest 125 "$pid"
}
test_case 'a name in use' name_in_use

few_descriptors() {
	local n status

	# Wherever it runs out of them, there is one line and no trace.
	for ((n = 3; n < 24; n++)); do
		(ulimit -n $n; exec timeout -k 5 20 "$VMTOOL" run -c 2 -m 2M -k "$guest" -p do=poweroff) \
			< /dev/null > out 2> err
		status=$?
		# The dynamic linker and timeout have their own messages.
		[ $status -ne 127 ] && [ -s err ] || [ $status -eq 0 ] || continue
		[ $status -ne 0 ] || return 0
		expect "status with $n descriptors" 125 $status
		was_refused '' "$n descriptors"
	done
	fail "24 descriptors are not enough"
}
test_case 'out of descriptors' few_descriptors

little_memory() {
	(ulimit -v 200000; exec timeout -k 5 20 "$VMTOOL" run -c 1 -m 1G -k "$guest") \
		< /dev/null > out 2> err
	expect 'status' 125 $?
	was_refused 'cannot reserve 1024 MiB' 'ulimit -v'
}
test_case 'no address space for the memory' little_memory

# ---- run: what is right

dry_run() {
	vmtool run --dry-run -c 3 -m 5G -k "$guest" -p a=b > out 2> err || fail "said: $(cat err)"
	grep -qx 'cpus: 3' out && grep -qx 'memory: 5368709120 bytes' out &&
		grep -q '^command line: .* a=b$' out &&
		grep -q 'memory map: 0x000100000000-0x00017fffffff type 1' out ||
		fail "printed: $(cat out)"
	vmtool run --dry-run -c 3 -m 5368709120B "$guest" -p a=b 2> err | cmp - out
}
test_case '--dry-run' dry_run

# has_console KIND PARAM ARG...: who has the terminal, and what the kernel is told.
has_console() {
	local kind=$1 param=$2

	shift 2
	vmtool run --dry-run -k "$guest" "$@" > out 2> err || fail "said: $(cat err)"
	grep -qx "console: $kind" out || fail "$*: $(grep ^console: out)"
	grep -q "^command line: .*\\b$param\\b" out || fail "$*: $(grep '^command line:' out)"
}
bus_for_the_console() {
	has_console virtio panic=-1 --console virtio
	grep -q 'pci=off' out && fail "pci=off: $(grep '^command line:' out)"
	has_console virtio pci=off --console virtio --virtio-transport mmio
}
test_case 'a PCI bus for the console' bus_for_the_console
# The tiny kernel has no driver for the virtio console.
test_case 'console by default' has_console serial console=ttyS0
test_case '--console serial' has_console serial console=ttyS0 --console serial
test_case '--console virtio' has_console virtio 'earlycon=uart8250,mmio,0xc0100000 console=hvc0' \
	--console virtio
test_case 'console in --params' has_console virtio console=hvc0 -p 'console=ttyS0 console=hvc0'
test_case 'last console in --params' has_console serial console=ttyS0 \
	-p 'console=hvc0 console=ttyS0,115200'
test_case 'netconsole is none' has_console serial console=ttyS0 -p netconsole=hvc0
test_case '--console before --params' has_console serial console=hvc0 --console serial -p console=hvc0

ports_are_one_device() {
	vmtool run --dry-run -k "$guest" --port a,file=f --port b,socket=s > out 2> err ||
		fail "said: $(cat err)"
	expect 'consoles' 1 "$(grep -c '^device: console' out)"
	[ ! -e f ] && [ ! -e s ] || fail "made: $(ls)"
}
test_case '--dry-run with ports' ports_are_one_device

dry_run_needs_no_kvm() {
	unshare -m true 2> /dev/null || skip "no mount namespaces"
	unshare -m sh -c 'mount -t tmpfs none /dev && mknod /dev/null c 1 3 &&
		exec env PATH=/none "$0" run --dry-run -k "$1" -n mode=user -n mode=tap --vsock 42' \
		"$VMTOOL" "$guest" > out 2> err ||
		fail "said: $(cat err)"
}
test_case '--dry-run needs no device and no passt' dry_run_needs_no_kvm

abbreviated() {
	vmtool run --dry -k "$guest" --cpu 2 --me=64M --no-verbose --no-timeout > out 2> err ||
		fail "said: $(cat err)"
	grep -qx 'cpus: 2' out && grep -qx 'memory: 67108864 bytes' out || fail "printed: $(cat out)"
}
test_case 'options may be abbreviated and negated' abbreviated

traced() {
	run_guest 0 write:d0000000,read:d0000000,port:92,poweroff --debug-ioport --debug-mmio
	grep -qx 'vmtool: mmio 0xd0000000 <- 0x600df00d (nobody)' err &&
		grep -qx 'vmtool: mmio 0xd0000000 -> 0xffffffff (nobody)' err &&
		grep -qx 'vmtool: port 0x92 -> 0xff (nobody)' err &&
		grep -qx 'vmtool: port 0x3f8 <- 0x72 (serial)' err &&
		grep -qx 'vmtool: port 0x600 <- 0x34 (acpi)' err ||
		fail "said: $(cat err)"
	run_guest 0 write:d0000000,port:92,poweroff --debug-mmio
	expect 'lines' 1 "$(wc -l < err)"
}
test_case '--debug-ioport, --debug-mmio' traced

# asked FILTER FILE: jq(1) finds it true
asked() {
	jq -e "$1" "$2" > asked || fail "$1: $(cat asked)"
}

# What the guest does is known.
stats() {
	run_guest 0 write:d0000000,write:d0000000,read:d0000000,port:92,print:hello,poweroff --stats s
	asked '.mmio.nobody == {"reads": 1, "writes": 2, "late-writes": 0}' s
	asked '.mmio.busiest == [{"address": 3489660928, "region": null, "reads": 1, "writes": 2,
		"late-writes": 0}]' s
	asked '.port.nobody.reads == 1' s
	asked '.port.busiest | any(.address == 146 and .region == null and .reads == 1)' s
	asked '.port.regions | any(.name == "acpi" and .writes == 1)' s
	# Each character is a write, be it kept or not, and may have asked for the status first.
	asked '.port.regions | any(.name == "serial" and .writes + ."late-writes" >= 6)' s
	asked '.vcpus | length == 1 and .[0].reasons.mmio == 3 and .[0].reasons.io == 2' s
	asked '.vcpus[0] | .exits == ([.reasons | to_entries[] | select(.key != "intr").value] | add)' s
	asked '."timeline-ns" | .create <= .vcpus and .vcpus <= .loaded and .loaded <= .entry and
		.entry <= .console and .console <= .exit and .command == null' s
	asked '.kvm | type == "object"' s
	run_guest 0 poweroff --stats /dev/null
	run_guest 125 poweroff --stats /dev/full
	one_line err && grep -q -- '--stats /dev/full: No space' err || fail "said: $(cat err)"
}
test_case '--stats counts what a guest does' stats

quiet() {
	start_guest calm print:up,spin "$@"
	wait_for "the guest" printed calm.out up
	kill "$pid"
	end_guest 125 "$pid"
	expect 'words' '' "$(cat calm.err)"
}
test_case '-q' quiet -q
test_case '--loglevel error' quiet --loglevel error
test_case '--loglevel warning' quiet --loglevel=warning

# ---- ACPI tables

# decompiles FILE: and compiles again, without a complaint.
decompiles() {
	local name=${1%.aml}

	iasl -d "$1" > log 2>&1 || fail "$1 cannot be taken apart: $(cat log)"
	! grep -iE 'warning|error|invalid|incorrect' log || fail "$1: $(cat log)"
	iasl "$name.dsl" > log 2>&1 || fail "$1 cannot be put together: $(cat log)"
	grep -q '0 Errors' log || grep -q 'Table Header' log || fail "$1: $(cat log)"
	! grep -E '[1-9][0-9]* (Errors|Warnings|Remarks)' log || fail "$1: $(cat log)"
}

acpi_tables() {
	local file

	command -v iasl > /dev/null || skip "iasl is missing"
	mkdir tables
	vmtool run --dump-acpi tables -c "$1" -k "$guest" > out 2> err || fail "said: $(cat err)"
	expect 'tables' 'apic.aml dsdt.aml facp.aml rsdp.aml xsdt.aml' "$(ls tables | paste -sd' ')"
	cd tables || return
	for file in apic dsdt facp xsdt; do
		decompiles $file.aml
	done
	expect 'processors' "$1" "$(grep -c 'Processor Enabled : 1' apic.dsl)"
	expect 'different ones' "$1" "$(grep -A4 -E 'Subtable Type : 0(0|9) ' apic.dsl |
		grep -E 'Local Apic ID|Processor x2Apic ID' | sort -u | wc -l)"
	for file in PNP0501 PNP0C0C ACPI0013 QEMU0001; do
		grep -q $file dsdt.dsl || fail "no $file in the DSDT"
	done
}
for n in 1 2 8 254 255 256 300 1024 4096; do
	test_case "ACPI tables for $n vCPUs" acpi_tables $n
done

acpi_overflows() {
	mkdir tables
	refused 'ACPI tables' run --dump-acpi tables -c 100000 -k "$guest"
	refused 'ACPI tables' run --dump-acpi tables -c 4294967295 -k "$guest"
}
test_case 'too many vCPUs for the ACPI tables' acpi_overflows

acpi_disk_full() {
	unshare -m true 2> /dev/null || skip "no mount namespaces"
	mkdir tables
	limited unshare -m sh -c 'mount -t tmpfs -o size=4k none tables && exec "$0" "$@"' "$VMTOOL" run \
		--dump-acpi tables -c 1000 -k "$guest" > out 2> err
	expect 'status' 125 $?
	was_refused 'No space left on device' 'a full file system'
}
test_case '--dump-acpi on a full file system' acpi_disk_full

run_cases "$@"
