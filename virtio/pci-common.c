// SPDX-License-Identifier: GPL-2.0
/*
 * virtio-pci: common configuration (virtio 1.2, 4.1.4.3) and the device's config
 * space, in the pages that the guest reads. All registers are brought up to date
 * before the write that changes them is over.
 */
#include <endian.h>
#include <string.h>

#include <linux/kernel.h>
#include <linux/virtio_pci.h>
#include <vmtool/virtio.h>
#include <vmtool/virtio_pci.h>

#include "pci.h"

static u8 *common(struct virtio_pci *vp, u32 reg)
{
	return vp->pages.hva + VIRTIO_PCI_COMMON + reg;
}

static void put8(struct virtio_pci *vp, u32 reg, u8 val)
{
	__atomic_store_n(common(vp, reg), val, __ATOMIC_SEQ_CST);
}

static void put16(struct virtio_pci *vp, u32 reg, u16 val)
{
	__atomic_store_n((u16 *)common(vp, reg), htole16(val), __ATOMIC_RELEASE);
}

static void put32(struct virtio_pci *vp, u32 reg, u32 val)
{
	__atomic_store_n((u32 *)common(vp, reg), htole32(val), __ATOMIC_RELEASE);
}

/* --- what is read -------------------------------------------------------------------- */

/* The device may change its status meanwhile: what is shown last must be true. */
void virtio_pci_show_status(struct virtio_pci *vp)
{
	u8 status;

	do {
		status = virtio_status(vp->vd);
		put8(vp, VIRTIO_PCI_COMMON_STATUS, status);
	} while (status != virtio_status(vp->vd));
}

/*
 * The driver reads the generation before and after: it changes before the contents
 * do, and again when they have changed, or it might see half of them (4.1.4.3.1).
 */
void virtio_pci_show_config(struct virtio_dev *vd)
{
	struct virtio_pci *vp = vd->transport;
	u8 generation = *common(vp, VIRTIO_PCI_COMMON_CFGGENERATION);

	put8(vp, VIRTIO_PCI_COMMON_CFGGENERATION, generation + 1);
	memcpy(vp->pages.hva + VIRTIO_PCI_DEVICE, vd->config, sizeof(vd->config));
	put8(vp, VIRTIO_PCI_COMMON_CFGGENERATION, generation + 2);
}

static u32 half(u64 val, u32 sel)
{
	return sel < 2 ? val >> 32 * sel : 0;
}

static void show_features(struct virtio_pci *vp)
{
	put32(vp, VIRTIO_PCI_COMMON_DFSELECT, vp->feature_sel);
	put32(vp, VIRTIO_PCI_COMMON_DF, half(vp->vd->offered, vp->feature_sel));
	put32(vp, VIRTIO_PCI_COMMON_GFSELECT, vp->driver_sel);
	put32(vp, VIRTIO_PCI_COMMON_GF, half(vp->vd->features, vp->driver_sel));
}

static void put_address(struct virtio_pci *vp, u32 reg, u64 val)
{
	put32(vp, reg, val);
	put32(vp, reg + 4, val >> 32);
}

static void show_queue(struct virtio_pci *vp)
{
	static const struct virtqueue none;
	const struct virtqueue *vq = &none;
	u16 vector = VIRTIO_MSI_NO_VECTOR, index = 0;

	if (vp->queue_sel < vp->vd->nr_vqs) {
		index = vp->queue_sel;
		vq = &vp->vd->vqs[index];
		vector = virtio_pci_vector(&vp->queues[index].vector);
	}
	put16(vp, VIRTIO_PCI_COMMON_Q_SELECT, vp->queue_sel);
	put16(vp, VIRTIO_PCI_COMMON_Q_SIZE, vq->size);
	put16(vp, VIRTIO_PCI_COMMON_Q_MSIX, vector);
	put16(vp, VIRTIO_PCI_COMMON_Q_ENABLE, vq->enabled);
	put16(vp, VIRTIO_PCI_COMMON_Q_NOFF, index);
	put_address(vp, VIRTIO_PCI_COMMON_Q_DESCLO, vq->desc);
	put_address(vp, VIRTIO_PCI_COMMON_Q_AVAILLO, vq->driver);
	put_address(vp, VIRTIO_PCI_COMMON_Q_USEDLO, vq->device);
	/* A reset is over before the write that asks for it is. */
	put16(vp, VIRTIO_PCI_COMMON_Q_RESET, 0);
}

static void show_registers(struct virtio_pci *vp)
{
	show_features(vp);
	put16(vp, VIRTIO_PCI_COMMON_MSIX, virtio_pci_vector(&vp->config_vector));
	put16(vp, VIRTIO_PCI_COMMON_NUMQ, vp->vd->nr_vqs);
	show_queue(vp);
	virtio_pci_show_status(vp);
}

void virtio_pci_show_all(struct virtio_pci *vp)
{
	pthread_mutex_lock(&vp->vd->config_lock);
	virtio_pci_show_config(vp->vd);
	pthread_mutex_unlock(&vp->vd->config_lock);
	show_registers(vp);
}

/* --- what is written ------------------------------------------------------------------ */

static void set_low(u64 *field, u32 val)
{
	*field = (*field >> 32 << 32) | val;
}

static void set_high(u64 *field, u32 val)
{
	*field = (u32)*field | (u64)val << 32;
}

/* 0 makes the queue one that cannot be served, and that is said once it is to be. */
static u16 queue_size(const struct virtqueue *vq, u16 val)
{
	if (val > vq->max_size)
		return 0;
	if (!virtio_has(vq->vd, VIRTIO_F_RING_PACKED) && (val & (val - 1)))
		return 0;
	return val;
}

/* A vector that there is no interrupt for is none (4.1.5.1.2.1). */
static void map_vector(struct virtio_pci *vp, u16 *vector, u16 val)
{
	if (pci_msix_use(&vp->pci, val))
		val = VIRTIO_MSI_NO_VECTOR;
	virtio_pci_set_vector(vector, val);
}

static void reset_queue(struct virtio_pci *vp)
{
	if (!virtio_has(vp->vd, VIRTIO_F_RING_RESET))
		return;
	virtio_queue_reset(vp->vd, vp->queue_sel);
	virtio_pci_set_vector(&vp->queues[vp->queue_sel].vector, VIRTIO_MSI_NO_VECTOR);
}

static void write_status(struct virtio_pci *vp, u8 val)
{
	virtio_set_status(vp->vd, val);
	if (!val)
		virtio_pci_forget(vp);
}

static void write8(struct virtio_pci *vp, u32 reg, u8 val)
{
	if (reg == VIRTIO_PCI_COMMON_STATUS)
		write_status(vp, val);
}

static void write16(struct virtio_pci *vp, u32 reg, u16 val)
{
	struct virtqueue *vq = virtio_queue_writable(vp->vd, vp->queue_sel);
	bool exists = vp->queue_sel < vp->vd->nr_vqs;

	switch (reg) {
	case VIRTIO_PCI_COMMON_MSIX:
		map_vector(vp, &vp->config_vector, val);
		break;
	case VIRTIO_PCI_COMMON_Q_SELECT:
		vp->queue_sel = val;
		break;
	case VIRTIO_PCI_COMMON_Q_SIZE:
		if (vq)
			vq->size = queue_size(vq, val);
		break;
	case VIRTIO_PCI_COMMON_Q_MSIX:
		if (exists)
			map_vector(vp, &vp->queues[vp->queue_sel].vector, val);
		break;
	case VIRTIO_PCI_COMMON_Q_ENABLE:
		if (val == 1)
			virtio_queue_enable(vp->vd, vp->queue_sel);
		break;
	case VIRTIO_PCI_COMMON_Q_RESET:
		if (exists && val == 1)
			reset_queue(vp);
		break;
	}
}

static void write_address(struct virtio_pci *vp, u32 reg, u32 val)
{
	struct virtqueue *vq = virtio_queue_writable(vp->vd, vp->queue_sel);

	if (!vq)
		return;
	switch (reg) {
	case VIRTIO_PCI_COMMON_Q_DESCLO:
		set_low(&vq->desc, val);
		break;
	case VIRTIO_PCI_COMMON_Q_DESCHI:
		set_high(&vq->desc, val);
		break;
	case VIRTIO_PCI_COMMON_Q_AVAILLO:
		set_low(&vq->driver, val);
		break;
	case VIRTIO_PCI_COMMON_Q_AVAILHI:
		set_high(&vq->driver, val);
		break;
	case VIRTIO_PCI_COMMON_Q_USEDLO:
		set_low(&vq->device, val);
		break;
	case VIRTIO_PCI_COMMON_Q_USEDHI:
		set_high(&vq->device, val);
		break;
	}
}

static void write32(struct virtio_pci *vp, u32 reg, u32 val)
{
	switch (reg) {
	case VIRTIO_PCI_COMMON_DFSELECT:
		vp->feature_sel = val;
		break;
	case VIRTIO_PCI_COMMON_GFSELECT:
		vp->driver_sel = val;
		break;
	case VIRTIO_PCI_COMMON_GF:
		virtio_set_features(vp->vd, vp->driver_sel, val);
		break;
	default:
		write_address(vp, reg, val);
	}
}

/* Registers are accessed in their own width; 64 bits are two of 32 (4.1.3.1). */
void virtio_pci_common_write(struct virtio_pci *vp, u32 off, u64 val, unsigned int size)
{
	if (size == 1) {
		write8(vp, off, val);
	} else if (size == 2) {
		write16(vp, off, val);
	} else {
		write32(vp, off, val);
		if (size == 8)
			write32(vp, off + 4, val >> 32);
	}
	show_registers(vp);
}
