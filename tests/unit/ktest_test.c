// SPDX-License-Identifier: GPL-2.0
/*
 * ktest/: lists, settings, escaping, messages of the script in the guest, judgements.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/kernel.h>

#include "../../ktest/internal.h"
#include "capture.h"
#include <kselftest_harness.h>

static char *with(void (*put)(FILE *f, const char *s), const char *s)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	put(f, s);
	fclose(f);
	return text;
}

TEST(settings)
{
	static const struct {
		const char *text;
		unsigned int seconds;
	} cases[] = {
		{ "", 45 }, { "timeout=0", 0 }, { "timeout=120\n", 120 }, { "timeout=7 \r\n", 7 },
		{ "# timeout=3\n", 45 }, { "x=1\ntimeout=3\ny=2\n", 3 }, { " timeout=3\n", 45 },
		{ "timeout=3\ntimeout=4\n", 4 }, { "timeout=-3\n", 45 }, { "timeout=\n", 45 },
		{ "timeout=3x\n", 45 }, { "timeout=0x10\n", 45 }, { "timeout\n", 45 },
		{ "timeout=99999999999999999999999\n", KTEST_TIMEOUT_MAX }, { "\n\n\n", 45 },
		{ "timeout=5;rm -rf /\n", 45 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		EXPECT_EQ(cases[i].seconds, ktest_settings_timeout(cases[i].text))
			TH_LOG("case %zu", i);
}

TEST(lists)
{
	static const char text[] = "# list\n\nb:1\r\n a:1\nb:2\nb:1\nnet/mptcp:x.sh\na:2\nb:3";
	static const char *const order[] = { "b1", "b2", "b3", "a1", "a2", "net/mptcpx.sh" };
	static const char *const wanted[] = { "net/mptcp", "b:2" };
	struct ktest_set set = { };
	char name[64];
	size_t i;

	ASSERT_EQ(0, ktest_set_parse(&set, text, "list"));
	ASSERT_EQ(ARRAY_SIZE(order), set.nr);
	for (i = 0; i < set.nr; i++) {
		snprintf(name, sizeof(name), "%s%s", set.tests[i].collection, set.tests[i].name);
		EXPECT_STREQ(order[i], name);
	}
	ASSERT_EQ(0, ktest_set_only(&set, wanted, 2));
	ASSERT_EQ(2, set.nr);
	EXPECT_STREQ("2", set.tests[0].name);
	EXPECT_STREQ("x.sh", set.tests[1].name);
	ktest_set_shard(&set, 2, 2);
	ASSERT_EQ(1, set.nr);
	EXPECT_STREQ("x.sh", set.tests[0].name);
	ktest_set_free(&set);
	EXPECT_EQ(0, set.nr);
}

TEST(bad_lists)
{
	static const char *const bad[] = {
		"a", ":", "a:", ":b", "a b:c", "a:b c", "/a:b", "a:/b", "..:b", "a/../b:c", "a:..",
		"a:x/..", "-a:b", "a:-b", "a:b;c", "a:$b", "a:`b`", "a:b\x01", "a:\xff", "a/:b",
		"a:b:c", "a:*", "a:'b'", "a:\"b\"",
	};
	struct ktest_set set = { };
	struct capture said;
	char line[300];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		capture_begin(&said);
		snprintf(line, sizeof(line), "x:y%zu\n%s\n", i, bad[i]);
		EXPECT_EQ(-EINVAL, ktest_set_parse(&set, line, "list"))
			TH_LOG("%s", bad[i]);
		capture_end(&said);
		EXPECT_NE(NULL, strstr(said.text, "list, line 2: "));
	}
	EXPECT_EQ(0, ktest_set_parse(&set, "a...b:..c\n", "list"));
	memset(line, 'x', KTEST_NAME_MAX + 3);
	strcpy(line + KTEST_NAME_MAX + 1, ":a");
	capture_begin(&said);
	EXPECT_EQ(-EINVAL, ktest_set_parse(&set, line, "list"));
	capture_end(&said);
	ktest_set_free(&set);
}

TEST(clean_text)
{
	char out[64];

	EXPECT_EQ(3, ktest_clean(out, sizeof(out), "a\tb", 3, false));
	EXPECT_STREQ("a\tb", out);
	ktest_clean(out, sizeof(out), "a\tb\x7f\n", 5, true);
	EXPECT_STREQ("a\\x09b\\x7f\\x0a", out);
	ktest_clean(out, sizeof(out), "\0x", 2, false);
	EXPECT_STREQ("\\x00x", out);
	/* Overlong, surrogate, beyond the last, cut off, no first byte. */
	ktest_clean(out, sizeof(out), "\xe0\x80\xaf\xed\xbf\xbf\xf4\x90\x80\x80\xe2\x82", 12, false);
	EXPECT_STREQ("\\xe0\\x80\\xaf\\xed\\xbf\\xbf\\xf4\\x90\\x80\\x80\\xe2\\x82", out);
	ktest_clean(out, sizeof(out), "\xf0\x9f\x98\x80\xe2\x82\xac", 7, false);
	EXPECT_STREQ("\xf0\x9f\x98\x80\xe2\x82\xac", out);
	/* Text that turns around is shown and not obeyed. */
	ktest_clean(out, sizeof(out), "\xe2\x80\xae", 3, false);
	EXPECT_STREQ("\\xe2\\x80\\xae", out);
}

TEST(clean_text_fits)
{
	char out[64];
	size_t size;

	for (size = 1; size < 20; size++) {
		memset(out, 'Z', sizeof(out));
		ktest_clean(out, size, "\xff\xe2\x82\xac\xff\xff\xff", 7, false);
		EXPECT_TRUE(strlen(out) < size);
		EXPECT_EQ('Z', out[size]);
	}
}

TEST(escapes)
{
	char *s;

	s = with(ktest_xml, "<a b=\"c\">&\t\n\xc3\xa9");
	EXPECT_STREQ("&lt;a b=&quot;c&quot;&gt;&amp;&#9;&#10;\xc3\xa9", s);
	free(s);
}

#define LONG	"0123456789012345678901234567890123456789012345678901234567890123456789"

/* What a stream comes to: output, and messages in brackets. */
struct heard {
	struct frame frame;
	char text[512];
};

static void on_output(void *priv, const char *buf, size_t len)
{
	strncat(((struct heard *)priv)->text, buf, len);
}

static void on_message(void *priv, char *text)
{
	strcat(strcat(strcat(((struct heard *)priv)->text, "["), text), "]");
}

static const char *hear(struct heard *h, const char *in, size_t piece)
{
	size_t len = strlen(in), at;

	memset(h, 0, sizeof(*h));
	h->frame = (struct frame){ .output = on_output, .message = on_message, .priv = h };
	frame_expect(&h->frame, "word");
	for (at = 0; at < len; at += piece)
		frame_feed(&h->frame, in + at, min(piece, len - at));
	return h->text;
}

TEST(messages)
{
	static const struct {
		const char *in;
		const char *out;
	} cases[] = {
		{ "hello\n\n@vmtool word end 0 0\n", "hello\n[end 0 0]" },
		{ "hello\n@vmtool word end 0 0\nmore\n", "hello[end 0 0]more\n" },
		{ "\n@vmtool word ready 1\n", "[ready 1]" },
		{ "\n\n\n@vmtool word x\n", "\n\n[x]" },
		{ "\n@vmtool wore x\n\n", "\n@vmtool wore x\n" },
		{ "x@vmtool word x\n!", "x@vmtool word x\n!" },
		{ "@vmtool word x\n!", "@vmtool word x\n!" },
		{ "\n@vm\n@vmtool word x\n", "\n@vm[x]" },
		/* It is good for one. */
		{ "\n@vmtool word a\n\n@vmtool word b\n", "[a]\n@vmtool word b\n" },
		{ "\n@vmtool word " LONG "\n!", "\n@vmtool word " LONG "\n!" },
	};
	struct heard h;
	size_t i, piece;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		for (piece = 1; piece < 100; piece += 3)
			EXPECT_STREQ(cases[i].out, hear(&h, cases[i].in, piece));
}

TEST(words_differ)
{
	char a[NONCE_SIZE], b[NONCE_SIZE];

	ASSERT_EQ(0, frame_nonce(a));
	ASSERT_EQ(0, frame_nonce(b));
	EXPECT_EQ(NONCE_SIZE - 1, strlen(a));
	EXPECT_STRNE(a, b);
}

/* The script is one that a shell takes. */
TEST(runner)
{
	const char *const argv[] = { "sh", "-n", "-c", ktest_runner, NULL };
	int status;
	pid_t pid = fork();

	if (!pid) {
		execvp("sh", (char *const *)argv);
		_exit(127);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

struct trial {
	struct evidence e;
	const char *output;
	unsigned int timeout;
	double seconds;
	enum ktap_status status;
	const char *reason;
};

static struct guest_verdict panicked = { .status = 101, .reason = "panic: x" };
static struct guest_verdict fine = { .status = 0, .reason = "off" };
static struct guest_verdict warned = { .status = 102, .reason = "WARNING at x" };

static const struct trial trials[] = {
	{ { TEST_EXITED, 0 }, "", 45, 1, KTAP_OK, "" },
	{ { TEST_EXITED, 4 }, "", 45, 1, KTAP_SKIP, "" },
	{ { TEST_EXITED, 1 }, "", 45, 1, KTAP_NOT_OK, "exit=1" },
	{ { TEST_EXITED, 1 }, "1..1\nok 1 x\n", 45, 1, KTAP_NOT_OK, "exit=1" },
	{ { TEST_EXITED, 0 }, "not ok 1 x\n", 45, 1, KTAP_NOT_OK, "exit=0, but 1 results are not ok" },
	{ { TEST_EXITED, 4 }, "not ok 1 x\n", 45, 1, KTAP_NOT_OK, "exit=4, but 1 results are not ok" },
	{ { TEST_EXITED, 0 }, "1..2\nok 1 x\n", 45, 1, KTAP_NOT_OK, "exit=0, but 1 results are not ok" },
	{ { TEST_EXITED, 0 }, "1..0 # SKIP x\n", 45, 1, KTAP_SKIP, "" },
	{ { TEST_EXITED, 0 }, "Bail out! x\n", 45, 1, KTAP_NOT_OK, "bailed out" },
	{ { TEST_EXITED, 124 }, "", 45, 45.1, KTAP_NOT_OK, "TIMEOUT 45 seconds" },
	{ { TEST_EXITED, 137 }, "", 45, 50.1, KTAP_NOT_OK, "TIMEOUT 45 seconds" },
	{ { TEST_EXITED, 124 }, "", 45, 1, KTAP_NOT_OK, "exit=124" },
	{ { TEST_EXITED, 124 }, "", 0, 100, KTAP_NOT_OK, "exit=124" },
	{ { TEST_TIMED_OUT }, "", 5, 20, KTAP_NOT_OK, "TIMEOUT 5 seconds" },
	{ { TEST_GUEST_ENDED, .verdict = &panicked }, "ok 1 x\n", 5, 1, KTAP_NOT_OK, "panic: x" },
	{ { TEST_GUEST_ENDED, .verdict = &fine }, "", 5, 1, KTAP_NOT_OK, "off" },
	{ { TEST_NO_GUEST, .verdict = &panicked }, "", 5, 0, KTAP_NOT_OK,
	  "the guest did not come up: panic: x" },
	{ { TEST_INTERRUPTED }, "", 5, 0, KTAP_NOT_OK, "interrupted" },
	/* A guest that was ended behind the test. */
	{ { TEST_EXITED, .verdict = &fine }, "", 5, 1, KTAP_OK, "" },
	{ { TEST_EXITED, .verdict = &panicked }, "", 5, 1, KTAP_NOT_OK, "panic: x" },
	{ { TEST_EXITED, .verdict = &warned }, "", 5, 1, KTAP_NOT_OK, "WARNING at x" },
	/* What it did to the kernel. */
	{ { TEST_EXITED, .taints = TAINT_DIE }, "", 5, 1, KTAP_NOT_OK, "kernel oops" },
	{ { TEST_EXITED, .taints = TAINT_LOCKUP }, "", 5, 1, KTAP_NOT_OK, "kernel lockup" },
	{ { TEST_EXITED, .taints = TAINT_WARN }, "", 5, 1, KTAP_OK, "" },
	{ { TEST_EXITED, .taints = TAINT_WARN, .fail_on_warn = true }, "", 5, 1, KTAP_NOT_OK,
	  "kernel warning" },
	{ { TEST_EXITED, .taints = 1 << 12, .fail_on_warn = true }, "", 5, 1, KTAP_OK, "" },
};

TEST(judgements)
{
	struct ktap_reader r;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(trials); i++) {
		const struct trial *t = &trials[i];
		struct ktest test = {
			.name = (char *)"t", .timeout = t->timeout, .seconds = t->seconds,
		};
		struct ktap_node *node;

		ktap_init(&r, false);
		ktap_feed(&r, t->output, strlen(t->output));
		node = judge(&test, &r, &t->e);
		ASSERT_NE(NULL, node);
		EXPECT_EQ(t->status, node->status)
			TH_LOG("trial %zu", i);
		EXPECT_STREQ(t->reason, node->reason);
		ktap_free(node);
	}
}

static void read_verdict(struct guest_verdict *v, const char *text, int status)
{
	char path[] = "/tmp/ktest_test.XXXXXX";
	int fd = mkstemp(path);
	size_t len = strlen(text);

	if (write(fd, text, len) != (ssize_t)len)
		abort();
	close(fd);
	guest_verdict_read(v, path, status);
}

TEST(verdicts)
{
	struct guest_verdict v;

	read_verdict(&v, "{\"status\": 101, \"reason\": \"a # b\\n\", \"splat\": \"x\\ny\", \"z\": {}}", 1);
	EXPECT_EQ(101, v.status);
	EXPECT_STREQ("a _ b\\x0a", v.reason);
	EXPECT_STREQ("x\ny", v.splat);
	guest_verdict_free(&v);
	read_verdict(&v, "{\"status\": \"x\", \"reason\": 5, \"splat\": null}", 103);
	EXPECT_EQ(103, v.status);
	EXPECT_STREQ("the guest hung", v.reason);
	EXPECT_EQ(NULL, v.splat);
	read_verdict(&v, "{", 101);
	EXPECT_STREQ("guest kernel panic", v.reason);
	guest_verdict_read(&v, "/nonexistent", 77);
	EXPECT_EQ(77, v.status);
	EXPECT_STREQ("the guest ended", v.reason);
}

TEST_HARNESS_MAIN
