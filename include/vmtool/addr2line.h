/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_ADDR2LINE_H
#define VMTOOL_ADDR2LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <linux/types.h>

#define ADDR2LINE_BUF	4096

/**
 * struct addr2line - the program addr2line, which runs until it is closed
 * @pid: its process, 0 while there is none
 * @fd: our end of its standard input and output
 * @waited: private, it has answered before
 * @buf: private, what it said and nobody has looked at
 * @len: private, bytes in @buf
 */
struct addr2line {
	pid_t pid;
	int fd;
	bool waited;
	char buf[ADDR2LINE_BUF];
	size_t len;
};

/**
 * addr2line_open() - start it
 * @a: caller-owned
 * @path: file with line information
 *
 * Return: 0; -ENOENT when there is no such program; another -errno. Nothing is
 * printed.
 */
int addr2line_open(struct addr2line *a, const char *path);

/**
 * addr2line_ask() - where in the source is an address?
 * @a: opened one
 * @addr: address as linked
 * @buf: receives "FILE:LINE", or several with a space between, the innermost inlined
 *	function first
 * @size: bytes in @buf
 *
 * Return: 0; -ENOENT when it does not know; -ETIMEDOUT, -E2BIG, -EPIPE or another -errno when
 * it does not answer: it was closed then, after a message, and further questions fail.
 */
int addr2line_ask(struct addr2line *a, u64 addr, char *buf, size_t size);

/**
 * addr2line_close() - end it
 * @a: also one that was not opened, if it is zeroed
 */
void addr2line_close(struct addr2line *a);

#endif /* VMTOOL_ADDR2LINE_H */
