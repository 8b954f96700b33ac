// SPDX-License-Identifier: GPL-2.0
/*
 * Runs a command and prints what it cost, in an emulated host whose clock counts
 * instructions:
 *
 *	measure [-c [-e EVENT -f FILTER]] [-m TEXT [-n TIMES]] [-o FILE] [-t SECONDS]
 *		COMMAND [ARG]...
 *
 * whenever TEXT came in its output, and when it ended:
 *
 *	up TIME EXITS CALLS RUNS EVENTS BYTES
 *	end TIME EXITS CALLS RUNS EVENTS BYTES STATUS
 *
 * in nanoseconds of the clock, returns of KVM_RUN to user space, system calls, those of
 * them that are KVM_RUN, what FILTER lets pass of the trace point EVENT, and bytes of
 * output. The four in the middle are 0 without -c, since counting costs instructions.
 * With -n the command is killed once TEXT came that often, and after SECONDS (60) in any
 * case. FILE gets the output.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <linux/kvm.h>
#include <linux/perf_event.h>

#define EVENTS	"/sys/kernel/tracing/events"

enum { EXITS, CALLS, RUNS, OTHERS, NR_COUNTS };

struct measure {
	const char *text;
	const char *event, *filter;	/* another one to count, or NULL */
	int times;
	int seconds;
	int counting;
	int file;		/* gets the output, or -1 */
	int fd[NR_COUNTS];
	long long start;
	long long bytes;
	size_t matched;		/* characters of text that came last */
};

static noreturn void fail(const char *what)
{
	perror(what);
	exit(125);
}

static long long now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

/* A counter of a trace point for @pid and all that comes of it, from its exec on. */
static int open_count(pid_t pid, const char *event, const char *filter)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT,
		.size = sizeof(attr),
		.disabled = 1,
		.inherit = 1,
		.enable_on_exec = 1,
	};
	char path[256];
	FILE *f;
	int fd;

	snprintf(path, sizeof(path), EVENTS "/%s/id", event);
	f = fopen(path, "r");
	if (!f || fscanf(f, "%llu", &attr.config) != 1)
		fail(path);
	fclose(f);
	fd = syscall(SYS_perf_event_open, &attr, pid, -1, -1, PERF_FLAG_FD_CLOEXEC);
	if (fd < 0 || (filter && ioctl(fd, PERF_EVENT_IOC_SET_FILTER, filter)))
		fail(event);
	return fd;
}

static void open_counts(struct measure *m, pid_t pid)
{
	char filter[32];

	if (access(EVENTS, F_OK) && mount("none", "/sys/kernel/tracing", "tracefs", 0, NULL))
		fail("tracefs");
	snprintf(filter, sizeof(filter), "cmd == %u", (unsigned int)KVM_RUN);
	m->fd[EXITS] = open_count(pid, "kvm/kvm_userspace_exit", NULL);
	m->fd[CALLS] = open_count(pid, "raw_syscalls/sys_enter", NULL);
	m->fd[RUNS] = open_count(pid, "syscalls/sys_enter_ioctl", filter);
	m->fd[OTHERS] = m->event ? open_count(pid, m->event, m->filter) : -1;
}

static void print_costs(const struct measure *m, const char *what)
{
	long long time = now() - m->start, value;
	int i;

	printf("%s %lld", what, time);
	for (i = 0; i < NR_COUNTS; i++) {
		value = 0;
		if (m->counting && m->fd[i] >= 0 &&
		    read(m->fd[i], &value, sizeof(value)) != sizeof(value))
			fail("perf event");
		printf(" %lld", value);
	}
	printf(" %lld", m->bytes);
}

/* Looks for the text: true when it has come as often as it should. */
static int look(struct measure *m, const char *buf, ssize_t len)
{
	ssize_t i;

	for (i = 0; i < len; i++) {
		m->bytes++;
		if (!m->text)
			continue;
		if (buf[i] != m->text[m->matched])
			m->matched = 0;
		if (buf[i] == m->text[m->matched])
			m->matched++;
		if (m->text[m->matched])
			continue;
		m->matched = 0;
		print_costs(m, "up");
		putchar('\n');
		if (m->times && !--m->times)
			return 1;
	}
	return 0;
}

/* Until the command closes its output: true. False: it said enough, or takes too long. */
static int follow(struct measure *m, int out)
{
	long long end = m->start + m->seconds * 1000000000LL;
	struct pollfd p = { .fd = out, .events = POLLIN };
	char buf[4096];
	ssize_t n;

	while (now() < end && poll(&p, 1, (end - now()) / 1000000 + 1) > 0) {
		n = read(out, buf, sizeof(buf));
		if (n <= 0)
			return 1;
		if (m->file >= 0 && write(m->file, buf, n) != n)
			fail("output");
		if (look(m, buf, n))
			return 0;
	}
	return 0;
}

static noreturn void child(char **argv, int go, int out)
{
	char c;

	if (read(go, &c, 1) != 1 || dup2(out, 1) < 0 || dup2(out, 2) < 0)
		_exit(125);
	setpgid(0, 0);
	execvp(argv[0], argv);
	_exit(127);
}

static void run(struct measure *m, char **argv)
{
	int go[2], out[2], status;
	pid_t pid;

	if (pipe2(go, O_CLOEXEC) || pipe2(out, O_CLOEXEC))
		fail("pipe");
	pid = fork();
	if (!pid)
		child(argv, go[0], out[1]);
	if (pid < 0)
		fail("fork");
	close(out[1]);
	if (m->counting)
		open_counts(m, pid);
	m->start = now();
	if (write(go[1], "", 1) != 1)
		fail("pipe");
	if (!follow(m, out[0]))
		kill(-pid, SIGKILL);
	if (waitpid(pid, &status, 0) != pid)
		fail("waitpid");
	print_costs(m, "end");
	printf(" %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

int main(int argc, char **argv)
{
	struct measure m = { .seconds = 60, .file = -1 };
	int c;

	while ((c = getopt(argc, argv, "+ce:f:m:n:o:t:")) != -1) {
		switch (c) {
		case 'c':
			m.counting = 1;
			break;
		case 'e':
			m.event = optarg;
			break;
		case 'f':
			m.filter = optarg;
			break;
		case 'm':
			m.text = optarg;
			break;
		case 'n':
			m.times = atoi(optarg);
			break;
		case 'o':
			m.file = open(optarg, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
			break;
		case 't':
			m.seconds = atoi(optarg);
			break;
		default:
			return 125;
		}
	}
	if (optind == argc || (m.text && !*m.text))
		return 125;
	run(&m, argv + optind);
	return 0;
}
