// SPDX-License-Identifier: GPL-2.0
/*
 * Memory balloon (virtio 1.2, 5.5): the guest gives pages to the host when it is
 * asked to, reports those it does not use, and says what it needs memory for.
 *
 * The host takes what it is given and does not have to be told that a page is used
 * again: touching it is enough. So a guest that lies about its pages loses their
 * contents and nothing else.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <linux/kernel.h>
#include <linux/virtio_balloon.h>
#include <vmtool/balloon.h>
#include <vmtool/devclass.h>
#include <vmtool/virtio.h>
#include <vmtool/vm.h>

#include "virtio.h"

#define BALLOON_QUEUE		128
#define BALLOON_NR_QUEUES	5
#define BALLOON_BATCH		256		/* page numbers looked at together */
#define BALLOON_REQUEST		4096		/* page numbers in a request; Linux: 256 */
#define BALLOON_STATS		64		/* statistics in a buffer */
#define BALLOON_PARTS		4		/* slots that pages in a row may lie in */

/* Not in the headers of 6.1 */
#ifndef VIRTIO_BALLOON_F_REPORTING
#define VIRTIO_BALLOON_F_REPORTING	5
#endif

struct balloon_conf {
	bool deflate_on_oom;
	bool reporting;
};

/**
 * struct balloon - the device
 * @vd: its virtio part
 * @conf: what to offer
 * @total: bytes of guest memory
 * @iov: parts of the request under way
 * @stats_chain: buffer of statistics that is kept until newer ones are wanted; its
 *	parts are not
 * @stats_kept: there is one
 * @asked: newer statistics are wanted
 * @lock: guards @stats
 * @stats: what the guest has last said
 */
struct balloon {
	struct virtio_dev vd;
	struct balloon_conf conf;
	u64 total;
	struct iovec iov[BALLOON_QUEUE];
	struct vq_chain stats_chain;
	bool stats_kept;
	struct ev_source asked;
	pthread_mutex_t lock;
	struct balloon_stats stats;
};

/* --- inflate ---------------------------------------------------------------------- */

static void inflate_range(struct balloon *b, u64 pfn, u64 nr)
{
	struct iovec parts[BALLOON_PARTS];
	u64 shift = VIRTIO_BALLOON_PFN_SHIFT;
	int i, n;

	n = gmem_iov(b->vd.gm, pfn << shift, nr << shift, true, parts, BALLOON_PARTS);
	if (n < 0) {
		log_guest(&b->vd.guest_errors, "%s: page %#llx is not memory", b->vd.name,
			  (unsigned long long)pfn);
		return;
	}
	/* What fails leaves the page where it is: the host is the one that misses it. */
	for (i = 0; i < n; i++)
		gmem_discard(b->vd.gm, &parts[i], false);
}

/* Linux gives pages in runs, mostly downwards. */
static void inflate_batch(struct balloon *b, const __le32 *pfns, unsigned int nr)
{
	u64 first = 0, next = 0;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		u64 pfn = le32toh(pfns[i]);

		if (next != first && pfn == next) {
			next++;
		} else if (next != first && pfn + 1 == first) {
			first--;
		} else {
			if (next != first)
				inflate_range(b, first, next - first);
			first = pfn;
			next = pfn + 1;
		}
	}
	if (next != first)
		inflate_range(b, first, next - first);
}

static void inflate(struct balloon *b, struct vq_chain *c)
{
	__le32 pfns[BALLOON_BATCH];
	unsigned int done = 0;
	size_t len;

	if (c->out_len > BALLOON_REQUEST * sizeof(pfns[0]))
		log_guest(&b->vd.guest_errors, "%s: more than %u pages in a request",
			  b->vd.name, BALLOON_REQUEST);
	while (done < BALLOON_REQUEST) {
		len = vq_read(c, pfns, sizeof(pfns));
		/* A number that is cut off is none. */
		inflate_batch(b, pfns, len / sizeof(pfns[0]));
		done += BALLOON_BATCH;
		if (len < sizeof(pfns))
			break;
	}
}

/* --- free page reporting ------------------------------------------------------------ */

/*
 * With a poison value the pages hold it now and must do so later (5.5.6.6.2): zeroes
 * come by themselves, for another value the pages are better left alone.
 */
static void report(struct balloon *b, struct vq_chain *c)
{
	struct virtio_balloon_config conf;
	bool poison = virtio_has(&b->vd, VIRTIO_BALLOON_F_PAGE_POISON);
	int i;

	pthread_mutex_lock(&b->vd.config_lock);
	memcpy(&conf, b->vd.config, sizeof(conf));
	pthread_mutex_unlock(&b->vd.config_lock);
	if (poison && conf.poison_val)
		return;
	for (i = c->nr_out; i < c->nr_out + c->nr_in; i++)
		gmem_discard(b->vd.gm, &c->iov[i], poison);
}

/* --- statistics (5.5.6.3) ------------------------------------------------------------ */

static struct virtqueue *stats_queue(struct balloon *b)
{
	return &b->vd.vqs[2];
}

static void stats_give_back(struct balloon *b)
{
	if (!b->stats_kept)
		return;
	b->stats_kept = false;
	vq_push(stats_queue(b), &b->stats_chain);
	vq_notify(stats_queue(b));
}

/* In any order; what is not known is ignored, and so is what is cut off. */
static void stats_take(struct balloon *b, struct vq_chain *c)
{
	struct balloon_stats stats = { };
	struct virtio_balloon_stat stat;
	struct timespec now;
	int i;

	for (i = 0; i < BALLOON_STATS; i++) {
		unsigned int tag;

		if (vq_read(c, &stat, sizeof(stat)) < sizeof(stat))
			break;
		tag = le16toh((__force __le16)stat.tag);
		if (tag >= BALLOON_NR_STATS)
			continue;
		stats.known |= 1U << tag;
		stats.value[tag] = le64toh((__force __le64)stat.val);
	}
	clock_gettime(CLOCK_MONOTONIC, &now);
	stats.when = now.tv_sec;
	pthread_mutex_lock(&b->lock);
	stats.updates = b->stats.updates + 1;
	b->stats = stats;
	pthread_mutex_unlock(&b->lock);
}

static void stats_kick(struct balloon *b, struct virtqueue *vq)
{
	struct vq_chain c;

	for (;;) {
		vq_chain_init(&c, b->iov, BALLOON_QUEUE);
		if (vq_pop(vq, &c) != 1)
			break;
		/* The driver should not have offered a second one. */
		stats_give_back(b);
		stats_take(b, &c);
		b->stats_chain = c;
		b->stats_kept = true;
	}
}

static void stats_asked(struct ev_source *src, u32 events)
{
	struct balloon *b = container_of(src, struct balloon, asked);
	u64 count;

	if (read(src->fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		return;
	stats_give_back(b);
}

static void stats_forget(struct balloon *b)
{
	b->stats_kept = false;
}

int balloon_query_stats(struct virtio_dev *vd, struct balloon_stats *stats)
{
	static const u64 one = 1;
	struct balloon *b = container_of(vd, struct balloon, vd);

	if (!(virtio_status(vd) & VIRTIO_CONFIG_S_DRIVER_OK) ||
	    !virtio_has(vd, VIRTIO_BALLOON_F_STATS_VQ))
		return -ENODEV;
	pthread_mutex_lock(&b->lock);
	*stats = b->stats;
	pthread_mutex_unlock(&b->lock);
	/* A counter that is full has been written to often enough. */
	return write(b->asked.fd, &one, sizeof(one)) < 0 && errno != EAGAIN ? -errno : 0;
}

/* --- how much ------------------------------------------------------------------------ */

int balloon_set(struct virtio_dev *vd, u64 target)
{
	struct balloon *b = container_of(vd, struct balloon, vd);
	u64 pages;
	__le32 val;

	if (target >> VIRTIO_BALLOON_PFN_SHIFT == 0)
		return -EINVAL;
	pages = (b->total - min_t(u64, target, b->total)) >> VIRTIO_BALLOON_PFN_SHIFT;
	val = htole32(min_t(u64, pages, UINT32_MAX));
	virtio_config_set(vd, offsetof(struct virtio_balloon_config, num_pages), &val,
			  sizeof(val));
	return 0;
}

void balloon_query(struct virtio_dev *vd, struct balloon_info *info)
{
	struct balloon *b = container_of(vd, struct balloon, vd);
	struct virtio_balloon_config conf;
	u64 given;

	pthread_mutex_lock(&vd->config_lock);
	memcpy(&conf, vd->config, sizeof(conf));
	pthread_mutex_unlock(&vd->config_lock);
	info->total = b->total;
	given = (u64)le32toh(conf.num_pages) << VIRTIO_BALLOON_PFN_SHIFT;
	info->target = b->total - given;
	/* The guest may say anything. */
	given = (u64)le32toh(conf.actual) << VIRTIO_BALLOON_PFN_SHIFT;
	info->actual = b->total - min_t(u64, given, b->total);
}

/* The driver's fields: how much it has given, and what free pages hold. */
static void balloon_config_write(struct virtio_dev *vd, u32 off, const void *buf, u32 len)
{
	static const u32 fields[] = {
		offsetof(struct virtio_balloon_config, actual),
		offsetof(struct virtio_balloon_config, poison_val),
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(fields); i++) {
		u32 start = max_t(u32, off, fields[i]);
		u32 end = min_t(u32, (off + len), (fields[i] + sizeof(__le32)));

		if (start < end)
			virtio_config_set_silent(vd, start, buf + (start - off), end - start);
	}
}

/* --- device --------------------------------------------------------------------------- */

/*
 * By the specification, reports are queue 4. Linux numbers the queues it uses one
 * after the other, as those that it does not need do not exist.
 */
static void serve(struct balloon *b, struct virtqueue *vq, struct vq_chain *c)
{
	if (!vq->index)
		inflate(b, c);
	else if (vq->index > 1 && virtio_has(&b->vd, VIRTIO_BALLOON_F_REPORTING))
		report(b, c);
}

static void balloon_kick(struct virtio_dev *vd, struct virtqueue *vq)
{
	struct balloon *b = container_of(vd, struct balloon, vd);
	struct vq_chain c;

	if (vq->index == 2 && virtio_has(vd, VIRTIO_BALLOON_F_STATS_VQ)) {
		stats_kick(b, vq);
		return;
	}
	vq_chain_init(&c, b->iov, BALLOON_QUEUE);
	while (vq_pop(vq, &c) == 1) {
		serve(b, vq, &c);
		vq_push(vq, &c);
	}
	vq_notify(vq);
}

static void balloon_queue_reset(struct virtio_dev *vd, struct virtqueue *vq)
{
	if (vq->index == 2)
		stats_forget(container_of(vd, struct balloon, vd));
}

static void balloon_stop(void *arg)
{
	stats_forget(arg);
}

static void balloon_reset(struct virtio_dev *vd)
{
	struct balloon *b = container_of(vd, struct balloon, vd);
	static const __le32 zero;

	iothread_call(&vd->threads[0], balloon_stop, b);
	virtio_config_set_silent(vd, offsetof(struct virtio_balloon_config, actual), &zero,
				 sizeof(zero));
	virtio_config_set_silent(vd, offsetof(struct virtio_balloon_config, poison_val),
				 &zero, sizeof(zero));
	pthread_mutex_lock(&b->lock);
	b->stats.known = 0;
	pthread_mutex_unlock(&b->lock);
}

static int balloon_realize(struct virtio_dev *vd, struct vm *vm)
{
	struct balloon *b = container_of(vd, struct balloon, vd);
	int ret;

	vd->config_size = sizeof(struct virtio_balloon_config);
	vd->offered |= 1ULL << VIRTIO_BALLOON_F_STATS_VQ;
	if (b->conf.deflate_on_oom)
		vd->offered |= 1ULL << VIRTIO_BALLOON_F_DEFLATE_ON_OOM;
	if (b->conf.reporting)
		vd->offered |= 1ULL << VIRTIO_BALLOON_F_REPORTING |
			       1ULL << VIRTIO_BALLOON_F_PAGE_POISON;
	b->total = vm->cfg->mem;
	ret = virtio_set_queues(vd, BALLOON_NR_QUEUES, BALLOON_QUEUE, 1);
	if (ret)
		return ret;
	b->asked.fn = stats_asked;
	b->asked.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ret = b->asked.fd < 0 ? -errno : ev_add(&vd->threads[0].loop, &b->asked, EPOLLIN);
	if (ret)
		log_err("%s: cannot create an eventfd: %s", vd->name, strerror(-ret));
	else
		vm->balloon = vd;
	return ret;
}

static void balloon_destroy(struct virtio_dev *vd)
{
	struct balloon *b = container_of(vd, struct balloon, vd);

	if (b->asked.fd >= 0) {
		ev_del(&vd->threads[0].loop, &b->asked);
		close(b->asked.fd);
	}
	pthread_mutex_destroy(&b->lock);
	free(b);
}

static const struct virtio_ops balloon_ops = {
	.id = VIRTIO_ID_BALLOON,
	.realize = balloon_realize,
	.kick = balloon_kick,
	.config_write = balloon_config_write,
	.queue_reset = balloon_queue_reset,
	.reset = balloon_reset,
	.destroy = balloon_destroy,
};

static struct virtio_dev *balloon_create(const void *conf, const char *name)
{
	struct balloon *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->conf = *(const struct balloon_conf *)conf;
	b->asked.fd = -1;
	pthread_mutex_init(&b->lock, NULL);
	virtio_init(&b->vd, &balloon_ops, name);
	return &b->vd;
}

static const struct prop balloon_props[] = {
	{ .name = "deflate-on-oom", .type = PROP_BOOL, .def = "on",
	  .offset = offsetof(struct balloon_conf, deflate_on_oom),
	  .help = "the guest takes memory back before it ends a process" },
	{ .name = "free-page-reporting", .type = PROP_BOOL, .def = "on",
	  .offset = offsetof(struct balloon_conf, reporting),
	  .help = "the guest gives memory it does not use to the host, unasked" },
	{ }
};

const struct device_class balloon_class = {
	.name = "balloon",
	.option = "balloon",
	.help = "take memory from the guest and give it back ('vmtool balloon')",
	.arg = "PROPERTIES",
	.optional_arg = true,
	.single = true,
	.props = balloon_props,
	.conf_size = sizeof(struct balloon_conf),
	.create = balloon_create,
};
