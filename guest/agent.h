/* SPDX-License-Identifier: GPL-2.0 */
#ifndef GUEST_AGENT_H
#define GUEST_AGENT_H

#include <asm/byteorder.h>
#include <vmtool/agent_proto.h>

#include "guest.h"

/* Numbers of frames, either way. */
#define LE32(n)		__cpu_to_le32(n)
#define LE16(n)		__cpu_to_le16(n)

#define OUT_SIZE	65536
#define IN_SIZE		(AGENT_PAYLOAD_MAX + (int)sizeof(struct agent_head))
#define PTY_LEFT_MAX	73728	/* bytes that a pty holds: its buffer, and what is read of it */

/**
 * enum session_state - how far a session is
 * @SESSION_FREE: there is none
 * @SESSION_OPENING: pieces of OPEN come
 * @SESSION_RUNNING: the command runs
 * @SESSION_ENDING: it has ended, and what it has printed is sent
 * @SESSION_ENDED: EXIT is to be sent
 */
enum session_state {
	SESSION_FREE,
	SESSION_OPENING,
	SESSION_RUNNING,
	SESSION_ENDING,
	SESSION_ENDED,
};

/**
 * struct output - stdout or stderr of a command
 * @fd: our end of the pipe, the pty, or -1
 * @credit: bytes that the host takes
 * @left: bytes that are still sent once the command has ended
 * @eof: EOF is to be sent
 */
struct output {
	int fd;
	unsigned int credit;
	long left;
	int eof;
};

/**
 * struct result - what a child tells by its status pipe, and how a session ended
 * @how: AGENT_EXITED and others
 * @value: status, signal, errno
 * @step: what has failed
 */
struct result {
	int how;
	int value;
	int step;
};

enum { STEP_RUN, STEP_DIR, STEP_USER, STEP_START };

/**
 * struct session - a command
 * @id: the host's number for it
 * @state: how far it is
 * @tty: it has a pty
 * @pid: of the command, or of the leader of its terminal's session
 * @open: OPEN as it comes
 * @open_len: bytes of it
 * @in_fd: our end of its stdin, or -1
 * @in: bytes for its stdin
 * @in_head: bytes ever put in
 * @in_tail: bytes ever taken out
 * @in_eof: no more comes
 * @in_closed: CLOSE is to be sent
 * @taken: bytes for which the host is to be given credit
 * @out: stdout and stderr
 * @status_fd: struct result comes from there, or -1
 * @go_fd: closed when the terminal's session may end, or -1
 * @result: how it ended
 */
struct session {
	unsigned int id;
	enum session_state state;
	int tty;
	int pid;
	char *open;
	unsigned int open_len;
	int in_fd;
	char *in;
	unsigned int in_head;
	unsigned int in_tail;
	int in_eof;
	int in_closed;
	unsigned int taken;
	struct output out[2];
	int status_fd;
	int go_fd;
	struct result result;
};

/**
 * struct agent - the agent
 * @port: the console port
 * @signals: signalfd of SIGCHLD, or -1
 * @connected: the host has been there
 * @done: the guest is to be powered off
 * @turn: who may send first
 * @in: a frame as it comes
 * @in_len: bytes of it
 * @out: what is to be sent
 * @out_len: bytes of it
 * @refused: there was no room for something
 * @sessions: sessions
 */
struct agent {
	int port;
	int signals;
	int connected;
	int done;
	unsigned int turn;
	char in[IN_SIZE];
	unsigned int in_len;
	char out[OUT_SIZE];
	unsigned int out_len;
	int refused;
	struct session sessions[AGENT_SESSIONS_MAX];
};

/**
 * agent_put() - send a frame
 * @a: agent
 * @s: session, NULL for none
 * @type: AGENT_*
 * @stream: stream
 * @data: payload; NULL when it is in place
 * @len: its bytes
 *
 * Return: 1; 0 when there is no room now.
 */
int agent_put(struct agent *a, const struct session *s, int type, int stream,
	      const void *data, unsigned int len);

/**
 * agent_room() - where a frame's payload may be put
 * @a: agent
 * @room: receives the bytes there are
 *
 * Return: address; agent_put() with NULL makes a frame of it.
 */
char *agent_room(struct agent *a, unsigned int *room);

/**
 * session_frame() - a frame for a session has come
 * @a: agent
 * @id: session
 * @head: the frame
 * @data: its payload, of a length that was checked
 */
void session_frame(struct agent *a, unsigned int id, const struct agent_head *head,
		   const char *data);

/**
 * session_send() - send what there is of a session
 * @a: agent
 * @s: session
 */
void session_send(struct agent *a, struct session *s);

/**
 * session_feed() - give a command what has come for its stdin
 * @s: session
 */
void session_feed(struct session *s);

/**
 * session_unread() - a command has closed its stdin
 * @s: session
 */
void session_unread(struct session *s);

/**
 * session_check() - see what the status pipe says
 * @s: session
 */
void session_check(struct session *s);

/**
 * session_reaped() - its process has ended
 * @s: session
 * @status: as of wait()
 */
void session_reaped(struct session *s, int status);

/**
 * session_drop() - forget a session
 * @s: session; its processes are not waited for
 */
void session_drop(struct session *s);

/* spawn.c */

/**
 * session_spawn() - start the command that OPEN has asked for
 * @s: session with all of OPEN
 *
 * Return: 0, or -errno: -EINVAL when OPEN makes no sense.
 */
int session_spawn(struct session *s);

/* pty.c */

/**
 * pty_open() - a new terminal
 * @slave: receives the command's side
 * @rows: its size
 * @cols: its size
 * @uid: its owner
 *
 * Return: our side, or -errno.
 */
int pty_open(int *slave, unsigned int rows, unsigned int cols, unsigned int uid);

/**
 * pty_resize() - the terminal has another size now
 * @fd: our side
 * @rows: size
 * @cols: size
 */
void pty_resize(int fd, unsigned int rows, unsigned int cols);

/**
 * pty_lead() - lead the session of a terminal until we may go
 * @slave: the terminal
 * @status: where struct result goes
 * @go: closed by the agent when it has read all
 *
 * What a terminal holds is lost when the leader of its session ends; so the leader is
 * not the command, but a process that waits for it and then for the agent.
 *
 * Return: in the child, whose session has the terminal, only.
 */
void pty_lead(int slave, int status, int go);

#endif /* GUEST_AGENT_H */
