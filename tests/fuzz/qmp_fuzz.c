// SPDX-License-Identifier: GPL-2.0
/*
 * Feeds bytes to a connection of the control server, as a client would: through
 * a socket, in pieces. The first byte chooses the size of the pieces ('0' to
 * '3'), the second whether the connection is in command mode already ('N').
 *
 * Every message that comes back must be what QMP allows, and there must be as
 * many answers as requests were made.
 */
#include <fcntl.h>
#include <sys/socket.h>

#include "fuzz.h"
#include "../unit/fake_guest.h"
#include "../../control/internal.h"

#define NEGOTIATE	"{\"execute\":\"qmp_capabilities\"}\n"

static struct fake_guest guest;

struct client {
	int fd;
	char *buf;
	size_t len;
	size_t size;
	unsigned int greetings;
	unsigned int answers;
	unsigned int events;
};

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	log_set_level(LOG_ERROR - 1);
	CHECK(!fake_guest_init(&guest, "fuzz"));
	/* Nobody connects to it: connections are made by hand. */
	CHECK(!control_server_init(&guest.server, &guest.loop, &guest.info, &guest.reg, fd));
	return 0;
}

static void check_error(const json_t *error)
{
	json_t *class = json_object_get(error, "class");
	json_t *desc = json_object_get(error, "desc");

	CHECK(json_string_length(class) && json_string_length(desc));
}

static void check_message(struct client *c, const char *line, size_t len)
{
	json_t *msg = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);

	CHECK(json_is_object(msg));
	if (json_object_get(msg, "QMP")) {
		CHECK(!c->greetings++ && !c->answers && !c->events);
	} else if (json_object_get(msg, "event")) {
		CHECK(c->answers && json_is_object(json_object_get(msg, "timestamp")));
		c->events++;
	} else if (json_object_get(msg, "error")) {
		CHECK(!json_object_get(msg, "return"));
		check_error(json_object_get(msg, "error"));
		c->answers++;
	} else {
		CHECK(json_object_get(msg, "return"));
		c->answers++;
	}
	json_decref(msg);
}

/* Read what there is; false at the end of the connection. */
static bool drain(struct client *c)
{
	char *start, *end;
	ssize_t n;

	for (;;) {
		if (c->size - c->len < 65536) {
			c->size += 1 << 20;
			c->buf = realloc(c->buf, c->size);
		}
		n = recv(c->fd, c->buf + c->len, c->size - c->len, MSG_DONTWAIT);
		if (n <= 0)
			break;
		c->len += n;
	}
	start = c->buf;
	while (c->len && (end = memchr(start, '\n', c->len))) {
		CHECK(end > start && end[-1] == '\r');
		check_message(c, start, end - start);
		c->len -= end + 1 - start;
		start = end + 1;
	}
	memmove(c->buf, start, c->len);
	return n < 0 && errno == EAGAIN;
}

static struct control_conn *conn(void)
{
	if (list_empty(&guest.server.conns))
		return NULL;
	return list_first_entry(&guest.server.conns, struct control_conn, node);
}

/* One turn of the event loop, without the loop; false when it hung up. */
static bool turn(struct client *c)
{
	u32 wanted;

	do {
		wanted = conn() ? conn()->events : 0;
		if (wanted)
			conn()->src.fn(&conn()->src, wanted);
		runstate_service(&guest.run);
		drain(c);
	} while (conn() && (conn()->events & EPOLLOUT));
	return conn();
}

static bool is_blank(const u8 *line, size_t len)
{
	while (len && (*line == ' ' || *line == '\t' || *line == '\r')) {
		line++;
		len--;
	}
	return !len;
}

/* How many answers the input deserves. */
static unsigned int count_requests(const u8 *data, size_t size)
{
	unsigned int nr = 0;

	while (size) {
		const u8 *end = memchr(data, '\n', size);
		size_t len = end ? (size_t)(end - data) : size;
		json_t *json;

		if (len > CONTROL_LINE_MAX)
			return nr + 1;
		if (!is_blank(data, len)) {
			nr++;
			json = json_loadb((const char *)data, len,
					  JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
			if (!json)
				return nr;
			json_decref(json);
		}
		size -= end ? len + 1 : len;
		data += end ? len + 1 : len;
	}
	return nr;
}

static void feed(struct client *c, const u8 *data, size_t size, size_t piece)
{
	while (size) {
		size_t n = size < piece ? size : piece;
		ssize_t sent = send(c->fd, data, n, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (sent > 0) {
			data += sent;
			size -= sent;
		}
		if (!turn(c))
			return;
	}
	shutdown(c->fd, SHUT_WR);
	while (turn(c))
		;
}

static void start_over(void)
{
	memset(&guest.verdict, 0, sizeof(guest.verdict));
	guest.run.pending = 0;
	guest.run.state = RUN_RUNNING;
	guest.shouted = false;
	guest.deaf = false;
	guest.stubborn = false;
	guest.reset_error = 0;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static const size_t pieces[] = { 1, 7, 100, 4096 };
	struct client c = { };
	size_t piece;
	bool ready;
	int fds[2];

	if (size < 2)
		return 0;
	piece = pieces[data[0] & 3];
	ready = data[1] == 'N';
	data += 2;
	size -= 2;
	start_over();
	CHECK(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds));
	c.fd = fds[1];
	CHECK(!control_conn_open(&guest.server, fds[0]));
	if (ready)
		send(c.fd, NEGOTIATE, strlen(NEGOTIATE), MSG_NOSIGNAL);
	turn(&c);
	feed(&c, data, size, piece);

	CHECK(!drain(&c) && !conn() && !guest.server.nr_conns);
	CHECK(c.greetings == 1 && !c.len);
	/* Drowned in events it may have missed answers; else it got them all. */
	if (!guest.shouted)
		CHECK(c.answers == count_requests(data, size) + ready);
	close(c.fd);
	free(c.buf);
	return 0;
}
