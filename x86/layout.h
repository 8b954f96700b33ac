/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_X86_LAYOUT_H
#define VMTOOL_X86_LAYOUT_H

/*
 * Every address of the x86 machine. What lies in low memory is read by the
 * guest while it boots and is ordinary RAM to it afterwards.
 */

/* Boot data below 640 KiB. */
#define X86_GDT			0x00000500UL	/* four descriptors for the entry */
#define X86_START_INFO		0x00001000UL	/* struct hvm_start_info and its lists */
#define X86_BOOT_PARAMS		0x00007000UL	/* struct boot_params, the zero page */
#define X86_PAGE_TABLES		0x00009000UL	/* 1 PML4, 1 PDPT, 4 PD: maps 4 GiB */
#define X86_CMDLINE		0x00020000UL	/* kernel command line */
#define X86_CMDLINE_MAX		0x00010000UL
#define X86_EBDA		0x0009fc00UL	/* end of conventional memory */
#define X86_EBDA_END		0x000a0000UL

/* Firmware tables between 640 KiB and 1 MiB, where kernels look for them. */
#define X86_ACPI_TABLES		0x000c0000UL	/* all tables but the RSDP */
#define X86_ACPI_TABLES_END	0x000e0000UL
#define X86_RSDP		0x000e0000UL	/* found by a scan from here on */
#define X86_MPTABLE		0x000f0000UL	/* found by a scan from here on */
#define X86_MPTABLE_END		0x00100000UL
#define X86_HIGH_MEMORY		0x00100000UL

/* The hole below 4 GiB; memory goes on above. */
#define X86_LOW_MEMORY_END	0xc0000000UL
#define X86_VIRTIO_MMIO		0xc0000000UL	/* 4 KiB for each device */
#define X86_VIRTIO_MMIO_MAX	256
#define X86_EARLY_UART		0xc0100000UL	/* a page: 16550 registers that only send */
#define X86_PCI_MEM		0xd0000000UL	/* BARs */
#define X86_PCI_MEM_LEN		0x18000000UL
#define X86_PCI_ECAM		0xe8000000UL	/* config space of bus 0, 1 MiB */
#define X86_IOAPIC		0xfec00000UL
#define X86_LAPIC		0xfee00000UL
#define X86_KVM_IDENTITY_MAP	0xfffbc000UL	/* one page, used by KVM on Intel */
#define X86_KVM_TSS		0xfffbd000UL	/* three pages, used by KVM on Intel */
#define X86_ABOVE_4G		0x100000000UL

/* I/O ports. */
#define X86_PORT_KBD_DATA	0x0060
#define X86_PORT_KBD_COMMAND	0x0064
#define X86_PORT_RTC		0x0070		/* index and data */
#define X86_PORT_SERIAL		0x03f8
#define X86_PORT_PVPANIC	0x0505
#define X86_PORT_ACPI		0x0600		/* see hw/acpi_pm.h */
#define X86_PORT_RESET		0x0cf9

/*
 * Global system interrupts. 0-15 are the ISA lines and reach the PICs as well,
 * which a kernel that uses ACPI leaves as they are: what only such a kernel knows
 * of stays away from them.
 */
#define X86_GSI_SERIAL		4
#define X86_GSI_PCI		16		/* four of them: INTx */
#define X86_GSI_ACPI_EVENT	20
#define X86_NR_ISA		16
#define X86_NR_GSI		24

#endif /* VMTOOL_X86_LAYOUT_H */
