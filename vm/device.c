// SPDX-License-Identifier: GPL-2.0
#include <errno.h>

#include <vmtool/device.h>
#include <vmtool/vm.h>

int devices_add(struct vm *vm, struct device *dev)
{
	list_add_tail(&dev->node, &vm->devices);
	return dev->ops->realize ? dev->ops->realize(dev, vm) : 0;
}

int devices_realize(struct vm *vm, const struct device_type *table)
{
	for (; table->create; table++) {
		struct device *dev = table->create();
		int ret;

		if (!dev)
			return -ENOMEM;
		ret = devices_add(vm, dev);
		if (ret)
			return ret;
	}
	return 0;
}

void devices_reset(struct vm *vm)
{
	struct device *dev;

	list_for_each_entry(dev, &vm->devices, node)
		if (dev->ops->reset)
			dev->ops->reset(dev);
}

void devices_destroy(struct vm *vm)
{
	struct device *dev, *prev;

	list_for_each_entry_safe_reverse(dev, prev, &vm->devices, node) {
		list_del(&dev->node);
		dev->ops->destroy(dev);
	}
}
