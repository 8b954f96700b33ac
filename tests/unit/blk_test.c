// SPDX-License-Identifier: GPL-2.0
/*
 * virtio/blk.c: what a driver sees of a disk, on each transport and kind of ring.
 * What the disk does with its file is for disk_test.c.
 */
#include <kselftest_harness.h>

#include "blk_dev.h"
#include "capture.h"
#include "count_sync.h"

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
	ASSERT_EQ(0, blk_dev_open(&self->t, variant->transport, ""));
	ASSERT_EQ(0, drv_setup(&self->t.d, variant->features));
	capture_begin(&self->c);
}

FIXTURE_TEARDOWN(blk)
{
	capture_end(&self->c);
	blk_dev_end(&self->t);
}

/* The same image with other properties. */
static void reopen(struct blk_dev *t, const FIXTURE_VARIANT(blk) *variant, const char *more,
		   u64 features)
{
	drv_end(&t->d);
	if (blk_dev_open(t, variant->transport, more) || drv_setup(&t->d, features))
		drv_die("the disk cannot be opened with '%s'", more);
}

static struct virtio_blk_config config(struct blk_dev *t)
{
	struct virtio_blk_config cfg = { 0 };
	unsigned int i;

	for (i = 0; i < offsetof(struct virtio_blk_config, max_secure_erase_sectors); i++)
		((u8 *)&cfg)[i] = t->d.ops->config_read(&t->d, i, 1);
	return cfg;
}

TEST_F(blk, config_space)
{
	struct virtio_blk_config cfg = config(&self->t);

	EXPECT_EQ(BLK_CAPACITY, cfg.capacity);
	EXPECT_EQ(126, cfg.seg_max);
	EXPECT_EQ(512, cfg.blk_size);
	EXPECT_EQ(3, cfg.physical_block_exp);
	EXPECT_EQ(8, cfg.min_io_size);
	EXPECT_EQ(1, cfg.wce);
	EXPECT_EQ(1, cfg.num_queues);
	EXPECT_EQ(16, cfg.max_discard_seg);
	EXPECT_EQ(8, cfg.discard_sector_alignment);
	EXPECT_EQ(16, cfg.max_write_zeroes_seg);
	EXPECT_EQ(1, cfg.write_zeroes_may_unmap);
	EXPECT_EQ(0, cfg.unused);
	EXPECT_EQ(0, cfg.unused1[0] | cfg.unused1[1] | cfg.unused1[2]);
	EXPECT_FALSE(self->t.d.features & BIT_ULL(VIRTIO_BLK_F_RO));
	EXPECT_TRUE(self->t.d.features & BIT_ULL(VIRTIO_BLK_F_FLUSH));
	EXPECT_TRUE(self->t.d.features & BIT_ULL(VIRTIO_BLK_F_CONFIG_WCE));
	EXPECT_FALSE(self->t.d.features & BIT_ULL(VIRTIO_F_IN_ORDER));
	/* Nothing but the cache mode can be written. */
	self->t.d.ops->config_write(&self->t.d, 0, 1, 8);
	EXPECT_EQ(BLK_CAPACITY, config(&self->t).capacity);
}

TEST_F(blk, write_and_read)
{
	struct blk_dev *t = &self->t;
	u8 *buf = blk_dev_ptr(t, t->data), back[8192];

	blk_dev_fill(buf, 8192, 1);
	EXPECT_EQ(VIRTIO_BLK_S_OK, blk_dev_do(t, VIRTIO_BLK_T_OUT, 3, t->data, 8192));
	EXPECT_EQ(1, t->len);
	blk_dev_peek(t, 3 * 512, back, sizeof(back));
	EXPECT_TRUE(blk_dev_filled(back, 8192, 1));
	memset(buf, 0, 8192);
	EXPECT_EQ(VIRTIO_BLK_S_OK, blk_dev_do(t, VIRTIO_BLK_T_IN, 3, t->data, 8192));
	EXPECT_EQ(8193, t->len);
	EXPECT_TRUE(blk_dev_filled(buf, 8192, 1));
	EXPECT_EQ(VIRTIO_BLK_S_OK, blk_dev_do(t, VIRTIO_BLK_T_FLUSH, 0, 0, 0));
	EXPECT_EQ(1, t->len);
	/* All of the disk, and its last sector. */
	EXPECT_EQ(VIRTIO_BLK_S_OK, blk_dev_do(t, VIRTIO_BLK_T_IN, 0, t->data, BLK_BYTES));
	EXPECT_TRUE(blk_dev_filled(buf + 3 * 512, 8192, 1));
	EXPECT_EQ(VIRTIO_BLK_S_OK, blk_dev_do(t, VIRTIO_BLK_T_OUT, BLK_CAPACITY - 1, t->data, 512));
	EXPECT_TRUE(drv_status(&t->d) == (VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER |
					  VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK));
}

/* However the driver has cut it: nothing but the order counts (2.6.4). */
TEST_F(blk, any_layout)
{
	static const u32 cuts[][4] = {
		{ 16, 512, 0, 0 }, { 1, 15, 512, 0 }, { 7, 9, 511, 1 }, { 8, 8, 256, 256 },
		{ 528, 0, 0, 0 }, { 20, 508, 0, 0 }, { 15, 2, 510, 1 },
	};
	struct blk_dev *t = &self->t;
	u64 all = t->data + 64;
	unsigned int i, j;
	u8 back[512];

	for (i = 0; i < ARRAY_SIZE(cuts); i++) {
		struct drv_seg segs[8];
		unsigned int n = 0;
		u64 at = all;

		/* A write: header and data lie one behind the other. */
		blk_dev_header(t, 0, VIRTIO_BLK_T_OUT, i);
		memcpy(blk_dev_ptr(t, all), blk_dev_ptr(t, t->hdr[0]), 16);
		blk_dev_fill(blk_dev_ptr(t, all + 16), 512, i);
		for (j = 0; j < 4 && cuts[i][j]; at += cuts[i][j++])
			segs[n++] = DRV_OUT(at, cuts[i][j]);
		segs[n++] = DRV_IN(t->status[0], 1);
		EXPECT_EQ(VIRTIO_BLK_S_OK, blk_dev_parts(t, segs, n));
		blk_dev_peek(t, i * 512, back, 512);
		EXPECT_TRUE(blk_dev_filled(back, 512, i));

		/* A read: data and status lie one behind the other. */
		blk_dev_header(t, 0, VIRTIO_BLK_T_IN, i);
		memset(blk_dev_ptr(t, all), 0xee, 1024);
		n = 0;
		segs[n++] = DRV_OUT(t->hdr[0], 5);
		segs[n++] = DRV_OUT(t->hdr[0] + 5, 11);
		for (at = 0, j = 0; at < 513; j++) {
			u32 len = j < 4 && cuts[i][j] ? cuts[i][j] : 513;

			segs[n++] = DRV_IN(all + at, min_t(u32, len, (u32)(513 - at)));
			at += len;
		}
		ASSERT_TRUE(drv_request(&t->d, 0, segs, n, &t->len));
		EXPECT_EQ(VIRTIO_BLK_S_OK, *blk_dev_ptr(t, all + 512));
		EXPECT_EQ(513, t->len);
		EXPECT_TRUE(blk_dev_filled(blk_dev_ptr(t, all), 512, i));
		EXPECT_EQ(0xee, *blk_dev_ptr(t, all + 513));
	}
}

TEST_F(blk, parts_up_to_the_limit)
{
	struct blk_dev *t = &self->t;
	struct drv_seg segs[128] = { DRV_OUT(t->hdr[0], 16) };
	u8 *buf = blk_dev_ptr(t, t->data);
	unsigned int i;
	u8 back[1024];

	blk_dev_fill(blk_dev_ptr(t, t->data), 126 * 512, 7);
	for (i = 0; i < 126; i++)
		segs[i + 1] = DRV_OUT(t->data + i * 512, 512);
	segs[127] = DRV_IN(t->status[0], 1);
	blk_dev_header(t, 0, VIRTIO_BLK_T_OUT, 0);
	EXPECT_EQ(VIRTIO_BLK_S_OK, blk_dev_parts(t, segs, 128));
	blk_dev_peek(t, 125 * 512 - 512, back, 1024);
	EXPECT_EQ(0, memcmp(back, buf + 124 * 512, 1024));
	/* Where memory slots meet, one part is two. */
	blk_dev_header(t, 0, VIRTIO_BLK_T_IN, 0);
	segs[1] = DRV_IN(DRV_RAM2 - 1024, 4096);
	segs[2] = DRV_IN(t->status[0], 1);
	EXPECT_EQ(VIRTIO_BLK_S_OK, blk_dev_parts(t, segs, 3));
	EXPECT_EQ(0, memcmp(blk_dev_ptr(t, DRV_RAM2 - 1024), buf, 1024));
	EXPECT_EQ(0, memcmp(blk_dev_ptr(t, DRV_RAM2), buf + 1024, 3072));
}

TEST_F(blk, a_full_ring)
{
	struct blk_dev *t = &self->t;
	unsigned int i, round, done, per = variant->features & BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC) ?
		BLK_DEPTH : BLK_DEPTH / 3;

	for (round = 0; round < 4; round++) {
		u32 type = round % 2 ? VIRTIO_BLK_T_IN : VIRTIO_BLK_T_OUT;

		for (i = 0; i < per; i++) {
			u8 *buf = blk_dev_ptr(t, t->data + i * 4096);

			if (type == VIRTIO_BLK_T_OUT)
				blk_dev_fill(buf, 4096, i + round);
			else
				memset(buf, 0, 4096);
			blk_dev_add(t, 0, i, type, i * 8, t->data + i * 4096, 4096);
		}
		drv_kick(&t->d, 0);
		for (done = 0; done < per; done++) {
			ASSERT_TRUE(drv_wait_used(&t->d, 0, 5000));
			ASSERT_NE(NULL, drv_get(&t->d, 0, NULL));
		}
		EXPECT_TRUE(t->d.ops->interrupted(&t->d, 0));
		for (i = 0; i < per; i++) {
			EXPECT_EQ(VIRTIO_BLK_S_OK, blk_dev_status(t, i));
			EXPECT_TRUE(blk_dev_filled(blk_dev_ptr(t, t->data + i * 4096), 4096,
						   i + (round & ~1U)));
		}
	}
}

TEST_F(blk, beyond_the_end)
{
	static const struct {
		u64 sector;
		u32 len;
	} bad[] = {
		{ BLK_CAPACITY, 512 }, { BLK_CAPACITY - 1, 1024 }, { BLK_CAPACITY + 1, 512 },
		{ ~0ULL, 512 }, { ~0ULL - 1, 1024 }, { 1ULL << 55, 512 }, { ~0ULL / 512, 512 },
		{ 1ULL << 63, 512 }, { 0, 511 }, { 0, 513 }, { 0, 1 }, { BLK_CAPACITY + 1, 0 },
	};
	struct blk_dev *t = &self->t;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		memset(blk_dev_ptr(t, t->data), 0x11, 1024);
		EXPECT_EQ(VIRTIO_BLK_S_IOERR, blk_dev_do(t, VIRTIO_BLK_T_IN, bad[i].sector, t->data,
							 bad[i].len));
		/* Of what was not written the driver is not told. */
		EXPECT_EQ(bad[i].len ? 0 : 1, t->len);
		EXPECT_EQ(0x11, *blk_dev_ptr(t, t->data));
		EXPECT_EQ(VIRTIO_BLK_S_IOERR, blk_dev_do(t, VIRTIO_BLK_T_OUT, bad[i].sector,
							 t->data, bad[i].len));
		EXPECT_EQ(1, t->len);
	}
	EXPECT_EQ(VIRTIO_BLK_S_OK, blk_dev_do(t, VIRTIO_BLK_T_IN, BLK_CAPACITY, t->data, 0));
	EXPECT_EQ(VIRTIO_BLK_S_OK, blk_dev_do(t, VIRTIO_BLK_T_IN, 0, t->data, 512));
}

TEST_F(blk, unknown_types)
{
	static const u32 types[] = { 2, 3, 5, 6, 7, 9, 10, 12, VIRTIO_BLK_T_SECURE_ERASE, 15, 16,
		0x100, 0x80000000, ~0U };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		EXPECT_EQ(VIRTIO_BLK_S_UNSUPP, blk_dev_do(&self->t, types[i], 0, self->t.data, 512));
		EXPECT_EQ(VIRTIO_BLK_S_UNSUPP, blk_dev_do(&self->t, types[i], 0, 0, 0));
	}
}

TEST_F(blk, no_room_for_the_status)
{
	struct blk_dev *t = &self->t;
	struct drv_seg out[] = { DRV_OUT(t->hdr[0], 16), DRV_OUT(t->data, 512) };

	/* The only answer there can be: the request comes back. */
	blk_dev_header(t, 0, VIRTIO_BLK_T_OUT, 0);
	memset(blk_dev_ptr(t, t->data), 0x77, 512);
	EXPECT_EQ(BLK_NONE, blk_dev_parts(t, out, 2));
	EXPECT_EQ(0, t->len);
	EXPECT_EQ(BLK_NONE, blk_dev_parts(t, out, 1));
	EXPECT_EQ(0, t->len);
	/* Nothing was written, and it goes on. */
	EXPECT_EQ(VIRTIO_BLK_S_OK, blk_dev_do(t, VIRTIO_BLK_T_IN, 0, t->data, 512));
	EXPECT_EQ(0, *blk_dev_ptr(t, t->data));
}

TEST_F(blk, short_headers)
{
	struct blk_dev *t = &self->t;
	unsigned int len;

	for (len = 0; len < 16; len++) {
		struct drv_seg segs[] = { DRV_OUT(t->hdr[0], len), DRV_IN(t->status[0], 1) };

		blk_dev_header(t, 0, VIRTIO_BLK_T_FLUSH, 0);
		EXPECT_EQ(VIRTIO_BLK_S_IOERR, blk_dev_parts(t, segs + !len, 2 - !len));
		EXPECT_EQ(1, t->len);
	}
}

TEST_F(blk, the_status_is_the_last_byte)
{
	struct blk_dev *t = &self->t;
	struct drv_seg segs[] = { DRV_OUT(t->hdr[0], 16), DRV_IN(t->data, 20),
		DRV_IN(t->status[0], 1) };

	/* Requests that write no data may still have room for some. */
	blk_dev_header(t, 0, VIRTIO_BLK_T_FLUSH, 0);
	memset(blk_dev_ptr(t, t->data), 0x33, 20);
	EXPECT_EQ(VIRTIO_BLK_S_OK, blk_dev_parts(t, segs, 3));
	EXPECT_EQ(0x33, *blk_dev_ptr(t, t->data));
	EXPECT_EQ(0x33, *blk_dev_ptr(t, t->data + 19));
}

TEST_F(blk, serial)
{
	struct blk_dev *t = &self->t;
	char *id = (char *)blk_dev_ptr(t, t->data);

	memset(id, 0x55, 64);
	EXPECT_EQ(VIRTIO_BLK_S_OK, blk_dev_do(t, VIRTIO_BLK_T_GET_ID, 0, t->data, 20));
	EXPECT_EQ(21, t->len);
	EXPECT_EQ(0, memcmp(id, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x55", 21));
	reopen(t, variant, ",serial=abc", variant->features);
	id = (char *)blk_dev_ptr(t, t->data);
	EXPECT_EQ(VIRTIO_BLK_S_OK, blk_dev_do(t, VIRTIO_BLK_T_GET_ID, 0, t->data, 20));
	EXPECT_EQ(0, memcmp(id, "abc\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20));
	reopen(t, variant, ",serial=01234567890123456789", variant->features);
	id = (char *)blk_dev_ptr(t, t->data);
	memset(id, 0x55, 64);
	EXPECT_EQ(VIRTIO_BLK_S_OK, blk_dev_do(t, VIRTIO_BLK_T_GET_ID, 0, t->data, 20));
	EXPECT_EQ(0, memcmp(id, "01234567890123456789\x55", 21));
	/* Buffers of other sizes. */
	EXPECT_EQ(VIRTIO_BLK_S_OK, blk_dev_do(t, VIRTIO_BLK_T_GET_ID, 0, t->data, 0));
	memset(id, 0x55, 64);
	EXPECT_EQ(VIRTIO_BLK_S_OK, blk_dev_do(t, VIRTIO_BLK_T_GET_ID, 0, t->data, 3));
	EXPECT_EQ(0, memcmp(id, "012\x55", 4));
	EXPECT_EQ(4, t->len);
	EXPECT_EQ(VIRTIO_BLK_S_OK, blk_dev_do(t, VIRTIO_BLK_T_GET_ID, 0, t->data, 64));
	EXPECT_EQ(0x55, id[20]);
}

/* --- ranges ----------------------------------------------------------------------- */

TEST_F(blk, ranges)
{
	static const u8 zero[SZ_64K];
	struct virtio_blk_discard_write_zeroes range[17] = { 0 };
	struct blk_dev *t = &self->t;
	u8 *buf = blk_dev_ptr(t, t->data), *back = malloc(SZ_512K);
	u64 addr = t->data + SZ_512K;
	unsigned int i;

	blk_dev_fill(buf, SZ_512K, 1);
	ASSERT_EQ(VIRTIO_BLK_S_OK, blk_dev_do(t, VIRTIO_BLK_T_OUT, 0, t->data, SZ_512K));
	EXPECT_EQ(VIRTIO_BLK_S_OK, blk_dev_range(t, VIRTIO_BLK_T_WRITE_ZEROES, 8, 128, 0));
	EXPECT_EQ(VIRTIO_BLK_S_OK, blk_dev_range(t, VIRTIO_BLK_T_WRITE_ZEROES, 256, 128, 1));
	EXPECT_EQ(VIRTIO_BLK_S_OK, blk_dev_range(t, VIRTIO_BLK_T_DISCARD, 512, 8, 0));
	blk_dev_peek(t, 0, back, SZ_512K);
	EXPECT_EQ(0, memcmp(back, buf, 4096));
	EXPECT_EQ(0, memcmp(back + 4096, zero, SZ_64K));
	EXPECT_EQ(0, memcmp(back + 4096 + SZ_64K, buf + 4096 + SZ_64K, SZ_64K - 4096));
	EXPECT_EQ(0, memcmp(back + SZ_128K, zero, SZ_64K));
	EXPECT_EQ(0, memcmp(back + SZ_128K + SZ_64K, buf + SZ_128K + SZ_64K, SZ_64K));

	/* As many at once as there may be, the empty one included; then one more. */
	for (i = 0; i < 17; i++) {
		range[i].sector = htole64(600 + 2 * i);
		range[i].num_sectors = htole32(i != 3);
	}
	drv_put(&t->d, addr, range, sizeof(range));
	EXPECT_EQ(VIRTIO_BLK_S_OK, blk_dev_do(t, VIRTIO_BLK_T_WRITE_ZEROES, 0, addr, 16 * 16));
	blk_dev_peek(t, 0, back, SZ_512K);
	for (i = 0; i < 32; i++)
		EXPECT_EQ(i % 2 || i == 6 ? buf[(600 + i) * 512 + 5] : 0,
			  back[(600 + i) * 512 + 5]);
	EXPECT_EQ(VIRTIO_BLK_S_IOERR, blk_dev_do(t, VIRTIO_BLK_T_WRITE_ZEROES, 0, addr, 17 * 16));
	EXPECT_EQ(VIRTIO_BLK_S_OK, blk_dev_do(t, VIRTIO_BLK_T_DISCARD, 0, addr, 16 * 16));
	free(back);
}

TEST_F(blk, bad_ranges)
{
	static const u32 types[] = { VIRTIO_BLK_T_DISCARD, VIRTIO_BLK_T_WRITE_ZEROES };
	struct blk_dev *t = &self->t;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		EXPECT_EQ(VIRTIO_BLK_S_UNSUPP, blk_dev_range(t, types[i], 0, 8, 2));
		EXPECT_EQ(VIRTIO_BLK_S_UNSUPP, blk_dev_range(t, types[i], 0, 8, 0x80000001));
		EXPECT_EQ(VIRTIO_BLK_S_IOERR, blk_dev_range(t, types[i], BLK_CAPACITY, 1, 0));
		EXPECT_EQ(VIRTIO_BLK_S_IOERR, blk_dev_range(t, types[i], ~0ULL, 2, 0));
		EXPECT_EQ(VIRTIO_BLK_S_IOERR, blk_dev_range(t, types[i], 1ULL << 55, 1, 0));
		EXPECT_EQ(VIRTIO_BLK_S_IOERR, blk_dev_range(t, types[i], 0, ~0U, 0));
		EXPECT_EQ(VIRTIO_BLK_S_IOERR, blk_dev_range(t, types[i], 0, 0x400001, 0));
		EXPECT_EQ(VIRTIO_BLK_S_IOERR, blk_dev_do(t, types[i], 0, 0, 0));
		EXPECT_EQ(VIRTIO_BLK_S_IOERR, blk_dev_do(t, types[i], 0, t->data, 15));
		EXPECT_EQ(VIRTIO_BLK_S_IOERR, blk_dev_do(t, types[i], 0, t->data, 17));
	}
	EXPECT_EQ(VIRTIO_BLK_S_UNSUPP, blk_dev_range(t, VIRTIO_BLK_T_DISCARD, 0, 8, 1));
	ASSERT_EQ(0, drv_setup(&t->d, variant->features & ~BIT_ULL(VIRTIO_BLK_F_DISCARD) &
			       ~BIT_ULL(VIRTIO_BLK_F_WRITE_ZEROES)));
	EXPECT_EQ(VIRTIO_BLK_S_UNSUPP, blk_dev_range(t, VIRTIO_BLK_T_DISCARD, 0, 8, 0));
	EXPECT_EQ(VIRTIO_BLK_S_UNSUPP, blk_dev_range(t, VIRTIO_BLK_T_WRITE_ZEROES, 0, 8, 0));
}

TEST_F(blk, read_only)
{
	struct blk_dev *t = &self->t;
	struct virtio_blk_config cfg;
	u8 back[512];

	memset(blk_dev_ptr(t, t->data), 0x44, 512);
	ASSERT_EQ(VIRTIO_BLK_S_OK, blk_dev_do(t, VIRTIO_BLK_T_OUT, 0, t->data, 512));
	reopen(t, variant, ",ro", variant->features);
	EXPECT_TRUE(t->d.features & BIT_ULL(VIRTIO_BLK_F_RO));
	EXPECT_FALSE(t->d.features & BIT_ULL(VIRTIO_BLK_F_DISCARD));
	EXPECT_FALSE(t->d.features & BIT_ULL(VIRTIO_BLK_F_WRITE_ZEROES));
	cfg = config(t);
	EXPECT_EQ(0, cfg.max_discard_sectors | cfg.max_write_zeroes_sectors);
	EXPECT_EQ(VIRTIO_BLK_S_OK, blk_dev_do(t, VIRTIO_BLK_T_IN, 0, t->data, 512));
	EXPECT_EQ(0x44, *blk_dev_ptr(t, t->data));
	memset(blk_dev_ptr(t, t->data), 0x66, 512);
	EXPECT_EQ(VIRTIO_BLK_S_IOERR, blk_dev_do(t, VIRTIO_BLK_T_OUT, 0, t->data, 512));
	EXPECT_EQ(VIRTIO_BLK_S_IOERR, blk_dev_do(t, VIRTIO_BLK_T_OUT, 0, t->data, 0));
	EXPECT_EQ(VIRTIO_BLK_S_IOERR, blk_dev_range(t, VIRTIO_BLK_T_DISCARD, 0, 1, 0));
	EXPECT_EQ(VIRTIO_BLK_S_IOERR, blk_dev_range(t, VIRTIO_BLK_T_WRITE_ZEROES, 0, 1, 0));
	EXPECT_EQ(VIRTIO_BLK_S_OK, blk_dev_do(t, VIRTIO_BLK_T_FLUSH, 0, 0, 0));
	blk_dev_peek(t, 0, back, 512);
	EXPECT_EQ(0x44, back[0]);
	EXPECT_EQ(0x44, back[511]);
}

/* --- caches ----------------------------------------------------------------------- */

TEST_F(blk, a_flush_is_one_fdatasync)
{
	struct blk_dev *t = &self->t;
	unsigned int i;

	if (!COUNT_RINGS)
		reopen(t, variant, ",io=threads", variant->features);
	count_reset();
	EXPECT_EQ(VIRTIO_BLK_S_OK, blk_dev_do(t, VIRTIO_BLK_T_OUT, 0, t->data, 4096));
	EXPECT_EQ(0, count_stable());
	for (i = 1; i < 4; i++) {
		EXPECT_EQ(VIRTIO_BLK_S_OK, blk_dev_do(t, VIRTIO_BLK_T_FLUSH, 0, 0, 0));
		EXPECT_EQ(i, count_stable());
	}
	/* Several at once are still one each. */
	for (i = 0; i < 10; i++)
		blk_dev_add(t, 0, i, VIRTIO_BLK_T_FLUSH, 0, 0, 0);
	drv_kick(&t->d, 0);
	for (i = 0; i < 10; i++)
		ASSERT_TRUE(drv_wait_used(&t->d, 0, 5000) && drv_get(&t->d, 0, NULL));
	EXPECT_EQ(13, count_stable());
}

TEST_F(blk, write_through_without_flushes)
{
	static const char * const io[] = { "", ",io=threads" };
	struct blk_dev *t = &self->t;
	unsigned int i;

	for (i = COUNT_RINGS ? 0 : 1; i < 2; i++) {
		reopen(t, variant, io[i], variant->features & ~BIT_ULL(VIRTIO_BLK_F_FLUSH) &
		       ~BIT_ULL(VIRTIO_BLK_F_CONFIG_WCE));
		count_reset();
		EXPECT_EQ(VIRTIO_BLK_S_OK, blk_dev_do(t, VIRTIO_BLK_T_OUT, 0, t->data, 4096));
		EXPECT_EQ(1, count_stable());
		EXPECT_EQ(VIRTIO_BLK_S_OK, blk_dev_range(t, VIRTIO_BLK_T_WRITE_ZEROES, 0, 8, 0));
		EXPECT_EQ(2, count_stable());
		EXPECT_EQ(VIRTIO_BLK_S_OK, blk_dev_do(t, VIRTIO_BLK_T_IN, 0, t->data, 4096));
		EXPECT_EQ(2, count_stable());
	}
}

TEST_F(blk, the_driver_chooses_the_cache)
{
	struct blk_dev *t = &self->t;

	if (!COUNT_RINGS)
		reopen(t, variant, ",io=threads", variant->features);
	EXPECT_EQ(1, blk_dev_wce(t));
	blk_dev_set_wce(t, 0);
	EXPECT_EQ(0, blk_dev_wce(t));
	count_reset();
	EXPECT_EQ(VIRTIO_BLK_S_OK, blk_dev_do(t, VIRTIO_BLK_T_OUT, 0, t->data, 4096));
	EXPECT_EQ(1, count_stable());
	blk_dev_set_wce(t, 1);
	EXPECT_EQ(1, blk_dev_wce(t));
	EXPECT_EQ(VIRTIO_BLK_S_OK, blk_dev_do(t, VIRTIO_BLK_T_OUT, 0, t->data, 4096));
	EXPECT_EQ(1, count_stable());

	/* 5.2.5.2: without flushes there is no cache to begin with. */
	blk_dev_set_wce(t, 1);
	ASSERT_EQ(0, drv_negotiate(&t->d, variant->features & ~BIT_ULL(VIRTIO_BLK_F_FLUSH)));
	EXPECT_EQ(0, blk_dev_wce(t));
	/* After a reset it is as it was. */
	blk_dev_set_wce(t, 0);
	ASSERT_EQ(0, drv_setup(&t->d, variant->features));
	EXPECT_EQ(1, blk_dev_wce(t));
	/* It is not the driver's to choose without the feature. */
	ASSERT_EQ(0, drv_setup(&t->d, variant->features & ~BIT_ULL(VIRTIO_BLK_F_CONFIG_WCE)));
	blk_dev_set_wce(t, 0);
	EXPECT_EQ(1, blk_dev_wce(t));
	count_reset();
	EXPECT_EQ(VIRTIO_BLK_S_OK, blk_dev_do(t, VIRTIO_BLK_T_OUT, 0, t->data, 4096));
	EXPECT_EQ(0, count_stable());
}

TEST_F(blk, unsafe)
{
	struct blk_dev *t = &self->t;

	reopen(t, variant, COUNT_RINGS ? ",cache=unsafe" : ",cache=unsafe,io=threads",
	       variant->features);
	count_reset();
	EXPECT_EQ(VIRTIO_BLK_S_OK, blk_dev_do(t, VIRTIO_BLK_T_OUT, 0, t->data, 4096));
	EXPECT_EQ(VIRTIO_BLK_S_OK, blk_dev_do(t, VIRTIO_BLK_T_FLUSH, 0, 0, 0));
	EXPECT_EQ(0, count_stable());
}

TEST_F(blk, messages_about_the_driver_are_bounded)
{
	unsigned int i, lines = 0;

	for (i = 0; i < 100; i++)
		blk_dev_do(&self->t, VIRTIO_BLK_T_IN, ~0ULL, self->t.data, 512);
	capture_end(&self->c);
	for (i = 0; self->c.text[i]; i++)
		lines += self->c.text[i] == '\n';
	/* Ten, and one that says that there are more. */
	EXPECT_EQ(11, lines);
	capture_begin(&self->c);
}

TEST_HARNESS_MAIN
