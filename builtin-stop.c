// SPDX-License-Identifier: GPL-2.0
/*
 * vmtool stop
 *
 * All guests are asked before any is waited for, so that many take no longer
 * than the slowest.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <subcmd/parse-options.h>

#include <linux/kernel.h>
#include <vmtool/cli.h>
#include <vmtool/guests.h>
#include <vmtool/log.h>
#include <vmtool/qmp_client.h>
#include <vmtool/verdict.h>

#include "builtin.h"

#define DEFAULT_S	60
#define LONGEST_S	(365L * 24 * 3600)
#define QUIET_MS	2000	/* before we say that we wait */
#define FORCE_ANSWER_MS	2000	/* for an answer to "quit" */
#define FORCE_END_MS	5000	/* for its process to end after that */

struct target {
	const char *name;
	struct qmp_client client;
	int pidfd;
	bool open;
	bool waiting;
	int status;
};

static bool hung_up(int fd)
{
	struct pollfd pfd = { .fd = fd };

	return poll(&pfd, 1, 0) > 0 && (pfd.revents & (POLLHUP | POLLERR));
}

/*
 * The pid was its own when the connection was made, and stays its own while the
 * connection stands: a process that ends closes it first.
 */
static int open_process(struct qmp_client *c)
{
	int fd = c->pid > 0 ? (int)syscall(SYS_pidfd_open, c->pid, 0) : -1;

	if (fd >= 0 && hung_up(c->fd)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static void ask(struct target *t, const char *command)
{
	struct qmp_error err;

	t->status = guests_open(&t->client, t->name);
	if (t->status)
		return;
	t->open = true;
	t->pidfd = open_process(&t->client);
	/* A failure shows again when the answer is read. */
	qmp_client_send(&t->client, command, NULL, &err);
	t->waiting = true;
}

static void hear(struct target *t, u64 deadline)
{
	struct qmp_error err;
	int ret;

	if (!t->waiting)
		return;
	ret = qmp_client_receive(&t->client, deadline, NULL, &err);
	/* -EPIPE: it ended before it could answer. */
	if (!ret || ret == -EPIPE)
		return;
	log_err("guest '%s' cannot be asked to power off: %s: 'vmtool stop --force %s' ends it",
		t->name, err.desc, t->name);
	t->waiting = false;
	t->status = 1;
}

/* The end of the process, where it can be seen; else that of the connection. */
static bool has_ended(struct target *t, u64 deadline)
{
	struct pollfd pfd = { .fd = t->pidfd, .events = POLLIN };
	u64 now;

	if (t->pidfd < 0)
		return qmp_client_wait_event(&t->client, NULL, deadline) == -EPIPE;
	do {
		now = qmp_deadline(0);
		if (poll(&pfd, 1, deadline > now ? deadline - now : 0) > 0)
			return true;
	} while (now < deadline);
	return false;
}

static void wait_end(struct target *t, long seconds, u64 quiet, u64 deadline)
{
	if (!t->waiting || has_ended(t, deadline < quiet ? deadline : quiet))
		return;
	if (qmp_deadline(0) < deadline) {
		log_info("waiting for guest '%s' to power off", t->name);
		if (has_ended(t, deadline))
			return;
	}
	log_err("guest '%s' has not powered off within %ld s: 'vmtool stop --force %s' ends it",
		t->name, seconds, t->name);
	t->status = 1;
}

static int stop_politely(struct target *targets, int nr, long seconds)
{
	u64 quiet, deadline;
	int i;

	for (i = 0; i < nr; i++)
		ask(&targets[i], "system_powerdown");
	deadline = qmp_deadline(QMP_TIMEOUT_MS);
	for (i = 0; i < nr; i++)
		hear(&targets[i], deadline);
	quiet = qmp_deadline(QUIET_MS);
	deadline = qmp_deadline(0) + (seconds ? seconds : LONGEST_S) * 1000ULL;
	for (i = 0; i < nr; i++)
		wait_end(&targets[i], seconds, quiet, deadline);
	return 0;
}

static void kill_process(struct target *t)
{
	int pid = t->client.pid;

	if (t->pidfd < 0 || syscall(SYS_pidfd_send_signal, t->pidfd, SIGKILL, NULL, 0) < 0) {
		log_err("cannot kill guest '%s': its process (pid %d) is out of reach", t->name,
			pid);
		t->status = 1;
	} else if (!has_ended(t, qmp_deadline(FORCE_END_MS))) {
		log_err("guest '%s' does not end although it was killed (pid %d)", t->name, pid);
		t->status = 1;
	} else {
		log_info("guest '%s' did not answer and was killed (pid %d)", t->name, pid);
	}
}

/* A killed one left its socket; whoever meets it next removes it: we do. */
static void sweep(const char *name)
{
	struct qmp_client client;

	if (!qmp_client_open(&client, name))
		qmp_client_close(&client);
}

static void stop_by_force(struct target *targets, int nr)
{
	struct qmp_error err;
	u64 deadline;
	int i, ret;

	for (i = 0; i < nr; i++)
		ask(&targets[i], "quit");
	deadline = qmp_deadline(FORCE_ANSWER_MS);
	for (i = 0; i < nr; i++) {
		struct target *t = &targets[i];

		if (!t->waiting)
			continue;
		ret = qmp_client_receive(&t->client, deadline, NULL, &err);
		if ((!ret || ret == -EPIPE) && has_ended(t, qmp_deadline(FORCE_END_MS)))
			continue;
		kill_process(t);
		sweep(t->name);
	}
}

static int stop_all(const struct guests *guests, bool force, long seconds)
{
	struct target *targets = calloc(guests->nr + 1, sizeof(*targets));
	int i, status = 0;

	if (!targets)
		return EXIT_VMTOOL_ERROR;
	for (i = 0; i < guests->nr; i++) {
		targets[i].name = guests->names[i];
		targets[i].pidfd = -1;
	}
	if (force)
		stop_by_force(targets, guests->nr);
	else
		stop_politely(targets, guests->nr, seconds);
	for (i = 0; i < guests->nr; i++) {
		if (targets[i].open)
			qmp_client_close(&targets[i].client);
		if (targets[i].pidfd >= 0)
			close(targets[i].pidfd);
		status = max(status, targets[i].status);
	}
	free(targets);
	return status;
}

int cmd_stop(int argc, const char **argv)
{
	static const char *const usage[] = {
		"vmtool stop [--force] [--timeout SECONDS] [-n NAME | -a | NAME...]", NULL
	};
	struct guests guests = { };
	long seconds = DEFAULT_S;
	bool force = false;
	const struct option options[] = {
		OPT_GUEST_NAME(&guests),
		OPT_GUEST_ALL(&guests),
		OPT_BOOLEAN('f', "force", &force, "end the guest at once, kill it if need be"),
		OPT_LONG('t', "timeout", &seconds,
			 "seconds to wait for its end (default 60, 0 for ever)"),
		OPT_END()
	};
	int status = EXIT_VMTOOL_ERROR;

	argc = cli_parse(argc, argv, options, usage);
	if (seconds < 0 || seconds > LONGEST_S) {
		log_err("bad --timeout %ld: give seconds from 0 to %ld", seconds, LONGEST_S);
	} else if (!guests_select(&guests, argc, argv)) {
		if (!guests.nr)
			log_info("no guest is running");
		status = stop_all(&guests, force, seconds);
	}
	guests_free(&guests);
	return status;
}
