// SPDX-License-Identifier: GPL-2.0
/*
 * The zImage of 32-bit ARM (Documentation/arm/booting.rst): a program that inflates the
 * kernel in it to the start of memory. It moves itself out of its way where it has to;
 * it is put where it need not. A table in it, of kernels from 4.15 on, says how much
 * memory that takes.
 */
#include <endian.h>
#include <string.h>

#include <linux/kernel.h>
#include <linux/sizes.h>

#include "image.h"

#define ZIMAGE_HEADER		0x24
#define ZIMAGE_MAGIC		0x016f2818
#define ZIMAGE_BIG_ENDIAN	0x18286f01
#define ZIMAGE_TABLE_MAGIC	0x45454545
#define TABLE_TAG		0x5a534c4b	/* its bytes are "KLSZ" */
#define TABLE_WORDS_MIN		4

/* Memory starts at a multiple of this below the zImage: it asks nobody. */
#define ZIMAGE_REACH		SZ_128M
#define ZIMAGE_ALIGN		SZ_2M
/* Of a kernel without a table: what kexec takes for enough. */
#define OLD_RATIO		5

/* The largest offset of a kernel to its memory's start, where the table lacks it. */
#define TEXT_OFFSET_MAX		(SZ_2M + SZ_32K)
/* What it uses behind its own end: stack, heap, a device tree that is not there. */
#define WORKSPACE		SZ_2M

/* COMMAND_LINE_SIZE of asm/setup.h. */
#define CMDLINE_MAX		1023

struct arm_zimage {
	__le32 magic;
	__le32 start;
	__le32 end;
	__le32 order;
	__le32 table_magic;
	__le32 table;
};

struct zimage_table {
	__le32 words;
	__le32 tag;
	__le32 size_at;		/* where the inflated size is */
	__le32 bss;
	__le32 text_offset;	/* the last two since 5.11 */
	__le32 heap;
};

/* Bytes from the start of memory that the inflated kernel takes; 0 where nothing says so. */
static u64 inflated_end(const struct image_src *src, const struct arm_zimage *z, u64 file)
{
	u64 at = le32toh(z->table), text = TEXT_OFFSET_MAX;
	struct zimage_table t;
	__le32 size;

	if (le32toh(z->table_magic) != ZIMAGE_TABLE_MAGIC || at > file ||
	    sizeof(t) > file - at || image_read(src, &t, sizeof(t), at) ||
	    le32toh(t.tag) != TABLE_TAG || le32toh(t.words) < TABLE_WORDS_MIN)
		return 0;
	at = le32toh(t.size_at);
	if (at > file || sizeof(size) > file - at || image_read(src, &size, sizeof(size), at))
		return 0;
	if (le32toh(t.words) * sizeof(__le32) >= sizeof(t))
		text = le32toh(t.text_offset);
	return text + le32toh(size) + le32toh(t.bss);
}

int arm_zimage_open(struct kernel_image *ki, const struct image_src *src)
{
	struct arm_zimage z;
	u64 size, kernel;

	if (src->head_len < ZIMAGE_HEADER + sizeof(z))
		return IMAGE_OTHER;
	memcpy(&z, src->head + ZIMAGE_HEADER, sizeof(z));
	if (le32toh(z.magic) == ZIMAGE_BIG_ENDIAN)
		return image_bad(src, -ENOEXEC,
				 "is a big-endian zImage; only little-endian ones can be run");
	if (le32toh(z.magic) != ZIMAGE_MAGIC)
		return IMAGE_OTHER;
	if (le32toh(z.end) <= le32toh(z.start))
		return image_bad(src, -ENOEXEC, "is damaged: its header has no size");
	size = le32toh(z.end) - le32toh(z.start);
	if (size > src->size)
		return image_bad(src, -ENOEXEC, "is truncated: it has %llu bytes of %llu",
				 (unsigned long long)src->size, (unsigned long long)size);
	kernel = inflated_end(src, &z, size) ?: size * OLD_RATIO + TEXT_OFFSET_MAX;
	kernel = (kernel + ZIMAGE_ALIGN - 1) & ~(u64)(ZIMAGE_ALIGN - 1);
	if (kernel + size + WORKSPACE > ZIMAGE_REACH)
		return image_bad(src, -ENOEXEC,
				 "needs %llu MiB, more than the 128 MiB that it can be in",
				 (unsigned long long)(kernel + size + WORKSPACE) / SZ_1M);

	ki->fd = src->fd;
	ki->proto = KERNEL_ARM32;
	ki->entry = kernel;
	ki->start = kernel;
	ki->end = kernel + size + WORKSPACE;
	ki->seg[0] = (struct kernel_segment) {
		.paddr = kernel, .memsz = size, .filesz = size,
	};
	ki->nr_seg = 1;
	ki->cmdline_max = CMDLINE_MAX;
	return 0;
}
