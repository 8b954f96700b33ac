// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include <linux/bits.h>
#include <linux/kernel.h>
#include <vmtool/log.h>
#include <vmtool/vm.h>

#include "x86.h"

/* KVM's local APIC timer counts nanoseconds. */
#define APIC_BUS_HZ		1000000000U

#define LEAF_HYPERVISOR		0x40000000
#define LEAF_TIMING		0x40000010

#define LEAF1_ECX_TSC_DEADLINE	BIT(24)
#define LEAF1_ECX_HYPERVISOR	BIT(31)
#define LEAF1_EDX_HTT		BIT(28)
#define LEAF80000001_ECX_CMP_LEGACY	BIT(1)

static struct kvm_cpuid_entry2 *find(struct kvm_cpuid2 *cpuid, u32 leaf, u32 index)
{
	u32 i;

	for (i = 0; i < cpuid->nent; i++)
		if (cpuid->entries[i].function == leaf && cpuid->entries[i].index == index)
			return &cpuid->entries[i];
	return NULL;
}

static struct kvm_cpuid_entry2 *find_or_add(struct kvm_cpuid2 *cpuid, u32 leaf, u32 index,
					    bool indexed)
{
	struct kvm_cpuid_entry2 *e = find(cpuid, leaf, index);

	if (e)
		return e;
	e = &cpuid->entries[cpuid->nent++];
	memset(e, 0, sizeof(*e));
	e->function = leaf;
	e->index = index;
	e->flags = indexed ? KVM_CPUID_FLAG_SIGNIFCANT_INDEX : 0;
	return e;
}

static u32 bits_for(u32 nr)
{
	return nr > 1 ? 32 - __builtin_clz(nr - 1) : 0;
}

static void patch_features(struct kvm_cpuid2 *cpuid, u32 nr_cpus, bool tsc_deadline)
{
	struct kvm_cpuid_entry2 *e = find(cpuid, 1, 0);

	if (!e)
		return;
	e->ecx |= LEAF1_ECX_HYPERVISOR;
	if (tsc_deadline)
		e->ecx |= LEAF1_ECX_TSC_DEADLINE;
	/* Addressable ids in the package: a power of two in eight bits. */
	e->ebx &= 0x0000ffff;
	e->ebx |= min_t(u32, 1U << bits_for(nr_cpus), 255) << 16;
	e->edx &= ~LEAF1_EDX_HTT;
	if (nr_cpus > 1)
		e->edx |= LEAF1_EDX_HTT;
}

/* Leaf 4 (Intel) and 0x8000001d (AMD): L1 and L2 are private, L3 is shared. */
static void patch_caches(struct kvm_cpuid2 *cpuid, u32 leaf, u32 nr_cpus)
{
	u32 ids = (1U << bits_for(nr_cpus)) - 1;
	struct kvm_cpuid_entry2 *e;
	u32 i;

	for (i = 0; (e = find(cpuid, leaf, i)) && (e->eax & 0x1f); i++) {
		u32 level = e->eax >> 5 & 7;

		e->eax &= 0x3fff;
		if (level >= 3)
			e->eax |= min_t(u32, ids, 0xfff) << 14;
		if (leaf == 4)
			e->eax |= min_t(u32, ids, 0x3f) << 26;
	}
}

/* Leaf 0xb and its successor 0x1f: one thread a core, all cores in a package. */
static void patch_topology(struct kvm_cpuid2 *cpuid, u32 leaf, u32 nr_cpus)
{
	struct kvm_cpuid_entry2 *e;

	e = find_or_add(cpuid, leaf, 0, true);
	e->eax = 0;
	e->ebx = 1;
	e->ecx = 1 << 8;
	e = find_or_add(cpuid, leaf, 1, true);
	e->eax = bits_for(nr_cpus);
	e->ebx = nr_cpus;
	e->ecx = 2 << 8 | 1;
	e = find_or_add(cpuid, leaf, 2, true);
	e->eax = 0;
	e->ebx = 0;
	e->ecx = 2;
}

static void patch_amd(struct kvm_cpuid2 *cpuid, u32 nr_cpus)
{
	struct kvm_cpuid_entry2 *e = find(cpuid, 0x80000001, 0);

	if (e) {
		e->ecx &= ~LEAF80000001_ECX_CMP_LEGACY;
		if (nr_cpus > 1 && !find(cpuid, 4, 0))
			e->ecx |= LEAF80000001_ECX_CMP_LEGACY;
	}
	e = find(cpuid, 0x80000008, 0);
	if (e)
		e->ecx = bits_for(nr_cpus) << 12 | min_t(u32, nr_cpus - 1, 0xff);
}

/*
 * With these a kernel knows the frequencies of its TSC and of its local APIC
 * timer and calibrates neither: Intel's leaf 0x15, and the leaf that VMware
 * introduced and others took over.
 */
void x86_cpuid_set_tsc(struct kvm_cpuid2 *cpuid, u32 tsc_khz)
{
	struct kvm_cpuid_entry2 *e;

	if (!tsc_khz)
		return;
	e = find_or_add(cpuid, 0x15, 0, false);
	e->eax = APIC_BUS_HZ / 1000;
	e->ebx = tsc_khz;
	e->ecx = APIC_BUS_HZ;
	e = find(cpuid, 0, 0);
	if (e && e->eax < 0x15)
		e->eax = 0x15;

	e = find(cpuid, LEAF_HYPERVISOR, 0);
	if (!e)
		return;
	e->eax = max_t(u32, e->eax, LEAF_TIMING);
	e = find_or_add(cpuid, LEAF_TIMING, 0, false);
	e->eax = tsc_khz;
	e->ebx = APIC_BUS_HZ / 1000;
}

void x86_cpuid_patch(struct kvm_cpuid2 *cpuid, u32 nr_cpus, u32 tsc_khz,
		     bool tsc_deadline)
{
	struct kvm_cpuid_entry2 *max = find(cpuid, 0, 0);

	patch_features(cpuid, nr_cpus, tsc_deadline);
	patch_caches(cpuid, 4, nr_cpus);
	patch_caches(cpuid, 0x8000001d, nr_cpus);
	if (max && max->eax >= 0xb)
		patch_topology(cpuid, 0xb, nr_cpus);
	if (max && max->eax >= 0x1f)
		patch_topology(cpuid, 0x1f, nr_cpus);
	patch_amd(cpuid, nr_cpus);
	x86_cpuid_set_tsc(cpuid, tsc_khz);
}

void x86_cpuid_set_apic(struct kvm_cpuid2 *cpuid, u32 apic_id)
{
	u32 i;

	for (i = 0; i < cpuid->nent; i++) {
		struct kvm_cpuid_entry2 *e = &cpuid->entries[i];

		switch (e->function) {
		case 1:
			e->ebx = (e->ebx & 0x00ffffff) | min_t(u32, apic_id, 0xff) << 24;
			break;
		case 0xb:
		case 0x1f:
			e->edx = apic_id;
			break;
		case 0x8000001e:
			e->eax = apic_id;
			e->ebx = apic_id & 0xff;	/* core id, one thread each */
			e->ecx = 0;
			break;
		}
	}
}

int x86_cpuid_init(struct vm *vm)
{
	size_t size = sizeof(*vm->arch->cpuid) +
		      (X86_CPUID_MAX + X86_CPUID_SPARE) * sizeof(struct kvm_cpuid_entry2);
	bool deadline = ioctl(vm->kvm_fd, KVM_CHECK_EXTENSION, KVM_CAP_TSC_DEADLINE_TIMER) > 0;

	vm->arch->cpuid = calloc(1, size);
	if (!vm->arch->cpuid)
		return -ENOMEM;
	vm->arch->cpuid->nent = X86_CPUID_MAX;
	if (ioctl(vm->kvm_fd, KVM_GET_SUPPORTED_CPUID, vm->arch->cpuid) < 0) {
		log_err("cannot read KVM's CPUID: %s", strerror(errno));
		return -errno;
	}
	x86_cpuid_patch(vm->arch->cpuid, vm->cfg->nr_cpus, vm->arch->tsc_khz, deadline);
	return 0;
}
