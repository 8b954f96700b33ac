/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_AGENT_ROUTER_H
#define VMTOOL_AGENT_ROUTER_H

#include <pthread.h>
#include <stdbool.h>
#include <linux/list.h>
#include <vmtool/agent.h>
#include <vmtool/evloop.h>
#include <vmtool/log.h>
#include <vmtool/port_link.h>

/*
 * Between the agent in the guest and the clients that want commands run there, each on
 * a socket. The router gives sessions their numbers, passes frames on, and sees to it
 * that the guest sends no more than a client has asked for. It also serves those that
 * want the guest's console. It lives in an event loop and never waits.
 */

#define ROUTER_HISTORY	(64 * 1024)	/* bytes of the console that a client begins with */

struct agent_router;

/**
 * struct router_ops - who runs the guest
 * @ready: the agent is there
 * @fatal: the guest cannot run commands, @text says why; fit for a terminal
 * @type: type on the guest's console: bytes taken
 * @send_break: send a break there
 *
 * All are called in the event loop; all may be NULL.
 */
struct router_ops {
	void (*ready)(void *priv);
	void (*fatal)(void *priv, const char *text);
	size_t (*type)(void *priv, const u8 *buf, size_t len);
	void (*send_break)(void *priv);
};

/**
 * struct agent_router - the router
 * @loop: event loop
 * @link: to the agent; NULL when the guest has none
 * @ops: who runs the guest
 * @priv: passed to @ops
 * @port: of @link
 * @in: frame from the guest
 * @out: frames for it
 * @ready: the agent has said HELLO
 * @listener: where clients connect
 * @listen_dir: private to agent/listen.c
 * @clients: struct router_client
 * @nr_clients: how many
 * @next_id: number of the next session
 * @errors: budget of messages about the guest
 * @refused: budget of messages about clients that were refused
 * @tap: eventfd: the console has printed
 * @retry: for what the console had no room for
 * @watchers: clients of the console
 * @lock: guards what follows
 * @history: what the console has printed
 * @printed: bytes it has ever printed
 */
struct agent_router {
	struct evloop *loop;
	struct port_link *link;
	const struct router_ops *ops;
	void *priv;
	struct ev_source port;
	struct agent_reader *in;
	struct agent_queue out;
	bool ready;
	struct ev_source listener;
	struct router_listen *listen_dir;
	struct list_head clients;
	unsigned int nr_clients;
	u32 next_id;
	struct log_limit errors;
	struct log_limit refused;
	struct ev_source tap;
	struct ev_timer retry;
	unsigned int watchers;
	pthread_mutex_t lock;
	u8 *history;
	u64 printed;
};

/**
 * router_init() - begin to route
 * @r: caller-owned
 * @loop: event loop
 * @link: to the agent, or NULL
 * @ops: kept by reference
 * @priv: passed to @ops
 *
 * Return: 0, or -errno: then there is nothing to destroy.
 */
int router_init(struct agent_router *r, struct evloop *loop, struct port_link *link,
		const struct router_ops *ops, void *priv);

/**
 * router_destroy() - hang up on everybody
 * @r: router, or zeroed memory
 */
void router_destroy(struct agent_router *r);

/**
 * router_add_client() - serve one more
 * @r: router
 * @fd: non-blocking stream socket, owned by the router from now on
 *
 * Return: 0, or -errno: @fd is closed then.
 */
int router_add_client(struct agent_router *r, int fd);

/**
 * router_poweroff() - have the agent power the guest off
 * @r: router
 */
void router_poweroff(struct agent_router *r);

/**
 * router_console() - what the guest's console has printed; for any thread
 * @r: router
 * @buf: bytes
 * @len: how many
 */
void router_console(struct agent_router *r, const void *buf, size_t len);

/**
 * router_listen() - let clients of other processes in
 * @r: router
 * @name: name of the guest, which the caller owns
 *
 * They connect to NAME.agent, beside the guest's control socket.
 *
 * Return: 0, or -errno after a one-line message.
 */
int router_listen(struct agent_router *r, const char *name);

/**
 * router_unlisten() - remove that socket
 * @r: router, listening or not
 */
void router_unlisten(struct agent_router *r);

/**
 * agent_connect() - connect to the router of a guest
 * @name: its name
 *
 * Return: non-blocking descriptor, or -errno after a one-line message: -ENOENT when
 * there is no such guest.
 */
int agent_connect(const char *name);

#endif /* VMTOOL_AGENT_ROUTER_H */
