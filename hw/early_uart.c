// SPDX-License-Identifier: GPL-2.0
/*
 * What a kernel prints on before its drivers are there (earlycon=): the sending half of
 * a UART that is never busy. Its status is read from a page without an exit and what is
 * sent to it waits in KVM's ring, so that a character costs none.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/kernel.h>
#include <vmtool/devpages.h>
#include <vmtool/hw.h>
#include <vmtool/log.h>
#include <vmtool/vm.h>

#define DATA_REGISTER	0

struct early_uart {
	struct device dev;
	struct region region;
	struct vm *vm;
	u64 base;
	u64 len;
	u32 status_off;
	u8 status;
	struct devpages pages;
};

static u64 early_read(void *priv, u64 off, unsigned int size)
{
	const struct early_uart *u = priv;
	u64 val = 0;

	memcpy(&val, u->pages.hva + off, size);
	return le64toh(val);
}

static void early_write(void *priv, u64 off, u64 val, unsigned int size)
{
	struct early_uart *u = priv;
	char c = val;

	if (off == DATA_REGISTER)
		vm_console(u->vm, &c, 1);
}

static const struct region_ops early_ops = {
	.read = early_read,
	.write = early_write,
	.sizes = 1 | 2 | 4,
};

static int early_realize(struct device *dev, struct vm *vm)
{
	struct early_uart *u = container_of(dev, struct early_uart, dev);
	int ret;

	u->region.name = dev->name;
	ret = devpages_init(&u->pages, &vm->pages, u->len);
	if (ret)
		return ret;
	u->pages.hva[u->status_off] = u->status;
	ret = bus_map(&vm->mmio, &u->region, u->base, u->len, &early_ops, u);
	if (ret)
		return ret;
	u->vm = vm;
	coalesce_add(&vm->coalesce, u->base, u->len, false);
	ret = devpages_map(&u->pages, u->base);
	if (ret && ret != -ENOSPC)
		log_debug("early UART: reads exit: %s", strerror(-ret));
	return 0;
}

static void early_destroy(struct device *dev)
{
	struct early_uart *u = container_of(dev, struct early_uart, dev);

	if (u->vm)
		bus_unmap(&u->vm->mmio, &u->region);
	devpages_destroy(&u->pages);
	free(u);
}

static const struct device_ops early_uart_ops = {
	.realize = early_realize,
	.destroy = early_destroy,
};

struct device *early_uart_create(u64 base, u32 status_off, u8 status)
{
	struct early_uart *u = calloc(1, sizeof(*u));

	if (!u)
		return NULL;
	u->dev.name = "early-uart";
	u->dev.ops = &early_uart_ops;
	u->base = base;
	u->len = sysconf(_SC_PAGESIZE);
	u->status_off = status_off;
	u->status = status;
	u->pages.slot = -1;
	return &u->dev;
}
