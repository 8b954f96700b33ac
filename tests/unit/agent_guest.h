/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TESTS_AGENT_GUEST_H
#define TESTS_AGENT_GUEST_H

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/kernel.h>
#include <vmtool/agent_client.h>
#include <vmtool/agent_router.h>
#include <vmtool/guest_init.h>

/**
 * struct guest - a router with the real agent behind it, as a process of this machine
 * @loop: event loop
 * @link: as a console port has it
 * @router: router
 * @dev: the device's side of @link
 * @agent: the agent's port
 * @pid: its process
 * @ready: it has said HELLO
 * @fatal: what it said of its failure
 * @typed: what was typed on the console
 * @breaks: how often there was a break
 * @rest: bytes for the agent that it did not take
 * @nr_rest: how many
 */
struct guest {
	struct evloop loop;
	struct port_link *link;
	struct agent_router router;
	struct ev_source dev;
	struct ev_source agent;
	pid_t pid;
	int ready;
	char fatal[AGENT_TEXT_MAX];
	char typed[64];
	int breaks;
	u8 rest[8192];
	size_t nr_rest;
	u8 in[8192];
	size_t nr_in;
};

static inline void guest_pump(struct guest *g)
{
	ssize_t n;

	for (;;) {
		if (!g->nr_rest)
			g->nr_rest = port_link_dev_get(g->link, g->rest, sizeof(g->rest));
		if (!g->nr_rest)
			break;
		n = send(g->agent.fd, g->rest, g->nr_rest, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n <= 0)
			break;
		g->nr_rest -= n;
		memmove(g->rest, g->rest + n, g->nr_rest);
	}
	for (;;) {
		if (!g->nr_in) {
			n = recv(g->agent.fd, g->in, sizeof(g->in), MSG_DONTWAIT);
			if (!n)
				ev_del(&g->loop, &g->agent);
			if (n <= 0)
				break;
			g->nr_in = n;
		}
		n = port_link_dev_put(g->link, g->in, g->nr_in);
		if (!n)
			break;
		g->nr_in -= n;
		memmove(g->in, g->in + n, g->nr_in);
	}
	if (g->agent.armed)
		ev_mod(&g->loop, &g->agent, (g->nr_in ? 0 : EPOLLIN) | (g->nr_rest ? EPOLLOUT : 0));
}

static inline void guest_dev_ready(struct ev_source *src, u32 events)
{
	u64 count;

	if (read(src->fd, &count, sizeof(count)) > 0)
		guest_pump(container_of(src, struct guest, dev));
}

static inline void guest_agent_ready(struct ev_source *src, u32 events)
{
	guest_pump(container_of(src, struct guest, agent));
}

static inline void guest_is_ready(void *priv)
{
	((struct guest *)priv)->ready++;
}

static inline void guest_is_fatal(void *priv, const char *text)
{
	struct guest *g = priv;

	snprintf(g->fatal, sizeof(g->fatal), "%s", text);
}

/* Takes four bytes at a time. */
static inline size_t guest_type(void *priv, const u8 *buf, size_t len)
{
	struct guest *g = priv;
	size_t n = min_t(size_t, len, 4);

	strncat(g->typed, (const char *)buf, min(n, sizeof(g->typed) - strlen(g->typed) - 1));
	return n;
}

static inline void guest_break(void *priv)
{
	((struct guest *)priv)->breaks++;
}

static const struct router_ops guest_router_ops = {
	.ready = guest_is_ready,
	.fatal = guest_is_fatal,
	.type = guest_type,
	.send_break = guest_break,
};

/* The agent of a guest is in vmtool as a file: from there it is run. */
static inline int guest_run_agent(struct guest *g, int fd)
{
	int program = memfd_create("agent", 0);
	char arg[16], path[32];

	if (program < 0 || write(program, guest_init, guest_init_size) != (ssize_t)guest_init_size)
		return -1;
	snprintf(arg, sizeof(arg), "%d", fd);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", program);
	g->pid = fork();
	if (!g->pid) {
		/* As the first process has it. */
		signal(SIGPIPE, SIG_DFL);
		execl(path, "agent", arg, NULL);
		_exit(125);
	}
	close(program);
	return g->pid < 0 ? -1 : 0;
}

/* Returns 0, with a socket in place of the agent where that is @fake. */
static inline int guest_begin(struct guest *g, bool fake)
{
	int fds[2];

	memset(g, 0, sizeof(*g));
	g->agent.fd = -1;
	if (evloop_init(&g->loop) || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds))
		return -1;
	g->link = port_link_create();
	if (!g->link || router_init(&g->router, &g->loop, g->link, &guest_router_ops, g))
		return -1;
	fcntl(fds[0], F_SETFD, FD_CLOEXEC);
	g->agent.fd = fds[0];
	g->agent.fn = guest_agent_ready;
	g->dev.fd = g->link->dev_fd;
	g->dev.fn = guest_dev_ready;
	if (fake) {
		close(fds[1]);
		return 0;
	}
	if (guest_run_agent(g, fds[1]))
		return -1;
	close(fds[1]);
	return ev_add(&g->loop, &g->dev, EPOLLIN) || ev_add(&g->loop, &g->agent, EPOLLIN);
}

static inline void guest_end(struct guest *g)
{
	router_destroy(&g->router);
	if (g->agent.fd >= 0)
		close(g->agent.fd);
	if (g->pid > 0) {
		kill(g->pid, SIGKILL);
		waitpid(g->pid, NULL, 0);
	}
	port_link_destroy(g->link);
	evloop_destroy(&g->loop);
}

static inline u64 guest_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ULL + ts.tv_nsec / 1000000;
}

/* Serves events until @cond holds, for ten seconds at most. */
#define guest_until(g, cond)						\
	({								\
		u64 end_ = guest_ms() + 10000;				\
		while (!(cond) && guest_ms() < end_)			\
			if (!evloop_poll(&(g)->loop))			\
				usleep(200);				\
		!!(cond);						\
	})

/* A socket to the router. */
static inline int guest_connect(struct guest *g)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds))
		return -1;
	return router_add_client(&g->router, fds[0]) ? -1 : fds[1];
}

#endif /* TESTS_AGENT_GUEST_H */
