// SPDX-License-Identifier: GPL-2.0
/*
 * Frames as bytes.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/kernel.h>
#include <vmtool/agent.h>

static int parse_head(const struct agent_reader *r, struct agent_frame *f)
{
	struct agent_head head;

	memcpy(&head, r->buf, sizeof(head));
	f->session = le32toh(head.session);
	f->type = head.type;
	f->stream = head.stream;
	f->len = le32toh(head.len);
	f->data = r->buf + sizeof(head);
	if (f->len > AGENT_PAYLOAD_MAX || f->stream > 2 || head.zero || !f->type ||
	    f->type > AGENT_BREAK)
		return -EPROTO;
	return 0;
}

int agent_reader_next(struct agent_reader *r, ssize_t (*get)(void *priv, void *buf, size_t len),
		      void *priv, struct agent_frame *f)
{
	for (;;) {
		size_t want = sizeof(struct agent_head);
		ssize_t n;

		if (r->len >= want) {
			if (parse_head(r, f))
				return -EPROTO;
			want += f->len;
			if (r->len == want)
				return 1;
		}
		n = get(priv, r->buf + r->len, want - r->len);
		if (n == -EAGAIN)
			return 0;
		if (n <= 0)
			return n ?: -EPIPE;
		r->len += n;
	}
}

ssize_t agent_fd_get(void *priv, void *buf, size_t len)
{
	const int *fd = priv;
	ssize_t n;

	do {
		n = recv(*fd, buf, len, MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

static int queue_room(struct agent_queue *q, size_t n)
{
	size_t size = q->size ?: 4096;
	u8 *data;

	if (q->len + n > q->max)
		return -ENOBUFS;
	if (q->start && q->start + q->len + n > q->size) {
		memmove(q->data, q->data + q->start, q->len);
		q->start = 0;
	}
	if (q->len + n <= q->size)
		return 0;
	while (size < q->len + n)
		size *= 2;
	data = realloc(q->data, size);
	if (!data)
		return -ENOMEM;
	q->data = data;
	q->size = size;
	return 0;
}

int agent_queue_put(struct agent_queue *q, const struct agent_frame *f)
{
	struct agent_head head = {
		.session = htole32(f->session),
		.type = f->type,
		.stream = f->stream,
		.len = htole32(f->len),
	};
	u8 *at;
	int ret = queue_room(q, sizeof(head) + f->len);

	if (ret)
		return ret;
	at = q->data + q->start + q->len;
	memcpy(at, &head, sizeof(head));
	if (f->len)
		memcpy(at + sizeof(head), f->data, f->len);
	q->len += sizeof(head) + f->len;
	return 0;
}

int agent_queue_add(struct agent_queue *q, u8 type, u8 stream, const void *data, size_t len)
{
	struct agent_frame f = { .type = type, .stream = stream, .data = data, .len = len };

	return agent_queue_put(q, &f);
}

void agent_queue_drop(struct agent_queue *q, size_t n)
{
	q->start += n;
	q->len -= n;
	if (!q->len)
		q->start = 0;
}

void agent_queue_free(struct agent_queue *q)
{
	free(q->data);
	q->data = NULL;
	q->start = 0;
	q->len = 0;
	q->size = 0;
}

int agent_queue_flush(struct agent_queue *q, int fd)
{
	while (q->len) {
		ssize_t n = send(fd, q->data + q->start, q->len, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : -errno;
		agent_queue_drop(q, n);
	}
	return 0;
}

u32 agent_get32(const struct agent_frame *f, unsigned int index)
{
	__le32 n;

	if (f->len < (index + 1) * sizeof(n))
		return 0;
	memcpy(&n, f->data + index * sizeof(n), sizeof(n));
	return le32toh(n);
}
