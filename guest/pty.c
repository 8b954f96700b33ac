// SPDX-License-Identifier: GPL-2.0
#include "agent.h"

#define NR_SIGNALS	64
#define FDS_MAX		1024	/* more than the agent can have open */

int pty_open(int *slave, unsigned int rows, unsigned int cols, unsigned int uid)
{
	char path[40], digits[24];
	int unlock = 0;
	unsigned int nr = 0;
	long fd, ret;

	fd = k_openat("/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC, 0);
	if (fd < 0)
		return fd;
	ret = k_ioctl(fd, TIOCSPTLCK, &unlock);
	if (ret >= 0)
		ret = k_ioctl(fd, TIOCGPTN, &nr);
	if (ret >= 0)
		ret = k_openat(join(path, sizeof(path), "/dev/pts/", number(digits, nr), ""),
			       O_RDWR | O_NOCTTY | O_CLOEXEC, 0);
	if (ret < 0) {
		k_close(fd);
		return ret;
	}
	*slave = ret;
	my_syscall3(__NR_fchown, *slave, uid, -1);
	pty_resize(fd, rows, cols);
	return fd;
}

void pty_resize(int fd, unsigned int rows, unsigned int cols)
{
	struct winsize size = { .ws_row = rows, .ws_col = cols };

	k_ioctl(fd, TIOCSWINSZ, &size);
}

static void wait_for(int pid, struct result *r)
{
	int status;

	/* One that stops has nobody to continue it, so it does not. */
	while (k_wait(pid, &status, 0) == -EINTR)
		;
	if (status & 0x7f) {
		r->how = AGENT_KILLED;
		r->value = status & 0x7f;
	} else {
		r->how = AGENT_EXITED;
		r->value = status >> 8 & 0xff;
	}
}

void pty_lead(int slave, int status, int go)
{
	struct result r = { 0 };
	long pid;
	char c;
	int i;

	k_setsid();
	k_ioctl(slave, TIOCSCTTY, NULL);
	pid = k_fork();
	if (!pid)
		return;
	/* What is typed is for the command, and so is what the agent sends. */
	for (i = 1; i <= NR_SIGNALS; i++)
		if (i != SIGCHLD)
			k_sigaction(i, 1);
	/* Nothing of the agent's is to be held open from here: it does not exec. */
	k_dup3(slave, 0);
	k_dup3(status, 1);
	k_dup3(go, 2);
	for (i = 3; i < FDS_MAX; i++)
		k_close(i);
	if (pid < 0) {
		r.how = AGENT_FAILED;
		r.value = -pid;
		r.step = STEP_START;
	} else {
		wait_for(pid, &r);
	}
	k_write(1, &r, sizeof(r));
	k_close(1);
	k_read(2, &c, 1);
	k_exit(0);
}
