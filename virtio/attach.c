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
#include <vmtool/pci.h>
#include <vmtool/virtio.h>
#include <vmtool/virtio_mmio.h>
#include <vmtool/virtio_pci.h>
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

#ifdef CONFIG_VIRTIO_MMIO
/* Devices share a line when there are more of them than lines. */
static struct device *attach_mmio(struct vm *vm, struct virtio_dev *vd)
{
	struct irq_line *irq = NULL;
	u64 base;
	u32 gsi;

	if (arch_virtio_mmio(vm->nr_virtio_mmio, &base, &gsi))
		irq = irq_get_shared(&vm->irqchip, gsi);
	if (!irq) {
		log_err("%s: more than %u virtio devices", vd->name, vm->nr_virtio_mmio);
		virtio_destroy(vd);
		return NULL;
	}
	vm->nr_virtio_mmio++;
	return virtio_mmio_create(vd, base, irq);
}
#endif

#ifdef CONFIG_VIRTIO_PCI
/* The bus comes with the first device that is on it. */
static int add_pci_host(struct vm *vm)
{
	struct pci_host_conf conf = arch_pci_host;
	const struct list_head *pos;
	struct device *dev;

	if (vm->pci)
		return 0;
	list_for_each(pos, &vm->cfg->devices)
		conf.expected++;
	dev = pci_host_create(&conf);
	return dev ? devices_add(vm, dev) : -ENOMEM;
}

static struct device *attach_pci(struct vm *vm, struct virtio_dev *vd)
{
	if (add_pci_host(vm)) {
		virtio_destroy(vd);
		return NULL;
	}
	return virtio_pci_create(vd, vm->pci);
}
#endif

/* Behind the transport asked for; owned by the result, released on failure. */
static struct device *attach(struct vm *vm, struct virtio_dev *vd)
{
#ifdef CONFIG_VIRTIO_PCI
	if (vm->cfg->transport == VIRTIO_TRANSPORT_PCI)
		return attach_pci(vm, vd);
#endif
#ifdef CONFIG_VIRTIO_MMIO
	if (vm->cfg->transport == VIRTIO_TRANSPORT_MMIO)
		return attach_mmio(vm, vd);
#endif
	log_err("%s: this transport is not built in", vd->name);
	virtio_destroy(vd);
	return NULL;
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
	dev = attach(vm, vd);
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
