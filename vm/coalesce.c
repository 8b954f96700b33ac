// SPDX-License-Identifier: GPL-2.0
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <linux/kvm.h>

#include <linux/kernel.h>
#include <vmtool/coalesce.h>
#include <vmtool/log.h>
#include <vmtool/vm.h>

/* How long a word of the guest's may wait while it is watched. */
#define WATCH_MS	100

static bool pending(const struct coalesce *c)
{
	return c->ring && __atomic_load_n(&c->ring->first, __ATOMIC_RELAXED) !=
	       __atomic_load_n(&c->ring->last, __ATOMIC_ACQUIRE);
}

static void watch(struct ev_timer *timer)
{
	struct coalesce *c = container_of(timer, struct coalesce, timer);

	if (!__atomic_load_n(&c->watched, __ATOMIC_RELAXED) || c->vm->run.state == RUN_ENDED)
		return;
	/* Not here: who carries it out may have to wait for this thread. */
	if (pending(c))
		vcpu_nudge(c->vm->vcpus[0]);
	ev_timer_set(&c->vm->loop, &c->timer, WATCH_MS);
}

void coalesce_init(struct coalesce *c, struct vm *vm)
{
	c->vm = vm;
	c->timer.fn = watch;
	pthread_mutex_init(&c->lock, NULL);
}

void coalesce_destroy(struct coalesce *c)
{
	ev_timer_destroy(&c->timer);
	pthread_mutex_destroy(&c->lock);
}

static bool keep(struct coalesce *c, u64 addr, u32 len, bool port)
{
	struct kvm_coalesced_mmio_zone zone = { .addr = addr, .size = len, .pio = port };
	int fd = c->vm->vm_fd;

	/* A KVM that does not know ports takes the number for an address. */
	if (fd < 0 || (port && ioctl(fd, KVM_CHECK_EXTENSION, KVM_CAP_COALESCED_PIO) <= 0))
		return false;
	if (!ioctl(fd, KVM_REGISTER_COALESCED_MMIO, &zone))
		return true;
	log_debug("KVM cannot keep writes to 0x%llx", (unsigned long long)addr);
	return false;
}

void coalesce_add(struct coalesce *c, u64 addr, u32 len, bool port)
{
	if (keep(c, addr, len, port))
		c->used = true;
}

void coalesce_keep(struct coalesce *c, u64 addr, u32 len, bool port)
{
	if (__atomic_add_fetch(&c->nr, 1, __ATOMIC_RELAXED) <= COALESCE_MAX_RANGES)
		keep(c, addr, len, port);
}

void coalesce_drop(struct coalesce *c, u64 addr, u32 len, bool port)
{
	struct kvm_coalesced_mmio_zone zone = { .addr = addr, .size = len, .pio = port };

	__atomic_sub_fetch(&c->nr, 1, __ATOMIC_RELAXED);
	/* One that KVM does not have is no fault. */
	if (c->vm->vm_fd >= 0 && ioctl(c->vm->vm_fd, KVM_UNREGISTER_COALESCED_MMIO, &zone) < 0)
		log_debug("KVM keeps writes to 0x%llx", (unsigned long long)addr);
}

void coalesce_attach(struct coalesce *c, struct vcpu *v)
{
	size_t page = sysconf(_SC_PAGESIZE);
	int off = ioctl(c->vm->vm_fd, KVM_CHECK_EXTENSION, KVM_CAP_COALESCED_MMIO);

	if (off <= 0 || (off + 1) * page > c->vm->run_size)
		return;
	c->entries = (page - sizeof(*c->ring)) / sizeof(c->ring->coalesced_mmio[0]);
	c->ring = (void *)v->run + off * page;
}

static void carry_out(struct coalesce *c, const struct kvm_coalesced_mmio *e)
{
	struct bus *bus = e->pio ? &c->vm->pio : &c->vm->mmio;

	bus_write_late(bus, e->phys_addr, e->data, min_t(u32, e->len, sizeof(e->data)));
}

void coalesce_flush(struct coalesce *c)
{
	u32 first;

	if (!pending(c))
		return;
	pthread_mutex_lock(&c->lock);
	/* Characters for a console come one by one, and leave together. */
	term_hold(&c->vm->term, true);
	while (pending(c)) {
		first = c->ring->first;
		if (first < c->entries)
			carry_out(c, &c->ring->coalesced_mmio[first]);
		__atomic_store_n(&c->ring->first, (first + 1) % c->entries, __ATOMIC_RELEASE);
	}
	term_hold(&c->vm->term, false);
	pthread_mutex_unlock(&c->lock);
}

void coalesce_watch(struct coalesce *c)
{
	if (!c->used || !c->ring)
		return;
	__atomic_store_n(&c->watched, true, __ATOMIC_RELAXED);
	ev_timer_set(&c->vm->loop, &c->timer, WATCH_MS);
}

void coalesce_unwatch(struct coalesce *c)
{
	__atomic_store_n(&c->watched, false, __ATOMIC_RELAXED);
}
