// SPDX-License-Identifier: GPL-2.0
/*
 * An arm64 vmlinux is an Image with ELF headers: it is linked at virtual addresses
 * whose lowest is a multiple of 2 MiB, and entered at its first byte.
 */
#include "elf.h"

#define ARM64_CMDLINE_MAX	2047

const struct elf_arch elf_arch = {
	.machine = EM_AARCH64, .name = "arm64", .big_endian = true, .dyn = true,
	.relative = true,
};

int elf_arch_entry(struct kernel_image *ki, const struct elf_file *ef)
{
	u64 entry = ef->eh.e_entry - ef->first;

	if (!elf_is_code(ef, entry))
		return image_bad(ef->src, -ENOEXEC,
				 "is damaged: its entry point %#llx is not in an executable segment",
				 (unsigned long long)ef->eh.e_entry);
	ki->proto = KERNEL_FDT;
	ki->entry = entry;
	ki->cmdline_max = ARM64_CMDLINE_MAX;
	return 0;
}
