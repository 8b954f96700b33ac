// SPDX-License-Identifier: GPL-2.0
/*
 * Sessions from end to end, without a guest: the client, the router, and the guest's
 * agent as a process of this machine.
 */
#include <kselftest_harness.h>

#ifdef CONFIG_AGENT
#include <sys/stat.h>

#include <vmtool/verdict.h>

#include "capture.h"
#include "agent_guest.h"

FIXTURE(session) {
	struct guest *g;
	struct agent_client client;
	struct agent_result result;
	bool done;
	bool quit;
	int saved[3];
	int out_fd;
	char dir[32];
	char path[3][48];
};

static void session_done(void *priv, const struct agent_result *r)
{
	struct _test_data_session *s = priv;

	s->done = true;
	s->result = *r;
}

static void session_quit(void *priv)
{
	((struct _test_data_session *)priv)->quit = true;
}

static const struct client_ops session_ops = { .done = session_done, .quit = session_quit };

FIXTURE_SETUP(session)
{
	static const char *const names[] = { "in", "out", "err" };
	int i;

	signal(SIGPIPE, SIG_IGN);
	self->g = calloc(1, sizeof(*self->g));
	ASSERT_NE(NULL, self->g);
	ASSERT_EQ(0, guest_begin(self->g, false));
	strcpy(self->dir, "/tmp/session.XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->dir));
	for (i = 0; i < 3; i++) {
		snprintf(self->path[i], sizeof(self->path[i]), "%s/%s", self->dir, names[i]);
		close(open(self->path[i], O_CREAT | O_WRONLY, 0600));
		self->saved[i] = -1;
	}
}

/* The command's streams are ours; the harness prints on them. */
static void give_back(struct _test_data_session *s)
{
	int i;

	for (i = 0; i < 3; i++) {
		if (s->saved[i] < 0)
			continue;
		dup2(s->saved[i], i);
		close(s->saved[i]);
		s->saved[i] = -1;
	}
}

FIXTURE_TEARDOWN(session)
{
	int i;

	client_end(&self->client);
	give_back(self);
	guest_end(self->g);
	for (i = 0; i < 3; i++)
		unlink(self->path[i]);
	rmdir(self->dir);
	free(self->g);
}

static void take_streams(struct _test_data_session *s, int in)
{
	int i, fd;

	for (i = 0; i < 3; i++) {
		fd = i || in < 0 ? open(s->path[i], i ? O_WRONLY | O_TRUNC : O_RDONLY) : in;
		s->saved[i] = fcntl(i, F_DUPFD_CLOEXEC, 10);
		dup2(fd, i);
		if (fd != in)
			close(fd);
	}
	if (s->out_fd > 0)
		dup2(s->out_fd, STDOUT_FILENO);
}

/* Runs sh -c @text to its end, as exit status; -1 when it has none. */
static int run_from(struct _test_data_session *s, const char *text, int in)
{
	const char *const argv[] = { "sh", "-c", text, NULL };
	const char *const env[] = { "PATH=/bin:/usr/bin", NULL };
	const struct agent_spec spec = {
		.argv = argv, .env = env, .uid = geteuid(), .gid = getegid(),
	};
	int ret;

	s->done = false;
	take_streams(s, in);
	ret = client_start(&s->client, &s->g->loop, guest_connect(s->g), &spec, &session_ops, s);
	if (!ret && !guest_until(s->g, s->done))
		ret = -1;
	client_end(&s->client);
	give_back(s);
	return ret ? -1 : agent_status(&s->result, "sh");
}

static int run(struct _test_data_session *s, const char *text)
{
	return run_from(s, text, -1);
}

static bool holds(const char *path, const char *text)
{
	char buf[256] = "";
	int fd = open(path, O_RDONLY);
	ssize_t n = read(fd, buf, sizeof(buf) - 1);

	close(fd);
	if (n < 0 || strcmp(buf, text))
		printf("# %s: '%s', not '%s'\n", path, buf, text);
	return n >= 0 && !strcmp(buf, text);
}

TEST_F(session, streams_are_apart)
{
	if (geteuid())
		SKIP(return, "the agent changes its groups: needs root");
	EXPECT_EQ(7, run(self, "echo out; echo err >&2; exit 7"));
	EXPECT_TRUE(holds(self->path[1], "out\n"));
	EXPECT_TRUE(holds(self->path[2], "err\n"));
	EXPECT_EQ(1, self->g->ready);
}

static u32 fill(const char *path, size_t len)
{
	FILE *f = fopen(path, "w");
	u32 x = 1, sum = 0;
	size_t i;

	for (i = 0; i < len; i++) {
		x = x * 1664525 + 1013904223;
		putc(x >> 24, f);
		sum = sum * 31 + (x >> 24);
	}
	fclose(f);
	return sum;
}

static u32 checksum(const char *path)
{
	FILE *f = fopen(path, "r");
	u32 sum = 0;
	int c;

	while ((c = getc(f)) != EOF)
		sum = sum * 31 + c;
	fclose(f);
	return sum;
}

TEST_F(session, bytes_are_what_they_were)
{
	u32 sum = fill(self->path[0], 5000000);

	if (geteuid())
		SKIP(return, "the agent changes its groups: needs root");
	EXPECT_EQ(0, run(self, "cat"));
	EXPECT_EQ(sum, checksum(self->path[1]));
}

TEST_F(session, statuses)
{
	if (geteuid())
		SKIP(return, "the agent changes its groups: needs root");
	EXPECT_EQ(0, run(self, "true"));
	EXPECT_EQ(1, run(self, "false"));
	EXPECT_EQ(124, run(self, "exit 124"));
	EXPECT_EQ(100, run(self, "kill -9 $$"));
	EXPECT_EQ(AGENT_KILLED, self->result.how);
	EXPECT_EQ(9, self->result.value);
	/* As a shell tells of a signal. */
	EXPECT_EQ(100, run(self, "exit 139"));
}

TEST_F(session, a_reader_that_is_gone)
{
	int fds[2];

	if (geteuid())
		SKIP(return, "the agent changes its groups: needs root");
	ASSERT_EQ(0, pipe(fds));
	close(fds[0]);
	self->out_fd = fds[1];
	EXPECT_EQ(0, run(self, "yes; echo over >&2"));
	close(fds[1]);
	EXPECT_TRUE(holds(self->path[2], "over\n"));
}

TEST_F(session, input_that_nobody_reads)
{
	int fds[2];

	if (geteuid())
		SKIP(return, "the agent changes its groups: needs root");
	/* A file, and a pipe that has no end. */
	fill(self->path[0], 500000);
	EXPECT_EQ(3, run(self, "exec <&-; sleep 0.2; exit 3"));
	ASSERT_EQ(0, pipe(fds));
	EXPECT_EQ(4, run_from(self, "exit 4", fds[0]));
	close(fds[0]);
	close(fds[1]);
}

TEST_F(session, what_is_left_behind_is_not_waited_for)
{
	u64 begin = guest_ms();

	if (geteuid())
		SKIP(return, "the agent changes its groups: needs root");
	EXPECT_EQ(0, run(self, "sleep 9 & echo out"));
	EXPECT_GT(8000, guest_ms() - begin);
	EXPECT_TRUE(holds(self->path[1], "out\n"));
}

TEST_F(session, an_agent_that_dies)
{
	if (geteuid())
		SKIP(return, "the agent changes its groups: needs root");
	/* The parent of the command. */
	EXPECT_EQ(-1, run(self, "kill -9 $PPID; sleep 20"));
	EXPECT_FALSE(self->done);
	port_link_dev_close(self->g->link);
	EXPECT_TRUE(guest_until(self->g, !self->g->router.ready));
}

#endif /* CONFIG_AGENT */

TEST_HARNESS_MAIN
