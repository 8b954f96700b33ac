// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>

#include <linux/kernel.h>
#include <vmtool/console_log.h>

static size_t ring_at(size_t pos)
{
	return pos % CONSOLE_TAIL_BYTES;
}

int console_tail_take(struct console_tail *t, char *buf, size_t size)
{
	size_t n = 0;
	char c;

	if (!t->lines)
		return -ENOENT;
	do {
		c = t->text[t->start];
		t->start = ring_at(t->start + 1);
		t->used--;
		if (c && n + 1 < size)
			buf[n++] = c;
	} while (c);
	if (size)
		buf[n] = '\0';
	t->lines--;
	return 0;
}

void console_tail_add(struct console_tail *t, const char *line)
{
	size_t i, len = strnlen(line, CONSOLE_TAIL_BYTES - 1);

	while (t->lines == CONSOLE_TAIL_LINES || CONSOLE_TAIL_BYTES - t->used < len + 1)
		console_tail_take(t, NULL, 0);
	for (i = 0; i < len; i++)
		t->text[ring_at(t->start + t->used++)] = line[i];
	t->text[ring_at(t->start + t->used++)] = '\0';
	t->lines++;
}
