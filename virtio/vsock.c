// SPDX-License-Identifier: GPL-2.0
/*
 * Socket device (virtio 1.2, 5.10): AF_VSOCK between host and guest. The host's
 * kernel (vhost-vsock) speaks the protocol and serves the rx and tx queues; ours are
 * the guest's address, the event queue, and when it all runs.
 *
 * The one event there is tells the driver that its address may have changed, after a
 * migration. This device has one address for life: buffers for events stay offered.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <linux/vhost.h>
#include <linux/virtio_vsock.h>

#include <linux/kernel.h>
#include <vmtool/devclass.h>
#include <vmtool/vhost.h>
#include <vmtool/vm.h>

#include "virtio.h"

#define VSOCK_NODE	"/dev/vhost-vsock"
#define VSOCK_QUEUE	128
/* 0 and 1 are reserved, 2 is the host, the last one is "any". */
#define VSOCK_CID_MIN	3
#define VSOCK_CID_MAX	0xfffffffeULL

#ifndef VIRTIO_VSOCK_F_SEQPACKET
#define VIRTIO_VSOCK_F_SEQPACKET	1
#endif

enum { VSOCK_RX, VSOCK_TX, VSOCK_EVENT, VSOCK_NR_QUEUES };

struct vsock_conf {
	u64 cid;
};

/**
 * struct vsock - the device
 * @vd: its virtio part
 * @cid: the guest's address
 * @vh: the kernel's part, with queues VSOCK_RX and VSOCK_TX
 */
struct vsock {
	struct virtio_dev vd;
	u64 cid;
	struct vhost vh;
};

static int set_running(const struct vsock *v, int running)
{
	return ioctl(v->vh.fd, VHOST_VSOCK_SET_RUNNING, &running) < 0 ? -errno : 0;
}

static int vsock_activate(struct virtio_dev *vd)
{
	struct vsock *v = container_of(vd, struct vsock, vd);
	int ret;

	ret = vhost_start(&v->vh, vd->features);
	if (ret)
		return ret;
	ret = set_running(v, 1);
	if (ret)
		vhost_stop(&v->vh);
	return ret;
}

static void vsock_reset(struct virtio_dev *vd)
{
	struct vsock *v = container_of(vd, struct vsock, vd);
	int ret = set_running(v, 0);

	vhost_stop(&v->vh);
	if (!ret)
		return;
	/* The kernel must not go on in memory that is the guest's again. */
	log_err("%s: %s cannot be stopped: %s", vd->name, VSOCK_NODE, strerror(-ret));
	vhost_close(&v->vh);
}

/* Of the event queue; the others' kicks go to the kernel. Nothing is used there. */
static void vsock_kick(struct virtio_dev *vd, struct virtqueue *vq)
{
}

static int set_cid(const struct vsock *v)
{
	u64 cid = v->cid;

	if (!ioctl(v->vh.fd, VHOST_VSOCK_SET_GUEST_CID, &cid))
		return 0;
	if (errno == EADDRINUSE)
		log_err("--vsock %llu: this address is in use, by another guest or the host; choose another one",
			(unsigned long long)cid);
	else
		log_err("--vsock %llu: %s", (unsigned long long)cid, strerror(errno));
	return -errno;
}

static int open_node(struct vsock *v)
{
	struct virtio_dev *vd = &v->vd;
	int ret;

	ret = vhost_open(&v->vh, vd, VSOCK_NODE, VSOCK_RX, 2);
	ret = ret ?: set_cid(v);
	if (ret)
		return ret;
	vd->offered &= ~VIRTIO_COMMON_FEATURES | v->vh.features;
	vd->offered |= v->vh.features & (1ULL << VIRTIO_VSOCK_F_SEQPACKET);
	return 0;
}

static int vsock_realize(struct virtio_dev *vd, struct vm *vm)
{
	struct vsock *v = container_of(vd, struct vsock, vd);
	struct virtio_vsock_config config = { .guest_cid = htole64(v->cid) };
	int ret;

	ret = virtio_set_queues(vd, VSOCK_NR_QUEUES, VSOCK_QUEUE, 1);
	if (ret)
		return ret;
	vd->vqs[VSOCK_RX].external = true;
	vd->vqs[VSOCK_TX].external = true;
	vd->config_size = sizeof(config);
	virtio_config_set_silent(vd, 0, &config, sizeof(config));
	/* A machine that is only looked at takes no address from others. */
	return vm->cfg->dry_run ? 0 : open_node(v);
}

static void vsock_destroy(struct virtio_dev *vd)
{
	struct vsock *v = container_of(vd, struct vsock, vd);

	vhost_close(&v->vh);
	free(v);
}

static const struct virtio_ops vsock_ops = {
	.id = VIRTIO_ID_VSOCK,
	.realize = vsock_realize,
	.activate = vsock_activate,
	.kick = vsock_kick,
	.reset = vsock_reset,
	.destroy = vsock_destroy,
};

static struct virtio_dev *vsock_create(const void *conf, const char *name)
{
	const struct vsock_conf *c = conf;
	struct vsock *v = calloc(1, sizeof(*v));

	if (!v)
		return NULL;
	v->cid = c->cid;
	v->vh.fd = -1;
	virtio_init(&v->vd, &vsock_ops, name);
	return &v->vd;
}

static const struct prop vsock_props[] = {
	{ .name = "cid", .type = PROP_U64, .offset = offsetof(struct vsock_conf, cid),
	  .positional = true, .required = true, .min = VSOCK_CID_MIN, .max = VSOCK_CID_MAX,
	  .arg = "CID", .help = "the guest's address, which no other guest has" },
	{ }
};

const struct device_class vsock_class = {
	.name = "vsock",
	.option = "vsock",
	.help = "sockets between host and guest (AF_VSOCK)",
	.arg = "CID",
	.single = true,
	.props = vsock_props,
	.conf_size = sizeof(struct vsock_conf),
	.create = vsock_create,
};
