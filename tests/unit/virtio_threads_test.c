// SPDX-License-Identifier: GPL-2.0
/*
 * Devices whose threads run, as in a machine: requests, resets while they are under
 * way, notifications from several vCPUs.
 */
#include <kselftest_harness.h>

#include "echo.h"
#include "virtio_driver.h"

FIXTURE(threads) {
	struct drv d;
	struct echo *e;
	bool gone;
};

FIXTURE_VARIANT(threads) {
	DRV_VARIANT;
};

#define DRV_FIXTURE threads
#include "virtio_variants.h"

FIXTURE_SETUP(threads)
{
	self->e = echo_create(true);
	self->e->destroyed = &self->gone;
	ASSERT_EQ(0, drv_init_running(&self->d, variant->transport, &self->e->vd));
}

FIXTURE_TEARDOWN(threads)
{
	drv_end(&self->d);
	EXPECT_TRUE(self->gone);
}

#define BUFFERS	(128 * ECHO_QUEUES)

/* Fills a queue; each has buffers of its own, as they are served side by side. */
static void fill(struct drv *d, unsigned int q, u64 bufs)
{
	u64 buf = bufs + 128 * q;
	struct drv_seg segs[] = { DRV_OUT(buf, 16), DRV_IN(buf + 64, 16) };

	while (!drv_add(d, q, segs, 2, d))
		;
	drv_kick(d, q);
}

static bool takes_one(struct drv *d, unsigned int q)
{
	return drv_wait_used(d, q, 10000) && drv_get(d, q, NULL) == d;
}

TEST_F(threads, requests)
{
	u64 buf = drv_alloc(&self->d, BUFFERS);
	unsigned int i, q;

	ASSERT_EQ(0, drv_setup(&self->d, variant->features));
	for (i = 0; i < 2000; i++)
		for (q = 0; q < ECHO_QUEUES; q++) {
			fill(&self->d, q, buf);
			ASSERT_TRUE(takes_one(&self->d, q));
		}
	for (q = 0; q < ECHO_QUEUES; q++)
		while (drv_ring_pending(drv_queue(&self->d, q)))
			ASSERT_TRUE(takes_one(&self->d, q));
}

/* Whatever the threads are doing: on return they do not do it any more. */
TEST_F(threads, reset_under_load)
{
	u64 buf = drv_alloc(&self->d, BUFFERS);
	unsigned int i, q;
	u8 *mem = drv_ptr(&self->d, buf, BUFFERS);

	for (i = 0; i < 300; i++) {
		ASSERT_EQ(0, drv_setup(&self->d, variant->features));
		memset(mem, 1, BUFFERS);
		for (q = 0; q < ECHO_QUEUES; q++)
			fill(&self->d, q, buf);
		if (i % 3 == 0)
			ASSERT_TRUE(takes_one(&self->d, i % ECHO_QUEUES));
		drv_set_status(&self->d, 0);
		ASSERT_EQ(0, drv_status(&self->d));
		memset(mem, 0, BUFFERS);
		ASSERT_FALSE(self->e->live);
		for (q = 0; q < ECHO_QUEUES; q++)
			ASSERT_EQ(0, mem[128 * q + 64 + 15]);
	}
	EXPECT_EQ(300, self->e->resets);
}

TEST_F(threads, queue_reset_under_load)
{
	u64 buf = drv_alloc(&self->d, BUFFERS);
	unsigned int i;

	ASSERT_EQ(0, drv_setup(&self->d, variant->features));
	for (i = 0; i < 300; i++) {
		fill(&self->d, 0, buf);
		fill(&self->d, 1, buf);
		self->d.ops->queue_reset(&self->d, 0);
		ASSERT_FALSE(self->d.ops->queue_enabled(&self->d, 0));
		ASSERT_TRUE(takes_one(&self->d, 1));
		ASSERT_EQ(0, drv_queue_setup(&self->d, 0, 4));
	}
	fill(&self->d, 0, buf);
	EXPECT_TRUE(takes_one(&self->d, 0));
}

/* Other vCPUs notify all the time, also while the device is reset. */
struct noise {
	struct drv *d;
	bool stop;
};

static void *make_noise(void *arg)
{
	struct noise *n = arg;
	u64 addr[ECHO_QUEUES];
	unsigned int q = 0;

	for (q = 0; q < ECHO_QUEUES; q++)
		addr[q] = n->d->pci.notify + q * (u64)n->d->pci.multiplier;
	while (!__atomic_load_n(&n->stop, __ATOMIC_ACQUIRE)) {
		q = (q + 1) % ECHO_QUEUES;
		if (n->d->pci.notify)
			drv_bus_write(n->d, addr[q], q, 2);
		else
			drv_bus_write(n->d, n->d->base + VIRTIO_MMIO_QUEUE_NOTIFY, q, 4);
	}
	return NULL;
}

TEST_F(threads, notified_all_the_time)
{
	struct noise noise = { .d = &self->d };
	u64 buf = drv_alloc(&self->d, BUFFERS);
	pthread_t thread;
	unsigned int i;

	ASSERT_EQ(0, pthread_create(&thread, NULL, make_noise, &noise));
	for (i = 0; i < 100; i++) {
		ASSERT_EQ(0, drv_setup(&self->d, variant->features));
		fill(&self->d, i % ECHO_QUEUES, buf);
		ASSERT_TRUE(takes_one(&self->d, i % ECHO_QUEUES));
		drv_set_status(&self->d, 0);
		ASSERT_EQ(0, drv_status(&self->d));
	}
	__atomic_store_n(&noise.stop, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
}

TEST_HARNESS_MAIN
