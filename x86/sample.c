// SPDX-License-Identifier: GPL-2.0
/*
 * Where a vCPU stands, for who wonders whether the guest is well.
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include <linux/bits.h>
#include <linux/kernel.h>
#include <linux/kvm.h>
#include <vmtool/arch.h>
#include <vmtool/vcpu.h>
#include <vmtool/watchdog.h>

#define MSR_LSTAR	0xc0000082
#define RFLAGS_IF	BIT(9)
#define DPL_USER	3

/* Where the kernel takes system calls: the one address of it that the CPU knows. */
const char arch_anchor_symbol[] = "entry_SYSCALL_64";

static u64 syscall_entry(struct vcpu *v)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} msrs = {
		.head.nmsrs = 1,
		.entry.index = MSR_LSTAR,
	};

	return ioctl(v->fd, KVM_GET_MSRS, &msrs) == 1 ? msrs.entry.data : 0;
}

int arch_vcpu_sample(struct vcpu *v, struct vcpu_sample *s)
{
	struct kvm_mp_state mp;
	struct kvm_sregs sregs;
	struct kvm_regs regs;

	if (ioctl(v->fd, KVM_GET_MP_STATE, &mp) < 0 || ioctl(v->fd, KVM_GET_REGS, &regs) < 0 ||
	    ioctl(v->fd, KVM_GET_SREGS, &sregs) < 0)
		return -errno;
	s->pc = regs.rip;
	s->anchor = syscall_entry(v);
	s->user = sregs.ss.dpl == DPL_USER;
	s->irqs_off = !(regs.rflags & RFLAGS_IF);
	s->halted = mp.mp_state == KVM_MP_STATE_HALTED;
	s->off = mp.mp_state == KVM_MP_STATE_UNINITIALIZED ||
		 mp.mp_state == KVM_MP_STATE_INIT_RECEIVED;
	return 0;
}

int arch_vcpu_nmi(struct vcpu *v)
{
	return ioctl(v->fd, KVM_NMI) < 0 ? -errno : 0;
}
