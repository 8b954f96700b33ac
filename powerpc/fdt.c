// SPDX-License-Identifier: GPL-2.0
/*
 * The device tree of a pseries machine (LoPAR, appendix B): what no device describes.
 */
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include <linux/kernel.h>
#include <vmtool/device.h>
#include <vmtool/fdt.h>
#include <vmtool/vm.h>

#include "powerpc.h"

/*
 * "ibm,architecture-vec-5": what was agreed on; each is a byte << 8 and bits in it. Bytes
 * count from 1; the first there says how many follow.
 */
#define VEC5_LEN	28
#define VEC5_LPAR	0x0280
#define VEC5_LARGE	0x0210
#define VEC5_MSI	0x0201
#define VEC5_XIVE	0x1740
#define VEC5_RADIX	0x1840
#define VEC5_GTSE	0x1a40

/* "ibm,processor-segment-sizes": 256 MiB and 1 TiB. */
#define SEGMENT_256M	28
#define SEGMENT_1T	40

static unsigned int irq_cells(u32 gsi, enum irq_trigger trigger, u32 *cells)
{
	cells[0] = PPC_IRQ_LINES + gsi;
	cells[1] = trigger == IRQ_LEVEL;
	return 2;
}

static const struct fdt_irqs ppc_irqs = {
	.phandle = PPC_PHANDLE_IRQ,
	.cells = irq_cells,
};

static void set_vec5(u8 *vec, u32 what)
{
	vec[what >> 8] |= what;
}

static void vec5(const struct vm *vm, struct fdt_builder *b)
{
	const struct ppc_host *h = &vm->arch->host;
	u8 vec[VEC5_LEN] = { VEC5_LEN - 1 };

	set_vec5(vec, VEC5_LPAR);
	set_vec5(vec, VEC5_LARGE);
	set_vec5(vec, VEC5_MSI);
	if (!vm->arch->irq->xics)
		set_vec5(vec, VEC5_XIVE);
	if (h->radix) {
		set_vec5(vec, VEC5_RADIX);
		set_vec5(vec, VEC5_GTSE);
	}
	fdt_bytes(b, "ibm,architecture-vec-5", vec, sizeof(vec));
}

static void chosen(const struct vm *vm, struct fdt_builder *b)
{
	const struct vm_arch *arch = vm->arch;
	char path[40];
	u8 seed[64];

	fdt_begin(b, "chosen");
	fdt_str(b, "bootargs", vm->cmdline);
	if (vm->initrd.total) {
		fdt_u64(b, "linux,initrd-start", arch->initrd);
		fdt_u64(b, "linux,initrd-end", arch->initrd + vm->initrd.total);
	}
	if (arch->vty) {
		snprintf(path, sizeof(path), "/vdevice/vty@%x", PPC_VTY);
		fdt_str(b, "stdout-path", path);
		fdt_str(b, "linux,stdout-path", path);
	}
	if (getrandom(seed, sizeof(seed), GRND_NONBLOCK) == sizeof(seed))
		fdt_bytes(b, "rng-seed", seed, sizeof(seed));
	vec5(vm, b);
	fdt_end(b);
}

/*
 * A hash guest's page has to lie in one of the host's: on a host with pages of 64 KiB
 * there are none of 16 MiB without --hugetlbfs.
 */
static unsigned int max_page_shift(const struct vm *vm)
{
	if (!(vm->arch->host.smmu.flags & KVM_PPC_PAGE_SIZES_REAL) || vm->cfg->hugetlbfs)
		return 63;
	return __builtin_ctzl(sysconf(_SC_PAGESIZE));
}

static void segment_page_sizes(const struct vm *vm, struct fdt_builder *b)
{
	const struct ppc_host *h = &vm->arch->host;
	unsigned int max = max_page_shift(vm);
	u32 cell[KVM_PPC_PAGE_SIZES_MAX_SZ * (3 + 2 * KVM_PPC_PAGE_SIZES_MAX_SZ)];
	unsigned int i, j, n = 0, at;

	for (i = 0; i < KVM_PPC_PAGE_SIZES_MAX_SZ; i++) {
		const struct kvm_ppc_one_seg_page_size *s = &h->smmu.sps[i];

		if (!s->page_shift)
			break;
		if (s->page_shift > max)
			continue;
		cell[n++] = s->page_shift;
		cell[n++] = s->slb_enc;
		at = n++;
		cell[at] = 0;
		for (j = 0; j < KVM_PPC_PAGE_SIZES_MAX_SZ && s->enc[j].page_shift; j++) {
			if (s->enc[j].page_shift > max)
				continue;
			cell[n++] = s->enc[j].page_shift;
			cell[n++] = s->enc[j].pte_enc;
			cell[at]++;
		}
	}
	if (n)
		fdt_cells(b, "ibm,segment-page-sizes", cell, n);
}

static void hash_mmu(const struct vm *vm, struct fdt_builder *b)
{
	const struct ppc_host *h = &vm->arch->host;
	const u32 segments[] = {
		SEGMENT_256M, h->smmu.flags & KVM_PPC_1T_SEGMENTS ? SEGMENT_1T : ~0U, ~0U, ~0U,
	};
	const u32 pft[] = { 0, vm->arch->htab_shift };

	if (!h->has_smmu)
		return;
	fdt_u32(b, "slb-size", h->smmu.slb_size);
	fdt_u32(b, "ibm,slb-size", h->smmu.slb_size);
	fdt_cells(b, "ibm,processor-segment-sizes", segments, ARRAY_SIZE(segments));
	segment_page_sizes(vm, b);
	if (vm->arch->htab_shift)
		fdt_cells(b, "ibm,pft-size", pft, ARRAY_SIZE(pft));
}

static void radix_mmu(const struct ppc_host *h, struct fdt_builder *b)
{
	u32 cell[ARRAY_SIZE(h->rmmu.ap_encodings)];
	unsigned int n = 0;

	if (!h->radix)
		return;
	while (n < ARRAY_SIZE(cell) && h->rmmu.ap_encodings[n]) {
		cell[n] = h->rmmu.ap_encodings[n];
		n++;
	}
	if (n)
		fdt_cells(b, "ibm,processor-radix-AP-encodings", cell, n);
}

/* Interrupts can be sent to each thread, or to all of them: "global" server 0. */
static void servers(const struct vm *vm, struct fdt_builder *b, unsigned int first)
{
	u32 server[8], global[16];
	unsigned int i;

	for (i = 0; i < vm->arch->conf->threads && first + i < vm->cfg->nr_cpus; i++) {
		server[i] = first + i;
		global[2 * i] = first + i;
		global[2 * i + 1] = 0;
	}
	fdt_cells(b, "ibm,ppc-interrupt-server#s", server, i);
	fdt_cells(b, "ibm,ppc-interrupt-gserver#s", global, 2 * i);
}

static const char *cpu_name(u32 pvr)
{
	switch (pvr >> 16) {
	case 0x4b:
	case 0x4c:
	case 0x4d:
		return "PowerPC,POWER8";
	case 0x4e:
		return "PowerPC,POWER9";
	case 0x80:
		return "PowerPC,POWER10";
	default:
		return "PowerPC,POWER";
	}
}

static void cpu_node(const struct vm *vm, struct fdt_builder *b, unsigned int first)
{
	static const char *const copied[] = {
		"d-cache-block-size", "d-cache-line-size", "d-cache-size", "d-cache-sets",
		"i-cache-block-size", "i-cache-line-size", "i-cache-size", "i-cache-sets",
		"ibm,vmx", "ibm,dfp", "ibm,purr", "ibm,spurr",
	};
	const struct ppc_host *h = &vm->arch->host;
	unsigned int i;

	fdt_begin(b, "%s@%x", cpu_name(h->pvr), first);
	fdt_str(b, "device_type", "cpu");
	fdt_str(b, "status", "okay");
	fdt_u32(b, "reg", first);
	servers(vm, b, first);
	fdt_u32(b, "cpu-version", h->pvr);
	fdt_u32(b, "timebase-frequency", h->tb_hz);
	fdt_u32(b, "clock-frequency", h->clock_hz ?: h->tb_hz);
	fdt_flag(b, "64-bit");
	for (i = 0; i < ARRAY_SIZE(copied); i++)
		ppc_host_copy(b, copied[i]);
	if (h->pa_len)
		fdt_bytes(b, "ibm,pa-features", h->pa_features, h->pa_len);
	hash_mmu(vm, b);
	radix_mmu(h, b);
	fdt_end(b);
}

static void cpus(const struct vm *vm, struct fdt_builder *b)
{
	unsigned int i;

	fdt_begin(b, "cpus");
	fdt_u32(b, "#address-cells", 1);
	fdt_u32(b, "#size-cells", 0);
	for (i = 0; i < vm->cfg->nr_cpus; i += vm->arch->conf->threads)
		cpu_node(vm, b, i);
	fdt_end(b);
}

static void memory_node(const struct vm *vm, struct fdt_builder *b)
{
	fdt_begin(b, "memory@0");
	fdt_str(b, "device_type", "memory");
	fdt_reg(b, 0, vm->cfg->mem);
	fdt_end(b);
}

void ppc_fdt_build(const struct vm *vm, struct fdt_builder *b)
{
	const u32 reserved[] = { PPC_XIVE_PRIORITIES, 0xff - PPC_XIVE_PRIORITIES };
	const struct device *dev;

	b->irqs = &ppc_irqs;
	fdt_begin_root(b);
	fdt_u32(b, "#address-cells", 2);
	fdt_u32(b, "#size-cells", 2);
	fdt_str(b, "device_type", "chrp");
	fdt_str(b, "model", "IBM pSeries (vmtool)");
	fdt_str(b, "compatible", "ibm,pseries");
	fdt_str(b, "ibm,partition-name", vm->cfg->name);
	fdt_u32(b, "interrupt-parent", PPC_PHANDLE_IRQ);
	/* The rest of them are KVM's. */
	if (vm->arch->irq == &ppc_xive_ops)
		fdt_cells(b, "ibm,plat-res-int-priorities", reserved, ARRAY_SIZE(reserved));
	chosen(vm, b);
	cpus(vm, b);
	memory_node(vm, b);
	ppc_rtas_fdt(vm, b);
	vm->arch->irq->fdt(vm, b);
	ppc_pci_fdt(vm, b);
	list_for_each_entry(dev, &vm->devices, node)
		if (dev->ops->fdt)
			dev->ops->fdt(dev, b);
	fdt_end(b);
}
