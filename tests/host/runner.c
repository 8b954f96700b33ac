// SPDX-License-Identifier: GPL-2.0
/*
 * The first process of an emulated host: runs the command that tests/kvmhost
 * was given and carries its input, output and status through a virtio console
 * port to relay.c.
 *
 *	runner DIR		while the command runs
 *	runner -t DIR HOOK	after it: nothing asynchronous touches the machine
 *				while it runs, and the time it took is told
 *
 * DIR holds argv, env and cwd, zero terminated strings each, and merge where
 * both outputs are one file for the caller. HOOK, a program, makes the port.
 */
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <sys/reboot.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "relay.h"

#define PORTS "/sys/class/virtio-ports"

struct command {
	char **argv;
	char **env;
	char *cwd;
	int merge;
	int fds[3];		/* what it gets as its own 0, 1 and 2 */
	pid_t pid;
	int status;		/* -1 while it runs */
};

struct input {
	__u8 buf[FRAME_HEADER + FRAME_MAX];
	size_t have;		/* bytes of the frame that have come */
	size_t sent;		/* of these, passed on to the command */
	int fd;			/* -1: the command reads no more */
};

/* Nobody but the console hears why; the relay sees the machine go away. */
static noreturn void fail(const char *fmt, ...)
{
	va_list ap;

	fputs("kvmhost: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	sync();
	reboot(RB_AUTOBOOT);
	_exit(1);
}

static char *read_file(const char *dir, const char *name, size_t *len)
{
	char path[256], *buf = NULL;
	size_t n = 0;
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		fail("%s: %s", path, strerror(errno));
	do {
		buf = realloc(buf, n + 65536);
		if (!buf)
			fail("%s: too large", path);
		got = read(fd, buf + n, 65535);
		n += got > 0 ? got : 0;
	} while (got > 0);
	close(fd);
	buf[n] = '\0';
	*len = n;
	return buf;
}

static char **read_strings(const char *dir, const char *name)
{
	size_t len, count = 0, i;
	char *buf = read_file(dir, name, &len);
	char **list;

	for (i = 0; i < len; i++)
		count += !buf[i];
	list = calloc(count + 1, sizeof(*list));
	if (!list)
		fail("%s: too many strings", name);
	for (i = 0; i < count; i++, buf += strlen(buf) + 1)
		list[i] = buf;
	return list;
}

static void read_command(struct command *cmd, const char *dir)
{
	char path[256];
	size_t len;

	cmd->argv = read_strings(dir, "argv");
	cmd->env = read_strings(dir, "env");
	cmd->cwd = read_file(dir, "cwd", &len);
	snprintf(path, sizeof(path), "%s/merge", dir);
	cmd->merge = !access(path, F_OK);
	cmd->status = -1;
	if (!cmd->argv[0])
		fail("no command");
}

static noreturn void child(const struct command *cmd)
{
	sigset_t none;
	int i;

	setsid();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	for (i = 0; i < 3; i++)
		if (dup2(cmd->fds[i], i) < 0)
			_exit(125);
	environ = cmd->env;
	if (chdir(cmd->cwd)) {
		dprintf(2, "kvmhost: %s: no such directory in the emulated host: %s\n",
			cmd->cwd, strerror(errno));
		_exit(125);
	}
	execvp(cmd->argv[0], cmd->argv);
	i = errno;
	if (i == ENOENT)
		dprintf(2, "kvmhost: %s: no such command\n", cmd->argv[0]);
	else
		dprintf(2, "kvmhost: %s: %s\n", cmd->argv[0], strerror(i));
	_exit(i == ENOENT ? 127 : 126);
}

static void start(struct command *cmd)
{
	int i;

	cmd->pid = fork();
	if (cmd->pid < 0)
		fail("fork: %s", strerror(errno));
	if (!cmd->pid)
		child(cmd);
	for (i = 0; i < 3; i++)
		close(cmd->fds[i]);
}

/* Reaps whatever has ended; what the command left behind is ours as well. */
static void reap(struct command *cmd, int flags)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, flags)) > 0) {
		if (pid != cmd->pid)
			continue;
		cmd->status = WIFEXITED(status) ? WEXITSTATUS(status) :
						  128 + WTERMSIG(status);
		return;
	}
}

static int find_port(void)
{
	struct dirent *d;
	char path[512], name[32];
	int fd = -1;
	DIR *dir = opendir(PORTS);

	while (fd < 0 && dir && (d = readdir(dir))) {
		FILE *f;

		snprintf(path, sizeof(path), PORTS "/%s/name", d->d_name);
		f = fopen(path, "r");
		if (!f)
			continue;
		if (fgets(name, sizeof(name), f) && !strcmp(name, RELAY_PORT "\n")) {
			snprintf(path, sizeof(path), "/dev/%s", d->d_name);
			fd = open(path, O_RDWR | O_CLOEXEC);
		}
		fclose(f);
	}
	if (dir)
		closedir(dir);
	return fd;
}

/* The port comes some time after its driver. */
static int open_port(void)
{
	const struct timespec step = { .tv_nsec = 5000000 };
	int fd, tries = 6000;

	while ((fd = find_port()) < 0) {
		if (!tries--)
			fail("no console port named %s", RELAY_PORT);
		nanosleep(&step, NULL);
	}
	return fd;
}

static void send_frame(int port, __u8 type, __u8 *buf, __u32 len)
{
	int ret;

	frame_header(buf, type, len);
	ret = write_all(port, buf, FRAME_HEADER + len);
	if (ret)
		fail("console port: %s", strerror(-ret));
}

/* Passes on what @fd has; false at its end and, when it does not block, when it is empty. */
static int pass_output(int port, int fd, __u8 type)
{
	__u8 buf[FRAME_HEADER + FRAME_MAX];
	ssize_t n;

	do {
		n = read(fd, buf + FRAME_HEADER, FRAME_MAX);
	} while (n < 0 && errno == EINTR);
	if (n > 0)
		send_frame(port, type, buf, n);
	return n > 0;
}

static void close_input(struct input *in)
{
	if (in->fd >= 0)
		close(in->fd);
	in->fd = -1;
}

/* A whole frame of input at most is in here; the rest waits in the port. */
static void pass_input(struct input *in)
{
	size_t end;
	ssize_t n;

	if (in->have < FRAME_HEADER)
		return;
	end = FRAME_HEADER + frame_len(in->buf);
	if (end == FRAME_HEADER && in->buf[0] == FRAME_STDIN)
		close_input(in);
	while (in->fd >= 0 && in->sent < in->have) {
		n = write(in->fd, in->buf + in->sent, in->have - in->sent);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0)
			close_input(in);
		else
			in->sent += n;
	}
	if (in->have == end) {
		in->have = 0;
		in->sent = FRAME_HEADER;
	}
}

/*
 * The interrupt that was forgotten (relay.c) may be any CPU's, and each gets one when
 * somebody comes to it.
 */
static void visit_cpus(void)
{
	cpu_set_t all, one;
	int cpu;

	if (sched_getaffinity(0, sizeof(all), &all))
		return;
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &all))
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		sched_setaffinity(0, sizeof(one), &one);
	}
	sched_setaffinity(0, sizeof(all), &all);
}

static void read_input(struct input *in, int port)
{
	size_t want = FRAME_HEADER;
	__u8 hdr[FRAME_HEADER];
	ssize_t n;

	if (in->have >= FRAME_HEADER)
		want += frame_len(in->buf);
	if (want > sizeof(in->buf))
		fail("console port: input frame too large");
	n = read(port, in->buf + in->have, want - in->have);
	if (n > 0)
		in->have += n;
	if (in->have == FRAME_HEADER && in->buf[0] == FRAME_POKE) {
		visit_cpus();
		send_frame(port, FRAME_ALIVE, hdr, 0);
	}
	pass_input(in);
}

static int input_waits(const struct input *in)
{
	return in->fd >= 0 && in->have > FRAME_HEADER && in->sent < in->have;
}

static void make_pipe(int fds[2])
{
	if (pipe2(fds, O_CLOEXEC))
		fail("pipe: %s", strerror(errno));
}

static void nonblock(int fd)
{
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

/* Pipes between the command and us; ours are in @out and @err (-1: merged) and in @in. */
static void make_pipes(struct command *cmd, struct input *in, int *out, int *err)
{
	int fds[2];

	make_pipe(fds);
	cmd->fds[0] = fds[0];
	in->fd = fds[1];
	in->sent = FRAME_HEADER;
	nonblock(in->fd);
	make_pipe(fds);
	*out = fds[0];
	cmd->fds[1] = fds[1];
	*err = -1;
	if (cmd->merge) {
		cmd->fds[2] = fcntl(fds[1], F_DUPFD_CLOEXEC, 0);
	} else {
		make_pipe(fds);
		*err = fds[0];
		cmd->fds[2] = fds[1];
	}
}

static int child_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Closes the end of a pipe that nobody writes to any more. */
static void end_of(int *fd)
{
	close(*fd);
	*fd = -1;
}

static void serve(struct command *cmd, struct input *in, int port, int *out, int *err)
{
	struct signalfd_siginfo si;
	__u8 hdr[FRAME_HEADER];
	int sig = child_signals();

	start(cmd);
	while (cmd->status < 0) {
		struct pollfd p[] = {
			{ .fd = sig, .events = POLLIN },
			{ .fd = *out, .events = POLLIN },
			{ .fd = *err, .events = POLLIN },
			{ .fd = input_waits(in) ? -1 : port, .events = POLLIN },
			{ .fd = input_waits(in) ? in->fd : -1, .events = POLLOUT },
		};

		if (!poll(p, 5, ALIVE_SECONDS * 1000))
			send_frame(port, FRAME_ALIVE, hdr, 0);
		if (p[1].revents && !pass_output(port, *out, FRAME_STDOUT))
			end_of(out);
		if (p[2].revents && !pass_output(port, *err, FRAME_STDERR))
			end_of(err);
		if (p[3].revents & POLLIN)
			read_input(in, port);
		if (p[4].revents)
			pass_input(in);
		while (read(sig, &si, sizeof(si)) > 0)
			reap(cmd, WNOHANG);
	}
}

static void finish(int port, int status)
{
	__u8 buf[FRAME_HEADER + 1];

	/* What was written to the caller's directory must have got there. */
	sync();
	buf[FRAME_HEADER] = status;
	send_frame(port, FRAME_EXIT, buf, 1);
	sleep(30);
	reboot(RB_POWER_OFF);
}

static void run(struct command *cmd)
{
	struct input in = { .fd = -1 };
	__u8 hdr[FRAME_HEADER];
	int port, out, err;

	port = open_port();
	make_pipes(cmd, &in, &out, &err);
	send_frame(port, FRAME_UP, hdr, 0);
	serve(cmd, &in, port, &out, &err);

	/* A process it left behind may hold the pipes open: only what is there now. */
	if (out >= 0) {
		nonblock(out);
		while (pass_output(port, out, FRAME_STDOUT))
			;
	}
	if (err >= 0) {
		nonblock(err);
		while (pass_output(port, err, FRAME_STDERR))
			;
	}
	finish(port, cmd->status);
}

static int output_file(const char *dir, const char *name)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0)
		fail("%s: %s", path, strerror(errno));
	return fd;
}

static __s64 now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static void run_hook(char *hook)
{
	int status = 0;
	pid_t pid = fork();

	if (!pid) {
		execl(hook, hook, (char *)NULL);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
		fail("%s: status %#x", hook, status);
}

static void run_timed(struct command *cmd, const char *dir, char *hook)
{
	__s64 time;
	__u8 hdr[FRAME_HEADER + 64];
	int out, err, port;

	out = output_file(dir, "out");
	err = cmd->merge ? out : output_file(dir, "err");
	cmd->fds[0] = open("/dev/null", O_RDWR | O_CLOEXEC);
	cmd->fds[1] = fcntl(out, F_DUPFD_CLOEXEC, 0);
	cmd->fds[2] = fcntl(err, F_DUPFD_CLOEXEC, 0);

	time = now();
	start(cmd);
	while (cmd->status < 0)
		reap(cmd, 0);
	time = now() - time;

	run_hook(hook);
	port = open_port();
	send_frame(port, FRAME_UP, hdr, 0);
	lseek(out, 0, SEEK_SET);
	while (pass_output(port, out, FRAME_STDOUT))
		;
	if (err != out) {
		lseek(err, 0, SEEK_SET);
		while (pass_output(port, err, FRAME_STDERR))
			;
	}
	send_frame(port, FRAME_STDERR, hdr,
		   sprintf((char *)hdr + FRAME_HEADER, "icount: %lld\n", (long long)time));
	finish(port, cmd->status);
}

int main(int argc, char **argv)
{
	struct command cmd = {};

	if (argc == 2) {
		read_command(&cmd, argv[1]);
		run(&cmd);
	} else if (argc == 4 && !strcmp(argv[1], "-t")) {
		read_command(&cmd, argv[2]);
		run_timed(&cmd, argv[2], argv[3]);
	}
	fail("usage: runner DIR | runner -t DIR HOOK");
}
