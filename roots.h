/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ROOTS_H
#define ROOTS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Private roots: directories with names, below the user's directory of vmtool's data.
 */

/**
 * roots_dir() - where they are
 * @buf: receives $XDG_DATA_HOME/vmtool, or ~/.local/share/vmtool
 * @size: bytes in @buf
 *
 * Return: 0; -ENOENT when there is no home directory; -ENAMETOOLONG.
 */
int roots_dir(char *buf, size_t size);

/**
 * roots_path() - the directory that a root has, or would have
 * @name: its name
 * @buf: receives the path
 * @size: bytes in @buf
 *
 * Return: 0; -EINVAL for what is no name (rundir_name_valid() says what is); as
 * roots_dir().
 */
int roots_path(const char *name, char *buf, size_t size);

/**
 * roots_exists() - is there a root of this name?
 * @name: any text
 *
 * Return: true when there is.
 */
bool roots_exists(const char *name);

#endif /* ROOTS_H */
