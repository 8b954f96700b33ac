/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_KTEST_SCHED_H
#define VMTOOL_KTEST_SCHED_H

#include <limits.h>

#include "internal.h"

/*
 * none -> booting -> busy -> idle -> busy ... -> ending -> none; a guest may end in
 * any of them.
 */
enum slot_phase {
	SLOT_NONE,
	SLOT_BOOTING,	/* a test waits for it */
	SLOT_BUSY,
	SLOT_IDLE,	/* for no longer than a function lasts */
	SLOT_ENDING,	/* a test may wait for its verdict */
};

struct slot {
	struct sched *sched;
	enum slot_phase phase;
	struct child child;
	struct frame frame;
	struct ktap_reader reader;
	bool reading;		/* @reader has something */
	struct ktest *test;	/* to be run, or running */
	bool fresh;		/* @test, or the next, needs another guest */
	bool killed;
	struct evidence evidence;
	unsigned long taints;
	u64 begun;
	u64 deadline;		/* 0: none */
	char verdict_path[PATH_MAX];
};

struct sched {
	const struct ktest_config *cfg;
	struct ktest_set *set;
	size_t next;
	struct slot *slots;
	struct report report;
	int signals;
	unsigned int bad_boots;
	bool ever_ready;
	bool stop;		/* no more tests */
	bool ending;
	bool hopeless;		/* because no guest boots */
	bool fault;		/* of vmtool or of the host */
	bool interrupted;
	char dir[PATH_MAX - 32];
};

#endif /* VMTOOL_KTEST_SCHED_H */
