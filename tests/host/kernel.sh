# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Small kernels built for the tests from Debian's sources. Sourced after cache.sh.

# "6.1" is the kernel that guest.config describes, "6.1-virtio" the one of guest.config
# and virtio.config.

KERNEL_DIR=$(cd "${BASH_SOURCE[0]%/*}" && pwd) || return 1

kernel_fragments() {
	echo "$KERNEL_DIR/guest.config"
	[[ $1 != *-* ]] || echo "$KERNEL_DIR/${1#*-}.config"
}

# Fixed names and dates: one source and one fragment make one kernel.
kernel_make() {
	local x=$1 cross=
	shift

	[ "$(cache_native)" = x86 ] || cross=x86_64-linux-gnu-
	make -C "$CACHE/linux-source-${x%%-*}" O="$CACHE/build/$x" ARCH=x86_64 \
		CROSS_COMPILE=$cross LOCALVERSION= KBUILD_BUILD_USER=vmtool \
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
	mkdir -p "$CACHE/build/$1" && kernel_configure "$1" && kernel_check_config "$1" &&
	kernel_make "$1" bzImage vmlinux || return
	! grep -qx CONFIG_MODULES=y "$CACHE/build/$1/.config" || kernel_make "$1" modules
}

# kernel_tree BUILD DIR: what is left of a build tree when all that only a compiler wants
# is taken away.
kernel_tree() {
	[ -e "$1/modules.order" ] || return 0
	# shellcheck disable=SC2046
	mkdir "$2" && (cd "$1" && cp --parents .config modules.order modules.builtin \
		modules.builtin.modinfo Module.symvers include/config/kernel.release \
		arch/x86/boot/bzImage $(sed 's/\.o$/.ko/' modules.order) "$2")
}

kernel_build_locked() {
	local x=$1 key=$2 out=$3 build=$CACHE/build/$1

	cache_step "building a small $x kernel" kernel_compile "$x" &&
	echo "$key" > "$build/key" &&
	mkdir "$CACHE_TMP/out" || return
	cp "$build/arch/x86/boot/bzImage" "$build/vmlinux" "$build/System.map" "$CACHE_TMP/out" &&
	cp "$build/.config" "$CACHE_TMP/out/config" &&
	cp "$build/include/config/kernel.release" "$CACHE_TMP/out/release" &&
	kernel_tree "$build" "$CACHE_TMP/out/tree" &&
	mkdir -p "${out%/*}" && mv "$CACHE_TMP/out" "$out"
}

kernel_key() {
	{ cat "$CACHE/linux-source-${1%%-*}.version" && kernel_fragments "$1" | xargs cat &&
	  cache_native; } | sha1sum | head -c 12
}

# cache_build_kernel 6.1|6.12[-virtio]: prints a directory with bzImage (gzip), vmlinux, System.map,
# config and release of a small kernel; host/guest.config says what it can do. One with
# modules has those in a build tree, tree/.
cache_build_kernel() {
	local x=$1 key out

	cache_source "${x%%-*}" >/dev/null || return
	key=$(kernel_key "$x") || return
	out=$CACHE/kernel/$x-$key
	if ! [ -e "$out" ]; then
		cache_packages gcc make libc6-dev bc flex bison libelf-dev libssl-dev || return
		[ "$(cache_native)" = x86 ] || cache_packages gcc-x86-64-linux-gnu || return
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
