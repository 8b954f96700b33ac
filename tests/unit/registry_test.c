// SPDX-License-Identifier: GPL-2.0
/*
 * The registry of commands, and the text that goes through it.
 */
#include <kselftest_harness.h>

#include "fake_guest.h"
#include "../../control/internal.h"

TEST(registry)
{
	static const struct qmp_command one[] = { { "a", "A", NULL, fake_echo }, { } };
	static const struct qmp_command two[] = {
		{ "b", "B", NULL, fake_echo }, { "a", "A again", NULL, fake_fail }, { }
	};
	struct qmp_table t1 = { .commands = one }, t2 = { .commands = two };
	struct qmp_registry reg;
	const struct qmp_table *in;

	qmp_registry_init(&reg);
	EXPECT_EQ(NULL, qmp_find(&reg, "a", NULL));
	EXPECT_EQ(0, qmp_register(&reg, &t1));
	EXPECT_EQ(&one[0], qmp_find(&reg, "a", &in));
	EXPECT_EQ(&t1, in);
	/* All or nothing. */
	EXPECT_EQ(-EEXIST, qmp_register(&reg, &t2));
	EXPECT_EQ(NULL, qmp_find(&reg, "b", NULL));
	qmp_unregister(&t1);
	EXPECT_EQ(NULL, qmp_find(&reg, "a", NULL));
	EXPECT_EQ(0, qmp_register(&reg, &t2));
	EXPECT_EQ(two + 1, qmp_find(&reg, "a", NULL));
}

TEST(text)
{
	static const struct {
		const char *in;
		const char *out;
	} cases[] = {
		{ "", "" },
		{ "\xc3\xa9 \xe2\x82\xac", "\xc3\xa9 \xe2\x82\xac" },
		{ "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80" },
		{ "\033[2J\t\n\x7f", "?[2J???" },
		{ "\xc2\x9bK", "??K" },			/* C1 control */
		{ "\xff\xfe\x80", "???" },
		{ "\xc0\x80", "??" },				/* overlong */
		{ "\xe0\x80\x80", "???" },
		{ "\xf0\x80\x80\x80", "????" },
		{ "\xed\xa0\x80", "???" },			/* surrogate */
		{ "\xf4\x90\x80\x80", "????" },			/* above U+10FFFF */
		{ "\xf5\x80\x80\x80", "????" },
		{ "a\xe2\x82", "a??" },				/* cut off */
		{ "a\xc3", "a?" },
	};
	unsigned int i;
	char buf[64];

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		snprintf(buf, sizeof(buf), "%s", cases[i].in);
		text_clean(buf);
		EXPECT_STREQ(cases[i].out, buf) TH_LOG("case %u", i);
	}
}

TEST_HARNESS_MAIN
