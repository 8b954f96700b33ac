// SPDX-License-Identifier: GPL-2.0
/*
 * KVM has no way to reset a GIC, but its registers can be read and written while no
 * vCPU runs: what they are at power-on is read then, and written at a reset. Most are
 * pairs of which one half sets bits and the other one clears them: all are cleared
 * first.
 */
#include <errno.h>
#include <stdlib.h>

#include <linux/bits.h>
#include <linux/kernel.h>
#include <vmtool/vm.h>

#include "arm.h"

#define SYSREG(op0, op1, crn, crm, op2) \
	((op0) << KVM_REG_ARM64_SYSREG_OP0_SHIFT | (op1) << KVM_REG_ARM64_SYSREG_OP1_SHIFT | \
	 (crn) << KVM_REG_ARM64_SYSREG_CRN_SHIFT | (crm) << KVM_REG_ARM64_SYSREG_CRM_SHIFT | \
	 (op2) << KVM_REG_ARM64_SYSREG_OP2_SHIFT)

#define NR_LINES	(ARM_SPI_BASE + ARM_NR_GSI)
#define ALL_LINES	(NR_LINES + ARM_NR_V2M)

/**
 * struct gic_regs - registers of one kind
 * @group: KVM's group
 * @first: offset of the first
 * @nr: how many
 * @per_cpu: each vCPU has its own
 * @clear: all bits are written, and none is read: it clears what they stand for
 */
struct gic_regs {
	u32 group;
	u32 first;
	u16 nr;
	bool per_cpu;
	bool clear;
};

#define DIST	KVM_DEV_ARM_VGIC_GRP_DIST_REGS
#define REDIST	KVM_DEV_ARM_VGIC_GRP_REDIST_REGS
#define CPU	KVM_DEV_ARM_VGIC_GRP_CPU_REGS
#define SYSREGS	KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS

/* Arm's IHI 0069, chapter 12. LPIs are switched off before their tables are forgotten. */
static const struct gic_regs gicv3_regs[] = {
	{ DIST, 0x0000, 1 },					/* CTLR */
	{ DIST, 0x0184, ARM_NR_GSI / 32, .clear = true },	/* ICENABLER */
	{ DIST, 0x0384, ARM_NR_GSI / 32, .clear = true },	/* ICACTIVER */
	{ DIST, 0x0084, ARM_NR_GSI / 32 },			/* IGROUPR */
	{ DIST, 0x0104, ARM_NR_GSI / 32 },			/* ISENABLER */
	{ DIST, 0x0204, ARM_NR_GSI / 32 },			/* ISPENDR */
	{ DIST, 0x0420, ARM_NR_GSI / 4 },			/* IPRIORITYR */
	{ DIST, 0x0c08, ARM_NR_GSI / 16 },			/* ICFGR */
	{ DIST, 0x6100, ARM_NR_GSI * 2 },			/* IROUTER */
	{ REDIST, 0x00000, 1, true },				/* CTLR */
	{ REDIST, 0x00070, 4, true },				/* PROPBASER, PENDBASER */
	{ REDIST, 0x10180, 1, true, true },			/* ICENABLER0 */
	{ REDIST, 0x10380, 1, true, true },			/* ICACTIVER0 */
	{ REDIST, 0x10080, 1, true },				/* IGROUPR0 */
	{ REDIST, 0x10100, 1, true },				/* ISENABLER0 */
	{ REDIST, 0x10200, 1, true },				/* ISPENDR0 */
	{ REDIST, 0x10400, 8, true },				/* IPRIORITYR */
	{ REDIST, 0x10c04, 1, true },				/* ICFGR1 */
	{ SYSREGS, SYSREG(3, 0, 4, 6, 0), 1, true },		/* ICC_PMR_EL1 */
	{ SYSREGS, SYSREG(3, 0, 12, 8, 3), 1, true },		/* ICC_BPR0_EL1 */
	{ SYSREGS, SYSREG(3, 0, 12, 8, 4), 1, true },		/* ICC_AP0R0_EL1 */
	{ SYSREGS, SYSREG(3, 0, 12, 9, 0), 1, true },		/* ICC_AP1R0_EL1 */
	{ SYSREGS, SYSREG(3, 0, 12, 12, 4), 1, true },		/* ICC_CTLR_EL1 */
	{ SYSREGS, SYSREG(3, 0, 12, 12, 3), 1, true },		/* ICC_BPR1_EL1 */
	{ SYSREGS, SYSREG(3, 0, 12, 12, 6), 1, true },		/* ICC_IGRPEN0_EL1 */
	{ SYSREGS, SYSREG(3, 0, 12, 12, 7), 1, true },		/* ICC_IGRPEN1_EL1 */
	{ }
};

/* Arm's IHI 0048, chapter 4. The first 32 interrupts are each vCPU's own. */
static const struct gic_regs gicv2_regs[] = {
	{ DIST, 0x000, 1 },					/* CTLR */
	{ DIST, 0x184, ALL_LINES / 32 - 1, .clear = true },	/* ICENABLER */
	{ DIST, 0x284, ALL_LINES / 32 - 1, .clear = true },	/* ICPENDR */
	{ DIST, 0x384, ALL_LINES / 32 - 1, .clear = true },	/* ICACTIVER */
	{ DIST, 0x084, ALL_LINES / 32 - 1 },			/* IGROUPR */
	{ DIST, 0x104, ALL_LINES / 32 - 1 },			/* ISENABLER */
	{ DIST, 0x420, ALL_LINES / 4 - 8 },			/* IPRIORITYR */
	{ DIST, 0x820, ALL_LINES / 4 - 8 },			/* ITARGETSR */
	{ DIST, 0xc08, ALL_LINES / 16 - 2 },			/* ICFGR */
	{ DIST, 0x180, 1, true, true },				/* the same, each vCPU's */
	{ DIST, 0x280, 1, true, true },
	{ DIST, 0x380, 1, true, true },
	{ DIST, 0x080, 1, true },
	{ DIST, 0x100, 1, true },
	{ DIST, 0x400, 8, true },
	{ DIST, 0xc04, 1, true },
	{ DIST, 0xf10, 4, true, true },				/* CPENDSGIR */
	{ CPU, 0x00, 3, true },					/* CTLR, PMR, BPR */
	{ CPU, 0x1c, 1, true },					/* ABPR */
	{ CPU, 0xd0, 4, true },					/* APR */
	{ }
};

static const struct gic_regs *gic_regs(const struct arm_gic *gic)
{
	return gic->version == 3 ? gicv3_regs : gicv2_regs;
}

/* A GICv3's vCPUs go by their affinity, a GICv2's by their number. */
static u64 gic_cpu(const struct arm_gic *gic, unsigned int cpu)
{
	u64 mpidr = arm_mpidr(cpu);

	if (gic->version == 2)
		return (u64)cpu << KVM_DEV_ARM_VGIC_CPUID_SHIFT;
	return ((mpidr & 0xffffff) | (mpidr >> 8 & 0xff000000)) << KVM_DEV_ARM_VGIC_V3_MPIDR_SHIFT;
}

static int gic_access(const struct arm_gic *gic, unsigned long cmd, const struct gic_regs *r,
		      u64 attr, u64 *val)
{
	u32 val32 = *val;
	int ret;

	if (r->group == SYSREGS)
		return arm_gic_attr(gic->fd, cmd, r->group, attr, val);
	ret = arm_gic_attr(gic->fd, cmd, r->group, attr, &val32);
	*val = val32;
	return ret;
}

static int gic_restore_reg(const struct arm_gic *gic, const struct gic_regs *r, u64 attr,
			   u64 **val)
{
	u64 ones = ~0U;

	if (r->clear)
		return gic_access(gic, KVM_SET_DEVICE_ATTR, r, attr, &ones);
	return gic_access(gic, KVM_SET_DEVICE_ATTR, r, attr, (*val)++);
}

static int gic_save_reg(const struct arm_gic *gic, const struct gic_regs *r, u64 attr, u64 **val)
{
	return r->clear ? 0 : gic_access(gic, KVM_GET_DEVICE_ATTR, r, attr, (*val)++);
}

typedef int (*gic_visit)(const struct arm_gic *gic, const struct gic_regs *r, u64 attr,
			 u64 **val);

static int gic_walk(struct vm *vm, gic_visit visit)
{
	const struct arm_gic *gic = &vm->arch->gic;
	const struct gic_regs *r;
	u64 *val = gic->power_on;
	unsigned int cpu, i;
	int ret = 0;

	for (r = gic_regs(gic); r->nr && !ret; r++)
		for (cpu = 0; cpu < (r->per_cpu ? vm->cfg->nr_cpus : 1) && !ret; cpu++)
			for (i = 0; i < r->nr && !ret; i++)
				ret = visit(gic, r, gic_cpu(gic, cpu) | (r->first + i * 4), &val);
	return ret;
}

int arm_gic_capture(struct vm *vm)
{
	struct arm_gic *gic = &vm->arch->gic;
	const struct gic_regs *r;
	size_t n = 0;

	for (r = gic_regs(gic); r->nr; r++)
		n += r->nr * (r->per_cpu ? vm->cfg->nr_cpus : 1);
	gic->power_on = calloc(n, sizeof(*gic->power_on));
	if (!gic->power_on)
		return -ENOMEM;
	return gic_walk(vm, gic_save_reg);
}

int arm_gic_reset(struct vm *vm)
{
	const struct arm_gic *gic = &vm->arch->gic;
	int ret = 0;

	/* It forgets which messages there are before the redistributors forget where. */
	if (gic->its_fd >= 0)
		ret = arm_gic_attr(gic->its_fd, KVM_SET_DEVICE_ATTR, KVM_DEV_ARM_VGIC_GRP_CTRL,
				   KVM_DEV_ARM_ITS_CTRL_RESET, NULL);
	return ret ?: gic_walk(vm, gic_restore_reg);
}

bool arm_gic_line_enabled(struct vm *vm, u32 gsi)
{
	const struct gic_regs isenabler = { DIST, 0x100, 1 };
	u32 line = ARM_SPI_BASE + gsi;
	u64 val = 0;

	return !gic_access(&vm->arch->gic, KVM_GET_DEVICE_ATTR, &isenabler,
			   isenabler.first + line / 32 * 4, &val) && (val & BIT(line % 32));
}
