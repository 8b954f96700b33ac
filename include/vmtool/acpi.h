/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_ACPI_H
#define VMTOOL_ACPI_H

#include <stddef.h>
#include <linux/compiler.h>
#include <linux/types.h>

struct aml;
struct gmem;
struct vm;

/*
 * ACPI tables (ACPI specification 6.5, 5.2) of hardware-reduced machines: what they have
 * in common. What a device adds to the DSDT stands beside that device.
 */

#define ACPI_MAX_TABLES	8

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

struct acpi_madt {
	struct acpi_header header;
	u32 lapic;
	u32 flags;
} __packed;

/* Called with each table; 0, or -errno after a message. */
typedef int (*acpi_dump)(void *priv, const char *sig, const void *table, size_t len);

/**
 * struct acpi_writer - tables under construction
 * @gm: guest memory
 * @next: where the next table goes
 * @end: where there is no room any more
 * @dump: called with each table's signature and bytes, or NULL
 * @priv: passed to @dump
 * @tables: those that the XSDT lists
 * @nr: how many
 */
struct acpi_writer {
	struct gmem *gm;
	u64 next;
	u64 end;
	acpi_dump dump;
	void *priv;
	u64 tables[ACPI_MAX_TABLES];
	unsigned int nr;
};

/**
 * acpi_add() - put a table into guest memory
 * @w: writer
 * @sig: its signature
 * @revision: its revision
 * @table: it begins with a struct acpi_header, which is filled in
 * @len: its bytes
 * @addr: receives its address; NULL for one that the XSDT lists
 *
 * Return: 0, or -errno after a one-line message.
 */
int acpi_add(struct acpi_writer *w, const char *sig, u8 revision, void *table, u32 len,
	     u64 *addr);

/**
 * acpi_add_fadt() - the DSDT of all devices, and the FADT that names it
 * @w: writer
 * @vm: machine with its devices
 * @irq_base: what ACPI calls interrupt line 0
 * @more: what else the DSDT has, or NULL
 * @fadt: what the machine has to say; the rest of it is filled in
 *
 * Return: 0, or -errno after a one-line message.
 */
int acpi_add_fadt(struct acpi_writer *w, struct vm *vm, u32 irq_base,
		  void (*more)(struct vm *vm, struct aml *dsdt), struct acpi_fadt *fadt);

/**
 * acpi_add_mcfg() - where PCI's config space is; nothing without a bus
 * @w: writer
 * @vm: machine with its devices
 *
 * Return: 0, or -errno after a one-line message.
 */
int acpi_add_mcfg(struct acpi_writer *w, struct vm *vm);

/**
 * acpi_finish() - the XSDT, and the RSDP that names it
 * @w: writer
 * @rsdp: address of the RSDP
 *
 * Return: 0, or -errno after a one-line message.
 */
int acpi_finish(struct acpi_writer *w, u64 rsdp);

/**
 * acpi_dump_to() - write all tables into a directory, a file each
 * @vm: machine
 * @path: existing directory
 * @build: makes the tables and calls @dump with each
 *
 * Return: 0, or -errno after a one-line message.
 */
int acpi_dump_to(struct vm *vm, const char *path,
		 int (*build)(struct vm *vm, acpi_dump dump, void *priv));

#endif /* VMTOOL_ACPI_H */
