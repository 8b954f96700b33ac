// SPDX-License-Identifier: GPL-2.0
/*
 * virtio/device.c on each transport: status, features, config space, queues (virtio
 * 1.2, chapters 2 and 3).
 */
#include <kselftest_harness.h>

#include "echo_test.h"

#define S_ACK		VIRTIO_CONFIG_S_ACKNOWLEDGE
#define S_DRIVER	VIRTIO_CONFIG_S_DRIVER
#define S_FEATURES	VIRTIO_CONFIG_S_FEATURES_OK
#define S_OK		VIRTIO_CONFIG_S_DRIVER_OK
#define S_RESET		VIRTIO_CONFIG_S_NEEDS_RESET
#define S_FAILED	VIRTIO_CONFIG_S_FAILED
#define S_LIVE		(S_ACK | S_DRIVER | S_FEATURES | S_OK)

#define VERSION_1	BIT_ULL(VIRTIO_F_VERSION_1)
#define OFFERED		(VIRTIO_COMMON_FEATURES | BIT_ULL(ECHO_F_A) | BIT_ULL(ECHO_F_B))

/* --- status (2.1) --------------------------------------------------------------------- */

TEST_F(core, status_after_init)
{
	EXPECT_EQ(0, drv_status(&self->d));
}

TEST_F(core, status_bits_accumulate)
{
	drv_set_status(&self->d, S_ACK);
	EXPECT_EQ(S_ACK, drv_status(&self->d));
	drv_set_status(&self->d, S_DRIVER);
	EXPECT_EQ(S_ACK | S_DRIVER, drv_status(&self->d));
	drv_set_status(&self->d, S_FAILED);
	EXPECT_EQ(S_ACK | S_DRIVER | S_FAILED, drv_status(&self->d));
	drv_set_status(&self->d, 0);
	EXPECT_EQ(0, drv_status(&self->d));
}

TEST_F(core, status_not_the_drivers)
{
	drv_set_status(&self->d, S_ACK | S_RESET | 0x10 | 0x20);
	EXPECT_EQ(S_ACK, drv_status(&self->d));
}

/* All values a driver can write, from each state it can have led to. */
TEST_F(core, status_all)
{
	unsigned int first, second;
	u8 status, good = S_ACK | S_DRIVER | S_FEATURES | S_OK | S_FAILED;

	for (first = 1; first < 256; first++)
		for (second = 1; second < 256; second++) {
			drv_set_status(&self->d, 0);
			drv_accept(&self->d, VERSION_1);
			drv_set_status(&self->d, first);
			drv_set_status(&self->d, second);
			status = (first | second) & good;
			if (!((first | second) & S_FEATURES))
				status &= ~S_OK;
			else if (!(first & S_FEATURES) && !(second & S_OK))
				status &= ~S_OK;	/* it came too early */
			ASSERT_EQ(status, drv_status(&self->d));
			ASSERT_EQ(!!(status & S_OK), self->e->live);
		}
}

/* --- features (2.2) -------------------------------------------------------------------- */

TEST_F(core, features_offered)
{
	EXPECT_EQ(OFFERED, drv_features(&self->d));
	EXPECT_EQ(0, self->d.ops->features(&self->d, 2));
	EXPECT_EQ(0, self->d.ops->features(&self->d, ~0U));
	EXPECT_EQ((u32)OFFERED, self->d.ops->features(&self->d, 0));
}

/* From reset to FEATURES_OK with exactly these. */
static bool accepted(struct drv *d, u64 features)
{
	drv_set_status(d, 0);
	drv_set_status(d, S_ACK);
	drv_set_status(d, S_ACK | S_DRIVER);
	drv_accept(d, features);
	drv_set_status(d, S_ACK | S_DRIVER | S_FEATURES);
	return drv_status(d) & S_FEATURES;
}

TEST_F(core, features_not_offered)
{
	unsigned int bit;

	for (bit = 0; bit < 64; bit++) {
		u64 one = BIT_ULL(bit);

		if (bit == ECHO_F_B)
			continue;
		ASSERT_EQ(!!(OFFERED & one), accepted(&self->d, VERSION_1 | one));
		if (OFFERED & one)
			continue;
		/* And DRIVER_OK does not get round that. */
		drv_set_status(&self->d, S_ACK | S_DRIVER | S_OK);
		ASSERT_EQ(S_ACK | S_DRIVER, drv_status(&self->d));
		drv_set_status(&self->d, S_LIVE);
		ASSERT_EQ(S_ACK | S_DRIVER, drv_status(&self->d));
		ASSERT_FALSE(self->e->live);
	}
}

TEST_F(core, features_version_1)
{
	EXPECT_FALSE(accepted(&self->d, 0));
	EXPECT_FALSE(accepted(&self->d, OFFERED & ~VERSION_1));
	EXPECT_TRUE(accepted(&self->d, VERSION_1));
}

TEST_F(core, features_dependent)
{
	EXPECT_FALSE(accepted(&self->d, VERSION_1 | BIT_ULL(ECHO_F_B)));
	EXPECT_TRUE(accepted(&self->d, VERSION_1 | BIT_ULL(ECHO_F_A)));
	EXPECT_TRUE(accepted(&self->d, VERSION_1 | BIT_ULL(ECHO_F_A) | BIT_ULL(ECHO_F_B)));
}

/* A driver that was refused tries again with less. */
TEST_F(core, features_second_try)
{
	ASSERT_FALSE(accepted(&self->d, VERSION_1 | BIT_ULL(63)));
	drv_accept(&self->d, VERSION_1);
	drv_set_status(&self->d, S_ACK | S_DRIVER | S_FEATURES);
	EXPECT_TRUE(drv_status(&self->d) & S_FEATURES);
}

TEST_F(core, features_settled)
{
	u64 features = VERSION_1 | BIT_ULL(ECHO_F_A);

	ASSERT_TRUE(accepted(&self->d, features));
	drv_accept(&self->d, OFFERED);
	EXPECT_EQ(features, self->e->vd.features);
	drv_set_status(&self->d, S_LIVE);
	drv_accept(&self->d, 0);
	EXPECT_EQ(features, self->e->vd.features);
	EXPECT_EQ(S_LIVE, drv_status(&self->d));
}

/* Words there are not: nothing is stored anywhere. */
TEST_F(core, features_words)
{
	drv_accept(&self->d, VERSION_1);
	self->d.ops->accept(&self->d, 2, ~0U);
	self->d.ops->accept(&self->d, ~0U, ~0U);
	EXPECT_EQ(VERSION_1, self->e->vd.features);
}

TEST_F(core, features_after_reset)
{
	ASSERT_TRUE(accepted(&self->d, OFFERED));
	drv_set_status(&self->d, 0);
	drv_set_status(&self->d, S_ACK | S_DRIVER | S_FEATURES);
	EXPECT_FALSE(drv_status(&self->d) & S_FEATURES);
}

/* --- queues (2.6, 3.1) ------------------------------------------------------------------ */

TEST_F(core, queues_there_are)
{
	unsigned int q;

	for (q = 0; q < ECHO_QUEUES; q++)
		EXPECT_EQ(ECHO_SIZE, drv_queue_max(&self->d, q));
	EXPECT_EQ(0, drv_queue_max(&self->d, ECHO_QUEUES));
	EXPECT_EQ(0, drv_queue_max(&self->d, 0xffff));
}

TEST_F(core, works)
{
	unsigned int q, i;

	ASSERT_EQ(0, drv_setup(&self->d, variant->features));
	for (i = 0; i < 100; i++)
		for (q = 0; q < ECHO_QUEUES; q++) {
			ASSERT_TRUE(echo_works(&self->d, q, 1 + i));
			ASSERT_TRUE(drv_interrupted(&self->d, q));
		}
	EXPECT_FALSE(drv_config_interrupted(&self->d));
	EXPECT_EQ(S_LIVE, drv_status(&self->d));
}

TEST_F(core, sizes)
{
	u16 size;

	for (size = 1; size <= ECHO_SIZE; size++) {
		unsigned int i;

		if ((variant->features & DRV_SPLIT) == variant->features && size & (size - 1))
			continue;
		ASSERT_EQ(0, drv_setup_size(&self->d, variant->features, size));
		/* Two descriptors each. */
		for (i = 0; i < 20; i++)
			if (size > 1 || self->d.queue[0].indirect)
				ASSERT_TRUE(echo_works(&self->d, 1, 10));
	}
}

/* Nothing is used before DRIVER_OK, and nothing offered before is forgotten (3.1.1). */
TEST_F(core, before_driver_ok)
{
	u64 buf = drv_alloc(&self->d, 8);
	struct drv_seg seg = DRV_IN(buf, 8);

	ASSERT_EQ(0, drv_negotiate(&self->d, variant->features));
	ASSERT_EQ(0, drv_queue_setup(&self->d, 0, 0));
	ASSERT_EQ(0, drv_add(&self->d, 0, &seg, 1, self));
	drv_notify(&self->d, 0);
	drv_run(&self->d);
	EXPECT_FALSE(drv_used(&self->d, 0));
	EXPECT_FALSE(drv_interrupted(&self->d, 0));
	ASSERT_EQ(0, drv_start(&self->d));
	drv_run(&self->d);
	EXPECT_TRUE(drv_used(&self->d, 0));
	EXPECT_TRUE(drv_interrupted(&self->d, 0));
}

TEST_F(core, queue_not_enabled)
{
	ASSERT_EQ(0, drv_negotiate(&self->d, variant->features));
	ASSERT_EQ(0, drv_queue_setup(&self->d, 0, 0));
	ASSERT_EQ(0, drv_start(&self->d));
	drv_notify(&self->d, 1);
	drv_notify(&self->d, 0);
	drv_run(&self->d);
	EXPECT_FALSE(self->d.ops->queue_enabled(&self->d, 1));
	EXPECT_TRUE(self->d.ops->queue_enabled(&self->d, 0));
	EXPECT_TRUE(echo_works(&self->d, 0, 10));
	EXPECT_EQ(S_LIVE, drv_status(&self->d));
	/* Later is not too late (2.6.1). */
	ASSERT_EQ(0, drv_queue_setup(&self->d, 1, 0));
	EXPECT_TRUE(echo_works(&self->d, 1, 10));
}

TEST_F(core, queue_not_there)
{
	ASSERT_EQ(0, drv_setup(&self->d, variant->features));
	self->d.ops->queue_set(&self->d, ECHO_QUEUES - 1, 2, 0, 0, 0);
	self->d.ops->queue_enable(&self->d, 0xffff);
	EXPECT_FALSE(self->d.ops->queue_enabled(&self->d, 0xffff));
	EXPECT_FALSE(self->d.ops->queue_enabled(&self->d, ECHO_QUEUES));
	self->d.ops->queue_reset(&self->d, 0xffff);
	self->d.ops->queue_reset(&self->d, ECHO_QUEUES);
	EXPECT_EQ(S_LIVE, drv_status(&self->d));
	EXPECT_TRUE(echo_works(&self->d, 0, 10));
}

/* Nothing of a queue is taken before FEATURES_OK: the ring's format is not known. */
TEST_F(core, queue_before_features_ok)
{
	const struct virtqueue *vq = &self->e->vd.vqs[0];

	drv_set_status(&self->d, S_ACK | S_DRIVER);
	self->d.ops->queue_set(&self->d, 0, 4, 0x1000, 0x2000, 0x3000);
	self->d.ops->queue_enable(&self->d, 0);
	EXPECT_EQ(ECHO_SIZE, vq->size);
	EXPECT_EQ(0, vq->desc | vq->driver | vq->device);
	EXPECT_FALSE(vq->enabled);
}

/* A queue that cannot be: the device needs a reset, says so, and goes on after one. */
static bool refused(struct drv *d, u64 features, u16 size, u64 desc, u64 driver, u64 device)
{
	bool needs;

	if (drv_negotiate(d, features))
		return false;
	d->ops->queue_set(d, 0, size, desc, driver, device);
	d->ops->queue_enable(d, 0);
	drv_set_status(d, S_LIVE);
	drv_run(d);
	needs = drv_status(d) == (S_LIVE | S_RESET) && drv_config_interrupted(d);
	drv_notify(d, 0);
	drv_run(d);
	return needs && !drv_config_interrupted(d) && !drv_setup(d, features) &&
	       echo_works(d, 0, 10);
}

TEST_F(core, queue_impossible)
{
	struct drv *d = &self->d;
	u64 f = variant->features, desc = 0x1000, driver = 0x2000, device = 0x3000;

	d->brk = 0x10000;
	EXPECT_TRUE(refused(d, f, 0, desc, driver, device));
	EXPECT_TRUE(refused(d, f, ECHO_SIZE + 1, desc, driver, device));
	EXPECT_TRUE(refused(d, f, 0xffff, desc, driver, device));
	EXPECT_TRUE(refused(d, f & DRV_SPLIT, 3, desc, driver, device));
	EXPECT_TRUE(refused(d, f, 2, desc + 8, driver, device));
	EXPECT_TRUE(refused(d, f, 2, desc, driver + 1, device));
	EXPECT_TRUE(refused(d, f, 2, desc, driver, device + 2));
	EXPECT_TRUE(refused(d, f, 2, DRV_NOWHERE, driver, device));
	EXPECT_TRUE(refused(d, f, 2, desc, DRV_NOWHERE, device));
	EXPECT_TRUE(refused(d, f, 2, desc, driver, DRV_NOWHERE));
	EXPECT_TRUE(refused(d, f, 2, desc, driver, DRV_ROM));
	EXPECT_TRUE(refused(d, f, 2, -16ULL, -16ULL, -16ULL));
	EXPECT_TRUE(refused(d, f, 2, DRV_HIGH + DRV_HIGH_SIZE - 16, driver, device));
}

TEST_F(core, queue_beyond_4g)
{
	struct drv *d = &self->d;
	struct drv_ring *r = &d->queue[0];
	u64 buf = drv_alloc(d, 8);
	struct drv_seg seg = DRV_IN(buf, 8);

	ASSERT_EQ(0, drv_negotiate(d, variant->features));
	ASSERT_EQ(0, drv_queue_setup(d, 1, 0));
	*r = d->queue[1];
	memset(&d->queue[1], 0, sizeof(d->queue[1]));
	r->desc = DRV_HIGH;
	r->driver = DRV_HIGH + 0x1000;
	r->device = DRV_HIGH + 0x2000;
	drv_ring_init(r, d->features);
	d->ops->queue_set(d, 0, r->size, r->desc, r->driver, r->device);
	d->ops->queue_enable(d, 0);
	ASSERT_EQ(0, drv_start(d));
	EXPECT_TRUE(drv_request(d, 0, &seg, 1, NULL));
}

TEST_F(core, kick_anything)
{
	unsigned int q;

	ASSERT_EQ(0, drv_setup(&self->d, variant->features));
	if (variant->transport == DRV_MMIO)
		for (q = 0; q < 100; q++)
			drv_notify(&self->d, q * 0x01010101U);
	drv_notify(&self->d, 0);
	drv_run(&self->d);
	EXPECT_TRUE(echo_works(&self->d, 0, 10));
	EXPECT_EQ(S_LIVE, drv_status(&self->d));
}

/* --- config space (2.5) ------------------------------------------------------------------ */

TEST_F(core, config_read)
{
	unsigned int off, size, i;

	/* Before FEATURES_OK, before anything (2.5.2). */
	for (size = 1; size <= 4; size *= 2)
		for (off = 0; off < ECHO_CONFIG + 8; off += size) {
			u64 val = 0;

			for (i = 0; i < size; i++)
				if (off + i < ECHO_CONFIG)
					val |= (0x10ULL + off + i) << 8 * i;
			ASSERT_EQ(val, self->d.ops->config_read(&self->d, off, size));
		}
	EXPECT_EQ(0x1716151413121110ULL, drv_config_read64(&self->d, 0));
	EXPECT_EQ(0, self->d.ops->config_read(&self->d, VIRTIO_CONFIG_MAX - 4, 4));
	EXPECT_EQ(0, self->d.ops->config_read(&self->d, VIRTIO_CONFIG_MAX, 4));
}

TEST_F(core, config_write)
{
	ASSERT_EQ(0, drv_setup(&self->d, variant->features));
	drv_config_write8(&self->d, 0, 1);
	drv_config_write16(&self->d, 2, 0x0302);
	drv_config_write32(&self->d, 4, 0x07060504);
	EXPECT_EQ(0x0706050403021101ULL, drv_config_read64(&self->d, 0));
	EXPECT_EQ(3, self->e->config_writes);
	/* What the device does not take. */
	drv_config_write32(&self->d, 8, 0);
	EXPECT_EQ(0x1b1a1918, drv_config_read32(&self->d, 8));
	/* Beyond its end, and across it. */
	drv_config_write32(&self->d, ECHO_CONFIG, 1);
	drv_config_write8(&self->d, VIRTIO_CONFIG_MAX - 1, 1);
	drv_config_write32(&self->d, VIRTIO_CONFIG_MAX + 16, 1);
	self->d.ops->config_write(&self->d, ECHO_CONFIG - 4, 0, 8);
	EXPECT_EQ(4, self->e->config_writes);
	EXPECT_EQ(0, drv_config_read32(&self->d, ECHO_CONFIG));
	EXPECT_EQ(0x23222120, drv_config_read32(&self->d, ECHO_CONFIG - 4));
	EXPECT_FALSE(drv_config_interrupted(&self->d));
}

/* The driver sees that contents changed, each time, and is told when it is ready. */
TEST_F(core, config_change)
{
	u32 val = htole32(0xabcd0000), before, i;

	before = drv_generation(&self->d);
	virtio_config_set(&self->e->vd, 12, &val, 4);
	EXPECT_NE(before, drv_generation(&self->d));
	EXPECT_EQ(0xabcd0000, drv_config_read32(&self->d, 12));
	EXPECT_FALSE(drv_config_interrupted(&self->d));
	ASSERT_EQ(0, drv_setup(&self->d, variant->features));
	for (i = 0; i < 300; i++) {
		val = htole32(i);
		before = drv_generation(&self->d);
		ASSERT_EQ(before, drv_generation(&self->d));
		virtio_config_set(&self->e->vd, 12, &val, 4);
		ASSERT_NE(before, drv_generation(&self->d));
		ASSERT_EQ(i, drv_config_read32(&self->d, 12));
		ASSERT_TRUE(drv_config_interrupted(&self->d));
		ASSERT_FALSE(drv_interrupted(&self->d, 0));
	}
	before = drv_generation(&self->d);
	virtio_config_set_silent(&self->e->vd, 12, &val, 4);
	EXPECT_NE(before, drv_generation(&self->d));
	EXPECT_FALSE(drv_config_interrupted(&self->d));
}

TEST_HARNESS_MAIN
