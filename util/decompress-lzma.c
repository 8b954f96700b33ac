// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's "lzma" is the old .lzma file of unknown size, its "xz" a stream
 * with the BCJ filter of the architecture and a CRC32. liblzma has both.
 */
#include <errno.h>
#include <lzma.h>

#include <linux/sizes.h>

#include "decompress-formats.h"

/* The kernel's build asks for 64 MiB at most; more would serve an attacker. */
#define LZMA_MEMORY_LIMIT	SZ_256M

static int lzma_error(lzma_ret ret, const lzma_stream *strm)
{
	switch (ret) {
	case LZMA_STREAM_END:
		return 0;
	case LZMA_MEM_ERROR:
	case LZMA_MEMLIMIT_ERROR:
		return -ENOMEM;
	case LZMA_BUF_ERROR:
		return strm->avail_in ? -ENOSPC : -ENODATA;
	default:
		return -EBADMSG;
	}
}

static int lzma_run(lzma_stream *strm, const void *in, size_t in_len,
		    void *out, size_t out_len, size_t *produced)
{
	unsigned char excess;
	lzma_ret ret;

	strm->next_in = in;
	strm->avail_in = in_len;
	strm->next_out = out;
	strm->avail_out = out_len;
	do {
		ret = lzma_code(strm, LZMA_FINISH);
		if (ret != LZMA_OK || strm->avail_out)
			continue;
		/* An end marker is only read when there is room for a byte. */
		if (strm->next_out == &excess + 1)
			break;
		strm->next_out = &excess;
		strm->avail_out = 1;
	} while (ret == LZMA_OK);

	*produced = strm->total_out;
	if (*produced > out_len) {
		*produced = out_len;
		return -ENOSPC;
	}
	return lzma_error(ret, strm);
}

int inflate_lzma(const void *in, size_t in_len, void *out, size_t out_len,
		 size_t *produced)
{
	lzma_stream strm = LZMA_STREAM_INIT;
	int ret;

	if (lzma_alone_decoder(&strm, LZMA_MEMORY_LIMIT) != LZMA_OK)
		return -ENOMEM;
	ret = lzma_run(&strm, in, in_len, out, out_len, produced);
	lzma_end(&strm);
	return ret;
}

int inflate_xz(const void *in, size_t in_len, void *out, size_t out_len,
	       size_t *produced)
{
	lzma_stream strm = LZMA_STREAM_INIT;
	int ret;

	if (lzma_stream_decoder(&strm, LZMA_MEMORY_LIMIT, 0) != LZMA_OK)
		return -ENOMEM;
	ret = lzma_run(&strm, in, in_len, out, out_len, produced);
	lzma_end(&strm);
	return ret;
}
