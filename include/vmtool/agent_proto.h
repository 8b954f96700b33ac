/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_AGENT_PROTO_H
#define VMTOOL_AGENT_PROTO_H

#include <linux/types.h>

/*
 * What the agent in a guest and vmtool say to each other, on one virtio-console port;
 * clients of a running guest ("vmtool exec", "vmtool console") speak it on a socket.
 * Also compiled into the guest: kernel types only.
 *
 * Frames: a head, then @len bytes. A session is a command; its streams are numbered
 * like its descriptors. Each stream begins with a credit of AGENT_WINDOW bytes; whoever
 * has consumed some gives as much anew, so no stream waits for another. Numbers are
 * little-endian. Frames for sessions that are unknown, or over, are ignored.
 *
 *	guest > host	HELLO FATAL DATA(1,2) EOF(1,2) CLOSE(0) WINDOW(0) EXIT
 *	host > guest	HELLO OPEN DATA(0) EOF(0) CLOSE(1,2) WINDOW(1,2) WINSIZE
 *			SIGNAL HANGUP POWEROFF
 *
 * A client has one session; it says OPEN, or CONSOLE for what the guest's console
 * prints and is typed, and then the same as the host. It hangs up by closing.
 */

#define AGENT_PORT_NAME		"org.kernel.vmtool.0"
#define AGENT_VERSION		1
#define AGENT_PAYLOAD_MAX	16384	/* bytes of a frame behind its head */
#define AGENT_WINDOW		65536
#define AGENT_OPEN_MAX		(256 * 1024)	/* bytes of arguments and environment */
#define AGENT_SESSIONS_MAX	64	/* at once */
#define AGENT_GROUPS_MAX	64
#define AGENT_TEXT_MAX		256

/**
 * enum agent_type - kinds of frames
 * @AGENT_HELLO: the agent is there, or is answered: __le32 version; session 0
 * @AGENT_FATAL: the guest cannot go on: text; session 0
 * @AGENT_OPEN: a piece of struct agent_open; @stream is 1 in the last one
 * @AGENT_DATA: bytes of a stream
 * @AGENT_EOF: no more data in a stream
 * @AGENT_CLOSE: nobody reads this stream any more
 * @AGENT_WINDOW_MORE: __le32 bytes more may be sent
 * @AGENT_WINSIZE: __le16 rows, __le16 columns
 * @AGENT_SIGNAL: __le32 number, as of the guest's architecture
 * @AGENT_EXIT: struct agent_exit: the last frame of a session
 * @AGENT_HANGUP: the client is gone: SIGHUP, and nothing more is wanted
 * @AGENT_POWEROFF: sync, and power off; session 0
 * @AGENT_CONSOLE: of clients: the session is the guest's console
 * @AGENT_BREAK: of clients of the console: send a break
 */
enum agent_type {
	AGENT_HELLO = 1,
	AGENT_FATAL,
	AGENT_OPEN,
	AGENT_DATA,
	AGENT_EOF,
	AGENT_CLOSE,
	AGENT_WINDOW_MORE,
	AGENT_WINSIZE,
	AGENT_SIGNAL,
	AGENT_EXIT,
	AGENT_HANGUP,
	AGENT_POWEROFF,
	AGENT_CONSOLE,
	AGENT_BREAK,
};

/**
 * struct agent_head - begins each frame
 * @session: number of the session, 0 for none
 * @type: enum agent_type
 * @stream: 0 stdin, 1 stdout, 2 stderr
 * @zero: 0
 * @len: bytes that follow, at most AGENT_PAYLOAD_MAX
 */
struct agent_head {
	__le32 session;
	__u8 type;
	__u8 stream;
	__le16 zero;
	__le32 len;
};

#define AGENT_OPEN_TTY		1	/* a pty is stdin, stdout and stderr */
#define AGENT_OPEN_STDERR	2	/* stderr is not the pty, but a pipe */
#define AGENT_OPEN_ANY_CWD	4	/* where there is no @cwd, / will do */

/**
 * struct agent_open - what is to be run
 * @flags: AGENT_OPEN_*
 * @uid: user
 * @gid: group
 * @rows: of the terminal
 * @cols: of the terminal
 * @nr_groups: further groups
 * @nr_args: arguments, the program first
 * @nr_env: NAME=VALUE
 *
 * Behind it are the groups, __le32 each, then strings, each with a NUL behind it: the
 * directory, the arguments, the environment.
 */
struct agent_open {
	__le32 flags;
	__le32 uid;
	__le32 gid;
	__le16 rows;
	__le16 cols;
	__le32 nr_groups;
	__le32 nr_args;
	__le32 nr_env;
};

#define AGENT_EXITED	0	/* @value is what it returned */
#define AGENT_KILLED	1	/* @value is the signal */
#define AGENT_FAILED	2	/* @value is an errno; why follows as text */

/**
 * struct agent_exit - how a session ended
 * @how: AGENT_EXITED and others
 * @value: status, signal, errno
 */
struct agent_exit {
	__le32 how;
	__le32 value;
};

#endif /* VMTOOL_AGENT_PROTO_H */
