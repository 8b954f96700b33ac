/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_VIRTIO_MMIO_H
#define VMTOOL_VIRTIO_MMIO_H

#include <linux/types.h>

struct device;
struct irq_line;
struct virtio_dev;

#define VIRTIO_MMIO_LEN		0x1000

/**
 * virtio_mmio_create() - put a virtio device behind registers in memory (4.2)
 * @vd: device, not realized; owned by the result
 * @base: guest address of VIRTIO_MMIO_LEN bytes
 * @irq: its line, which triggers on edges and may be shared; the caller's
 *
 * Return: device, not realized; NULL without memory (@vd is destroyed then).
 */
struct device *virtio_mmio_create(struct virtio_dev *vd, u64 base, struct irq_line *irq);

/**
 * virtio_mmio_cmdline() - tell kernels without ACPI of a device
 * @dev: from virtio_mmio_create(), or any other
 * @buf: receives "virtio_mmio.device=... " with its NUL
 * @size: bytes in @buf
 *
 * Return: length, 0 when @dev is none of these or @buf is too small.
 */
size_t virtio_mmio_cmdline(const struct device *dev, char *buf, size_t size);

#endif /* VMTOOL_VIRTIO_MMIO_H */
