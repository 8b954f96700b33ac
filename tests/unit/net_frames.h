/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TESTS_UNIT_NET_FRAMES_H
#define TESTS_UNIT_NET_FRAMES_H

/*
 * A back end for networks, used as a card would.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <linux/types.h>
#include <vmtool/net_backend.h>

#define FRAMES_WAIT_MS	5000

/* Sends one frame in three parts: as &net_backend_ops.send. */
static inline int frames_send(struct net_backend *nb, unsigned int q, const void *frame,
			      size_t len)
{
	static u8 hdr[NET_HDR_LEN];
	size_t first = len > 6 ? 6 : len;
	struct iovec iov[4] = {
		{ }, { hdr, nb->vnet_hdr ? sizeof(hdr) : 0 }, { (void *)frame, first },
		{ (void *)frame + first, len - first },
	};
	struct net_frame f = { iov + 1, 3, len + iov[1].iov_len };

	return nb->ops->send(nb, q, &f, 1);
}

/* The next frame, without header, within @ms: its length, or -errno. */
static inline int frames_recv(struct net_backend *nb, unsigned int q, const u8 **frame, int ms)
{
	int ret;

	for (;;) {
		struct pollfd p = { nb->fd[q], POLLIN };

		ret = nb->ops->recv(nb, q, frame);
		if (ret != -EAGAIN || poll(&p, 1, ms) != 1)
			break;
	}
	if (ret > 0 && nb->vnet_hdr) {
		*frame += NET_HDR_LEN;
		ret -= NET_HDR_LEN;
	}
	return ret;
}

/* Is the next frame this one? */
static inline bool frames_get(struct net_backend *nb, const void *frame, size_t len)
{
	const u8 *got;
	int ret = frames_recv(nb, 0, &got, FRAMES_WAIT_MS);

	return ret == (int)len && !memcmp(frame, got, len);
}

/* Is there none, now? */
static inline bool frames_none(struct net_backend *nb)
{
	const u8 *got;

	return nb->ops->recv(nb, 0, &got) == -EAGAIN;
}

#endif /* TESTS_UNIT_NET_FRAMES_H */
