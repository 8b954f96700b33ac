/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_INITRAMFS_H
#define VMTOOL_INITRAMFS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <linux/types.h>

/*
 * An initramfs made in memory: a cpio archive of the "newc" format, see
 * Documentation/driver-api/early-userspace/buffer-format.rst of the kernel.
 *
 * The first call that fails is remembered: the calls that follow do nothing, and
 * initramfs_finish() returns what went wrong. So a caller may leave its check to there.
 */

/* A name is as long as the kernel's N_ALIGN(PATH_MAX) lets it be. */
#define INITRAMFS_PATH_MAX	1024

/**
 * struct initramfs - an archive under construction, or a finished one
 * @fd: memfd with it; owned
 * @size: bytes written
 * @ino: inode number given last
 * @err: what the first call that failed returned
 * @dir: directory that the last entry is in: it need not be made again
 */
struct initramfs {
	int fd;
	u64 size;
	u32 ino;
	int err;
	char dir[INITRAMFS_PATH_MAX];
};

/**
 * initramfs_create() - start an archive
 * @fs: filled in
 *
 * Return: 0, and initramfs_destroy() follows; or -errno, with nothing to release.
 */
int initramfs_create(struct initramfs *fs);

/**
 * initramfs_dir() - add a directory, and those above it
 * @fs: archive
 * @path: absolute, "/a/b"
 * @mode: permissions; those above it get 0755
 *
 * One that is there already just gets the permissions. What goes into it comes right
 * behind it: it is made again, with 0755, for entries that come later.
 *
 * Return: 0; -EINVAL for a path that is not absolute or has "." or ".." in it;
 * -ENAMETOOLONG; -errno of write().
 */
int initramfs_dir(struct initramfs *fs, const char *path, mode_t mode);

/**
 * initramfs_file() - add a regular file, and the directories above it
 * @fs: archive
 * @path: absolute
 * @mode: permissions
 * @data: contents
 * @len: bytes
 *
 * Return: as initramfs_dir(); -EFBIG for more than an archive can say.
 */
int initramfs_file(struct initramfs *fs, const char *path, mode_t mode,
		   const void *data, size_t len);

/**
 * initramfs_symlink() - add a symlink, and the directories above it
 * @fs: archive
 * @path: absolute
 * @target: what it says
 *
 * Return: as initramfs_dir().
 */
int initramfs_symlink(struct initramfs *fs, const char *path, const char *target);

/**
 * initramfs_node() - add a device node, FIFO or socket
 * @fs: archive
 * @path: absolute
 * @mode: type and permissions
 * @dev: device number, of block and character devices
 *
 * Return: as initramfs_dir(); -EINVAL for other types.
 */
int initramfs_node(struct initramfs *fs, const char *path, mode_t mode, dev_t dev);

/**
 * initramfs_finish() - end the archive
 * @fs: archive, with nothing added any more
 *
 * Return: 0, or -errno of the first call that failed.
 */
int initramfs_finish(struct initramfs *fs);

/**
 * initramfs_destroy() - release the memory
 * @fs: archive, also one that was not finished
 */
void initramfs_destroy(struct initramfs *fs);

#endif /* VMTOOL_INITRAMFS_H */
