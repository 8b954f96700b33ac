// SPDX-License-Identifier: GPL-2.0
/*
 * agent/router*.c: between a guest that may be hostile, and clients. Both are played
 * here, frame by frame.
 */
#include <kselftest_harness.h>

#ifdef CONFIG_AGENT
#include <endian.h>

#include "capture.h"
#include "agent_guest.h"

FIXTURE(router) {
	struct guest *g;
	struct agent_reader *in;
	struct agent_reader *from_router;
	int client;
};

FIXTURE_SETUP(router)
{
	self->g = calloc(1, sizeof(*self->g));
	self->in = calloc(1, sizeof(*self->in));
	self->from_router = calloc(1, sizeof(*self->from_router));
	ASSERT_TRUE(self->g && self->in && self->from_router);
	ASSERT_EQ(0, guest_begin(self->g, true));
	self->client = guest_connect(self->g);
	ASSERT_LE(0, self->client);
}

FIXTURE_TEARDOWN(router)
{
	guest_end(self->g);
	close(self->client);
	free(self->in);
	free(self->from_router);
	free(self->g);
}

static void serve(struct _test_data_router *t)
{
	int i;

	for (i = 0; i < 50; i++)
		while (evloop_poll(&t->g->loop) > 0)
			;
}

static void put(struct agent_queue *q, u32 session, u8 type, u8 stream, const void *data, size_t len)
{
	struct agent_frame f = {
		.session = session, .type = type, .stream = stream, .data = data, .len = len,
	};

	q->max = 1 << 20;
	agent_queue_put(q, &f);
}

/* The guest sends a frame. */
static void guest_says(struct _test_data_router *t, u32 session, u8 type, u8 stream,
		       const void *data, size_t len)
{
	struct agent_queue q = { };
	size_t n;

	put(&q, session, type, stream, data, len);
	while (q.len) {
		n = port_link_dev_put(t->g->link, q.data + q.start, q.len);
		agent_queue_drop(&q, n);
		serve(t);
	}
	agent_queue_free(&q);
}

static void client_says(struct _test_data_router *t, int fd, u8 type, u8 stream, const void *data,
			size_t len)
{
	struct agent_queue q = { };

	put(&q, 0, type, stream, data, len);
	while (q.len && !agent_queue_flush(&q, fd))
		serve(t);
	agent_queue_free(&q);
	serve(t);
}

static void hello(struct _test_data_router *t)
{
	__le32 version = htole32(AGENT_VERSION);

	guest_says(t, 0, AGENT_HELLO, 0, &version, sizeof(version));
}

static ssize_t from_link(void *priv, void *buf, size_t len)
{
	return port_link_dev_get(priv, buf, len) ?: -EAGAIN;
}

/* The next frame for the guest: its type, 0 when there is none. */
static int guest_hears(struct _test_data_router *t, struct agent_frame *f)
{
	int ret;

	agent_reader_done(t->in);
	ret = agent_reader_next(t->in, from_link, t->g->link, f);
	serve(t);
	return ret == 1 ? f->type : 0;
}

static int client_hears(struct _test_data_router *t, int fd, struct agent_frame *f)
{
	int ret;

	serve(t);
	agent_reader_done(t->from_router);
	ret = agent_reader_next(t->from_router, agent_fd_get, &fd, f);
	return ret == 1 ? f->type : ret;
}

TEST_F(router, passes_on_both_ways)
{
	static const __le32 exited[2] = { 0 };
	struct agent_frame f;
	u32 id;

	/* Nothing is sent to an agent that is not there yet. */
	client_says(self, self->client, AGENT_OPEN, 1, "open", 4);
	EXPECT_EQ(0, guest_hears(self, &f));
	hello(self);
	EXPECT_EQ(1, self->g->ready);
	ASSERT_EQ(AGENT_HELLO, guest_hears(self, &f));
	ASSERT_EQ(AGENT_OPEN, guest_hears(self, &f));
	id = f.session;
	EXPECT_NE(0, id);
	client_says(self, self->client, AGENT_DATA, 0, "to", 2);
	ASSERT_EQ(AGENT_DATA, guest_hears(self, &f));
	EXPECT_EQ(id, f.session);
	guest_says(self, id, AGENT_DATA, 1, "from", 4);
	ASSERT_EQ(AGENT_DATA, client_hears(self, self->client, &f));
	EXPECT_EQ(0, f.session);
	EXPECT_EQ(0, memcmp("from", f.data, 4));
	/* Of other sessions it hears nothing. */
	guest_says(self, id + 1, AGENT_DATA, 1, "from", 4);
	EXPECT_EQ(0, client_hears(self, self->client, &f));
	guest_says(self, id, AGENT_EXIT, 0, exited, sizeof(exited));
	ASSERT_EQ(AGENT_EXIT, client_hears(self, self->client, &f));
	/* It is over: nobody is told to hang up. */
	close(self->client);
	serve(self);
	EXPECT_EQ(0, guest_hears(self, &f));
	EXPECT_EQ(0, self->g->router.nr_clients);
	self->client = guest_connect(self->g);
}

TEST_F(router, tells_the_guest_who_is_gone)
{
	struct agent_frame f;
	u32 id;

	hello(self);
	guest_hears(self, &f);
	client_says(self, self->client, AGENT_OPEN, 1, "open", 4);
	ASSERT_EQ(AGENT_OPEN, guest_hears(self, &f));
	id = f.session;
	close(self->client);
	serve(self);
	ASSERT_EQ(AGENT_HANGUP, guest_hears(self, &f));
	EXPECT_EQ(id, f.session);
	/* What still comes for it is ignored. */
	guest_says(self, id, AGENT_DATA, 1, "late", 4);
	self->client = guest_connect(self->g);
}

TEST_F(router, more_than_there_was_credit_for)
{
	static u8 data[AGENT_PAYLOAD_MAX];
	struct agent_result r;
	struct agent_frame f;
	struct capture cap;
	u32 id, i;
	int type;

	hello(self);
	guest_hears(self, &f);
	client_says(self, self->client, AGENT_OPEN, 1, "open", 4);
	ASSERT_EQ(AGENT_OPEN, guest_hears(self, &f));
	id = f.session;
	capture_begin(&cap);
	for (i = 0; i < AGENT_WINDOW / sizeof(data); i++)
		guest_says(self, id, AGENT_DATA, 1, data, sizeof(data));
	/* The other stream has a window of its own. */
	guest_says(self, id, AGENT_DATA, 2, data, sizeof(data));
	EXPECT_EQ(0, guest_hears(self, &f));
	guest_says(self, id, AGENT_DATA, 1, data, 1);
	capture_end(&cap);
	EXPECT_TRUE(capture_one_line(&cap));
	EXPECT_EQ(AGENT_HANGUP, guest_hears(self, &f));
	for (i = 0; (type = client_hears(self, self->client, &f)) == AGENT_DATA; i++)
		;
	EXPECT_EQ(AGENT_WINDOW / sizeof(data) + 1, i);
	ASSERT_EQ(AGENT_EXIT, type);
	agent_get_result(&r, &f);
	EXPECT_EQ(AGENT_FAILED, r.how);
}

TEST_F(router, credit_is_what_the_client_gives)
{
	static u8 data[AGENT_PAYLOAD_MAX];
	__le32 more = htole32(sizeof(data));
	struct agent_frame f;
	u32 id, i;

	hello(self);
	guest_hears(self, &f);
	client_says(self, self->client, AGENT_OPEN, 1, "open", 4);
	guest_hears(self, &f);
	id = f.session;
	for (i = 0; i < 100; i++) {
		guest_says(self, id, AGENT_DATA, 1, data, sizeof(data));
		ASSERT_EQ(AGENT_DATA, client_hears(self, self->client, &f));
		client_says(self, self->client, AGENT_WINDOW_MORE, 1, &more, sizeof(more));
		ASSERT_EQ(AGENT_WINDOW_MORE, guest_hears(self, &f));
	}
}

TEST_F(router, any_number_of_frames_costs_the_client)
{
	struct agent_frame f;
	struct capture cap;
	u32 id, i;

	hello(self);
	guest_hears(self, &f);
	client_says(self, self->client, AGENT_OPEN, 1, "open", 4);
	guest_hears(self, &f);
	id = f.session;
	capture_begin(&cap);
	for (i = 0; i < 100000 && self->g->router.nr_clients; i++)
		guest_says(self, id, AGENT_CLOSE, 0, NULL, 0);
	capture_end(&cap);
	EXPECT_EQ(0, self->g->router.nr_clients);
}

TEST_F(router, what_is_no_frame_ends_it)
{
	static const u8 rubbish[64] = { 0xff, 0xff, 0xff };
	struct agent_frame f;
	struct capture cap;

	hello(self);
	client_says(self, self->client, AGENT_OPEN, 1, "open", 4);
	capture_begin(&cap);
	port_link_dev_put(self->g->link, rubbish, sizeof(rubbish));
	serve(self);
	port_link_dev_put(self->g->link, rubbish, sizeof(rubbish));
	serve(self);
	capture_end(&cap);
	EXPECT_TRUE(capture_one_line(&cap));
	EXPECT_EQ(AGENT_EXIT, client_hears(self, self->client, &f));
}

TEST_F(router, a_guest_that_was_reset)
{
	struct agent_frame f;
	u32 id;

	hello(self);
	guest_hears(self, &f);
	client_says(self, self->client, AGENT_OPEN, 1, "open", 4);
	guest_hears(self, &f);
	id = f.session;
	/* In the middle of a frame. */
	port_link_dev_put(self->g->link, "\1\0\0\0\4", 5);
	serve(self);
	port_link_dev_close(self->g->link);
	serve(self);
	EXPECT_EQ(AGENT_EXIT, client_hears(self, self->client, &f));
	EXPECT_FALSE(self->g->router.ready);
	/* The next one is served as the first was. */
	hello(self);
	EXPECT_EQ(2, self->g->ready);
	ASSERT_EQ(AGENT_HELLO, guest_hears(self, &f));
	close(self->client);
	self->client = guest_connect(self->g);
	client_says(self, self->client, AGENT_OPEN, 1, "open", 4);
	ASSERT_EQ(AGENT_OPEN, guest_hears(self, &f));
	EXPECT_NE(id, f.session);
}

TEST_F(router, a_fatal_guest)
{
	hello(self);
	guest_says(self, 0, AGENT_FATAL, 0, "no root\x1b[2J", 11);
	EXPECT_STREQ("no root?[2J", self->g->fatal);
}

TEST_F(router, a_client_that_makes_no_sense)
{
	struct agent_frame f;

	client_says(self, self->client, AGENT_DATA, 0, "x", 1);
	EXPECT_EQ(-EPIPE, client_hears(self, self->client, &f));
	EXPECT_EQ(0, self->g->router.nr_clients);
}

TEST_F(router, the_console)
{
	static const char text[] = "0123456789";
	struct agent_frame f;
	__le32 more;
	u64 sent = 0;
	int type;

	router_console(&self->g->router, "before", 6);
	client_says(self, self->client, AGENT_CONSOLE, 0, NULL, 0);
	ASSERT_EQ(AGENT_DATA, client_hears(self, self->client, &f));
	EXPECT_EQ(6, f.len);
	router_console(&self->g->router, " after", 6);
	ASSERT_EQ(AGENT_DATA, client_hears(self, self->client, &f));
	EXPECT_EQ(0, memcmp(" after", f.data, 6));
	client_says(self, self->client, AGENT_BREAK, 0, NULL, 0);
	EXPECT_EQ(1, self->g->breaks);
	/* What is typed goes in as there is room, in order, and once. */
	client_says(self, self->client, AGENT_DATA, 0, text, 10);
	EXPECT_TRUE(guest_until(self->g, strlen(self->g->typed) == 10));
	EXPECT_STREQ(text, self->g->typed);
	while ((type = client_hears(self, self->client, &f)) == AGENT_WINDOW_MORE)
		sent += agent_get32(&f, 0);
	EXPECT_EQ(10, sent);
	/* One that does not read costs no more than its window. */
	for (sent = 0; sent < 40 * ROUTER_HISTORY; sent += 10) {
		router_console(&self->g->router, text, 10);
		if (!(sent % 1000))
			serve(self);
	}
	sent = 0;
	while (client_hears(self, self->client, &f) == AGENT_DATA)
		sent += f.len;
	EXPECT_EQ(AGENT_WINDOW - 12, sent);
	more = htole32(AGENT_WINDOW + 1);
	client_says(self, self->client, AGENT_WINDOW_MORE, 1, &more, sizeof(more));
	EXPECT_EQ(0, client_hears(self, self->client, &f));
	more = htole32(100);
	client_says(self, self->client, AGENT_WINDOW_MORE, 1, &more, sizeof(more));
	ASSERT_EQ(AGENT_DATA, client_hears(self, self->client, &f));
	EXPECT_EQ(100, f.len);
}

#endif /* CONFIG_AGENT */

TEST_HARNESS_MAIN
