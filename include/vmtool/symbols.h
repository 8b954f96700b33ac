/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_SYMBOLS_H
#define VMTOOL_SYMBOLS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <vmtool/addr2line.h>
#include <vmtool/elfsyms.h>

/**
 * struct symbols - what a vmlinux knows of its functions
 * @syms: its symbols
 * @lines: who knows source lines; not running where there is no such program
 * @bases: directories that source files' names begin with, "" for none
 * @questions: how many places were asked for
 * @exact: private, the next address in a trace is no return address
 */
struct symbols {
	struct elf_syms syms;
	struct addr2line lines;
	char bases[2][PATH_MAX];
	unsigned int questions;
	bool exact;
};

#ifdef CONFIG_SYMBOLS

/**
 * symbols_find() - look for the vmlinux that belongs to a kernel image
 * @kernel: path of the image, which may be the vmlinux itself
 * @buf: receives its path
 * @size: bytes in @buf
 *
 * Looked at: the root of the build tree the image is in, its own directory, and for
 * /boot/vmlinuz-VERSION where distributions put what has debug information.
 *
 * Return: 0, or -ENOENT.
 */
int symbols_find(const char *kernel, char *buf, size_t size);

/**
 * symbols_open() - read the symbols of a vmlinux
 * @s: caller-owned
 * @path: the file
 *
 * Without addr2line, or without line information in the file, functions are known and
 * lines are not.
 *
 * Return: 0, or -errno of open() or elf_syms_read(); nothing is printed.
 */
int symbols_open(struct symbols *s, const char *path);

/**
 * symbols_close() - release what symbols_open() took
 * @s: opened symbols
 */
void symbols_close(struct symbols *s);

/**
 * symbols_line() - put source lines into a line of a kernel's report
 * @s: symbols; NULL leaves the line as it is
 * @line: line of the console, in the order printed
 * @buf: receives the line
 * @size: bytes in @buf; what does not fit is left out
 *
 * Behind each FUNCTION+OFFSET/SIZE of the kernel comes " (FILE:LINE)"; inlined
 * functions come first. Functions of modules, and those whose size is not that of the
 * vmlinux, are left alone.
 */
void symbols_line(struct symbols *s, const char *line, char *buf, size_t size);

/**
 * symbols_addr() - name an address of a running kernel
 * @s: symbols; NULL gives the bare address
 * @addr: the address
 * @anchor: name of a symbol whose address in the running kernel is known, or NULL
 * @anchor_addr: that address, 0 for unknown
 * @buf: receives "FUNCTION+OFFSET/SIZE (FILE:LINE)" as far as that is known, or 0xADDRESS
 * @size: bytes in @buf
 */
void symbols_addr(struct symbols *s, u64 addr, const char *anchor, u64 anchor_addr,
		  char *buf, size_t size);

#else /* functions keep their names, addresses have none */

#include <errno.h>
#include <stdio.h>

static inline int symbols_find(const char *kernel, char *buf, size_t size)
{
	return -ENOENT;
}

static inline int symbols_open(struct symbols *s, const char *path)
{
	return -EOPNOTSUPP;
}

static inline void symbols_close(struct symbols *s)
{
}

static inline void symbols_line(struct symbols *s, const char *line, char *buf, size_t size)
{
	snprintf(buf, size, "%s", line);
}

static inline void symbols_addr(struct symbols *s, u64 addr, const char *anchor,
				u64 anchor_addr, char *buf, size_t size)
{
	snprintf(buf, size, "0x%llx", (unsigned long long)addr);
}

#endif

#endif /* VMTOOL_SYMBOLS_H */
