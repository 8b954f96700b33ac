/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TESTS_FUZZ_HOSTILE_H
#define TESTS_FUZZ_HOSTILE_H

/*
 * A hostile driver of one virtio device. The input is a script: registers written and
 * read, bytes of rings and buffers changed at any time, chains of any shape, resets,
 * and set-ups as they should be in between, so that the device gets far.
 *
 * The first byte chooses the transport and what is negotiated.
 */
#include "fuzz.h"
#include "../unit/virtio_driver.h"

#define HOSTILE_MAX	4096	/* bytes of a script: one round takes a few ms */
#define HOSTILE_BUF	4096	/* bytes of buffers that a script changes */

enum hostile_op {
	HOSTILE_WRITE,		/* offset, value, size */
	HOSTILE_READ,		/* offset, size */
	HOSTILE_CONFIG,		/* offset, value, size */
	HOSTILE_RING,		/* queue, part, offset, value */
	HOSTILE_BUFFER,		/* offset, value */
	HOSTILE_CHAIN,		/* queue, parts */
	HOSTILE_NOTIFY,		/* queue */
	HOSTILE_RUN,
	HOSTILE_RESET,
	HOSTILE_SETUP,		/* size of the queues */
	HOSTILE_QUEUE_RESET,	/* queue */
	HOSTILE_OTHER,		/* what the target knows */
	HOSTILE_OPS,
};

/**
 * struct hostile - the driver
 * @d: the device and its machine
 * @in: what is left of the script
 * @left: bytes of it
 * @features: what it accepts in a set-up
 * @buf: buffers
 * @place: addresses of parts of chains that are of interest to the device
 * @slot: next entry of each queue's ring (split: index)
 * @wrap: wrap counter of packed rings
 */
struct hostile {
	struct drv d;
	const u8 *in;
	size_t left;
	u64 features;
	u64 buf;
	u64 place;
	u16 slot[VIRTIO_MAX_QUEUES];
	bool wrap[VIRTIO_MAX_QUEUES];
};

/* The next bytes of the script, as a number; zeroes at its end. */
static inline u64 hostile_take(struct hostile *h, size_t n)
{
	u64 val = 0;

	n = min_t(size_t, n, h->left);
	memcpy(&val, h->in, n);
	h->in += n;
	h->left -= n;
	return val;
}

static inline int hostile_begin(struct hostile *h, const u8 *data, size_t size,
				const struct device_class *cls, const char *conf)
{
	static const u64 features[] = { DRV_ALL, DRV_SPLIT, DRV_PLAIN, DRV_UNORDERED };
	u8 first;
	int ret;

	h->in = data;
	h->left = min_t(size_t, size, HOSTILE_MAX);
	first = hostile_take(h, 1);
	h->features = features[first >> 1 & 3];
	ret = drv_init(&h->d, first & 1 ? DRV_PCI : DRV_MMIO, cls, conf);
	h->buf = drv_alloc(&h->d, HOSTILE_BUF);
	return ret;
}

static inline unsigned int hostile_queue(struct hostile *h)
{
	return hostile_take(h, 1) % h->d.vd->nr_vqs;
}

/* Sets all up by the rules; whatever came before, that has to work. */
static inline void hostile_setup(struct hostile *h, u16 size)
{
	CHECK(!drv_setup_size(&h->d, h->features, size));
	memset(h->slot, 0, sizeof(h->slot));
	memset(h->wrap, 1, sizeof(h->wrap));
}

static inline u64 hostile_address(struct hostile *h)
{
	u8 kind = hostile_take(h, 1);
	u16 off = hostile_take(h, 2);

	switch (kind % 8) {
	case 0:
		return h->place + off;
	case 1:
		return DRV_ROM + off;
	case 2:
		return DRV_NOWHERE + off;
	case 3:
		return DRV_RAM - off % 64;
	case 4:
		return h->d.queue[0].device + off;
	case 5:
		return hostile_take(h, 8);
	default:
		return h->buf + off % HOSTILE_BUF;
	}
}

/* One descriptor, of either format, at the slot where the device looks for it. */
static inline void hostile_desc(struct hostile *h, unsigned int q, unsigned int i, bool last)
{
	const struct drv_ring *r = &h->d.queue[q];
	u8 how = hostile_take(h, 1);
	u16 slot = (h->slot[q] + i) % r->size;
	struct vring_desc d = {
		.addr = htole64(hostile_address(h)),
		.len = htole32(how & 1 ? hostile_take(h, 4) : hostile_take(h, 1)),
	};
	u16 flags = how >> 1 & 7;	/* NEXT, WRITE, INDIRECT */

	if (!last)
		flags |= VRING_DESC_F_NEXT;
	if (!r->packed) {
		d.flags = htole16(flags);
		d.next = htole16(how & 0x80 ? hostile_take(h, 2) : (slot + 1) % r->size);
	} else {
		bool wrap = h->wrap[q] ^ (h->slot[q] + i >= r->size);

		flags |= wrap ? 1 << 7 : 1 << 15;
		/* Buffer id and flags take the places of flags and next. */
		d.flags = htole16(slot);
		d.next = htole16(flags);
	}
	drv_put(&h->d, r->desc + 16 * slot, &d, sizeof(d));
}

static inline void hostile_chain(struct hostile *h)
{
	unsigned int q = hostile_queue(h), i, nr = 1 + hostile_take(h, 1) % 5;
	const struct drv_ring *r = &h->d.queue[q];

	if (!r->size || !h->d.vd->vqs[q].enabled)
		return;
	for (i = 0; i < nr; i++)
		hostile_desc(h, q, i, i == nr - 1);
	if (r->packed) {
		h->wrap[q] ^= h->slot[q] + nr >= r->size;
		h->slot[q] = (h->slot[q] + nr) % r->size;
		return;
	}
	drv_put16(&h->d.vm.gmem, drv_avail_elem(r, h->slot[q]), h->slot[q] % r->size);
	h->slot[q]++;
	drv_put16(&h->d.vm.gmem, r->driver + 2, h->slot[q]);
}

static inline void hostile_ring(struct hostile *h)
{
	const struct drv_ring *r = &h->d.queue[hostile_queue(h)];
	u64 at[] = { r->desc, r->driver, r->device };
	u64 addr = at[hostile_take(h, 1) % 3] + hostile_take(h, 1);
	u32 val = hostile_take(h, 4);

	if (r->size)
		drv_put(&h->d, addr, &val, sizeof(val));
}

static inline void hostile_register(struct hostile *h, bool write)
{
	u64 addr = h->d.base + hostile_take(h, 2) % 0x4000;
	unsigned int size = 1 << hostile_take(h, 1) % 4;

	if (write)
		drv_bus_write(&h->d, addr, hostile_take(h, size), size);
	else
		drv_bus_read(&h->d, addr, size);
}

/* Does one step; false when it is the target's to do. */
static inline bool hostile_step(struct hostile *h)
{
	struct drv *d = &h->d;
	unsigned int size;
	u32 off;
	u8 buf[4];

	switch (hostile_take(h, 1) % HOSTILE_OPS) {
	case HOSTILE_WRITE:
		hostile_register(h, true);
		break;
	case HOSTILE_READ:
		hostile_register(h, false);
		break;
	case HOSTILE_CONFIG:
		off = hostile_take(h, 1);
		size = 1 << hostile_take(h, 1) % 4;
		d->ops->config_write(d, off, hostile_take(h, size), size);
		break;
	case HOSTILE_RING:
		hostile_ring(h);
		break;
	case HOSTILE_BUFFER:
		off = hostile_take(h, 2) % (HOSTILE_BUF - 4);
		memcpy(buf, &(u32){ hostile_take(h, 4) }, 4);
		drv_put(d, h->buf + off, buf, 4);
		break;
	case HOSTILE_CHAIN:
		hostile_chain(h);
		break;
	case HOSTILE_NOTIFY:
		drv_notify(d, hostile_queue(h));
		break;
	case HOSTILE_RUN:
		drv_run(d);
		break;
	case HOSTILE_RESET:
		drv_reset(d);
		break;
	case HOSTILE_SETUP:
		hostile_setup(h, 1 << hostile_take(h, 1) % 7);
		break;
	case HOSTILE_QUEUE_RESET:
		d->ops->queue_reset(d, hostile_queue(h));
		break;
	default:
		return false;
	}
	return true;
}

#endif /* TESTS_FUZZ_HOSTILE_H */
