// SPDX-License-Identifier: GPL-2.0
/*
 * 9P transport: a directory of the host as a file system of the guest. Virtio 1.2
 * reserves the number of the device (5) and says no more; what the Linux driver
 * expects (net/9p/trans_virtio.c, linux/virtio_9p.h) is what there is: one queue of
 * requests, each with room for its reply, and the tag it is mounted by in the config
 * space. fs/9p.c serves the requests.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <linux/virtio_9p.h>

#include <linux/kernel.h>
#include <vmtool/devclass.h>
#include <vmtool/p9.h>
#include <vmtool/virtio.h>
#include <vmtool/vm.h>

#include "virtio.h"

#define P9_QUEUE	128	/* the Linux driver's limit of buffers in a request */
#define P9_PARTS	256	/* they may cross from one slot of memory to another */
#define P9_TAG_MAX	(VIRTIO_CONFIG_MAX - sizeof(struct virtio_9p_config))
#define P9_FIDS		"262144"

struct p9_conf {
	const char *dir;
	const char *tag;
	bool ro;
	bool squash;
	bool xattr;
	unsigned int fids;
	struct prop_list uids;
	struct prop_list gids;
};

/**
 * struct p9_dev - the device
 * @vd: its virtio part
 * @conf: what the user asked for
 * @server: serves the directory
 * @iov: parts of the request under way
 */
struct p9_dev {
	struct virtio_dev vd;
	const struct p9_conf *conf;
	struct p9_server *server;
	struct iovec iov[P9_PARTS];
};

static void p9_kick(struct virtio_dev *vd, struct virtqueue *vq)
{
	struct p9_dev *p = container_of(vd, struct p9_dev, vd);
	struct vq_chain c;

	vq_chain_init(&c, p->iov, P9_PARTS);
	while (vq_pop(vq, &c) == 1) {
		if (p9_serve(p->server, &c))
			log_guest(&vd->guest_errors, "%s: a request without room for an answer",
				  vd->name);
		vq_push(vq, &c);
		/* The next one may take its time. */
		vq_notify(vq);
	}
}

static void p9_end_session(void *arg)
{
	p9_reset(arg);
}

static void p9_dev_reset(struct virtio_dev *vd)
{
	struct p9_dev *p = container_of(vd, struct p9_dev, vd);

	iothread_call(&vd->threads[0], p9_end_session, p->server);
}

static void p9_set_config(struct virtio_dev *vd, const char *tag)
{
	size_t len = strlen(tag);
	u16 tag_len = htole16(len);

	vd->config_size = sizeof(struct virtio_9p_config) + len;
	virtio_config_set_silent(vd, offsetof(struct virtio_9p_config, tag_len), &tag_len,
				 sizeof(tag_len));
	virtio_config_set_silent(vd, offsetof(struct virtio_9p_config, tag), tag, len);
}

static int p9_parse_map(const struct prop_list *list, const char *name, struct share_map *map)
{
	unsigned int i;

	for (i = 0; i < list->nr; i++) {
		if (!share_parse_map(map, list->item[i]))
			continue;
		log_err("--9p: %s=%s: not HOST:GUEST:COUNT, or more than %d of them", name,
			list->item[i], SHARE_MAP_MAX);
		return -EINVAL;
	}
	return 0;
}

static int p9_parse_maps(const struct p9_conf *conf, struct share_opts *opts)
{
	int ret = p9_parse_map(&conf->uids, "uidmap", &opts->uids);

	return ret ? ret : p9_parse_map(&conf->gids, "gidmap", &opts->gids);
}

static int p9_realize(struct virtio_dev *vd, struct vm *vm)
{
	struct p9_dev *p = container_of(vd, struct p9_dev, vd);
	const struct p9_conf *conf = p->conf;
	struct share_opts opts = {
		.dir = conf->dir,
		.ro = conf->ro,
		.xattr = conf->xattr,
		.squash = conf->squash,
	};
	int ret = virtio_check_tag(vm, &p9_class, conf, offsetof(struct p9_conf, tag));

	if (!ret)
		ret = p9_parse_maps(conf, &opts);
	if (!ret)
		ret = p9_create(&p->server, &opts, conf->fids);
	if (ret)
		return ret;
	vd->offered |= 1ULL << VIRTIO_9P_MOUNT_TAG;
	p9_set_config(vd, conf->tag);
	return virtio_set_queues(vd, 1, P9_QUEUE, 1);
}

static void p9_dev_destroy(struct virtio_dev *vd)
{
	struct p9_dev *p = container_of(vd, struct p9_dev, vd);

	p9_destroy(p->server);
	free(p);
}

static const struct virtio_ops p9_ops = {
	.id = VIRTIO_ID_9P,
	.realize = p9_realize,
	.kick = p9_kick,
	.reset = p9_dev_reset,
	.destroy = p9_dev_destroy,
};

static int p9_check(const void *arg)
{
	const struct p9_conf *conf = arg;
	struct share_opts opts = { 0 };

	if (strlen(conf->tag) > P9_TAG_MAX) {
		log_err("--9p: tag %.32s...: longer than %zu bytes", conf->tag, P9_TAG_MAX);
		return -EINVAL;
	}
	if (conf->squash && (conf->uids.nr || conf->gids.nr)) {
		log_err("--9p: squash: has its own mapping of users; leave out uidmap and gidmap");
		return -EINVAL;
	}
	return p9_parse_maps(conf, &opts);
}

static struct virtio_dev *p9_new(const void *conf, const char *name)
{
	struct p9_dev *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->conf = conf;
	virtio_init(&p->vd, &p9_ops, name);
	return &p->vd;
}

#define P9_PROP(field) .offset = offsetof(struct p9_conf, field)

static const struct prop p9_props[] = {
	{ .name = "dir", .type = PROP_STRING, P9_PROP(dir), .positional = true,
	  .required = true, .arg = "DIR", .help = "directory to share" },
	{ .name = "tag", .type = PROP_STRING, P9_PROP(tag), .positional = true,
	  .required = true, .arg = "TAG", .help = "name the guest mounts it by" },
	{ .name = "ro", .type = PROP_BOOL, P9_PROP(ro),
	  .help = "nothing can be changed" },
	{ .name = "squash", .type = PROP_BOOL, P9_PROP(squash),
	  .help = "who runs vmtool is the guest's root" },
	{ .name = "uidmap", .type = PROP_LIST, P9_PROP(uids), .arg = "HOST:GUEST:COUNT",
	  .help = "users of the host that are others in the guest" },
	{ .name = "gidmap", .type = PROP_LIST, P9_PROP(gids), .arg = "HOST:GUEST:COUNT",
	  .help = "groups" },
	{ .name = "xattr", .type = PROP_BOOL, P9_PROP(xattr), .def = "on",
	  .help = "extended attributes" },
	{ .name = "fids", .type = PROP_UINT, P9_PROP(fids), .def = P9_FIDS, .min = 16,
	  .max = P9_FIDS_MAX, .arg = "N",
	  .help = "files that the guest may refer to at a time" },
	{ }
};

const struct device_class p9_class = {
	.name = "9p",
	.option = "9p",
	.help = "share a directory by 9P2000.L",
	.arg = "DIR,TAG[,ro]",
	.props = p9_props,
	.conf_size = sizeof(struct p9_conf),
	.check = p9_check,
	.create = p9_new,
};
