// SPDX-License-Identifier: GPL-2.0
/*
 * From what the user asked for to devices of the machine.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <vmtool/arch.h>
#include <vmtool/devclass.h>
#include <vmtool/device.h>
#include <vmtool/log.h>
#include <vmtool/virtio.h>
#include <vmtool/vm.h>

#include "virtio.h"

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

static int realize_class(struct vm *vm, const struct device_class *cls, const void *conf,
			 unsigned int index)
{
	struct virtio_dev *vd;
	struct device *dev;
	char name[16];

	snprintf(name, sizeof(name), "%s%u", cls->name, index);
	vd = cls->create(conf, name);
	if (!vd)
		return -ENOMEM;
	dev = arch_virtio_attach(vm, vd);
	return dev ? devices_add(vm, dev) : -ENOSPC;
}

/* Drivers mount the first device of a tag: another one would never be seen. */
int virtio_check_tag(const struct vm *vm, const struct device_class *cls, const void *conf,
		     size_t off)
{
	const char *tag = *(const char *const *)(conf + off);
	const struct device_conf *dc;

	list_for_each_entry(dc, &vm->cfg->devices, node) {
		if (dc->conf == conf)
			break;
		if (dc->cls == cls && !strcmp(*(const char *const *)(dc->conf + off), tag)) {
			log_err("--%s: tag %s: used twice; give each directory a tag of its own",
				cls->option, tag);
			return -EEXIST;
		}
	}
	return 0;
}

int virtio_devices_realize(struct vm *vm)
{
	const struct device_class *const *cls;
	const struct device_conf *dc;
	int ret = 0;

	for (cls = device_classes; *cls && !ret; cls++)
		if ((*cls)->wanted && (*cls)->wanted(vm))
			ret = realize_class(vm, *cls, NULL, 0);
	list_for_each_entry(dc, &vm->cfg->devices, node) {
		if (ret)
			break;
		if (!dc->cls->wanted)
			ret = realize_class(vm, dc->cls, dc->conf, conf_index(vm, dc));
	}
	return ret;
}
