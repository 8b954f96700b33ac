/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_X86_H
#define VMTOOL_X86_H

#include <stdio.h>
#include <linux/types.h>
#include <linux/kvm.h>
#include <vmtool/acpi.h>

struct device;
struct gmem;
struct vcpu;
struct vm;
struct vm_config;

/**
 * struct x86_boot - where the boot vCPU begins
 * @pvh: 32-bit PVH entry, else the 64-bit entry
 * @entry: address of the first instruction
 * @info: address of struct hvm_start_info or struct boot_params
 */
struct x86_boot {
	bool pvh;
	u64 entry;
	u64 info;
};

/**
 * struct x86_state - a vCPU's state at power-on, as KVM made it
 *
 * Taken once, from the boot vCPU; the others differ in their APIC id and the
 * bootstrap bit alone.
 */
struct x86_state {
	struct kvm_sregs sregs;
	struct kvm_lapic_state lapic;
	struct kvm_xcrs xcrs;
	struct kvm_debugregs debugregs;
	struct kvm_vcpu_events events;
	struct kvm_msrs *msrs;
	struct kvm_xsave xsave;		/* ends in a flexible array */
};

/**
 * struct vm_arch - x86's part of a machine
 * @cpuid: what every vCPU is told, but for its APIC id
 * @tsc_khz: frequency of the guest's TSC, 0 when unknown
 * @irqchips: PIC, PIC and I/O APIC at power-on
 * @pit: timer at power-on
 * @boot: where the boot vCPU begins
 * @acpi_pm: the power button's device
 * @state: a vCPU's power-on state
 */
struct vm_arch {
	struct kvm_cpuid2 *cpuid;
	u32 tsc_khz;
	struct kvm_irqchip irqchips[3];
	struct kvm_pit_state2 pit;
	struct x86_boot boot;
	struct device *acpi_pm;
	struct x86_state state;
};

/* Largest APIC id of an xAPIC, and what an MP table can name. */
#define X86_XAPIC_MAX_CPUS	255

/**
 * x86_cpuid_init() - what KVM supports, adapted to this machine
 * @vm: machine
 *
 * Return: 0, or -errno after a one-line message.
 */
int x86_cpuid_init(struct vm *vm);

/**
 * x86_cpuid_set_apic() - put a vCPU's APIC id into its CPUID
 * @cpuid: copy for one vCPU
 * @apic_id: its APIC id
 */
void x86_cpuid_set_apic(struct kvm_cpuid2 *cpuid, u32 apic_id);

/**
 * x86_cpuid_patch() - adapt KVM's CPUID to a machine
 * @cpuid: from KVM_GET_SUPPORTED_CPUID, with room for X86_CPUID_SPARE more
 * @nr_cpus: vCPUs, all cores of one package
 * @tsc_khz: TSC frequency, 0 when unknown
 * @tsc_deadline: KVM's local APIC has the TSC deadline mode
 */
void x86_cpuid_patch(struct kvm_cpuid2 *cpuid, u32 nr_cpus, u32 tsc_khz,
		     bool tsc_deadline);

/**
 * x86_cpuid_set_tsc() - tell the frequencies of the TSC and the APIC timer
 * @cpuid: with room for two entries more
 * @tsc_khz: TSC frequency, 0 when unknown
 */
void x86_cpuid_set_tsc(struct kvm_cpuid2 *cpuid, u32 tsc_khz);

#define X86_CPUID_MAX	256
#define X86_CPUID_SPARE	16

/**
 * x86_acpi_build() - write all ACPI tables into guest memory
 * @vm: machine with its devices
 * @dump: called with each table's signature and bytes, or NULL
 * @priv: passed to @dump
 *
 * Return: 0, or -errno after a one-line message.
 */
int x86_acpi_build(struct vm *vm, acpi_dump dump, void *priv);

/**
 * x86_mptable_build() - write an MP table for kernels without ACPI
 * @gm: guest memory
 * @nr_cpus: vCPUs; without effect above X86_XAPIC_MAX_CPUS
 *
 * Intel MultiProcessor Specification 1.4.
 *
 * Return: 0 or -errno.
 */
int x86_mptable_build(struct gmem *gm, u32 nr_cpus);

/**
 * x86_boot_setup() - command line, start info or boot parameters, page tables
 * @vm: machine whose kernel is in memory
 * @initrd: address of the initrd
 *
 * Return: 0 or -errno.
 */
int x86_boot_setup(struct vm *vm, u64 initrd);

/**
 * struct x86_range - an entry of the memory map
 * @start: first address
 * @size: bytes
 * @type: E820 type
 */
struct x86_range {
	u64 start;
	u64 size;
	u32 type;
};

#define X86_MAX_RANGES	8

/**
 * x86_memory_map() - the guest's memory map
 * @mem: bytes of memory
 * @map: filled in
 *
 * Return: entries used.
 */
int x86_memory_map(u64 mem, struct x86_range map[X86_MAX_RANGES]);

/**
 * x86_reset_create() - the keyboard controller's reset line, and port 0xcf9
 *
 * Return: device, not realized; NULL without memory.
 */
struct device *x86_reset_create(void);

/**
 * x86_virtio_cmdline() - tell kernels without ACPI of virtio-mmio devices
 * @vm: machine with all devices
 *
 * Return: 0; -E2BIG after a one-line message; -ENOMEM.
 */
int x86_virtio_cmdline(struct vm *vm);

/** x86_wants_pci() - will this machine have a PCI bus? */
bool x86_wants_pci(const struct vm *vm);

/**
 * x86_capture_state() - remember the boot vCPU's power-on state
 * @vcpu: the boot vCPU, new
 *
 * Return: 0 or -errno.
 */
int x86_capture_state(struct vcpu *vcpu);

#endif /* VMTOOL_X86_H */
