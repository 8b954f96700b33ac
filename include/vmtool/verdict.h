/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_VERDICT_H
#define VMTOOL_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

/*
 * Exit statuses, chosen for "git bisect run": 0 good, 1-124 bad, 125 cannot
 * tell.
 */
#define EXIT_GUEST_OK		0
#define EXIT_GUEST_PANIC	101
#define EXIT_GUEST_HUNG		103
#define EXIT_GUEST_RESET	104
#define EXIT_KVM_ERROR		105
#define EXIT_VMTOOL_ERROR	125

#define VERDICT_LINE_MAX	256

/**
 * struct verdict - how a guest ended, and what its console said of it
 * @status: exit status of vmtool so far; the first bad one stays
 * @decided: @status is final
 * @restart_announced: the kernel said that it is about to restart
 * @halted: the kernel said that it has stopped for good
 * @console_down: it cannot say so: its driver has let go of the console. Atomic.
 * @panicked: a panic was seen, by pvpanic or on the console
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
	char line[VERDICT_LINE_MAX];
	size_t len;
};

/**
 * enum console_event - what a piece of console output meant
 * @CONSOLE_NOTHING: nothing of interest
 * @CONSOLE_HALT: the kernel has stopped, or is about to power off
 * @CONSOLE_PANIC: a panic's headline was completed
 * @CONSOLE_PANIC_END: the kernel has printed all about its panic
 */
enum console_event {
	CONSOLE_NOTHING,
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
 * Recognises a panic of kernels without pvpanic and the announcement of a
 * restart. Lines longer than VERDICT_LINE_MAX are looked at up to there.
 *
 * Return: the most important event in @buf.
 */
enum console_event verdict_console(struct verdict *v, const char *buf, size_t len);

/**
 * verdict_set() - decide, unless it was decided before; for any thread
 * @v: verdict
 * @status: exit status
 */
void verdict_set(struct verdict *v, int status);

#endif /* VMTOOL_VERDICT_H */
