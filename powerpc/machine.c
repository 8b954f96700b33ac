// SPDX-License-Identifier: GPL-2.0
/*
 * The pseries machine (LoPAR): a partition under a hypervisor, which is KVM-HV and us.
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/bits.h>
#include <linux/kernel.h>
#include <vmtool/arch.h>
#include <vmtool/device.h>
#include <vmtool/log.h>
#include <vmtool/props.h>
#include <vmtool/size.h>
#include <vmtool/virtio.h>
#include <vmtool/vm.h>

#include "powerpc.h"

#define HTAB_SHIFT_MIN	18
#define HTAB_SHIFT_MAX	46
#define TCE_PAGE_SHIFT	12

const char arch_kernel_name[] = "powerpc";
const unsigned int arch_kernel_protos = BIT(KERNEL_FDT);
const char arch_qmp_target[] = "ppc64";
const char *const arch_kernel_images[] = { "zImage.pseries", "zImage", NULL };
const bool arch_serial_is_hvc = true;

static const char *const irqchips[] = {
	[PPC_IRQCHIP_AUTO] = "auto",
	[PPC_IRQCHIP_XICS] = "xics",
	[PPC_IRQCHIP_XICS_USER] = "xics-user",
	[PPC_IRQCHIP_XIVE] = "xive",
	NULL
};

const struct prop arch_props[] = {
	{
		.name = "threads", .type = PROP_UINT, .offset = offsetof(struct ppc_conf, threads),
		.def = "1", .min = 1, .max = 8, .arg = "N",
		.help = "threads of a core: 1 (default), 2, 4 or 8",
	},
	{
		.name = "irqchip", .type = PROP_ENUM, .offset = offsetof(struct ppc_conf, irqchip),
		.def = "auto", .choices = irqchips, .arg = "KIND",
		.help = "interrupt controller: auto (default), xics, xics-user or xive",
	},
	{ }
};

const size_t arch_conf_size = sizeof(struct ppc_conf);

/* A panic is told by RTAS; a kernel that was built without does so by rebooting. */
void arch_default_params(const struct vm *vm, char *buf, size_t size)
{
	snprintf(buf, size, "console=hvc0 panic=-1");
}

int arch_check_host(void)
{
	return 0;
}

static int check_threads(const struct vm *vm)
{
	unsigned int threads = vm->arch->conf->threads;
	struct kvm_enable_cap cap = { .cap = KVM_CAP_PPC_SMT, .args = { threads } };

	if (threads & (threads - 1)) {
		log_err("--threads %u: a core has 1, 2, 4 or 8 threads", threads);
		return -EINVAL;
	}
	/* Then vCPUs are numbered without holes; before Linux 4.13 they always were. */
	if (vm->vm_fd < 0 || !ioctl(vm->vm_fd, KVM_ENABLE_CAP, &cap) || threads == 1)
		return 0;
	log_err("--threads %u: KVM here refuses: %s", threads, strerror(errno));
	return -errno;
}

static int check_cpus(const struct vm *vm)
{
	int max;

	if (vm->vm_fd < 0)
		return 0;
	max = ioctl(vm->vm_fd, KVM_CHECK_EXTENSION, KVM_CAP_MAX_VCPUS);
	if (max <= 0 || vm->cfg->nr_cpus <= max)
		return 0;
	log_err("-c %u: KVM here runs at most %d vCPUs", vm->cfg->nr_cpus, max);
	return -EINVAL;
}

static int check_options(struct vm *vm)
{
	if (vm->cfg->transport == VIRTIO_TRANSPORT_MMIO) {
		log_err("--virtio-transport mmio: pseries machines have virtio on PCI only");
		return -EINVAL;
	}
	return check_cpus(vm) ?: check_threads(vm);
}

static int create_memory(struct vm *vm)
{
	const struct vm_memory all = { .size = vm->cfg->mem };
	char asked[24];

	if (vm->cfg->mem <= PPC_MEMORY_MAX)
		return vm_add_memory(vm, &all, 1);
	log_err("-m %s: a pseries machine has at most 32 TiB",
		format_size(vm->cfg->mem, asked, sizeof(asked)));
	return -EINVAL;
}

/* One page table entry of 16 bytes for 128 bytes of memory, as PAPR advises. */
static int create_htab(struct vm *vm)
{
	u32 shift = HTAB_SHIFT_MIN;

	if (vm->arch->host.radix)
		return 0;
	while (shift < HTAB_SHIFT_MAX && (1ULL << shift) < vm->cfg->mem / 128)
		shift++;
	if (vm->vm_fd >= 0 && ioctl(vm->vm_fd, KVM_PPC_ALLOCATE_HTAB, &shift) < 0) {
		log_err("cannot allocate the guest's page table: %s", strerror(errno));
		return -errno;
	}
	vm->arch->htab_shift = shift;
	return 0;
}

/* DMA addresses of devices; virtio without an IOMMU has no use for them. */
static int create_tce(struct vm *vm)
{
	struct kvm_create_spapr_tce_64 tce = {
		.liobn = PPC_TCE_LIOBN, .page_shift = TCE_PAGE_SHIFT,
		.size = PPC_TCE_LEN >> TCE_PAGE_SHIFT,
	};
	int fd;

	if (vm->vm_fd < 0)
		return 0;
	fd = ioctl(vm->vm_fd, KVM_CREATE_SPAPR_TCE_64, &tce);
	if (fd < 0) {
		log_err("cannot create the guest's DMA window: %s", strerror(errno));
		return -errno;
	}
	vm->arch->tce_fd = fd;
	return 0;
}

static void destroy_tce(struct vm *vm)
{
	if (vm->arch->tce_fd >= 0)
		close(vm->arch->tce_fd);
	vm->arch->tce_fd = -1;
}

static int enable_hcalls(struct vm *vm)
{
	/* What KVM knows besides those that it always had. */
	static const u64 hcalls[] = {
		0x31c,	/* H_SET_MODE */
		0x300,	/* H_RANDOM */
		0x13c,	/* H_PUT_TCE_INDIRECT */
		0x138,	/* H_STUFF_TCE */
		0x2c,	/* H_PAGE_INIT */
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(hcalls) && vm->vm_fd >= 0; i++) {
		struct kvm_enable_cap cap = {
			.cap = KVM_CAP_PPC_ENABLE_HCALL, .args = { hcalls[i], 1 },
		};

		if (ioctl(vm->vm_fd, KVM_ENABLE_CAP, &cap) < 0)
			log_debug("KVM here does not know hypercall 0x%llx",
				  (unsigned long long)hcalls[i]);
	}
	return 0;
}

static bool has_device(const struct vm *vm, u32 type)
{
	struct kvm_create_device dev = { .type = type, .flags = KVM_CREATE_DEVICE_TEST };

	return vm->vm_fd >= 0 && !ioctl(vm->vm_fd, KVM_CREATE_DEVICE, &dev);
}

/* What only a kernel with the driver for XIVE has in it. */
#define XIVE_NODE	"ibm,power-ivpe"

/*
 * Hosts from POWER9 on have XIVE, and kernels that were built with it can use it. All know
 * XICS, for which KVM is only needed to be fast.
 */
static const struct ppc_irq_ops *best_irqchip(struct vm *vm, bool xive)
{
	if (xive && kernel_image_has(&vm->kernel, XIVE_NODE))
		return &ppc_xive_ops;
	if (vm->vm_fd < 0 || has_device(vm, KVM_DEV_TYPE_XICS))
		return &ppc_xics_ops;
	log_debug("KVM here has no interrupt controller for this guest: XICS is emulated");
	return &ppc_xics_user_ops;
}

static int choose_irqchip(struct vm *vm)
{
	bool xive = has_device(vm, KVM_DEV_TYPE_XIVE);

	switch (vm->arch->conf->irqchip) {
	case PPC_IRQCHIP_XIVE:
		vm->arch->irq = &ppc_xive_ops;
		if (xive)
			break;
		log_err("--irqchip xive: KVM here does not have it");
		return -EOPNOTSUPP;
	case PPC_IRQCHIP_XICS:
		vm->arch->irq = &ppc_xics_ops;
		break;
	case PPC_IRQCHIP_XICS_USER:
		vm->arch->irq = &ppc_xics_user_ops;
		break;
	default:
		vm->arch->irq = best_irqchip(vm, xive);
	}
	return 0;
}

int ppc_add_lines(struct vm *vm)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < PPC_NR_GSI && !ret; i++)
		ret = vm->arch->irq->add(vm, PPC_IRQ_LINES + i,
					 i < PPC_GSI_PCI ? IRQ_EDGE : IRQ_LEVEL);
	return ret;
}

static int create_irqchip(struct vm *vm)
{
	int ret = choose_irqchip(vm);
	bool in_kvm = vm->arch->irq != &ppc_xics_user_ops;

	irqchip_init(&vm->irqchip, in_kvm ? vm->vm_fd : -1, PPC_NR_GSI);
	vm->irqchip.line_base = PPC_IRQ_LINES;
	vm->irqchip.gsi_base = PPC_IRQ_LINES;
	vm->irqchip.msi_line = ppc_msi_line;
	return ret ?: vm->arch->irq->create(vm);
}

/* KVM-HV where there is also another one. */
int arch_vm_type(const struct vm *vm, unsigned long *type)
{
	*type = 0;
	return 0;
}

int arch_vcpus_created(struct vm *vm)
{
	return 0;
}

static const struct device_type devices[] = {
	{ ppc_epow_create },
	{ ppc_nvram_create },
	{ }
};

static const struct device_type terminal[] = {
	{ ppc_vty_create },
	{ }
};

int arch_vm_init(struct vm *vm)
{
	int ret;

	vm->arch = calloc(1, sizeof(*vm->arch));
	if (!vm->arch)
		return -ENOMEM;
	vm->arch->conf = vm->cfg->arch;
	vm->arch->irq_fd = -1;
	vm->arch->tce_fd = -1;
	pthread_mutex_init(&vm->arch->lock, NULL);
	ret = check_options(vm);
	ret = ret ?: ppc_host_init(vm);
	ret = ret ?: create_irqchip(vm);
	ret = ret ?: create_memory(vm);
	ret = ret ?: create_htab(vm);
	ret = ret ?: enable_hcalls(vm);
	ret = ret ?: create_tce(vm);
	ret = ret ?: devices_realize(vm, devices);
	/* The virtio console would not be hvc0 beside it. */
	if (!vm->virtio_console)
		ret = ret ?: devices_realize(vm, terminal);
	return ret ?: virtio_devices_realize(vm);
}

void arch_vm_destroy(struct vm *vm)
{
	if (!vm->arch)
		return;
	destroy_tce(vm);
	if (vm->arch->irq && vm->arch->irq->destroy)
		vm->arch->irq->destroy(vm);
	if (vm->arch->irq_fd >= 0)
		close(vm->arch->irq_fd);
	pthread_mutex_destroy(&vm->arch->lock);
	free(vm->arch);
	vm->arch = NULL;
}

/* Tables that the guest gave KVM are forgotten. */
static int reset_mmu(struct vm *vm)
{
	struct kvm_ppc_mmuv3_cfg cfg = {
		.flags = KVM_PPC_MMUV3_RADIX | KVM_PPC_MMUV3_GTSE,
		.process_table = 1ULL << 63,
	};

	if (!vm->arch->host.radix)
		return create_htab(vm);
	return ioctl(vm->vm_fd, KVM_PPC_CONFIGURE_V3_MMU, &cfg) < 0 ? -errno : 0;
}

int arch_vm_reset(struct vm *vm)
{
	int ret = reset_mmu(vm);

	pthread_mutex_lock(&vm->arch->lock);
	memset(vm->arch->msis, 0, sizeof(vm->arch->msis));
	vm->arch->lpcr = vm->arch->lpcr_initial;
	pthread_mutex_unlock(&vm->arch->lock);
	ret = ret ?: vm->arch->irq->reset(vm);
	destroy_tce(vm);
	return ret ?: create_tce(vm);
}

int arch_place_memory(struct vm *vm, u64 size, u64 align, u64 *addr)
{
	u64 start = max_t(u64, vm->placed, gmem_end(&vm->gmem, ~0ULL));

	start = (start + align - 1) & ~(align - 1);
	if (start > PPC_MEMORY_MAX || size > PPC_MEMORY_MAX - start)
		return -ENOSPC;
	vm->placed = start + size;
	*addr = start;
	return 0;
}

int arch_powerdown(struct vm *vm)
{
	return ppc_epow_press(vm->arch->epow);
}

bool arch_host_can_virtualize(void)
{
	return true;
}

int arch_dump_acpi(struct vm *vm, const char *dir)
{
	return -EOPNOTSUPP;
}

void arch_describe(struct vm *vm, FILE *out)
{
	const struct vm_arch *arch = vm->arch;

	fprintf(out, "threads of a core: %u\n", arch->conf->threads);
	fprintf(out, "page tables: %s\n", arch->host.radix ? "radix" : "hash");
	fprintf(out, "interrupts: %s\n", arch->irq->name);
	fprintf(out, "device tree: 0x%llx, %zu bytes\n", (unsigned long long)arch->fdt,
		arch->fdt_len);
}
