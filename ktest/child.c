// SPDX-License-Identifier: GPL-2.0
/*
 * A program beside this one, and its standard input, output and error. It is in a
 * process group of its own: Ctrl-C is for us, and what ends it is said here.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/kernel.h>

#include "internal.h"

extern char **environ;

u64 ktest_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ULL + ts.tv_nsec / 1000000;
}

void child_init(struct child *c)
{
	memset(c, 0, sizeof(*c));
	c->pid = -1;
	c->pidfd = -1;
	c->in = -1;
	c->out = -1;
	c->err = -1;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static int spawn_with(struct child *c, const char *const *argv, const int *std)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none, fatal;
	int i, ret;

	sigemptyset(&none);
	sigemptyset(&fatal);
	sigaddset(&fatal, SIGPIPE);
	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
				 POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setpgroup(&attr, 0);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &fatal);
	for (i = 0, ret = 0; i < 3 && !ret; i++)
		ret = posix_spawn_file_actions_adddup2(&files, std[i], i);
	if (!ret)
		ret = posix_spawnp(&c->pid, argv[0], &files, &attr, (char *const *)argv, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	return -ret;
}

const char **child_run_argv(const struct ktest_config *cfg, int more, int *n)
{
	const char **argv = calloc(cfg->nr_run_args + more + 4, sizeof(*argv));
	int i;

	*n = 0;
	if (!argv)
		return NULL;
	argv[(*n)++] = cfg->vmtool;
	argv[(*n)++] = "run";
	for (i = 0; i < cfg->nr_run_args; i++)
		argv[(*n)++] = cfg->run_args[i];
	if (cfg->fail_on_warn)
		argv[(*n)++] = "--fail-on-warn";
	return argv;
}

int child_start(struct child *c, const char *const *argv, bool verbose)
{
	int pipes[3][2] = { { -1, -1 }, { -1, -1 }, { -1, -1 } }, std[3], i, ret = 0;

	child_init(c);
	c->verbose = verbose;
	for (i = 0; i < 3 && !ret; i++) {
		if (pipe2(pipes[i], O_CLOEXEC) < 0)
			ret = -errno;
		std[i] = pipes[i][!!i];
	}
	if (!ret)
		ret = spawn_with(c, argv, std);
	for (i = 0; i < 3; i++)
		close_fd(&pipes[i][!!i]);
	c->in = pipes[0][1];
	c->out = pipes[1][0];
	c->err = pipes[2][0];
	if (!ret) {
		c->pidfd = (int)syscall(SYS_pidfd_open, c->pid, 0);
		if (c->pidfd < 0) {
			ret = -errno;
			child_kill(c, SIGKILL);
			child_reap(c);
			return ret;
		}
		fcntl(c->out, F_SETFL, O_NONBLOCK);
		fcntl(c->err, F_SETFL, O_NONBLOCK);
		return 0;
	}
	c->pid = -1;
	close_fd(&c->in);
	close_fd(&c->out);
	close_fd(&c->err);
	return ret;
}

bool child_runs(const struct child *c)
{
	return c->pid > 0;
}

void child_close_in(struct child *c)
{
	close_fd(&c->in);
}

void child_poll(const struct child *c, struct pollfd *pfd)
{
	const int fds[] = { c->out, c->err, c->pidfd };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(fds); i++) {
		pfd[i].fd = fds[i];
		pfd[i].events = POLLIN;
		pfd[i].revents = 0;
	}
}

ssize_t child_read(struct child *c, char *buf, size_t size)
{
	ssize_t n;

	if (c->out < 0)
		return 0;
	do {
		n = read(c->out, buf, size);
	} while (n < 0 && errno == EINTR);
	if (!n || (n < 0 && errno != EAGAIN))
		close_fd(&c->out);
	return n < 0 ? 0 : n;
}

static void keep_tail(struct child *c, const char *buf, size_t len)
{
	size_t keep;

	if (len >= TAIL_MAX) {
		buf += len - TAIL_MAX;
		len = TAIL_MAX;
	}
	keep = min(c->tail_len, TAIL_MAX - len);
	memmove(c->tail, c->tail + c->tail_len - keep, keep);
	memcpy(c->tail + keep, buf, len);
	c->tail_len = keep + len;
	c->tail[c->tail_len] = '\0';
}

bool child_read_err(struct child *c)
{
	char buf[4096];
	ssize_t n;

	if (c->err < 0)
		return false;
	do {
		n = read(c->err, buf, sizeof(buf));
	} while (n < 0 && errno == EINTR);
	if (!n || (n < 0 && errno != EAGAIN))
		close_fd(&c->err);
	if (n <= 0)
		return false;
	keep_tail(c, buf, n);
	if (c->verbose)
		fwrite(buf, 1, n, stderr);
	return true;
}

bool child_has_ended(const struct child *c)
{
	struct pollfd pfd = { .fd = c->pidfd, .events = POLLIN };

	return c->pidfd >= 0 && poll(&pfd, 1, 0) > 0;
}

void child_kill(const struct child *c, int sig)
{
	if (c->pid > 0)
		kill(sig == SIGKILL ? -c->pid : c->pid, sig);
}

void child_reap(struct child *c)
{
	int status = 0;

	while (c->pid > 0 && waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
		;
	c->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	c->pid = -1;
	close_fd(&c->pidfd);
	close_fd(&c->in);
	close_fd(&c->out);
	close_fd(&c->err);
}
