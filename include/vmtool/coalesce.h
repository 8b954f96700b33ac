/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_COALESCE_H
#define VMTOOL_COALESCE_H

#include <pthread.h>
#include <stdbool.h>
#include <linux/types.h>
#include <vmtool/evloop.h>

struct kvm_coalesced_mmio_ring;
struct vcpu;
struct vm;

/*
 * Writes that wait (KVM's Documentation/virt/kvm/api.rst, KVM_REGISTER_COALESCED_MMIO).
 *
 * KVM keeps writes to such registers in a ring and goes on with the guest. They are
 * carried out, in their order, when KVM_RUN returns for another reason, before that is
 * looked at. A guest that does nothing else would keep them for ever, so while somebody
 * watches a timer makes a vCPU return now and then.
 *
 * Each range takes a place of KVM's bus, of which ioeventfds need one as well; both are
 * limited (NR_IOBUS_DEVS).
 */
#define COALESCE_MAX_RANGES	384

/**
 * struct coalesce - the ring
 * @vm: machine
 * @ring: shared with KVM; NULL before the first vCPU, and where KVM has none
 * @entries: what it has room for
 * @lock: held while writes are carried out
 * @nr: ranges of coalesce_keep() that KVM knows
 * @used: KVM keeps writes to something that is to be watched
 * @timer: while @watched
 * @watched: what comes last may be all there is for long
 */
struct coalesce {
	struct vm *vm;
	struct kvm_coalesced_mmio_ring *ring;
	u32 entries;
	pthread_mutex_t lock;
	unsigned int nr;
	bool used;
	struct ev_timer timer;
	bool watched;
};

/**
 * coalesce_init() - nothing waits yet
 * @c: caller-owned
 * @vm: machine
 */
void coalesce_init(struct coalesce *c, struct vm *vm);

/**
 * coalesce_destroy() - release it
 * @c: ring; no vCPU runs any more
 */
void coalesce_destroy(struct coalesce *c);

/**
 * coalesce_add() - have writes to some registers wait; for realize operations
 * @c: ring
 * @addr: guest physical address, or port
 * @len: bytes
 * @port: it is a port
 *
 * It is an optimisation: where KVM cannot do that they exit.
 */
void coalesce_add(struct coalesce *c, u64 addr, u32 len, bool port);

/**
 * coalesce_keep() - the same for registers that mean nothing before another is written
 * @c: ring
 * @addr: guest physical address, or port
 * @len: bytes
 * @port: it is a port
 *
 * They need no watch. Each call is undone by coalesce_drop(). For any thread.
 */
void coalesce_keep(struct coalesce *c, u64 addr, u32 len, bool port);

/**
 * coalesce_drop() - writes there exit again
 * @c: ring
 * @addr: as of coalesce_keep()
 * @len: as of coalesce_keep()
 * @port: as of coalesce_keep()
 */
void coalesce_drop(struct coalesce *c, u64 addr, u32 len, bool port);

/**
 * coalesce_attach() - find the ring in what KVM shares of a vCPU
 * @c: ring
 * @vcpu: the first vCPU, whose @run is mapped
 */
void coalesce_attach(struct coalesce *c, struct vcpu *vcpu);

/**
 * coalesce_flush() - carry out what waits; for threads of vCPUs
 * @c: ring
 */
void coalesce_flush(struct coalesce *c);

/**
 * coalesce_watch() - begin to see to it that nothing waits for long
 * @c: ring; in the event loop
 *
 * Until coalesce_unwatch(); again after a reset. Where no write waits there is no timer.
 */
void coalesce_watch(struct coalesce *c);

/**
 * coalesce_unwatch() - who might write last does not any more; for any thread
 * @c: ring
 */
void coalesce_unwatch(struct coalesce *c);

#endif /* VMTOOL_COALESCE_H */
