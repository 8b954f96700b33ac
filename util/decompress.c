// SPDX-License-Identifier: GPL-2.0
/*
 * The compression formats that a kernel's build uses, told by their magic.
 * Formats without a library are listed too: it helps a user to know why a
 * kernel is not inflated on the host.
 */
#include <string.h>

#include <linux/kernel.h>
#include <vmtool/decompress.h>

#include "decompress-formats.h"

#define FORMAT(_name, _magic, _inflate)			\
	{						\
		.name = _name,				\
		.magic = _magic,			\
		.magic_len = sizeof(_magic) - 1,	\
		.inflate = _inflate,			\
	}

static const struct decompressor formats[] = {
	FORMAT("gzip", "\x1f\x8b\x08", inflate_gzip),
	FORMAT("bzip2", "BZh", inflate_bzip2),
	FORMAT("lzma", "\x5d\0\0", inflate_lzma),
	FORMAT("xz", "\3757zXZ\0", inflate_xz),
	FORMAT("lzo", "\x89LZO\0\r\n\x1a\n", inflate_lzo),
	FORMAT("lz4", "\x02\x21\x4c\x18", inflate_lz4),
	FORMAT("zstd", "\x28\xb5\x2f\xfd", inflate_zstd),
};

const struct decompressor *decompressor_find(const void *data, size_t len,
					     const char **name)
{
	size_t i;

	*name = NULL;
	for (i = 0; i < ARRAY_SIZE(formats); i++) {
		const struct decompressor *d = &formats[i];

		if (len < d->magic_len || memcmp(data, d->magic, d->magic_len))
			continue;
		*name = d->name;
		return d->inflate ? d : NULL;
	}
	return NULL;
}
