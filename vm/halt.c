// SPDX-License-Identifier: GPL-2.0
/*
 * Linux resets its virtio devices before it says that it restarts or halts, so on
 * the virtio console nobody reads that. What is seen is that the console's driver
 * has let go, and later that no vCPU can be woken up any more.
 */
#include <linux/kernel.h>
#include <vmtool/arch.h>
#include <vmtool/halt.h>
#include <vmtool/vcpu.h>
#include <vmtool/vm.h>
#include <vmtool/watchdog.h>

#define HALT_PROBE_MS	500

static bool all_halted(struct vm *vm)
{
	struct vcpu_sample s;
	unsigned int i;

	for (i = 0; i < vm->nr_vcpus; i++)
		if (arch_vcpu_sample(vm->vcpus[i], &s) ||
		    !(s.off || (s.halted && s.irqs_off)))
			return false;
	return true;
}

static void halt_probe(struct ev_timer *timer)
{
	struct halt_watch *h = container_of(timer, struct halt_watch, timer);
	struct vm *vm = h->vm;
	bool halted;

	h->armed = false;
	/* A guest that is paused, or about to be reset, is looked at later. */
	if (vm->run.state == RUN_RUNNING && !runstate_held(&vm->run)) {
		vcpus_hold(vm);
		halted = all_halted(vm);
		vcpus_release(vm);
		h->seen = halted ? h->seen + 1 : 0;
		/* Twice: an interrupt may have been under way. */
		if (h->seen == 2)
			runstate_request(&vm->run, RUN_BY_GUEST_POWEROFF);
	}
	halt_watch_service(h);
}

void halt_watch_init(struct halt_watch *h, struct vm *vm)
{
	h->vm = vm;
	h->timer.fn = halt_probe;
}

void halt_watch_service(struct halt_watch *h)
{
	struct vm *vm = h->vm;

	if (!__atomic_load_n(&vm->verdict.console_down, __ATOMIC_SEQ_CST)) {
		h->seen = 0;
		return;
	}
	if (!h->armed && vm->run.state != RUN_ENDED &&
	    !ev_timer_set(&vm->loop, &h->timer, HALT_PROBE_MS))
		h->armed = true;
}

void halt_watch_destroy(struct halt_watch *h)
{
	ev_timer_destroy(&h->timer);
}
