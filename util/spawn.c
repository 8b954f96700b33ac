// SPDX-License-Identifier: GPL-2.0
/*
 * Programs that run beside this one. Between fork() and execvp() there are only
 * calls that a process with threads may make there.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <vmtool/spawn.h>

static int be_helper(pid_t parent)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	setsid();
	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0)
		return -errno;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return -errno;
	/* It may have died before it could be noticed. */
	return getppid() == parent ? 0 : -ESRCH;
}

static int prepare_child(const struct spawn *s, pid_t parent)
{
	sigset_t none;
	int ret = 0;

	if (s->helper)
		ret = be_helper(parent);
	if (ret)
		return ret;
	if (s->stdio && (dup2(s->stdio[0], 0) < 0 || dup2(s->stdio[1], 1) < 0))
		return -errno;
	if (s->err_fd >= 0 && dup2(s->err_fd, 2) < 0)
		return -errno;
	if (s->keep_fd >= 0 && fcntl(s->keep_fd, F_SETFD, 0) < 0)
		return -errno;
	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&none);
	return sigprocmask(SIG_SETMASK, &none, NULL) < 0 ? -errno : 0;
}

static void run_child(const struct spawn *s, pid_t parent, int report)
{
	int ret = prepare_child(s, parent);

	if (!ret) {
		execvp(s->argv[0], (char *const *)s->argv);
		ret = -errno;
	}
	/* Nobody to tell is what happens when the parent has died. */
	if (write(report, &ret, sizeof(ret)) != sizeof(ret))
		_exit(126);
	_exit(127);
}

/* What came of execvp(): the pipe's end is its success. */
static int read_report(int fd)
{
	ssize_t n;
	int ret;

	do {
		n = read(fd, &ret, sizeof(ret));
	} while (n < 0 && errno == EINTR);
	return n == sizeof(ret) ? ret : 0;
}

pid_t spawn_start(const struct spawn *s)
{
	pid_t pid, parent = getpid();
	int report[2], ret;

	if (pipe2(report, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (!pid)
		run_child(s, parent, report[1]);
	ret = pid < 0 ? -errno : 0;
	close(report[1]);
	if (!ret) {
		ret = read_report(report[0]);
		if (ret)
			spawn_wait(pid);
	}
	close(report[0]);
	return ret ? ret : pid;
}

int spawn_wait(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return status;
}
