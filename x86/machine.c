// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <cpuid.h>

#include <linux/bits.h>
#include <linux/kernel.h>
#include <linux/serial_reg.h>
#include <vmtool/arch.h>
#include <vmtool/hw.h>
#include <vmtool/log.h>
#include <vmtool/size.h>
#include <vmtool/virtio.h>
#include <vmtool/vm.h>

#include "layout.h"
#include "x86.h"

#define PAGE	4096UL

/* CPUID 1 ECX and 0x80000001 ECX: hardware virtualization by Intel, by AMD. */
#define CPUID_VMX	BIT(5)
#define CPUID_SVM	BIT(2)

const char arch_kernel_name[] = "x86";
const unsigned int arch_kernel_protos = BIT(KERNEL_PVH) | BIT(KERNEL_LINUX64);
const char arch_qmp_target[] = "x86_64";
const char *const arch_kernel_images[] = { "bzImage", NULL };
const bool arch_serial_is_hvc;

/*
 * RTS holds back input that comes too fast. Before hvc0 is there an early console
 * speaks for it: Linux drops that when the real one has come, and prints nothing
 * twice. It is not told a speed: there is none.
 */
#define PARAMS_SERIAL	"console=ttyS0,115200n8r"
#define PARAMS_VIRTIO	"earlycon=uart8250,mmio,0x%lx console=hvc0"

/*
 * A kernel without pvpanic reboots at once after a panic, which ends the guest. Where
 * there is no PCI bus it need not be looked for, and one that is there has nothing that
 * is to be seen to before the rest. There is one serial port at most.
 */
#define PARAMS_NO_PCI	"pci=off"
#define PARAMS_PCI	"pci=noearly"
#define PARAMS_PORTS	"8250.nr_uarts=1"

void arch_default_params(const struct vm *vm, char *buf, size_t size)
{
	char console[64] = PARAMS_SERIAL;

	if (vm->virtio_console)
		snprintf(console, sizeof(console), PARAMS_VIRTIO, X86_EARLY_UART);
	snprintf(buf, size, "%s panic=-1 %s " PARAMS_PORTS "%s", console,
		 x86_wants_pci(vm) ? PARAMS_PCI : PARAMS_NO_PCI,
		 vm->cfg->hang ? " unknown_nmi_panic" : "");
}

int arch_check_host(void)
{
	return 0;
}

static struct device *create_serial(void)
{
	return uart16550_create(X86_PORT_SERIAL, X86_GSI_SERIAL);
}

#ifdef CONFIG_PVPANIC
static struct device *create_pvpanic(void)
{
	return pvpanic_create(X86_PORT_PVPANIC);
}
#endif

#ifdef CONFIG_CMOS_RTC
static struct device *create_rtc(void)
{
	return cmos_rtc_create(X86_PORT_RTC);
}
#endif

static struct device *create_acpi_pm(void)
{
	return acpi_pm_create(X86_PORT_ACPI, X86_GSI_ACPI_EVENT);
}

/* The machine's devices, in the order they are switched on and described. */
static const struct device_type x86_devices[] = {
	{ create_acpi_pm },
	{ x86_reset_create },
#ifdef CONFIG_CMOS_RTC
	{ create_rtc },
#endif
	{ create_serial },
#ifdef CONFIG_PVPANIC
	{ create_pvpanic },
#endif
	{ }
};

static int check_cpus(struct vm *vm)
{
	int max;

	if (vm->kvm_fd < 0)
		return 0;
	max = ioctl(vm->kvm_fd, KVM_CHECK_EXTENSION, KVM_CAP_MAX_VCPUS);
	if (max <= 0)
		max = 4;	/* what the KVM API documents for this case */
	if (vm->cfg->nr_cpus <= max)
		return 0;
	log_err("-c %u: KVM here runs at most %d vCPUs", vm->cfg->nr_cpus, max);
	return -EINVAL;
}

static unsigned int physical_bits(void)
{
	u32 eax, ebx, ecx, edx;

	if (!__get_cpuid(0x80000008, &eax, &ebx, &ecx, &edx))
		return 36;
	return eax & 0xff;
}

/*
 * Without nested paging KVM tracks each page of guest memory by 8 bytes of its
 * own, taken at once: too many of them would not fail, they would end other
 * processes for want of memory.
 */
static bool can_track(const struct vm *vm, u64 mem, u64 *limit)
{
	*limit = (u64)sysconf(_SC_PHYS_PAGES) * PAGE / 4 * 512;
	return vm->kvm_fd < 0 || arch_host_can_virtualize() || mem <= *limit;
}

static int check_tracking(struct vm *vm)
{
	char asked[24], most[24];
	u64 limit;

	if (can_track(vm, vm->cfg->mem, &limit))
		return 0;
	log_err("-m %s: KVM here interprets code and could track at most %s",
		format_size(vm->cfg->mem, asked, sizeof(asked)),
		format_size(limit & ~((1ULL << 30) - 1), most, sizeof(most)));
	return -EINVAL;
}

static u64 address_limit(void)
{
	return 1ULL << min_t(unsigned int, physical_bits(), 52);
}

static int check_memory(u64 mem)
{
	char asked[24], most[24];
	u64 max = address_limit();

	/* The hole below 4 GiB moves the top of memory up. */
	if (mem + (X86_ABOVE_4G - X86_LOW_MEMORY_END) <= max && mem < max)
		return 0;
	log_err("-m %s: this CPU addresses at most %s", format_size(mem, asked, sizeof(asked)),
		format_size(max, most, sizeof(most)));
	return -EINVAL;
}

static struct kvm_irq_routing_entry irqchip_route(u32 gsi, u32 chip, u32 pin)
{
	return (struct kvm_irq_routing_entry) {
		.gsi = gsi, .type = KVM_IRQ_ROUTING_IRQCHIP,
		.u.irqchip = { .irqchip = chip, .pin = pin },
	};
}

/* What KVM_CREATE_IRQCHIP sets up: ISA lines reach a PIC and the I/O APIC. */
static int set_fixed_routes(struct irqchip *chip)
{
	struct kvm_irq_routing_entry routes[X86_NR_GSI + X86_NR_ISA];
	u32 i, n = 0;

	for (i = 0; i < X86_NR_GSI; i++) {
		routes[n++] = irqchip_route(i, KVM_IRQCHIP_IOAPIC, i);
		if (i < X86_NR_ISA)
			routes[n++] = irqchip_route(i, i / 8, i % 8);
	}
	return irqchip_set_fixed(chip, routes, n);
}

static int create_irqchip(struct vm *vm)
{
	struct kvm_enable_cap x2apic = { .cap = KVM_CAP_X2APIC_API };
	struct kvm_pit_config pit = { .flags = KVM_PIT_SPEAKER_DUMMY };
	u64 identity = X86_KVM_IDENTITY_MAP;
	int ret;

	irqchip_init(&vm->irqchip, vm->vm_fd, X86_NR_GSI);
	ret = set_fixed_routes(&vm->irqchip);
	if (ret || vm->vm_fd < 0)
		return ret;
	x2apic.args[0] = KVM_X2APIC_API_USE_32BIT_IDS | KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK;
	if (ioctl(vm->vm_fd, KVM_SET_IDENTITY_MAP_ADDR, &identity) < 0 ||
	    ioctl(vm->vm_fd, KVM_SET_TSS_ADDR, X86_KVM_TSS) < 0 ||
	    ioctl(vm->vm_fd, KVM_CREATE_IRQCHIP, 0) < 0 ||
	    /* Costs nothing until a kernel without other clocks calibrates by it. */
	    ioctl(vm->vm_fd, KVM_CREATE_PIT2, &pit) < 0 ||
	    (vm->cfg->nr_cpus >= X86_XAPIC_MAX_CPUS &&
	     ioctl(vm->vm_fd, KVM_ENABLE_CAP, &x2apic) < 0)) {
		log_err("cannot create the interrupt controller: %s", strerror(errno));
		return -errno;
	}
	return 0;
}

static int capture_irqchip(struct vm *vm)
{
	int i;

	if (vm->vm_fd < 0)
		return 0;
	for (i = 0; i < ARRAY_SIZE(vm->arch->irqchips); i++) {
		vm->arch->irqchips[i].chip_id = i;
		if (ioctl(vm->vm_fd, KVM_GET_IRQCHIP, &vm->arch->irqchips[i]) < 0)
			return -errno;
	}
	return ioctl(vm->vm_fd, KVM_GET_PIT2, &vm->arch->pit) < 0 ? -errno : 0;
}

int arch_vm_reset(struct vm *vm)
{
	/* The slave first: what it still asserts, the master would latch. */
	static const u8 order[] = {
		KVM_IRQCHIP_PIC_SLAVE, KVM_IRQCHIP_PIC_MASTER, KVM_IRQCHIP_IOAPIC,
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(order); i++)
		if (ioctl(vm->vm_fd, KVM_SET_IRQCHIP, &vm->arch->irqchips[order[i]]) < 0)
			return -errno;
	return ioctl(vm->vm_fd, KVM_SET_PIT2, &vm->arch->pit) < 0 ? -errno : 0;
}

static int create_memory(struct vm *vm)
{
	u64 mem = vm->cfg->mem, low = min_t(u64, mem, X86_LOW_MEMORY_END);
	const struct vm_memory parts[] = {
		{ 0, low }, { X86_ABOVE_4G, mem - low },
	};
	int ret = check_memory(mem) ?: check_tracking(vm);

	return ret ?: vm_add_memory(vm, parts, mem > low ? 2 : 1);
}

int arch_place_memory(struct vm *vm, u64 size, u64 align, u64 *addr)
{
	u64 start = max_t(u64, vm->placed, gmem_end(&vm->gmem, ~0ULL));
	u64 max = address_limit(), limit;

	start = max_t(u64, start, X86_ABOVE_4G);
	start = (start + align - 1) & ~(align - 1);
	if (start > max || size > max - start)
		return -ENOSPC;
	if (!can_track(vm, gmem_total(&vm->gmem) + size, &limit))
		return -ENOMEM;
	vm->placed = start + size;
	*addr = start;
	return 0;
}

static struct device *find_device(struct vm *vm, const char *name)
{
	struct device *dev;

	list_for_each_entry(dev, &vm->devices, node)
		if (!strcmp(dev->name, name))
			return dev;
	return NULL;
}

static int init_kvm_state(struct vm *vm)
{
	int khz, ret;

	if (vm->vm_fd < 0)
		return 0;
	/* A VM-wide answer is newer than a vCPU's; /dev/kvm has none. */
	khz = ioctl(vm->vm_fd, KVM_GET_TSC_KHZ, 0);
	if (khz > 0)
		vm->arch->tsc_khz = khz;
	ret = capture_irqchip(vm);
	if (ret) {
		log_err("cannot read the interrupt controller: %s", strerror(-ret));
		return ret;
	}
	return x86_cpuid_init(vm);
}

/* What is printed before there is a virtio console. */
static int add_early_uart(struct vm *vm)
{
#ifdef CONFIG_VIRTIO_CONSOLE
	struct device *dev;

	if (!vm->virtio_console)
		return 0;
	dev = early_uart_create(X86_EARLY_UART, UART_LSR, UART_LSR_TEMT | UART_LSR_THRE);
	return dev ? devices_add(vm, dev) : -ENOMEM;
#else
	return 0;
#endif
}

int arch_vm_type(const struct vm *vm, unsigned long *type)
{
	*type = 0;
	return 0;
}

int arch_vm_init(struct vm *vm)
{
	int ret;

	vm->arch = calloc(1, sizeof(*vm->arch));
	if (!vm->arch)
		return -ENOMEM;
	ret = check_cpus(vm);
	ret = ret ?: create_irqchip(vm);
	ret = ret ?: create_memory(vm);
	ret = ret ?: init_kvm_state(vm);
	ret = ret ?: devices_realize(vm, x86_devices);
	ret = ret ?: add_early_uart(vm);
	ret = ret ?: virtio_devices_realize(vm);
	ret = ret ?: x86_virtio_cmdline(vm);
	if (!ret)
		vm->arch->acpi_pm = find_device(vm, "acpi");
	return ret;
}

int arch_vcpus_created(struct vm *vm)
{
	return 0;
}

void arch_vm_destroy(struct vm *vm)
{
	if (!vm->arch)
		return;
	free(vm->arch->state.msrs);
	free(vm->arch->cpuid);
	free(vm->arch);
	vm->arch = NULL;
}

/* The guest's ACPI listens once it has unmasked the event device's line. */
int arch_powerdown(struct vm *vm)
{
	struct kvm_irqchip chip = { .chip_id = KVM_IRQCHIP_IOAPIC };

	if (ioctl(vm->vm_fd, KVM_GET_IRQCHIP, &chip) < 0)
		return -errno;
	if (chip.chip.ioapic.redirtbl[X86_GSI_ACPI_EVENT].fields.mask)
		return -ENOTSUP;
	acpi_pm_press_power(vm->arch->acpi_pm);
	return 0;
}

bool arch_host_can_virtualize(void)
{
	u32 eax, ebx, ecx, edx;

	if (__get_cpuid(1, &eax, &ebx, &ecx, &edx) && (ecx & CPUID_VMX))
		return true;
	return __get_cpuid(0x80000001, &eax, &ebx, &ecx, &edx) && (ecx & CPUID_SVM);
}

static int place_initrd(struct vm *vm, u64 *addr)
{
	u64 top = gmem_end(&vm->gmem, X86_LOW_MEMORY_END);

	top = min_t(u64, top, vm->kernel.initrd_max + 1) & ~(PAGE - 1);
	*addr = (top - vm->initrd.total) & ~(PAGE - 1);
	if (vm->initrd.total > top || *addr < vm->kernel.end) {
		log_err("initrd: %llu MiB do not fit above the kernel; use a larger -m",
			(unsigned long long)(vm->initrd.total + (1 << 20) - 1) >> 20);
		return -EFBIG;
	}
	return 0;
}

int arch_load(struct vm *vm)
{
	u64 initrd = 0;
	int ret;

	ret = kernel_image_load(&vm->kernel, &vm->gmem);
	if (!ret && vm->initrd.total) {
		ret = place_initrd(vm, &initrd);
		ret = ret ?: initrd_load(&vm->initrd, &vm->gmem, initrd);
	}
	ret = ret ?: x86_boot_setup(vm, initrd);
	if (ret)
		return ret;
	ret = x86_acpi_build(vm, NULL, NULL);
	return ret ?: x86_mptable_build(&vm->gmem, vm->cfg->nr_cpus);
}

int arch_dump_dtb(struct vm *vm, const char *file)
{
	log_err("--dump-dtb %s: x86 machines have no device tree; say --dump-acpi DIR", file);
	return -EOPNOTSUPP;
}

void arch_describe(struct vm *vm, FILE *out)
{
	struct x86_range map[X86_MAX_RANGES];
	int i, n = x86_memory_map(vm->cfg->mem, map);

	for (i = 0; i < n; i++)
		fprintf(out, "memory map: 0x%012llx-0x%012llx type %u\n",
			(unsigned long long)map[i].start,
			(unsigned long long)(map[i].start + map[i].size - 1), map[i].type);
}
