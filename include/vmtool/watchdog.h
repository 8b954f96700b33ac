/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_WATCHDOG_H
#define VMTOOL_WATCHDOG_H

#include <stdbool.h>
#include <linux/types.h>
#include <vmtool/evloop.h>

struct vm;

/**
 * struct vcpu_sample - where a vCPU stands
 * @known: the rest is true
 * @pc: address of its next instruction
 * @anchor: address of arch_anchor_symbol in the running kernel, 0 for unknown
 * @user: it runs a program, not the kernel
 * @irqs_off: it takes no interrupts
 * @halted: it waits for an interrupt
 * @off: it was never started, or was switched off
 */
struct vcpu_sample {
	bool known;
	u64 pc;
	u64 anchor;
	bool user;
	bool irqs_off;
	bool halted;
	bool off;
};

/**
 * struct watch_cpu - what the watchdog knows of a vCPU
 * @sample: where it stands
 * @exits: times it left KVM since the last look
 * @last_exits: how often that was so far
 * @busy_ns: time it ran or waited for a CPU of the host so far
 * @busy: most of the time since the last look was such
 * @stuck_ms: when it was last seen to be well: it was halted, ran a program, had its
 *	interrupts enabled or left KVM
 */
struct watch_cpu {
	struct vcpu_sample sample;
	u64 exits;
	u64 last_exits;
	u64 busy_ns;
	bool busy;
	u64 stuck_ms;
};

/**
 * enum watch_state - is the guest well?
 * @WATCH_WELL: yes, or nobody can tell yet
 * @WATCH_LOCKED: a vCPU has spun in the kernel with interrupts off all the time
 * @WATCH_SILENT: nothing was printed and no device was used all the time, while vCPUs
 *	spun in the kernel
 * @WATCH_DEAD: all vCPUs are halted with interrupts off: nothing wakes them
 * @WATCH_IDLE: nothing was printed and no device was used, whatever the vCPUs did
 */
enum watch_state {
	WATCH_WELL,
	WATCH_LOCKED,
	WATCH_SILENT,
	WATCH_DEAD,
	WATCH_IDLE,
};

/**
 * struct watchdog - tells a guest that hangs from one that works or waits
 * @limit_ms: for how long it has to hang
 * @idle: a guest that waits for as long hangs, too
 * @cpus: each vCPU
 * @nr_cpus: how many
 * @moved: output or I/O since the last look
 * @silent_ms: when the guest was last seen to do something that is none of a spin
 * @dead_ms: when a vCPU was last seen that something can wake
 * @moved_ms: when there was output or I/O
 * @printed: bytes of console output; written under the console's lock
 * @seen_printed: of those, at the last look
 * @others_ns: CPU time of the devices' threads at the last look
 * @last_ms: time of the last look
 * @state: what it struck for, WATCH_WELL while it did not
 * @sampled: @cpus[].sample are those of the end
 * @vm: machine
 * @timer: the next look
 * @grace: the end, after the guest was asked for a backtrace
 */
struct watchdog {
	u64 limit_ms;
	bool idle;
	struct watch_cpu *cpus;
	unsigned int nr_cpus;
	bool moved;
	u64 silent_ms;
	u64 dead_ms;
	u64 moved_ms;
	u64 printed;
	u64 seen_printed;
	u64 others_ns;
	u64 last_ms;
	enum watch_state state;
	bool sampled;
	struct vm *vm;
	struct ev_timer timer;
	struct ev_timer grace;
};

/**
 * watchdog_begin() - the guest is well at this moment
 * @w: watchdog with @cpus
 * @now_ms: time, from any origin
 */
void watchdog_begin(struct watchdog *w, u64 now_ms);

/**
 * watchdog_judge() - take a look
 * @w: watchdog whose @moved and @cpus[] (but @stuck_ms) say how things are
 * @now_ms: time
 *
 * Return: what is wrong since @limit_ms, or WATCH_WELL.
 */
enum watch_state watchdog_judge(struct watchdog *w, u64 now_ms);

/**
 * watchdog_describe() - what was wrong
 * @state: state
 *
 * Return: a text that "the guest hangs: " fits in front of, static.
 */
const char *watchdog_describe(enum watch_state state);

/**
 * watchdog_start() - watch a machine that is about to run, if --hang was given
 * @vm: created machine
 *
 * Return: 0 or -errno.
 */
int watchdog_start(struct vm *vm);

/**
 * watchdog_sample() - note where all vCPUs stand; they are held from then on
 * @vm: machine; for the loop's thread
 */
void watchdog_sample(struct vm *vm);

/**
 * watchdog_destroy() - release what watchdog_start() took
 * @vm: machine, also one that was not started
 */
void watchdog_destroy(struct vm *vm);

#endif /* VMTOOL_WATCHDOG_H */
