// SPDX-License-Identifier: GPL-2.0
/*
 * One client. Input is taken in small pieces and handled line by line; output
 * is queued and sent when the socket takes it. A client that does not read its
 * answers is not asked for more requests; one that sends what is no request is
 * told so, once, and loses its connection.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <jansson.h>

#include <linux/kernel.h>

#include "internal.h"

/* Read at a time: other clients and the guest's console get their turn. */
#define CHUNK	4096

static void conn_read(struct control_conn *conn)
{
	char buf[CHUNK];
	ssize_t n = recv(conn->src.fd, buf, sizeof(buf), MSG_DONTWAIT);

	if (n > 0)
		control_conn_input(conn, buf, n);
	else if (!n)
		conn->eof = true;
	else if (errno != EAGAIN && errno != EINTR)
		conn->dead = true;
}

static void conn_ready(struct ev_source *src, u32 events)
{
	struct control_conn *conn = container_of(src, struct control_conn, src);

	conn->srv->busy = conn;
	if (conn->out.len)
		control_conn_flush(conn);
	if (!conn->dead && (conn->events & EPOLLIN) && (events & ~EPOLLOUT))
		conn_read(conn);
	control_conn_process(conn);
	conn->srv->busy = NULL;
	control_conn_update(conn);
}

static int greet(struct control_conn *conn)
{
	json_t *msg = json_pack("{s:{s:o, s:[]}}", "QMP", "version",
				control_version(conn->srv->info), "capabilities");

	if (!msg)
		return -ENOMEM;
	control_conn_send(conn, msg);
	json_decref(msg);
	control_conn_flush(conn);
	return 0;
}

int control_conn_open(struct control_server *srv, int fd)
{
	struct control_conn *conn = calloc(1, sizeof(*conn));
	int ret;

	if (!conn) {
		close(fd);
		return -ENOMEM;
	}
	conn->srv = srv;
	conn->src.fd = fd;
	conn->src.fn = conn_ready;
	list_add_tail(&conn->node, &srv->conns);
	srv->nr_conns++;
	ret = ev_add(srv->loop, &conn->src, 0);
	if (!ret)
		ret = greet(conn);
	if (ret)
		control_conn_close(conn);
	else
		control_conn_update(conn);
	return ret;
}

void control_conn_close(struct control_conn *conn)
{
	struct control_server *srv = conn->srv;

	ev_del(srv->loop, &conn->src);
	close(conn->src.fd);
	list_del(&conn->node);
	srv->nr_conns--;
	/* There is a place again for who waits. */
	if (srv->listener.armed)
		control_listen(srv);
	free(conn->in.data);
	free(conn->out.data);
	free(conn);
}

void control_conn_send(struct control_conn *conn, const json_t *msg)
{
	char *text = json_dumps(msg, JSON_COMPACT | JSON_ENSURE_ASCII);
	size_t len = text ? strlen(text) : 0;
	char *room = NULL;

	if (text && conn->out.len + len + 2 <= CONTROL_OUT_MAX)
		room = bytes_room(&conn->out, len + 2);
	if (room) {
		memcpy(room, text, len);
		memcpy(room + len, "\r\n", 2);
		conn->out.len += len + 2;
	} else {
		conn->dead = true;
	}
	free(text);
}

void control_conn_flush(struct control_conn *conn)
{
	while (conn->out.len) {
		ssize_t n = send(conn->src.fd, conn->out.data + conn->out.start,
				 conn->out.len, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n >= 0) {
			bytes_drop(&conn->out, n);
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			conn->dead = true;
		return;
	}
}

void control_conn_input(struct control_conn *conn, const char *buf, size_t len)
{
	char *room = bytes_room(&conn->in, len);

	if (!room) {
		conn->dead = true;
		return;
	}
	memcpy(room, buf, len);
	conn->in.len += len;
}

static bool is_blank(const char *line, size_t len)
{
	while (len && strchr(" \t\r", line[len - 1]) && line[len - 1])
		len--;
	return !len;
}

/* Nothing more is wanted from it; the connection ends with the last answer. */
static void hang_up(struct control_conn *conn)
{
	bytes_drop(&conn->in, conn->in.len);
	conn->eof = true;
}

static void too_long(struct control_conn *conn)
{
	struct qmp_error err = { };
	json_t *msg;

	qmp_error_set(&err, NULL, "a request must not be longer than %d bytes",
		      CONTROL_LINE_MAX);
	msg = control_error(&err);
	control_conn_send(conn, msg);
	json_decref(msg);
	hang_up(conn);
}

/* False when the client has to go. */
static bool handle_line(struct control_conn *conn, const char *line, size_t len)
{
	bool fatal;
	json_t *reply;

	if (is_blank(line, len))
		return true;
	reply = control_reply(conn->srv, conn, line, len, &fatal);
	control_conn_send(conn, reply);
	json_decref(reply);
	return !fatal;
}

/* Take one line off the input; false when none is complete. */
static bool process_one(struct control_conn *conn)
{
	size_t len = conn->in.len;
	const char *start, *end = NULL;

	if (!len)
		return false;
	start = conn->in.data + conn->in.start;
	if (conn->scanned < len)
		end = memchr(start + conn->scanned, '\n', len - conn->scanned);
	if (end)
		len = end - start;
	if (len > CONTROL_LINE_MAX) {
		too_long(conn);
		return false;
	}
	if (!end && !conn->eof) {
		conn->scanned = len;
		return false;
	}
	conn->scanned = 0;
	if (!handle_line(conn, start, len)) {
		hang_up(conn);
		return false;
	}
	bytes_drop(&conn->in, end ? len + 1 : len);
	return true;
}

void control_conn_process(struct control_conn *conn)
{
	do {
		while (!conn->dead && conn->out.len < CONTROL_OUT_HIGH && process_one(conn))
			;
		if (conn->dead || conn->out.len < CONTROL_OUT_HIGH)
			break;
		control_conn_flush(conn);
	} while (conn->out.len < CONTROL_OUT_HIGH);
	if (!conn->dead)
		control_conn_flush(conn);
}

void control_conn_update(struct control_conn *conn)
{
	u32 events = 0;

	if (conn->eof && !conn->out.len)
		conn->dead = true;
	if (conn->dead) {
		control_conn_close(conn);
		return;
	}
	if (!conn->eof && conn->out.len < CONTROL_OUT_HIGH)
		events |= EPOLLIN;
	if (conn->out.len)
		events |= EPOLLOUT;
	if (events == conn->events)
		return;
	conn->events = events;
	ev_mod(conn->srv->loop, &conn->src, events);
}
