// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include <linux/bits.h>
#include <linux/kernel.h>
#include <vmtool/arch.h>
#include <vmtool/log.h>
#include <vmtool/vcpu.h>
#include <vmtool/vm.h>

#include "layout.h"
#include "x86.h"

#define CR0_PE		BIT(0)
#define CR0_ET		BIT(4)
#define CR0_PG		BIT(31)
#define CR4_PAE		BIT(5)
#define EFER_LME	BIT(8)
#define EFER_LMA	BIT(10)
#define APIC_BASE_BSP	BIT(8)
#define APIC_BASE_X2APIC	BIT(10)
#define APIC_ID		0x20
#define RFLAGS_RESERVED	BIT(1)

#define MSR_TSC			0x10
#define MSR_MISC_ENABLE		0x1a0
#define MSR_MISC_FAST_STRING	1
#define MSR_MTRR_DEF_TYPE	0x2ff
#define MTRR_ENABLED_WB		0x806

/* Selectors that the boot protocol wants: __BOOT_CS and __BOOT_DS. */
#define BOOT_CS		0x10
#define BOOT_DS		0x18
#define BOOT_TSS	0x20

static int vcpu_ioctl(struct vcpu *v, unsigned long cmd, void *arg)
{
	return ioctl(v->fd, cmd, arg) < 0 ? -errno : 0;
}

/*
 * Both directions stop at the first MSR that is refused, for instance for want of
 * the feature it belongs to. Such a one is dropped from the list.
 */
static int transfer_msrs(struct vcpu *v, unsigned long cmd, struct kvm_msrs *msrs)
{
	while (msrs->nmsrs) {
		int done = ioctl(v->fd, cmd, msrs);

		if (done < 0)
			return -errno;
		if (done >= msrs->nmsrs)
			break;
		msrs->nmsrs--;
		memmove(&msrs->entries[done], &msrs->entries[done + 1],
			(msrs->nmsrs - done) * sizeof(msrs->entries[0]));
	}
	return 0;
}

/* KVM names the MSRs that it can save. */
static int capture_msrs(struct vcpu *v)
{
	struct kvm_msr_list probe = { .nmsrs = 0 };
	struct kvm_msr_list *list;
	struct kvm_msrs *msrs;
	u32 i, n = 0;

	if (!ioctl(v->vm->kvm_fd, KVM_GET_MSR_INDEX_LIST, &probe) || errno != E2BIG)
		return -EIO;
	list = calloc(1, sizeof(*list) + probe.nmsrs * sizeof(list->indices[0]));
	msrs = calloc(1, sizeof(*msrs) + probe.nmsrs * sizeof(msrs->entries[0]));
	if (!list || !msrs) {
		free(list);
		free(msrs);
		return -ENOMEM;
	}
	v->vm->arch->state.msrs = msrs;
	list->nmsrs = probe.nmsrs;
	if (ioctl(v->vm->kvm_fd, KVM_GET_MSR_INDEX_LIST, list) < 0) {
		free(list);
		return -errno;
	}
	/* The TSC goes on over a reset. */
	for (i = 0; i < list->nmsrs; i++)
		if (list->indices[i] != MSR_TSC)
			msrs->entries[n++].index = list->indices[i];
	free(list);

	msrs->nmsrs = n;
	return transfer_msrs(v, KVM_GET_MSRS, msrs);
}

int x86_capture_state(struct vcpu *v)
{
	struct x86_state *s = &v->vm->arch->state;
	int ret;

	ret = vcpu_ioctl(v, KVM_GET_SREGS, &s->sregs);
	ret = ret ?: vcpu_ioctl(v, KVM_GET_LAPIC, &s->lapic);
	ret = ret ?: vcpu_ioctl(v, KVM_GET_XSAVE, &s->xsave);
	ret = ret ?: vcpu_ioctl(v, KVM_GET_DEBUGREGS, &s->debugregs);
	ret = ret ?: vcpu_ioctl(v, KVM_GET_VCPU_EVENTS, &s->events);
	if (ret)
		return ret;
	/* Not there on a CPU without XSAVE. */
	if (vcpu_ioctl(v, KVM_GET_XCRS, &s->xcrs))
		s->xcrs.nr_xcrs = 0;
	return capture_msrs(v);
}

/* Before Linux 5.16 only a vCPU knows the frequency, not the VM. */
static void learn_tsc(struct vcpu *v)
{
	struct vm_arch *arch = v->vm->arch;
	int khz;

	if (v->index || arch->tsc_khz)
		return;
	khz = ioctl(v->fd, KVM_GET_TSC_KHZ, 0);
	if (khz <= 0)
		return;
	arch->tsc_khz = khz;
	x86_cpuid_set_tsc(arch->cpuid, khz);
}

int arch_vcpu_init(struct vcpu *v)
{
	struct vm_arch *arch = v->vm->arch;
	struct kvm_cpuid2 *cpuid;
	size_t size;
	int ret;

	learn_tsc(v);
	size = sizeof(*cpuid) + arch->cpuid->nent * sizeof(struct kvm_cpuid_entry2);
	cpuid = malloc(size);
	if (!cpuid)
		return -ENOMEM;
	memcpy(cpuid, arch->cpuid, size);
	x86_cpuid_set_apic(cpuid, v->index);
	ret = vcpu_ioctl(v, KVM_SET_CPUID2, cpuid);
	free(cpuid);
	if (ret) {
		log_err("vCPU %u: cannot set CPUID: %s", v->index, strerror(-ret));
		return ret;
	}
	if (v->index)
		return 0;
	ret = x86_capture_state(v);
	if (ret)
		log_err("cannot read the state of a new vCPU: %s", strerror(-ret));
	return ret;
}

void arch_vcpu_destroy(struct vcpu *v)
{
}

/* Everything but the general registers, as it was when the vCPU was created. */
static int restore_state(struct vcpu *v)
{
	struct x86_state *s = &v->vm->arch->state;
	struct kvm_lapic_state lapic = s->lapic;
	struct kvm_sregs sregs = s->sregs;
	u32 apic_id = sregs.apic_base & APIC_BASE_X2APIC ? v->index : v->index << 24;
	int ret;

	if (v->index)
		sregs.apic_base &= ~APIC_BASE_BSP;
	memcpy(lapic.regs + APIC_ID, &apic_id, sizeof(apic_id));

	ret = vcpu_ioctl(v, KVM_SET_SREGS, &sregs);
	ret = ret ?: vcpu_ioctl(v, KVM_SET_LAPIC, &lapic);
	ret = ret ?: vcpu_ioctl(v, KVM_SET_XSAVE, &s->xsave);
	ret = ret ?: vcpu_ioctl(v, KVM_SET_DEBUGREGS, &s->debugregs);
	ret = ret ?: vcpu_ioctl(v, KVM_SET_VCPU_EVENTS, &s->events);
	if (!ret && s->xcrs.nr_xcrs)
		ret = vcpu_ioctl(v, KVM_SET_XCRS, &s->xcrs);
	return ret ?: transfer_msrs(v, KVM_SET_MSRS, s->msrs);
}

/* What firmware would have left behind: cacheable memory, fast strings. */
static int set_firmware_msrs(struct vcpu *v)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entries[2];
	} msrs = {
		.head.nmsrs = 2,
		.entries = {
			{ .index = MSR_MTRR_DEF_TYPE, .data = MTRR_ENABLED_WB },
			{ .index = MSR_MISC_ENABLE, .data = MSR_MISC_FAST_STRING },
		},
	};

	return ioctl(v->fd, KVM_SET_MSRS, &msrs) < 0 ? -errno : 0;
}

static struct kvm_segment flat_segment(u16 selector, u8 type, bool code, bool l)
{
	return (struct kvm_segment) {
		.base = 0, .limit = 0xffffffff, .selector = selector, .type = type,
		.present = 1, .dpl = 0, .db = !l || !code, .s = 1,
		.l = code && l, .g = 1,
	};
}

static void set_segments(struct kvm_sregs *sregs, bool long_mode)
{
	struct kvm_segment data = flat_segment(BOOT_DS, 3, false, long_mode);

	sregs->cs = flat_segment(BOOT_CS, 11, true, long_mode);
	sregs->ds = data;
	sregs->es = data;
	sregs->fs = data;
	sregs->gs = data;
	sregs->ss = data;
	sregs->tr = (struct kvm_segment) {
		.limit = 0x67, .selector = BOOT_TSS, .type = 11, .present = 1,
	};
	sregs->gdt.base = X86_GDT;
	sregs->gdt.limit = 5 * 8 - 1;
	sregs->idt.base = 0;
	sregs->idt.limit = 0;
}

/*
 * PVH: xen/interface/hvm/start_info.h of the kernel describes the entry; 64-bit:
 * Documentation/x86/boot.rst, "64-bit BOOT PROTOCOL".
 */
static int set_entry(struct vcpu *v)
{
	const struct x86_boot *boot = &v->vm->arch->boot;
	struct kvm_sregs sregs = v->vm->arch->state.sregs;
	struct kvm_regs regs = {
		.rflags = RFLAGS_RESERVED,
		.rip = boot->entry,
	};
	int ret;

	set_segments(&sregs, !boot->pvh);
	sregs.cr0 = CR0_PE | CR0_ET;
	if (boot->pvh) {
		regs.rbx = boot->info;
	} else {
		regs.rsi = boot->info;
		sregs.cr0 |= CR0_PG;
		sregs.cr3 = X86_PAGE_TABLES;
		sregs.cr4 = CR4_PAE;
		sregs.efer = EFER_LME | EFER_LMA;
	}
	ret = vcpu_ioctl(v, KVM_SET_SREGS, &sregs);
	return ret ?: vcpu_ioctl(v, KVM_SET_REGS, &regs);
}

int arch_vcpu_reset(struct vcpu *v)
{
	/*
	 * Where others wait for SIPI, as after power-on: KVM's own first state is one that
	 * KVM_RUN comes back from, with EAGAIN, when INIT comes.
	 */
	struct kvm_mp_state mp = {
		.mp_state = v->index ? KVM_MP_STATE_INIT_RECEIVED : KVM_MP_STATE_RUNNABLE,
	};
	bool new = v->vm->run.state == RUN_PRELAUNCH;
	struct kvm_regs regs = { .rflags = RFLAGS_RESERVED };
	int ret = 0;

	/* A new vCPU has that state already. */
	if (!new)
		ret = restore_state(v);
	if (!ret && (!new || v->index))
		ret = vcpu_ioctl(v, KVM_SET_MP_STATE, &mp);
	if (!ret && !new && v->index)
		ret = vcpu_ioctl(v, KVM_SET_REGS, &regs);
	ret = ret ?: set_firmware_msrs(v);
	if (!ret && !v->index)
		ret = set_entry(v);
	return ret;
}

static int handle_io(struct vcpu *v)
{
	struct kvm_run *run = v->run;
	u8 *data = (u8 *)run + run->io.data_offset;
	u32 i;

	v->io_pending = true;
	for (i = 0; i < run->io.count; i++, data += run->io.size) {
		if (run->io.direction == KVM_EXIT_IO_OUT)
			bus_write(&v->vm->pio, run->io.port, data, run->io.size);
		else
			bus_read(&v->vm->pio, run->io.port, data, run->io.size);
	}
	return 0;
}

int arch_handle_exit(struct vcpu *v)
{
	switch (v->run->exit_reason) {
	case KVM_EXIT_IO:
		return handle_io(v);
	default:
		return -ENOSYS;
	}
}

void arch_show_vcpu(struct vcpu *v, char *buf, size_t size)
{
	struct kvm_regs regs;
	struct kvm_sregs sregs;

	if (vcpu_ioctl(v, KVM_GET_REGS, &regs) || vcpu_ioctl(v, KVM_GET_SREGS, &sregs)) {
		snprintf(buf, size, "an unknown place");
		return;
	}
	snprintf(buf, size, "rip 0x%llx (rsp 0x%llx, cr0 0x%llx, cr3 0x%llx, cr4 0x%llx)",
		 regs.rip, regs.rsp, sregs.cr0, sregs.cr3, sregs.cr4);
}
