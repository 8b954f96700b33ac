// SPDX-License-Identifier: GPL-2.0
/*
 * addr2line of binutils or LLVM, as a co-process: reading a kernel's line information
 * takes seconds, so it is done once. Each question is followed by one that has no
 * answer, whose echo says that the answer before is complete.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/kernel.h>
#include <vmtool/addr2line.h>
#include <vmtool/log.h>
#include <vmtool/spawn.h>

/*
 * How often an answer is waited for, half a second each: clocks jump where this machine
 * is a virtual one that stands still. The first comes when the line information was
 * read.
 */
#define POLL_MS		500
#define FIRST_POLLS	120
#define POLLS		20
#define ANSWER_MAX	65536

#define NO_ADDRESS	",\n"

int addr2line_open(struct addr2line *a, const char *path)
{
	const char *argv[] = { "addr2line", "-a", "-f", "-i", "-e", path, NULL };
	struct spawn s = { .argv = argv, .keep_fd = -1, .helper = true };
	int pair[2], stdio[2], null, ret;
	pid_t pid;

	memset(a, 0, sizeof(*a));
	a->fd = -1;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	/* What it has to say of a file is not for the user. */
	null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	stdio[0] = pair[1];
	stdio[1] = pair[1];
	s.stdio = stdio;
	s.err_fd = null;
	pid = spawn_start(&s);
	ret = pid < 0 ? pid : 0;
	if (null >= 0)
		close(null);
	close(pair[1]);
	if (ret) {
		close(pair[0]);
		return ret;
	}
	a->pid = pid;
	a->fd = pair[0];
	return 0;
}

void addr2line_close(struct addr2line *a)
{
	if (!a->pid)
		return;
	close(a->fd);
	kill(a->pid, SIGKILL);
	spawn_wait(a->pid);
	a->pid = 0;
	a->fd = -1;
}

/**
 * struct patience - how much is taken from the program until it has answered
 * @polls: times that it may stay silent
 * @bytes: bytes that it may say
 */
struct patience {
	unsigned int polls;
	size_t bytes;
};

static int send_all(int fd, const char *text)
{
	size_t len = strlen(text);

	while (len) {
		ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		len -= n;
	}
	return 0;
}

/* Some more of what it says into the buffer. */
static int receive(struct addr2line *a, struct patience *p)
{
	struct pollfd pfd = { .fd = a->fd, .events = POLLIN };
	ssize_t n;

	for (;;) {
		if (p->bytes > ANSWER_MAX)
			return -E2BIG;
		n = poll(&pfd, 1, POLL_MS);
		if (!n && !p->polls--)
			return -ETIMEDOUT;
		if (!n)
			continue;
		if (n > 0)
			n = read(a->fd, a->buf + a->len, sizeof(a->buf) - a->len);
		if (!n)
			return -EPIPE;
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n < 0)
			continue;
		a->len += n;
		p->bytes += n;
		return 0;
	}
}

/* A line without its end; one that fills the buffer is dropped. */
static int read_line(struct addr2line *a, char *line, size_t size, struct patience *p)
{
	char *nl;
	size_t n;
	int ret;

	while (!(nl = memchr(a->buf, '\n', a->len))) {
		if (a->len == sizeof(a->buf))
			a->len = 0;
		ret = receive(a, p);
		if (ret)
			return ret;
	}
	n = nl - a->buf;
	snprintf(line, size, "%.*s", (int)n, a->buf);
	a->len -= n + 1;
	memmove(a->buf, nl + 1, a->len);
	return 0;
}

/* "??:0", "??:?" and "file.c:?" say nothing. */
static bool is_place(const char *line)
{
	const char *colon = strrchr(line, ':');

	return colon && colon[1] >= '1' && colon[1] <= '9' && strncmp(line, "??", 2);
}

static void add_place(char *buf, size_t size, char *line)
{
	char *more = strstr(line, " (discriminator ");
	size_t len = strlen(buf);

	if (more)
		*more = '\0';
	if (is_place(line) && len + strlen(line) + 2 <= size)
		snprintf(buf + len, size - len, "%s%s", len ? " " : "", line);
}

/*
 * After the address: pairs of a function and its place. The address of the second
 * question, which none is, is echoed as 0 or as it was written.
 */
static int read_answer(struct addr2line *a, char *buf, size_t size, struct patience *p)
{
	bool echo = false, function = true;
	char line[1024];
	int ret;

	for (;;) {
		ret = read_line(a, line, sizeof(line), p);
		if (ret)
			return ret;
		if (!echo) {
			echo = !strncmp(line, "0x", 2);
			continue;
		}
		if (function && (!strncmp(line, "0x", 2) || *line == ','))
			return 0;
		if (!function)
			add_place(buf, size, line);
		function = !function;
	}
}

/* GNU's says "??" and "??:0" of no address, LLVM's does not: both are skipped. */
int addr2line_ask(struct addr2line *a, u64 addr, char *buf, size_t size)
{
	struct patience patience = { .polls = a->waited ? POLLS : FIRST_POLLS };
	char question[40];
	int ret;

	if (!a->pid)
		return -EPIPE;
	*buf = '\0';
	snprintf(question, sizeof(question), "0x%llx\n" NO_ADDRESS, (unsigned long long)addr);
	ret = send_all(a->fd, question);
	ret = ret ?: read_answer(a, buf, size, &patience);
	if (ret) {
		log_warn("addr2line gives no answer: %s; source lines are left out",
			 strerror(-ret));
		addr2line_close(a);
		return ret;
	}
	a->waited = true;
	return *buf ? 0 : -ENOENT;
}
