/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_ARM_H
#define VMTOOL_ARM_H

#include <stdbool.h>
#include <linux/kvm.h>
#include <linux/types.h>
#include <vmtool/acpi.h>
#include <vmtool/bus.h>

#include "layout.h"

struct device;
struct fdt_builder;
struct irq_line;
struct vcpu;
struct vm;

/**
 * enum arm_switch - a feature of the CPU
 * @ARM_AUTO: on where the host has it
 * @ARM_ON: an error where it has not
 * @ARM_OFF: the guest does not see it
 */
enum arm_switch {
	ARM_AUTO,
	ARM_ON,
	ARM_OFF,
};

/**
 * enum arm_irqchip - the interrupt controller
 * @ARM_GIC_AUTO: the newest that the host has
 * @ARM_GICV3: with ITS
 * @ARM_GICV2: with a v2m frame
 */
enum arm_irqchip {
	ARM_GIC_AUTO,
	ARM_GICV3,
	ARM_GICV2,
};

/**
 * struct arm_conf - the options that this architecture has
 * @irqchip: enum arm_irqchip
 * @pmu: enum arm_switch, as those that follow: performance counters
 * @sve: scalable vectors
 * @pauth: pointer authentication
 * @mte: memory tagging
 * @acpi: the machine is described by ACPI tables, not by a device tree
 */
struct arm_conf {
	unsigned int irqchip;
	unsigned int pmu;
	unsigned int sve;
	unsigned int pauth;
	unsigned int mte;
	bool acpi;
};

/**
 * struct arm_gic - the interrupt controller
 * @version: 2 or 3
 * @fd: KVM's device, or -1
 * @its_fd: the ITS, or -1
 * @has_its: the ITS is there, or would be without a dry run
 * @power_on: registers as they are at power-on, in the order of arm/gic-state.c
 * @v2m: the frame that takes messages
 */
struct arm_gic {
	unsigned int version;
	int fd;
	int its_fd;
	bool has_its;
	u64 *power_on;
	struct region v2m;
};

/**
 * struct arm_efi - what there is of UEFI
 * @clock: a register with the time
 * @second_half: of what was read there last
 */
struct arm_efi {
	struct region clock;
	u64 second_half;
};

/**
 * struct vm_arch - arm64's part of a machine
 * @conf: options
 * @init: how vCPUs are initialised, but for who starts switched off
 * @ipa_bits: size of a guest physical address, 0 for unknown
 * @gic: interrupt controller
 * @pmu: vCPUs have performance counters
 * @mte: they have memory tagging
 * @steal: where steal time is told, 0: nowhere
 * @clidr: which caches a vCPU has: CLIDR_EL1, 0 for unknown
 * @fdt: where the device tree is
 * @firmware: where UEFI's and ACPI's tables are, with ACPI
 * @efi: what there is of UEFI, with ACPI
 * @power: the power button's device, or NULL
 */
struct vm_arch {
	const struct arm_conf *conf;
	struct kvm_vcpu_init init;
	unsigned int ipa_bits;
	struct arm_gic gic;
	bool pmu;
	bool mte;
	u64 steal;
	u64 clidr;
	u64 fdt;
	u64 firmware;
	struct arm_efi efi;
	struct device *power;
};

/* --- machine.c --- */

/** arm_memory_end() - one past the last address of RAM */
u64 arm_memory_end(const struct vm *vm);

/* --- cpu.c --- */

/**
 * arm_cpu_features() - find out what vCPUs will have
 * @vm: machine without vCPUs
 *
 * Return: 0, or -errno after a one-line message that names the option.
 */
int arm_cpu_features(struct vm *vm);

/**
 * arm_cpus_finish() - what a vCPU gets when the interrupt controller is complete
 * @vm: machine with all vCPUs
 *
 * Return: 0, or -errno after a one-line message.
 */
int arm_cpus_finish(struct vm *vm);

/**
 * arm_check_pages() - has the CPU pages of the size that the kernel wants?
 * @vm: machine with its kernel
 *
 * Return: 0, or -ENOEXEC after a one-line message.
 */
int arm_check_pages(struct vm *vm);

/**
 * arm_mpidr() - a vCPU's affinity, as KVM makes it of its number
 * @index: number of the vCPU
 *
 * Return: Aff3 to Aff0 as they are in MPIDR_EL1.
 */
u64 arm_mpidr(unsigned int index);

/** arm_cache_levels() - how many levels of caches CLIDR_EL1 tells of */
unsigned int arm_cache_levels(u64 clidr);

/**
 * arm_get_reg() - read a 64-bit register
 * @vcpu: vCPU that does not run
 * @id: of KVM_GET_ONE_REG
 * @val: receives the value
 *
 * Return: 0 or -errno.
 */
int arm_get_reg(struct vcpu *vcpu, u64 id, u64 *val);

/** arm_set_reg() - write a 64-bit register; 0 or -errno */
int arm_set_reg(struct vcpu *vcpu, u64 id, u64 val);

/* --- aarch32.c --- */

/** arm_is_32bit() - is the guest's kernel one of 32-bit ARM? */
static inline bool arm_is_32bit(const struct vm *vm)
{
	return vm->kernel.proto == KERNEL_ARM32;
}

/**
 * arm32_check() - can such a guest be what its options say?
 * @vm: machine with its kernel
 *
 * Return: 0, or -errno after a one-line message.
 */
int arm32_check(const struct vm *vm);

/**
 * arm32_set_entry() - where the first vCPU of such a guest begins
 * @vcpu: vCPU that was initialised
 * @pc: address
 * @fdt: device tree
 *
 * Return: 0 or -errno.
 */
int arm32_set_entry(struct vcpu *vcpu, u64 pc, u64 fdt);

/**
 * arm32_resume() - where a vCPU that was suspended goes on
 * @vcpu: vCPU that was initialised
 * @pc: address; bit 0 is set for Thumb code
 * @context: what the guest asked to get back
 *
 * Return: 0 or -errno.
 */
int arm32_resume(struct vcpu *vcpu, u64 pc, u64 context);

/**
 * arm32_insn_waits() - does the guest wait at an address?
 * @vcpu: vCPU of AArch32 that does not run
 * @pc: where it stands
 * @thumb: the code there is Thumb's
 *
 * Return: 1 for an instruction that waits there or in front of it; 2 for one that
 * jumps to itself; 0 for others, and for what cannot be read.
 */
int arm32_insn_waits(struct vcpu *vcpu, u64 pc, bool thumb);

/* --- gic.c --- */

/**
 * arm_gic_create() - the interrupt controller that the host has, or the user wants
 * @vm: machine without vCPUs
 *
 * Return: 0, or -errno after a one-line message.
 */
int arm_gic_create(struct vm *vm);

/**
 * arm_gic_finish() - make it work
 * @vm: machine with all vCPUs
 *
 * Return: 0, or -errno after a one-line message.
 */
int arm_gic_finish(struct vm *vm);

/** arm_gic_destroy() - release it */
void arm_gic_destroy(struct vm *vm);

/**
 * arm_gic_attr() - set or get an attribute of a device of KVM, or of a vCPU
 * @fd: device
 * @cmd: KVM_SET_DEVICE_ATTR, KVM_GET_DEVICE_ATTR or KVM_HAS_DEVICE_ATTR
 * @group: group
 * @attr: attribute
 * @val: value, may be NULL
 *
 * Return: 0 or -errno.
 */
int arm_gic_attr(int fd, unsigned long cmd, u32 group, u64 attr, void *val);

/* --- gic-state.c --- */

/**
 * arm_gic_capture() - remember the power-on state
 * @vm: machine whose vCPUs have not run
 *
 * Return: 0 or -errno.
 */
int arm_gic_capture(struct vm *vm);

/**
 * arm_gic_reset() - go back to it
 * @vm: machine; vCPUs are held
 *
 * Return: 0 or -errno.
 */
int arm_gic_reset(struct vm *vm);

/**
 * arm_gic_line_enabled() - does the guest take an interrupt?
 * @vm: machine; vCPUs are held
 * @gsi: the line
 */
bool arm_gic_line_enabled(struct vm *vm, u32 gsi);

/* --- gicv2m.c --- */

/**
 * arm_v2m_init() - have the GICv2 take messages
 * @vm: machine whose irqchip exists
 *
 * Return: 0 or -errno.
 */
int arm_v2m_init(struct vm *vm);

/* --- fdt.c --- */

/**
 * arm_fdt_build() - describe the machine
 * @vm: machine with its devices
 * @b: initialised; the whole tree is added
 * @initrd: where the initrd is; of no meaning without one
 */
void arm_fdt_build(struct vm *vm, struct fdt_builder *b, u64 initrd);

/* --- efi.c --- */

/**
 * arm_efi_init() - give the machine the clock that GetTime() reads
 * @vm: machine with ACPI
 *
 * Return: 0 or -errno.
 */
int arm_efi_init(struct vm *vm);

/**
 * arm_efi_write() - write what the kernel reads of UEFI
 * @vm: machine whose @firmware is set
 *
 * Return: 0 or -errno.
 */
int arm_efi_write(struct vm *vm);

/** arm_efi_chosen() - say in the device tree's /chosen where that is */
void arm_efi_chosen(struct vm *vm, struct fdt_builder *b);

/* --- acpi.c --- */

/**
 * arm_acpi_build() - write all ACPI tables into guest memory
 * @vm: machine whose @firmware is set
 * @dump: called with each table's signature and bytes, or NULL
 * @priv: passed to @dump
 *
 * Return: 0, or -errno after a one-line message.
 */
int arm_acpi_build(struct vm *vm, acpi_dump dump, void *priv);

/* --- pptt.c --- */

/** arm_pptt_add() - the table of processors and caches; 0, or -errno after a message */
int arm_pptt_add(struct acpi_writer *w, struct vm *vm);

#endif /* VMTOOL_ARM_H */
