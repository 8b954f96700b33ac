// SPDX-License-Identifier: GPL-2.0
/*
 * The interrupt controller: KVM's GICv3 with an ITS, or its GICv2. It is created
 * before the vCPUs and completed when all of them exist
 * (Documentation/virt/kvm/devices/arm-vgic*.rst).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/kernel.h>
#include <vmtool/log.h>
#include <vmtool/vm.h>

#include "arm.h"

#define GICV2_MAX_CPUS	8

int arm_gic_attr(int fd, unsigned long cmd, u32 group, u64 attr, void *val)
{
	struct kvm_device_attr a = { .group = group, .attr = attr, .addr = (uintptr_t)val };

	return ioctl(fd, cmd, &a) < 0 ? -errno : 0;
}

static int gic_set(int fd, u32 group, u64 attr, void *val)
{
	return arm_gic_attr(fd, KVM_SET_DEVICE_ATTR, group, attr, val);
}

static int gic_set_address(int fd, u64 attr, u64 addr)
{
	return gic_set(fd, KVM_DEV_ARM_VGIC_GRP_ADDR, attr, &addr);
}

static int gic_open(struct vm *vm, u32 type)
{
	struct kvm_create_device dev = { .type = type };

	return ioctl(vm->vm_fd, KVM_CREATE_DEVICE, &dev) < 0 ? -errno : (int)dev.fd;
}

static int gic_set_addresses(const struct arm_gic *gic)
{
	int ret;

	if (gic->version == 3) {
		ret = gic_set_address(gic->fd, KVM_VGIC_V3_ADDR_TYPE_DIST, ARM_GIC_DIST);
		return ret ?: gic_set_address(gic->fd, KVM_VGIC_V3_ADDR_TYPE_REDIST,
					      ARM_GIC_REDIST);
	}
	ret = gic_set_address(gic->fd, KVM_VGIC_V2_ADDR_TYPE_DIST, ARM_GIC_DIST);
	return ret ?: gic_set_address(gic->fd, KVM_VGIC_V2_ADDR_TYPE_CPU, ARM_GIC_CPU);
}

/* Without an ITS messages reach nobody, and PCI devices use their lines. */
static int its_create(struct vm *vm)
{
	struct arm_gic *gic = &vm->arch->gic;
	int ret = gic_open(vm, KVM_DEV_TYPE_ARM_VGIC_ITS);

	gic->has_its = ret >= 0;
	if (ret == -ENODEV) {
		log_debug("KVM here has no ITS: no message-signalled interrupts");
		return 0;
	}
	if (ret < 0)
		return ret;
	gic->its_fd = ret;
	return gic_set_address(gic->its_fd, KVM_VGIC_ITS_ADDR_TYPE, ARM_GIC_ITS);
}

/* Returns -ENODEV when the host has none of this version. */
static int gic_try(struct vm *vm, unsigned int version)
{
	struct arm_gic *gic = &vm->arch->gic;
	u32 nr = ARM_SPI_BASE + ARM_NR_GSI + (version == 2 ? ARM_NR_V2M : 0);
	int ret;

	ret = gic_open(vm, version == 3 ? KVM_DEV_TYPE_ARM_VGIC_V3 : KVM_DEV_TYPE_ARM_VGIC_V2);
	if (ret < 0)
		return ret;
	gic->fd = ret;
	gic->version = version;
	ret = gic_set(gic->fd, KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, &nr);
	ret = ret ?: gic_set_addresses(gic);
	if (!ret && version == 3)
		ret = its_create(vm);
	/* It is there: nobody is to try another one. */
	return ret == -ENODEV ? -EIO : ret;
}

static int gic_choose(struct vm *vm)
{
	unsigned int want = vm->arch->conf->irqchip;
	int ret = -ENODEV;

	if (want != ARM_GICV2)
		ret = gic_try(vm, 3);
	if (ret == -ENODEV && want != ARM_GICV3)
		ret = gic_try(vm, 2);
	if (ret == -ENODEV && want != ARM_GIC_AUTO)
		log_err("--irqchip gicv%d: this host cannot give a guest one; leave the option out",
			want == ARM_GICV3 ? 3 : 2);
	else if (ret)
		log_err("cannot create the interrupt controller: %s", strerror(-ret));
	return ret;
}

static int gic_check_cpus(const struct vm *vm)
{
	unsigned int max = vm->arch->gic.version == 2 ? GICV2_MAX_CPUS : ARM_GIC_REDIST_MAX;

	if (vm->cfg->nr_cpus <= max)
		return 0;
	log_err("-c %u: with a GICv%u there are at most %u vCPUs", vm->cfg->nr_cpus,
		vm->arch->gic.version, max);
	return -EINVAL;
}

/* What KVM sets up when the controller is completed. */
static int gic_set_routes(struct irqchip *chip)
{
	struct kvm_irq_routing_entry routes[ARM_NR_GSI] = { };
	u32 i;

	for (i = 0; i < ARM_NR_GSI; i++)
		routes[i] = (struct kvm_irq_routing_entry) {
			.gsi = i, .type = KVM_IRQ_ROUTING_IRQCHIP, .u.irqchip.pin = i,
		};
	return irqchip_set_fixed(chip, routes, ARM_NR_GSI);
}

int arm_gic_create(struct vm *vm)
{
	struct irqchip *chip = &vm->irqchip;
	struct arm_gic *gic = &vm->arch->gic;
	int ret = 0;

	irqchip_init(chip, vm->vm_fd, ARM_NR_GSI);
	chip->line_base = KVM_ARM_IRQ_TYPE_SPI << KVM_ARM_IRQ_TYPE_SHIFT | ARM_SPI_BASE;
	chip->deferred = true;
	gic->version = vm->arch->conf->irqchip == ARM_GICV2 ? 2 : 3;
	gic->has_its = gic->version == 3;
	if (vm->vm_fd >= 0)
		ret = gic_choose(vm);
	if (ret)
		return ret;
	chip->msi_devid = gic->has_its;
	ret = gic_check_cpus(vm);
	ret = ret ?: gic_set_routes(chip);
	if (!ret && gic->version == 2)
		ret = arm_v2m_init(vm);
	return ret;
}

int arm_gic_finish(struct vm *vm)
{
	struct arm_gic *gic = &vm->arch->gic;
	int ret;

	ret = gic_set(gic->fd, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT, NULL);
	if (!ret && gic->its_fd >= 0)
		ret = gic_set(gic->its_fd, KVM_DEV_ARM_VGIC_GRP_CTRL,
			      KVM_DEV_ARM_VGIC_CTRL_INIT, NULL);
	ret = ret ?: arm_gic_capture(vm);
	ret = ret ?: irqchip_start(&vm->irqchip);
	if (ret)
		log_err("cannot set up the interrupt controller: %s", strerror(-ret));
	return ret;
}

void arm_gic_destroy(struct vm *vm)
{
	struct arm_gic *gic = &vm->arch->gic;

	bus_unmap(&vm->mmio, &gic->v2m);
	free(gic->power_on);
	if (gic->its_fd >= 0)
		close(gic->its_fd);
	if (gic->fd >= 0)
		close(gic->fd);
}
