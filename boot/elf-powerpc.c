// SPDX-License-Identifier: GPL-2.0
/*
 * How a powerpc vmlinux is entered: where it was loaded, with a device tree
 * (Documentation/powerpc/booting.rst, entry point a).
 */
#include "elf.h"

/* Kernels run here, programs do not. */
#define PPC_KERNEL_BASE		0xc000000000000000ULL

/* COMMAND_LINE_SIZE, without its NUL. */
#define PPC_CMDLINE_SIZE	2047

const struct elf_arch elf_arch = {
	.machine = EM_PPC64,
	.name = "powerpc",
	.big_endian = true,
	.dyn = true,
};

/* The entry point is a virtual address, as the segments' are. */
static int ppc_entry(struct kernel_image *ki, const struct elf_file *ef)
{
	u64 entry = ef->eh.e_entry;
	int i;

	for (i = 0; i < ef->eh.e_phnum; i++) {
		const struct elf64_phdr *ph = &ef->ph[i];

		if (ph->p_type != PT_LOAD || entry < ph->p_vaddr ||
		    entry - ph->p_vaddr >= ph->p_filesz)
			continue;
		ki->entry = ph->p_paddr + (entry - ph->p_vaddr);
		return 0;
	}
	return image_bad(ef->src, -ENOEXEC, "is damaged: its entry point %#llx is in no segment",
			 (unsigned long long)entry);
}

int elf_arch_entry(struct kernel_image *ki, const struct elf_file *ef)
{
	if (ef->eh.e_entry < PPC_KERNEL_BASE)
		return image_bad(ef->src, -ENOEXEC,
				 "is a program, not a kernel: it starts at %#llx",
				 (unsigned long long)ef->eh.e_entry);
	ki->proto = KERNEL_FDT;
	ki->big_endian = ef->eh.e_ident[EI_DATA] == ELFDATA2MSB;
	ki->cmdline_max = PPC_CMDLINE_SIZE;
	ki->initrd_max = ~0ULL;
	return ppc_entry(ki, ef);
}
