# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What the benchmarks of growing guests have in common. Sourced after lib.sh.

cache_packages busybox-static cpio qemu-system-x86 strace python3 >&2 || exit 1
kernel=$(cache_build_kernel 6.1-virtio-pvh) || exit 1
bench_dir
"$top/tests/linux/initrd.sh" "$dir/initrd" || exit 1
cp "$kernel/vmlinux" "$dir/vmlinux"
truncate -s 1M "$dir/disk"

# VMM JOB NAME CPUS MIB DEVICES PARAMS [COUNT]
vmtool() {
	local disks=() i

	for ((i = 0; i < $5; i++)); do
		disks+=(-d "$dir/disk,ro")
	done
	job "$1" "$2" ${7:+"$7"} "$VMTOOL" run -c "$3" -m "${4}M" -i "$dir/initrd" -k "$dir/vmlinux" \
		--console serial "${disks[@]}" -p "$6"
}

microvm() {
	local disks=() i

	for ((i = 0; i < $5; i++)); do
		disks+=(-drive "file=$dir/disk,format=raw,if=none,read-only=on,id=d$i"
			-device "virtio-blk-device,drive=d$i")
	done
	job "$1" "$2" ${7:+"$7"} "$QEMU_PROGRAM" -M microvm,acpi=off "${QEMU_ARGS[@]}" -no-reboot -smp "$3" \
		-m "$4" -initrd "$dir/initrd" -kernel "$dir/vmlinux" \
		-global virtio-mmio.force-legacy=false "${disks[@]}" -append "$QEMU_APPEND $6"
}

# points PANEL WHAT KEY [DIVISOR]: what the plot is made of
points() {
	awk -F'|' -v panel="$1" -v what="$2" -v key="$3" -v divisor="${4:-1}" '{
		split($1, part, ",")
		if (part[1] != what || $2 != key)
			next
		vmm = part[2] == "microvm" ? "QEMU microvm" : part[2]
		printf "%s|%s|%s|%.9g\n", panel, vmm, part[3], $3 / divisor
	}' "$dir/results"
}

GROWTH_FILES=(--add "$dir/initrd" --add "$dir/vmlinux" --add "$dir/disk" --add "$VMTOOL"
	--add "$(command -v strace)" "${QEMU_FILES[@]}")

# growth WHAT KEY: how much KEY grows for a vCPU, by the jobs WHAT,1 and WHAT,16
growth() {
	awk -v a="$(result "$1,1" "$2")" -v b="$(result "$1,16" "$2")" \
		'BEGIN { if (a == "-" || b == "-") print "-"; else printf "%.2f\n", (b - a) / 15 }'
}
