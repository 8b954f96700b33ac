// SPDX-License-Identifier: GPL-2.0
#include <bzlib.h>
#include <errno.h>
#include <limits.h>

#include <linux/kernel.h>

#include "decompress-formats.h"

static int bzip2_error(int ret, const bz_stream *strm)
{
	switch (ret) {
	case BZ_STREAM_END:
		return 0;
	case BZ_MEM_ERROR:
		return -ENOMEM;
	case BZ_OK:
		return strm->avail_in ? -ENOSPC : -ENODATA;
	default:
		return -EBADMSG;
	}
}

int inflate_bzip2(const void *in, size_t in_len, void *out, size_t out_len,
		  size_t *produced)
{
	/* The library reads through a pointer that is not const. */
	bz_stream strm = {
		.next_in = (char *)in,
		.avail_in = min_t(size_t, in_len, UINT_MAX),
		.next_out = out,
		.avail_out = min_t(size_t, out_len, UINT_MAX),
	};
	int ret;

	if (BZ2_bzDecompressInit(&strm, 0, 0) != BZ_OK)
		return -ENOMEM;
	ret = bzip2_error(BZ2_bzDecompress(&strm), &strm);
	*produced = strm.next_out - (char *)out;
	BZ2_bzDecompressEnd(&strm);
	return ret;
}
