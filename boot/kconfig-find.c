// SPDX-License-Identifier: GPL-2.0
/*
 * Where the configuration of a kernel is kept.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <linux/kernel.h>
#include <linux/sizes.h>
#include <vmtool/io.h>
#include <vmtool/kernel_image.h>
#include <vmtool/log.h>

#include "image.h"
#include "kconfig.h"

/* kernel/configs.c: a gzip file between two marks. */
#define IKCONFIG_START	"IKCFG_ST\x1f\x8b\x08"
#define IKCONFIG_LEN	(sizeof(IKCONFIG_START) - 1)
#define IKCONFIG_MARK	8		/* bytes in front of the gzip file */
#define IKCONFIG_END	"IKCFG_ED"
#define IKCONFIG_MAX	SZ_1M
#define SCAN_CHUNK	(4 * SZ_1M)

/* --- in the image ------------------------------------------------------------------ */

static int take_ikconfig(struct kconfig *kc, const char *data, size_t len)
{
	const char *end;

	len = min_t(size_t, len, IKCONFIG_MAX);
	end = memmem(data, len, IKCONFIG_END, sizeof(IKCONFIG_END) - 1);
	return end ? kconfig_parse_any(kc, data, end - data) : -ENOENT;
}

/* In a buffer that goes on to the end of what there is to search, or of IKCONFIG_MAX. */
static int take_if_there(struct kconfig *kc, const char *buf, size_t scan, size_t len)
{
	const char *found = memmem(buf, scan, IKCONFIG_START, IKCONFIG_LEN);

	if (!found)
		return -ENOENT;
	found += IKCONFIG_MARK;
	return take_ikconfig(kc, found, len - (found - buf));
}

/* Piece by piece, each with as much behind it as a configuration may have. */
static int scan_segment(struct kconfig *kc, const struct kernel_image *ki,
			const struct kernel_segment *s, char *buf)
{
	u64 done = 0;
	int ret = -ENOENT;

	while (done + IKCONFIG_LEN <= s->filesz && ret == -ENOENT) {
		size_t n = min_t(u64, SCAN_CHUNK + IKCONFIG_MAX, s->filesz - done);

		if (pread_all(ki->fd, buf, n, s->offset + done))
			return -ENOENT;
		ret = take_if_there(kc, buf, min_t(size_t, n, SCAN_CHUNK + IKCONFIG_LEN), n);
		done += SCAN_CHUNK;
	}
	return ret;
}

int kconfig_from_image(struct kconfig *kc, struct kernel_image *ki)
{
	int i, ret = -ENOENT;
	const char *rodata;
	size_t len;
	char *buf;

	memset(kc, 0, sizeof(*kc));
	rodata = image_rodata(ki, &len);
	if (rodata)
		return take_if_there(kc, rodata, len, len);
	buf = malloc(SCAN_CHUNK + IKCONFIG_MAX);
	if (!buf)
		return -ENOMEM;
	for (i = 0; i < ki->nr_seg && ret == -ENOENT; i++)
		ret = scan_segment(kc, ki, &ki->seg[i], buf);
	free(buf);
	return ret;
}

/* --- beside it --------------------------------------------------------------------- */

int kernel_build_tree(const char *path, char *buf, size_t size)
{
	char file[PATH_MAX], config[PATH_MAX + 16];
	char *boot, *arch;
	int ret = io_realpath(path, file);

	if (ret)
		return ret;
	/* TREE/arch/ARCH/boot/IMAGE, or TREE/IMAGE. */
	*strrchr(file, '/') = '\0';
	boot = strrchr(file, '/');
	if (boot && boot > file && !strcmp(boot, "/boot")) {
		*boot = '\0';
		arch = strrchr(file, '/');
		if (arch && arch - file >= 5 && !strncmp(arch - 5, "/arch", 5))
			arch[-5] = '\0';
		else
			*boot = '/';
	}
	snprintf(config, sizeof(config), "%s/.config", file);
	if (access(config, F_OK))
		return -ENOENT;
	if (strlen(file) >= size)
		return -ENAMETOOLONG;
	memcpy(buf, file, strlen(file) + 1);
	return 0;
}

int kernel_release(struct kernel_image *ki, char *buf, size_t size)
{
	const char *version = kernel_image_version(ki);
	size_t i, len = strcspn(version, " \t\n");

	if (!len || len >= size || *version == '.' || *version == '-')
		return -ENOENT;
	for (i = 0; i < len; i++)
		if (!isgraph((unsigned char)version[i]) || version[i] == '/')
			return -ENOENT;
	memcpy(buf, version, len);
	buf[len] = '\0';
	return 0;
}

/* Was the file changed after the kernel was made? */
static bool is_newer(const char *config, const char *kernel)
{
	struct stat c, k;

	if (stat(config, &c) || stat(kernel, &k))
		return true;
	if (c.st_mtim.tv_sec != k.st_mtim.tv_sec)
		return c.st_mtim.tv_sec > k.st_mtim.tv_sec;
	return c.st_mtim.tv_nsec > k.st_mtim.tv_nsec;
}

/* True when this was it; out of memory is not reported as not found. */
static bool try_file(struct kconfig *kc, const char *path, int *err)
{
	int ret = kconfig_read(kc, path);

	if (ret == -ENOMEM)
		*err = ret;
	if (ret)
		return false;
	snprintf(kc->source, sizeof(kc->source), "%s", path);
	return true;
}

static bool try_image(struct kconfig *kc, const char *path, struct kernel_image *ki, int *err)
{
	int ret = kconfig_from_image(kc, ki);

	if (ret == -ENOMEM)
		*err = ret;
	if (ret && ret != -ENOENT)
		log_debug("the configuration in %s: %s", path, strerror(-ret));
	if (ret)
		return false;
	snprintf(kc->source, sizeof(kc->source), "%s", path);
	return true;
}

/* /boot/vmlinuz-6.1.0 has /boot/config-6.1.0. */
static bool try_sibling(struct kconfig *kc, const char *path, int *err)
{
	char real[PATH_MAX], config[PATH_MAX + 16];
	const char *suffix;
	char *name;

	if (io_realpath(path, real))
		return false;
	name = strrchr(real, '/') + 1;
	suffix = strchr(name, '-');
	if (!suffix)
		return false;
	snprintf(config, sizeof(config), "%.*sconfig%s", (int)(name - real), real, suffix);
	return try_file(kc, config, err);
}

static bool try_release(struct kconfig *kc, struct kernel_image *ki, int *err)
{
	char release[KERNEL_VERSION_LEN], config[PATH_MAX];
	struct utsname uts;

	if (kernel_release(ki, release, sizeof(release)))
		return false;
	snprintf(config, sizeof(config), "/boot/config-%s", release);
	if (try_file(kc, config, err))
		return true;
	snprintf(config, sizeof(config), "/lib/modules/%s/config", release);
	if (try_file(kc, config, err))
		return true;
	return !uname(&uts) && !strcmp(uts.release, release) &&
	       try_file(kc, "/proc/config.gz", err);
}

int kconfig_find(struct kconfig *kc, const char *path, struct kernel_image *ki)
{
	char tree[PATH_MAX], config[PATH_MAX + 16];
	bool stale = true;
	int err = 0;

	memset(kc, 0, sizeof(*kc));
	*config = '\0';
	if (!kernel_build_tree(path, tree, sizeof(tree))) {
		snprintf(config, sizeof(config), "%s/.config", tree);
		stale = is_newer(config, path);
	}
	if ((!stale && try_file(kc, config, &err)) || try_image(kc, path, ki, &err) ||
	    (*config && try_file(kc, config, &err)) || try_sibling(kc, path, &err) ||
	    try_release(kc, ki, &err)) {
		log_debug("kernel configuration: %s", kc->source);
		return 0;
	}
	if (!err)
		log_debug("kernel configuration: not found");
	return err;
}
