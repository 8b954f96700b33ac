/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TESTS_UNIT_FAKE_KVM_H
#define TESTS_UNIT_FAKE_KVM_H

/*
 * A KVM that only remembers what it was asked for: memory slots, eventfds, routes.
 * ioctl() of FAKE_KVM_FD is answered here, all others go to the kernel. Included by
 * one file of a test.
 */
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <linux/kvm.h>

#include <linux/types.h>

#define FAKE_KVM_FD	0x7ffffff0
#ifndef FAKE_KVM_MAX
#define FAKE_KVM_MAX	512	/* of each */
#endif

/**
 * struct fake_kvm - what KVM knows
 * @lock: protects all
 * @refuse: ioctl() that fails with @error
 * @routing: what KVM_CAP_IRQ_ROUTING says
 * @no_signal_msi: there is no KVM_SIGNAL_MSI
 * @no_readonly: there are no read-only slots
 * @nr_slots: what KVM_CAP_NR_MEMSLOTS says
 * @slots: memory slots; those of size 0 are not there
 * @io: ioeventfds; those with @fd -1 are not there
 * @irqfds: descriptors and their numbers, likewise
 * @routes: KVM_SET_GSI_ROUTING's entries
 * @nr_routes: how many
 * @table_writes: calls of it
 * @sent: messages by KVM_SIGNAL_MSI
 * @last: the last one
 */
struct fake_kvm {
	pthread_mutex_t lock;
	unsigned long refuse;
	int error;
	int routing;
	bool no_signal_msi;
	bool no_readonly;
	int nr_slots;
	struct kvm_userspace_memory_region slots[FAKE_KVM_MAX + 64];
	struct kvm_ioeventfd io[FAKE_KVM_MAX];
	struct kvm_irqfd irqfds[FAKE_KVM_MAX];
	struct kvm_irq_routing_entry routes[FAKE_KVM_MAX];
	u32 nr_routes;
	unsigned int table_writes;
	unsigned int sent;
	struct kvm_msi last;
};

static struct fake_kvm fake_kvm;

static inline void fake_kvm_init(void)
{
	int i;

	memset(&fake_kvm, 0, sizeof(fake_kvm));
	pthread_mutex_init(&fake_kvm.lock, NULL);
	fake_kvm.routing = 4096;
	fake_kvm.nr_slots = FAKE_KVM_MAX;
	for (i = 0; i < FAKE_KVM_MAX; i++) {
		fake_kvm.io[i].fd = -1;
		fake_kvm.irqfds[i].fd = -1;
	}
}

static int fake_fail(int error)
{
	errno = error;
	return -1;
}

static int fake_extension(unsigned long cap)
{
	switch (cap) {
	case KVM_CAP_IRQ_ROUTING:
		return fake_kvm.routing;
	case KVM_CAP_SIGNAL_MSI:
		return !fake_kvm.no_signal_msi;
	case KVM_CAP_READONLY_MEM:
		return !fake_kvm.no_readonly;
	case KVM_CAP_NR_MEMSLOTS:
		return fake_kvm.nr_slots;
	}
	return 1;
}

static int fake_region(const struct kvm_userspace_memory_region *r)
{
	int i;

	if (r->slot >= (u32)fake_kvm.nr_slots)
		return fake_fail(EINVAL);
	for (i = 0; r->memory_size && i < fake_kvm.nr_slots; i++) {
		const struct kvm_userspace_memory_region *s = &fake_kvm.slots[i];

		if (i != (int)r->slot && s->memory_size &&
		    r->guest_phys_addr < s->guest_phys_addr + s->memory_size &&
		    s->guest_phys_addr < r->guest_phys_addr + r->memory_size)
			return fake_fail(EEXIST);
	}
	/* KVM moves no read-only slot: it has to go first. */
	if (r->memory_size && fake_kvm.slots[r->slot].memory_size)
		return fake_fail(EINVAL);
	fake_kvm.slots[r->slot] = *r;
	return 0;
}

static int fake_ioeventfd(const struct kvm_ioeventfd *ev)
{
	bool gone = ev->flags & KVM_IOEVENTFD_FLAG_DEASSIGN;
	int i;

	for (i = 0; i < FAKE_KVM_MAX; i++) {
		struct kvm_ioeventfd *e = &fake_kvm.io[i];

		if (gone && e->fd == ev->fd && e->addr == ev->addr && e->len == ev->len) {
			e->fd = -1;
			return 0;
		}
		if (!gone && e->fd >= 0 && e->addr == ev->addr)
			return fake_fail(EEXIST);
	}
	for (i = 0; !gone && i < FAKE_KVM_MAX; i++) {
		if (fake_kvm.io[i].fd < 0) {
			fake_kvm.io[i] = *ev;
			return 0;
		}
	}
	return fake_fail(gone ? ENOENT : ENOSPC);
}

static int fake_irqfd(const struct kvm_irqfd *irqfd)
{
	bool gone = irqfd->flags & KVM_IRQFD_FLAG_DEASSIGN;
	int i;

	for (i = 0; i < FAKE_KVM_MAX; i++) {
		struct kvm_irqfd *e = &fake_kvm.irqfds[i];

		if (e->fd != irqfd->fd)
			continue;
		if (!gone)
			return fake_fail(EBUSY);
		e->fd = -1;
		return 0;
	}
	for (i = 0; !gone && i < FAKE_KVM_MAX; i++) {
		if ((int)fake_kvm.irqfds[i].fd < 0) {
			fake_kvm.irqfds[i] = *irqfd;
			return 0;
		}
	}
	return 0;
}

static int fake_routing(const struct kvm_irq_routing *table)
{
	fake_kvm.table_writes++;
	if (table->nr > FAKE_KVM_MAX || table->flags)
		return fake_fail(EINVAL);
	memcpy(fake_kvm.routes, table->entries, table->nr * sizeof(table->entries[0]));
	fake_kvm.nr_routes = table->nr;
	return 0;
}

static int fake_ioctl(unsigned long request, unsigned long arg)
{
	if (fake_kvm.refuse == request)
		return fake_fail(fake_kvm.error);
	switch (request) {
	case KVM_CHECK_EXTENSION:
		return fake_extension(arg);
	case KVM_SET_USER_MEMORY_REGION:
		return fake_region((void *)arg);
	case KVM_IOEVENTFD:
		return fake_ioeventfd((void *)arg);
	case KVM_IRQFD:
		return fake_irqfd((void *)arg);
	case KVM_SET_GSI_ROUTING:
		return fake_routing((void *)arg);
	case KVM_SIGNAL_MSI:
		fake_kvm.sent++;
		fake_kvm.last = *(struct kvm_msi *)arg;
		return 1;
	case KVM_IRQ_LINE:
		return 0;
	}
	return fake_fail(ENOTTY);
}

int ioctl(int fd, unsigned long request, ...)
{
	unsigned long arg;
	va_list ap;
	int ret;

	va_start(ap, request);
	arg = va_arg(ap, unsigned long);
	va_end(ap);
	if (fd != FAKE_KVM_FD)
		return syscall(SYS_ioctl, fd, request, arg);
	pthread_mutex_lock(&fake_kvm.lock);
	ret = fake_ioctl(request, arg);
	pthread_mutex_unlock(&fake_kvm.lock);
	return ret;
}

/* The slot at an address, or NULL. */
static inline const struct kvm_userspace_memory_region *fake_slot_at(u64 gpa)
{
	int i;

	for (i = 0; i < fake_kvm.nr_slots; i++) {
		const struct kvm_userspace_memory_region *s = &fake_kvm.slots[i];

		if (gpa >= s->guest_phys_addr && gpa - s->guest_phys_addr < s->memory_size)
			return s;
	}
	return NULL;
}

/* The descriptor that a write to an address signals, or -1. */
static inline int fake_kick_fd(u64 gpa)
{
	int i;

	for (i = 0; i < FAKE_KVM_MAX; i++)
		if (fake_kvm.io[i].fd >= 0 && fake_kvm.io[i].addr == gpa)
			return fake_kvm.io[i].fd;
	return -1;
}

/* The number that a descriptor signals, or -1. */
static inline int fake_irqfd_gsi(int fd)
{
	int i;

	for (i = 0; i < FAKE_KVM_MAX; i++)
		if ((int)fake_kvm.irqfds[i].fd == fd)
			return fake_kvm.irqfds[i].gsi;
	return -1;
}

/* The message that a number stands for, or NULL. */
static inline const struct kvm_irq_routing_msi *fake_message(u32 gsi)
{
	u32 i;

	for (i = 0; i < fake_kvm.nr_routes; i++)
		if (fake_kvm.routes[i].gsi == gsi &&
		    fake_kvm.routes[i].type == KVM_IRQ_ROUTING_MSI)
			return &fake_kvm.routes[i].u.msi;
	return NULL;
}

static inline int fake_count_slots(void)
{
	int i, n = 0;

	for (i = 0; i < fake_kvm.nr_slots; i++)
		n += !!fake_kvm.slots[i].memory_size;
	return n;
}

static inline int fake_count_kicks(void)
{
	int i, n = 0;

	for (i = 0; i < FAKE_KVM_MAX; i++)
		n += fake_kvm.io[i].fd >= 0;
	return n;
}

#endif /* TESTS_UNIT_FAKE_KVM_H */
