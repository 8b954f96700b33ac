// SPDX-License-Identifier: GPL-2.0
/*
 * agent/frame.c and agent/open.c: frames as bytes, and what is no frame.
 */
#include <kselftest_harness.h>

#ifdef CONFIG_AGENT
#include <endian.h>
#include <errno.h>
#include <stdlib.h>

#include <vmtool/agent.h>
#include <vmtool/verdict.h>

#include "capture.h"

/* Bytes that come in pieces of a given size. */
struct source {
	const u8 *data;
	size_t len;
	size_t piece;
	bool paused;
};

static ssize_t get(void *priv, void *buf, size_t len)
{
	struct source *s = priv;
	size_t n = len < s->piece ? len : s->piece;

	/* After each piece there is nothing for once. */
	s->paused = !s->paused;
	if (!s->paused)
		return -EAGAIN;
	if (n > s->len)
		n = s->len;
	memcpy(buf, s->data, n);
	s->data += n;
	s->len -= n;
	return n;
}

static int next(struct agent_reader *r, struct source *s, struct agent_frame *f)
{
	int ret, tries = 100000;

	do {
		ret = agent_reader_next(r, get, s, f);
	} while (!ret && --tries);
	return ret;
}

FIXTURE(frame) {
	struct agent_queue q;
	struct agent_reader *r;
};

FIXTURE_SETUP(frame)
{
	self->q.max = 4 * AGENT_OPEN_MAX;
	self->r = calloc(1, sizeof(*self->r));
	ASSERT_NE(NULL, self->r);
}

FIXTURE_TEARDOWN(frame)
{
	agent_queue_free(&self->q);
	free(self->r);
}

TEST_F(frame, comes_in_pieces)
{
	static const size_t pieces[] = { 1, 5, 12, 13, 100000 };
	struct agent_frame f;
	u8 data[300];
	unsigned int i;

	for (i = 0; i < sizeof(data); i++)
		data[i] = i * 7;
	for (i = 0; i < ARRAY_SIZE(pieces); i++) {
		struct source s = { .piece = pieces[i] };

		self->q.len = 0;
		self->q.start = 0;
		f = (struct agent_frame){ .session = 0x01020304, .type = AGENT_DATA, .stream = 2,
					  .data = data, .len = sizeof(data) };
		ASSERT_EQ(0, agent_queue_put(&self->q, &f));
		ASSERT_EQ(0, agent_queue_add(&self->q, AGENT_POWEROFF, 0, NULL, 0));
		s.data = self->q.data;
		s.len = self->q.len;
		ASSERT_EQ(1, next(self->r, &s, &f));
		EXPECT_EQ(0x01020304, f.session);
		EXPECT_EQ(AGENT_DATA, f.type);
		EXPECT_EQ(2, f.stream);
		ASSERT_EQ(sizeof(data), f.len);
		EXPECT_EQ(0, memcmp(data, f.data, sizeof(data)));
		/* The same until it is done with. */
		ASSERT_EQ(1, next(self->r, &s, &f));
		EXPECT_EQ(sizeof(data), f.len);
		agent_reader_done(self->r);
		ASSERT_EQ(1, next(self->r, &s, &f));
		EXPECT_EQ(AGENT_POWEROFF, f.type);
		EXPECT_EQ(0, f.len);
		agent_reader_done(self->r);
		EXPECT_EQ(-EPIPE, next(self->r, &s, &f));
		self->r->len = 0;
	}
}

TEST_F(frame, what_is_none)
{
	static const u8 bad[][12] = {
		{ 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 },			/* type 0 */
		{ 1, 0, 0, 0, AGENT_BREAK + 1 },			/* unknown type */
		{ 1, 0, 0, 0, AGENT_DATA, 3 },				/* stream 3 */
		{ 1, 0, 0, 0, AGENT_DATA, 1, 1 },			/* not zero */
		{ 1, 0, 0, 0, AGENT_DATA, 1, 0, 0, 1, 0x40 },		/* one too long */
		{ 1, 0, 0, 0, AGENT_DATA, 1, 0, 0, 0, 0, 0, 0xff },	/* far too long */
	};
	struct agent_frame f;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		struct source s = { .data = bad[i], .len = sizeof(bad[i]), .piece = 100 };

		EXPECT_EQ(-EPROTO, next(self->r, &s, &f));
		agent_reader_done(self->r);
	}
}

TEST_F(frame, a_queue_has_a_limit)
{
	u8 data[1000] = { };
	struct agent_frame f = { .type = AGENT_DATA, .data = data, .len = sizeof(data) };
	int i, ret = 0;

	self->q.max = 10 * (sizeof(data) + sizeof(struct agent_head));
	for (i = 0; !ret; i++)
		ret = agent_queue_put(&self->q, &f);
	EXPECT_EQ(-ENOBUFS, ret);
	EXPECT_EQ(11, i);
	EXPECT_EQ(self->q.max, self->q.len);
	/* What was sent makes room, wherever it was. */
	for (i = 0; i < 100; i++) {
		agent_queue_drop(&self->q, sizeof(data) + sizeof(struct agent_head));
		ASSERT_EQ(0, agent_queue_put(&self->q, &f));
	}
	EXPECT_EQ(self->q.max, self->q.len);
	EXPECT_GE(2 * self->q.max, self->q.size);
}

TEST_F(frame, open_in_frames)
{
	static char big[40000];
	const char *const argv[] = { "prog", big, NULL };
	const char *const env[] = { "A=b", NULL };
	const gid_t groups[] = { 5, 6 };
	struct agent_spec spec = { .argv = argv, .env = env, .cwd = "/x", .uid = 1000, .gid = 100,
		.groups = groups, .nr_groups = 2, .tty = true, .rows = 24, .cols = 80 };
	struct source s = { .piece = 1 << 20 };
	struct agent_open open;
	struct agent_frame f;
	static u8 all[AGENT_OPEN_MAX];
	size_t len = 0;
	int frames = 0;

	memset(big, 'x', sizeof(big) - 1);
	ASSERT_EQ(0, agent_put_open(&self->q, &spec));
	s.data = self->q.data;
	s.len = self->q.len;
	do {
		ASSERT_EQ(1, next(self->r, &s, &f));
		ASSERT_EQ(AGENT_OPEN, f.type);
		memcpy(all + len, f.data, f.len);
		len += f.len;
		frames++;
		agent_reader_done(self->r);
	} while (!f.stream);
	EXPECT_EQ(3, frames);
	memcpy(&open, all, sizeof(open));
	EXPECT_EQ(AGENT_OPEN_TTY, le32toh(open.flags));
	EXPECT_EQ(1000, le32toh(open.uid));
	EXPECT_EQ(24, le16toh(open.rows));
	EXPECT_EQ(2, le32toh(open.nr_args));
	EXPECT_EQ(1, le32toh(open.nr_env));
	EXPECT_EQ(6, all[sizeof(open) + 4]);
	EXPECT_STREQ("/x", (char *)all + sizeof(open) + 8);
	EXPECT_STREQ("prog", (char *)all + sizeof(open) + 11);
	EXPECT_EQ(sizeof(open) + 8 + 3 + 5 + sizeof(big) + 4, len);
}

TEST_F(frame, open_has_a_limit)
{
	static char big[AGENT_OPEN_MAX];
	const char *const argv[] = { "prog", big, NULL };
	struct agent_spec spec = { .argv = argv };

	memset(big, 'x', sizeof(big) - 1);
	EXPECT_EQ(-E2BIG, agent_put_open(&self->q, &spec));
	EXPECT_EQ(0, self->q.len);
	spec.argv = argv + 2;
	EXPECT_EQ(-EINVAL, agent_put_open(&self->q, &spec));
}

static void result_of(struct agent_result *r, u32 how, u32 value, const char *text)
{
	u8 buf[AGENT_PAYLOAD_MAX];
	__le32 n[2] = { htole32(how), htole32(value) };
	struct agent_frame f = { .type = AGENT_EXIT };

	memcpy(buf, n, sizeof(n));
	memcpy(buf + sizeof(n), text, strlen(text));
	f.data = buf;
	f.len = sizeof(n) + strlen(text);
	agent_get_result(r, &f);
}

TEST(statuses)
{
	static const struct {
		u32 how, value;
		int status;
	} cases[] = {
		{ AGENT_EXITED, 0, 0 }, { AGENT_EXITED, 1, 1 }, { AGENT_EXITED, 127, 127 },
		{ AGENT_EXITED, 128, 100 }, { AGENT_EXITED, 137, 100 }, { AGENT_EXITED, 256, 100 },
		{ AGENT_EXITED, ~0U, 100 }, { AGENT_KILLED, 0, 100 }, { AGENT_KILLED, 9, 100 },
	};
	struct agent_result r;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		result_of(&r, cases[i].how, cases[i].value, "");
		EXPECT_EQ(cases[i].status, agent_status(&r, "x"));
		/* Less than 0 would be no command at all. */
		EXPECT_LE(0, agent_command_status(&r));
		EXPECT_GE(255, agent_command_status(&r));
		EXPECT_EQ(cases[i].status, exit_of_command(agent_command_status(&r)));
	}
}

TEST(failures_are_one_line)
{
	static const char *const texts[] = { "run", "directory", "user", "start", "", "two\nlines\x1b[0m" };
	struct agent_result r;
	struct capture cap;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(texts); i++) {
		result_of(&r, AGENT_FAILED, ENOENT, texts[i]);
		capture_begin(&cap);
		EXPECT_EQ(EXIT_VMTOOL_ERROR, agent_status(&r, "x"));
		capture_end(&cap);
		EXPECT_TRUE(capture_one_line(&cap));
		EXPECT_EQ(NULL, strchr(cap.text, 0x1b));
	}
	/* Too short, or of no kind. */
	agent_get_result(&r, &(struct agent_frame){ .type = AGENT_EXIT });
	EXPECT_EQ(AGENT_FAILED, r.how);
	EXPECT_EQ(EPROTO, r.value);
	result_of(&r, 77, 0, "");
	EXPECT_EQ(AGENT_FAILED, r.how);
}

#endif /* CONFIG_AGENT */

TEST_HARNESS_MAIN
