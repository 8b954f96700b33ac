// SPDX-License-Identifier: GPL-2.0
/*
 * What was built into a kernel shows in its strings: they are all in .rodata, which
 * is a small part of the kernel. Sections are nothing that a kernel needs, so what
 * is odd about them is no error: nothing is found then.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/elf.h>
#include <linux/kernel.h>
#include <vmtool/io.h>

#include "elf.h"

#define SEARCH_CHUNK	(256 * 1024)
#define SEARCH_MAX	(64 << 20)	/* distributions have 10 MiB */
#define SEARCH_SECTIONS	1024		/* vmlinux has some 80 with debug information */
#define SEARCH_NAMES	65536
#define SEARCH_SECTION	".rodata"

static void search_swap(struct elf64_shdr *sh)
{
	sh->sh_name = __builtin_bswap32(sh->sh_name);
	sh->sh_type = __builtin_bswap32(sh->sh_type);
	sh->sh_offset = __builtin_bswap64(sh->sh_offset);
	sh->sh_size = __builtin_bswap64(sh->sh_size);
}

static struct elf64_shdr *search_headers(const struct kernel_image *ki, struct elf64_hdr *eh)
{
	struct elf64_shdr *sh;
	bool swapped;
	size_t len;
	int i;

	if (pread_all(ki->fd, eh, sizeof(*eh), 0) || memcmp(eh->e_ident, ELFMAG, SELFMAG))
		return NULL;
	swapped = elf_is_swapped(eh);
	if (swapped)
		elf_swap_header(eh);
	if (eh->e_shentsize != sizeof(*sh) || eh->e_shnum > SEARCH_SECTIONS ||
	    eh->e_shstrndx >= eh->e_shnum)
		return NULL;
	len = eh->e_shnum * sizeof(*sh);
	sh = malloc(len);
	if (sh && pread_all(ki->fd, sh, len, eh->e_shoff)) {
		free(sh);
		sh = NULL;
	}
	for (i = 0; sh && swapped && i < eh->e_shnum; i++)
		search_swap(&sh[i]);
	return sh;
}

static char *search_names(const struct kernel_image *ki, const struct elf64_shdr *names)
{
	char *text;

	if (!names->sh_size || names->sh_size > SEARCH_NAMES)
		return NULL;
	text = malloc(names->sh_size);
	if (text && pread_all(ki->fd, text, names->sh_size, names->sh_offset)) {
		free(text);
		text = NULL;
	}
	if (text)
		text[names->sh_size - 1] = '\0';
	return text;
}

/* Where the section is in the file; false when there is none. */
static bool search_section(const struct kernel_image *ki, u64 *off, u64 *len)
{
	struct elf64_hdr eh;
	struct elf64_shdr *sh = search_headers(ki, &eh);
	char *names = sh ? search_names(ki, &sh[eh.e_shstrndx]) : NULL;
	bool found = false;
	unsigned int i;

	for (i = 0; names && i < eh.e_shnum && !found; i++) {
		if (sh[i].sh_type != SHT_PROGBITS || sh[i].sh_name >= sh[eh.e_shstrndx].sh_size ||
		    strcmp(names + sh[i].sh_name, SEARCH_SECTION))
			continue;
		*off = sh[i].sh_offset;
		*len = sh[i].sh_size;
		found = true;
	}
	free(names);
	free(sh);
	return found;
}

/* A kernel that is no ELF file: one segment holds it all. */
static bool search_flat(const struct kernel_image *ki, u64 *off, u64 *len)
{
	char magic[SELFMAG];

	if (ki->proto != KERNEL_FDT || ki->nr_seg != 1 ||
	    pread_all(ki->fd, magic, sizeof(magic), 0) || !memcmp(magic, ELFMAG, SELFMAG))
		return false;
	*off = ki->seg[0].offset;
	*len = ki->seg[0].filesz;
	return true;
}

/* One that is cut while it is mapped is a SIGBUS: what the cache keeps is not. */
static bool may_be_mapped(int fd, u64 off, u64 size)
{
	struct stat st;

	return !fstat(fd, &st) && !(st.st_mode & 0222) && st.st_uid == geteuid() &&
	       size && off <= st.st_size && size <= st.st_size - off;
}

static void map_rodata(struct kernel_image *ki, u64 off, u64 size)
{
	u64 skip = off % sysconf(_SC_PAGESIZE);
	void *p = mmap(NULL, skip + size, PROT_READ, MAP_PRIVATE, ki->fd, off - skip);

	if (p == MAP_FAILED)
		return;
	ki->rodata = p + skip;
	ki->rodata_skip = skip;
	ki->rodata_mapped = true;
}

static void read_rodata(struct kernel_image *ki, u64 off, u64 size)
{
	ki->rodata = malloc(size ?: 1);
	if (!ki->rodata || !pread_all(ki->fd, ki->rodata, size, off))
		return;
	free(ki->rodata);
	ki->rodata = NULL;
}

const char *image_rodata(struct kernel_image *ki, size_t *len)
{
	u64 off = 0, size = 0;

	if (!ki->rodata_sought && search_section(ki, &off, &size) && size <= SEARCH_MAX) {
		if (may_be_mapped(ki->fd, off, size))
			map_rodata(ki, off, size);
		else
			read_rodata(ki, off, size);
		ki->rodata_len = ki->rodata ? size : 0;
	}
	ki->rodata_sought = true;
	*len = ki->rodata_len;
	return ki->rodata;
}

void kernel_image_forget(struct kernel_image *ki)
{
	if (ki->rodata_mapped)
		munmap(ki->rodata - ki->rodata_skip, ki->rodata_skip + ki->rodata_len);
	else
		free(ki->rodata);
	ki->rodata = NULL;
	ki->rodata_mapped = false;
	ki->rodata_len = 0;
	ki->rodata_sought = false;
}

/* Piece by piece: a kernel that is no ELF file is searched as a whole. */
static bool search_file(const struct kernel_image *ki, u64 off, u64 len, const char *text,
			size_t text_len)
{
	bool found = false;
	char *buf = malloc(SEARCH_CHUNK);

	while (buf && !found && len >= text_len) {
		size_t n = min_t(u64, len, SEARCH_CHUNK);

		if (pread_all(ki->fd, buf, n, off))
			break;
		found = memmem(buf, n, text, text_len);
		/* It may lie across the end of what was read. */
		n = n == len ? n : n - (text_len - 1);
		off += n;
		len -= n;
	}
	free(buf);
	return found;
}

bool kernel_image_has(struct kernel_image *ki, const char *text)
{
	size_t len, text_len = strlen(text) + 1;
	const char *rodata = image_rodata(ki, &len);
	u64 off, size;

	if (rodata)
		return memmem(rodata, len, text, text_len);
	return search_flat(ki, &off, &size) && search_file(ki, off, size, text, text_len);
}
