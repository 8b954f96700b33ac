// SPDX-License-Identifier: GPL-2.0
/*
 * The arm64 Image (Documentation/arm64/booting.rst): what a kernel is in memory, with
 * a header of 64 bytes in front. And EFI zboot, a UEFI program that holds a compressed
 * Image, which is inflated on the host.
 */
#include <endian.h>
#include <string.h>

#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/kernel.h>
#include <linux/sizes.h>

#include "image.h"

#define IMAGE_MAGIC		"ARM\x64"
#define IMAGE_FLAG_PAGES(flags)	((flags) >> 1 & 3)

/* A kernel before 3.17 does not say how large it is in memory. */
#define OLD_TEXT_OFFSET		0x80000
#define OLD_SPARE		SZ_16M

/* COMMAND_LINE_SIZE of asm-generic/setup.h and arm64's. */
#define CMDLINE_MAX		2047

/* Linux maps the tree by 2 MiB, and the Image starts at a multiple of that. */
#define IMAGE_ALIGN		SZ_2M
#define IMAGE_MAX		SZ_2G

#define ZBOOT_MAGIC		"zimg"

struct arm64_image {
	u32 code[2];
	__le64 text_offset;
	__le64 image_size;
	__le64 flags;
	__le64 reserved[3];
	char magic[4];
	__le32 pe_header;
};

struct zboot {
	char mz[4];
	char magic[4];
	__le32 payload_offset;
	__le32 payload_size;
	__le32 reserved[2];
	char compression[16];
};

static_assert(sizeof(struct arm64_image) == 64, "as specified");

static u64 image_page_size(u64 flags)
{
	static const u32 sizes[] = { 0, SZ_4K, SZ_16K, SZ_64K };

	return sizes[IMAGE_FLAG_PAGES(flags)];
}

int arm64_image_open(struct kernel_image *ki, const struct image_src *src)
{
	u64 text_offset, size, flags;
	struct arm64_image h;

	if (src->head_len < sizeof(h))
		return IMAGE_OTHER;
	memcpy(&h, src->head, sizeof(h));
	if (memcmp(h.magic, IMAGE_MAGIC, sizeof(h.magic)))
		return IMAGE_OTHER;
	text_offset = le64toh(h.text_offset);
	size = le64toh(h.image_size);
	flags = le64toh(h.flags);
	if (!size) {
		text_offset = OLD_TEXT_OFFSET;
		size = src->size + OLD_SPARE;
		flags = 0;
	}
	if (text_offset >= IMAGE_ALIGN || size > IMAGE_MAX)
		return image_bad(src, -ENOEXEC,
				 "is damaged: %llu bytes at offset %#llx cannot be right",
				 (unsigned long long)size, (unsigned long long)text_offset);
	if (size < src->size)
		size = src->size;

	ki->fd = src->fd;
	ki->proto = KERNEL_FDT;
	ki->entry = text_offset;
	ki->start = text_offset;
	ki->end = text_offset + size;
	ki->seg[0] = (struct kernel_segment) {
		.paddr = text_offset, .memsz = size, .filesz = src->size,
	};
	ki->nr_seg = 1;
	ki->cmdline_max = CMDLINE_MAX;
	ki->page_size = image_page_size(flags);
	return 0;
}

/* gzip ends in the inflated size; other formats have it appended. */
static u32 zboot_payload(const struct zboot *z)
{
	bool gzip = !strncmp(z->compression, "gzip", sizeof(z->compression));

	return le32toh(z->payload_size) + (gzip ? 0 : sizeof(u32));
}

int zboot_open(struct kernel_image *ki, const struct image_src *src)
{
	u64 offset, size;
	struct zboot z;
	int ret;

	if (src->head_len < sizeof(z))
		return IMAGE_OTHER;
	memcpy(&z, src->head, sizeof(z));
	if (memcmp(z.mz, "MZ", 2) || memcmp(z.magic, ZBOOT_MAGIC, sizeof(z.magic)))
		return IMAGE_OTHER;
	offset = le32toh(z.payload_offset);
	size = zboot_payload(&z);
	if (offset > src->size || size > src->size - offset)
		return image_bad(src, -ENOEXEC,
				 "is truncated: its payload has %llu bytes at offset %llu, the file has %llu",
				 (unsigned long long)size, (unsigned long long)offset,
				 (unsigned long long)src->size);
	ret = inflate_part(ki, src, &(struct inflate_part) {
		.off = offset, .len = size, .max = IMAGE_MAX, .open = arm64_image_open,
	});
	if (ret == IMAGE_OTHER)
		return image_bad(src, -ENOEXEC,
				 "is compressed with %.*s, which this vmtool was built without; take the Image inside",
				 (int)sizeof(z.compression), z.compression);
	return ret;
}
