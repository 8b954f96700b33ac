/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TESTS_UNIT_SHARE_H
#define TESTS_UNIT_SHARE_H

/*
 * A directory to share, in a place of its own: base/root is shared, base/outside is
 * not.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/kernel.h>
#include <vmtool/share.h>

struct place {
	char base[128];
	char root[160];
	char outside[160];
	int fd;			/* of root, for the host's side */
};

static inline int place_remove_one(const char *path, const struct stat *st, int type,
				   struct FTW *ftw)
{
	return remove(path);
}

static inline int place_make(struct place *p)
{
	snprintf(p->base, sizeof(p->base), "%s/vmtool-share.XXXXXX", getenv("TMPDIR") ?: "/tmp");
	if (!mkdtemp(p->base))
		return -errno;
	snprintf(p->root, sizeof(p->root), "%s/root", p->base);
	snprintf(p->outside, sizeof(p->outside), "%s/outside", p->base);
	if (mkdir(p->root, 0755) || mkdir(p->outside, 0755))
		return -errno;
	p->fd = open(p->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return p->fd < 0 ? -errno : 0;
}

static inline void place_remove(struct place *p)
{
	close(p->fd);
	nftw(p->base, place_remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

/* What the host does behind the guest's back. */
static inline int host_write(struct place *p, const char *name, const char *text)
{
	int fd = openat(p->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = write(fd, text, strlen(text));
	close(fd);
	return n == (ssize_t)strlen(text) ? 0 : -EIO;
}

static inline int count_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n;
}

/* Mounts of this process alone. */
static inline int private_mounts(void)
{
	if (unshare(CLONE_NEWNS) < 0)
		return -errno;
	return mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ? -errno : 0;
}

#endif /* TESTS_UNIT_SHARE_H */
