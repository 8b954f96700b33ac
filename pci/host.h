/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_PCI_HOST_H
#define VMTOOL_PCI_HOST_H

#include <vmtool/pci.h>

struct aml;
struct fdt_builder;

/* What the files of pci/ share. */

/**
 * struct pci_host - a host bridge
 * @dev: the device of the machine
 * @conf: where it is
 * @lock: protects config space and where BARs are
 * @bus: the machine's registers in memory
 * @coalesce: writes that wait
 * @ecam: config space as the guest reads it
 * @region: the same range on the bus, for writes
 * @packed: this host's pages are larger than a function's config space
 * @ones: unless @packed, file that reads all ones, for absent functions
 * @bridge: function 00:00.0
 * @functions: what is on the bus, by devfn
 * @next: where to look for room for a BAR
 * @traps: reads of config space exit
 * @intx_lock: protects interrupt lines
 * @lines: interrupt lines
 * @asserted: functions that assert each
 */
struct pci_host {
	struct device dev;
	struct pci_host_conf conf;
	pthread_mutex_t lock;
	struct bus *bus;
	struct coalesce *coalesce;
	struct devpages ecam;
	struct region region;
	bool packed;
	int ones;
	struct pci_device bridge;
	struct pci_device *functions[PCI_FUNCTIONS];
	u64 next;
	bool traps;
	pthread_mutex_t intx_lock;
	struct irq_line *lines[PCI_INTX_LINES];
	unsigned int asserted[PCI_INTX_LINES];
};

#define PCI_SLOTS		32
#define PCI_SLOT_FUNCTIONS	8
#define PCI_SLOT_LEN		(PCI_SLOT_FUNCTIONS * PCI_FUNCTION_LEN)

/* A 16-bit and a 32-bit field of the header. */
u32 pci_get(const struct pci_device *dev, u32 off, unsigned int size);
void pci_put(struct pci_device *dev, u32 off, u32 val, unsigned int size);

/**
 * pci_config_write() - the guest writes into a function's config space
 * @dev: function; under the host's lock, as for all that follows
 * @off: offset of the first byte, all of which are inside
 * @val: value
 * @size: 1, 2 or 4
 */
void pci_config_write(struct pci_device *dev, u32 off, u32 val, unsigned int size);

/** pci_config_reset() - what the guest can write is as it was at power-on */
void pci_config_reset(struct pci_device *dev);

/** pci_bars_assign() - give BARs an address; 0 or -ENOSPC */
int pci_bars_assign(struct pci_host *host, struct pci_device *dev);

/** pci_bars_update() - have BARs answer where the config space says */
void pci_bars_update(struct pci_device *dev);

/** pci_bars_hide() - have no BAR answer */
void pci_bars_hide(struct pci_device *dev);

/** pci_msix_control() - MSI-X Message Control was written */
void pci_msix_control(struct pci_device *dev);

/** pci_msix_reset() - no vector is routed or pending, all are masked */
void pci_msix_reset(struct pci_device *dev);

/** pci_msix_destroy() - release the interrupts */
void pci_msix_destroy(struct pci_device *dev);

/** pci_intx_update() - the pin after a change of what masks it */
void pci_intx_update(struct pci_device *dev);

/** pci_intx_attach() - the function has a pin from now on, or has none any more */
void pci_intx_attach(struct pci_device *dev, bool attached);

/** pci_intx_line() - which of the host's lines a pin leads to */
static inline unsigned int pci_intx_line(unsigned int slot, unsigned int pin)
{
	return (slot + pin) % PCI_INTX_LINES;
}

/** pci_host_acpi() - describe the bridge in the DSDT */
void pci_host_acpi(const struct device *dev, struct aml *dsdt);

/** pci_host_fdt() - describe the bridge in the device tree, if it has ECAM */
void pci_host_fdt(const struct device *dev, struct fdt_builder *b);

#endif /* VMTOOL_PCI_HOST_H */
