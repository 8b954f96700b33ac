/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TESTS_UNIT_CAPTURE_H
#define TESTS_UNIT_CAPTURE_H

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/*
 * What the code under test says on stderr. Each test of the harness is a
 * process, so its stderr can be replaced.
 */

/**
 * struct capture - stderr, redirected
 * @fd: memfd that receives what is said
 * @saved: the real stderr
 * @text: what was said, after capture_end()
 */
struct capture {
	int fd;
	int saved;
	char text[4096];
};

static inline void capture_begin(struct capture *c)
{
	c->fd = memfd_create("stderr", MFD_CLOEXEC);
	/* Threads may not overwrite each other's lines. */
	fcntl(c->fd, F_SETFL, O_APPEND);
	c->saved = dup(STDERR_FILENO);
	dup2(c->fd, STDERR_FILENO);
}

static inline void capture_end(struct capture *c)
{
	ssize_t n = pread(c->fd, c->text, sizeof(c->text) - 1, 0);

	c->text[n < 0 ? 0 : n] = '\0';
	dup2(c->saved, STDERR_FILENO);
	close(c->saved);
	close(c->fd);
}

/* Is it exactly one message? */
static inline bool capture_one_line(const struct capture *c)
{
	const char *end = strchr(c->text, '\n');

	return !strncmp(c->text, "vmtool: ", 8) && end && !end[1];
}

#endif /* TESTS_UNIT_CAPTURE_H */
