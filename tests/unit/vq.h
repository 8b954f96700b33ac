/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TESTS_UNIT_VQ_H
#define TESTS_UNIT_VQ_H

/*
 * A queue without a device or a transport, for tests of virtio/queue.c alone, and
 * the means to try all of a bounded set of cases. To be included after the harness.
 */
#include <string.h>

#include <linux/bits.h>
#include <linux/kernel.h>
#include <linux/virtio_ring.h>
#include <vmtool/virtio.h>

#include "virtio_ring.h"

#define VQT_RAM		0ULL
#define VQT_RAM_SIZE	0x10000ULL
#define VQT_RAM2	VQT_RAM_SIZE		/* adjacent */
#define VQT_RAM2_SIZE	0x1000ULL
#define VQT_END		(VQT_RAM2 + VQT_RAM2_SIZE)
#define VQT_ROM		0x40000ULL
#define VQT_ROM_SIZE	0x1000ULL
#define VQT_NOWHERE	0x80000ULL

#define VQT_DESC	0x1000ULL
#define VQT_DRIVER	0x1100ULL
#define VQT_DEVICE	0x1200ULL
#define VQT_TABLE	0x1300ULL
#define VQT_BUF		0x1400ULL		/* buffers of one page at most */
#define VQT_ALLOC	0x2000ULL		/* from here on, for drv_ring */

#define VQT_IOV		64

struct vqt {
	struct gmem gm;
	struct virtio_dev vd;
	struct virtqueue vq;
	struct vq_chain chain;
	struct iovec iov[VQT_IOV];
	unsigned int queue_irqs;
	unsigned int config_irqs;
	u64 brk;
};

static inline void vqt_notify_queue(struct virtio_dev *vd, struct virtqueue *vq)
{
	container_of(vd, struct vqt, vd)->queue_irqs++;
}

static inline void vqt_notify_config(struct virtio_dev *vd)
{
	container_of(vd, struct vqt, vd)->config_irqs++;
}

static const struct virtio_transport_ops vqt_transport_ops = {
	.notify_queue = vqt_notify_queue,
	.notify_config = vqt_notify_config,
};

static const struct virtio_ops vqt_ops = { .id = 0 };

static inline void vqt_init(struct vqt *t)
{
	memset(t, 0, sizeof(*t));
	gmem_init(&t->gm, -1);
	if (gmem_add(&t->gm, VQT_RAM, VQT_RAM_SIZE, GMEM_RAM, -1, 0) ||
	    gmem_add(&t->gm, VQT_RAM2, VQT_RAM2_SIZE, GMEM_RAM, -1, 0) ||
	    gmem_add(&t->gm, VQT_ROM, VQT_ROM_SIZE, GMEM_ROM, -1, 0))
		drv_die("no memory");
	virtio_init(&t->vd, &vqt_ops, "test0");
	/* What is said of the guest's mistakes is not wanted here. */
	t->vd.guest_errors.count = LOG_LIMIT_BURST + 1;
	t->vd.transport_ops = &vqt_transport_ops;
	t->vq.vd = &t->vd;
	t->vq.max_size = VQ_MAX_SIZE;
	t->vq.desc = VQT_DESC;
	t->vq.driver = VQT_DRIVER;
	t->vq.device = VQT_DEVICE;
	vq_chain_init(&t->chain, t->iov, VQT_IOV);
	t->brk = VQT_ALLOC;
}

static inline void vqt_end(struct vqt *t)
{
	vq_stop(&t->vq);
	gmem_destroy(&t->gm);
}

/* Guest memory of the first slot. */
static inline void *vqt_mem(struct vqt *t, u64 gpa)
{
	return t->gm.slots[0].hva + gpa;
}

/* A running queue of a live device, as after DRIVER_OK. */
static inline int vqt_start(struct vqt *t, u16 size, u64 features)
{
	t->vq.size = size;
	t->vd.features = features;
	t->vd.status = VIRTIO_CONFIG_S_DRIVER_OK;
	t->queue_irqs = 0;
	t->config_irqs = 0;
	return vq_start(&t->vq, &t->gm, features);
}

static inline bool vqt_needs_reset(const struct vqt *t)
{
	return virtio_status(&t->vd) & VIRTIO_CONFIG_S_NEEDS_RESET;
}

static inline u64 vqt_alloc(void *priv, size_t len)
{
	struct vqt *t = priv;
	u64 gpa = t->brk;

	t->brk += (len + 15) & ~15ULL;
	if (t->brk > VQT_RAM_SIZE)
		drv_die("guest memory is used up");
	return gpa;
}

/* An honest driver at the other end of the queue; before vqt_start(). */
static inline void vqt_driver(struct vqt *t, struct drv_ring *r, u16 size, u64 features)
{
	r->gm = &t->gm;
	r->alloc = vqt_alloc;
	r->alloc_priv = t;
	r->size = size;
	r->desc = VQT_DESC;
	r->driver = VQT_DRIVER;
	r->device = VQT_DEVICE;
	t->brk = VQT_ALLOC;
	drv_ring_init(r, features);
}

/* --- all of a tree of choices, depth first ------------------------------------------ */

#define ODO_MAX	64

/**
 * struct odo - the choices of one run
 * @digit: what was chosen at each point
 * @of: among how many
 * @nr: points of the last run
 * @at: next point of this run
 * @runs: runs so far
 */
struct odo {
	u32 digit[ODO_MAX];
	u32 of[ODO_MAX];
	unsigned int nr;
	unsigned int at;
	u64 runs;
};

/* One of @n, 0 first; all in turn with repeated runs. */
static inline u32 choose(struct odo *o, u32 n)
{
	if (o->at == ODO_MAX)
		drv_die("too many choices");
	if (o->at == o->nr) {
		o->digit[o->nr] = 0;
		o->of[o->nr] = n;
		o->nr++;
	}
	return o->digit[o->at++];
}

/* To the next run: false when all were made. */
static inline bool odo_next(struct odo *o)
{
	o->runs++;
	o->nr = o->at;
	o->at = 0;
	while (o->nr) {
		if (++o->digit[o->nr - 1] < o->of[o->nr - 1])
			return true;
		o->nr--;
	}
	return false;
}

#define choose_from(o, list)	((list)[choose(o, ARRAY_SIZE(list))])

#endif /* TESTS_UNIT_VQ_H */
