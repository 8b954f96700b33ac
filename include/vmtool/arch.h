/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_ARCH_H
#define VMTOOL_ARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <linux/types.h>
#include <vmtool/props.h>

struct pci_host_conf;
struct vcpu;
struct vcpu_sample;
struct vm;
struct vm_config;

/*
 * What a folder x86/, arm/ or powerpc/ supplies. One of them is linked; generic
 * code holds no #ifdef of an architecture.
 */

/** arch_kernel_name - the kernel's SRCARCH, where images are looked for */
extern const char arch_kernel_name[];

/** arch_kernel_protos - bit N: a kernel that is entered as enum kernel_proto N says can run */
extern const unsigned int arch_kernel_protos;

/** arch_qmp_target - what query-cpus-fast calls it */
extern const char arch_qmp_target[];

/** arch_kernel_images - image names below arch/.../boot, NULL at the end */
extern const char *const arch_kernel_images[];

/* The console that every machine has is called as virtio's, which has to be asked for. */
extern const bool arch_serial_is_hvc;

/** arch_props - options that this architecture alone has: --NAME VALUE each (ARCH_OPTIONS) */
extern const struct prop arch_props[];

/** arch_conf_size - bytes of the struct that they are parsed into, &vm_config.arch */
extern const size_t arch_conf_size;

/**
 * arch_default_params() - kernel command line that a user's params follow
 * @vm: machine whose console was chosen
 * @buf: receives the text
 * @size: bytes in @buf, enough for it
 */
void arch_default_params(const struct vm *vm, char *buf, size_t size);

/**
 * arch_check_host() - can guests run on this architecture at all?
 *
 * Return: 0, or -EOPNOTSUPP after a one-line message.
 */
int arch_check_host(void);

/**
 * arch_vm_type() - what kind of VM this machine needs
 * @vm: machine; its @kvm_fd is open, the VM does not exist
 * @type: receives the argument of KVM_CREATE_VM
 *
 * Return: 0, or -errno after a one-line message.
 */
int arch_vm_type(const struct vm *vm, unsigned long *type);

/**
 * arch_vm_init() - interrupt controller, guest memory, devices
 * @vm: machine whose VM exists; no vCPU does
 *
 * Return: 0, or -errno after a one-line message; arch_vm_destroy() follows in
 * either case.
 */
int arch_vm_init(struct vm *vm);

/** arch_pci_host - where the machine's PCI bus is, once there is one; @expected is 0 */
extern const struct pci_host_conf arch_pci_host;

/**
 * arch_virtio_mmio() - where a virtio-mmio device is
 * @index: which one, from 0
 * @base: receives its guest physical address
 * @gsi: receives its interrupt line, which several may share
 *
 * Return: false where there is no room for so many.
 */
bool arch_virtio_mmio(unsigned int index, u64 *base, u32 *gsi);

/**
 * arch_place_memory() - find addresses for a device's memory
 * @vm: machine with its RAM
 * @size: bytes, a multiple of the page size, not 0
 * @align: alignment, a power of two
 * @addr: receives the guest physical address
 *
 * Above all RAM, and part of no memory map: only the device's driver knows of it.
 *
 * Return: 0; -ENOSPC when the CPU cannot address so much; -ENOMEM when KVM would need
 * too much memory of the host to keep track of it.
 */
int arch_place_memory(struct vm *vm, u64 size, u64 align, u64 *addr);

/**
 * arch_vcpus_created() - what can only be set up when all vCPUs exist
 * @vm: machine; none of them has run yet, and nothing is loaded
 *
 * Return: 0, or -errno after a one-line message.
 */
int arch_vcpus_created(struct vm *vm);

/**
 * arch_vm_destroy() - release what arch_vm_init() took, devices excepted
 * @vm: machine
 */
void arch_vm_destroy(struct vm *vm);

/**
 * arch_vm_reset() - interrupt controllers and timers back to power-on state
 * @vm: machine; vCPUs are held
 *
 * Return: 0 or -errno.
 */
int arch_vm_reset(struct vm *vm);

/**
 * arch_load() - kernel, initrd and the machine's description into memory
 * @vm: machine with all devices; called again at each reset
 *
 * Return: 0, or -errno after a one-line message.
 */
int arch_load(struct vm *vm);

/**
 * arch_vcpu_init() - what a vCPU needs once, on its own thread
 * @vcpu: vCPU whose @fd and @run exist
 *
 * Return: 0, or -errno after a one-line message.
 */
int arch_vcpu_init(struct vcpu *vcpu);

/**
 * arch_vcpu_destroy() - release what arch_vcpu_init() took
 * @vcpu: vCPU
 */
void arch_vcpu_destroy(struct vcpu *vcpu);

/**
 * arch_vcpu_reset() - registers as they are at the first instruction
 * @vcpu: vCPU that does not run; the boot vCPU is put at the kernel's entry
 *
 * Return: 0 or -errno.
 */
int arch_vcpu_reset(struct vcpu *vcpu);

/**
 * arch_handle_exit() - an exit that generic code does not know
 * @vcpu: vCPU, on its own thread
 *
 * Return: 0 to go on; -ENOSYS when it is unknown here, too.
 */
int arch_handle_exit(struct vcpu *vcpu);

/**
 * arch_powerdown() - press the power button
 * @vm: machine
 *
 * Return: 0, or -ENOTSUP when the guest does not listen to it.
 */
int arch_powerdown(struct vm *vm);

/**
 * arch_show_vcpu() - say in one line where a vCPU stands
 * @vcpu: vCPU that does not run, on its own thread
 * @buf: receives the text
 * @size: bytes in @buf
 */
void arch_show_vcpu(struct vcpu *vcpu, char *buf, size_t size);

/** arch_anchor_symbol - a symbol whose address in a running kernel can be found out */
extern const char arch_anchor_symbol[];

/**
 * arch_vcpu_sample() - where does a vCPU stand?
 * @vcpu: vCPU that is held
 * @s: all but @known is filled in
 *
 * Return: 0, or -errno of KVM; -ENOTSUP where that is not known.
 */
int arch_vcpu_sample(struct vcpu *vcpu, struct vcpu_sample *s);

/**
 * arch_vcpu_nmi() - interrupt a vCPU that takes no interrupts
 * @vcpu: vCPU that is held; it takes it once it runs
 *
 * Return: 0, or -errno of KVM; -ENOTSUP where there is no such thing.
 */
int arch_vcpu_nmi(struct vcpu *vcpu);

/**
 * arch_host_can_virtualize() - does this CPU have hardware virtualization?
 *
 * Return: false when KVM here would have to interpret the guest's code.
 */
bool arch_host_can_virtualize(void);

/**
 * arch_dump_acpi() - write the ACPI tables into a directory, a file each
 * @vm: created machine
 * @dir: existing directory
 *
 * Return: 0, or -errno after a one-line message; -EOPNOTSUPP where machines have none.
 */
int arch_dump_acpi(struct vm *vm, const char *dir);

/**
 * arch_dump_dtb() - write the device tree into a file
 * @vm: created machine
 * @file: where to
 *
 * Return: 0, or -errno after a one-line message; -EOPNOTSUPP where machines have none.
 */
int arch_dump_dtb(struct vm *vm, const char *file);

/**
 * arch_describe() - print what --dry-run says of the machine
 * @vm: created machine
 * @out: stream
 */
void arch_describe(struct vm *vm, FILE *out);

#endif /* VMTOOL_ARCH_H */
