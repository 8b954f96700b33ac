// SPDX-License-Identifier: GPL-2.0
/*
 * /vmtool.conf: a directive a line, fields separated by one tab each, with octal
 * escapes for what a field cannot have: as in /proc/mounts.
 */
#include "guest.h"

static int is_octal(char c)
{
	return c >= '0' && c <= '7';
}

/* In place: what is written is never longer. */
static void unescape(char *s)
{
	char *to = s;

	while (*s) {
		if (*s == '\\' && is_octal(s[1]) && is_octal(s[2]) && is_octal(s[3])) {
			*to++ = (s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0');
			s += 4;
		} else {
			*to++ = *s++;
		}
	}
	*to = '\0';
}

/* Ends the field at @s: where the next one begins, or NULL at the line's end. */
static char *end_field(char *s)
{
	while (*s && *s != '\t')
		s++;
	if (!*s)
		return NULL;
	*s = '\0';
	return s + 1;
}

/* Ends the line at @s: where the next one begins. */
static char *end_line(char *s)
{
	while (*s && *s != '\n')
		s++;
	if (*s)
		*s++ = '\0';
	return s;
}

int conf_next(char **text, struct directive *d)
{
	char *field;
	int i;

	do {
		field = *text;
		if (!*field)
			return 0;
		*text = end_line(field);
	} while (!*field || *field == '#');

	d->nr = 0;
	for (i = 0; i < CONF_FIELDS; i++)
		d->field[i] = "";
	while (field) {
		char *next = end_field(field);

		if (d->nr == CONF_FIELDS)
			return -EINVAL;
		unescape(field);
		d->field[d->nr++] = field;
		field = next;
	}
	return 1;
}
