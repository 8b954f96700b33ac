/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_AGENT_H
#define VMTOOL_AGENT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <linux/types.h>
#include <vmtool/agent_proto.h>

/*
 * Frames of agent_proto.h on this side: taken apart, put together, and what a client
 * asks for. Who sends them may be the guest: nothing in a frame is believed.
 */

/**
 * struct agent_frame - a frame
 * @session: session
 * @type: enum agent_type
 * @stream: 0 to 2
 * @len: bytes of @data, at most AGENT_PAYLOAD_MAX
 * @data: payload
 */
struct agent_frame {
	u32 session;
	u8 type;
	u8 stream;
	u32 len;
	const u8 *data;
};

/**
 * struct agent_reader - a frame as it comes
 * @buf: its bytes
 * @len: how many there are
 */
struct agent_reader {
	u8 buf[sizeof(struct agent_head) + AGENT_PAYLOAD_MAX];
	size_t len;
};

/**
 * agent_reader_next() - the frame that is there, or comes
 * @r: reader, zeroed at first
 * @get: reads bytes: how many, -EAGAIN for none now, 0 at the end, another -errno
 * @priv: passed to @get
 * @f: filled in; its data stay until agent_reader_done()
 *
 * Reads no more than this frame; the same frame comes until agent_reader_done().
 *
 * Return: 1; 0 when it is not there yet; -EPIPE at the end; -EPROTO when it is no
 * frame; another -errno of @get.
 */
int agent_reader_next(struct agent_reader *r, ssize_t (*get)(void *priv, void *buf, size_t len),
		      void *priv, struct agent_frame *f);

/**
 * agent_reader_done() - go on with the next frame
 * @r: reader
 */
static inline void agent_reader_done(struct agent_reader *r)
{
	r->len = 0;
}

/**
 * agent_fd_get() - &agent_reader_next.get of a socket
 * @priv: pointer to the descriptor
 * @buf: receives bytes
 * @len: at most that many
 *
 * Return: as said there.
 */
ssize_t agent_fd_get(void *priv, void *buf, size_t len);

/**
 * struct agent_queue - frames to be sent
 * @data: allocated
 * @start: first byte that was not sent
 * @len: bytes from there
 * @size: bytes allocated
 * @max: limit of @len
 */
struct agent_queue {
	u8 *data;
	size_t start;
	size_t len;
	size_t size;
	size_t max;
};

/**
 * agent_queue_put() - append a frame
 * @q: queue
 * @f: frame
 *
 * Return: 0; -ENOBUFS when it would be too long; -ENOMEM.
 */
int agent_queue_put(struct agent_queue *q, const struct agent_frame *f);

/**
 * agent_queue_add() - append a frame of no session, or of a socket's only one
 * @q: queue
 * @type: AGENT_*
 * @stream: stream
 * @data: payload; NULL for none
 * @len: its bytes
 *
 * Return: as agent_queue_put().
 */
int agent_queue_add(struct agent_queue *q, u8 type, u8 stream, const void *data, size_t len);

/**
 * agent_queue_drop() - forget what was sent
 * @q: queue
 * @n: bytes, at most @len
 */
void agent_queue_drop(struct agent_queue *q, size_t n);

/**
 * agent_queue_free() - forget everything
 * @q: queue, empty and usable afterwards
 */
void agent_queue_free(struct agent_queue *q);

/**
 * agent_queue_flush() - send what a socket takes
 * @q: queue
 * @fd: non-blocking socket
 *
 * Return: 0, or -errno when it takes no more for ever.
 */
int agent_queue_flush(struct agent_queue *q, int fd);

/**
 * agent_get32() - a number of a payload
 * @f: frame
 * @index: which one
 *
 * Return: its value, 0 where the frame is too short.
 */
u32 agent_get32(const struct agent_frame *f, unsigned int index);

/**
 * struct agent_spec - a command that is to be run
 * @argv: arguments, NULL at the end
 * @env: environment, NULL at the end
 * @cwd: directory; NULL for /
 * @any_cwd: / will do where @cwd is not there
 * @uid: user
 * @gid: group
 * @groups: further groups
 * @nr_groups: how many, at most AGENT_GROUPS_MAX
 * @tty: on a terminal
 * @stderr_apart: stderr is not that terminal
 * @rows: of the terminal
 * @cols: of the terminal
 */
struct agent_spec {
	const char *const *argv;
	const char *const *env;
	const char *cwd;
	bool any_cwd;
	uid_t uid;
	gid_t gid;
	const gid_t *groups;
	unsigned int nr_groups;
	bool tty;
	bool stderr_apart;
	unsigned short rows;
	unsigned short cols;
};

/**
 * agent_put_open() - append the frames of OPEN
 * @q: queue
 * @spec: what is to be run
 *
 * Return: 0; -E2BIG when there are too many arguments; -ENOBUFS; -ENOMEM.
 */
int agent_put_open(struct agent_queue *q, const struct agent_spec *spec);

/**
 * struct agent_result - how a session ended
 * @how: AGENT_EXITED and others
 * @value: status, signal, errno
 * @text: what failed, fit for a terminal
 */
struct agent_result {
	u32 how;
	u32 value;
	char text[AGENT_TEXT_MAX];
};

/**
 * agent_get_result() - read EXIT
 * @r: filled in, with AGENT_FAILED when it makes no sense
 * @f: frame
 */
void agent_get_result(struct agent_result *r, const struct agent_frame *f);

/**
 * agent_put_result() - append EXIT
 * @q: queue
 * @r: how it ended
 *
 * Return: 0; -ENOBUFS; -ENOMEM.
 */
int agent_put_result(struct agent_queue *q, const struct agent_result *r);

/**
 * agent_get_text() - a text of the guest's
 * @buf: receives it and a NUL, fit for a terminal
 * @size: bytes of @buf
 * @data: text
 * @len: its bytes
 */
void agent_get_text(char *buf, size_t size, const u8 *data, size_t len);

/**
 * agent_command_status() - a command's own status
 * @r: how it ended, not AGENT_FAILED
 *
 * Return: its exit status, or 128 and the number of the signal that ended it; 255 at
 * most.
 */
int agent_command_status(const struct agent_result *r);

/**
 * agent_status() - exit status of vmtool for a session
 * @r: how it ended
 * @name: the command, for messages
 *
 * Return: what cli.md's table says; for AGENT_FAILED EXIT_VMTOOL_ERROR, after a
 * one-line message.
 */
int agent_status(const struct agent_result *r, const char *name);

#endif /* VMTOOL_AGENT_H */
