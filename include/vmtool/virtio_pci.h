/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_VIRTIO_PCI_H
#define VMTOOL_VIRTIO_PCI_H

#include <linux/types.h>

struct device;
struct pci_host;
struct virtio_dev;

/*
 * The one BAR of a virtio device. What lies in the first three pages is read without
 * an exit. Drivers find the structures by the capabilities.
 */
#define VIRTIO_PCI_BAR		0
#define VIRTIO_PCI_COMMON	0x0000	/* common configuration */
#define VIRTIO_PCI_DEVICE	0x1000	/* the device's config space */
#define VIRTIO_PCI_TABLE	0x2000	/* MSI-X table */
#define VIRTIO_PCI_DIRECT	0x3000	/* end of what is read without an exit */
#define VIRTIO_PCI_ISR_STATUS	0x3000
#define VIRTIO_PCI_NOTIFY	0x4000	/* a register for each queue */
#define VIRTIO_PCI_PENDING	0x5000	/* MSI-X pending bits */
#define VIRTIO_PCI_BAR_LEN	0x8000

#define VIRTIO_PCI_MULTIPLIER	4
#define VIRTIO_PCI_MAX_VECTORS	65

/**
 * virtio_pci_create() - put a virtio device on a PCI bus (4.1)
 * @vd: device, not realized; owned by the result
 * @host: host bridge, realized; it outlives the device
 *
 * Return: device, not realized; NULL without memory (@vd is destroyed then).
 */
struct device *virtio_pci_create(struct virtio_dev *vd, struct pci_host *host);

#endif /* VMTOOL_VIRTIO_PCI_H */
