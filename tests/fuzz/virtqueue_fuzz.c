// SPDX-License-Identifier: GPL-2.0
/*
 * A queue whose rings the guest fills with anything, at any time. The input is the
 * format and size of the ring, then steps: bytes for the rings' memory, and what the
 * device does. Whatever is in there: chains lie in guest memory and are bounded, the
 * device owns no more of them than the ring has entries, and a ring that is broken
 * stays broken and has asked for a reset.
 */
#include <string.h>

#include <linux/bits.h>
#include <linux/kernel.h>
#include <linux/sizes.h>
#include <linux/virtio_ring.h>
#include <vmtool/virtio.h>

#include "fuzz.h"
#include "input.h"
#include "../unit/vq.h"

#define AREA		0x800U		/* what the steps write to: rings, tables */
#define MAX_CHAINS	16
#define SMALL_SIZE	16

enum step { WRITE, WRITE_DESC, POP, UNPOP, PUSH, NOTIFY, HAS_MORE, COPY, IOV, ADVANCE, NR_STEPS };

struct held {
	struct vq_chain c;
	struct iovec iov[VQT_IOV];
};

/**
 * struct game - the queue and what the device holds
 * @last: the chain popped last is still held, and nothing was pushed since
 */
struct game {
	struct vqt t;
	struct held held[MAX_CHAINS];
	unsigned int nr_held;
	bool last;
};

static bool in_guest(const struct gmem *gm, const struct iovec *iov, bool write)
{
	int i;

	for (i = 0; i < gm->nr; i++) {
		const struct gmem_slot *s = &gm->slots[i];
		size_t off = (u8 *)iov->iov_base - s->hva;

		if ((u8 *)iov->iov_base >= s->hva && off < s->size)
			return iov->iov_len <= s->size - off && !(write && s->type == GMEM_ROM);
	}
	return false;
}

static void check_chain(struct game *g, const struct vq_chain *c)
{
	size_t out = 0, in = 0;
	u16 i;

	CHECK(c->nr_out + c->nr_in <= c->max_iov);
	for (i = 0; i < c->nr_out + c->nr_in; i++) {
		CHECK(c->iov[i].iov_len);
		CHECK(in_guest(&g->t.gm, &c->iov[i], i >= c->nr_out));
		*(i < c->nr_out ? &out : &in) += c->iov[i].iov_len;
	}
	CHECK(out == c->out_len && in == c->in_len);
	CHECK(!c->out_pos && !c->in_pos);
	CHECK(c->nr_desc && c->nr_desc <= g->t.vq.size);
}

static void pop(struct game *g)
{
	struct held *h = &g->held[g->nr_held];
	bool broken = g->t.vq.broken;
	int ret;

	if (g->nr_held == MAX_CHAINS)
		return;
	vq_chain_init(&h->c, h->iov, VQT_IOV);
	ret = vq_pop(&g->t.vq, &h->c);
	CHECK(!broken || ret == -EIO);
	if (ret == 1) {
		check_chain(g, &h->c);
		g->nr_held++;
		g->last = true;
	}
	CHECK(g->nr_held <= g->t.vq.size);
}

static void unpop(struct game *g)
{
	if (!g->last)
		return;
	vq_unpop(&g->t.vq, &g->held[--g->nr_held].c);
	g->last = false;
}

static void push(struct game *g, u8 which, u8 len)
{
	struct held *h;

	if (!g->nr_held)
		return;
	h = &g->held[which % g->nr_held];
	vq_write(&h->c, NULL, len);
	vq_push(&g->t.vq, &h->c);
	*h = g->held[--g->nr_held];
	h->c.iov = h->iov;
	g->last = false;
}

static void copy(struct game *g, u8 which, u8 len)
{
	struct vq_chain *c;
	u8 buf[256];
	size_t left;

	if (!g->nr_held)
		return;
	c = &g->held[which % g->nr_held].c;
	left = vq_out_left(c);
	CHECK(vq_read(c, buf, len) == min_t(size_t, len, left));
	memset(buf, len, sizeof(buf));
	left = vq_in_left(c);
	CHECK(vq_write(c, buf, len) == min_t(size_t, len, left));
	vq_write_at(c, which, buf, len);
}

static void take_iov(struct game *g, u8 which, u8 skip)
{
	struct iovec iov[VQT_IOV];
	struct vq_chain *c;
	int n, i;

	if (!g->nr_held)
		return;
	c = &g->held[which % g->nr_held].c;
	n = vq_iov(c, which & 0x80, skip, SIZE_MAX, iov, VQT_IOV);
	CHECK(n >= 0 && n <= VQT_IOV);
	for (i = 0; i < n; i++)
		CHECK(in_guest(&g->t.gm, &iov[i], which & 0x80));
}

/* Bytes of the input, anywhere in the area. */
static void write_bytes(struct game *g, struct input *in)
{
	u16 at = get16(in) % AREA;
	u8 n = get8(in) % 64, *mem = vqt_mem(&g->t, VQT_DESC);

	while (n-- && left(in))
		mem[at++ % AREA] = get8(in);
}

/* A descriptor of the kind that gets further: its address is memory, most often. */
static void write_desc(struct game *g, struct input *in)
{
	static const u64 places[] = {
		VQT_BUF, VQT_RAM2 - 8, VQT_ROM, VQT_DESC, VQT_TABLE, VQT_END - 4, VQT_NOWHERE, ~7ULL
	};
	struct vring_desc desc;
	u8 at = get8(in) % (AREA / sizeof(desc)), kind = get8(in);

	desc.addr = htole64(places[kind % 8] + (kind >> 3));
	desc.len = htole32(get8(in));
	desc.flags = htole16(get16(in));
	desc.next = htole16(get8(in));
	memcpy(vqt_mem(&g->t, VQT_DESC + sizeof(desc) * at), &desc, sizeof(desc));
}

/* What makes the next chain available, as an honest driver would say it. */
static void advance(struct game *g, u8 arg)
{
	struct virtqueue *vq = &g->t.vq;
	u8 *desc = vqt_mem(&g->t, VQT_DESC + 16ULL * vq->avail);
	u16 flags;

	if (!vq->packed) {
		drv_put16(&g->t.gm, VQT_DRIVER + 4 + 2 * (vq->avail_seen & (vq->size - 1)), arg);
		drv_put16(&g->t.gm, VQT_DRIVER + 2, vq->avail_seen + 1);
		return;
	}
	memcpy(&flags, desc + 14, sizeof(flags));
	flags = (le16toh(flags) & 0x7f7f) | drv_packed_avail(vq->avail_wrap);
	flags = htole16(flags);
	memcpy(desc + 14, &flags, sizeof(flags));
}

static void one_step(struct game *g, struct input *in)
{
	u8 a, b;

	switch (get8(in) % NR_STEPS) {
	case WRITE:
		write_bytes(g, in);
		break;
	case WRITE_DESC:
		write_desc(g, in);
		break;
	case POP:
		pop(g);
		break;
	case UNPOP:
		unpop(g);
		break;
	case PUSH:
		a = get8(in);
		b = get8(in);
		push(g, a, b);
		break;
	case NOTIFY:
		vq_notify(&g->t.vq);
		break;
	case HAS_MORE:
		vq_has_more(&g->t.vq);
		break;
	case COPY:
		a = get8(in);
		b = get8(in);
		copy(g, a, b);
		break;
	case IOV:
		a = get8(in);
		b = get8(in);
		take_iov(g, a, b);
		break;
	case ADVANCE:
		advance(g, get8(in));
		break;
	}
}

static void check_state(const struct game *g)
{
	const struct virtqueue *vq = &g->t.vq;

	CHECK(vq->inflight <= vq->size);
	CHECK(vq->broken == vqt_needs_reset(&g->t));
	CHECK(g->t.config_irqs == vq->broken);
	if (vq->packed) {
		CHECK(vq->avail < vq->size);
		CHECK(vq->used < vq->size);
	}
}

static u64 features_of(u8 bits)
{
	return (bits & 1 ? BIT_ULL(VIRTIO_F_RING_PACKED) : 0) |
	       (bits & 2 ? BIT_ULL(VIRTIO_RING_F_EVENT_IDX) : 0) |
	       (bits & 4 ? BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC) : 0) |
	       (bits & 8 ? BIT_ULL(VIRTIO_F_IN_ORDER) : 0);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct input in = { .data = data, .len = size };
	struct game *g = calloc(1, sizeof(*g));
	u16 entries;
	u8 bits;

	CHECK(g);
	vqt_init(&g->t);
	bits = get8(&in);
	entries = get8(&in) % (SMALL_SIZE + 1);
	if (!vqt_start(&g->t, entries, features_of(bits))) {
		while (left(&in)) {
			one_step(g, &in);
			check_state(g);
		}
	}
	vqt_end(&g->t);
	free(g);
	return 0;
}
