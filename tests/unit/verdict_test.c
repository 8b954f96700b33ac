// SPDX-License-Identifier: GPL-2.0
/*
 * vm/verdict.c: what is read from a console.
 */
#include <stdio.h>
#include <string.h>

#include <linux/kernel.h>
#include <vmtool/verdict.h>

#include <kselftest_harness.h>

struct line {
	const char *text;
	enum console_event event;
	bool restart;
	bool halted;
};

#define PANIC		"Kernel panic - not syncing"
#define PANIC_END	"---[ end Kernel panic - not syncing"

static const struct line lines[] = {
	{ PANIC ": VFS: Unable to mount root fs\n", CONSOLE_PANIC },
	{ PANIC "\n", CONSOLE_PANIC },
	{ "[    1.234567] " PANIC ": Fatal exception\r\n", CONSOLE_PANIC },
	{ "[99999.234567] " PANIC ": x\n", CONSOLE_PANIC },
	{ "[    1.234567][    T1] " PANIC ": x\n", CONSOLE_PANIC },
	{ "[    1.234567][  C127] " PANIC ": x\n", CONSOLE_PANIC },
	{ "[T1] " PANIC ": x\n", CONSOLE_PANIC },
	{ PANIC_END ": x ]---\n", CONSOLE_PANIC_END },
	{ "[    1.234567] " PANIC_END ": x ]---\r\n", CONSOLE_PANIC_END },
	{ "[    1.2] reboot: Power down\n", CONSOLE_HALT, .halted = true },
	{ "[    1.2] reboot: System halted\n", CONSOLE_HALT, .halted = true },
	{ "[    1.2] reboot: Restarting system\n", CONSOLE_NOTHING, .restart = true },
	{ "reboot: Restarting system with command 'x'\n", CONSOLE_NOTHING, .restart = true },
	{ "[    1.2] reboot: machine restart\n", CONSOLE_NOTHING, .restart = true },

	/* What is not at the beginning of a message is not the kernel's own. */
	{ "echo '" PANIC "'\n", CONSOLE_NOTHING },
	{ "# " PANIC "\n", CONSOLE_NOTHING },
	{ " " PANIC "\n", CONSOLE_NOTHING },
	{ "[    1.2] systemd[1]: " PANIC "\n", CONSOLE_NOTHING },
	{ "[    1.2] x " PANIC "\n", CONSOLE_NOTHING },
	{ "[ " PANIC "\n", CONSOLE_NOTHING },
	{ "[    1.2 " PANIC "\n", CONSOLE_NOTHING },
	{ "kernel panic - not syncing\n", CONSOLE_NOTHING },
	{ "Kernel panic - not syncin\n", CONSOLE_NOTHING },
	{ "--[ end Kernel panic - not syncing\n", CONSOLE_NOTHING },
	{ "---[ end trace 0000000000000000 ]---\n", CONSOLE_NOTHING },
	{ "reboot: Restartin\n", CONSOLE_NOTHING },
	{ "x reboot: Power down\n", CONSOLE_NOTHING },
	{ "\n", CONSOLE_NOTHING },
	{ "\r\n", CONSOLE_NOTHING },
	{ "[\n", CONSOLE_NOTHING },
	{ "[]\n", CONSOLE_NOTHING },
	{ "[][][][]\n", CONSOLE_NOTHING },
	/* Not complete yet. */
	{ PANIC ": x", CONSOLE_NOTHING },
	{ "reboot: Power down", CONSOLE_NOTHING },
};

static void check(struct __test_metadata *_metadata, const struct line *l,
		  const struct verdict *v, enum console_event event)
{
	bool panic = l->event == CONSOLE_PANIC;

	EXPECT_EQ(l->event, event)
		TH_LOG("%s", l->text);
	EXPECT_EQ(l->restart, v->restart_announced)
		TH_LOG("%s", l->text);
	EXPECT_EQ(l->halted, v->halted)
		TH_LOG("%s", l->text);
	EXPECT_EQ(panic, v->panicked)
		TH_LOG("%s", l->text);
	EXPECT_EQ(panic, v->decided);
	EXPECT_EQ(panic ? EXIT_GUEST_PANIC : 0, v->status);
}

TEST(lines_in_one_piece)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lines); i++) {
		struct verdict v = { };

		check(_metadata, &lines[i], &v,
		      verdict_console(&v, lines[i].text, strlen(lines[i].text)));
	}
}

TEST(lines_split_at_every_byte)
{
	size_t i, at;

	for (i = 0; i < ARRAY_SIZE(lines); i++) {
		const char *text = lines[i].text;
		size_t len = strlen(text);

		for (at = 0; at <= len; at++) {
			enum console_event first, second;
			struct verdict v = { };

			first = verdict_console(&v, text, at);
			second = verdict_console(&v, text + at, len - at);
			check(_metadata, &lines[i], &v, max(first, second));
		}
	}
}

TEST(lines_byte_by_byte_after_others)
{
	static const char *const before[] = { "", "\n", "hello\n", "hello\r", "\r\r\n\n" };
	size_t i, j, k;

	for (i = 0; i < ARRAY_SIZE(lines); i++)
		for (j = 0; j < ARRAY_SIZE(before); j++) {
			enum console_event event = CONSOLE_NOTHING;
			struct verdict v = { };

			verdict_console(&v, before[j], strlen(before[j]));
			for (k = 0; lines[i].text[k]; k++)
				event = max(event, verdict_console(&v, &lines[i].text[k], 1));
			check(_metadata, &lines[i], &v, event);
		}
}

TEST(a_prompt_without_a_newline_hides_it_not)
{
	static const char text[] = "~ # \r\n[    1.2] " PANIC ": x\n";
	struct verdict v = { };

	EXPECT_EQ(CONSOLE_PANIC, verdict_console(&v, text, sizeof(text) - 1));
}

TEST(user_text_in_front_hides_it)
{
	static const char text[] = "~ # [    1.2] " PANIC ": x\n";
	struct verdict v = { };

	EXPECT_EQ(CONSOLE_NOTHING, verdict_console(&v, text, sizeof(text) - 1));
	EXPECT_FALSE(v.panicked);
}

TEST(the_most_important_event_of_many)
{
	static const char text[] = "reboot: Restarting system\n" PANIC ": x\n"
				   PANIC_END ": x ]---\nreboot: Power down\nhello\n";
	struct verdict v = { };

	EXPECT_EQ(CONSOLE_PANIC_END, verdict_console(&v, text, sizeof(text) - 1));
	EXPECT_TRUE(v.restart_announced && v.halted && v.panicked);
}

TEST(long_lines)
{
	struct verdict v = { };
	char text[5000];

	/* A panic's headline of any length, and one that begins too late. */
	memset(text, 'x', sizeof(text));
	memcpy(text, PANIC, sizeof(PANIC) - 1);
	EXPECT_EQ(CONSOLE_NOTHING, verdict_console(&v, text, sizeof(text)));
	EXPECT_EQ(CONSOLE_PANIC, verdict_console(&v, "\n", 1));

	memset(&v, 0, sizeof(v));
	memset(text, 'x', sizeof(text));
	memcpy(text + 300, "\r" PANIC "\n", sizeof(PANIC) + 1);
	memcpy(text + 1000, PANIC "\n", sizeof(PANIC));
	EXPECT_EQ(CONSOLE_PANIC, verdict_console(&v, text, 500));
	EXPECT_EQ(CONSOLE_NOTHING, verdict_console(&v, text + 500, 1500));
}

TEST(lines_as_long_as_the_buffer)
{
	int extra;

	for (extra = -2; extra <= 2; extra++) {
		struct verdict v = { };
		char text[VERDICT_LINE_MAX + 8];
		int len = VERDICT_LINE_MAX + extra;

		memset(text, 'x', sizeof(text));
		memcpy(text, PANIC, sizeof(PANIC) - 1);
		text[len] = '\n';
		EXPECT_EQ(CONSOLE_PANIC, verdict_console(&v, text, len + 1));
		EXPECT_EQ(0, v.len);
	}
}

TEST(bytes_of_all_kinds)
{
	struct verdict v = { };
	char text[256];
	int i, k;

	for (i = 0; i < 256; i++)
		text[i] = i;
	for (k = 0; k < 20; k++)
		for (i = 0; i < 256; i++)
			EXPECT_EQ(CONSOLE_NOTHING, verdict_console(&v, text + i, 256 - i));
	EXPECT_EQ(CONSOLE_NOTHING, verdict_console(&v, "x\0" PANIC "\n", sizeof(PANIC) + 2));
	EXPECT_FALSE(v.panicked || v.halted || v.restart_announced);
}

TEST(the_first_verdict_stays)
{
	struct verdict v = { };

	verdict_set(&v, EXIT_GUEST_HUNG);
	verdict_set(&v, EXIT_GUEST_OK);
	EXPECT_EQ(EXIT_GUEST_HUNG, v.status);
	EXPECT_EQ(CONSOLE_PANIC, verdict_console(&v, PANIC "\n", sizeof(PANIC)));
	EXPECT_EQ(EXIT_GUEST_HUNG, v.status);
	EXPECT_TRUE(v.panicked);
}

TEST(a_good_verdict_stays_too)
{
	struct verdict v = { };

	verdict_set(&v, EXIT_GUEST_OK);
	verdict_set(&v, EXIT_GUEST_PANIC);
	EXPECT_EQ(EXIT_GUEST_OK, v.status);
}

TEST_HARNESS_MAIN
