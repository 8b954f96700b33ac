// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include <linux/kernel.h>
#include <vmtool/tty.h>

/*
 * The mode to go back to. At file scope because exit() and a fatal signal have
 * no other way to find it; there is one controlling terminal in a process.
 */
static struct termios saved_mode;
static volatile sig_atomic_t saved;

void tty_restore(void)
{
	if (!saved)
		return;
	saved = 0;
	tcsetattr(STDIN_FILENO, TCSANOW, &saved_mode);
}

static void tty_fatal(int sig)
{
	tty_restore();
	/* SA_RESETHAND has brought the default action back. */
	raise(sig);
}

static void catch_fatal(void)
{
	static const int signals[] = {
		SIGSEGV, SIGBUS, SIGABRT, SIGILL, SIGFPE, SIGSYS, SIGTRAP,
		SIGQUIT, SIGALRM, SIGUSR2, SIGXCPU, SIGXFSZ,
	};
	struct sigaction sa = { .sa_handler = tty_fatal, .sa_flags = SA_RESETHAND };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(signals); i++) {
		struct sigaction old;

		/* A sanitizer's handler says more than we could. */
		if (!sigaction(signals[i], NULL, &old) && old.sa_handler == SIG_DFL)
			sigaction(signals[i], &sa, NULL);
	}
}

/* A terminal that is not our controlling one knows no background. */
static bool in_background(void)
{
	pid_t pgrp = tcgetpgrp(STDIN_FILENO);

	return pgrp >= 0 && pgrp != getpgrp();
}

int tty_raw(bool output)
{
	struct termios mode;

	/* In the background a change of the mode would stop us. */
	if (in_background())
		return -EAGAIN;
	if (!saved) {
		if (tcgetattr(STDIN_FILENO, &saved_mode) < 0)
			return -errno;
		saved = 1;
	}
	mode = saved_mode;
	mode.c_iflag &= ~(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
	mode.c_lflag &= ~(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
	if (output)
		mode.c_oflag &= ~OPOST;
	mode.c_cc[VMIN] = 1;
	mode.c_cc[VTIME] = 0;
	return tcsetattr(STDIN_FILENO, TCSANOW, &mode) < 0 ? -errno : 0;
}

void tty_guard(void)
{
	atexit(tty_restore);
	catch_fatal();
}

void tty_forget(void)
{
	saved = 0;
}
