// SPDX-License-Identifier: GPL-2.0
/*
 * virtio/blk.c: resets in the middle of I/O, several queues, broken rings, options.
 */
#include <dirent.h>

#include <kselftest_harness.h>

#include "blk_dev.h"
#include "capture.h"

FIXTURE(blk) {
	struct blk_dev t;
	struct capture c;
};

FIXTURE_VARIANT(blk) { DRV_VARIANT; };

#define DRV_FIXTURE blk
#include "virtio_variants.h"

FIXTURE_SETUP(blk)
{
	memset(self, 0, sizeof(*self));
	ASSERT_EQ(0, blk_dev_image(&self->t));
	capture_begin(&self->c);
}

FIXTURE_TEARDOWN(blk)
{
	capture_end(&self->c);
	blk_dev_end(&self->t);
}

static const char * const engines[] = { ",io=auto", ",io=threads", ",io=auto,direct" };

/* Requests of all kinds, as many as fit. */
static void add_many(struct blk_dev *t, unsigned int q)
{
	unsigned int i;

	for (i = 0; i < BLK_DEPTH / 4; i++) {
		u64 addr = t->data + i * SZ_16K;

		blk_dev_add(t, q, i, i % 4 == 3 ? VIRTIO_BLK_T_FLUSH :
			    i % 4 ? VIRTIO_BLK_T_IN : VIRTIO_BLK_T_OUT, i * 8, addr,
			    i % 4 == 3 ? 0 : SZ_16K);
	}
	drv_kick(&t->d, q);
}

static void paint(struct blk_dev *t)
{
	memset(blk_dev_ptr(t, t->data), 0x99, BLK_BYTES);
}

static bool painted(struct blk_dev *t)
{
	const u8 *buf = blk_dev_ptr(t, t->data);
	unsigned int i;

	for (i = 0; i < BLK_BYTES; i++)
		if (buf[i] != 0x99)
			return false;
	return true;
}

static unsigned int entries(const char *path)
{
	DIR *dir = opendir(path);
	unsigned int n = 0;

	while (dir && readdir(dir))
		n++;
	closedir(dir);
	return n;
}

TEST_F(blk, reset_in_the_middle)
{
	struct blk_dev *t = &self->t;
	unsigned int e, i, fds = 0;

	for (e = 0; e < ARRAY_SIZE(engines); e++) {
		ASSERT_EQ(0, blk_dev_open(t, variant->transport, engines[e]));
		for (i = 0; i < 40; i++) {
			ASSERT_EQ(0, drv_setup(&t->d, variant->features));
			add_many(t, 0);
			/* Started, under way, or some of it done. */
			if (i % 4)
				iothread_poll(&t->d.vd->threads[0]);
			if (i % 4 > 1)
				usleep(i * 20);
			drv_reset(&t->d);
			paint(t);
			if (i % 10 == 9)
				usleep(5000);
			drv_run(&t->d);
			ASSERT_TRUE(painted(t));
			/* The first rounds start what is started once. */
			if (i == 4)
				fds = entries("/proc/self/fd");
			if (i > 4)
				EXPECT_EQ(fds, entries("/proc/self/fd"));
		}
		ASSERT_EQ(0, drv_setup(&t->d, variant->features));
		EXPECT_EQ(VIRTIO_BLK_S_OK, blk_dev_do(t, VIRTIO_BLK_T_IN, 0, t->data, 4096));
		drv_end(&t->d);
	}
}

/* What would keep the host busy for long is done in parts: a reset need not wait. */
TEST_F(blk, reset_of_huge_requests)
{
	struct blk_dev *t = &self->t;
	struct drv_seg segs[128];
	unsigned int e, i;

	ASSERT_EQ(0, truncate(t->path, 1ULL << 40));
	for (e = 0; e < 2; e++) {
		ASSERT_EQ(0, blk_dev_open(t, variant->transport, engines[e]));
		ASSERT_EQ(0, drv_setup(&t->d, variant->features | BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC)));
		segs[0] = DRV_OUT(t->hdr[0], 16);
		for (i = 1; i < 127; i++)
			segs[i] = DRV_IN(SZ_8M, SZ_8M);
		segs[127] = DRV_IN(t->status[0], 1);
		blk_dev_header(t, 0, VIRTIO_BLK_T_IN, 0);
		for (i = 0; i < 16; i++)
			ASSERT_EQ(0, drv_add(&t->d, 0, segs, 128, t));
		drv_kick(&t->d, 0);
		iothread_poll(&t->d.vd->threads[0]);
		EXPECT_FALSE(drv_used(&t->d, 0));
		drv_reset(&t->d);
		EXPECT_EQ(BLK_NONE, blk_dev_status(t, 0));
		drv_end(&t->d);
	}
}

TEST_F(blk, reset_of_a_queue)
{
	struct blk_dev *t = &self->t;
	unsigned int e, i;

	for (e = 0; e < ARRAY_SIZE(engines); e++) {
		ASSERT_EQ(0, blk_dev_open(t, variant->transport, engines[e]));
		ASSERT_EQ(0, drv_setup(&t->d, variant->features));
		for (i = 0; i < 20; i++) {
			add_many(t, 0);
			if (i % 3)
				iothread_poll(&t->d.vd->threads[0]);
			t->d.ops->queue_reset(&t->d, 0);
			paint(t);
			drv_run(&t->d);
			ASSERT_TRUE(painted(t));
			ASSERT_EQ(0, drv_queue_setup(&t->d, 0, 0));
			EXPECT_EQ(VIRTIO_BLK_S_OK,
				  blk_dev_do(t, VIRTIO_BLK_T_IN, 0, t->data, 4096));
		}
		drv_end(&t->d);
	}
}

TEST_F(blk, a_thousand_resets)
{
	struct blk_dev *t = &self->t;
	unsigned int i, fds = 0, tasks = 0;

	ASSERT_EQ(0, blk_dev_open(t, variant->transport, ""));
	for (i = 0; i < 1000; i++) {
		ASSERT_EQ(0, drv_setup(&t->d, variant->features));
		ASSERT_EQ(VIRTIO_BLK_S_OK, blk_dev_do(t, VIRTIO_BLK_T_OUT, 0, t->data, 4096));
		if (i % 100 == 1)
			blk_dev_range(t, VIRTIO_BLK_T_WRITE_ZEROES, 0, 8, 0);
		if (i != 400 && i != 999)
			continue;
		if (i == 400) {
			fds = entries("/proc/self/fd");
			tasks = entries("/proc/self/task");
		}
		EXPECT_EQ(fds, entries("/proc/self/fd"));
		EXPECT_GE(tasks, entries("/proc/self/task"));
	}
}

TEST_F(blk, several_queues)
{
	struct blk_dev *t = &self->t;
	unsigned int q, i;

	ASSERT_EQ(0, blk_dev_open(t, variant->transport, ",queues=4"));
	ASSERT_EQ(0, drv_setup(&t->d, variant->features));
	EXPECT_TRUE(t->d.features & BIT_ULL(VIRTIO_BLK_F_MQ));
	EXPECT_EQ(4, t->d.ops->config_read(&t->d, offsetof(struct virtio_blk_config, num_queues), 2));
	EXPECT_EQ(0, drv_queue_max(&t->d, 4));
	for (i = 0; i < 8; i++) {
		for (q = 0; q < 4; q++) {
			blk_dev_fill(blk_dev_ptr(t, t->data + q * 4096), 4096, q + i);
			blk_dev_add(t, q, q, i % 2 ? VIRTIO_BLK_T_IN : VIRTIO_BLK_T_OUT, q * 8,
				    t->data + q * 4096, 4096);
			drv_kick(&t->d, q);
		}
		for (q = 0; q < 4; q++) {
			ASSERT_TRUE(drv_wait_used(&t->d, q, 5000));
			ASSERT_EQ(&t->hdr[q], drv_get(&t->d, q, NULL));
			EXPECT_EQ(VIRTIO_BLK_S_OK, blk_dev_status(t, q));
			EXPECT_TRUE(blk_dev_filled(blk_dev_ptr(t, t->data + q * 4096), 4096,
						   q + (i & ~1U)));
		}
	}
	/* One is reset, the others do not notice. */
	add_many(t, 2);
	blk_dev_add(t, 1, 127, VIRTIO_BLK_T_IN, 0, t->data, 512);
	drv_kick(&t->d, 1);
	t->d.ops->queue_reset(&t->d, 2);
	ASSERT_TRUE(drv_wait_used(&t->d, 1, 5000));
	EXPECT_EQ(&t->hdr[127], drv_get(&t->d, 1, NULL));
}

/* One that was asked for and not set up. */
TEST_F(blk, queues_that_are_not_used)
{
	struct blk_dev *t = &self->t;

	ASSERT_EQ(0, blk_dev_open(t, variant->transport, ",queues=3"));
	ASSERT_EQ(0, drv_negotiate(&t->d, variant->features));
	ASSERT_EQ(0, drv_queue_setup(&t->d, 0, 16));
	ASSERT_EQ(0, drv_start(&t->d));
	EXPECT_EQ(VIRTIO_BLK_S_OK, blk_dev_do(t, VIRTIO_BLK_T_IN, 0, t->data, 512));
	drv_notify(&t->d, 2);
	drv_run(&t->d);
	EXPECT_EQ(VIRTIO_BLK_S_OK, blk_dev_do(t, VIRTIO_BLK_T_IN, 0, t->data, 512));
}

TEST_F(blk, a_broken_ring_with_io_under_way)
{
	struct blk_dev *t = &self->t;
	struct drv_seg bad = DRV_OUT(DRV_NOWHERE, 512);

	ASSERT_EQ(0, blk_dev_open(t, variant->transport, ""));
	ASSERT_EQ(0, drv_setup(&t->d, variant->features));
	add_many(t, 0);
	ASSERT_EQ(0, drv_add(&t->d, 0, &bad, 1, t));
	drv_kick(&t->d, 0);
	drv_run(&t->d);
	EXPECT_TRUE(drv_status(&t->d) & VIRTIO_CONFIG_S_NEEDS_RESET);
	usleep(10000);
	drv_run(&t->d);
	ASSERT_EQ(0, drv_setup(&t->d, variant->features));
	EXPECT_EQ(VIRTIO_BLK_S_OK, blk_dev_do(t, VIRTIO_BLK_T_IN, 0, t->data, 512));
}

TEST_F(blk, the_image_is_free_after_the_end)
{
	unsigned int i;

	for (i = 0; i < 10; i++) {
		ASSERT_EQ(0, blk_dev_open(&self->t, variant->transport, ""));
		ASSERT_EQ(0, drv_setup(&self->t.d, variant->features));
		add_many(&self->t, 0);
		drv_end(&self->t.d);
	}
}

/* --- options ------------------------------------------------------------------------ */

static int try_conf(FIXTURE_DATA(blk) *self, const char *more)
{
	int ret;

	capture_end(&self->c);
	capture_begin(&self->c);
	ret = blk_dev_open(&self->t, DRV_MMIO, more);
	capture_end(&self->c);
	capture_begin(&self->c);
	drv_end(&self->t.d);
	return ret;
}

TEST_F(blk, options)
{
	static const char * const good[] = { "", ",format=raw", ",cache=writeback", ",cache=none",
		",cache=unsafe,direct", ",ro,serial=a", ",queues=16", ",io=threads", ",io=auto" };
	static const struct {
		const char *conf;
		const char *says;
	} bad[] = {
		{ ",format=qcow2", "format 'qcow2' is not known" },
		{ ",serial=012345678901234567890", "serial is too long" },
		{ ",queues=0", "queues" }, { ",queues=17", "queues" }, { ",cache=maybe", "cache" },
		{ ",io=magic", "io" }, { ",nothing", "nothing" },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(good); i++)
		EXPECT_EQ(0, try_conf(self, good[i]));
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(-EINVAL, try_conf(self, bad[i].conf));
		EXPECT_NE(NULL, strstr(self->c.text, bad[i].says));
	}
	unlink(self->t.path);
	EXPECT_EQ(-ENOENT, try_conf(self, ""));
	EXPECT_TRUE(capture_one_line(&self->c));
}

TEST_HARNESS_MAIN
