// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <string.h>

#include <linux/kernel.h>
#include <vmtool/verdict.h>

static const struct {
	const char *text;
	enum console_event event;
	bool restart;
} marks[] = {
	{ "Kernel panic - not syncing", CONSOLE_PANIC, false },
	{ "---[ end Kernel panic - not syncing", CONSOLE_PANIC_END, false },
	{ "reboot: Power down", CONSOLE_HALT, false },
	{ "reboot: System halted", CONSOLE_HALT, false },
	{ "reboot: Restarting system", CONSOLE_NOTHING, true },
	{ "reboot: machine restart", CONSOLE_NOTHING, true },
};

/* Behind the time stamp and caller that printk may put before a message. */
static const char *message_start(const char *line)
{
	while (*line == '[' && strncmp(line, "[ end", 5)) {
		const char *end = strchr(line, ']');

		if (!end)
			break;
		line = end + 1;
		while (*line == ' ')
			line++;
	}
	return line;
}

static enum console_event judge_line(struct verdict *v)
{
	const char *text;
	unsigned int i;

	v->line[v->len] = '\0';
	text = message_start(v->line);
	for (i = 0; i < ARRAY_SIZE(marks); i++) {
		if (strncmp(text, marks[i].text, strlen(marks[i].text)))
			continue;
		if (marks[i].restart)
			v->restart_announced = true;
		if (marks[i].event == CONSOLE_HALT)
			v->halted = true;
		if (marks[i].event == CONSOLE_PANIC) {
			v->panicked = true;
			verdict_set(v, EXIT_GUEST_PANIC);
		}
		return marks[i].event;
	}
	return CONSOLE_NOTHING;
}

enum console_event verdict_console(struct verdict *v, const char *buf, size_t len)
{
	enum console_event event = CONSOLE_NOTHING;
	size_t i;

	for (i = 0; i < len; i++) {
		if (buf[i] == '\n' || buf[i] == '\r') {
			enum console_event seen = v->len ? judge_line(v) : CONSOLE_NOTHING;

			if (seen > event)
				event = seen;
			v->len = 0;
		} else if (v->len < sizeof(v->line) - 1) {
			v->line[v->len++] = buf[i];
		}
	}
	return event;
}

void verdict_set(struct verdict *v, int status)
{
	if (__atomic_exchange_n(&v->decided, true, __ATOMIC_SEQ_CST))
		return;
	v->status = status;
}
