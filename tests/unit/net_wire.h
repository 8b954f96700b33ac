/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TESTS_UNIT_NET_WIRE_H
#define TESTS_UNIT_NET_WIRE_H

/*
 * A back end for network cards of which the test holds the other end: a socket for
 * each queue, a packet of which is a frame. It does what it is told, and notes what
 * it was asked to do.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/kernel.h>
#include <vmtool/net_backend.h>

#include "virtio_driver.h"
#include "../../virtio/net.h"

#define WIRE_BUF	(NET_HDR_LEN + NET_FRAME_MAX)

/**
 * struct wire - the back end
 * @nb: its generic part
 * @far: the test's ends
 * @again: so many times there is no room to send
 * @partly: of several frames send only one
 * @gone: the peer is
 * @lost: how often that was told
 * @offloads: set last
 * @queues: set last
 * @refuse: -errno for set_offloads and set_queues
 * @destroyed: set at the end, where the test wants to know
 * @buf: a received frame for each queue
 */
struct wire {
	struct net_backend nb;
	int far[NET_MAX_QUEUES];
	int again;
	bool partly;
	bool gone;
	int lost;
	unsigned int offloads;
	unsigned int queues;
	int refuse;
	bool *destroyed;
	u8 buf[NET_MAX_QUEUES][WIRE_BUF];
};

static inline int wire_send(struct net_backend *nb, unsigned int q,
			    const struct net_frame *frames, unsigned int nr)
{
	struct wire *w = container_of(nb, struct wire, nb);
	unsigned int i;

	if (w->gone)
		return -ENOTCONN;
	if (w->again) {
		w->again--;
		return -EAGAIN;
	}
	for (i = 0; i < (w->partly ? 1 : nr); i++) {
		struct msghdr msg = { .msg_iov = frames[i].iov, .msg_iovlen = frames[i].nr };

		/* The room in front belongs to the back end. */
		frames[i].iov[-1] = (struct iovec){ NULL, ~0UL };
		if (sendmsg(nb->fd[q], &msg, MSG_DONTWAIT) != (ssize_t)frames[i].len)
			return i ? (int)i : -EAGAIN;
	}
	return i;
}

static inline int wire_recv(struct net_backend *nb, unsigned int q, const u8 **frame)
{
	struct wire *w = container_of(nb, struct wire, nb);
	ssize_t n;

	if (w->gone)
		return -ENOTCONN;
	n = recv(nb->fd[q], w->buf[q], WIRE_BUF, MSG_DONTWAIT);
	*frame = w->buf[q];
	if (!n || (n < 0 && errno == ECONNRESET))
		return -ENOTCONN;
	return n < 0 ? -EAGAIN : n;
}

static inline void wire_lost(struct net_backend *nb)
{
	container_of(nb, struct wire, nb)->lost++;
}

static inline int wire_set_offloads(struct net_backend *nb, unsigned int offloads)
{
	struct wire *w = container_of(nb, struct wire, nb);

	if (!w->refuse)
		w->offloads = offloads;
	return w->refuse;
}

static inline int wire_set_queues(struct net_backend *nb, unsigned int nr)
{
	struct wire *w = container_of(nb, struct wire, nb);

	if (!w->refuse)
		w->queues = nr;
	return w->refuse;
}

static inline void wire_destroy(struct net_backend *nb)
{
	struct wire *w = container_of(nb, struct wire, nb);
	unsigned int i;

	for (i = 0; i < nb->nr_queues; i++) {
		close(nb->fd[i]);
		if (w->far[i] >= 0)
			close(w->far[i]);
	}
	if (w->destroyed)
		*w->destroyed = true;
	free(w);
}

/* With offloads, as a tap interface has them; or without, as all others. */
static const struct net_backend_ops wire_tap_ops = {
	.send = wire_send,
	.recv = wire_recv,
	.lost = wire_lost,
	.set_offloads = wire_set_offloads,
	.set_queues = wire_set_queues,
	.destroy = wire_destroy,
};

static const struct net_backend_ops wire_plain_ops = {
	.send = wire_send,
	.recv = wire_recv,
	.lost = wire_lost,
	.destroy = wire_destroy,
};

static inline struct wire *wire_open(unsigned int nr, bool tap)
{
	struct wire *w = calloc(1, sizeof(*w));
	unsigned int i;
	int fds[2];

	if (!w)
		drv_die("out of memory");
	w->nb.ops = tap ? &wire_tap_ops : &wire_plain_ops;
	w->nb.nr_queues = nr;
	w->nb.vnet_hdr = tap;
	w->nb.threaded = tap;
	w->nb.mtu = 1500;
	w->queues = 1;
	for (i = 0; i < nr; i++) {
		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds))
			drv_die("socketpair: %s", strerror(errno));
		w->nb.fd[i] = fds[0];
		w->far[i] = fds[1];
	}
	return w;
}

/* The peer dies. */
static inline void wire_cut(struct wire *w)
{
	close(w->far[0]);
	w->far[0] = -1;
}

/* A card on such a wire, and its driver. */
struct card {
	struct drv d;
	struct net_conf conf;
	struct wire *w;
	u8 mac[6];
	bool tap;
};

static const u8 broadcast[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
static const u8 group[6] = { 0x01, 0x00, 0x5e, 0x01, 0x02, 0x03 };
static const u8 other[6] = { 0x02, 0x11, 0x22, 0x33, 0x44, 0x55 };

static inline int card_init(struct card *c, enum drv_transport t, unsigned int pairs, bool tap)
{
	c->w = wire_open(pairs, tap);
	c->tap = tap;
	return drv_init_dev(&c->d, t, net_create(&c->conf, "net0", &c->w->nb));
}

static inline int card_setup(struct card *c, u64 features)
{
	int ret = drv_setup(&c->d, features);
	unsigned int i;

	for (i = 0; i < 6; i++)
		c->mac[i] = drv_config_read8(&c->d, i);
	return ret;
}

static inline struct net *net_of(struct card *c)
{
	return container_of(c->d.vd, struct net, vd);
}

static inline void make_frame(u8 *frame, size_t len, const u8 *to, u8 seed)
{
	size_t i;

	for (i = 0; i < len; i++)
		frame[i] = i * 7 + seed;
	memcpy(frame, to, 6);
}

/* The world sends a frame; @hdr in front of it where that is the way. */
static inline void world_sends(struct card *c, unsigned int q, const void *hdr,
			       const void *frame, size_t len)
{
	static const u8 none[NET_HDR_LEN];
	struct iovec iov[2] = {
		{ (void *)(hdr ? hdr : none), c->tap ? NET_HDR_LEN : 0 },
		{ (void *)frame, len },
	};
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };

	if (sendmsg(c->w->far[q], &msg, MSG_DONTWAIT) < 0)
		drv_die("the world cannot send: %s", strerror(errno));
}

/* What the world gets, without header: its length; -1 for nothing. */
static inline ssize_t world_gets(struct card *c, unsigned int q, u8 *buf)
{
	ssize_t n = recv(c->w->far[q], buf, WIRE_BUF, MSG_DONTWAIT);

	if (c->tap && n >= NET_HDR_LEN) {
		n -= NET_HDR_LEN;
		memmove(buf, buf + NET_HDR_LEN, n);
	}
	return n;
}

/* The driver offers a buffer to receive into; the address comes back by drv_get(). */
static inline u64 offer(struct card *c, unsigned int q, size_t len)
{
	u64 addr = drv_alloc(&c->d, len);

	if (drv_add(&c->d, q, &DRV_IN(addr, len), 1, (void *)addr))
		drv_die("no room for a buffer");
	drv_kick(&c->d, q);
	return addr;
}

static inline u64 used_buffer(struct card *c, unsigned int q, u32 *len)
{
	void *addr = drv_get(&c->d, q, len);

	return (uintptr_t)addr;
}

/* One packet that the driver got: its frame's length, or -1. */
static inline int driver_gets(struct card *c, unsigned int q, struct virtio_net_hdr_v1 *hdr,
			      u8 *frame)
{
	static u8 packet[2 * WIRE_BUF];
	unsigned int left;
	size_t pos = 0;
	u32 len;
	u64 addr;

	addr = used_buffer(c, q, &len);
	if (!addr)
		return -1;
	drv_fetch(&c->d, addr, hdr, sizeof(*hdr));
	for (left = le16toh(hdr->num_buffers); left; ) {
		drv_fetch(&c->d, addr, packet + pos, len);
		pos += len;
		if (!--left)
			break;
		addr = used_buffer(c, q, &len);
		if (!addr)
			drv_die("%u buffers are missing", left);
	}
	memcpy(frame, packet + sizeof(*hdr), pos - sizeof(*hdr));
	return pos - sizeof(*hdr);
}

/* The driver sends header and frame, in one part or in two; no kick. */
static inline void driver_sends(struct card *c, unsigned int q, const void *hdr,
				const void *frame, size_t len, bool split)
{
	u64 addr = drv_alloc(&c->d, NET_HDR_LEN + len);
	struct drv_seg segs[] = {
		DRV_OUT(addr, NET_HDR_LEN), DRV_OUT(addr + NET_HDR_LEN, len),
	};
	struct drv_seg one = DRV_OUT(addr, NET_HDR_LEN + len);

	if (hdr)
		drv_put(&c->d, addr, hdr, NET_HDR_LEN);
	drv_put(&c->d, addr + NET_HDR_LEN, frame, len);
	if (drv_add(&c->d, q, split ? segs : &one, split ? 2 : 1, (void *)addr))
		drv_die("no room to send");
}

/* A command with its data: what it is answered, 255 for nothing. */
static inline u8 command(struct card *c, unsigned int q, u8 class, u8 cmd, const void *data,
			 size_t len)
{
	u8 head[2] = { class, cmd }, ack = 255;
	u64 addr = drv_alloc(&c->d, 2 + len), reply = drv_alloc(&c->d, 1);
	struct drv_seg segs[] = { DRV_OUT(addr, 2 + len), DRV_IN(reply, 1) };
	u32 used = 0;

	drv_put(&c->d, addr, head, 2);
	drv_put(&c->d, addr + 2, data, len);
	drv_put(&c->d, reply, &ack, 1);
	if (!drv_request(&c->d, q, segs, 2, &used) || used != 1)
		drv_die("no answer to command %u/%u", class, cmd);
	drv_fetch(&c->d, reply, &ack, 1);
	return ack;
}

static inline u16 link_status(struct card *c)
{
	return drv_config_read16(&c->d, offsetof(struct virtio_net_config, status));
}

#endif /* TESTS_UNIT_NET_WIRE_H */
