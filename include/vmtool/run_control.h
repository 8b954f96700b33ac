/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_RUN_CONTROL_H
#define VMTOOL_RUN_CONTROL_H

struct run_control;
struct vm;
struct vm_config;

/*
 * The control side of a guest that "vmtool run" runs: its name and its control
 * socket. Where QMP was not built in there is neither, and all of it succeeds.
 */

/**
 * run_control_claim() - own the guest's name
 * @cfg: @name is taken, or filled in where it is empty
 *
 * Return: control, or NULL after a message. Others can wait for the guest at
 * its socket from now on.
 */
struct run_control *run_control_claim(struct vm_config *cfg);

/**
 * run_control_start() - serve the control socket on the guest's event loop
 * @rc: control
 * @vm: created machine
 *
 * Return: 0, or -errno after a message.
 */
int run_control_start(struct run_control *rc, struct vm *vm);

/**
 * run_control_stop() - let clients know how it ended, and leave them
 * @rc: control, also one that was not started
 */
void run_control_stop(struct run_control *rc);

/**
 * run_control_release() - give the name back
 * @rc: control, freed
 */
void run_control_release(struct run_control *rc);

#endif /* VMTOOL_RUN_CONTROL_H */
