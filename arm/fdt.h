/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_ARM_FDT_H
#define VMTOOL_ARM_FDT_H

/* Nodes of the device tree that others refer to. */
#define PHANDLE_GIC	1
#define PHANDLE_MSI	2
#define PHANDLE_CLOCK	3
#define PHANDLE_GPIO	4
#define PHANDLE_CACHE	0x100	/* and the level */

#endif /* VMTOOL_ARM_FDT_H */
