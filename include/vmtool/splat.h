/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_SPLAT_H
#define VMTOOL_SPLAT_H

#include <stdbool.h>
#include <stddef.h>

/**
 * enum splat_kind - what a kernel can have to complain of
 * @SPLAT_PANIC: Kernel panic
 * @SPLAT_OOPS: a fault or an exception in the kernel
 * @SPLAT_BUG: BUG() and what else says "BUG:"
 * @SPLAT_WARNING: WARN()
 * @SPLAT_KASAN: KASAN, KFENCE and KMSAN: bad uses of memory
 * @SPLAT_KCSAN: data races
 * @SPLAT_UBSAN: undefined behaviour
 * @SPLAT_LOCKDEP: the lock validator, RCU's included
 * @SPLAT_RCU_STALL: a grace period that does not end
 * @SPLAT_HUNG_TASK: a task that waits for too long
 * @SPLAT_SOFT_LOCKUP: a CPU that does not schedule
 * @SPLAT_HARD_LOCKUP: a CPU that takes no interrupts
 * @SPLAT_OOM: a process killed for want of memory (not of a cgroup's)
 * @SPLAT_KINDS: how many there are
 */
enum splat_kind {
	SPLAT_PANIC,
	SPLAT_OOPS,
	SPLAT_BUG,
	SPLAT_WARNING,
	SPLAT_KASAN,
	SPLAT_KCSAN,
	SPLAT_UBSAN,
	SPLAT_LOCKDEP,
	SPLAT_RCU_STALL,
	SPLAT_HUNG_TASK,
	SPLAT_SOFT_LOCKUP,
	SPLAT_HARD_LOCKUP,
	SPLAT_OOM,
	SPLAT_KINDS
};

#define SPLAT_TEXT_MAX	65536

/**
 * struct splat - the text of one report
 * @kind: what its headline says
 * @taken: there is one
 * @cut: it was longer than what is kept
 * @len: bytes of @text, without the final NUL
 * @text: whole lines, as they were printed
 */
struct splat {
	enum splat_kind kind;
	bool taken;
	bool cut;
	size_t len;
	char text[SPLAT_TEXT_MAX];
};

#define SPLAT_LEAD_MAX	128

/**
 * struct splat_log - the reports of a guest's kernel
 * @counts: how many of each kind
 * @first: the first of them
 * @fatal: the first panic that is not part of @first
 * @into: private, where the lines of the report go; NULL for nowhere
 * @open: private, a report is being printed
 * @current: private, its kind
 * @trace: private, its call trace has begun
 * @lines: private, lines of it so far
 * @lead: private, the line before: a ruler or "cut here"
 */
struct splat_log {
	unsigned int counts[SPLAT_KINDS];
	struct splat first;
	struct splat fatal;
	struct splat *into;
	bool open;
	enum splat_kind current;
	bool trace;
	unsigned int lines;
	char lead[SPLAT_LEAD_MAX];
};

/**
 * splat_name() - what a kind is called in reports
 * @kind: kind
 *
 * Return: a word, static.
 */
const char *splat_name(enum splat_kind kind);

/**
 * splat_headline() - does a report begin with this?
 * @text: line without its time stamp
 * @kind: receives what it is
 *
 * Return: true when it is a headline.
 */
bool splat_headline(const char *text, enum splat_kind *kind);

/**
 * splat_line() - look at the kernel's next line
 * @log: reports so far
 * @line: the line as it was printed
 * @text: the part of @line behind the time stamp
 */
void splat_line(struct splat_log *log, const char *line, const char *text);

/**
 * splat_restart() - the guest starts again: what was being printed has ended
 * @log: reports
 */
void splat_restart(struct splat_log *log);

/**
 * splat_failures() - what --fail-on-warn counts
 * @log: reports
 *
 * Return: how many reports there are, of all kinds.
 */
unsigned int splat_failures(const struct splat_log *log);

#endif /* VMTOOL_SPLAT_H */
