// SPDX-License-Identifier: GPL-2.0
/*
 * The client, and servers it should not have met.
 */
#include <sys/socket.h>

#include <kselftest_harness.h>

#include <vmtool/qmp_client.h>

#include "fake_guest.h"

FIXTURE(client) {
	char dir[128];
	pid_t server;
	struct qmp_client c;
};

FIXTURE_SETUP(client)
{
	signal(SIGPIPE, SIG_IGN);
	fake_dir_make(self->dir, sizeof(self->dir));
	self->server = -1;
	self->c.fd = -1;
}

FIXTURE_TEARDOWN(client)
{
	qmp_client_close(&self->c);
	if (self->server > 0) {
		kill(self->server, SIGKILL);
		waitpid(self->server, NULL, 0);
	}
	fake_dir_remove(self->dir);
}

#define GREETING	"{\"QMP\":{\"version\":{},\"capabilities\":[]}}\n"
#define NEGOTIATED	"{\"return\":{},\"id\":0}\n"

static void put(int fd, const char *text)
{
	if (send(fd, text, strlen(text), MSG_NOSIGNAL) < 0)
		_exit(0);
}

static void say_nothing(int fd)
{
	pause();
}

static void hang_up(int fd)
{
}

static void greet_and_hang_up(int fd)
{
	put(fd, GREETING);
}

static void talk_http(int fd)
{
	put(fd, "HTTP/1.1 400 Bad Request\r\n\r\n");
	pause();
}

static void send_number(int fd)
{
	put(fd, "5\n");
	pause();
}

static void never_end_a_line(int fd)
{
	char block[4096];

	memset(block, 'x', sizeof(block) - 1);
	block[sizeof(block) - 1] = '\0';
	for (;;)
		put(fd, block);
}

static void chatter(int fd)
{
	put(fd, GREETING NEGOTIATED);
	for (;;)
		put(fd, "{\"event\":\"NOISE\"}\n");
}

static void trickle(int fd)
{
	for (;;) {
		put(fd, " ");
		usleep(20000);
	}
}

static void answer_others(int fd)
{
	put(fd, GREETING NEGOTIATED "{\"return\":{},\"id\":7}\n{\"return\":{}}\n");
	pause();
}

static void refuse_negotiation(int fd)
{
	put(fd, GREETING "{\"error\":{\"class\":\"C\",\"desc\":\"go \\u001b[2Jaway\"},\"id\":0}\n");
	pause();
}

/* Who hangs up before it was asked is not listened to. */
static void take_lines(int fd, int nr)
{
	char c;

	while (nr && read(fd, &c, 1) == 1)
		nr -= c == '\n';
}

static void answer_twice_removed(int fd)
{
	put(fd, GREETING NEGOTIATED "{\"event\":\"A\"}\r\n{\"event\":\"B\"}\n"
	    "{\"return\":{\"x\":\"\\u001b[1m\"},\"id\":1}\n{\"event\":\"SHUTDOWN\"}\n");
	take_lines(fd, 2);
}

static pid_t serve(void (*fn)(int fd))
{
	struct control_claim claim;
	pid_t pid;

	if (control_claim(&claim, "s"))
		return -1;
	pid = fork();
	if (!pid) {
		int fd;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		while ((fd = accept(claim.fd, NULL, NULL)) < 0)
			usleep(1000);
		fn(fd);
		_exit(0);
	}
	/* Not control_release(): the child serves it. */
	close(claim.fd);
	rundir_close(&claim.dir);
	return pid;
}

static int ask(struct qmp_client *c, struct qmp_error *err)
{
	memset(err, 0, sizeof(*err));
	if (qmp_client_open(c, "s"))
		return -1;
	return qmp_client_execute(c, "query-name", NULL, 1000, NULL, err);
}

static int ms_since(const struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - start->tv_sec) * 1000 + (now.tv_nsec - start->tv_nsec) / 1000000;
}

FIXTURE(bad) {
	char dir[128];
	pid_t server;
	struct qmp_client c;
};

FIXTURE_VARIANT(bad) {
	void (*serve)(int fd);
	int result;
	const char *says;
};

FIXTURE_VARIANT_ADD(bad, silence) { say_nothing, -ETIMEDOUT, "no answer within 1 s" };
FIXTURE_VARIANT_ADD(bad, trickle) { trickle, -ETIMEDOUT, "no answer within 1 s" };
FIXTURE_VARIANT_ADD(bad, chatter) { chatter, -ETIMEDOUT, "no answer within 1 s" };
FIXTURE_VARIANT_ADD(bad, other_answers) { answer_others, -EPROTO, "it does not speak QMP" };
FIXTURE_VARIANT_ADD(bad, http) { talk_http, -EPROTO, "it does not speak QMP" };
FIXTURE_VARIANT_ADD(bad, number) { send_number, -EPROTO, "it does not speak QMP" };
FIXTURE_VARIANT_ADD(bad, endless_line) { never_end_a_line, -EPROTO, "it does not speak QMP" };
FIXTURE_VARIANT_ADD(bad, hang_up) { hang_up, -EPIPE, "it hung up" };
FIXTURE_VARIANT_ADD(bad, greet_and_hang_up) { greet_and_hang_up, -EPIPE, "it hung up" };
FIXTURE_VARIANT_ADD(bad, refused) { refuse_negotiation, -EREMOTEIO, "go ?[2Jaway" };

FIXTURE_SETUP(bad)
{
	fake_dir_make(self->dir, sizeof(self->dir));
	self->server = serve(variant->serve);
	self->c.fd = -1;
	ASSERT_LT(0, self->server);
}

FIXTURE_TEARDOWN(bad)
{
	qmp_client_close(&self->c);
	kill(self->server, SIGKILL);
	waitpid(self->server, NULL, 0);
	fake_dir_remove(self->dir);
}

TEST_F(bad, server)
{
	struct qmp_error err;
	struct timespec start;

	clock_gettime(CLOCK_MONOTONIC, &start);
	EXPECT_EQ(variant->result, ask(&self->c, &err));
	EXPECT_STREQ(variant->says, err.desc);
	EXPECT_GT(3000, ms_since(&start));
}

TEST_F(client, events_in_between)
{
	struct qmp_error err;
	json_t *ret = NULL;
	char buf[16];

	self->server = serve(answer_twice_removed);
	ASSERT_LT(0, self->server);
	ASSERT_EQ(0, qmp_client_open(&self->c, "s"));
	EXPECT_EQ(0, qmp_client_execute(&self->c, "x", NULL, 1000, &ret, &err));
	EXPECT_STREQ("?[1m", qmp_member_text(ret, "x", buf, sizeof(buf)));
	EXPECT_EQ(NULL, qmp_member_text(ret, "y", buf, sizeof(buf)));
	EXPECT_EQ(NULL, qmp_member_text(NULL, "x", buf, sizeof(buf)));
	json_decref(ret);
	EXPECT_FALSE(self->c.ended);
	EXPECT_EQ(-EPIPE, qmp_client_wait_event(&self->c, NULL, qmp_deadline(1000)));
	EXPECT_TRUE(self->c.ended);
}

TEST_F(client, nobody_there)
{
	EXPECT_EQ(-ENOENT, qmp_client_open(&self->c, "s"));
	EXPECT_EQ(-EINVAL, qmp_client_open(&self->c, "../s"));
	fake_dir_remove(self->dir);
	EXPECT_EQ(-ENOENT, qmp_client_open(&self->c, "s"));
}

TEST_F(client, real_guest)
{
	struct qmp_error err;
	json_t *ret, *args;

	self->server = fake_guest_start("s");
	ASSERT_LT(0, self->server);
	ASSERT_EQ(0, qmp_client_open(&self->c, "s"));
	EXPECT_EQ(self->server, self->c.pid);
	EXPECT_EQ(0, qmp_client_execute(&self->c, "query-name", NULL, 5000, &ret, &err));
	EXPECT_STREQ("s", json_string_value(json_object_get(ret, "name")));
	json_decref(ret);
	args = json_pack("{s:s}", "text", "\"\n\xe2\x82\xac");
	EXPECT_EQ(0, qmp_client_execute(&self->c, "test-echo", args, 5000, &ret, &err));
	EXPECT_TRUE(json_equal(args, ret));
	json_decref(args);
	json_decref(ret);
	EXPECT_EQ(-EREMOTEIO, qmp_client_execute(&self->c, "test-fail", NULL, 5000, NULL, &err));
	EXPECT_STREQ("no \xc3\xa9t? ?[0m", err.desc);
	EXPECT_EQ(0, qmp_client_execute(&self->c, "stop", NULL, 5000, NULL, &err));
	EXPECT_EQ(-ETIMEDOUT, qmp_client_wait_event(&self->c, "RESUME", qmp_deadline(100)));
	EXPECT_EQ(0, qmp_client_execute(&self->c, "quit", NULL, 5000, NULL, &err));
	EXPECT_EQ(0, qmp_client_wait_event(&self->c, "SHUTDOWN", qmp_deadline(5000)));
	EXPECT_EQ(-EPIPE, qmp_client_wait_event(&self->c, NULL, qmp_deadline(5000)));
	EXPECT_EQ(0, fake_guest_wait(self->server, 5));
	self->server = -1;
}

TEST_HARNESS_MAIN
