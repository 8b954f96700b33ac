// SPDX-License-Identifier: GPL-2.0
/*
 * Where virtio devices are on this machine.
 */
#include <errno.h>

#include <linux/kernel.h>
#include <vmtool/arch.h>
#include <vmtool/log.h>
#include <vmtool/pci.h>
#include <vmtool/virtio.h>
#include <vmtool/virtio_mmio.h>
#include <vmtool/virtio_pci.h>
#include <vmtool/vm.h>

#include "arm.h"

#ifdef CONFIG_VIRTIO_MMIO
/* Devices share a line when there are more of them than lines. */
static struct irq_line *mmio_irq(struct vm *vm, unsigned int index)
{
	unsigned int i = index % ARRAY_SIZE(vm->arch->mmio_irqs);

	if (!vm->arch->mmio_irqs[i])
		vm->arch->mmio_irqs[i] = irq_get(&vm->irqchip, ARM_GSI_VIRTIO + i, IRQ_EDGE);
	return vm->arch->mmio_irqs[i];
}

static struct device *attach_mmio(struct vm *vm, struct virtio_dev *vd)
{
	unsigned int index = vm->arch->nr_mmio;
	struct irq_line *irq = mmio_irq(vm, index);

	if (index == ARM_VIRTIO_MMIO_MAX || !irq) {
		log_err("%s: more than %d virtio devices", vd->name, ARM_VIRTIO_MMIO_MAX);
		virtio_destroy(vd);
		return NULL;
	}
	vm->arch->nr_mmio++;
	return virtio_mmio_create(vd, ARM_VIRTIO_MMIO + index * VIRTIO_MMIO_LEN, irq);
}
#endif

#ifdef CONFIG_VIRTIO_PCI
/* The bus comes with the first device that is on it. */
static int add_pci_host(struct vm *vm)
{
	struct pci_host_conf conf = {
		.ecam = ARM_PCI_ECAM, .mem = ARM_PCI_MEM, .mem_len = ARM_PCI_MEM_LEN,
		.gsi = ARM_GSI_PCI,
	};
	const struct list_head *pos;
	struct device *dev;

	if (vm->pci)
		return 0;
	list_for_each(pos, &vm->cfg->devices)
		conf.expected++;
	dev = pci_host_create(&conf);
	return dev ? devices_add(vm, dev) : -ENOMEM;
}

static struct device *attach_pci(struct vm *vm, struct virtio_dev *vd)
{
	if (add_pci_host(vm)) {
		virtio_destroy(vd);
		return NULL;
	}
	return virtio_pci_create(vd, vm->pci);
}
#endif

struct device *arch_virtio_attach(struct vm *vm, struct virtio_dev *vd)
{
#ifdef CONFIG_VIRTIO_PCI
	if (vm->cfg->transport == VIRTIO_TRANSPORT_PCI)
		return attach_pci(vm, vd);
#endif
#ifdef CONFIG_VIRTIO_MMIO
	if (vm->cfg->transport == VIRTIO_TRANSPORT_MMIO)
		return attach_mmio(vm, vd);
#endif
	log_err("%s: this transport is not built in", vd->name);
	virtio_destroy(vd);
	return NULL;
}
