// SPDX-License-Identifier: GPL-2.0
/*
 * A session: frames to and from the router.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/kernel.h>
#include <vmtool/log.h>
#include <vmtool/tty.h>

#include "client.h"

#define FRAMES_AT_ONCE	32

bool client_pending(const struct agent_client *c)
{
	return c->output[0].head != c->output[0].tail ||
	       c->output[1].head != c->output[1].tail;
}

static void session_over(struct agent_client *c, u32 err)
{
	if (c->over)
		return;
	if (err)
		c->result = (struct agent_result){ .how = AGENT_FAILED, .value = err };
	c->over = true;
	agent_queue_free(&c->out);
	client_input_end(c);
}

void client_put(struct agent_client *c, u8 type, u8 stream, const void *data, size_t len)
{
	if (c->over)
		return;
	if (agent_queue_add(&c->out, type, stream, data, len))
		session_over(c, ENOMEM);
}

static void take_frame(struct agent_client *c, const struct agent_frame *f)
{
	switch (f->type) {
	case AGENT_DATA:
		if (client_output(c, f))
			session_over(c, EPROTO);
		break;
	case AGENT_WINDOW_MORE:
		c->credit += min_t(u32, agent_get32(f, 0), AGENT_WINDOW - c->credit);
		break;
	case AGENT_CLOSE:
		/* The command reads no more: nor do we. */
		client_input_end(c);
		break;
	case AGENT_EXIT:
		agent_get_result(&c->result, f);
		session_over(c, 0);
		break;
	}
}

static void socket_ready(struct ev_source *src, u32 events)
{
	struct agent_client *c = container_of(src, struct agent_client, src);
	struct agent_frame f;
	int i, ret = 0;

	for (i = 0; i < FRAMES_AT_ONCE && !c->over; i++) {
		ret = agent_reader_next(c->in, agent_fd_get, &src->fd, &f);
		if (ret <= 0)
			break;
		take_frame(c, &f);
		agent_reader_done(c->in);
	}
	if (ret < 0)
		session_over(c, ret == -EPROTO ? EPROTO : ECONNRESET);
	client_update(c);
}

void client_update(struct agent_client *c)
{
	u32 events;
	int ret;

	if (!c->over) {
		client_input_service(c);
		ret = agent_queue_flush(&c->out, c->src.fd);
		/* What it has said before it went is still to be read: EXIT, it may be. */
		if (ret)
			agent_queue_free(&c->out);
		/* A file is read as fast as it is sent. */
		if (c->in_file && !c->out.len && !c->over)
			client_input_service(c);
	}
	if (c->over) {
		ev_del(c->loop, &c->src);
		if (!client_pending(c) && !c->told) {
			c->told = true;
			c->ops->done(c->priv, &c->result);
		}
		return;
	}
	events = EPOLLIN | (c->out.len ? EPOLLOUT : 0);
	if (events != c->events)
		ev_mod(c->loop, &c->src, events);
	c->events = events;
}

static bool get_size(unsigned short *rows, unsigned short *cols)
{
	struct winsize ws;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) < 0 && ioctl(STDIN_FILENO, TIOCGWINSZ, &ws) < 0)
		return false;
	*rows = ws.ws_row;
	*cols = ws.ws_col;
	return true;
}

void client_wants_tty(struct agent_spec *spec)
{
	spec->tty = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
	spec->stderr_apart = spec->tty && !isatty(STDERR_FILENO);
	if (spec->tty)
		get_size(&spec->rows, &spec->cols);
}

void client_resized(struct agent_client *c)
{
	unsigned short rows, cols;
	__le16 size[2];

	if (!c->tty || c->over || !get_size(&rows, &cols))
		return;
	size[0] = htole16(rows);
	size[1] = htole16(cols);
	client_put(c, AGENT_WINSIZE, 0, size, sizeof(size));
	client_update(c);
}

void client_signal(struct agent_client *c, int sig)
{
	__le32 n = htole32(sig);

	if (c->over)
		return;
	client_put(c, AGENT_SIGNAL, 0, &n, sizeof(n));
	client_update(c);
}

void client_resume(struct agent_client *c)
{
	if (!c->tty || c->over)
		return;
	if (tty_raw(true)) {
		tty_forget();
		return;
	}
	client_resized(c);
}

static int open_streams(struct agent_client *c)
{
	int i, ret = 0;

	for (i = 1; i <= 2 && !ret; i++)
		ret = client_output_open(c, i);
	ret = ret ?: ev_add(c->loop, &c->src, EPOLLIN);
	return ret ?: client_input_open(c);
}

int client_start(struct agent_client *c, struct evloop *loop, int fd,
		 const struct agent_spec *spec, const struct client_ops *ops, void *priv)
{
	int ret;

	memset(c, 0, sizeof(*c));
	c->loop = loop;
	c->ops = ops;
	c->priv = priv;
	c->src.fd = fd;
	c->src.fn = socket_ready;
	c->events = EPOLLIN;
	c->out.max = CLIENT_QUEUE_MAX;
	c->console = !spec;
	c->tty = spec ? spec->tty : isatty(STDIN_FILENO);
	c->escape_key = spec ? CLIENT_ESCAPE : CONSOLE_ESCAPE;
	c->in = calloc(1, sizeof(*c->in));
	ret = c->in ? 0 : -ENOMEM;
	if (!ret)
		ret = spec ? agent_put_open(&c->out, spec) :
		      agent_queue_add(&c->out, AGENT_CONSOLE, 0, NULL, 0);
	if (ret == -E2BIG)
		log_err("the command and its environment are too long: %d bytes is the limit",
			AGENT_OPEN_MAX);
	ret = ret ?: open_streams(c);
	if (ret && ret != -E2BIG)
		log_err("cannot begin the session: %s", strerror(-ret));
	if (!ret)
		client_update(c);
	return ret;
}

void client_end(struct agent_client *c)
{
	int i;

	if (!c->loop)
		return;
	client_input_end(c);
	for (i = 0; i < 2; i++)
		client_output_close(&c->output[i]);
	ev_del(c->loop, &c->src);
	close(c->src.fd);
	agent_queue_free(&c->out);
	free(c->in);
	if (c->tty)
		tty_restore();
	c->loop = NULL;
}
