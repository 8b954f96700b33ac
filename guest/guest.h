/* SPDX-License-Identifier: GPL-2.0 */
#ifndef GUEST_H
#define GUEST_H

/*
 * The init that vmtool puts into guests, and the agent that it becomes: a static
 * program of the tree's nolibc. It makes its system calls itself, for they return
 * -errno then, and keeps to those that all architectures have.
 */

#include <nolibc.h>

#include <linux/types.h>

#include "sys.h"

#ifndef ARRAY_SIZE
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#endif

#define CONF_FIELDS	8
#define PATH_SIZE	4096

/**
 * struct directive - a line of /vmtool.conf
 * @field: its fields, the directive's name first; those not given are ""
 * @nr: how many were given
 */
struct directive {
	const char *field[CONF_FIELDS];
	int nr;
};

/**
 * conf_next() - take the next line apart
 * @text: where to begin; moved behind the line; the fields are parts of it
 * @d: filled in; empty lines and those that begin with # are skipped
 *
 * Return: 1, or 0 at the end; -EINVAL when there are too many fields.
 */
int conf_next(char **text, struct directive *d);

/* util.c */

/**
 * say() - a line of the kernel's log
 * @what: what failed
 * @arg: with what; may be NULL
 * @err: 0 or -errno
 *
 * The last one is kept, for the host.
 */
void say(const char *what, const char *arg, int err);

/**
 * last_said() - what say() said last
 *
 * Return: text, "" at first.
 */
const char *last_said(void);

/**
 * join() - strings one behind the other
 * @buf: receives them, cut where they do not fit
 * @size: bytes of @buf
 * @a: string
 * @b: string
 * @c: string
 *
 * Return: @buf.
 */
char *join(char *buf, size_t size, const char *a, const char *b, const char *c);

/**
 * number() - a number in decimal
 * @buf: room for 21 bytes
 * @n: number
 *
 * Return: where it begins in @buf.
 */
char *number(char *buf, unsigned long n);

/**
 * parse_octal() - a mode
 * @s: digits
 * @dflt: what it is when there are none
 *
 * Return: its value.
 */
unsigned int parse_octal(const char *s, unsigned int dflt);

/**
 * slurp() - read a small file
 * @path: file
 * @buf: receives it and a NUL, cut where it does not fit
 * @size: bytes of @buf
 *
 * Return: bytes read, or -errno.
 */
long slurp(const char *path, char *buf, size_t size);

/* mount.c: what the configuration asks for. Each says what went wrong. */

int do_basics(void);
int do_root(const struct directive *d);
int do_mount(const struct directive *d);
int do_tmpfs(const struct directive *d);
int do_hostname(const struct directive *d);
int do_resolv(const struct directive *d);
int do_switch_root(void);
/* copy.c */
int do_copy(const struct directive *d);
/* module.c */
int do_module(const struct directive *d);

/**
 * make_dirs() - a directory and those above it
 * @path: below @NEWROOT
 *
 * Return: 0 or -errno.
 */
int make_dirs(const char *path);

/**
 * new_path() - where a path of the new root is now
 * @buf: receives it
 * @path: absolute
 *
 * Return: @buf.
 */
char *new_path(char buf[PATH_SIZE], const char *path);

/**
 * mount_over() - have a directory written to in memory only
 * @dir: directory; the file system below it stays as it is
 *
 * Return: 0 or -errno.
 */
int mount_over(const char *dir);

#define NEWROOT	"/newroot"

/* agent.c */

/**
 * agent_run() - serve sessions until the guest is to be powered off
 * @port: name of the port
 * @failed: why there are none to be served, or NULL
 *
 * Return: 0, or -errno when there is no such port.
 */
int agent_run(const char *port, const char *failed);

/**
 * agent_serve() - the same on a port that is open
 * @port: non-blocking descriptor
 * @failed: why there are no sessions to be served, or NULL
 *
 * Return: 0 or -ENOMEM.
 */
int agent_serve(int port, const char *failed);

#endif /* GUEST_H */
