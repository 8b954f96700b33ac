/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_OUTFILE_H
#define VMTOOL_OUTFILE_H

#include <stdio.h>

/*
 * Files that a run leaves at its end: named by options, there as a whole or not at all.
 */

/**
 * outfile_check() - can a file be written there?
 * @option: whose file it is, for the message
 * @path: file, or NULL
 *
 * Return: 0, or -errno after a message.
 */
int outfile_check(const char *option, const char *path);

/**
 * outfile_write() - write a file, all at once
 * @path: file; one that is there is replaced, if it is a regular one
 * @print: writes the text
 * @arg: passed to @print
 *
 * Return: 0 or -errno; nothing is printed.
 */
int outfile_write(const char *path, void (*print)(const void *arg, FILE *out), const void *arg);

#endif /* VMTOOL_OUTFILE_H */
