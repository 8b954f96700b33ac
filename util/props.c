// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>
#include <vmtool/log.h>
#include <vmtool/props.h>
#include <vmtool/size.h>

static int parse_bool(const char *text, bool *val)
{
	static const char *const words[] = { "off", "on", "0", "1", "no", "yes", "n", "y" };
	int i;

	for (i = 0; i < ARRAY_SIZE(words); i++) {
		if (strcmp(text, words[i]))
			continue;
		*val = i & 1;
		return 0;
	}
	return -EINVAL;
}

static int parse_enum(const struct prop *p, const char *text, unsigned int *val)
{
	unsigned int i;

	for (i = 0; p->choices[i]; i++) {
		if (strcmp(text, p->choices[i]))
			continue;
		*val = i;
		return 0;
	}
	return -EINVAL;
}

static int parse_mac(const char *text, u8 *mac)
{
	u8 bytes[6];
	int i;

	for (i = 0; i < 6; i++) {
		if (!isxdigit((unsigned char)text[0]) || !isxdigit((unsigned char)text[1]))
			return -EINVAL;
		bytes[i] = strtoul((char[]){ text[0], text[1], '\0' }, NULL, 16);
		if (text[2] != (i < 5 ? ':' : '\0'))
			return -EINVAL;
		text += 3;
	}
	memcpy(mac, bytes, sizeof(bytes));
	return 0;
}

static int parse_number(const struct prop *p, const char *text, u64 *val)
{
	char *end;

	if (p->type == PROP_SIZE)
		return parse_size(text, 1, val);
	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	errno = 0;
	*val = strtoull(text, &end, 0);
	if (*end)
		return -EINVAL;
	return errno ? -ERANGE : 0;
}

static int set_number(const struct prop *p, void *field, const char *text)
{
	u64 val, max = p->max;
	int ret = parse_number(p, text, &val);

	if (ret)
		return ret;
	if (!max)
		max = p->type == PROP_UINT ? UINT32_MAX : UINT64_MAX;
	if (val < p->min || val > max)
		return -ERANGE;
	if (p->type == PROP_UINT)
		*(unsigned int *)field = val;
	else
		*(u64 *)field = val;
	return 0;
}

static int set_string(char **field, const char *text)
{
	char *copy;

	if (!*text)
		return -EINVAL;
	copy = strdup(text);
	if (!copy)
		return -ENOMEM;
	free(*field);
	*field = copy;
	return 0;
}

static int add_item(struct prop_list *list, const char *text)
{
	char *copy = NULL;
	int ret;

	if (list->nr == PROP_LIST_MAX)
		return -E2BIG;
	ret = set_string(&copy, text);
	if (!ret)
		list->item[list->nr++] = copy;
	return ret;
}

static int set_prop(const struct prop *p, void *conf, const char *text)
{
	void *field = conf + p->offset;

	switch (p->type) {
	case PROP_BOOL:
		return parse_bool(text, field);
	case PROP_ENUM:
		return parse_enum(p, text, field);
	case PROP_MAC:
		return parse_mac(text, field);
	case PROP_STRING:
		return set_string(field, text);
	case PROP_LIST:
		return add_item(field, text);
	default:
		return set_number(p, field, text);
	}
}

int props_init(const struct prop *table, void *conf)
{
	const struct prop *p;
	int ret;

	for (p = table; p && p->name; p++) {
		ret = p->def ? set_prop(p, conf, p->def) : 0;
		if (ret)
			return ret;
	}
	return 0;
}

static void list_choices(const struct prop *p, char *buf, size_t size)
{
	size_t len = 0;
	int i;

	for (i = 0; p->choices[i] && len < size; i++)
		len += snprintf(buf + len, size - len, "%s%s", i ? ", " : "", p->choices[i]);
}

static int refuse(const struct prop *p, const char *opt, const char *text, int ret)
{
	static const char *const wants[] = {
		[PROP_BOOL] = "neither on nor off",
		[PROP_UINT] = "not a number",
		[PROP_U64] = "not a number",
		[PROP_SIZE] = "not a size; say 512M or 4G",
		[PROP_STRING] = "is empty",
		[PROP_MAC] = "not an Ethernet address; say 52:54:00:12:34:56",
		[PROP_LIST] = "is empty",
	};
	char choices[160];

	if (ret == -ENOMEM)
		return ret;
	if (p->type == PROP_ENUM) {
		list_choices(p, choices, sizeof(choices));
		log_err("%s: %s=%s: not one of %s", opt, p->name, text, choices);
	} else if (ret == -ERANGE && p->max) {
		log_err("%s: %s=%s: not between %llu and %llu", opt, p->name, text,
			(unsigned long long)p->min, (unsigned long long)p->max);
	} else if (ret == -ERANGE) {
		log_err("%s: %s=%s: out of range", opt, p->name, text);
	} else if (ret == -E2BIG) {
		log_err("%s: %s: more than %d of them", opt, p->name, PROP_LIST_MAX);
	} else {
		log_err("%s: %s=%s: %s", opt, p->name, text, wants[p->type]);
	}
	return -EINVAL;
}

/* The next value up to a comma, with "\," and "\\" resolved; NULL at the end. */
static char *next_item(char **text)
{
	char *start = *text, *from = start, *to = start;

	if (!start)
		return NULL;
	while (*from && *from != ',') {
		if (*from == '\\' && (from[1] == ',' || from[1] == '\\'))
			from++;
		*to++ = *from++;
	}
	*text = *from ? from + 1 : NULL;
	*to = '\0';
	return start;
}

static const struct prop *find_prop(const struct prop *table, const char *name, size_t len)
{
	for (; table && table->name; table++)
		if (strlen(table->name) == len && !strncmp(table->name, name, len))
			return table;
	return NULL;
}

static const struct prop *next_positional(const struct prop *table, u32 seen)
{
	int i;

	for (i = 0; table && table[i].name; i++)
		if (table[i].positional && !(seen & (1U << i)))
			return &table[i];
	return NULL;
}

static int parse_item(const struct prop *table, void *conf, const char *opt, char *item,
		      u32 *seen)
{
	char *eq = strchr(item, '=');
	const struct prop *p = find_prop(table, item, eq ? (size_t)(eq - item) : strlen(item));
	const char *val = eq ? eq + 1 : "on";
	int ret;

	/* A path may look like anything, so what is positional is taken as it is. */
	if (!p || (!eq && p->type != PROP_BOOL)) {
		p = next_positional(table, *seen);
		val = item;
	}
	if (!p) {
		log_err("%s: '%s': unknown property", opt, item);
		return -EINVAL;
	}
	if (p->type != PROP_LIST && (*seen & (1U << (p - table)))) {
		log_err("%s: %s is given twice", opt, p->name);
		return -EINVAL;
	}
	*seen |= 1U << (p - table);
	ret = set_prop(p, conf, val);
	return ret ? refuse(p, opt, val, ret) : 0;
}

static int check_required(const struct prop *table, const char *opt, u32 seen)
{
	int i;

	for (i = 0; table && table[i].name; i++) {
		if (!table[i].required || (seen & (1U << i)))
			continue;
		log_err("%s: %s is missing", opt, table[i].name);
		return -EINVAL;
	}
	return 0;
}

int props_parse(const struct prop *table, void *conf, const char *opt, const char *text)
{
	char *copy = strdup(text ?: ""), *rest = copy, *item;
	u32 seen = 0;
	int ret = 0;

	if (!copy)
		return -ENOMEM;
	while (!ret && *copy && (item = next_item(&rest)))
		ret = parse_item(table, conf, opt, item, &seen);
	free(copy);
	return ret ?: check_required(table, opt, seen);
}

void props_free(const struct prop *table, void *conf)
{
	unsigned int i;

	for (; table && table->name; table++) {
		void *field = conf + table->offset;

		if (table->type == PROP_STRING) {
			free(*(char **)field);
			*(char **)field = NULL;
		} else if (table->type == PROP_LIST) {
			struct prop_list *list = field;

			for (i = 0; i < list->nr; i++)
				free((char *)list->item[i]);
			list->nr = 0;
		}
	}
}

void props_help(const struct prop *table, FILE *out)
{
	for (; table && table->name; table++) {
		fprintf(out, "    %s%s%s", table->name, table->arg ? "=" : "",
			table->arg ?: "");
		fprintf(out, "%*s%s", (int)max_t(long, 1, 22 - (long)strlen(table->name) -
			(table->arg ? (long)strlen(table->arg) + 1 : 0)), "", table->help);
		if (table->def)
			fprintf(out, " (default: %s)", table->def);
		fputc('\n', out);
	}
}
