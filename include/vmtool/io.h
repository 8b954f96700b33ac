/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_IO_H
#define VMTOOL_IO_H

#include <limits.h>
#include <stddef.h>
#include <sys/types.h>

/**
 * pread_all() - read all of a range of a file
 * @fd: file
 * @buf: receives @len bytes
 * @len: bytes, may be 0
 * @off: offset of the first
 *
 * Return: 0; -ENODATA when the file ends before; -errno of pread().
 */
int pread_all(int fd, void *buf, size_t len, off_t off);

/**
 * read_file() - read a regular file, to its end
 * @path: file
 * @max: most bytes it may have
 * @buf: set to its contents, with a NUL behind them; to be freed
 * @len: set to its bytes
 *
 * Return: 0; -EISDIR or -EINVAL for what is no regular file; -EFBIG for a longer one;
 * -errno otherwise. Nothing is printed, and nothing is to be freed then.
 */
int read_file(const char *path, size_t max, char **buf, size_t *len);

/**
 * io_realpath() - a path without symbolic links, in three system calls
 * @path: a file that is there
 * @real: receives its absolute path
 *
 * realpath() takes one for each directory on the way.
 *
 * Return: 0 or -errno.
 */
int io_realpath(const char *path, char real[PATH_MAX]);

/**
 * io_wake() - add one to an eventfd
 * @fd: eventfd that does not block
 *
 * One whose counter is full wakes just as well, so it cannot fail. Leaves errno alone.
 */
void io_wake(int fd);

#endif /* VMTOOL_IO_H */
