/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TESTS_UNIT_PACK_H
#define TESTS_UNIT_PACK_H

#include <stdlib.h>
#include <string.h>

#include <linux/types.h>
#include <tools/be_byteshift.h>
#include <tools/le_byteshift.h>

/*
 * Compressors, by the libraries that vmtool inflates with, in the forms that a
 * kernel's build uses. Each returns the bytes at @out, where there is plenty of
 * room, and aborts when the library fails.
 */

static inline void pack_must(int ok)
{
	if (!ok)
		abort();
}

#ifdef CONFIG_DECOMPRESS_GZIP
#include <zlib.h>

static inline size_t pack_gzip(u8 *out, size_t room, const u8 *in, size_t len)
{
	z_stream strm = {
		.next_in = (Bytef *)in, .avail_in = len, .next_out = out, .avail_out = room,
	};

	pack_must(deflateInit2(&strm, 9, Z_DEFLATED, MAX_WBITS + 16, 9,
			       Z_DEFAULT_STRATEGY) == Z_OK);
	pack_must(deflate(&strm, Z_FINISH) == Z_STREAM_END);
	deflateEnd(&strm);
	return strm.total_out;
}
#endif

#ifdef CONFIG_DECOMPRESS_BZIP2
#include <bzlib.h>

static inline size_t pack_bzip2(u8 *out, size_t room, const u8 *in, size_t len)
{
	unsigned int n = room;

	pack_must(BZ2_bzBuffToBuffCompress((char *)out, &n, (char *)in, len, 9, 0, 0) == BZ_OK);
	return n;
}
#endif

#ifdef CONFIG_DECOMPRESS_LZMA
#include <lzma.h>

/* Of unknown size, with an end marker. */
static inline size_t pack_lzma(u8 *out, size_t room, const u8 *in, size_t len)
{
	lzma_stream strm = LZMA_STREAM_INIT;
	lzma_options_lzma opt;

	pack_must(!lzma_lzma_preset(&opt, 1));
	pack_must(lzma_alone_encoder(&strm, &opt) == LZMA_OK);
	strm.next_in = in;
	strm.avail_in = len;
	strm.next_out = out;
	strm.avail_out = room;
	pack_must(lzma_code(&strm, LZMA_FINISH) == LZMA_STREAM_END);
	room = strm.total_out;
	lzma_end(&strm);
	return room;
}

/* With a filter for x86 code and a CRC32. */
static inline size_t pack_xz(u8 *out, size_t room, const u8 *in, size_t len)
{
	lzma_options_lzma opt;
	lzma_filter filters[] = {
		{ .id = LZMA_FILTER_X86 },
		{ .id = LZMA_FILTER_LZMA2, .options = &opt },
		{ .id = LZMA_VLI_UNKNOWN },
	};
	size_t n = 0;

	pack_must(!lzma_lzma_preset(&opt, 1));
	pack_must(lzma_stream_buffer_encode(filters, LZMA_CHECK_CRC32, NULL, in, len,
					    out, &n, room) == LZMA_OK);
	return n;
}
#endif

#ifdef CONFIG_DECOMPRESS_LZ4
#include <lz4.h>

#define PACK_LZ4_BLOCK	(8 << 20)

static inline size_t pack_lz4(u8 *out, size_t room, const u8 *in, size_t len)
{
	u8 *p = out;

	put_unaligned_le32(0x184c2102, p);
	p += 4;
	while (len) {
		size_t part = len < PACK_LZ4_BLOCK ? len : PACK_LZ4_BLOCK;
		int n = LZ4_compress_default((const char *)in, (char *)p + 4, part,
					     room - (p + 4 - out));

		pack_must(n > 0);
		put_unaligned_le32(n, p);
		p += 4 + n;
		in += part;
		len -= part;
	}
	return p - out;
}
#endif

#ifdef CONFIG_DECOMPRESS_ZSTD
#include <zstd.h>

static inline size_t pack_zstd(u8 *out, size_t room, const u8 *in, size_t len)
{
	ZSTD_CCtx *ctx = ZSTD_createCCtx();

	pack_must(!!ctx);
	ZSTD_CCtx_setParameter(ctx, ZSTD_c_checksumFlag, 1);
	room = ZSTD_compress2(ctx, out, room, in, len);
	pack_must(!ZSTD_isError(room));
	ZSTD_freeCCtx(ctx);
	return room;
}
#endif

#ifdef CONFIG_DECOMPRESS_LZO
#include <lzo/lzo1x.h>

#define PACK_LZO_BLOCK	(256 << 10)

/* Checksums, in the order in which lzop has them. */
static inline u8 *pack_lzo_sums(u8 *p, int adler, int crc, const u8 *data, size_t len)
{
	if (adler) {
		put_unaligned_be32(lzo_adler32(1, data, len), p);
		p += 4;
	}
	if (crc) {
		put_unaligned_be32(lzo_crc32(0, data, len), p);
		p += 4;
	}
	return p;
}

static inline size_t pack_lzop(u8 *out, const u8 *in, size_t len, u32 flags)
{
	static const u8 magic[] = { 0x89, 'L', 'Z', 'O', 0, 13, 10, 26, 10 };
	static const u8 head[] = { 0x10, 0x40, 0x20, 0xa0, 0x09, 0x40, 3, 9 };
	u8 *block = malloc(PACK_LZO_BLOCK * 2), *work = malloc(LZO1X_1_MEM_COMPRESS);
	u8 *p = out, *start;

	memcpy(p, magic, sizeof(magic));
	start = p += sizeof(magic);
	memcpy(p, head, sizeof(head));
	p += sizeof(head);
	put_unaligned_be32(flags, p);
	memset(p + 4, 0x11, 12);		/* mode and time */
	memcpy(p + 16, "\4name", 5);
	p += 21;
	put_unaligned_be32(flags & 0x1000 ? lzo_crc32(0, start, p - start) :
			   lzo_adler32(1, start, p - start), p);
	p += 4;
	while (len) {
		size_t part = len < PACK_LZO_BLOCK ? len : PACK_LZO_BLOCK;
		lzo_uint n = PACK_LZO_BLOCK * 2;

		pack_must(lzo1x_1_compress(in, part, block, &n, work) == LZO_E_OK);
		put_unaligned_be32(part, p);
		put_unaligned_be32(n < part ? n : part, p + 4);
		p = pack_lzo_sums(p + 8, flags & 1, flags & 0x100, in, part);
		if (n < part)
			p = pack_lzo_sums(p, flags & 2, flags & 0x200, block, n);
		else
			n = part;
		memcpy(p, n < part ? block : in, n);
		p += n;
		in += part;
		len -= part;
	}
	put_unaligned_be32(0, p);
	free(block);
	free(work);
	return p + 4 - out;
}

static inline size_t pack_lzo(u8 *out, size_t room, const u8 *in, size_t len)
{
	return pack_lzop(out, in, len, 1);
}
#endif

#endif /* TESTS_UNIT_PACK_H */
