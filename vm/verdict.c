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

static const char *skip_digits(const char *p)
{
	while (isdigit((unsigned char)*p))
		p++;
	return p;
}

/* "<6>" of console_msg_format=syslog. */
static const char *skip_level(const char *line)
{
	const char *p;

	if (*line != '<')
		return line;
	p = skip_digits(line + 1);
	return p > line + 1 && *p == '>' ? p + 1 : line;
}

/* "[    1.234567]" */
static const char *skip_time(const char *line)
{
	const char *p = line, *digits;

	if (*p++ != '[')
		return line;
	while (*p == ' ')
		p++;
	digits = p;
	p = skip_digits(p);
	if (p == digits || *p++ != '.')
		return line;
	digits = p;
	p = skip_digits(p);
	return p > digits && *p == ']' ? p + 1 : line;
}

/* "[    T1]" of a task or "[    C0]" of a CPU. */
static const char *skip_caller(const char *line)
{
	const char *p = line, *digits;

	if (*p++ != '[')
		return line;
	while (*p == ' ')
		p++;
	if (*p != 'T' && *p != 'C')
		return line;
	digits = ++p;
	p = skip_digits(p);
	return p > digits && *p == ']' ? p + 1 : line;
}

const char *printk_text(const char *line, bool *stamped)
{
	const char *level = skip_level(line), *time = skip_time(level);
	const char *text = skip_caller(time);

	*stamped = time != level;
	return text != level && *text == ' ' ? text + 1 : text;
}

/*
 * The banner decides, and the first line of all, which programs come too late for:
 * a time stamp that one of them prints later says nothing of the kernel.
 */
static bool from_kernel(struct verdict *v, const char *text, bool stamped)
{
	bool banner = !strncmp(text, "Linux version ", strlen("Linux version "));

	if (v->stamps == STAMPS_UNKNOWN && (banner || (stamped && !v->spoke)))
		v->stamps = stamped ? STAMPS_YES : STAMPS_NO;
	v->spoke = true;
	return v->stamps != STAMPS_YES || stamped;
}

/* "Run /init as init process" */
static bool runs_init(const char *text)
{
	return !strncmp(text, "Run ", strlen("Run ")) && strstr(text, " as init process");
}

static enum console_event judge_text(struct verdict *v, const char *text)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(marks); i++) {
		if (strncmp(text, marks[i].text, strlen(marks[i].text)))
			continue;
		if (marks[i].restart)
			v->restart_announced = true;
		if (marks[i].event == CONSOLE_HALT)
			v->halted = true;
		if (marks[i].event == CONSOLE_PANIC) {
			v->panicked = true;
			if (!v->hung)
				verdict_set(v, EXIT_GUEST_PANIC);
		}
		return marks[i].event;
	}
	return runs_init(text) ? CONSOLE_INIT : CONSOLE_NOTHING;
}

static enum console_event judge_line(struct verdict *v)
{
	const char *text;
	bool stamped;

	v->line[v->len] = '\0';
	text = printk_text(v->line, &stamped);
	if (v->log)
		console_tail_add(&v->log->tail, v->line);
	if (!from_kernel(v, text, stamped))
		return CONSOLE_NOTHING;
	if (v->log)
		splat_line(&v->log->splats, v->line, text);
	return judge_text(v, text);
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

void verdict_restart(struct verdict *v)
{
	v->restart_announced = false;
	v->halted = false;
	__atomic_store_n(&v->console_down, false, __ATOMIC_SEQ_CST);
	v->len = 0;
	v->stamps = STAMPS_UNKNOWN;
	v->spoke = false;
	if (v->log)
		splat_restart(&v->log->splats);
}

void verdict_set(struct verdict *v, int status)
{
	if (__atomic_exchange_n(&v->decided, true, __ATOMIC_SEQ_CST))
		return;
	v->status = status;
}
