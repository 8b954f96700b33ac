// SPDX-License-Identifier: GPL-2.0
/*
 * virtio/queue.c: notifications in both directions, against the formulas of virtio
 * 1.2, 2.7.7, 2.7.10 (split) and 2.8.10 (packed), for all values the other side can
 * write; and what there is of limits and odds: indexes that jump, stopping, rings
 * that cannot be.
 */
#include <kselftest_harness.h>

#include "vq.h"

#define EVENT_IDX	BIT_ULL(VIRTIO_RING_F_EVENT_IDX)
#define PACKED		BIT_ULL(VIRTIO_F_RING_PACKED)
#define INDIRECT	BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC)
#define IN_ORDER	BIT_ULL(VIRTIO_F_IN_ORDER)

FIXTURE(notify) {
	struct vqt t;
	struct drv_ring r;
};

FIXTURE_SETUP(notify)
{
	vqt_init(&self->t);
}

FIXTURE_TEARDOWN(notify)
{
	drv_ring_free(&self->r);
	vqt_end(&self->t);
}

/* An empty ring with an honest driver. */
static void start(FIXTURE_DATA(notify) *self, u16 size, u64 features)
{
	vqt_driver(&self->t, &self->r, size, features);
	if (vqt_start(&self->t, size, features))
		drv_die("no start");
}

/* Would vq_notify() interrupt after @since entries, the last before @used? */
static bool notifies(struct vqt *t, u16 used, bool wrap, u16 since)
{
	t->vq.used = used;
	t->vq.used_wrap = wrap;
	t->vq.since_notify = since;
	t->queue_irqs = 0;
	vq_notify(&t->vq);
	return t->queue_irqs;
}

/* 2.7.7.2: the chains since the last time include the one at used_event. */
TEST_F(notify, split_event)
{
	static const u16 news[] = { 0, 1, 2, 3, 4, 0x7fff, 0x8000, 0x8001, 0xfffe, 0xffff };
	unsigned int i, event, since, wrong = 0;

	start(self, 4, EVENT_IDX);
	for (i = 0; i < ARRAY_SIZE(news); i++)
		for (since = 1; since <= 4; since++)
			for (event = 0; event < 65536; event++) {
				u16 old = news[i] - since;
				bool want = (u16)(news[i] - event - 1) < (u16)(news[i] - old);

				drv_put16(&self->t.gm, drv_used_event(&self->r), event);
				wrong += want != notifies(&self->t, news[i], true, since);
			}
	EXPECT_EQ(0, wrong);
}

TEST_F(notify, split_flag)
{
	unsigned int flags;

	start(self, 4, 0);
	for (flags = 0; flags < 65536; flags++) {
		drv_put16(&self->t.gm, self->r.driver, flags);
		ASSERT_EQ(!(flags & VRING_AVAIL_F_NO_INTERRUPT),
			  notifies(&self->t, 7, true, 1));
	}
	/* Ignored with EVENT_IDX (2.7.7.2), as used_event is without. */
	drv_put16(&self->t.gm, self->r.driver, 0);
	drv_put16(&self->t.gm, drv_used_event(&self->r), 1000);
	EXPECT_TRUE(notifies(&self->t, 7, true, 1));
	start(self, 4, EVENT_IDX);
	drv_put16(&self->t.gm, self->r.driver, VRING_AVAIL_F_NO_INTERRUPT);
	drv_put16(&self->t.gm, drv_used_event(&self->r), 6);
	EXPECT_TRUE(notifies(&self->t, 7, true, 1));
}

TEST_F(notify, nothing_used)
{
	start(self, 4, 0);
	EXPECT_FALSE(notifies(&self->t, 0, true, 0));
	start(self, 4, PACKED);
	EXPECT_FALSE(notifies(&self->t, 0, true, 0));
	vq_stop(&self->t.vq);
	EXPECT_FALSE(notifies(&self->t, 0, true, 1));
}

/*
 * 2.8.10: is the slot of the event, in the lap of its wrap counter, one of those
 * written since? Walked through slot by slot.
 */
static bool packed_wants(u16 size, u16 used, bool wrap, u16 since, u16 event)
{
	while (since--) {
		if (!used) {
			used = size;
			wrap = !wrap;
		}
		used--;
		if ((event & 0x7fff) == used && event >> 15 == wrap)
			return true;
	}
	return false;
}

/* All events of a ring at one place: how many are judged otherwise. */
static unsigned int packed_wrong(FIXTURE_DATA(notify) *self, u16 used, bool wrap, u16 since)
{
	u16 size = self->r.size, slot, wrong = 0;
	unsigned int lap;

	for (slot = 0; slot < size; slot++)
		for (lap = 0; lap < 2; lap++) {
			u16 event = slot | lap << 15;

			drv_put16(&self->t.gm, self->r.driver, event);
			wrong += notifies(&self->t, used, wrap, since) !=
				 packed_wants(size, used, wrap, since, event);
		}
	return wrong;
}

TEST_F(notify, packed_event)
{
	u16 size, used, since;

	for (size = 1; size <= 4; size++) {
		start(self, size, PACKED | EVENT_IDX);
		drv_put16(&self->t.gm, self->r.driver + 2, VRING_PACKED_EVENT_FLAG_DESC);
		for (used = 0; used < size; used++)
			for (since = 1; since <= size; since++) {
				EXPECT_EQ(0, packed_wrong(self, used, false, since));
				EXPECT_EQ(0, packed_wrong(self, used, true, since));
			}
	}
}

/* Offsets that are no slot of the ring only cost interrupts, whatever they are. */
TEST_F(notify, packed_event_nowhere)
{
	unsigned int event;

	start(self, 3, PACKED | EVENT_IDX);
	drv_put16(&self->t.gm, self->r.driver + 2, VRING_PACKED_EVENT_FLAG_DESC);
	for (event = 0; event < 65536; event++) {
		drv_put16(&self->t.gm, self->r.driver, event);
		notifies(&self->t, 1, event & 1, 2);
		ASSERT_LE(self->t.queue_irqs, 1);
	}
	EXPECT_FALSE(vqt_needs_reset(&self->t));
}

TEST_F(notify, packed_flags)
{
	unsigned int flags;

	/* The upper 14 bits are reserved. Without EVENT_IDX there is no "desc". */
	start(self, 4, PACKED);
	for (flags = 0; flags < 65536; flags++) {
		drv_put16(&self->t.gm, self->r.driver + 2, flags);
		ASSERT_EQ((flags & 3) != VRING_PACKED_EVENT_FLAG_DISABLE,
			  notifies(&self->t, 2, true, 1));
	}
	start(self, 4, PACKED | EVENT_IDX);
	drv_put16(&self->t.gm, self->r.driver, 3 | 1 << 15);
	drv_put16(&self->t.gm, self->r.driver + 2, VRING_PACKED_EVENT_FLAG_ENABLE);
	EXPECT_TRUE(notifies(&self->t, 2, true, 1));
	drv_put16(&self->t.gm, self->r.driver + 2, VRING_PACKED_EVENT_FLAG_DISABLE);
	EXPECT_FALSE(notifies(&self->t, 2, true, 1));
	drv_put16(&self->t.gm, self->r.driver + 2, VRING_PACKED_EVENT_FLAG_DESC);
	EXPECT_FALSE(notifies(&self->t, 2, true, 1));
	EXPECT_TRUE(notifies(&self->t, 0, false, 1));
}

/* What the device wants to be told, once it has found nothing: at each place. */
TEST_F(notify, split_avail_event)
{
	struct drv_seg seg = DRV_IN(VQT_BUF, 8);
	unsigned int i;

	start(self, 2, EVENT_IDX);
	for (i = 0; i < 65536 + 2; i++) {
		ASSERT_EQ(0, vq_pop(&self->t.vq, &self->t.chain));
		ASSERT_EQ((u16)i, drv_get16(&self->t.gm, drv_avail_event(&self->r)));
		/* The flag is for those without EVENT_IDX (2.7.10.2). */
		ASSERT_EQ(0, drv_get16(&self->t.gm, self->r.device));
		ASSERT_EQ(0, drv_ring_add(&self->r, &seg, 1, self));
		ASSERT_TRUE(drv_ring_need_kick(&self->r));
		ASSERT_EQ(1, vq_pop(&self->t.vq, &self->t.chain));
		vq_push(&self->t.vq, &self->t.chain);
		ASSERT_EQ(self, drv_ring_get(&self->r, NULL));
	}
}

TEST_F(notify, split_no_notify)
{
	struct drv_seg seg = DRV_IN(VQT_BUF, 8);
	unsigned int i;

	start(self, 2, 0);
	for (i = 0; i < 10; i++) {
		ASSERT_EQ(0, vq_pop(&self->t.vq, &self->t.chain));
		ASSERT_EQ(0, drv_get16(&self->t.gm, self->r.device));
		ASSERT_EQ(0, drv_ring_add(&self->r, &seg, 1, self));
		ASSERT_EQ(1, vq_pop(&self->t.vq, &self->t.chain));
		ASSERT_EQ(VRING_USED_F_NO_NOTIFY, drv_get16(&self->t.gm, self->r.device));
		vq_push(&self->t.vq, &self->t.chain);
		ASSERT_EQ(self, drv_ring_get(&self->r, NULL));
	}
}

TEST_F(notify, packed_avail_event)
{
	struct drv_seg seg = DRV_IN(VQT_BUF, 8);
	bool wrap = true;
	unsigned int i;
	u16 slot = 0;

	start(self, 3, PACKED | EVENT_IDX);
	for (i = 0; i < 20; i++) {
		ASSERT_EQ(0, vq_pop(&self->t.vq, &self->t.chain));
		ASSERT_EQ(slot | wrap << 15, drv_get16(&self->t.gm, self->r.device));
		ASSERT_EQ(VRING_PACKED_EVENT_FLAG_DESC,
			  drv_get16(&self->t.gm, self->r.device + 2));
		ASSERT_EQ(0, drv_ring_add(&self->r, &seg, 1, self));
		ASSERT_TRUE(drv_ring_need_kick(&self->r));
		ASSERT_EQ(1, vq_pop(&self->t.vq, &self->t.chain));
		ASSERT_EQ(VRING_PACKED_EVENT_FLAG_DISABLE,
			  drv_get16(&self->t.gm, self->r.device + 2));
		vq_push(&self->t.vq, &self->t.chain);
		ASSERT_EQ(self, drv_ring_get(&self->r, NULL));
		slot = (slot + 1) % 3;
		wrap = slot ? wrap : !wrap;
	}
}

/* An available index more than a ring ahead of what was popped (2.7.6). */
TEST_F(notify, avail_jumps)
{
	static const u16 bases[] = { 0, 1, 0x7fff, 0xfffd, 0xffff };
	unsigned int i, idx;
	u16 size;

	for (size = 1; size <= 4; size *= 2)
		for (i = 0; i < ARRAY_SIZE(bases); i++)
			for (idx = 0; idx < 65536; idx++) {
				u16 ahead = idx - bases[i];
				int want = !ahead ? 0 : ahead <= size ? 1 : -EIO;

				vqt_start(&self->t, size, 0);
				drv_put_desc(&self->t.gm, VQT_DESC, VQT_BUF, 8, 0, 0);
				memset(vqt_mem(&self->t, VQT_DRIVER), 0, 6 + 2 * size);
				self->t.vq.avail = bases[i];
				self->t.vq.avail_seen = bases[i];
				drv_put16(&self->t.gm, VQT_DRIVER + 2, idx);
				ASSERT_EQ(!!want, vq_has_more(&self->t.vq));
				ASSERT_EQ(want, vq_pop(&self->t.vq, &self->t.chain));
				ASSERT_EQ(want < 0, self->t.config_irqs);
			}
}

/* A head that is offered again and again without having been used. */
TEST_F(notify, same_head_twice)
{
	u16 size, i;

	for (size = 1; size <= 4; size *= 2) {
		vqt_start(&self->t, size, 0);
		drv_put_desc(&self->t.gm, VQT_DESC, VQT_BUF, 8, 0, 0);
		memset(vqt_mem(&self->t, VQT_DRIVER), 0, 6 + 2 * size);
		drv_put16(&self->t.gm, VQT_DRIVER + 2, size);
		for (i = 0; i < size; i++)
			ASSERT_EQ(1, vq_pop(&self->t.vq, &self->t.chain));
		ASSERT_EQ(0, vq_pop(&self->t.vq, &self->t.chain));
		/* As many as the ring has entries, and no more. */
		drv_put16(&self->t.gm, VQT_DRIVER + 2, size + 1);
		ASSERT_EQ(-EIO, vq_pop(&self->t.vq, &self->t.chain));
		ASSERT_TRUE(vqt_needs_reset(&self->t));
		ASSERT_EQ(1, self->t.config_irqs);
	}
}

/* A packed ring whose slots are offered again before they were used. */
TEST_F(notify, packed_too_many)
{
	u16 size, i;

	for (size = 1; size <= 4; size++) {
		vqt_start(&self->t, size, PACKED);
		for (i = 0; i < size; i++)
			drv_put_packed(&self->t.gm, VQT_DESC + 16 * i, VQT_BUF, 8, 0,
				       drv_packed_avail(true));
		for (i = 0; i < size; i++)
			ASSERT_EQ(1, vq_pop(&self->t.vq, &self->t.chain));
		ASSERT_EQ(0, vq_pop(&self->t.vq, &self->t.chain));
		drv_put_packed(&self->t.gm, VQT_DESC, VQT_BUF, 8, 0, drv_packed_avail(false));
		ASSERT_EQ(-EIO, vq_pop(&self->t.vq, &self->t.chain));
		ASSERT_EQ(1, self->t.config_irqs);
	}
}

/* A chain of which a part lies in slots that are still in use. */
TEST_F(notify, packed_chain_into_used)
{
	u16 i;

	vqt_start(&self->t, 4, PACKED);
	for (i = 0; i < 4; i++)
		drv_put_packed(&self->t.gm, VQT_DESC + 16 * i, VQT_BUF, 8, 0,
			       drv_packed_avail(true) | (i ? VRING_DESC_F_NEXT : 0));
	ASSERT_EQ(1, vq_pop(&self->t.vq, &self->t.chain));
	ASSERT_EQ(-EIO, vq_pop(&self->t.vq, &self->t.chain));
}

TEST_F(notify, too_many_parts)
{
	struct drv_seg segs[4];
	unsigned int i, packed;

	for (i = 0; i < 4; i++)
		segs[i] = DRV_IN(VQT_BUF + 8 * i, 8);
	for (packed = 0; packed < 2; packed++) {
		start(self, 4, packed ? PACKED : 0);
		ASSERT_EQ(0, drv_ring_add(&self->r, segs, 4, self));
		vq_chain_init(&self->t.chain, self->t.iov, 3);
		ASSERT_EQ(-EIO, vq_pop(&self->t.vq, &self->t.chain));
		start(self, 4, packed ? PACKED : 0);
		ASSERT_EQ(0, drv_ring_add(&self->r, segs, 4, self));
		vq_chain_init(&self->t.chain, self->t.iov, 4);
		ASSERT_EQ(1, vq_pop(&self->t.vq, &self->t.chain));
	}
}

/* Chains in flight when the queue was stopped are nobody's. */
TEST_F(notify, push_after_stop)
{
	struct drv_seg seg = DRV_IN(VQT_BUF, 8);
	unsigned int i;

	for (i = 0; i < 4; i++) {
		start(self, 2, (i & 1 ? PACKED : 0) | (i & 2 ? IN_ORDER : 0));
		ASSERT_EQ(0, drv_ring_add(&self->r, &seg, 1, self));
		ASSERT_EQ(1, vq_pop(&self->t.vq, &self->t.chain));
		vq_stop(&self->t.vq);
		vq_push(&self->t.vq, &self->t.chain);
		vq_unpop(&self->t.vq, &self->t.chain);
		vq_notify(&self->t.vq);
		EXPECT_FALSE(drv_ring_ready(&self->r));
		EXPECT_EQ(0, self->t.queue_irqs);
		EXPECT_EQ(0, vq_pop(&self->t.vq, &self->t.chain));
		EXPECT_FALSE(vq_has_more(&self->t.vq));
		EXPECT_FALSE(vqt_needs_reset(&self->t));
	}
}

TEST_F(notify, break_queue)
{
	struct drv_seg seg = DRV_IN(VQT_BUF, 8);

	start(self, 2, 0);
	ASSERT_EQ(0, drv_ring_add(&self->r, &seg, 1, self));
	vq_break(&self->t.vq, "a request without sense");
	EXPECT_TRUE(vqt_needs_reset(&self->t));
	EXPECT_EQ(1, self->t.config_irqs);
	EXPECT_EQ(-EIO, vq_pop(&self->t.vq, &self->t.chain));
	vq_break(&self->t.vq, "another one");
	EXPECT_EQ(1, self->t.config_irqs);
}

/* Rings of impossible size, alignment or place. */
TEST_F(notify, start)
{
	static const u64 bad[] = { VQT_NOWHERE, VQT_END, -16ULL, 1ULL << 63 };
	struct vqt *t = &self->t;
	unsigned int i;

	EXPECT_EQ(-EINVAL, vqt_start(t, 0, 0));
	EXPECT_EQ(-EINVAL, vqt_start(t, 3, 0));
	EXPECT_EQ(0, vqt_start(t, 3, PACKED));
	EXPECT_EQ(-EINVAL, vqt_start(t, 0, PACKED));
	EXPECT_EQ(-EINVAL, vqt_start(t, VQ_MAX_SIZE + 1, PACKED));
	EXPECT_EQ(-EINVAL, vqt_start(t, 2 * VQ_MAX_SIZE, 0));
	t->vq.max_size = 4;
	EXPECT_EQ(-EINVAL, vqt_start(t, 8, 0));
	EXPECT_EQ(-EINVAL, vqt_start(t, 5, PACKED));
	for (i = 0; i < ARRAY_SIZE(bad) * 3; i++) {
		u64 *field[] = { &t->vq.desc, &t->vq.driver, &t->vq.device };
		u64 *f = field[i % 3], old = *f;

		*f = bad[i / 3];
		EXPECT_EQ(-EFAULT, vqt_start(t, 1, 0));
		EXPECT_EQ(-EFAULT, vqt_start(t, 1, PACKED));
		*f = old;
	}
	/* The device writes to one area of a split ring, and to two of a packed one. */
	t->vq.desc = VQT_ROM;
	EXPECT_EQ(0, vqt_start(t, 1, 0));
	EXPECT_NE(0, vqt_start(t, 1, PACKED));
	t->vq.desc = VQT_DESC;
	t->vq.driver = VQT_ROM;
	EXPECT_EQ(0, vqt_start(t, 1, 0));
	EXPECT_EQ(0, vqt_start(t, 1, PACKED));
	t->vq.driver = VQT_DRIVER;
	t->vq.device = VQT_ROM;
	EXPECT_NE(0, vqt_start(t, 1, 0));
	EXPECT_NE(0, vqt_start(t, 1, PACKED));
}

TEST_F(notify, alignment)
{
	struct vqt *t = &self->t;
	unsigned int off;

	for (off = 1; off < 16; off++) {
		t->vq.desc = VQT_DESC + off;
		EXPECT_NE(0, vqt_start(t, 1, 0));
		EXPECT_NE(0, vqt_start(t, 1, PACKED));
		t->vq.desc = VQT_DESC;
		t->vq.driver = VQT_DRIVER + off;
		EXPECT_EQ(off % 2 == 0, !vqt_start(t, 1, 0));
		EXPECT_EQ(off % 4 == 0, !vqt_start(t, 1, PACKED));
		t->vq.driver = VQT_DRIVER;
		t->vq.device = VQT_DEVICE + off;
		EXPECT_EQ(off % 4 == 0, !vqt_start(t, 1, 0));
		EXPECT_EQ(off % 4 == 0, !vqt_start(t, 1, PACKED));
		t->vq.device = VQT_DEVICE;
	}
}

TEST_HARNESS_MAIN
