// SPDX-License-Identifier: GPL-2.0
/*
 * The only place where rings are touched. See virtqueue.h for what a queue is; the
 * ring formats are in virtio 1.2, 2.7 (split) and 2.8 (packed).
 *
 * A ring is shared with a guest that may be hostile, so the functions below that
 * begin with "load" are the only way to read it, each field is loaded once for
 * each chain, and what was loaded is checked before it is used. With
 * VQ_FETCH_CHECK defined, who includes this file defines what is called at each load.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/bits.h>
#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/virtio_ring.h>
#include <vmtool/gmem.h>
#include <vmtool/stats.h>
#include <vmtool/virtio.h>

#ifndef VQ_FETCH_CHECK
static inline void vq_fetch_begin(void) { }
static inline void vq_fetch_note(const void *field, size_t len) { }
#endif

#define PACKED_AVAIL	BIT(VRING_PACKED_DESC_F_AVAIL)
#define PACKED_USED	BIT(VRING_PACKED_DESC_F_USED)
#define WRAP_BIT	BIT(VRING_PACKED_EVENT_F_WRAP_CTR)

/**
 * struct vq_done - a chain the device is done with before its turn (2.7.9, 2.8.4)
 * @len: bytes written
 * @id: of the chain
 * @nr_desc: its descriptors
 * @set: it is there
 */
struct vq_done {
	u32 len;
	u16 id;
	u16 nr_desc;
	bool set;
};

/* A descriptor, copied. */
struct vq_desc {
	u64 addr;
	u32 len;
	u16 flags;
	u16 next;		/* id, in a packed ring */
};

static u16 load16(const void *field)
{
	vq_fetch_note(field, sizeof(u16));
	return le16toh(__atomic_load_n((const u16 *)field, __ATOMIC_RELAXED));
}

static u16 load16_acquire(const void *field)
{
	vq_fetch_note(field, sizeof(u16));
	return le16toh(__atomic_load_n((const u16 *)field, __ATOMIC_ACQUIRE));
}

/* Tables of indirect descriptors need no alignment, so there is no atomic load. */
static void load_desc(void *copy, const void *desc, size_t len)
{
	vq_fetch_note(desc, len);
	memcpy(copy, desc, len);
	barrier();
}

static void store16(void *field, u16 val)
{
	__atomic_store_n((u16 *)field, htole16(val), __ATOMIC_RELAXED);
}

static void store16_release(void *field, u16 val)
{
	__atomic_store_n((u16 *)field, htole16(val), __ATOMIC_RELEASE);
}

static void store32(void *field, u32 val)
{
	__atomic_store_n((u32 *)field, htole32(val), __ATOMIC_RELAXED);
}

static void full_barrier(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void vq_break(struct virtqueue *vq, const char *why)
{
	vq->broken = true;
	virtio_needs_reset(vq->vd, why);
}

static int broken(struct virtqueue *vq, const char *why)
{
	vq_break(vq, why);
	return -EIO;
}

/* --- descriptors --------------------------------------------------------------- */

static void load_split_desc(const struct vring_desc *desc, struct vq_desc *d)
{
	struct vring_desc copy;

	load_desc(&copy, desc, sizeof(copy));
	d->addr = le64toh(copy.addr);
	d->len = le32toh(copy.len);
	d->flags = le16toh(copy.flags);
	d->next = le16toh(copy.next);
}

/* All but the flags: those say whether the rest is valid, and come first. */
static void load_packed_desc(const struct vring_packed_desc *desc, struct vq_desc *d)
{
	struct vring_packed_desc copy;

	load_desc(&copy, desc, offsetof(struct vring_packed_desc, flags));
	d->addr = le64toh(copy.addr);
	d->len = le32toh(copy.len);
	d->next = le16toh(copy.id);
}

static int chain_add(struct virtqueue *vq, struct vq_chain *c, const struct vq_desc *d)
{
	bool in = d->flags & VRING_DESC_F_WRITE;
	unsigned int used = c->nr_out + c->nr_in;
	int n;

	if (!in && c->nr_in)
		return broken(vq, "a readable buffer after a writable one");
	if (!d->len)
		return 0;
	n = gmem_iov(vq->gm, d->addr, d->len, in, c->iov + used, c->max_iov - used);
	if (n == -ENOSPC)
		return broken(vq, "a chain with too many buffers");
	if (n < 0)
		return broken(vq, "a buffer outside memory");
	if (in) {
		c->nr_in += n;
		c->in_len += d->len;
	} else {
		c->nr_out += n;
		c->out_len += d->len;
	}
	return 0;
}

/* The table an indirect descriptor refers to; sets the number of its entries. */
static const void *indirect_table(struct virtqueue *vq, const struct vq_desc *d,
				  unsigned int *nr)
{
	struct iovec iov;

	if (!vq->indirect || (d->flags & VRING_DESC_F_NEXT)) {
		broken(vq, "an indirect descriptor where none may be");
		return NULL;
	}
	if (!d->len || d->len % sizeof(struct vring_desc) ||
	    d->len / sizeof(struct vring_desc) > VQ_MAX_SIZE) {
		broken(vq, "an indirect table of impossible size");
		return NULL;
	}
	if (gmem_iov(vq->gm, d->addr, d->len, false, &iov, 1) != 1) {
		broken(vq, "an indirect table outside memory");
		return NULL;
	}
	*nr = d->len / sizeof(struct vring_desc);
	return iov.iov_base;
}

static int split_indirect(struct virtqueue *vq, struct vq_chain *c, const struct vq_desc *ref)
{
	unsigned int nr, count, i = 0;
	const struct vring_desc *table = indirect_table(vq, ref, &nr);
	struct vq_desc d;
	int ret;

	if (!table)
		return -EIO;
	for (count = 0; count < nr; count++) {
		load_split_desc(&table[i], &d);
		if (d.flags & VRING_DESC_F_INDIRECT)
			return broken(vq, "an indirect table within another");
		ret = chain_add(vq, c, &d);
		if (ret || !(d.flags & VRING_DESC_F_NEXT))
			return ret;
		i = d.next;
		if (i >= nr)
			return broken(vq, "a descriptor outside the indirect table");
	}
	return broken(vq, "an indirect table that loops");
}

static int split_chain(struct virtqueue *vq, struct vq_chain *c)
{
	const struct vring_avail *avail = vq->ring_driver;
	const struct vring_desc *table = vq->ring_desc;
	unsigned int count, i;
	struct vq_desc d;
	int ret;

	i = load16(&avail->ring[vq->avail & (vq->size - 1)]);
	c->id = i;
	for (count = 0; count < vq->size; count++) {
		if (i >= vq->size)
			return broken(vq, "a descriptor outside the table");
		load_split_desc(&table[i], &d);
		if (d.flags & VRING_DESC_F_INDIRECT)
			ret = split_indirect(vq, c, &d);
		else
			ret = chain_add(vq, c, &d);
		if (ret)
			return ret;
		if (!(d.flags & VRING_DESC_F_NEXT)) {
			c->nr_desc = 1;
			vq->avail++;
			return 1;
		}
		i = d.next;
	}
	return broken(vq, "a chain that loops");
}

/* Here the order is that of the table, and only the write flag counts (2.8.5). */
static int packed_indirect(struct virtqueue *vq, struct vq_chain *c, const struct vq_desc *ref)
{
	const struct vring_packed_desc *table;
	struct vring_packed_desc copy;
	struct vq_desc d = { 0 };
	unsigned int nr, i;
	int ret = 0;

	table = indirect_table(vq, ref, &nr);
	if (!table)
		return -EIO;
	for (i = 0; i < nr && !ret; i++) {
		load_desc(&copy, &table[i], sizeof(copy));
		d.addr = le64toh(copy.addr);
		d.len = le32toh(copy.len);
		d.flags = le16toh(copy.flags);
		ret = chain_add(vq, c, &d);
	}
	return ret;
}

static void packed_advance(const struct virtqueue *vq, u16 *slot, bool *wrap, u16 by)
{
	*slot += by;
	if (*slot >= vq->size) {
		*slot -= vq->size;
		*wrap = !*wrap;
	}
}

static int packed_chain(struct virtqueue *vq, struct vq_chain *c, u16 flags)
{
	const struct vring_packed_desc *ring = vq->ring_desc;
	u16 slot = vq->avail;
	struct vq_desc d = { .flags = flags };
	bool wrap = vq->avail_wrap;
	unsigned int count;
	int ret;

	for (count = 1; ; count++) {
		load_packed_desc(&ring[slot], &d);
		if (d.flags & VRING_DESC_F_INDIRECT)
			ret = packed_indirect(vq, c, &d);
		else
			ret = chain_add(vq, c, &d);
		if (ret)
			return ret;
		packed_advance(vq, &slot, &wrap, 1);
		if (!(d.flags & VRING_DESC_F_NEXT)) {
			c->id = d.next;
			c->nr_desc = count;
			vq->avail = slot;
			vq->avail_wrap = wrap;
			return 1;
		}
		/* The next one may be the head, whose flags were loaded. */
		if (count >= vq->size - vq->inflight)
			return broken(vq, "a chain longer than the ring");
		d.flags = load16(&ring[slot].flags);
	}
}

/* --- what is available, and notifications from the driver ----------------------- */

/* 1 when there is a chain; the flags of its head for a packed ring. */
static int poll_avail(struct virtqueue *vq, u16 *flags)
{
	vq_fetch_begin();
	if (vq->packed) {
		const struct vring_packed_desc *d = vq->ring_desc;

		*flags = load16_acquire(&d[vq->avail].flags);
		return !!(*flags & PACKED_AVAIL) == vq->avail_wrap &&
		       !!(*flags & PACKED_USED) != vq->avail_wrap;
	}
	if (vq->avail_seen == vq->avail) {
		const struct vring_avail *avail = vq->ring_driver;

		vq->avail_seen = load16_acquire(&avail->idx);
		if ((u16)(vq->avail_seen - vq->avail) > vq->size)
			return broken(vq, "an available index beyond the ring");
	}
	return vq->avail_seen != vq->avail;
}

/* Ask the driver for a notification, or for none (2.7.10, 2.8.10). */
static void split_listen(struct virtqueue *vq, bool listen)
{
	struct vring_used *used = vq->ring_device;

	if (!vq->event_idx)
		store16(&used->flags, listen ? 0 : VRING_USED_F_NO_NOTIFY);
	else if (listen)
		store16(&used->ring[vq->size], vq->avail);
}

static void packed_listen(struct virtqueue *vq, bool listen)
{
	struct vring_packed_desc_event *event = vq->ring_device;
	u16 flags = VRING_PACKED_EVENT_FLAG_ENABLE;

	if (!listen) {
		flags = VRING_PACKED_EVENT_FLAG_DISABLE;
	} else if (vq->event_idx) {
		store16(&event->off_wrap, vq->avail | (vq->avail_wrap ? WRAP_BIT : 0));
		flags = VRING_PACKED_EVENT_FLAG_DESC;
	}
	store16_release(&event->flags, flags);
}

static void listen_to_driver(struct virtqueue *vq, bool listen)
{
	vq->silent = !listen;
	if (vq->packed)
		packed_listen(vq, listen);
	else
		split_listen(vq, listen);
}

bool vq_has_more(struct virtqueue *vq)
{
	u16 flags;

	return vq->running && (vq->broken || poll_avail(vq, &flags));
}

int vq_pop(struct virtqueue *vq, struct vq_chain *c)
{
	u16 flags;
	int ret;

	if (vq->broken)
		return -EIO;
	if (!vq->running)
		return 0;
	ret = poll_avail(vq, &flags);
	if (!ret) {
		listen_to_driver(vq, true);
		full_barrier();
		ret = poll_avail(vq, &flags);
	}
	if (ret <= 0)
		return ret;
	/* Only a driver that offers a buffer twice gets here. */
	if (vq->inflight >= vq->size)
		return broken(vq, "more chains than the ring has entries");
	if (!vq->budget) {
		virtio_kick(vq->vd, vq->index);
		return 0;
	}
	vq->budget--;
	if (!vq->silent)
		listen_to_driver(vq, false);

	c->nr_out = 0;
	c->nr_in = 0;
	c->out_len = 0;
	c->in_len = 0;
	c->out_pos = 0;
	c->in_pos = 0;
	ret = vq->packed ? packed_chain(vq, c, flags) : split_chain(vq, c);
	if (ret > 0) {
		c->seq = vq->popped++;
		vq->inflight += c->nr_desc;
	}
	return ret;
}

void vq_unpop(struct virtqueue *vq, struct vq_chain *c)
{
	if (!vq->running)
		return;
	vq->popped--;
	vq->inflight -= c->nr_desc;
	if (!vq->packed) {
		vq->avail--;
	} else if (vq->avail >= c->nr_desc) {
		vq->avail -= c->nr_desc;
	} else {
		vq->avail += vq->size - c->nr_desc;
		vq->avail_wrap = !vq->avail_wrap;
	}
}

/* --- used chains, and notifications to the driver ------------------------------- */

static void split_use(struct virtqueue *vq, const struct vq_done *done)
{
	struct vring_used *used = vq->ring_device;
	struct vring_used_elem *elem = &used->ring[vq->used & (vq->size - 1)];

	store32(&elem->id, done->id);
	store32(&elem->len, done->len);
	vq->used++;
	vq->since_notify++;
	store16_release(&used->idx, vq->used);
}

static void packed_use(struct virtqueue *vq, const struct vq_done *done)
{
	struct vring_packed_desc *d = (struct vring_packed_desc *)vq->ring_desc + vq->used;
	u16 flags = vq->used_wrap ? PACKED_AVAIL | PACKED_USED : 0;

	if (done->len)
		flags |= VRING_DESC_F_WRITE;
	store16(&d->id, done->id);
	store32(&d->len, done->len);
	store16_release(&d->flags, flags);
	packed_advance(vq, &vq->used, &vq->used_wrap, done->nr_desc);
	vq->since_notify += done->nr_desc;
}

static void use(struct virtqueue *vq, const struct vq_done *done)
{
	if (vq->packed)
		packed_use(vq, done);
	else
		split_use(vq, done);
	vq->inflight -= done->nr_desc;
	vq->pushed++;
}

static void use_in_order(struct virtqueue *vq, u32 seq, const struct vq_done *done)
{
	struct vq_done *next;

	vq->done[seq % vq->size] = *done;
	for (;;) {
		next = &vq->done[vq->pushed % vq->size];
		if (!next->set)
			break;
		next->set = false;
		use(vq, next);
	}
}

void vq_push(struct virtqueue *vq, struct vq_chain *c)
{
	struct vq_done done = {
		.id = c->id,
		.len = min_t(size_t, c->in_pos, UINT32_MAX),
		.nr_desc = c->nr_desc,
		.set = true,
	};

	if (!vq->running || vq->broken)
		return;
	stats_add(&vq->stats.requests, 1);
	stats_add(&vq->stats.out, c->out_len);
	stats_add(&vq->stats.in, done.len);
	if (vq->in_order)
		use_in_order(vq, c->seq, &done);
	else
		use(vq, &done);
}

static bool split_wants_notify(struct virtqueue *vq)
{
	const struct vring_avail *avail = vq->ring_driver;

	if (!vq->event_idx)
		return !(load16(&avail->flags) & VRING_AVAIL_F_NO_INTERRUPT);
	return vring_need_event(load16(&avail->ring[vq->size]), vq->used,
				vq->used - vq->since_notify);
}

static bool packed_wants_notify(struct virtqueue *vq)
{
	const struct vring_packed_desc_event *event = vq->ring_driver;
	u16 off_wrap = load16(&event->off_wrap);
	u16 flags = load16(&event->flags) & 3;
	u16 off = off_wrap & (WRAP_BIT - 1);

	if (flags != VRING_PACKED_EVENT_FLAG_DESC || !vq->event_idx)
		return flags != VRING_PACKED_EVENT_FLAG_DISABLE;
	if (!!(off_wrap & WRAP_BIT) != vq->used_wrap)
		off -= vq->size;
	return vring_need_event(off, vq->used, vq->used - vq->since_notify);
}

void vq_notify(struct virtqueue *vq)
{
	bool wanted;

	if (!vq->running || !vq->since_notify)
		return;
	/* The driver sees what was used before we see what it wants. */
	full_barrier();
	vq_fetch_begin();
	wanted = vq->packed ? packed_wants_notify(vq) : split_wants_notify(vq);
	vq->since_notify = 0;
	if (!wanted)
		return;
	stats_add(&vq->stats.interrupts, 1);
	vq->vd->transport_ops->notify_queue(vq->vd, vq);
}

/* --- start and stop ------------------------------------------------------------- */

static void *map_ring(const struct gmem *gm, u64 gpa, size_t len, size_t align, bool write)
{
	struct iovec iov;

	if (gpa % align || gmem_iov(gm, gpa, len, write, &iov, 1) != 1)
		return NULL;
	return iov.iov_base;
}

static int map_rings(struct virtqueue *vq, const struct gmem *gm)
{
	size_t n = vq->size;

	if (vq->packed) {
		vq->ring_desc = map_ring(gm, vq->desc, n * 16, 16, true);
		vq->ring_driver = map_ring(gm, vq->driver, 4, 4, false);
		vq->ring_device = map_ring(gm, vq->device, 4, 4, true);
	} else {
		vq->ring_desc = map_ring(gm, vq->desc, n * 16, 16, false);
		vq->ring_driver = map_ring(gm, vq->driver, 6 + 2 * n, 2, false);
		vq->ring_device = map_ring(gm, vq->device, 6 + 8 * n, 4, true);
	}
	return vq->ring_desc && vq->ring_driver && vq->ring_device ? 0 : -EFAULT;
}

int vq_start(struct virtqueue *vq, const struct gmem *gm, u64 features)
{
	int ret;

	vq->packed = features >> VIRTIO_F_RING_PACKED & 1;
	vq->event_idx = features >> VIRTIO_RING_F_EVENT_IDX & 1;
	vq->indirect = features >> VIRTIO_RING_F_INDIRECT_DESC & 1;
	vq->in_order = features >> VIRTIO_F_IN_ORDER & 1;
	if (!vq->size || vq->size > vq->max_size || (!vq->packed && !is_power_of_2(vq->size)))
		return -EINVAL;
	ret = map_rings(vq, gm);
	if (ret)
		return ret;
	free(vq->done);
	vq->done = NULL;
	if (vq->in_order) {
		vq->done = calloc(vq->size, sizeof(*vq->done));
		if (!vq->done)
			return -ENOMEM;
	}
	vq->gm = gm;
	vq->avail = 0;
	vq->avail_seen = 0;
	vq->used = 0;
	vq->since_notify = 0;
	vq->avail_wrap = true;
	vq->used_wrap = true;
	vq->inflight = 0;
	vq->popped = 0;
	vq->pushed = 0;
	vq->broken = false;
	vq->silent = false;
	/* Without a thread that kicks, as in tests, there is nobody else to serve. */
	vq->budget = ~0U;
	vq->running = true;
	return 0;
}

void vq_stop(struct virtqueue *vq)
{
	vq->running = false;
	vq->broken = false;
	free(vq->done);
	vq->done = NULL;
	vq->ring_desc = NULL;
	vq->ring_driver = NULL;
	vq->ring_device = NULL;
}
