// SPDX-License-Identifier: GPL-2.0
/*
 * From a file name to a kernel: what can be opened is shown to each format in
 * turn, and what none of them takes is described to the user.
 */
#include <ctype.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/kernel.h>
#include <vmtool/io.h>
#include <vmtool/log.h>

#include "image.h"

static const image_format formats[] = {
#ifdef CONFIG_BOOT_BZIMAGE
	bzimage_open,
#endif
#ifdef CONFIG_BOOT_ARM64
	arm64_image_open,
	zboot_open,
#endif
#ifdef CONFIG_BOOT_ARM_ZIMAGE
	arm_zimage_open,
#endif
#ifdef CONFIG_BOOT_ZIMAGE
	zimage_open,
#endif
#ifdef CONFIG_BOOT_ELF
	elf_open,
#endif
#ifdef CONFIG_BOOT_INFLATE
	inflate_open,
#endif
	NULL
};

/**
 * struct image_foreign - a file that people take for a kernel of ours
 * @offset: where its magic is
 * @magic: NUL-terminated
 * @what: what to call it
 */
struct image_foreign {
	size_t offset;
	const char *magic;
	const char *what;
};

static const struct image_foreign foreign[] = {
	{ 0x38, "ARM\x64", "an arm64 kernel, which this vmtool cannot run" },
	{ 0x24, "\x18\x28\x6f\x01", "a 32-bit ARM kernel, which this vmtool cannot run" },
	{ 0x38, "RSC\x05", "a riscv kernel, which this vmtool cannot run" },
	{ 0x202, "HdrS", "an x86 bzImage, which this vmtool was built without support for" },
	{ 0, "\177ELF", "an ELF file, which this vmtool was built without support for" },
	{ 0, "070701", "an initrd (a cpio archive); give it with -i" },
	{ 0, "070702", "an initrd (a cpio archive); give it with -i" },
	{ 0, "MZ", "a UEFI program without a kernel that vmtool can enter" },
	{ 0, "QFI\xfb", "a qcow2 disk image" },
	{ 0, "!<arch>\n", "an archive (a library or a package), not a kernel" },
};

int image_bad(const struct image_src *src, int err, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_err("kernel %s: %s", src->name, text);
	return err;
}

int image_read(const struct image_src *src, void *buf, size_t len, u64 off)
{
	return pread_all(src->fd, buf, len, off);
}

int image_src_init(struct image_src *src, int fd, u64 size, const char *name)
{
	int ret;

	memset(src, 0, sizeof(*src));
	src->fd = fd;
	src->size = size;
	src->name = name;
	src->head_len = min_t(u64, size, IMAGE_HEAD);
	ret = image_read(src, src->head, src->head_len, 0);
	if (ret)
		return image_bad(src, ret, "cannot read it: %s", strerror(-ret));
	return 0;
}

static bool image_is_text(const struct image_src *src)
{
	size_t i;

	for (i = 0; i < src->head_len; i++) {
		u8 c = src->head[i];

		/* Bytes of other alphabets count as text. */
		if (c < 0x80 && !isprint(c) && !isspace(c))
			return false;
	}
	return true;
}

static int image_unknown(const struct image_src *src)
{
	size_t i;

	if (!src->size)
		return image_bad(src, -ENOEXEC, "is empty");
	for (i = 0; i < ARRAY_SIZE(foreign); i++) {
		const struct image_foreign *f = &foreign[i];
		size_t len = strlen(f->magic);

		if (f->offset + len <= src->head_len &&
		    !memcmp(src->head + f->offset, f->magic, len))
			return image_bad(src, -ENOEXEC, "is %s", f->what);
	}
	if (image_is_text(src))
		return image_bad(src, -ENOEXEC,
				 "is a text file, not a kernel; give a bzImage or a vmlinux");
	return image_bad(src, -ENOEXEC,
			 "is of no format that this vmtool knows; give a bzImage or a vmlinux");
}

int image_probe(struct kernel_image *ki, const struct image_src *src)
{
	const image_format *format;

	for (format = formats; *format; format++) {
		int ret = (*format)(ki, src);

		if (ret != IMAGE_OTHER)
			return ret;
	}
	return image_unknown(src);
}

void image_set_version(struct kernel_image *ki, const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < len && i < sizeof(ki->version) - 1; i++) {
		if (!isprint((u8)text[i]))
			break;
		ki->version[i] = text[i];
	}
	ki->version[i] = '\0';
	ki->version_sought = true;
}

static int image_check_type(const struct image_src *src, const struct stat *st)
{
	if (S_ISDIR(st->st_mode))
		return image_bad(src, -EISDIR,
				 "is a directory; give a bzImage or a vmlinux in it");
	if (!S_ISREG(st->st_mode))
		return image_bad(src, -EINVAL, "is not a regular file");
	return 0;
}

int kernel_image_open_fd(struct kernel_image *ki, int fd, const char *name)
{
	struct image_src src = { .fd = fd, .name = name };
	struct stat st;
	int ret;

	memset(ki, 0, sizeof(*ki));
	ki->fd = -1;
	if (fstat(fd, &st) < 0)
		return image_bad(&src, -errno, "cannot use it: %s", strerror(errno));
	ret = image_check_type(&src, &st);
	if (ret)
		return ret;
	ret = image_src_init(&src, fd, st.st_size, name);
	if (ret)
		return ret;

	ret = image_probe(ki, &src);
	if (ret) {
		ki->fd = -1;
		return ret;
	}
	if (ki->fd != fd)
		close(fd);
	return 0;
}

int kernel_image_open(struct kernel_image *ki, const char *path)
{
	struct image_src src = { .name = path };
	int fd, ret;

	ki->fd = -1;
	/* A FIFO without a writer would keep open() waiting. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return image_bad(&src, -errno, "cannot open it: %s", strerror(errno));
	ret = kernel_image_open_fd(ki, fd, path);
	if (ret)
		close(fd);
	return ret;
}

void kernel_image_close(struct kernel_image *ki)
{
	if (ki->fd < 0)
		return;
	kernel_image_forget(ki);
	close(ki->fd);
	ki->fd = -1;
}
