// SPDX-License-Identifier: GPL-2.0
/*
 * What a machine without KVM (--dry-run) leaves in its guest's memory: ACPI tables,
 * MP table, start info or boot parameters, initrd.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "kernel_fixture.h"

#if defined(CONFIG_X86) && defined(CONFIG_BOOT_ELF)
#include <asm/e820.h>
#include <vmtool/arch.h>
#include <vmtool/vm.h>

#include "x86/layout.h"
#include "x86/x86.h"
/* Found by -iquote, as in x86/boot.c. */
#include "start_info.h"

#include <kselftest_harness.h>

#define MIB	(1024ULL * 1024)
#define PAGE	4096ULL
#define KERNEL_END	(FIX_DATA + FIX_DATA_LEN + FIX_BSS)

FIXTURE(machine) {
	struct vm_config cfg;
	struct vm *vm;
	struct fix_elf elf;
	char kernel[32];
	char initrd_path[2][32];
	const char *initrds[2];
	int fd;
	int ret;
	bool created;
	struct capture said;
};

static int path_of(char *path, size_t size, int fd)
{
	return snprintf(path, size, "/proc/self/fd/%d", fd);
}

FIXTURE_SETUP(machine)
{
	fix_elf_make(&self->elf);
	self->vm = calloc(1, sizeof(*self->vm));
	self->cfg = (struct vm_config) {
		.name = "test", .nr_cpus = 1, .mem = 64 * MIB, .kernel = self->kernel,
		.initrds = self->initrds, .params = "a=b", .nodefaults = true, .dry_run = true,
	};
	INIT_LIST_HEAD(&self->cfg.devices);
	self->fd = -1;
}

FIXTURE_TEARDOWN(machine)
{
	if (self->created)
		vm_destroy(self->vm);
	free(self->vm);
	close(self->fd);
}

static void make(FIXTURE_DATA(machine) *self)
{
	if (self->created)
		vm_destroy(self->vm);
	if (self->fd < 0)
		self->fd = fix_file(&self->elf, sizeof(self->elf));
	path_of(self->kernel, sizeof(self->kernel), self->fd);
	capture_begin(&self->said);
	self->ret = vm_create(self->vm, &self->cfg);
	capture_end(&self->said);
	self->created = true;
}

#define MAKE() do {						\
	make(self);						\
	ASSERT_EQ(0, self->ret)					\
		TH_LOG("said: %s", self->said.text);		\
	EXPECT_STREQ("", self->said.text);			\
} while (0)

#define REFUSED(error, why) do {				\
	make(self);						\
	EXPECT_EQ(error, self->ret);				\
	EXPECT_TRUE(capture_one_line(&self->said))		\
		TH_LOG("said: %s", self->said.text);		\
	EXPECT_NE(NULL, strstr(self->said.text, why))		\
		TH_LOG("said: %s", self->said.text);		\
} while (0)

static u8 sum(const void *p, size_t len)
{
	const u8 *b = p;
	u8 val = 0;

	while (len--)
		val += *b++;
	return val;
}

static u32 le32(const u8 *p)
{
	return p[0] | p[1] << 8 | p[2] << 16 | (u32)p[3] << 24;
}

static u64 le64(const u8 *p)
{
	return le32(p) | (u64)le32(p + 4) << 32;
}

/* A table in memory of its own, or NULL when it is not a sound one. */
static u8 *table_at(struct gmem *gm, u64 addr, const char *signature, u32 *len)
{
	u8 head[36], *table;

	if (addr < X86_ACPI_TABLES || addr % 16 || gmem_read(gm, addr, head, sizeof(head)) ||
	    memcmp(head, signature, 4))
		return NULL;
	*len = le32(head + 4);
	if (*len < sizeof(head) || addr + *len > X86_ACPI_TABLES_END)
		return NULL;
	table = malloc(*len);
	if (gmem_read(gm, addr, table, *len) || sum(table, *len)) {
		free(table);
		return NULL;
	}
	return table;
}

static u8 *find_table(struct gmem *gm, const char *signature, u32 *len)
{
	u8 rsdp[36], *xsdt, *table = NULL;
	u32 size, i;

	if (gmem_read(gm, X86_RSDP, rsdp, sizeof(rsdp)))
		return NULL;
	xsdt = table_at(gm, le64(rsdp + 24), "XSDT", &size);
	for (i = 36; xsdt && !table && i + 8 <= size; i += 8)
		table = table_at(gm, le64(xsdt + i), signature, len);
	free(xsdt);
	return table;
}

TEST_F(machine, rsdp)
{
	u8 rsdp[36], *xsdt;
	u32 len;

	MAKE();
	ASSERT_EQ(0, gmem_read(&self->vm->gmem, X86_RSDP, rsdp, sizeof(rsdp)));
	EXPECT_EQ(0, memcmp(rsdp, "RSD PTR ", 8));
	EXPECT_EQ(0, sum(rsdp, 20));
	EXPECT_EQ(0, sum(rsdp, 36));
	EXPECT_EQ(2, rsdp[15]);
	EXPECT_EQ(0, le32(rsdp + 16));		/* no RSDT */
	EXPECT_EQ(36, le32(rsdp + 20));
	xsdt = table_at(&self->vm->gmem, le64(rsdp + 24), "XSDT", &len);
	ASSERT_NE(NULL, xsdt);
	EXPECT_EQ(36 + 2 * 8, len);
	EXPECT_EQ(1, xsdt[8]);
	free(xsdt);
}

static void check_gas(struct __test_metadata *_metadata, const u8 *gas, u16 port)
{
	EXPECT_EQ(1, gas[0]);		/* an I/O port */
	EXPECT_EQ(8, gas[1]);		/* of eight bits */
	EXPECT_EQ(0, gas[2]);
	EXPECT_EQ(1, gas[3]);		/* by bytes */
	EXPECT_EQ(port, le64(gas + 4));
}

/* Offsets: ACPI 6.5, table 5.9. */
TEST_F(machine, fadt)
{
	u8 *fadt, *dsdt;
	u32 len, flags;

	MAKE();
	fadt = find_table(&self->vm->gmem, "FACP", &len);
	ASSERT_NE(NULL, fadt);
	EXPECT_EQ(276, len);
	EXPECT_EQ(6, fadt[8]);
	EXPECT_EQ(5, fadt[131]);		/* minor version */
	flags = le32(fadt + 112);
	EXPECT_TRUE(flags & 1U << 20);		/* HW_REDUCED_ACPI */
	EXPECT_TRUE(flags & 1U << 10);		/* RESET_REG_SUP */
	EXPECT_TRUE(flags & 1U << 0);		/* WBINVD */
	EXPECT_TRUE(flags & 1U << 4);		/* the power button is a device */
	EXPECT_TRUE(flags & 1U << 5);		/* and so would be a sleep button */
	check_gas(_metadata, fadt + 116, 0x602);
	EXPECT_EQ(0x42, fadt[128]);
	check_gas(_metadata, fadt + 244, 0x600);
	check_gas(_metadata, fadt + 256, 0x601);
	EXPECT_TRUE(fadt[109] & 1U << 2);	/* no VGA */
	EXPECT_TRUE(fadt[109] & 1U << 5);	/* no CMOS clock for drivers */
	/* Reduced hardware: no SCI, no PM registers. */
	EXPECT_EQ(0, sum(fadt + 46, 109 - 46));
	dsdt = table_at(&self->vm->gmem, le64(fadt + 140), "DSDT", &len);
	ASSERT_NE(NULL, dsdt);
	EXPECT_EQ(2, dsdt[8]);			/* 64-bit integers */
	EXPECT_EQ(0x10, dsdt[36]);		/* Scope (\_SB) */
	free(dsdt);
	free(fadt);
}

#if defined(CONFIG_VIRTIO_PCI) && defined(CONFIG_VIRTIO_RNG)
#include <vmtool/devclass.h>

/* A machine has a PCI bus when there is something to be put on it. */
TEST_F(machine, mcfg)
{
	struct device_conf conf = { };
	u8 *mcfg, *xsdt, rsdp[36];
	u32 len;
	int i;

	for (i = 0; device_classes[i] && strcmp(device_classes[i]->name, "rng"); i++)
		;
	conf.cls = device_classes[i];
	ASSERT_NE(NULL, conf.cls);
	conf.conf = calloc(1, conf.cls->conf_size);
	ASSERT_EQ(0, props_init(conf.cls->props, conf.conf));
	list_add_tail(&conf.node, &self->cfg.devices);
	self->cfg.transport = VIRTIO_TRANSPORT_PCI;
	MAKE();
	ASSERT_EQ(0, gmem_read(&self->vm->gmem, X86_RSDP, rsdp, sizeof(rsdp)));
	xsdt = table_at(&self->vm->gmem, le64(rsdp + 24), "XSDT", &len);
	ASSERT_NE(NULL, xsdt);
	EXPECT_EQ(36 + 3 * 8, len);
	free(xsdt);
	mcfg = find_table(&self->vm->gmem, "MCFG", &len);
	ASSERT_NE(NULL, mcfg);
	EXPECT_EQ(60, len);
	EXPECT_EQ(X86_PCI_ECAM, le64(mcfg + 44));
	EXPECT_EQ(0, le32(mcfg + 52));		/* segment 0, buses 0 to 0 */
	free(mcfg);
	/* The same without one. */
	self->cfg.transport = VIRTIO_TRANSPORT_MMIO;
#ifdef CONFIG_VIRTIO_MMIO
	MAKE();
	EXPECT_EQ(NULL, find_table(&self->vm->gmem, "MCFG", &len));
	EXPECT_EQ(NULL, self->vm->pci);
#endif
	vm_destroy(self->vm);
	self->created = false;
	free(conf.conf);
}
#endif

struct madt_count {
	u32 lapics;
	u32 x2apics;
	u32 ioapics;
	u32 lapic_nmis;
	u32 x2apic_nmis;
	u32 others;
};

/* Counts the entries; ids have to come in order. */
static bool count_madt(const u8 *madt, u32 len, struct madt_count *n)
{
	u32 at, next = 0;

	memset(n, 0, sizeof(*n));
	for (at = 44; at + 2 <= len; at += madt[at + 1]) {
		const u8 *e = madt + at;

		if (e[1] < 2 || at + e[1] > len)
			return false;
		switch (e[0]) {
		case 0:
			if (e[1] != 8 || e[2] != next || e[3] != next || le32(e + 4) != 1)
				return false;
			n->lapics++;
			next++;
			break;
		case 9:
			if (e[1] != 16 || le32(e + 4) != next || le32(e + 8) != 1 ||
			    le32(e + 12) != next)
				return false;
			n->x2apics++;
			next++;
			break;
		case 1:
			n->ioapics += e[1] == 12 && le32(e + 4) == 0xfec00000 && !le32(e + 8);
			break;
		case 4:
			n->lapic_nmis += e[1] == 6 && e[2] == 0xff && e[5] == 1;
			break;
		case 10:
			n->x2apic_nmis += e[1] == 12 && le32(e + 4) == ~0U && e[8] == 1;
			break;
		default:
			n->others++;
		}
	}
	return at == len;
}

TEST_F(machine, madt)
{
	static const u32 counts[] = { 1, 2, 3, 8, 254, 255, 256, 300, 1024, 4096, 8000 };
	struct madt_count n;
	size_t i;
	u32 len;
	u8 *madt;

	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		self->cfg.nr_cpus = counts[i];
		MAKE();
		madt = find_table(&self->vm->gmem, "APIC", &len);
		ASSERT_NE(NULL, madt);
		EXPECT_EQ(0xfee00000, le32(madt + 36));
		EXPECT_TRUE(count_madt(madt, len, &n));
		EXPECT_EQ(min_t(u32, counts[i], 255), n.lapics);
		EXPECT_EQ(counts[i] - n.lapics, n.x2apics);
		EXPECT_EQ(1, n.ioapics);
		EXPECT_EQ(1, n.lapic_nmis);
		EXPECT_EQ(counts[i] > 255, n.x2apic_nmis);
		EXPECT_EQ(0, n.others);
		free(madt);
	}
}

TEST_F(machine, too_many_cpus_for_the_tables)
{
	static const u32 counts[] = { 8300, 16384, 16385, 100000, 0x10000000, 0x7fffffff, ~0U };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		self->cfg.nr_cpus = counts[i];
		REFUSED(-ENOSPC, "ACPI tables: too many vCPUs");
	}
}

/* MultiProcessor Specification 1.4, chapter 4. */
static bool check_mp(struct gmem *gm, u32 cpus)
{
	static const u8 sizes[] = { 20, 8, 8, 8, 8 };
	u8 mpf[16], *t, *p;
	u32 len, found[5] = { }, i, entries, next = 0;
	bool good;

	if (gmem_read(gm, X86_MPTABLE, mpf, 16) || memcmp(mpf, "_MP_", 4) || sum(mpf, 16) ||
	    mpf[8] != 1 || mpf[9] != 4 || mpf[11])
		return false;
	t = calloc(1, 65536);
	gmem_read(gm, le32(mpf + 4), t, 44);
	len = t[4] | t[5] << 8;
	gmem_read(gm, le32(mpf + 4), t, len);
	entries = t[34] | t[35] << 8;
	good = !memcmp(t, "PCMP", 4) && !sum(t, len) && t[6] == 4 && le32(t + 36) == 0xfee00000;
	for (i = 0, p = t + 44; good && i < entries; i++) {
		good = p[0] < 5;
		if (good && !p[0])
			good = p[1] == next && p[3] == (next++ ? 1 : 3);
		if (good && p[0] == 2)
			good = p[1] == cpus && p[3] == 1 && le32(p + 4) == 0xfec00000;
		if (good) {
			found[p[0]]++;
			p += sizes[p[0]];
		}
	}
	good = good && p == t + len && found[0] == cpus && found[1] == 1 && found[2] == 1 &&
	       found[3] == 15 && found[4] == 2;
	free(t);
	return good;
}

TEST_F(machine, mp_table)
{
	static const u32 counts[] = { 1, 2, 8, 253, 254 };
	size_t i;
	u8 mpf[16];

	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		self->cfg.nr_cpus = counts[i];
		MAKE();
		EXPECT_TRUE(check_mp(&self->vm->gmem, counts[i]))
			TH_LOG("%u vCPUs", counts[i]);
	}
	/* Its ids have eight bits: then there is none, rather than a wrong one. */
	self->cfg.nr_cpus = 255;
	MAKE();
	ASSERT_EQ(0, gmem_read(&self->vm->gmem, X86_MPTABLE, mpf, 16));
	EXPECT_EQ(0, le32(mpf));
}

/* The map, as a guest has it: memory is what is backed, and nothing overlaps. */
static void check_map(struct __test_metadata *_metadata, struct gmem *gm, u64 mem)
{
	struct x86_range map[X86_MAX_RANGES];
	int i, n = x86_memory_map(mem, map);
	u64 ram = 0, low = 0, end = 0;

	ASSERT_GE(X86_MAX_RANGES, n);
	for (i = 0; i < n; i++) {
		u8 c;

		EXPECT_LE(end, map[i].start);
		EXPECT_LT(0, map[i].size);
		end = map[i].start + map[i].size;
		EXPECT_EQ(0, gmem_read(gm, map[i].start, &c, 1));
		EXPECT_EQ(0, gmem_read(gm, end - 1, &c, 1));
		if (map[i].type != E820_RAM)
			continue;
		ram += map[i].size;
		if (map[i].start < X86_HIGH_MEMORY)
			low += map[i].size;
		EXPECT_TRUE(end <= X86_LOW_MEMORY_END || map[i].start >= X86_ABOVE_4G);
	}
	EXPECT_EQ(mem - X86_HIGH_MEMORY, ram - low);
	EXPECT_EQ(X86_EBDA, low);
	EXPECT_EQ(mem, gmem_total(gm));
}

TEST_F(machine, memory_map)
{
	static const u64 sizes[] = {
		64 * MIB, 64 * MIB + PAGE, 3072 * MIB - PAGE, 3072 * MIB, 3072 * MIB + PAGE,
		4096 * MIB, 5120 * MIB, 64 * 1024 * MIB,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		self->cfg.mem = sizes[i];
		MAKE();
		check_map(_metadata, &self->vm->gmem, sizes[i]);
	}
}

TEST(memory_map_of_the_least)
{
	struct x86_range map[X86_MAX_RANGES];

	EXPECT_EQ(4, x86_memory_map(MIB, map));
	EXPECT_EQ(5, x86_memory_map(MIB + PAGE, map));
	EXPECT_EQ(X86_HIGH_MEMORY, map[4].start);
	EXPECT_EQ(PAGE, map[4].size);
}

TEST_F(machine, start_info)
{
	struct hvm_start_info si;
	struct hvm_memmap_table_entry e[X86_MAX_RANGES];
	struct x86_range map[X86_MAX_RANGES];
	char text[64];
	int i, n;

	self->cfg.mem = 5120 * MIB;
	MAKE();
	EXPECT_TRUE(self->vm->arch->boot.pvh);
	EXPECT_EQ(FIX_TEXT + 0x40, self->vm->arch->boot.entry);
	ASSERT_EQ(0, gmem_read(&self->vm->gmem, self->vm->arch->boot.info, &si, sizeof(si)));
	EXPECT_EQ(0x336ec578, si.magic);
	EXPECT_EQ(1, si.version);
	EXPECT_EQ(X86_RSDP, si.rsdp_paddr);
	EXPECT_EQ(0, si.nr_modules);
	ASSERT_EQ(0, gmem_read(&self->vm->gmem, si.cmdline_paddr, text, 4));
	EXPECT_STREQ("a=b", text);
	n = x86_memory_map(self->cfg.mem, map);
	ASSERT_EQ(n, si.memmap_entries);
	ASSERT_EQ(0, gmem_read(&self->vm->gmem, si.memmap_paddr, e, n * sizeof(e[0])));
	for (i = 0; i < n; i++) {
		EXPECT_EQ(map[i].start, e[i].addr);
		EXPECT_EQ(map[i].size, e[i].size);
		EXPECT_EQ(map[i].type, e[i].type);
	}
}

TEST_F(machine, boot_params)
{
	struct x86_range map[X86_MAX_RANGES];
	struct boot_params bp;
	u64 entry, i;
	int n;

	self->elf.note.nh.n_type = 17;		/* no PVH */
	self->cfg.mem = 5120 * MIB;
	MAKE();
	EXPECT_FALSE(self->vm->arch->boot.pvh);
	EXPECT_EQ(FIX_TEXT, self->vm->arch->boot.entry);
	ASSERT_EQ(0, gmem_read(&self->vm->gmem, self->vm->arch->boot.info, &bp, sizeof(bp)));
	EXPECT_EQ(0x53726448, bp.hdr.header);
	EXPECT_EQ(0xff, bp.hdr.type_of_loader);
	EXPECT_EQ(X86_CMDLINE, bp.hdr.cmd_line_ptr);
	EXPECT_EQ(X86_RSDP, bp.acpi_rsdp_addr);
	EXPECT_EQ(0, bp.hdr.ramdisk_size);
	n = x86_memory_map(self->cfg.mem, map);
	ASSERT_EQ(n, bp.e820_entries);
	for (i = 0; i < n; i++) {
		EXPECT_EQ(map[i].start, bp.e820_table[i].addr);
		EXPECT_EQ(map[i].size, bp.e820_table[i].size);
		EXPECT_EQ(map[i].type, bp.e820_table[i].type);
	}
	/* The page tables map the first 4 GiB to themselves, by 2 MiB. */
	for (i = 0; i < 2048; i++) {
		u64 pml4, pdpt, pd;

		gmem_read(&self->vm->gmem, X86_PAGE_TABLES, &pml4, 8);
		gmem_read(&self->vm->gmem, (pml4 & ~0xfffULL) + i / 512 * 8, &pdpt, 8);
		gmem_read(&self->vm->gmem, (pdpt & ~0xfffULL) + i % 512 * 8, &pd, 8);
		entry = pml4 & pdpt & 3;
		EXPECT_EQ(3, entry);
		ASSERT_EQ(i << 21 | 0x83, pd);
	}
	/* Selectors 0x10 and 0x18: code of 64 bits, and data. */
	gmem_read(&self->vm->gmem, X86_GDT + 0x10, &entry, 8);
	EXPECT_EQ(0x00af9b000000ffffULL, entry);
	gmem_read(&self->vm->gmem, X86_GDT + 0x18, &entry, 8);
	EXPECT_EQ(0x00cf93000000ffffULL, entry);
}

/* One initrd of this size; its bytes tell their offsets. */
static void add_initrd(FIXTURE_DATA(machine) *self, size_t size)
{
	char *buf = malloc(size);
	size_t i;

	for (i = 0; i < size; i++)
		buf[i] = i * 11 + 3;
	i = self->cfg.nr_initrds++;
	path_of(self->initrd_path[i], sizeof(self->initrd_path[i]), fix_file(buf, size));
	self->initrds[i] = self->initrd_path[i];
	free(buf);
}

static bool initrd_is_there(struct gmem *gm, u64 addr, size_t size)
{
	u8 *buf = malloc(size);
	bool good = !gmem_read(gm, addr, buf, size);
	size_t i;

	for (i = 0; i < size; i++)
		good = good && buf[i] == (u8)(i * 11 + 3);
	free(buf);
	return good;
}

TEST_F(machine, initrd_by_pvh)
{
	struct hvm_modlist_entry mod;
	struct hvm_start_info si;

	add_initrd(self, 10000);
	MAKE();
	ASSERT_EQ(0, gmem_read(&self->vm->gmem, X86_START_INFO, &si, sizeof(si)));
	ASSERT_EQ(1, si.nr_modules);
	ASSERT_EQ(0, gmem_read(&self->vm->gmem, si.modlist_paddr, &mod, sizeof(mod)));
	EXPECT_EQ(10000, mod.size);
	EXPECT_EQ(0, mod.paddr % PAGE);
	EXPECT_LE(KERNEL_END, mod.paddr);
	EXPECT_TRUE(initrd_is_there(&self->vm->gmem, mod.paddr, 10000));
}

TEST_F(machine, initrd_by_boot_params)
{
	struct boot_params bp;

	self->elf.note.nh.n_type = 17;
	add_initrd(self, 10000);
	add_initrd(self, 5000);
	MAKE();
	ASSERT_EQ(0, gmem_read(&self->vm->gmem, X86_BOOT_PARAMS, &bp, sizeof(bp)));
	EXPECT_EQ(3 * PAGE + 5000, bp.hdr.ramdisk_size);
	EXPECT_TRUE(initrd_is_there(&self->vm->gmem, bp.hdr.ramdisk_image, 10000));
	EXPECT_TRUE(initrd_is_there(&self->vm->gmem, bp.hdr.ramdisk_image + 3 * PAGE, 5000));
	/* Not beyond what the header allows, and not into the hole. */
	self->cfg.mem = 5120 * MIB;
	MAKE();
	ASSERT_EQ(0, gmem_read(&self->vm->gmem, X86_BOOT_PARAMS, &bp, sizeof(bp)));
	EXPECT_GE(0x7fffffff, bp.hdr.ramdisk_image + bp.hdr.ramdisk_size - 1);
}

/* The last page of the kernel's bss is its own, whatever the sizes add up to. */
TEST_F(machine, initrd_beside_the_kernel)
{
	const u64 top = (KERNEL_END + PAGE - 1) / PAGE * PAGE;

	self->cfg.mem = top + 2 * PAGE;
	add_initrd(self, 2 * PAGE);
	MAKE();
	self->cfg.nr_initrds = 0;
	add_initrd(self, 2 * PAGE + 1);
	REFUSED(-EFBIG, "do not fit");
	self->cfg.nr_initrds = 0;
	add_initrd(self, top + 2 * PAGE - KERNEL_END);
	REFUSED(-EFBIG, "do not fit");
	self->cfg.nr_initrds = 0;
	add_initrd(self, self->cfg.mem);
	REFUSED(-EFBIG, "do not fit");
	self->cfg.nr_initrds = 0;
	add_initrd(self, self->cfg.mem + 1);
	REFUSED(-EFBIG, "do not fit");
}

TEST_F(machine, memory_for_the_kernel)
{
	const u64 top = (KERNEL_END + PAGE - 1) / PAGE * PAGE;

	self->cfg.mem = top;
	MAKE();
	self->cfg.mem = top - PAGE;
	REFUSED(-EFBIG, "use a larger -m");
	self->cfg.mem = MIB;
	REFUSED(-EFBIG, "use a larger -m");
}

TEST_F(machine, command_line_limits)
{
	static char params[0x20000];

	self->cfg.params = params;
	memset(params, 'x', 2047);
	MAKE();
	memset(params, 'x', 2048);
	REFUSED(-E2BIG, "too long");
	self->cfg.params = NULL;
	MAKE();
	EXPECT_STREQ("", self->vm->cmdline);
	self->cfg.nodefaults = false;
	self->cfg.params = "z";
	MAKE();
	EXPECT_NE(NULL, strstr(self->vm->cmdline, "console=ttyS0"));
	EXPECT_STREQ(" z", self->vm->cmdline + strlen(self->vm->cmdline) - 2);
}

#ifdef CONFIG_BOOT_BZIMAGE
/* A kernel may claim to take more than there is room for. */
TEST_F(machine, command_line_beyond_its_room)
{
	static char params[0x20000];
	struct fix_bz bz;

	fix_bz_with_elf(&bz, fix_gzip);
	fix_hdr(&bz)->cmdline_size = 0x7fffffff;
	self->fd = fix_file(bz.file, bz.size);
	self->cfg.params = params;
	memset(params, 'x', X86_CMDLINE_MAX - 1);
	MAKE();
	params[X86_CMDLINE_MAX - 1] = 'x';
	REFUSED(-E2BIG, "too long");
	memset(params, 'x', sizeof(params) - 1);
	REFUSED(-E2BIG, "too long");
}
#endif

TEST_F(machine, addresses)
{
	self->cfg.mem = 1ULL << 62;
	REFUSED(-EINVAL, "addresses at most");
	self->cfg.mem = ~0ULL - PAGE + 1;
	REFUSED(-EINVAL, "addresses at most");
	self->cfg.mem = 1ULL << 52;
	REFUSED(-EINVAL, "addresses at most");
}

/* Loading again, as a reset does, brings everything back. */
TEST_F(machine, loaded_again)
{
	static const struct kernel_segment places[] = {
		{ .paddr = X86_ACPI_TABLES, .memsz = 64 }, { .paddr = X86_RSDP, .memsz = 36 },
		{ .paddr = X86_MPTABLE, .memsz = 64 }, { .paddr = X86_START_INFO, .memsz = 64 },
		{ .paddr = X86_CMDLINE, .memsz = 4 }, { .paddr = FIX_TEXT, .memsz = FIX_CODE_LEN },
		{ .paddr = FIX_DATA, .memsz = FIX_DATA_LEN + FIX_BSS },
		{ .paddr = X86_GDT, .memsz = 40 },
	};
	static u8 first[0x4000], again[0x4000], junk[0x4000];
	size_t i;

	memset(junk, 0xdb, sizeof(junk));
	add_initrd(self, 10000);
	MAKE();
	for (i = 0; i < ARRAY_SIZE(places); i++) {
		u64 at = places[i].paddr, len = places[i].memsz;

		ASSERT_EQ(0, gmem_read(&self->vm->gmem, at, first, len));
		ASSERT_EQ(0, gmem_write(&self->vm->gmem, at, junk, len));
		ASSERT_EQ(0, arch_load(self->vm));
		ASSERT_EQ(0, gmem_read(&self->vm->gmem, at, again, len));
		EXPECT_EQ(0, memcmp(first, again, len));
	}
}

TEST_HARNESS_MAIN
#else
#include <kselftest.h>

int main(void)
{
	ksft_exit_skip("not built for x86, or without ELF kernels\n");
}
#endif
