/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_DEVICE_H
#define VMTOOL_DEVICE_H

#include <linux/types.h>
#include <linux/list.h>

struct aml;
struct fdt_builder;
struct json_out;
struct vm;
struct device;

/**
 * struct device_ops - what every device can do
 * @realize: take resources and become visible; the only call that sees the
 *	machine. 0, or -errno after a one-line message.
 * @reset: back to the state of a machine just switched on; vCPUs are held
 * @destroy: give everything back and free the device; also after a failed
 *	@realize
 * @acpi: describe the device in the DSDT, inside \_SB
 * @fdt: describe the device in the device tree, inside the root node
 * @stats: write what it has done, as members of its object; STATS_OP(); for any thread
 *
 * What is NULL is not needed.
 */
struct device_ops {
	int (*realize)(struct device *dev, struct vm *vm);
	void (*reset)(struct device *dev);
	void (*destroy)(struct device *dev);
	void (*acpi)(const struct device *dev, struct aml *dsdt);
	void (*fdt)(const struct device *dev, struct fdt_builder *b);
	void (*stats)(const struct device *dev, struct json_out *j);
};

/**
 * struct device - the part of a device that the machine knows
 * @name: unique in the machine, static
 * @ops: what it can do
 * @node: in &vm.devices
 */
struct device {
	const char *name;
	const struct device_ops *ops;
	struct list_head node;
};

/**
 * struct device_type - an entry of a machine's device table
 * @create: allocate a device with @ops and @name set; NULL without memory
 */
struct device_type {
	struct device *(*create)(void);
};

/**
 * devices_realize() - create and realize what a table lists, in order
 * @vm: machine
 * @table: ends with an empty entry
 *
 * Return: 0 or -errno; what exists is released by devices_destroy().
 */
int devices_realize(struct vm *vm, const struct device_type *table);

/**
 * devices_add() - take a device into the machine and realize it
 * @vm: machine, which owns the device from now on
 * @dev: device
 *
 * Return: 0 or -errno of its realize operation.
 */
int devices_add(struct vm *vm, struct device *dev);

/**
 * devices_reset() - reset every device, in order
 * @vm: machine; vCPUs are held
 */
void devices_reset(struct vm *vm);

/**
 * devices_destroy() - release every device, in reverse order
 * @vm: machine
 */
void devices_destroy(struct vm *vm);

#endif /* VMTOOL_DEVICE_H */
