/* SPDX-License-Identifier: GPL-2.0 */
/*
 * All shapes of chains in rings of up to four descriptors, within the bounds below,
 * against a model: a chain that is right comes out exactly, one that is not makes
 * the device need a reset, once, and has no other effect.
 *
 * A case is built while the model walks through it: what it does not get to see is
 * a descriptor that looks good. Bounds: sizes 1, 2 and 4 (split), 1 to 4 (packed);
 * each head, each combination of flags, each "next" that is in range and two that are
 * not, each kind of buffer of enum buf_kind, indirect tables of up to three entries
 * and of each impossible size in table_len[].
 *
 * Included by virtqueue_shapes_test.c and virtqueue_fetch_test.c.
 */
#include <kselftest_harness.h>

#include "vq.h"

/*
 * What virtqueue_fetch_test.c adds: it is told of the begin and of the end of a case,
 * and may say what is wrong with it.
 */
#ifndef SHAPES_WATCHED
static inline void shape_begin(void) { }
static inline const char *shape_end(bool loops) { return NULL; }
static inline bool same_memory(const void *now, const void *before, size_t len)
{
	return !memcmp(now, before, len);
}
#endif

#define F_NEXT		VRING_DESC_F_NEXT
#define F_WRITE		VRING_DESC_F_WRITE
#define F_INDIRECT	VRING_DESC_F_INDIRECT

#define FEATURE_PACKED		BIT_ULL(VIRTIO_F_RING_PACKED)
#define FEATURE_INDIRECT	BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC)
#define FEATURE_EVENT_IDX	BIT_ULL(VIRTIO_RING_F_EVENT_IDX)

#define MAX_SEGS	8
#define MAX_TABLE	3
#define PROBED		0x600		/* bytes of rings, tables and buffers looked after */

enum buf_kind {
	BUF_OK,
	BUF_EMPTY,		/* no length; the address does not matter then */
	BUF_CROSS,		/* from one slot of memory into the next */
	BUF_ROM,		/* wrong for the device to write */
	BUF_NOWHERE,
	BUF_HALF,		/* begins in memory, ends outside */
	BUF_WRAP,		/* ends beyond 2^64 */
	BUF_HUGE,
	NR_BUF_KINDS
};

/**
 * struct shape - a case and what the model makes of it
 * @o: choices
 * @t: queue
 * @size: entries of the ring
 * @indirect: negotiated
 * @valid: the chain is right so far
 * @loops: it comes to a descriptor for the second time
 * @head: head (split) or buffer id (packed)
 * @nr_desc: descriptors in the ring
 * @segs: what the chain has to be
 */
struct shape {
	struct odo *o;
	struct vqt *t;
	u16 size;
	bool indirect;
	bool valid;
	bool loops;
	u16 head;
	u16 nr_desc;
	unsigned int nr_segs;
	struct drv_seg segs[MAX_SEGS];
};

/* Kinds of buffers in tables. */
static unsigned int table_kinds(const struct shape *s)
{
	return s->size < 3 ? BUF_NOWHERE + 1 : BUF_EMPTY + 1;
}

/* Address and length of a buffer; false when it cannot be one. */
static bool make_buf(struct shape *s, enum buf_kind kind, bool in, struct drv_seg *seg)
{
	seg->in = in;
	seg->addr = VQT_BUF + 16 * s->nr_segs;
	seg->len = 16;
	switch (kind) {
	case BUF_OK:
		return true;
	case BUF_EMPTY:
		seg->addr = VQT_NOWHERE;
		seg->len = 0;
		return true;
	case BUF_CROSS:
		seg->addr = VQT_RAM2 - 8;
		return true;
	case BUF_ROM:
		seg->addr = VQT_ROM + 16 * s->nr_segs;
		return !in;
	case BUF_NOWHERE:
		seg->addr = VQT_NOWHERE;
		return false;
	case BUF_HALF:
		seg->addr = VQT_END - 8;
		return false;
	case BUF_WRAP:
		seg->addr = -8ULL;
		return false;
	default:
		seg->len = ~0U;
		return false;
	}
}

/* A buffer of the chain; false when the chain is wrong with it. */
static bool take_buf(struct shape *s, unsigned int nr_kinds, bool in, struct drv_seg *seg)
{
	unsigned int last = s->nr_segs;

	if (!make_buf(s, choose(s->o, nr_kinds), in, seg))
		return false;
	/* All that is read comes before all that is written. */
	if (!in && last && s->segs[last - 1].in)
		return false;
	if (seg->len)
		s->segs[s->nr_segs++] = *seg;
	return true;
}

/* The last one for rings of less than three entries alone. */
static const u32 table_len[] = {
	16, 32, 0, 1, 15, 17, 16 * (VQ_MAX_SIZE + 1), 0x80000000, 0xfffffff0, 48
};

/* Tables need no alignment. */
static const u64 table_addr[] = { VQT_TABLE, VQT_TABLE + 1, VQT_NOWHERE, VQT_END - 8, -16ULL };

/* Picks a table: its number of entries, 0 when it is impossible. */
static unsigned int take_table(struct shape *s, u16 flags, struct drv_seg *table)
{
	table->addr = VQT_TABLE;
	table->len = 16;
	/* Not negotiated, or with F_NEXT: wrong, whatever there is. */
	if (!s->indirect || (flags & F_NEXT))
		return 0;
	table->len = table_len[choose(s->o, ARRAY_SIZE(table_len) - (s->size > 2))];
	if (!table->len || table->len % 16 || table->len > 16 * VQ_MAX_SIZE)
		return 0;
	table->addr = choose_from(s->o, table_addr);
	return table->addr <= VQT_TABLE + 1 ? table->len / 16 : 0;
}

/* --- split -------------------------------------------------------------------------- */

/* "next": in range, the first that is not, and the largest. */
static u16 choose_next(struct shape *s, unsigned int nr)
{
	u32 next = choose(s->o, nr + 2);

	return next == nr + 1 ? 0xffff : next;
}

/* Walks through the @nr descriptors at @at, and fills in those it gets to see. */
static void walk_split(struct shape *s, u64 at, unsigned int nr, u16 i, bool in_table,
		       unsigned int nr_kinds)
{
	unsigned int seen = 0, entries;

	for (;;) {
		struct drv_seg seg = { 0 };
		u16 flags, next = 0xaaaa;

		s->loops = i < nr && seen >> i & 1;
		s->valid = i < nr && !s->loops;
		if (!s->valid)
			return;
		seen |= 1U << i;
		flags = choose(s->o, 8);
		if (flags & F_INDIRECT) {
			entries = in_table ? 0 : take_table(s, flags, &seg);
			drv_put_desc(&s->t->gm, at + 16 * i, seg.addr, seg.len, flags, 0);
			s->valid = entries;
			if (entries)
				walk_split(s, seg.addr, entries, 0, true, table_kinds(s));
			return;
		}
		s->valid = take_buf(s, nr_kinds, flags & F_WRITE, &seg);
		if (s->valid && (flags & F_NEXT))
			next = choose_next(s, nr);
		drv_put_desc(&s->t->gm, at + 16 * i, seg.addr, seg.len, flags, next);
		if (!s->valid || !(flags & F_NEXT))
			return;
		i = next;
	}
}

/* Who reads what the model did not get to see finds a good descriptor, and is caught. */
static void poison(struct vqt *t)
{
	const struct vring_desc good = { .addr = htole64(VQT_BUF), .len = htole32(16) };
	struct vring_desc *desc = vqt_mem(t, VQT_DESC);
	unsigned int i;

	for (i = 0; i < PROBED / sizeof(good); i++)
		desc[i] = good;
}

/*
 * Where merging is possible it has happened or not: only the bytes and their order
 * count (2.6.4).
 */
static bool same_bytes(struct vqt *t, const struct shape *s)
{
	const struct vq_chain *c = &t->chain;
	unsigned int i, part = 0;
	size_t left = 0, out = 0, in = 0;
	u8 *at = NULL;

	if (c->nr_out + c->nr_in > VQT_IOV)
		return false;
	for (i = 0; i < s->nr_segs; i++) {
		const struct drv_seg *seg = &s->segs[i];
		u32 pos;

		for (pos = 0; pos < seg->len; pos++, at++, left--) {
			struct iovec iov;

			if (!left) {
				bool written = part >= c->nr_out;

				if (part == c->nr_out + c->nr_in || written != seg->in)
					return false;
				at = c->iov[part].iov_base;
				left = c->iov[part++].iov_len;
			}
			if (gmem_iov(&t->gm, seg->addr + pos, 1, false, &iov, 1) != 1 ||
			    iov.iov_base != at)
				return false;
		}
		*(seg->in ? &in : &out) += seg->len;
	}
	return !left && part == c->nr_out + c->nr_in && c->out_len == out && c->in_len == in &&
	       !c->out_pos && !c->in_pos;
}

/* What is wrong with the outcome of a case, NULL when it is what has to be. */
static const char *judge(struct shape *s, int ret, int expected, const void *before)
{
	struct vqt *t = s->t;

	if (ret != expected)
		return ret < 0 ? "broken" : ret ? "a chain" : "nothing";
	if (ret == -EIO) {
		if (!vqt_needs_reset(t) || t->config_irqs != 1)
			return "broken, and no reset asked for";
		if (vq_pop(&t->vq, &t->chain) != -EIO || t->config_irqs != 1)
			return "a broken ring that is used again";
		vq_push(&t->vq, &t->chain);
		vq_notify(&t->vq);
		if (t->queue_irqs)
			return "an interrupt of a broken ring";
		if (!same_memory(vqt_mem(t, VQT_DESC), before, PROBED))
			return "a broken ring that was written to";
		return NULL;
	}
	if (vqt_needs_reset(t) || t->config_irqs)
		return "a reset asked for";
	if (ret == 1 && !same_bytes(t, s))
		return "another chain";
	return NULL;
}

static void print_case(const struct shape *s, const char *what, const char *name)
{
	unsigned int i;

	fprintf(stderr, "%s, size %u, choices", name, s->size);
	for (i = 0; i < s->o->at; i++)
		fprintf(stderr, " %u", s->o->digit[i]);
	fprintf(stderr, ": %s, but the model says %s\n", what, s->valid ? "valid" : "wrong");
}

/* Used entries of the split ring: exactly this chain, at this place. */
static const char *judge_split_used(struct shape *s, u16 base)
{
	struct vqt *t = s->t;
	struct vring_used *used = vqt_mem(t, VQT_DEVICE);
	const struct vring_used_elem *elem = &used->ring[base & (s->size - 1)];

	vq_write(&t->chain, NULL, 5);
	vq_push(&t->vq, &t->chain);
	if (le16toh(used->idx) != (u16)(base + 1))
		return "a wrong used index";
	if (le32toh(elem->id) != s->head || le32toh(elem->len) != t->chain.in_pos)
		return "a wrong used element";
	return NULL;
}

static const char *try_split(struct shape *s, u16 base, unsigned int nr_kinds)
{
	struct vqt *t = s->t;
	struct vring_avail *avail = vqt_mem(t, VQT_DRIVER);
	struct vring_used *used = vqt_mem(t, VQT_DEVICE);
	u8 before[PROBED];
	const char *what;
	int ret;

	s->nr_segs = 0;
	s->loops = false;
	poison(t);
	s->head = choose_next(s, s->size);
	/* No flags, since a "broken" that they cause would be seen as such. */
	avail->flags = 0;
	avail->idx = htole16(base + 1);
	avail->ring[base & (s->size - 1)] = htole16(s->head);
	used->idx = htole16(base);
	walk_split(s, VQT_DESC, s->size, s->head, false, nr_kinds);
	ret = vqt_start(t, s->size, s->indirect ? FEATURE_INDIRECT | FEATURE_EVENT_IDX :
			FEATURE_EVENT_IDX);
	if (ret)
		return "no start";
	t->vq.avail = base;
	t->vq.avail_seen = base;
	t->vq.used = base;
	memcpy(before, vqt_mem(t, VQT_DESC), PROBED);
	shape_begin();
	ret = vq_pop(&t->vq, &t->chain);
	what = shape_end(s->loops);
	if (!what)
		what = judge(s, ret, s->valid ? 1 : -EIO, before);
	if (!what && ret == 1)
		what = judge_split_used(s, base);
	return what;
}

/* All shapes of this size; the number of cases, 0 after a failure. */
static u64 all_split(u16 size, bool indirect, u16 base, unsigned int nr_kinds)
{
	struct odo o = { .nr = 0 };
	struct vqt *t = malloc(sizeof(*t));
	struct shape s = { .o = &o, .t = t, .size = size, .indirect = indirect };
	const char *what;
	u64 runs = 0;

	vqt_init(t);
	do {
		what = try_split(&s, base, nr_kinds);
		if (what)
			print_case(&s, what, "split");
	} while (!what && odo_next(&o));
	if (!what)
		runs = o.runs;
	vqt_end(t);
	free(t);
	return runs;
}

TEST(split_1)
{
	EXPECT_LT(20, all_split(1, false, 0, NR_BUF_KINDS));
	EXPECT_LT(1000, all_split(1, true, 0, NR_BUF_KINDS));
	EXPECT_LT(1000, all_split(1, true, 0xffff, NR_BUF_KINDS));
}

TEST(split_2)
{
	static const u16 base[] = { 0, 1, 0x7fff, 0x8000, 0xfffe, 0xffff };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(base); i++) {
		EXPECT_LT(100, all_split(2, false, base[i], NR_BUF_KINDS));
		EXPECT_LT(1000, all_split(2, true, base[i], NR_BUF_KINDS));
	}
}

TEST(split_4)
{
	u64 runs = all_split(4, false, 3, NR_BUF_KINDS);

	EXPECT_LT(10000, runs);
	TH_LOG("%llu cases", (unsigned long long)runs);
}

TEST(split_4_indirect)
{
	u64 runs = all_split(4, true, 0xfffe, BUF_EMPTY + 1);

	EXPECT_LT(10000, runs);
	TH_LOG("%llu cases", (unsigned long long)runs);
}

/* --- packed ------------------------------------------------------------------------- */

/* Only the order and the write flags of the table count (2.8.7). */
static void walk_packed_table(struct shape *s, u64 at, unsigned int entries)
{
	struct drv_seg seg = { 0 };
	unsigned int i;

	for (i = 0; i < entries && s->valid; i++) {
		u16 flags = choose(s->o, 8);

		s->valid = take_buf(s, table_kinds(s), flags & F_WRITE, &seg);
		drv_put_packed(&s->t->gm, at + 16 * i, seg.addr, seg.len, 0xbbbb, flags);
	}
}

/* From a slot on, which is available as @bits say. */
static void walk_packed(struct shape *s, u16 slot, bool wrap, u16 room, unsigned int nr_kinds)
{
	s->nr_desc = 0;
	for (;;) {
		struct drv_seg seg = { 0 };
		unsigned int entries;
		u16 flags, bits = drv_packed_avail(wrap);
		u64 at = VQT_DESC + 16 * slot;

		s->valid = s->nr_desc < room;
		if (!s->valid)
			return;
		/* Those of the others were written before the head was offered. */
		if (s->nr_desc && choose(s->o, 2))
			bits ^= 1 << VRING_PACKED_DESC_F_AVAIL;
		flags = choose(s->o, 8);
		s->nr_desc++;
		if (flags & F_INDIRECT) {
			entries = take_table(s, flags, &seg);
			drv_put_packed(&s->t->gm, at, seg.addr, seg.len, s->head, flags | bits);
			s->valid = entries;
			if (entries)
				walk_packed_table(s, seg.addr, entries);
			return;
		}
		s->valid = take_buf(s, nr_kinds, flags & F_WRITE, &seg);
		drv_put_packed(&s->t->gm, at, seg.addr, seg.len, s->head, flags | bits);
		if (!s->valid || !(flags & F_NEXT))
			return;
		if (++slot == s->size) {
			slot = 0;
			wrap = !wrap;
		}
	}
}

static const char *judge_packed_used(struct shape *s, u16 slot, bool wrap)
{
	struct vqt *t = s->t;
	struct vring_packed_desc *d = vqt_mem(t, VQT_DESC + 16 * slot);
	u16 next = slot + s->nr_desc;
	u16 bits;

	vq_write(&t->chain, NULL, 5);
	vq_push(&t->vq, &t->chain);
	bits = le16toh(d->flags) >> VRING_PACKED_DESC_F_AVAIL & 1;
	bits |= (le16toh(d->flags) >> VRING_PACKED_DESC_F_USED & 1) << 1;
	if (bits != (wrap ? 3 : 0))
		return "wrong flags of a used descriptor";
	if (le16toh(d->id) != s->head || le32toh(d->len) != t->chain.in_pos)
		return "a wrong used descriptor";
	if (t->vq.used != next % s->size || t->vq.used_wrap != (next < s->size ? wrap : !wrap))
		return "a wrong place of the next used descriptor";
	if (t->vq.avail != t->vq.used || t->vq.avail_wrap != t->vq.used_wrap)
		return "a wrong place of the next available descriptor";
	return NULL;
}

static const u16 packed_id[] = { 0, 0xffff };

static const char *try_packed(struct shape *s, u16 slot, bool wrap, unsigned int nr_kinds)
{
	struct vqt *t = s->t;
	struct vring_packed_desc_event *event = vqt_mem(t, VQT_DRIVER);
	u64 features = FEATURE_PACKED | FEATURE_EVENT_IDX;
	u8 before[PROBED];
	const char *what;
	int ret;

	s->nr_segs = 0;
	s->loops = false;
	poison(t);
	event->flags = 0;
	s->head = choose_from(s->o, packed_id);
	walk_packed(s, slot, wrap, s->size, nr_kinds);
	ret = vqt_start(t, s->size, s->indirect ? features | FEATURE_INDIRECT : features);
	if (ret)
		return "no start";
	t->vq.avail = slot;
	t->vq.avail_wrap = wrap;
	t->vq.used = slot;
	t->vq.used_wrap = wrap;
	/* That the device does not want to be notified may be said before the chain is read. */
	memset(vqt_mem(t, VQT_DEVICE), 0, 4);
	t->vq.silent = true;
	memcpy(before, vqt_mem(t, VQT_DESC), PROBED);
	shape_begin();
	ret = vq_pop(&t->vq, &t->chain);
	what = shape_end(s->loops);
	if (!what)
		what = judge(s, ret, s->valid ? 1 : -EIO, before);
	if (!what && ret == 1)
		what = judge_packed_used(s, slot, wrap);
	return what;
}

static u64 all_packed(u16 size, bool indirect, u16 slot, bool wrap, unsigned int nr_kinds)
{
	struct odo o = { .nr = 0 };
	struct vqt *t = malloc(sizeof(*t));
	struct shape s = { .o = &o, .t = t, .size = size, .indirect = indirect };
	const char *what;
	u64 runs = 0;

	vqt_init(t);
	do {
		what = try_packed(&s, slot, wrap, nr_kinds);
		if (what)
			print_case(&s, what, "packed");
	} while (!what && odo_next(&o));
	if (!what)
		runs = o.runs;
	vqt_end(t);
	free(t);
	return runs;
}

TEST(packed_1_2_3)
{
	u16 size, slot;

	for (size = 1; size <= 3; size++) {
		unsigned int kinds = size < 3 ? NR_BUF_KINDS : BUF_NOWHERE + 1;

		for (slot = 0; slot < size; slot++) {
			EXPECT_LT(40, all_packed(size, false, slot, true, kinds));
			EXPECT_LT(1000, all_packed(size, true, slot, true, BUF_CROSS));
			EXPECT_LT(1000, all_packed(size, true, slot, false, BUF_CROSS));
		}
	}
}

TEST(packed_4)
{
	u64 runs = all_packed(4, true, 2, true, BUF_EMPTY + 1);

	EXPECT_LT(10000, runs);
	TH_LOG("%llu cases", (unsigned long long)runs);
	EXPECT_LT(1000, all_packed(4, false, 3, false, BUF_ROM));
}

/* The head's two bits and the wrap counter, in all combinations (2.8.1). */
TEST(packed_bits)
{
	struct vqt *t = malloc(sizeof(*t));
	u16 size, slot;
	int wrap, bits;

	vqt_init(t);
	for (size = 1; size <= 4; size++)
		for (slot = 0; slot < size; slot++)
			for (wrap = 0; wrap < 2; wrap++)
				for (bits = 0; bits < 4; bits++) {
					bool avail = bits & 1, used = bits >> 1;

					poison(t);
					memset(vqt_mem(t, VQT_DRIVER), 0, 4);
					ASSERT_EQ(0, vqt_start(t, size, FEATURE_PACKED));
					t->vq.avail = slot;
					t->vq.avail_wrap = wrap;
					drv_put_packed(&t->gm, VQT_DESC + 16 * slot, VQT_BUF, 16, 1,
						       avail << VRING_PACKED_DESC_F_AVAIL |
						       used << VRING_PACKED_DESC_F_USED);
					EXPECT_EQ(avail == wrap && used != wrap,
						  vq_pop(&t->vq, &t->chain));
					EXPECT_FALSE(vqt_needs_reset(t));
				}
	vqt_end(t);
	free(t);
}

TEST_HARNESS_MAIN
