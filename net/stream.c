// SPDX-License-Identifier: GPL-2.0
/*
 * Frames on a stream socket, each after its length in 32 bits, big-endian: how passt
 * (and QEMU's "-netdev stream") speak. The peer need not be honest: a frame that is
 * too short is left out, a length that is too large is the end.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/kernel.h>
#include <vmtool/log.h>

#include "net.h"

#define STREAM_BATCH	16		/* frames for one system call */
#define STREAM_TRIES	16		/* unusable frames in a row */

/* --- to the peer --------------------------------------------------------------- */

static int send_error(void)
{
	switch (errno) {
	case EPIPE:
	case ECONNRESET:
	case ENOTCONN:
		return -ENOTCONN;
	case EAGAIN:
		return -EAGAIN;
	default:
		return -errno;
	}
}

/* 0 when nothing is left of the frame that was sent in part. */
static int send_rest(struct net_stream *s)
{
	while (s->rest_start < s->rest_end) {
		ssize_t n = send(s->nb.fd[0], s->rest + s->rest_start,
				 s->rest_end - s->rest_start, MSG_DONTWAIT | MSG_NOSIGNAL);
		int ret;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			ret = send_error();
			/* To go on without it would be the end of the stream. */
			return ret == -ENOTCONN ? ret : -EAGAIN;
		}
		s->rest_start += n;
	}
	s->nb.pending = false;
	return 0;
}

/* Keeps what is left of a frame of which @sent bytes were sent. */
static void keep_rest(struct net_stream *s, const struct msghdr *msg, size_t sent)
{
	size_t i;

	s->nb.pending = true;
	s->rest_start = 0;
	s->rest_end = 0;
	for (i = 0; i < msg->msg_iovlen; i++) {
		const struct iovec *v = &msg->msg_iov[i];
		size_t skip = min_t(size_t, sent, v->iov_len);

		sent -= skip;
		memcpy(s->rest + s->rest_end, v->iov_base + skip, v->iov_len - skip);
		s->rest_end += v->iov_len - skip;
	}
}

/* Frames sent, one of them perhaps in part; or -errno. */
static int send_batch(struct net_stream *s, const struct net_frame *frames, unsigned int nr)
{
	struct mmsghdr msgs[STREAM_BATCH];
	u32 len[STREAM_BATCH];
	unsigned int i;
	size_t sent;
	int n;

	memset(msgs, 0, nr * sizeof(*msgs));
	for (i = 0; i < nr; i++) {
		const struct net_frame *f = &frames[i];

		len[i] = htonl(f->len);
		f->iov[-1] = (struct iovec){ &len[i], sizeof(len[i]) };
		msgs[i].msg_hdr.msg_iov = &f->iov[-1];
		msgs[i].msg_hdr.msg_iovlen = f->nr + 1;
	}
	do {
		n = sendmmsg(s->nb.fd[0], msgs, nr, MSG_DONTWAIT | MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return send_error();
	sent = msgs[n - 1].msg_len;
	if (sent < sizeof(u32) + frames[n - 1].len)
		keep_rest(s, &msgs[n - 1].msg_hdr, sent);
	return n;
}

int stream_send(struct net_backend *nb, unsigned int q, const struct net_frame *frames,
		unsigned int nr)
{
	struct net_stream *s = container_of(nb, struct net_stream, nb);
	int ret = send_rest(s);

	if (ret)
		return ret;
	if (s->why)
		return -ENOTCONN;
	if (!nr)
		return 0;
	ret = send_batch(s, frames, min_t(unsigned int, nr, STREAM_BATCH));
	if (ret > 0 || ret == -EAGAIN || ret == -ENOTCONN)
		return ret;
	/* No memory and the like: not even a part was sent, so this one is lost. */
	return 1;
}

/* --- from the peer ------------------------------------------------------------- */

/* Length of the next frame in the buffer; 0 when it is not there as a whole. */
static int next_frame(struct net_stream *s, const u8 **frame)
{
	size_t have = s->end - s->start;
	u32 len;

	if (have < sizeof(len))
		return 0;
	memcpy(&len, s->in + s->start, sizeof(len));
	len = ntohl(len);
	if (len > NET_FRAME_MAX) {
		s->why = "it sent a frame of impossible length";
		return -ENOTCONN;
	}
	if (have - sizeof(len) < len)
		return 0;
	*frame = s->in + s->start + sizeof(len);
	s->start += sizeof(len) + len;
	return len ? len : 1;
}

static int receive(struct net_stream *s)
{
	ssize_t n;

	memmove(s->in, s->in + s->start, s->end - s->start);
	s->end -= s->start;
	s->start = 0;
	do {
		n = recv(s->nb.fd[0], s->in + s->end, sizeof(s->in) - s->end, MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	if (n < 0 && (errno == ECONNRESET || errno == ENOTCONN))
		return -ENOTCONN;
	if (n < 0)
		return -EAGAIN;
	s->end += n;
	return n ? 0 : -ENOTCONN;
}

int stream_recv(struct net_backend *nb, unsigned int q, const u8 **frame)
{
	struct net_stream *s = container_of(nb, struct net_stream, nb);
	int i, ret = 0;

	if (s->why)
		return -ENOTCONN;
	for (i = 0; i < STREAM_TRIES && !ret; ) {
		ret = next_frame(s, frame);
		if (!ret) {
			ret = receive(s);
			i++;
		} else if (ret > 0 && ret < NET_FRAME_MIN) {
			ret = 0;
		}
	}
	return ret ? ret : -EAGAIN;
}

/* --- life ------------------------------------------------------------------------ */

void stream_init(struct net_stream *s, int fd, const char *name)
{
	int size = 1024 * 1024;

	snprintf(s->nb.name, sizeof(s->nb.name), "%s", name);
	s->nb.nr_queues = 1;
	s->nb.fd[0] = fd;
	/* As much as an unprivileged user gets; with less it is only slower. */
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
}

static void stream_lost(struct net_backend *nb)
{
	const struct net_stream *s = container_of(nb, struct net_stream, nb);

	log_warn("%s: the peer is gone: %s: the guest is off the network", nb->name,
		 s->why ?: "it closed the connection");
}

static void stream_destroy(struct net_backend *nb)
{
	close(nb->fd[0]);
	free(container_of(nb, struct net_stream, nb));
}

static const struct net_backend_ops stream_ops = {
	.send = stream_send,
	.recv = stream_recv,
	.lost = stream_lost,
	.destroy = stream_destroy,
};

int net_stream_open(struct net_backend **nb, int fd, const char *name)
{
	struct net_stream *s = calloc(1, sizeof(*s));

	if (!s) {
		close(fd);
		return -ENOMEM;
	}
	stream_init(s, fd, name);
	s->nb.ops = &stream_ops;
	*nb = &s->nb;
	return 0;
}
