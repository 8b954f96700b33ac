// SPDX-License-Identifier: GPL-2.0
/*
 * Where virtio devices are on this machine.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>
#include <vmtool/arch.h>
#include <vmtool/log.h>
#include <vmtool/pci.h>
#include <vmtool/virtio.h>
#include <vmtool/virtio_mmio.h>
#include <vmtool/virtio_pci.h>
#include <vmtool/vm.h>

#include "layout.h"
#include "x86.h"

#ifdef CONFIG_VIRTIO_MMIO
#define MMIO_PARAM_MAX	64

/* What no other device has of the lines that kernels without ACPI know. */
static const u8 mmio_gsis[] = { 5, 6, 7, 9, 10, 11, 12, 14, 15, 3 };

/* Devices share a line when there are more of them than lines. */
static struct irq_line *mmio_irq(struct vm *vm, unsigned int index)
{
	unsigned int i = index % ARRAY_SIZE(mmio_gsis);

	BUILD_BUG_ON(ARRAY_SIZE(mmio_gsis) != ARRAY_SIZE(vm->arch->mmio_irqs));
	if (!vm->arch->mmio_irqs[i])
		vm->arch->mmio_irqs[i] = irq_get(&vm->irqchip, mmio_gsis[i], IRQ_EDGE);
	return vm->arch->mmio_irqs[i];
}

static struct device *attach_mmio(struct vm *vm, struct virtio_dev *vd)
{
	unsigned int index = vm->arch->nr_mmio;
	struct irq_line *irq = mmio_irq(vm, index);

	if (index == X86_VIRTIO_MMIO_MAX || !irq) {
		log_err("%s: more than %d virtio devices", vd->name, X86_VIRTIO_MMIO_MAX);
		virtio_destroy(vd);
		return NULL;
	}
	vm->arch->nr_mmio++;
	return virtio_mmio_create(vd, X86_VIRTIO_MMIO + index * VIRTIO_MMIO_LEN, irq);
}
#endif

#ifdef CONFIG_VIRTIO_PCI
/* The bus comes with the first device that is on it. */
static int add_pci_host(struct vm *vm)
{
	struct pci_host_conf conf = {
		.ecam = X86_PCI_ECAM, .mem = X86_PCI_MEM, .mem_len = X86_PCI_MEM_LEN,
		.gsi = X86_GSI_PCI,
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

bool x86_wants_pci(const struct vm *vm)
{
#ifdef CONFIG_VIRTIO_PCI
	return vm->cfg->transport == VIRTIO_TRANSPORT_PCI &&
	       (vm->virtio_console || !list_empty(&vm->cfg->devices));
#else
	return false;
#endif
}

#ifdef CONFIG_VIRTIO_MMIO
/*
 * A kernel that has ACPI would find the devices twice. The id of the generic event
 * device is in each that was built with it; one without is only told when it has
 * the driver, else it may be an image that cannot be searched.
 */
static bool needs_cmdline(struct vm *vm)
{
	if (vm_has_param(vm->cmdline, "acpi=off"))
		return true;
	return !kernel_image_has(&vm->kernel, "ACPI0013") &&
	       kernel_image_has(&vm->kernel, "virtio-mmio");
}

int x86_virtio_cmdline(struct vm *vm)
{
	char *text, *end;
	struct device *dev;
	size_t len;

	if (!vm->arch->nr_mmio || !needs_cmdline(vm))
		return 0;
	len = vm->arch->nr_mmio * MMIO_PARAM_MAX + strlen(vm->cmdline) + 1;
	text = malloc(len);
	if (!text)
		return -ENOMEM;
	end = text;
	list_for_each_entry(dev, &vm->devices, node)
		end += virtio_mmio_cmdline(dev, end, MMIO_PARAM_MAX);
	strcpy(end, vm->cmdline);
	free(vm->cmdline);
	vm->cmdline = text;
	if (strlen(text) <= vm->kernel.cmdline_max)
		return 0;
	log_err("kernel command line: %u virtio devices do not fit: this kernel takes %u bytes",
		vm->arch->nr_mmio, vm->kernel.cmdline_max);
	return -E2BIG;
}
#else
int x86_virtio_cmdline(struct vm *vm)
{
	return 0;
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
