// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include <vmtool/json_out.h>

#define INDENT		2
#define REPLACEMENT	"\\ufffd"

/* Bytes of the UTF-8 sequence at @s, 0 when it is none (RFC 3629). */
static size_t utf8_len(const unsigned char *s)
{
	size_t i, n = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 :
		      s[0] < 0xf0 ? 3 : s[0] < 0xf5 ? 4 : 0;

	for (i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	/* Forms that are too long, surrogates, and what is above U+10FFFF. */
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

static size_t print_char(const unsigned char *s, FILE *out)
{
	size_t n = utf8_len(s);

	if (!n)
		fputs(REPLACEMENT, out);
	else if (*s == '"' || *s == '\\')
		fprintf(out, "\\%c", *s);
	else if (*s == '\n')
		fputs("\\n", out);
	else if (*s == '\t')
		fputs("\\t", out);
	else if (*s < 0x20 || *s == 0x7f)
		fprintf(out, "\\u%04x", *s);
	else
		fwrite(s, 1, n, out);
	return n ?: 1;
}

static void print_string(const char *text, FILE *out)
{
	const unsigned char *s = (const unsigned char *)text;

	fputc('"', out);
	while (*s)
		s += print_char(s, out);
	fputc('"', out);
}

static void new_line(const struct json_out *j)
{
	fprintf(j->out, "\n%*s", (int)j->depth * INDENT, "");
}

static void next(struct json_out *j, const char *name)
{
	if (j->depth) {
		if (!j->empty)
			fputc(',', j->out);
		new_line(j);
	}
	j->empty = false;
	if (!name)
		return;
	print_string(name, j->out);
	fputs(": ", j->out);
}

void json_begin(struct json_out *j, const char *name, char bracket)
{
	next(j, name);
	fputc(bracket, j->out);
	j->depth++;
	j->empty = true;
}

void json_end(struct json_out *j, char bracket)
{
	j->depth--;
	if (!j->empty)
		new_line(j);
	j->empty = false;
	fputc(bracket, j->out);
	if (!j->depth)
		fputc('\n', j->out);
}

void json_u64(struct json_out *j, const char *name, u64 val)
{
	next(j, name);
	fprintf(j->out, "%llu", (unsigned long long)val);
}

void json_bool(struct json_out *j, const char *name, bool val)
{
	next(j, name);
	fputs(val ? "true" : "false", j->out);
}

void json_fixed(struct json_out *j, const char *name, u64 thousandths)
{
	next(j, name);
	fprintf(j->out, "%llu.%03llu", (unsigned long long)thousandths / 1000,
		(unsigned long long)thousandths % 1000);
}

void json_text(struct json_out *j, const char *name, const char *text)
{
	next(j, name);
	if (text)
		print_string(text, j->out);
	else
		fputs("null", j->out);
}
