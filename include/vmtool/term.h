/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_TERM_H
#define VMTOOL_TERM_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>
#include <vmtool/evloop.h>

/*
 * The user's terminal: stdin and stdout, whatever they are (terminals, pipes,
 * files, /dev/null). A vCPU's thread puts output into a buffer; the event loop
 * writes it. Input goes straight to the sink, never more than it has room for,
 * so that a slow guest slows the paste down instead of losing it.
 *
 * On a terminal, Ctrl-a is the escape key.
 */

#define TERM_OUT_SIZE	32768	/* of the buffer */
#define TERM_OUT_FULL	16384	/* more only while vCPUs must not wait */

/**
 * struct term_ops - who is behind the terminal
 * @room: bytes of input the sink can take now
 * @input: take @len bytes, at most what @room said
 * @send_break: the user asked for a break (Ctrl-a b)
 * @quit: the user asked for the end (Ctrl-a x)
 * @failed: output is lost for good, -@err says why
 * @space: there is space for output again after term_try_output() had too little;
 *	NULL for who never calls it
 * @resized: the terminal may have another size than before; NULL for who has none
 *
 * All are called in the event loop's thread.
 */
struct term_ops {
	size_t (*room)(void *priv);
	void (*input)(void *priv, const u8 *buf, size_t len);
	void (*send_break)(void *priv);
	void (*quit)(void *priv);
	void (*failed)(void *priv, int err);
	void (*space)(void *priv);
	void (*resized)(void *priv);
};

/**
 * enum term_use - what the terminal is used for
 * @TERM_STDIO: it is the guest's console
 * @TERM_STDERR: stdin and stdout are others'; what the guest prints goes to stderr
 * @TERM_NOTHING: what the guest prints is dropped
 */
enum term_use {
	TERM_STDIO,
	TERM_STDERR,
	TERM_NOTHING,
};

/**
 * struct term - terminal state
 * @loop: event loop
 * @in: stdin
 * @out: stdout
 * @use: whether stdin and stdout are ours
 * @in_file: stdin is something epoll does not take: read when there is room
 * @in_eof: nothing more comes
 * @in_tty: raw mode is on, the escape key works
 * @escape: the escape key was the last one
 * @ops: the sink
 * @priv: passed to @ops
 * @lock: protects what follows
 * @space: signalled when output was written
 * @buf: output not written yet
 * @head: bytes ever put in
 * @tail: bytes ever taken out
 * @held: the loop is not to be woken for output
 * @due: it would have been
 * @stop: nobody waits for space any more
 * @dead: stdout takes nothing any more
 * @starved: @ops->space is to be called
 */
struct term {
	struct evloop *loop;
	struct ev_source in;
	struct ev_source out;
	enum term_use use;
	bool in_file;
	bool in_eof;
	bool in_tty;
	bool escape;
	const struct term_ops *ops;
	void *priv;
	pthread_mutex_t lock;
	pthread_cond_t space;
	u8 buf[TERM_OUT_SIZE];
	size_t head;
	size_t tail;
	bool held;
	bool due;
	bool stop;
	bool dead;
	bool starved;
};

/**
 * term_init() - prepare; nothing is read or changed yet
 * @t: caller-owned
 * @loop: event loop
 */
void term_init(struct term *t, struct evloop *loop);

/**
 * term_connect() - say who is behind the terminal
 * @t: terminal
 * @ops: kept by reference
 * @priv: passed to @ops
 */
void term_connect(struct term *t, const struct term_ops *ops, void *priv);

/**
 * term_set_use() - leave stdin and stdout to others
 * @t: terminal, before term_start()
 * @use: what it is used for
 */
void term_set_use(struct term *t, enum term_use use);

/**
 * term_start() - switch a terminal to raw mode and begin to read
 * @t: terminal
 *
 * Output processing stays as it is, so that lines look right when only one of
 * stdin and stdout is the terminal. The old mode comes back on every way out of
 * the process but SIGKILL. In the background the terminal is left alone.
 *
 * Return: 0 or -errno.
 */
int term_start(struct term *t);

/**
 * term_service() - read and write what is possible now; loop thread only
 * @t: terminal
 */
void term_service(struct term *t);

/**
 * term_output() - print; for any thread
 * @t: terminal
 * @buf: bytes
 * @len: how many
 *
 * Waits while the buffer is full, until term_stop().
 */
void term_output(struct term *t, const void *buf, size_t len);

/**
 * term_hold() - more output comes soon, or has come
 * @t: terminal
 * @hold: true before a batch of term_output() calls, false after it
 *
 * In between the event loop is not woken for each of them, unless one has to wait for
 * space. For one batch at a time.
 */
void term_hold(struct term *t, bool hold);

/**
 * term_try_output() - print what there is space for; for any thread
 * @t: terminal
 * @buf: bytes
 * @len: how many
 *
 * Never waits. When it took less than @len, &term_ops.space tells when to go on.
 *
 * Return: bytes taken.
 */
size_t term_try_output(struct term *t, const void *buf, size_t len);

/**
 * term_size() - how large the user's terminal is
 * @t: terminal
 * @cols: receives the columns
 * @rows: receives the rows
 *
 * Return: false when neither stdout nor stdin is a terminal.
 */
bool term_size(const struct term *t, unsigned short *cols, unsigned short *rows);

/**
 * term_resized() - SIGWINCH came
 * @t: terminal
 */
void term_resized(struct term *t);

/**
 * term_stop() - have nobody wait for space in the buffer
 * @t: terminal
 * @stop: true to drop what does not fit, false to wait again
 */
void term_stop(struct term *t, bool stop);

/**
 * term_suspend() - leave raw mode, stop the process, come back
 * @t: terminal
 */
void term_suspend(struct term *t);

/**
 * term_resume() - raw mode again, after SIGCONT
 * @t: terminal
 */
void term_resume(struct term *t);

/**
 * term_destroy() - write what is left and restore the terminal
 * @t: terminal
 *
 * Waits up to a second for a reader that is slow.
 */
void term_destroy(struct term *t);

#endif /* VMTOOL_TERM_H */
