/* SPDX-License-Identifier: GPL-2.0 */
#ifndef AGENT_ROUTER_H
#define AGENT_ROUTER_H

#include <vmtool/agent_router.h>

#define ROUTER_OUT_HIGH		65536	/* above, no client is listened to */
#define ROUTER_OUT_MAX		(ROUTER_OUT_HIGH + 2 * AGENT_PAYLOAD_MAX)
#define CLIENT_OUT_MAX		(3 * AGENT_WINDOW)

/**
 * enum client_kind - what a client wants
 * @CLIENT_NEW: it has not said so yet
 * @CLIENT_COMMAND: a command
 * @CLIENT_CONSOLE: the guest's console
 * @CLIENT_OVER: nothing more: its session has ended
 */
enum client_kind {
	CLIENT_NEW,
	CLIENT_COMMAND,
	CLIENT_CONSOLE,
	CLIENT_OVER,
};

/**
 * struct router_client - a client
 * @src: its socket
 * @node: in &agent_router.clients
 * @r: router
 * @kind: what it wants
 * @id: number of its session in the guest, 0 when there is none
 * @in: frame from it
 * @out: frames for it
 * @credit: bytes of stdout and stderr that it takes
 * @seen: of the console, up to where it was sent
 * @events: EPOLL* events asked for
 * @held: a frame waits in @in
 * @eof: it sends no more
 * @dead: to be freed
 */
struct router_client {
	struct ev_source src;
	struct list_head node;
	struct agent_router *r;
	enum client_kind kind;
	u32 id;
	struct agent_reader in;
	struct agent_queue out;
	u32 credit[2];
	u64 seen;
	u32 events;
	bool held;
	bool eof;
	bool dead;
};

/**
 * router_send() - send a frame to the guest
 * @r: router
 * @f: frame
 *
 * Return: 0, or -errno when there is no room for it.
 */
int router_send(struct agent_router *r, const struct agent_frame *f);

/**
 * router_input() - listen to the clients again, as far as there is room
 * @r: router
 */
void router_input(struct agent_router *r);

/**
 * client_from_guest() - a frame for a client's session
 * @c: client
 * @f: frame from the guest
 */
void client_from_guest(struct router_client *c, const struct agent_frame *f);

/**
 * client_fail() - end a client's session, which the guest has not ended
 * @c: client
 * @err: errno
 * @text: why
 */
void client_fail(struct router_client *c, int err, const char *text);

/**
 * client_service() - read and write what is possible for a client
 * @c: client, freed when it is gone
 */
void client_service(struct router_client *c);

/**
 * client_close() - hang up
 * @c: client, freed
 */
void client_close(struct router_client *c);

/**
 * console_client() - a client wants the console
 * @c: client
 */
void console_client(struct router_client *c);

/**
 * console_frame() - a client of the console has sent a frame
 * @c: client
 * @f: frame; shortened by what was taken
 *
 * Return: false when the console has no room for all of it now.
 */
bool console_frame(struct router_client *c, struct agent_frame *f);

/**
 * console_show() - send a client what the console has printed
 * @c: client
 */
void console_show(struct router_client *c);

/**
 * router_console_init() - be ready for the console
 * @r: router
 *
 * Return: 0 or -errno.
 */
int router_console_init(struct agent_router *r);

/**
 * router_console_destroy() - forget what it has printed
 * @r: router
 */
void router_console_destroy(struct agent_router *r);

#endif /* AGENT_ROUTER_H */
