// SPDX-License-Identifier: GPL-2.0
/*
 * util/decompress*.c: each format that was built in, whole, cut and damaged.
 */
#include <errno.h>

#include <linux/kconfig.h>
#include <vmtool/decompress.h>

#include "pack.h"
#ifdef CONFIG_DECOMPRESS
#include <kselftest_harness.h>
/* More than lz4 puts into a block, and not a multiple of anything. */
#define LARGE	((9 << 20) + 1234)
#define SMALL	5000

typedef size_t (*pack_fn)(u8 *out, size_t room, const u8 *in, size_t len);

/* Half of it compresses, and half of that looks like x86 calls to xz's filter. */
static u8 *sample(size_t len)
{
	u8 *data = malloc(len);
	u32 x = 1;
	size_t i;

	for (i = 0; i < len; i++) {
		x = x * 1664525 + 1013904223;
		data[i] = i & 0x1000 ? x >> 24 : i & 4 ? 0xe8 : i >> 5;
	}
	return data;
}

/**
 * struct buffers - data, compressed and inflated again
 * @d: who inflates
 * @data: what went in
 * @packed: what came out of the compressor
 * @out: where it is inflated to
 * @room: bytes at @packed and @out
 * @packed_len: bytes used at @packed
 */
struct buffers {
	const struct decompressor *d;
	u8 *data;
	u8 *packed;
	u8 *out;
	size_t room;
	size_t packed_len;
};

FIXTURE(format) {
	struct buffers b;
};

FIXTURE_VARIANT(format) {
	const char *name;
	pack_fn pack;
	bool checksum;
};

#ifdef CONFIG_DECOMPRESS_GZIP
FIXTURE_VARIANT_ADD(format, gzip) { .name = "gzip", .pack = pack_gzip, .checksum = true };
#endif
#ifdef CONFIG_DECOMPRESS_BZIP2
FIXTURE_VARIANT_ADD(format, bzip2) { .name = "bzip2", .pack = pack_bzip2, .checksum = true };
#endif
#ifdef CONFIG_DECOMPRESS_LZMA
FIXTURE_VARIANT_ADD(format, lzma) { .name = "lzma", .pack = pack_lzma };
FIXTURE_VARIANT_ADD(format, xz) { .name = "xz", .pack = pack_xz, .checksum = true };
#endif
#ifdef CONFIG_DECOMPRESS_LZO
FIXTURE_VARIANT_ADD(format, lzo) { .name = "lzo", .pack = pack_lzo, .checksum = true };
#endif
#ifdef CONFIG_DECOMPRESS_LZ4
FIXTURE_VARIANT_ADD(format, lz4) { .name = "lz4", .pack = pack_lz4 };
#endif
#ifdef CONFIG_DECOMPRESS_ZSTD
FIXTURE_VARIANT_ADD(format, zstd) { .name = "zstd", .pack = pack_zstd, .checksum = true };
#endif

FIXTURE_SETUP(format)
{
	struct buffers *b = &self->b;
	const char *name;

	b->room = LARGE * 2;
	b->data = sample(LARGE);
	b->packed = malloc(b->room);
	b->out = malloc(b->room);
	b->packed_len = variant->pack(b->packed, b->room, b->data, SMALL);
	b->d = decompressor_find(b->packed, b->packed_len, &name);
	ASSERT_NE(NULL, b->d);
	EXPECT_STREQ(variant->name, name);
	EXPECT_STREQ(variant->name, b->d->name);
}

FIXTURE_TEARDOWN(format)
{
	free(self->b.data);
	free(self->b.packed);
	free(self->b.out);
}

static void inflates(struct __test_metadata *_metadata, struct buffers *b,
		     size_t in_len, size_t room, size_t want)
{
	size_t produced = 0;

	/* What is not to be written must still be there. */
	memset(b->out, 0x5a, b->room);
	ASSERT_EQ(0, b->d->inflate(b->packed, in_len, b->out, room, &produced));
	EXPECT_EQ(want, produced);
	EXPECT_EQ(0, memcmp(b->data, b->out, want));
	EXPECT_EQ(0x5a, b->out[room]);
}

TEST_F(format, round_trip)
{
	struct buffers *b = &self->b;

	inflates(_metadata, b, b->packed_len, SMALL, SMALL);
	inflates(_metadata, b, b->packed_len, SMALL + 1, SMALL);
	inflates(_metadata, b, b->packed_len, LARGE, SMALL);

	b->packed_len = variant->pack(b->packed, b->room, b->data, LARGE);
	inflates(_metadata, b, b->packed_len, LARGE, LARGE);
	inflates(_metadata, b, b->packed_len, LARGE + 1, LARGE);
}

/* What the kernel's build appends: the inflated size. */
TEST_F(format, size_behind_it)
{
	struct buffers *b = &self->b;

	put_unaligned_le32(SMALL, b->packed + b->packed_len);
	inflates(_metadata, b, b->packed_len + 4, SMALL, SMALL);
	inflates(_metadata, b, b->packed_len + 4, SMALL + 1, SMALL);
}

TEST_F(format, too_little_room)
{
	struct buffers *b = &self->b;
	const size_t rooms[] = { 0, 1, SMALL / 2, SMALL - 1 };
	size_t i, produced;

	for (i = 0; i < ARRAY_SIZE(rooms); i++) {
		b->out[rooms[i]] = 0x5a;
		EXPECT_EQ(-ENOSPC, b->d->inflate(b->packed, b->packed_len, b->out,
						 rooms[i], &produced))
			TH_LOG("room for %zu", rooms[i]);
		EXPECT_EQ(0x5a, b->out[rooms[i]]);
	}
}

/* A copy in a buffer of its own, where a sanitizer sees what is read behind it. */
static int inflate_cut(struct buffers *b, size_t len, size_t *produced)
{
	u8 *in = malloc(len ?: 1);
	int ret;

	memcpy(in, b->packed, len);
	ret = b->d->inflate(in, len, b->out, SMALL, produced);
	free(in);
	return ret;
}

TEST_F(format, cut)
{
	struct buffers *b = &self->b;
	size_t len, produced;
	int ret;

	for (len = b->d->magic_len; len < b->packed_len; len++) {
		ret = inflate_cut(b, len, &produced);
		/* A few formats do not need their last bytes; lz4 can end anywhere. */
		if (!ret && (produced == SMALL || len < 8))
			continue;
		EXPECT_EQ(-ENODATA, ret)
			TH_LOG("%zu of %zu bytes", len, b->packed_len);
	}
}

TEST_F(format, damaged)
{
	struct buffers *b = &self->b;
	size_t i, produced, unnoticed = 0;
	int ret;

	for (i = b->d->magic_len; i < b->packed_len; i++) {
		b->packed[i] ^= 0x55;
		produced = 0;
		ret = inflate_cut(b, b->packed_len, &produced);
		EXPECT_TRUE(ret == 0 || ret == -EBADMSG || ret == -ENODATA ||
			    ret == -ENOSPC || ret == -ENOMEM)
			TH_LOG("byte %zu: %d", i, ret);
		if (!ret && (produced != SMALL || memcmp(b->data, b->out, SMALL)))
			unnoticed++;
		b->packed[i] ^= 0x55;
	}
	if (variant->checksum)
		EXPECT_EQ(0, unnoticed);
}

#ifdef CONFIG_DECOMPRESS_LZO
TEST(lzo_checksums)
{
	static const u32 flags[] = { 0, 1, 2, 3, 0x100, 0x200, 0x303, 0x1000, 0x1303 };
	static const u32 refused[] = { 0x40, 0x400, 0x800 };
	u8 *data = sample(LARGE), *packed = malloc(2 * LARGE), *out = malloc(LARGE);
	size_t i, len, produced;
	const struct decompressor *d;
	const char *name;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		len = pack_lzop(packed, data, LARGE, flags[i]);
		d = decompressor_find(packed, len, &name);
		ASSERT_NE(NULL, d);
		memset(out, 0, LARGE);
		EXPECT_EQ(0, d->inflate(packed, len, out, LARGE, &produced))
			TH_LOG("flags %#x", flags[i]);
		EXPECT_EQ(LARGE, produced);
		EXPECT_EQ(0, memcmp(data, out, LARGE));
		/* The last byte of the last block. */
		packed[len - 5] ^= 1;
		if (flags[i] & 0x303)
			EXPECT_EQ(-EBADMSG, d->inflate(packed, len, out, LARGE, &produced))
				TH_LOG("flags %#x", flags[i]);
	}
	for (i = 0; i < ARRAY_SIZE(refused); i++) {
		len = pack_lzop(packed, data, SMALL, refused[i]);
		EXPECT_EQ(-EBADMSG, d->inflate(packed, len, out, LARGE, &produced));
	}
	free(data);
	free(packed);
	free(out);
}
#endif

#ifdef CONFIG_DECOMPRESS_LZ4
/* Files that somebody joined. */
TEST(lz4_joined)
{
	u8 *data = sample(SMALL * 2), packed[SMALL * 4], out[SMALL * 2];
	const struct decompressor *d;
	size_t len, produced;
	const char *name;

	len = pack_lz4(packed, sizeof(packed), data, SMALL);
	len += pack_lz4(packed + len, sizeof(packed) - len, data + SMALL, SMALL);
	d = decompressor_find(packed, len, &name);
	ASSERT_NE(NULL, d);
	EXPECT_EQ(0, d->inflate(packed, len, out, sizeof(out), &produced));
	EXPECT_EQ(sizeof(out), produced);
	EXPECT_EQ(0, memcmp(data, out, sizeof(out)));
	free(data);
}
#endif

static void known(struct __test_metadata *_metadata, const char *magic, size_t len,
		  const char *want, bool built_in)
{
	const struct decompressor *d;
	const char *name;

	d = decompressor_find(magic, len, &name);
	EXPECT_STREQ(want, name);
	EXPECT_EQ(built_in, !!d);
	/* It takes all of the magic to tell. */
	EXPECT_EQ(NULL, decompressor_find(magic, len - 1, &name));
	EXPECT_EQ(NULL, name);
}

/* A format's name is known whether or not its library was there. */
TEST(formats_by_magic)
{
	known(_metadata, "\x1f\x8b\x08", 3, "gzip", IS_ENABLED(CONFIG_DECOMPRESS_GZIP));
	known(_metadata, "BZh", 3, "bzip2", IS_ENABLED(CONFIG_DECOMPRESS_BZIP2));
	known(_metadata, "\x5d\0\0", 3, "lzma", IS_ENABLED(CONFIG_DECOMPRESS_LZMA));
	known(_metadata, "\3757zXZ\0", 6, "xz", IS_ENABLED(CONFIG_DECOMPRESS_LZMA));
	known(_metadata, "\x89LZO\0\r\n\x1a\n", 9, "lzo", IS_ENABLED(CONFIG_DECOMPRESS_LZO));
	known(_metadata, "\x02\x21\x4c\x18", 4, "lz4", IS_ENABLED(CONFIG_DECOMPRESS_LZ4));
	known(_metadata, "\x28\xb5\x2f\xfd", 4, "zstd", IS_ENABLED(CONFIG_DECOMPRESS_ZSTD));
}

TEST(unknown_formats)
{
	const char *name = "";

	EXPECT_EQ(NULL, decompressor_find("\177ELF", 4, &name));
	EXPECT_EQ(NULL, name);
	EXPECT_EQ(NULL, decompressor_find("", 0, &name));
}

TEST_HARNESS_MAIN
#else
#include <kselftest.h>

int main(void)
{
	ksft_exit_skip("CONFIG_DECOMPRESS is not configured\n");
}
#endif /* CONFIG_DECOMPRESS */
