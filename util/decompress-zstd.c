// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "decompress-formats.h"

static int zstd_error(size_t ret)
{
	switch (ZSTD_getErrorCode(ret)) {
	case ZSTD_error_no_error:
		return 0;
	case ZSTD_error_memory_allocation:
		return -ENOMEM;
	case ZSTD_error_dstSize_tooSmall:
		return -ENOSPC;
	case ZSTD_error_srcSize_wrong:
		return -ENODATA;
	default:
		return -EBADMSG;
	}
}

int inflate_zstd(const void *in, size_t in_len, void *out, size_t out_len,
		 size_t *produced)
{
	size_t ret;

	/* ZSTD_decompress() wants nothing behind the frame. */
	ret = ZSTD_findFrameCompressedSize(in, in_len);
	if (!ZSTD_isError(ret))
		ret = ZSTD_decompress(out, out_len, in, ret);
	*produced = ZSTD_isError(ret) ? 0 : ret;
	return zstd_error(ret);
}
