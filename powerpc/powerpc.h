/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_POWERPC_H
#define VMTOOL_POWERPC_H

#include <pthread.h>
#include <stdbool.h>
#include <linux/types.h>
#include <linux/kvm.h>
#include <vmtool/irq.h>

#include "layout.h"

struct device;
struct fdt_builder;
struct pci_device;
struct ppc_xive;
struct vcpu;
struct vm;
struct xics;

/**
 * enum ppc_irqchip - interrupt controllers of a pseries machine
 * @PPC_IRQCHIP_AUTO: the best that there is
 * @PPC_IRQCHIP_XICS: XICS: by hypercalls and RTAS, which KVM serves
 * @PPC_IRQCHIP_XICS_USER: the same, served by us
 * @PPC_IRQCHIP_XIVE: XIVE: by its registers
 */
enum ppc_irqchip {
	PPC_IRQCHIP_AUTO,
	PPC_IRQCHIP_XICS,
	PPC_IRQCHIP_XICS_USER,
	PPC_IRQCHIP_XIVE,
};

/**
 * struct ppc_conf - options of this architecture
 * @threads: threads of a core
 * @irqchip: interrupt controller, enum ppc_irqchip
 */
struct ppc_conf {
	unsigned int threads;
	unsigned int irqchip;
};

#define PPC_PA_FEATURES_MAX	256

/**
 * struct ppc_host - what the host's CPUs are
 * @pvr: processor version
 * @tb_hz: frequency of the timebase
 * @clock_hz: of the CPU
 * @radix: guests use radix page tables, else a hash table
 * @gtse: they invalidate their TLBs themselves
 * @smmu: page sizes of hash tables; valid if @has_smmu
 * @has_smmu: KVM told them
 * @rmmu: page sizes of radix tables, if @radix
 * @pa_features: "ibm,pa-features"
 * @pa_len: bytes there
 * @multi_tce: H_STUFF_TCE and H_PUT_TCE_INDIRECT
 */
struct ppc_host {
	u32 pvr;
	u32 tb_hz;
	u32 clock_hz;
	bool radix;
	bool gtse;
	struct kvm_ppc_smmu_info smmu;
	bool has_smmu;
	struct kvm_ppc_rmmu_info rmmu;
	u8 pa_features[PPC_PA_FEATURES_MAX];
	unsigned int pa_len;
	bool multi_tce;
};

/**
 * struct ppc_irq_ops - an interrupt controller
 * @name: what users call it
 * @xics: a guest finds a XICS: calls of RTAS configure its sources
 * @create: make it, with the sources of all lines; before vCPUs
 * @destroy: release what @create took, but for KVM's device
 * @connect: let a vCPU have it, on the vCPU's thread
 * @disconnect: the vCPU is about to be gone
 * @add: make a source, in the state of power-on
 * @reset: back to the state of power-on; vCPUs are held
 * @reset_vcpu: the same for what belongs to a vCPU
 * @is_masked: the guest does not listen to a source
 * @hcall: a hypercall of its own; H_*, H_FUNCTION for what is none
 * @fdt: its node
 *
 * What is NULL is not needed. All return 0 or -errno; @create, after a message.
 */
struct ppc_irq_ops {
	const char *name;
	bool xics;
	int (*create)(struct vm *vm);
	void (*destroy)(struct vm *vm);
	int (*connect)(struct vcpu *v);
	void (*disconnect)(struct vcpu *v);
	int (*add)(struct vm *vm, u32 irq, enum irq_trigger trigger);
	int (*reset)(struct vm *vm);
	int (*reset_vcpu)(struct vcpu *v);
	bool (*is_masked)(struct vm *vm, u32 irq);
	s64 (*hcall)(struct vcpu *v, u64 nr, u64 *args);
	void (*fdt)(const struct vm *vm, struct fdt_builder *b);
};

extern const struct ppc_irq_ops ppc_xics_ops;
extern const struct ppc_irq_ops ppc_xics_user_ops;
extern const struct ppc_irq_ops ppc_xive_ops;

/** ppc_add_lines() - make the sources of all lines, by the controller's @add; its return */
int ppc_add_lines(struct vm *vm);

/** ppc_xics_fdt() - the node of a XICS */
void ppc_xics_fdt(const struct vm *vm, struct fdt_builder *b);

/**
 * struct ppc_msi_block - messages of a PCI function
 * @first: number of the first interrupt source
 * @nr: how many; 0: the function has none
 */
struct ppc_msi_block {
	u16 first;
	u16 nr;
};

/* Registers that are put back at a reset: see reset.c. */
#define PPC_MAX_RESET_REGS	64

struct ppc_saved_reg {
	u64 id;
	u64 val;
};

/**
 * struct vm_arch - powerpc's part of a machine
 * @conf: options
 * @host: what the host's CPUs are
 * @irq: the interrupt controller
 * @irq_fd: KVM's device for it, or -1
 * @xive: what XIVE needs
 * @xics: the emulated XICS, NULL where it is another controller
 * @tce_fd: KVM's table of DMA addresses, or -1
 * @lock: protects what follows, up to the blank line
 * @lpcr: logical partitioning control of all vCPUs
 * @msis: which messages each PCI function has
 * @msi_made: how many sources of messages there are
 * @rtc_offset: what the guest added to the time of day, in nanoseconds
 *
 * @regs: registers of a vCPU at power-on
 * @nr_regs: how many
 * @lpcr_initial: @lpcr at power-on
 * @htab_shift: size of the hash page table, a power of two; 0 without one
 * @fdt: address of the device tree
 * @fdt_len: its bytes
 * @rtas: address of the RTAS stub
 * @initrd: address of the initrd
 * @epow: the power button's device
 * @nvram: its device
 * @vty: the terminal's device, NULL where there is none
 */
struct vm_arch {
	const struct ppc_conf *conf;
	struct ppc_host host;
	const struct ppc_irq_ops *irq;
	int irq_fd;
	struct ppc_xive *xive;
	struct xics *xics;
	int tce_fd;
	pthread_mutex_t lock;
	u64 lpcr;
	struct ppc_msi_block msis[256];
	u32 msi_made;
	s64 rtc_offset;

	struct ppc_saved_reg regs[PPC_MAX_RESET_REGS];
	unsigned int nr_regs;
	u64 lpcr_initial;
	u32 htab_shift;
	u64 fdt;
	size_t fdt_len;
	u64 rtas;
	u64 initrd;
	struct device *epow;
	struct device *nvram;
	struct device *vty;
};

/* --- host.c */

/**
 * ppc_host_init() - find out what the host's CPUs are
 * @vm: machine whose VM exists, or none in a dry run
 *
 * Return: 0, or -errno after a one-line message.
 */
int ppc_host_init(struct vm *vm);

/** ppc_host_copy() - a property of the host's first CPU, as it is; nothing without it */
void ppc_host_copy(struct fdt_builder *b, const char *prop);

/* --- fdt.c */

/**
 * ppc_fdt_build() - the machine's device tree
 * @vm: machine with all devices
 * @b: tree, begun
 */
void ppc_fdt_build(const struct vm *vm, struct fdt_builder *b);

/* --- cpu.c, reset.c */

int ppc_get_reg(struct vcpu *v, u64 id, void *val);
int ppc_set_reg(struct vcpu *v, u64 id, const void *val);

/**
 * ppc_set_lpcr() - change the LPCR of all vCPUs
 * @self: the vCPU whose thread this is
 * @mask: bits that change
 * @val: what to
 *
 * Return: 0 or -errno.
 */
int ppc_set_lpcr(struct vcpu *self, u64 mask, u64 val);

/**
 * ppc_capture_regs() - remember the registers at power-on
 * @v: the boot vCPU, new
 *
 * Return: 0 or -errno.
 */
int ppc_capture_regs(struct vcpu *v);

/**
 * ppc_restore_regs() - all registers as at power-on
 * @v: vCPU that does not run
 *
 * Return: 0 or -errno.
 */
int ppc_restore_regs(struct vcpu *v);

/**
 * ppc_start_vcpu() - let a vCPU run that was stopped
 * @v: vCPU
 * @pc: where it begins
 * @r3: its only argument
 *
 * Return: 0; -EBUSY when it runs already; -errno.
 */
int ppc_start_vcpu(struct vcpu *v, u64 pc, u64 r3);

/**
 * ppc_system_reset() - a system reset interrupt, which cannot be masked
 * @v: vCPU that is held, or on its own thread with its registers complete
 *
 * Return: 0 or -errno.
 */
int ppc_system_reset(struct vcpu *v);

/** ppc_find_vcpu() - the vCPU with an interrupt server number, or NULL */
struct vcpu *ppc_find_vcpu(struct vm *vm, u64 server);

/* --- hcall.c, rtas.c: what a guest calls */

/** ppc_hcall() - a hypercall that KVM leaves to us: answered in v->run */
void ppc_hcall(struct vcpu *v);

/** ppc_rtas_call() - a call of RTAS with its arguments at @args; H_* */
s64 ppc_rtas_call(struct vcpu *v, u64 args);

/** ppc_rtas_define() - tell KVM which calls of RTAS it serves; 0 or -errno */
int ppc_rtas_define(struct vm *vm);

/** ppc_rtas_fdt() - the node of RTAS */
void ppc_rtas_fdt(const struct vm *vm, struct fdt_builder *b);

/* --- rtas-pci.c */

/**
 * struct rtas_call - a call of RTAS
 * @args: its arguments
 * @nargs: how many
 * @rets: its results, the first is the status
 * @nret: how many, at least one
 */
struct rtas_call {
	u32 args[16];
	u32 nargs;
	u32 rets[16];
	u32 nret;
};

#define RTAS_OK			0
#define RTAS_HW_ERROR		(-1)
#define RTAS_PARAM_ERROR	(-3)
#define RTAS_NOT_AUTHORIZED	(-9002)

s32 ppc_rtas_read_config(struct vcpu *v, struct rtas_call *c);
s32 ppc_rtas_write_config(struct vcpu *v, struct rtas_call *c);
s32 ppc_rtas_ibm_read_config(struct vcpu *v, struct rtas_call *c);
s32 ppc_rtas_ibm_write_config(struct vcpu *v, struct rtas_call *c);
s32 ppc_rtas_change_msi(struct vcpu *v, struct rtas_call *c);
s32 ppc_rtas_query_irq(struct vcpu *v, struct rtas_call *c);

/** ppc_msi_line() - the interrupt source that a message is */
int ppc_msi_line(const struct irqchip *chip, u64 addr, u32 data);

/* --- xics-user.c: where KVM has no XICS of its own, or shall not use it */

s32 ppc_rtas_set_xive(struct vcpu *v, struct rtas_call *c);
s32 ppc_rtas_get_xive(struct vcpu *v, struct rtas_call *c);
s32 ppc_rtas_int_off(struct vcpu *v, struct rtas_call *c);
s32 ppc_rtas_int_on(struct vcpu *v, struct rtas_call *c);

/* --- pci.c */

/** ppc_pci_fdt() - the node of the host bridge, with its functions */
void ppc_pci_fdt(const struct vm *vm, struct fdt_builder *b);

/* --- vty.c */

struct device *ppc_vty_create(void);

/** ppc_vty_put() - H_PUT_TERM_CHAR; H_* */
s64 ppc_vty_put(struct vcpu *v, const u64 *args);

/** ppc_vty_get() - H_GET_TERM_CHAR; H_* */
s64 ppc_vty_get(struct vcpu *v, u64 *args);

/* --- nvram.c */

struct device *ppc_nvram_create(void);

s32 ppc_rtas_nvram_fetch(struct vcpu *v, struct rtas_call *c);
s32 ppc_rtas_nvram_store(struct vcpu *v, struct rtas_call *c);

/* --- epow.c */

struct device *ppc_epow_create(void);

/** ppc_epow_press() - press the power button; -ENOTSUP when nobody listens */
int ppc_epow_press(struct device *dev);

/** ppc_epow_fetch() - what check-exception finds: bytes in @buf, at most @size; or 0 */
size_t ppc_epow_fetch(struct device *dev, void *buf, size_t size);

#endif /* VMTOOL_POWERPC_H */
