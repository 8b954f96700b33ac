// SPDX-License-Identifier: GPL-2.0
/*
 * From what the user asked for to devices of the machine.
 */
#include <errno.h>
#include <stdio.h>

#include <vmtool/arch.h>
#include <vmtool/devclass.h>
#include <vmtool/device.h>
#include <vmtool/log.h>
#include <vmtool/virtio.h>
#include <vmtool/vm.h>

/* How many of its kind come before it. */
static unsigned int conf_index(const struct vm *vm, const struct device_conf *dc)
{
	const struct device_conf *other;
	unsigned int n = 0;

	list_for_each_entry(other, &vm->cfg->devices, node) {
		if (other == dc)
			break;
		n += other->cls == dc->cls;
	}
	return n;
}

static int realize_conf(struct vm *vm, const struct device_conf *dc)
{
	struct virtio_dev *vd;
	struct device *dev;
	char name[16];

	snprintf(name, sizeof(name), "%s%u", dc->cls->name, conf_index(vm, dc));
	vd = dc->cls->create(dc->conf, name);
	if (!vd)
		return -ENOMEM;
	dev = arch_virtio_attach(vm, vd);
	return dev ? devices_add(vm, dev) : -ENOSPC;
}

int virtio_devices_realize(struct vm *vm)
{
	const struct device_conf *dc;
	int ret = 0;

	list_for_each_entry(dc, &vm->cfg->devices, node) {
		ret = realize_conf(vm, dc);
		if (ret)
			break;
	}
	return ret;
}
