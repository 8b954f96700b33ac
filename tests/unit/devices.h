/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TESTS_UNIT_DEVICES_H
#define TESTS_UNIT_DEVICES_H

#include <string.h>

#include <linux/kernel.h>
#include <vmtool/device.h>
#include <vmtool/vm.h>

/*
 * As much of a machine as platform devices need: buses, interrupt lines that lead
 * nowhere, a loop that the test runs, and a run state that only takes requests.
 */

static inline void devices_nothing(void *priv)
{
}

static const struct run_ops devices_run_ops = {
	.hold = devices_nothing,
	.kick = devices_nothing,
	.release = devices_nothing,
};

static inline int devices_init(struct vm *vm)
{
	static const struct vm_config one_cpu = { .nr_cpus = 1 };

	memset(vm, 0, sizeof(*vm));
	vm->cfg = &one_cpu;
	vm->vm_fd = -1;
	vm->kvm_fd = -1;
	INIT_LIST_HEAD(&vm->devices);
	bus_init(&vm->pio, "port", false);
	bus_init(&vm->mmio, "mmio", false);
	coalesce_init(&vm->coalesce, vm);
	gmem_init(&vm->gmem, -1);
	irqchip_init(&vm->irqchip, -1, IRQ_MAX_LINES);
	term_init(&vm->term, &vm->loop);
	runstate_init(&vm->run, &vm->loop, &vm->verdict, &devices_run_ops, vm);
	return evloop_init(&vm->loop);
}

static inline void devices_end(struct vm *vm)
{
	devices_destroy(vm);
	irqchip_destroy(&vm->irqchip);
	coalesce_destroy(&vm->coalesce);
	/* What was not printed is not waited for. */
	vm->term.tail = vm->term.head;
	term_destroy(&vm->term);
	evloop_destroy(&vm->loop);
	gmem_destroy(&vm->gmem);
	bus_destroy(&vm->mmio);
	bus_destroy(&vm->pio);
}

static inline u8 port_in(struct vm *vm, u16 port)
{
	u8 val = 0;

	bus_read(&vm->pio, port, &val, 1);
	return val;
}

static inline void port_out(struct vm *vm, u16 port, u8 val)
{
	bus_write(&vm->pio, port, &val, 1);
}

/* Has this been asked for, and nothing else? Forgets it. */
static inline bool requested(struct vm *vm, enum run_cause cause)
{
	unsigned int pending = vm->run.pending;

	vm->run.pending = 0;
	return pending == 1U << cause;
}

static inline bool nothing_requested(const struct vm *vm)
{
	return !vm->run.pending;
}

#endif /* TESTS_UNIT_DEVICES_H */
