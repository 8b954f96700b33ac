/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_POWERPC_LAYOUT_H
#define VMTOOL_POWERPC_LAYOUT_H

#include <linux/sizes.h>

/* Every address and number of the pseries machine that vmtool makes. */

/*
 * Memory is one range from 0. A kernel that has not set up its page tables yet finds
 * what it reads first below PPC_LOW: the device tree and the RTAS stub at its end. An
 * initrd may be there, too.
 */
#define PPC_LOW			SZ_512M
#define PPC_RTAS_LEN		SZ_64K
#define PPC_FDT_MAX		SZ_1M
#define PPC_ALIGN		SZ_64K		/* of what has pages of its own */

/* RAM ends below: what PCI and the interrupt controller need is above. */
#define PPC_MEMORY_MAX		0x200000000000ULL

/* The window of PCI, whose BARs have 32 bits: these are added to what they hold. */
#define PPC_PCI_MEM		0x200080000000ULL
#define PPC_PCI_MEM_LEN		0x70000000ULL
#define PPC_PCI_BUS_ADDR	0x80000000ULL

/* The name of the host bridge: nothing answers there. */
#define PPC_PCI_BUID		0x800000020000000ULL

/* An address that no device accesses: messages that have it are interrupts. */
#define PPC_MSI_ADDR		0x40000000000ULL

/* DMA addresses of devices that do not bypass the IOMMU. */
#define PPC_TCE_LIOBN		0x80000000U
#define PPC_TCE_LEN		SZ_1G

/* XIVE: interrupt management area (four pages of 64K), and a pair of pages a source. */
#define PPC_XIVE_TIMA		0x6030203180000ULL
#define PPC_XIVE_TIMA_LEN	(4 * SZ_64K)
#define PPC_XIVE_ESB		0x6010000000000ULL
#define PPC_XIVE_ESB_SHIFT	17

/* Priorities of interrupts with XIVE, from 0 on: KVM keeps the eighth. */
#define PPC_XIVE_PRIORITIES	7

/* Lines, and the numbers of interrupt sources: lines first, then messages. */
#define PPC_GSI_EPOW		0
#define PPC_GSI_VTY		1
#define PPC_GSI_PCI		4
#define PPC_NR_GSI		8
#define PPC_IRQ_LINES		0x1000
#define PPC_IRQ_MSIS		0x1100
#define PPC_NR_MSIS		2048
#define PPC_IRQ_END		(PPC_IRQ_MSIS + PPC_NR_MSIS)

/* Unit address of the virtual terminal. */
#define PPC_VTY			0x71000000U

#define PPC_PHANDLE_IRQ		1

#endif /* VMTOOL_POWERPC_LAYOUT_H */
