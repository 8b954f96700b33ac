#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# modules.sh FILE [KERNEL [MODULE...]]: makes an initrd in FILE that loads a
# distribution's modules, by default those of all virtio drivers and file systems that
# guests use, mounts what root=, rootfstype=, rootflags= and ro on the kernel command
# line ask for, and goes on with init= there; without root= there is a shell.
#
# KERNEL is what cache_debian_kernel prints, and that of this machine by default. BUSYBOX
# names another busybox than this machine's.

set -u

here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd) || exit 1
. "$here/../host/cache.sh" || exit 1

MODULES='virtio_pci virtio_mmio virtio_blk virtio_net virtio_console virtio-rng
	 virtio_balloon vmw_vsock_virtio_transport virtio_scsi sd_mod virtio_pmem nd_pmem
	 9pnet_virtio 9p fuse virtiofs overlay crc32c_generic ext4 af_packet'

only=
[ "${1:-}" != --only ] || { only=y; shift; }
[ $# -ge 1 ] || { echo "usage: modules.sh FILE [KERNEL [MODULE...]]" >&2; exit 1; }
out=$(readlink -f "$1") || exit 1
shift
cache_packages busybox-static kmod cpio xz-utils >&2 || exit 1
kernel=${1:-}
[ $# = 0 ] || shift
[ "$kernel" ] || kernel=$(cache_debian_kernel x86) || exit 1
release=$(<"$kernel/release") || exit 1
busybox=${BUSYBOX:-$(command -v busybox)} || { echo "modules.sh: busybox is missing" >&2; exit 1; }
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT

# copy_module FILE: a plain .ko, whatever it was; prints its name.
copy_module() {
	local name

	name=$(basename "${1%%.ko*}.ko")
	case $1 in
	*.xz) xz -dc "$1" > "$dir/modules/$name" ;;
	*.zst) zstd -qdc "$1" > "$dir/modules/$name" ;;
	*.gz) gzip -dc "$1" > "$dir/modules/$name" ;;
	*) cp "$1" "$dir/modules" ;;
	esac && echo "$name"
}

# add_module NAME: it and what it needs, in order. What is built in needs no file.
add_module() {
	local how ko name needs

	needs=$(modprobe -d "$kernel" -S "$release" -C /dev/null --show-depends "$1" 2>&1) || {
		echo "modules.sh: $1: $needs" >&2
		return 1
	}
	while read -r how ko _; do
		[ "$how" = insmod ] || continue
		name=$(copy_module "$ko") || return
		grep -qsx "$name" "$dir/modules/list" || echo "$name" >> "$dir/modules/list"
	done <<< "$needs"
}

mkdir -p "$dir"/{bin,dev,modules,proc,root,sys,tmp} && : > "$dir/modules/list" || exit 1
cp "$busybox" "$dir/bin/busybox" && ln -s busybox "$dir/bin/sh" || exit 1
all=
# shellcheck disable=SC2086
[ $# -gt 0 ] || { all=y; set -- $MODULES; }
for module; do
	# An architecture need not have all of them.
	add_module "$module" || [ "$all" ] || exit 1
done
if [ "$only" ]; then
	(cd "$dir" && find modules | cpio -o -H newc --quiet | gzip -1) > "$out"
	exit
fi

cat > "$dir/init" <<'END'
#!/bin/sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
while read -r ko; do
	insmod "/modules/$ko" || echo "initrd: no $ko"
done < /modules/list

root=
type=
flags=
mode=rw
init=/sbin/init
for word in $(cat /proc/cmdline); do
	case $word in
	root=*) root=${word#*=} ;;
	rootfstype=*) type=${word#*=} ;;
	rootflags=*) flags=,${word#*=} ;;
	init=*) init=${word#*=} ;;
	ro | rw) mode=$word ;;
	esac
done
[ "$root" ] || exec sh
# Devices may be found a little later than their drivers are loaded.
n=0
until mount -t "$type" -o "$mode$flags" "$root" /root 2> /tmp/why; do
	n=$((n + 1))
	[ $n -lt 100 ] || { cat /tmp/why; echo "initrd: no root"; poweroff -f; }
	sleep 0.1
done
umount /proc /sys
mount --move /dev /root/dev
exec switch_root /root "$init"
END
chmod 755 "$dir/init" || exit 1
(cd "$dir" && find . | cpio -o -H newc --quiet | gzip -1) > "$out"
