// SPDX-License-Identifier: GPL-2.0
/*
 * virtio/rng.c: random bytes, as many as asked for or as the rate allows, at once or
 * later, and through resets.
 */
#include <kselftest_harness.h>

#include "capture.h"
#include "virtio_driver.h"

#include "../../virtio/virtio.h"

#ifdef CONFIG_VIRTIO_RNG
#define REQUEST_MAX	4096

FIXTURE(rng) {
	struct drv *d;
};

FIXTURE_VARIANT(rng) { DRV_VARIANT; };
#define DRV_FIXTURE rng
#include "virtio_variants.h"

FIXTURE_SETUP(rng)
{
	self->d = malloc(sizeof(*self->d));
	ASSERT_NE(NULL, self->d);
	self->d->vm.cfg = NULL;
}

FIXTURE_TEARDOWN(rng)
{
	drv_end(self->d);
	free(self->d);
}

#define begin(conf)							\
	do {								\
		ASSERT_EQ(0, drv_init(self->d, variant->transport, &rng_class, conf)); \
		ASSERT_EQ(0, drv_setup(self->d, variant->features));	\
	} while (0)

static bool is_zero(struct drv *d, u64 gpa, size_t len)
{
	const u8 *p = drv_ptr(d, gpa, len);
	size_t i;

	for (i = 0; i < len; i++)
		if (p[i])
			return false;
	return true;
}

static u64 now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ULL + ts.tv_nsec / 1000000;
}

TEST_F(rng, fills_what_is_writable)
{
	u64 a, b;
	u32 len;

	begin(NULL);
	EXPECT_EQ(64, drv_queue_max(self->d, 0));
	EXPECT_EQ(0, drv_queue_max(self->d, 1));
	a = drv_alloc(self->d, 64);
	b = drv_alloc(self->d, 64);
	ASSERT_TRUE(drv_request(self->d, 0, (struct drv_seg[]){
		DRV_IN(a, 32), DRV_IN(b, 64) }, 2, &len));
	EXPECT_EQ(96, len);
	/* Wrong once in 2^128 runs. */
	EXPECT_FALSE(is_zero(self->d, a, 16));
	EXPECT_FALSE(is_zero(self->d, a + 16, 16));
	EXPECT_TRUE(is_zero(self->d, a + 32, 32));
	EXPECT_FALSE(is_zero(self->d, b + 48, 16));
	EXPECT_TRUE(drv_interrupted(self->d, 0));
}

TEST_F(rng, no_two_are_alike)
{
	u64 a;
	u32 len;

	begin(NULL);
	a = drv_alloc(self->d, 64);
	ASSERT_TRUE(drv_request(self->d, 0, &DRV_IN(a, 32), 1, &len));
	ASSERT_TRUE(drv_request(self->d, 0, &DRV_IN(a + 32, 32), 1, &len));
	EXPECT_NE(0, memcmp(drv_ptr(self->d, a, 32), drv_ptr(self->d, a + 32, 32), 32));
}

TEST_F(rng, a_large_request_gets_a_page)
{
	u64 a;
	u32 len;

	begin(NULL);
	a = drv_alloc(self->d, 3 * REQUEST_MAX);
	ASSERT_TRUE(drv_request(self->d, 0, &DRV_IN(a, 3 * REQUEST_MAX), 1, &len));
	EXPECT_EQ(REQUEST_MAX, len);
	EXPECT_FALSE(is_zero(self->d, a + REQUEST_MAX - 16, 16));
	EXPECT_TRUE(is_zero(self->d, a + REQUEST_MAX, 2 * REQUEST_MAX));
}

TEST_F(rng, nothing_to_write_to)
{
	struct capture said;
	u64 a;
	u32 len = 7;

	begin(NULL);
	a = drv_alloc(self->d, 64);
	capture_begin(&said);
	ASSERT_TRUE(drv_request(self->d, 0, &DRV_OUT(a, 64), 1, &len));
	capture_end(&said);
	EXPECT_EQ(0, len);
	EXPECT_TRUE(capture_one_line(&said));
	EXPECT_TRUE(is_zero(self->d, a, 64));
	/* The device goes on. */
	ASSERT_TRUE(drv_request(self->d, 0, &DRV_IN(a, 64), 1, &len));
	EXPECT_EQ(64, len);
}

TEST_F(rng, all_of_a_full_ring)
{
	u64 a;
	u32 len;
	int i;

	begin(NULL);
	a = drv_alloc(self->d, 64 * 16);
	for (i = 0; i < 64; i++)
		ASSERT_EQ(0, drv_add(self->d, 0, &DRV_IN(a + 16 * i, 16), 1, self->d));
	drv_kick(self->d, 0);
	drv_run(self->d);
	for (i = 0; i < 64; i++) {
		ASSERT_NE(NULL, drv_get(self->d, 0, &len));
		EXPECT_EQ(16, len);
	}
}

TEST_F(rng, the_rate_holds_requests_back)
{
	u64 a, start = now_ms();
	u32 len;
	int i;

	/* All that fits into the bucket at once, the rest at 640 bytes a second. */
	begin("rate=640");
	a = drv_alloc(self->d, 640);
	ASSERT_TRUE(drv_request(self->d, 0, &DRV_IN(a, 640), 1, &len));
	EXPECT_EQ(640, len);
	for (i = 0; i < 4; i++)
		ASSERT_EQ(0, drv_add(self->d, 0, &DRV_IN(a, 64), 1, self->d));
	drv_kick(self->d, 0);
	drv_run(self->d);
	EXPECT_FALSE(drv_used(self->d, 0));
	for (i = 0; i < 4; i++) {
		ASSERT_TRUE(drv_wait_used(self->d, 0, 5000));
		ASSERT_NE(NULL, drv_get(self->d, 0, &len));
		EXPECT_EQ(64, len);
	}
	EXPECT_LE(400, now_ms() - start);
}

TEST_F(rng, a_low_rate_gives_a_little)
{
	u64 a;
	u32 len;

	begin("rate=40");
	a = drv_alloc(self->d, 4096);
	ASSERT_TRUE(drv_request(self->d, 0, &DRV_IN(a, 4096), 1, &len));
	EXPECT_EQ(40, len);
	EXPECT_TRUE(is_zero(self->d, a + 40, 4096 - 40));
}

TEST_F(rng, reset_while_a_request_waits)
{
	u64 a;
	u32 len;
	int i;

	begin("rate=1000");
	a = drv_alloc(self->d, 2048);
	ASSERT_TRUE(drv_request(self->d, 0, &DRV_IN(a, 1000), 1, &len));
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, drv_add(self->d, 0, &DRV_IN(a + 1024, 64), 1, self->d));
		drv_kick(self->d, 0);
		drv_run(self->d);
		ASSERT_FALSE(drv_used(self->d, 0));
		ASSERT_EQ(0, drv_setup(self->d, variant->features));
	}
	/* Nothing is written by a request of the time before the reset. */
	usleep(120000);
	drv_run(self->d);
	EXPECT_TRUE(is_zero(self->d, a + 1024, 64));
	ASSERT_TRUE(drv_request(self->d, 0, &DRV_IN(a + 1024, 64), 1, &len));
	EXPECT_EQ(64, len);
}

TEST_F(rng, queue_reset_while_a_request_waits)
{
	u64 a;
	u32 len;

	begin("rate=1000");
	a = drv_alloc(self->d, 2048);
	ASSERT_TRUE(drv_request(self->d, 0, &DRV_IN(a, 1000), 1, &len));
	ASSERT_EQ(0, drv_add(self->d, 0, &DRV_IN(a + 1024, 64), 1, self->d));
	drv_kick(self->d, 0);
	drv_run(self->d);
	if (!(self->d->features & BIT_ULL(VIRTIO_F_RING_RESET)))
		return;
	self->d->ops->queue_reset(self->d, 0);
	usleep(80000);
	drv_run(self->d);
	EXPECT_TRUE(is_zero(self->d, a + 1024, 64));
	ASSERT_EQ(0, drv_queue_setup(self->d, 0, 0));
	ASSERT_TRUE(drv_request(self->d, 0, &DRV_IN(a + 1024, 64), 1, &len));
	EXPECT_EQ(64, len);
}

TEST(rate_values)
{
	struct capture said;
	struct drv *d = malloc(sizeof(*d));

	ASSERT_NE(NULL, d);
	capture_begin(&said);
	EXPECT_EQ(-EINVAL, drv_init(d, DRV_MMIO, &rng_class, "rate=2G"));
	capture_end(&said);
	EXPECT_TRUE(capture_one_line(&said));
	drv_end(d);
	free(d);
}
#endif /* CONFIG_VIRTIO_RNG */

TEST_HARNESS_MAIN
