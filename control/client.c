// SPDX-License-Identifier: GPL-2.0
/*
 * The other end of the control socket, as vmtool's own commands use it.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include <linux/kernel.h>
#include <vmtool/qmp_client.h>

#include "internal.h"

#define NEGOTIATION_ID	0

u64 qmp_deadline(unsigned int ms)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ULL + ts.tv_nsec / 1000000 + ms;
}

int qmp_client_open(struct qmp_client *c, const char *name)
{
	memset(c, 0, sizeof(*c));
	c->fd = control_connect(name, &c->pid);
	return c->fd < 0 ? c->fd : 0;
}

void qmp_client_close(struct qmp_client *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	free(c->buf);
	c->buf = NULL;
}

static int fail(struct qmp_error *err, int ret)
{
	switch (ret) {
	case -ETIMEDOUT:
		qmp_error_set(err, NULL, "it does not answer");
		break;
	case -EPIPE:
		qmp_error_set(err, NULL, "it hung up");
		break;
	case -EPROTO:
		qmp_error_set(err, NULL, "it does not speak QMP");
		break;
	default:
		qmp_error_set(err, NULL, "%s", strerror(-ret));
	}
	return ret;
}

/* 0 when @fd is ready, -ETIMEDOUT. */
static int wait_fd(int fd, short events, u64 deadline)
{
	struct pollfd pfd = { .fd = fd, .events = events };

	for (;;) {
		u64 now = qmp_deadline(0);
		u64 left = deadline > now ? deadline - now : 0;
		int n = poll(&pfd, 1, left < INT_MAX ? (int)left : INT_MAX);

		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return -errno;
		if (!n && left < INT_MAX)
			return -ETIMEDOUT;
	}
}

static int send_all(int fd, const char *buf, size_t len, u64 deadline)
{
	while (len) {
		ssize_t n = send(fd, buf, len, MSG_NOSIGNAL);

		if (n >= 0) {
			buf += n;
			len -= n;
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno == ECONNRESET)
			return -EPIPE;
		if (errno != EAGAIN)
			return -errno;
		n = wait_fd(fd, POLLOUT, deadline);
		if (n)
			return n;
	}
	return 0;
}

static int send_request(struct qmp_client *c, const char *command, json_t *args,
			unsigned int id)
{
	json_t *msg = json_pack("{s:s, s:O*, s:i}", "execute", command, "arguments", args,
				"id", id);
	char *text = msg ? json_dumps(msg, JSON_COMPACT) : NULL;
	size_t len = text ? strlen(text) : 0;
	int ret = -ENOMEM;

	if (text) {
		text[len] = '\n';
		ret = send_all(c->fd, text, len + 1, qmp_deadline(QMP_TIMEOUT_MS));
	}
	free(text);
	json_decref(msg);
	return ret;
}

int qmp_client_send(struct qmp_client *c, const char *command, json_t *args,
		    struct qmp_error *err)
{
	int ret = 0;

	/* The negotiation cannot fail but by its answer: do not wait for that. */
	if (!c->sent)
		ret = send_request(c, "qmp_capabilities", NULL, NEGOTIATION_ID);
	if (!ret)
		ret = send_request(c, command, args, ++c->sent);
	return ret ? fail(err, ret) : 0;
}

/* More bytes from the guest: 0, -EPIPE at the end, -ETIMEDOUT... */
static int receive_more(struct qmp_client *c, u64 deadline)
{
	ssize_t n;
	int ret;

	if (c->size - c->len < 4096) {
		size_t size = c->size ? c->size * 2 : 8192;
		char *buf = size <= 2 * QMP_MESSAGE_MAX ? realloc(c->buf, size) : NULL;

		if (!buf)
			return -EPROTO;
		c->buf = buf;
		c->size = size;
	}
	ret = wait_fd(c->fd, POLLIN, deadline);
	if (ret)
		return ret;
	n = recv(c->fd, c->buf + c->len, c->size - c->len, 0);
	if (n > 0)
		c->len += n;
	else if (!n || errno == ECONNRESET)
		return -EPIPE;
	else if (errno != EAGAIN && errno != EINTR)
		return -errno;
	return 0;
}

/* The next message, whatever it is. */
static int receive_message(struct qmp_client *c, u64 deadline, json_t **msg)
{
	char *end;
	int ret;

	for (;;) {
		end = c->len ? memchr(c->buf, '\n', c->len) : NULL;
		if (end)
			break;
		if (c->len > QMP_MESSAGE_MAX)
			return -EPROTO;
		ret = receive_more(c, deadline);
		if (ret)
			return ret;
	}
	*msg = json_loadb(c->buf, end - c->buf, JSON_REJECT_DUPLICATES, NULL);
	c->len -= end + 1 - c->buf;
	memmove(c->buf, end + 1, c->len);
	if (!json_is_object(*msg)) {
		json_decref(*msg);
		return -EPROTO;
	}
	return 0;
}

/*
 * A guest that talks all the time does not stop the clock. What came in time is
 * heard, even when somebody else's silence used the time up.
 */
static bool is_late(const struct qmp_client *c, u64 deadline)
{
	return qmp_deadline(0) > deadline && !(c->len && memchr(c->buf, '\n', c->len));
}

static const char *event_of(struct qmp_client *c, const json_t *msg)
{
	const char *event = json_string_value(json_object_get(msg, "event"));

	if (event && !strcmp(event, "SHUTDOWN"))
		c->ended = true;
	return event;
}

/* What an "error" member says, or why there should have been one. */
static int refused(const json_t *msg, struct qmp_error *err)
{
	const char *desc = json_string_value(json_object_get(json_object_get(msg, "error"),
							     "desc"));

	if (!desc)
		return fail(err, -EPROTO);
	qmp_error_set(err, NULL, "%s", *desc ? desc : "it gives no reason");
	return -EREMOTEIO;
}

/* 1 when @msg is the answer to the last request, 0 when it is not. */
static int handle_message(struct qmp_client *c, json_t *msg, json_t **ret,
			  struct qmp_error *err)
{
	json_t *id = json_object_get(msg, "id");
	json_t *value = json_object_get(msg, "return");

	if (!c->greeted) {
		c->greeted = json_object_get(msg, "QMP");
		return c->greeted ? 0 : refused(msg, err);
	}
	if (event_of(c, msg))
		return 0;
	if (!json_is_integer(id))
		return refused(msg, err);
	if (json_integer_value(id) != c->sent)
		return value ? 0 : refused(msg, err);
	if (!value)
		return refused(msg, err);
	if (ret)
		*ret = json_incref(value);
	return 1;
}

int qmp_client_receive(struct qmp_client *c, u64 deadline, json_t **ret,
		       struct qmp_error *err)
{
	json_t *msg;
	int r;

	do {
		r = receive_message(c, deadline, &msg);
		if (r)
			return fail(err, r);
		r = handle_message(c, msg, ret, err);
		json_decref(msg);
		if (!r && is_late(c, deadline))
			return fail(err, -ETIMEDOUT);
	} while (!r);
	return r < 0 ? r : 0;
}

int qmp_client_execute(struct qmp_client *c, const char *command, json_t *args,
		       unsigned int ms, json_t **ret, struct qmp_error *err)
{
	u64 deadline = qmp_deadline(ms);
	int r = qmp_client_send(c, command, args, err);

	if (!r)
		r = qmp_client_receive(c, deadline, ret, err);
	if (r == -ETIMEDOUT)
		qmp_error_set(err, NULL, "no answer within %u s", ms / 1000);
	return r;
}

int qmp_client_wait_event(struct qmp_client *c, const char *event, u64 deadline)
{
	const char *name;
	json_t *msg;
	int ret;

	do {
		ret = receive_message(c, deadline, &msg);
		if (ret)
			return ret;
		name = event_of(c, msg);
		ret = event && name && !strcmp(name, event);
		json_decref(msg);
		if (!ret && is_late(c, deadline))
			return -ETIMEDOUT;
	} while (!ret);
	return 0;
}

const char *qmp_member_text(const json_t *object, const char *member, char *buf,
			    size_t size)
{
	const char *text = json_string_value(json_object_get(object, member));

	if (!text)
		return NULL;
	snprintf(buf, size, "%s", text);
	text_clean(buf);
	return buf;
}
