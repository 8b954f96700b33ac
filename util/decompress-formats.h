/* SPDX-License-Identifier: GPL-2.0 */
#ifndef UTIL_DECOMPRESS_FORMATS_H
#define UTIL_DECOMPRESS_FORMATS_H

#include <stddef.h>

/*
 * The inflate() functions of struct decompressor, one file for each library.
 * What was not built in is NULL in the table of formats.
 */

#ifdef CONFIG_DECOMPRESS_GZIP
int inflate_gzip(const void *in, size_t in_len, void *out, size_t out_len,
		 size_t *produced);
#else
#define inflate_gzip	NULL
#endif

#ifdef CONFIG_DECOMPRESS_BZIP2
int inflate_bzip2(const void *in, size_t in_len, void *out, size_t out_len,
		  size_t *produced);
#else
#define inflate_bzip2	NULL
#endif

#ifdef CONFIG_DECOMPRESS_LZMA
int inflate_lzma(const void *in, size_t in_len, void *out, size_t out_len,
		 size_t *produced);
int inflate_xz(const void *in, size_t in_len, void *out, size_t out_len,
	       size_t *produced);
#else
#define inflate_lzma	NULL
#define inflate_xz	NULL
#endif

#ifdef CONFIG_DECOMPRESS_LZO
int inflate_lzo(const void *in, size_t in_len, void *out, size_t out_len,
		size_t *produced);
#else
#define inflate_lzo	NULL
#endif

#ifdef CONFIG_DECOMPRESS_LZ4
int inflate_lz4(const void *in, size_t in_len, void *out, size_t out_len,
		size_t *produced);
#else
#define inflate_lz4	NULL
#endif

#ifdef CONFIG_DECOMPRESS_ZSTD
int inflate_zstd(const void *in, size_t in_len, void *out, size_t out_len,
		 size_t *produced);
#else
#define inflate_zstd	NULL
#endif

#endif /* UTIL_DECOMPRESS_FORMATS_H */
