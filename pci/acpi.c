// SPDX-License-Identifier: GPL-2.0
/*
 * The host bridge in ACPI (PCI Firmware Specification 3.3, chapter 4; ACPI 6.5, 6.2).
 */
#include <linux/kernel.h>
#include <vmtool/aml.h>
#include <vmtool/pci.h>

#include "host.h"

#define OSC_UUID		"33db4d5b-1ff7-401c-9657-7441c03dd766"
#define OSC_UNKNOWN_UUID	4

/* Pin by pin: which global interrupt it leads to. */
static void routing(struct aml *a, const struct pci_host *host)
{
	unsigned int slot, pin;

	aml_name(a, "_PRT");
	aml_package(a, PCI_SLOTS * PCI_INTX_LINES);
	for (slot = 0; slot < PCI_SLOTS; slot++) {
		for (pin = 0; pin < PCI_INTX_LINES; pin++) {
			aml_package(a, 4);
			aml_int(a, slot << 16 | 0xffff);
			aml_int(a, pin);
			aml_int(a, 0);
			aml_int(a, a->irq_base + host->conf.gsi + pci_intx_line(slot, pin));
			aml_end(a);
		}
	}
	aml_end(a);
}

/* Whatever the OS wants to control it may: there is nothing that would mind. */
static void control(struct aml *a)
{
	aml_method(a, "_OSC", 4, false);
	aml_dword_field(a, AML_ARG0 + 3, 0, "CDW1");
	aml_if_not_uuid(a, AML_ARG0, OSC_UUID);
	aml_or(a, "CDW1", OSC_UNKNOWN_UUID);
	aml_end(a);
	aml_return(a, AML_ARG0 + 3);
	aml_end(a);
}

static void bridge(struct aml *a, const struct pci_host *host)
{
	aml_device(a, "PCI0");
	aml_name(a, "_HID");
	aml_eisaid(a, "PNP0A08");
	aml_name(a, "_CID");
	aml_eisaid(a, "PNP0A03");
	aml_name(a, "_UID");
	aml_int(a, 0);
	aml_name(a, "_SEG");
	aml_int(a, 0);
	aml_name(a, "_BBN");
	aml_int(a, 0);
	aml_name(a, "_CCA");
	aml_int(a, 1);
	aml_name(a, "_CRS");
	aml_resources(a);
	aml_bus_range(a, 0, 0);
	aml_memory_window(a, host->conf.mem, host->conf.mem_len);
	aml_end(a);
	routing(a, host);
	control(a);
	aml_end(a);
}

/* Config space is no resource of the bridge's: it has to be a motherboard's. */
static void motherboard(struct aml *a, const struct pci_host *host)
{
	aml_device(a, "MBRD");
	aml_name(a, "_HID");
	aml_eisaid(a, "PNP0C02");
	aml_name(a, "_UID");
	aml_int(a, 0);
	aml_name(a, "_CRS");
	aml_resources(a);
	aml_memory32(a, host->conf.ecam, PCI_BUS_LEN);
	aml_end(a);
	aml_end(a);
}

void pci_host_acpi(const struct device *dev, struct aml *dsdt)
{
	const struct pci_host *host = container_of(dev, struct pci_host, dev);

	bridge(dsdt, host);
	motherboard(dsdt, host);
}
