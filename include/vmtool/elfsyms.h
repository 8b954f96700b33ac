/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_ELFSYMS_H
#define VMTOOL_ELFSYMS_H

#include <stddef.h>
#include <linux/types.h>

/**
 * struct elf_sym - a function or a label of a program
 * @addr: its address as linked
 * @size: bytes, 0 where nobody said
 * @name: offset of its name in the table of names
 */
struct elf_sym {
	u64 addr;
	u64 size;
	u32 name;
};

/**
 * struct elf_syms - the code symbols of an ELF file
 * @syms: sorted by address
 * @nr: how many
 * @names: their names
 * @names_len: bytes of @names; the last one is a NUL
 */
struct elf_syms {
	struct elf_sym *syms;
	size_t nr;
	char *names;
	size_t names_len;
};

/**
 * elf_syms_read() - read the symbol table of a vmlinux
 * @es: filled in
 * @fd: the file; it may be damaged, or be anything at all
 *
 * 64-bit files of this machine's byte order are understood.
 *
 * Return: 0, and @es is released by elf_syms_free(); -ENOEXEC for what is no such
 * file or contradicts itself; -ENOENT without a symbol table; another -errno.
 */
int elf_syms_read(struct elf_syms *es, int fd);

/**
 * elf_syms_free() - release what elf_syms_read() took
 * @es: symbols, also zeroed ones
 */
void elf_syms_free(struct elf_syms *es);

/**
 * elf_syms_find() - the address of a function
 * @es: symbols
 * @name: its name, not NUL terminated
 * @len: bytes of @name
 * @size: its size as kallsyms has it, up to the next symbol; 0 for unknown
 * @addr: receives its address as linked
 *
 * Return: 0; -ENOENT when there is none; -EEXIST when several fit equally well.
 */
int elf_syms_find(const struct elf_syms *es, const char *name, size_t len, u64 size,
		  u64 *addr);

/**
 * elf_syms_at() - the function that an address is in
 * @es: symbols
 * @addr: address as linked
 * @off: receives the offset into it
 * @size: receives the bytes to the next symbol, as kallsyms has it
 *
 * Return: its name, owned by @es; NULL when it is in none.
 */
const char *elf_syms_at(const struct elf_syms *es, u64 addr, u64 *off, u64 *size);

#endif /* VMTOOL_ELFSYMS_H */
