#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What tests on machines of another architecture need: its user land, and a vmtool for
# it. Sourced after cache.sh; or run as a program:
#
#	foreign.sh arm|powerpc 6.1|6.12 OUT [MAKE_ARG]...
#
# makes that vmtool in the directory OUT.

# What the tests' scripts call, on the host and in its guests.
FOREIGN_PROGRAMS='attr base-files bash binutils busybox-static coreutils diffutils e2fsprogs ethtool
	findutils fio gawk grep gzip hostname iperf3 iproute2 iputils-ping jq kmod libc-bin mount
	ncurses-bin passt pciutils procps python3 sed socat util-linux xz-utils'
# What vmtool is linked with.
FOREIGN_LIBS='libjansson-dev zlib1g-dev libbz2-dev liblzma-dev liblzo2-dev liblz4-dev libxxhash-dev
	libdeflate-dev libzstd-dev liburing-dev'

foreign_download() {
	local arch=$1 dir=$CACHE/apt/$1
	shift

	mkdir -p "$CACHE_TMP/archives/partial" &&
	apt-get install -q -y --download-only --no-install-recommends \
		-o Dir::Cache::archives="$CACHE_TMP/archives" "$@"
}

foreign_fetch() {
	local arch=$1 dir=$CACHE/apt/$1

	cache_apt_setup "$arch" || return
	export APT_CONFIG=$dir/apt.conf
	# An old index names versions that the mirror has dropped since.
	[ -e "$dir/updated" ] && (foreign_download "$@") && return
	cache_apt_update "$dir" && : > "$dir/updated" && (foreign_download "$@")
}

# Directories of Debian's are links since 2023, but not in its packages.
foreign_unpack() {
	local root=$CACHE_TMP/root deb dir

	mkdir -p "$root/usr" || return
	for dir in bin sbin lib lib64; do
		mkdir -p "$root/usr/$dir" && ln -s "usr/$dir" "$root/$dir" || return
	done
	for deb in "$CACHE_TMP"/archives/*.deb; do
		dpkg-deb --fsys-tarfile "$deb" |
			tar -C "$root" -x --keep-directory-symlink --no-same-owner || return
	done
}

# What the packages' own scripts would have made.
foreign_finish() {
	local root=$CACHE_TMP/root

	mkdir -p "$root"/{dev,proc,sys,run,tmp,root,mnt,media,srv,var/tmp} &&
	printf '%s\n' 'root:x:0:0:root:/root:/bin/bash' \
		'nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin' > "$root/etc/passwd" &&
	printf '%s\n' 'root:x:0:' 'nogroup:x:65534:' > "$root/etc/group" &&
	{ [ -e "$root/usr/bin/sh" ] || ln -s bash "$root/usr/bin/sh"; } &&
	{ [ -e "$root/usr/bin/awk" ] || [ ! -e "$root/usr/bin/gawk" ] ||
		ln -s gawk "$root/usr/bin/awk"; }
}

foreign_make_root() {
	local arch=$1 out=$2
	shift 2

	(flock 9 && cache_step "fetching packages ($arch)" foreign_fetch "$arch" "$@") \
		9>"$CACHE/lock/apt-$arch" &&
	cache_step "unpacking packages ($arch)" foreign_unpack && foreign_finish &&
	mkdir -p "${out%/*}" && mv "$CACHE_TMP/root" "$out"
}

# foreign_root arm|powerpc PACKAGE...: prints a directory with these packages, and what
# they depend on, unpacked.
foreign_root() {
	local arch key out
	arch=$(cache_debian_arch "$1") || return
	shift

	key=$(echo "$@" "$(declare -f foreign_unpack foreign_finish)" | sha1sum | head -c 12)
	out=$CACHE/root/$arch-$key
	[ -e "$out" ] ||
		cache_once "root-$arch-$key" "$out" foreign_make_root "$arch" "$out" "$@" || return
	echo "$out"
}

# foreign_userland arm|powerpc: prints a root directory of that architecture.
foreign_userland() {
	# shellcheck disable=SC2086
	foreign_root "$1" $FOREIGN_PROGRAMS
}

# foreign_make arm|powerpc TREE OUT [ARG]...: makes vmtool, static, for that architecture.
foreign_make() {
	local arch=$1 tree=$2 out=$3 triple libs cc make
	shift 3

	triple=$(cache_triple "$arch") || return
	# shellcheck disable=SC2086
	libs=$(foreign_root "$arch" $FOREIGN_LIBS) || return
	cc="$triple-gcc -idirafter $libs/usr/include -idirafter $libs/usr/include/$triple"
	cc+=" -L$libs/usr/lib/$triple"
	make=(make -C "$FOREIGN_TOP" KDIR="$tree" O="$out" ARCH="${arch/%arm/arm64}"
	      CROSS_COMPILE="$triple-" CC="$cc" PKG_CONFIG=)
	if ! [ -e "$out/.config" ]; then
		"${make[@]}" defconfig && sed -i 's/^# CONFIG_STATIC is.*/CONFIG_STATIC=y/' \
			"$out/.config" && "${make[@]}" olddefconfig || return
	fi
	"${make[@]}" "-j$(nproc)" "$@"
}

FOREIGN_TOP=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd) || return 1

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
	[ $# -ge 3 ] || { echo "usage: ${0##*/} arm|powerpc 6.1|6.12 OUT [MAKE_ARG]..." >&2; exit 2; }
	. "${0%/*}/cache.sh" && tree=$(cache_source "$2") && foreign_make "$1" "$tree" "${@:3}"
fi
