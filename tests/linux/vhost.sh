# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Sockets (vhost-vsock), SCSI targets (vhost-scsi) and persistent memory: what the host
# sets up and does, what the guest does, and the group of cases. Sourced on both sides:
# by virtio_test.sh, for group_vhost, and by the guest's init, for guest_*().

SCSI_CORE=/sys/kernel/config/target/core/fileio_0
SCSI_WWPN=naa.5001405000000001
SCSI_NEXUS=naa.5001405000000002
SCSI_TARGET=/sys/kernel/config/target/vhost/$SCSI_WWPN/tpgt_1

# pattern WORD SIZE: so many bytes, which are known to who reads them elsewhere.
pattern() { yes "vmtool $1" | head -c "$2"; }

# --- the host: SCSI ---------------------------------------------------------------

# scsi_lun N FILE: the file is a disk of the target.
scsi_lun() {
	mkdir -p "$SCSI_CORE/disk$1" &&
	echo "fd_dev_name=$2,fd_dev_size=$(stat -c %s "$2")" > "$SCSI_CORE/disk$1/control" &&
	echo 1 > "$SCSI_CORE/disk$1/enable" &&
	mkdir -p "$SCSI_TARGET/lun/lun_$1" &&
	ln -s "$SCSI_CORE/disk$1" "$SCSI_TARGET/lun/lun_$1/disk"
}

scsi_lun_remove() {
	rm -f "$SCSI_TARGET/lun/lun_$1/disk"
	rmdir "$SCSI_TARGET/lun/lun_$1" "$SCSI_CORE/disk$1"
}

scsi_target() {
	module -a target_core_mod target_core_file vhost_scsi &&
	{ mountpoint -q /sys/kernel/config || mount -t configfs configfs /sys/kernel/config; } &&
	mkdir -p "$SCSI_TARGET" && echo "$SCSI_NEXUS" > "$SCSI_TARGET/nexus" &&
	scsi_lun 0 "$1"
}

scsi_target_remove() {
	scsi_lun_remove 0
	echo NULL > "$SCSI_TARGET/nexus"
	rmdir "$SCSI_TARGET" "${SCSI_TARGET%/*}" "$SCSI_CORE"
}

# While the guest runs, a disk comes and goes.
scsi_hotplug() {
	expect "guest: scsi waits for a disk" && scsi_lun 1 "$1" &&
	expect "guest: scsi waits for its end" && scsi_lun_remove 1
}

# --- the host: sockets ------------------------------------------------------------

# Messages of a socket that keeps them apart go back as they came.
vsock_seqpacket_server() {
	timeout 100 python3 -c '
import socket
s = socket.socket(socket.AF_VSOCK, socket.SOCK_SEQPACKET)
s.bind((socket.VMADDR_CID_ANY, 1237))
s.listen()
c, _ = s.accept()
while True:
    m = c.recv(1 << 18)
    if not m:
        break
    c.send(m)
'
}

# What the guest connects to; 16M that come have to be right.
vsock_host() {
	local servers status

	timeout 100 socat VSOCK-LISTEN:1235,fork EXEC:cat &
	servers=$!
	vsock_seqpacket_server &
	servers+=" $!"
	[ "$(timeout 100 socat -u VSOCK-LISTEN:1236 - | sha1sum)" = \
	  "$(pattern sock 16M | sha1sum)" ] && vsock_taken && vsock_echo 42
	status=$?
	# shellcheck disable=SC2086
	kill $servers 2>/dev/null
	return $status
}

# Another guest cannot have the address, and says so.
vsock_taken() {
	"$VMTOOL" run -k "$dir/bzImage" -m 128M --vsock 42 > "$work/taken" 2>&1 < /dev/null
	[ $? = 125 ] && grep -q -- "--vsock 42: this address is in use" "$work/taken"
}

# --- the guest --------------------------------------------------------------------

guest_vsock_stream() {
	[ "$(echo there and back | timeout 30 socat -t 10 - VSOCK-CONNECT:2:1235)" = "there and back" ] ||
		die "no echo" || return
	pattern sock 16M | timeout 60 socat -u - VSOCK-CONNECT:2:1236,retry=20,interval=1
}

guest_vsock_seqpacket() {
	timeout 60 python3 -c '
import socket
s = socket.socket(socket.AF_VSOCK, socket.SOCK_SEQPACKET)
s.connect((2, 1237))
sizes = [1, 70000, 2, 4096]
for n in sizes:
    s.send(b"x" * n)
assert [len(s.recv(1 << 18)) for n in sizes] == sizes
'
}

# guest_appears NAME: a disk, within 10 s.
guest_appears() {
	local i

	for ((i = 0; i < 100; i++)); do
		[ ! -b "/dev/$1" ] || return 0
		sleep 0.1
	done
	die "no /dev/$1"
}

guest_scsi() {
	guest_appears "$1" &&
	pattern scsi 8M | dd of="/dev/$1" bs=1M iflag=fullblock oflag=direct conv=fsync status=none &&
	pattern scsi 8M | cmp - <(dd if="/dev/$1" bs=64k count=128 iflag=direct status=none)
}

guest_scsi_hotplug() {
	local i

	echo "guest: scsi waits for a disk" > /dev/console
	guest_appears "$1" || return
	echo "guest: scsi waits for its end" > /dev/console
	for ((i = 0; i < 100; i++)); do
		[ -b "/dev/$1" ] || return 0
		sleep 0.1
	done
	die "/dev/$1 is still there"
}

# guest_pmem_raw DISK SIZE: it is that large, and what is written there stays there.
guest_pmem_raw() {
	guest_appears "$1" || return
	[ "$(blockdev --getsize64 "/dev/$1")" = "$2" ] || die "size $(blockdev --getsize64 "/dev/$1")" || return
	pattern pmem 8M | dd of="/dev/$1" bs=1M iflag=fullblock conv=fsync status=none &&
	blockdev --flushbufs "/dev/$1" && pattern pmem 8M | cmp - <(head -c 8M "/dev/$1")
}

guest_pmem_fs() {
	mkfs.ext4 -q -b 4096 "/dev/$1" && mount ${2:+-o "$2"} "/dev/$1" /mnt &&
	pattern file 4M > /mnt/file && sync && umount /mnt
}

# What the host put there can be read; what is written goes nowhere.
guest_pmem_ro() {
	guest_appears "$1" && mount -o ro,noload "/dev/$1" /mnt && pattern ro 1M | cmp - /mnt/file &&
	umount /mnt
}

# A disk's DMA into a file's pages in persistent memory, and from there.
guest_pmem_dma() {
	mkfs.ext4 -q -b 4096 "/dev/$1" && mount -o dax "/dev/$1" /mnt &&
	grep -q ' /mnt ext4 .*dax' /proc/mounts && truncate -s 1M /mnt/dma && fallocate -l 1M /mnt/dma &&
	python3 -c '
import mmap, os, sys
m = mmap.mmap(os.open("/mnt/dma", os.O_RDWR), 1 << 20)
d = os.open("/dev/" + sys.argv[1], os.O_RDWR | os.O_DIRECT)
assert os.preadv(d, [m], 0) == 1 << 20
assert os.pwritev(d, [m], 1 << 20) == 1 << 20
m.flush()
' "$2" && umount /mnt
}

guest_pmem_touch() {
	guest_appears "$1" || return
	echo "guest: pmem waits" > /dev/console
	sleep 5
	dd if=/dev/zero of="/dev/$1" bs=1M seek=8 count=1 oflag=direct status=none
}

# --- cases ------------------------------------------------------------------------

vhost_vsock() {
	host=vsock_host
	guest_does "sockets" "driver:vmw_vsock_virtio_transport,1 rebind:vmw_vsock_virtio_transport,20
		vsock_stream vsock_seqpacket vsock dmesg" --vsock 42
	host=
}

# To bind it is to look at 255 targets.
vhost_scsi() {
	truncate -s 32M "$work/lun1"
	host="scsi_hotplug $work/lun1"
	guest_does "SCSI" "driver:virtio_scsi,1 scsi:sda scsi_hotplug:sdb rebind:virtio_scsi,3
		fio:sda,32 scsi:sda dmesg" -c 2 --scsi "$SCSI_WWPN,queues=2"
	host=
	check "$transport: SCSI: the host has what the guest wrote" \
		cmp -n 8M "$work/lun0" <(pattern scsi 8M)
}

vhost_pmem() {
	image raw 64M && image fs 64M && mkdir -p "$work/ro" && pattern ro 1M > "$work/ro/file" &&
	image ro 16M && mkfs.ext4 -q -d "$work/ro" "$work/ro.img"
	sum=$(sha1sum < "$work/ro.img")
	guest_does "persistent memory" "driver:virtio_pmem,3 pmem_raw:pmem0,67108864 fio:pmem0,8
		pmem_fs:pmem1 pmem_ro:pmem2 rebind:virtio_pmem,20 pmem_raw:pmem0,67108864 dmesg" \
		--pmem "$work/raw.img" --pmem "$work/fs.img" --pmem "$work/ro.img,ro"
	check "$transport: persistent memory: it is the file" cmp -n 8M "$work/raw.img" <(pattern pmem 8M)
	check "$transport: persistent memory: a file system" e2fsck -fn "$work/fs.img"
	check "$transport: persistent memory: a file in it" \
		cmp <(debugfs -R "cat /file" "$work/fs.img" 2>/dev/null) <(pattern file 4M)
	check "$transport: persistent memory: ro changes nothing" \
		[ "$sum" = "$(sha1sum < "$work/ro.img")" ]
}

# A distribution's kernel has DAX. Needs modules.sh's initrd.
vhost_pmem_dma() {
	[ -e "$dir/debian.initrd" ] || return 0
	image dax 64M && pattern dma 4M > "$work/dma.img"
	guest_does "persistent memory: DMA" "pmem_dma:pmem0,vda dmesg" \
		-k "$dir/debian" -i "$dir/debian.initrd" --pmem "$work/dax.img" -d "$work/dma.img"
	check "$transport: persistent memory: DMA to it" \
		cmp <(debugfs -R "cat /dma" "$work/dax.img" 2>/dev/null) <(pattern dma 1M)
	check "$transport: persistent memory: DMA from it" \
		cmp <(tail -c +1048577 "$work/dma.img" | head -c 1M) <(pattern dma 1M)
}

# The file is cut while the guest has it: the guest ends, and the VMM says so itself.
vhost_pmem_cut() {
	local status

	image cut 16M
	timeout -k 5 120 "$VMTOOL" run -k "$dir/bzImage" -m 256M --fs /,root,ro --pmem "$work/cut.img" \
		-p "quiet root=root rootfstype=virtiofs ro init=$init do=pmem_touch:pmem0" \
		> "$work/out" 2>&1 < /dev/null &
	pid=$!
	expect "guest: pmem waits" && truncate -s 4M "$work/cut.img"
	wait $pid
	status=$?
	check "persistent memory: a file that was cut ends the guest" [ $status = 105 ]
	check "persistent memory: and that is said" \
		grep -qE 'was truncated|was its file cut' "$work/out"
}

# A mistake that is found before the guest runs.
vhost_refused() {
	guest 125 "no such target" "SCSI: a target that is not there" \
		-k "$dir/bzImage" --scsi naa.5001405000000009
}

group_vhost() {
	module -a vhost_vsock && truncate -s 32M "$work/lun0" && scsi_target "$work/lun0"
	on_pci vhost_vsock
	on_pci vhost_scsi
	vhost_refused
	scsi_target_remove
	on_pci vhost_pmem
	on_pci vhost_pmem_dma
	vhost_pmem_cut
}
