// SPDX-License-Identifier: GPL-2.0
/*
 * The agent: frames from and to the host, a loop around poll().
 */
#include "agent.h"

#define RETRY_MS	20
#define PORT_TRIES	500	/* the driver may still be at work: 10 s */
#define GOODBYE_TRIES	500
#define CHILDREN_MS	50	/* without signalfd() they are looked for */
#define POLL_MAX	(2 + 4 * AGENT_SESSIONS_MAX)
#define CHILD_SIGNAL	(1UL << (SIGCHLD - 1))
#define PIPE_SIGNAL	(1UL << (SIGPIPE - 1))

/**
 * struct waiting - what poll() waits for
 * @fds: descriptors
 * @nr: how many
 */
struct waiting {
	struct pollfd fds[POLL_MAX];
	unsigned int nr;
};

/* --- the port ----------------------------------------------------------------------- */

static int is_named(const char *port, const char *name)
{
	char path[PATH_SIZE], text[80];
	char *end;

	join(path, sizeof(path), "/sys/class/virtio-ports/", port, "/name");
	if (slurp(path, text, sizeof(text)) <= 0)
		return 0;
	end = strchr(text, '\n');
	if (end)
		*end = '\0';
	return !strcmp(text, name);
}

struct entry {
	unsigned long long ino;
	long long off;
	unsigned short len;
	unsigned char type;
	char name[];
};

/* The port's device in /dev, or -ENOENT. */
static int find_port(const char *name)
{
	_Alignas(8) char buf[2048], path[PATH_SIZE];
	long fd, n, at, ret = -ENOENT;

	fd = k_openat("/sys/class/virtio-ports", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	if (fd < 0)
		return fd;
	while (ret < 0 && (n = k_getdents(fd, buf, sizeof(buf))) > 0) {
		for (at = 0; at < n && ret < 0; ) {
			const struct entry *e = (void *)(buf + at);

			at += e->len;
			if (e->name[0] == '.' || !is_named(e->name, name))
				continue;
			join(path, sizeof(path), "/dev/", e->name, "");
			ret = k_openat(path, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOCTTY, 0);
		}
	}
	k_close(fd);
	return ret;
}

static int open_port(const char *name)
{
	int i, fd = -ENOENT;

	for (i = 0; i < PORT_TRIES; i++) {
		fd = find_port(name);
		if (fd >= 0)
			break;
		k_poll(NULL, 0, RETRY_MS);
	}
	return fd;
}

char *agent_room(struct agent *a, unsigned int *room)
{
	unsigned int used = a->out_len + sizeof(struct agent_head);

	*room = used < OUT_SIZE ? OUT_SIZE - used : 0;
	if (*room > AGENT_PAYLOAD_MAX)
		*room = AGENT_PAYLOAD_MAX;
	return a->out + used;
}

int agent_put(struct agent *a, const struct session *s, int type, int stream,
	      const void *data, unsigned int len)
{
	struct agent_head head = {
		.session = LE32(s ? s->id : 0), .type = type, .stream = stream,
		.len = LE32(len),
	};
	unsigned int room;
	char *at = agent_room(a, &room);

	if (a->out_len + sizeof(head) > OUT_SIZE || room < len) {
		a->refused = 1;
		return 0;
	}
	memcpy(a->out + a->out_len, &head, sizeof(head));
	if (data)
		memcpy(at, data, len);
	a->out_len += sizeof(head) + len;
	return 1;
}

static void flush(struct agent *a)
{
	long n;

	while (a->out_len) {
		n = k_write(a->port, a->out, a->out_len);
		if (n <= 0)
			return;
		a->out_len -= n;
		memmove(a->out, a->out + n, a->out_len);
	}
}

static void host_frame(struct agent *a, const struct agent_head *head, const char *data)
{
	if (head->type == AGENT_POWEROFF)
		a->done = 1;
	else if (head->session)
		session_frame(a, LE32(head->session), head, data);
}

/* Frames are looked at as soon as they are whole; returns 0 at the end. */
static int receive(struct agent *a)
{
	struct agent_head head;
	unsigned int want;
	long n;

	for (;;) {
		want = sizeof(head);
		if (a->in_len >= sizeof(head)) {
			memcpy(&head, a->in, sizeof(head));
			if (LE32(head.len) > AGENT_PAYLOAD_MAX) {
				say("the host sends what is no frame", NULL, -EINVAL);
				return 0;
			}
			want += LE32(head.len);
			if (a->in_len == want) {
				host_frame(a, &head, a->in + sizeof(head));
				a->in_len = 0;
				if (a->done)
					return 0;
				continue;
			}
		}
		n = k_read(a->port, a->in + a->in_len, want - a->in_len);
		if (n == -EAGAIN || n == -EINTR)
			return 1;
		if (n <= 0) {
			/* The host's side may not be open yet. */
			if (a->connected && n < 0)
				return 0;
			k_poll(NULL, 0, RETRY_MS);
			return 1;
		}
		a->connected = 1;
		a->in_len += n;
	}
}

/* --- processes ---------------------------------------------------------------------- */

static void reap(struct agent *a)
{
	char buf[128];
	int status;
	long pid;
	unsigned int i;

	if (a->signals >= 0)
		while (k_read(a->signals, buf, sizeof(buf)) > 0)
			;
	while ((pid = k_wait(-1, &status, WNOHANG)) > 0)
		for (i = 0; i < AGENT_SESSIONS_MAX; i++)
			if (a->sessions[i].state != SESSION_FREE && a->sessions[i].pid == pid)
				session_reaped(&a->sessions[i], status);
}

/* --- the loop ----------------------------------------------------------------------- */

static void wait_fd(struct waiting *w, int fd, int events)
{
	if (fd < 0)
		return;
	w->fds[w->nr].fd = fd;
	w->fds[w->nr].events = events;
	w->fds[w->nr].revents = 0;
	w->nr++;
}

static void wait_session(const struct agent *a, const struct session *s, struct waiting *w)
{
	int i, room = a->out_len < OUT_SIZE / 2;

	/* Also without anything to write: a pipe that nobody reads is an error. */
	wait_fd(w, s->in_fd, s->in_head != s->in_tail ? POLLOUT : 0);
	wait_fd(w, s->status_fd, POLLIN);
	for (i = 0; i < 2; i++)
		if (s->out[i].credit && room)
			wait_fd(w, s->out[i].fd, POLLIN);
}

static void stdin_unread(struct agent *a, int fd)
{
	unsigned int i;

	for (i = 0; i < AGENT_SESSIONS_MAX; i++)
		if (a->sessions[i].state != SESSION_FREE && a->sessions[i].in_fd == fd)
			session_unread(&a->sessions[i]);
}

static void wait_all(struct agent *a)
{
	struct waiting w;
	unsigned int i;
	long ms;

	w.nr = 0;
	wait_fd(&w, a->port, POLLIN | (a->out_len ? POLLOUT : 0));
	wait_fd(&w, a->signals, POLLIN);
	for (i = 0; i < AGENT_SESSIONS_MAX; i++)
		if (a->sessions[i].state != SESSION_FREE)
			wait_session(a, &a->sessions[i], &w);
	/* What had no room has some now. */
	ms = a->refused && !a->out_len ? 0 : a->signals < 0 ? CHILDREN_MS : -1;
	k_poll(w.fds, w.nr, ms);
	for (i = 0; i < w.nr; i++)
		if (w.fds[i].revents & POLLERR && !(w.fds[i].events & POLLIN))
			stdin_unread(a, w.fds[i].fd);
}

static void serve(struct agent *a)
{
	unsigned int i;

	while (receive(a)) {
		a->refused = 0;
		reap(a);
		for (i = 0; i < AGENT_SESSIONS_MAX; i++) {
			struct session *s = &a->sessions[(a->turn + i) % AGENT_SESSIONS_MAX];

			if (s->state == SESSION_FREE)
				continue;
			session_check(s);
			session_feed(s);
			session_send(a, s);
		}
		a->turn++;
		flush(a);
		wait_all(a);
	}
}

/* Until the host says that it has read it, or is not there. */
static void tell_failure(struct agent *a, const char *why)
{
	int i;

	agent_put(a, NULL, AGENT_FATAL, 0, why, strlen(why));
	for (i = 0; i < GOODBYE_TRIES && receive(a); i++) {
		flush(a);
		k_poll(NULL, 0, RETRY_MS);
	}
}

int agent_serve(int port, const char *failed)
{
	struct agent *a = k_alloc(sizeof(*a));
	__le32 version = LE32(AGENT_VERSION);

	if (!a)
		return -ENOMEM;
	a->port = port;
	/*
	 * Of the first process they may stay blocked: it needs none. A command that does
	 * not read what was on its way to it must not end its parent.
	 */
	k_sigmask(CHILD_SIGNAL | PIPE_SIGNAL);
	a->signals = k_signalfd(CHILD_SIGNAL);
	agent_put(a, NULL, AGENT_HELLO, 0, &version, sizeof(version));
	if (failed)
		tell_failure(a, failed);
	else
		serve(a);
	return 0;
}

int agent_run(const char *name, const char *failed)
{
	long fd;

	/* Nothing of ours is to be 0, 1 or 2: see spawn.c. */
	do {
		fd = k_openat("/dev/null", O_RDWR, 0);
	} while (fd >= 0 && fd <= 2);
	k_close(fd);
	fd = open_port(name);
	if (fd < 0) {
		say("cannot open the port", name, fd);
		return fd;
	}
	return agent_serve(fd, failed);
}
