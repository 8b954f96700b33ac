// SPDX-License-Identifier: GPL-2.0
/*
 * virtio/balloon.c: pages given, taken back and reported; statistics; what the guest
 * may write.
 */
#include <kselftest_harness.h>

#include "capture.h"

#ifdef CONFIG_VIRTIO_BALLOON
#include <sys/mman.h>
#include <linux/virtio_balloon.h>
#include <vmtool/balloon.h>

#include "virtio_driver.h"

#include "../../virtio/virtio.h"

#ifndef VIRTIO_BALLOON_F_REPORTING
#define VIRTIO_BALLOON_F_REPORTING	5
#endif

#define PAGE		4096
#define NUM_PAGES	0	/* in the config space */
#define ACTUAL		4
#define POISON		12
#define SOME		0x800000ULL	/* memory that is nothing else */

FIXTURE(balloon) {
	struct drv *d;
};

FIXTURE_VARIANT(balloon) { DRV_VARIANT; };
#define DRV_FIXTURE balloon
#include "virtio_variants.h"

FIXTURE_SETUP(balloon)
{
	self->d = malloc(sizeof(*self->d));
	ASSERT_NE(NULL, self->d);
	ASSERT_EQ(0, drv_init(self->d, variant->transport, &balloon_class, NULL));
}

FIXTURE_TEARDOWN(balloon)
{
	drv_end(self->d);
	free(self->d);
}

#define WITHOUT(bit)	(variant->features & ~BIT_ULL(VIRTIO_BALLOON_F_##bit))
#define begin()		ASSERT_EQ(0, drv_setup(self->d, WITHOUT(PAGE_POISON)))

static void fill(struct drv *d, u64 gpa, size_t len)
{
	memset(drv_ptr(d, gpa, len), 0x5a, len);
}

/* Pages of a range that are not in memory any more. */
static int gone(struct drv *d, u64 gpa, int pages)
{
	unsigned char here[256];
	int i, n = 0;

	if (mincore(drv_ptr(d, gpa, pages * PAGE), pages * PAGE, here))
		return -1;
	for (i = 0; i < pages; i++)
		n += !(here[i] & 1);
	return n;
}

static bool is(struct drv *d, u64 gpa, size_t len, u8 val)
{
	const u8 *p = drv_ptr(d, gpa, len);
	size_t i;

	for (i = 0; i < len; i++)
		if (p[i] != val)
			return false;
	return true;
}

/* Page numbers into queue @q. */
static bool give(struct drv *d, unsigned int q, const u32 *pfns, int nr)
{
	u64 a = drv_alloc(d, nr * 4 + 64);
	__le32 *p = drv_ptr(d, a, nr * 4);
	u32 len = 7;
	int i;

	for (i = 0; i < nr; i++)
		p[i] = htole32(pfns[i]);
	return drv_request(d, q, &DRV_OUT(a, nr * 4), 1, &len) && !len;
}

TEST_F(balloon, what_is_offered)
{
	u64 f;

	begin();
	f = drv_features(self->d);
	EXPECT_TRUE(f & BIT_ULL(VIRTIO_BALLOON_F_STATS_VQ));
	EXPECT_TRUE(f & BIT_ULL(VIRTIO_BALLOON_F_DEFLATE_ON_OOM));
	EXPECT_TRUE(f & BIT_ULL(VIRTIO_BALLOON_F_REPORTING));
	EXPECT_TRUE(f & BIT_ULL(VIRTIO_BALLOON_F_PAGE_POISON));
	EXPECT_FALSE(f & BIT_ULL(VIRTIO_BALLOON_F_MUST_TELL_HOST));
	EXPECT_FALSE(f & BIT_ULL(VIRTIO_BALLOON_F_FREE_PAGE_HINT));
	/* Linux asks for room for 32 pages in a report. */
	EXPECT_EQ(128, drv_queue_max(self->d, 4));
	EXPECT_EQ(0, drv_queue_max(self->d, 5));
	EXPECT_TRUE(self->d->vm.balloon == self->d->vd);
}

TEST_F(balloon, properties)
{
	drv_end(self->d);
	ASSERT_EQ(0, drv_init(self->d, variant->transport, &balloon_class,
			      "deflate-on-oom=off,free-page-reporting=off"));
	begin();
	EXPECT_EQ(BIT_ULL(VIRTIO_BALLOON_F_STATS_VQ), drv_features(self->d) & 0xff);
}

TEST_F(balloon, inflates)
{
	u32 up[] = { SOME / PAGE + 1, SOME / PAGE + 2, SOME / PAGE + 3 };
	u32 down[] = { SOME / PAGE + 8, SOME / PAGE + 7, SOME / PAGE + 6 };
	u32 single[] = { SOME / PAGE + 12, SOME / PAGE + 10, SOME / PAGE + 10 };

	begin();
	fill(self->d, SOME, 16 * PAGE);
	EXPECT_TRUE(give(self->d, 0, up, 3));
	EXPECT_EQ(3, gone(self->d, SOME + PAGE, 3));
	EXPECT_EQ(3, gone(self->d, SOME, 16));
	EXPECT_TRUE(give(self->d, 0, down, 3));
	EXPECT_EQ(3, gone(self->d, SOME + 6 * PAGE, 3));
	EXPECT_TRUE(give(self->d, 0, single, 3));
	EXPECT_EQ(8, gone(self->d, SOME, 16));
	/* The others are as they were. */
	EXPECT_TRUE(is(self->d, SOME, PAGE, 0x5a));
	EXPECT_TRUE(is(self->d, SOME + 4 * PAGE, 2 * PAGE, 0x5a));
	EXPECT_TRUE(is(self->d, SOME + 9 * PAGE, PAGE, 0x5a));
	EXPECT_TRUE(is(self->d, SOME + 13 * PAGE, 3 * PAGE, 0x5a));
	/* A page that is used again is there. */
	EXPECT_TRUE(is(self->d, SOME + PAGE, PAGE, 0));
}

TEST_F(balloon, inflates_across_slots)
{
	u32 pfns[] = { DRV_RAM2 / PAGE - 1, DRV_RAM2 / PAGE, DRV_HIGH / PAGE };

	begin();
	fill(self->d, DRV_RAM2 - PAGE, PAGE);
	fill(self->d, DRV_RAM2, PAGE);
	fill(self->d, DRV_HIGH, PAGE);
	EXPECT_TRUE(give(self->d, 0, pfns, 3));
	EXPECT_EQ(1, gone(self->d, DRV_RAM2 - PAGE, 1));
	EXPECT_EQ(1, gone(self->d, DRV_RAM2, 1));
	EXPECT_EQ(1, gone(self->d, DRV_HIGH, 1));
}

TEST_F(balloon, deflates)
{
	u32 pfns[] = { SOME / PAGE };

	begin();
	EXPECT_TRUE(give(self->d, 0, pfns, 1));
	fill(self->d, SOME, PAGE);
	EXPECT_TRUE(give(self->d, 1, pfns, 1));
	EXPECT_TRUE(is(self->d, SOME, PAGE, 0x5a));
}

TEST_F(balloon, page_numbers_of_no_memory)
{
	u32 pfns[] = { 0xffffffff, DRV_NOWHERE / PAGE, DRV_ROM / PAGE, SOME / PAGE };
	struct capture said;

	begin();
	fill(self->d, SOME, PAGE);
	memset(drv_ptr(self->d, DRV_ROM, PAGE), 0x5a, PAGE);
	capture_begin(&said);
	EXPECT_TRUE(give(self->d, 0, pfns, 4));
	capture_end(&said);
	EXPECT_NE(NULL, strstr(said.text, "page 0xffffffff is not memory"));
	EXPECT_EQ(1, gone(self->d, SOME, 1));
	EXPECT_TRUE(is(self->d, DRV_ROM, PAGE, 0x5a));
}

TEST_F(balloon, odd_requests)
{
	u64 a = drv_alloc(self->d, 64);
	__le32 *p = drv_ptr(self->d, a, 8);
	struct capture said;
	u32 len = 7;

	begin();
	fill(self->d, SOME, 2 * PAGE);
	p[0] = htole32(SOME / PAGE);
	p[1] = htole32(SOME / PAGE + 1);
	/* The second number is cut off; it comes in two parts. */
	EXPECT_TRUE(drv_request(self->d, 0, (struct drv_seg[]){
		DRV_OUT(a, 3), DRV_OUT(a + 3, 4) }, 2, &len));
	EXPECT_EQ(1, gone(self->d, SOME, 2));
	/* Nothing to read at all. */
	EXPECT_TRUE(drv_request(self->d, 0, &DRV_IN(a, 8), 1, &len));
	EXPECT_EQ(0, len);
	/* More than any driver sends: what is too much is not looked at. */
	capture_begin(&said);
	EXPECT_TRUE(drv_request(self->d, 0, &DRV_OUT(0x400000, 0x400000), 1, &len));
	capture_end(&said);
	EXPECT_NE(NULL, strstr(said.text, "more than 4096 pages in a request"));
}

TEST_F(balloon, its_own_ring)
{
	struct drv_ring *r;
	u32 pfns[3];
	u32 len;

	begin();
	r = drv_queue(self->d, 0);
	pfns[0] = r->desc / PAGE;
	pfns[1] = r->driver / PAGE;
	pfns[2] = r->device / PAGE;
	len = 3;
	/* Whatever happens, it happens to the guest. */
	drv_add(self->d, 0, &DRV_OUT(drv_alloc_with(self->d, pfns, sizeof(pfns)), 12), 1, &len);
	drv_notify(self->d, 0);
	drv_run(self->d);
	ASSERT_EQ(0, drv_setup(self->d, WITHOUT(PAGE_POISON)));
	fill(self->d, SOME, PAGE);
	pfns[0] = SOME / PAGE;
	EXPECT_TRUE(give(self->d, 0, pfns, 1));
	EXPECT_EQ(1, gone(self->d, SOME, 1));
}

TEST_F(balloon, reports)
{
	u32 len = 7;

	begin();
	fill(self->d, SOME, 16 * PAGE);
	ASSERT_TRUE(drv_request(self->d, 4, (struct drv_seg[]){
		DRV_IN(SOME + PAGE, 2 * PAGE), DRV_IN(SOME + 8 * PAGE + 100, 2 * PAGE) }, 2, &len));
	EXPECT_EQ(0, len);
	EXPECT_EQ(2, gone(self->d, SOME + PAGE, 2));
	/* Of what is not whole pages, the whole ones. */
	EXPECT_EQ(1, gone(self->d, SOME + 9 * PAGE, 1));
	EXPECT_EQ(3, gone(self->d, SOME, 16));
	/* Less than a page, and what is only to be read. */
	ASSERT_TRUE(drv_request(self->d, 4, &DRV_IN(SOME + 100, PAGE), 1, &len));
	ASSERT_TRUE(drv_request(self->d, 4, &DRV_OUT(SOME, PAGE), 1, &len));
	EXPECT_EQ(3, gone(self->d, SOME, 16));
}

/* The queues that are used, one after the other. */
TEST_F(balloon, reports_where_linux_has_them)
{
	u32 len;

	begin();
	fill(self->d, SOME, PAGE);
	ASSERT_TRUE(drv_request(self->d, 3, &DRV_IN(SOME, PAGE), 1, &len));
	EXPECT_EQ(1, gone(self->d, SOME, 1));

	ASSERT_EQ(0, drv_setup(self->d, WITHOUT(PAGE_POISON) & WITHOUT(STATS_VQ)));
	fill(self->d, SOME, PAGE);
	ASSERT_TRUE(drv_request(self->d, 2, &DRV_IN(SOME, PAGE), 1, &len));
	EXPECT_EQ(1, gone(self->d, SOME, 1));

	ASSERT_EQ(0, drv_setup(self->d, WITHOUT(REPORTING)));
	fill(self->d, SOME, PAGE);
	ASSERT_TRUE(drv_request(self->d, 3, &DRV_IN(SOME, PAGE), 1, &len));
	ASSERT_TRUE(drv_request(self->d, 4, &DRV_IN(SOME, PAGE), 1, &len));
	EXPECT_EQ(0, gone(self->d, SOME, 1));
}

TEST_F(balloon, poison)
{
	u32 len;

	/* Zeroed pages stay zero, and are given back. */
	ASSERT_EQ(0, drv_setup(self->d, variant->features));
	memset(drv_ptr(self->d, SOME, PAGE), 0, PAGE);
	ASSERT_TRUE(drv_request(self->d, 4, &DRV_IN(SOME, PAGE), 1, &len));
	EXPECT_EQ(1, gone(self->d, SOME, 1));
	EXPECT_TRUE(is(self->d, SOME, PAGE, 0));

	/* Poisoned ones keep what they have. */
	ASSERT_EQ(0, drv_negotiate(self->d, variant->features));
	drv_config_write32(self->d, POISON, 0x5a5a5a5a);
	EXPECT_EQ(0x5a5a5a5a, drv_config_read32(self->d, POISON));
	drv_queue_setup(self->d, 4, 0);
	ASSERT_EQ(0, drv_start(self->d));
	fill(self->d, SOME, PAGE);
	ASSERT_TRUE(drv_request(self->d, 4, &DRV_IN(SOME, PAGE), 1, &len));
	EXPECT_TRUE(is(self->d, SOME, PAGE, 0x5a));
	drv_reset(self->d);
	EXPECT_EQ(0, drv_config_read32(self->d, POISON));
}

/* Part of a kernel, say: zero is what free pages have to be, and not the file. */
TEST_F(balloon, poison_where_a_file_is_mapped)
{
	int fd = memfd_create("kernel", MFD_CLOEXEC);
	char page[PAGE];
	u32 len;

	memset(page, 'k', sizeof(page));
	ASSERT_EQ(PAGE, write(fd, page, sizeof(page)));
	ASSERT_EQ(0, gmem_map_file(&self->d->vm.gmem, SOME, PAGE, fd, 0));
	ASSERT_EQ(0, drv_setup(self->d, variant->features));
	memset(drv_ptr(self->d, SOME, PAGE), 0, PAGE);
	ASSERT_TRUE(drv_request(self->d, 4, &DRV_IN(SOME, PAGE), 1, &len));
	EXPECT_TRUE(is(self->d, SOME, PAGE, 0));
	close(fd);
}

TEST_F(balloon, target_and_actual)
{
	struct balloon_info info;
	struct virtio_dev *vd = self->d->vd;

	begin();
	balloon_query(vd, &info);
	EXPECT_EQ(DRV_RAM, info.total);
	EXPECT_EQ(DRV_RAM, info.target);
	EXPECT_EQ(DRV_RAM, info.actual);
	EXPECT_EQ(0, balloon_set(vd, DRV_RAM / 4));
	EXPECT_TRUE(drv_config_interrupted(self->d));
	EXPECT_EQ(DRV_RAM / 4 * 3 / PAGE, drv_config_read32(self->d, NUM_PAGES));
	drv_config_write32(self->d, ACTUAL, 100);
	balloon_query(vd, &info);
	EXPECT_EQ(DRV_RAM / 4, info.target);
	EXPECT_EQ(DRV_RAM - 100 * PAGE, info.actual);
	/* A guest that boasts. */
	drv_config_write32(self->d, ACTUAL, 0xffffffff);
	balloon_query(vd, &info);
	EXPECT_EQ(0, info.actual);
	EXPECT_EQ(-EINVAL, balloon_set(vd, 0));
	EXPECT_EQ(-EINVAL, balloon_set(vd, PAGE - 1));
	EXPECT_EQ(0, balloon_set(vd, ~0ULL));
	EXPECT_EQ(0, drv_config_read32(self->d, NUM_PAGES));

	/* The wish outlives a reset, what was given does not. */
	EXPECT_EQ(0, balloon_set(vd, DRV_RAM / 2));
	drv_reset(self->d);
	EXPECT_EQ(0, drv_config_read32(self->d, ACTUAL));
	EXPECT_EQ(DRV_RAM / 2 / PAGE, drv_config_read32(self->d, NUM_PAGES));
}

TEST_F(balloon, config_writes)
{
	begin();
	ASSERT_EQ(0, balloon_set(self->d->vd, DRV_RAM / 2));
	/* Only two fields are the driver's, byte for byte. */
	drv_config_write32(self->d, NUM_PAGES, 0x11111111);
	drv_config_write32(self->d, 8, 0x22222222);
	drv_config_write8(self->d, ACTUAL + 1, 0x33);
	drv_config_write16(self->d, ACTUAL + 2, 0x4455);
	drv_config_write32(self->d, 16, 0x66666666);
	EXPECT_EQ(DRV_RAM / 2 / PAGE, drv_config_read32(self->d, NUM_PAGES));
	EXPECT_EQ(0x44553300, drv_config_read32(self->d, ACTUAL));
	EXPECT_EQ(0, drv_config_read32(self->d, 8));
	EXPECT_EQ(0, drv_config_read32(self->d, POISON));
}

struct stat_entry {
	__le16 tag;
	__le64 val;
} __packed;

static void offer_stats(struct drv *d, const struct stat_entry *stats, size_t len)
{
	drv_add(d, 2, &DRV_OUT(drv_alloc_with(d, stats, len), len), 1, d);
	drv_kick(d, 2);
	drv_run(d);
}

TEST_F(balloon, statistics)
{
	static const struct stat_entry first[] = {
		{ VIRTIO_BALLOON_S_MEMTOT, 1000 }, { 777, 7 }, { VIRTIO_BALLOON_S_MEMFREE, 400 },
	};
	static const struct stat_entry second[] = {
		{ VIRTIO_BALLOON_S_MEMFREE, 300 }, { VIRTIO_BALLOON_S_SWAP_IN, ~0ULL }, { 16, 1 },
	};
	struct balloon_stats stats;
	struct virtio_dev *vd = self->d->vd;
	u32 len = 7;

	EXPECT_EQ(-ENODEV, balloon_query_stats(vd, &stats));
	begin();
	EXPECT_EQ(0, balloon_query_stats(vd, &stats));
	EXPECT_EQ(0, stats.known);
	offer_stats(self->d, first, sizeof(first));
	/* Kept until somebody asks. */
	drv_run(self->d);
	EXPECT_FALSE(drv_used(self->d, 2));
	EXPECT_EQ(0, balloon_query_stats(vd, &stats));
	EXPECT_EQ(1, stats.updates);
	EXPECT_EQ(1U << VIRTIO_BALLOON_S_MEMTOT | 1U << VIRTIO_BALLOON_S_MEMFREE, stats.known);
	EXPECT_EQ(400, stats.value[VIRTIO_BALLOON_S_MEMFREE]);
	drv_run(self->d);
	EXPECT_NE(NULL, drv_get(self->d, 2, &len));
	EXPECT_EQ(0, len);
	EXPECT_TRUE(drv_interrupted(self->d, 2));

	/* Entries that are cut off are none. */
	offer_stats(self->d, second, sizeof(second) - 1);
	EXPECT_EQ(0, balloon_query_stats(vd, &stats));
	EXPECT_EQ(2, stats.updates);
	EXPECT_EQ(1U << VIRTIO_BALLOON_S_SWAP_IN | 1U << VIRTIO_BALLOON_S_MEMFREE, stats.known);
	EXPECT_EQ(~0ULL, stats.value[VIRTIO_BALLOON_S_SWAP_IN]);

	/* Asking again and again does not use the buffer twice. */
	EXPECT_EQ(0, balloon_query_stats(vd, &stats));
	drv_run(self->d);
	EXPECT_NE(NULL, drv_get(self->d, 2, &len));
	EXPECT_EQ(0, balloon_query_stats(vd, &stats));
	drv_run(self->d);
	EXPECT_FALSE(drv_used(self->d, 2));
}

TEST_F(balloon, statistics_in_two_buffers)
{
	static const struct stat_entry one = { VIRTIO_BALLOON_S_MEMTOT, 1 };
	static const struct stat_entry two = { VIRTIO_BALLOON_S_MEMTOT, 2 };
	struct balloon_stats stats;

	begin();
	offer_stats(self->d, &one, sizeof(one));
	offer_stats(self->d, &two, sizeof(two));
	EXPECT_NE(NULL, drv_get(self->d, 2, NULL));
	EXPECT_FALSE(drv_used(self->d, 2));
	EXPECT_EQ(0, balloon_query_stats(self->d->vd, &stats));
	EXPECT_EQ(2, stats.value[VIRTIO_BALLOON_S_MEMTOT]);
}

TEST_F(balloon, statistics_through_a_reset)
{
	static const struct stat_entry one = { VIRTIO_BALLOON_S_MEMTOT, 1 };
	struct balloon_stats stats;
	int i;

	begin();
	for (i = 0; i < 3; i++) {
		offer_stats(self->d, &one, sizeof(one));
		EXPECT_EQ(0, balloon_query_stats(self->d->vd, &stats));
		if (i == 1)
			drv_run(self->d);
		ASSERT_EQ(0, drv_setup(self->d, WITHOUT(PAGE_POISON)));
		EXPECT_EQ(0, balloon_query_stats(self->d->vd, &stats));
		EXPECT_EQ(0, stats.known);
		EXPECT_EQ(i + 1, stats.updates);
	}
	offer_stats(self->d, &one, sizeof(one));
	if (self->d->features & BIT_ULL(VIRTIO_F_RING_RESET)) {
		self->d->ops->queue_reset(self->d, 2);
		EXPECT_EQ(0, balloon_query_stats(self->d->vd, &stats));
		drv_run(self->d);
		ASSERT_EQ(0, drv_queue_setup(self->d, 2, 0));
		offer_stats(self->d, &one, sizeof(one));
		EXPECT_EQ(0, balloon_query_stats(self->d->vd, &stats));
		EXPECT_EQ(5, stats.updates);
	}
}
#endif /* CONFIG_VIRTIO_BALLOON */

TEST_HARNESS_MAIN
