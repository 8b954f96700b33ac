// SPDX-License-Identifier: GPL-2.0
/*
 * Network device, its frames moved by the host's kernel: vhost-net has a node for
 * each pair of queues, whose back end is the queue of a tap interface.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <linux/vhost.h>

#include <vmtool/log.h>
#include <vmtool/vhost.h>

#include "net.h"

#define NET_VHOST_NODE	"/dev/vhost-net"

/**
 * struct net_vhost - the nodes
 * @nr: how many
 * @nodes: one for each pair of queues
 */
struct net_vhost {
	unsigned int nr;
	struct vhost nodes[NET_MAX_QUEUES];
};

static int set_backend(const struct vhost *vh, int fd)
{
	struct vhost_vring_file file = { .fd = fd };

	for (file.index = 0; file.index < 2; file.index++)
		if (ioctl(vh->fd, VHOST_NET_SET_BACKEND, &file) < 0)
			return -errno;
	return 0;
}

int net_vhost_start(struct net *net)
{
	unsigned int i, nr = net_known_pairs(net);
	int ret = 0;

	for (i = 0; i < nr && !ret; i++) {
		struct vhost *vh = &net->vhost->nodes[i];

		/* A driver need not set up queues that it does not use. */
		if (!net_rx_vq(&net->pairs[i])->enabled || !net_tx_vq(&net->pairs[i])->enabled)
			continue;
		ret = vhost_start(vh, net->vd.features) ?: set_backend(vh, net->nb->fd[i]);
	}
	if (ret)
		net_vhost_stop(net);
	return ret;
}

void net_vhost_stop(struct net *net)
{
	unsigned int i;

	for (i = 0; i < net->vhost->nr; i++) {
		set_backend(&net->vhost->nodes[i], -1);
		vhost_stop(&net->vhost->nodes[i]);
	}
}

bool net_vhost_wanted(const struct net *net)
{
	int fd;

	if (!net->nb->vhost || net->conf->vhost != NET_VHOST_AUTO)
		return net->nb->vhost && net->conf->vhost == NET_VHOST_ON;
	fd = open(NET_VHOST_NODE, O_RDWR | O_CLOEXEC);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

int net_vhost_open(struct net *net)
{
	unsigned int i;
	int ret;

	net->vhost = calloc(1, sizeof(*net->vhost));
	if (!net->vhost)
		return -ENOMEM;
	for (i = 0; i < net->nr_pairs; i++) {
		struct vhost *vh = &net->vhost->nodes[i];

		ret = vhost_open(vh, &net->vd, NET_VHOST_NODE, 2 * i, 2);
		if (ret)
			return ret;
		net->vhost->nr++;
		net->vd.offered &= ~(VIRTIO_COMMON_FEATURES | 1ULL << VIRTIO_NET_F_MRG_RXBUF) |
				   vh->features;
	}
	return 0;
}

void net_vhost_close(struct net *net)
{
	unsigned int i;

	if (!net->vhost)
		return;
	for (i = 0; i < net->vhost->nr; i++)
		vhost_close(&net->vhost->nodes[i]);
	free(net->vhost);
}
