// SPDX-License-Identifier: GPL-2.0
/*
 * From OPEN to a process.
 */
#include "agent.h"

#define DEFAULT_PATH	"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/**
 * struct command - OPEN, taken apart
 * @open: its head
 * @flags: AGENT_OPEN_*
 * @nr_groups: further groups
 * @nr_args: arguments
 * @nr_env: variables
 * @groups: further groups
 * @cwd: directory
 * @argv: arguments, NULL at the end
 * @env: environment, NULL at the end
 * @vectors: bytes of both
 */
struct command {
	const struct agent_open *open;
	unsigned int flags;
	unsigned int nr_groups;
	unsigned int nr_args;
	unsigned int nr_env;
	unsigned int groups[AGENT_GROUPS_MAX];
	char *cwd;
	char **argv;
	char **env;
	size_t vectors;
};

/* The command's ends of its streams; -1 where there is none. */
struct ends {
	int fd[3];
	int status;
	int go;
};

/* The string at @*at, which is moved behind it; NULL where there is none. */
static char *take_string(char **at, const char *end)
{
	char *s = *at, *p;

	for (p = s; p < end; p++) {
		if (*p)
			continue;
		*at = p + 1;
		return s;
	}
	return NULL;
}

static int take_strings(char **v, unsigned int nr, char **at, const char *end)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		v[i] = take_string(at, end);
		if (!v[i])
			return -EINVAL;
	}
	v[nr] = NULL;
	return 0;
}

static int parse_open(const struct session *s, struct command *c)
{
	char *at = s->open + sizeof(*c->open), *end = s->open + s->open_len;
	unsigned int i;
	__le32 group;

	if (at > end)
		return -EINVAL;
	c->open = (void *)s->open;
	c->flags = LE32(c->open->flags);
	c->nr_groups = LE32(c->open->nr_groups);
	c->nr_args = LE32(c->open->nr_args);
	c->nr_env = LE32(c->open->nr_env);
	if (c->nr_groups > AGENT_GROUPS_MAX || !c->nr_args || c->nr_args > AGENT_OPEN_MAX ||
	    c->nr_env > AGENT_OPEN_MAX)
		return -EINVAL;
	for (i = 0; i < c->nr_groups && at + 4 <= end; i++, at += 4) {
		memcpy(&group, at, sizeof(group));
		c->groups[i] = LE32(group);
	}
	c->cwd = at < end ? take_string(&at, end) : NULL;
	if (!c->cwd)
		return -EINVAL;
	c->vectors = (c->nr_args + c->nr_env + 2) * sizeof(char *);
	c->argv = k_alloc(c->vectors);
	if (!c->argv)
		return -ENOMEM;
	c->env = c->argv + c->nr_args + 1;
	if (take_strings(c->argv, c->nr_args, &at, end) ||
	    take_strings(c->env, c->nr_env, &at, end)) {
		k_free(c->argv, c->vectors);
		return -EINVAL;
	}
	return 0;
}

/* --- in the child ------------------------------------------------------------------- */

static const char *search_path(char *const *env)
{
	for (; *env; env++)
		if (!strncmp(*env, "PATH=", 5))
			return *env + 5;
	return DEFAULT_PATH;
}

/* What has no magic number is for the shell. */
static long run_file(const char *path, const struct command *c)
{
	long ret = k_execve(path, c->argv, c->env);
	unsigned int i, nr = c->nr_args;
	const char **argv;

	if (ret != -ENOEXEC)
		return ret;
	argv = k_alloc((nr + 2) * sizeof(*argv));
	if (!argv)
		return ret;
	argv[0] = "sh";
	argv[1] = path;
	for (i = 1; i <= nr; i++)
		argv[i + 1] = c->argv[i];
	k_execve("/bin/sh", (char *const *)argv, c->env);
	return ret;
}

static long run_command(const struct command *c)
{
	const char *name = c->argv[0], *dir = search_path(c->env);
	char path[PATH_SIZE];
	long ret, worst = -ENOENT;

	if (!*name || strchr(name, '/'))
		return run_file(name, c);
	while (*dir) {
		const char *end = dir;
		size_t n;

		while (*end && *end != ':')
			end++;
		n = end - dir;
		if (n && n < sizeof(path) - 1) {
			memcpy(path, dir, n);
			path[n++] = '/';
			join(path + n, sizeof(path) - n, name, "", "");
			ret = run_file(path, c);
			if (ret != -ENOENT && ret != -ENOTDIR)
				worst = ret;
		}
		dir = *end ? end + 1 : end;
	}
	return worst;
}

static long become(const struct command *c)
{
	long ret;

	ret = my_syscall2(__NR_setgroups, c->nr_groups, c->groups);
	ret = ret ?: my_syscall1(__NR_setgid, LE32(c->open->gid));
	return ret ?: my_syscall1(__NR_setuid, LE32(c->open->uid));
}

static long enter(const struct command *c)
{
	long ret = k_chdir(c->cwd);

	if (ret && (c->flags & AGENT_OPEN_ANY_CWD))
		ret = k_chdir("/");
	return ret;
}

/* Onto 0, 1 and 2: none of the ends is one of them, see open_ends(). */
static long place(const struct ends *e)
{
	long ret = 0;
	int i;

	for (i = 0; i < 3 && ret >= 0; i++)
		ret = k_dup3(e->fd[i], i);
	return ret < 0 ? ret : 0;
}

static _Noreturn void child(const struct command *c, const struct ends *e, int tty)
{
	struct result r = { .how = AGENT_FAILED };
	long ret;

	if (tty)
		pty_lead(e->fd[0], e->status, e->go);
	else
		k_setsid();
	r.step = STEP_START;
	ret = place(e);
	if (!ret) {
		r.step = STEP_USER;
		ret = become(c);
	}
	if (!ret) {
		r.step = STEP_DIR;
		ret = enter(c);
	}
	if (!ret) {
		r.step = STEP_RUN;
		k_sigmask(0);
		ret = run_command(c);
	}
	r.value = -ret;
	k_write(e->status, &r, sizeof(r));
	k_exit(127);
}

/* --- in the agent ------------------------------------------------------------------- */

static void unblock(int fd)
{
	k_fcntl(fd, F_SETFL, k_fcntl(fd, F_GETFL, 0) | O_NONBLOCK);
}

static int make_pipe(int *ours, int *theirs, int reads)
{
	int fds[2];
	long ret = k_pipe(fds);

	if (ret)
		return ret;
	*ours = fds[!reads];
	*theirs = fds[reads];
	unblock(*ours);
	return 0;
}

static int open_tty(struct session *s, const struct command *c, struct ends *e)
{
	int slave = -1, fd;

	fd = pty_open(&slave, LE16(c->open->rows), LE16(c->open->cols), LE32(c->open->uid));
	if (fd < 0)
		return fd;
	unblock(fd);
	e->fd[0] = slave;
	e->fd[1] = slave;
	s->out[0].fd = fd;
	s->in_fd = k_fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (c->flags & AGENT_OPEN_STDERR)
		return make_pipe(&s->out[1].fd, &e->fd[2], 1);
	e->fd[2] = slave;
	return 0;
}

static int open_ends(struct session *s, const struct command *c, struct ends *e)
{
	int ret = make_pipe(&s->status_fd, &e->status, 1);

	if (ret)
		return ret;
	s->tty = c->flags & AGENT_OPEN_TTY;
	if (s->tty) {
		ret = make_pipe(&s->go_fd, &e->go, 0);
		return ret ?: open_tty(s, c, e);
	}
	ret = make_pipe(&s->in_fd, &e->fd[0], 0);
	ret = ret ?: make_pipe(&s->out[0].fd, &e->fd[1], 1);
	return ret ?: make_pipe(&s->out[1].fd, &e->fd[2], 1);
}

static void close_ends(const struct ends *e)
{
	int i;

	for (i = 0; i < 3; i++)
		if (e->fd[i] >= 0 && (!i || e->fd[i] != e->fd[0]))
			k_close(e->fd[i]);
	if (e->status >= 0)
		k_close(e->status);
	if (e->go >= 0)
		k_close(e->go);
}

int session_spawn(struct session *s)
{
	struct ends e = { { -1, -1, -1 }, -1, -1 };
	struct command c;
	long ret = parse_open(s, &c);

	if (ret)
		return ret;
	s->in = k_alloc(AGENT_WINDOW);
	ret = s->in ? open_ends(s, &c, &e) : -ENOMEM;
	if (!ret) {
		ret = k_fork();
		if (!ret)
			child(&c, &e, s->tty);
	}
	close_ends(&e);
	k_free(c.argv, c.vectors);
	if (ret < 0)
		return ret;
	s->pid = ret;
	s->state = SESSION_RUNNING;
	return 0;
}
