/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_VHOST_H
#define VMTOOL_VHOST_H

#include <linux/types.h>
#include <vmtool/virtio.h>

/*
 * Queues that the host's kernel serves (linux/vhost.h): vhost-net, vhost-vsock,
 * vhost-scsi.
 *
 * The core leaves such queues alone (&virtqueue.external) but has kicks arrive at
 * their @kick.fd. The node knows of no reset of a single queue, so its device offers
 * only those of the common features that are in @vhost.features as well:
 *
 *	vd->offered &= ~VIRTIO_COMMON_FEATURES | vh->features;
 */

struct vhost_queue;

/**
 * struct vhost - a device node of vhost
 * @fd: descriptor, owned
 * @vd: the virtio device
 * @first: number of @vd's queue that is the node's queue 0
 * @nr: queues it serves
 * @features: what it can do, VHOST_GET_FEATURES
 * @queues: private, @nr entries
 */
struct vhost {
	int fd;
	struct virtio_dev *vd;
	unsigned int first;
	unsigned int nr;
	u64 features;
	struct vhost_queue *queues;
};

/**
 * vhost_open() - open a node and own it
 * @vh: caller-owned; @fd is -1 after an error
 * @vd: device, with its queues set by virtio_set_queues()
 * @path: node, "/dev/vhost-net"
 * @first: first queue it is to serve
 * @nr: how many
 *
 * Return: 0, or -errno after a one-line message that names the module to load.
 */
int vhost_open(struct vhost *vh, struct virtio_dev *vd, const char *path,
	       unsigned int first, unsigned int nr);

/**
 * vhost_start() - hand enabled queues over to the kernel
 * @vh: node; from activate()
 * @features: to set there; those that are not in @vh->features are left out
 *
 * Memory table, ring addresses and sizes, kick and call descriptors. The back end
 * (VHOST_NET_SET_BACKEND and the like) is set by the caller afterwards. A ring
 * that the kernel finds wrong later makes the device need a reset.
 *
 * Return: 0; -EINVAL for a ring of impossible size; -EFAULT for one that is not in
 * memory; -errno. After an error the queues are not with the kernel.
 */
int vhost_start(struct vhost *vh, u64 features);

/**
 * vhost_stop() - take the queues back
 * @vh: node whose back end the caller has taken away; also one that was not started
 */
void vhost_stop(struct vhost *vh);

/**
 * vhost_close() - close the node
 * @vh: node, stopped; also one that was never opened (fd -1)
 */
void vhost_close(struct vhost *vh);

#endif /* VMTOOL_VHOST_H */
