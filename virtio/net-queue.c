// SPDX-License-Identifier: GPL-2.0
/*
 * Network device, its receive and transmit queues (virtio 1.2, 5.1.6): frames between
 * rings and the back end.
 *
 * A received frame stays with the back end until it was copied to buffers of the
 * driver. As long as there are none, nothing more is received.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <linux/kernel.h>

#include "net.h"

#define VLAN_TAG	4
#define RX_BUDGET	256		/* frames before others have a turn */

static struct net_pair *pair_of(struct virtqueue *vq)
{
	struct net *net = container_of(vq->vd, struct net, vd);

	return &net->pairs[vq->index / 2];
}

/* Any thread may have found out. */
static bool is_lost(const struct net *net)
{
	return __atomic_load_n(&net->lost, __ATOMIC_ACQUIRE);
}

/* --- to the driver ---------------------------------------------------------------- */

/* Makes the header of the frame at hand (5.1.6.4.1): its Ethernet part and length. */
static const u8 *rx_header(const struct net_pair *p, struct virtio_net_hdr_v1 *hdr, size_t *len)
{
	const struct net *net = p->net;
	const u8 *frame = p->frame;
	u16 one = htole16(1);

	*len = p->frame_len;
	memset(hdr, 0, sizeof(*hdr));
	if (net->nb->vnet_hdr) {
		memcpy(hdr, frame, sizeof(*hdr));
		frame += sizeof(*hdr);
		*len -= sizeof(*hdr);
	}
	if (!virtio_has(&net->vd, VIRTIO_NET_F_GUEST_CSUM))
		hdr->flags = 0;
	memcpy(&hdr->num_buffers, &one, sizeof(one));
	return frame;
}

static bool too_long(const struct net *net, const struct virtio_net_hdr_v1 *hdr, size_t len)
{
	if (!virtio_has(&net->vd, VIRTIO_NET_F_MTU) ||
	    (hdr->gso_type & ~VIRTIO_NET_HDR_GSO_ECN) != VIRTIO_NET_HDR_GSO_NONE)
		return false;
	return len > net->nb->mtu + NET_FRAME_MIN + VLAN_TAG;
}

/* Writes the packet, header and frame, from @pos on: bytes that found room. */
static size_t rx_fill(struct vq_chain *c, const struct virtio_net_hdr_v1 *hdr,
		      const u8 *frame, size_t len, size_t pos)
{
	size_t n = 0;

	if (pos < sizeof(*hdr))
		n = vq_write(c, (const u8 *)hdr + pos, sizeof(*hdr) - pos);
	pos += n;
	if (pos >= sizeof(*hdr))
		n += vq_write(c, frame + (pos - sizeof(*hdr)), len - (pos - sizeof(*hdr)));
	return n;
}

static void rx_unpop(struct net_pair *p, struct virtqueue *vq, unsigned int nr)
{
	while (nr)
		vq_unpop(vq, &p->rx_chains[--nr]);
}

static void rx_push(struct net_pair *p, struct virtqueue *vq, unsigned int nr)
{
	unsigned int i;
	u16 num = htole16(nr);

	vq_write_at(&p->rx_chains[0], offsetof(struct virtio_net_hdr_v1, num_buffers), &num,
		    sizeof(num));
	for (i = 0; i < nr; i++)
		vq_push(vq, &p->rx_chains[i]);
}

/*
 * 0 when the packet found buffers; -ENOSPC when there are not enough yet; -EMSGSIZE
 * when there will never be; -EIO when the ring is broken.
 */
static int rx_copy(struct net_pair *p, struct virtqueue *vq,
		   const struct virtio_net_hdr_v1 *hdr, const u8 *frame, size_t len)
{
	bool merge = virtio_has(vq->vd, VIRTIO_NET_F_MRG_RXBUF);
	unsigned int nr = 0, entries = 0;
	size_t pos = 0;
	int ret;

	while (pos < sizeof(*hdr) + len) {
		struct vq_chain *c = &p->rx_chains[nr];

		if (nr == (merge ? NET_RX_CHAINS : 1)) {
			rx_unpop(p, vq, nr);
			return -EMSGSIZE;
		}
		vq_chain_init(c, nr ? p->rx_iov : p->rx_head, NET_IOV);
		ret = vq_pop(vq, c);
		if (ret <= 0) {
			rx_unpop(p, vq, nr);
			return ret ? ret : entries == vq->size ? -EMSGSIZE : -ENOSPC;
		}
		nr++;
		entries += c->nr_desc;
		/* The header is in one piece, for the number of buffers. */
		if (nr > 1 || c->in_len >= sizeof(*hdr))
			pos += rx_fill(c, hdr, frame, len, pos);
		else
			merge = false;
	}
	rx_push(p, vq, nr);
	return 0;
}

/* The same, for the frame at hand; frames that the driver does not get are dropped. */
static int rx_deliver(struct net_pair *p, struct virtqueue *vq)
{
	struct virtio_net_hdr_v1 hdr;
	const u8 *frame;
	size_t len;
	int ret;

	frame = rx_header(p, &hdr, &len);
	if (too_long(p->net, &hdr, len))
		ret = -EMSGSIZE;
	else
		ret = net_wants(p->net, frame) ? rx_copy(p, vq, &hdr, frame, len) : 0;
	if (ret == -EMSGSIZE) {
		p->rx_dropped++;
		ret = 0;
	}
	return ret;
}

/* Receives one: 0; -EAGAIN when there is none; or as above. */
static int rx_one(struct net_pair *p, struct virtqueue *vq)
{
	struct net_backend *nb = p->net->nb;
	int ret;

	if (!p->frame) {
		ret = nb->ops->recv(nb, p->index, &p->frame);
		if (ret < 0) {
			p->frame = NULL;
			return ret;
		}
		p->frame_len = ret;
	}
	ret = rx_deliver(p, vq);
	if (!ret)
		p->frame = NULL;
	return ret;
}

static void rx_wait(struct net_pair *p, struct virtqueue *vq, bool wait)
{
	if (p->rx_waits == wait)
		return;
	p->rx_waits = wait;
	ev_mod(&virtio_thread(vq)->loop, &p->rx_src, wait ? 0 : EPOLLIN);
}

static void rx_serve(struct net_pair *p, struct virtqueue *vq)
{
	int i, ret = 0;

	for (i = 0; !ret && i < RX_BUDGET; i++)
		ret = rx_one(p, vq);
	vq_notify(vq);
	rx_wait(p, vq, ret == -ENOSPC);
	/* The back end may have frames that its descriptor does not tell of. */
	if (!ret)
		virtio_kick(vq->vd, vq->index);
	else if (ret == -ENOTCONN)
		net_lost(p->net);
	if (ret == -ENOTCONN || ret == -EIO)
		net_rx_stop(vq);
}

static void rx_ready(struct ev_source *src, u32 events)
{
	struct net_pair *p = container_of(src, struct net_pair, rx_src);
	struct virtqueue *vq = net_rx_vq(p);

	vq_turn(vq);
	/* It cannot be told to be silent about that. */
	if (p->rx_waits && (events & (EPOLLHUP | EPOLLERR)))
		net_lost(p->net);
	if (is_lost(p->net))
		net_rx_stop(vq);
	else if (!p->rx_waits)
		rx_serve(p, vq);
}

void net_rx(struct virtqueue *vq)
{
	struct net_pair *p = pair_of(vq);
	unsigned int active = __atomic_load_n(&p->net->active, __ATOMIC_ACQUIRE);

	if (!vq->running || p->index >= active || is_lost(p->net))
		return;
	if (!p->rx_src.armed) {
		p->rx_src.fd = p->net->nb->fd[p->index];
		p->rx_src.fn = rx_ready;
		p->rx_waits = false;
		if (ev_add(&virtio_thread(vq)->loop, &p->rx_src, EPOLLIN)) {
			virtio_needs_reset(vq->vd, "no memory to receive");
			return;
		}
	}
	rx_serve(p, vq);
}

void net_rx_stop(struct virtqueue *vq)
{
	struct net_pair *p = pair_of(vq);

	ev_del(&virtio_thread(vq)->loop, &p->rx_src);
	p->frame = NULL;
}

/* --- from the driver ---------------------------------------------------------------- */

/* Makes a chain a frame, with parts from @iov on; false when it is none. */
static bool tx_frame(const struct net *net, const struct vq_chain *c, struct iovec *iov,
		     struct net_frame *f)
{
	size_t skip = net->nb->vnet_hdr ? 0 : NET_HDR_LEN;
	size_t len = vq_out_left(c);

	if (len < NET_HDR_LEN + NET_FRAME_MIN || len > NET_HDR_LEN + NET_FRAME_MAX)
		return false;
	f->len = len - skip;
	f->iov = iov + 1;
	f->nr = vq_iov(c, false, skip, f->len, f->iov, NET_IOV);
	return true;
}

/*
 * Takes frames from the ring, as many as may be sent at once: their number. A chain
 * that is no frame ends them, and comes after them.
 */
static unsigned int tx_take(struct net_pair *p, struct virtqueue *vq, bool *bad)
{
	unsigned int nr, used = 0;

	*bad = false;
	for (nr = 0; nr < NET_TX_BATCH - 1 && used + NET_IOV + 1 <= NET_TX_IOV; nr++) {
		struct vq_chain *c = &p->tx_chains[nr];

		vq_chain_init(c, p->tx_iov, NET_IOV);
		if (vq_pop(vq, c) <= 0)
			break;
		*bad = !tx_frame(p->net, c, p->tx_pool + used, &p->tx_frames[nr]);
		if (*bad)
			break;
		used += p->tx_frames[nr].nr + 1;
	}
	return nr;
}

/* Of the frames taken those sent, and -EAGAIN when the next one has to wait. */
static int tx_send(struct net_pair *p, unsigned int nr, unsigned int *sent)
{
	struct net_backend *nb = p->net->nb;
	int ret = 0;

	*sent = 0;
	if (is_lost(p->net))
		ret = -ENOTCONN;
	while (!ret && (*sent < nr || nb->pending)) {
		ret = nb->ops->send(nb, p->index, p->tx_frames + *sent, nr - *sent);
		if (ret > 0) {
			*sent += ret;
			ret = 0;
		}
	}
	if (ret != -ENOTCONN)
		return ret;
	/* A cable that leads nowhere takes everything. */
	net_lost(p->net);
	p->tx_dropped += nr - *sent;
	*sent = nr;
	return 0;
}

static void tx_ready(struct ev_source *src, u32 events)
{
	struct net_pair *p = container_of(src, struct net_pair, tx_src);
	struct virtqueue *vq = net_tx_vq(p);

	vq_turn(vq);
	net_tx_stop(vq);
	net_tx(vq);
}

static void tx_wait(struct net_pair *p, struct virtqueue *vq)
{
	if (p->tx_src.fd < 0)
		p->tx_src.fd = fcntl(p->net->nb->fd[p->index], F_DUPFD_CLOEXEC, 0);
	p->tx_src.fn = tx_ready;
	if (p->tx_src.fd < 0 || ev_add(&virtio_thread(vq)->loop, &p->tx_src, EPOLLOUT))
		virtio_needs_reset(vq->vd, "no descriptor to wait with");
}

/* Chains dealt with; 0 when there are none, or they have to wait. */
static unsigned int tx_batch(struct net_pair *p, struct virtqueue *vq)
{
	unsigned int i, nr, sent;
	bool bad;
	int ret;

	nr = tx_take(p, vq, &bad);
	ret = tx_send(p, nr, &sent);
	for (i = 0; i < sent; i++)
		vq_push(vq, &p->tx_chains[i]);
	if (!ret) {
		p->tx_dropped += bad;
		if (bad)
			vq_push(vq, &p->tx_chains[nr]);
		return nr + bad;
	}
	for (i = nr + bad; i > sent; i--)
		vq_unpop(vq, &p->tx_chains[i - 1]);
	tx_wait(p, vq);
	return 0;
}

void net_tx(struct virtqueue *vq)
{
	struct net_pair *p = pair_of(vq);

	if (!vq->running || p->tx_src.armed)
		return;
	while (tx_batch(p, vq))
		;
	vq_notify(vq);
}

void net_tx_stop(struct virtqueue *vq)
{
	ev_del(&virtio_thread(vq)->loop, &pair_of(vq)->tx_src);
}
