// SPDX-License-Identifier: GPL-2.0
/*
 * Starts QEMU with an emulated host in it and takes the place of the command
 * that runs in there: passes on its input and output and exits as it does.
 *
 *	relay NAME SECONDS -- QEMU [ARG]...
 *
 * NAME is what messages call the host, SECONDS the time it has to boot. QEMU
 * finds a socket to the console port as descriptor 3 and a file for the
 * machine's console as descriptor 4. It dies with this process, by whatever
 * signal that is, and has no file of its own that could be left behind: so there
 * is nothing for a signal handler to do.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include "relay.h"

#define PORT_FD		3
#define CONSOLE_FD	4
#define STATUS_HOST	125
/* A host that was up and says nothing for so long, in seconds, hangs. */
#define SILENCE		180
#define TAIL		8192

struct relay {
	const char *name;
	pid_t qemu;
	int port, console;
	int boot_seconds;
	int up;
	__s64 start, heard;		/* in ms */
	int line;			/* a progress line is on the terminal */
	int in;				/* standard input, -1 at its end */
	__u8 out[FRAME_HEADER + FRAME_MAX];	/* input on its way to the host */
	size_t out_len, out_sent;
	__u8 frame[FRAME_HEADER + FRAME_MAX];
	size_t have;
};

static __s64 now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

static int verbose(void)
{
	const char *value = getenv("KVMHOST_VERBOSE");

	return value && !strcmp(value, "1");
}

static void clear_line(struct relay *r)
{
	if (r->line)
		fputs("\r\033[K", stderr);
	r->line = 0;
}

static void progress(struct relay *r)
{
	if (r->up || !isatty(2))
		return;
	fprintf(stderr, "\r\033[Kkvmhost: starting %s (%d s)", r->name,
		(int)(now_ms() - r->start) / 1000);
	r->line = 1;
}

static void stop_qemu(struct relay *r)
{
	clear_line(r);
	if (r->qemu > 0) {
		kill(r->qemu, SIGKILL);
		while (waitpid(r->qemu, NULL, 0) < 0 && errno == EINTR)
			;
	}
	r->qemu = 0;
}

/* The end of what QEMU and the machine's console said; its length is returned. */
static size_t console_tail(struct relay *r, char *buf, size_t size)
{
	off_t end = lseek(r->console, 0, SEEK_END);
	ssize_t n;

	n = pread(r->console, buf, size - 1, end > (off_t)size ? end - (off_t)size + 1 : 0);
	if (n < 0)
		n = 0;
	while (n > 0 && (buf[n - 1] == '\n' || buf[n - 1] == '\r'))
		n--;
	buf[n] = '\0';
	return n;
}

/* The line that tells most: that of a panic, or the last one. */
static const char *console_reason(char *tail)
{
	char *line = strstr(tail, "Kernel panic");

	if (line) {
		line[strcspn(line, "\r\n")] = '\0';
		return line;
	}
	line = strrchr(tail, '\n');
	return line ? line + 1 : tail;
}

static noreturn void fail(struct relay *r, const char *fmt, ...)
{
	static char tail[TAIL];
	va_list ap;

	stop_qemu(r);
	fprintf(stderr, "kvmhost: %s ", r->name);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	if (!console_tail(r, tail, sizeof(tail)))
		fprintf(stderr, "; its console said nothing\n");
	else if (verbose())
		fprintf(stderr, "; the end of its console:\n%s\n", tail);
	else
		fprintf(stderr, "; its console: '%.200s'; KVMHOST_VERBOSE=1 shows more\n",
			console_reason(tail));
	_exit(STATUS_HOST);
}

static noreturn void exec_qemu(struct relay *r, char **argv, int port, pid_t parent)
{
	/* What a terminal sends is for us, and when we are gone QEMU is. */
	setsid();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	if (dup2(open("/dev/null", O_RDWR), 0) < 0 || dup2(r->console, 1) < 0 ||
	    dup2(r->console, 2) < 0 || dup2(port, PORT_FD) < 0 ||
	    dup2(r->console, CONSOLE_FD) < 0)
		_exit(1);
	execvp(argv[0], argv);
	dprintf(2, "%s: %s\n", argv[0], strerror(errno));
	_exit(1);
}

/* Descriptors above those that QEMU finds under fixed numbers. */
static int high_fd(int fd)
{
	int high = fcntl(fd, F_DUPFD_CLOEXEC, 10);

	close(fd);
	return high;
}

static void start_qemu(struct relay *r, char **argv)
{
	pid_t self = getpid();
	int port[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, port)) {
		perror("kvmhost: socketpair");
		_exit(STATUS_HOST);
	}
	r->port = high_fd(port[0]);
	port[1] = high_fd(port[1]);
	r->console = high_fd(memfd_create("console", 0));
	if (r->port < 0 || port[1] < 0 || r->console < 0 ||
	    fcntl(r->console, F_SETFL, O_APPEND) || fcntl(r->port, F_SETFL, O_NONBLOCK)) {
		perror("kvmhost: descriptors for the emulated host");
		_exit(STATUS_HOST);
	}
	r->qemu = fork();
	if (r->qemu < 0) {
		perror("kvmhost: fork");
		_exit(STATUS_HOST);
	}
	if (!r->qemu)
		exec_qemu(r, argv, port[1], self);
	close(port[1]);
}

static void take_frame(struct relay *r, __u8 type, const __u8 *data, __u32 len)
{
	int ret;

	switch (type) {
	case FRAME_UP:
		r->up = 1;
		clear_line(r);
		if (verbose())
			fprintf(stderr, "kvmhost: %s was up after %.1f s\n", r->name,
				(now_ms() - r->start) / 1000.0);
		break;
	case FRAME_STDOUT:
		/* Mostly we die of SIGPIPE here, as the command would have. */
		ret = write_all(1, data, len);
		if (ret) {
			clear_line(r);
			fprintf(stderr, "kvmhost: standard output: %s\n", strerror(-ret));
			_exit(STATUS_HOST);
		}
		break;
	case FRAME_STDERR:
		write_all(2, data, len);
		break;
	case FRAME_EXIT:
		stop_qemu(r);
		_exit(len ? data[0] : STATUS_HOST);
	}
}

static void take_frames(struct relay *r)
{
	size_t len;

	while (r->have >= FRAME_HEADER) {
		len = FRAME_HEADER + (size_t)frame_len(r->frame);
		if (len > sizeof(r->frame))
			fail(r, "sent rubbish through its console port");
		if (r->have < len)
			return;
		take_frame(r, r->frame[0], r->frame + FRAME_HEADER, len - FRAME_HEADER);
		r->have -= len;
		memmove(r->frame, r->frame + len, r->have);
	}
}

static void read_port(struct relay *r)
{
	ssize_t n = read(r->port, r->frame + r->have, sizeof(r->frame) - r->have);

	if (n > 0) {
		r->heard = now_ms();
		r->have += n;
		take_frames(r);
	} else if (!n || (errno != EAGAIN && errno != EINTR)) {
		if (r->up)
			fail(r, "went down while the command ran");
		fail(r, "did not boot");
	}
}

static void read_stdin(struct relay *r)
{
	ssize_t n = read(r->in, r->out + FRAME_HEADER, FRAME_MAX);

	if (n < 0 && errno == EINTR)
		return;
	if (n <= 0) {
		n = 0;
		r->in = -1;
	}
	frame_header(r->out, FRAME_STDIN, n);
	r->out_len = FRAME_HEADER + n;
	r->out_sent = 0;
}

static void write_port(struct relay *r)
{
	ssize_t n = send(r->port, r->out + r->out_sent, r->out_len - r->out_sent, MSG_NOSIGNAL);

	if (n > 0)
		r->out_sent += n;
	/* An error is the port's end, which the reading side sees and names. */
	if (r->out_sent == r->out_len || (n < 0 && errno != EAGAIN && errno != EINTR))
		r->out_len = 0;
}

/*
 * QEMU 7.2 can forget that an interrupt is pending when one comes in the middle of a
 * VMRUN. If that was the timer's, the host sleeps until another one comes: so one does,
 * each second.
 */
static void poke(struct relay *r)
{
	if (r->out_len)
		return;
	frame_header(r->out, FRAME_POKE, 0);
	r->out_len = FRAME_HEADER;
	r->out_sent = 0;
}

static void check_time(struct relay *r)
{
	__s64 now = now_ms();

	if (!r->up && r->boot_seconds && now - r->start > r->boot_seconds * 1000LL)
		fail(r, "did not boot within %d s", r->boot_seconds);
	if (r->up && now - r->heard > SILENCE * 1000LL)
		fail(r, "gave no sign of life for %d s", SILENCE);
	if (r->up)
		poke(r);
}

static void serve(struct relay *r)
{
	for (;;) {
		struct pollfd p[] = {
			{ .fd = r->port, .events = POLLIN | (r->out_len ? POLLOUT : 0) },
			{ .fd = r->up && !r->out_len ? r->in : -1, .events = POLLIN },
		};
		int n;

		progress(r);
		n = poll(p, 2, 1000);
		if (n > 0 && p[0].revents & POLLOUT)
			write_port(r);
		if (n > 0 && p[0].revents & ~POLLOUT)
			read_port(r);
		if (n > 0 && p[1].revents)
			read_stdin(r);
		if (!n)
			check_time(r);
	}
}

int main(int argc, char **argv)
{
	static struct relay r;

	if (argc < 5 || strcmp(argv[3], "--")) {
		fprintf(stderr, "usage: relay NAME SECONDS -- QEMU [ARG]...\n");
		return STATUS_HOST;
	}
	r.name = argv[1];
	r.boot_seconds = atoi(argv[2]);
	r.start = now_ms();
	r.heard = r.start;
	if (!isatty(2))
		fprintf(stderr, "kvmhost: starting %s\n", r.name);
	/* Input from a terminal we are in the background of: an error, not a stop. */
	signal(SIGTTIN, SIG_IGN);
	start_qemu(&r, argv + 4);
	serve(&r);
}
