// SPDX-License-Identifier: GPL-2.0
/*
 * The device tree: what no device describes itself. Bindings:
 * Documentation/devicetree/bindings of the kernel.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include <linux/kernel.h>
#include <vmtool/arch.h>
#include <vmtool/device.h>
#include <vmtool/fdt.h>
#include <vmtool/hw.h>
#include <vmtool/vm.h>

#include "arm.h"
#include "fdt.h"
#include "regs.h"

#define SPI		0
#define PPI		1
#define EDGE_RISING	1
#define LEVEL_HIGH	4

#define APB_CLOCK_HZ	24000000
#define RNG_SEED_LEN	64

static unsigned int spi_cells(u32 gsi, enum irq_trigger trigger, u32 *cell)
{
	cell[0] = SPI;
	cell[1] = gsi;
	cell[2] = trigger == IRQ_LEVEL ? LEVEL_HIGH : EDGE_RISING;
	return 3;
}

/* In a GICv2 the flags of a private interrupt say which vCPUs have it. */
static u32 ppi_flags(const struct vm *vm)
{
	if (vm->arch->gic.version == 3)
		return LEVEL_HIGH;
	return LEVEL_HIGH | ((1U << vm->cfg->nr_cpus) - 1) << 8;
}

static void add_chosen(struct vm *vm, struct fdt_builder *b, u64 initrd)
{
	u8 seed[RNG_SEED_LEN];
	char path[32];

	fdt_begin(b, "chosen");
	fdt_str(b, "bootargs", vm->cmdline);
	snprintf(path, sizeof(path), "/" PL011_NODE, (unsigned long long)ARM_UART);
	if (vm->arch->conf->acpi)
		arm_efi_chosen(vm, b);
	else
		fdt_str(b, "stdout-path", path);
	if (vm->initrd.total) {
		fdt_u64(b, "linux,initrd-start", initrd);
		fdt_u64(b, "linux,initrd-end", initrd + vm->initrd.total);
	}
	/* Without entropy the kernel does without them. */
	if (getrandom(seed, sizeof(seed), 0) == sizeof(seed)) {
		fdt_bytes(b, "rng-seed", seed, sizeof(seed));
		if (getrandom(seed, sizeof(u64), 0) == sizeof(u64))
			fdt_bytes(b, "kaslr-seed", seed, sizeof(u64));
	}
	explicit_bzero(seed, sizeof(seed));
	fdt_end(b);
}

static void add_memory(struct vm *vm, struct fdt_builder *b)
{
	fdt_begin(b, "memory@%llx", (unsigned long long)ARM_MEMORY);
	fdt_str(b, "device_type", "memory");
	fdt_reg(b, ARM_MEMORY, vm->cfg->mem);
	fdt_end(b);
}

/* Linux complains of caches that CLIDR_EL1 shows and the tree does not. */
static void add_caches(struct fdt_builder *b, u64 clidr)
{
	unsigned int level, levels = arm_cache_levels(clidr);

	for (level = 2; level <= levels; level++) {
		fdt_begin(b, "l%u-cache", level);
		fdt_str(b, "compatible", "cache");
		fdt_u32(b, "cache-level", level);
		if (ARM_CACHE_TYPE(clidr, level) == ARM_CACHE_UNIFIED)
			fdt_flag(b, "cache-unified");
		if (level < levels)
			fdt_u32(b, "next-level-cache", PHANDLE_CACHE + level + 1);
		fdt_u32(b, "phandle", PHANDLE_CACHE + level);
		fdt_end(b);
	}
}

static void add_cpus(struct vm *vm, struct fdt_builder *b)
{
	u64 clidr = vm->arch->clidr;
	unsigned int i;

	fdt_begin(b, "cpus");
	fdt_u32(b, "#address-cells", 1);
	fdt_u32(b, "#size-cells", 0);
	for (i = 0; i < vm->cfg->nr_cpus; i++) {
		fdt_begin(b, "cpu@%llx", (unsigned long long)arm_mpidr(i));
		fdt_str(b, "device_type", "cpu");
		fdt_str(b, "compatible", "arm,armv8");
		fdt_u32(b, "reg", arm_mpidr(i));
		fdt_str(b, "enable-method", "psci");
		if (arm_cache_levels(clidr) > 1)
			fdt_u32(b, "next-level-cache", PHANDLE_CACHE + 2);
		fdt_end(b);
	}
	add_caches(b, clidr);
	fdt_end(b);
}

static void add_psci(struct fdt_builder *b)
{
	static const char *const compatible[] = { "arm,psci-1.0", "arm,psci-0.2", NULL };

	fdt_begin(b, "psci");
	fdt_strs(b, "compatible", compatible);
	fdt_str(b, "method", "hvc");
	fdt_end(b);
}

static void add_timer(struct vm *vm, struct fdt_builder *b)
{
	u32 flags = ppi_flags(vm);
	const u32 irqs[] = {
		PPI, ARM_PPI_STIMER, flags, PPI, ARM_PPI_PTIMER, flags,
		PPI, ARM_PPI_VTIMER, flags, PPI, ARM_PPI_HTIMER, flags,
	};

	fdt_begin(b, "timer");
	fdt_str(b, "compatible", "arm,armv8-timer");
	fdt_cells(b, "interrupts", irqs, ARRAY_SIZE(irqs));
	fdt_flag(b, "always-on");
	fdt_end(b);
}

static void add_pmu(struct vm *vm, struct fdt_builder *b)
{
	const u32 irq[] = { PPI, ARM_PPI_PMU, ppi_flags(vm) };

	if (!vm->arch->pmu)
		return;
	fdt_begin(b, "pmu");
	fdt_str(b, "compatible", arm_is_32bit(vm) ? "arm,cortex-a15-pmu" : "arm,armv8-pmuv3");
	fdt_cells(b, "interrupts", irq, ARRAY_SIZE(irq));
	fdt_end(b);
}

static void add_clock(struct fdt_builder *b)
{
	fdt_begin(b, "apb-clk");
	fdt_str(b, "compatible", "fixed-clock");
	fdt_u32(b, "#clock-cells", 0);
	fdt_u32(b, "clock-frequency", APB_CLOCK_HZ);
	fdt_u32(b, "phandle", PHANDLE_CLOCK);
	fdt_end(b);
}

static void add_two_regs(struct fdt_builder *b, u64 first, u64 first_len, u64 second,
			 u64 second_len)
{
	const u32 cells[] = {
		first >> 32, first, first_len >> 32, first_len,
		second >> 32, second, second_len >> 32, second_len,
	};

	fdt_cells(b, "reg", cells, ARRAY_SIZE(cells));
}

static void add_its(struct fdt_builder *b)
{
	fdt_begin(b, "msi-controller@%llx", (unsigned long long)ARM_GIC_ITS);
	fdt_str(b, "compatible", "arm,gic-v3-its");
	fdt_reg(b, ARM_GIC_ITS, ARM_GIC_ITS_LEN);
	fdt_flag(b, "msi-controller");
	fdt_u32(b, "#msi-cells", 1);
	fdt_u32(b, "phandle", PHANDLE_MSI);
	fdt_end(b);
}

static void add_v2m(struct fdt_builder *b)
{
	fdt_begin(b, "v2m@%llx", (unsigned long long)ARM_GIC_V2M);
	fdt_str(b, "compatible", "arm,gic-v2m-frame");
	fdt_reg(b, ARM_GIC_V2M, ARM_GIC_V2M_LEN);
	fdt_flag(b, "msi-controller");
	fdt_u32(b, "phandle", PHANDLE_MSI);
	fdt_end(b);
}

static void add_gic(struct vm *vm, struct fdt_builder *b)
{
	const struct arm_gic *gic = &vm->arch->gic;

	fdt_begin(b, "interrupt-controller@%llx", (unsigned long long)ARM_GIC_DIST);
	if (gic->version == 3) {
		fdt_str(b, "compatible", "arm,gic-v3");
		add_two_regs(b, ARM_GIC_DIST, ARM_GIC_DIST_V3_LEN,
			     ARM_GIC_REDIST, ARM_GIC_REDIST_LEN * vm->cfg->nr_cpus);
	} else {
		fdt_str(b, "compatible", "arm,cortex-a15-gic");
		add_two_regs(b, ARM_GIC_DIST, ARM_GIC_DIST_V2_LEN, ARM_GIC_CPU, ARM_GIC_CPU_LEN);
	}
	fdt_flag(b, "interrupt-controller");
	fdt_u32(b, "#interrupt-cells", 3);
	fdt_u32(b, "#address-cells", 2);
	fdt_u32(b, "#size-cells", 2);
	fdt_flag(b, "ranges");
	fdt_u32(b, "phandle", PHANDLE_GIC);
	if (gic->version == 2)
		add_v2m(b);
	else if (gic->has_its)
		add_its(b);
	fdt_end(b);
}

static void add_devices(struct vm *vm, struct fdt_builder *b)
{
	const struct device *dev;

	list_for_each_entry(dev, &vm->devices, node)
		if (dev->ops->fdt)
			dev->ops->fdt(dev, b);
}

static void add_machine(struct vm *vm, struct fdt_builder *b)
{
	fdt_str(b, "compatible", "linux,dummy-virt");
	fdt_str(b, "model", "vmtool");
	fdt_u32(b, "interrupt-parent", PHANDLE_GIC);
	add_memory(vm, b);
	add_cpus(vm, b);
	add_psci(b);
	add_timer(vm, b);
	add_pmu(vm, b);
	add_clock(b);
	add_gic(vm, b);
	add_devices(vm, b);
}

/* Linux looks for ACPI where the tree has nothing but /chosen. */
void arm_fdt_build(struct vm *vm, struct fdt_builder *b, u64 initrd)
{
	const struct arm_gic *gic = &vm->arch->gic;
	static const struct fdt_irqs with_msi = {
		.phandle = PHANDLE_GIC, .address_cells = 2, .msi_phandle = PHANDLE_MSI,
		.cells = spi_cells,
	};
	static const struct fdt_irqs without = {
		.phandle = PHANDLE_GIC, .address_cells = 2, .cells = spi_cells,
	};

	b->irqs = gic->version == 2 || gic->has_its ? &with_msi : &without;
	fdt_begin_root(b);
	fdt_u32(b, "#address-cells", 2);
	fdt_u32(b, "#size-cells", 2);
	if (!vm->arch->conf->acpi)
		add_machine(vm, b);
	add_chosen(vm, b, initrd);
	fdt_end(b);
}
