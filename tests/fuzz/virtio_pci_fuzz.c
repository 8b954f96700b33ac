// SPDX-License-Identifier: GPL-2.0
/*
 * A hostile guest at the registers of virtio-pci: config space of the function and of
 * the bridge, the BAR with all its structures, MSI-X.
 */
#include "virtio_registers.h"

/* What firmware does: the BAR where it was, decoded, and all vectors led somewhere. */
static void mend(struct drv *d)
{
	unsigned int bar;

	drv_pci_set_config(d, PCI_COMMAND, 0, 2);
	for (bar = 0; bar < 6; bar++)
		drv_pci_set_config(d, PCI_BASE_ADDRESS_0 + 4 * bar, bar ? 0 : d->base, 4);
	drv_pci_set_config(d, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2);
	CHECK(drv_pci_bar(d, 0) == d->base);
	drv_pci_set_config(d, d->pci.msix + PCI_MSIX_FLAGS, 0, 2);
	drv_pci_msix_cap(d, d->pci.msix);
}

static void ranges(struct fuzzed *f)
{
	f->range[0] = (struct registers){ f->d.base, VIRTIO_PCI_BAR_LEN };
	f->range[1] = (struct registers){ f->d.pci.config, 0x100 };
	f->range[2] = (struct registers){ f->d.pci.common, 0x40 };
	f->range[3] = (struct registers){ f->d.pci.table, 16 * f->d.pci.nr_vectors };
	f->range[4] = (struct registers){ DRV_PCI_ECAM, 0x100 };
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	fuzz_registers(DRV_PCI, data, size, mend, ranges);
	return 0;
}
