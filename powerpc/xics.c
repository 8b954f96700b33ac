// SPDX-License-Identifier: GPL-2.0
/*
 * XICS in KVM: hypercalls and RTAS calls of a guest's end there
 * (Documentation/virt/kvm/devices/xics.rst).
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include <linux/kernel.h>
#include <vmtool/fdt.h>
#include <vmtool/log.h>
#include <vmtool/vcpu.h>
#include <vmtool/vm.h>

#include "powerpc.h"

/* Nobody's: of a source that no guest has set up. */
#define LOWEST_PRIORITY		0xffULL
#define PRIORITY_MASK		0xff

static int source_attr(struct vm *vm, unsigned long cmd, u32 irq, u64 *val)
{
	struct kvm_device_attr attr = {
		.group = KVM_DEV_XICS_GRP_SOURCES, .attr = irq, .addr = (uintptr_t)val,
	};

	return ioctl(vm->arch->irq_fd, cmd, &attr) < 0 ? -errno : 0;
}

static int xics_add(struct vm *vm, u32 irq, enum irq_trigger trigger)
{
	u64 val = KVM_XICS_MASKED | LOWEST_PRIORITY << KVM_XICS_PRIORITY_SHIFT;

	if (vm->vm_fd < 0)
		return 0;
	if (trigger == IRQ_LEVEL)
		val |= KVM_XICS_LEVEL_SENSITIVE;
	return source_attr(vm, KVM_SET_DEVICE_ATTR, irq, &val);
}

static int xics_reset(struct vm *vm)
{
	int ret = ppc_add_lines(vm);
	u32 i;

	for (i = 0; i < vm->arch->msi_made && !ret; i++)
		ret = xics_add(vm, PPC_IRQ_MSIS + i, IRQ_EDGE);
	return ret;
}

static int xics_create(struct vm *vm)
{
	struct kvm_create_device dev = { .type = KVM_DEV_TYPE_XICS };
	int ret;

	if (vm->vm_fd < 0)
		return 0;
	if (ioctl(vm->vm_fd, KVM_CREATE_DEVICE, &dev) < 0) {
		ret = -errno;
		log_err("KVM here has no interrupt controller XICS: %s; try --irqchip xics-user",
			strerror(errno));
		return ret;
	}
	vm->arch->irq_fd = dev.fd;
	ret = xics_reset(vm);
	ret = ret ?: ppc_rtas_define(vm);
	if (ret)
		log_err("cannot set up the interrupt controller: %s", strerror(-ret));
	return ret;
}

static int xics_connect(struct vcpu *v)
{
	struct kvm_enable_cap cap = {
		.cap = KVM_CAP_IRQ_XICS, .args = { v->vm->arch->irq_fd, v->index },
	};

	return vcpu_ask(v, KVM_ENABLE_CAP, &cap);
}

/* No interrupt is presented or pending; all are too unimportant to be presented. */
static int xics_reset_vcpu(struct vcpu *v)
{
	u64 state = (u64)0xff << KVM_REG_PPC_ICP_MFRR_SHIFT |
		    (u64)0xff << KVM_REG_PPC_ICP_PPRI_SHIFT;

	return ppc_set_reg(v, KVM_REG_PPC_ICP_STATE, &state);
}

static bool xics_is_masked(struct vm *vm, u32 irq)
{
	u64 val;

	return source_attr(vm, KVM_GET_DEVICE_ATTR, irq, &val) || (val & KVM_XICS_MASKED);
}

void ppc_xics_fdt(const struct vm *vm, struct fdt_builder *b)
{
	const u32 servers[] = { 0, vm->cfg->nr_cpus };

	fdt_begin(b, "interrupt-controller");
	fdt_str(b, "device_type", "PowerPC-External-Interrupt-Presentation");
	fdt_str(b, "compatible", "IBM,ppc-xicp");
	fdt_flag(b, "interrupt-controller");
	fdt_cells(b, "ibm,interrupt-server-ranges", servers, ARRAY_SIZE(servers));
	fdt_u32(b, "#address-cells", 0);
	fdt_u32(b, "#interrupt-cells", 2);
	fdt_u32(b, "phandle", PPC_PHANDLE_IRQ);
	fdt_u32(b, "linux,phandle", PPC_PHANDLE_IRQ);
	fdt_end(b);
}

const struct ppc_irq_ops ppc_xics_ops = {
	.name = "XICS",
	.xics = true,
	.create = xics_create,
	.connect = xics_connect,
	.add = xics_add,
	.reset = xics_reset,
	.reset_vcpu = xics_reset_vcpu,
	.is_masked = xics_is_masked,
	.fdt = ppc_xics_fdt,
};
