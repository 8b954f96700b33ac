// SPDX-License-Identifier: GPL-2.0
/*
 * PCI: the host bridge, and its node with one for each function: a pseries kernel looks
 * for no device that is not in the tree (LoPAR, B.6.6; IEEE Std 1275, PCI Bus Binding).
 */

#include <linux/kernel.h>
#include <linux/pci.h>
#include <vmtool/arch.h>
#include <vmtool/device.h>
#include <vmtool/fdt.h>
#include <vmtool/pci.h>
#include <vmtool/vm.h>

#include "powerpc.h"

/* The first cell of an address. */
#define CELL_MEM32		0x02000000
#define CELL_FIXED		0x80000000	/* not to be moved */
#define CELL_PREFETCH		0x40000000
#define ADDR_CELLS		3
#define RANGE_CELLS		5		/* address and size */
#define MAP_CELLS		(ADDR_CELLS + 1 + 1 + 2)

/* Generic names, by class and subclass. */
static const struct {
	u16 class;
	const char *name;
} class_names[] = {
	{ 0x0100, "scsi" },
	{ 0x0180, "mass-storage" },
	{ 0x0200, "ethernet" },
	{ 0x0280, "network" },
	{ 0x0580, "memory-controller" },
	{ 0x0780, "communication-controller" },
	{ 0x00ff, "unknown-legacy-device" },
};

static const char *function_name(u32 class)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(class_names); i++)
		if (class_names[i].class == class >> 8)
			return class_names[i].name;
	return "device";
}

static u32 config(const struct vm *vm, const struct pci_device *dev, u32 off, unsigned int size)
{
	return pci_host_config_read(vm->pci, dev->devfn, off, size);
}

static unsigned int range(u32 *cell, u32 hi, u64 addr, u64 size)
{
	cell[0] = hi;
	cell[1] = addr >> 32;
	cell[2] = addr;
	cell[3] = size >> 32;
	cell[4] = size;
	return RANGE_CELLS;
}

static void bars(const struct vm *vm, struct fdt_builder *b, const struct pci_device *dev)
{
	u32 reg[(1 + PCI_BARS) * RANGE_CELLS], assigned[PCI_BARS * RANGE_CELLS];
	u32 function = dev->devfn << 8;
	unsigned int nr_reg, nr = 0;
	int i;

	nr_reg = range(reg, function, 0, 0);
	for (i = 0; i < PCI_BARS; i++) {
		const struct pci_bar *bar = &dev->bars[i];
		u32 hi = function | (PCI_BASE_ADDRESS_0 + i * 4) | CELL_MEM32;

		if (!bar->size)
			continue;
		if (bar->flags & PCI_BASE_ADDRESS_MEM_PREFETCH)
			hi |= CELL_PREFETCH;
		nr_reg += range(reg + nr_reg, hi, 0, bar->size);
		nr += range(assigned + nr, hi | CELL_FIXED,
			    bar->assigned - PPC_PCI_MEM + PPC_PCI_BUS_ADDR, bar->size);
	}
	fdt_cells(b, "reg", reg, nr_reg);
	if (nr)
		fdt_cells(b, "assigned-addresses", assigned, nr);
}

static void function(const struct vm *vm, struct fdt_builder *b, const struct pci_device *dev)
{
	u32 class = config(vm, dev, PCI_CLASS_REVISION, 4) >> 8;
	u8 pin = config(vm, dev, PCI_INTERRUPT_PIN, 1);

	if (PCI_FUNC(dev->devfn))
		fdt_begin(b, "%s@%x,%x", function_name(class), PCI_SLOT(dev->devfn),
			  PCI_FUNC(dev->devfn));
	else
		fdt_begin(b, "%s@%x", function_name(class), PCI_SLOT(dev->devfn));
	fdt_u32(b, "vendor-id", config(vm, dev, PCI_VENDOR_ID, 2));
	fdt_u32(b, "device-id", config(vm, dev, PCI_DEVICE_ID, 2));
	fdt_u32(b, "revision-id", config(vm, dev, PCI_REVISION_ID, 1));
	fdt_u32(b, "class-code", class);
	fdt_u32(b, "subsystem-vendor-id", config(vm, dev, PCI_SUBSYSTEM_VENDOR_ID, 2));
	fdt_u32(b, "subsystem-id", config(vm, dev, PCI_SUBSYSTEM_ID, 2));
	fdt_u32(b, "#address-cells", 3);
	fdt_u32(b, "#size-cells", 2);
	if (pin)
		fdt_u32(b, "interrupts", pin);
	if (dev->msix.nr)
		fdt_u32(b, "ibm,req#msi-x", dev->msix.nr);
	/* There is none; where this is not said Linux warns of each function. */
	fdt_u32(b, "ibm,open-sriov-vf-bar-info", 0);
	bars(vm, b, dev);
	fdt_end(b);
}

/* Lines come round again after four slots. */
static void interrupt_map(struct fdt_builder *b)
{
	const u32 mask[] = { PCI_DEVFN(PCI_INTX_LINES - 1, 0) << 8, 0, 0, 7 };
	u32 map[PCI_INTX_LINES * PCI_INTX_LINES * MAP_CELLS];
	unsigned int slot, pin, n = 0;

	for (slot = 0; slot < PCI_INTX_LINES; slot++) {
		for (pin = 0; pin < PCI_INTX_LINES; pin++) {
			map[n++] = PCI_DEVFN(slot, 0) << 8;
			map[n++] = 0;
			map[n++] = 0;
			map[n++] = pin + 1;
			map[n++] = b->irqs->phandle;
			n += b->irqs->cells(PPC_GSI_PCI + (slot + pin) % PCI_INTX_LINES,
					    IRQ_LEVEL, map + n);
		}
	}
	fdt_u32(b, "#interrupt-cells", 1);
	fdt_cells(b, "interrupt-map-mask", mask, ARRAY_SIZE(mask));
	fdt_cells(b, "interrupt-map", map, n);
}

static void functions(const struct vm *vm, struct fdt_builder *b)
{
	int devfn;

	/* Function 0 is the bridge, which this node is. */
	for (devfn = 1; devfn < PCI_FUNCTIONS; devfn++) {
		const struct pci_device *dev = pci_host_function(vm->pci, devfn);

		if (dev)
			function(vm, b, dev);
	}
}

void ppc_pci_fdt(const struct vm *vm, struct fdt_builder *b)
{
	const u32 buses[] = { 0, 0 };
	const u32 ranges[] = {
		CELL_MEM32, 0, PPC_PCI_BUS_ADDR, PPC_PCI_MEM >> 32, (u32)PPC_PCI_MEM,
		PPC_PCI_MEM_LEN >> 32, (u32)PPC_PCI_MEM_LEN,
	};
	const u32 dma[] = { PPC_TCE_LIOBN, 0, 0, 0, PPC_TCE_LEN };

	if (!vm->pci)
		return;
	fdt_begin(b, "pci@%llx", PPC_PCI_BUID);
	fdt_str(b, "device_type", "pci");
	fdt_str(b, "compatible", "IBM,Logical_PHB");
	fdt_reg(b, PPC_PCI_BUID, 0);
	fdt_u32(b, "#address-cells", 3);
	fdt_u32(b, "#size-cells", 2);
	fdt_flag(b, "used-by-rtas");
	fdt_cells(b, "bus-range", buses, ARRAY_SIZE(buses));
	fdt_cells(b, "ranges", ranges, ARRAY_SIZE(ranges));
	fdt_u32(b, "ibm,pci-config-space-type", 1);
	fdt_u32(b, "ibm,pe-total-#msi", PPC_NR_MSIS);
	fdt_u32(b, "ibm,#dma-address-cells", 2);
	fdt_u32(b, "ibm,#dma-size-cells", 2);
	fdt_cells(b, "ibm,dma-window", dma, ARRAY_SIZE(dma));
	fdt_u32(b, "linux,pci-domain", 0);
	interrupt_map(b);
	functions(vm, b);
	fdt_end(b);
}

const struct pci_host_conf arch_pci_host = {
	.mem = PPC_PCI_MEM, .mem_len = PPC_PCI_MEM_LEN,
	.mem_offset = PPC_PCI_MEM - PPC_PCI_BUS_ADDR, .gsi = PPC_GSI_PCI,
};

/* No kernel looks for such devices on a pseries machine. */
bool arch_virtio_mmio(unsigned int index, u64 *base, u32 *gsi)
{
	return false;
}
