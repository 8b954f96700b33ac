/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TESTS_UNIT_MODULE_FILE_H
#define TESTS_UNIT_MODULE_FILE_H

#include <linux/elf.h>
#include <stddef.h>
#include <string.h>

#include "files.h"

/* The smallest file that is a module by its form: an ELF file with a .modinfo. */
#define MODULE_FILE_INFO	512

struct module_file {
	struct elf64_hdr eh;
	struct elf64_shdr sh[3];
	char names[24];
	char info[MODULE_FILE_INFO];
};

/* @info: "key=value" with a newline where a NUL is meant. */
static inline void module_file_make(struct module_file *mf, const char *info)
{
	size_t i, len = strlen(info);

	memset(mf, 0, sizeof(*mf));
	memcpy(mf->eh.e_ident, ELFMAG, SELFMAG);
	mf->eh.e_ident[EI_CLASS] = ELFCLASS64;
	mf->eh.e_ident[EI_DATA] = ELFDATA2LSB;
	mf->eh.e_type = ET_REL;
	mf->eh.e_shoff = offsetof(struct module_file, sh);
	mf->eh.e_shentsize = sizeof(mf->sh[0]);
	mf->eh.e_shnum = 3;
	mf->eh.e_shstrndx = 1;
	memcpy(mf->names, "\0.modinfo\0.shstrtab", 20);
	mf->sh[1] = (struct elf64_shdr) {
		.sh_name = 10, .sh_type = SHT_STRTAB,
		.sh_offset = offsetof(struct module_file, names), .sh_size = 20,
	};
	mf->sh[2] = (struct elf64_shdr) {
		.sh_name = 1, .sh_type = SHT_PROGBITS,
		.sh_offset = offsetof(struct module_file, info), .sh_size = len,
	};
	for (i = 0; i < len && i < sizeof(mf->info); i++)
		mf->info[i] = info[i] == '\n' ? '\0' : info[i];
}

static inline bool module_file_write(const struct files *f, const char *name,
				     const char *info)
{
	struct module_file mf;

	module_file_make(&mf, info);
	return files_write(f, name, &mf, sizeof(mf));
}

#endif /* TESTS_UNIT_MODULE_FILE_H */
