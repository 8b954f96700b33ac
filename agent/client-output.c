// SPDX-License-Identifier: GPL-2.0
/*
 * A session's stdout and stderr: bytes wait in a buffer for whoever reads them, and the
 * command gets credit for what was written.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/kernel.h>
#include <vmtool/log.h>

#include "client.h"

#define CREDIT_MIN	(AGENT_WINDOW / 4)

static int stream_of(const struct client_output *o)
{
	return 1 + (o - o->c->output);
}

static void give_credit(struct client_output *o)
{
	__le32 n = htole32(o->taken);

	if (o->taken < CREDIT_MIN && o->head != o->tail)
		return;
	if (!o->taken || o->c->over)
		return;
	client_put(o->c, AGENT_WINDOW_MORE, stream_of(o), &n, sizeof(n));
	o->taken = 0;
}

/* A reader that has had enough is the command's business; a full disk is ours. */
static void output_lost(struct client_output *o, int err)
{
	if (err != EPIPE && err != ECONNRESET) {
		log_err("cannot write to std%s: %s", stream_of(o) == 1 ? "out" : "err",
			strerror(err));
		o->c->failed = true;
	}
	o->closed = true;
	o->taken += o->head - o->tail;
	o->tail = o->head;
	ev_del(o->c->loop, &o->src);
	if (!o->c->over)
		client_put(o->c, AGENT_CLOSE, stream_of(o), NULL, 0);
}

static ssize_t write_some(struct client_output *o, const u8 *buf, size_t len)
{
	ssize_t n;

	do {
		n = o->is_socket ? send(o->src.fd, buf, len, MSG_DONTWAIT | MSG_NOSIGNAL) :
				   write(o->src.fd, buf, len);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

static void drain(struct client_output *o)
{
	while (o->head != o->tail) {
		u32 at = o->tail % AGENT_WINDOW;
		size_t len = min_t(size_t, o->head - o->tail, AGENT_WINDOW - at);
		ssize_t n = write_some(o, o->buf + at, len);

		if (n == -EAGAIN) {
			if (!o->src.armed)
				ev_add(o->c->loop, &o->src, EPOLLOUT);
			return;
		}
		if (n < 0) {
			output_lost(o, -n);
			return;
		}
		o->tail += n;
		o->taken += n;
	}
	ev_del(o->c->loop, &o->src);
}

static void output_ready(struct ev_source *src, u32 events)
{
	struct client_output *o = container_of(src, struct client_output, src);

	drain(o);
	give_credit(o);
	client_update(o->c);
}

/* A file description of our own: that of others is not made non-blocking. */
static void open_target(struct client_output *o, int fd)
{
	char path[32];
	struct stat st;

	o->src.fd = fd;
	o->src.fn = output_ready;
	if (fstat(fd, &st) < 0)
		return;
	o->is_socket = S_ISSOCK(st.st_mode);
	if (!S_ISFIFO(st.st_mode) && !S_ISCHR(st.st_mode))
		return;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	fd = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return;
	o->src.fd = fd;
	o->own = true;
}

int client_output_open(struct agent_client *c, int stream)
{
	struct client_output *o = &c->output[stream - 1];

	o->c = c;
	o->buf = malloc(AGENT_WINDOW);
	if (!o->buf)
		return -ENOMEM;
	open_target(o, stream);
	return 0;
}

int client_output(struct agent_client *c, const struct agent_frame *f)
{
	struct client_output *o;
	u32 i;

	if (!f->stream)
		return -EPROTO;
	o = &c->output[f->stream - 1];
	if (f->len > AGENT_WINDOW - (o->head - o->tail))
		return -EPROTO;
	if (o->closed) {
		o->taken += f->len;
	} else {
		for (i = 0; i < f->len; i++)
			o->buf[o->head++ % AGENT_WINDOW] = f->data[i];
		drain(o);
	}
	give_credit(o);
	return 0;
}

void client_output_close(struct client_output *o)
{
	if (!o->c)
		return;
	ev_del(o->c->loop, &o->src);
	if (o->own)
		close(o->src.fd);
	free(o->buf);
	o->c = NULL;
}
