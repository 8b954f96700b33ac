// SPDX-License-Identifier: GPL-2.0
/*
 * bzImage, by Documentation/arch/x86/boot.rst of the tree: boot sector and
 * 16-bit setup code, which no virtual machine needs, then the code that runs in
 * protected mode: a decompressor with the compressed vmlinux as its payload.
 *
 * The payload is inflated here and entered directly where that is possible.
 * Otherwise the decompressor is loaded as it is and entered 0x200 bytes behind
 * its start ("64-bit BOOT PROTOCOL").
 */
#include <asm/bootparam.h>
#include <string.h>

#include <linux/align.h>
#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/sizes.h>

#include "image.h"

#define BZ_HEADER		0x1f1
#define BZ_HEADER_JUMP		0x202		/* the jump counts from here */
#define BZ_MAGIC		0x53726448	/* "HdrS" */
#define BZ_BOOT_FLAG		0xaa55
#define BZ_JUMP_SHORT		0xeb
#define BZ_VERSION_MIN		0x020c		/* the first with xloadflags */
#define BZ_SECTOR		512U
#define BZ_SECTS_DEFAULT	4
#define BZ_PARAGRAPH		16U
#define BZ_ENTRY_64		0x200
#define BZ_LOAD_LOWEST		SZ_1M
#define BZ_ALIGN_MIN		SZ_4K
#define BZ_VERSION_BASE		0x200		/* kernel_version counts from here */

/**
 * struct bzimage - a bzImage's header and what follows from it
 * @hdr: the header's fields, those a short header lacks are 0
 * @setup_size: bytes of boot sector and setup code; the rest starts there
 * @code_size: bytes of the rest, without a signature behind it
 * @load: where the rest goes when it is run as it is
 */
struct bzimage {
	struct setup_header hdr;
	u32 setup_size;
	u64 code_size;
	u64 load;
};

static int bzimage_bad(const struct image_src *src, const char *field, u64 value)
{
	return image_bad(src, -ENOEXEC, "is damaged: its %s of %#llx cannot be right",
			 field, (unsigned long long)value);
}

/* The header is as long as its first instruction jumps. */
static int bzimage_header(struct bzimage *bz, struct kernel_image *ki,
			  const struct image_src *src)
{
	u16 jump;
	u32 end;

	memcpy(&jump, src->head + offsetof(struct setup_header, jump) + BZ_HEADER,
	       sizeof(jump));
	end = BZ_HEADER_JUMP + (jump >> 8);
	if ((jump & 0xff) != BZ_JUMP_SHORT || end > BZ_HEADER + sizeof(ki->setup) ||
	    end < BZ_HEADER + offsetof(struct setup_header, handover_offset))
		return bzimage_bad(src, "jump over the header", jump);
	if (end > src->head_len)
		return image_bad(src, -ENOEXEC, "is truncated: it ends in its header");

	ki->setup_len = end - BZ_HEADER;
	memcpy(ki->setup, src->head + BZ_HEADER, ki->setup_len);
	memcpy(&bz->hdr, ki->setup, min_t(size_t, ki->setup_len, sizeof(bz->hdr)));
	return 0;
}

static int bzimage_check_version(const struct bzimage *bz, const struct image_src *src)
{
	const struct setup_header *h = &bz->hdr;

	if (h->version < BZ_VERSION_MIN)
		return image_bad(src, -ENOEXEC,
				 "boot protocol %u.%02u is too old; 2.12 (Linux 3.8) is needed",
				 h->version >> 8, h->version & 0xff);
	if (!(h->loadflags & LOADED_HIGH))
		return image_bad(src, -ENOEXEC, "is a zImage; make a bzImage");
	if (!(h->xloadflags & XLF_KERNEL_64))
		return image_bad(src, -ENOEXEC,
				 "is a 32-bit kernel; vmtool runs 64-bit ones");
	return 0;
}

static int bzimage_check_size(struct bzimage *bz, const struct image_src *src)
{
	const struct setup_header *h = &bz->hdr;
	u64 need;

	bz->setup_size = ((h->setup_sects ?: BZ_SECTS_DEFAULT) + 1) * BZ_SECTOR;
	bz->code_size = (u64)h->syssize * BZ_PARAGRAPH;
	if (bz->code_size <= BZ_ENTRY_64)
		return bzimage_bad(src, "syssize", h->syssize);
	need = bz->setup_size + bz->code_size;
	if (need > src->size)
		return image_bad(src, -ENOEXEC,
				 "is truncated: its header says %llu bytes, the file has %llu",
				 (unsigned long long)need, (unsigned long long)src->size);
	if ((u64)h->payload_offset + h->payload_length > bz->code_size)
		return image_bad(src, -ENOEXEC,
				 "is damaged: its payload does not lie within it");
	return 0;
}

/*
 * A relocatable kernel may go anywhere that is aligned, one that is not moves
 * itself to pref_address: there both kinds are at home.
 */
static int bzimage_check_address(struct bzimage *bz, const struct image_src *src)
{
	const struct setup_header *h = &bz->hdr;
	u64 pref = h->pref_address;

	if (!is_power_of_2(h->kernel_alignment) || h->kernel_alignment < BZ_ALIGN_MIN)
		return bzimage_bad(src, "kernel_alignment", h->kernel_alignment);
	if (pref >= SZ_4G || (pref && pref < BZ_LOAD_LOWEST) ||
	    (!pref && !h->relocatable_kernel) || pref % BZ_ALIGN_MIN)
		return bzimage_bad(src, "pref_address", pref);

	bz->load = pref ?: BZ_LOAD_LOWEST;
	if (h->relocatable_kernel)
		bz->load = ALIGN(bz->load, (u64)h->kernel_alignment);
	if (bz->code_size > h->init_size || bz->load + h->init_size > SZ_4G)
		return bzimage_bad(src, "init_size", h->init_size);
	return 0;
}

static int bzimage_check_limits(const struct bzimage *bz, const struct image_src *src)
{
	if (!bz->hdr.cmdline_size)
		return bzimage_bad(src, "cmdline_size", 0);
	if (bz->hdr.initrd_addr_max < BZ_LOAD_LOWEST)
		return bzimage_bad(src, "initrd_addr_max", bz->hdr.initrd_addr_max);
	return 0;
}

static int bzimage_check(struct bzimage *bz, const struct image_src *src)
{
	return bzimage_check_version(bz, src) ?:
	       bzimage_check_size(bz, src) ?:
	       bzimage_check_address(bz, src) ?:
	       bzimage_check_limits(bz, src);
}

/* Only for people, so an offset that leads nowhere is no reason to refuse. */
static void bzimage_version(const struct bzimage *bz, struct kernel_image *ki,
			    const struct image_src *src)
{
	u32 off = bz->hdr.kernel_version + BZ_VERSION_BASE;
	char text[KERNEL_VERSION_LEN];
	size_t len;

	ki->version_sought = true;
	if (!bz->hdr.kernel_version || off >= bz->setup_size)
		return;
	len = min_t(u64, sizeof(text), bz->setup_size - off);
	if (!image_read(src, text, len, off))
		image_set_version(ki, text, len);
}

/* The kernel as it is, with room for what its decompressor makes. */
static void bzimage_whole(const struct bzimage *bz, struct kernel_image *ki,
			  const struct image_src *src)
{
	ki->fd = src->fd;
	ki->proto = KERNEL_LINUX64;
	ki->entry = bz->load + BZ_ENTRY_64;
	ki->seg[0] = (struct kernel_segment) {
		.paddr = bz->load,
		.memsz = bz->code_size,
		.filesz = bz->code_size,
		.offset = bz->setup_size,
	};
	ki->nr_seg = 1;
	ki->start = bz->load;
	ki->end = bz->load + bz->hdr.init_size;
}

int bzimage_open(struct kernel_image *ki, const struct image_src *src)
{
	struct bzimage bz = { 0 };
	u32 magic;
	int ret;

	if (src->head_len < BZ_HEADER_JUMP + sizeof(magic))
		return IMAGE_OTHER;
	memcpy(&magic, src->head + BZ_HEADER_JUMP, sizeof(magic));
	if (magic != BZ_MAGIC)
		return IMAGE_OTHER;

	ret = bzimage_header(&bz, ki, src);
	if (ret)
		return ret;
	if (bz.hdr.boot_flag != BZ_BOOT_FLAG)
		return bzimage_bad(src, "boot_flag", bz.hdr.boot_flag);
	ret = bzimage_check(&bz, src);
	if (ret)
		return ret;
	bzimage_version(&bz, ki, src);
	ki->cmdline_max = bz.hdr.cmdline_size;
	ki->initrd_max = bz.hdr.initrd_addr_max;

	ret = IMAGE_OTHER;
	if (bz.hdr.payload_length)
		ret = inflate_part(ki, src, &(struct inflate_part) {
			.off = bz.setup_size + bz.hdr.payload_offset,
			.len = bz.hdr.payload_length, .max = bz.hdr.init_size, .open = elf_open,
		});
	if (ret != IMAGE_OTHER)
		return ret;
	bzimage_whole(&bz, ki, src);
	return 0;
}
