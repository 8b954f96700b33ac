// SPDX-License-Identifier: GPL-2.0
/*
 * The router: the guest's side of it. Of a guest that breaks the protocol nothing more
 * is read; its sessions fail.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/kernel.h>
#include <vmtool/log.h>

#include "router.h"

#define FRAMES_AT_ONCE	64

static ssize_t link_get(void *priv, void *buf, size_t len)
{
	return port_link_recv(priv, buf, len);
}

static struct router_client *find(struct agent_router *r, u32 id)
{
	struct router_client *c;

	list_for_each_entry(c, &r->clients, node)
		if (c->id == id)
			return c;
	return NULL;
}

static void flush(struct agent_router *r)
{
	size_t n;

	while (r->out.len) {
		n = port_link_send(r->link, r->out.data + r->out.start, r->out.len);
		if (!n)
			break;
		agent_queue_drop(&r->out, n);
	}
}

int router_send(struct agent_router *r, const struct agent_frame *f)
{
	int ret = r->link ? agent_queue_put(&r->out, f) : -ENODEV;

	if (!ret)
		flush(r);
	return ret;
}

static void fail_all(struct agent_router *r, int err, const char *text)
{
	struct router_client *c, *next;

	list_for_each_entry_safe(c, next, &r->clients, node) {
		if (!c->id)
			continue;
		c->id = 0;
		client_fail(c, err, text);
		client_service(c);
	}
}

/* Frames that were under way are as gone as the agent. */
static void guest_left(struct agent_router *r)
{
	r->ready = false;
	agent_reader_done(r->in);
	agent_queue_free(&r->out);
	fail_all(r, ECONNRESET, "the guest was reset, or its agent has ended");
}

static void guest_hello(struct agent_router *r, const struct agent_frame *f)
{
	__le32 version = htole32(AGENT_VERSION);
	struct agent_frame answer = { .type = AGENT_HELLO };
	u32 theirs = agent_get32(f, 0);

	if (r->ready)
		return;
	if (theirs != AGENT_VERSION) {
		log_guest(&r->errors, "the guest's agent has version %u of the protocol, not %u",
			  theirs, AGENT_VERSION);
		return;
	}
	r->ready = true;
	answer.data = (u8 *)&version;
	answer.len = sizeof(version);
	router_send(r, &answer);
	if (r->ops->ready)
		r->ops->ready(r->priv);
	router_input(r);
}

static void guest_frame(struct agent_router *r, const struct agent_frame *f)
{
	char text[AGENT_TEXT_MAX];
	struct router_client *c;

	if (f->type == AGENT_HELLO) {
		guest_hello(r, f);
	} else if (f->type == AGENT_FATAL) {
		agent_get_text(text, sizeof(text), f->data, f->len);
		if (r->ops->fatal)
			r->ops->fatal(r->priv, text);
	} else {
		c = f->session ? find(r, f->session) : NULL;
		if (c)
			client_from_guest(c, f);
	}
}

static void port_ready(struct ev_source *src, u32 events)
{
	struct agent_router *r = container_of(src, struct agent_router, port);
	struct agent_frame f;
	int i, ret = 0;
	u64 count;

	if (read(src->fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		return;
	flush(r);
	for (i = 0; i < FRAMES_AT_ONCE; i++) {
		ret = agent_reader_next(r->in, link_get, r->link, &f);
		if (ret <= 0)
			break;
		guest_frame(r, &f);
		agent_reader_done(r->in);
	}
	if (ret == -ECONNRESET) {
		guest_left(r);
	} else if (ret == -EPROTO) {
		log_guest(&r->errors, "the guest's agent sends what is no frame");
		guest_left(r);
		ev_del(r->loop, src);
		return;
	}
	router_input(r);
	/* Others have their turn; then there is more. */
	if (ret > 0 || ret == -ECONNRESET) {
		count = 1;
		if (write(src->fd, &count, sizeof(count)) < 0)
			return;
	}
}

void router_input(struct agent_router *r)
{
	struct router_client *c, *next;

	list_for_each_entry_safe(c, next, &r->clients, node)
		if (c->held)
			client_service(c);
}

void router_poweroff(struct agent_router *r)
{
	struct agent_frame f = { .type = AGENT_POWEROFF };

	router_send(r, &f);
}

int router_init(struct agent_router *r, struct evloop *loop, struct port_link *link,
		const struct router_ops *ops, void *priv)
{
	int ret;

	memset(r, 0, sizeof(*r));
	INIT_LIST_HEAD(&r->clients);
	r->loop = loop;
	r->link = link;
	r->ops = ops;
	r->priv = priv;
	r->next_id = 1;
	r->listener.fd = -1;
	r->out.max = ROUTER_OUT_MAX;
	r->in = calloc(1, sizeof(*r->in));
	ret = r->in ? router_console_init(r) : -ENOMEM;
	if (!ret && link) {
		r->port.fd = link->host_fd;
		r->port.fn = port_ready;
		ret = ev_add(loop, &r->port, EPOLLIN);
		if (ret)
			router_console_destroy(r);
	}
	if (ret) {
		free(r->in);
		memset(r, 0, sizeof(*r));
	}
	return ret;
}

void router_destroy(struct agent_router *r)
{
	struct router_client *c, *next;

	if (!r->loop)
		return;
	router_unlisten(r);
	list_for_each_entry_safe(c, next, &r->clients, node)
		client_close(c);
	if (r->link)
		ev_del(r->loop, &r->port);
	router_console_destroy(r);
	agent_queue_free(&r->out);
	free(r->in);
	r->loop = NULL;
}
