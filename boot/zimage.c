// SPDX-License-Identifier: GPL-2.0
/*
 * zImage.pseries: a boot wrapper (arch/powerpc/boot) in an ELF file of 32 or 64 bits in
 * either byte order, which firmware of Open Firmware's kind runs. What counts here is
 * one of its sections: the compressed vmlinux.
 */
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include <linux/elf.h>
#include <linux/kernel.h>

#include "image.h"

#define ZIMAGE_SECTION		".kernel:vmlinux.strip"
#define ZIMAGE_SECTIONS_MAX	128
#define ZIMAGE_NAMES_MAX	8192

/**
 * struct zimage - what of the ELF file is of use
 * @src: file
 * @big: its byte order
 * @wide: it is one of 64 bits
 * @off: where section headers are
 * @size: bytes of one
 * @nr: how many
 * @names: which of them has the names
 */
struct zimage {
	const struct image_src *src;
	bool big;
	bool wide;
	u64 off;
	u32 size;
	u32 nr;
	u32 names;
};

struct zimage_section {
	u32 name;
	u64 off;
	u64 len;
};

static u16 get16(const struct zimage *z, u16 val)
{
	return z->big ? be16toh(val) : le16toh(val);
}

static u32 get32(const struct zimage *z, u32 val)
{
	return z->big ? be32toh(val) : le32toh(val);
}

static u64 get64(const struct zimage *z, u64 val)
{
	return z->big ? be64toh(val) : le64toh(val);
}

static bool read_section(const struct zimage *z, u32 nr, struct zimage_section *s)
{
	union {
		struct elf32_shdr narrow;
		struct elf64_shdr wide;
	} sh;

	if (image_read(z->src, &sh, z->size, z->off + (u64)nr * z->size))
		return false;
	if (z->wide) {
		s->name = get32(z, sh.wide.sh_name);
		s->off = get64(z, sh.wide.sh_offset);
		s->len = get64(z, sh.wide.sh_size);
	} else {
		s->name = get32(z, sh.narrow.sh_name);
		s->off = get32(z, sh.narrow.sh_offset);
		s->len = get32(z, sh.narrow.sh_size);
	}
	return s->off <= z->src->size && s->len <= z->src->size - s->off;
}

static void read_wide(struct zimage *z)
{
	struct elf64_hdr eh;

	memcpy(&eh, z->src->head, sizeof(eh));
	z->off = get64(z, eh.e_shoff);
	z->size = get16(z, eh.e_shentsize);
	z->nr = get16(z, eh.e_shnum);
	z->names = get16(z, eh.e_shstrndx);
}

static void read_narrow(struct zimage *z)
{
	struct elf32_hdr eh;

	memcpy(&eh, z->src->head, sizeof(eh));
	z->off = get32(z, eh.e_shoff);
	z->size = get16(z, eh.e_shentsize);
	z->nr = get16(z, eh.e_shnum);
	z->names = get16(z, eh.e_shstrndx);
}

/* False for what has no sections, or such as no wrapper has: it is none, then. */
static bool read_header(struct zimage *z)
{
	const u8 *p = z->src->head;
	u16 machine;

	if (z->src->head_len < sizeof(struct elf64_hdr) || memcmp(p, ELFMAG, SELFMAG))
		return false;
	z->big = p[EI_DATA] == ELFDATA2MSB;
	z->wide = p[EI_CLASS] == ELFCLASS64;
	/* Both classes have it in one place. */
	memcpy(&machine, p + offsetof(struct elf64_hdr, e_machine), sizeof(machine));
	machine = get16(z, machine);
	if (machine != EM_PPC && machine != EM_PPC64)
		return false;
	if (z->wide)
		read_wide(z);
	else
		read_narrow(z);
	return z->off && z->off < z->src->size &&
	       z->nr <= ZIMAGE_SECTIONS_MAX && z->names < z->nr &&
	       z->size == (z->wide ? sizeof(struct elf64_shdr) : sizeof(struct elf32_shdr));
}

/* 1 with the section, 0 without one, -errno. */
static int find_section(const struct zimage *z, struct zimage_section *s)
{
	struct zimage_section table;
	char *names;
	int ret = 0;
	u32 i;

	if (!read_section(z, z->names, &table) || !table.len || table.len > ZIMAGE_NAMES_MAX)
		return 0;
	names = malloc(table.len);
	if (!names)
		return -ENOMEM;
	if (image_read(z->src, names, table.len, table.off))
		table.len = 0;
	else
		names[table.len - 1] = '\0';
	for (i = 0; i < z->nr && !ret && table.len; i++)
		ret = read_section(z, i, s) && s->name < table.len &&
		      !strcmp(names + s->name, ZIMAGE_SECTION);
	free(names);
	return ret;
}

int zimage_open(struct kernel_image *ki, const struct image_src *src)
{
	struct zimage z = { .src = src };
	struct zimage_section s;
	int ret;

	if (!read_header(&z))
		return IMAGE_OTHER;
	ret = find_section(&z, &s);
	if (ret < 0)
		return image_bad(src, ret, "no memory to read its sections");
	if (!ret)
		return IMAGE_OTHER;
	ret = inflate_section(ki, src, s.off, s.len);
	if (ret == IMAGE_OTHER)
		return image_bad(src, -ENOEXEC,
				 "has a vmlinux that vmtool cannot inflate; use the vmlinux itself");
	return ret;
}
