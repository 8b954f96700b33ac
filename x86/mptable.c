// SPDX-License-Identifier: GPL-2.0
/*
 * Intel MultiProcessor Specification 1.4, chapter 4: for kernels without ACPI.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>
#include <vmtool/gmem.h>

#include "layout.h"
#include "x86.h"

#define MP_SPEC_1_4		4
#define MP_PROCESSOR		0
#define MP_BUS			1
#define MP_IOAPIC		2
#define MP_INTERRUPT		3
#define MP_LOCAL_INTERRUPT	4

#define MP_CPU_ENABLED		1
#define MP_CPU_BOOT		2
#define MP_INT			0
#define MP_NMI			1
#define MP_EXTINT		3
#define MP_ALL_APICS		0xff
#define MP_APIC_VERSION		0x14
#define MP_IOAPIC_VERSION	0x11
#define MP_FEATURES_APIC	0x201		/* APIC and FPU */
#define MP_SIGNATURE_CPU	0x600
#define MP_ISA_BUS		0
#define MP_ISA_IRQS		16

struct mp_floating {
	char signature[4];
	u32 table;
	u8 length;
	u8 spec;
	u8 checksum;
	u8 features[5];
} __packed;

struct mp_header {
	char signature[4];
	u16 length;
	u8 spec;
	u8 checksum;
	char oem[8];
	char product[12];
	u32 oem_table;
	u16 oem_size;
	u16 entries;
	u32 lapic;
	u16 extended_length;
	u8 extended_checksum;
	u8 reserved;
} __packed;

struct mp_processor {
	u8 type;
	u8 apic_id;
	u8 apic_version;
	u8 flags;
	u32 signature;
	u32 features;
	u32 reserved[2];
} __packed;

struct mp_bus {
	u8 type;
	u8 id;
	char name[6];
} __packed;

struct mp_ioapic {
	u8 type;
	u8 id;
	u8 version;
	u8 flags;
	u32 addr;
} __packed;

struct mp_interrupt {
	u8 type;
	u8 kind;
	u16 flags;
	u8 bus;
	u8 irq;
	u8 apic;
	u8 pin;
} __packed;

struct mp_table {
	struct mp_header *header;
	u8 *end;
};

static void add(struct mp_table *t, const void *entry, size_t len)
{
	memcpy(t->end, entry, len);
	t->end += len;
	t->header->entries++;
}

static void add_processors(struct mp_table *t, u32 nr_cpus)
{
	u32 i;

	for (i = 0; i < nr_cpus; i++) {
		struct mp_processor cpu = {
			.type = MP_PROCESSOR,
			.apic_id = i,
			.apic_version = MP_APIC_VERSION,
			.flags = MP_CPU_ENABLED | (i ? 0 : MP_CPU_BOOT),
			.signature = MP_SIGNATURE_CPU,
			.features = MP_FEATURES_APIC,
		};

		add(t, &cpu, sizeof(cpu));
	}
}

static void add_interrupts(struct mp_table *t, u8 ioapic)
{
	struct mp_interrupt irq = {
		.type = MP_INTERRUPT, .kind = MP_INT, .bus = MP_ISA_BUS, .apic = ioapic,
	};
	u8 i;

	for (i = 0; i < MP_ISA_IRQS; i++) {
		irq.irq = i;
		/* The PIT is wired to pin 2 of the I/O APIC, as on every PC. */
		irq.pin = i ? i : 2;
		if (i != 2)
			add(t, &irq, sizeof(irq));
	}
	irq = (struct mp_interrupt) {
		.type = MP_LOCAL_INTERRUPT, .kind = MP_EXTINT, .bus = MP_ISA_BUS,
	};
	add(t, &irq, sizeof(irq));
	irq.kind = MP_NMI;
	irq.apic = MP_ALL_APICS;
	irq.pin = 1;
	add(t, &irq, sizeof(irq));
}

static u8 checksum(const void *p, size_t len)
{
	const u8 *b = p;
	u8 sum = 0;

	while (len--)
		sum += *b++;
	return -sum;
}

static void build(struct mp_table *t, u32 nr_cpus)
{
	struct mp_bus bus = { .type = MP_BUS, .id = MP_ISA_BUS, .name = "ISA   " };
	struct mp_ioapic ioapic = {
		.type = MP_IOAPIC, .id = nr_cpus, .version = MP_IOAPIC_VERSION,
		.flags = 1, .addr = X86_IOAPIC,
	};
	struct mp_header *h = t->header;

	memcpy(h->signature, "PCMP", 4);
	h->spec = MP_SPEC_1_4;
	memcpy(h->oem, "VMTOOL  ", 8);
	memcpy(h->product, "VMTOOL      ", 12);
	h->lapic = X86_LAPIC;
	t->end = (u8 *)(h + 1);
	add_processors(t, nr_cpus);
	add(t, &bus, sizeof(bus));
	add(t, &ioapic, sizeof(ioapic));
	add_interrupts(t, ioapic.id);
	h->length = t->end - (u8 *)h;
	h->checksum = checksum(h, h->length);
}

int x86_mptable_build(struct gmem *gm, u32 nr_cpus)
{
	struct mp_floating mpf = {
		.signature = "_MP_",
		.table = X86_MPTABLE + sizeof(mpf),
		.length = 1,
		.spec = MP_SPEC_1_4,
	};
	struct mp_table t;
	int ret;

	/* Ids are eight bits wide, and the I/O APIC needs one. */
	if (nr_cpus >= X86_XAPIC_MAX_CPUS)
		return 0;
	t.header = calloc(1, X86_MPTABLE_END - X86_MPTABLE);
	if (!t.header)
		return -ENOMEM;
	build(&t, nr_cpus);
	mpf.checksum = checksum(&mpf, sizeof(mpf));
	ret = gmem_write(gm, X86_MPTABLE, &mpf, sizeof(mpf));
	ret = ret ?: gmem_write(gm, X86_MPTABLE + sizeof(mpf), t.header, t.header->length);
	free(t.header);
	return ret;
}
