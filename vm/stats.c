// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <linux/kvm.h>

#include <linux/kernel.h>
#include <vmtool/device.h>
#include <vmtool/json_out.h>
#include <vmtool/stats.h>
#include <vmtool/vm.h>

/* What a run is to be improved by: the addresses with most exits. */
#define BUSIEST		16

static const char *const mark_names[STATS_MARKS] = {
	[MARK_CREATE] = "create", [MARK_VCPUS] = "vcpus",
	[MARK_LOADED] = "loaded", [MARK_ENTRY] = "entry", [MARK_CONSOLE] = "console",
	[MARK_INIT] = "init", [MARK_COMMAND] = "command", [MARK_COMMAND_END] = "command-end",
	[MARK_EXIT] = "exit",
};

static const char *const reason_names[VCPU_REASONS] = {
	[KVM_EXIT_UNKNOWN] = "unknown", [KVM_EXIT_EXCEPTION] = "exception",
	[KVM_EXIT_IO] = "io", [KVM_EXIT_HYPERCALL] = "hypercall", [KVM_EXIT_DEBUG] = "debug",
	[KVM_EXIT_HLT] = "hlt", [KVM_EXIT_MMIO] = "mmio",
	[KVM_EXIT_IRQ_WINDOW_OPEN] = "irq-window-open", [KVM_EXIT_SHUTDOWN] = "shutdown",
	[KVM_EXIT_FAIL_ENTRY] = "fail-entry", [KVM_EXIT_INTR] = "intr",
	[KVM_EXIT_SET_TPR] = "set-tpr", [KVM_EXIT_TPR_ACCESS] = "tpr-access",
	[KVM_EXIT_NMI] = "nmi", [KVM_EXIT_INTERNAL_ERROR] = "internal-error",
	[KVM_EXIT_OSI] = "osi", [KVM_EXIT_PAPR_HCALL] = "papr-hcall",
	[KVM_EXIT_WATCHDOG] = "watchdog", [KVM_EXIT_EPR] = "epr",
	[KVM_EXIT_SYSTEM_EVENT] = "system-event", [KVM_EXIT_IOAPIC_EOI] = "ioapic-eoi",
	[KVM_EXIT_ARM_NISV] = "arm-nisv", [KVM_EXIT_X86_RDMSR] = "x86-rdmsr",
	[KVM_EXIT_X86_WRMSR] = "x86-wrmsr", [KVM_EXIT_DIRTY_RING_FULL] = "dirty-ring-full",
	[KVM_EXIT_X86_BUS_LOCK] = "x86-bus-lock", [KVM_EXIT_NOTIFY] = "notify",
};

u64 stats_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

void stats_mark(struct stats_marks *marks, enum stats_mark mark)
{
	u64 *at = &marks->at[mark], none = 0;

	if (!__atomic_load_n(at, __ATOMIC_RELAXED))
		__atomic_compare_exchange_n(at, &none, stats_now(), false, __ATOMIC_RELAXED,
					    __ATOMIC_RELAXED);
}

static void print_marks(const struct vm *vm, struct json_out *j)
{
	u64 start = vm->cfg->start, at;
	unsigned int i;

	json_begin(j, "timeline-ns", '{');
	for (i = 0; i < STATS_MARKS; i++) {
		at = stats_load(&vm->marks.at[i]);
		if (at)
			json_u64(j, mark_names[i], at - start);
		else
			json_text(j, mark_names[i], NULL);
	}
	json_end(j, '}');
}

static void print_reasons(const struct vcpu *v, struct json_out *j)
{
	unsigned int i;
	u64 n;

	json_begin(j, "reasons", '{');
	for (i = 0; i < VCPU_REASONS; i++) {
		n = stats_load(&v->reasons[i]);
		if (n)
			json_u64(j, reason_names[i] ?: "other", n);
	}
	json_end(j, '}');
}

static void print_vcpu(struct vcpu *v, struct json_out *j)
{
	json_begin(j, NULL, '{');
	json_u64(j, "exits", stats_load(&v->exits));
	print_reasons(v, j);
	json_begin(j, "kvm", '{');
	kvm_stats_print(v->run ? vcpu_ask(v, KVM_GET_STATS_FD, NULL) : -EINVAL, j);
	json_end(j, '}');
	json_end(j, '}');
}

static void print_vcpus(struct vm *vm, struct json_out *j)
{
	unsigned int i;

	json_begin(j, "vcpus", '[');
	for (i = 0; i < vm->nr_vcpus; i++)
		print_vcpu(vm->vcpus[i], j);
	json_end(j, ']');
}

/* --- accesses ----------------------------------------------------------------------- */

static void print_count(const struct bus_count *c, struct json_out *j)
{
	json_u64(j, "reads", c->reads);
	json_u64(j, "writes", c->writes);
	json_u64(j, "late-writes", c->late);
}

static u64 exits_of(const struct bus_count *c)
{
	return c->reads + c->writes;
}

static int by_exits(const void *a, const void *b)
{
	const struct bus_address *x = a, *y = b;
	u64 n = exits_of(&x->count), m = exits_of(&y->count);

	if (n != m)
		return n < m ? 1 : -1;
	return x->addr > y->addr ? 1 : x->addr < y->addr ? -1 : 0;
}

static const char *region_at(const struct bus *bus, u64 addr)
{
	int i;

	for (i = 0; i < bus->nr; i++)
		if (addr - bus->regions[i]->base < bus->regions[i]->len)
			return bus->regions[i]->name;
	return NULL;
}

static void print_busiest(const struct bus *bus, struct json_out *j)
{
	struct bus_address busy[ARRAY_SIZE(bus->busy)];
	unsigned int i;

	memcpy(busy, bus->busy, sizeof(busy));
	qsort(busy, ARRAY_SIZE(busy), sizeof(*busy), by_exits);
	json_begin(j, "busiest", '[');
	for (i = 0; i < BUSIEST && exits_of(&busy[i].count); i++) {
		json_begin(j, NULL, '{');
		json_u64(j, "address", busy[i].addr);
		json_text(j, "region", region_at(bus, busy[i].addr));
		print_count(&busy[i].count, j);
		json_end(j, '}');
	}
	json_end(j, ']');
}

static void print_region(const struct region *r, struct json_out *j)
{
	if (!exits_of(&r->count) && !r->count.late)
		return;
	json_begin(j, NULL, '{');
	json_text(j, "name", r->name);
	json_u64(j, "base", r->base);
	print_count(&r->count, j);
	json_end(j, '}');
}

static void print_bus(struct bus *bus, struct json_out *j)
{
	int i;

	pthread_mutex_lock(&bus->lock);
	json_begin(j, bus->name, '{');
	json_begin(j, "regions", '[');
	for (i = 0; i < bus->nr; i++)
		print_region(bus->regions[i], j);
	json_end(j, ']');
	json_begin(j, "nobody", '{');
	print_count(&bus->nobody, j);
	json_end(j, '}');
	print_busiest(bus, j);
	json_end(j, '}');
	pthread_mutex_unlock(&bus->lock);
}

/* --- the rest ------------------------------------------------------------------------- */

static void print_interrupts(const struct irqchip *chip, struct json_out *j)
{
	char gsi[16];
	u32 i;

	json_begin(j, "interrupts", '{');
	json_begin(j, "lines", '{');
	for (i = 0; i < chip->nr; i++) {
		if (!stats_load(&chip->lines[i].raised))
			continue;
		snprintf(gsi, sizeof(gsi), "%u", i);
		json_u64(j, gsi, stats_load(&chip->lines[i].raised));
	}
	json_end(j, '}');
	json_u64(j, "messages", stats_load(&chip->messages));
	json_end(j, '}');
}

static void print_devices(const struct vm *vm, struct json_out *j)
{
	const struct device *dev;

	json_begin(j, "devices", '[');
	list_for_each_entry(dev, &vm->devices, node) {
		if (!dev->ops->stats)
			continue;
		json_begin(j, NULL, '{');
		json_text(j, "name", dev->name);
		dev->ops->stats(dev, j);
		json_end(j, '}');
	}
	json_end(j, ']');
}

static void print_kvm(const struct vm *vm, struct json_out *j)
{
	json_begin(j, "kvm", '{');
	kvm_stats_print(ioctl(vm->vm_fd, KVM_GET_STATS_FD, NULL), j);
	json_end(j, '}');
}

void stats_print(struct vm *vm, FILE *out)
{
	struct json_out j = { .out = out };

	json_begin(&j, NULL, '{');
	json_text(&j, "name", *vm->cfg->name ? vm->cfg->name : NULL);
	json_u64(&j, "resets", vm->run.resets);
	print_marks(vm, &j);
	print_vcpus(vm, &j);
	print_bus(&vm->mmio, &j);
	if (vm->pio.nr)
		print_bus(&vm->pio, &j);
	print_interrupts(&vm->irqchip, &j);
	print_devices(vm, &j);
	print_kvm(vm, &j);
	json_end(&j, '}');
}
