// SPDX-License-Identifier: GPL-2.0
/*
 * Resets at any moment, of devices (virtio 1.2, 2.4) and of single queues (2.6.1);
 * devices that need one (2.1.2).
 */
#include <kselftest_harness.h>

#include "echo_test.h"

#define S_NEEDS_RESET	VIRTIO_CONFIG_S_NEEDS_RESET
#define MARK		0xa5

/* Requests for the echo device that end in a marked buffer. */
struct flight {
	u64 in;
	unsigned int nr;
};

static bool take_off(struct drv *d, unsigned int q, unsigned int nr, struct flight *f)
{
	u64 out = drv_alloc(d, 16);
	unsigned int i;

	memset(drv_ptr(d, out, 16), 1, 16);
	f->nr = nr;
	f->in = drv_alloc(d, 64 * nr);
	memset(drv_ptr(d, f->in, 64 * nr), MARK, 64 * nr);
	for (i = 0; i < nr; i++) {
		struct drv_seg segs[] = { DRV_OUT(out, 16), DRV_IN(f->in + 64 * i, 64) };

		if (drv_add(d, q, segs, 2, f))
			return false;
	}
	drv_notify(d, q);
	drv_run(d);
	return true;
}

static bool untouched(struct drv *d, const struct flight *f)
{
	const u8 *p = drv_ptr(d, f->in, 64 * f->nr);
	unsigned int i;

	for (i = 0; i < 64 * f->nr; i++)
		if (p[i] != MARK)
			return false;
	return true;
}

/* With requests in the device's hands: they are nobody's afterwards. */
TEST_F(core, in_flight)
{
	struct flight f[ECHO_QUEUES];
	unsigned int i, q;

	for (i = 0; i < 20; i++) {
		ASSERT_EQ(0, drv_setup(&self->d, variant->features));
		self->e->hold = true;
		for (q = 0; q < ECHO_QUEUES; q++)
			ASSERT_TRUE(take_off(&self->d, q, 1 + i % 4, &f[q]));
		ASSERT_EQ(ECHO_QUEUES * (1 + i % 4), self->e->nr_held);
		drv_set_status(&self->d, 0);
		ASSERT_EQ(0, drv_status(&self->d));
		ASSERT_EQ(i + 1, self->e->resets);
		ASSERT_EQ(0, self->e->nr_held);
		drv_run(&self->d);
		for (q = 0; q < ECHO_QUEUES; q++) {
			ASSERT_TRUE(untouched(&self->d, &f[q]));
			ASSERT_FALSE(drv_used(&self->d, q));
			ASSERT_FALSE(drv_interrupted(&self->d, q));
		}
		self->e->hold = false;
		ASSERT_EQ(0, drv_setup(&self->d, variant->features));
		ASSERT_TRUE(echo_works(&self->d, i % ECHO_QUEUES, 30));
		drv_reset(&self->d);
		self->e->resets--;
	}
}

/* After each step of the initialization, and with notifications that still wait. */
TEST_F(core, at_each_step)
{
	u64 buf = drv_alloc(&self->d, 8);
	struct drv_seg seg = DRV_IN(buf, 8);
	unsigned int step;
	u8 status = 0;

	for (step = 0; step < 12; step++) {
		drv_set_status(&self->d, 0);
		status = 0;
		if (step > 0)
			drv_set_status(&self->d, status |= VIRTIO_CONFIG_S_ACKNOWLEDGE);
		if (step > 1)
			drv_set_status(&self->d, status |= VIRTIO_CONFIG_S_DRIVER);
		if (step > 2)
			drv_accept(&self->d, drv_features(&self->d) & variant->features);
		if (step > 3)
			drv_set_status(&self->d, status |= VIRTIO_CONFIG_S_FEATURES_OK);
		self->d.features = self->e->vd.features;
		if (step > 4)
			drv_queue_setup(&self->d, 0, 0);
		if (step > 5)
			drv_add(&self->d, 0, &seg, 1, self);
		if (step > 6)
			drv_notify(&self->d, 0);
		if (step > 7)
			drv_set_status(&self->d, status |= VIRTIO_CONFIG_S_DRIVER_OK);
		if (step > 8)
			drv_run(&self->d);
		if (step > 9)
			drv_notify(&self->d, 0);
		if (step > 10)
			drv_run(&self->d);
		drv_set_status(&self->d, 0);
		ASSERT_EQ(0, drv_status(&self->d));
		drv_run(&self->d);
		ASSERT_FALSE(self->e->live);
		ASSERT_FALSE(self->e->vd.vqs[0].enabled);
		ASSERT_EQ(self->e->activations, self->e->resets);
	}
	ASSERT_EQ(0, drv_setup(&self->d, variant->features));
	EXPECT_TRUE(echo_works(&self->d, 0, 30));
}

TEST_F(core, registers_after_reset)
{
	unsigned int q;

	ASSERT_EQ(0, drv_setup_size(&self->d, variant->features, 4));
	drv_set_status(&self->d, 0);
	EXPECT_EQ(0, self->e->vd.features);
	for (q = 0; q < ECHO_QUEUES; q++) {
		const struct virtqueue *vq = &self->e->vd.vqs[q];

		EXPECT_FALSE(self->d.ops->queue_enabled(&self->d, q));
		EXPECT_FALSE(self->d.ops->queue_in_reset(&self->d, q));
		EXPECT_EQ(ECHO_SIZE, drv_queue_max(&self->d, q));
		EXPECT_EQ(0, vq->desc | vq->driver | vq->device);
		EXPECT_FALSE(vq->running);
	}
}

/* Interrupts that nobody took are gone as well. */
TEST_F(core, interrupts_after_reset)
{
	u32 val = 0;

	ASSERT_EQ(0, drv_setup(&self->d, variant->features));
	EXPECT_TRUE(echo_works(&self->d, 0, 30));
	virtio_config_set(&self->e->vd, 12, &val, 4);
	drv_set_status(&self->d, 0);
	EXPECT_EQ(0, variant->transport == DRV_MMIO ?
		  drv_mmio_read(&self->d, VIRTIO_MMIO_INTERRUPT_STATUS) :
		  drv_bus_read(&self->d, self->d.pci.isr, 1));
}

/* A hundred times a second driver, as in unbind and bind. */
TEST_F(core, again_and_again)
{
	unsigned int i;

	for (i = 0; i < 100; i++) {
		ASSERT_EQ(0, drv_setup_size(&self->d, variant->features, 2 << i % 3));
		ASSERT_TRUE(echo_works(&self->d, i % ECHO_QUEUES, i + 1));
		drv_reset(&self->d);
	}
	EXPECT_EQ(100, self->e->activations);
	EXPECT_EQ(100, self->e->resets);
}

/* The machine's reset (devices_reset()) is the same as the driver's. */
TEST_F(core, of_the_machine)
{
	struct flight f;

	ASSERT_EQ(0, drv_setup(&self->d, variant->features));
	self->e->hold = true;
	ASSERT_TRUE(take_off(&self->d, 0, 2, &f));
	devices_reset(&self->d.vm);
	EXPECT_EQ(0, self->e->nr_held);
	EXPECT_EQ(1, self->e->resets);
	EXPECT_FALSE(self->e->live);
	EXPECT_TRUE(untouched(&self->d, &f));
	EXPECT_EQ(0, virtio_status(&self->e->vd));
}

TEST_F(core, destroyed_in_flight)
{
	struct flight f;

	ASSERT_EQ(0, drv_setup(&self->d, variant->features));
	self->e->hold = true;
	ASSERT_TRUE(take_off(&self->d, 0, 3, &f));
	EXPECT_EQ(3, self->e->nr_held);
}

TEST_F(core, activation_fails)
{
	self->e->fail_activate = -ENOMEM;
	EXPECT_EQ(-EIO, drv_setup(&self->d, variant->features));
	EXPECT_TRUE(drv_config_interrupted(&self->d));
	drv_notify(&self->d, 0);
	drv_run(&self->d);
	EXPECT_EQ(0, self->e->served);
	EXPECT_EQ(0, self->e->activations);
	self->e->fail_activate = 0;
	ASSERT_EQ(0, drv_setup(&self->d, variant->features));
	EXPECT_EQ(0, self->e->resets);
	EXPECT_TRUE(echo_works(&self->d, 0, 30));
}

/* --- one queue (2.6.1) ----------------------------------------------------------------- */

#define RING_RESET	BIT_ULL(VIRTIO_F_RING_RESET)

TEST_F(core, queue_reset)
{
	struct flight f[2];

	ASSERT_EQ(0, drv_setup(&self->d, variant->features));
	self->e->hold = true;
	ASSERT_TRUE(take_off(&self->d, 0, 2, &f[0]));
	ASSERT_TRUE(take_off(&self->d, 1, 2, &f[1]));
	self->d.ops->queue_reset(&self->d, 1);
	EXPECT_FALSE(self->d.ops->queue_in_reset(&self->d, 1));
	EXPECT_FALSE(self->d.ops->queue_enabled(&self->d, 1));
	EXPECT_EQ(1, self->e->queue_resets);
	EXPECT_EQ(2, self->e->nr_held);
	/* Nobody serves it now. */
	drv_notify(&self->d, 1);
	drv_run(&self->d);
	EXPECT_FALSE(drv_used(&self->d, 1));
	EXPECT_TRUE(untouched(&self->d, &f[1]));
	/* The other one has not noticed. */
	while (self->e->nr_held)
		echo_release(self->e, 0);
	EXPECT_EQ(&f[0], drv_get(&self->d, 0, NULL));
	EXPECT_EQ(&f[0], drv_get(&self->d, 0, NULL));
	/* And it comes back with another size. */
	self->e->hold = false;
	EXPECT_EQ(ECHO_SIZE, drv_queue_max(&self->d, 1));
	ASSERT_EQ(0, drv_queue_setup(&self->d, 1, 2));
	EXPECT_TRUE(self->d.ops->queue_enabled(&self->d, 1));
	EXPECT_FALSE(self->d.ops->queue_in_reset(&self->d, 1));
	EXPECT_TRUE(echo_works(&self->d, 1, 30));
	EXPECT_TRUE(echo_works(&self->d, 0, 30));
	EXPECT_EQ(0, drv_status(&self->d) & S_NEEDS_RESET);
	EXPECT_EQ(1, self->e->activations);
	EXPECT_EQ(0, self->e->resets);
}

TEST_F(core, queue_reset_not_negotiated)
{
	struct flight f;

	ASSERT_EQ(0, drv_setup(&self->d, variant->features & ~RING_RESET));
	self->e->hold = true;
	ASSERT_TRUE(take_off(&self->d, 0, 2, &f));
	self->d.ops->queue_reset(&self->d, 0);
	EXPECT_TRUE(self->d.ops->queue_enabled(&self->d, 0));
	EXPECT_EQ(0, self->e->queue_resets);
	EXPECT_EQ(2, self->e->nr_held);
}

TEST_F(core, queue_reset_again)
{
	unsigned int i;

	ASSERT_EQ(0, drv_setup(&self->d, variant->features));
	for (i = 0; i < 50; i++) {
		ASSERT_TRUE(echo_works(&self->d, 2, 30));
		self->d.ops->queue_reset(&self->d, 2);
		/* A second one finds nothing to do. */
		self->d.ops->queue_reset(&self->d, 2);
		ASSERT_EQ(i + 1, self->e->queue_resets);
		ASSERT_EQ(0, drv_queue_setup(&self->d, 2, 2 << i % 3));
	}
	EXPECT_TRUE(echo_works(&self->d, 2, 30));
}

/* A queue that is enabled, but does not run yet. */
TEST_F(core, queue_reset_before_driver_ok)
{
	ASSERT_EQ(0, drv_negotiate(&self->d, variant->features));
	ASSERT_EQ(0, drv_queue_setup(&self->d, 0, 4));
	self->d.ops->queue_reset(&self->d, 0);
	EXPECT_FALSE(self->d.ops->queue_enabled(&self->d, 0));
	EXPECT_EQ(0, self->e->queue_resets);
	ASSERT_EQ(0, drv_queue_setup(&self->d, 0, 8));
	ASSERT_EQ(0, drv_start(&self->d));
	EXPECT_TRUE(echo_works(&self->d, 0, 30));
}

/* --- devices that need a reset (2.1.2) --------------------------------------------------- */

/* Makes the ring of a queue one that cannot be. */
static void ruin(struct drv *d, unsigned int q)
{
	struct drv_ring *r = &d->queue[q];
	u16 i;

	for (i = 0; i < r->size; i++) {
		if (r->packed)
			drv_put_packed(r->gm, r->desc + 16 * i, DRV_NOWHERE, 16, 0,
				       drv_packed_avail(r->avail_wrap ^ (i < r->avail)));
		else
			drv_put_desc(r->gm, r->desc + 16 * i, DRV_NOWHERE, 16, 0, 0);
	}
	if (!r->packed)
		drv_put16(r->gm, r->driver + 2, r->avail + 1);
	drv_notify(d, q);
	drv_run(d);
}

TEST_F(core, needs_reset)
{
	struct flight f;

	ASSERT_EQ(0, drv_setup(&self->d, variant->features));
	ASSERT_TRUE(echo_works(&self->d, 1, 30));
	drv_forget_interrupts(&self->d);
	ruin(&self->d, 1);
	EXPECT_TRUE(drv_status(&self->d) & S_NEEDS_RESET);
	EXPECT_TRUE(drv_config_interrupted(&self->d));
	EXPECT_FALSE(drv_interrupted(&self->d, 1));
	EXPECT_EQ(1, self->e->broken);
	/* Said once, and the driver cannot take the bit away. */
	ruin(&self->d, 1);
	ruin(&self->d, 2);
	EXPECT_FALSE(drv_config_interrupted(&self->d));
	drv_set_status(&self->d, 0xf);
	EXPECT_TRUE(drv_status(&self->d) & S_NEEDS_RESET);
	/* The queue that was not ruined goes on until the reset. */
	EXPECT_TRUE(take_off(&self->d, 0, 1, &f));
	EXPECT_EQ(&f, drv_get(&self->d, 0, NULL));
	ASSERT_EQ(0, drv_setup(&self->d, variant->features));
	EXPECT_EQ(0, drv_status(&self->d) & S_NEEDS_RESET);
	EXPECT_TRUE(echo_works(&self->d, 1, 30));
	EXPECT_TRUE(echo_works(&self->d, 2, 30));
}

/* A device may find itself out of order before there is anybody to tell. */
TEST_F(core, needs_reset_early)
{
	virtio_needs_reset(&self->e->vd, "a test");
	EXPECT_FALSE(drv_config_interrupted(&self->d));
	ASSERT_EQ(0, drv_setup(&self->d, variant->features));
	EXPECT_TRUE(echo_works(&self->d, 0, 30));
}

TEST_HARNESS_MAIN
