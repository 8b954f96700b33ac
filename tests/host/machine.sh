# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The emulated hosts: for each architecture a QEMU machine that has
# virtualization, Debian's kernel, and an initramfs of busybox, the kernel's
# modules for KVM and for sharing files, and the runner. Sourced after cache.sh.

MACHINE_DIR=$(cd "${BASH_SOURCE[0]%/*}" && pwd) || return 1

# Modules that the command wants, and those by which it and we get in and out.
MACHINE_KVM='tun vhost_net vhost_vsock'
MACHINE_SHARE='virtio_pci 9pnet_virtio 9p overlay virtio_console'

# machine_setup ARCH: sets QEMU, the program and the machine, and CONSOLE.
# shellcheck disable=SC2034
machine_setup() {
	local mend

	case $1 in
	x86)
		# TCG has AMD's virtualization, not Intel's. It lets a guest's XSETBV
		# pass by KVM, which then runs the guest with another XCR0 than that
		# has set, and the guest's saved AVX state ruins its memory: no XSAVE.
		QEMU=(qemu-system-x86_64 -M q35 -cpu "${KVMHOST_CPU:-max,+svm,-xsave}")
		CONSOLE=ttyS0
		MACHINE_KVM="kvm_amd $MACHINE_KVM"
		cache_tool "${QEMU[0]}" qemu-system-x86 &&
		mend=$(cache_preload "$MACHINE_DIR/qemu-svm.c") || return
		QEMU=(env "LD_PRELOAD=$mend" "${QEMU[@]}") ;;
	arm)
		QEMU=(qemu-system-aarch64 -M "virt,virtualization=on,gic-version=3"
		      -cpu "${KVMHOST_CPU:-cortex-a72}")
		CONSOLE=ttyAMA0
		cache_tool "${QEMU[0]}" qemu-system-arm ;;
	powerpc)
		# x-vof spares the boot the 20 seconds that SLOF takes.
		QEMU=(qemu-system-ppc64 -M "pseries,cap-nested-hv=on,x-vof=on"
		      -cpu "${KVMHOST_CPU:-POWER9}")
		CONSOLE=hvc0
		MACHINE_KVM="kvm_hv $MACHINE_KVM"
		cache_tool "${QEMU[0]}" qemu-system-ppc ;;
	esac
}

# Copies a module to directory $2, as a plain .ko whatever it was; prints its name.
machine_copy_module() {
	local ko=$1 dir=$2 name

	name=$(basename "${ko%%.ko*}.ko")
	case $ko in
	*.xz) xz -dc "$ko" > "$dir/$name" ;;
	*.zst) zstd -qdc "$ko" > "$dir/$name" ;;
	*.gz) gzip -dc "$ko" > "$dir/$name" ;;
	*) cp "$ko" "$dir" ;;
	esac && echo "$name"
}

# machine_modules KERNEL LIST MODULE...: the modules and what they need, in order.
machine_modules() {
	local kernel=$1 list=$2 dir=$CACHE_TMP/root/kvmhost/modules how ko name module needs
	shift 2

	: > "$dir/$list"
	for module in "$@"; do
		needs=$(modprobe -d "$kernel" -S "$(<"$kernel/release")" -C /dev/null \
			--show-depends "$module") || return
		while read -r how ko _; do
			[ "$how" = insmod ] || continue
			name=$(machine_copy_module "$ko" "$dir") || return
			grep -qsx "$name" "$dir"/list.* || echo "$name" >> "$dir/$list"
		done <<< "$needs"
	done
}

machine_make_initramfs() {
	local kernel=$1 busybox=$2 runner=$3 out=$4 root=$CACHE_TMP/root

	mkdir -p "$root/bin" "$root/kvmhost/modules" "${out%/*}" &&
	cp "$busybox/bin/busybox" "$root/bin" &&
	ln -s busybox "$root/bin/sh" &&
	cp "$MACHINE_DIR/init" "$root/init" && chmod 755 "$root/init" &&
	cp "$runner" "$root/kvmhost/runner" || return
	# shellcheck disable=SC2086
	machine_modules "$kernel" list.kvm $MACHINE_KVM &&
	machine_modules "$kernel" list.share $MACHINE_SHARE || return
	machine_cpio "$root" > "$CACHE_TMP/cpio" && mv "$CACHE_TMP/cpio" "$out"
}

# A newc archive of a directory, the same for the same content: the kernel takes more
# instructions for some digits of a date than for others.
machine_cpio() {
	(cd "$1" && find . -exec touch -h -d @0 {} + &&
	 find . -mindepth 1 -print0 | LC_ALL=C sort -z |
	 cpio -o -0 -H newc -R 0:0 --reproducible --quiet)
}

# machine_add ROOT FILE: FILE, a directory with all below it, comes to the same
# path below ROOT, and with it what its programs need to run.
machine_add() {
	local root=$1 file=$2 path

	path=$(realpath -se "$file" 2>/dev/null) || {
		cache_say "--add '$file': no such file"
		return 1
	}
	[ ! -e "$root$path" ] || [ -d "$path" ] || return 0
	mkdir -p "$root${path%/*}" || return
	if [ -d "$path" ]; then
		mkdir -p "$root$path" && cp -rL "$path/." "$root$path" || return
		while IFS= read -r -d '' file; do
			machine_add_needs "$root" "$file" || return
		done < <(find -L "$path" -type f -perm /111 -print0)
	else
		cp -L "$path" "$root$path" && machine_add_needs "$root" "$path"
	fi
}

# The libraries of a program, and the interpreter of a script.
machine_add_needs() {
	local root=$1 file=$2 magic need

	IFS= read -r -n 4 magic < "$file" 2>/dev/null
	case $magic in
	$'\x7fELF')
		while read -r need; do
			machine_add "$root" "$need" || return
		done < <(ldd "$file" 2>/dev/null | grep -o '/[^ ]* (0x' | sed 's/ (0x$//') ;;
	'#!'*)
		read -r need _ < <(sed -n '1s/^#! *//p' "$file")
		[ "$need" = /bin/sh ] || machine_add "$root" "$need" ;;
	esac
}

# machine_initramfs ARCH KERNEL: prints the initramfs, uncompressed since
# unpacking takes longer under emulation than reading does.
machine_initramfs() {
	local arch=$1 kernel=$2 busybox runner key out

	busybox=$(cache_deb "$(cache_debian_arch "$arch")" busybox-static) &&
	runner=$(cache_program "$arch" "$MACHINE_DIR/runner.c") || return
	key=$(cat "$MACHINE_DIR/init" "$MACHINE_DIR/machine.sh" - <<< "$runner" | sha1sum)
	out=$CACHE/host/$arch-$(<"$kernel/release")-${key:0:12}.cpio
	if ! [ -e "$out" ]; then
		cache_tool cpio && cache_tool modprobe kmod &&
		cache_once "${out##*/}" "$out" machine_make_initramfs \
			"$kernel" "$busybox" "$runner" "$out" || return
	fi
	echo "$out"
}
