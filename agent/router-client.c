// SPDX-License-Identifier: GPL-2.0
/*
 * The router: the side of the clients. What a client sends is read when the guest's
 * queue has room for it; a frame that has to wait stays in the client's reader.
 */
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/kernel.h>
#include <vmtool/log.h>

#include "router.h"

static void client_put(struct router_client *c, const struct agent_frame *f)
{
	/* A guest whose frames are no data can send any number of them. */
	if (agent_queue_put(&c->out, f))
		c->dead = true;
}

void client_fail(struct router_client *c, int err, const char *text)
{
	struct agent_result r = { .how = AGENT_FAILED, .value = err };

	if (c->kind == CLIENT_OVER)
		return;
	snprintf(r.text, sizeof(r.text), "%s", text);
	if (agent_put_result(&c->out, &r))
		c->dead = true;
	c->kind = CLIENT_OVER;
}

static void hang_up(struct router_client *c)
{
	struct agent_frame f = { .session = c->id, .type = AGENT_HANGUP };

	if (!c->id)
		return;
	/* Without room for it the guest would be stuck with the session. */
	if (router_send(c->r, &f) && c->r->ready)
		log_guest(&c->r->errors, "the guest's agent takes nothing: session %u is left",
			  c->id);
	c->id = 0;
}

void client_close(struct router_client *c)
{
	struct agent_router *r = c->r;

	hang_up(c);
	if (c->kind == CLIENT_CONSOLE)
		__atomic_fetch_sub(&r->watchers, 1, __ATOMIC_SEQ_CST);
	ev_del(r->loop, &c->src);
	close(c->src.fd);
	agent_queue_free(&c->out);
	list_del(&c->node);
	free(c);
	/* There is room for one that waits. */
	if (r->nr_clients-- == AGENT_SESSIONS_MAX && r->listener.armed)
		ev_mod(r->loop, &r->listener, EPOLLIN);
}

/* --- from the guest ------------------------------------------------------------------ */

static bool may_send(struct router_client *c, const struct agent_frame *f)
{
	if (f->type != AGENT_DATA)
		return f->type == AGENT_EOF || f->type == AGENT_CLOSE ||
		       f->type == AGENT_WINDOW_MORE || f->type == AGENT_EXIT;
	if (!f->stream || f->len > c->credit[f->stream - 1])
		return false;
	c->credit[f->stream - 1] -= f->len;
	return true;
}

void client_from_guest(struct router_client *c, const struct agent_frame *f)
{
	struct agent_frame own = *f;

	if (!may_send(c, f)) {
		log_guest(&c->r->errors, "the guest's agent breaks the protocol of session %u",
			  c->id);
		hang_up(c);
		client_fail(c, EPROTO, "the guest's agent breaks the protocol");
	} else {
		own.session = 0;
		client_put(c, &own);
		if (f->type == AGENT_EXIT) {
			c->id = 0;
			c->kind = CLIENT_OVER;
		}
	}
	client_service(c);
}

/* --- from the client ----------------------------------------------------------------- */

static u32 new_id(struct agent_router *r)
{
	u32 id = r->next_id++;

	if (!r->next_id)
		r->next_id = 1;
	return id;
}

static void more_credit(struct router_client *c, const struct agent_frame *f)
{
	u32 n = agent_get32(f, 0);

	if (f->stream && n <= AGENT_WINDOW - c->credit[f->stream - 1])
		c->credit[f->stream - 1] += n;
}

/* Returns false when the frame has to wait. */
static bool pass_on(struct router_client *c, const struct agent_frame *f)
{
	struct agent_frame own = *f;

	if (!c->r->ready || c->r->out.len >= ROUTER_OUT_HIGH)
		return false;
	if (!c->id)
		c->id = new_id(c->r);
	own.session = c->id;
	if (router_send(c->r, &own))
		return false;
	/* Not before the guest may know of it. */
	if (f->type == AGENT_WINDOW_MORE)
		more_credit(c, f);
	return true;
}

static bool from_host(u8 type)
{
	return type == AGENT_DATA || type == AGENT_EOF || type == AGENT_CLOSE ||
	       type == AGENT_WINDOW_MORE || type == AGENT_WINSIZE || type == AGENT_SIGNAL;
}

static bool first_frame(struct router_client *c, const struct agent_frame *f)
{
	if (f->type == AGENT_CONSOLE) {
		console_client(c);
		return true;
	}
	if (f->type != AGENT_OPEN) {
		c->dead = true;
		return true;
	}
	if (!c->r->link) {
		client_fail(c, ENODEV,
			    "the guest has no agent: it was not started to run commands");
		return true;
	}
	if (!pass_on(c, f))
		return false;
	c->kind = CLIENT_COMMAND;
	return true;
}

/* Returns false when the frame has to wait. */
static bool client_frame(struct router_client *c, struct agent_frame *f)
{
	switch (c->kind) {
	case CLIENT_NEW:
		return first_frame(c, f);
	case CLIENT_COMMAND:
		if (f->type == AGENT_OPEN || from_host(f->type))
			return pass_on(c, f);
		c->dead = true;
		return true;
	case CLIENT_CONSOLE:
		return console_frame(c, f);
	case CLIENT_OVER:
		break;
	}
	return true;
}

static void client_read(struct router_client *c)
{
	struct agent_frame f;
	int ret;

	c->held = false;
	while (!c->dead && !c->eof) {
		ret = agent_reader_next(&c->in, agent_fd_get, &c->src.fd, &f);
		if (!ret)
			return;
		if (ret < 0) {
			/* Whoever is gone wants nothing more; there is no half of a session. */
			c->eof = true;
			c->dead = true;
			return;
		}
		if (!client_frame(c, &f)) {
			c->held = true;
			return;
		}
		agent_reader_done(&c->in);
	}
}

void client_service(struct router_client *c)
{
	u32 events;

	client_read(c);
	if (c->kind == CLIENT_CONSOLE)
		console_show(c);
	if (!c->dead && agent_queue_flush(&c->out, c->src.fd))
		c->dead = true;
	if (c->dead) {
		client_close(c);
		return;
	}
	/* Whoever waits for the guest's agent may give up: that is seen by EPOLLRDHUP. */
	events = (c->held ? EPOLLRDHUP : EPOLLIN) | (c->out.len ? EPOLLOUT : 0);
	if (events != c->events)
		ev_mod(c->r->loop, &c->src, events);
	c->events = events;
}

static void client_ready(struct ev_source *src, u32 events)
{
	struct router_client *c = container_of(src, struct router_client, src);

	if (c->held && events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		c->dead = true;
	client_service(c);
}

int router_add_client(struct agent_router *r, int fd)
{
	struct router_client *c = calloc(1, sizeof(*c));
	int ret = -ENOMEM;

	if (c) {
		c->r = r;
		c->src.fd = fd;
		c->src.fn = client_ready;
		c->events = EPOLLIN;
		c->out.max = CLIENT_OUT_MAX;
		c->credit[0] = AGENT_WINDOW;
		c->credit[1] = AGENT_WINDOW;
		ret = ev_add(r->loop, &c->src, c->events);
	}
	if (ret) {
		close(fd);
		free(c);
		return ret;
	}
	list_add_tail(&c->node, &r->clients);
	r->nr_clients++;
	return 0;
}
