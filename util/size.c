// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vmtool/size.h>

static const char suffixes[] = "BKMGT";

static int parse_digits(const char *s, u64 *val, const char **end)
{
	char *e;

	/* strtoull() would take a sign and white space. */
	if (!isdigit((unsigned char)*s))
		return -EINVAL;
	errno = 0;
	*val = strtoull(s, &e, 10);
	*end = e;
	return -errno;
}

int parse_size(const char *s, u64 unit, u64 *size)
{
	const char *end, *suffix;
	u64 val;
	int ret;

	ret = parse_digits(s, &val, &end);
	if (ret)
		return ret;
	if (*end) {
		suffix = strchr(suffixes, toupper((unsigned char)*end));
		if (!suffix || end[1])
			return -EINVAL;
		unit = 1ULL << 10 * (suffix - suffixes);
	}
	return __builtin_mul_overflow(val, unit, size) ? -ERANGE : 0;
}

int parse_uint(const char *s, unsigned int *val)
{
	const char *end;
	u64 v;
	int ret;

	ret = parse_digits(s, &v, &end);
	if (ret)
		return ret;
	if (*end)
		return -EINVAL;
	*val = v;
	return v > ~0U ? -ERANGE : 0;
}

const char *format_size(u64 size, char *buf, size_t len)
{
	int i = sizeof(suffixes) - 2;

	while (i && (!size || (size & ((1ULL << 10 * i) - 1))))
		i--;
	if (!i)
		snprintf(buf, len, "%llu", (unsigned long long)size);
	else
		snprintf(buf, len, "%llu%c", (unsigned long long)(size >> 10 * i),
			 suffixes[i]);
	return buf;
}
