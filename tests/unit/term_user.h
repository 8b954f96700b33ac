/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TESTS_UNIT_TERM_USER_H
#define TESTS_UNIT_TERM_USER_H

/*
 * A process that has a struct term on the stdin and stdout it is given, and a sink
 * behind it that takes notes. The test, outside, is the user.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include <linux/kernel.h>
#include <vmtool/term.h>

#define USER_WAIT_MS	5000
#define USER_GOT_MAX	300000

/**
 * struct notes - what the process knows, in memory shared with it
 * @room: what the sink answers
 * @got: input that arrived
 * @got_len: bytes in it
 * @excess: most bytes by which a call exceeded the room there was
 * @breaks: breaks sent
 * @break_at: @got_len at the last one
 * @quits: times the end was asked for
 * @failures: times output was lost
 * @error: why
 * @start_ret: of term_start()
 * @armed: stdin is watched
 * @eof: it has ended
 */
struct notes {
	size_t room;
	u8 got[USER_GOT_MAX];
	size_t got_len;
	size_t excess;
	int breaks;
	size_t break_at;
	int quits;
	int failures;
	int error;
	int start_ret;
	int armed;
	int eof;
};

/**
 * struct user - the test's end
 * @pid: the process
 * @ask: commands to it, one byte each, answered by the same byte
 * @notes: what it knows
 */
struct user {
	pid_t pid;
	int ask;
	struct notes *notes;
};

/* ---- inside */

struct inside {
	struct term t;
	struct evloop loop;
	struct ev_source ask;
	struct notes *notes;
	pthread_t writer;
	size_t to_write;
	bool done;
};

static inline size_t inside_room(void *priv)
{
	struct inside *in = priv;

	return __atomic_load_n(&in->notes->room, __ATOMIC_SEQ_CST);
}

static inline void inside_input(void *priv, const u8 *buf, size_t len)
{
	struct notes *n = ((struct inside *)priv)->notes;

	if (len > n->room)
		n->excess = len - n->room;
	memcpy(n->got + n->got_len, buf, len);
	n->room -= len;
	__atomic_store_n(&n->got_len, n->got_len + len, __ATOMIC_SEQ_CST);
}

static inline void inside_break(void *priv)
{
	struct notes *n = ((struct inside *)priv)->notes;

	n->break_at = n->got_len;
	n->breaks++;
}

static inline void inside_quit(void *priv)
{
	((struct inside *)priv)->notes->quits++;
}

static inline void inside_failed(void *priv, int err)
{
	struct notes *n = ((struct inside *)priv)->notes;

	n->error = err;
	n->failures++;
}

static const struct term_ops inside_ops = {
	.room = inside_room, .input = inside_input, .send_break = inside_break,
	.quit = inside_quit, .failed = inside_failed,
};

static inline void inside_wake(struct evloop *loop)
{
	term_service(&container_of(loop, struct inside, loop)->t);
}

/* As a vCPU does: in pieces, waiting when it has to. */
static inline void *inside_write(void *arg)
{
	struct inside *in = arg;
	size_t i, n;
	u8 buf[61];

	for (i = 0; i < in->to_write; i += n) {
		for (n = 0; n < sizeof(buf) && i + n < in->to_write; n++)
			buf[n] = 'a' + (i + n) % 23;
		term_output(&in->t, buf, n);
	}
	__atomic_store_n(&in->done, true, __ATOMIC_SEQ_CST);
	return NULL;
}

static inline bool inside_command(struct inside *in, u8 c)
{
	switch (c) {
	case 'x':
		exit(7);
	case 'd':
		term_destroy(&in->t);
		_exit(8);
	case 'w':		/* 100,000 bytes */
	case 'W':		/* 1,000 bytes */
		in->to_write = c == 'w' ? 100000 : 1000;
		in->done = false;
		pthread_create(&in->writer, NULL, inside_write, in);
		break;
	case 'j':		/* 'j' when it is done, and nothing before */
		if (!__atomic_load_n(&in->done, __ATOMIC_SEQ_CST))
			return false;
		pthread_join(in->writer, NULL);
		break;
	case 's':
		term_stop(&in->t, true);
		break;
	case 'h':
	case 'H':
		term_hold(&in->t, c == 'h');
		break;
	case 'z':
		term_suspend(&in->t);
		break;
	case 'r':
		term_resume(&in->t);
		break;
	}
	return true;
}

static inline void inside_asked(struct ev_source *src, u32 events)
{
	struct inside *in = container_of(src, struct inside, ask);
	u8 c;

	if (read(src->fd, &c, 1) != 1)
		_exit(9);
	if (!inside_command(in, c))
		c = '-';
	in->notes->armed = in->t.in.armed;
	in->notes->eof = in->t.in_eof;
	if (write(src->fd, &c, 1) != 1)
		_exit(10);
}

static inline void inside_run(struct notes *notes, int ask)
{
	struct inside *in = calloc(1, sizeof(*in));

	signal(SIGPIPE, SIG_IGN);
	in->notes = notes;
	if (evloop_init(&in->loop))
		_exit(11);
	in->loop.on_wake = inside_wake;
	in->ask.fd = ask;
	in->ask.fn = inside_asked;
	ev_add(&in->loop, &in->ask, EPOLLIN);
	term_init(&in->t, &in->loop);
	term_connect(&in->t, &inside_ops, in);
	notes->start_ret = term_start(&in->t);
	term_service(&in->t);
	evloop_run(&in->loop);
	_exit(12);
}

/* ---- outside */

enum user_tty { NO_TTY, TTY, FOREIGN_TTY, BACKGROUND_TTY };

/* Its answer, or 0 when there is none. */
static inline u8 user_answer(struct user *u, u8 c)
{
	struct pollfd pfd = { .fd = u->ask, .events = POLLIN };

	if (write(u->ask, &c, 1) != 1 || poll(&pfd, 1, USER_WAIT_MS) != 1 ||
	    read(u->ask, &c, 1) != 1)
		return 0;
	return c;
}

static inline bool user_ask(struct user *u, u8 c)
{
	return user_answer(u, c) == c;
}

/* Has what it writes all been taken? */
static inline bool user_has_written(struct user *u)
{
	int i;
	u8 c;

	for (i = 0; i < USER_WAIT_MS; i++) {
		c = user_answer(u, 'j');
		if (c != '-')
			return c == 'j';
		usleep(1000);
	}
	return false;
}

/* For commands that it does not answer. */
static inline void user_tell(struct user *u, u8 c)
{
	if (write(u->ask, &c, 1) != 1)
		abort();
}

/* A shell that waits for the process that it has put into the background. */
static inline void inside_background(void)
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		_exit(14);
	if (!pid) {
		setpgid(0, 0);
		return;
	}
	waitpid(pid, &status, 0);
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 13);
}

/* Starts it with these descriptors, -1 for a closed one; true once it serves. */
static inline bool user_start(struct user *u, int in, int out, enum user_tty tty, size_t room)
{
	int ask[2];

	u->pid = 0;
	u->notes = mmap(NULL, sizeof(*u->notes), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	u->notes->room = room;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ask))
		return false;
	u->ask = ask[0];
	u->pid = fork();
	if (u->pid < 0)
		abort();
	if (u->pid) {
		close(ask[1]);
		return user_ask(u, '?');
	}
	close(ask[0]);
	ask[1] = fcntl(ask[1], F_DUPFD_CLOEXEC, 100);
	if (tty != NO_TTY)
		setsid();
	if (tty == TTY || tty == BACKGROUND_TTY)
		ioctl(in, TIOCSCTTY, 0);
	if (tty == BACKGROUND_TTY)
		inside_background();
	/* What main() puts into the place of a closed one. */
	if (in < 0)
		in = open("/dev/null", O_WRONLY | O_CLOEXEC);
	dup2(in, 0);
	if (out >= 0)
		dup2(out, 1);
	/* The test's ends of pipes and terminals are the test's alone. */
	for (in = 3; in < 100; in++)
		close(in);
	inside_run(u->notes, ask[1]);
	return false;
}

/* A pid of 0 or less would be other people's processes. */
static inline void user_signal(struct user *u, int sig)
{
	if (u->pid > 0)
		kill(u->pid, sig);
}

/* Its wait status; a process that does not end is killed. */
static inline int user_end(struct user *u)
{
	int status = -1, i;

	for (i = 0; u->pid > 0 && i < USER_WAIT_MS / 5; i++) {
		if (waitpid(u->pid, &status, WNOHANG) == u->pid) {
			u->pid = 0;
			return status;
		}
		usleep(5000);
	}
	user_signal(u, SIGKILL);
	if (u->pid > 0)
		waitpid(u->pid, &status, 0);
	u->pid = 0;
	return -1;
}

static inline void user_kill(struct user *u)
{
	user_signal(u, SIGKILL);
	user_end(u);
}

/* It has stopped to watch its input. */
static inline bool user_is_deaf(struct user *u)
{
	int i;

	for (i = 0; i < USER_WAIT_MS && user_ask(u, '?'); i++) {
		if (!u->notes->armed)
			return true;
		usleep(1000);
	}
	return false;
}

static inline bool user_has(struct user *u, size_t len)
{
	int i;

	for (i = 0; i < USER_WAIT_MS; i++) {
		if (__atomic_load_n(&u->notes->got_len, __ATOMIC_SEQ_CST) >= len)
			return true;
		usleep(1000);
	}
	return false;
}

static inline bool is_raw(int fd)
{
	struct termios mode;

	return !tcgetattr(fd, &mode) &&
	       !(mode.c_lflag & (ICANON | ECHO | ISIG | IEXTEN)) &&
	       !(mode.c_iflag & (ICRNL | IXON | INLCR | IGNCR | ISTRIP));
}

static inline bool same_mode(int fd, const struct termios *was)
{
	struct termios mode;

	return !tcgetattr(fd, &mode) && mode.c_iflag == was->c_iflag &&
	       mode.c_oflag == was->c_oflag && mode.c_lflag == was->c_lflag &&
	       mode.c_cflag == was->c_cflag && !memcmp(mode.c_cc, was->c_cc, sizeof(mode.c_cc));
}

/* Reads @len bytes that inside_write() has made; false if they are not all there. */
static inline bool read_written(int fd, size_t len)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	u8 buf[4096];
	size_t at = 0;

	while (at < len && poll(&pfd, 1, USER_WAIT_MS) == 1) {
		ssize_t i, n = read(fd, buf, sizeof(buf));

		if (n <= 0)
			return false;
		for (i = 0; i < n; i++)
			if (buf[i] != 'a' + at++ % 23)
				return false;
	}
	return at == len;
}

#endif /* TESTS_UNIT_TERM_USER_H */
