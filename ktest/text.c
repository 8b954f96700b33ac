// SPDX-License-Identifier: GPL-2.0
/*
 * What tests print, made fit for a terminal, for a parser of KTAP, for XML and for
 * JSON. All of it may be the work of somebody hostile.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <linux/kernel.h>

#include "internal.h"

/* Length of the well-formed UTF-8 sequence here, 0 where there is none. */
static size_t utf8_char(const unsigned char *s, size_t len, u32 *cp)
{
	static const u32 least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n, i;

	if (s[0] < 0x80)
		n = 1;
	else if (s[0] >= 0xc2 && s[0] < 0xe0)
		n = 2;
	else if (s[0] >= 0xe0 && s[0] < 0xf0)
		n = 3;
	else if (s[0] >= 0xf0 && s[0] < 0xf5)
		n = 4;
	else
		return 0;
	if (n > len)
		return 0;
	*cp = n == 1 ? s[0] : s[0] & (0xff >> (n + 1));
	for (i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		*cp = *cp << 6 | (s[i] & 0x3f);
	}
	if (*cp < least[n] || *cp > 0x10ffff || (*cp >= 0xd800 && *cp < 0xe000))
		return 0;
	return n;
}

/*
 * Controls that terminals obey, what Python takes for the end of a line, what
 * turns the direction of text, and what is no character at all.
 */
static bool is_harmless(u32 cp)
{
	if (cp < 0x20)
		return cp == '\t';
	return !(cp >= 0x7f && cp < 0xa0) && !(cp >= 0x2028 && cp <= 0x202e) &&
	       !(cp >= 0x2066 && cp <= 0x2069) && cp != 0xfeff && (cp & 0xfffe) != 0xfffe;
}

size_t ktest_clean(char *dst, size_t size, const char *src, size_t len, bool ascii)
{
	const unsigned char *s = (const unsigned char *)src;
	size_t out = 0, i = 0;

	while (i < len) {
		u32 cp = 0;
		size_t n = utf8_char(s + i, len - i, &cp);

		if (n && is_harmless(cp) && (!ascii || (cp >= 0x20 && cp < 0x7f))) {
			if (out + n >= size)
				break;
			memcpy(dst + out, s + i, n);
			out += n;
			i += n;
		} else {
			/* "\x1b", and never half of it. */
			if (out + 4 >= size)
				break;
			snprintf(dst + out, 5, "\\x%02x", s[i]);
			out += 4;
			i++;
		}
	}
	dst[out] = '\0';
	return i;
}

void ktest_clean_name(char *dst, size_t size, const char *src, size_t len)
{
	char *p;

	/* A parser would take these for something else than the name. */
	while (len && (*src == ' ' || *src == '\t' || *src == '-')) {
		src++;
		len--;
	}
	while (len && (src[len - 1] == ' ' || src[len - 1] == '\t'))
		len--;
	ktest_clean(dst, size, src, len, true);
	for (p = dst; *p; p++)
		if (*p == '#')
			*p = '_';
	/* Having been cut may have laid bare a blank. */
	while (p > dst && p[-1] == ' ')
		*--p = '\0';
}

void ktest_xml(FILE *f, const char *s)
{
	for (; *s; s++) {
		unsigned char c = *s;

		if (c == '&')
			fputs("&amp;", f);
		else if (c == '<')
			fputs("&lt;", f);
		else if (c == '>')
			fputs("&gt;", f);
		else if (c == '"')
			fputs("&quot;", f);
		else if (c == '\t' || c == '\n')
			/* In an attribute they would become blanks. */
			fprintf(f, "&#%u;", c);
		else
			fputc(c, f);
	}
}
