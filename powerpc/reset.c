// SPDX-License-Identifier: GPL-2.0
/*
 * A reset puts vCPUs back to what KVM made them: registers that a guest can change
 * are read once, from the boot vCPU before it has run. Those that hold data alone
 * (floating point and vectors) are nobody's secret, they were the same guest's.
 */
#include <errno.h>
#include <string.h>

#include <linux/kernel.h>
#include <vmtool/log.h>
#include <vmtool/vcpu.h>
#include <vmtool/vm.h>

#include "powerpc.h"
#include "regs.h"

static const u64 reset_regs[] = {
	KVM_REG_PPC_DABR, KVM_REG_PPC_DABRX, KVM_REG_PPC_DSCR, KVM_REG_PPC_AMR,
	KVM_REG_PPC_UAMOR, KVM_REG_PPC_IAMR, KVM_REG_PPC_FSCR, KVM_REG_PPC_PSPB,
	KVM_REG_PPC_MMCR0, KVM_REG_PPC_MMCR1, KVM_REG_PPC_MMCRA, KVM_REG_PPC_MMCR2,
	KVM_REG_PPC_MMCRS, KVM_REG_PPC_PMC1, KVM_REG_PPC_PMC2, KVM_REG_PPC_PMC3,
	KVM_REG_PPC_PMC4, KVM_REG_PPC_PMC5, KVM_REG_PPC_PMC6, KVM_REG_PPC_PMC7,
	KVM_REG_PPC_PMC8, KVM_REG_PPC_EBBHR, KVM_REG_PPC_EBBRR, KVM_REG_PPC_BESCR,
	KVM_REG_PPC_TAR, KVM_REG_PPC_DAWR, KVM_REG_PPC_DAWRX, KVM_REG_PPC_CIABR,
	KVM_REG_PPC_CSIGR, KVM_REG_PPC_TACR, KVM_REG_PPC_TCSCR, KVM_REG_PPC_PID,
	KVM_REG_PPC_ACOP, KVM_REG_PPC_PPR, KVM_REG_PPC_WORT, KVM_REG_PPC_TIDR,
	KVM_REG_PPC_PSSCR, KVM_REG_PPC_FPSCR, KVM_REG_PPC_VSCR,
#ifdef KVM_REG_PPC_DAWR1
	KVM_REG_PPC_DAWR1, KVM_REG_PPC_DAWRX1,
#endif
#ifdef KVM_REG_PPC_MMCR3
	KVM_REG_PPC_MMCR3, KVM_REG_PPC_SIER2, KVM_REG_PPC_SIER3,
#endif
};

int ppc_capture_regs(struct vcpu *v)
{
	struct vm_arch *arch = v->vm->arch;
	unsigned int i;
	int ret;

	BUILD_BUG_ON(ARRAY_SIZE(reset_regs) > PPC_MAX_RESET_REGS);
	for (i = 0; i < ARRAY_SIZE(reset_regs); i++) {
		struct ppc_saved_reg *r = &arch->regs[arch->nr_regs];

		r->id = reset_regs[i];
		r->val = 0;
		/* What this CPU does not have need not be put back. */
		if (ppc_get_reg(v, r->id, &r->val) >= 0)
			arch->nr_regs++;
	}
	ret = ppc_get_reg(v, KVM_REG_PPC_LPCR_64, &arch->lpcr_initial);
	arch->lpcr = arch->lpcr_initial;
	return ret < 0 ? ret : 0;
}

/* Areas that the guest shares with KVM: the others go before the VPA. */
static int forget_areas(struct vcpu *v)
{
	struct {
		u64 addr;
		u64 len;
	} none = { };
	int ret;

	ret = ppc_set_reg(v, KVM_REG_PPC_VPA_SLB, &none);
	ret = ret ?: ppc_set_reg(v, KVM_REG_PPC_VPA_DTL, &none);
	return ret ?: ppc_set_reg(v, KVM_REG_PPC_VPA_ADDR, &none.addr);
}

/* The SLB is a hash guest's. */
static int clear_slb(struct vcpu *v)
{
	struct kvm_sregs sregs;
	int ret = vcpu_ask(v, KVM_GET_SREGS, &sregs);

	if (ret)
		return ret;
	memset(&sregs.u.s.ppc64.slb, 0, sizeof(sregs.u.s.ppc64.slb));
	return vcpu_ask(v, KVM_SET_SREGS, &sregs);
}

int ppc_restore_regs(struct vcpu *v)
{
	struct vm_arch *arch = v->vm->arch;
	struct kvm_regs regs = { .msr = PPC_MSR_SF | PPC_MSR_ME };
	unsigned int i;
	int ret;

	for (i = 0; i < arch->nr_regs; i++) {
		ret = ppc_set_reg(v, arch->regs[i].id, &arch->regs[i].val);
		if (ret)
			log_debug("vCPU %u: register 0x%llx keeps its value: %s", v->index,
				  (unsigned long long)arch->regs[i].id, strerror(-ret));
	}
	ret = forget_areas(v);
	ret = ret ?: ppc_set_reg(v, KVM_REG_PPC_LPCR_64, &arch->lpcr_initial);
	ret = ret ?: vcpu_ask(v, KVM_SET_REGS, &regs);
	if (!ret && !arch->host.radix)
		ret = clear_slb(v);
	if (!ret && arch->irq->reset_vcpu)
		ret = arch->irq->reset_vcpu(v);
	return ret;
}
