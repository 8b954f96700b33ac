/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_HW_H
#define VMTOOL_HW_H

#include <linux/types.h>
#include <vmtool/device.h>

/* Where a platform device sits is known to the architecture alone. */

/**
 * uart16550_create() - a 16550A UART on the user's terminal
 * @port: first of 8 ports
 * @gsi: its interrupt
 *
 * National Semiconductor's PC16550D data sheet describes it.
 *
 * Return: device, not realized; NULL without memory.
 */
struct device *uart16550_create(u16 port, u32 gsi);

/**
 * early_uart_create() - the sending half of a UART, for a kernel's early console
 * @base: guest physical address of a page: what is written to its first byte is sent
 * @status_off: offset of the register that says that it is not busy
 * @status: what that says; all others read 0
 *
 * Return: device, not realized; NULL without memory.
 */
struct device *early_uart_create(u64 base, u32 status_off, u8 status);

/**
 * pvpanic_create() - the port by which a guest tells of its panic
 * @port: the port
 *
 * Documentation: QEMU's docs/specs/pvpanic, the kernel's uapi misc/pvpanic.h.
 *
 * Return: device, not realized; NULL without memory.
 */
struct device *pvpanic_create(u16 port);

/**
 * pvpanic_create_mmio() - the same as a register in memory
 * @base: guest physical address
 *
 * Return: device, not realized; NULL without memory.
 */
struct device *pvpanic_create_mmio(u64 base);

/**
 * cmos_rtc_create() - the clock behind ports 0x70 and 0x71, in UTC
 * @port: index port; the data port follows
 *
 * For kernels that have no paravirtual clock. It is not described in ACPI, so
 * that no driver probes it. Motorola's MC146818 data sheet describes it.
 *
 * Return: device, not realized; NULL without memory.
 */
struct device *cmos_rtc_create(u16 port);

/**
 * struct hw_mmio - where a device with registers in memory is
 * @base: guest physical address of its registers
 * @gsi: its interrupt
 */
struct hw_mmio {
	u64 base;
	u32 gsi;
};

/* Name of the UART's node, for what refers to it by its path: printf format. */
#define PL011_NODE	"serial@%llx"

/* Its flag register, and what that says when nothing waits to be sent or read. */
#define PL011_FLAGS		0x018
#define PL011_FLAGS_IDLE	0x90

/**
 * pl011_create() - a PL011 UART on the user's terminal
 * @at: where it is
 * @clock: phandle of the clock that it and its bus run at
 *
 * Arm's DDI 0183 describes it.
 *
 * Return: device, not realized; NULL without memory.
 */
struct device *pl011_create(struct hw_mmio at, u32 clock);

/**
 * pl031_create() - a PL031 real time clock, in UTC
 * @at: where it is
 * @clock: phandle of the clock that its bus runs at
 *
 * Arm's DDI 0224 describes it.
 *
 * Return: device, not realized; NULL without memory.
 */
struct device *pl031_create(struct hw_mmio at, u32 clock);

/**
 * pl061_create() - a PL061 GPIO controller with a power button
 * @at: where it is
 * @clock: phandle of the clock that its bus runs at
 * @phandle: its own
 *
 * Arm's DDI 0190 describes it.
 *
 * Return: device, not realized; NULL without memory.
 */
struct device *pl061_create(struct hw_mmio at, u32 clock, u32 phandle);

/**
 * pl061_press_power() - press the power button, and let it go soon after
 * @dev: from pl061_create()
 *
 * Return: 0; -ENOTSUP when the guest takes no interrupt from it; -errno.
 */
int pl061_press_power(struct device *dev);

/* Registers of the ACPI power management device, from its base on. */
#define ACPI_PM_SLEEP_CONTROL	0
#define ACPI_PM_SLEEP_STATUS	1
#define ACPI_PM_RESET		2
#define ACPI_PM_EVENT		3
#define ACPI_PM_LEN		4
#define ACPI_PM_RESET_VALUE	0x42
#define ACPI_PM_SLP_TYP_S5	5

/**
 * acpi_pm_create() - sleep, reset and power button of a hardware-reduced ACPI
 * machine (ACPI specification 6.5, 4.8.3.7 and 5.6.9)
 * @port: first of ACPI_PM_LEN ports
 * @gsi: interrupt of the generic event device
 *
 * Return: device, not realized; NULL without memory.
 */
struct device *acpi_pm_create(u16 port, u32 gsi);

/**
 * acpi_pm_create_mmio() - the same as registers in memory
 * @at: where they are, ACPI_PM_LEN bytes
 *
 * Return: device, not realized; NULL without memory.
 */
struct device *acpi_pm_create_mmio(struct hw_mmio at);

/**
 * acpi_pm_press_power() - press the power button
 * @dev: from acpi_pm_create() or acpi_pm_create_mmio()
 */
void acpi_pm_press_power(struct device *dev);

#endif /* VMTOOL_HW_H */
