// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>

#include <linux/kernel.h>
#include <vmtool/aml.h>
#include <vmtool/fdt.h>
#include <vmtool/hw.h>
#include <vmtool/vm.h>

#define PVPANIC_LEN	1

/* A crash kernel that was loaded takes over: the guest is not at its end. */
#define PVPANIC_PANICKED	1
#define PVPANIC_CRASHLOADED	2

struct pvpanic {
	struct device dev;
	struct region region;
	struct vm *vm;
	struct bus *bus;
	u64 base;
	bool is_port;
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
	p->bus = p->is_port ? &vm->pio : &vm->mmio;
	p->region.name = dev->name;
	return bus_map(p->bus, &p->region, p->base, PVPANIC_LEN, &pvpanic_region_ops, p);
}

static void pvpanic_destroy(struct device *dev)
{
	struct pvpanic *p = container_of(dev, struct pvpanic, dev);

	if (p->bus)
		bus_unmap(p->bus, &p->region);
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
	if (p->is_port)
		aml_io(dsdt, p->base, PVPANIC_LEN);
	else
		aml_memory32(dsdt, p->base, PVPANIC_LEN);
	aml_end(dsdt);
	aml_end(dsdt);
}

/* Linux, misc/pvpanic-mmio.c; there is no port in a device tree. */
static void pvpanic_fdt(const struct device *dev, struct fdt_builder *b)
{
	const struct pvpanic *p = container_of(dev, struct pvpanic, dev);

	fdt_begin(b, "pvpanic@%llx", (unsigned long long)p->base);
	fdt_str(b, "compatible", "qemu,pvpanic-mmio");
	fdt_reg(b, p->base, PVPANIC_LEN);
	fdt_end(b);
}

static const struct device_ops pvpanic_device_ops = {
	.realize = pvpanic_realize,
	.destroy = pvpanic_destroy,
	.acpi = pvpanic_acpi,
	.fdt = FDT_OP(pvpanic_fdt),
};

static struct device *create(u64 base, bool is_port)
{
	struct pvpanic *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->dev.name = "pvpanic";
	p->dev.ops = &pvpanic_device_ops;
	p->base = base;
	p->is_port = is_port;
	return &p->dev;
}

struct device *pvpanic_create(u16 port)
{
	return create(port, true);
}

struct device *pvpanic_create_mmio(u64 base)
{
	return create(base, false);
}
