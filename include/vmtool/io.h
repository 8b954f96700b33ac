/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_IO_H
#define VMTOOL_IO_H

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

#endif /* VMTOOL_IO_H */
