// SPDX-License-Identifier: GPL-2.0
/*
 * The control server and clients that mean no good, or have no time.
 */
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <kselftest_harness.h>

#include "qmp_link.h"

FIXTURE(limits) {
	char dir[128];
	pid_t guest;
	struct link l;
};

FIXTURE_SETUP(limits)
{
	signal(SIGPIPE, SIG_IGN);
	fake_dir_make(self->dir, sizeof(self->dir));
	self->guest = fake_guest_start("g");
	ASSERT_GT(self->guest, 0);
	ASSERT_TRUE(dial_in(&self->l));
}

FIXTURE_TEARDOWN(limits)
{
	hang(&self->l);
	if (self->guest > 0)
		EXPECT_EQ(0, fake_guest_end(self->guest));
	fake_dir_remove(self->dir);
}

TEST_F(limits, no_json_costs_the_connection)
{
	static const char *const bad[] = {
		"{", "}", "{\"execute\":\"query-name\"", "hello", "{'execute':'quit'}",
		"{\"execute\":\"stop\",\"execute\":\"cont\"}", "{}{}", "[1,]",
		"{\"execute\":\"a\xff\"}", "{\"execute\":\"a\\u0000\"}",
		"{\"id\":99999999999999999999}", "{\"id\":1e999}", "\xef\xbb\xbf{}", "nul",
		"GET / HTTP/1.1",
	};
	struct link other, l;
	unsigned int i;
	json_t *msg;

	ASSERT_TRUE(dial_in(&other));
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		ASSERT_TRUE(dial_in(&l));
		msg = ask(&l, bad[i]);
		EXPECT_STREQ("GenericError", ERROR_CLASS(msg)) TH_LOG("%s", bad[i]);
		json_decref(msg);
		EXPECT_TRUE(at_end(&l)) TH_LOG("%s", bad[i]);
		hang(&l);
	}
	/* A NUL byte, which no string above can hold. */
	ASSERT_TRUE(dial_in(&l));
	ASSERT_TRUE(say_bytes(&l, "{\"execute\":\"query-name\"}\0\n", 26));
	msg = reply(&l);
	EXPECT_STREQ("GenericError", ERROR_CLASS(msg));
	json_decref(msg);
	EXPECT_TRUE(at_end(&l));
	hang(&l);

	msg = ask(&other, "{\"execute\":\"query-status\"}");
	EXPECT_STREQ("running", text_at(msg, "return", "status"));
	json_decref(msg);
	hang(&other);
}

TEST_F(limits, nesting)
{
	char *line = malloc(70000);
	struct link l;
	int depth, len;
	json_t *msg;

	/* Deep, but within bounds: given back as it came. */
	depth = 2000;
	len = sprintf(line, "{\"execute\":\"query-name\",\"id\":");
	memset(line + len, '[', depth);
	memset(line + len + depth, ']', depth);
	sprintf(line + len + 2 * depth, "}");
	msg = ask(&self->l, line);
	EXPECT_STREQ("g", text_at(msg, "return", "name"));
	json_decref(msg);

	ASSERT_TRUE(dial_in(&l));
	memset(line, '[', 60000);
	line[60000] = '\0';
	msg = ask(&l, line);
	EXPECT_STREQ("GenericError", ERROR_CLASS(msg));
	json_decref(msg);
	EXPECT_TRUE(at_end(&l));
	hang(&l);
	free(line);
	EXPECT_TRUE(still_serves());
}

TEST_F(limits, longest_request)
{
	static const char head[] = "{\"execute\":\"test-echo\",\"arguments\":{\"text\":\"";
	static const char tail[] = "\"}}";
	char *line = calloc(1, CONTROL_LINE_MAX + 16);
	size_t fits = CONTROL_LINE_MAX - strlen(head) - strlen(tail);
	struct link l;
	json_t *msg;

	snprintf(line, CONTROL_LINE_MAX + 1, "%s%0*d%s", head, (int)fits, 0, tail);
	ASSERT_EQ(CONTROL_LINE_MAX, strlen(line));
	msg = ask(&self->l, line);
	EXPECT_EQ(fits, strlen(text_at(msg, "return", "text")));
	json_decref(msg);

	sprintf(line + strlen(line) - strlen(tail), "x%s", tail);
	ASSERT_TRUE(dial_in(&l));
	/* The newline may come too late to be taken. */
	say(&l, line);
	msg = reply(&l);
	EXPECT_STREQ("GenericError", ERROR_CLASS(msg));
	json_decref(msg);
	EXPECT_TRUE(at_end(&l));
	hang(&l);
	free(line);
}

TEST_F(limits, endless_request)
{
	char block[4096];
	size_t sent = 0;
	struct link l;
	json_t *msg;

	memset(block, ' ', sizeof(block));
	ASSERT_TRUE(dial_in(&l));
	while (sent < (64U << 20) && say_bytes(&l, block, sizeof(block)))
		sent += sizeof(block);
	/* Cut off by what the socket holds, not by what we can send. */
	EXPECT_GT(4U << 20, sent);
	msg = reply(&l);
	EXPECT_STREQ("GenericError", ERROR_CLASS(msg));
	json_decref(msg);
	EXPECT_TRUE(at_end(&l));
	hang(&l);
	EXPECT_TRUE(still_serves());
}

TEST_F(limits, byte_by_byte)
{
	static const char line[] = "{\"execute\":\"query-name\",\"id\":7}\n";
	unsigned int i;
	json_t *msg;

	for (i = 0; line[i]; i++)
		ASSERT_TRUE(say_bytes(&self->l, line + i, 1));
	msg = reply(&self->l);
	EXPECT_EQ(7, json_integer_value(json_object_get(msg, "id")));
	json_decref(msg);
}

/* All at once, and the client's half of the connection closed: answered. */
TEST_F(limits, half_closed)
{
	struct link l;
	json_t *msg;

	ASSERT_TRUE(dial(&l));
	ASSERT_TRUE(say(&l, "{\"execute\":\"qmp_capabilities\"}\n{\"execute\":\"query-status\"}"));
	ASSERT_TRUE(say_bytes(&l, "{\"execute\":\"query-name\",\"id\":3}", 31));
	ASSERT_EQ(0, shutdown(l.fd, SHUT_WR));
	json_decref(hear(&l));
	json_decref(hear(&l));
	msg = hear(&l);
	EXPECT_STREQ("running", text_at(msg, "return", "status"));
	json_decref(msg);
	msg = hear(&l);
	EXPECT_EQ(3, json_integer_value(json_object_get(msg, "id")));
	json_decref(msg);
	EXPECT_TRUE(at_end(&l));
	hang(&l);
}

/* Far more answers than the server keeps, in order, to a client that reads late. */
TEST_F(limits, pipelining)
{
	struct pollfd pfd = { .fd = self->l.fd };
	int sent = 0, heard = 0, total = 1500, off = 0;
	char line[64] = "";
	json_t *msg;

	while (heard < total) {
		if (!line[off] && sent < total) {
			snprintf(line, sizeof(line), "{\"execute\":\"query-commands\",\"id\":%d}\n",
				 sent++);
			off = 0;
		}
		pfd.events = line[off] ? POLLOUT : 0;
		/* Only read when no more can be sent. */
		if (poll(&pfd, 1, 50) == 1 && (pfd.revents & POLLOUT)) {
			off += send(self->l.fd, line + off, strlen(line + off), MSG_NOSIGNAL);
			continue;
		}
		msg = reply(&self->l);
		ASSERT_EQ(heard, json_integer_value(json_object_get(msg, "id")));
		ASSERT_TRUE(json_is_array(json_object_get(msg, "return")));
		json_decref(msg);
		heard++;
		while (heard < sent && memchr(self->l.buf, '\n', self->l.len)) {
			msg = reply(&self->l);
			ASSERT_EQ(heard++, json_integer_value(json_object_get(msg, "id")));
			json_decref(msg);
		}
	}
}

TEST_F(limits, one_too_many_waits)
{
	struct link l[CONTROL_CLIENTS_MAX];
	int i;

	/* One place is taken by the fixture's own. */
	for (i = 0; i < CONTROL_CLIENTS_MAX - 1; i++)
		ASSERT_TRUE(dial_in(&l[i]));
	ASSERT_TRUE(dial(&l[i]));
	EXPECT_EQ(-1, fill(&l[i], 300));
	hang(&l[0]);
	ASSERT_EQ(1, fill(&l[i], WAIT_MS));
	json_decref(hear(&l[i]));
	json_decref(ask(&l[i], "{\"execute\":\"qmp_capabilities\"}"));
	for (i = 1; i < CONTROL_CLIENTS_MAX; i++) {
		json_t *msg = ask(&l[i], "{\"execute\":\"query-name\"}");

		EXPECT_STREQ("g", text_at(msg, "return", "name"));
		json_decref(msg);
		hang(&l[i]);
	}
	/* A thousand come and go. */
	for (i = 0; i < 1000; i++) {
		ASSERT_TRUE(dial(&l[0]));
		hang(&l[0]);
	}
	EXPECT_TRUE(still_serves());
}

/* Events pile up for who does not read; that one goes, the others do not. */
TEST_F(limits, deaf_client)
{
	struct link deaf;
	json_t *msg;
	int i;

	ASSERT_TRUE(dial_in(&deaf));
	for (i = 0; i < 40; i++) {
		msg = ask_command(&self->l, "test-shout", "{\"count\":1,\"size\":100000}");
		ASSERT_TRUE(json_is_object(json_object_get(msg, "return")));
		json_decref(msg);
	}
	EXPECT_TRUE(at_end(&deaf));
	hang(&deaf);
	msg = ask(&self->l, "{\"execute\":\"query-name\"}");
	EXPECT_STREQ("g", text_at(msg, "return", "name"));
	json_decref(msg);
}

/* Its own request overflows its own queue, while it is being handled. */
TEST_F(limits, drowned_by_itself)
{
	struct link l;

	ASSERT_TRUE(dial_in(&l));
	ASSERT_TRUE(say_command(&l, "test-shout", "{\"count\":100,\"size\":200000}"));
	ASSERT_TRUE(say(&l, "{\"execute\":\"query-name\"}"));
	EXPECT_TRUE(at_end(&l));
	hang(&l);
	/* The fixture's client was told the same and went the same way. */
	EXPECT_TRUE(still_serves());
}

/* At the end a client that does not read is waited for, but not for long. */
TEST_F(limits, end_does_not_wait_for_ever)
{
	struct timespec a, b;
	struct link slow;
	int i;

	ASSERT_TRUE(dial_in(&slow));
	ASSERT_TRUE(say_command(&slow, "test-shout", "{\"count\":9,\"size\":100000}"));
	for (i = 0; i < 9; i++)
		json_decref(event(&self->l, "SHOUT"));
	ASSERT_TRUE(say(&self->l, "{\"execute\":\"quit\"}"));
	clock_gettime(CLOCK_MONOTONIC, &a);
	EXPECT_EQ(0, fake_guest_wait(self->guest, 5));
	clock_gettime(CLOCK_MONOTONIC, &b);
	EXPECT_GE(2, b.tv_sec - a.tv_sec);
	self->guest = -1;
	hang(&slow);
}

/* Big, but read at the end: nothing of it is lost, SHUTDOWN is the last. */
TEST_F(limits, last_words_arrive)
{
	int i, shouts = 0;
	json_t *msg;

	ASSERT_TRUE(say_command(&self->l, "test-shout", "{\"count\":9,\"size\":100000}"));
	ASSERT_TRUE(say(&self->l, "{\"execute\":\"quit\"}"));
	for (i = 0; i < 9; i++) {
		msg = event(&self->l, "SHOUT");
		shouts += !!msg;
		json_decref(msg);
	}
	EXPECT_EQ(9, shouts);
	json_decref(hear(&self->l));
	msg = hear(&self->l);
	EXPECT_TRUE(json_is_object(json_object_get(msg, "return")));
	json_decref(msg);
	msg = event(&self->l, "SHUTDOWN");
	EXPECT_NE(NULL, msg);
	json_decref(msg);
	EXPECT_TRUE(at_end(&self->l));
}

/* No descriptor left: clients wait and the loop sleeps, until one knocks again. */
TEST_F(limits, out_of_descriptors)
{
	struct rlimit none, old;
	struct link l[10];
	struct rusage use;
	int i, served = 0;

	ASSERT_EQ(0, prlimit(self->guest, RLIMIT_NOFILE, NULL, &old));
	none = old;
	none.rlim_cur = 12;
	ASSERT_EQ(0, prlimit(self->guest, RLIMIT_NOFILE, &none, NULL));
	for (i = 0; i < 10; i++)
		ASSERT_TRUE(dial(&l[i]));
	sleep(2);
	for (i = 0; i < 10; i++)
		served += fill(&l[i], 0) == 1;
	EXPECT_GT(10, served);
	ASSERT_EQ(0, prlimit(self->guest, RLIMIT_NOFILE, &old, NULL));
	EXPECT_TRUE(still_serves());
	for (i = 0; i < 10; i++) {
		json_t *msg = hear(&l[i]);

		EXPECT_NE(NULL, json_object_get(msg, "QMP"));
		json_decref(msg);
		hang(&l[i]);
	}
	ASSERT_TRUE(say(&self->l, "{\"execute\":\"quit\"}"));
	EXPECT_TRUE(at_end(&self->l));
	ASSERT_EQ(self->guest, wait4(self->guest, NULL, 0, &use));
	self->guest = -1;
	EXPECT_EQ(0, use.ru_utime.tv_sec + use.ru_stime.tv_sec);
	EXPECT_GT(500000, use.ru_utime.tv_usec + use.ru_stime.tv_usec);
}

static int public_socket(const char *dir, const struct sockaddr_un *sa)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	if (chmod(dir, 0755) || bind(fd, (struct sockaddr *)sa, sizeof(*sa)) ||
	    chmod(sa->sun_path, 0666) || listen(fd, 8))
		return -1;
	return fd;
}

/* What a stranger gets to read: nothing. 0 when it was so. */
static int stranger(const struct sockaddr_un *sa)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	char c;

	if (setuid(65534) || connect(fd, (struct sockaddr *)sa, sizeof(*sa)))
		return 2;
	return read(fd, &c, 1) > 0;
}

TEST_F(limits, strangers_are_refused)
{
	struct fake_guest g;
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd, status;
	pid_t pid;

	if (geteuid())
		SKIP(return, "needs root to be somebody else");
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%.90s/public", self->dir);
	fd = public_socket(self->dir, &sa);
	ASSERT_LE(0, fd);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(fake_guest_init(&g, "p") || fake_guest_serve(&g, fd));
	}
	close(fd);
	if (!fork())
		_exit(stranger(&sa));
	ASSERT_LT(0, wait(&status));
	EXPECT_TRUE(WIFEXITED(status));
	EXPECT_EQ(0, WEXITSTATUS(status));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	chmod(self->dir, 0700);
}

TEST_HARNESS_MAIN
