// SPDX-License-Identifier: GPL-2.0
/*
 * The host bridge in the device tree (Linux, host-generic-pci.yaml; IEEE Std 1275
 * PCI Bus Binding 2.1).
 */
#include <linux/kernel.h>
#include <linux/pci.h>
#include <vmtool/fdt.h>
#include <vmtool/pci.h>

#include "host.h"

#define MEM_SPACE	0x02000000	/* non-prefetchable memory below 4 GiB */
#define CHILD_CELLS	4		/* three of address, one of the pin */
#define MAP_SLOTS	PCI_INTX_LINES	/* then the lines come round again */
#define MAP_CELLS	(CHILD_CELLS + 1 + 2 + FDT_IRQ_CELLS)

static unsigned int map_entry(const struct pci_host *host, const struct fdt_irqs *irqs,
			      unsigned int slot, unsigned int pin, u32 *cell)
{
	unsigned int i, n = 0;

	cell[n++] = PCI_DEVFN(slot, 0) << 8;
	cell[n++] = 0;
	cell[n++] = 0;
	cell[n++] = pin + 1;
	cell[n++] = irqs->phandle;
	for (i = 0; i < irqs->address_cells; i++)
		cell[n++] = 0;
	return n + irqs->cells(host->conf.gsi + pci_intx_line(slot, pin), IRQ_LEVEL, cell + n);
}

static void interrupt_map(struct fdt_builder *b, const struct pci_host *host)
{
	const u32 mask[] = { PCI_DEVFN(MAP_SLOTS - 1, 0) << 8, 0, 0, 7 };
	u32 map[MAP_SLOTS * PCI_INTX_LINES * MAP_CELLS];
	unsigned int slot, pin, n = 0;

	for (slot = 0; slot < MAP_SLOTS; slot++)
		for (pin = 0; pin < PCI_INTX_LINES; pin++)
			n += map_entry(host, b->irqs, slot, pin, map + n);
	fdt_u32(b, "#interrupt-cells", 1);
	fdt_cells(b, "interrupt-map-mask", mask, ARRAY_SIZE(mask));
	fdt_cells(b, "interrupt-map", map, n);
}

void pci_host_fdt(const struct device *dev, struct fdt_builder *b)
{
	const struct pci_host *host = container_of(dev, struct pci_host, dev);
	const struct pci_host_conf *conf = &host->conf;
	const u32 ranges[] = {
		MEM_SPACE, conf->mem >> 32, conf->mem, conf->mem >> 32, conf->mem,
		conf->mem_len >> 32, conf->mem_len,
	};
	const u32 buses[] = { 0, 0 }, messages[] = { 0, b->irqs->msi_phandle, 0, 0x10000 };

	/* A machine without ECAM describes its bridge itself. */
	if (!conf->ecam)
		return;
	fdt_begin(b, "pcie@%llx", (unsigned long long)conf->ecam);
	fdt_str(b, "compatible", "pci-host-ecam-generic");
	fdt_str(b, "device_type", "pci");
	fdt_reg(b, conf->ecam, PCI_BUS_LEN);
	fdt_u32(b, "#address-cells", 3);
	fdt_u32(b, "#size-cells", 2);
	fdt_cells(b, "ranges", ranges, ARRAY_SIZE(ranges));
	fdt_cells(b, "bus-range", buses, ARRAY_SIZE(buses));
	fdt_u32(b, "linux,pci-domain", 0);
	if (b->irqs->msi_phandle)
		fdt_cells(b, "msi-map", messages, ARRAY_SIZE(messages));
	fdt_flag(b, "dma-coherent");
	interrupt_map(b, host);
	fdt_end(b);
}
