// SPDX-License-Identifier: GPL-2.0
/*
 * File system device (virtio 1.2, 5.11): a directory of the host, served by the FUSE
 * server of fs/fuse.h on the device's own threads. Queue 0 is for what must not wait
 * behind other requests, the others for those; each has a thread.
 *
 * Requests are not used in their order: one that waits for a lock would keep back the
 * others, and who holds the lock may wait for them. So VIRTIO_F_IN_ORDER is not offered.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>
#include <linux/virtio_fs.h>
#include <vmtool/devclass.h>
#include <vmtool/log.h>
#include <vmtool/virtio.h>
#include <vmtool/vm.h>

#include "fs/fuse.h"
#include "virtio.h"

#define FS_QUEUE_SIZE	VQ_MAX_SIZE	/* a request of 1 MiB, and some more */
#define FS_MAX_QUEUES	16
#define FS_RETRY_MS	10		/* between two tries to get a lock */
#define FS_BATCH	8		/* completions the driver is told of at once */
#define FS_TAG_MAX	sizeof(((struct virtio_fs_config *)NULL)->tag)

struct fs_conf {
	const char *dir;
	const char *tag;
	bool ro;
	unsigned int cache;
	bool writeback;
	unsigned int queues;
	bool xattr;
	bool locks;
	bool flat;
	bool squash;
	struct prop_list uidmap;
	struct prop_list gidmap;
};

/**
 * struct fs_worker - what a thread of the device works with
 * @fw: FUSE worker
 * @dev: the device
 * @thread: number of the thread, and of its queue
 * @retry: runs while requests wait for locks
 * @iov: parts of the request under way
 */
struct fs_worker {
	struct fuse_worker fw;
	struct fs_dev *dev;
	unsigned int thread;
	struct ev_timer retry;
	struct iovec iov[FS_QUEUE_SIZE];
};

/**
 * struct fs_dev - the device
 * @vd: its virtio part
 * @conf: configuration
 * @fs: what is served
 * @opened: it is
 * @workers: of the threads that were kicked
 */
struct fs_dev {
	struct virtio_dev vd;
	const struct fs_conf *conf;
	struct fuse_fs fs;
	bool opened;
	struct fs_worker *workers[FS_MAX_QUEUES + 1];
};

/* --- on the threads ------------------------------------------------------------- */

static void fs_retried(struct vq_chain *c, void *cookie)
{
	struct virtqueue *vq = cookie;

	vq_push(vq, c);
	vq_notify(vq);
}

static void fs_retry(struct ev_timer *timer)
{
	struct fs_worker *w = container_of(timer, struct fs_worker, retry);

	if (fuse_retry(&w->fw, fs_retried))
		ev_timer_set(&w->dev->vd.threads[w->thread].loop, timer, FS_RETRY_MS);
}

/* The thread's worker, made when it is first needed; NULL without memory. */
static struct fs_worker *fs_get_worker(struct fs_dev *f, const struct virtqueue *vq)
{
	unsigned int i = vq->index;
	struct fs_worker *w = f->workers[i];

	if (w)
		return w;
	w = calloc(1, sizeof(*w));
	if (!w || fuse_worker_init(&w->fw, &f->fs)) {
		free(w);
		return NULL;
	}
	w->dev = f;
	w->thread = i;
	w->retry.src.fd = -1;
	w->retry.fn = fs_retry;
	f->workers[i] = w;
	return w;
}

static void fs_kick(struct virtio_dev *vd, struct virtqueue *vq)
{
	struct fs_dev *f = container_of(vd, struct fs_dev, vd);
	struct fs_worker *w = fs_get_worker(f, vq);
	unsigned int done = 0, parked;
	struct vq_chain c;

	if (!w) {
		vq_break(vq, "no memory to serve it");
		return;
	}
	parked = w->fw.nr_parked;
	vq_chain_init(&c, w->iov, FS_QUEUE_SIZE);
	while (vq_pop(vq, &c) == 1) {
		if (!fuse_serve(&w->fw, &c, vq))
			continue;
		vq_push(vq, &c);
		if (!(++done % FS_BATCH))
			vq_notify(vq);
	}
	vq_notify(vq);
	/* Some of what was served may have released a lock. */
	if (w->fw.nr_parked && fuse_retry(&w->fw, fs_retried) && !parked)
		ev_timer_set(&vd->threads[w->thread].loop, &w->retry, FS_RETRY_MS);
}

static void fs_queue_reset(struct virtio_dev *vd, struct virtqueue *vq)
{
	struct fs_dev *f = container_of(vd, struct fs_dev, vd);
	struct fs_worker *w = f->workers[vq->index];

	if (w)
		fuse_unpark(&w->fw, vq);
}

static void fs_stop_worker(void *arg)
{
	struct fs_worker *w = arg;

	ev_timer_destroy(&w->retry);
	fuse_unpark(&w->fw, NULL);
}

static void fs_reset(struct virtio_dev *vd)
{
	struct fs_dev *f = container_of(vd, struct fs_dev, vd);
	unsigned int i;

	for (i = 0; i < vd->nr_threads; i++)
		if (f->workers[i])
			iothread_call(&vd->threads[i], fs_stop_worker, f->workers[i]);
	fuse_reset(&f->fs);
}

/* --- configuration ---------------------------------------------------------------- */

static int fs_parse_maps(const struct prop_list *list, const char *name, struct share_map *map)
{
	unsigned int i;

	map->nr = 0;
	for (i = 0; i < list->nr; i++) {
		if (!share_parse_map(map, list->item[i]))
			continue;
		log_err("--fs: %s=%s: not HOST:GUEST:COUNT, or more than %d of them", name,
			list->item[i], SHARE_MAP_MAX);
		return -EINVAL;
	}
	return 0;
}

static int fs_check(const void *conf)
{
	const struct fs_conf *c = conf;
	struct share_map map;

	if (strlen(c->tag) > FS_TAG_MAX) {
		log_err("--fs: tag %s: longer than %zu bytes", c->tag, FS_TAG_MAX);
		return -EINVAL;
	}
	if (c->writeback && (c->ro || c->cache == FUSE_CACHE_NONE)) {
		log_err("--fs: writeback: there is nothing to write back with %s",
			c->ro ? "ro" : "cache=none");
		return -EINVAL;
	}
	if (c->squash && (c->uidmap.nr || c->gidmap.nr)) {
		log_err("--fs: squash: has its own mapping of users; leave out uidmap and gidmap");
		return -EINVAL;
	}
	if (fs_parse_maps(&c->uidmap, "uidmap", &map))
		return -EINVAL;
	return fs_parse_maps(&c->gidmap, "gidmap", &map);
}

static int fs_realize(struct virtio_dev *vd, struct vm *vm)
{
	struct fs_dev *f = container_of(vd, struct fs_dev, vd);
	const struct fs_conf *c = f->conf;
	struct share_opts share = {
		.dir = c->dir, .ro = c->ro, .xattr = c->xattr, .squash = c->squash,
	};
	struct fuse_opts opts = {
		.cache = c->cache, .writeback = c->writeback, .locks = c->locks,
		.flat = c->flat,
	};
	struct virtio_fs_config config = {
		.num_request_queues = htole32(c->queues),
	};
	int ret;

	ret = virtio_check_tag(vm, &fs_class, c, offsetof(struct fs_conf, tag));
	if (!ret)
		ret = fs_parse_maps(&c->uidmap, "uidmap", &share.uids);
	if (!ret)
		ret = fs_parse_maps(&c->gidmap, "gidmap", &share.gids);
	if (!ret)
		ret = fuse_open(&f->fs, &share, &opts, vd->name, &vd->guest_errors);
	if (ret)
		return ret;
	f->opened = true;
	memcpy(config.tag, c->tag, strnlen(c->tag, FS_TAG_MAX));
	vd->config_size = sizeof(config);
	virtio_config_set_silent(vd, 0, &config, sizeof(config));
	vd->offered &= ~(1ULL << VIRTIO_F_IN_ORDER);
	return virtio_set_queues(vd, c->queues + 1, FS_QUEUE_SIZE, c->queues + 1);
}

static void fs_destroy(struct virtio_dev *vd)
{
	struct fs_dev *f = container_of(vd, struct fs_dev, vd);
	unsigned int i;

	for (i = 0; i <= FS_MAX_QUEUES; i++) {
		if (!f->workers[i])
			continue;
		ev_timer_destroy(&f->workers[i]->retry);
		fuse_worker_destroy(&f->workers[i]->fw);
		free(f->workers[i]);
	}
	if (f->opened)
		fuse_close(&f->fs);
	free(f);
}

static const struct virtio_ops fs_ops = {
	.id = VIRTIO_ID_FS,
	.realize = fs_realize,
	.kick = fs_kick,
	.queue_reset = fs_queue_reset,
	.reset = fs_reset,
	.destroy = fs_destroy,
};

static struct virtio_dev *fs_create(const void *conf, const char *name)
{
	struct fs_dev *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->conf = conf;
	virtio_init(&f->vd, &fs_ops, name);
	return &f->vd;
}

/* In the order of enum fuse_cache. */
static const char *const fs_caches[] = { "auto", "none", "always", NULL };

#define FIELD(name)	.offset = offsetof(struct fs_conf, name)

static const struct prop fs_props[] = {
	{ .name = "dir", .type = PROP_STRING, FIELD(dir), .positional = true,
	  .required = true, .arg = "DIR", .help = "directory to share" },
	{ .name = "tag", .type = PROP_STRING, FIELD(tag), .positional = true,
	  .required = true, .arg = "TAG", .help = "name the guest mounts it by" },
	{ .name = "ro", .type = PROP_BOOL, FIELD(ro), .help = "nothing can be changed" },
	{ .name = "cache", .type = PROP_ENUM, FIELD(cache), .def = "auto",
	  .choices = fs_caches, .arg = "MODE",
	  .help = "how far the guest trusts what it has seen" },
	{ .name = "writeback", .type = PROP_BOOL, FIELD(writeback),
	  .help = "the guest may write later" },
	{ .name = "queues", .type = PROP_UINT, FIELD(queues), .def = "1", .min = 1,
	  .max = FS_MAX_QUEUES, .arg = "N", .help = "request queues, each with a thread" },
	{ .name = "xattr", .type = PROP_BOOL, FIELD(xattr), .def = "on",
	  .help = "extended attributes" },
	{ .name = "locks", .type = PROP_BOOL, FIELD(locks),
	  .help = "locks are seen by the host and other guests" },
	{ .name = "flat", .type = PROP_BOOL, FIELD(flat),
	  .help = "all mounts below it are one file system" },
	{ .name = "squash", .type = PROP_BOOL, FIELD(squash),
	  .help = "who runs vmtool is the guest's root" },
	{ .name = "uidmap", .type = PROP_LIST, FIELD(uidmap), .arg = "HOST:GUEST:COUNT",
	  .help = "users of the host that are others in the guest" },
	{ .name = "gidmap", .type = PROP_LIST, FIELD(gidmap), .arg = "HOST:GUEST:COUNT",
	  .help = "groups" },
	{ }
};

const struct device_class fs_class = {
	.name = "fs",
	.option = "fs",
	.help = "share a directory by virtio-fs",
	.arg = "DIR,TAG[,ro][,cache=MODE]",
	.props = fs_props,
	.conf_size = sizeof(struct fs_conf),
	.check = fs_check,
	.create = fs_create,
};
