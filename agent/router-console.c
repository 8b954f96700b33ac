// SPDX-License-Identifier: GPL-2.0
/*
 * The router: clients of the guest's console. What it prints is kept for who comes
 * later, and sent at the speed of each client; a client too slow for it misses some.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <linux/kernel.h>
#include <vmtool/io.h>

#include "router.h"

#define RETRY_MS	20

static void show_all(struct agent_router *r)
{
	struct router_client *c, *next;

	list_for_each_entry_safe(c, next, &r->clients, node)
		if (c->kind == CLIENT_CONSOLE)
			client_service(c);
}

static void tap_ready(struct ev_source *src, u32 events)
{
	struct agent_router *r = container_of(src, struct agent_router, tap);
	u64 count;

	if (read(src->fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		return;
	show_all(r);
}

static void retry_due(struct ev_timer *timer)
{
	router_input(container_of(timer, struct agent_router, retry));
}

int router_console_init(struct agent_router *r)
{
	int ret;

	pthread_mutex_init(&r->lock, NULL);
	r->retry.fn = retry_due;
	r->tap.fn = tap_ready;
	r->tap.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ret = r->tap.fd < 0 ? -errno : ev_add(r->loop, &r->tap, EPOLLIN);
	r->history = malloc(ROUTER_HISTORY);
	if (!ret && !r->history)
		ret = -ENOMEM;
	if (ret)
		router_console_destroy(r);
	return ret;
}

void router_console_destroy(struct agent_router *r)
{
	ev_timer_destroy(&r->retry);
	ev_del(r->loop, &r->tap);
	if (r->tap.fd >= 0)
		close(r->tap.fd);
	r->tap.fd = -1;
	free(r->history);
	r->history = NULL;
	pthread_mutex_destroy(&r->lock);
}

void router_console(struct agent_router *r, const void *buf, size_t len)
{
	const u8 *p = buf;
	size_t i;

	pthread_mutex_lock(&r->lock);
	for (i = 0; i < len; i++)
		r->history[r->printed++ % ROUTER_HISTORY] = p[i];
	pthread_mutex_unlock(&r->lock);
	if (__atomic_load_n(&r->watchers, __ATOMIC_SEQ_CST))
		io_wake(r->tap.fd);
}

void console_client(struct router_client *c)
{
	struct agent_router *r = c->r;

	c->kind = CLIENT_CONSOLE;
	__atomic_fetch_add(&r->watchers, 1, __ATOMIC_SEQ_CST);
	pthread_mutex_lock(&r->lock);
	c->seen = r->printed > ROUTER_HISTORY ? r->printed - ROUTER_HISTORY : 0;
	pthread_mutex_unlock(&r->lock);
}

static bool type(struct router_client *c, struct agent_frame *f)
{
	const struct router_ops *ops = c->r->ops;
	size_t n = ops->type ? ops->type(c->r->priv, f->data, f->len) : f->len;
	__le32 more = htole32(n);

	if (n && agent_queue_add(&c->out, AGENT_WINDOW_MORE, 0, &more, sizeof(more)))
		c->dead = true;
	if (n == f->len)
		return true;
	/* What was taken is not typed again. */
	memmove(c->in.buf + sizeof(struct agent_head),
		c->in.buf + sizeof(struct agent_head) + n, f->len - n);
	f->len -= n;
	((struct agent_head *)c->in.buf)->len = htole32(f->len);
	c->in.len -= n;
	ev_timer_set(c->r->loop, &c->r->retry, RETRY_MS);
	return false;
}

bool console_frame(struct router_client *c, struct agent_frame *f)
{
	u32 n = agent_get32(f, 0);

	switch (f->type) {
	case AGENT_DATA:
		return type(c, f);
	case AGENT_WINDOW_MORE:
		if (f->stream == 1 && n <= AGENT_WINDOW - c->credit[0])
			c->credit[0] += n;
		return true;
	case AGENT_BREAK:
		if (c->r->ops->send_break)
			c->r->ops->send_break(c->r->priv);
		return true;
	case AGENT_EOF:
	case AGENT_WINSIZE:
	case AGENT_SIGNAL:
		return true;
	}
	c->dead = true;
	return true;
}

/* A piece of the history that lies in one part; false when there is none. */
static bool show_some(struct router_client *c)
{
	struct agent_router *r = c->r;
	u8 buf[AGENT_PAYLOAD_MAX];
	size_t at, n;

	pthread_mutex_lock(&r->lock);
	if (r->printed - c->seen > ROUTER_HISTORY)
		c->seen = r->printed - ROUTER_HISTORY;
	at = c->seen % ROUTER_HISTORY;
	n = min_t(u64, r->printed - c->seen, sizeof(buf));
	n = min_t(size_t, n, ROUTER_HISTORY - at);
	n = min_t(size_t, n, c->credit[0]);
	memcpy(buf, r->history + at, n);
	pthread_mutex_unlock(&r->lock);
	if (!n)
		return false;
	if (agent_queue_add(&c->out, AGENT_DATA, 1, buf, n))
		return false;
	c->seen += n;
	c->credit[0] -= n;
	return true;
}

void console_show(struct router_client *c)
{
	while (!c->dead && show_some(c))
		;
}
