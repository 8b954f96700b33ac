/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TESTS_UNIT_VIRTIO_RING_H
#define TESTS_UNIT_VIRTIO_RING_H

/*
 * The driver's side of a virtqueue (virtio 1.2, 2.7 and 2.8), in guest memory and
 * with no transport: it offers buffers by the rules, and ends the test when the
 * device breaks its own. Hostile tests write to the rings themselves.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/compiler.h>
#include <linux/kernel.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <vmtool/gmem.h>
#include <vmtool/virtio.h>

/* The harness ends a test after that many seconds; some machines are loaded. */
#ifdef TEST_TIMEOUT_DEFAULT
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT	300
#endif

/**
 * struct drv_seg - a part of a request
 * @addr: guest address
 * @len: bytes
 * @in: the device writes it; such parts come last
 */
struct drv_seg {
	u64 addr;
	u32 len;
	bool in;
};

#define DRV_OUT(a, n)	((struct drv_seg){ .addr = (a), .len = (n) })
#define DRV_IN(a, n)	((struct drv_seg){ .addr = (a), .len = (n), .in = true })

/* Of a request on its way, by its head (split) or buffer id (packed). */
struct drv_slot {
	void *cookie;
	u16 nr_desc;
	u32 in_len;
	u64 table;
	u32 table_max;
};

/**
 * struct drv_ring - a queue, as its driver sees it
 * @gm: guest memory
 * @alloc: where indirect tables come from: a guest address for @alloc_priv
 * @size: entries
 * @packed: format; this and the next three are what was negotiated
 * @desc: guest address of the descriptors
 * @driver: guest address of the available ring, or of the driver's events
 * @device: guest address of the used ring, or of the device's events
 * @no_irq: the driver does not want interrupts
 * @avail: index (split) or slot (packed) of the next buffer to offer
 * @used: the same of the next one to be used
 * @added: index entries or slots offered since the last look at need_kick()
 */
struct drv_ring {
	struct gmem *gm;
	u64 (*alloc)(void *priv, size_t len);
	void *alloc_priv;
	u16 size;
	bool packed;
	bool event_idx;
	bool indirect;
	bool in_order;
	u64 desc;
	u64 driver;
	u64 device;
	bool no_irq;
	u16 avail;
	u16 used;
	bool avail_wrap;
	bool used_wrap;
	u16 added;
	u16 nr_free;
	u16 next_desc;
	u16 *free;
	u16 nr_ids;
	u16 *order;
	u16 order_first;
	u16 nr_order;
	bool batch;
	u16 batch_id;
	u32 batch_len;
	struct drv_slot *slots;
};

/* The device (or the test) has done what must not be. */
__printf(1, 2) __noreturn static inline void drv_die(const char *fmt, ...)
{
	va_list ap;

	fputs("fake driver: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	abort();
}

static inline void drv_gm_write(struct gmem *gm, u64 gpa, const void *buf, size_t len)
{
	if (gmem_write(gm, gpa, buf, len))
		drv_die("no memory at %#llx", (unsigned long long)gpa);
}

static inline void drv_gm_read(struct gmem *gm, u64 gpa, void *buf, size_t len)
{
	if (gmem_read(gm, gpa, buf, len))
		drv_die("no memory at %#llx", (unsigned long long)gpa);
}

static inline u16 drv_get16(struct gmem *gm, u64 gpa)
{
	u16 val;

	drv_gm_read(gm, gpa, &val, sizeof(val));
	return le16toh(val);
}

static inline void drv_put16(struct gmem *gm, u64 gpa, u16 val)
{
	val = htole16(val);
	drv_gm_write(gm, gpa, &val, sizeof(val));
}

/* Where the parts of a split ring are, for those who write there themselves. */
static inline u64 drv_avail_elem(const struct drv_ring *r, u16 i)
{
	return r->driver + 4 + 2 * (u64)(i % r->size);
}

static inline u64 drv_used_event(const struct drv_ring *r)
{
	return r->driver + 4 + 2 * (u64)r->size;
}

static inline u64 drv_used_elem(const struct drv_ring *r, u16 i)
{
	return r->device + 4 + 8 * (u64)(i % r->size);
}

static inline u64 drv_avail_event(const struct drv_ring *r)
{
	return r->device + 4 + 8 * (u64)r->size;
}

/* Bytes of the three areas. */
static inline size_t drv_desc_bytes(const struct drv_ring *r)
{
	return 16 * (size_t)r->size;
}

static inline size_t drv_driver_bytes(const struct drv_ring *r)
{
	return r->packed ? 4 : 6 + 2 * (size_t)r->size;
}

static inline size_t drv_device_bytes(const struct drv_ring *r)
{
	return r->packed ? 4 : 6 + 8 * (size_t)r->size;
}

static inline void drv_ring_free(struct drv_ring *r)
{
	free(r->free);
	free(r->order);
	free(r->slots);
	r->free = NULL;
	r->order = NULL;
	r->slots = NULL;
}

static inline void drv_ring_set_irq(struct drv_ring *r);

/*
 * A fresh ring: @gm, @alloc, @size and addresses are set. Forgets what was on its
 * way, clears guest memory.
 */
static inline void drv_ring_init(struct drv_ring *r, u64 features)
{
	static const u8 zero[16 * 1024];
	u16 i;

	r->packed = features >> VIRTIO_F_RING_PACKED & 1;
	r->event_idx = features >> VIRTIO_RING_F_EVENT_IDX & 1;
	r->indirect = features >> VIRTIO_RING_F_INDIRECT_DESC & 1;
	r->in_order = features >> VIRTIO_F_IN_ORDER & 1;
	r->avail = 0;
	r->used = 0;
	r->avail_wrap = true;
	r->used_wrap = true;
	r->added = 0;
	r->next_desc = 0;
	r->order_first = 0;
	r->nr_order = 0;
	r->batch = false;
	drv_ring_free(r);
	r->free = calloc(r->size, sizeof(*r->free));
	r->order = calloc(r->size, sizeof(*r->order));
	r->slots = calloc(r->size, sizeof(*r->slots));
	if (!r->free || !r->order || !r->slots)
		drv_die("out of memory");
	r->nr_free = r->size;
	r->nr_ids = r->size;
	for (i = 0; i < r->size; i++)
		r->free[i] = r->size - 1 - i;
	if (drv_desc_bytes(r) > sizeof(zero))
		drv_die("a ring of %u entries", r->size);
	drv_gm_write(r->gm, r->desc, zero, drv_desc_bytes(r));
	drv_gm_write(r->gm, r->driver, zero, drv_driver_bytes(r));
	drv_gm_write(r->gm, r->device, zero, drv_device_bytes(r));
	drv_ring_set_irq(r);
}

/* Tells the device whether, and from where on, interrupts are wanted. */
static inline void drv_ring_set_irq(struct drv_ring *r)
{
	if (!r->packed) {
		/* The flag is ignored with EVENT_IDX, but must be 0 (2.7.7.1). */
		drv_put16(r->gm, r->driver, r->no_irq && !r->event_idx ?
			  VRING_AVAIL_F_NO_INTERRUPT : 0);
		if (r->event_idx)
			drv_put16(r->gm, drv_used_event(r), r->used - r->no_irq);
		return;
	}
	if (r->event_idx && !r->no_irq)
		drv_put16(r->gm, r->driver, r->used | r->used_wrap << 15);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	drv_put16(r->gm, r->driver + 2, r->no_irq ? VRING_PACKED_EVENT_FLAG_DISABLE :
		  r->event_idx ? VRING_PACKED_EVENT_FLAG_DESC : VRING_PACKED_EVENT_FLAG_ENABLE);
}

static inline u16 drv_seg_flags(const struct drv_seg *segs, unsigned int nr, unsigned int i)
{
	return (segs[i].in ? VRING_DESC_F_WRITE : 0) | (i + 1 < nr ? VRING_DESC_F_NEXT : 0);
}

static inline void drv_put_desc(struct gmem *gm, u64 gpa, u64 addr, u32 len,
				u16 flags, u16 next)
{
	struct vring_desc desc = {
		.addr = htole64(addr),
		.len = htole32(len),
		.flags = htole16(flags),
		.next = htole16(next),
	};

	drv_gm_write(gm, gpa, &desc, sizeof(desc));
}

/* In a packed ring the flags make a descriptor available: they come last. */
static inline void drv_put_packed(struct gmem *gm, u64 gpa, u64 addr, u32 len,
				  u16 id, u16 flags)
{
	struct vring_packed_desc desc = {
		.addr = htole64(addr),
		.len = htole32(len),
		.id = htole16(id),
	};

	drv_gm_write(gm, gpa, &desc, 14);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	drv_put16(gm, gpa + 14, flags);
}

/* Fills the indirect table of a slot. */
static inline void drv_put_table(struct drv_ring *r, struct drv_slot *slot,
				 const struct drv_seg *segs, unsigned int nr)
{
	unsigned int i;

	if (slot->table_max < nr) {
		slot->table = r->alloc(r->alloc_priv, 16 * (size_t)nr);
		slot->table_max = nr;
	}
	for (i = 0; i < nr; i++) {
		u16 flags = drv_seg_flags(segs, nr, i);

		if (r->packed)
			drv_put_packed(r->gm, slot->table + 16 * i, segs[i].addr, segs[i].len,
				       0, flags & VRING_DESC_F_WRITE);
		else
			drv_put_desc(r->gm, slot->table + 16 * i, segs[i].addr, segs[i].len,
				     flags, flags & VRING_DESC_F_NEXT ? i + 1 : 0);
	}
}

/* Descriptors are taken in the ring's order with IN_ORDER (2.7.9), else in any. */
static inline u16 drv_take_desc(struct drv_ring *r)
{
	u16 desc;

	r->nr_free--;
	if (!r->in_order)
		return r->free[r->nr_free];
	desc = r->next_desc;
	r->next_desc = (r->next_desc + 1) % r->size;
	return desc;
}

/* @extra: flags of all descriptors, for INDIRECT. */
static inline void drv_split_put(struct drv_ring *r, const struct drv_seg *segs,
				 unsigned int nr, u16 extra)
{
	u16 head = drv_take_desc(r), desc = head, next;
	unsigned int i;

	for (i = 0; i < nr; i++, desc = next) {
		u16 flags = drv_seg_flags(segs, nr, i);

		next = flags & VRING_DESC_F_NEXT ? drv_take_desc(r) : 0;
		drv_put_desc(r->gm, r->desc + 16 * desc, segs[i].addr, segs[i].len, flags | extra,
			     next);
	}
	drv_put16(r->gm, drv_avail_elem(r, r->avail), head);
	r->avail++;
	r->added++;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	drv_put16(r->gm, r->driver + 2, r->avail);
}

static inline u16 drv_packed_avail(bool wrap)
{
	return wrap << VRING_PACKED_DESC_F_AVAIL | !wrap << VRING_PACKED_DESC_F_USED;
}

static inline void drv_packed_put(struct drv_ring *r, u16 id, const struct drv_seg *segs,
				  unsigned int nr, u16 extra)
{
	u16 first = r->avail, first_flags = 0;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		u16 flags = drv_seg_flags(segs, nr, i) | drv_packed_avail(r->avail_wrap) | extra;
		u64 gpa = r->desc + 16 * r->avail;

		/* The first one is offered when all the others are in place. */
		if (!i)
			first_flags = flags;
		drv_put_packed(r->gm, gpa, segs[i].addr, segs[i].len, id,
			       i ? flags : flags ^ 1 << VRING_PACKED_DESC_F_AVAIL);
		if (++r->avail == r->size) {
			r->avail = 0;
			r->avail_wrap = !r->avail_wrap;
		}
	}
	r->nr_free -= nr;
	r->added += nr;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	drv_put16(r->gm, r->desc + 16 * first + 14, first_flags);
}

/* Where the head of the next chain will be (split), or its buffer id (packed). */
static inline u16 drv_peek_id(const struct drv_ring *r)
{
	if (!r->packed && r->in_order)
		return r->next_desc;
	return r->free[(r->packed ? r->nr_ids : r->nr_free) - 1];
}

/*
 * Offers a request; @cookie, not NULL, comes back with it. With INDIRECT_DESC those
 * of several parts take an indirect table, as Linux has it. 0, or -ENOSPC.
 */
static inline int drv_ring_add(struct drv_ring *r, const struct drv_seg *segs, unsigned int nr,
			       void *cookie)
{
	bool indirect = r->indirect && nr > 1;
	struct drv_slot *slot;
	struct drv_seg table;
	unsigned int i;
	u16 id;

	if (!nr || !cookie)
		drv_die("a request without parts or cookie");
	if (r->nr_free < (indirect ? 1 : nr) || !r->nr_ids)
		return -ENOSPC;
	id = drv_peek_id(r);
	slot = &r->slots[id];
	if (slot->cookie)
		drv_die("id %u is on its way already", id);
	slot->cookie = cookie;
	slot->nr_desc = indirect ? 1 : nr;
	slot->in_len = 0;
	for (i = 0; i < nr; i++)
		slot->in_len += segs[i].in ? segs[i].len : 0;
	if (indirect) {
		drv_put_table(r, slot, segs, nr);
		table = DRV_OUT(slot->table, 16 * nr);
		segs = &table;
		nr = 1;
	}
	r->order[(r->order_first + r->nr_order++) % r->size] = id;
	if (r->packed) {
		r->nr_ids--;
		drv_packed_put(r, id, segs, nr, indirect ? VRING_DESC_F_INDIRECT : 0);
	} else {
		drv_split_put(r, segs, nr, indirect ? VRING_DESC_F_INDIRECT : 0);
	}
	return 0;
}

/* Does the device want to be notified of what was added since the last call? */
static inline bool drv_ring_need_kick(struct drv_ring *r)
{
	u16 added = r->added, off, flags;

	r->added = 0;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!r->packed) {
		if (r->event_idx)
			return added && vring_need_event(drv_get16(r->gm, drv_avail_event(r)),
							 r->avail, r->avail - added);
		return added && !(drv_get16(r->gm, r->device) & VRING_USED_F_NO_NOTIFY);
	}
	flags = drv_get16(r->gm, r->device + 2);
	if (flags == VRING_PACKED_EVENT_FLAG_ENABLE)
		return added;
	if (flags == VRING_PACKED_EVENT_FLAG_DISABLE)
		return false;
	if (flags != VRING_PACKED_EVENT_FLAG_DESC || !r->event_idx)
		drv_die("device's event flags are %#x", flags);
	off = drv_get16(r->gm, r->device);
	if ((off & 0x7fff) >= r->size)
		drv_die("device's event offset is %#x", off);
	/* Slots of the last lap count from below zero. */
	if (off >> 15 != r->avail_wrap)
		off = (off & 0x7fff) - r->size;
	else
		off &= 0x7fff;
	return added && vring_need_event(off, r->avail, r->avail - added);
}

/* The id and length of the next used entry, if there is one. */
static inline bool drv_ring_used(struct drv_ring *r, u32 *id, u32 *len)
{
	if (r->packed) {
		struct vring_packed_desc desc;
		u16 flags = drv_get16(r->gm, r->desc + 16 * r->used + 14);

		if ((flags >> VRING_PACKED_DESC_F_AVAIL & 1) != r->used_wrap ||
		    (flags >> VRING_PACKED_DESC_F_USED & 1) != r->used_wrap)
			return false;
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		drv_gm_read(r->gm, r->desc + 16 * r->used, &desc, sizeof(desc));
		*id = le16toh(desc.id);
		/* Without the flag nothing was written, and len is reserved (2.8.4). */
		*len = flags & VRING_DESC_F_WRITE ? le32toh(desc.len) : 0;
	} else {
		struct vring_used_elem elem;

		if (drv_get16(r->gm, r->device + 2) == r->used)
			return false;
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		drv_gm_read(r->gm, drv_used_elem(r, r->used), &elem, sizeof(elem));
		*id = le32toh(elem.id);
		*len = le32toh(elem.len);
	}
	return true;
}

/* Is there something for drv_ring_get()? */
static inline bool drv_ring_ready(struct drv_ring *r)
{
	u32 id, len;

	return r->batch || drv_ring_used(r, &id, &len);
}

/* Takes id out of the list of those on their way; its descriptors are free again. */
static inline void drv_ring_release(struct drv_ring *r, u16 id)
{
	struct drv_slot *slot = &r->slots[id];
	u16 i, at, n = slot->nr_desc;

	for (at = 0; r->order[(r->order_first + at) % r->size] != id; at++)
		;
	for (; at; at--)
		r->order[(r->order_first + at) % r->size] =
			r->order[(r->order_first + at - 1) % r->size];
	r->order_first = (r->order_first + 1) % r->size;
	r->nr_order--;
	slot->cookie = NULL;
	if (r->packed) {
		r->free[r->nr_ids++] = id;
		r->nr_free += n;
		r->used += n;
		if (r->used >= r->size) {
			r->used -= r->size;
			r->used_wrap = !r->used_wrap;
		}
		return;
	}
	r->used++;
	if (r->in_order) {
		r->nr_free += n;
		return;
	}
	/* The chain is read back: nobody else writes to the table. */
	for (i = 0; i < n; i++) {
		r->free[r->nr_free++] = id;
		id = drv_get16(r->gm, r->desc + 16 * (u64)id + 14);
	}
}

/*
 * Takes a used request: its cookie and the bytes the device says it has written;
 * NULL when there is none. With IN_ORDER one entry may stand for several (2.7.9):
 * those it leaves out were written completely.
 */
static inline void *drv_ring_get(struct drv_ring *r, u32 *len)
{
	struct drv_slot *slot;
	void *cookie;
	u32 id, n;

	if (r->batch) {
		id = r->batch_id;
		n = r->batch_len;
	} else if (!drv_ring_used(r, &id, &n)) {
		return NULL;
	}
	if (id >= r->size || !r->slots[id].cookie)
		drv_die("id %u was used, but is not on its way", id);
	if (n > r->slots[id].in_len)
		drv_die("%u bytes written into %u of id %u", n, r->slots[id].in_len, id);
	r->batch = r->in_order && id != r->order[r->order_first];
	if (r->batch) {
		r->batch_id = id;
		r->batch_len = n;
		id = r->order[r->order_first];
		n = r->slots[id].in_len;
	}
	slot = &r->slots[id];
	cookie = slot->cookie;
	drv_ring_release(r, id);
	if (len)
		*len = n;
	if (!r->no_irq && r->event_idx)
		drv_ring_set_irq(r);
	return cookie;
}

/* Requests on their way. */
static inline unsigned int drv_ring_pending(const struct drv_ring *r)
{
	return r->nr_order;
}

#endif /* TESTS_UNIT_VIRTIO_RING_H */
