/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_ARM_LAYOUT_H
#define VMTOOL_ARM_LAYOUT_H

/*
 * Every address of the arm64 machine. Memory begins at 2 GiB; devices are below, at
 * multiples of 64 KiB where guests with pages of that size map them.
 */

/* The interrupt controller. */
#define ARM_GIC_DIST		0x08000000UL	/* distributor: 4 KiB (v2), 64 KiB (v3) */
#define ARM_GIC_DIST_V2_LEN	0x1000UL
#define ARM_GIC_DIST_V3_LEN	0x10000UL
#define ARM_GIC_CPU		0x08010000UL	/* v2: CPU interface */
#define ARM_GIC_CPU_LEN		0x2000UL
#define ARM_GIC_V2M		0x08020000UL	/* v2: frame that takes messages */
#define ARM_GIC_V2M_LEN		0x1000UL
#define ARM_GIC_ITS		0x08080000UL	/* v3: translation of messages */
#define ARM_GIC_ITS_LEN		0x20000UL
#define ARM_GIC_REDIST		0x09000000UL	/* v3: redistributors, one per vCPU */
#define ARM_GIC_REDIST_LEN	0x20000UL
#define ARM_GIC_REDIST_MAX	((ARM_UART - ARM_GIC_REDIST) / ARM_GIC_REDIST_LEN)

/* Devices of the platform. */
#define ARM_UART		0x10000000UL
#define ARM_RTC			0x10010000UL
#define ARM_GPIO		0x10020000UL
#define ARM_PVPANIC		0x10030000UL
#define ARM_ACPI_EVENT		0x10040000UL
#define ARM_EFI_TIME		0x10050000UL
#define ARM_EFI_TIME_LEN	0x10000UL
#define ARM_EARLY_UART		0x10060000UL	/* what an early console sends to */
#define ARM_VIRTIO_MMIO		0x11000000UL	/* 4 KiB for each device */
#define ARM_VIRTIO_MMIO_MAX	256

/* PCI. */
#define ARM_PCI_ECAM		0x3ff00000UL	/* config space of bus 0, 1 MiB */
#define ARM_PCI_MEM		0x40000000UL	/* BARs */
#define ARM_PCI_MEM_LEN		0x40000000UL

#define ARM_MEMORY		0x80000000UL

/* What a 32-bit guest reaches. */
#define ARM32_ADDRESS_BITS	32
#define ARM32_MEMORY_MAX	((1UL << ARM32_ADDRESS_BITS) - ARM_MEMORY)

/* Everything in memory that is placed behind something else is so far from its start. */
#define ARM_LOAD_ALIGN		0x200000UL
#define ARM_FDT_MAX		0x200000UL	/* Documentation/arm64/booting.rst */

/* Firmware, where there is ACPI: what stays of UEFI, what does not, ACPI's tables. */
#define ARM_FIRMWARE_LEN	0x200000UL
#define ARM_EFI_BOOT		0x10000UL
#define ARM_EFI_ACPI		0x20000UL

/* Page for steal time, right behind the memory. */
#define ARM_STEAL_ALIGN		0x10000UL
#define ARM_STEAL_LEN		64UL		/* of each vCPU */

/* Shared interrupts, from 0; the GIC calls them 32 and on. */
#define ARM_SPI_BASE		32
#define ARM_GSI_UART		0
#define ARM_GSI_RTC		1
#define ARM_GSI_GPIO		2
#define ARM_GSI_ACPI_EVENT	3
#define ARM_GSI_PCI		4		/* four of them: INTx */
#define ARM_GSI_VIRTIO		8
#define ARM_NR_GSI		128
#define ARM_NR_V2M		512		/* messages, behind the lines */

/* Private interrupts. */
#define ARM_PPI_PMU		7
#define ARM_PPI_VTIMER		11
#define ARM_PPI_HTIMER		10
#define ARM_PPI_STIMER		13
#define ARM_PPI_PTIMER		14
#define ARM_PPI_BASE		16

#endif /* VMTOOL_ARM_LAYOUT_H */
