// SPDX-License-Identifier: GPL-2.0
/*
 * Hypercalls that KVM leaves to us (LoPAR, chapter 14). Arguments are in args[], which
 * becomes r4 and up again when the vCPU goes on.
 */
#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>

#include <linux/bits.h>
#include <linux/kernel.h>
#include <vmtool/log.h>
#include <vmtool/vcpu.h>
#include <vmtool/vm.h>

#include "powerpc.h"
#include "regs.h"

/* H_SET_MODE: resources, and what goes with them. */
#define SET_MODE_ADDR_TRANS	3
#define SET_MODE_LE		4

/* H_REGISTER_PROC_TBL: flags. */
#define PROC_TBL_OP_MASK	0x18
#define PROC_TBL_DEREGISTER	0x10
#define PROC_TBL_REGISTER	0x18
#define PROC_TBL_KIND_MASK	0x06
#define PROC_TBL_HASH		0x00
#define PROC_TBL_RADIX		0x04
#define PROC_TBL_GTSE		0x01
#define PROC_TBL_FLAGS		0x1f
#define PROC_TBL_MAX_SIZE	24

/* Second doubleword of a partition table entry. */
#define PATE1_GR		BIT_ULL(63)

/* H_SIGNAL_SYS_RESET: targets. */
#define SYS_RESET_ALL		(-1LL)
#define SYS_RESET_OTHERS	(-2LL)

static s64 set_mode_le(struct vcpu *v, u64 mflags)
{
	if (mflags > 1)
		return H_UNSUPPORTED_FLAG;
	return ppc_set_lpcr(v, PPC_LPCR_ILE, mflags ? PPC_LPCR_ILE : 0) ? H_HARDWARE : H_SUCCESS;
}

/* Interrupts with address translation on: all of them, or none. */
static s64 set_mode_addr_trans(struct vcpu *v, u64 mflags)
{
	if (mflags != 0 && mflags != 3)
		return H_UNSUPPORTED_FLAG;
	return ppc_set_lpcr(v, PPC_LPCR_AIL, mflags << PPC_LPCR_AIL_SHIFT) ?
	       H_HARDWARE : H_SUCCESS;
}

static s64 h_set_mode(struct vcpu *v, u64 *args)
{
	u64 resource = args[1];

	if (resource != SET_MODE_LE && resource != SET_MODE_ADDR_TRANS)
		return H_P2;
	if (args[2])
		return H_P3;
	if (args[3])
		return H_P4;
	return resource == SET_MODE_LE ? set_mode_le(v, args[0]) :
					 set_mode_addr_trans(v, args[0]);
}

/* What goes into the partition table: the table's address and size. */
static s64 proc_table_entry(u64 flags, const u64 *args, u64 *entry)
{
	u64 base = args[1], page_size = args[2], size = args[3];

	*entry = (flags & PROC_TBL_KIND_MASK) == PROC_TBL_RADIX ? PATE1_GR : 0;
	if ((flags & PROC_TBL_OP_MASK) == PROC_TBL_DEREGISTER)
		return H_SUCCESS;
	if ((base & 0xfff) || base >> 60)
		return H_P2;
	if (page_size)
		return H_P3;
	if (size > PROC_TBL_MAX_SIZE)
		return H_P4;
	*entry |= base | size;
	return H_SUCCESS;
}

static s64 h_register_proc_tbl(struct vcpu *v, u64 *args)
{
	struct kvm_ppc_mmuv3_cfg cfg = { };
	u64 flags = args[0], kind = flags & PROC_TBL_KIND_MASK, entry;
	s64 ret;

	if ((flags & ~(u64)PROC_TBL_FLAGS) || !(flags & PROC_TBL_DEREGISTER) ||
	    (kind != PROC_TBL_RADIX && kind != PROC_TBL_HASH))
		return H_PARAMETER;
	ret = proc_table_entry(flags, args, &entry);
	if (ret)
		return ret;
	cfg.process_table = entry;
	if (kind == PROC_TBL_RADIX)
		cfg.flags |= KVM_PPC_MMUV3_RADIX;
	if (flags & PROC_TBL_GTSE)
		cfg.flags |= KVM_PPC_MMUV3_GTSE;
	return ioctl(v->vm->vm_fd, KVM_PPC_CONFIGURE_V3_MMU, &cfg) < 0 ? H_PARAMETER : H_SUCCESS;
}

/* Of early debugging: a load or store without address translation. */
static s64 h_ci_load(struct vcpu *v, u64 *args)
{
	u64 size = args[0], addr = args[1], val = 0;
	u8 data[8];

	if (size > 8 || !size || (size & (size - 1)) || addr % size)
		return H_PARAMETER;
	if (gmem_read(&v->vm->gmem, addr, data, size))
		bus_read(&v->vm->mmio, addr, data, size);
	/* As the guest's load would see it if it were a big-endian one. */
	memcpy((u8 *)&val + 8 - size, data, size);
	args[0] = be64toh(val);
	return H_SUCCESS;
}

static s64 h_ci_store(struct vcpu *v, u64 *args)
{
	u64 size = args[0], addr = args[1], val = htobe64(args[2]);
	const u8 *data;

	if (size > 8 || !size || (size & (size - 1)) || addr % size)
		return H_PARAMETER;
	data = (u8 *)&val + 8 - size;
	if (gmem_write(&v->vm->gmem, addr, data, size))
		bus_write(&v->vm->mmio, addr, data, size);
	return H_SUCCESS;
}

/* Where KVM has no hardware's numbers. */
static s64 h_random(struct vcpu *v, u64 *args)
{
	return getrandom(&args[0], sizeof(args[0]), GRND_NONBLOCK) == sizeof(args[0]) ?
	       H_SUCCESS : H_HARDWARE;
}

/* What is to be done against speculation, as KVM says of this host's CPU. */
static s64 h_get_cpu_characteristics(struct vcpu *v, u64 *args)
{
	struct kvm_ppc_cpu_char c = { };

	if (ioctl(v->vm->vm_fd, KVM_PPC_GET_CPU_CHAR, &c) < 0)
		return H_FUNCTION;
	args[0] = c.character & c.character_mask;
	args[1] = c.behaviour & c.behaviour_mask;
	return H_SUCCESS;
}

static void system_reset(struct vcpu *v)
{
	int ret = ppc_system_reset(v);

	if (ret)
		log_debug("vCPU %u: no system reset: %s", v->index, strerror(-ret));
}

static s64 h_signal_sys_reset(struct vcpu *v, u64 *args)
{
	struct vm *vm = v->vm;
	s64 target = args[0];
	unsigned int i;

	if (target >= 0 && !ppc_find_vcpu(vm, target))
		return H_PARAMETER;
	if (target < SYS_RESET_OTHERS)
		return H_PARAMETER;
	for (i = 0; i < vm->nr_vcpus; i++) {
		if ((target >= 0 && i != target) ||
		    (target == SYS_RESET_OTHERS && i == v->index) || vm->vcpus[i]->off)
			continue;
		vcpu_call(vm->vcpus[i], system_reset);
	}
	return H_SUCCESS;
}

static s64 h_rtas(struct vcpu *v, u64 *args)
{
	return ppc_rtas_call(v, args[0]);
}

static s64 h_put_term_char(struct vcpu *v, u64 *args)
{
	return ppc_vty_put(v, args);
}

static s64 h_get_term_char(struct vcpu *v, u64 *args)
{
	return ppc_vty_get(v, args);
}

static const struct hcall {
	u64 nr;
	s64 (*fn)(struct vcpu *v, u64 *args);
} hcalls[] = {
	{ H_PUT_TERM_CHAR, h_put_term_char },
	{ H_RTAS, h_rtas },
	{ H_GET_TERM_CHAR, h_get_term_char },
	{ H_SET_MODE, h_set_mode },
	{ H_REGISTER_PROC_TBL, h_register_proc_tbl },
	{ H_LOGICAL_CI_LOAD, h_ci_load },
	{ H_LOGICAL_CI_STORE, h_ci_store },
	{ H_RANDOM, h_random },
	{ H_GET_CPU_CHARACTERISTICS, h_get_cpu_characteristics },
	{ H_SIGNAL_SYS_RESET, h_signal_sys_reset },
};

void ppc_hcall(struct vcpu *v)
{
	u64 args[ARRAY_SIZE(v->run->papr_hcall.args)];
	u64 nr = v->run->papr_hcall.nr;
	s64 ret = H_FUNCTION;
	unsigned int i;

	memcpy(args, v->run->papr_hcall.args, sizeof(args));
	for (i = 0; i < ARRAY_SIZE(hcalls); i++) {
		if (hcalls[i].nr != nr)
			continue;
		ret = hcalls[i].fn(v, args);
		break;
	}
	if (i == ARRAY_SIZE(hcalls) && v->vm->arch->irq->hcall)
		ret = v->vm->arch->irq->hcall(v, nr, args);
	if (ret == H_FUNCTION && log_enabled(LOG_DEBUG) && log_limited(&v->limit))
		log_debug("vCPU %u: no hypercall 0x%llx", v->index, (unsigned long long)nr);
	memcpy(v->run->papr_hcall.args, args, sizeof(args));
	v->run->papr_hcall.ret = ret;
}
