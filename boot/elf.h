/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BOOT_ELF_H
#define BOOT_ELF_H

#include <stdbool.h>
#include <linux/elf.h>

#include "image.h"

/* The kernel's linker scripts make about five program headers. */
#define ELF_MAX_PHDRS	64

/**
 * struct elf_file - the headers of an ELF kernel, checked
 * @src: file
 * @eh: ELF header
 * @ph: program headers, @eh.e_phnum of them
 * @swapped: the file is of the other byte order; the headers here are not
 * @first: the lowest address of a segment as the file has it, if elf_arch.relative
 */
struct elf_file {
	const struct image_src *src;
	struct elf64_hdr eh;
	struct elf64_phdr ph[ELF_MAX_PHDRS];
	bool swapped;
	u64 first;
};

/**
 * struct elf_note - a note in a PT_NOTE segment
 * @name: whose note it is
 * @type: what it is, in @name's numbering
 * @desc: receives the descriptor
 * @size: bytes in @desc
 */
struct elf_note {
	const char *name;
	u32 type;
	void *desc;
	size_t size;
};

/** elf_is_swapped() - is a file of another byte order than this host? */
static inline bool elf_is_swapped(const struct elf64_hdr *eh)
{
	return (eh->e_ident[EI_DATA] == ELFDATA2MSB) !=
	       (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__);
}

/** elf_swap_header() - the other byte order, for what vmtool reads */
static inline void elf_swap_header(struct elf64_hdr *eh)
{
	eh->e_type = __builtin_bswap16(eh->e_type);
	eh->e_version = __builtin_bswap32(eh->e_version);
	eh->e_entry = __builtin_bswap64(eh->e_entry);
	eh->e_phoff = __builtin_bswap64(eh->e_phoff);
	eh->e_shoff = __builtin_bswap64(eh->e_shoff);
	eh->e_phentsize = __builtin_bswap16(eh->e_phentsize);
	eh->e_phnum = __builtin_bswap16(eh->e_phnum);
	eh->e_shentsize = __builtin_bswap16(eh->e_shentsize);
	eh->e_shnum = __builtin_bswap16(eh->e_shnum);
	eh->e_shstrndx = __builtin_bswap16(eh->e_shstrndx);
}

/**
 * elf_find_note() - look for a note
 * @ef: file
 * @note: what to look for
 *
 * Return: bytes in the descriptor of the first such note, of which at most
 * @note->size are stored; 0 when there is none, or it is empty; -errno after a
 * one-line message when the notes are damaged.
 */
int elf_find_note(const struct elf_file *ef, const struct elf_note *note);

/**
 * elf_is_code() - does a file's segment hold instructions at an address?
 * @ef: file
 * @paddr: guest physical address
 *
 * Return: true when the byte at @paddr comes from an executable segment.
 */
bool elf_is_code(const struct elf_file *ef, u64 paddr);

/*
 * The architecture's part, one implementation per build.
 */

/**
 * struct elf_arch - the kernels that can be run
 * @machine: ELF machine number
 * @name: what to call it
 * @big_endian: big-endian ones, too
 * @dyn: they may be ET_DYN, which relocate themselves
 * @relative: they run at any address: those in the file are virtual, and what counts is
 *	how far they are from the lowest
 */
struct elf_arch {
	u16 machine;
	const char *name;
	bool big_endian;
	bool dyn;
	bool relative;
};

extern const struct elf_arch elf_arch;

/**
 * elf_arch_entry() - how an ELF kernel is entered
 * @ki: its segments are there; the rest is filled in, except for what a header
 *	around the kernel has provided (@ki->setup_len is not 0 then)
 * @ef: file
 *
 * Return: 0, or -errno after a one-line message.
 */
int elf_arch_entry(struct kernel_image *ki, const struct elf_file *ef);

#endif /* BOOT_ELF_H */
