// SPDX-License-Identifier: GPL-2.0
/*
 * Where a vCPU stands, for who wonders whether the guest is well.
 */
#include <endian.h>
#include <errno.h>
#include <string.h>
#include <stdio.h>
#include <sys/ioctl.h>

#include <linux/bits.h>
#include <linux/kernel.h>
#include <vmtool/arch.h>
#include <vmtool/gmem.h>
#include <vmtool/vcpu.h>
#include <vmtool/vm.h>
#include <vmtool/watchdog.h>

#include "arm.h"
#include "regs.h"

/* Where the kernel takes exceptions: the one address of it that the CPU knows. */
const char arch_anchor_symbol[] = "vectors";

#define INSN_WFE	0xd503205f
#define INSN_WFI	0xd503207f
#define INSN_BRANCH_SELF	0x14000000

/* TCR_EL1's fields for the upper half of the addresses, and a table's entries. */
#define TCR_T1SZ(tcr)	((tcr) >> 16 & 0x3f)
#define TCR_TG1(tcr)	((tcr) >> 30 & 3)
#define SCTLR_MMU	BIT(0)
#define ENTRY_VALID	BIT(0)
#define ENTRY_TABLE	BIT(1)
#define ENTRY_ADDR	0x0000fffffffff000ULL
#define LAST_LEVEL	3

static unsigned int granule_bits(u64 tcr)
{
	static const u8 bits[] = { 0, 14, 12, 16 };

	return bits[TCR_TG1(tcr)];
}

/*
 * An address of the kernel (Arm's DDI 0487, D8.2). Tables whose addresses have 52 bits
 * are not looked at: nothing is known, then.
 */
static int translate(struct vcpu *v, u64 va, u64 *pa)
{
	unsigned int page, bits, level;
	u64 sctlr, tcr, table, entry;
	int ret;

	ret = arm_get_reg(v, ARM_SCTLR_EL1, &sctlr);
	ret = ret ?: arm_get_reg(v, ARM_TCR_EL1, &tcr);
	ret = ret ?: arm_get_reg(v, ARM_TTBR1_EL1, &table);
	if (ret)
		return ret;
	*pa = va;
	if (!(sctlr & SCTLR_MMU))
		return 0;
	page = granule_bits(tcr);
	bits = 64 - TCR_T1SZ(tcr);
	if (!page || bits <= page || bits > 52 || ~va >> bits)
		return -EFAULT;
	level = LAST_LEVEL - (bits - page - 1) / (page - 3);
	for (;; level++) {
		unsigned int shift = page + (LAST_LEVEL - level) * (page - 3);
		u64 index = (va & (BIT_ULL(bits) - 1)) >> shift;

		if (gmem_read(&v->vm->gmem, (table & ENTRY_ADDR & ~1ULL) + index * 8, &entry,
			      sizeof(entry)))
			return -EFAULT;
		entry = le64toh(entry);
		if (!(entry & ENTRY_VALID))
			return -EFAULT;
		if (level == LAST_LEVEL || !(entry & ENTRY_TABLE)) {
			u64 mask = BIT_ULL(shift) - 1;

			*pa = (entry & ENTRY_ADDR & ~mask) | (va & mask);
			return 0;
		}
		table = entry;
		bits = shift;
	}
}

static u32 insn_at(struct vcpu *v, u64 pc)
{
	u32 insn;
	u64 pa;

	if (translate(v, pc, &pa) || gmem_read(&v->vm->gmem, pa, &insn, sizeof(insn)))
		return 0;
	return le32toh(insn);
}

static bool waits(u32 insn)
{
	return insn == INSN_WFI || insn == INSN_WFE;
}

/* As arm32_insn_waits(). */
static int insn_waits(struct vcpu *v, u64 pc)
{
	u32 insn = insn_at(v, pc);

	/* KVM has stepped over the instruction that waits. */
	if (waits(insn) || waits(insn_at(v, pc - 4)))
		return 1;
	return insn == INSN_BRANCH_SELF ? 2 : 0;
}

/*
 * Linux waits for interrupts with IRQs masked, and takes them afterwards: that is no
 * halt. One that it stopped for good has all exceptions masked, and waits or spins.
 */
static void sample_halt(struct vcpu *v, u64 pstate, struct vcpu_sample *s)
{
	u64 all = arm_is_32bit(v->vm) ? ARM_CPSR_IF : ARM_PSTATE_DAIF;
	int kind;

	s->irqs_off = pstate & ARM_PSTATE_I;
	s->halted = false;
	if (s->user)
		return;
	kind = arm_is_32bit(v->vm) ? arm32_insn_waits(v, s->pc, pstate & ARM_CPSR_T) :
				     insn_waits(v, s->pc);
	s->halted = kind;
	if (kind == 1)
		s->irqs_off = (pstate & all) == all;
}

int arch_vcpu_sample(struct vcpu *v, struct vcpu_sample *s)
{
	struct kvm_mp_state mp;
	u64 pstate;
	int ret;

	ret = arm_get_reg(v, ARM_PC, &s->pc);
	ret = ret ?: arm_get_reg(v, ARM_PSTATE, &pstate);
	ret = ret ?: arm_get_reg(v, ARM_VBAR_EL1, &s->anchor);
	if (!ret && ioctl(v->fd, KVM_GET_MP_STATE, &mp) < 0)
		ret = -errno;
	if (ret)
		return ret;
	s->user = (pstate & ARM_PSTATE_MODE) == ARM_PSTATE_EL0;
	s->off = mp.mp_state == KVM_MP_STATE_STOPPED;
	sample_halt(v, pstate, s);
	return 0;
}

/* A kernel that can be interrupted by it has to be told so: nothing to count on. */
int arch_vcpu_nmi(struct vcpu *v)
{
	return -ENOTSUP;
}

void arch_show_vcpu(struct vcpu *v, char *buf, size_t size)
{
	u64 pc, sp, pstate, vbar;

	if (arm_get_reg(v, ARM_PC, &pc) || arm_get_reg(v, ARM_SP_EL1, &sp) ||
	    arm_get_reg(v, ARM_PSTATE, &pstate) || arm_get_reg(v, ARM_VBAR_EL1, &vbar)) {
		snprintf(buf, size, "an unknown place");
		return;
	}
	snprintf(buf, size, "pc 0x%llx (sp 0x%llx, pstate 0x%llx, vbar 0x%llx)",
		 (unsigned long long)pc, (unsigned long long)sp, (unsigned long long)pstate,
		 (unsigned long long)vbar);
}
