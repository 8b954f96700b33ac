/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_VCPU_H
#define VMTOOL_VCPU_H

#include <pthread.h>
#include <stdbool.h>
#include <linux/types.h>
#include <vmtool/log.h>

struct kvm_run;
struct vcpu_arch;
struct vm;

/* Room for every reason that KVM has for an exit, and for those to come. */
#define VCPU_REASONS	64

/**
 * struct vcpu - a virtual CPU, created and run on a thread of its own
 * @vm: machine
 * @index: number, from 0; the boot vCPU is 0
 * @fd: KVM's vCPU
 * @run: its communication area
 * @thread: its thread
 * @tid: the thread's Linux id
 * @error: -errno of its creation
 * @parked: waits outside the guest
 * @off: the guest has not started it: it waits outside; see vcpu_set_off()
 * @call: called on its thread before it goes on; see vcpu_call()
 * @io_pending: the last exit is completed by the next KVM_RUN
 * @exits: times KVM_RUN returned because of the guest
 * @reasons: the same by KVM_EXIT_*; those that are beyond it are in the last one.
 *	KVM_EXIT_INTR: it was called out
 * @limit: budget of messages the guest can cause
 * @arch: private to the architecture
 */
struct vcpu {
	struct vm *vm;
	unsigned int index;
	int fd;
	struct kvm_run *run;
	pthread_t thread;
	int tid;
	int error;
	bool parked;
	bool off;
	void (*call)(struct vcpu *v);
	bool io_pending;
	u64 exits;
	u64 reasons[VCPU_REASONS];
	struct log_limit limit;
	struct vcpu_arch *arch;
};

/**
 * struct vcpu_group - how the loop's thread and the vCPU threads meet
 * @lock: protects all of it
 * @go: vCPUs wait here for being released
 * @idle: the loop waits here for the vCPUs
 * @hold: vCPUs stay out of the guest
 * @quit: threads end
 * @nr_parked: vCPUs that wait
 */
struct vcpu_group {
	pthread_mutex_t lock;
	pthread_cond_t go;
	pthread_cond_t idle;
	bool hold;
	bool quit;
	unsigned int nr_parked;
};

/**
 * vcpus_create() - create all vCPUs, held
 * @vm: machine
 *
 * Return: 0, or -errno after a one-line message.
 */
int vcpus_create(struct vm *vm);

/**
 * vcpus_hold() - bring every vCPU out of the guest and complete its I/O
 * @vm: machine
 */
void vcpus_hold(struct vm *vm);

/**
 * vcpu_nudge() - make KVM_RUN return, if the vCPU is in it
 * @vcpu: vCPU
 *
 * It goes on at once. One that is just about to enter the guest may miss it.
 */
void vcpu_nudge(struct vcpu *vcpu);

/**
 * vcpus_kick() - make every vCPU look at what is asked of it
 * @vm: machine
 */
void vcpus_kick(struct vm *vm);

/**
 * vcpus_release() - let the vCPUs run
 * @vm: machine
 */
void vcpus_release(struct vm *vm);

/**
 * vcpu_set_off() - have a vCPU wait outside the guest until it is started
 * @v: vCPU, new, held or on its own thread; to start it: any
 * @off: it waits
 */
void vcpu_set_off(struct vcpu *v, bool off);

/**
 * vcpu_ask() - an ioctl on any vCPU, from the thread of any
 * @v: vCPU; one that runs comes out of KVM_RUN for it, and goes on
 * @cmd: request
 * @arg: its argument
 *
 * Return: what ioctl() returned, or -errno.
 */
int vcpu_ask(struct vcpu *v, unsigned long cmd, void *arg);

/**
 * vcpu_call() - have something done between two instructions of a vCPU
 * @v: vCPU; one that is held or off does it when it goes on
 * @fn: called on its thread, with its registers complete; replaces what was not done yet,
 *	NULL for nothing
 */
void vcpu_call(struct vcpu *v, void (*fn)(struct vcpu *v));

/**
 * vcpus_destroy() - end the threads and release the vCPUs
 * @vm: machine
 */
void vcpus_destroy(struct vm *vm);

#endif /* VMTOOL_VCPU_H */
