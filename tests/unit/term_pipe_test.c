// SPDX-License-Identifier: GPL-2.0
/*
 * util/term.c on pipes, files, sockets and nothing at all.
 */
#include "term_user.h"
#include <kselftest_harness.h>

FIXTURE(pipe) {
	struct user u;
	int in[2];
	int out[2];
	int null;
};

FIXTURE_SETUP(pipe)
{
	ASSERT_EQ(0, pipe2(self->in, O_CLOEXEC));
	ASSERT_EQ(0, pipe2(self->out, O_CLOEXEC));
	self->null = open("/dev/null", O_RDWR | O_CLOEXEC);
}

FIXTURE_TEARDOWN(pipe)
{
	user_kill(&self->u);
}

#define BEGIN(in, out, room)	ASSERT_TRUE(user_start(&self->u, in, out, NO_TTY, room))

#define EXPECT_EXIT(status)	\
	EXPECT_EQ((status) << 8, user_end(&self->u))

static void put(int fd, const char *text, size_t len)
{
	if (write(fd, text, len) != len)
		abort();
}

TEST_F(pipe, everything_passes)
{
	char text[256];
	int i;

	for (i = 0; i < 256; i++)
		text[i] = i;
	BEGIN(self->in[0], self->null, 4096);
	put(self->in[1], text, 256);
	ASSERT_TRUE(user_has(&self->u, 256));
	EXPECT_EQ(0, memcmp(text, self->u.notes->got, 256));
	/* Escape keys are a terminal's. */
	put(self->in[1], "\x01x\x01" "b", 4);
	ASSERT_TRUE(user_has(&self->u, 260));
	EXPECT_EQ(0, self->u.notes->breaks + self->u.notes->quits);
}

TEST_F(pipe, room_comes_and_goes)
{
	static char text[60000];
	size_t i, fed = 0;

	for (i = 0; i < sizeof(text); i++)
		text[i] = i * 3;
	BEGIN(self->in[0], self->null, 0);
	put(self->in[1], text, sizeof(text));
	ASSERT_TRUE(user_is_deaf(&self->u));
	EXPECT_EQ(0, self->u.notes->got_len);
	while (fed < sizeof(text)) {
		size_t n = min_t(size_t, 1 + fed % 5000, sizeof(text) - fed);

		self->u.notes->room = n;
		fed += n;
		/* Output has the loop look around, as a device with room has it. */
		ASSERT_TRUE(user_ask(&self->u, 'W'));
		ASSERT_TRUE(user_has(&self->u, fed));
		EXPECT_EQ(fed, self->u.notes->got_len);
		ASSERT_TRUE(user_has_written(&self->u));
	}
	EXPECT_EQ(0, memcmp(text, self->u.notes->got, sizeof(text)));
	EXPECT_EQ(0, self->u.notes->excess);
}

TEST_F(pipe, the_end_of_input)
{
	BEGIN(self->in[0], self->null, 100);
	put(self->in[1], "last", 4);
	close(self->in[1]);
	ASSERT_TRUE(user_has(&self->u, 4));
	ASSERT_TRUE(user_is_deaf(&self->u));
	EXPECT_EQ(1, self->u.notes->eof);
	EXPECT_EQ(0, self->u.notes->failures);
	EXPECT_EQ(0, self->u.notes->quits);
}

/* Level-triggered: it must not be asked again and again while there is no room. */
TEST_F(pipe, the_end_of_input_without_room)
{
	struct timespec before, after;
	clockid_t clock;

	BEGIN(self->in[0], self->null, 0);
	close(self->in[1]);
	ASSERT_EQ(0, clock_getcpuclockid(self->u.pid, &clock));
	clock_gettime(clock, &before);
	usleep(200000);
	clock_gettime(clock, &after);
	EXPECT_GE(50000000, (after.tv_sec - before.tv_sec) * 1000000000LL +
		  after.tv_nsec - before.tv_nsec);
	EXPECT_TRUE(user_ask(&self->u, '?'));
}

TEST_F(pipe, input_from_a_file)
{
	int fd = memfd_create("input", MFD_CLOEXEC);
	static char text[10000];
	size_t i;

	for (i = 0; i < sizeof(text); i++)
		text[i] = i * 5;
	put(fd, text, sizeof(text));
	lseek(fd, 0, SEEK_SET);
	BEGIN(fd, self->null, 6000);
	ASSERT_TRUE(user_has(&self->u, 6000));
	EXPECT_EQ(6000, self->u.notes->got_len);
	self->u.notes->room = 100000;
	ASSERT_TRUE(user_ask(&self->u, 'W'));
	ASSERT_TRUE(user_has(&self->u, sizeof(text)));
	EXPECT_EQ(0, memcmp(text, self->u.notes->got, sizeof(text)));
	ASSERT_TRUE(user_ask(&self->u, '?'));
	EXPECT_EQ(1, self->u.notes->eof);
	EXPECT_EQ(0, self->u.notes->excess);
}

TEST_F(pipe, input_from_nothing)
{
	int from[] = { self->null, open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC), -1 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(from); i++) {
		BEGIN(from[i], self->null, 100);
		EXPECT_EQ(0, self->u.notes->start_ret);
		ASSERT_TRUE(user_ask(&self->u, '?'));
		EXPECT_EQ(1, self->u.notes->eof);
		user_kill(&self->u);
	}
}

TEST_F(pipe, a_slow_reader)
{
	BEGIN(self->null, self->out[1], 100);
	ASSERT_TRUE(user_ask(&self->u, 'w'));
	usleep(50000);
	/* Pipe and buffer are full by now, and the loop is there. */
	EXPECT_TRUE(user_ask(&self->u, '?'));
	EXPECT_TRUE(read_written(self->out[0], 100000));
	EXPECT_TRUE(user_has_written(&self->u));
	EXPECT_EQ(0, self->u.notes->failures);
}

TEST_F(pipe, output_that_is_held_leaves_together)
{
	struct pollfd pfd = { .fd = self->out[0], .events = POLLIN };

	BEGIN(self->null, self->out[1], 100);
	ASSERT_TRUE(user_ask(&self->u, 'h'));
	ASSERT_TRUE(user_ask(&self->u, 'W'));
	EXPECT_TRUE(user_has_written(&self->u));
	EXPECT_TRUE(user_ask(&self->u, '?'));
	EXPECT_EQ(0, poll(&pfd, 1, 20));
	ASSERT_TRUE(user_ask(&self->u, 'H'));
	EXPECT_TRUE(read_written(self->out[0], 1000));
	/* More than there is space for does not wait for the end of the batch. */
	ASSERT_LE(100000, fcntl(self->out[0], F_SETPIPE_SZ, 131072));
	ASSERT_TRUE(user_ask(&self->u, 'h'));
	ASSERT_TRUE(user_ask(&self->u, 'w'));
	EXPECT_TRUE(user_has_written(&self->u));
	ASSERT_TRUE(user_ask(&self->u, 'H'));
	EXPECT_TRUE(read_written(self->out[0], 100000));
}

/* Others write to that pipe, too: its mode is theirs. */
TEST_F(pipe, the_pipe_stays_blocking)
{
	BEGIN(self->null, self->out[1], 100);
	EXPECT_FALSE(fcntl(self->out[1], F_GETFL) & O_NONBLOCK);
	EXPECT_FALSE(fcntl(self->out[0], F_GETFL) & O_NONBLOCK);
}

TEST_F(pipe, a_pipe_that_others_fill)
{
	static char junk[65536];

	BEGIN(self->null, self->out[1], 100);
	fcntl(self->out[1], F_SETFL, O_NONBLOCK);
	while (write(self->out[1], junk, sizeof(junk)) > 0)
		;
	fcntl(self->out[1], F_SETFL, 0);
	ASSERT_TRUE(user_ask(&self->u, 'W'));
	EXPECT_TRUE(user_has_written(&self->u));
	EXPECT_TRUE(user_ask(&self->u, '?'));
}

/* What vcpus_hold() relies on: the writer comes back, the rest is dropped. */
TEST_F(pipe, nobody_waits_for_a_stuck_reader)
{
	BEGIN(self->null, self->out[1], 100);
	ASSERT_TRUE(user_ask(&self->u, 'w'));
	usleep(20000);
	ASSERT_TRUE(user_ask(&self->u, 's'));
	EXPECT_TRUE(user_has_written(&self->u));
	EXPECT_EQ(0, self->u.notes->failures);
}

TEST_F(pipe, the_reader_leaves)
{
	BEGIN(self->null, self->out[1], 100);
	close(self->out[1]);
	ASSERT_TRUE(user_ask(&self->u, 'w'));
	usleep(20000);
	close(self->out[0]);
	/* The writer was waiting for room: there is nothing to wait for any more. */
	EXPECT_TRUE(user_has_written(&self->u));
	EXPECT_EQ(1, self->u.notes->failures);
	EXPECT_EQ(EPIPE, self->u.notes->error);
	ASSERT_TRUE(user_ask(&self->u, 'w'));
	EXPECT_TRUE(user_has_written(&self->u));
	EXPECT_EQ(1, self->u.notes->failures);
}

TEST_F(pipe, the_reader_was_never_there)
{
	close(self->out[0]);
	BEGIN(self->null, self->out[1], 100);
	ASSERT_TRUE(user_ask(&self->u, 'W'));
	EXPECT_TRUE(user_has_written(&self->u));
	ASSERT_TRUE(user_ask(&self->u, '?'));
	EXPECT_EQ(1, self->u.notes->failures);
	EXPECT_EQ(EPIPE, self->u.notes->error);
}

TEST_F(pipe, a_full_device)
{
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

	BEGIN(self->null, full, 100);
	ASSERT_TRUE(user_ask(&self->u, 'W'));
	EXPECT_TRUE(user_has_written(&self->u));
	ASSERT_TRUE(user_ask(&self->u, '?'));
	EXPECT_EQ(1, self->u.notes->failures);
	EXPECT_EQ(ENOSPC, self->u.notes->error);
}

TEST_F(pipe, output_to_a_file)
{
	int fd = memfd_create("output", MFD_CLOEXEC);

	/* It goes where the descriptor stands, as if it were appended. */
	put(fd, "before", 6);
	BEGIN(self->null, fd, 100);
	ASSERT_TRUE(user_ask(&self->u, 'w'));
	ASSERT_TRUE(user_has_written(&self->u));
	user_tell(&self->u, 'd');
	EXPECT_EXIT(8);
	EXPECT_EQ(6 + 100000, lseek(fd, 0, SEEK_END));
	lseek(fd, 6, SEEK_SET);
	EXPECT_TRUE(read_written(fd, 100000));
}

TEST_F(pipe, output_to_a_socket)
{
	int sv[2];

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv));
	BEGIN(self->null, sv[1], 100);
	ASSERT_TRUE(user_ask(&self->u, 'w'));
	EXPECT_TRUE(read_written(sv[0], 100000));
	EXPECT_TRUE(user_has_written(&self->u));
}

TEST_F(pipe, the_rest_is_written_at_the_end)
{
	BEGIN(self->null, self->out[1], 100);
	close(self->out[1]);
	ASSERT_TRUE(user_ask(&self->u, 'W'));
	ASSERT_TRUE(user_has_written(&self->u));
	user_tell(&self->u, 'd');
	EXPECT_EXIT(8);
	EXPECT_TRUE(read_written(self->out[0], 1000));
}

TEST_F(pipe, the_end_does_not_wait_for_ever)
{
	struct timespec before, after;

	BEGIN(self->null, self->out[1], 100);
	ASSERT_TRUE(user_ask(&self->u, 'w'));
	usleep(20000);
	ASSERT_TRUE(user_ask(&self->u, 's'));
	ASSERT_TRUE(user_has_written(&self->u));
	clock_gettime(CLOCK_MONOTONIC, &before);
	user_tell(&self->u, 'd');
	EXPECT_EXIT(8);
	clock_gettime(CLOCK_MONOTONIC, &after);
	EXPECT_GE(3, after.tv_sec - before.tv_sec);
}

TEST_HARNESS_MAIN
