// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>

#include <linux/kernel.h>
#include <vmtool/aml.h>
#include <vmtool/hw.h>
#include <vmtool/vm.h>

/* A crash kernel that was loaded takes over: the guest is not at its end. */
#define PVPANIC_PANICKED	1
#define PVPANIC_CRASHLOADED	2

struct pvpanic {
	struct device dev;
	struct region region;
	struct vm *vm;
	u16 port;
};

static u64 pvpanic_read(void *priv, u64 off, unsigned int size)
{
	return PVPANIC_PANICKED | PVPANIC_CRASHLOADED;
}

static void pvpanic_write(void *priv, u64 off, u64 val, unsigned int size)
{
	struct pvpanic *p = priv;

	if (val & PVPANIC_PANICKED)
		vm_panicked(p->vm);
}

static const struct region_ops pvpanic_region_ops = {
	.read = pvpanic_read,
	.write = pvpanic_write,
	.sizes = 1,
};

static int pvpanic_realize(struct device *dev, struct vm *vm)
{
	struct pvpanic *p = container_of(dev, struct pvpanic, dev);

	p->vm = vm;
	p->region.name = dev->name;
	return bus_map(&vm->pio, &p->region, p->port, 1, &pvpanic_region_ops, p);
}

static void pvpanic_destroy(struct device *dev)
{
	struct pvpanic *p = container_of(dev, struct pvpanic, dev);

	if (p->vm)
		bus_unmap(&p->vm->pio, &p->region);
	free(p);
}

static void pvpanic_acpi(const struct device *dev, struct aml *dsdt)
{
	const struct pvpanic *p = container_of(dev, struct pvpanic, dev);

	aml_device(dsdt, "PEVT");
	aml_name(dsdt, "_HID");
	aml_string(dsdt, "QEMU0001");
	aml_name(dsdt, "_CRS");
	aml_resources(dsdt);
	aml_io(dsdt, p->port, 1);
	aml_end(dsdt);
	aml_end(dsdt);
}

static const struct device_ops pvpanic_device_ops = {
	.realize = pvpanic_realize,
	.destroy = pvpanic_destroy,
	.acpi = pvpanic_acpi,
};

struct device *pvpanic_create(u16 port)
{
	struct pvpanic *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->dev.name = "pvpanic";
	p->dev.ops = &pvpanic_device_ops;
	p->port = port;
	return &p->dev;
}
