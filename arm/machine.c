// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/bits.h>
#include <linux/kconfig.h>
#include <linux/kernel.h>
#include <linux/sizes.h>
#include <vmtool/arch.h>
#include <vmtool/device.h>
#include <vmtool/hw.h>
#include <vmtool/log.h>
#include <vmtool/pci.h>
#include <vmtool/props.h>
#include <vmtool/size.h>
#include <vmtool/virtio.h>
#include <vmtool/virtio_mmio.h>
#include <vmtool/vm.h>

#include "arm.h"
#include "fdt.h"

/* KVM's own choice where it is not told. */
#define DEFAULT_IPA_BITS	40

const char arch_kernel_name[] = "arm64";
const unsigned int arch_kernel_protos = BIT(KERNEL_FDT) | BIT(KERNEL_ARM32);
const char arch_qmp_target[] = "aarch64";
const char *const arch_kernel_images[] = { "Image", "vmlinuz.efi", "Image.gz", NULL };
const bool arch_serial_is_hvc;

static const char *const switch_names[] = { "auto", "on", "off", NULL };
static const char *const irqchip_names[] = { "auto", "gicv3", "gicv2", NULL };

#define ARM_SWITCH(opt, text) {						\
	.name = #opt, .type = PROP_ENUM, .offset = offsetof(struct arm_conf, opt), \
	.def = "auto", .choices = switch_names, .arg = "on|off|auto", .help = text, \
}

const struct prop arch_props[] = {
	{
		.name = "irqchip", .type = PROP_ENUM,
		.offset = offsetof(struct arm_conf, irqchip), .def = "auto",
		.choices = irqchip_names, .arg = "gicv3|gicv2|auto",
		.help = "interrupt controller (default: the newest the host has)",
	},
	ARM_SWITCH(pmu, "performance counters (default: where the host has them)"),
	ARM_SWITCH(sve, "scalable vectors (default: where the host has them)"),
	ARM_SWITCH(pauth, "pointer authentication (default: where the host has it)"),
	ARM_SWITCH(mte, "memory tagging (default: where the host has it)"),
	{
		.name = "acpi", .type = PROP_BOOL, .offset = offsetof(struct arm_conf, acpi),
		.def = "off", .arg = "on|off",
		.help = "describe the machine by ACPI tables, not by a device tree",
	},
	{ }
};

const size_t arch_conf_size = sizeof(struct arm_conf);

/*
 * An early console speaks before the real one is there: Linux drops that then, and
 * prints nothing twice. RTS holds back input that comes too fast.
 */
#define PARAMS_SERIAL	"console=ttyAMA0,115200n8r"
#define PARAMS_VIRTIO	"console=hvc0"

void arch_default_params(const struct vm *vm, char *buf, size_t size)
{
	snprintf(buf, size, "earlycon=pl011,0x%lx %s panic=-1",
		 vm->virtio_console ? ARM_EARLY_UART : ARM_UART,
		 vm->virtio_console ? PARAMS_VIRTIO : PARAMS_SERIAL);
}

int arch_check_host(void)
{
	return 0;
}

bool arch_host_can_virtualize(void)
{
	return true;
}

/* --- devices -------------------------------------------------------------------------- */

const struct pci_host_conf arch_pci_host = {
	.ecam = ARM_PCI_ECAM, .mem = ARM_PCI_MEM, .mem_len = ARM_PCI_MEM_LEN,
	.gsi = ARM_GSI_PCI,
};

bool arch_virtio_mmio(unsigned int index, u64 *base, u32 *gsi)
{
	*base = ARM_VIRTIO_MMIO + index * VIRTIO_MMIO_LEN;
	*gsi = ARM_GSI_VIRTIO + index % (ARM_NR_GSI - ARM_GSI_VIRTIO);
	return index < ARM_VIRTIO_MMIO_MAX;
}

static struct device *create_serial(void)
{
	return pl011_create((struct hw_mmio) { ARM_UART, ARM_GSI_UART }, PHANDLE_CLOCK);
}

#ifdef CONFIG_PL031
static struct device *create_rtc(void)
{
	return pl031_create((struct hw_mmio) { ARM_RTC, ARM_GSI_RTC }, PHANDLE_CLOCK);
}
#endif

#ifdef CONFIG_PVPANIC
static struct device *create_pvpanic(void)
{
	return pvpanic_create_mmio(ARM_PVPANIC);
}
#endif

/* The machine's devices, in the order they are switched on and described. */
static const struct device_type arm_devices[] = {
	{ create_serial },
#ifdef CONFIG_PL031
	{ create_rtc },
#endif
#ifdef CONFIG_PVPANIC
	{ create_pvpanic },
#endif
	{ }
};

#ifdef CONFIG_PL061
static struct device *create_gpio(void)
{
	return pl061_create((struct hw_mmio) { ARM_GPIO, ARM_GSI_GPIO }, PHANDLE_CLOCK,
			    PHANDLE_GPIO);
}

static int press_gpio(struct device *dev)
{
	return pl061_press_power(dev);
}
#else
static struct device *create_gpio(void)
{
	return NULL;
}

static int press_gpio(struct device *dev)
{
	return -ENOTSUP;
}
#endif

/* What is printed before there is a virtio console. */
static int add_early_uart(struct vm *vm)
{
#ifdef CONFIG_VIRTIO_CONSOLE
	struct device *dev;

	if (!vm->virtio_console)
		return 0;
	dev = early_uart_create(ARM_EARLY_UART, PL011_FLAGS, PL011_FLAGS_IDLE);
	return dev ? devices_add(vm, dev) : -ENOMEM;
#else
	return 0;
#endif
}

/* ACPI has an event device for it, device trees have a GPIO's line. */
static int add_power_button(struct vm *vm)
{
	struct hw_mmio event = { ARM_ACPI_EVENT, ARM_GSI_ACPI_EVENT };

	if (vm->arch->conf->acpi)
		vm->arch->power = acpi_pm_create_mmio(event);
	else if (IS_ENABLED(CONFIG_PL061))
		vm->arch->power = create_gpio();
	else
		return 0;
	return vm->arch->power ? devices_add(vm, vm->arch->power) : -ENOMEM;
}

/* The guest's ACPI listens once it has enabled the event device's interrupt. */
static int press_event(struct vm *vm)
{
	bool held = vm->run.state != RUN_RUNNING || runstate_held(&vm->run), enabled;

	if (!held)
		vcpus_hold(vm);
	enabled = arm_gic_line_enabled(vm, ARM_GSI_ACPI_EVENT);
	if (!held)
		vcpus_release(vm);
	if (!enabled)
		return -ENOTSUP;
	acpi_pm_press_power(vm->arch->power);
	return 0;
}

int arch_powerdown(struct vm *vm)
{
	return vm->arch->conf->acpi ? press_event(vm) : press_gpio(vm->arch->power);
}

/* --- memory --------------------------------------------------------------------------- */

u64 arm_memory_end(const struct vm *vm)
{
	return ARM_MEMORY + vm->cfg->mem;
}

static u64 steal_start(const struct vm *vm)
{
	return (arm_memory_end(vm) + ARM_STEAL_ALIGN - 1) & ~(ARM_STEAL_ALIGN - 1);
}

static u64 steal_size(const struct vm *vm)
{
	u64 size = vm->cfg->nr_cpus * ARM_STEAL_LEN;

	return (size + ARM_STEAL_ALIGN - 1) & ~(ARM_STEAL_ALIGN - 1);
}

/* What KVM takes by itself is enough for most, and its page tables are the smaller ones. */
int arch_vm_type(const struct vm *vm, unsigned long *type)
{
	int max = ioctl(vm->kvm_fd, KVM_CHECK_EXTENSION, KVM_CAP_ARM_VM_IPA_SIZE);
	u64 end = steal_start(vm) + steal_size(vm);
	char asked[24], most[24];
	int bits = DEFAULT_IPA_BITS;

	*type = 0;
	if (max <= 0)
		max = DEFAULT_IPA_BITS;
	else if (max < bits || end > 1ULL << bits)
		*type = KVM_VM_TYPE_ARM_IPA_SIZE(max);
	if (end <= 1ULL << max)
		return 0;
	log_err("-m %s: this host gives guests %d bits of address, enough for %s",
		format_size(vm->cfg->mem, asked, sizeof(asked)), max,
		format_size(((1ULL << max) - ARM_MEMORY - steal_size(vm)) & ~(SZ_1G - 1ULL), most,
			    sizeof(most)));
	return -EINVAL;
}

static int add_memory(struct vm *vm)
{
	const struct vm_memory memory = { ARM_MEMORY, vm->cfg->mem };
	int ret;

	vm->gmem.copy = vm->arch->mte;
	ret = vm_add_memory(vm, &memory, 1);
	if (ret || vm->vm_fd < 0 || arm_is_32bit(vm) ||
	    ioctl(vm->vm_fd, KVM_CHECK_EXTENSION, KVM_CAP_STEAL_TIME) <= 0)
		return ret;
	vm->arch->steal = steal_start(vm);
	ret = gmem_add(&vm->gmem, vm->arch->steal, steal_size(vm), GMEM_RAM, -1, 0);
	if (ret)
		log_err("cannot reserve memory for steal time: %s", strerror(-ret));
	return ret;
}

int arch_place_memory(struct vm *vm, u64 size, u64 align, u64 *addr)
{
	u64 start = max_t(u64, vm->placed, gmem_end(&vm->gmem, ~0ULL));
	unsigned int bits = arm_is_32bit(vm) ? ARM32_ADDRESS_BITS : vm->arch->ipa_bits;
	u64 max = 1ULL << bits;

	start = (start + align - 1) & ~(align - 1);
	if (start > max || size > max - start)
		return -ENOSPC;
	vm->placed = start + size;
	*addr = start;
	return 0;
}

/* --- the machine ---------------------------------------------------------------------- */

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

/* What was asked of KVM when the VM was created. */
static unsigned int ipa_bits(const struct vm *vm)
{
	unsigned long type = 0;

	if (vm->vm_fd < 0 || arch_vm_type(vm, &type) || !type)
		return DEFAULT_IPA_BITS;
	return type;
}

/* Guests that KVM cannot suspend are told so by PSCI. */
static void enable_suspend(const struct vm *vm)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_ARM_SYSTEM_SUSPEND };

	if (vm->vm_fd >= 0 && ioctl(vm->vm_fd, KVM_ENABLE_CAP, &cap) < 0)
		log_debug("KVM here cannot suspend guests: %s", strerror(errno));
}

/* An access that KVM cannot decode ends the guest by a message instead of -ENOSYS. */
static void enable_nisv(const struct vm *vm)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_ARM_NISV_TO_USER };

	if (vm->vm_fd >= 0 && ioctl(vm->vm_fd, KVM_ENABLE_CAP, &cap) < 0)
		log_debug("KVM here does not tell of accesses that it cannot decode");
}

int arch_vm_init(struct vm *vm)
{
	int ret;

	vm->arch = calloc(1, sizeof(*vm->arch));
	if (!vm->arch)
		return -ENOMEM;
	vm->arch->conf = vm->cfg->arch;
	vm->arch->gic.fd = -1;
	vm->arch->gic.its_fd = -1;
	vm->arch->ipa_bits = ipa_bits(vm);
	enable_suspend(vm);
	enable_nisv(vm);
	ret = check_cpus(vm);
	if (!ret && arm_is_32bit(vm))
		ret = arm32_check(vm);
	ret = ret ?: arm_cpu_features(vm);
	ret = ret ?: arm_gic_create(vm);
	ret = ret ?: add_memory(vm);
	ret = ret ?: devices_realize(vm, arm_devices);
	ret = ret ?: add_early_uart(vm);
	ret = ret ?: add_power_button(vm);
	if (!ret && vm->arch->conf->acpi)
		ret = arm_efi_init(vm);
	return ret ?: virtio_devices_realize(vm);
}

int arch_vcpus_created(struct vm *vm)
{
	int ret = arm_gic_finish(vm);

	return ret ?: arm_cpus_finish(vm);
}

void arch_vm_destroy(struct vm *vm)
{
	if (!vm->arch)
		return;
	arm_gic_destroy(vm);
	bus_unmap(&vm->mmio, &vm->arch->efi.clock);
	free(vm->arch);
	vm->arch = NULL;
}

int arch_vm_reset(struct vm *vm)
{
	return arm_gic_reset(vm);
}

void arch_describe(struct vm *vm, FILE *out)
{
	fprintf(out, "memory map: 0x%012llx-0x%012llx RAM\n", (unsigned long long)ARM_MEMORY,
		(unsigned long long)arm_memory_end(vm) - 1);
	fprintf(out, "described by: %s\n", vm->arch->conf->acpi ? "ACPI" : "device tree");
	fprintf(out, "interrupt controller: GICv%u%s\n", vm->arch->gic.version,
		vm->arch->gic.version == 2 ? " with v2m" :
		vm->arch->gic.has_its ? " with ITS" : "");
}
