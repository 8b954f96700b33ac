// SPDX-License-Identifier: GPL-2.0
/*
 * ACPI tables of an arm64 machine (ACPI specification 6.5, 5.2; Arm's DEN 0049 for the
 * IORT, Microsoft's SPCR).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/kernel.h>
#include <vmtool/acpi.h>
#include <vmtool/aml.h>
#include <vmtool/arch.h>
#include <vmtool/log.h>
#include <vmtool/vm.h>

#include "arm.h"

#define FADT_PSCI		BIT(0)
#define FADT_PSCI_HVC		BIT(1)
#define FADT_POWER_BUTTON_METHOD	BIT(4)
#define FADT_SLEEP_BUTTON_METHOD	BIT(5)

#define MADT_REVISION		4
#define MADT_GICC		0xb
#define MADT_GICD		0xc
#define MADT_MSI_FRAME		0xd
#define MADT_GICR		0xe
#define MADT_ITS		0xf
#define GICC_ENABLED		1

#define GTDT_ALWAYS_ON		4
#define GTDT_ABSENT		(~0ULL)

#define SPCR_PL011		3
#define SPCR_GIC		8
#define SPCR_ONE_STOP_BIT	1
#define SPCR_VT_UTF8		2

#define IORT_ITS		0
#define IORT_ROOT_COMPLEX	2
#define IORT_COHERENT		1
#define IORT_CPM_DACS		3

struct madt_gicc {
	u8 type, length;
	u16 reserved;
	u32 interface, uid, flags, parking;
	u32 pmu_irq;
	u64 parked, base, gicv, gich;
	u32 vgic_irq;
	u64 gicr, mpidr;
	u8 efficiency, reserved2[3];
} __packed;

struct madt_gicd {
	u8 type, length;
	u16 reserved;
	u32 id;
	u64 base;
	u32 irq_base;
	u8 version, reserved2[3];
} __packed;

struct madt_msi_frame {
	u8 type, length;
	u16 reserved;
	u32 id;
	u64 base;
	u32 flags;
	u16 nr, first;
} __packed;

struct madt_gicr {
	u8 type, length;
	u16 reserved;
	u64 base;
	u32 len;
} __packed;

struct madt_its {
	u8 type, length;
	u16 reserved;
	u32 id;
	u64 base;
	u32 reserved2;
} __packed;

struct gtdt_irq {
	u32 irq, flags;
} __packed;

struct gtdt {
	struct acpi_header header;
	u64 counter;
	u32 reserved;
	struct gtdt_irq secure, nonsecure, virtual, hyp;
	u64 read_counter;
	u32 nr_platform, platform;
	struct gtdt_irq virtual_hyp;
} __packed;

struct spcr {
	struct acpi_header header;
	u8 interface, reserved[3];
	struct acpi_gas base;
	u8 irq_type, pc_irq;
	u32 irq;
	u8 baud, parity, stop, flow, terminal, language;
	u16 pci_device, pci_vendor;
	u8 pci_bus, pci_slot, pci_function;
	u32 pci_flags;
	u8 pci_segment;
	u32 clock;
} __packed;

struct iort_node {
	u8 type;
	u16 length;
	u8 revision;
	u32 id, nr_maps, maps;
} __packed;

struct iort_its {
	struct iort_node node;
	u32 nr, id;
} __packed;

struct iort_root {
	struct iort_node node;
	u32 coherent;
	u8 hints;
	u16 reserved;
	u8 flags;
	u32 ats, segment;
	u8 address_bits, reserved2[3];
	u32 map_first, map_last, map_to, map_node, map_flags;
} __packed;

struct iort {
	struct acpi_header header;
	u32 nr_nodes, nodes, reserved;
	struct iort_its its;
	struct iort_root root;
} __packed;

static_assert(sizeof(struct madt_gicc) == 80, "as specified");
static_assert(sizeof(struct madt_gicd) == 24, "as specified");
static_assert(sizeof(struct madt_msi_frame) == 24, "as specified");
static_assert(sizeof(struct gtdt) == 104, "as specified");
static_assert(sizeof(struct spcr) == 80, "as specified");

static void add_processors(struct vm *vm, struct aml *dsdt)
{
	char name[5];
	unsigned int i;

	aml_scope(dsdt, "\\_SB");
	for (i = 0; i < vm->cfg->nr_cpus; i++) {
		snprintf(name, sizeof(name), "C%03X", i & 0xfff);
		aml_device(dsdt, name);
		aml_name(dsdt, "_HID");
		aml_string(dsdt, "ACPI0007");
		aml_name(dsdt, "_UID");
		aml_int(dsdt, i);
		aml_end(dsdt);
	}
	aml_end(dsdt);
}

static int add_fadt(struct acpi_writer *w, struct vm *vm)
{
	struct acpi_fadt fadt = {
		.flags = FADT_POWER_BUTTON_METHOD | FADT_SLEEP_BUTTON_METHOD,
		.arm_boot_flags = FADT_PSCI | FADT_PSCI_HVC,
	};

	return acpi_add_fadt(w, vm, ARM_SPI_BASE, add_processors, &fadt);
}

static u8 *madt_add_cpu(struct vm *vm, u8 *p, unsigned int i)
{
	bool v2 = vm->arch->gic.version == 2;
	struct madt_gicc gicc = {
		.type = MADT_GICC, .length = sizeof(gicc), .interface = i, .uid = i,
		.flags = GICC_ENABLED, .mpidr = arm_mpidr(i),
		.pmu_irq = vm->arch->pmu ? ARM_PPI_BASE + ARM_PPI_PMU : 0,
		.base = v2 ? ARM_GIC_CPU : 0,
	};

	return mempcpy(p, &gicc, sizeof(gicc));
}

static u8 *madt_add_v3(struct vm *vm, u8 *p)
{
	struct madt_gicr gicr = {
		.type = MADT_GICR, .length = sizeof(gicr), .base = ARM_GIC_REDIST,
		.len = ARM_GIC_REDIST_LEN * vm->cfg->nr_cpus,
	};
	struct madt_its its = {
		.type = MADT_ITS, .length = sizeof(its), .base = ARM_GIC_ITS,
	};

	p = mempcpy(p, &gicr, sizeof(gicr));
	return vm->arch->gic.has_its ? mempcpy(p, &its, sizeof(its)) : p;
}

static u8 *madt_add_v2(u8 *p)
{
	struct madt_msi_frame frame = {
		.type = MADT_MSI_FRAME, .length = sizeof(frame), .base = ARM_GIC_V2M,
	};

	return mempcpy(p, &frame, sizeof(frame));
}

static int add_madt(struct acpi_writer *w, struct vm *vm)
{
	struct madt_gicd gicd = {
		.type = MADT_GICD, .length = sizeof(gicd), .base = ARM_GIC_DIST,
		.version = vm->arch->gic.version,
	};
	size_t size = sizeof(struct acpi_madt) + sizeof(gicd) + sizeof(struct madt_gicr) +
		      sizeof(struct madt_msi_frame) + sizeof(struct madt_its) +
		      vm->cfg->nr_cpus * sizeof(struct madt_gicc);
	u8 *madt = calloc(1, size), *p = madt + sizeof(struct acpi_madt);
	unsigned int i;
	int ret;

	if (!madt)
		return -ENOMEM;
	for (i = 0; i < vm->cfg->nr_cpus; i++)
		p = madt_add_cpu(vm, p, i);
	p = mempcpy(p, &gicd, sizeof(gicd));
	p = vm->arch->gic.version == 3 ? madt_add_v3(vm, p) : madt_add_v2(p);
	ret = acpi_add(w, "APIC", MADT_REVISION, madt, p - madt, NULL);
	free(madt);
	return ret;
}

static struct gtdt_irq timer_irq(u32 ppi)
{
	return (struct gtdt_irq) { ARM_PPI_BASE + ppi, GTDT_ALWAYS_ON };
}

static int add_gtdt(struct acpi_writer *w)
{
	struct gtdt gtdt = {
		.counter = GTDT_ABSENT, .read_counter = GTDT_ABSENT,
		.secure = timer_irq(ARM_PPI_STIMER), .nonsecure = timer_irq(ARM_PPI_PTIMER),
		.virtual = timer_irq(ARM_PPI_VTIMER), .hyp = timer_irq(ARM_PPI_HTIMER),
	};

	return acpi_add(w, "GTDT", 3, &gtdt, sizeof(gtdt), NULL);
}

/* Linux makes a console of it, besides those that it is told of. */
static int add_spcr(struct acpi_writer *w, struct vm *vm)
{
	struct spcr spcr = {
		.interface = SPCR_PL011,
		.base = { .bits = 32, .access = 3, .addr = ARM_UART },
		.irq_type = SPCR_GIC, .irq = ARM_SPI_BASE + ARM_GSI_UART,
		.stop = SPCR_ONE_STOP_BIT, .terminal = SPCR_VT_UTF8,
		.pci_device = 0xffff, .pci_vendor = 0xffff,
	};

	return vm->virtio_console ? 0 : acpi_add(w, "SPCR", 2, &spcr, sizeof(spcr), NULL);
}

/* Each function of the bus tells the ITS its number as it is. */
static int add_iort(struct acpi_writer *w, struct vm *vm)
{
	struct iort iort = {
		.nr_nodes = 2, .nodes = offsetof(struct iort, its),
		.its = {
			.node = { .type = IORT_ITS, .length = sizeof(iort.its) },
			.nr = 1,
		},
		.root = {
			.node = {
				.type = IORT_ROOT_COMPLEX, .length = sizeof(iort.root),
				.revision = 3, .id = 1, .nr_maps = 1,
				.maps = offsetof(struct iort_root, map_first),
			},
			.coherent = IORT_COHERENT, .flags = IORT_CPM_DACS,
			.address_bits = 64,
			.map_last = 0xff, .map_node = offsetof(struct iort, its),
		},
	};

	return vm->pci && vm->arch->gic.has_its ?
		acpi_add(w, "IORT", 3, &iort, sizeof(iort), NULL) : 0;
}

#define RSDP_ROOM	64

int arm_acpi_build(struct vm *vm, acpi_dump dump, void *priv)
{
	u64 rsdp = vm->arch->firmware + ARM_EFI_ACPI;
	struct acpi_writer w = {
		.gm = &vm->gmem, .next = rsdp + RSDP_ROOM,
		.end = vm->arch->firmware + ARM_FIRMWARE_LEN, .dump = dump, .priv = priv,
	};
	int ret;

	ret = add_fadt(&w, vm);
	ret = ret ?: add_madt(&w, vm);
	ret = ret ?: add_gtdt(&w);
	ret = ret ?: arm_pptt_add(&w, vm);
	ret = ret ?: add_spcr(&w, vm);
	ret = ret ?: acpi_add_mcfg(&w, vm);
	ret = ret ?: add_iort(&w, vm);
	return ret ?: acpi_finish(&w, rsdp);
}

int arch_dump_acpi(struct vm *vm, const char *dir)
{
	if (vm->arch->conf->acpi)
		return acpi_dump_to(vm, dir, arm_acpi_build);
	log_err("--dump-acpi %s: this machine has no ACPI tables without --acpi on", dir);
	return -EOPNOTSUPP;
}
