/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_AGENT_CLIENT_H
#define VMTOOL_AGENT_CLIENT_H

#include <stdbool.h>
#include <vmtool/agent.h>
#include <vmtool/evloop.h>

/*
 * A session seen from the user: this process's stdin, stdout and stderr are those of a
 * command in a guest, or the guest's console. It lives in an event loop and never
 * waits; output that a slow reader does not take makes the command wait instead.
 */

struct agent_client;

/**
 * struct client_ops - who has started the session
 * @done: it has ended and its output is written; @r says how; the socket's end without
 *	EXIT is AGENT_FAILED with ECONNRESET
 * @quit: the user has typed the escape key and x; NULL where x is no key
 */
struct client_ops {
	void (*done)(void *priv, const struct agent_result *r);
	void (*quit)(void *priv);
};

/**
 * struct client_output - stdout or stderr
 * @c: its client
 * @src: where it is written to
 * @own: that descriptor is ours
 * @is_socket: it is one
 * @file: it never has to wait
 * @closed: nobody reads it any more
 * @buf: bytes to be written, AGENT_WINDOW
 * @head: bytes ever put in
 * @tail: bytes ever taken out
 * @taken: bytes for which the command is to be given credit
 */
struct client_output {
	struct agent_client *c;
	struct ev_source src;
	bool own;
	bool is_socket;
	bool file;
	bool closed;
	u8 *buf;
	u32 head;
	u32 tail;
	u32 taken;
};

/**
 * struct agent_client - a session
 * @loop: event loop
 * @ops: who has started it
 * @priv: passed to @ops
 * @src: socket to the router
 * @in: frame from there
 * @out: frames for it
 * @events: EPOLL* events asked for there
 * @input: stdin
 * @in_file: it never has to wait
 * @in_eof: it is at its end
 * @in_armed: it is waited for
 * @credit: bytes of it that may be sent
 * @output: stdout and stderr
 * @tty: stdin is a terminal in raw mode
 * @escape_key: begins a key that is for us, or -1
 * @escaped: it was the last one
 * @console: the session is the guest's console
 * @over: EXIT came, or the end of the socket
 * @told: @ops->done was called
 * @failed: output was lost, for another reason than that nobody reads it
 * @result: how it ended
 */
struct agent_client {
	struct evloop *loop;
	const struct client_ops *ops;
	void *priv;
	struct ev_source src;
	struct agent_reader *in;
	struct agent_queue out;
	u32 events;
	struct ev_source input;
	bool in_file;
	bool in_eof;
	bool in_armed;
	u32 credit;
	struct client_output output[2];
	bool tty;
	int escape_key;
	bool escaped;
	bool console;
	bool over;
	bool told;
	bool failed;
	struct agent_result result;
};

/**
 * client_start() - begin a session
 * @c: caller-owned
 * @loop: event loop
 * @fd: non-blocking socket to a router; the client's from now on
 * @spec: command; NULL for the guest's console
 * @ops: kept by reference
 * @priv: passed to @ops
 *
 * A terminal is switched to raw mode when @spec wants one, or for the console.
 *
 * Return: 0, or -errno after a one-line message; client_end() is called in either case.
 */
int client_start(struct agent_client *c, struct evloop *loop, int fd,
		 const struct agent_spec *spec, const struct client_ops *ops, void *priv);

/**
 * client_resized() - SIGWINCH came
 * @c: client
 */
void client_resized(struct agent_client *c);

/**
 * client_signal() - send the command a signal
 * @c: client
 * @sig: signal
 */
void client_signal(struct agent_client *c, int sig);

/**
 * client_resume() - SIGCONT came: raw mode again
 * @c: client
 */
void client_resume(struct agent_client *c);

/**
 * client_pending() - is there output that was not written yet?
 * @c: client
 *
 * Return: true or false.
 */
bool client_pending(const struct agent_client *c);

/**
 * client_end() - leave the session, and the terminal as it was
 * @c: client, or zeroed memory
 */
void client_end(struct agent_client *c);

/**
 * client_wants_tty() - should a command of this process get a terminal?
 * @spec: its @tty, @stderr_apart, @rows and @cols are filled in
 *
 * One does if stdin and stdout are terminals.
 */
void client_wants_tty(struct agent_spec *spec);

#define CLIENT_ESCAPE	0x1d	/* Ctrl-] */
#define CONSOLE_ESCAPE	0x01	/* Ctrl-a, as where the guest was started */

#endif /* VMTOOL_AGENT_CLIENT_H */
