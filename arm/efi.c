// SPDX-License-Identifier: GPL-2.0
/*
 * As much of UEFI as an arm64 kernel needs to find ACPI tables (UEFI specification 2.10,
 * chapters 4, 7 and 8): system table, configuration tables and a memory map, which the
 * device tree names. Of the runtime services there is one, GetTime(): ACPI describes no
 * clock. It reads a register of ours that has the time in UEFI's own format.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/kernel.h>
#include <vmtool/fdt.h>
#include <vmtool/gmem.h>
#include <vmtool/vm.h>

#include "arm.h"

#define EFI_PAGE		4096UL
#define EFI_REVISION		(2 << 16 | 80)
#define EFI_SYSTEM_SIGNATURE	0x5453595320494249ULL	/* "IBI SYST" */
#define EFI_RUNTIME_SIGNATURE	0x56524553544e5552ULL	/* "RUNTSERV" */
#define EFI_RUNTIME_SERVICES	14
#define EFI_UTC			0
#define EFI_TIME_SERVICES	0xf	/* GetTime() and the three behind it */

#define EFI_LOADER_DATA		2
#define EFI_RUNTIME_CODE	5
#define EFI_CONVENTIONAL	7
#define EFI_ACPI_RECLAIM	9
#define EFI_MMIO		11
#define EFI_UC			BIT_ULL(0)
#define EFI_WB			BIT_ULL(3)
#define EFI_RUNTIME		BIT_ULL(63)
#define EFI_DESC_VERSION	1
#define EFI_SECURE_BOOT_OFF	2	/* Linux, enum efi_secureboot_mode */
#define EFI_REGIONS		6

struct efi_header {
	u64 signature;
	u32 revision;
	u32 size;
	u32 crc;
	u32 reserved;
};

struct efi_system {
	struct efi_header header;
	u64 vendor;
	u32 revision;
	u32 pad;
	u64 console[6];
	u64 runtime;
	u64 boot;
	u64 nr_tables;
	u64 tables;
};

struct efi_config {
	u8 guid[16];
	u64 table;
};

struct efi_rt_properties {
	u16 version;
	u16 length;
	u32 supported;
};

/* Linux, include/linux/efi.h: where it remembers what outlives a kexec. */
struct efi_memreserve {
	u32 size;
	u32 count;
	u64 next;
};

struct efi_region {
	u32 type;
	u32 pad;
	u64 phys;
	u64 virt;
	u64 pages;
	u64 attr;
};

struct efi_time {
	u16 year;
	u8 month, day, hour, minute, second, pad;
	u32 nanosecond;
	s16 zone;
	u8 daylight, pad2;
};

/* What stays when the kernel runs: code, and where each service is in it. */
struct efi_runtime {
	struct efi_header header;
	u64 services[EFI_RUNTIME_SERVICES];
	u32 get_time[7];
	u32 unsupported[3];
	u64 time;
};

/* What it reads before it has an allocator. */
struct efi_boot {
	struct efi_system system;
	struct efi_config config[3];
	struct efi_rt_properties properties;
	struct efi_memreserve memreserve;
	u16 vendor[8];
	struct efi_region map[EFI_REGIONS];
};

/* 8868e871-e4f1-11d3-bc22-0080c73c8881 */
#define ACPI_20_GUID { \
	0x71, 0xe8, 0x68, 0x88, 0xf1, 0xe4, 0xd3, 0x11, \
	0xbc, 0x22, 0x00, 0x80, 0xc7, 0x3c, 0x88, 0x81 }
/* eb66918a-7eef-402a-842e-931d21c38ae9 */
#define RT_PROPERTIES_GUID { \
	0x8a, 0x91, 0x66, 0xeb, 0xef, 0x7e, 0x2a, 0x40, \
	0x84, 0x2e, 0x93, 0x1d, 0x21, 0xc3, 0x8a, 0xe9 }
/* 888eb0c6-8ede-4ff5-a8f0-9aee5cb977c2 */
#define LINUX_MEMRESERVE_GUID { \
	0xc6, 0xb0, 0x8e, 0x88, 0xde, 0x8e, 0xf5, 0x4f, \
	0xa8, 0xf0, 0x9a, 0xee, 0x5c, 0xb9, 0x77, 0xc2 }

static const struct efi_runtime runtime_image = {
	.header = {
		.signature = EFI_RUNTIME_SIGNATURE, .revision = EFI_REVISION,
		.size = sizeof(struct efi_header) + EFI_RUNTIME_SERVICES * sizeof(u64),
	},
	.get_time = {
		0x58000142,	/* ldr x2, time */
		0xf9400043,	/* ldr x3, [x2] */
		0xf9400444,	/* ldr x4, [x2, #8] */
		0xf9000003,	/* str x3, [x0] */
		0xf9000404,	/* str x4, [x0, #8] */
		0xd2800000,	/* mov x0, #0 (EFI_SUCCESS) */
		0xd65f03c0,	/* ret */
	},
	.unsupported = {
		0xd2800060,	/* mov x0, #3 */
		0xb2410000,	/* orr x0, x0, #1 << 63 (EFI_UNSUPPORTED) */
		0xd65f03c0,	/* ret */
	},
	.time = ARM_EFI_TIME,
};

/* --- the clock -------------------------------------------------------------------------- */

static void read_clock(struct efi_time *t)
{
	time_t now = time(NULL);
	struct tm tm;

	gmtime_r(&now, &tm);
	*t = (struct efi_time) {
		.year = tm.tm_year + 1900, .month = tm.tm_mon + 1, .day = tm.tm_mday,
		.hour = tm.tm_hour, .minute = tm.tm_min, .second = tm.tm_sec,
		.zone = EFI_UTC,
	};
}

/* Both halves tell the time at which the first was read. */
static u64 clock_read(void *priv, u64 off, unsigned int size)
{
	struct arm_efi *efi = priv;
	u64 halves[2];
	struct efi_time t;

	read_clock(&t);
	BUILD_BUG_ON(sizeof(t) != sizeof(halves));
	memcpy(halves, &t, sizeof(t));
	if (off == 8)
		return __atomic_load_n(&efi->second_half, __ATOMIC_RELAXED);
	__atomic_store_n(&efi->second_half, halves[1], __ATOMIC_RELAXED);
	return off ? 0 : halves[0];
}

static const struct region_ops clock_ops = {
	.read = clock_read,
	.sizes = 8,
};

int arm_efi_init(struct vm *vm)
{
	struct arm_efi *efi = &vm->arch->efi;

	efi->clock.name = "efi time";
	return bus_map(&vm->mmio, &efi->clock, ARM_EFI_TIME, sizeof(struct efi_time), &clock_ops,
		       efi);
}

/* --- the tables -------------------------------------------------------------------------- */

static struct efi_region region(u32 type, u64 start, u64 end, u64 attr)
{
	return (struct efi_region) {
		.type = type, .phys = start, .virt = attr & EFI_RUNTIME ? start : 0,
		.pages = (end - start) / EFI_PAGE, .attr = attr,
	};
}

static void fill_map(struct vm *vm, struct efi_region map[EFI_REGIONS])
{
	u64 at = vm->arch->firmware, end = arm_memory_end(vm);

	map[0] = region(EFI_CONVENTIONAL, ARM_MEMORY, at, EFI_WB);
	map[1] = region(EFI_RUNTIME_CODE, at, at + ARM_EFI_BOOT, EFI_WB | EFI_RUNTIME);
	map[2] = region(EFI_LOADER_DATA, at + ARM_EFI_BOOT, at + ARM_EFI_ACPI, EFI_WB);
	map[3] = region(EFI_ACPI_RECLAIM, at + ARM_EFI_ACPI, at + ARM_FIRMWARE_LEN, EFI_WB);
	map[4] = region(EFI_CONVENTIONAL, at + ARM_FIRMWARE_LEN, end, EFI_WB);
	map[5] = region(EFI_MMIO, ARM_EFI_TIME, ARM_EFI_TIME + ARM_EFI_TIME_LEN,
			EFI_UC | EFI_RUNTIME);
}

static int write_runtime(struct vm *vm)
{
	u64 at = vm->arch->firmware;
	struct efi_runtime rt = runtime_image;
	int i;

	BUILD_BUG_ON(offsetof(struct efi_runtime, time) - offsetof(struct efi_runtime, get_time) !=
		     0x28);
	for (i = 0; i < EFI_RUNTIME_SERVICES; i++)
		rt.services[i] = at + offsetof(struct efi_runtime, unsupported);
	rt.services[0] = at + offsetof(struct efi_runtime, get_time);
	return gmem_write(&vm->gmem, at, &rt, sizeof(rt));
}

int arm_efi_write(struct vm *vm)
{
	u64 at = vm->arch->firmware + ARM_EFI_BOOT;
	struct efi_boot boot = {
		.system = {
			.header = {
				.signature = EFI_SYSTEM_SIGNATURE, .revision = EFI_REVISION,
				.size = sizeof(boot.system),
			},
			.vendor = at + offsetof(struct efi_boot, vendor),
			.runtime = vm->arch->firmware,
			.nr_tables = ARRAY_SIZE(boot.config),
			.tables = at + offsetof(struct efi_boot, config),
		},
		.config = {
			{ ACPI_20_GUID, vm->arch->firmware + ARM_EFI_ACPI },
			{ RT_PROPERTIES_GUID, at + offsetof(struct efi_boot, properties) },
			{ LINUX_MEMRESERVE_GUID, at + offsetof(struct efi_boot, memreserve) },
		},
		.properties = {
			.version = 1, .length = sizeof(boot.properties),
			.supported = EFI_TIME_SERVICES,
		},
		.vendor = { 'v', 'm', 't', 'o', 'o', 'l' },
	};
	int ret;

	fill_map(vm, boot.map);
	ret = gmem_write(&vm->gmem, at, &boot, sizeof(boot));
	return ret ?: write_runtime(vm);
}

/* Linux, drivers/firmware/efi/fdtparams.c. */
void arm_efi_chosen(struct vm *vm, struct fdt_builder *b)
{
	u64 at = vm->arch->firmware + ARM_EFI_BOOT;

	fdt_u64(b, "linux,uefi-system-table", at);
	fdt_u64(b, "linux,uefi-mmap-start", at + offsetof(struct efi_boot, map));
	fdt_u32(b, "linux,uefi-mmap-size", EFI_REGIONS * sizeof(struct efi_region));
	fdt_u32(b, "linux,uefi-mmap-desc-size", sizeof(struct efi_region));
	fdt_u32(b, "linux,uefi-mmap-desc-ver", EFI_DESC_VERSION);
	fdt_u32(b, "linux,uefi-secure-boot", EFI_SECURE_BOOT_OFF);
}
