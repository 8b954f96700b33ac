// SPDX-License-Identifier: GPL-2.0
/*
 * The fixed tables of a hardware-reduced ACPI machine (ACPI specification 6.5,
 * 5.2). What a device adds to the DSDT stands beside that device.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/bits.h>
#include <linux/kernel.h>
#include <vmtool/aml.h>
#include <vmtool/arch.h>
#include <vmtool/device.h>
#include <vmtool/hw.h>
#include <vmtool/log.h>
#include <vmtool/vm.h>

#include "layout.h"
#include "x86.h"

#define TABLE_ALIGN	64

#define FADT_REVISION		6
#define FADT_LENGTH		276
#define FADT_WBINVD		BIT(0)
#define FADT_POWER_BUTTON_METHOD	BIT(4)
#define FADT_SLEEP_BUTTON_METHOD	BIT(5)
#define FADT_RESET_REGISTER	BIT(10)
#define FADT_HW_REDUCED		BIT(20)
#define BOOT_NO_VGA		BIT(2)
#define BOOT_NO_ASPM		BIT(4)
#define BOOT_NO_CMOS_RTC	BIT(5)

#define MADT_LAPIC		0
#define MADT_IOAPIC		1
#define MADT_LAPIC_NMI		4
#define MADT_X2APIC		9
#define MADT_X2APIC_NMI		10
#define MADT_ENABLED		1

struct acpi_header {
	char signature[4];
	u32 length;
	u8 revision;
	u8 checksum;
	char oem_id[6];
	char oem_table_id[8];
	u32 oem_revision;
	char creator_id[4];
	u32 creator_revision;
} __packed;

struct acpi_rsdp {
	char signature[8];
	u8 checksum;
	char oem_id[6];
	u8 revision;
	u32 rsdt;
	u32 length;
	u64 xsdt;
	u8 extended_checksum;
	u8 reserved[3];
} __packed;

struct acpi_gas {
	u8 space;
	u8 bits;
	u8 bit_offset;
	u8 access;
	u64 addr;
} __packed;

struct acpi_fadt {
	struct acpi_header header;
	u8 unused1[73];
	u16 boot_flags;		/* offset 109 */
	u8 unused2;
	u32 flags;		/* offset 112 */
	struct acpi_gas reset_register;
	u8 reset_value;
	u16 arm_boot_flags;
	u8 minor_revision;
	u64 facs;
	u64 dsdt;		/* offset 140 */
	u8 unused3[96];
	struct acpi_gas sleep_control;	/* offset 244 */
	struct acpi_gas sleep_status;
	char hypervisor_id[8];
} __packed;

struct madt_head {
	struct acpi_header header;
	u32 lapic;
	u32 flags;
} __packed;

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
struct acpi_mcfg {
	struct acpi_header header;
	u8 reserved[8];
	u64 base;
	u16 segment;
	u8 first_bus, last_bus;
	u8 reserved2[4];
} __packed;

/* Tables under construction: where the next one goes, and who wants to see. */
struct acpi_writer {
	struct gmem *gm;
	u64 next;
	int (*dump)(void *priv, const char *sig, const void *table, size_t len);
	void *priv;
};

static u8 acpi_checksum(const void *p, size_t len)
{
	const u8 *b = p;
	u8 sum = 0;

	while (len--)
		sum += *b++;
	return -sum;
}

static void acpi_fill_header(struct acpi_header *h, const char *sig, u8 revision, u32 len)
{
	memcpy(h->signature, sig, 4);
	h->length = len;
	h->revision = revision;
	memcpy(h->oem_id, "VMTOOL", 6);
	memcpy(h->oem_table_id, "VMTOOL  ", 8);
	h->oem_revision = 1;
	memcpy(h->creator_id, "VMTL", 4);
	h->creator_revision = 1;
	h->checksum = 0;
	h->checksum = acpi_checksum(h, len);
}

static int acpi_no_room(void)
{
	log_err("ACPI tables: too many vCPUs or devices");
	return -ENOSPC;
}

/* Puts a table into guest memory; its address is returned in @addr. */
static int acpi_add(struct acpi_writer *w, const char *sig, u8 revision, void *table,
		    u32 len, u64 *addr)
{
	int ret;

	if (w->next + len > X86_ACPI_TABLES_END)
		return acpi_no_room();
	acpi_fill_header(table, sig, revision, len);
	*addr = w->next;
	w->next = (w->next + len + TABLE_ALIGN - 1) & ~(TABLE_ALIGN - 1ULL);
	ret = gmem_write(w->gm, *addr, table, len);
	if (!ret && w->dump)
		ret = w->dump(w->priv, sig, table, len);
	return ret;
}

static int acpi_add_dsdt(struct acpi_writer *w, struct vm *vm, u64 *addr)
{
	static const struct acpi_header room;
	struct device *dev;
	struct aml aml;
	int ret;

	aml_init(&aml);
	aml_raw(&aml, &room, sizeof(room));
	aml_scope(&aml, "\\_SB");
	list_for_each_entry(dev, &vm->devices, node)
		if (dev->ops->acpi)
			dev->ops->acpi(dev, &aml);
	aml_end(&aml);

	aml_name(&aml, "\\_S5");
	aml_package(&aml, 4);
	aml_int(&aml, ACPI_PM_SLP_TYP_S5);
	aml_int(&aml, 0);
	aml_int(&aml, 0);
	aml_int(&aml, 0);
	aml_end(&aml);

	ret = aml_error(&aml);
	if (ret)
		log_err("cannot describe the devices in ACPI: %s", strerror(-ret));
	else
		ret = acpi_add(w, "DSDT", 2, aml.buf, aml.len, addr);
	aml_free(&aml);
	return ret;
}

static struct acpi_gas acpi_port(u16 port)
{
	return (struct acpi_gas) { .space = 1, .bits = 8, .access = 1, .addr = port };
}

static int acpi_add_fadt(struct acpi_writer *w, u64 dsdt, u64 *addr)
{
	struct acpi_fadt fadt = {
		.boot_flags = BOOT_NO_VGA | BOOT_NO_ASPM | BOOT_NO_CMOS_RTC,
		.flags = FADT_WBINVD | FADT_POWER_BUTTON_METHOD | FADT_SLEEP_BUTTON_METHOD |
			 FADT_RESET_REGISTER | FADT_HW_REDUCED,
		.reset_register = acpi_port(X86_PORT_ACPI + ACPI_PM_RESET),
		.reset_value = ACPI_PM_RESET_VALUE,
		.minor_revision = 5,
		.dsdt = dsdt,
		.sleep_control = acpi_port(X86_PORT_ACPI + ACPI_PM_SLEEP_CONTROL),
		.sleep_status = acpi_port(X86_PORT_ACPI + ACPI_PM_SLEEP_STATUS),
		.hypervisor_id = "KVM",
	};

	BUILD_BUG_ON(sizeof(fadt) != FADT_LENGTH);
	BUILD_BUG_ON(offsetof(struct acpi_fadt, dsdt) != 140);
	BUILD_BUG_ON(offsetof(struct acpi_fadt, sleep_control) != 244);
	return acpi_add(w, "FACP", FADT_REVISION, &fadt, sizeof(fadt), addr);
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

static int acpi_add_madt(struct acpi_writer *w, u32 nr_cpus, u64 *addr)
{
	struct madt_head head = { .lapic = X86_LAPIC };
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
		return acpi_no_room();
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
	ret = acpi_add(w, "APIC", 5, madt, p - madt, addr);
	free(madt);
	return ret;
}

/* Without a PCI bus there is no such table, and its address is 0. */
static int acpi_add_mcfg(struct acpi_writer *w, struct vm *vm, u64 *addr)
{
	struct acpi_mcfg mcfg = { .base = X86_PCI_ECAM };

	*addr = 0;
	return vm->pci ? acpi_add(w, "MCFG", 1, &mcfg, sizeof(mcfg), addr) : 0;
}

static int acpi_add_xsdt(struct acpi_writer *w, u64 fadt, u64 madt, u64 mcfg, u64 *addr)
{
	struct {
		struct acpi_header header;
		u64 tables[3];
	} __packed xsdt = { .tables = { fadt, madt, mcfg } };

	return acpi_add(w, "XSDT", 1, &xsdt, sizeof(xsdt) - (mcfg ? 0 : sizeof(mcfg)), addr);
}

static int acpi_write_rsdp(struct acpi_writer *w, u64 xsdt)
{
	struct acpi_rsdp rsdp = {
		.signature = { 'R', 'S', 'D', ' ', 'P', 'T', 'R', ' ' },
		.oem_id = { 'V', 'M', 'T', 'O', 'O', 'L' },
		.revision = 2,
		.length = sizeof(rsdp),
		.xsdt = xsdt,
	};
	int ret;

	rsdp.checksum = acpi_checksum(&rsdp, offsetof(struct acpi_rsdp, length));
	rsdp.extended_checksum = acpi_checksum(&rsdp, sizeof(rsdp));
	ret = gmem_write(w->gm, X86_RSDP, &rsdp, sizeof(rsdp));
	if (!ret && w->dump)
		ret = w->dump(w->priv, "RSDP", &rsdp, sizeof(rsdp));
	return ret;
}

int x86_acpi_build(struct vm *vm,
		   int (*dump)(void *priv, const char *sig, const void *table, size_t len),
		   void *priv)
{
	struct acpi_writer w = {
		.gm = &vm->gmem, .next = X86_ACPI_TABLES, .dump = dump, .priv = priv,
	};
	u64 dsdt, fadt, madt, mcfg, xsdt;
	int ret;

	ret = acpi_add_dsdt(&w, vm, &dsdt);
	ret = ret ?: acpi_add_fadt(&w, dsdt, &fadt);
	ret = ret ?: acpi_add_madt(&w, vm->cfg->nr_cpus, &madt);
	ret = ret ?: acpi_add_mcfg(&w, vm, &mcfg);
	ret = ret ?: acpi_add_xsdt(&w, fadt, madt, mcfg, &xsdt);
	return ret ?: acpi_write_rsdp(&w, xsdt);
}

static int dump_table(void *priv, const char *sig, const void *table, size_t len)
{
	int dir = *(int *)priv;
	char name[16];
	ssize_t n;
	int fd, i;

	snprintf(name, sizeof(name), "%s.aml", sig);
	for (i = 0; i < 4; i++)
		name[i] |= 0x20;
	fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	n = fd < 0 ? -1 : write(fd, table, len);
	if (n != (ssize_t)len || close(fd) < 0) {
		int err = n >= 0 && !errno ? ENOSPC : errno;

		log_err("--dump-acpi: %s: %s", name, strerror(err));
		return -err;
	}
	return 0;
}

int arch_dump_acpi(struct vm *vm, const char *path)
{
	int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int ret;

	if (dir < 0) {
		log_err("--dump-acpi %s: %s", path, strerror(errno));
		return -errno;
	}
	errno = 0;
	ret = x86_acpi_build(vm, dump_table, &dir);
	close(dir);
	return ret;
}
