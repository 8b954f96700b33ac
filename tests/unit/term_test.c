// SPDX-License-Identifier: GPL-2.0
/*
 * util/term.c on a terminal.
 */
#include "term_user.h"
#include <kselftest_harness.h>

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED	1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED	1
#endif
#endif

FIXTURE(tty) {
	struct user u;
	struct termios was;
	int master;
	int slave;
};

FIXTURE_SETUP(tty)
{
	ASSERT_EQ(0, openpty(&self->master, &self->slave, NULL, NULL, NULL));
	/* Something to lose. */
	ASSERT_EQ(0, tcgetattr(self->slave, &self->was));
	self->was.c_cc[VERASE] = 8;
	ASSERT_EQ(0, tcsetattr(self->slave, TCSANOW, &self->was));
	ASSERT_EQ(0, tcgetattr(self->slave, &self->was));
}

FIXTURE_TEARDOWN(tty)
{
	user_kill(&self->u);
	close(self->master);
	close(self->slave);
}

#define START(kind, room)	\
	ASSERT_TRUE(user_start(&self->u, self->slave, self->slave, kind, room))

#define EXPECT_EXIT(status)	\
	EXPECT_EQ((status) << 8, user_end(&self->u))

static void put(int fd, const char *text, size_t len)
{
	if (write(fd, text, len) != len)
		abort();
}

TEST_F(tty, raw_mode)
{
	struct termios mode;

	START(TTY, 100);
	EXPECT_EQ(0, self->u.notes->start_ret);
	EXPECT_TRUE(is_raw(self->slave));
	/* Lines of others on this terminal look as before. */
	ASSERT_EQ(0, tcgetattr(self->slave, &mode));
	EXPECT_EQ(self->was.c_oflag, mode.c_oflag);
	user_tell(&self->u, 'x');
	EXPECT_EXIT(7);
	EXPECT_TRUE(same_mode(self->slave, &self->was));
}

TEST_F(tty, destroy_restores)
{
	START(TTY, 100);
	EXPECT_TRUE(is_raw(self->slave));
	user_tell(&self->u, 'd');
	EXPECT_EXIT(8);
	EXPECT_TRUE(same_mode(self->slave, &self->was));
}

#ifndef SANITIZED		/* sanitizers have handlers of their own */
TEST_F(tty, fatal_signals_restore)
{
	static const int signals[] = {
		SIGSEGV, SIGBUS, SIGABRT, SIGILL, SIGFPE, SIGSYS, SIGTRAP,
		SIGQUIT, SIGALRM, SIGUSR2, SIGXCPU, SIGXFSZ,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(signals); i++) {
		int status;

		START(TTY, 100);
		EXPECT_TRUE(is_raw(self->slave));
		user_signal(&self->u, signals[i]);
		status = user_end(&self->u);
		/* And it has died of that signal all the same. */
		EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == signals[i])
			TH_LOG("signal %d: status 0x%x", signals[i], status);
		EXPECT_TRUE(same_mode(self->slave, &self->was))
			TH_LOG("signal %d", signals[i]);
	}
}
#endif

struct keys {
	const char *typed;
	const char *got;
	int breaks;
	int quits;
};

#define A	"\x01"

static const struct keys keys[] = {
	{ "hello", "hello" },
	{ "\x03\x04\x1a\x1c\x11\x13\r\n\x7f\x08", "\x03\x04\x1a\x1c\x11\x13\r\n\x7f\x08" },
	{ A A, A }, { A "a", A }, { "x" A "ay", "x" A "y" },
	{ A A A A, A A },
	{ A "b", "", 1 }, { "x" A "by", "xy", 1 }, { A "b" A "b", "", 2 },
	{ A "x", "", 0, 1 }, { A "X", "", 0, 1 }, { "y" A "x", "y", 0, 1 },
	{ A "q", "q" }, { A "\r", "\r" }, { A "\x03", "\x03" },
	{ A A "x", A "x" }, { A "a" A "x", A, 0, 1 },
	{ A "h", "" }, { A "?z", "z" },
	{ "\xc3\xa4", "\xc3\xa4" },
};

static bool typed_as(struct user *u, const struct keys *k)
{
	struct notes *n = u->notes;
	bool good;
	int i;

	for (i = 0; i < USER_WAIT_MS; i++) {
		good = n->got_len == strlen(k->got) && n->breaks == k->breaks &&
		       n->quits == k->quits;
		if (good)
			break;
		usleep(1000);
	}
	good = good && !memcmp(n->got, k->got, n->got_len);
	n->got_len = 0;
	n->breaks = 0;
	n->quits = 0;
	n->room = 4096;
	return good;
}

TEST_F(tty, keys_typed_at_once)
{
	const struct keys *k;

	START(TTY, 4096);
	for (k = keys; k < keys + ARRAY_SIZE(keys); k++) {
		put(self->master, k->typed, strlen(k->typed));
		EXPECT_TRUE(typed_as(&self->u, k))
			TH_LOG("keys %zd", k - keys);
	}
}

TEST_F(tty, keys_one_by_one)
{
	const struct keys *k;
	const char *p;

	START(TTY, 4096);
	for (k = keys; k < keys + ARRAY_SIZE(keys); k++) {
		for (p = k->typed; *p; p++) {
			put(self->master, p, 1);
			ASSERT_TRUE(user_ask(&self->u, '?'));
		}
		EXPECT_TRUE(typed_as(&self->u, k))
			TH_LOG("keys %zd", k - keys);
	}
}

TEST_F(tty, help_is_shown)
{
	char text[1024] = "";
	size_t n = 0;
	ssize_t got;

	/* On stderr, which is this terminal for once. */
	dup2(self->slave, STDERR_FILENO);
	START(TTY, 100);
	put(self->master, A "h", 2);
	while (!strstr(text, "magic SysRq") && n < sizeof(text) - 1) {
		got = read(self->master, text + n, sizeof(text) - 1 - n);
		ASSERT_LT(0, got);
		n += got;
	}
	EXPECT_NE(NULL, strstr(text, "Ctrl-a x"));
	EXPECT_NE(NULL, strstr(text, "Ctrl-a h"));
}

TEST_F(tty, a_break_comes_in_its_place)
{
	START(TTY, 4096);
	put(self->master, "ab" A "bcd", 6);
	ASSERT_TRUE(user_has(&self->u, 4));
	EXPECT_EQ(2, self->u.notes->break_at);
}

TEST_F(tty, no_more_than_there_is_room_for)
{
	START(TTY, 5);
	put(self->master, "0123456789" A "abc" A "x", 16);
	ASSERT_TRUE(user_has(&self->u, 5));
	ASSERT_TRUE(user_is_deaf(&self->u));
	EXPECT_EQ(5, self->u.notes->got_len);
	EXPECT_EQ(0, self->u.notes->quits);
	/* Once there is room, and the loop is told, the rest comes. */
	self->u.notes->room = 100;
	ASSERT_TRUE(user_ask(&self->u, 'W'));
	ASSERT_TRUE(user_has(&self->u, 13));
	EXPECT_EQ(0, memcmp(self->u.notes->got, "0123456789" A "bc", 13));
	EXPECT_EQ(0, self->u.notes->excess);
}

TEST_F(tty, in_the_background_the_terminal_is_left_alone)
{
	START(BACKGROUND_TTY, 100);
	EXPECT_EQ(0, self->u.notes->start_ret);
	EXPECT_TRUE(same_mode(self->slave, &self->was));
	put(self->master, "hello\n", 6);
	ASSERT_TRUE(user_is_deaf(&self->u));
	/* SIGCONT alone does not bring it to the fore. */
	ASSERT_TRUE(user_ask(&self->u, 'r'));
	EXPECT_TRUE(same_mode(self->slave, &self->was));
	EXPECT_TRUE(user_is_deaf(&self->u));
	user_tell(&self->u, 'x');
	EXPECT_EXIT(7);
	EXPECT_TRUE(same_mode(self->slave, &self->was));
}

TEST_F(tty, not_the_controlling_terminal)
{
	START(FOREIGN_TTY, 100);
	EXPECT_TRUE(is_raw(self->slave));
	put(self->master, "hello", 5);
	EXPECT_TRUE(user_has(&self->u, 5));
	user_tell(&self->u, 'x');
	EXPECT_EXIT(7);
	EXPECT_TRUE(same_mode(self->slave, &self->was));
}

TEST_F(tty, suspended_and_continued)
{
	int status, i;

	START(TTY, 100);
	for (i = 0; i < 3; i++) {
		user_tell(&self->u, 'z');
		ASSERT_EQ(self->u.pid, waitpid(self->u.pid, &status, WUNTRACED));
		ASSERT_TRUE(WIFSTOPPED(status));
		EXPECT_TRUE(same_mode(self->slave, &self->was));
		user_signal(&self->u, SIGCONT);
		EXPECT_EQ(1, read(self->u.ask, &(u8) { 0 }, 1));
		EXPECT_TRUE(is_raw(self->slave));
		put(self->master, "x", 1);
		EXPECT_TRUE(user_has(&self->u, i + 1));
	}
	user_tell(&self->u, 'x');
	EXPECT_EXIT(7);
	EXPECT_TRUE(same_mode(self->slave, &self->was));
}

/* A terminal has room for a byte when poll() says so, not for all of it. */
TEST_F(tty, a_terminal_that_is_not_read)
{
	char drain[65536];
	int i, k;

	for (i = 0; i < 10; i++) {
		START(TTY, 100);
		ASSERT_TRUE(user_ask(&self->u, 'w'));
		/* Some is read, to end at another place each time. */
		for (k = 0; k < i; k++)
			EXPECT_LT(0, read(self->master, drain, 1 + i * 37));
		usleep(20000);
		EXPECT_TRUE(user_ask(&self->u, '?'))
			TH_LOG("the loop does not answer, round %d", i);
		user_kill(&self->u);
		fcntl(self->master, F_SETFL, O_NONBLOCK);
		while (read(self->master, drain, sizeof(drain)) > 0)
			;
		fcntl(self->master, F_SETFL, 0);
		tcsetattr(self->slave, TCSANOW, &self->was);
	}
}

TEST_HARNESS_MAIN
