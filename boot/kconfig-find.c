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

#include "kconfig.h"

/* kernel/configs.c: a gzip file between two marks. */
#define IKCONFIG_START	"IKCFG_ST\x1f\x8b\x08"
#define IKCONFIG_LEN	(sizeof(IKCONFIG_START) - 1)
#define IKCONFIG_MARK	8		/* bytes in front of the gzip file */
#define IKCONFIG_END	"IKCFG_ED"
#define IKCONFIG_MAX	SZ_1M
#define SCAN_CHUNK	65536

/* --- in the image ------------------------------------------------------------------ */

static int take_ikconfig(struct kconfig *kc, const struct kernel_image *ki, u64 off, u64 len)
{
	const char *end;
	char *data;
	int ret;

	len = min_t(u64, len, IKCONFIG_MAX);
	data = malloc(len);
	if (!data)
		return -ENOMEM;
	ret = pread_all(ki->fd, data, len, off);
	if (!ret) {
		end = memmem(data, len, IKCONFIG_END, sizeof(IKCONFIG_END) - 1);
		ret = end ? kconfig_parse_any(kc, data, end - data) : -ENOENT;
	}
	free(data);
	return ret;
}

static int scan_segment(struct kconfig *kc, const struct kernel_image *ki,
			const struct kernel_segment *s, char *buf)
{
	u64 done = 0;

	while (done + IKCONFIG_LEN <= s->filesz) {
		size_t n = min_t(u64, SCAN_CHUNK, s->filesz - done);
		const char *found;

		if (pread_all(ki->fd, buf, n, s->offset + done))
			return -ENOENT;
		found = memmem(buf, n, IKCONFIG_START, IKCONFIG_LEN);
		if (found) {
			u64 at = done + (found - buf) + IKCONFIG_MARK;

			return take_ikconfig(kc, ki, s->offset + at, s->filesz - at);
		}
		/* It may lie across the end of what was read. */
		done += n == s->filesz - done ? n : n - (IKCONFIG_LEN - 1);
	}
	return -ENOENT;
}

int kconfig_from_image(struct kconfig *kc, const struct kernel_image *ki)
{
	char *buf = malloc(SCAN_CHUNK);
	int i, ret = -ENOENT;

	memset(kc, 0, sizeof(*kc));
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

	if (!realpath(path, file))
		return -errno;
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

static bool try_image(struct kconfig *kc, const char *path, const struct kernel_image *ki,
		      int *err)
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

	if (!realpath(path, real))
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
