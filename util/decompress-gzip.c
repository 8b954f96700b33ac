// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <zlib.h>
#ifdef CONFIG_LIBDEFLATE
#include <libdeflate.h>
#endif

#include <linux/kernel.h>

#include "decompress-formats.h"

/* A gzip header is expected, and its checksum and length are verified. */
#define GZIP_WINDOW_BITS	(MAX_WBITS + 16)

static int gzip_error(int ret, const z_stream *strm)
{
	switch (ret) {
	case Z_STREAM_END:
		return 0;
	case Z_MEM_ERROR:
		return -ENOMEM;
	case Z_OK:
	case Z_BUF_ERROR:
		return strm->avail_in ? -ENOSPC : -ENODATA;
	default:
		return -EBADMSG;
	}
}

#ifdef CONFIG_LIBDEFLATE
/* False: zlib is to say why. */
static bool inflate_at_once(const void *in, size_t in_len, void *out, size_t out_len,
			    size_t *produced)
{
	struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
	enum libdeflate_result ret;

	if (!d)
		return false;
	ret = libdeflate_gzip_decompress(d, in, in_len, out, out_len, produced);
	libdeflate_free_decompressor(d);
	return ret == LIBDEFLATE_SUCCESS;
}
#else
static bool inflate_at_once(const void *in, size_t in_len, void *out, size_t out_len,
			    size_t *produced)
{
	return false;
}
#endif

int inflate_gzip(const void *in, size_t in_len, void *out, size_t out_len,
		 size_t *produced)
{
	z_stream strm = {
		.next_in = (Bytef *)in,
		.avail_in = min_t(size_t, in_len, UINT_MAX),
		.next_out = out,
		.avail_out = min_t(size_t, out_len, UINT_MAX),
	};
	int ret;

	if (inflate_at_once(in, in_len, out, out_len, produced))
		return 0;
	if (inflateInit2(&strm, GZIP_WINDOW_BITS) != Z_OK)
		return -ENOMEM;
	ret = gzip_error(inflate(&strm, Z_FINISH), &strm);
	*produced = strm.total_out;
	inflateEnd(&strm);
	return ret;
}
