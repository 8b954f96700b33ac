/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_QMP_CLIENT_H
#define VMTOOL_QMP_CLIENT_H

#include <stdbool.h>
#include <sys/types.h>
#include <linux/types.h>
#include <vmtool/qmp.h>

/*
 * A client of a guest's control socket. What answers may be stopped, broken or
 * hostile: every wait has a deadline, every size a limit, and text is made
 * printable before it is passed on.
 */

#define QMP_TIMEOUT_MS		10000		/* for an answer, unless said otherwise */
#define QMP_MESSAGE_MAX		(1024 << 10)	/* bytes of one message */

/**
 * struct qmp_client - a connection
 * @fd: socket, -1 when closed
 * @pid: process that serves the guest, 0 when not known
 * @buf: private, bytes received and not used
 * @len: private
 * @size: private
 * @greeted: private, the greeting was seen
 * @sent: private, id of the last request
 * @ended: a SHUTDOWN event was seen
 */
struct qmp_client {
	int fd;
	pid_t pid;
	char *buf;
	size_t len;
	size_t size;
	bool greeted;
	unsigned int sent;
	bool ended;
};

/**
 * qmp_deadline() - a time from now
 * @ms: milliseconds from now
 *
 * Return: CLOCK_MONOTONIC in milliseconds, as the functions below want it.
 */
u64 qmp_deadline(unsigned int ms);

/**
 * qmp_client_open() - connect; waits for nothing
 * @c: caller-owned
 * @name: guest
 *
 * Return: 0, or what control_connect() returns; to be closed only after 0.
 */
int qmp_client_open(struct qmp_client *c, const char *name);

/**
 * qmp_client_close() - close the connection
 * @c: opened client; closed twice does no harm
 */
void qmp_client_close(struct qmp_client *c);

/**
 * qmp_client_send() - ask without waiting for the answer
 * @c: opened client; the first request is preceded by the negotiation
 * @command: name of the command
 * @args: its arguments or NULL; the reference stays the caller's
 * @err: filled in on failure
 *
 * Return: 0; -EPIPE when the guest hung up; -ENOMEM; another -errno.
 */
int qmp_client_send(struct qmp_client *c, const char *command,
		    struct json_t *args, struct qmp_error *err);

/**
 * qmp_client_receive() - wait for the answer to the last request
 * @c: client
 * @deadline: of qmp_deadline()
 * @ret: receives the value of "return" (a new reference); NULL to drop it
 * @err: filled in on failure: the guest's own words after -EREMOTEIO
 *
 * Return: 0; -EREMOTEIO when the guest refused; -ETIMEDOUT; -EPIPE when it hung
 * up; -EPROTO when it does not speak QMP; another -errno.
 */
int qmp_client_receive(struct qmp_client *c, u64 deadline, struct json_t **ret,
		       struct qmp_error *err);

/**
 * qmp_client_execute() - ask and wait for the answer
 * @c: client
 * @command: name of the command
 * @args: as in qmp_client_send()
 * @ms: milliseconds to wait
 * @ret: as in qmp_client_receive()
 * @err: filled in on failure; for a timeout it says how long that was
 *
 * Return: as qmp_client_send() and qmp_client_receive().
 */
int qmp_client_execute(struct qmp_client *c, const char *command,
		       struct json_t *args, unsigned int ms, struct json_t **ret,
		       struct qmp_error *err);

/**
 * qmp_client_wait_event() - wait for an event
 * @c: client that got an answer before
 * @event: name of the event, NULL to wait for the end of the connection
 * @deadline: of qmp_deadline()
 *
 * Return: 0 when the event came, -EPIPE when the guest hung up, -ETIMEDOUT,
 * -EPROTO or another -errno.
 */
int qmp_client_wait_event(struct qmp_client *c, const char *event, u64 deadline);

/**
 * qmp_member_text() - a string out of an answer
 * @object: answer, of any type or NULL
 * @member: name of the string
 * @buf: receives it with '?' for what is not printable; cut off when too long
 * @size: bytes of @buf
 *
 * Return: @buf, or NULL when there is no such string.
 */
const char *qmp_member_text(const struct json_t *object, const char *member,
			    char *buf, size_t size);

#endif /* VMTOOL_QMP_CLIENT_H */
