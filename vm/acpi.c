// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/kernel.h>
#include <vmtool/acpi.h>
#include <vmtool/aml.h>
#include <vmtool/device.h>
#include <vmtool/log.h>
#include <vmtool/pci.h>
#include <vmtool/vm.h>

#define TABLE_ALIGN	64

#define FADT_REVISION	6
#define FADT_LENGTH	276
#define FADT_HW_REDUCED	BIT(20)

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

struct acpi_mcfg {
	struct acpi_header header;
	u8 reserved[8];
	u64 base;
	u16 segment;
	u8 first_bus, last_bus;
	u8 reserved2[4];
} __packed;

static u8 checksum(const void *p, size_t len)
{
	const u8 *b = p;
	u8 sum = 0;

	while (len--)
		sum += *b++;
	return -sum;
}

static void fill_header(struct acpi_header *h, const char *sig, u8 revision, u32 len)
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
	h->checksum = checksum(h, len);
}

int acpi_add(struct acpi_writer *w, const char *sig, u8 revision, void *table, u32 len,
	     u64 *addr)
{
	u64 at = w->next;
	int ret;

	if (at + len > w->end || (!addr && w->nr == ACPI_MAX_TABLES)) {
		log_err("ACPI tables: too many vCPUs or devices");
		return -ENOSPC;
	}
	fill_header(table, sig, revision, len);
	w->next = (at + len + TABLE_ALIGN - 1) & ~(TABLE_ALIGN - 1ULL);
	if (addr)
		*addr = at;
	else
		w->tables[w->nr++] = at;
	ret = gmem_write(w->gm, at, table, len);
	if (!ret && w->dump)
		ret = w->dump(w->priv, sig, table, len);
	return ret;
}

static int add_dsdt(struct acpi_writer *w, struct vm *vm, u32 irq_base,
		    void (*more)(struct vm *vm, struct aml *dsdt), u64 *addr)
{
	static const struct acpi_header room;
	struct device *dev;
	struct aml aml;
	int ret;

	aml_init(&aml);
	aml.irq_base = irq_base;
	aml_raw(&aml, &room, sizeof(room));
	aml_scope(&aml, "\\_SB");
	list_for_each_entry(dev, &vm->devices, node)
		if (dev->ops->acpi)
			dev->ops->acpi(dev, &aml);
	aml_end(&aml);
	if (more)
		more(vm, &aml);

	ret = aml_error(&aml);
	if (ret)
		log_err("cannot describe the devices in ACPI: %s", strerror(-ret));
	else
		ret = acpi_add(w, "DSDT", 2, aml.buf, aml.len, addr);
	aml_free(&aml);
	return ret;
}

int acpi_add_fadt(struct acpi_writer *w, struct vm *vm, u32 irq_base,
		  void (*more)(struct vm *vm, struct aml *dsdt), struct acpi_fadt *fadt)
{
	u64 dsdt;
	int ret;

	BUILD_BUG_ON(sizeof(*fadt) != FADT_LENGTH);
	BUILD_BUG_ON(offsetof(struct acpi_fadt, dsdt) != 140);
	BUILD_BUG_ON(offsetof(struct acpi_fadt, sleep_control) != 244);
	ret = add_dsdt(w, vm, irq_base, more, &dsdt);
	if (ret)
		return ret;
	fadt->flags |= FADT_HW_REDUCED;
	fadt->minor_revision = 5;
	fadt->dsdt = dsdt;
	memcpy(fadt->hypervisor_id, "KVM", 4);
	return acpi_add(w, "FACP", FADT_REVISION, fadt, sizeof(*fadt), NULL);
}

#ifdef CONFIG_PCI
int acpi_add_mcfg(struct acpi_writer *w, struct vm *vm)
{
	struct acpi_mcfg mcfg = { };

	if (!vm->pci)
		return 0;
	mcfg.base = pci_host_conf(vm->pci)->ecam;
	return acpi_add(w, "MCFG", 1, &mcfg, sizeof(mcfg), NULL);
}
#else
int acpi_add_mcfg(struct acpi_writer *w, struct vm *vm)
{
	return 0;
}
#endif

static int write_rsdp(struct acpi_writer *w, u64 at, u64 xsdt)
{
	struct acpi_rsdp rsdp = {
		.signature = { 'R', 'S', 'D', ' ', 'P', 'T', 'R', ' ' },
		.oem_id = { 'V', 'M', 'T', 'O', 'O', 'L' },
		.revision = 2,
		.length = sizeof(rsdp),
		.xsdt = xsdt,
	};
	int ret;

	rsdp.checksum = checksum(&rsdp, offsetof(struct acpi_rsdp, length));
	rsdp.extended_checksum = checksum(&rsdp, sizeof(rsdp));
	ret = gmem_write(w->gm, at, &rsdp, sizeof(rsdp));
	if (!ret && w->dump)
		ret = w->dump(w->priv, "RSDP", &rsdp, sizeof(rsdp));
	return ret;
}

int acpi_finish(struct acpi_writer *w, u64 rsdp)
{
	struct {
		struct acpi_header header;
		u64 tables[ACPI_MAX_TABLES];
	} __packed xsdt = { };
	u64 addr;
	int ret;

	memcpy(xsdt.tables, w->tables, w->nr * sizeof(u64));
	ret = acpi_add(w, "XSDT", 1, &xsdt, sizeof(xsdt.header) + w->nr * sizeof(u64), &addr);
	return ret ?: write_rsdp(w, rsdp, addr);
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

int acpi_dump_to(struct vm *vm, const char *path,
		 int (*build)(struct vm *vm, acpi_dump dump, void *priv))
{
	int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int ret;

	if (dir < 0) {
		log_err("--dump-acpi %s: %s", path, strerror(errno));
		return -errno;
	}
	errno = 0;
	ret = build(vm, dump_table, &dir);
	close(dir);
	return ret;
}
