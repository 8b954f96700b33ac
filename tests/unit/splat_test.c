// SPDX-License-Identifier: GPL-2.0
/*
 * vm/splat.c, vm/console_log.c: what kernels report of themselves.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>
#include <vmtool/verdict.h>

#include <kselftest_harness.h>

#include "splat_texts.h"

/* How a console shows a line: what is in front of it, and its end. */
static const struct style {
	const char *prefix;
	const char *end;
} styles[] = {
	{ "", "\n" },
	{ "[    1.234567] ", "\n" },
	{ "[    1.234567][    T1] ", "\r\n" },
	{ "[12345.234567][  C127] ", "\n" },
	{ "<4>[    1.234567] ", "\r\n" },
};

#define OUT_MAX	16384

/* The text as a console shows it; blank lines of styles without a prefix vanish. */
static size_t show(const char *text, const struct style *s, char *out)
{
	size_t len = 0;

	while (*text) {
		size_t n = strcspn(text, "\n");

		len += snprintf(out + len, OUT_MAX - len, "%s%.*s%s", s->prefix, (int)n, text,
				s->end);
		text += n + 1;
	}
	return len;
}

struct console {
	struct verdict v;
	struct console_log log;
};

static struct console *new_console(void)
{
	struct console *c = calloc(1, sizeof(*c));

	c->v.log = &c->log;
	return c;
}

static void check_counts(struct __test_metadata *_metadata, const struct report *r,
			 const struct splat_log *log)
{
	unsigned int i;

	for (i = 0; i < SPLAT_KINDS; i++)
		EXPECT_EQ(i == r->kind || i == r->also, log->counts[i])
			TH_LOG("%s: %s", r->what, splat_name(i));
	EXPECT_EQ(1 + (r->also != SPLAT_KINDS), splat_failures(log));
}

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), n = strlen(end);

	return len >= n && !strcmp(text + len - n, end);
}

/* All lines but the last of those that came after. */
static void check_text(struct __test_metadata *_metadata, const struct report *r,
		       const struct splat *s, const struct style *style)
{
	char *expected = calloc(2, OUT_MAX), *shown = expected + OUT_MAX;
	const struct style lf = { style->prefix, "\n" };
	size_t len = show(r->text, &lf, shown);
	int i;

	for (i = 0; i < r->after; i++)
		do {
			len--;
		} while (len && shown[len - 1] != '\n');
	shown[len] = '\0';
	/* Lines without anything in them are not seen. */
	for (i = 0, len = 0; shown[i]; i++)
		if (shown[i] != '\n' || (i && shown[i - 1] != '\n'))
			expected[len++] = shown[i];
	EXPECT_EQ(r->kind, s->kind);
	EXPECT_STREQ(expected, s->text)
		TH_LOG("%s", r->what);
	EXPECT_FALSE(s->cut);
	free(expected);
}

TEST(reports_in_all_styles)
{
	char *text = malloc(OUT_MAX);
	size_t i, j, len;

	for (i = 0; i < ARRAY_SIZE(reports); i++)
		for (j = 0; j < ARRAY_SIZE(styles); j++) {
			struct console *c = new_console();

			len = show(reports[i].text, &styles[j], text);
			verdict_console(&c->v, text, len);
			check_counts(_metadata, &reports[i], &c->log.splats);
			check_text(_metadata, &reports[i], &c->log.splats.first, &styles[j]);
			EXPECT_FALSE(c->log.splats.fatal.taken);
			free(c);
		}
	free(text);
}

TEST(reports_split_at_every_byte)
{
	char *text = malloc(OUT_MAX);
	size_t i, at, len;

	for (i = 0; i < ARRAY_SIZE(reports); i++) {
		struct console *c = new_console();

		len = show(reports[i].text, &styles[2], text);
		for (at = 0; at <= len; at++) {
			memset(&c->v, 0, sizeof(c->v));
			memset(&c->log.splats.first, 0, offsetof(struct splat, text) + 1);
			memset(c->log.splats.counts, 0, sizeof(c->log.splats.counts));
			splat_restart(&c->log.splats);
			c->v.log = &c->log;
			verdict_console(&c->v, text, at);
			verdict_console(&c->v, text + at, len - at);
			check_counts(_metadata, &reports[i], &c->log.splats);
		}
		check_text(_metadata, &reports[i], &c->log.splats.first, &styles[2]);
		free(c);
	}
	free(text);
}

TEST(what_is_no_report)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(no_reports); i++) {
		struct console *c = new_console();

		verdict_console(&c->v, no_reports[i], strlen(no_reports[i]));
		EXPECT_EQ(0, splat_failures(&c->log.splats))
			TH_LOG("%s", no_reports[i]);
		EXPECT_FALSE(c->log.splats.first.taken);
		free(c);
	}
}

/* One after the other, each is counted, and the first is kept. */
TEST(all_reports)
{
	struct console *c = new_console();
	unsigned int expected[SPLAT_KINDS] = { };
	char *text = malloc(OUT_MAX);
	size_t i;

	for (i = ARRAY_SIZE(reports); i-- > 0; ) {
		verdict_console(&c->v, text, show(reports[i].text, &styles[1], text));
		expected[reports[i].kind]++;
		if (reports[i].also != SPLAT_KINDS)
			expected[reports[i].also]++;
	}
	for (i = 0; i < SPLAT_KINDS; i++)
		EXPECT_EQ(expected[i], c->log.splats.counts[i])
			TH_LOG("%s", splat_name(i));
	check_text(_metadata, &reports[ARRAY_SIZE(reports) - 1], &c->log.splats.first, &styles[1]);
	/* The panic that came alone; others were part of a report. */
	EXPECT_TRUE(c->log.splats.fatal.taken);
	EXPECT_NE(NULL, strstr(c->log.splats.fatal.text, "sysrq triggered crash"));
	free(text);
	free(c);
}

TEST(programs_have_no_time_stamps)
{
	static const char boot[] = "[    0.000000] Linux version 6.1.192 (x@y)\n";
	static const char fake[] = "WARNING: CPU: 0 PID: 1 at a.c:1 f+0x1/0x2\n"
				   "Kernel panic - not syncing: not at all\n"
				   "reboot: Power down\n";
	static const char real[] = "[    1.000000] WARNING: CPU: 0 PID: 1 at a.c:1 f+0x1/0x2\n"
				   "a program\n[    1.000000] Modules linked in:\n"
				   "[    1.000000] ---[ end trace 0000000000000000 ]---\n";
	struct console *c = new_console();

	verdict_console(&c->v, boot, strlen(boot));
	EXPECT_EQ(CONSOLE_NOTHING, verdict_console(&c->v, fake, strlen(fake)));
	EXPECT_EQ(0, splat_failures(&c->log.splats));
	EXPECT_FALSE(c->v.panicked || c->v.halted || c->v.decided);
	verdict_console(&c->v, real, strlen(real));
	EXPECT_EQ(1, c->log.splats.counts[SPLAT_WARNING]);
	EXPECT_EQ(NULL, strstr(c->log.splats.first.text, "a program"));
	EXPECT_TRUE(ends_with(c->log.splats.first.text, "end trace 0000000000000000 ]---\n"));
	free(c);
}

/* A kernel without them is believed all the same, whatever a program shows later. */
TEST(kernels_without_time_stamps)
{
	static const char *const boots[] = { "Linux version 6.1.192 (x@y)\n", "guest: up\n" };
	static const char text[] = "[    1.000000] from a file\nBUG: KASAN: x in f\n";
	size_t i;

	for (i = 0; i < ARRAY_SIZE(boots); i++) {
		struct console *c = new_console();

		verdict_console(&c->v, boots[i], strlen(boots[i]));
		verdict_console(&c->v, text, strlen(text));
		EXPECT_EQ(1, c->log.splats.counts[SPLAT_KASAN]);
		free(c);
	}
}

TEST(another_kernel_after_a_reset)
{
	static const char first[] = "[    0.000000] Linux version 6.1.192 (x@y)\n"
				    "[    1.000000] BUG: KASAN: x in f\n[    1.000000] half a rep";
	static const char second[] = "Linux version 6.1.192 (x@y)\nBUG: KCSAN: data-race in f\n";
	struct console *c = new_console();

	verdict_console(&c->v, first, strlen(first));
	verdict_restart(&c->v);
	verdict_console(&c->v, second, strlen(second));
	EXPECT_EQ(1, c->log.splats.counts[SPLAT_KASAN]);
	EXPECT_EQ(1, c->log.splats.counts[SPLAT_KCSAN]);
	EXPECT_TRUE(ends_with(c->log.splats.first.text, "BUG: KASAN: x in f\n"));
	free(c);
}

TEST(a_report_without_an_end_is_bounded)
{
	static const char head[] = "BUG: KASAN: x in f\n";
	struct console *c = new_console();
	char line[300];
	int i;

	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	verdict_console(&c->v, head, strlen(head));
	for (i = 0; i < 10000; i++)
		verdict_console(&c->v, line, sizeof(line));
	EXPECT_TRUE(c->log.splats.first.len < SPLAT_TEXT_MAX);
	EXPECT_EQ(strlen(c->log.splats.first.text), c->log.splats.first.len);
	EXPECT_TRUE(c->log.splats.first.cut);
	EXPECT_FALSE(c->log.splats.open);
	EXPECT_EQ(1, splat_failures(&c->log.splats));
	free(c);
}

TEST(the_panic_after_an_oops)
{
	struct console *c = new_console();
	char *text = malloc(OUT_MAX);

	verdict_console(&c->v, text, show(reports[1].text, &styles[1], text));
	verdict_console(&c->v, text, show(reports[0].text, &styles[1], text));
	EXPECT_EQ(SPLAT_OOPS, c->log.splats.first.kind);
	EXPECT_TRUE(c->log.splats.fatal.taken);
	EXPECT_EQ(SPLAT_PANIC, c->log.splats.fatal.kind);
	free(text);
	free(c);
}

TEST(names)
{
	unsigned int i, j;

	for (i = 0; i < SPLAT_KINDS; i++)
		for (j = 0; j < i; j++)
			EXPECT_STRNE(splat_name(i), splat_name(j));
	EXPECT_STREQ("unknown", splat_name(SPLAT_KINDS));
}

TEST(stamps)
{
	static const struct {
		const char *line, *text;
		bool stamped;
	} cases[] = {
		{ "[    1.234567] x", "x", true },
		{ "[    1.234567]  x", " x", true },
		{ "[1.2]x", "x", true },
		{ "[    1.234567][    T1] x", "x", true },
		{ "[T1] x", "x", false },
		{ "<6>[    1.2] x", "x", true },
		{ "<6>x", "x", false },
		{ "[    1.234567][ x] y", "[ x] y", true },
		{ "[ x] y", "[ x] y", false },
		{ "[1.] x", "[1.] x", false },
		{ "[.1] x", "[.1] x", false },
		{ "[1.2", "[1.2", false },
		{ "[", "[", false },
		{ "<", "<", false },
		{ "<>x", "<>x", false },
		{ "", "", false },
		{ " x", " x", false },
		{ "[1.2]", "", true },
		{ "[1.2][T]x", "[T]x", true },
	};
	bool stamped;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		EXPECT_STREQ(cases[i].text, printk_text(cases[i].line, &stamped));
		EXPECT_EQ(cases[i].stamped, stamped)
			TH_LOG("%s", cases[i].line);
	}
}

/* ---- the last lines */

TEST(tail_of_few_lines)
{
	struct console_tail *t = calloc(1, sizeof(*t));
	char line[16];

	EXPECT_EQ(-ENOENT, console_tail_take(t, line, sizeof(line)));
	console_tail_add(t, "one");
	console_tail_add(t, "");
	console_tail_add(t, "a line longer than the buffer");
	EXPECT_EQ(0, console_tail_take(t, line, sizeof(line)));
	EXPECT_STREQ("one", line);
	EXPECT_EQ(0, console_tail_take(t, line, sizeof(line)));
	EXPECT_STREQ("", line);
	EXPECT_EQ(0, console_tail_take(t, line, sizeof(line)));
	EXPECT_STREQ("a line longer t", line);
	EXPECT_EQ(-ENOENT, console_tail_take(t, line, sizeof(line)));
	free(t);
}

TEST(tail_keeps_the_last_lines)
{
	struct console_tail *t = calloc(1, sizeof(*t));
	char line[64], expected[64];
	int i;

	for (i = 0; i < 100000; i++) {
		snprintf(line, sizeof(line), "line %d", i);
		console_tail_add(t, line);
	}
	for (i = 100000 - CONSOLE_TAIL_LINES; i < 100000; i++) {
		snprintf(expected, sizeof(expected), "line %d", i);
		ASSERT_EQ(0, console_tail_take(t, line, sizeof(line)));
		EXPECT_STREQ(expected, line);
	}
	EXPECT_EQ(-ENOENT, console_tail_take(t, line, sizeof(line)));
	EXPECT_EQ(0, t->used);
	free(t);
}

/* Of long lines there are fewer than a hundred, of each length whole ones. */
TEST(tail_of_long_lines)
{
	struct console_tail *t = calloc(1, sizeof(*t));
	char *line = malloc(CONSOLE_TAIL_BYTES + 2), *got = malloc(CONSOLE_TAIL_BYTES + 2);
	int i, len, last = 0;

	for (i = 1; i <= CONSOLE_TAIL_BYTES; i += 257) {
		memset(line, 'a' + i % 26, i);
		line[i] = '\0';
		console_tail_add(t, line);
		EXPECT_TRUE(t->used <= CONSOLE_TAIL_BYTES && t->lines <= CONSOLE_TAIL_LINES);
		last = i;
	}
	while (!console_tail_take(t, got, CONSOLE_TAIL_BYTES + 2)) {
		len = strlen(got);
		EXPECT_EQ(len, strspn(got, (char []){ 'a' + len % 26, '\0' }));
	}
	EXPECT_EQ(last, len);
	free(got);
	free(line);
	free(t);
}

TEST_HARNESS_MAIN
