/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_VERDICT_H
#define VMTOOL_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>
#include <vmtool/console_log.h>

/*
 * Exit statuses, chosen for "git bisect run": 0 good, 1-124 bad, 125 cannot
 * tell.
 */
#define EXIT_GUEST_OK		0
#define EXIT_GUEST_SIGNALED	100
#define EXIT_GUEST_PANIC	101
#define EXIT_GUEST_WARNED	102
#define EXIT_GUEST_HUNG		103
#define EXIT_GUEST_RESET	104
#define EXIT_KVM_ERROR		105
#define EXIT_VMTOOL_ERROR	125

/**
 * exit_of_command() - exit status of vmtool for a COMMAND in a guest
 * @status: its own, or 128 and the number of the signal that ended it
 *
 * 128 and more would stop "git bisect run"; a shell's word for a signal just as well.
 *
 * Return: @status, or EXIT_GUEST_SIGNALED.
 */
static inline int exit_of_command(int status)
{
	return status >= 128 ? EXIT_GUEST_SIGNALED : status;
}

#define VERDICT_LINE_MAX	512

/**
 * enum verdict_stamps - does this kernel put the time in front of its lines?
 * @STAMPS_UNKNOWN: it has not printed enough to tell: with or without will do
 * @STAMPS_YES: what has none is not the kernel's
 * @STAMPS_NO: it does not
 */
enum verdict_stamps {
	STAMPS_UNKNOWN,
	STAMPS_YES,
	STAMPS_NO,
};

/**
 * struct verdict - how a guest ended, and what its console said of it
 * @status: exit status of vmtool so far; the first bad one stays
 * @decided: @status is final
 * @restart_announced: the kernel said that it is about to restart
 * @halted: the kernel said that it has stopped for good
 * @console_down: it cannot say so: its driver has let go of the console. Atomic.
 * @panicked: a panic was seen, by pvpanic or on the console
 * @hung: the watchdog struck: what the kernel says of it is no panic of its own
 * @stamps: private
 * @spoke: private, a line was printed since the last start
 * @log: what is kept of the console, caller-owned; NULL for nothing
 * @line: private, the console line being collected
 * @len: private
 */
struct verdict {
	int status;
	bool decided;
	bool restart_announced;
	bool halted;
	bool console_down;
	bool panicked;
	bool hung;
	enum verdict_stamps stamps;
	bool spoke;
	struct console_log *log;
	char line[VERDICT_LINE_MAX];
	size_t len;
};

/**
 * enum console_event - what a piece of console output meant
 * @CONSOLE_NOTHING: nothing of interest
 * @CONSOLE_INIT: the kernel runs its first program
 * @CONSOLE_HALT: the kernel has stopped, or is about to power off
 * @CONSOLE_PANIC: a panic's headline was completed
 * @CONSOLE_PANIC_END: the kernel has printed all about its panic
 */
enum console_event {
	CONSOLE_NOTHING,
	CONSOLE_INIT,
	CONSOLE_HALT,
	CONSOLE_PANIC,
	CONSOLE_PANIC_END,
};

/**
 * verdict_console() - look at what the guest prints
 * @v: verdict
 * @buf: output in the order printed, in pieces of any size
 * @len: bytes
 *
 * Recognises a panic of kernels without pvpanic, the announcement of a restart, and
 * with @log what else a kernel reports. Lines longer than VERDICT_LINE_MAX are looked
 * at up to there.
 *
 * Return: the most important event in @buf.
 */
enum console_event verdict_console(struct verdict *v, const char *buf, size_t len);

/**
 * verdict_restart() - the guest starts again
 * @v: verdict: what the console said of its former life is over; @log stays
 */
void verdict_restart(struct verdict *v);

/**
 * verdict_set() - decide, unless it was decided before; for any thread
 * @v: verdict
 * @status: exit status
 */
void verdict_set(struct verdict *v, int status);

/**
 * printk_text() - leave out what printk() puts in front of a message
 * @line: line
 * @stamped: receives whether there was a time stamp
 *
 * That is "<6>", "[    1.234567]" and "[    T1]", in this order and each only if it
 * is there.
 *
 * Return: the message, a part of @line.
 */
const char *printk_text(const char *line, bool *stamped);

#endif /* VMTOOL_VERDICT_H */
