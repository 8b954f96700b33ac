// SPDX-License-Identifier: GPL-2.0
/*
 * Text that comes from elsewhere: a kernel image, a client, a server. Before it
 * goes into JSON it must be UTF-8; before it goes to a terminal it must not
 * hold anything that a terminal obeys.
 */
#include <stdlib.h>
#include <string.h>

#include <linux/types.h>

#include "internal.h"

/* Bytes of the character at @s, 0 when it is none. RFC 3629, section 4. */
static size_t utf8_len(const unsigned char *s)
{
	static const u32 least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t len = s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : s[0] < 0xf5 ? 4 : 0;
	u32 c = s[0] & (0x7f >> len);
	size_t i;

	if (s[0] < 0x80)
		return 1;
	for (i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (!len || c < least[len] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	return len;
}

static bool is_control(const unsigned char *s)
{
	return s[0] < 0x20 || s[0] == 0x7f || (s[0] == 0xc2 && s[1] < 0xa0);
}

void text_clean(char *text)
{
	unsigned char *s = (unsigned char *)text;

	while (*s) {
		size_t len = utf8_len(s);

		if (!len || is_control(s)) {
			if (!len)
				len = 1;
			memset(s, '?', len);
		}
		s += len;
	}
}

char *bytes_room(struct bytes *b, size_t n)
{
	size_t size = b->size ? b->size : 512;
	char *data;

	if (b->start + b->len + n <= b->size)
		return b->data + b->start + b->len;
	if (b->start) {
		memmove(b->data, b->data + b->start, b->len);
		b->start = 0;
	}
	while (size < b->len + n)
		size *= 2;
	if (size > b->size) {
		data = realloc(b->data, size);
		if (!data)
			return NULL;
		b->data = data;
		b->size = size;
	}
	return b->data + b->len;
}

void bytes_drop(struct bytes *b, size_t n)
{
	b->start += n;
	b->len -= n;
	if (b->len)
		return;
	free(b->data);
	memset(b, 0, sizeof(*b));
}
