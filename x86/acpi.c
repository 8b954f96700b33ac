// SPDX-License-Identifier: GPL-2.0
/*
 * The fixed tables of a hardware-reduced ACPI machine (ACPI specification 6.5,
 * 5.2). What a device adds to the DSDT stands beside that device.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/bits.h>
#include <linux/kernel.h>
#include <vmtool/acpi.h>
#include <vmtool/aml.h>
#include <vmtool/arch.h>
#include <vmtool/device.h>
#include <vmtool/hw.h>
#include <vmtool/log.h>
#include <vmtool/vm.h>

#include "layout.h"
#include "x86.h"

#define FADT_WBINVD		BIT(0)
#define FADT_POWER_BUTTON_METHOD	BIT(4)
#define FADT_SLEEP_BUTTON_METHOD	BIT(5)
#define FADT_RESET_REGISTER	BIT(10)
#define BOOT_NO_VGA		BIT(2)
#define BOOT_NO_ASPM		BIT(4)
#define BOOT_NO_CMOS_RTC	BIT(5)

#define MADT_LAPIC		0
#define MADT_IOAPIC		1
#define MADT_LAPIC_NMI		4
#define MADT_X2APIC		9
#define MADT_X2APIC_NMI		10
#define MADT_ENABLED		1

struct madt_lapic {
	u8 type, length;
	u8 uid, apic_id;
	u32 flags;
} __packed;

struct madt_x2apic {
	u8 type, length;
	u16 reserved;
	u32 apic_id, flags, uid;
} __packed;

struct madt_ioapic {
	u8 type, length;
	u8 id, reserved;
	u32 addr, gsi_base;
} __packed;

struct madt_lapic_nmi {
	u8 type, length;
	u8 uid;
	u16 flags;
	u8 lint;
} __packed;

struct madt_x2apic_nmi {
	u8 type, length;
	u16 flags;
	u32 uid;
	u8 lint;
	u8 reserved[3];
} __packed;

/* PCI Firmware Specification 3.3, 4.1.2: config space of a range of buses. */
static void add_s5(struct vm *vm, struct aml *dsdt)
{
	aml_name(dsdt, "\\_S5");
	aml_package(dsdt, 4);
	aml_int(dsdt, ACPI_PM_SLP_TYP_S5);
	aml_int(dsdt, 0);
	aml_int(dsdt, 0);
	aml_int(dsdt, 0);
	aml_end(dsdt);
}

static struct acpi_gas acpi_port(u16 port)
{
	return (struct acpi_gas) { .space = 1, .bits = 8, .access = 1, .addr = port };
}

static int add_fadt(struct acpi_writer *w, struct vm *vm)
{
	struct acpi_fadt fadt = {
		.boot_flags = BOOT_NO_VGA | BOOT_NO_ASPM | BOOT_NO_CMOS_RTC,
		.flags = FADT_WBINVD | FADT_POWER_BUTTON_METHOD | FADT_SLEEP_BUTTON_METHOD |
			 FADT_RESET_REGISTER,
		.reset_register = acpi_port(X86_PORT_ACPI + ACPI_PM_RESET),
		.reset_value = ACPI_PM_RESET_VALUE,
		.sleep_control = acpi_port(X86_PORT_ACPI + ACPI_PM_SLEEP_CONTROL),
		.sleep_status = acpi_port(X86_PORT_ACPI + ACPI_PM_SLEEP_STATUS),
	};

	return acpi_add_fadt(w, vm, 0, add_s5, &fadt);
}

/* An xAPIC cannot name an id from 255 on: those are x2APICs. */
static u8 *madt_add_cpu(u8 *p, u32 index)
{
	struct madt_lapic lapic = {
		.type = MADT_LAPIC, .length = sizeof(lapic),
		.uid = index, .apic_id = index, .flags = MADT_ENABLED,
	};
	struct madt_x2apic x2apic = {
		.type = MADT_X2APIC, .length = sizeof(x2apic),
		.uid = index, .apic_id = index, .flags = MADT_ENABLED,
	};

	if (index < X86_XAPIC_MAX_CPUS)
		return mempcpy(p, &lapic, sizeof(lapic));
	return mempcpy(p, &x2apic, sizeof(x2apic));
}

static int no_room(void)
{
	log_err("ACPI tables: too many vCPUs");
	return -ENOSPC;
}

static int add_madt(struct acpi_writer *w, u32 nr_cpus)
{
	struct acpi_madt head = { .lapic = X86_LAPIC };
	struct madt_ioapic ioapic = {
		.type = MADT_IOAPIC, .length = sizeof(ioapic), .addr = X86_IOAPIC,
	};
	struct madt_lapic_nmi nmi = {
		.type = MADT_LAPIC_NMI, .length = sizeof(nmi), .uid = 0xff, .lint = 1,
	};
	struct madt_x2apic_nmi x2nmi = {
		.type = MADT_X2APIC_NMI, .length = sizeof(x2nmi), .uid = ~0U, .lint = 1,
	};
	u8 *madt, *p;
	u32 i;
	int ret;

	/* Any number may have been asked for where KVM had no say. */
	if (nr_cpus > (X86_ACPI_TABLES_END - X86_ACPI_TABLES) / sizeof(struct madt_lapic))
		return no_room();
	madt = malloc(sizeof(head) + nr_cpus * sizeof(struct madt_x2apic) +
		      sizeof(ioapic) + sizeof(nmi) + sizeof(x2nmi));
	if (!madt)
		return -ENOMEM;
	p = mempcpy(madt, &head, sizeof(head));
	for (i = 0; i < nr_cpus; i++)
		p = madt_add_cpu(p, i);
	p = mempcpy(p, &ioapic, sizeof(ioapic));
	p = mempcpy(p, &nmi, sizeof(nmi));
	if (nr_cpus > X86_XAPIC_MAX_CPUS)
		p = mempcpy(p, &x2nmi, sizeof(x2nmi));
	ret = acpi_add(w, "APIC", 5, madt, p - madt, NULL);
	free(madt);
	return ret;
}

int x86_acpi_build(struct vm *vm, acpi_dump dump, void *priv)
{
	struct acpi_writer w = {
		.gm = &vm->gmem, .next = X86_ACPI_TABLES, .end = X86_ACPI_TABLES_END,
		.dump = dump, .priv = priv,
	};
	int ret;

	ret = add_fadt(&w, vm);
	ret = ret ?: add_madt(&w, vm->cfg->nr_cpus);
	ret = ret ?: acpi_add_mcfg(&w, vm);
	return ret ?: acpi_finish(&w, X86_RSDP);
}

int arch_dump_acpi(struct vm *vm, const char *path)
{
	return acpi_dump_to(vm, path, x86_acpi_build);
}
