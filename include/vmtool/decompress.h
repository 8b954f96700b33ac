/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_DECOMPRESS_H
#define VMTOOL_DECOMPRESS_H

#include <stddef.h>

/**
 * struct decompressor - one compression format, by a library of the host
 * @name: what users call it ("gzip", "xz", ...)
 * @magic: first bytes of the format
 * @magic_len: bytes in @magic
 * @inflate: inflate @in_len bytes at @in into at most @out_len bytes at @out.
 *	Returns 0 and the size in @produced; -ENOSPC when @out is too small;
 *	-EBADMSG for damaged data; -ENODATA for data that ends too early;
 *	-ENOMEM. Bytes behind the end of the compressed stream are ignored;
 *	lz4's legacy frame has no end, so there at most the four bytes of
 *	inflated size that the kernel's build appends are. NULL where no
 *	library for the format was built in.
 */
struct decompressor {
	const char *name;
	const char *magic;
	size_t magic_len;
	int (*inflate)(const void *in, size_t in_len, void *out, size_t out_len,
		       size_t *produced);
};

/**
 * decompressor_find() - who can inflate this?
 * @data: start of the compressed data
 * @len: bytes available there
 * @name: set to the format's name, also where no library for it was built in;
 *	NULL when the format is unknown
 *
 * Return: the decompressor, or NULL when nothing here can inflate it.
 */
const struct decompressor *decompressor_find(const void *data, size_t len,
					     const char **name);

#endif /* VMTOOL_DECOMPRESS_H */
