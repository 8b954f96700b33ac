// SPDX-License-Identifier: GPL-2.0
/*
 * The container of lzop, in big endian: magic, a header with a checksum of its
 * own, then blocks of inflated size, compressed size, the checksums that the
 * header's flags promise, and data. An inflated size of 0 ends it.
 */
#include <endian.h>
#include <errno.h>
#include <lzo/lzo1x.h>
#include <stdbool.h>
#include <string.h>

#include <linux/kernel.h>
#include <linux/types.h>

#include "decompress-formats.h"

#define LZOP_MAGIC_LEN		9
#define LZOP_METHOD_MAX		3	/* 1 to 3 are levels of LZO1X */

/* Since this version there are a needed version, a level and a high mtime. */
#define LZOP_VERSION_LEVEL	0x0940

#define LZOP_ADLER32_D		0x0001	/* of the inflated block */
#define LZOP_ADLER32_C		0x0002	/* of the compressed block */
#define LZOP_EXTRA_FIELD	0x0040
#define LZOP_CRC32_D		0x0100
#define LZOP_CRC32_C		0x0200
#define LZOP_MULTIPART		0x0400
#define LZOP_FILTER		0x0800
#define LZOP_HEADER_CRC32	0x1000

/**
 * struct lzop - what is left to read, and what the header says
 * @p: next byte
 * @left: bytes from there
 * @flags: LZOP_*
 * @err: first error met
 */
struct lzop {
	const u8 *p;
	size_t left;
	u32 flags;
	int err;
};

static const u8 *lzop_take(struct lzop *z, size_t len)
{
	const u8 *p = z->p;

	if (z->err || z->left < len) {
		z->err = z->err ?: -ENODATA;
		return NULL;
	}
	z->p += len;
	z->left -= len;
	return p;
}

static u8 lzop_u8(struct lzop *z)
{
	const u8 *p = lzop_take(z, 1);

	return p ? *p : 0;
}

static u16 lzop_u16(struct lzop *z)
{
	const u8 *p = lzop_take(z, 2);
	u16 value = 0;

	if (p)
		memcpy(&value, p, sizeof(value));
	return be16toh(value);
}

static u32 lzop_u32(struct lzop *z)
{
	const u8 *p = lzop_take(z, 4);
	u32 value = 0;

	if (p)
		memcpy(&value, p, sizeof(value));
	return be32toh(value);
}

static u32 lzop_sum(bool crc, const void *data, size_t len)
{
	return crc ? lzo_crc32(0, data, len) : lzo_adler32(1, data, len);
}

static int lzop_header(struct lzop *z)
{
	const u8 *start;
	u16 version;
	u8 method;
	u32 sum;

	lzop_take(z, LZOP_MAGIC_LEN);
	start = z->p;
	version = lzop_u16(z);
	lzop_u16(z);				/* version of the library */
	if (version >= LZOP_VERSION_LEVEL)
		lzop_u16(z);			/* version needed */
	method = lzop_u8(z);
	if (version >= LZOP_VERSION_LEVEL)
		lzop_u8(z);			/* level */
	z->flags = lzop_u32(z);
	lzop_take(z, 8);			/* mode, mtime */
	if (version >= LZOP_VERSION_LEVEL)
		lzop_take(z, 4);		/* high half of mtime */
	lzop_take(z, lzop_u8(z));		/* file name */
	if (z->err)
		return z->err;

	sum = lzop_sum(z->flags & LZOP_HEADER_CRC32, start, z->p - start);
	if (lzop_u32(z) != sum)
		return z->err ?: -EBADMSG;
	if (!method || method > LZOP_METHOD_MAX ||
	    z->flags & (LZOP_EXTRA_FIELD | LZOP_MULTIPART | LZOP_FILTER))
		return -EBADMSG;
	return 0;
}

/**
 * struct lzop_sums - checksums that stand in front of a block
 * @want: which of LZOP_* are there
 * @adler: of LZOP_ADLER32_*
 * @crc: of LZOP_CRC32_*
 */
struct lzop_sums {
	u32 want;
	u32 adler;
	u32 crc;
};

static void lzop_sums(struct lzop *z, u32 want, struct lzop_sums *s)
{
	s->want = want;
	s->adler = want & (LZOP_ADLER32_D | LZOP_ADLER32_C) ? lzop_u32(z) : 0;
	s->crc = want & (LZOP_CRC32_D | LZOP_CRC32_C) ? lzop_u32(z) : 0;
}

static bool lzop_sums_match(const struct lzop_sums *s, const void *data, size_t len)
{
	if (s->want & (LZOP_ADLER32_D | LZOP_ADLER32_C) &&
	    lzop_sum(false, data, len) != s->adler)
		return false;
	return !(s->want & (LZOP_CRC32_D | LZOP_CRC32_C)) ||
	       lzop_sum(true, data, len) == s->crc;
}

/* Returns the inflated size of one block, 0 at the end. */
static ssize_t lzop_block(struct lzop *z, void *out, size_t room)
{
	struct lzop_sums inflated, packed = { 0 };
	u32 dst_len = lzop_u32(z), src_len;
	lzo_uint n = dst_len;
	const u8 *src;

	if (z->err || !dst_len)
		return z->err;
	src_len = lzop_u32(z);
	lzop_sums(z, z->flags & (LZOP_ADLER32_D | LZOP_CRC32_D), &inflated);
	/* What does not shrink is stored, and then has one set of sums only. */
	if (src_len < dst_len)
		lzop_sums(z, z->flags & (LZOP_ADLER32_C | LZOP_CRC32_C), &packed);
	if (!z->err && (!src_len || src_len > dst_len))
		return -EBADMSG;
	src = lzop_take(z, src_len);
	if (!src)
		return z->err;
	if (dst_len > room)
		return -ENOSPC;

	if (!lzop_sums_match(&packed, src, src_len))
		return -EBADMSG;
	if (src_len == dst_len)
		memcpy(out, src, src_len);
	else if (lzo1x_decompress_safe(src, src_len, out, &n, NULL) != LZO_E_OK)
		return -EBADMSG;
	if (n != dst_len || !lzop_sums_match(&inflated, out, n))
		return -EBADMSG;
	return n;
}

int inflate_lzo(const void *in, size_t in_len, void *out, size_t out_len,
		size_t *produced)
{
	struct lzop z = { .p = in, .left = in_len };
	ssize_t n;
	int ret;

	*produced = 0;
	if (lzo_init() != LZO_E_OK)
		return -ENOMEM;
	ret = lzop_header(&z);
	if (ret)
		return ret;

	do {
		n = lzop_block(&z, (char *)out + *produced, out_len - *produced);
		if (n < 0)
			return n;
		*produced += n;
	} while (n);
	return 0;
}
