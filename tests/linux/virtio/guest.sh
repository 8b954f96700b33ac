# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What guests do to try their devices. Each function prints what went wrong and
# returns a status. Sourced by init, on the guest's side.

die() { echo "$*"; return 1; }

# --- all ------------------------------------------------------------------------

# Lines of the kernel's log that tell of something wrong with a device or its machine.
# Of any virtio pmem Linux says that about persistence: a region without a DIMM.
guest_dmesg() {
	! dmesg | grep -iE -e 'virtio.*(error|fail|broken|invalid|warn)' -e 'pci.*(error|fail|conflict|BAR.*no space)' \
		-e 'ACPI.*(error|exception|warning)' -e '(WARNING|BUG):' -e 'nobody cared' \
		-e 'firmware bug' -e 'not claimed' -e 'unable to' -e 'I/O error' -e 'reset.*timed? ?out' |
		grep -vE -e 'unable to (read|open) .*(rtc|tpm)' -e 'unable to guarantee persistence'
}

# Every device is known, has its driver, and nothing is odd about it. What lspci says
# of modules on stderr is about a kernel that has none.
guest_lspci() {
	local out devices drivers

	out=$(lspci -nnvv 2> /dev/null) || die "lspci: $out" || return
	! echo "$out" | grep -E '!!!|[Uu]nknown header|rev ff' || return
	devices=$(echo "$out" | grep -c '^[0-9a-f].*\[1af4:10')
	drivers=$(echo "$out" | grep -c 'Kernel driver in use: virtio-pci')
	[ "$devices" -gt 0 ] && [ "$devices" = "$drivers" ] || die "$out"
}

guest_msix() { grep -q 'PCI-MSI' /proc/interrupts || die "$(cat /proc/interrupts)"; }

# guest_driver NAME COUNT: that many devices have the driver.
guest_driver() {
	local n

	n=$(find /sys/bus/virtio/drivers/"$1"/ -name 'virtio*' -type l | wc -l)
	[ "$n" = "$2" ] || die "$n devices have driver $1, not $2"
}

# guest_rebind DRIVER TIMES: takes the driver from its first device and gives it back.
guest_rebind() {
	local dir=/sys/bus/virtio/drivers/$1 dev i

	dev=$(basename "$(find "$dir"/ -name 'virtio*' -type l | head -n 1)")
	[ "$dev" ] || die "no device" || return
	for ((i = 0; i < $2; i++)); do
		echo "$dev" > "$dir/unbind" && echo "$dev" > "$dir/bind" ||
			die "$i times: $(dmesg | tail -n 3)" || return
	done
	[ -e "$dir/$dev" ]
}

# --- blk ------------------------------------------------------------------------

disk_fio() {
	fio --name=x --filename="$1" --rw=randrw --bsrange=512-64k --size="$2" --verify=crc32c \
		--verify_fatal=1 --direct=1 --ioengine=libaio --iodepth="$3" --group_reporting \
		--minimal "${@:4}" > /tmp/fio.out 2>&1 || die "$(tail -n 20 /tmp/fio.out)"
}

# guest_fio DISK DEPTH: verified random I/O.
guest_fio() { disk_fio "/dev/$1" "${3:-8M}" "$2"; }

guest_queues() {
	local n

	n=$(find /sys/block/"$1"/mq -mindepth 1 -maxdepth 1 | wc -l)
	[ "$n" = "$2" ] || die "$n queues"
}

# The four queues at once, each job with a part of the disk.
guest_fio_queues() {
	fio --name=x --filename=/dev/"$1" --rw=randrw --bs=4k --size=2M --offset_increment=2M --numjobs=4 \
		--cpus_allowed=0-3 --cpus_allowed_policy=split --verify=crc32c --verify_fatal=1 --direct=1 \
		--ioengine=libaio --iodepth=16 --group_reporting > /tmp/fio.out 2>&1 ||
		die "$(tail -n 20 /tmp/fio.out)"
}

guest_readonly() {
	[ "$(blockdev --getro "/dev/$1")" = 1 ] || die "can be written" || return
	! dd if=/dev/zero of="/dev/$1" bs=4k count=1 oflag=direct 2> /tmp/err || die "was written"
}

guest_serial() {
	[ "$(cat /sys/block/"$1"/serial)" = "$2" ] || die "serial is $(cat /sys/block/"$1"/serial)"
}

guest_discard() {
	blkdiscard "/dev/$1" && blkdiscard -z -l 1M "/dev/$1" &&
		cmp -n 1M "/dev/$1" /dev/zero
}

guest_wcache() { [ "$(cat /sys/block/"$1"/queue/write_cache)" = "write $2" ]; }

# guest_eio DISK MIB: writes from there on fail, those before do not, and a later one works.
guest_eio() {
	dd if=/dev/zero of="/dev/$1" bs=64k count=8 oflag=direct status=none || die "start fails" || return
	! dd if=/dev/urandom of="/dev/$1" bs=1M seek="$2" count=8 oflag=direct status=none ||
		die "it did not fail" || return
	dd if=/dev/zero of="/dev/$1" bs=64k count=8 oflag=direct status=none || die "then the start fails"
}

guest_mkfs() {
	mkfs.ext4 -q "/dev/$1" && mount "/dev/$1" /mnt && cp -r "$here/.." /mnt/x && sync &&
		umount /mnt && e2fsck -fn "/dev/$1" && mount -o ro "/dev/$1" /mnt &&
		diff -r "$here/.." /mnt/x && umount /mnt
}

# --- net ------------------------------------------------------------------------

net_up() {
	ip link set lo up
	ip link set "${1:-eth0}" up
}

# Address, route and name server by DHCP.
net_dhcp() {
	net_up
	cat > /tmp/dhcp <<'END'
#!/bin/sh
[ "$1" = bound ] || exit 0
ip addr add "$ip/$mask" dev "$interface"
ip route add default via "${router%% *}"
echo "nameserver ${dns%% *}" > /tmp/resolv.conf
END
	chmod 755 /tmp/dhcp
	busybox udhcpc -i eth0 -n -q -s /tmp/dhcp
}

guest_dhcp() { net_dhcp && ip -4 addr show dev eth0 | grep -q 'inet '; }

guest_ip() { net_up eth0 && ip addr add "$1" dev eth0; }

guest_ping() { ping -c 3 -W 10 "$1"; }

# guest_fetch ADDRESS PORT SHA: 100 MB from there, by TCP.
guest_fetch() {
	local sum

	sum=$(socat -u "TCP:$1:$2" - | sha1sum)
	[ "${sum%% *}" = "$3" ] || die "checksum $sum"
}

# guest_serve PORT SHA: one connection, whose data has that checksum.
guest_serve() {
	local sum

	echo "guest: listens" > /dev/console
	sum=$(timeout 800 socat -u "TCP6-LISTEN:$1,ipv6only=0" - | sha1sum)
	[ "${sum%% *}" = "$2" ] || die "checksum $sum"
}

# guest_send ADDRESS PORT FILE
guest_send() { socat -u "$3" "TCP:$1:$2,retry=60,interval=1"; }

guest_iperf3() { iperf3 -c "$1" -t 3 "${@:2}"; }

guest_mq() { ethtool -l eth0 2>/dev/null | grep -A5 Current | grep -qE "Combined:[[:space:]]+$1"; }

# --- file systems ----------------------------------------------------------------

share_mount() {
	case $1 in
	9p) mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000,cache=none "$2" "$3" ;;
	fs) mount -t virtiofs "$2" "$3" ;;
	esac
}

# guest_share KIND TAG: what programs do to files.
guest_share() {
	local d=/mnt/x

	share_mount "$1" "$2" /mnt && mkdir -p $d && cd $d || return
	echo hello > a && ln a b && ln -s a c && [ "$(cat c)" = hello ] || die links || return
	mv a d && [ "$(cat b)" = hello ] && [ ! -e c ] || die rename || return
	exec 7<> d && rm d b && echo more >&7 && [ -e /proc/self/fd/7 ] || die unlinked || return
	[ "$(cat /proc/self/fd/7 | wc -c)" -ge 5 ] || die "unlinked file cannot be read" || return
	exec 7>&-
	mkfifo f && mknod n c 1 3 || die mknod || return
	[ -p f ] && [ -c n ] || die "special files" || return
	dd if=/dev/urandom of=big bs=1M count=8 status=none && cp big copy && cmp big copy || die copy || return
	truncate -s 100 copy && [ "$(stat -c %s copy)" = 100 ] || die truncate || return
	chmod 640 big && chown 12:34 big && [ "$(stat -c %a:%u:%g big)" = 640:12:34 ] || die owner || return
	touch -d @1000000000 big && [ "$(stat -c %Y big)" = 1000000000 ] || die times || return
	if command -v setfattr > /dev/null; then
		setfattr -n user.x -v y big && [ "$(getfattr --only-values -n user.x big)" = y ] ||
			die xattr || return
	fi
	flock -n big true || die flock || return
	mkdir -p many && (cd many && seq 1000 | xargs touch) && [ "$(find many -type f | wc -l)" = 1000 ] ||
		die readdir || return
	rm -r many && cd / && rm -r $d && umount /mnt
}

# guest_build KIND TAG: a package that is configured, built and put under version control.
guest_build() {
	share_mount "$1" "$2" /mnt && cp -r "$here/../../../util" "$here/../../../include" /mnt/ &&
	cd /mnt && git init -q . && git add -A && git -c user.name=x -c user.email=x@x commit -qm x &&
	cat > Makefile <<'END'
o := size.o log.o
all: $(o)
%.o: util/%.c; gcc -Wall -Iinclude -I$(T)/tools/include -D_GNU_SOURCE -c -o $@ $<
END
	make -s T="$TREE" && echo x >> util/log.c && [ "$(git status --porcelain | wc -l)" -ge 2 ] &&
	git diff --stat | grep -q log.c && cd / && umount /mnt
}

# --- the rest ----------------------------------------------------------------------

guest_rng() {
	[ "$(cat /sys/class/misc/hw_random/rng_current)" = virtio_rng.0 ] &&
		[ "$(head -c 4096 /dev/hwrng | gzip -9 | wc -c)" -gt 4000 ]
}

guest_pmem() {
	mkfs.ext4 -q /dev/pmem0 && mount /dev/pmem0 /mnt && echo kept > /mnt/file && sync && umount /mnt
}

guest_vsock() {
	echo "guest: vsock listens" > /dev/console
	timeout 800 socat VSOCK-LISTEN:1234 EXEC:cat
}

# Without a client a port is at its end.
guest_port() {
	local port=/dev/virtio-ports/$1 i

	[ -e "$port" ] || port=/dev/$(basename "$(dirname "$(grep -lx "$1" /sys/class/virtio-ports/*/name)")")
	echo "guest: port listens" > /dev/console
	exec 8<> "$port" || return
	for ((i = 0; i < 200; i++)); do
		read -r line <&8 && echo "$line" >&8 && break
		sleep 0.1
	done
	[ "$line" ] || die "nothing came" || return
	sleep 2
	exec 8>&-
}

# Until the balloon has come and gone.
guest_balloon() {
	local full i

	full=$(free_kib)
	echo "guest: balloon waits" > /dev/console
	for ((i = 0; i < 120; i++)); do
		[ "$(free_kib)" -lt $((full - 100000)) ] && break
		sleep 0.5
	done
	[ "$i" -lt 120 ] || die "it does not grow" || return
	for ((i = 0; i < 120; i++)); do
		[ "$(free_kib)" -gt $((full - 20000)) ] && return 0
		sleep 0.5
	done
	die "it does not shrink"
}

free_kib() { awk '/MemFree:/ { print $2 }' /proc/meminfo; }

# guest_reset_under_io DISK TAG TIMES: resets itself while the disk is busy, so many
# times; the count is kept in the host's directory TAG.
guest_reset_under_io() {
	local n

	share_mount 9p "$2" /mnt || return
	n=$(find /mnt -name 'boot*' | wc -l)
	[ "$n" -lt "$3" ] || return 0
	touch "/mnt/boot$n" && umount /mnt
	fio --name=x --filename=/dev/"$1" --rw=randrw --bs=4k --size=8M --direct=1 --ioengine=libaio \
		--iodepth=32 --time_based --runtime=60 > /dev/null 2>&1 &
	sleep 2
	echo b > /proc/sysrq-trigger
	sleep 60
}

guest_uname() { uname -a; }
