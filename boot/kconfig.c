// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>
#include <linux/sizes.h>
#include <vmtool/decompress.h>
#include <vmtool/io.h>
#include <vmtool/kconfig.h>

#include "kconfig.h"

#define PREFIX		"CONFIG_"
#define PREFIX_LEN	(sizeof(PREFIX) - 1)
#define CONFIG_MAX	SZ_4M		/* a .config that sets all is a tenth of that */
#define GUESS		SZ_256K

/* Names end at '='; those that are compared with a key at its NUL. */
static int compare_names(const char *a, const char *b)
{
	while (*a == *b && *a != '=' && *a) {
		a++;
		b++;
	}
	return (*a == '=' ? 0 : (unsigned char)*a) - (*b == '=' ? 0 : (unsigned char)*b);
}

static int compare_lines(const void *a, const void *b)
{
	return compare_names(*(const char *const *)a, *(const char *const *)b);
}

static int compare_key(const void *key, const void *line)
{
	return compare_names(key, *(const char *const *)line);
}

/* "CONFIG_NAME=VALUE" gives "NAME=VALUE"; NULL for any other line. */
static const char *symbol_of(const char *line)
{
	const char *p;

	if (strncmp(line, PREFIX, PREFIX_LEN))
		return NULL;
	line += PREFIX_LEN;
	for (p = line; isalnum((unsigned char)*p) || *p == '_'; p++)
		;
	return p > line && *p == '=' && p[1] ? line : NULL;
}

static unsigned int take_lines(char *text, const char **lines)
{
	char *line, *rest = text;
	unsigned int nr = 0;

	while ((line = strsep(&rest, "\n"))) {
		const char *symbol = symbol_of(line);

		if (symbol)
			lines[nr++] = symbol;
	}
	return nr;
}

static unsigned int count_lines(const char *text)
{
	unsigned int nr = 1;

	for (; *text; text++)
		nr += *text == '\n';
	return nr;
}

int kconfig_parse(struct kconfig *kc, const char *text, size_t len)
{
	int ret = -ENOMEM;

	memset(kc, 0, sizeof(*kc));
	kc->text = malloc(len + 1);
	if (!kc->text)
		return -ENOMEM;
	memcpy(kc->text, text, len);
	kc->text[len] = '\0';
	kc->lines = calloc(count_lines(kc->text), sizeof(*kc->lines));
	if (kc->lines) {
		kc->nr = take_lines(kc->text, kc->lines);
		qsort(kc->lines, kc->nr, sizeof(*kc->lines), compare_lines);
		ret = kc->nr ? 0 : -EINVAL;
	}
	if (ret)
		kconfig_free(kc);
	return ret;
}

/* A .config is some hundred KB: try, and have more room when that was too little. */
static int parse_compressed(struct kconfig *kc, const struct decompressor *d,
			    const void *in, size_t len)
{
	size_t room, produced = 0;
	int ret = -ENOSPC;

	for (room = GUESS; room <= CONFIG_MAX && ret == -ENOSPC; room *= 2) {
		char *out = malloc(room);

		if (!out)
			return -ENOMEM;
		ret = d->inflate(in, len, out, room, &produced);
		if (!ret)
			ret = kconfig_parse(kc, out, produced);
		free(out);
	}
	return ret;
}

int kconfig_parse_any(struct kconfig *kc, const void *data, size_t len)
{
	const struct decompressor *d;
	const char *format;

	memset(kc, 0, sizeof(*kc));
	d = decompressor_find(data, len, &format);
	if (d)
		return parse_compressed(kc, d, data, len);
	return format ? -ENOENT : kconfig_parse(kc, data, len);
}

int kconfig_read(struct kconfig *kc, const char *path)
{
	char *text;
	size_t len;
	int ret;

	memset(kc, 0, sizeof(*kc));
	ret = read_file(path, CONFIG_MAX, &text, &len);
	if (ret)
		return ret;
	ret = kconfig_parse_any(kc, text, len);
	free(text);
	return ret;
}

enum kconfig_value kconfig_get(const struct kconfig *kc, const char *symbol)
{
	const char **line, *value;

	if (!kc->nr)
		return KCONFIG_UNKNOWN;
	line = bsearch(symbol, kc->lines, kc->nr, sizeof(*kc->lines), compare_key);
	if (!line)
		return KCONFIG_N;
	value = strchr(*line, '=') + 1;
	if (!strcmp(value, "m"))
		return KCONFIG_M;
	return strcmp(value, "n") ? KCONFIG_Y : KCONFIG_N;
}

void kconfig_free(struct kconfig *kc)
{
	free(kc->text);
	free(kc->lines);
	memset(kc, 0, sizeof(*kc));
}
