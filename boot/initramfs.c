// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <linux/kernel.h>
#include <vmtool/initramfs.h>

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL		0x0008U
#endif

#define CPIO_HEADER		110
#define CPIO_ALIGN		4
#define CPIO_TRAILER		"TRAILER!!!"

/**
 * struct entry - what a header says of a file
 * @name: without a leading slash
 * @mode: type and permissions
 * @dev: of a device node
 * @data: contents, or the target of a symlink
 * @len: bytes
 */
struct entry {
	const char *name;
	mode_t mode;
	dev_t dev;
	const void *data;
	size_t len;
};

static int archive_write(struct initramfs *fs, const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		ssize_t n = write(fs->fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		len -= n;
		fs->size += n;
	}
	return 0;
}

static int archive_align(struct initramfs *fs)
{
	static const char zeroes[CPIO_ALIGN];

	return archive_write(fs, zeroes, -fs->size % CPIO_ALIGN);
}

static int archive_add(struct initramfs *fs, const struct entry *e)
{
	size_t name_len = strlen(e->name) + 1;
	char head[CPIO_HEADER + 1];
	int ret;

	/* Nobody has a link to anything, and every file an inode of its own. */
	snprintf(head, sizeof(head),
		 "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x",
		 fs->ino++, (unsigned int)e->mode, 0, 0, S_ISDIR(e->mode) ? 2 : 1, 0,
		 (unsigned int)e->len, 0, 0, major(e->dev), minor(e->dev),
		 (unsigned int)name_len, 0);
	ret = archive_write(fs, head, CPIO_HEADER);
	ret = ret ?: archive_write(fs, e->name, name_len);
	ret = ret ?: archive_align(fs);
	ret = ret ?: archive_write(fs, e->data, e->len);
	return ret ?: archive_align(fs);
}

/* "/a/b": no empty component, none that leads elsewhere. */
static int check_path(const char *path)
{
	const char *p = path;

	if (strlen(path) >= INITRAMFS_PATH_MAX)
		return -ENAMETOOLONG;
	if (*p != '/')
		return -EINVAL;
	while (*p == '/') {
		size_t n = strcspn(++p, "/");

		if (!n || (n == 1 && p[0] == '.') || (n == 2 && p[0] == '.' && p[1] == '.'))
			return -EINVAL;
		p += n;
	}
	return 0;
}

/* The kernel creates no directory that is not in the archive. */
static int add_parents(struct initramfs *fs, const char *path)
{
	struct entry e = { .mode = S_IFDIR | 0755 };
	size_t end = strrchr(path, '/') - path;
	char dir[INITRAMFS_PATH_MAX];
	size_t i;
	int ret;

	if (!strncmp(fs->dir, path, end) && !fs->dir[end])
		return 0;
	for (i = 1; i <= end && end; i++) {
		if (path[i] != '/')
			continue;
		/* Those that the entry before had as well are there. */
		if (!strncmp(fs->dir, path, i) && (!fs->dir[i] || fs->dir[i] == '/'))
			continue;
		memcpy(dir, path, i);
		dir[i] = '\0';
		e.name = dir + 1;
		ret = archive_add(fs, &e);
		if (ret)
			return ret;
	}
	memcpy(fs->dir, path, end);
	fs->dir[end] = '\0';
	return 0;
}

static int add(struct initramfs *fs, const char *path, struct entry *e)
{
	int ret = fs->err ?: check_path(path);

	ret = ret ?: add_parents(fs, path);
	e->name = path + 1;
	fs->err = ret ?: archive_add(fs, e);
	return fs->err;
}

int initramfs_create(struct initramfs *fs)
{
	memset(fs, 0, sizeof(*fs));
	/* Inode 0 is no inode to some who read archives. */
	fs->ino = 1;
	fs->fd = memfd_create("vmtool-initramfs", MFD_CLOEXEC | MFD_NOEXEC_SEAL);
	/* Linux before 6.3 does not know the flag. */
	if (fs->fd < 0 && errno == EINVAL)
		fs->fd = memfd_create("vmtool-initramfs", MFD_CLOEXEC);
	return fs->fd < 0 ? -errno : 0;
}

int initramfs_dir(struct initramfs *fs, const char *path, mode_t mode)
{
	struct entry e = { .mode = S_IFDIR | (mode & 07777) };
	int ret = add(fs, path, &e);

	/* What goes into it next would make it again, with other permissions. */
	if (!ret)
		memcpy(fs->dir, path, strlen(path) + 1);
	return ret;
}

int initramfs_file(struct initramfs *fs, const char *path, mode_t mode,
		   const void *data, size_t len)
{
	struct entry e = { .mode = S_IFREG | (mode & 07777), .data = data, .len = len };

	if (len > UINT_MAX) {
		fs->err = fs->err ?: -EFBIG;
		return fs->err;
	}
	return add(fs, path, &e);
}

int initramfs_symlink(struct initramfs *fs, const char *path, const char *target)
{
	struct entry e = { .mode = S_IFLNK | 0777, .data = target, .len = strlen(target) };

	if (!e.len || e.len >= PATH_MAX) {
		fs->err = fs->err ?: e.len ? -ENAMETOOLONG : -EINVAL;
		return fs->err;
	}
	return add(fs, path, &e);
}

int initramfs_node(struct initramfs *fs, const char *path, mode_t mode, dev_t dev)
{
	struct entry e = { .mode = mode };

	if (S_ISBLK(mode) || S_ISCHR(mode))
		e.dev = dev;
	else if (!S_ISFIFO(mode) && !S_ISSOCK(mode))
		fs->err = fs->err ?: -EINVAL;
	return add(fs, path, &e);
}

int initramfs_finish(struct initramfs *fs)
{
	struct entry e = { .name = CPIO_TRAILER };

	fs->err = fs->err ?: archive_add(fs, &e);
	return fs->err;
}

void initramfs_destroy(struct initramfs *fs)
{
	if (fs->fd >= 0)
		close(fs->fd);
	fs->fd = -1;
}
