// SPDX-License-Identifier: GPL-2.0
/*
 * Where a vCPU stands, for who wonders whether the guest is well.
 */
#include <endian.h>
#include <errno.h>
#include <sys/ioctl.h>

#include <linux/bits.h>
#include <linux/kernel.h>
#include <vmtool/arch.h>
#include <vmtool/gmem.h>
#include <vmtool/vcpu.h>
#include <vmtool/vm.h>
#include <vmtool/watchdog.h>

#include "powerpc.h"
#include "regs.h"

/* Where the kernel maps all memory. */
#define LINEAR_MAP	0xc000000000000000ULL
#define LINEAR_MASK	0xf000000000000000ULL

/* The CPU knows no address of the kernel's. */
const char arch_anchor_symbol[] = "";

/*
 * A vCPU that was brought out of its sleep stands behind the hypercall that it sleeps
 * in, with interrupts enabled by it. One that just made another one is not told apart,
 * which does no harm: it is not stuck, either.
 */
static bool is_asleep(struct vcpu *v, const struct kvm_regs *regs)
{
	u64 at = regs->pc - sizeof(u32);
	u32 insn;

	if (!(regs->msr & PPC_MSR_EE) || (regs->msr & PPC_MSR_PR) ||
	    (at & LINEAR_MASK) != LINEAR_MAP ||
	    gmem_read(&v->vm->gmem, at & ~LINEAR_MASK, &insn, sizeof(insn)))
		return false;
	return insn == htobe32(PPC_INSN_SC1) || insn == htole32(PPC_INSN_SC1);
}

int arch_vcpu_sample(struct vcpu *v, struct vcpu_sample *s)
{
	struct kvm_regs regs;
	int ret = vcpu_ask(v, KVM_GET_REGS, &regs);

	if (ret)
		return ret;
	s->pc = regs.pc;
	s->anchor = 0;
	s->user = regs.msr & PPC_MSR_PR;
	s->irqs_off = !(regs.msr & PPC_MSR_EE);
	s->halted = is_asleep(v, &regs);
	s->off = v->off;
	return 0;
}

int arch_vcpu_nmi(struct vcpu *v)
{
	return v->off ? -ENOTSUP : ppc_system_reset(v);
}
