// SPDX-License-Identifier: GPL-2.0
/*
 * Block device (virtio 1.2, 5.2): requests of the driver become requests to a disk
 * of the host, on the same memory.
 *
 * Each queue has a thread, and a queue of the disk on it. What a notification finds
 * is started at once, and what is done at once is notified at once: see blk_serve().
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <linux/bits.h>
#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/virtio_blk.h>
#include <vmtool/devclass.h>
#include <vmtool/disk.h>
#include <vmtool/virtio.h>

#include "virtio.h"

#define BLK_QUEUE	128
#define BLK_SEG_MAX	(BLK_QUEUE - 2)		/* a header and a status come on top */
#define BLK_IOVS	(BLK_QUEUE + 2)		/* a part may lie in two memory slots */
#define BLK_RANGES	16			/* ranges of a discard or write-zeroes request */
#define BLK_RANGE_MAX	0x400000		/* sectors of a range: 2 GiB */
#define BLK_QUEUES_MAX	16

/* What follows is for features that are not offered. */
#define BLK_CONFIG_SIZE	offsetof(struct virtio_blk_config, max_secure_erase_sectors)

#define BLK_FEATURES	(BIT_ULL(VIRTIO_BLK_F_SEG_MAX) | BIT_ULL(VIRTIO_BLK_F_BLK_SIZE) |	\
			 BIT_ULL(VIRTIO_BLK_F_TOPOLOGY) | BIT_ULL(VIRTIO_BLK_F_FLUSH) |		\
			 BIT_ULL(VIRTIO_BLK_F_CONFIG_WCE) | BIT_ULL(VIRTIO_BLK_F_MQ))
#define BLK_RW_FEATURES	(BIT_ULL(VIRTIO_BLK_F_DISCARD) | BIT_ULL(VIRTIO_BLK_F_WRITE_ZEROES))

struct blk_conf {
	struct disk_conf disk;
	const char *format;
	const char *serial;
	unsigned int queues;
};

struct blk_queue;

/**
 * struct blk_req - a request of the driver
 * @dr: what the disk does for it
 * @chain: its buffers
 * @bq: the queue it came from
 * @next: in the list of free ones
 * @status: where the driver waits for the status
 * @ranges: ranges that are not read from @chain yet
 * @iov: parts of @chain
 */
struct blk_req {
	struct disk_req dr;
	struct vq_chain chain;
	struct blk_queue *bq;
	struct blk_req *next;
	u8 *status;
	unsigned int ranges;
	struct iovec iov[BLK_IOVS];
};

/**
 * struct blk_queue - a queue
 * @b: the device
 * @vq: the driver's side
 * @dq: the disk's side
 * @reqs: BLK_QUEUE requests
 * @fresh: those of @reqs that were never used begin here
 * @free: those that are free again
 * @stopping: what is done now is of no interest to the driver any more
 */
struct blk_queue {
	struct blk *b;
	struct virtqueue *vq;
	struct disk_queue *dq;
	struct blk_req *reqs;
	unsigned int fresh;
	struct blk_req *free;
	bool stopping;
};

/**
 * struct blk - the device
 * @vd: its virtio part
 * @conf: what the user asked for
 * @disk: the disk
 * @queues: one for each queue
 * @write_through: writes are stable when they are done
 * @id: what identifies it to the driver, padded with zeroes
 */
struct blk {
	struct virtio_dev vd;
	const struct blk_conf *conf;
	struct disk *disk;
	struct blk_queue *queues;
	bool write_through;
	char id[VIRTIO_BLK_ID_BYTES];
};

/* --- requests ---------------------------------------------------------------------- */

static struct blk_req *blk_get(struct blk_queue *bq)
{
	struct blk_req *r = bq->free;

	if (r) {
		bq->free = r->next;
		return r;
	}
	if (bq->fresh == BLK_QUEUE)
		return NULL;
	r = &bq->reqs[bq->fresh++];
	r->bq = bq;
	vq_chain_init(&r->chain, r->iov, BLK_IOVS);
	return r;
}

static void blk_put(struct blk_req *r)
{
	r->next = r->bq->free;
	r->bq->free = r;
}

/*
 * @filled: all that comes before the status was written. Otherwise what the driver is
 * told of ends where nothing was (2.7.8.2).
 */
static void blk_end(struct blk_req *r, u8 status, bool filled)
{
	struct vq_chain *c = &r->chain;

	__atomic_store_n(r->status, status, __ATOMIC_RELAXED);
	c->in_pos = filled || c->in_len == 1 ? c->in_len : 0;
	vq_push(r->bq->vq, c);
	blk_put(r);
}

/* For mistakes of the driver. */
static void blk_refuse(struct blk_req *r, u8 status, const char *what)
{
	struct virtio_dev *vd = r->bq->vq->vd;

	log_guest(&vd->guest_errors, "%s: refused: %s", vd->name, what);
	blk_end(r, status, false);
}

static bool blk_inside(const struct blk *b, u64 sector, u64 sectors)
{
	u64 capacity = b->disk->size / DISK_SECTOR;

	return sector <= capacity && sectors <= capacity - sector;
}

static void blk_submit(struct blk_req *r, enum disk_op op, u64 sector, u64 len,
		       unsigned int flags)
{
	struct blk *b = r->bq->b;

	if (op != DISK_READ && __atomic_load_n(&b->write_through, __ATOMIC_RELAXED))
		flags |= DISK_FUA;
	r->dr.op = op;
	r->dr.flags = flags;
	r->dr.off = sector * DISK_SECTOR;
	r->dr.len = len;
	disk_queue_add(r->bq->dq, &r->dr);
}

/* What the driver wants to read: the writable parts but for the status. */
static size_t blk_in_data(struct blk_req *r)
{
	struct vq_chain *c = &r->chain;
	struct iovec *last;

	r->dr.iov = c->iov + c->nr_out;
	r->dr.nr_iov = c->nr_in;
	last = &r->dr.iov[c->nr_in - 1];
	if (!--last->iov_len)
		r->dr.nr_iov--;
	return c->in_len - 1;
}

/* What it wants written: the readable parts but for the header. */
static size_t blk_out_data(struct blk_req *r)
{
	struct vq_chain *c = &r->chain;
	size_t skip = c->out_pos;

	r->dr.iov = c->iov;
	r->dr.nr_iov = c->nr_out;
	while (r->dr.nr_iov && skip >= r->dr.iov->iov_len) {
		skip -= r->dr.iov->iov_len;
		r->dr.iov++;
		r->dr.nr_iov--;
	}
	if (skip) {
		r->dr.iov->iov_base += skip;
		r->dr.iov->iov_len -= skip;
	}
	return vq_out_left(c);
}

static void blk_rw(struct blk_req *r, enum disk_op op, u64 sector)
{
	const struct blk *b = r->bq->b;
	size_t len = op == DISK_READ ? blk_in_data(r) : blk_out_data(r);

	r->dr.nr_iov = len ? r->dr.nr_iov : 0;
	if (op == DISK_WRITE && b->disk->ro)
		blk_refuse(r, VIRTIO_BLK_S_IOERR, "a write to a disk that is read only");
	else if (len % DISK_SECTOR)
		blk_refuse(r, VIRTIO_BLK_S_IOERR, "a part of a sector");
	else if (!blk_inside(b, sector, len / DISK_SECTOR))
		blk_refuse(r, VIRTIO_BLK_S_IOERR, "sectors beyond the end");
	else if (!len)
		blk_end(r, VIRTIO_BLK_S_OK, true);
	else
		blk_submit(r, op, sector, len, 0);
}

static void blk_get_id(struct blk_req *r)
{
	size_t room = r->chain.in_len - 1;

	vq_write(&r->chain, r->bq->b->id, min_t(size_t, room, VIRTIO_BLK_ID_BYTES));
	blk_end(r, VIRTIO_BLK_S_OK, room <= VIRTIO_BLK_ID_BYTES);
}

/* --- discard and write-zeroes ------------------------------------------------------- */

/* Starts the next range; after the last one the request is done. */
static void blk_next_range(struct blk_req *r, enum disk_op op)
{
	struct virtio_blk_discard_write_zeroes range;
	u32 sectors, flags, allowed = 0;

	do {
		if (!r->ranges--) {
			blk_end(r, VIRTIO_BLK_S_OK, true);
			return;
		}
		vq_read(&r->chain, &range, sizeof(range));
		sectors = le32toh(range.num_sectors);
		flags = le32toh(range.flags);
		if (op == DISK_ZERO)
			allowed = VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP;
		if (flags & ~allowed) {
			blk_refuse(r, VIRTIO_BLK_S_UNSUPP, "unknown flags of a range");
			return;
		}
		if (sectors > BLK_RANGE_MAX ||
		    !blk_inside(r->bq->b, le64toh(range.sector), sectors)) {
			blk_refuse(r, VIRTIO_BLK_S_IOERR, "a range too large or beyond the end");
			return;
		}
	} while (!sectors);
	r->dr.nr_iov = 0;
	blk_submit(r, op, le64toh(range.sector), (u64)sectors * DISK_SECTOR,
		   flags ? DISK_UNMAP : 0);
}

static void blk_ranges(struct blk_req *r, enum disk_op op, unsigned int feature)
{
	size_t len = vq_out_left(&r->chain), size = sizeof(struct virtio_blk_discard_write_zeroes);

	if (r->bq->b->disk->ro) {
		blk_refuse(r, VIRTIO_BLK_S_IOERR, "a write to a disk that is read only");
	} else if (!virtio_has(r->bq->vq->vd, feature)) {
		blk_refuse(r, VIRTIO_BLK_S_UNSUPP, "a request of a feature not negotiated");
	} else if (!len || len % size || len / size > BLK_RANGES) {
		blk_refuse(r, VIRTIO_BLK_S_IOERR, "no, broken or too many ranges");
	} else {
		r->ranges = len / size;
		blk_next_range(r, op);
	}
}

/* --- serving ---------------------------------------------------------------------- */

static void blk_start(struct blk_req *r)
{
	struct vq_chain *c = &r->chain;
	struct virtio_blk_outhdr hdr;
	struct iovec status;

	if (!c->in_len) {
		struct virtio_dev *vd = r->bq->vq->vd;

		/* There is no way to answer, but to give it back. */
		log_guest(&vd->guest_errors, "%s: a request without room for its status",
			  vd->name);
		vq_push(r->bq->vq, c);
		blk_put(r);
		return;
	}
	vq_iov(c, true, c->in_len - 1, 1, &status, 1);
	r->status = status.iov_base;
	if (vq_read(c, &hdr, sizeof(hdr)) != sizeof(hdr)) {
		blk_refuse(r, VIRTIO_BLK_S_IOERR, "a request without a header");
		return;
	}
	switch (le32toh(hdr.type)) {
	case VIRTIO_BLK_T_IN:
		blk_rw(r, DISK_READ, le64toh(hdr.sector));
		break;
	case VIRTIO_BLK_T_OUT:
		blk_rw(r, DISK_WRITE, le64toh(hdr.sector));
		break;
	case VIRTIO_BLK_T_FLUSH:
		r->dr.nr_iov = 0;
		blk_submit(r, DISK_FLUSH, 0, 0, 0);
		break;
	case VIRTIO_BLK_T_GET_ID:
		blk_get_id(r);
		break;
	case VIRTIO_BLK_T_DISCARD:
		blk_ranges(r, DISK_DISCARD, VIRTIO_BLK_F_DISCARD);
		break;
	case VIRTIO_BLK_T_WRITE_ZEROES:
		blk_ranges(r, DISK_ZERO, VIRTIO_BLK_F_WRITE_ZEROES);
		break;
	default:
		blk_refuse(r, VIRTIO_BLK_S_UNSUPP, "a request of unknown type");
	}
}

static void blk_done(struct disk_queue *dq, struct disk_req *dr)
{
	struct blk_req *r = container_of(dr, struct blk_req, dr);

	if (r->bq->stopping)
		blk_put(r);
	else if (dr->ret)
		blk_end(r, VIRTIO_BLK_S_IOERR, false);
	else if (dr->op == DISK_DISCARD || dr->op == DISK_ZERO)
		blk_next_range(r, dr->op);
	else
		blk_end(r, VIRTIO_BLK_S_OK, true);
}

/* Takes what there is; false when there was nothing, or no room for it. */
static bool blk_take(struct blk_queue *bq)
{
	bool any = false;
	struct blk_req *r;

	for (;;) {
		r = blk_get(bq);
		if (!r)
			break;
		if (vq_pop(bq->vq, &r->chain) != 1) {
			blk_put(r);
			break;
		}
		blk_start(r);
		any = true;
	}
	return any;
}

/*
 * All requests that wait are one submission. Those that were done meanwhile make room
 * for more, and the driver may have added some.
 */
static void blk_serve(struct blk_queue *bq)
{
	while (blk_take(bq))
		disk_queue_submit(bq->dq);
	/* The next ranges of requests. */
	disk_queue_submit(bq->dq);
	vq_notify(bq->vq);
}

static void blk_kick(struct virtio_dev *vd, struct virtqueue *vq)
{
	blk_serve(vq->priv);
}

static void blk_batch(struct disk_queue *dq)
{
	blk_serve(dq->priv);
}

/* --- reset and features ------------------------------------------------------------- */

static void blk_stop_queue(struct virtqueue *vq)
{
	struct blk_queue *bq = vq->priv;

	bq->stopping = true;
	disk_queue_cancel(bq->dq);
	bq->stopping = false;
}

static void blk_queue_reset(struct virtio_dev *vd, struct virtqueue *vq)
{
	blk_stop_queue(vq);
}

static void blk_reset(struct virtio_dev *vd)
{
	unsigned int i;

	for (i = 0; i < vd->nr_vqs; i++)
		virtio_call(&vd->vqs[i], blk_stop_queue);
}

static void blk_set_write_back(struct blk *b, u8 on)
{
	__atomic_store_n(&b->write_through, !on, __ATOMIC_RELAXED);
	virtio_config_set_silent(&b->vd, offsetof(struct virtio_blk_config, wce), &on, 1);
}

/* Who does not flush needs no cache (5.2.5.2); the driver may look before DRIVER_OK. */
static bool blk_check_features(const struct virtio_dev *vd)
{
	struct blk *b = container_of(vd, struct blk, vd);

	blk_set_write_back(b, virtio_has(vd, VIRTIO_BLK_F_FLUSH));
	return true;
}

static void blk_config_write(struct virtio_dev *vd, u32 off, const void *buf, u32 len)
{
	struct blk *b = container_of(vd, struct blk, vd);
	u32 wce = offsetof(struct virtio_blk_config, wce);

	if (off <= wce && wce - off < len && virtio_has(vd, VIRTIO_BLK_F_CONFIG_WCE))
		blk_set_write_back(b, !!((const u8 *)buf)[wce - off]);
}

/* --- life ------------------------------------------------------------------------- */

static void blk_set_config(struct blk *b)
{
	const struct disk *d = b->disk;
	struct virtio_blk_config cfg = {
		.capacity = htole64(d->size / DISK_SECTOR),
		.seg_max = htole32(BLK_SEG_MAX),
		.blk_size = htole32(d->block),
		.physical_block_exp = ilog2(d->physical / d->block),
		.alignment_offset = d->align_off / d->block,
		.min_io_size = htole16(min_t(u32, d->min_io / d->block, UINT16_MAX)),
		.opt_io_size = htole32(d->opt_io / d->block),
		.wce = 1,
		.num_queues = htole16(b->vd.nr_vqs),
	};

	b->vd.offered |= BLK_FEATURES;
	/* Requests end in any order: the first one is not to keep the others waiting. */
	b->vd.offered &= ~BIT_ULL(VIRTIO_F_IN_ORDER);
	if (d->ro) {
		b->vd.offered |= BIT_ULL(VIRTIO_BLK_F_RO);
	} else {
		b->vd.offered |= BLK_RW_FEATURES;
		cfg.max_discard_sectors = htole32(BLK_RANGE_MAX);
		cfg.max_discard_seg = htole32(BLK_RANGES);
		cfg.discard_sector_alignment = htole32(d->discard_align / DISK_SECTOR);
		cfg.max_write_zeroes_sectors = htole32(BLK_RANGE_MAX);
		cfg.max_write_zeroes_seg = htole32(BLK_RANGES);
		cfg.write_zeroes_may_unmap = 1;
	}
	b->vd.config_size = BLK_CONFIG_SIZE;
	virtio_config_set_silent(&b->vd, 0, &cfg, BLK_CONFIG_SIZE);
}

static int blk_alloc_queues(struct blk *b)
{
	unsigned int i;

	b->queues = calloc(b->vd.nr_vqs, sizeof(*b->queues));
	if (!b->queues)
		return -ENOMEM;
	for (i = 0; i < b->vd.nr_vqs; i++) {
		/* Pages of it that were never used are no memory. */
		b->queues[i].reqs = calloc(BLK_QUEUE, sizeof(struct blk_req));
		if (!b->queues[i].reqs)
			return -ENOMEM;
	}
	return 0;
}

static int blk_open_queue(struct blk *b, unsigned int i)
{
	struct blk_queue *bq = &b->queues[i];
	int ret = 0;

	bq->b = b;
	bq->vq = &b->vd.vqs[i];
	bq->vq->priv = bq;
	bq->dq = disk_queue_open(b->disk, &virtio_thread(bq->vq)->loop, BLK_QUEUE, &ret);
	if (!bq->dq)
		return ret;
	bq->dq->done = blk_done;
	bq->dq->batch = blk_batch;
	bq->dq->priv = bq;
	return 0;
}

static int blk_realize(struct virtio_dev *vd, struct vm *vm)
{
	struct blk *b = container_of(vd, struct blk, vd);
	unsigned int i, nr = b->conf->queues;
	int ret;

	ret = disk_open(&b->disk, &b->conf->disk);
	if (ret)
		return ret;
	ret = virtio_set_queues(vd, nr, BLK_QUEUE, nr);
	if (!ret)
		ret = blk_alloc_queues(b);
	if (ret)
		log_err("disk %s: %s", b->disk->path, strerror(-ret));
	for (i = 0; i < nr && !ret; i++)
		ret = blk_open_queue(b, i);
	if (!ret)
		blk_set_config(b);
	return ret;
}

static void blk_destroy(struct virtio_dev *vd)
{
	struct blk *b = container_of(vd, struct blk, vd);
	unsigned int i;

	for (i = 0; b->queues && i < vd->nr_vqs; i++) {
		disk_queue_close(b->queues[i].dq);
		free(b->queues[i].reqs);
	}
	free(b->queues);
	disk_close(b->disk);
	free(b);
}

static const struct virtio_ops blk_ops = {
	.id = VIRTIO_ID_BLOCK,
	.realize = blk_realize,
	.check_features = blk_check_features,
	.kick = blk_kick,
	.config_write = blk_config_write,
	.queue_reset = blk_queue_reset,
	.reset = blk_reset,
	.destroy = blk_destroy,
};

static struct virtio_dev *blk_create(const void *conf, const char *name)
{
	const struct blk_conf *c = conf;
	struct blk *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->conf = c;
	if (c->serial)
		memcpy(b->id, c->serial, strnlen(c->serial, sizeof(b->id)));
	virtio_init(&b->vd, &blk_ops, name);
	return &b->vd;
}

/* --- options ------------------------------------------------------------------------ */

static int blk_check(const void *conf)
{
	const struct blk_conf *c = conf;

	if (strcmp(c->format, "raw")) {
		log_err("disk %s: format '%s' is not known: make it raw by \"qemu-img convert -O raw\"",
			c->disk.path, c->format);
		return -EINVAL;
	}
	if (c->serial && strlen(c->serial) > VIRTIO_BLK_ID_BYTES) {
		log_err("disk %s: serial is too long: take at most %d characters", c->disk.path,
			VIRTIO_BLK_ID_BYTES);
		return -EINVAL;
	}
	return 0;
}

static const char *const blk_caches[] = {
	[DISK_CACHE_WRITEBACK] = "writeback",
	[DISK_CACHE_NONE] = "none",
	[DISK_CACHE_UNSAFE] = "unsafe",
	NULL
};

static const char *const blk_ios[] = {
	[DISK_IO_AUTO] = "auto",
	[DISK_IO_URING] = "uring",
	[DISK_IO_THREADS] = "threads",
	NULL
};

static const struct prop blk_props[] = {
	{ .name = "path", .type = PROP_STRING, .offset = offsetof(struct blk_conf, disk.path),
	  .positional = true, .required = true, .arg = "PATH",
	  .help = "file or block device" },
	{ .name = "ro", .type = PROP_BOOL, .offset = offsetof(struct blk_conf, disk.ro),
	  .help = "only read it" },
	{ .name = "direct", .type = PROP_BOOL, .offset = offsetof(struct blk_conf, disk.direct),
	  .help = "leave out the host's page cache (O_DIRECT)" },
	{ .name = "format", .type = PROP_STRING, .offset = offsetof(struct blk_conf, format),
	  .def = "raw", .arg = "raw", .help = "what is in it is never looked at" },
	{ .name = "cache", .type = PROP_ENUM, .offset = offsetof(struct blk_conf, disk.cache),
	  .def = "writeback", .choices = blk_caches, .arg = "MODE",
	  .help = "none implies direct; unsafe ignores flushes" },
	{ .name = "serial", .type = PROP_STRING, .offset = offsetof(struct blk_conf, serial),
	  .arg = "TEXT", .help = "what the guest sees as the serial number" },
	{ .name = "queues", .type = PROP_UINT, .offset = offsetof(struct blk_conf, queues),
	  .def = "1", .min = 1, .max = BLK_QUEUES_MAX, .arg = "N",
	  .help = "queues, each with a thread of its own" },
	{ .name = "io", .type = PROP_ENUM, .offset = offsetof(struct blk_conf, disk.io),
	  .def = "auto", .choices = blk_ios, .arg = "HOW",
	  .help = "auto is io_uring where the host has it, else threads" },
	{ }
};

const struct device_class blk_class = {
	.name = "blk",
	.option = "disk",
	.letter = 'd',
	.help = "a disk, in a file or on a block device",
	.arg = "PATH[,ro][,direct]...",
	.props = blk_props,
	.conf_size = sizeof(struct blk_conf),
	.check = blk_check,
	.create = blk_create,
};
