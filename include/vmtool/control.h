/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_CONTROL_H
#define VMTOOL_CONTROL_H

#include <stdbool.h>
#include <sys/types.h>
#include <time.h>
#include <linux/types.h>
#include <linux/list.h>
#include <vmtool/evloop.h>
#include <vmtool/log.h>
#include <vmtool/qmp.h>
#include <vmtool/rundir.h>
#include <vmtool/runstate.h>

/*
 * The control socket of a guest: where it is found, who owns its name, and the
 * server behind it. Documentation/qmp.rst describes what is spoken there.
 */

/**
 * control_find() - names of the guests that have a control socket
 * @names: receives an allocated, sorted array of allocated names; free with
 *	control_free_names()
 *
 * A name may be stale: control_connect() finds out.
 *
 * Return: number of names, or -errno after a message.
 */
int control_find(char ***names);

/**
 * control_free_names() - free what control_find() returned
 * @names: array
 * @nr: how many
 */
void control_free_names(char **names, int nr);

/**
 * control_connect() - connect to a guest's control socket
 * @name: its name
 * @pid: receives the process that serves it, 0 when that is in another pid
 *	namespace
 *
 * A socket that nobody serves is removed.
 *
 * Return: a non-blocking descriptor; -ENOENT when there is no such guest;
 * -EAGAIN when it has one but too many clients wait for it; -EINVAL for an
 * impossible name; another -errno (a message was printed when the directory
 * is at fault).
 */
int control_connect(const char *name, pid_t *pid);

/**
 * struct control_claim - ownership of a guest's name
 * @name: the name
 * @fd: listening socket, -1 when nothing is claimed
 * @dir: where it is
 * @ino: private, the socket's inode
 */
struct control_claim {
	char name[RUNDIR_NAME_MAX];
	int fd;
	struct rundir dir;
	ino_t ino;
};

/**
 * control_claim() - own a name and listen there
 * @claim: caller-owned
 * @name: wanted name, or NULL for "vm-PID" (with ".1", ".2"... when taken)
 *
 * From the return on clients connect; they wait until control_server_init().
 * Of several processes that claim one name at once, one gets it. A socket left
 * behind by a process that was killed is replaced.
 *
 * Return: 0, or -errno after a message: -EADDRINUSE when a guest has the name,
 * -EINVAL when no guest can have it, others when the host is at fault.
 */
int control_claim(struct control_claim *claim, const char *name);

/**
 * control_release() - remove the socket and stop listening
 * @claim: also one with @fd -1
 */
void control_release(struct control_claim *claim);

/**
 * struct control_info - what is told about a guest
 * @name: its name
 * @version: vmtool's version, starting with "MAJOR.MINOR[.MICRO]"
 * @arch: QMP's name of the architecture: "x86_64", "aarch64", "ppc64"
 * @kernel_version: the kernel's own version text, NULL when not known; may be
 *	NULL itself
 * @cpus: vCPUs
 * @memory: bytes
 * @cpu_thread_id: tid of a vCPU's thread, 0 when it does not run; may be NULL
 * @started: CLOCK_MONOTONIC time of the start
 * @priv: passed to the functions
 * @run: run state
 */
struct control_info {
	const char *name;
	const char *version;
	const char *arch;
	const char *(*kernel_version)(void *priv);
	unsigned int cpus;
	u64 memory;
	int (*cpu_thread_id)(void *priv, unsigned int cpu);
	struct timespec started;
	void *priv;
	struct runstate *run;
};

struct control_conn;

/**
 * struct control_server - serves a control socket in an event loop
 * @loop: event loop
 * @info: the guest
 * @reg: commands
 * @listener: listening socket
 * @conns: clients
 * @nr_conns: how many
 * @busy: client whose input is being handled; not to be freed meanwhile
 * @observer: turns changes of the run state into events
 * @protocol: qmp_capabilities, query-commands
 * @run: commands that change the run state
 * @query: commands that tell
 * @refused: budget of messages about clients that were refused
 */
struct control_server {
	struct evloop *loop;
	const struct control_info *info;
	struct qmp_registry *reg;
	struct ev_source listener;
	struct list_head conns;
	unsigned int nr_conns;
	struct control_conn *busy;
	struct run_observer observer;
	struct qmp_table protocol;
	struct qmp_table run;
	struct qmp_table query;
	struct log_limit refused;
};

/**
 * control_server_init() - serve clients from now on
 * @srv: caller-owned
 * @loop: event loop
 * @info: the guest; stays until control_server_destroy()
 * @reg: initialised registry; the server adds its own commands, others may be
 *	added before and after
 * @fd: listening socket (control_claim()); stays the caller's
 *
 * Nothing in here ever blocks. A client can cost the server no more than one
 * of CONTROL_CLIENTS_MAX places and CONTROL_OUT_MAX bytes.
 *
 * Return: 0, or -errno after a message.
 */
int control_server_init(struct control_server *srv, struct evloop *loop,
			const struct control_info *info,
			struct qmp_registry *reg, int fd);

/**
 * control_server_destroy() - send what is pending and close every connection
 * @srv: server that was initialised, or zeroed memory
 *
 * Waits up to CONTROL_FLUSH_MS milliseconds for slow clients; the event loop
 * need not run.
 */
void control_server_destroy(struct control_server *srv);

/**
 * control_emit() - send an event to every client in command mode
 * @srv: server
 * @event: name
 * @data: members, or NULL for none; the reference is consumed
 */
void control_emit(struct control_server *srv, const char *event, struct json_t *data);

#define CONTROL_LINE_MAX	(64 << 10)	/* bytes of a request */
#define CONTROL_OUT_MAX		(1024 << 10)	/* bytes waiting for one client */
#define CONTROL_OUT_HIGH	(64 << 10)	/* above, no more requests are read */
#define CONTROL_CLIENTS_MAX	16		/* others wait until one leaves */
#define CONTROL_BACKLOG		4096		/* that many; the kernel may cap it */
#define CONTROL_FLUSH_MS	500

#endif /* VMTOOL_CONTROL_H */
