/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BOOT_IMAGE_H
#define BOOT_IMAGE_H

#include <errno.h>
#include <stddef.h>
#include <linux/compiler.h>
#include <linux/types.h>
#include <vmtool/kernel_image.h>

/*
 * Between the formats. Each has one function that looks at the start of a file
 * and returns IMAGE_OTHER when it is not its own, 0 when the kernel_image is
 * filled in, or -errno after a message from image_bad(). On success the image's
 * fd is the source's or one of its own; whoever opened the source compares.
 */

#define IMAGE_OTHER	1
#define IMAGE_HEAD	4096

/**
 * struct image_src - a file that may be a kernel
 * @fd: the file
 * @size: its size in bytes
 * @name: what to call it in messages
 * @nested: it came out of a compressed file, and is not inflated once more
 * @head_len: bytes in @head
 * @head: its first bytes
 */
struct image_src {
	int fd;
	u64 size;
	const char *name;
	bool nested;
	size_t head_len;
	u8 head[IMAGE_HEAD];
};

typedef int (*image_format)(struct kernel_image *ki, const struct image_src *src);

/**
 * image_src_init() - look at a file
 * @src: filled in
 * @fd: file, still the caller's
 * @size: its size in bytes
 * @name: what to call it in messages; kept
 *
 * Return: 0, or -errno after a one-line message.
 */
int image_src_init(struct image_src *src, int fd, u64 size, const char *name);

/**
 * image_read() - read a part of a file
 * @src: file
 * @buf: destination
 * @len: bytes
 * @off: offset in the file
 *
 * Return: 0; -ENODATA when the file ends before; -errno of pread(). Nothing is
 * printed.
 */
int image_read(const struct image_src *src, void *buf, size_t len, u64 off);

/**
 * image_bad() - say in one line what is wrong with a file
 * @src: file
 * @err: what to return
 * @fmt: printf format of what follows "kernel NAME: "
 *
 * Return: @err.
 */
int image_bad(const struct image_src *src, int err, const char *fmt, ...)
	__printf(3, 4);

/**
 * image_probe() - find the format of a file and read it
 * @ki: filled in
 * @src: file
 *
 * Return: 0; -errno after a one-line message, -ENOEXEC for what is no kernel.
 */
int image_probe(struct kernel_image *ki, const struct image_src *src);

/**
 * image_set_version() - store a version text
 * @ki: image
 * @text: text, taken up to what is not printable
 * @len: bytes there
 */
void image_set_version(struct kernel_image *ki, const char *text, size_t len);

/**
 * image_rodata() - a kernel's strings and tables, read at most once
 * @ki: image
 * @len: receives the bytes
 *
 * Return: the contents of .rodata, owned by @ki until kernel_image_forget(); NULL where
 * there is no such section, or no memory for it.
 */
const char *image_rodata(struct kernel_image *ki, size_t *len);

/**
 * bzimage_open() - the format of arch/x86/boot/bzImage
 * @ki: filled in
 * @src: file
 *
 * Documentation/arch/x86/boot.rst, "The Real-Mode Kernel Header".
 *
 * Return: as described at the top of this file.
 */
int bzimage_open(struct kernel_image *ki, const struct image_src *src);

/**
 * elf_open() - the format of vmlinux
 * @ki: filled in; a setup header that is there already is kept
 * @src: file; what follows the parts that its headers name is ignored
 *
 * Return: as described at the top of this file.
 */
int elf_open(struct kernel_image *ki, const struct image_src *src);

/**
 * arm64_image_open() - the format of arch/arm64/boot/Image
 * @ki: filled in
 * @src: file
 *
 * Return: as described at the top of this file.
 */
int arm64_image_open(struct kernel_image *ki, const struct image_src *src);

/**
 * arm_zimage_open() - the format of arch/arm/boot/zImage
 * @ki: filled in
 * @src: file
 *
 * Return: as described at the top of this file.
 */
int arm_zimage_open(struct kernel_image *ki, const struct image_src *src);

/**
 * zboot_open() - the format of arch/arm64/boot/vmlinuz.efi
 * @ki: filled in
 * @src: file
 *
 * Return: as described at the top of this file.
 */
int zboot_open(struct kernel_image *ki, const struct image_src *src);

/**
 * struct inflate_part - a compressed part of a file with a kernel in it
 * @off: where the part starts
 * @len: its bytes, the last four of which are its inflated size
 * @max: highest inflated size that makes sense
 * @open: the kernel's format
 */
struct inflate_part {
	u64 off;
	u32 len;
	u64 max;
	image_format open;
};

/**
 * zimage_open() - the format of arch/powerpc/boot/zImage.pseries
 * @ki: filled in
 * @src: file
 *
 * Return: as described at the top of this file.
 */
int zimage_open(struct kernel_image *ki, const struct image_src *src);

#ifdef CONFIG_BOOT_INFLATE
/**
 * inflate_open() - a compressed file with a kernel in it
 * @ki: filled in
 * @src: file
 *
 * Return: as described at the top of this file.
 */
int inflate_open(struct kernel_image *ki, const struct image_src *src);

/**
 * inflate_part() - inflate a part of a file and read the kernel in it
 * @ki: filled in; a setup header that is there already is kept
 * @src: file
 * @part: the part
 *
 * Return: 0; -errno after a one-line message; IMAGE_OTHER, with nothing printed
 * above the level of debugging, when the format is unknown or no library for it
 * was built in.
 */
int inflate_part(struct kernel_image *ki, const struct image_src *src,
		 const struct inflate_part *part);

/**
 * inflate_section() - the same for a part that does not tell its inflated size
 * @ki: filled in
 * @src: file
 * @off: where the part starts
 * @len: its bytes
 *
 * Return: as inflate_part().
 */
int inflate_section(struct kernel_image *ki, const struct image_src *src, u64 off, u64 len);
#else
static inline int inflate_part(struct kernel_image *ki, const struct image_src *src,
			       const struct inflate_part *part)
{
	return IMAGE_OTHER;
}

static inline int inflate_section(struct kernel_image *ki, const struct image_src *src,
				  u64 off, u64 len)
{
	return IMAGE_OTHER;
}
#endif

#endif /* BOOT_IMAGE_H */
