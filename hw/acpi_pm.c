// SPDX-License-Identifier: GPL-2.0
/*
 * What is left of ACPI's fixed hardware on a hardware-reduced machine: the
 * sleep and reset registers, and a generic event device that tells of the power
 * button.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include <linux/kernel.h>
#include <vmtool/aml.h>
#include <vmtool/hw.h>
#include <vmtool/log.h>
#include <vmtool/vm.h>

#define SLEEP_ENABLE		0x20
#define SLEEP_TYPE(val)		((val) >> 2 & 7)
#define EVENT_POWER_BUTTON	1

struct acpi_pm {
	struct device dev;
	struct region region;
	struct vm *vm;
	struct irq_line *irq;
	struct bus *bus;
	u64 base;
	bool is_port;
	u32 gsi;
	pthread_mutex_t lock;
	u8 events;
};

static u64 acpi_pm_read(void *priv, u64 off, unsigned int size)
{
	struct acpi_pm *pm = priv;
	u8 events;

	if (off != ACPI_PM_EVENT)
		return 0;
	pthread_mutex_lock(&pm->lock);
	events = pm->events;
	pm->events = 0;
	pthread_mutex_unlock(&pm->lock);
	return events;
}

static void acpi_pm_write(void *priv, u64 off, u64 val, unsigned int size)
{
	struct acpi_pm *pm = priv;

	if (off == ACPI_PM_RESET && val == ACPI_PM_RESET_VALUE)
		runstate_request(&pm->vm->run, RUN_BY_GUEST_RESET);
	else if (off == ACPI_PM_SLEEP_CONTROL && (val & SLEEP_ENABLE) &&
		 SLEEP_TYPE(val) == ACPI_PM_SLP_TYP_S5)
		runstate_request(&pm->vm->run, RUN_BY_GUEST_POWEROFF);
}

static const struct region_ops acpi_pm_region_ops = {
	.read = acpi_pm_read,
	.write = acpi_pm_write,
	.sizes = 1,
};

void acpi_pm_press_power(struct device *dev)
{
	struct acpi_pm *pm = container_of(dev, struct acpi_pm, dev);

	pthread_mutex_lock(&pm->lock);
	pm->events |= EVENT_POWER_BUTTON;
	irq_pulse(pm->irq);
	pthread_mutex_unlock(&pm->lock);
}

static int acpi_pm_realize(struct device *dev, struct vm *vm)
{
	struct acpi_pm *pm = container_of(dev, struct acpi_pm, dev);

	pm->vm = vm;
	pm->irq = irq_get(&vm->irqchip, pm->gsi, IRQ_EDGE);
	if (!pm->irq) {
		log_err("%s: interrupt %u is taken", dev->name, pm->gsi);
		return -EBUSY;
	}
	pm->region.name = dev->name;
	pm->bus = pm->is_port ? &vm->pio : &vm->mmio;
	return bus_map(pm->bus, &pm->region, pm->base, ACPI_PM_LEN, &acpi_pm_region_ops, pm);
}

static void acpi_pm_reset(struct device *dev)
{
	struct acpi_pm *pm = container_of(dev, struct acpi_pm, dev);

	pm->events = 0;
}

static void acpi_pm_destroy(struct device *dev)
{
	struct acpi_pm *pm = container_of(dev, struct acpi_pm, dev);

	if (pm->bus)
		bus_unmap(pm->bus, &pm->region);
	pthread_mutex_destroy(&pm->lock);
	free(pm);
}

static void acpi_pm_event_method(struct aml *dsdt, const struct acpi_pm *pm)
{
	enum aml_space space = pm->is_port ? AML_SYSTEM_IO : AML_SYSTEM_MEMORY;

	aml_op_region(dsdt, "EVTR", space, pm->base + ACPI_PM_EVENT, 1);
	aml_field(dsdt, "EVTR", "EVTS", 8);
	aml_method(dsdt, "_EVT", 1, true);
	aml_store_to_local(dsdt, "EVTS", AML_LOCAL0);
	aml_if_bit(dsdt, AML_LOCAL0, EVENT_POWER_BUTTON);
	aml_notify(dsdt, "\\_SB.PWRB", 0x80);
	aml_end(dsdt);
	aml_end(dsdt);
}

static void acpi_pm_acpi(const struct device *dev, struct aml *dsdt)
{
	const struct acpi_pm *pm = container_of(dev, struct acpi_pm, dev);

	aml_device(dsdt, "PWRB");
	aml_name(dsdt, "_HID");
	aml_eisaid(dsdt, "PNP0C0C");
	aml_name(dsdt, "_UID");
	aml_int(dsdt, 0);
	aml_end(dsdt);

	aml_device(dsdt, "GED");
	aml_name(dsdt, "_HID");
	aml_string(dsdt, "ACPI0013");
	aml_name(dsdt, "_UID");
	aml_int(dsdt, 0);
	aml_name(dsdt, "_CRS");
	aml_resources(dsdt);
	aml_interrupt(dsdt, pm->gsi, AML_IRQ_EDGE);
	aml_end(dsdt);
	acpi_pm_event_method(dsdt, pm);
	aml_end(dsdt);
}

static const struct device_ops acpi_pm_device_ops = {
	.realize = acpi_pm_realize,
	.reset = acpi_pm_reset,
	.destroy = acpi_pm_destroy,
	.acpi = acpi_pm_acpi,
};

static struct device *create(u64 base, bool is_port, u32 gsi)
{
	struct acpi_pm *pm = calloc(1, sizeof(*pm));

	if (!pm)
		return NULL;
	pm->dev.name = "acpi";
	pm->dev.ops = &acpi_pm_device_ops;
	pm->base = base;
	pm->is_port = is_port;
	pm->gsi = gsi;
	pthread_mutex_init(&pm->lock, NULL);
	return &pm->dev;
}

struct device *acpi_pm_create(u16 port, u32 gsi)
{
	return create(port, true, gsi);
}

struct device *acpi_pm_create_mmio(struct hw_mmio at)
{
	return create(at.base, false, at.gsi);
}
