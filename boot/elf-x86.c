// SPDX-License-Identifier: GPL-2.0
/*
 * How an x86 vmlinux is entered: through PVH where it has the note for it,
 * otherwise at its ELF entry point by the 64-bit boot protocol. A setup header
 * for the latter is made up when there was no bzImage around the kernel.
 */
#include <asm/bootparam.h>
#include <string.h>

#include <linux/build_bug.h>
#include <linux/sizes.h>

#include "elf.h"

/* "Xen" note with the physical address of the 32-bit PVH entry point. */
#define X86_PVH_NOTE_OWNER	"Xen"
#define X86_PVH_NOTE_ENTRY	18

/* Below are the tables that vmtool makes for a kernel. */
#define X86_KERNEL_LOWEST	SZ_1M

/* What every 64-bit kernel's own header says. */
#define X86_CMDLINE_SIZE	2047
#define X86_INITRD_MAX		0x7fffffff
#define X86_KERNEL_ALIGN_LG2	21
#define X86_BOOT_PROTOCOL	0x020f
#define X86_HEADER		0x1f1
#define X86_HEADER_JUMP		0x202

const struct elf_arch elf_arch = { .machine = EM_X86_64, .name = "x86" };

static void x86_make_header(struct kernel_image *ki)
{
	struct setup_header hdr = {
		.boot_flag = 0xaa55,
		.jump = 0xeb | (X86_HEADER + sizeof(hdr) - X86_HEADER_JUMP) << 8,
		.header = 0x53726448,
		.version = X86_BOOT_PROTOCOL,
		.loadflags = LOADED_HIGH,
		.initrd_addr_max = X86_INITRD_MAX,
		.kernel_alignment = 1 << X86_KERNEL_ALIGN_LG2,
		.min_alignment = X86_KERNEL_ALIGN_LG2,
		.xloadflags = XLF_KERNEL_64,
		.cmdline_size = X86_CMDLINE_SIZE,
		.pref_address = ki->start,
		.init_size = ki->end - ki->start,
	};

	static_assert(sizeof(hdr) <= sizeof(ki->setup));
	memcpy(ki->setup, &hdr, sizeof(hdr));
	ki->setup_len = sizeof(hdr);
	ki->cmdline_max = X86_CMDLINE_SIZE;
	ki->initrd_max = X86_INITRD_MAX;
}

/* Returns 1 with the entry set, 0 without a note, -errno after a message. */
static int x86_pvh_entry(struct kernel_image *ki, const struct elf_file *ef)
{
	u64 entry = 0;
	struct elf_note note = {
		.name = X86_PVH_NOTE_OWNER,
		.type = X86_PVH_NOTE_ENTRY,
		.desc = &entry,
		.size = sizeof(entry),
	};
	int ret = elf_find_note(ef, &note);

	if (ret <= 0)
		return ret;
	if (ret != sizeof(u32) && ret != sizeof(u64))
		return image_bad(ef->src, -ENOEXEC,
				 "is damaged: its PVH note has %d bytes instead of 4 or 8", ret);
	if (!elf_is_code(ef, entry))
		return image_bad(ef->src, -ENOEXEC,
				 "is damaged: its PVH entry %#llx is not in an executable segment",
				 (unsigned long long)entry);
	ki->proto = KERNEL_PVH;
	ki->entry = entry;
	return 1;
}

int elf_arch_entry(struct kernel_image *ki, const struct elf_file *ef)
{
	int ret;

	if (ki->start < X86_KERNEL_LOWEST)
		return image_bad(ef->src, -ENOEXEC,
				 "wants to be loaded at %#llx, below 1 MiB; is it a kernel?",
				 (unsigned long long)ki->start);
	if (!ki->setup_len)
		x86_make_header(ki);

	ret = x86_pvh_entry(ki, ef);
	if (ret)
		return ret < 0 ? ret : 0;
	if (!elf_is_code(ef, ef->eh.e_entry))
		return image_bad(ef->src, -ENOEXEC,
				 "is damaged: its entry point %#llx is not in an executable segment",
				 (unsigned long long)ef->eh.e_entry);
	ki->proto = KERNEL_LINUX64;
	ki->entry = ef->eh.e_entry;
	return 0;
}
