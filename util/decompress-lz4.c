// SPDX-License-Identifier: GPL-2.0
/*
 * LZ4's legacy frame: a magic number, then blocks of a 32-bit compressed size
 * and data, each of which inflates to 8 MiB except for the last one. There is
 * no checksum and no end mark, so the data ends where a block ends. Behind it
 * the kernel's build appends the inflated size, which is told from one more
 * block by having nothing behind it.
 */
#include <endian.h>
#include <errno.h>
#include <lz4.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>
#include <linux/sizes.h>
#include <linux/types.h>

#include "decompress-formats.h"

#define LZ4_LEGACY_MAGIC	0x184c2102
#define LZ4_LEGACY_BLOCK	SZ_8M

/* Is it the data that is broken, or was there only too little room for it? */
static int lz4_explain(const void *in, u32 size, size_t room)
{
	char *scratch;
	int n;

	if (room >= LZ4_LEGACY_BLOCK)
		return -EBADMSG;
	scratch = malloc(LZ4_LEGACY_BLOCK);
	if (!scratch)
		return -ENOMEM;
	n = LZ4_decompress_safe(in, scratch, size, LZ4_LEGACY_BLOCK);
	free(scratch);
	return n < 0 ? -EBADMSG : -ENOSPC;
}

int inflate_lz4(const void *in, size_t in_len, void *out, size_t out_len,
		size_t *produced)
{
	const u8 *p = in;
	size_t left = in_len, done = 0;

	*produced = 0;
	while (left >= 4) {
		size_t room = min_t(size_t, out_len - done, LZ4_LEGACY_BLOCK);
		u32 size;
		int n;

		memcpy(&size, p, 4);
		size = le32toh(size);
		p += 4;
		left -= 4;
		if (size == LZ4_LEGACY_MAGIC)
			continue;
		if (!size || (!left && size == (u32)done))
			break;
		if (size > LZ4_COMPRESSBOUND(LZ4_LEGACY_BLOCK))
			return -EBADMSG;
		if (size > left)
			return -ENODATA;
		n = LZ4_decompress_safe((const char *)p, (char *)out + done, size, room);
		if (n < 0)
			return lz4_explain(p, size, room);
		done += n;
		p += size;
		left -= size;
		*produced = done;
	}
	return 0;
}
