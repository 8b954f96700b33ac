// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
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
#define SYMBOL_MAX	128
#define CONFIG_MAX	SZ_4M		/* a .config that sets all is a tenth of that */
#define GUESS		SZ_256K

/* "CONFIG_NAME=VALUE" */
static bool sets_symbol(const char *line)
{
	const char *p;

	if (strncmp(line, PREFIX, PREFIX_LEN))
		return false;
	for (p = line + PREFIX_LEN; isalnum((unsigned char)*p) || *p == '_'; p++)
		;
	return p > line + PREFIX_LEN && *p == '=' && p[1] && p[1] != '\n';
}

/* Most of a .config is looked at by nobody: the first line that sets something will do. */
static bool sets_any(const char *text)
{
	while (!sets_symbol(text)) {
		text = strchr(text, '\n');
		if (!text)
			return false;
		text++;
	}
	return true;
}

int kconfig_parse(struct kconfig *kc, const char *text, size_t len)
{
	memset(kc, 0, sizeof(*kc));
	kc->text = malloc(len + 2);
	if (!kc->text)
		return -ENOMEM;
	/* Each line has the end of another in front of it. */
	kc->text[0] = '\n';
	memcpy(kc->text + 1, text, len);
	kc->text[len + 1] = '\0';
	kc->len = strlen(kc->text);
	if (sets_any(kc->text + 1))
		return 0;
	kconfig_free(kc);
	return -EINVAL;
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
	char line[SYMBOL_MAX];
	const char *value;
	int len;

	if (!kc->text)
		return KCONFIG_UNKNOWN;
	len = snprintf(line, sizeof(line), "\n" PREFIX "%s=", symbol);
	value = len < sizeof(line) ? memmem(kc->text, kc->len, line, len) : NULL;
	if (!value)
		return KCONFIG_N;
	value += len;
	len = strcspn(value, "\n");
	if (len == 1 && *value == 'm')
		return KCONFIG_M;
	return !len || (len == 1 && *value == 'n') ? KCONFIG_N : KCONFIG_Y;
}

void kconfig_free(struct kconfig *kc)
{
	free(kc->text);
	memset(kc, 0, sizeof(*kc));
}
