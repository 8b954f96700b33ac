// SPDX-License-Identifier: GPL-2.0
/*
 * Network device, its control queue (virtio 1.2, 5.1.6.5): which frames the driver
 * wants, its address, how many queues it uses, which offloads it takes.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <linux/if_tun.h>

#include <linux/bits.h>
#include <linux/kernel.h>

#include "net.h"

#define GUEST_OFFLOADS	(BIT_ULL(VIRTIO_NET_F_GUEST_CSUM) |				\
			 BIT_ULL(VIRTIO_NET_F_GUEST_TSO4) |				\
			 BIT_ULL(VIRTIO_NET_F_GUEST_TSO6) |				\
			 BIT_ULL(VIRTIO_NET_F_GUEST_ECN))

/* --- which frames ------------------------------------------------------------------ */

static bool listed(const u8 macs[][6], u32 nr, const u8 *mac)
{
	u32 i;

	/* More than could be kept: the driver sorts them out. */
	if (nr > NET_MACS)
		return true;
	for (i = 0; i < nr; i++)
		if (!memcmp(macs[i], mac, 6))
			return true;
	return false;
}

bool net_wants(struct net *net, const u8 *frame)
{
	struct net_filter *f = &net->filter;
	bool wanted;

	pthread_mutex_lock(&f->lock);
	if (f->all)
		wanted = true;
	else if (frame[0] & 1)
		wanted = f->all_multi || listed(f->multi, f->nr_multi, frame) ||
			 !memcmp(frame, "\xff\xff\xff\xff\xff\xff", 6);
	else
		wanted = !memcmp(frame, net->vd.config, 6) || listed(f->uni, f->nr_uni, frame);
	pthread_mutex_unlock(&f->lock);
	return wanted;
}

static int set_rx(struct net *net, u8 cmd, struct vq_chain *c)
{
	struct net_filter *f = &net->filter;
	u8 on;

	if (vq_read(c, &on, sizeof(on)) != sizeof(on) || cmd > VIRTIO_NET_CTRL_RX_ALLMULTI)
		return -EINVAL;
	pthread_mutex_lock(&f->lock);
	if (cmd == VIRTIO_NET_CTRL_RX_PROMISC)
		f->all = on;
	else
		f->all_multi = on;
	pthread_mutex_unlock(&f->lock);
	return 0;
}

/* Reads a table of addresses, of which not more than NET_MACS are kept. */
static int read_macs(struct vq_chain *c, u8 macs[][6], u32 *nr)
{
	u32 count, kept;

	if (vq_read(c, &count, sizeof(count)) != sizeof(count))
		return -EINVAL;
	count = le32toh(count);
	if (count > vq_out_left(c) / 6)
		return -EINVAL;
	kept = min_t(u32, count, NET_MACS);
	vq_read(c, macs, kept * 6);
	vq_read(c, NULL, (count - kept) * 6);
	*nr = count;
	return 0;
}

static int set_mac_table(struct net *net, struct vq_chain *c)
{
	struct net_filter *f = &net->filter;
	u8 uni[NET_MACS][6], multi[NET_MACS][6];
	u32 nr_uni, nr_multi;

	if (read_macs(c, uni, &nr_uni) || read_macs(c, multi, &nr_multi))
		return -EINVAL;
	pthread_mutex_lock(&f->lock);
	memcpy(f->uni, uni, sizeof(uni));
	memcpy(f->multi, multi, sizeof(multi));
	f->nr_uni = nr_uni;
	f->nr_multi = nr_multi;
	pthread_mutex_unlock(&f->lock);
	return 0;
}

static int set_mac(struct net *net, u8 cmd, struct vq_chain *c)
{
	u8 mac[6];

	if (cmd == VIRTIO_NET_CTRL_MAC_TABLE_SET)
		return set_mac_table(net, c);
	if (cmd != VIRTIO_NET_CTRL_MAC_ADDR_SET ||
	    !virtio_has(&net->vd, VIRTIO_NET_F_CTRL_MAC_ADDR) ||
	    vq_out_left(c) != sizeof(mac) || vq_read(c, mac, sizeof(mac)) != sizeof(mac))
		return -EINVAL;
	pthread_mutex_lock(&net->filter.lock);
	virtio_config_set_silent(&net->vd, offsetof(struct virtio_net_config, mac), mac,
				 sizeof(mac));
	pthread_mutex_unlock(&net->filter.lock);
	return 0;
}

/* --- queues -------------------------------------------------------------------------- */

/* On the control queue's thread, while none of the others waits for it. */
static int set_active(struct net *net, unsigned int nr)
{
	unsigned int i, old = net->active;
	int ret = 0;

	/* Nothing reads a queue of the interface that is not there any more. */
	__atomic_store_n(&net->active, min_t(unsigned int, nr, old), __ATOMIC_RELEASE);
	for (i = nr; i < old; i++)
		virtio_call(net_rx_vq(&net->pairs[i]), net_rx_stop);
	if (net->nb->ops->set_queues)
		ret = net->nb->ops->set_queues(net->nb, nr);
	if (ret) {
		nr = min_t(unsigned int, nr, old);
		net->nb->ops->set_queues(net->nb, nr);
	}
	__atomic_store_n(&net->active, nr, __ATOMIC_RELEASE);
	for (i = old; i < nr; i++)
		virtio_call(net_rx_vq(&net->pairs[i]), net_rx);
	return ret;
}

static int set_pairs(struct net *net, u8 cmd, struct vq_chain *c)
{
	u16 nr;

	if (cmd != VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET || !virtio_has(&net->vd, VIRTIO_NET_F_MQ) ||
	    vq_read(c, &nr, sizeof(nr)) != sizeof(nr))
		return -EINVAL;
	nr = le16toh(nr);
	if (!nr || nr > net->nr_pairs)
		return -EINVAL;
	return set_active(net, nr);
}

/* --- offloads ------------------------------------------------------------------------- */

int net_set_offloads(struct net *net, u64 features)
{
	static const struct {
		unsigned int feature;
		unsigned int tun;
	} map[] = {
		{ VIRTIO_NET_F_GUEST_CSUM, TUN_F_CSUM },
		{ VIRTIO_NET_F_GUEST_TSO4, TUN_F_TSO4 },
		{ VIRTIO_NET_F_GUEST_TSO6, TUN_F_TSO6 },
		{ VIRTIO_NET_F_GUEST_ECN, TUN_F_TSO_ECN },
	};
	unsigned int i, offloads = 0;

	if (!net->nb->ops->set_offloads)
		return 0;
	for (i = 0; i < ARRAY_SIZE(map); i++)
		if (features >> map[i].feature & 1)
			offloads |= map[i].tun;
	return net->nb->ops->set_offloads(net->nb, offloads);
}

static int set_guest_offloads(struct net *net, u8 cmd, struct vq_chain *c)
{
	u64 offloads;

	if (cmd != VIRTIO_NET_CTRL_GUEST_OFFLOADS_SET ||
	    !virtio_has(&net->vd, VIRTIO_NET_F_CTRL_GUEST_OFFLOADS) ||
	    vq_read(c, &offloads, sizeof(offloads)) != sizeof(offloads))
		return -EINVAL;
	offloads = le64toh(offloads);
	if (offloads & ~(net->vd.features & GUEST_OFFLOADS))
		return -EINVAL;
	return net_set_offloads(net, offloads);
}

/* --- commands ------------------------------------------------------------------------- */

static int command(struct net *net, struct vq_chain *c)
{
	struct virtio_net_ctrl_hdr hdr;

	if (vq_read(c, &hdr, sizeof(hdr)) != sizeof(hdr))
		return -EINVAL;
	switch (hdr.class) {
	case VIRTIO_NET_CTRL_RX:
		return virtio_has(&net->vd, VIRTIO_NET_F_CTRL_RX) ? set_rx(net, hdr.cmd, c) :
								    -EINVAL;
	case VIRTIO_NET_CTRL_MAC:
		return set_mac(net, hdr.cmd, c);
	case VIRTIO_NET_CTRL_MQ:
		return set_pairs(net, hdr.cmd, c);
	case VIRTIO_NET_CTRL_GUEST_OFFLOADS:
		return set_guest_offloads(net, hdr.cmd, c);
	default:
		return -EINVAL;
	}
}

void net_ctrl(struct net *net, struct virtqueue *vq)
{
	struct vq_chain c;

	vq_chain_init(&c, net->ctrl_iov, NET_IOV);
	while (vq_pop(vq, &c) == 1) {
		u8 ack = command(net, &c) ? VIRTIO_NET_ERR : VIRTIO_NET_OK;

		if (vq_write(&c, &ack, sizeof(ack)) != sizeof(ack))
			log_guest(&net->vd.guest_errors, "%s: a command without room for an answer",
				  net->vd.name);
		vq_push(vq, &c);
	}
	vq_notify(vq);
}

void net_ctrl_reset(struct net *net)
{
	struct net_filter *f = &net->filter;

	pthread_mutex_lock(&f->lock);
	/* A driver that never says what it wants gets everything. */
	f->all = true;
	f->all_multi = false;
	f->nr_uni = 0;
	f->nr_multi = 0;
	virtio_config_set_silent(&net->vd, offsetof(struct virtio_net_config, mac), net->mac,
				 sizeof(net->mac));
	pthread_mutex_unlock(&f->lock);
	if (net->nb->ops->set_queues && net->active != 1)
		net->nb->ops->set_queues(net->nb, 1);
	net->active = 1;
}
