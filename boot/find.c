// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel that is meant when none is named: the one just built here.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include <linux/compiler.h>
#include <vmtool/kernel_image.h>
#include <vmtool/log.h>

/**
 * struct find - where a kernel is looked for
 * @arch: the kernel's name of the architecture
 * @images: image names, NULL at the end
 * @buf: receives the path
 * @size: bytes in @buf
 */
struct find {
	const char *arch;
	const char *const *images;
	char *buf;
	size_t size;
};

static __printf(2, 3)
bool find_try(const struct find *f, const char *fmt, ...)
{
	struct stat st;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(f->buf, f->size, fmt, ap);
	va_end(ap);
	return n > 0 && n < f->size && !stat(f->buf, &st) && S_ISREG(st.st_mode);
}

/* @slash: "/" behind a directory, "" for the current one. */
static bool find_in(const struct find *f, const char *dir, const char *slash)
{
	const char *const *image;

	for (image = f->images; *image; image++)
		if (find_try(f, "%s%s%s", dir, slash, *image))
			return true;
	for (image = f->images; *image; image++)
		if (find_try(f, "%s%sarch/%s/boot/%s", dir, slash, f->arch, *image))
			return true;
	return find_try(f, "%s%svmlinux", dir, slash);
}

static bool find_in_env(const struct find *f, const char *variable)
{
	const char *dir = getenv(variable);

	return dir && *dir && find_in(f, dir, "/");
}

static void find_failed(const struct find *f, const char *release)
{
	const char *const *image;
	char names[256] = "";
	int n = 0;

	for (image = f->images; *image && n < sizeof(names); image++)
		n += snprintf(names + n, sizeof(names) - n, "%s, arch/%s/boot/%s, ",
			      *image, f->arch, *image);
	log_err("no kernel found: looked for %svmlinux here and in $O and $KBUILD_OUTPUT, and for /boot/vmlinuz-%s; name one with -k",
		names, release);
}

int kernel_image_find(const char *arch, const char *const *images,
		      char *buf, size_t size)
{
	const struct find f = {
		.arch = arch, .images = images, .buf = buf, .size = size,
	};
	struct utsname uts;

	/* It cannot fail with a valid pointer. */
	uname(&uts);
	if (find_in(&f, "", "") || find_in_env(&f, "O") || find_in_env(&f, "KBUILD_OUTPUT") ||
	    find_try(&f, "/boot/vmlinuz-%s", uts.release))
		return 0;
	find_failed(&f, uts.release);
	return -ENOENT;
}
