/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CONTROL_INTERNAL_H
#define CONTROL_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <vmtool/control.h>
#include <vmtool/qmp.h>

struct json_t;

/**
 * text_clean() - make a text fit for JSON and for a terminal
 * @s: NUL-terminated bytes; those that are not UTF-8 and control characters
 *	become '?', in place
 */
void text_clean(char *s);

/**
 * struct bytes - a queue of bytes
 * @data: allocated
 * @start: first byte that is still wanted
 * @len: bytes from there
 * @size: bytes allocated
 */
struct bytes {
	char *data;
	size_t start;
	size_t len;
	size_t size;
};

/**
 * bytes_room() - have room at the end
 * @b: queue
 * @n: bytes wanted
 *
 * Return: where they may be written (add them to @len afterwards), or NULL
 * without memory.
 */
char *bytes_room(struct bytes *b, size_t n);

/**
 * bytes_drop() - forget bytes at the start; an empty queue frees its memory
 * @b: queue
 * @n: bytes, at most @len
 */
void bytes_drop(struct bytes *b, size_t n);

/**
 * control_probe() - try to connect to a socket
 * @dir: directory
 * @name: guest
 *
 * Return: non-blocking descriptor, -ECONNREFUSED when nobody listens (or it is
 * no socket), -EAGAIN when somebody does but too many wait, another -errno.
 */
int control_probe(const struct rundir *dir, const char *name);

struct sockaddr_un;

/**
 * control_address() - address of a guest's socket
 * @sa: filled in; reaches through /proc where the path itself is too long
 * @dir: directory
 * @name: valid name
 */
void control_address(struct sockaddr_un *sa, const struct rundir *dir,
		     const char *name);

#define CONTROL_FILE_MAX	(RUNDIR_NAME_MAX + 5)

/**
 * control_file() - file name of a guest's socket
 * @buf: receives "NAME.sock"
 * @name: valid name
 */
void control_file(char buf[CONTROL_FILE_MAX], const char *name);

/**
 * control_is_socket() - is there a socket for this name?
 * @dir: directory
 * @name: valid name
 * @ino: receives its inode; may be NULL
 *
 * Return: 1 for a socket, 0 for something else, -ENOENT, another -errno.
 */
int control_is_socket(const struct rundir *dir, const char *name, ino_t *ino);

/**
 * struct control_conn - a client
 * @src: its socket
 * @node: in &control_server.conns
 * @srv: server
 * @in: bytes received and not handled
 * @scanned: bytes of @in that are known to hold no newline
 * @out: bytes to be sent
 * @events: EPOLL* events asked for
 * @ready: the capabilities were negotiated
 * @eof: the client sends no more, or is not listened to any more
 * @dead: to be closed as soon as nobody uses it
 */
struct control_conn {
	struct ev_source src;
	struct list_head node;
	struct control_server *srv;
	struct bytes in;
	size_t scanned;
	struct bytes out;
	u32 events;
	bool ready;
	bool eof;
	bool dead;
};

/**
 * control_conn_open() - a new client; it is greeted
 * @srv: server
 * @fd: non-blocking socket, owned by the connection afterwards
 *
 * Return: 0, or -errno: @fd is closed then.
 */
int control_conn_open(struct control_server *srv, int fd);

/**
 * control_conn_close() - hang up and free
 * @conn: client
 */
void control_conn_close(struct control_conn *conn);

/**
 * control_conn_send() - queue a message
 * @conn: client, @dead afterwards when it has too much pending
 * @msg: message; the reference stays the caller's
 */
void control_conn_send(struct control_conn *conn, const struct json_t *msg);

/**
 * control_conn_flush() - send what the socket takes
 * @conn: client, @dead afterwards when that failed
 */
void control_conn_flush(struct control_conn *conn);

/**
 * control_conn_input() - take bytes from a client
 * @conn: client
 * @buf: bytes
 * @len: how many
 *
 * They are queued; control_conn_process() handles what is complete.
 */
void control_conn_input(struct control_conn *conn, const char *buf, size_t len);

/**
 * control_conn_process() - handle requests until none is complete or the
 * client has enough answers to read
 * @conn: client
 */
void control_conn_process(struct control_conn *conn);

/**
 * control_conn_update() - ask the loop for what the client waits for now
 * @conn: client, closed when it is @dead
 */
void control_conn_update(struct control_conn *conn);

/**
 * control_listen() - look again whether somebody waits to be let in
 * @srv: server
 */
void control_listen(struct control_server *srv);

/**
 * control_reply() - answer one request
 * @srv: server
 * @conn: who asks
 * @line: the request
 * @len: its bytes
 * @fatal: set when it was no JSON
 *
 * Return: the answer (a new reference), NULL without memory.
 */
struct json_t *control_reply(struct control_server *srv, struct control_conn *conn,
			     const char *line, size_t len, bool *fatal);

/**
 * control_error() - an error message
 * @err: what went wrong
 *
 * Return: {"error": ...} (a new reference), NULL without memory.
 */
struct json_t *control_error(const struct qmp_error *err);

/**
 * control_version() - value of query-version, also part of the greeting
 * @info: guest
 *
 * Return: a new reference, NULL without memory.
 */
struct json_t *control_version(const struct control_info *info);

/**
 * control_observe() - observer of the run state: makes events of its changes
 * @obs: &control_server.observer
 * @event: what happened
 * @cause: who wanted it
 */
void control_observe(struct run_observer *obs, enum run_event event,
		     enum run_cause cause);

/* Ended by an entry without a name; priv is the struct control_server. */
extern const struct qmp_command control_protocol_commands[];
extern const struct qmp_command control_run_commands[];
extern const struct qmp_command control_query_commands[];

#endif /* CONTROL_INTERNAL_H */
