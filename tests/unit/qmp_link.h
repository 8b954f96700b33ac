/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TESTS_QMP_LINK_H
#define TESTS_QMP_LINK_H

/*
 * The plainest of clients: it sends any bytes and reads lines. The guest is
 * always called "g".
 */
#include <poll.h>
#include <sys/socket.h>

#include "fake_guest.h"

#define WAIT_MS		5000

/* A raw connection: bytes out, lines in. */
struct link {
	int fd;
	char *buf;
	size_t len;
	size_t size;
};

static inline bool dial(struct link *l)
{
	pid_t pid;

	memset(l, 0, sizeof(*l));
	l->fd = control_connect("g", &pid);
	return l->fd >= 0;
}

static inline void hang(struct link *l)
{
	close(l->fd);
	free(l->buf);
	memset(l, 0, sizeof(*l));
	l->fd = -1;
}

/* Room, then bytes; 1 for some, 0 at the end, -1 when nothing comes. */
static inline int fill(struct link *l, int ms)
{
	struct pollfd pfd = { .fd = l->fd, .events = POLLIN };
	ssize_t n;

	if (l->size - l->len < 65536) {
		l->size += 1 << 20;
		l->buf = realloc(l->buf, l->size);
	}
	if (poll(&pfd, 1, ms) <= 0)
		return -1;
	n = recv(l->fd, l->buf + l->len, l->size - l->len, 0);
	if (n <= 0)
		return 0;
	l->len += n;
	return 1;
}

static inline bool at_end(struct link *l)
{
	int ret;

	do {
		l->len = 0;
		ret = fill(l, WAIT_MS);
	} while (ret > 0);
	return !ret;
}

static inline json_t *hear(struct link *l)
{
	char *end;
	json_t *msg;

	while (!l->len || !(end = memchr(l->buf, '\n', l->len)))
		if (fill(l, WAIT_MS) <= 0)
			return NULL;
	msg = json_loadb(l->buf, end - l->buf, 0, NULL);
	l->len -= end + 1 - l->buf;
	memmove(l->buf, end + 1, l->len);
	return msg;
}

static inline bool say_bytes(struct link *l, const char *buf, size_t len)
{
	struct pollfd pfd = { .fd = l->fd, .events = POLLOUT };

	while (len) {
		ssize_t n = send(l->fd, buf, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EAGAIN && poll(&pfd, 1, WAIT_MS) == 1)
			continue;
		if (n < 0)
			return false;
		buf += n;
		len -= n;
	}
	return true;
}

static inline bool say(struct link *l, const char *line)
{
	return say_bytes(l, line, strlen(line)) && say_bytes(l, "\n", 1);
}

/* The next message that is no event. */
static inline json_t *reply(struct link *l)
{
	json_t *msg;

	for (;;) {
		msg = hear(l);
		if (!msg || !json_object_get(msg, "event"))
			return msg;
		json_decref(msg);
	}
}

static inline json_t *ask(struct link *l, const char *line)
{
	return say(l, line) ? reply(l) : NULL;
}

static inline bool say_command(struct link *l, const char *command, const char *args)
{
	char line[512];

	snprintf(line, sizeof(line), "{\"execute\":\"%s\",\"arguments\":%s}", command, args);
	return say(l, line);
}

static inline json_t *ask_command(struct link *l, const char *command, const char *args)
{
	return say_command(l, command, args) ? reply(l) : NULL;
}

static inline const char *text_at(json_t *msg, const char *a, const char *b)
{
	return json_string_value(json_object_get(json_object_get(msg, a), b)) ?: "";
}

#define ERROR_CLASS(msg)	text_at(msg, "error", "class")

/* In command mode. */
static inline bool dial_in(struct link *l)
{
	json_t *msg;
	bool ok;

	if (!dial(l))
		return false;
	msg = hear(l);
	ok = json_object_get(msg, "QMP");
	json_decref(msg);
	msg = ok ? ask(l, "{\"execute\":\"qmp_capabilities\"}") : NULL;
	ok = json_is_object(json_object_get(msg, "return"));
	json_decref(msg);
	return ok;
}

static inline bool still_serves(void)
{
	struct link l;
	bool ok = dial_in(&l);

	hang(&l);
	return ok;
}

/* The next message, which must be this event. */
static inline json_t *event(struct link *l, const char *name)
{
	json_t *msg = hear(l);
	const char *got = json_string_value(json_object_get(msg, "event"));

	if (got && !strcmp(got, name))
		return msg;
	json_decref(msg);
	return NULL;
}

#endif /* TESTS_QMP_LINK_H */
