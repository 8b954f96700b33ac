/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_POWERPC_REGS_H
#define VMTOOL_POWERPC_REGS_H

#include <linux/bits.h>

/* Power ISA 3.1, book III. */
#define PPC_MSR_SF	BIT_ULL(63)
#define PPC_MSR_EE	BIT_ULL(15)
#define PPC_MSR_PR	BIT_ULL(14)
#define PPC_MSR_ME	BIT_ULL(12)
#define PPC_MSR_LE	BIT_ULL(0)

/* What SRR1 has of an interrupt's cause instead of the MSR's bits. */
#define PPC_SRR1_CAUSE		0x783f0000ULL
#define PPC_VECTOR_SYSTEM_RESET	0x100

#define PPC_LPCR_AIL		(3ULL << 23)
#define PPC_LPCR_AIL_SHIFT	23
#define PPC_LPCR_ILE		BIT_ULL(25)

#define PPC_INSN_SC1		0x44000022	/* a hypercall */

/* Function numbers of hypercalls (LoPAR, 14.5.4). */
#define H_LOGICAL_CI_LOAD	0x3c
#define H_LOGICAL_CI_STORE	0x40
#define H_GET_TERM_CHAR		0x54
#define H_PUT_TERM_CHAR		0x58
#define H_GET_CPU_CHARACTERISTICS 0x1c8
#define H_SET_MODE		0x31c
#define H_RANDOM		0x300
#define H_REGISTER_PROC_TBL	0x37c
#define H_SIGNAL_SYS_RESET	0x380

/* KVM's own: Documentation/virt/kvm/ppc-pv.rst. */
#define H_RTAS			0xf000

#define H_SUCCESS		0
#define H_HARDWARE		(-1)
#define H_FUNCTION		(-2)
#define H_PARAMETER		(-4)
#define H_P2			(-55)
#define H_P3			(-56)
#define H_P4			(-57)
#define H_P5			(-58)
#define H_UNSUPPORTED_FLAG	(-256)

#endif /* VMTOOL_POWERPC_REGS_H */
