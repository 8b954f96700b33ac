/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_DEVCLASS_H
#define VMTOOL_DEVCLASS_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>
#include <linux/list.h>
#include <vmtool/props.h>

struct virtio_dev;
struct vm;

/**
 * struct device_class - a kind of virtio device that users ask for
 * @name: "blk", "net"...; devices are called by it and a number
 * @option: long option, "disk"; NULL: nobody asks for it by name
 * @letter: short option, or 0
 * @help: one line
 * @arg: what help shows for the option's value; NULL when there is no value
 * @optional_arg: the value may be left out
 * @single: at most one per machine
 * @wanted: NULL: each configuration makes a device. Otherwise there is one device
 *	for all of them, if this says that the machine wants it; it finds them in
 *	&vm_config.devices, and @create is called with NULL
 * @props: the properties
 * @conf_size: bytes of the configuration struct
 * @check: further checks of a configuration, or NULL; 0; 1 for one that asks for no
 *	device at all; -EINVAL after a one-line message
 * @create: a device for a configuration, which outlives it; not realized; NULL
 *	without memory
 */
struct device_class {
	const char *name;
	const char *option;
	char letter;
	const char *help;
	const char *arg;
	bool optional_arg;
	bool single;
	bool (*wanted)(const struct vm *vm);
	const struct prop *props;
	size_t conf_size;
	int (*check)(const void *conf);
	struct virtio_dev *(*create)(const void *conf, const char *name);
};

/** device_classes - all that were built in, NULL at the end */
extern const struct device_class *const device_classes[];

/**
 * struct device_conf - a device that a user asked for
 * @cls: its kind
 * @node: in &vm_config.devices
 * @text: what was written, NULL without a value; the caller's
 * @conf: its configuration, @cls->conf_size bytes
 */
struct device_conf {
	const struct device_class *cls;
	struct list_head node;
	const char *text;
	void *conf;
};

#endif /* VMTOOL_DEVCLASS_H */
