// SPDX-License-Identifier: GPL-2.0
/*
 * vmtool stat: what a guest has cost.
 */
#include <stdio.h>

#include <jansson.h>

#include <vmtool/guests.h>
#include <vmtool/log.h>
#include <vmtool/qmp_client.h>

#include "stat.h"

static long long number(const json_t *object, const char *member)
{
	return json_integer_value(json_object_get(object, member));
}

static const char *text(const json_t *object, const char *member, const char *none)
{
	return json_string_value(json_object_get(object, member)) ?: none;
}

static void show_timeline(json_t *marks)
{
	const char *name;
	json_t *at;

	printf("  %-32s %12s\n", "since the start of vmtool", "ms");
	json_object_foreach(marks, name, at)
		if (json_is_integer(at))
			printf("    %-30s %12.3f\n", name, json_integer_value(at) / 1e6);
}

static void show_vcpu(size_t index, json_t *vcpu)
{
	const char *reason;
	char name[32];
	json_t *n;

	snprintf(name, sizeof(name), "vCPU %zu", index);
	printf("    %-30s %12lld\n", name, number(vcpu, "exits"));
	json_object_foreach(json_object_get(vcpu, "reasons"), reason, n)
		printf("      %-28s %12lld\n", reason, (long long)json_integer_value(n));
}

static void show_vcpus(json_t *vcpus)
{
	json_t *vcpu;
	size_t i;

	printf("  %-32s %12s\n", "exits to user space", "times");
	json_array_foreach(vcpus, i, vcpu)
		show_vcpu(i, vcpu);
}

static void show_accesses(const char *name, const json_t *count)
{
	long long reads = number(count, "reads"), writes = number(count, "writes");
	long long late = number(count, "late-writes");

	if (reads || writes || late)
		printf("    %-30s %12lld %12lld %12lld\n", name, reads, writes, late);
}

static void show_bus(const char *what, json_t *bus)
{
	json_t *regions = json_object_get(bus, "regions"), *r;
	char name[64];
	size_t i;

	printf("  %-32s %12s %12s %12s\n", what, "reads", "writes", "late writes");
	json_array_foreach(regions, i, r)
		show_accesses(text(r, "name", "?"), r);
	show_accesses("(nobody)", json_object_get(bus, "nobody"));
	json_array_foreach(json_object_get(bus, "busiest"), i, r) {
		snprintf(name, sizeof(name), "0x%llx %s", number(r, "address"),
			 text(r, "region", "(nobody)"));
		show_accesses(name, r);
	}
}

static void show_interrupts(json_t *irqs)
{
	const char *line;
	char name[32];
	json_t *n;

	printf("  %-32s %12s\n", "interrupts", "times");
	json_object_foreach(json_object_get(irqs, "lines"), line, n) {
		snprintf(name, sizeof(name), "line %s", line);
		printf("    %-30s %12lld\n", name, (long long)json_integer_value(n));
	}
	printf("    %-30s %12lld\n", "messages", number(irqs, "messages"));
}

static void show_queues(const char *device, json_t *queues)
{
	char name[64];
	json_t *q;
	size_t i;

	json_array_foreach(queues, i, q) {
		snprintf(name, sizeof(name), "%s queue %lld", device, number(q, "index"));
		printf("    %-30s %12lld %12lld %12lld %12lld %12lld\n", name,
		       number(q, "kicks"), number(q, "requests"), number(q, "bytes-out"),
		       number(q, "bytes-in"), number(q, "interrupts"));
	}
}

static void show_devices(json_t *devices)
{
	json_t *dev;
	size_t i;

	printf("  %-32s %12s %12s %12s %12s %12s\n", "devices", "kicks", "requests",
	       "bytes out", "bytes in", "interrupts");
	json_array_foreach(devices, i, dev)
		show_queues(text(dev, "name", "?"), json_object_get(dev, "queues"));
}

/* Histograms are for programs. */
static void show_kvm_values(const char *what, json_t *values)
{
	const char *name;
	json_t *n;

	printf("  %-32s\n", what);
	json_object_foreach(values, name, n)
		if (json_is_integer(n))
			printf("    %-30s %12lld\n", name, (long long)json_integer_value(n));
}

static void show_kvm(json_t *stats)
{
	json_t *vcpu;
	char name[32];
	size_t i;

	show_kvm_values("KVM", json_object_get(stats, "kvm"));
	json_array_foreach(json_object_get(stats, "vcpus"), i, vcpu) {
		snprintf(name, sizeof(name), "KVM, vCPU %zu", i);
		show_kvm_values(name, json_object_get(vcpu, "kvm"));
	}
}

static void show(const char *name, json_t *stats, bool kvm)
{
	printf("%s:\n", name);
	show_timeline(json_object_get(stats, "timeline-ns"));
	show_vcpus(json_object_get(stats, "vcpus"));
	show_bus("memory-mapped registers", json_object_get(stats, "mmio"));
	if (json_object_get(stats, "port"))
		show_bus("I/O ports", json_object_get(stats, "port"));
	show_interrupts(json_object_get(stats, "interrupts"));
	show_devices(json_object_get(stats, "devices"));
	if (kvm)
		show_kvm(stats);
}

int stat_cost(const char *name, bool json, bool kvm)
{
	struct qmp_client client;
	struct qmp_error err;
	json_t *answer;
	int ret = guests_open(&client, name);

	if (ret)
		return ret;
	ret = qmp_client_execute(&client, "x-query-stats", NULL, QMP_TIMEOUT_MS, &answer, &err);
	qmp_client_close(&client);
	if (ret) {
		log_err("guest '%s': %s", name, err.desc);
		return 1;
	}
	if (json) {
		json_dumpf(answer, stdout, JSON_INDENT(2));
		putchar('\n');
	} else {
		show(name, answer, kvm);
	}
	json_decref(answer);
	return 0;
}
