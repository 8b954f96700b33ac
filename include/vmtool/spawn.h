/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_SPAWN_H
#define VMTOOL_SPAWN_H

#include <stdbool.h>
#include <sys/types.h>

/**
 * struct spawn - a program to run
 * @argv: its arguments, NULL at the end; the first is looked up in $PATH
 * @keep_fd: descriptor it inherits under the same number, or -1
 * @err_fd: what its standard error becomes, or -1 for ours
 * @helper: it serves this process alone: it ends with the calling thread, signals
 *	from the terminal do not reach it, it has no standard input and output
 * @stdio: what its standard input and output become, two descriptors; NULL to leave
 *	them
 */
struct spawn {
	const char *const *argv;
	int keep_fd;
	int err_fd;
	bool helper;
	const int *stdio;
};

/**
 * spawn_start() - run a program
 * @s: what to run
 *
 * Return: its process, to be waited for by the caller; -ENOENT when there is no
 * such program, -EACCES when it cannot be executed, another -errno.
 */
pid_t spawn_start(const struct spawn *s);

/**
 * spawn_wait() - wait for the end of a process
 * @pid: from spawn_start()
 *
 * Return: status as of waitpid(), or -errno.
 */
int spawn_wait(pid_t pid);

#endif /* VMTOOL_SPAWN_H */
