// SPDX-License-Identifier: GPL-2.0
/*
 * ktest/ktap-*.c: what tests print, and what is written of it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>
#include <vmtool/ktap.h>

#include <kselftest_harness.h>

/* What becomes of @in as the output of the test "t". */
static char *rewrite(const char *in, size_t len, size_t piece, bool console)
{
	struct ktap_node *node = ktap_result(KTAP_OK, "t", NULL);
	static struct ktap_reader r;
	char *text = NULL;
	size_t size, at;
	FILE *f;

	ktap_init(&r, console);
	for (at = 0; at < len; at += piece)
		ktap_feed(&r, in + at, min(piece, len - at));
	ktap_finish(&r, node);
	if (r.failed) {
		struct ktap_node *bad = ktap_result(KTAP_NOT_OK, "t", NULL);

		list_splice_tail_init(&node->children, &bad->children);
		ktap_free(node);
		node = bad;
	}
	ktap_settle(node);
	f = open_memstream(&text, &size);
	ktap_write(f, 0, NULL, 1, node);
	fclose(f);
	ktap_free(node);
	return text;
}

struct sample {
	const char *in;
	const char *out;
};

#define HEAD(plan)	"  KTAP version 1\n  # Subtest: t\n  1.." plan "\n"

static const struct sample samples[] = {
	{ "", "ok 1 t\n" },
	{ "hello\n", "# hello\nok 1 t\n" },
	{ "# hello\n\n", "# hello\n#\nok 1 t\n" },
	{ "TAP version 13\n1..2\nok 1 a\nok 2 - b\n", HEAD("2") "  ok 1 a\n  ok 2 b\nok 1 t\n" },
	{ "1..1\r\nok 1 a\r\n", HEAD("1") "  ok 1 a\nok 1 t\n" },
	/* Numbers and plans are made right, and failures are not lost. */
	{ "ok 7 a\nok 7 a\n", HEAD("2") "  ok 1 a\n  ok 2 a\nok 1 t\n" },
	{ "1..3\nok 1 a\n",
	  HEAD("2") "  ok 1 a\n  not ok 2 2 of 3 planned tests # no result\nnot ok 1 t\n" },
	{ "1..1\nok 1 a\nok 2 b\n",
	  HEAD("2") "  ok 1 a\n  ok 2 b\n  # 1 tests were planned, and 2 done\nok 1 t\n" },
	/* As kcmp_test of 6.1 does. */
	{ "1..3\n# Totals: pass:3 fail:0 xfail:0 xpass:0 skip:0 error:0\n",
	  "# Totals: pass:3 fail:0 xfail:0 xpass:0 skip:0 error:0\n"
	  "# 3 tests were planned, and 0 done\nok 1 t\n" },
	{ "1..2\nok 1 a\n# Totals: pass:1 fail:0 xfail:0 xpass:0 skip:1 error:0\n",
	  HEAD("1") "  ok 1 a\n  # Totals: pass:1 fail:0 xfail:0 xpass:0 skip:1 error:0\n"
	  "  # 2 tests were planned, and 1 done\nok 1 t\n" },
	{ "1..99999999999999999999\nok 1 a\n",
	  HEAD("2") "  ok 1 a\n  not ok 2 999999999 of 1000000000 planned tests # no result\n"
	  "not ok 1 t\n" },
	{ "1..1\n1..2\nok 1 a\n", HEAD("1") "  # 1..2\n  ok 1 a\nok 1 t\n" },
	{ "TAP version 13\n1..1\nok 1 a\nTAP version 13\n1..1\nok 1 b\n",
	  HEAD("2") "  ok 1 a\n  ok 2 b\nok 1 t\n" },
	{ "ok 1 a\nBail out! x\nnot ok 2 b\n",
	  HEAD("1") "  ok 1 a\n  # Bail out! x\n  # not ok 2 b\nok 1 t\n" },
	{ "1..0 # SKIP because\n", "# SKIP because\nok 1 t\n" },
	/* Names and directives. */
	{ "ok 1 # SKIP why\n", HEAD("1") "  ok 1 why # SKIP\nok 1 t\n" },
	{ "ok 1 a # skip: why\n", HEAD("1") "  ok 1 a # SKIP why\nok 1 t\n" },
	{ "not ok 1 a # TODO x\n", HEAD("1") "  ok 1 a # XFAIL x\nok 1 t\n" },
	{ "ok 1 a # SKIPPED\n", HEAD("1") "  ok 1 a # SKIPPED\nok 1 t\n" },
	{ "ok 1 a # b # SKIP\n", HEAD("1") "  ok 1 a # b _ SKIP\nok 1 t\n" },
	{ "ok 1\n", HEAD("1") "  ok 1 test 1\nok 1 t\n" },
	{ "ok 1 - - -a  \r\n", HEAD("1") "  ok 1 a\nok 1 t\n" },
	{ "ok 1 \x1b[31m\xff\n", HEAD("1") "  ok 1 \\x1b[31m\\xff\nok 1 t\n" },
	{ "ok 1 t\n", HEAD("1") "  ok 1 t/t\nok 1 t\n" },
	/* What only looks like it. */
	{ "okay\nok\nok x\nnot ok\nok 1x\n1..x\n1.. 2\nTAP version\nKTAP version 1 x\n",
	  "# okay\n# ok\n# ok x\n# not ok\n# ok 1x\n# 1..x\n# 1.. 2\n# TAP version\n"
	  "# KTAP version 1 x\nok 1 t\n" },
	{ "# Subtest: x\n", "# # Subtest: x\nok 1 t\n" },
	{ "Subtest: x\n", "#  Subtest: x\nok 1 t\n" },
	{ "  ok 1 a\n", "#   ok 1 a\nok 1 t\n" },
	{ "reboot: System halted\n", "# reboot: System  halted\nok 1 t\n" },
	{ "\x1b[1mx\t\xc3\xa9\xc2\x85\xe2\x80\xa8\xc0\x80\xed\xa0\x80\n",
	  "# \\x1b[1mx\t\xc3\xa9\\xc2\\x85\\xe2\\x80\\xa8\\xc0\\x80\\xed\\xa0\\x80\nok 1 t\n" },
	/* Tests in tests. */
	{ "KTAP version 1\n1..1\n  KTAP version 1\n  1..1\n  # x\n  ok 1 a\nok 1 b\n",
	  HEAD("1") "    KTAP version 1\n    # Subtest: b\n    1..1\n    #   # x\n    ok 1 a\n"
	  "  ok 1 b\nok 1 t\n" },
	{ "TAP version 14\n1..1\n\t# Subtest: b\n\t1..1\n\tok 1 a\nok 1 - b\n",
	  HEAD("1") "    KTAP version 1\n    # Subtest: b\n    1..1\n    ok 1 a\n  ok 1 b\nok 1 t\n" },
	{ "KTAP version 1\n1..1\n  # Subtest: b\n  1..2\n  ok 1 a\n",
	  HEAD("1") "    KTAP version 1\n    # Subtest: b\n    1..2\n    ok 1 a\n"
	  "    not ok 2 1 of 2 planned tests # no result\n  not ok 1 b # no result\n"
	  "not ok 1 t\n" },
	{ "KTAP version 1\n  # Subtest: b\n  ok 1 x\n  # Subtest: c\n  ok 1 y\nok 2 c\n",
	  HEAD("2") "    KTAP version 1\n    # Subtest: b\n    1..2\n    ok 1 x\n"
	  "    not ok 2 the test as a whole # no result\n  not ok 1 b # no result\n"
	  "    KTAP version 1\n    # Subtest: c\n    1..1\n"
	  "    ok 1 y\n  ok 2 c\nnot ok 1 t\n" },
	/* A parser that counts leaves would not see these. */
	{ "KTAP version 1\n1..1\n  KTAP version 1\n  1..1\n  ok 1 a\nnot ok 1 b # why\n",
	  HEAD("1") "    KTAP version 1\n    # Subtest: b\n    1..2\n    ok 1 a\n"
	  "    not ok 2 the test as a whole # why\n  not ok 1 b # why\nnot ok 1 t\n" },
};

TEST(samples_in_pieces_of_all_sizes)
{
	size_t i, piece;
	char *out;

	for (i = 0; i < ARRAY_SIZE(samples); i++)
		for (piece = 1; piece < 80; piece = 2 * piece + 1) {
			out = rewrite(samples[i].in, strlen(samples[i].in), piece, false);
			EXPECT_STREQ(samples[i].out, out)
				TH_LOG("%s", samples[i].in);
			free(out);
		}
}

/* KTAP that was written once is not changed by being read again. */
TEST(written_twice)
{
	char *once, *twice, *thrice;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(samples); i++) {
		once = rewrite(samples[i].in, strlen(samples[i].in), 1000, false);
		twice = rewrite(once, strlen(once), 1000, false);
		thrice = rewrite(twice, strlen(twice), 1000, false);
		EXPECT_EQ(!strstr(once, "not ok"), !strstr(twice, "not ok"));
		EXPECT_NE(NULL, strstr(twice, "KTAP version 1"));
		EXPECT_TRUE(strlen(thrice) >= strlen(once));
		free(once);
		free(twice);
		free(thrice);
	}
}

TEST(on_a_console)
{
	static const char *const prefixes[] = {
		"", "[    1.234567] ", "[    1.234567][    T1] ", "<6>[    1.2] ", "[T1] ",
	};
	static const char *const lines[] = {
		"ok 1 before", "x", "KTAP version 1", "1..1", "    KTAP version 1",
		"    # Subtest: s", "    1..1", "    ok 1 a", "ok 1 s",
	};
	char in[2000], *out;
	size_t i, k, len;

	for (i = 0; i < ARRAY_SIZE(prefixes); i++) {
		for (k = 0, len = 0; k < ARRAY_SIZE(lines); k++)
			len += sprintf(in + len, "%s%s\r\n", prefixes[i], lines[k]);
		out = rewrite(in, len, 7, true);
		EXPECT_STREQ(HEAD("1") "    KTAP version 1\n    # Subtest: s\n    1..1\n"
			     "    ok 1 a\n  ok 1 s\nok 1 t\n", out)
			TH_LOG("'%s'", prefixes[i]);
		free(out);
	}
}

TEST(long_lines)
{
	char *in = malloc(100000), *out;
	size_t len;

	for (len = KTAP_LINE_MAX - 3; len < KTAP_LINE_MAX + 3; len++) {
		memset(in, 'x', len);
		in[len] = '\n';
		out = rewrite(in, len + 1, 100, false);
		EXPECT_EQ(len >= KTAP_LINE_MAX, !!strstr(out, "x [...]\n"));
		EXPECT_TRUE(strlen(out) < KTAP_LINE_MAX + 32);
		free(out);
	}
	memset(in, 0xff, 100000);
	memcpy(in, "ok 1 ", 5);
	out = rewrite(in, 100000, 1000, false);
	EXPECT_TRUE(strlen(out) < 1000 && strstr(out, "  ok 1 \\xff\\xff"));
	free(out);
	free(in);
}

/* However much there is, what is kept has a bound, and the end is in it. */
TEST(much)
{
	size_t len = 0, size = 32 << 20;
	char *in = malloc(size), *out;
	int i;

	for (i = 0; len < size - 64; i++)
		len += sprintf(in + len, "line %d\n", i);
	out = rewrite(in, len, 65536, false);
	EXPECT_TRUE(strlen(out) < KTAP_DIAG_BYTES + KTAP_DIAG_LAST * KTAP_LINE_MAX);
	sprintf(in, "# line %d\n", i - 1);
	EXPECT_TRUE(strstr(out, "# line 0\n") && strstr(out, in) && strstr(out, "left out"));
	free(out);
	for (i = 0, len = 0; len < size - 64; i++)
		len += sprintf(in + len, "ok %d\n", i);
	len += sprintf(in + len, "not ok 1 the last\n");
	out = rewrite(in, len, 65536, false);
	EXPECT_TRUE(strlen(out) < 4 * KTAP_RESULT_BYTES);
	EXPECT_NE(NULL, strstr(out, " more results are left out\n"));
	EXPECT_NE(NULL, strstr(out, "\nnot ok 1 t\n"));
	free(out);
	free(in);
}

TEST(deep)
{
	char in[20000], *out;
	size_t len = 0;
	int i;

	for (i = 0; i < 100; i++)
		len += sprintf(in + len, "%*sKTAP version 1\n%*s1..1\n", i, "", i, "");
	out = rewrite(in, len, 1000, false);
	EXPECT_NE(NULL, strstr(out, "not ok 1 t\n"));
	EXPECT_EQ(NULL, strstr(out, "\n                    KTAP version 1"));
	free(out);
}

TEST(abandoned)
{
	static const char in[] = "a\n1..2\nok 1 a\n  KTAP version 1\n  ok 1 b\n  x\n";
	struct ktap_reader r;
	int i;

	ktap_init(&r, false);
	for (i = 0; i < 100; i++)
		ktap_feed(&r, in, sizeof(in) - 1);
	ktap_abandon(&r);
}

TEST(counts)
{
	static const char in[] = "KTAP version 1\n1..2\n  KTAP version 1\n  1..3\n  ok 1 a\n"
		"  not ok 2 b\n  ok 3 c # SKIP\nnot ok 1 s\nnot ok 2 x # TODO\n";
	struct ktap_node *node = ktap_result(KTAP_OK, "t", NULL);
	struct ktap_counts counts = { };
	struct ktap_reader r;

	ktap_init(&r, false);
	ktap_feed(&r, in, sizeof(in) - 1);
	ktap_finish(&r, node);
	ktap_count(node, &counts);
	EXPECT_EQ(2, r.failed);
	EXPECT_EQ(1, counts.ok);
	EXPECT_EQ(1, counts.not_ok);
	EXPECT_EQ(1, counts.skip);
	EXPECT_EQ(1, counts.xfail);
	ktap_free(node);
}

TEST_HARNESS_MAIN
