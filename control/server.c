// SPDX-License-Identifier: GPL-2.0
/*
 * The server: lets clients in and keeps the list of them. It lives in the
 * guest's own process and runs in its event loop, so it never waits for anyone,
 * except for a moment at the very end.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include <linux/kernel.h>

#include "internal.h"

/* The socket's mode keeps others out; this does not rely on it. */
static bool may_connect(struct control_server *srv, int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return false;
	if (!peer.uid || peer.uid == geteuid())
		return true;
	log_guest(&srv->refused, "control socket: refused uid %u (pid %d)", peer.uid,
		  peer.pid);
	return false;
}

/*
 * Edge-triggered: who cannot be let in now, for want of a place or of
 * descriptors, waits without waking the loop until a place is free or the next
 * client knocks.
 */
void control_listen(struct control_server *srv)
{
	ev_mod(srv->loop, &srv->listener, EPOLLIN | EPOLLET);
}

static int accept_one(struct control_server *srv)
{
	int fd = accept4(srv->listener.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (may_connect(srv, fd))
		control_conn_open(srv, fd);
	else
		close(fd);
	return 0;
}

static void listener_ready(struct ev_source *src, u32 events)
{
	struct control_server *srv = container_of(src, struct control_server, listener);
	int ret = 0, i;

	for (i = 0; i < CONTROL_CLIENTS_MAX && !ret; i++) {
		if (srv->nr_conns >= CONTROL_CLIENTS_MAX)
			return;
		ret = accept_one(srv);
	}
	if (!ret || ret == -EINTR)
		control_listen(srv);
	else if (ret != -EAGAIN)
		log_guest(&srv->refused, "control socket: cannot let a client in: %s",
			  strerror(-ret));
}

void control_emit(struct control_server *srv, const char *event, json_t *data)
{
	struct control_conn *conn, *next;
	struct timespec now;
	json_t *msg;

	clock_gettime(CLOCK_REALTIME, &now);
	msg = json_pack("{s:s, s:{s:I, s:I}}", "event", event, "timestamp",
			"seconds", (json_int_t)now.tv_sec,
			"microseconds", (json_int_t)now.tv_nsec / 1000);
	if (data)
		json_object_set_new(msg, "data", data);

	list_for_each_entry_safe(conn, next, &srv->conns, node) {
		if (!conn->ready || conn->dead)
			continue;
		control_conn_send(conn, msg);
		if (conn == srv->busy)
			continue;
		if (!conn->dead)
			control_conn_flush(conn);
		control_conn_update(conn);
	}
	json_decref(msg);
}

static int register_all(struct control_server *srv)
{
	struct qmp_table *tables[] = { &srv->protocol, &srv->run, &srv->query };
	int i, ret;

	srv->protocol.commands = control_protocol_commands;
	srv->run.commands = control_run_commands;
	srv->query.commands = control_query_commands;
	for (i = 0; i < (int)ARRAY_SIZE(tables); i++) {
		tables[i]->priv = srv;
		ret = qmp_register(srv->reg, tables[i]);
		if (ret)
			goto undo;
	}
	return 0;
undo:
	while (i--)
		qmp_unregister(tables[i]);
	return ret;
}

int control_server_init(struct control_server *srv, struct evloop *loop,
			const struct control_info *info,
			struct qmp_registry *reg, int fd)
{
	int ret;

	memset(srv, 0, sizeof(*srv));
	INIT_LIST_HEAD(&srv->conns);
	srv->info = info;
	srv->reg = reg;
	srv->listener.fd = fd;
	srv->listener.fn = listener_ready;
	ret = register_all(srv);
	if (ret)
		return ret;
	ret = ev_add(loop, &srv->listener, EPOLLIN | EPOLLET);
	if (ret) {
		log_err("cannot serve the control socket: %s", strerror(-ret));
		qmp_unregister(&srv->protocol);
		qmp_unregister(&srv->run);
		qmp_unregister(&srv->query);
		return ret;
	}
	srv->loop = loop;
	srv->observer.fn = control_observe;
	runstate_observe(info->run, &srv->observer);
	return 0;
}

static u64 now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ULL + ts.tv_nsec / 1000000;
}

static void flush_until(struct control_conn *conn, u64 deadline)
{
	struct pollfd pfd = { .fd = conn->src.fd, .events = POLLOUT };

	control_conn_flush(conn);
	while (conn->out.len && !conn->dead) {
		u64 now = now_ms();

		if (now >= deadline || poll(&pfd, 1, deadline - now) < 0)
			return;
		control_conn_flush(conn);
	}
}

void control_server_destroy(struct control_server *srv)
{
	u64 deadline = now_ms() + CONTROL_FLUSH_MS;
	struct control_conn *conn, *next;

	if (!srv->loop)
		return;
	list_del(&srv->observer.node);
	ev_del(srv->loop, &srv->listener);
	list_for_each_entry_safe(conn, next, &srv->conns, node) {
		flush_until(conn, deadline);
		control_conn_close(conn);
	}
	qmp_unregister(&srv->protocol);
	qmp_unregister(&srv->run);
	qmp_unregister(&srv->query);
	srv->loop = NULL;
}
