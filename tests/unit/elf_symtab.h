/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TESTS_ELF_SYMTAB_H
#define TESTS_ELF_SYMTAB_H

#include <elf.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/**
 * struct elf_image - an ELF file with a symbol table, as small as it can be
 * @eh: its header
 * @sh: nothing, .text, .symtab, .strtab, .data
 * @sym: the symbols
 * @names: their names
 */
struct elf_image {
	Elf64_Ehdr eh;
	Elf64_Shdr sh[5];
	Elf64_Sym sym[8];
	char names[80];
};

static inline void elf_image_init(struct elf_image *e)
{
	static const char names[] = "\0first\0second\0twice\0data\0alias\0same";
	static const struct { u32 name; u8 type; u16 section; u64 addr, size; } syms[] = {
		{ 0, STT_NOTYPE, 0, 0, 0 },
		{ 7, STT_FUNC, 1, 0x1040, 0x1a },	/* second */
		{ 1, STT_FUNC, 1, 0x1000, 0x38 },	/* first */
		{ 14, STT_FUNC, 1, 0x1060, 0x10 },	/* twice */
		{ 14, STT_FUNC, 1, 0x1100, 0x90 },	/* twice */
		{ 20, STT_OBJECT, 4, 0x2000, 8 },	/* data */
		{ 25, STT_NOTYPE, 1, 0x1000, 0 },	/* alias */
		{ 31, STT_FUNC, 1, 0x1200, 0x20 },	/* same */
	};
	const int one = 1;
	unsigned int i;

	memset(e, 0, sizeof(*e));
	memcpy(e->eh.e_ident, ELFMAG, SELFMAG);
	e->eh.e_ident[EI_CLASS] = ELFCLASS64;
	e->eh.e_ident[EI_DATA] = *(const char *)&one ? ELFDATA2LSB : ELFDATA2MSB;
	e->eh.e_shoff = offsetof(struct elf_image, sh);
	e->eh.e_shentsize = sizeof(Elf64_Shdr);
	e->eh.e_shnum = 5;
	e->sh[1] = (Elf64_Shdr){ .sh_type = SHT_PROGBITS, .sh_flags = SHF_ALLOC | SHF_EXECINSTR };
	e->sh[2] = (Elf64_Shdr){ .sh_type = SHT_SYMTAB, .sh_link = 3,
		.sh_offset = offsetof(struct elf_image, sym), .sh_size = sizeof(e->sym),
		.sh_entsize = sizeof(Elf64_Sym) };
	e->sh[3] = (Elf64_Shdr){ .sh_type = SHT_STRTAB,
		.sh_offset = offsetof(struct elf_image, names), .sh_size = sizeof(e->names) };
	e->sh[4] = (Elf64_Shdr){ .sh_type = SHT_PROGBITS, .sh_flags = SHF_ALLOC | SHF_WRITE };
	for (i = 0; i < 8; i++)
		e->sym[i] = (Elf64_Sym){ .st_name = syms[i].name,
			.st_info = ELF64_ST_INFO(STB_GLOBAL, syms[i].type),
			.st_shndx = syms[i].section, .st_value = syms[i].addr,
			.st_size = syms[i].size };
	memcpy(e->names, names, sizeof(names));
}

/* A file of its first @size bytes. */
static inline int elf_image_fd(const struct elf_image *e, size_t size)
{
	int fd = memfd_create("elf", MFD_CLOEXEC);

	if (write(fd, e, size) != size) {
		close(fd);
		return -1;
	}
	return fd;
}

#endif /* TESTS_ELF_SYMTAB_H */
