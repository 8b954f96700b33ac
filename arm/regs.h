/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_ARM_REGS_H
#define VMTOOL_ARM_REGS_H

#include <linux/kvm.h>

/* Names of KVM_GET_ONE_REG for registers of a vCPU, and bits in them. */

#define ARM_CORE_REG(field) \
	(KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | KVM_REG_ARM_CORE_REG(field))

#define ARM_X(n)	(ARM_CORE_REG(regs.regs[0]) + 2 * (n))
#define ARM_SP_EL1	ARM_CORE_REG(sp_el1)
#define ARM_PC		ARM_CORE_REG(regs.pc)
#define ARM_PSTATE	ARM_CORE_REG(regs.pstate)

#define ARM_MMFR0_EL1	ARM64_SYS_REG(3, 0, 0, 7, 0)
#define ARM_CLIDR_EL1	ARM64_SYS_REG(3, 1, 0, 0, 1)
#define ARM_SCTLR_EL1	ARM64_SYS_REG(3, 0, 1, 0, 0)
#define ARM_TTBR0_EL1	ARM64_SYS_REG(3, 0, 2, 0, 0)
#define ARM_TTBR1_EL1	ARM64_SYS_REG(3, 0, 2, 0, 1)
#define ARM_TCR_EL1	ARM64_SYS_REG(3, 0, 2, 0, 2)
#define ARM_VBAR_EL1	ARM64_SYS_REG(3, 0, 12, 0, 0)

#define ARM_PSTATE_MODE	0xfUL
#define ARM_PSTATE_EL0	0x0UL
#define ARM_PSTATE_EL1H	0x5UL
#define ARM_PSTATE_32	0x10UL
#define ARM_PSTATE_I	0x80UL
#define ARM_PSTATE_DAIF	0x3c0UL

/* The same of AArch32: supervisor mode, and what is masked there. */
#define ARM_CPSR_SVC	0x13UL
#define ARM_CPSR_T	0x20UL
#define ARM_CPSR_AIF	0x1c0UL
#define ARM_CPSR_IF	0x0c0UL

/* CLIDR_EL1: which caches there are at a level, from 1. */
#define ARM_CACHE_LEVELS	7
#define ARM_CACHE_TYPE(clidr, level)	((clidr) >> 3 * ((level) - 1) & 7)
#define ARM_CACHE_INSN		1
#define ARM_CACHE_DATA		2
#define ARM_CACHE_UNIFIED	4

#endif /* VMTOOL_ARM_REGS_H */
