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
#include <vmtool/vm.h>

#include "layout.h"
#include "x86.h"

const struct pci_host_conf arch_pci_host = {
	.ecam = X86_PCI_ECAM, .mem = X86_PCI_MEM, .mem_len = X86_PCI_MEM_LEN,
	.gsi = X86_GSI_PCI,
};

bool arch_virtio_mmio(unsigned int index, u64 *base, u32 *gsi)
{
	/* What no other device has of the lines that kernels without ACPI know. */
	static const u8 gsis[] = { 5, 6, 7, 9, 10, 11, 12, 14, 15, 3 };

	*base = X86_VIRTIO_MMIO + index * VIRTIO_MMIO_LEN;
	*gsi = gsis[index % ARRAY_SIZE(gsis)];
	return index < X86_VIRTIO_MMIO_MAX;
}

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
#define MMIO_PARAM_MAX	64

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

	if (!vm->nr_virtio_mmio || !needs_cmdline(vm))
		return 0;
	len = vm->nr_virtio_mmio * MMIO_PARAM_MAX + strlen(vm->cmdline) + 1;
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
		vm->nr_virtio_mmio, vm->kernel.cmdline_max);
	return -E2BIG;
}
#else
int x86_virtio_cmdline(struct vm *vm)
{
	return 0;
}
#endif
