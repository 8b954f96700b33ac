/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_RUNSTATE_H
#define VMTOOL_RUNSTATE_H

#include <stdbool.h>
#include <linux/types.h>
#include <linux/list.h>
#include <vmtool/evloop.h>
#include <vmtool/verdict.h>

/*
 * The run state says whether the vCPUs run. It is owned by the event loop's
 * thread, which alone changes it. A vCPU thread, a device or a signal handler
 * only leaves a request (runstate_request()), holds the vCPUs, and wakes the
 * loop, which then does what was asked.
 */

/**
 * enum run_state - is the guest running?
 * @RUN_PRELAUNCH: not started yet
 * @RUN_RUNNING: vCPUs run
 * @RUN_PAUSED: stopped from outside, can go on
 * @RUN_ENDED: will never run again
 */
enum run_state {
	RUN_PRELAUNCH,
	RUN_RUNNING,
	RUN_PAUSED,
	RUN_ENDED,
};

/**
 * enum run_event - what observers are told
 * @RUN_EV_RESUME: the vCPUs run
 * @RUN_EV_STOP: the vCPUs were stopped from outside
 * @RUN_EV_RESET: the guest was reset and starts again
 * @RUN_EV_POWERDOWN: the guest was asked to power off
 * @RUN_EV_PANICKED: the guest's kernel panicked
 * @RUN_EV_SHUTDOWN: the guest has ended, vmtool is about to
 */
enum run_event {
	RUN_EV_RESUME,
	RUN_EV_STOP,
	RUN_EV_RESET,
	RUN_EV_POWERDOWN,
	RUN_EV_PANICKED,
	RUN_EV_SHUTDOWN,
};

/**
 * enum run_cause - who wanted it
 * @RUN_BY_HOST_QMP: the control socket
 * @RUN_BY_HOST_SIGNAL: SIGINT, SIGTERM or SIGHUP
 * @RUN_BY_HOST_UI: the terminal's escape key
 * @RUN_BY_HOST_ERROR: vmtool, KVM or the host cannot go on
 * @RUN_BY_TIMEOUT: --timeout passed
 * @RUN_BY_GUEST_POWEROFF: the guest powered off
 * @RUN_BY_GUEST_RESET: the guest asked for a reset
 * @RUN_BY_GUEST_TRIPLE_FAULT: the guest's CPU shut down
 * @RUN_BY_GUEST_PANIC: the guest's kernel panicked
 */
enum run_cause {
	RUN_BY_HOST_QMP,
	RUN_BY_HOST_SIGNAL,
	RUN_BY_HOST_UI,
	RUN_BY_HOST_ERROR,
	RUN_BY_TIMEOUT,
	RUN_BY_GUEST_POWEROFF,
	RUN_BY_GUEST_RESET,
	RUN_BY_GUEST_TRIPLE_FAULT,
	RUN_BY_GUEST_PANIC,
};

/**
 * struct run_observer - somebody who wants to know
 * @fn: called in the event loop's thread
 * @node: private
 */
struct run_observer {
	void (*fn)(struct run_observer *obs, enum run_event event,
		   enum run_cause cause);
	struct list_head node;
};

/**
 * struct run_ops - what the machine does when the state changes; all called in
 * the event loop's thread
 * @hold: make every vCPU leave the guest and wait; returns once all do
 * @kick: make the vCPUs leave the guest soon; for any thread
 * @release: let them run
 * @reset: put the machine, held, back to its first instruction; 0 or -errno
 * @powerdown: press the power button; 0, or -ENOTSUP when the guest does not
 *	listen to it
 */
struct run_ops {
	void (*hold)(void *priv);
	void (*kick)(void *priv);
	void (*release)(void *priv);
	int (*reset)(void *priv);
	int (*powerdown)(void *priv);
};

/**
 * struct runstate - the run state of one guest
 * @state: current state, loop thread only
 * @pending: private, bit mask of requested causes, written by any thread
 * @exit_on_reset: a guest that resets ends (--on-reboot exit)
 * @resets: times the guest was reset
 * @verdict: how it ended so far
 * @loop: the event loop
 * @ops: the machine
 * @priv: passed to @ops
 * @observers: told of every change
 */
struct runstate {
	enum run_state state;
	unsigned int pending;
	bool exit_on_reset;
	unsigned int resets;
	struct verdict *verdict;
	struct evloop *loop;
	const struct run_ops *ops;
	void *priv;
	struct list_head observers;
};

/**
 * runstate_init() - prelaunch state
 * @rs: caller-owned
 * @loop: event loop
 * @verdict: receives how the guest ended
 * @ops: the machine
 * @priv: passed to @ops
 */
void runstate_init(struct runstate *rs, struct evloop *loop, struct verdict *verdict,
		   const struct run_ops *ops, void *priv);

/**
 * runstate_request() - ask for what @cause stands for
 * @rs: run state
 * @cause: what happened; RUN_BY_HOST_QMP, _SIGNAL and _UI ask for the end
 *
 * For any thread and for signal handlers. A vCPU that called it does not
 * execute another guest instruction before the loop has acted.
 */
void runstate_request(struct runstate *rs, enum run_cause cause);

/**
 * runstate_held() - must vCPUs stay out of the guest?
 * @rs: run state
 *
 * Return: true while a request waits for the loop.
 */
bool runstate_held(struct runstate *rs);

/**
 * runstate_service() - act on pending requests; the loop's on_wake calls it
 * @rs: run state
 */
void runstate_service(struct runstate *rs);

/**
 * runstate_start() - leave prelaunch
 * @rs: run state
 */
void runstate_start(struct runstate *rs);

/**
 * runstate_pause() - stop the vCPUs
 * @rs: run state
 *
 * Return: 0 (also when paused already), -ESHUTDOWN when the guest has ended.
 */
int runstate_pause(struct runstate *rs);

/**
 * runstate_resume() - go on
 * @rs: run state
 *
 * Return: 0 (also when running already), -ESHUTDOWN when the guest has ended.
 */
int runstate_resume(struct runstate *rs);

/**
 * runstate_reset() - reset the guest from outside; a paused one stays paused
 * @rs: run state
 *
 * Return: 0, -ESHUTDOWN, or -errno when the machine cannot be reset (it then
 * ends).
 */
int runstate_reset(struct runstate *rs);

/**
 * runstate_powerdown() - press the power button
 * @rs: run state
 *
 * Return: 0; -ENOTSUP when the guest does not listen; -EAGAIN when it is
 * paused; -ESHUTDOWN.
 */
int runstate_powerdown(struct runstate *rs);

/**
 * runstate_observe() - be told of changes from now on
 * @rs: run state
 * @obs: caller-owned, with @fn set; removed by list_del(&obs->node)
 */
void runstate_observe(struct runstate *rs, struct run_observer *obs);

#endif /* VMTOOL_RUNSTATE_H */
