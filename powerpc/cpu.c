// SPDX-License-Identifier: GPL-2.0
/*
 * vCPUs: KVM-HV runs them, and leaves to us what a guest asks of its hypervisor that
 * KVM does not know. All but the boot vCPU wait until the guest starts them by RTAS.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include <linux/bits.h>
#include <linux/kernel.h>
#include <vmtool/arch.h>
#include <vmtool/log.h>
#include <vmtool/vcpu.h>
#include <vmtool/vm.h>

#include "powerpc.h"
#include "regs.h"

int ppc_get_reg(struct vcpu *v, u64 id, void *val)
{
	struct kvm_one_reg reg = { .id = id, .addr = (uintptr_t)val };

	return vcpu_ask(v, KVM_GET_ONE_REG, &reg);
}

int ppc_set_reg(struct vcpu *v, u64 id, const void *val)
{
	struct kvm_one_reg reg = { .id = id, .addr = (uintptr_t)val };

	return vcpu_ask(v, KVM_SET_ONE_REG, &reg);
}

static int enable_papr(struct vcpu *v)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_PPC_PAPR };

	return vcpu_ask(v, KVM_ENABLE_CAP, &cap);
}

int arch_vcpu_init(struct vcpu *v)
{
	int ret = enable_papr(v);

	if (ret) {
		log_err("vCPU %u: KVM here has no pseries guests: %s", v->index, strerror(-ret));
		return ret;
	}
	if (v->vm->arch->irq->connect)
		ret = v->vm->arch->irq->connect(v);
	if (ret) {
		log_err("vCPU %u: cannot have interrupts: %s", v->index, strerror(-ret));
		return ret;
	}
	if (v->index)
		return 0;
	ret = ppc_capture_regs(v);
	if (ret)
		log_err("cannot read the state of a vCPU: %s", strerror(-ret));
	return ret;
}

void arch_vcpu_destroy(struct vcpu *v)
{
	const struct ppc_irq_ops *irq = v->vm->arch->irq;

	if (irq->disconnect)
		irq->disconnect(v);
}

struct vcpu *ppc_find_vcpu(struct vm *vm, u64 server)
{
	return server < vm->nr_vcpus ? vm->vcpus[server] : NULL;
}

int ppc_set_lpcr(struct vcpu *self, u64 mask, u64 val)
{
	struct vm *vm = self->vm;
	unsigned int i;
	u64 lpcr;
	int ret = 0;

	pthread_mutex_lock(&vm->arch->lock);
	lpcr = (vm->arch->lpcr & ~mask) | (val & mask);
	/* A vCPU that is off gets it when it is started. */
	for (i = 0; i < vm->nr_vcpus && !ret && lpcr != vm->arch->lpcr; i++)
		if (!vm->vcpus[i]->off)
			ret = ppc_set_reg(vm->vcpus[i], KVM_REG_PPC_LPCR_64, &lpcr);
	if (!ret)
		vm->arch->lpcr = lpcr;
	pthread_mutex_unlock(&vm->arch->lock);
	return ret;
}

static int enter_at(struct vcpu *v, u64 pc, u64 r3, bool little)
{
	struct kvm_regs regs = {
		.pc = pc, .msr = PPC_MSR_SF | PPC_MSR_ME | (little ? PPC_MSR_LE : 0),
	};

	regs.gpr[3] = r3;
	return vcpu_ask(v, KVM_SET_REGS, &regs);
}

int ppc_start_vcpu(struct vcpu *v, u64 pc, u64 r3)
{
	struct vm_arch *arch = v->vm->arch;
	int ret = -EBUSY;

	pthread_mutex_lock(&arch->lock);
	if (v->off) {
		ret = ppc_set_reg(v, KVM_REG_PPC_LPCR_64, &arch->lpcr);
		/* PAPR: in the byte order in which the partition was started: big. */
		ret = ret ?: enter_at(v, pc, r3, false);
		if (!ret)
			vcpu_set_off(v, false);
	}
	pthread_mutex_unlock(&arch->lock);
	return ret;
}

int ppc_system_reset(struct vcpu *v)
{
	struct kvm_regs regs;
	u64 lpcr;
	int ret = vcpu_ask(v, KVM_GET_REGS, &regs);

	ret = ret ?: ppc_get_reg(v, KVM_REG_PPC_LPCR_64, &lpcr);
	if (ret)
		return ret;
	regs.srr0 = regs.pc;
	regs.srr1 = regs.msr & ~PPC_SRR1_CAUSE;
	regs.pc = PPC_VECTOR_SYSTEM_RESET;
	regs.msr = PPC_MSR_SF | PPC_MSR_ME | (lpcr & PPC_LPCR_ILE ? PPC_MSR_LE : 0);
	return vcpu_ask(v, KVM_SET_REGS, &regs);
}

int arch_vcpu_reset(struct vcpu *v)
{
	struct vm *vm = v->vm;
	int ret = 0;

	/* A new vCPU has that state already. */
	if (vm->run.state != RUN_PRELAUNCH)
		ret = ppc_restore_regs(v);
	if (ret)
		return ret;
	vcpu_call(v, NULL);
	if (v->index) {
		vcpu_set_off(v, true);
		return 0;
	}
	vcpu_set_off(v, false);
	return enter_at(v, vm->kernel.base + vm->kernel.entry, vm->arch->fdt,
			!vm->kernel.big_endian);
}

int arch_handle_exit(struct vcpu *v)
{
	switch (v->run->exit_reason) {
	case KVM_EXIT_PAPR_HCALL:
		/* KVM puts the answer into registers when it is entered again. */
		v->io_pending = true;
		ppc_hcall(v);
		return 0;
	default:
		return -ENOSYS;
	}
}

void arch_show_vcpu(struct vcpu *v, char *buf, size_t size)
{
	struct kvm_regs regs;

	if (vcpu_ask(v, KVM_GET_REGS, &regs)) {
		snprintf(buf, size, "an unknown place");
		return;
	}
	snprintf(buf, size, "nip 0x%llx (msr 0x%llx, lr 0x%llx, r1 0x%llx)",
		 (unsigned long long)regs.pc, (unsigned long long)regs.msr,
		 (unsigned long long)regs.lr, (unsigned long long)regs.gpr[1]);
}
