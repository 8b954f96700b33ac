// SPDX-License-Identifier: GPL-2.0
/*
 * vmlinux: an ELF file of 64 bits, linked to run at the physical addresses in its
 * program headers, or anywhere. What belongs to no program header (sections, symbols,
 * the relocations that a bzImage's build appends) is not looked at.
 */
#include <stdlib.h>
#include <string.h>

#include <linux/align.h>
#include <linux/kernel.h>
#include <linux/sizes.h>

#include "elf.h"

#define ELF_NOTES_MAX		SZ_1M

/* What glibc puts into each program: the Linux it needs. */
#define ELF_ABI_TAG_OWNER	"GNU"
#define ELF_ABI_TAG		1

struct elf_name {
	u16 machine;
	const char *name;
};

static const struct elf_name elf_machines[] = {
	{ EM_386, "32-bit x86" },
	{ EM_X86_64, "x86" },
	{ EM_ARM, "32-bit arm" },
	{ EM_AARCH64, "arm64" },
	{ EM_PPC, "32-bit powerpc" },
	{ EM_PPC64, "powerpc" },
	{ EM_RISCV, "riscv" },
	{ EM_S390, "s390" },
	{ EM_MIPS, "mips" },
	{ EM_SPARCV9, "sparc" },
	{ EM_LOONGARCH, "loongarch" },
};

static const char *elf_machine_name(u16 machine)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(elf_machines); i++)
		if (elf_machines[i].machine == machine)
			return elf_machines[i].name;
	return "another machine";
}

/* Classes and byte orders agree on where the machine is, not on its bytes. */
static int elf_check_machine(const struct image_src *src)
{
	const u8 *p = src->head + offsetof(struct elf64_hdr, e_machine);
	bool big = src->head[EI_DATA] == ELFDATA2MSB;
	u16 machine = big ? p[0] << 8 | p[1] : p[1] << 8 | p[0];

	if (machine != elf_arch.machine)
		return image_bad(src, -ENOEXEC, "is for %s, this vmtool runs %s kernels",
				 elf_machine_name(machine), elf_arch.name);
	if (src->head[EI_CLASS] != ELFCLASS64)
		return image_bad(src, -ENOEXEC, "is a 32-bit ELF file; vmtool runs 64-bit kernels");
	if (big && !elf_arch.big_endian)
		return image_bad(src, -ENOEXEC,
				 "is a big-endian ELF file, this vmtool runs little-endian kernels");
	return 0;
}

static int elf_check_type(const struct image_src *src, u16 type)
{
	switch (type) {
	case ET_EXEC:
		return 0;
	case ET_REL:
		return image_bad(src, -ENOEXEC,
				 "is an object file or a module, not a linked kernel");
	case ET_DYN:
		if (elf_arch.dyn)
			return 0;
		return image_bad(src, -ENOEXEC,
				 "is a user-space program or library, not a kernel");
	case ET_CORE:
		return image_bad(src, -ENOEXEC, "is a core dump, not a kernel");
	default:
		return image_bad(src, -ENOEXEC, "is an ELF file of unknown type %u", type);
	}
}

static void elf_swap_phdr(struct elf64_phdr *ph)
{
	ph->p_type = __builtin_bswap32(ph->p_type);
	ph->p_flags = __builtin_bswap32(ph->p_flags);
	ph->p_offset = __builtin_bswap64(ph->p_offset);
	ph->p_vaddr = __builtin_bswap64(ph->p_vaddr);
	ph->p_paddr = __builtin_bswap64(ph->p_paddr);
	ph->p_filesz = __builtin_bswap64(ph->p_filesz);
	ph->p_memsz = __builtin_bswap64(ph->p_memsz);
	ph->p_align = __builtin_bswap64(ph->p_align);
}

/* From here on program headers have addresses that count from the kernel's start. */
static void elf_make_relative(struct elf_file *ef)
{
	int i;

	ef->first = ~0ULL;
	for (i = 0; i < ef->eh.e_phnum; i++)
		if (ef->ph[i].p_type == PT_LOAD)
			ef->first = min_t(u64, ef->first, ef->ph[i].p_paddr);
	for (i = 0; i < ef->eh.e_phnum; i++)
		ef->ph[i].p_paddr -= ef->first;
}

static int elf_read_headers(struct elf_file *ef)
{
	const struct image_src *src = ef->src;
	struct elf64_hdr *eh = &ef->eh;
	int i, ret;

	if (src->head_len < sizeof(*eh))
		return image_bad(src, -ENOEXEC, "is truncated: it ends in its ELF header");
	ret = elf_check_machine(src);
	if (ret)
		return ret;
	memcpy(eh, src->head, sizeof(*eh));
	ef->swapped = elf_is_swapped(eh);
	if (ef->swapped)
		elf_swap_header(eh);
	ret = elf_check_type(src, eh->e_type);
	if (ret)
		return ret;

	if (eh->e_ident[EI_VERSION] != EV_CURRENT || eh->e_version != EV_CURRENT)
		return image_bad(src, -ENOEXEC,
				 "is damaged: unknown ELF version %u", eh->e_version);
	if (!eh->e_phnum || eh->e_phnum > ELF_MAX_PHDRS || eh->e_phentsize != sizeof(ef->ph[0]))
		return image_bad(src, -ENOEXEC,
				 "is damaged: %u program headers of %u bytes cannot be right",
				 eh->e_phnum, eh->e_phentsize);
	if (eh->e_phoff > src->size ||
	    eh->e_phnum * sizeof(ef->ph[0]) > src->size - eh->e_phoff)
		return image_bad(src, -ENOEXEC, "is truncated: it ends before its program headers");
	ret = image_read(src, ef->ph, eh->e_phnum * sizeof(ef->ph[0]), eh->e_phoff);
	if (ret)
		return image_bad(src, ret, "cannot read its program headers: %s", strerror(-ret));
	for (i = 0; ef->swapped && i < eh->e_phnum; i++)
		elf_swap_phdr(&ef->ph[i]);
	if (elf_arch.relative)
		elf_make_relative(ef);
	return 0;
}

/* Parts of the file that a header names must be there. */
static int elf_check_extent(const struct elf_file *ef, const struct elf64_phdr *ph)
{
	if (ph->p_offset <= ef->src->size && ph->p_filesz <= ef->src->size - ph->p_offset)
		return 0;
	return image_bad(ef->src, -ENOEXEC,
			 "is truncated: segment %d has %llu bytes at offset %llu, the file has %llu",
			 (int)(ph - ef->ph), (unsigned long long)ph->p_filesz,
			 (unsigned long long)ph->p_offset, (unsigned long long)ef->src->size);
}

static int elf_check_load(const struct elf_file *ef, const struct elf64_phdr *ph)
{
	int ret = elf_check_extent(ef, ph);

	if (ret)
		return ret;
	if (ph->p_filesz > ph->p_memsz)
		return image_bad(ef->src, -ENOEXEC,
				 "is damaged: segment %d is larger in the file than in memory",
				 (int)(ph - ef->ph));
	if (ph->p_paddr >= SZ_4G || ph->p_memsz > SZ_4G - ph->p_paddr)
		return image_bad(ef->src, -ENOEXEC,
				 "is damaged: segment %d (%#llx bytes at %#llx) does not lie below 4 GiB",
				 (int)(ph - ef->ph), (unsigned long long)ph->p_memsz,
				 (unsigned long long)ph->p_paddr);
	return 0;
}

static int elf_add_segment(struct kernel_image *ki, const struct elf_file *ef,
			   const struct elf64_phdr *ph)
{
	int i;

	if (ki->nr_seg == KERNEL_MAX_SEGMENTS)
		return image_bad(ef->src, -ENOEXEC, "has more than %d segments",
				 KERNEL_MAX_SEGMENTS);
	for (i = ki->nr_seg; i > 0 && ki->seg[i - 1].paddr > ph->p_paddr; i--)
		ki->seg[i] = ki->seg[i - 1];
	ki->seg[i] = (struct kernel_segment) {
		.paddr = ph->p_paddr,
		.memsz = ph->p_memsz,
		.filesz = ph->p_filesz,
		.offset = ph->p_offset,
	};
	ki->nr_seg++;
	return 0;
}

static int elf_add_segments(struct kernel_image *ki, const struct elf_file *ef)
{
	int i, ret;

	for (i = 0; i < ef->eh.e_phnum; i++) {
		const struct elf64_phdr *ph = &ef->ph[i];

		if (ph->p_type != PT_LOAD)
			continue;
		ret = elf_check_load(ef, ph);
		if (!ret && ph->p_memsz)
			ret = elf_add_segment(ki, ef, ph);
		if (ret)
			return ret;
	}
	if (!ki->nr_seg)
		return image_bad(ef->src, -ENOEXEC, "is damaged: it has nothing to load");

	for (i = 1; i < ki->nr_seg; i++)
		if (ki->seg[i - 1].paddr + ki->seg[i - 1].memsz > ki->seg[i].paddr)
			return image_bad(ef->src, -ENOEXEC,
					 "is damaged: two segments overlap at %#llx",
					 (unsigned long long)ki->seg[i].paddr);
	ki->start = ki->seg[0].paddr;
	ki->end = ki->seg[i - 1].paddr + ki->seg[i - 1].memsz;
	return 0;
}

/**
 * struct elf_notes - the bytes of a PT_NOTE segment
 * @p: what is left of them
 * @left: bytes at @p
 * @align: of names and descriptors
 * @swapped: they are of the other byte order
 */
struct elf_notes {
	const u8 *p;
	size_t left;
	size_t align;
	bool swapped;
};

static void elf_swap_note(struct elf64_note *nh)
{
	nh->n_namesz = __builtin_bswap32(nh->n_namesz);
	nh->n_descsz = __builtin_bswap32(nh->n_descsz);
	nh->n_type = __builtin_bswap32(nh->n_type);
}

/* Bytes in a descriptor, 0 at the end or where no such note is there. */
static int elf_scan_notes(struct elf_notes *n, const struct elf_note *want)
{
	size_t name_len = strlen(want->name) + 1;

	while (n->left >= sizeof(struct elf64_note)) {
		struct elf64_note nh;
		u64 desc, end;

		memcpy(&nh, n->p, sizeof(nh));
		if (n->swapped)
			elf_swap_note(&nh);
		desc = ALIGN(sizeof(nh) + nh.n_namesz, n->align);
		end = desc + nh.n_descsz;
		if (end > n->left)
			return -ENOEXEC;
		if (nh.n_type == want->type && nh.n_namesz == name_len &&
		    !memcmp(n->p + sizeof(nh), want->name, name_len)) {
			memcpy(want->desc, n->p + desc, min_t(size_t, want->size, nh.n_descsz));
			return nh.n_descsz;
		}
		/* The last one need not be padded. */
		end = min_t(u64, ALIGN(end, n->align), n->left);
		n->p += end;
		n->left -= end;
	}
	return 0;
}

static int elf_read_notes(const struct elf_file *ef, const struct elf64_phdr *ph,
			  const struct elf_note *want)
{
	struct elf_notes notes = {
		.left = ph->p_filesz, .align = ph->p_align == 8 ? 8 : 4,
		.swapped = ef->swapped,
	};
	void *buf;
	int ret;

	ret = elf_check_extent(ef, ph);
	if (ret)
		return ret;
	if (ph->p_filesz > ELF_NOTES_MAX)
		return image_bad(ef->src, -ENOEXEC, "is damaged: it has %llu bytes of notes",
				 (unsigned long long)ph->p_filesz);
	buf = malloc(ph->p_filesz ?: 1);
	if (!buf)
		return image_bad(ef->src, -ENOMEM, "no memory to read its notes");
	notes.p = buf;
	ret = image_read(ef->src, buf, ph->p_filesz, ph->p_offset);
	if (!ret)
		ret = elf_scan_notes(&notes, want);
	free(buf);
	if (ret == -ENOEXEC)
		return image_bad(ef->src, ret,
				 "is damaged: a note does not end where its segment does");
	if (ret < 0)
		return image_bad(ef->src, ret, "cannot read its notes: %s", strerror(-ret));
	return ret;
}

int elf_find_note(const struct elf_file *ef, const struct elf_note *note)
{
	int i, ret;

	for (i = 0; i < ef->eh.e_phnum; i++) {
		if (ef->ph[i].p_type != PT_NOTE)
			continue;
		ret = elf_read_notes(ef, &ef->ph[i], note);
		if (ret)
			return ret;
	}
	return 0;
}

bool elf_is_code(const struct elf_file *ef, u64 paddr)
{
	int i;

	for (i = 0; i < ef->eh.e_phnum; i++) {
		const struct elf64_phdr *ph = &ef->ph[i];

		if (ph->p_type == PT_LOAD && ph->p_flags & PF_X &&
		    paddr >= ph->p_paddr && paddr - ph->p_paddr < ph->p_filesz)
			return true;
	}
	return false;
}

/* A static program is ET_EXEC too, but it has what no kernel has. */
static int elf_check_program(const struct elf_file *ef)
{
	u32 system;
	struct elf_note abi = {
		.name = ELF_ABI_TAG_OWNER,
		.type = ELF_ABI_TAG,
		.desc = &system,
		.size = sizeof(system),
	};
	bool program = false;
	int i, ret;

	/* A kernel that relocates itself has all of that, too. */
	if (ef->eh.e_type == ET_DYN)
		return 0;
	for (i = 0; i < ef->eh.e_phnum; i++) {
		u32 type = ef->ph[i].p_type;

		program |= type == PT_INTERP || type == PT_DYNAMIC || type == PT_TLS;
	}
	if (!program) {
		ret = elf_find_note(ef, &abi);
		if (ret < 0)
			return ret;
		program = ret;
	}
	if (program)
		return image_bad(ef->src, -ENOEXEC, "is a user-space program, not a kernel");
	return 0;
}

int elf_open(struct kernel_image *ki, const struct image_src *src)
{
	struct elf_file ef = { .src = src };
	int ret;

	if (src->head_len < SELFMAG || memcmp(src->head, ELFMAG, SELFMAG))
		return IMAGE_OTHER;
	ret = elf_read_headers(&ef) ?:
	      elf_check_program(&ef) ?:
	      elf_add_segments(ki, &ef) ?:
	      elf_arch_entry(ki, &ef);
	if (ret)
		return ret;
	ki->fd = src->fd;
	return 0;
}
