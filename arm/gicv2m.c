// SPDX-License-Identifier: GPL-2.0
/*
 * A GICv2 takes no messages. A frame in front of it does, and turns each into the
 * shared interrupt that it names (Arm's Server Base System Architecture, "GICv2m").
 */
#include <errno.h>
#include <sys/ioctl.h>

#include <linux/kernel.h>
#include <vmtool/irq.h>
#include <vmtool/log.h>
#include <vmtool/vm.h>

#include "arm.h"

#define V2M_TYPER	0x008
#define V2M_SETSPI	0x040
#define V2M_FIRST	(ARM_SPI_BASE + ARM_NR_GSI)

static int v2m_line(const struct irqchip *chip, u64 addr, u32 data)
{
	if (addr != ARM_GIC_V2M + V2M_SETSPI || data < V2M_FIRST ||
	    data >= V2M_FIRST + ARM_NR_V2M)
		return -EINVAL;
	return data - ARM_SPI_BASE;
}

static u64 v2m_read(void *priv, u64 off, unsigned int size)
{
	return off == V2M_TYPER ? V2M_FIRST << 16 | ARM_NR_V2M : 0;
}

/* A vCPU may write there as well as a device. */
static void v2m_write(void *priv, u64 off, u64 val, unsigned int size)
{
	const struct irqchip *chip = priv;
	struct kvm_irq_level irq = { .level = 1 };
	int line;

	if (off != V2M_SETSPI)
		return;
	line = v2m_line(chip, ARM_GIC_V2M + off, val);
	if (line < 0)
		return;
	irq.irq = chip->line_base + line;
	if (ioctl(chip->vm_fd, KVM_IRQ_LINE, &irq) < 0)
		log_debug("GICv2m: KVM_IRQ_LINE failed");
	irq.level = 0;
	ioctl(chip->vm_fd, KVM_IRQ_LINE, &irq);
}

static const struct region_ops v2m_ops = {
	.read = v2m_read,
	.write = v2m_write,
	.sizes = 4,
};

int arm_v2m_init(struct vm *vm)
{
	struct arm_gic *gic = &vm->arch->gic;

	vm->irqchip.msi_line = v2m_line;
	gic->v2m.name = "gicv2m";
	return bus_map(&vm->mmio, &gic->v2m, ARM_GIC_V2M, ARM_GIC_V2M_LEN, &v2m_ops,
		       &vm->irqchip);
}
