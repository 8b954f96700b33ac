/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_STATS_H
#define VMTOOL_STATS_H

#include <stdio.h>
#include <linux/types.h>

struct json_out;
struct vm;

/*
 * What a machine has cost so far: exits and where they went, interrupts, the work of its
 * devices, KVM's own figures, and when what was reached. Counting is part of the work;
 * what is counted is put together when somebody asks.
 */

/** STATS_OP() - an operation of statistics; where they are not built in its code is dropped */
#ifdef CONFIG_STATS
#define STATS_OP(fn)	(fn)
#else
#define STATS_OP(fn)	(1 ? NULL : (fn))
#endif

/**
 * stats_add() - add to a count that one thread writes and any reads
 * @n: count
 * @add: how many
 */
static inline void stats_add(u64 *n, u64 add)
{
#ifdef CONFIG_STATS
	__atomic_store_n(n, *n + add, __ATOMIC_RELAXED);
#endif
}

/**
 * stats_add_shared() - add to a count that several threads write
 * @n: count
 * @add: how many
 */
static inline void stats_add_shared(u64 *n, u64 add)
{
#ifdef CONFIG_STATS
	__atomic_fetch_add(n, add, __ATOMIC_RELAXED);
#endif
}

/** stats_load() - a count that other threads write */
static inline u64 stats_load(const u64 *n)
{
	return __atomic_load_n(n, __ATOMIC_RELAXED);
}

/**
 * enum stats_mark - a point of a machine's life
 * @MARK_CREATE: the options are understood, the machine is made
 * @MARK_VCPUS: its vCPUs exist
 * @MARK_LOADED: the kernel is in its memory
 * @MARK_ENTRY: the guest runs
 * @MARK_CONSOLE: it has printed
 * @MARK_INIT: its first program runs, as its kernel or the agent in it says
 * @MARK_COMMAND: the agent in it is ready and is sent COMMAND
 * @MARK_COMMAND_END: COMMAND has ended
 * @MARK_EXIT: the guest has ended
 * @STATS_MARKS: how many there are
 */
enum stats_mark {
	MARK_CREATE,
	MARK_VCPUS,
	MARK_LOADED,
	MARK_ENTRY,
	MARK_CONSOLE,
	MARK_INIT,
	MARK_COMMAND,
	MARK_COMMAND_END,
	MARK_EXIT,
	STATS_MARKS
};

/**
 * struct stats_marks - when each was reached first
 * @at: CLOCK_MONOTONIC time in nanoseconds, 0 for not yet
 */
struct stats_marks {
	u64 at[STATS_MARKS];
};

#ifdef CONFIG_STATS
/** stats_now() - CLOCK_MONOTONIC time in nanoseconds */
u64 stats_now(void);

/**
 * stats_mark() - a point is reached
 * @marks: times
 * @mark: point; ignored if it was reached before
 *
 * For any thread.
 */
void stats_mark(struct stats_marks *marks, enum stats_mark mark);

/**
 * stats_print() - all that is known, as an object of JSON
 * @vm: machine with vCPUs; in its event loop, or when they are held
 * @out: stream
 *
 * Documentation/vmtool-stat.rst describes the members.
 */
void stats_print(struct vm *vm, FILE *out);
#else
static inline u64 stats_now(void)
{
	return 0;
}

static inline void stats_mark(struct stats_marks *marks, enum stats_mark mark)
{
}
#endif

/**
 * kvm_stats_print() - KVM's statistics of a VM or a vCPU (KVM_GET_STATS_FD)
 * @fd: what KVM_GET_STATS_FD returned; closed. An error: KVM has none
 * @j: gets a member for each; an array for what has several values
 */
void kvm_stats_print(int fd, struct json_out *j);

#endif /* VMTOOL_STATS_H */
