# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Small kernels built for the tests from Debian's sources. Sourced after cache.sh.

# "6.1" is the kernel that guest.config describes, "6.1-virtio" the one of guest.config
# and virtio.config, "6.1-arm-verdict" one for arm64, which arm.config describes as well.
# No test asks for "6.1-arm-virtio-16k" and "-64k", which have other sizes of pages: they
# are for trying them by hand, on a machine that KVMHOST_CPU=max,pauth-impdef=on gives.

KERNEL_DIR=$(cd "${BASH_SOURCE[0]%/*}" && pwd) || return 1

kernel_fragments() {
	local name

	for name in guest $(tr - ' ' <<< "${1#"${1%%-*}"}"); do
		echo "$KERNEL_DIR/$name.config"
	done
}

kernel_arch() {
	case $1- in
	*-arm-*) echo arm ;;
	*-powerpc-*) echo powerpc ;;
	*) echo x86 ;;
	esac
}

# kernel_image NAME: the file of a build that boots.
kernel_image() {
	case $(kernel_arch "$1") in
	x86) echo arch/x86/boot/bzImage ;;
	arm) echo arch/arm64/boot/Image.gz ;;
	powerpc) echo vmlinux ;;
	esac
}

# kernel_make_args NAME: ARCH and CROSS_COMPILE for make.
kernel_make_args() {
	local arch triple
	arch=$(kernel_arch "$1")

	case $arch in
	x86) echo ARCH=x86_64 ;;
	arm) echo ARCH=arm64 ;;
	powerpc) echo ARCH=powerpc ;;
	esac
	[ "$arch" != "$(cache_native)" ] || return 0
	triple=$(cache_triple "$arch") && echo "CROSS_COMPILE=$triple-"
}

# The compiler for another architecture than this machine's.
kernel_packages() {
	local arch triple
	arch=$(kernel_arch "$1")

	[ "$arch" = "$(cache_native)" ] && return
	triple=$(cache_triple "$arch") && cache_packages "gcc-${triple/_/-}"
}

# Fixed names and dates: one source and one fragment make one kernel.
kernel_make() {
	local x=$1
	shift

	# shellcheck disable=SC2046
	make -C "$CACHE/linux-source-${x%%-*}" O="$CACHE/build/$x" $(kernel_make_args "$x") \
		LOCALVERSION= KBUILD_BUILD_USER=vmtool \
		KBUILD_BUILD_HOST=vmtool KBUILD_BUILD_VERSION=1 \
		KBUILD_BUILD_TIMESTAMP='Thu Jan  1 00:00:00 UTC 2026' -j"$(nproc)" "$@"
}

kernel_configure() {
	local x=$1 build=$CACHE/build/$1

	kernel_make "$x" tinyconfig kvm_guest.config &&
	(cd "$build" && kernel_fragments "$x" | KCONFIG_CONFIG=.config xargs \
		"$CACHE/linux-source-${x%%-*}/scripts/kconfig/merge_config.sh" -m .config) &&
	kernel_make "$x" olddefconfig
}

# A wish of the fragment that a kernel does not know is none of its faults; one that
# it knows and overrides is a mistake in the fragment.
# What a later fragment says goes.
kernel_check_config() {
	local config=$CACHE/build/$1/.config wish name file
	local -A wishes=()

	while read -r file; do
		while read -r wish; do
			[[ $wish =~ ^(# )?(CONFIG_[A-Z0-9_]+)(=| is not set) ]] || continue
			wishes[${BASH_REMATCH[2]}]=$wish
		done < "$file"
	done < <(kernel_fragments "$1")
	for name in "${!wishes[@]}"; do
		grep -qxF "${wishes[$name]}" "$config" || ! grep -qw "$name" "$config" || {
			echo "$1: '${wishes[$name]}' did not take effect"
			return 1
		}
	done
}

kernel_compile() {
	local image

	image=$(kernel_image "$1")
	mkdir -p "$CACHE/build/$1" && kernel_configure "$1" && kernel_check_config "$1" &&
	kernel_make "$1" vmlinux "${image##*/}" || return
	! grep -qx CONFIG_MODULES=y "$CACHE/build/$1/.config" || kernel_make "$1" modules
}

# kernel_tree BUILD DIR IMAGE: what is left of a build tree when all that only a compiler wants
# is taken away.
kernel_tree() {
	[ -e "$1/modules.order" ] || return 0
	# shellcheck disable=SC2046
	mkdir "$2" && (cd "$1" && cp --parents .config modules.order modules.builtin \
		modules.builtin.modinfo Module.symvers include/config/kernel.release \
		"$3" $(sed 's/\.o$/.ko/' modules.order) "$2")
}

kernel_build_locked() {
	local x=$1 key=$2 out=$3 build=$CACHE/build/$1 image

	image=$(kernel_image "$x")
	cache_step "building a small $x kernel" kernel_compile "$x" &&
	echo "$key" > "$build/key" &&
	mkdir "$CACHE_TMP/out" || return
	cp "$build/vmlinux" "$build/System.map" "$CACHE_TMP/out" &&
	{ [ "$image" = vmlinux ] || cp "$build/$image" "$CACHE_TMP/out"; } &&
	cp "$build/.config" "$CACHE_TMP/out/config" &&
	cp "$build/include/config/kernel.release" "$CACHE_TMP/out/release" &&
	kernel_tree "$build" "$CACHE_TMP/out/tree" "$image" &&
	mkdir -p "${out%/*}" && mv "$CACHE_TMP/out" "$out"
}

kernel_key() {
	{ cat "$CACHE/linux-source-${1%%-*}.version" && kernel_fragments "$1" | xargs cat &&
	  cache_native; } | sha1sum | head -c 12
}

# cache_build_kernel 6.1|6.12[-arm|-powerpc][-virtio]...: prints a directory with bzImage (gzip),
# vmlinux, System.map, config and release of a small kernel; host/guest.config says what it can
# do. arm64's has Image.gz, powerpc's the vmlinux alone. One with modules has those in a build
# tree, tree/.
cache_build_kernel() {
	local x=$1 key out

	cache_source "${x%%-*}" >/dev/null || return
	key=$(kernel_key "$x") || return
	out=$CACHE/kernel/$x-$key
	if ! [ -e "$out" ]; then
		cache_packages gcc make libc6-dev bc flex bison libelf-dev libssl-dev || return
		kernel_packages "$x" || return
		cache_once "build-$x" "$out" kernel_build_locked "$x" "$key" "$out" || return
	fi
	echo "$out"
}

kernel_recompress() {
	local x=$1 algo=$2 config=$CACHE/build/$1/.config a

	for a in GZIP BZIP2 LZMA XZ LZO LZ4 ZSTD; do
		"$CACHE/linux-source-${x%%-*}/scripts/config" --file "$config" -d "KERNEL_$a"
	done
	"$CACHE/linux-source-${x%%-*}/scripts/config" --file "$config" -e "KERNEL_${algo^^}" &&
	kernel_make "$x" olddefconfig && kernel_make "$x" bzImage &&
	grep -qx "CONFIG_KERNEL_${algo^^}=y" "$config"
}

kernel_payload_locked() {
	local x=$1 algo=$2 out=$3 build=$CACHE/build/$1 key

	key=$(kernel_key "$x")
	# The build may have been thrown away, or be one of another fragment by now.
	if [ "$(cat "$build/key" 2>/dev/null)" != "$key" ]; then
		cache_step "building a small $x kernel" kernel_compile "$x" &&
		echo "$key" > "$build/key" || return
	fi
	cache_step "compressing the $x kernel with $algo" kernel_recompress "$x" "$algo" &&
	cp "$build/arch/x86/boot/bzImage" "$CACHE_TMP/bzImage" && mv "$CACHE_TMP/bzImage" "$out"
}

# cache_kernel_payload 6.1|6.12 gzip|bzip2|lzma|xz|lzo|lz4|zstd: prints a bzImage of that
# kernel whose payload is compressed so.
cache_kernel_payload() {
	local x=$1 algo=$2 dir out

	dir=$(cache_build_kernel "$x") || return
	out=$dir/bzImage.$algo
	if [ "$algo" = gzip ]; then
		out=$dir/bzImage
	elif ! [ -e "$out" ]; then
		case $algo in
		bzip2 | lz4 | zstd) cache_packages "$algo" ;;
		lzma | xz) cache_packages xz-utils ;;
		lzo) cache_packages lzop ;;
		*) cache_say "no payload compression '$algo'"; return 1 ;;
		esac || return
		cache_once "build-$x" "$out" kernel_payload_locked "$x" "$algo" "$out" || return
	fi
	echo "$out"
}
