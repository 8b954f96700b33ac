// SPDX-License-Identifier: GPL-2.0
/*
 * Network device (virtio 1.2, 5.1): the card, its features and its life. Frames are
 * in net-queue.c, the control queue in net-ctrl.c, what users say of it in
 * net-class.c, and what is behind the card in net/.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/bits.h>
#include <linux/kernel.h>
#include <vmtool/vm.h>

#include "net.h"

#define NET_CONFIG_SIZE	offsetof(struct virtio_net_config, speed)

/* What needs another feature, and which (5.1.3.1). */
static const struct {
	u64 feature;
	u64 needs;		/* one of these */
} dependences[] = {
	{ BIT_ULL(VIRTIO_NET_F_GUEST_TSO4), BIT_ULL(VIRTIO_NET_F_GUEST_CSUM) },
	{ BIT_ULL(VIRTIO_NET_F_GUEST_TSO6), BIT_ULL(VIRTIO_NET_F_GUEST_CSUM) },
	{ BIT_ULL(VIRTIO_NET_F_GUEST_ECN),
	  BIT_ULL(VIRTIO_NET_F_GUEST_TSO4) | BIT_ULL(VIRTIO_NET_F_GUEST_TSO6) },
	{ BIT_ULL(VIRTIO_NET_F_HOST_TSO4), BIT_ULL(VIRTIO_NET_F_CSUM) },
	{ BIT_ULL(VIRTIO_NET_F_HOST_TSO6), BIT_ULL(VIRTIO_NET_F_CSUM) },
	{ BIT_ULL(VIRTIO_NET_F_HOST_ECN),
	  BIT_ULL(VIRTIO_NET_F_HOST_TSO4) | BIT_ULL(VIRTIO_NET_F_HOST_TSO6) },
	{ BIT_ULL(VIRTIO_NET_F_CTRL_RX), BIT_ULL(VIRTIO_NET_F_CTRL_VQ) },
	{ BIT_ULL(VIRTIO_NET_F_CTRL_MAC_ADDR), BIT_ULL(VIRTIO_NET_F_CTRL_VQ) },
	{ BIT_ULL(VIRTIO_NET_F_MQ), BIT_ULL(VIRTIO_NET_F_CTRL_VQ) },
};

/* --- the link --------------------------------------------------------------------- */

static void set_status(struct net *net, u16 status)
{
	status = htole16(status);
	virtio_config_set(&net->vd, offsetof(struct virtio_net_config, status), &status,
			  sizeof(status));
}

void net_lost(struct net *net)
{
	if (__atomic_exchange_n(&net->lost, true, __ATOMIC_ACQ_REL))
		return;
	if (net->nb->ops->lost)
		net->nb->ops->lost(net->nb);
	set_status(net, 0);
}

/* --- life -------------------------------------------------------------------------- */

/* Stable for a guest of that name, and marked as locally administered. */
static void make_mac(struct net *net, const char *guest)
{
	static const u8 zero[6];
	const char *parts[] = { guest, "/", net->vd.name };
	u64 hash = 0xcbf29ce484222325ULL;
	unsigned int i;
	const char *s;

	memcpy(net->mac, net->conf->mac, sizeof(net->mac));
	if (memcmp(net->mac, zero, sizeof(zero)))
		return;
	for (i = 0; i < ARRAY_SIZE(parts); i++)
		for (s = parts[i]; *s; s++)
			hash = (hash ^ (u8)*s) * 0x100000001b3ULL;
	/* The last characters have not reached all bits yet. */
	hash = (hash ^ hash >> 32) * 0x9e3779b97f4a7c15ULL;
	net->mac[0] = 0x52;
	for (i = 1; i < 6; i++)
		net->mac[i] = hash >> 8 * (i + 2);
}

static void offer(struct net *net)
{
	u64 bits = BIT_ULL(VIRTIO_NET_F_MAC) | BIT_ULL(VIRTIO_NET_F_STATUS) |
		   BIT_ULL(VIRTIO_NET_F_MRG_RXBUF) | BIT_ULL(VIRTIO_NET_F_CTRL_VQ) |
		   BIT_ULL(VIRTIO_NET_F_CTRL_RX) | BIT_ULL(VIRTIO_NET_F_CTRL_MAC_ADDR);

	if (net->nb->mtu)
		bits |= BIT_ULL(VIRTIO_NET_F_MTU);
	if (net->nb->ops->set_offloads)
		bits |= BIT_ULL(VIRTIO_NET_F_CSUM) | BIT_ULL(VIRTIO_NET_F_GUEST_CSUM) |
			BIT_ULL(VIRTIO_NET_F_HOST_TSO4) | BIT_ULL(VIRTIO_NET_F_HOST_TSO6) |
			BIT_ULL(VIRTIO_NET_F_HOST_ECN) | BIT_ULL(VIRTIO_NET_F_GUEST_TSO4) |
			BIT_ULL(VIRTIO_NET_F_GUEST_TSO6) | BIT_ULL(VIRTIO_NET_F_GUEST_ECN) |
			BIT_ULL(VIRTIO_NET_F_CTRL_GUEST_OFFLOADS);
	if (net->nr_pairs > 1)
		bits |= BIT_ULL(VIRTIO_NET_F_MQ);
	net->vd.offered |= bits;
}

static void set_config16(struct net *net, u32 off, u16 val)
{
	val = htole16(val);
	virtio_config_set_silent(&net->vd, off, &val, sizeof(val));
}

static void set_config(struct net *net)
{
	net->vd.config_size = NET_CONFIG_SIZE;
	virtio_config_set_silent(&net->vd, offsetof(struct virtio_net_config, mac), net->mac,
				 sizeof(net->mac));
	set_config16(net, offsetof(struct virtio_net_config, status), VIRTIO_NET_S_LINK_UP);
	set_config16(net, offsetof(struct virtio_net_config, max_virtqueue_pairs), net->nr_pairs);
	set_config16(net, offsetof(struct virtio_net_config, mtu), net->nb->mtu);
}

static int init_pairs(struct net *net)
{
	unsigned int i;

	net->nr_pairs = net->nb->nr_queues;
	net->pairs = calloc(net->nr_pairs, sizeof(*net->pairs));
	if (!net->pairs)
		return -ENOMEM;
	for (i = 0; i < net->nr_pairs; i++) {
		net->pairs[i].net = net;
		net->pairs[i].index = i;
		net->pairs[i].tx_src.fd = -1;
	}
	net->active = 1;
	return 0;
}

static int open_queues(struct net *net)
{
	bool vhost = net_vhost_wanted(net);
	unsigned int threads = net->nb->threaded && !vhost ? 2 * net->nr_pairs : 1;
	int ret;

	ret = virtio_set_queues(&net->vd, 2 * net->nr_pairs + 1, NET_QUEUE, threads);
	if (!ret && vhost)
		ret = net_vhost_open(net);
	return ret;
}

static int net_realize(struct virtio_dev *vd, struct vm *vm)
{
	struct net *net = container_of(vd, struct net, vd);
	int ret = 0;

	/* Nothing is started, so what the network could do stays unknown. */
	if (vm->cfg->dry_run && !net->nb)
		return virtio_set_queues(vd, 2 * (net->conf->opt.mq ?: 1) + 1, NET_QUEUE, 1);
	if (!net->nb)
		ret = net_open_backend(net->conf, &net->nb, vd->name);
	ret = ret ?: init_pairs(net);
	if (ret)
		return ret;
	make_mac(net, vm->cfg->name);
	offer(net);
	set_config(net);
	return open_queues(net);
}

static bool net_check_features(const struct virtio_dev *vd)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(dependences); i++)
		if ((vd->features & dependences[i].feature) &&
		    !(vd->features & dependences[i].needs))
			return false;
	return true;
}

static int net_activate(struct virtio_dev *vd)
{
	struct net *net = container_of(vd, struct net, vd);
	int ret = net_set_offloads(net, vd->features);

	if (!ret && net->vhost)
		ret = net_vhost_start(net);
	return ret;
}

static void net_kick(struct virtio_dev *vd, struct virtqueue *vq)
{
	struct net *net = container_of(vd, struct net, vd);
	unsigned int pairs = net_known_pairs(net);

	if (vq->index == 2 * pairs)
		net_ctrl(net, vq);
	else if (vq->index > 2 * pairs)
		return;
	else if (vq->index & 1)
		net_tx(vq);
	else
		net_rx(vq);
}

static void net_queue_reset(struct virtio_dev *vd, struct virtqueue *vq)
{
	const struct net *net = container_of(vd, struct net, vd);

	if (vq->index >= 2 * net->nr_pairs)
		return;
	if (vq->index & 1)
		net_tx_stop(vq);
	else
		net_rx_stop(vq);
}

static void net_reset(struct virtio_dev *vd)
{
	struct net *net = container_of(vd, struct net, vd);
	unsigned int i;

	if (net->vhost)
		net_vhost_stop(net);
	for (i = 0; i < net->nr_pairs; i++) {
		virtio_call(net_rx_vq(&net->pairs[i]), net_rx_stop);
		virtio_call(net_tx_vq(&net->pairs[i]), net_tx_stop);
	}
	net_ctrl_reset(net);
}

static void net_destroy(struct virtio_dev *vd)
{
	struct net *net = container_of(vd, struct net, vd);
	u64 rx = 0, tx = 0;
	unsigned int i;

	for (i = 0; i < net->nr_pairs && net->pairs; i++) {
		rx += net->pairs[i].rx_dropped;
		tx += net->pairs[i].tx_dropped;
		if (net->pairs[i].tx_src.fd >= 0)
			close(net->pairs[i].tx_src.fd);
	}
	if (rx || tx)
		log_debug("%s: frames dropped: %llu to the guest, %llu from it", vd->name,
			  (unsigned long long)rx, (unsigned long long)tx);
	net_vhost_close(net);
	if (net->nb)
		net->nb->ops->destroy(net->nb);
	pthread_mutex_destroy(&net->filter.lock);
	free(net->pairs);
	free(net);
}

static const struct virtio_ops net_ops = {
	.id = VIRTIO_ID_NET,
	.realize = net_realize,
	.check_features = net_check_features,
	.activate = net_activate,
	.kick = net_kick,
	.queue_reset = net_queue_reset,
	.reset = net_reset,
	.destroy = net_destroy,
};

struct virtio_dev *net_create(const struct net_conf *conf, const char *name,
			      struct net_backend *nb)
{
	struct net *net = calloc(1, sizeof(*net));

	if (!net)
		return NULL;
	net->conf = conf;
	net->nb = nb;
	net->filter.all = true;
	pthread_mutex_init(&net->filter.lock, NULL);
	virtio_init(&net->vd, &net_ops, name);
	return &net->vd;
}
