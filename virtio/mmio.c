// SPDX-License-Identifier: GPL-2.0
/*
 * virtio-mmio, version 2 (virtio 1.2, 4.2.2).
 *
 * All that can be read is kept in a page, which is brought up to date with each
 * write: reading has no side effects here, so the page can be mapped into the guest
 * and read without an exit.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <linux/kvm.h>

#include <linux/kernel.h>
#include <linux/virtio_mmio.h>
#include <vmtool/aml.h>
#include <vmtool/coalesce.h>
#include <vmtool/device.h>
#include <vmtool/devpages.h>
#include <vmtool/fdt.h>
#include <vmtool/io.h>
#include <vmtool/irq.h>
#include <vmtool/virtio.h>
#include <vmtool/virtio_mmio.h>
#include <vmtool/vm.h>

#define MMIO_MAGIC	0x74726976	/* "virt" */
#define MMIO_VERSION	2
#define MMIO_VENDOR	0x4c544d56	/* "VMTL" */

#ifndef VIRTIO_MMIO_QUEUE_RESET
#define VIRTIO_MMIO_QUEUE_RESET	0x0c0
#endif

struct virtio_mmio {
	struct device dev;
	struct region region;
	struct virtio_dev *vd;
	struct vm *vm;
	struct irq_line *irq;
	u64 base;
	u32 features_sel;	/* DeviceFeaturesSel */
	u32 driver_sel;		/* DriverFeaturesSel */
	u32 queue_sel;
	struct devpages pages;	/* what is read */
};

static u32 *mmio_reg(struct virtio_mmio *m, u32 reg)
{
	return (u32 *)(m->pages.hva + reg);
}

static void set_reg(struct virtio_mmio *m, u32 reg, u32 val)
{
	__atomic_store_n(mmio_reg(m, reg), htole32(val), __ATOMIC_RELEASE);
}

/* Changed by several threads, so it has no other home than the page. */
static u32 *interrupt_status(struct virtio_mmio *m)
{
	return mmio_reg(m, VIRTIO_MMIO_INTERRUPT_STATUS);
}

/* --- what can be read ---------------------------------------------------------- */

/* The device may change its status meanwhile: what is shown last must be true. */
static void show_status(struct virtio_mmio *m)
{
	u8 status;

	do {
		status = virtio_status(m->vd);
		set_reg(m, VIRTIO_MMIO_STATUS, status);
	} while (status != virtio_status(m->vd));
}

static void show_features(struct virtio_mmio *m)
{
	u32 bits = 0;

	if (m->features_sel < 2)
		bits = m->vd->offered >> 32 * m->features_sel;
	set_reg(m, VIRTIO_MMIO_DEVICE_FEATURES, bits);
}

static void show_queue(struct virtio_mmio *m)
{
	const struct virtqueue *vq = NULL;

	if (m->queue_sel < m->vd->nr_vqs)
		vq = &m->vd->vqs[m->queue_sel];
	set_reg(m, VIRTIO_MMIO_QUEUE_NUM_MAX, vq ? vq->max_size : 0);
	set_reg(m, VIRTIO_MMIO_QUEUE_READY, vq && vq->enabled);
	set_reg(m, VIRTIO_MMIO_QUEUE_RESET, 0);
}

static void show_config(struct virtio_dev *vd)
{
	struct virtio_mmio *m = vd->transport;

	if (!m->pages.hva)
		return;		/* not realized: nobody looks yet */
	memcpy(m->pages.hva + VIRTIO_MMIO_CONFIG, vd->config, sizeof(vd->config));
	set_reg(m, VIRTIO_MMIO_CONFIG_GENERATION, vd->generation);
}

static void show_all(struct virtio_mmio *m)
{
	u32 reg;

	set_reg(m, VIRTIO_MMIO_MAGIC_VALUE, MMIO_MAGIC);
	set_reg(m, VIRTIO_MMIO_VERSION, MMIO_VERSION);
	set_reg(m, VIRTIO_MMIO_DEVICE_ID, m->vd->ops->id);
	set_reg(m, VIRTIO_MMIO_VENDOR_ID, MMIO_VENDOR);
	/* A region that does not exist has this length (4.2.2.1). */
	for (reg = VIRTIO_MMIO_SHM_LEN_LOW; reg <= VIRTIO_MMIO_SHM_BASE_HIGH; reg += 4)
		set_reg(m, reg, ~0U);
	show_features(m);
	show_queue(m);
	show_status(m);
	pthread_mutex_lock(&m->vd->config_lock);
	show_config(m->vd);
	pthread_mutex_unlock(&m->vd->config_lock);
}

static u64 mmio_read(void *priv, u64 off, unsigned int size)
{
	const struct virtio_mmio *m = priv;
	u64 val = 0;

	if (off >= VIRTIO_MMIO_CONFIG) {
		memcpy(&val, m->pages.hva + off, size);
		return le64toh(val);
	}
	/* Registers are 32 bits wide, and the device's threads change some of them. */
	if (size != 4 || off % 4)
		return 0;
	return le32toh(__atomic_load_n((const u32 *)(m->pages.hva + off), __ATOMIC_ACQUIRE));
}

/* --- what can be written --------------------------------------------------------- */

static void set_low(u64 *field, u32 val)
{
	*field = (*field >> 32 << 32) | val;
}

static void set_high(u64 *field, u32 val)
{
	*field = (u32)*field | (u64)val << 32;
}

static void write_queue(struct virtio_mmio *m, u32 reg, u32 val)
{
	struct virtqueue *vq = virtio_queue_writable(m->vd, m->queue_sel);

	if (!vq)
		return;
	switch (reg) {
	case VIRTIO_MMIO_QUEUE_NUM:
		vq->size = val <= vq->max_size ? val : 0;
		break;
	case VIRTIO_MMIO_QUEUE_DESC_LOW:
		set_low(&vq->desc, val);
		break;
	case VIRTIO_MMIO_QUEUE_DESC_HIGH:
		set_high(&vq->desc, val);
		break;
	case VIRTIO_MMIO_QUEUE_AVAIL_LOW:
		set_low(&vq->driver, val);
		break;
	case VIRTIO_MMIO_QUEUE_AVAIL_HIGH:
		set_high(&vq->driver, val);
		break;
	case VIRTIO_MMIO_QUEUE_USED_LOW:
		set_low(&vq->device, val);
		break;
	case VIRTIO_MMIO_QUEUE_USED_HIGH:
		set_high(&vq->device, val);
		break;
	}
}

static void write_ready(struct virtio_mmio *m, u32 val)
{
	if (val == 1)
		virtio_queue_enable(m->vd, m->queue_sel);
	else if (!val)
		virtio_queue_stop(m->vd, m->queue_sel);
}

static void write_status(struct virtio_mmio *m, u32 val)
{
	/* There are no more bits than eight; only a zero is a reset. */
	if (val && !(u8)val)
		return;
	virtio_set_status(m->vd, val);
	if (val)
		return;
	m->features_sel = 0;
	m->driver_sel = 0;
	m->queue_sel = 0;
	set_reg(m, VIRTIO_MMIO_INTERRUPT_STATUS, 0);
	show_features(m);
	show_queue(m);
}

static void write_reg(struct virtio_mmio *m, u32 reg, u32 val)
{
	switch (reg) {
	case VIRTIO_MMIO_DEVICE_FEATURES_SEL:
		m->features_sel = val;
		show_features(m);
		break;
	case VIRTIO_MMIO_DRIVER_FEATURES_SEL:
		m->driver_sel = val;
		break;
	case VIRTIO_MMIO_DRIVER_FEATURES:
		virtio_set_features(m->vd, m->driver_sel, val);
		break;
	case VIRTIO_MMIO_QUEUE_SEL:
		m->queue_sel = val;
		show_queue(m);
		break;
	case VIRTIO_MMIO_INTERRUPT_ACK:
		__atomic_fetch_and(interrupt_status(m), htole32(~val), __ATOMIC_SEQ_CST);
		break;
	case VIRTIO_MMIO_QUEUE_READY:
		write_ready(m, val);
		show_queue(m);
		break;
	case VIRTIO_MMIO_QUEUE_RESET:
		if (val == 1)
			virtio_queue_reset(m->vd, m->queue_sel);
		show_queue(m);
		break;
	case VIRTIO_MMIO_STATUS:
		write_status(m, val);
		break;
	default:
		write_queue(m, reg, val);
		show_queue(m);
	}
	show_status(m);
}

static void mmio_write(void *priv, u64 off, u64 val, unsigned int size)
{
	struct virtio_mmio *m = priv;

	/* KVM sends it to the eventfd; what arrives here names a queue that has none. */
	if (off == VIRTIO_MMIO_QUEUE_NOTIFY && size == 4) {
		virtio_kick(m->vd, val);
		return;
	}
	pthread_mutex_lock(&m->vd->lock);
	if (off >= VIRTIO_MMIO_CONFIG) {
		virtio_config_write(m->vd, off - VIRTIO_MMIO_CONFIG, val, size);
		/* What the driver wrote may have been more than the device bears. */
		show_status(m);
	} else if (size == 4 && off % 4 == 0) {
		write_reg(m, off, val);
	}
	pthread_mutex_unlock(&m->vd->lock);
}

static const struct region_ops mmio_region_ops = {
	.read = mmio_read,
	.write = mmio_write,
	.sizes = 1 | 2 | 4 | 8,
};

/* --- what the device asks for ------------------------------------------------------ */

/*
 * The status is there before the edge. An edge while the driver works makes it look
 * again, and it looks at the queues after it has acknowledged.
 */
static void raise_interrupt(struct virtio_mmio *m, u32 bit)
{
	__atomic_fetch_or(interrupt_status(m), htole32(bit), __ATOMIC_SEQ_CST);
	show_status(m);
	irq_signal(m->irq);
}

static void mmio_notify_queue(struct virtio_dev *vd, struct virtqueue *vq)
{
	raise_interrupt(vd->transport, VIRTIO_MMIO_INT_VRING);
}

static void mmio_notify_config(struct virtio_dev *vd)
{
	raise_interrupt(vd->transport, VIRTIO_MMIO_INT_CONFIG);
}

/* The driver looks at InterruptStatus: no interrupt goes past us. */
static int mmio_queue_fd(struct virtio_dev *vd, struct virtqueue *vq)
{
	return -1;
}

static int ioeventfd(struct virtqueue *vq, u32 flags)
{
	const struct virtio_mmio *m = vq->vd->transport;
	struct kvm_ioeventfd ev = {
		.datamatch = vq->index,
		.addr = m->base + VIRTIO_MMIO_QUEUE_NOTIFY,
		.len = 4,
		.fd = vq->kick.fd,
		.flags = KVM_IOEVENTFD_FLAG_DATAMATCH | flags,
	};

	if (vq->vd->vm_fd < 0)
		return 0;
	return ioctl(vq->vd->vm_fd, KVM_IOEVENTFD, &ev) < 0 ? -errno : 0;
}

/* KVM may have no more room for them: then each kick is an exit. */
static int mmio_start_kick(struct virtio_dev *vd, struct virtqueue *vq)
{
	int ret = ioeventfd(vq, 0);

	return ret == -ENOSPC ? 0 : ret;
}

static void mmio_stop_kick(struct virtio_dev *vd, struct virtqueue *vq)
{
	ioeventfd(vq, KVM_IOEVENTFD_FLAG_DEASSIGN);
}

static const struct virtio_transport_ops mmio_transport_ops = {
	.notify_queue = mmio_notify_queue,
	.notify_config = mmio_notify_config,
	.config_changed = show_config,
	.queue_fd = mmio_queue_fd,
	.start_kick = mmio_start_kick,
	.stop_kick = mmio_stop_kick,
};

/* --- the device of the machine ------------------------------------------------------ */

#define QUEUE_ADDRESSES_LEN	(VIRTIO_MMIO_QUEUE_USED_HIGH + 4 - VIRTIO_MMIO_QUEUE_DESC_LOW)

/* Features are looked at with FEATURES_OK, a queue's place and size when it is ready. */
static const struct {
	u32 off;
	u32 len;
} kept[] = {
	{ VIRTIO_MMIO_DRIVER_FEATURES, 8 },
	{ VIRTIO_MMIO_QUEUE_NUM, 4 },
	{ VIRTIO_MMIO_QUEUE_DESC_LOW, QUEUE_ADDRESSES_LEN },
};

static int mmio_realize(struct device *dev, struct vm *vm)
{
	struct virtio_mmio *m = container_of(dev, struct virtio_mmio, dev);
	int ret = irq_fd(m->irq);
	unsigned int i;

	if (ret < 0) {
		log_err("%s: no interrupt: %s", dev->name, strerror(-ret));
		return ret;
	}
	ret = virtio_realize(m->vd, vm, m, &mmio_transport_ops);
	if (ret)
		return ret;
	ret = devpages_init(&m->pages, &vm->pages, VIRTIO_MMIO_LEN);
	if (ret)
		return ret;
	for (i = 0; i < ARRAY_SIZE(kept); i++)
		coalesce_keep(&vm->coalesce, m->base + kept[i].off, kept[i].len, false);
	show_all(m);
	m->region.name = dev->name;
	ret = bus_map(&vm->mmio, &m->region, m->base, VIRTIO_MMIO_LEN, &mmio_region_ops, m);
	if (ret)
		return ret;
	m->vm = vm;
	/* Without that, reads exit and get the same. */
	ret = devpages_map(&m->pages, m->base);
	if (ret)
		log_debug("%s: registers are read by exits: %s", dev->name, strerror(-ret));
	return 0;
}

static void mmio_reset(struct device *dev)
{
	struct virtio_mmio *m = container_of(dev, struct virtio_mmio, dev);

	pthread_mutex_lock(&m->vd->lock);
	write_status(m, 0);
	show_status(m);
	pthread_mutex_unlock(&m->vd->lock);
}

static void mmio_destroy(struct device *dev)
{
	struct virtio_mmio *m = container_of(dev, struct virtio_mmio, dev);

	if (m->vm)
		bus_unmap(&m->vm->mmio, &m->region);
	virtio_destroy(m->vd);
	devpages_destroy(&m->pages);
	free(m);
}

static void mmio_acpi(const struct device *dev, struct aml *dsdt)
{
	const struct virtio_mmio *m = container_of(dev, struct virtio_mmio, dev);
	u32 index = m->base / VIRTIO_MMIO_LEN & 0xfff;
	char name[5];

	snprintf(name, sizeof(name), "V%03X", index);
	aml_device(dsdt, name);
	aml_name(dsdt, "_HID");
	aml_string(dsdt, "LNRO0005");
	aml_name(dsdt, "_UID");
	aml_int(dsdt, index);
	aml_name(dsdt, "_CCA");
	aml_int(dsdt, 1);
	aml_name(dsdt, "_CRS");
	aml_resources(dsdt);
	aml_memory32(dsdt, m->base, VIRTIO_MMIO_LEN);
	aml_interrupt(dsdt, m->irq->gsi, AML_IRQ_EDGE | AML_IRQ_SHARED);
	aml_end(dsdt);
	aml_end(dsdt);
}

static void mmio_fdt(const struct device *dev, struct fdt_builder *b)
{
	const struct virtio_mmio *m = container_of(dev, struct virtio_mmio, dev);

	fdt_begin(b, "virtio_mmio@%llx", (unsigned long long)m->base);
	fdt_str(b, "compatible", "virtio,mmio");
	fdt_reg(b, m->base, VIRTIO_MMIO_LEN);
	fdt_interrupt(b, m->irq->gsi, IRQ_EDGE);
	fdt_flag(b, "dma-coherent");
	fdt_end(b);
}

static void mmio_stats(const struct device *dev, struct json_out *j)
{
	virtio_stats(container_of(dev, struct virtio_mmio, dev)->vd, j);
}

static const struct device_ops mmio_device_ops = {
	.realize = mmio_realize,
	.reset = mmio_reset,
	.destroy = mmio_destroy,
	.acpi = mmio_acpi,
	.fdt = FDT_OP(mmio_fdt),
	.stats = STATS_OP(mmio_stats),
};

size_t virtio_mmio_cmdline(const struct device *dev, char *buf, size_t size)
{
	const struct virtio_mmio *m = container_of(dev, struct virtio_mmio, dev);
	size_t len;

	if (dev->ops != &mmio_device_ops)
		return 0;
	len = snprintf(buf, size, "virtio_mmio.device=4K@0x%llx:%u ",
		       (unsigned long long)m->base, m->irq->gsi);
	return len < size ? len : 0;
}

struct device *virtio_mmio_create(struct virtio_dev *vd, u64 base, struct irq_line *irq)
{
	struct virtio_mmio *m = calloc(1, sizeof(*m));

	if (!m) {
		virtio_destroy(vd);
		return NULL;
	}
	m->dev.name = vd->name;
	m->dev.ops = &mmio_device_ops;
	m->vd = vd;
	m->base = base;
	m->irq = irq;
	return &m->dev;
}
