/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_CONSOLE_LOG_H
#define VMTOOL_CONSOLE_LOG_H

#include <stddef.h>
#include <vmtool/splat.h>

#define CONSOLE_TAIL_LINES	100
#define CONSOLE_TAIL_BYTES	32768

/**
 * struct console_tail - the last lines of a console
 * @text: a ring of lines, each with a NUL behind it
 * @start: where the oldest begins
 * @used: bytes of @text in use
 * @lines: how many lines there are, CONSOLE_TAIL_LINES at most
 */
struct console_tail {
	char text[CONSOLE_TAIL_BYTES];
	size_t start;
	size_t used;
	unsigned int lines;
};

/**
 * console_tail_add() - a line was printed
 * @t: tail, zeroed before the first
 * @line: line without its end; one that is too long is cut
 */
void console_tail_add(struct console_tail *t, const char *line);

/**
 * console_tail_take() - take the oldest line out
 * @t: tail
 * @buf: receives the line
 * @size: bytes in @buf; what does not fit is cut off
 *
 * Return: 0, or -ENOENT when there is none left.
 */
int console_tail_take(struct console_tail *t, char *buf, size_t size);

/**
 * struct console_log - what is kept of a console
 * @splats: the kernel's reports
 * @tail: the last lines
 */
struct console_log {
	struct splat_log splats;
	struct console_tail tail;
};

#endif /* VMTOOL_CONSOLE_LOG_H */
