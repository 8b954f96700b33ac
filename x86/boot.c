// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <asm/bootparam.h>
#include <asm/e820.h>

#include <linux/bits.h>
#include <linux/kernel.h>
#include <vmtool/gmem.h>
#include <vmtool/log.h>
#include <vmtool/vm.h>

/* Found by -iquote: the directory also holds names that shadow libc's. */
#include "start_info.h"

#include "layout.h"
#include "x86.h"

#define PAGE			4096UL
#define PTE_PRESENT_WRITE	3UL
#define PTE_LARGE		BIT(7)
#define LARGE_PAGE		BIT(21)
#define LOADER_UNDEFINED	0xff

int x86_memory_map(u64 mem, struct x86_range map[X86_MAX_RANGES])
{
	u64 low = min_t(u64, mem, X86_LOW_MEMORY_END);
	int n = 0;

	map[n++] = (struct x86_range) { 0, X86_EBDA, E820_RAM };
	map[n++] = (struct x86_range) { X86_EBDA, X86_EBDA_END - X86_EBDA, E820_RESERVED };
	map[n++] = (struct x86_range) {
		X86_ACPI_TABLES, X86_ACPI_TABLES_END - X86_ACPI_TABLES, E820_ACPI,
	};
	map[n++] = (struct x86_range) {
		X86_RSDP, X86_HIGH_MEMORY - X86_RSDP, E820_RESERVED,
	};
	if (low > X86_HIGH_MEMORY)
		map[n++] = (struct x86_range) {
			X86_HIGH_MEMORY, low - X86_HIGH_MEMORY, E820_RAM,
		};
	if (mem > low)
		map[n++] = (struct x86_range) { X86_ABOVE_4G, mem - low, E820_RAM };
	return n;
}

static int write_cmdline(struct vm *vm)
{
	size_t len = strlen(vm->cmdline) + 1;

	/* What the kernel says that it takes is but a number in a file. */
	if (len > X86_CMDLINE_MAX) {
		log_err("kernel command line: %zu bytes are too long: there is room for %lu",
			len - 1, X86_CMDLINE_MAX - 1);
		return -E2BIG;
	}
	return gmem_write(&vm->gmem, X86_CMDLINE, vm->cmdline, len);
}

/* struct hvm_start_info, version 1, with its memory map and module list. */
static int write_start_info(struct vm *vm, u64 initrd)
{
	struct {
		struct hvm_start_info info;
		struct hvm_modlist_entry initrd;
		struct hvm_memmap_table_entry map[X86_MAX_RANGES];
	} s = {
		.info = {
			.magic = XEN_HVM_START_MAGIC_VALUE,
			.version = 1,
			.cmdline_paddr = X86_CMDLINE,
			.rsdp_paddr = X86_RSDP,
		},
		.initrd = { .paddr = initrd, .size = vm->initrd.total },
	};
	struct x86_range map[X86_MAX_RANGES];
	int i, n = x86_memory_map(vm->cfg->mem, map);

	for (i = 0; i < n; i++)
		s.map[i] = (struct hvm_memmap_table_entry) {
			.addr = map[i].start, .size = map[i].size, .type = map[i].type,
		};
	s.info.memmap_paddr = X86_START_INFO + ((u8 *)s.map - (u8 *)&s);
	s.info.memmap_entries = n;
	if (vm->initrd.total) {
		s.info.nr_modules = 1;
		s.info.modlist_paddr = X86_START_INFO + ((u8 *)&s.initrd - (u8 *)&s);
	}
	return gmem_write(&vm->gmem, X86_START_INFO, &s, sizeof(s));
}

static int write_boot_params(struct vm *vm, u64 initrd)
{
	struct boot_params bp = { };
	struct x86_range map[X86_MAX_RANGES];
	int i, n = x86_memory_map(vm->cfg->mem, map);

	memcpy((u8 *)&bp + offsetof(struct boot_params, hdr), vm->kernel.setup,
	       min_t(size_t, vm->kernel.setup_len, sizeof(vm->kernel.setup)));
	bp.hdr.type_of_loader = LOADER_UNDEFINED;
	bp.hdr.cmd_line_ptr = X86_CMDLINE;
	bp.hdr.ramdisk_image = initrd;
	bp.hdr.ramdisk_size = vm->initrd.total;
	bp.ext_ramdisk_size = vm->initrd.total >> 32;
	bp.acpi_rsdp_addr = X86_RSDP;
	bp.e820_entries = n;
	for (i = 0; i < n; i++) {
		bp.e820_table[i].addr = map[i].start;
		bp.e820_table[i].size = map[i].size;
		bp.e820_table[i].type = map[i].type;
	}
	return gmem_write(&vm->gmem, X86_BOOT_PARAMS, &bp, sizeof(bp));
}

/* The 64-bit entry wants paging on, with the kernel and its data mapped 1:1. */
static int write_page_tables(struct gmem *gm)
{
	u64 table[PAGE / sizeof(u64)] = { };
	u64 pdpt = X86_PAGE_TABLES + PAGE, pd = pdpt + PAGE;
	int i, j, ret;

	table[0] = pdpt | PTE_PRESENT_WRITE;
	ret = gmem_write(gm, X86_PAGE_TABLES, table, sizeof(table));
	for (i = 0; i < 4; i++)
		table[i] = (pd + i * PAGE) | PTE_PRESENT_WRITE;
	ret = ret ?: gmem_write(gm, pdpt, table, sizeof(table));
	for (i = 0; i < 4 && !ret; i++) {
		for (j = 0; j < ARRAY_SIZE(table); j++)
			table[j] = (i * ARRAY_SIZE(table) + j) * LARGE_PAGE |
				   PTE_PRESENT_WRITE | PTE_LARGE;
		ret = gmem_write(gm, pd + i * PAGE, table, sizeof(table));
	}
	return ret;
}

/* __BOOT_CS and __BOOT_DS at 0x10 and 0x18, as the boot protocol asks. */
static int write_gdt(struct vm *vm)
{
	u64 gdt[5] = {
		[2] = vm->arch->boot.pvh ? 0x00cf9b000000ffffULL : 0x00af9b000000ffffULL,
		[3] = 0x00cf93000000ffffULL,
		[4] = 0x00008b0000000067ULL,
	};

	return gmem_write(&vm->gmem, X86_GDT, gdt, sizeof(gdt));
}

int x86_boot_setup(struct vm *vm, u64 initrd)
{
	struct x86_boot *boot = &vm->arch->boot;
	int ret;

	boot->pvh = vm->kernel.proto == KERNEL_PVH;
	boot->entry = vm->kernel.entry;
	boot->info = boot->pvh ? X86_START_INFO : X86_BOOT_PARAMS;

	ret = write_cmdline(vm);
	ret = ret ?: write_gdt(vm);
	if (boot->pvh)
		return ret ?: write_start_info(vm, initrd);
	ret = ret ?: write_boot_params(vm, initrd);
	return ret ?: write_page_tables(&vm->gmem);
}
