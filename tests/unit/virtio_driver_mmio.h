/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TESTS_UNIT_VIRTIO_DRIVER_MMIO_H
#define TESTS_UNIT_VIRTIO_DRIVER_MMIO_H

/*
 * virtio-mmio, version 2 (virtio 1.2, 4.2), as its driver uses it. Included by
 * virtio_driver.h.
 */
#include <sys/eventfd.h>

#include <linux/virtio_mmio.h>
#include <vmtool/virtio_mmio.h>

#ifndef VIRTIO_MMIO_QUEUE_RESET
#define VIRTIO_MMIO_QUEUE_RESET	0x0c0
#endif

#define DRV_MMIO_BASE	0xd0000000ULL

static inline u32 drv_mmio_read(struct drv *d, u32 reg)
{
	return drv_bus_read(d, d->base + reg, 4);
}

static inline void drv_mmio_write(struct drv *d, u32 reg, u32 val)
{
	drv_bus_write(d, d->base + reg, val, 4);
}

static inline int drv_mmio_attach(struct drv *d)
{
	struct irq_line *line = irq_get(&d->vm.irqchip, DRV_GSI, IRQ_EDGE);

	d->base = DRV_MMIO_BASE;
	d->dev = virtio_mmio_create(d->vd, d->base, line);
	return d->dev ? devices_add(&d->vm, d->dev) : -ENOMEM;
}

static inline u8 drv_mmio_status(struct drv *d)
{
	return drv_mmio_read(d, VIRTIO_MMIO_STATUS);
}

static inline void drv_mmio_set_status(struct drv *d, u8 status)
{
	drv_mmio_write(d, VIRTIO_MMIO_STATUS, status);
}

static inline u32 drv_mmio_features(struct drv *d, u32 word)
{
	drv_mmio_write(d, VIRTIO_MMIO_DEVICE_FEATURES_SEL, word);
	return drv_mmio_read(d, VIRTIO_MMIO_DEVICE_FEATURES);
}

static inline void drv_mmio_accept(struct drv *d, u32 word, u32 bits)
{
	drv_mmio_write(d, VIRTIO_MMIO_DRIVER_FEATURES_SEL, word);
	drv_mmio_write(d, VIRTIO_MMIO_DRIVER_FEATURES, bits);
}

static inline u16 drv_mmio_queue_max(struct drv *d, unsigned int q)
{
	drv_mmio_write(d, VIRTIO_MMIO_QUEUE_SEL, q);
	return drv_mmio_read(d, VIRTIO_MMIO_QUEUE_NUM_MAX);
}

static inline void drv_mmio_queue_set(struct drv *d, unsigned int q, u16 size, u64 desc,
				      u64 driver, u64 device)
{
	drv_mmio_write(d, VIRTIO_MMIO_QUEUE_SEL, q);
	drv_mmio_write(d, VIRTIO_MMIO_QUEUE_NUM, size);
	drv_mmio_write(d, VIRTIO_MMIO_QUEUE_DESC_LOW, desc);
	drv_mmio_write(d, VIRTIO_MMIO_QUEUE_DESC_HIGH, desc >> 32);
	drv_mmio_write(d, VIRTIO_MMIO_QUEUE_AVAIL_LOW, driver);
	drv_mmio_write(d, VIRTIO_MMIO_QUEUE_AVAIL_HIGH, driver >> 32);
	drv_mmio_write(d, VIRTIO_MMIO_QUEUE_USED_LOW, device);
	drv_mmio_write(d, VIRTIO_MMIO_QUEUE_USED_HIGH, device >> 32);
}

static inline void drv_mmio_queue_enable(struct drv *d, unsigned int q)
{
	drv_mmio_write(d, VIRTIO_MMIO_QUEUE_SEL, q);
	drv_mmio_write(d, VIRTIO_MMIO_QUEUE_READY, 1);
}

static inline bool drv_mmio_queue_enabled(struct drv *d, unsigned int q)
{
	drv_mmio_write(d, VIRTIO_MMIO_QUEUE_SEL, q);
	return drv_mmio_read(d, VIRTIO_MMIO_QUEUE_READY);
}

static inline void drv_mmio_queue_reset(struct drv *d, unsigned int q)
{
	drv_mmio_write(d, VIRTIO_MMIO_QUEUE_SEL, q);
	drv_mmio_write(d, VIRTIO_MMIO_QUEUE_RESET, 1);
}

static inline bool drv_mmio_queue_in_reset(struct drv *d, unsigned int q)
{
	drv_mmio_write(d, VIRTIO_MMIO_QUEUE_SEL, q);
	return drv_mmio_read(d, VIRTIO_MMIO_QUEUE_RESET);
}

static inline void drv_mmio_notify(struct drv *d, unsigned int q)
{
	drv_mmio_write(d, VIRTIO_MMIO_QUEUE_NOTIFY, q);
}

static inline u64 drv_mmio_config_read(struct drv *d, u32 off, unsigned int size)
{
	return drv_bus_read(d, d->base + VIRTIO_MMIO_CONFIG + off, size);
}

static inline void drv_mmio_config_write(struct drv *d, u32 off, u64 val, unsigned int size)
{
	drv_bus_write(d, d->base + VIRTIO_MMIO_CONFIG + off, val, size);
}

static inline u32 drv_mmio_generation(struct drv *d)
{
	return drv_mmio_read(d, VIRTIO_MMIO_CONFIG_GENERATION);
}

/* What the driver's interrupt handler does, if there was an interrupt. */
static inline void drv_mmio_irq(struct drv *d)
{
	int fd = irq_fd(&d->vm.irqchip.lines[DRV_GSI]);
	struct pollfd pfd = { fd, POLLIN };
	u64 count;
	u32 why;

	if (poll(&pfd, 1, 0) != 1 || read(fd, &count, sizeof(count)) != sizeof(count))
		return;
	why = drv_mmio_read(d, VIRTIO_MMIO_INTERRUPT_STATUS);
	drv_mmio_write(d, VIRTIO_MMIO_INTERRUPT_ACK, why);
	d->used_irq |= !!(why & VIRTIO_MMIO_INT_VRING);
	d->config_irq |= !!(why & VIRTIO_MMIO_INT_CONFIG);
}

static inline bool drv_mmio_interrupted(struct drv *d, unsigned int q)
{
	bool was;

	drv_mmio_irq(d);
	was = d->used_irq;
	d->used_irq = false;
	return was;
}

static inline bool drv_mmio_config_interrupted(struct drv *d)
{
	bool was;

	drv_mmio_irq(d);
	was = d->config_irq;
	d->config_irq = false;
	return was;
}

static inline void drv_mmio_forget(struct drv *d)
{
	drv_mmio_irq(d);
	d->used_irq = false;
	d->config_irq = false;
}

static const struct drv_transport_ops drv_mmio_ops = {
	.attach = drv_mmio_attach,
	.status = drv_mmio_status,
	.set_status = drv_mmio_set_status,
	.features = drv_mmio_features,
	.accept = drv_mmio_accept,
	.queue_max = drv_mmio_queue_max,
	.queue_set = drv_mmio_queue_set,
	.queue_enable = drv_mmio_queue_enable,
	.queue_enabled = drv_mmio_queue_enabled,
	.queue_reset = drv_mmio_queue_reset,
	.queue_in_reset = drv_mmio_queue_in_reset,
	.notify = drv_mmio_notify,
	.config_read = drv_mmio_config_read,
	.config_write = drv_mmio_config_write,
	.generation = drv_mmio_generation,
	.interrupted = drv_mmio_interrupted,
	.config_interrupted = drv_mmio_config_interrupted,
	.forget_interrupts = drv_mmio_forget,
};

#endif /* TESTS_UNIT_VIRTIO_DRIVER_MMIO_H */
