#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Linux guests on a real KVM: kernels, vCPUs, memory, the ways to end, and the
# commands that deal with running guests. Runs on a KVM host; where this machine
# is none, it starts itself again in the emulated one.
#
# VMTOOL	the vmtool to test
# TEST_ARCH	architecture of the KVM host (see linux/lib.sh)
# LINUX_TESTS	names of the groups to run (default: all)

set -u

here=$(cd "$(dirname "$0")" && pwd)
VMTOOL=$(readlink -f "${VMTOOL:-$here/../vmtool}")
export VMTOOL

script=$here/linux_test.sh
again=y
. "$here/linux/lib.sh"
# A machine of another architecture takes as long to boot as a few cases.
all_groups="terminal+endings control+sizes+debian"
[ "$arch" != x86 ] || all_groups="tree formats sizes endings terminal control debian"
groups=${LINUX_TESTS:-$all_groups}

# plant_tree VERSION DIR: a kernel tree with its kernel built and a clone of this
# checkout in tools/vmtool, built there. The tree's files are links to the cache.
plant_tree() {
	local x=$1 tree=$2 kernel

	kernel=$(cache_build_kernel "$x") && cp -as "$(cache_source "$x")" "$tree" &&
	mkdir -p "$tree/arch/x86/boot" && cp "$kernel/bzImage" "$tree/arch/x86/boot/" &&
	git -C "$here/.." archive HEAD --prefix=tools/vmtool/ | tar -C "$tree" -x &&
	make -C "$tree/tools/vmtool" -j"$(nproc)"
}

fetch_x86() {
	local built debian format tree x

	built=$(cache_build_kernel 6.1) && debian=$(cache_debian_kernel x86) &&
	"$here/linux/initrd.sh" "$dir/initrd" && "$here/linux/initrd.sh" "$dir/one" one=first || return
	(cd "$dir" && mkdir two.d && echo second > two.d/two && cd two.d &&
		echo two | cpio -o -H newc --quiet > ../two)
	for format in gzip bzip2 lzma xz lzo lz4 zstd; do
		ln -s "$(cache_kernel_payload 6.1 $format)" "$dir/bzImage.$format" || return
	done
	ln -s "$built/bzImage" "$dir/bzImage"
	# The smallest vmtool inflates nothing: the bzImage has to do that itself.
	tree=$(cache_source 6.1) || return
	{ make -C "$here/.." KDIR="$tree" O="$dir/tiny" tinyconfig &&
	  make -C "$here/.." KDIR="$tree" O="$dir/tiny" -j"$(nproc)"; } \
		> "$dir/tiny.log" 2>&1 < /dev/null || { cat "$dir/tiny.log" >&2; return 1; }
	ln -s "$built/vmlinux" "$dir/vmlinux"
	ln -s "$debian/vmlinuz" "$dir/debian"
	[[ " $groups " == *" tree "* ]] || return 0
	for x in 6.1 6.12; do
		plant_tree $x "$dir/linux-$x" > "$dir/tree.log" 2>&1 < /dev/null ||
			{ cat "$dir/tree.log" >&2; return 1; }
	done
}

# The drivers of the power button, which are modules of Debian's kernel.
button_modules() {
	[ "$arch" = arm ] || return 0
	"$here/linux/modules.sh" --only "$dir/modules" "$debian" gpio_pl061 gpio_keys evdev &&
	cat "$dir/modules" >> "$dir/initrd"
}

# A kernel and an initrd of 32-bit ARM, which a CPU of arm64 may run.
fetch_armhf() {
	local unpacked

	[ "$arch" = arm ] || return 0
	unpacked=$(cache_deb armhf linux-image-armmp-lpae) &&
	ln -s "$unpacked"/boot/vmlinuz-* "$dir/armhf" &&
	BUSYBOX=$(cache_deb armhf busybox-static)/bin/busybox \
		"$here/linux/initrd.sh" "$dir/initrd.armhf"
}

# --- outside: fetch what is needed, then go to a machine with KVM ----------------
if [ -z "${LINUX_TEST_DIR:-}" ]; then
	. "$here/host/cache.sh"
	. "$here/host/kernel.sh"
	cache_packages busybox-static cpio python3 >&2 || exit 1
	dir=$(mktemp -d /var/tmp/vmtool-linux.XXXXXX)
	trap 'rm -rf "$dir"' EXIT
	if [ "$arch" = x86 ]; then
		fetch_x86
	else
		fetch_foreign && "$here/linux/initrd.sh" "$dir/initrd" && button_modules &&
			fetch_armhf
	fi || exit 1
	run_groups
	exit
fi

# --- inside ---------------------------------------------------------------------
dir=$LINUX_TEST_DIR
enter
mem=256M
[ "$arch" != powerpc ] || mem=512M

group_tree() {
	local x

	for x in 6.1 6.12; do
		(cd "$dir/linux-$x" && timeout 100 tools/vmtool/vmtool run -i "$dir/initrd" \
			-m $mem -c 1 -p "quiet do=uname" < /dev/null > "$work/out" 2>&1) &&
			grep -q "^Linux .* ${x/./\\.}\." "$work/out" &&
			ok "a clone in tools/vmtool of $x boots that tree's kernel" ||
			not_ok "a clone in tools/vmtool of $x boots that tree's kernel" "see below"
	done
}

group_formats() {
	local format

	for format in gzip bzip2 lzma xz lzo lz4 zstd; do
		guest 0 "^Linux .* 6.1" "bzImage with a payload of $format" \
			-k "$dir/bzImage.$format" -c 1 -m $mem -p "quiet do=uname"
	done
	VMTOOL="$dir/tiny/vmtool" guest 0 "^Linux .* 6.1" \
		"the smallest vmtool lets a bzImage inflate itself" \
		-k "$dir/bzImage" -c 1 -m $mem -p "quiet do=uname"
	guest 0 "^Linux .* 6.1" "vmlinux, named as the argument" \
		-c 1 -m $mem -p "quiet do=uname" "$dir/vmlinux"
	guest 0 "^second$" "two initrds are concatenated" \
		-k "$dir/bzImage" -c 1 -m $mem -i "$dir/two" -i "$dir/one" -p "quiet do=initrds"
	guest 0 "guest: up" "a kernel without ACPI boots by the MP table" \
		-k "$dir/bzImage" -c 2 -m $mem -p "quiet acpi=off do=poweroff"
	guest 0 "guest: 2 cpus" "the MP table names the other vCPU" \
		-k "$dir/bzImage" -c 2 -m $mem -p "quiet acpi=off do=cpus"
}

group_sizes() {
	local n now

	# An emulated CPU takes minutes to be eight. Elsewhere group_debian has four, and the
	# guest with 6 GiB one.
	for n in $(at_length echo 1 4) $(on_x86 echo 2 3 8); do
		guest 0 "guest: $n cpus" "$n vCPUs" \
			-k "$dir/bzImage" -c $n -m $mem -p "quiet do=cpus"
	done
	[ "$arch" != powerpc ] || guest 0 "guest: 4 cpus" "4 vCPUs with an emulated XICS" \
		-k "$dir/bzImage" -c 4 -m $mem --irqchip xics-user -p "quiet do=cpus"
	# Debian's kernel wants more.
	on_x86 guest 0 "MemTotal: +[0-9]{5} kB" "64 MiB of memory" \
		-k "$dir/bzImage" -c 1 -m 64M -p "quiet do=mem"
	on_x86 guest 0 "MemTotal: +[34][0-9]{6} kB" "4 GiB, split by the hole below 4 GiB" \
		-k "$dir/bzImage" -c 1 -m 4G -p "quiet do=mem"
	guest 0 "MemTotal: +6[0-9]{6} kB" "6 GiB" \
		-k "$dir/bzImage" -c 1 -m 6G -p "quiet do=cpus do=mem do=date"
	check "they are of 1 vCPU" grep -aq "guest: 1 cpus" "$work/out"
	check "the guest tells the time" grep -aqE "guest: now [0-9]+" "$work/out"
	now=$(tr -d '\r' < "$work/out" | sed -n 's/^guest: now //p')
	n=$(($(date +%s) - ${now:-0}))
	if [ $n -ge -5 ] && [ $n -le 60 ]; then
		ok "wall clock is the host's"
	else
		not_ok "wall clock is the host's" "off by $n s"
	fi
	[ "$arch" = x86 ] || return
	guest 0 "kvm-clock" "the paravirtual clock is in use" \
		-k "$dir/bzImage" -c 1 -m $mem -p "quiet do=clock"
	# An emulated host's TSC is too coarse to be calibrated by a timer.
	n=$(awk '/cpu MHz/ { print int($4 * 1000); exit }' /proc/cpuinfo)
	guest 0 "guest: now [0-9]+" "a kernel without a paravirtual clock boots" \
		-k "$dir/bzImage" -c 1 -m $mem -p "quiet no-kvmclock tsc_early_khz=$n do=date"
	now=$(tr -d '\r' < "$work/out" | sed -n 's/^guest: now //p')
	n=$(($(date +%s) - ${now:-0}))
	if [ $n -ge -5 ] && [ $n -le 60 ]; then
		ok "its wall clock is the host's, too"
	else
		not_ok "its wall clock is the host's, too" "off by $n s"
	fi
}

group_endings() {
	local k="-k $dir/bzImage -c 1 -m $mem"

	at_length guest 0 "" "power-off" $k -p "quiet do=poweroff"
	on_x86 guest 0 "" "power-off without ACPI" $k -p "quiet acpi=off do=poweroff"
	guest 0 "" "halt" $k -p "quiet do=halt"
	at_length guest 101 "Kernel panic - not syncing" "panic" $k -p "do=panic"
	guest 101 "Kernel panic - not syncing" "panic of a kernel that stays" \
		$k -p "quiet panic=0 do=panic"
	on_x86 guest 101 "Kernel panic - not syncing" "panic of a kernel that waits" \
		$k -p "panic=30 do=panic"
	at_length guest 101 "Kernel panic - not syncing" "no root file system" \
		$k -p "quiet rdinit=/nothing root=/dev/nothing"
	guest 0 "" "reboot, --on-reboot exit" $k -p "quiet do=reboot" --on-reboot exit
	on_x86 guest 0 "" "reboot by the keyboard controller" $k -p "quiet reboot=k do=reboot"
	on_x86 guest 0 "" "reboot by triple fault, announced" $k -p "reboot=t do=reboot"
	on_x86 guest 0 "" "reboot by port 0xcf9" $k -p "quiet reboot=p do=reboot"
	at_length guest 103 "did not end within 8 seconds" "timeout" $k -p "quiet do=sleep" --timeout 8
}

group_terminal() {
	local sum ways

	start -k "$dir/bzImage" -c 2 -m $mem --on-reboot reset -p "quiet do=ask"
	if expect "guest: up" 1 && tell reboot && expect "guest: up" 2 && tell reboot &&
	   expect "guest: up" 3 && tell reboot && expect "guest: up" 4 && tell poweroff &&
	   finish; then
		ok "three reboots in one process, then power-off"
	else
		finish
		not_ok "three reboots in one process, then power-off" "status $?"
	fi

	[ "$arch" = x86 ] && ways="reboot=k reboot=t acpi=off" || ways=
	for ways in $ways; do
		start -k "$dir/bzImage" -c 2 -m $mem --on-reboot reset -p "$ways do=ask"
		if expect "guest: up" 1 && tell reboot && expect "guest: up" 2 &&
		   tell poweroff && finish; then
			ok "a reboot with $ways comes back"
		else
			finish
			not_ok "a reboot with $ways comes back" "status $?"
		fi
	done

	head -c 75000 /dev/urandom | base64 -w 78 > "$work/paste"
	sum=$(head -c 100000 "$work/paste" | md5sum)
	start -k "$dir/bzImage" -c 1 -m $mem -p "quiet do=paste"
	if expect "guest: paste" && head -c 100000 "$work/paste" >&9 && expect "${sum%% *}"; then
		ok "100 kB pasted to a raw terminal arrive"
	else
		not_ok "100 kB pasted to a raw terminal arrive" "$sum expected"
	fi
	finish

	at_length paste_lines
}

paste_lines() {
	local sum

	sum=$(md5sum < "$work/paste")
	start -k "$dir/bzImage" -c 1 -m $mem -p "quiet do=paste-lines"
	if expect "guest: paste" && cat "$work/paste" >&9 && tell end && expect "${sum%% *}"; then
		ok "100 kB pasted by line to a slow reader arrive"
	else
		not_ok "100 kB pasted by line to a slow reader arrive" "$sum expected"
	fi
	finish
}

qmp() { python3 "$(dirname "$0")/linux/qmp.py" "$VMTOOL_RUNTIME_DIR/$1.sock" "${@:2}"; }

silent_for() { local a b; a=$(wc -c < "$work/out"); sleep "$1"; b=$(wc -c < "$work/out"); [ "$a" = "$b" ]; }
prints_within() { local a; a=$(wc -c < "$work/out"); sleep "$1"; [ "$(wc -c < "$work/out")" -gt "$a" ]; }

deaf_guest() {
	start -k "$dir/bzImage" -c 1 -m $mem --name deaf -p "quiet do=ask" --on-reboot reset
	check "a guest without a handler of the button boots" expect "guest: up"
	check "stop says that it does not power off" sh -c \
		'"$VMTOOL" stop --timeout 2 deaf; [ $? = 1 ]'
	check "it is reset nevertheless" qmp deaf system_reset
	check "it boots again" expect "guest: up" 2
	tell poweroff
	finish
	check "it powers off by itself" test $? = 0
}

group_control() {
	start -k "$dir/bzImage" -c 2 -m $mem --name ticker -p "quiet do=ticks"
	check "guest runs" expect tick
	check "list shows it" sh -c '"$VMTOOL" list | grep -qE "^ticker +[0-9]+ +running .*6\.1"'
	check "list --json is JSON" sh -c '"$VMTOOL" list --json | python3 -m json.tool | grep -q ticker'
	check "pause" "$VMTOOL" pause ticker
	check "a paused guest is silent" silent_for 2
	check "list shows that it is paused" sh -c '"$VMTOOL" list | grep -q paused'
	check "resume" "$VMTOOL" resume -n ticker
	check "a resumed guest goes on" prints_within 3
	check "every QMP command" qmp ticker all
	check "reset by QMP" qmp ticker system_reset
	check "it booted again" expect "guest: up" 2
	check "a name in use is refused" sh -c \
		'"$VMTOOL" run -k "$LINUX_TEST_DIR/bzImage" --name ticker < /dev/null 2>&1 | grep -q "in use"'
	check "stop --force" "$VMTOOL" stop --force ticker
	finish
	check "its status is 125" test $? = 125
	check "its socket is gone" test -z "$(ls -A "$VMTOOL_RUNTIME_DIR")"

	# A powerpc kernel needs no program to listen.
	[ "$arch" = powerpc ] || deaf_guest

	start -k "$dir/bzImage" -c 1 -m $mem --name button -p "quiet do=button"
	check "guest waits for its power button" expect "waits for the power button"
	check "stop presses the power button and waits" "$VMTOOL" stop button
	finish
	check "the guest powered off by itself" test $? = 0

	at_length killed_guest
}

killed_guest() {
	start -k "$dir/bzImage" -c 1 -m $mem --name killed -p "quiet do=sleep"
	expect "guest: up"
	kill -9 $pid
	wait $pid 2>/dev/null
	check "a killed guest is not listed" sh -c '! "$VMTOOL" list | grep -q killed'
	check "its socket is swept" test -z "$(ls -A "$VMTOOL_RUNTIME_DIR")"
	finish
}

# Lines of the kernel's log that tell of something it misses or mistrusts.
complaints() {
	tr -d '\r' < "$work/out" |
		grep -aiE -e "calibrat|firmware bug|bios bug|BIOS.*(broken|wrong)|mtrr.*disabled" \
			-e "ACPI.*(error|exception|warning)|WARNING|fail" |
		grep -avE "Calibrating delay loop \(skipped\)|Fatal: No config space access"
}

group_debian() {
	local found

	guest 0 "^guest: 4 cpus$" "Debian's kernel, -c 4 -m 2G" \
		-k "$dir/debian" -c 4 -m 2G -p "do=cpus do=date"
	found=$(complaints)
	if [ -z "$found" ]; then
		ok "its dmesg has nothing to complain of"
	else
		not_ok "its dmesg has nothing to complain of" "$found"
	fi
	# Other architectures know their timer's frequency without one.
	if [ "$arch" != x86 ] || grep -aq "Calibrating delay loop (skipped)" "$work/out"; then
		ok "no calibration loop runs"
	else
		not_ok "no calibration loop runs" "Calibrating delay loop was not skipped"
	fi
	at_length guest 101 "Kernel panic" "Debian's kernel panics without a root" \
		-k "$dir/debian" -c 1 -m 1G -p "quiet rdinit=/nothing"
	[ "$arch" != arm ] || guests_of_32_bits
}

guests_of_32_bits() {
	local initrd=$dir/initrd.armhf

	guest 0 "^Linux .* armv7l" "a 32-bit ARM kernel" \
		-k "$dir/armhf" -c 1 -m 256M -p "quiet do=uname"
	guest 125 "memory of a 32-bit guest ends at 4 GiB" "memory that 32 bits do not reach" \
		-k "$dir/armhf" -c 1 -m 3G
	guest 125 "is of 32-bit ARM, and cannot have it" "commands in it" \
		-k "$dir/armhf" -c 1 -m 256M -- true
}

do_groups
