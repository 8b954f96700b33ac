#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Virtio devices in Linux guests on a real KVM, on both transports. Runs on a KVM
# host; where this machine is none, it starts itself again in the emulated one.
#
# VMTOOL	the vmtool to test
# VIRTIO_TESTS	names of the groups to run (default: all)

set -u

here=$(cd "$(dirname "$0")" && pwd)
VMTOOL=$(readlink -f "${VMTOOL:-$here/../vmtool}")
export VMTOOL

all_groups="together blk errors net lan share stress debian"
groups=${LINUX_TESTS:-${VIRTIO_TESTS:-$all_groups}}
script=$here/virtio_test.sh
. "$here/linux/lib.sh"

# --- outside: fetch what is needed, then go to a machine with KVM ----------------
if [ -z "${LINUX_TEST_DIR:-}" ]; then
	. "$here/host/cache.sh"
	. "$here/host/kernel.sh"
	cache_packages busybox-static cpio python3 fio iperf3 git e2fsprogs pciutils dmsetup \
		passt socat iproute2 iputils-ping ethtool attr gcc make util-linux >&2 || exit 1
	dir=$(mktemp -d /var/tmp/vmtool-virtio.XXXXXX)
	trap 'rm -rf "$dir"' EXIT
	built=$(cache_build_kernel 6.1-virtio) || exit 1
	debian=$(cache_debian_kernel x86) || exit 1
	HOME_TREE=$(cache_source 6.1) || exit 1
	ln -s "$HOME_TREE" "$dir/tree"
	ln -s "$built/bzImage" "$dir/bzImage"
	ln -s "$debian/vmlinuz" "$dir/debian"
	ln -s "$debian" "$dir/debian.d"
	run_groups
	exit
fi

# --- inside ---------------------------------------------------------------------
dir=$LINUX_TEST_DIR
enter
initrd=
init=$here/linux/virtio/init

for transport in mmio pci; do
	for word in "$@"; do
		:
	done
done

# case NAME "DO..." OPTIONS...: a guest with the host's files as its root does all of
# these and finds nothing wrong; one result for each.
case_() {
	local name=$1 what=$2 root status word
	shift 2

	root="root=root rootfstype=virtiofs"
	timeout -k 5 "${seconds:-240}" "$VMTOOL" run -k "$dir/bzImage" -m 512M \
		--virtio-transport "$transport" --fs /,root,ro \
		-p "quiet $root ro init=$init $(printf ' do=%s' $what)" "$@" \
		> "$work/out" 2>&1 < /dev/null
	status=$?
	[ $status = 0 ] || not_ok "$transport: $name: the guest powers off" "status $status"
	for word in $what; do
		if tr -d '\r' < "$work/out" | grep -qx "guest: ${word%%:*}: ok"; then
			ok "$transport: $name: ${word//:/ }"
		else
			not_ok "$transport: $name: ${word//:/ }" "see below"
		fi
	done
}

on_both() {
	for transport in pci mmio; do
		"$@"
	done
}
