/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_RUNDIR_H
#define VMTOOL_RUNDIR_H

#include <limits.h>
#include <stdbool.h>

/*
 * The user's directory of what belongs to running guests: sockets that somebody
 * listens on. What nobody listens on any more is removed by who comes next, with
 * the directory locked.
 */

#define RUNDIR_NAME_MAX	64

/**
 * rundir_name_valid() - can a guest or a network have this name?
 * @name: 1 to RUNDIR_NAME_MAX - 1 characters of [A-Za-z0-9_.+-], the first
 *	of them neither '.' nor '-'
 *
 * Return: true or false.
 */
bool rundir_name_valid(const char *name);

/**
 * struct rundir - the directory
 * @fd: descriptor; flock() on it guards the names
 * @path: absolute path
 */
struct rundir {
	int fd;
	char path[PATH_MAX];
};

/**
 * rundir_open() - open the user's runtime directory
 * @dir: caller-owned
 * @create: make it when it is not there
 *
 * $VMTOOL_RUNTIME_DIR; /run/vmtool for root; $XDG_RUNTIME_DIR/vmtool where
 * that belongs to the user; /tmp/vmtool-UID. It must belong to the user (root
 * may use anybody's) and be closed to everybody else.
 *
 * Return: 0; -ENOENT, silently, when it is not there and not @create; another
 * -errno after a message.
 */
int rundir_open(struct rundir *dir, bool create);

/**
 * rundir_open_sub() - open a directory inside, making it where needed
 * @sub: caller-owned
 * @dir: opened directory
 * @name: file name
 *
 * Return: 0 or -errno.
 */
int rundir_open_sub(struct rundir *sub, const struct rundir *dir, const char *name);

/**
 * rundir_close() - close it
 * @dir: opened directory, or one with @fd -1
 */
void rundir_close(struct rundir *dir);

/**
 * rundir_lock() - have the directory's names to oneself
 * @dir: directory; the lock ends with rundir_unlock() or the process
 *
 * A bound socket that does not listen yet is only seen by who has no lock.
 *
 * Return: 0, or -ETIMEDOUT when somebody keeps it for ten seconds, or -errno.
 */
int rundir_lock(const struct rundir *dir);

/**
 * rundir_unlock() - let others in
 * @dir: locked directory
 */
void rundir_unlock(const struct rundir *dir);

struct sockaddr_un;

/**
 * rundir_address() - address of a socket in the directory
 * @sa: filled in; reaches through /proc where the path itself is too long
 * @dir: directory
 * @file: file name, at most 80 characters
 */
void rundir_address(struct sockaddr_un *sa, const struct rundir *dir, const char *file);

#endif /* VMTOOL_RUNDIR_H */
