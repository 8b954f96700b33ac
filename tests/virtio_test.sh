#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Virtio devices in Linux guests on a real KVM, on both transports. Runs on a KVM
# host; where this machine is none, it starts itself again in the emulated one.
#
# VMTOOL	the vmtool to test
# TEST_ARCH	architecture of the KVM host (see linux/lib.sh)
# TEST_SET	all: both transports for all devices (see on_pci)
# VIRTIO_TESTS	names of the groups to run (default: all)

set -u

here=$(cd "$(dirname "$0")" && pwd)
VMTOOL=$(readlink -f "${VMTOOL:-$here/../vmtool}")
export VMTOOL

script=$here/virtio_test.sh
again=y
. "$here/linux/lib.sh"
all_groups=debian
[ "$arch" != x86 ] ||
	all_groups="vhost together stress build net debian user+errors blk+misc share+endings+lan"
groups=${LINUX_TESTS:-${VIRTIO_TESTS:-$all_groups}}
. "$here/linux/vhost.sh"

fetch_x86() {
	local built tree

	built=$(cache_build_kernel 6.1-virtio) && debian=$(cache_debian_kernel x86) &&
	tree=$(cache_source 6.1) || return
	ln -s "$tree" "$dir/tree"
	ln -s "$built/bzImage" "$dir/bzImage"
	ln -s "$debian/vmlinuz" "$dir/debian"
	ln -s "$debian" "$dir/debian.d"
	"$here/linux/initrd.sh" "$dir/initrd"
}

# --- outside: fetch what is needed, then go to a machine with KVM ----------------
if [ -z "${LINUX_TEST_DIR:-}" ]; then
	. "$here/host/cache.sh"
	. "$here/host/kernel.sh"
	cache_packages busybox-static cpio python3 fio iperf3 git e2fsprogs pciutils dmsetup \
		passt socat iproute2 iputils-ping ethtool attr gcc make util-linux >&2 || exit 1
	dir=$(mktemp -d /var/tmp/vmtool-virtio.XXXXXX)
	trap 'rm -rf "$dir"' EXIT
	if [ "$arch" = x86 ]; then
		fetch_x86
	else
		fetch_foreign
	fi && "$here/linux/modules.sh" "$dir/debian.initrd" "$debian" || exit 1
	run_groups
	exit
fi

# --- inside ---------------------------------------------------------------------
dir=$LINUX_TEST_DIR
# Guests see what is there, and not what is in /tmp.
export TMPDIR=/var/tmp
enter
initrd=
init=$here/linux/virtio/init
tree=$(readlink -f "$dir/tree" || echo none)

# guest_does NAME "DO..." OPTIONS...: a guest with the host's files as its root does all
# of these and finds nothing wrong, while the host does $host, a function's name and
# arguments. One result for each.
guest_does() {
	local name=$1 what=$2 status word params
	shift 2

	# shellcheck disable=SC2086
	params="quiet ${root:-root=root rootfstype=virtiofs} ro init=$init TREE=$tree
		$(printf ' do=%s' $what)"
	# shellcheck disable=SC2086
	timeout -k 5 "900" "$VMTOOL" run -k "$dir/bzImage" -m 512M \
		--virtio-transport "$transport" \
		${root_share:---fs /,root,ro} "$@" -p "${params//[$'\n\t']/}" \
		> "$work/out" 2>&1 < /dev/null &
	pid=$!
	if [ "${host:-}" ]; then
		# shellcheck disable=SC2086
		if $host > "$work/host" 2>&1; then
			ok "$transport: $name: the host's part: ${host%% *}"
		else
			not_ok "$transport: $name: the host's part: $host" "$(tail -n 5 "$work/host")"
		fi
	fi
	wait $pid
	status=$?
	[ $status = 0 ] || not_ok "$transport: $name: the guest powers off" "status $status"
	for word in $what; do
		guest_did "$name" "$word"
	done
}

guest_did() {
	if tr -d '\r' < "$work/out" | grep -qx "guest: ${2%%:*}: ok"; then
		ok "$transport: $1: ${2//:/ }"
	else
		not_ok "$transport: $1: ${2//:/ }" "see below"
	fi
}

# Each word of a function's name and arguments, as do= wants them: f:x,y.
on_both() {
	local transports="pci mmio"

	# Linux finds no virtio-mmio on a pseries machine.
	[ "$arch" != powerpc ] || transports=pci
	for transport in $transports; do
		"$@"
	done
}

# on_pci COMMAND...: what a device does, for which it is the same how it was found: on the
# other transport only where all was asked for.
on_pci() {
	if [ "${TEST_SET:-}" = all ]; then
		on_both "$@"
	else
		transport=pci
		"$@"
	fi
}

io=8M
[ "$arch" = x86 ] || io=1M

image() { truncate -s "$2" "$work/$1.img"; }

module() { modprobe -d "$dir/debian.d" "$@" 2>/dev/null || modprobe "$@"; }

# Where files can have all that files can have; a tmpfs of 6.1 has no user xattrs.
files() {
	[ -d "$work/files" ] || {
		module -a loop ext4 && image files 512M && mkfs.ext4 -q "$work/files.img" &&
		mkdir "$work/files" && mount "$work/files.img" "$work/files"
	} && rm -rf "$work/files/"* && mkdir -p "$work/files/fs" "$work/files/9p"
}

# --- what the host does meanwhile -------------------------------------------------

# The guest's port, by a connection to ours. That is accepted before the guest's is
# there, and reset if it is not.
send_file() {
	local i

	expect "guest: listens" || return
	for ((i = 0; i < 10; i++)); do
		sleep 1
		socat -u "$work/data" "TCP:$1:$2" && return 0
	done
	return 1
}

vsock_echo() {
	expect "guest: vsock listens" &&
	[ "$(echo across | timeout 20 socat - "VSOCK-CONNECT:$1:1234,retry=5,interval=1")" = across ]
}

port_echo() {
	expect "guest: port listens" &&
	[ "$(echo through | timeout 20 socat -t 5 - "UNIX-CONNECT:$1")" = through ]
}

# The balloon grows, then gives all back.
balloon_up_down() {
	local i free

	expect "guest: balloon waits" && "$VMTOOL" balloon -n "$1" 384M || return
	for ((i = 0; i < 60; i++)); do
		"$VMTOOL" stat -m -n "$1" > "$work/stat" || return
		free=$(grep -iE 'actual' "$work/stat" | grep -oE '[0-9]+' | head -n 1)
		[ "${free:-0}" = $((384 << 20)) ] && break
		sleep 0.5
	done
	cat "$work/stat"
	[ "${free:-0}" = $((384 << 20)) ] && "$VMTOOL" balloon -n "$1" 512M
}

uplink() {
	# passt copies what it finds: an interface with an address and a default route.
	ip link show up0 > /dev/null 2>&1 || {
		ip tuntap add dev up0 mode tap && ip addr add 192.0.2.2/24 dev up0 &&
		ip -6 addr add 2001:db8::2/64 dev up0 nodad && ip link set up0 up &&
		ip route add default via 192.0.2.1 && ip -6 route add default via 2001:db8::1
	}
	ip link set lo up
}

serve_data() { socat -u -T 300 "$work/data" "TCP6-LISTEN:$1,ipv6only=0,reuseaddr" & }

# make_data [SIZE]: what is sent across, and its checksum
make_data() {
	[ -e "$work/data" ] || head -c "${1:-100M}" /dev/urandom > "$work/data"
	sha=$(sha1sum < "$work/data")
	sha=${sha%% *}
}

# --- groups -----------------------------------------------------------------------

together() {
	local checks="driver:virtio_blk,2 driver:virtio_net,1 driver:virtio_rng,1 driver:virtio_balloon,1
		driver:vmw_vsock_virtio_transport,1 driver:9pnet_virtio,1 driver:virtiofs,2
		rng dhcp fio:vda,4 readonly:vdb share:9p,t dmesg serve:22,$sha vsock"

	[ "$transport" = mmio ] || checks="msix lspci $checks"
	image a 32M && image b 1M && files
	guest_does "all devices" "$checks" -c 2 \
		-d "$work/a.img" -d "$work/b.img,ro" -n mode=user,fwd=tcp:2222:22 --rng --balloon \
		--vsock 42 --9p "$work/files/9p,t" --fs /usr,u
}

# What README.md shows, all in one guest, and data across: a forwarded port, a socket.
group_together() {
	module -a vhost_vsock vhost_net tun
	uplink
	make_data
	host="send_and_echo"
	on_both together
	host=
	umount "$work/files"
}

send_and_echo() { send_file 127.0.0.1 2222 && vsock_echo 42; }

blk() {
	image a 32M && image b 4M && image c 32M && image d 32M
	guest_does "disks" "queues:vda,4 serial:vda,abc fio:vda,1 fio:vda,32 fio_queues:vda
		readonly:vdb wcache:vdc,back fio:vdd,32 mkfs:vdc discard:vda dmesg" -c 4 \
		-d "$work/a.img,queues=4,serial=abc" -d "$work/b.img,ro" -d "$work/c.img,cache=unsafe" \
		-d "$work/d.img,io=threads"
}

group_blk() {
	on_both blk
}

errors() {
	mkdir -p "$work/small" && mount -t tmpfs -o size=4M tmpfs "$work/small" &&
	truncate -s 64M "$work/small/full.img" &&
	guest_does "a full file system" "eio:vda,8 eio:vdb,8" \
		-d "$work/small/full.img" -d "/dev/mapper/bad"
	umount "$work/small"
}

# A distribution's kernel, whose drivers are modules. What files can do takes other
# machines, emulated as they are, many minutes.
debian() {
	image a 32M && files
	guest_does "Debian's kernel" "driver:virtio_blk,1 driver:virtio_net,1 driver:virtio_rng,1
		driver:virtio_balloon,1 driver:vmw_vsock_virtio_transport,1
		driver:9pnet_virtio,1 driver:virtiofs,2 rng dhcp queues:vda,2 fio:vda,32,$io
		$(on_x86 echo share:fs,f share:9p,t) mkfs:vda dmesg" -k "$dir/debian" -i "$dir/debian.initrd" -c 2 \
		-d "$work/a.img,queues=2" -n mode=user --rng --balloon --vsock 43 \
		--fs "$work/files/fs,f" --9p "$work/files/9p,t"
}

# KVM's controller is not used: interrupts end in vmtool, vhost's as well.
emulated_irqchip() {
	image a 32M
	host="vsock_echo 44"
	guest_does "XICS, emulated" "driver:virtio_blk,1 driver:virtio_net,1 driver:virtio_rng,1
		rng dhcp queues:vda,2 fio:vda,8,$io vsock dmesg" -k "$dir/debian" \
		-i "$dir/debian.initrd" -c 2 --irqchip xics-user -d "$work/a.img,queues=2" \
		-n mode=user --rng --vsock 44
	host=
}

group_debian() {
	module -a vhost_vsock tun
	uplink
	on_both debian
	umount "$work/files"
	[ "$arch" != powerpc ] || on_both emulated_irqchip
}

group_errors() {
	image e 64M && module -a loop dm_mod
	loop=$(losetup -f --show "$work/e.img") &&
	printf '0 16384 linear %s 0\n16384 114688 error\n' "$loop" | dmsetup create --noudevsync bad
	dmsetup mknodes
	on_pci errors
	dmsetup remove --noudevsync bad
	losetup -d "$loop"
}

tap() {
	serve_data 7001
	guest_does "tap, $1" "ip:10.9.0.2/24 ping:10.9.0.1 fetch:10.9.0.1,7001,$sha iperf3:10.9.0.1
		iperf3:10.9.0.1,-R ${3:-}" -c "${2:-1}" -n "mode=tap,host_ip=10.9.0.1/24,$1"
}

user() {
	serve_data 7002
	guest_does "passt" "dhcp fetch:192.0.2.1,7002,$sha iperf3:192.0.2.1 serve:22,$sha" \
		-n mode=user,fwd=tcp:2222:22
}

# The unit test of it, as far as it needs the kernel's vhost.
tap_test() {
	"$(dirname "$VMTOOL")/tests/unit/net_tap_test" > "$work/out" 2>&1 &&
		! grep -q "SKIP.*no /dev/vhost" "$work/out"
}

group_net() {
	module -a vhost_net tun
	check "vhost-net and a fake driver" tap_test
	uplink
	make_data
	iperf3 -s -D > /dev/null
	on_both tap vhost=1
	on_both tap vhost=0
	pkill iperf3
}

group_user() {
	module -a vhost_net tun
	uplink
	make_data
	iperf3 -s -D > /dev/null
	host="send_file 127.0.0.1 2222"
	on_pci user
	host=
	on_pci tap vhost=1,mq=2 2 mq:2
	pkill iperf3
}

lan() {
	make_data 16M
	timeout 900 "$VMTOOL" run -k "$dir/bzImage" -m 512M --virtio-transport "$transport" \
		--fs /,root,ro -n mode=socket,lan=test \
		-p "quiet root=root rootfstype=virtiofs ro init=$init do=ip:10.8.0.1/24 do=serve:7003,$sha" \
		> "$work/other" 2>&1 < /dev/null &
	other=$!
	guest_does "a LAN without root" "ip:10.8.0.2/24 ping:10.8.0.1 send:10.8.0.1,7003,$work/data" \
		-n mode=socket,lan=test
	wait $other
	check "$transport: a LAN without root: the other guest" \
		grep -q "guest: serve: ok" "$work/other"
}

group_lan() { on_pci lan; }

share() {
	files
	guest_does "shared directories" "share:fs,f share:9p,t dmesg" \
		--fs "$work/files/fs,f" --9p "$work/files/9p,t"
	root="root=r rootfstype=9p rootflags=trans=virtio,version=9p2000.L,msize=262144,cache=loose"
	root_share="--9p /,r,ro"
	guest_does "9p as root" "uname ${1:-share:fs,f}" --fs "$work/files/fs,f"
	root=
	root_share=
}

group_share() {
	on_pci share
	umount "$work/files"
}

builds() {
	files
	guest_does "a build" "build:fs,f build:9p,t" --fs "$work/files/fs,f" --9p "$work/files/9p,t"
}

group_build() {
	on_pci builds
	on_pci share build:fs,f
	umount "$work/files"
}

stress() {
	local n=100

	[ $transport = pci ] || [ "${TEST_SET:-}" = all ] || n=20
	image a 32M && mkdir -p "$work/9p"
	guest_does "drivers come and go" "rebind:virtio_blk,$n rebind:virtio_rng,$n rebind:virtio_net,$n
		rebind:virtio_balloon,$n rebind:9pnet_virtio,$n rebind:virtio_console,$n fio:vda,8
		rng dmesg" --console serial --port "p,file=$work/port" -d "$work/a.img" --rng \
		--balloon -n mode=socket,lan=x --9p "$work/9p,t"
}

resets() {
	rm -rf "$work/boots" && mkdir -p "$work/boots" && image a 32M
	guest_does "resets under I/O" "reset_under_io:vda,b,5 fio:vda,8" --on-reboot reset \
		-d "$work/a.img,queues=2" --9p "$work/boots,b"
}

misc() {
	host="balloon_up_down $transport"
	guest_does "a balloon" "driver:virtio_balloon,1 balloon dmesg" --name "$transport" --balloon
	host="port_echo $work/port"
	guest_does "a named port" "port:org.test.0" --port "org.test.0,socket=$work/port" \
		--port "log,file=$work/port.log"
	host=
}

group_misc() { on_both misc; }

# How guests end whose last words do not get out by hvc0: see vm/halt.c.
endings() {
	local how

	initrd=$dir/initrd
	for how in poweroff reboot "reboot reboot=t" halt; do
		guest 0 "^guest: up" "$transport: the console is hvc0: $how" -k "$dir/bzImage" -m 256M \
			-c 2 --virtio-transport "$transport" -p "quiet do=$how"
	done
	guest 101 "Kernel panic - not syncing" "$transport: the console is hvc0: panic" \
		-k "$dir/bzImage" -m 256M --virtio-transport "$transport" -p "quiet do=panic"
	guest 104 "triple fault" "$transport: the console is hvc0: a triple fault" \
		-k "$dir/bzImage" -m 256M --virtio-transport "$transport" -p "quiet reboot=t,f do=reset"
	initrd=
}

group_endings() { on_both endings; }

group_stress() {
	on_both stress
	on_both resets
}

do_groups
