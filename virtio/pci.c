// SPDX-License-Identifier: GPL-2.0
/*
 * virtio-pci, modern devices only (virtio 1.2, 4.1).
 *
 * Each structure has a page of the BAR. What reading does not change is kept as the
 * guest is to read it, and mapped into the guest: common configuration, the config
 * space and the MSI-X table are read without an exit. A kick is a write that KVM
 * turns into an eventfd, an interrupt is an eventfd that KVM listens at.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>
#include <linux/virtio_pci.h>
#include <vmtool/device.h>
#include <vmtool/log.h>
#include <vmtool/virtio.h>
#include <vmtool/virtio_pci.h>
#include <vmtool/vm.h>

#include "pci.h"

#define VENDOR_VIRTIO		0x1af4
#define DEVICE_FIRST		0x1040
#define REVISION_MODERN		1
#define CLASS_OTHER		0x00ff00
#define COMMON_LEN		(VIRTIO_PCI_COMMON_Q_RESET + 2)

/* What a PCI driver takes it for (4.1.2 leaves that open). */
static u32 class_of(u32 id)
{
	switch (id) {
	case VIRTIO_ID_NET:
		return 0x020000;	/* Ethernet */
	case VIRTIO_ID_BLOCK:
	case VIRTIO_ID_SCSI:
		return 0x010000;	/* SCSI */
	case VIRTIO_ID_CONSOLE:
	case VIRTIO_ID_VSOCK:
		return 0x078000;	/* other communication */
	case VIRTIO_ID_PMEM:
		return 0x058000;	/* other memory */
	case VIRTIO_ID_9P:
	case VIRTIO_ID_FS:
		return 0x018000;	/* other mass storage */
	}
	return CLASS_OTHER;
}

/* --- capabilities (4.1.4) ---------------------------------------------------------- */

static int add_cap(struct virtio_pci *vp, u8 type, u32 off, u32 len, u32 extra, u8 cap_len)
{
	struct {
		struct virtio_pci_cap cap;
		u32 extra;
	} c = {
		.cap = {
			.cap_len = cap_len, .cfg_type = type, .bar = VIRTIO_PCI_BAR,
			.offset = htole32(off), .length = htole32(len),
		},
		.extra = htole32(extra),
	};

	return pci_add_cap(&vp->pci, PCI_CAP_ID_VNDR, &c, cap_len);
}

static int add_caps(struct virtio_pci *vp)
{
	const struct virtio_dev *vd = vp->vd;
	const u8 len = sizeof(struct virtio_pci_cap);
	int ret;

	ret = add_cap(vp, VIRTIO_PCI_CAP_COMMON_CFG, VIRTIO_PCI_COMMON, COMMON_LEN, 0, len);
	if (ret >= 0)
		ret = add_cap(vp, VIRTIO_PCI_CAP_NOTIFY_CFG, VIRTIO_PCI_NOTIFY,
			      vd->nr_vqs * VIRTIO_PCI_MULTIPLIER, VIRTIO_PCI_MULTIPLIER,
			      sizeof(struct virtio_pci_notify_cap));
	if (ret >= 0)
		ret = add_cap(vp, VIRTIO_PCI_CAP_ISR_CFG, VIRTIO_PCI_ISR_STATUS, 1, 0, len);
	if (ret >= 0 && vd->config_size)
		ret = add_cap(vp, VIRTIO_PCI_CAP_DEVICE_CFG, VIRTIO_PCI_DEVICE,
			      vd->config_size, 0, len);
	if (ret >= 0)
		ret = add_cap(vp, VIRTIO_PCI_CAP_PCI_CFG, 0, 0, 0,
			      sizeof(struct virtio_pci_cfg_cap));
	if (ret < 0)
		return ret;
	vp->window = ret;
	memset(vp->pci.wmask + ret + VIRTIO_PCI_CAP_BAR, 0xff, 1);
	memset(vp->pci.wmask + ret + VIRTIO_PCI_CAP_OFFSET, 0xff, 12);
	return 0;
}

/* --- kicks ------------------------------------------------------------------------- */

static int virtio_pci_start_kick(struct virtio_dev *vd, struct virtqueue *vq)
{
	struct virtio_pci *vp = vd->transport;

	pthread_mutex_lock(&vp->kick_lock);
	vp->queues[vq->index].kick_fd = vq->kick.fd;
	virtio_pci_bind_kick(vp, vq->index);
	pthread_mutex_unlock(&vp->kick_lock);
	return 0;
}

static void virtio_pci_stop_kick(struct virtio_dev *vd, struct virtqueue *vq)
{
	struct virtio_pci *vp = vd->transport;

	pthread_mutex_lock(&vp->kick_lock);
	virtio_pci_unbind_kick(vp, vq->index);
	vp->queues[vq->index].kick_fd = -1;
	pthread_mutex_unlock(&vp->kick_lock);
}

/* --- interrupts (4.1.5.3, 4.1.5.4) -------------------------------------------------- */

static void set_isr(struct virtio_pci *vp, u8 set, u8 keep)
{
	pthread_mutex_lock(&vp->isr_lock);
	vp->isr = (vp->isr & keep) | set;
	pci_intx_set(&vp->pci, vp->isr);
	pthread_mutex_unlock(&vp->isr_lock);
}

u8 virtio_pci_take_isr(struct virtio_pci *vp)
{
	u8 isr;

	pthread_mutex_lock(&vp->isr_lock);
	isr = vp->isr;
	vp->isr = 0;
	pci_intx_set(&vp->pci, false);
	pthread_mutex_unlock(&vp->isr_lock);
	return isr;
}

static void virtio_pci_notify_queue(struct virtio_dev *vd, struct virtqueue *vq)
{
	struct virtio_pci *vp = vd->transport;

	if (pci_msix_enabled(&vp->pci))
		pci_msix_signal(&vp->pci, virtio_pci_vector(&vp->queues[vq->index].vector));
	else
		set_isr(vp, VIRTIO_PCI_ISR_QUEUE, 0xff);
}

static void virtio_pci_notify_config(struct virtio_dev *vd)
{
	struct virtio_pci *vp = vd->transport;

	virtio_pci_show_status(vp);
	/* Set whether or not MSI-X is enabled (4.1.4.5.1). */
	set_isr(vp, VIRTIO_PCI_ISR_CONFIG, 0xff);
	if (pci_msix_enabled(&vp->pci))
		pci_msix_signal(&vp->pci, virtio_pci_vector(&vp->config_vector));
}

/* While INTx is used, somebody has to set the ISR status. */
static int virtio_pci_queue_fd(struct virtio_dev *vd, struct virtqueue *vq)
{
	struct virtio_pci *vp = vd->transport;

	if (!pci_msix_enabled(&vp->pci))
		return -1;
	return pci_msix_fd(&vp->pci, virtio_pci_vector(&vp->queues[vq->index].vector));
}

static const struct virtio_transport_ops virtio_pci_transport_ops = {
	.notify_queue = virtio_pci_notify_queue,
	.notify_config = virtio_pci_notify_config,
	.config_changed = virtio_pci_show_config,
	.queue_fd = virtio_pci_queue_fd,
	.start_kick = virtio_pci_start_kick,
	.stop_kick = virtio_pci_stop_kick,
};

/* --- the BAR ------------------------------------------------------------------------- */

u64 virtio_pci_bar_read(void *priv, u64 off, unsigned int size)
{
	struct virtio_pci *vp = priv;
	u64 val = 0;

	if (off + size <= VIRTIO_PCI_DIRECT) {
		memcpy(&val, vp->pages.hva + off, size);
		return le64toh(val);
	}
	if (off == VIRTIO_PCI_ISR_STATUS)
		return virtio_pci_take_isr(vp);
	if (off >= VIRTIO_PCI_PENDING)
		return pci_msix_pending(&vp->pci, off - VIRTIO_PCI_PENDING, size);
	return 0;
}

/* KVM sends kicks to eventfds; what arrives here has none, or came by the window. */
static void write_notify(struct virtio_pci *vp, u64 off)
{
	if (off % VIRTIO_PCI_MULTIPLIER == 0)
		virtio_kick(vp->vd, off / VIRTIO_PCI_MULTIPLIER);
}

void virtio_pci_bar_write(void *priv, u64 off, u64 val, unsigned int size)
{
	struct virtio_pci *vp = priv;

	if (off >= VIRTIO_PCI_NOTIFY && off < VIRTIO_PCI_PENDING) {
		write_notify(vp, off - VIRTIO_PCI_NOTIFY);
	} else if (off >= VIRTIO_PCI_TABLE && off < VIRTIO_PCI_DIRECT) {
		pci_msix_write(&vp->pci, off - VIRTIO_PCI_TABLE, val, size);
	} else if (off < VIRTIO_PCI_TABLE) {
		pthread_mutex_lock(&vp->vd->lock);
		if (off < VIRTIO_PCI_DEVICE)
			virtio_pci_common_write(vp, off, val, size);
		else
			virtio_config_write(vp->vd, off - VIRTIO_PCI_DEVICE, val, size);
		/* What the driver wrote may have been more than the device bears. */
		virtio_pci_show_status(vp);
		pthread_mutex_unlock(&vp->vd->lock);
	}
}

static const struct region_ops virtio_pci_bar_ops = {
	.read = virtio_pci_bar_read,
	.write = virtio_pci_bar_write,
	.sizes = 1 | 2 | 4 | 8,
};

static const struct pci_ops virtio_pci_function_ops = {
	.config_read = virtio_pci_window_read,
	.config_written = virtio_pci_window_written,
	.bar_moved = virtio_pci_bar_moved,
};

/* --- the device of the machine ------------------------------------------------------- */

static int init_queues(struct virtio_pci *vp)
{
	unsigned int i;

	vp->queues = calloc(vp->vd->nr_vqs ?: 1, sizeof(*vp->queues));
	if (!vp->queues)
		return -ENOMEM;
	for (i = 0; i < vp->vd->nr_vqs; i++) {
		vp->queues[i].kick_fd = -1;
		vp->queues[i].vector = VIRTIO_MSI_NO_VECTOR;
	}
	vp->config_vector = VIRTIO_MSI_NO_VECTOR;
	return 0;
}

static int init_function(struct virtio_pci *vp, struct vm *vm)
{
	u32 id = vp->vd->ops->id;
	struct pci_ids ids = {
		.vendor = VENDOR_VIRTIO, .device = DEVICE_FIRST + id,
		.sub_vendor = VENDOR_VIRTIO, .sub_device = DEVICE_FIRST + id,
		.class = class_of(id), .revision = REVISION_MODERN,
	};
	u16 vectors = min_t(unsigned int, vp->vd->nr_vqs + 1, VIRTIO_PCI_MAX_VECTORS);
	int ret;

	ret = pci_device_init(&vp->pci, &virtio_pci_function_ops, vp->vd->name, &ids);
	ret = ret ?: pci_add_bar(&vp->pci, VIRTIO_PCI_BAR, VIRTIO_PCI_BAR_LEN, 0,
				 &virtio_pci_bar_ops, vp);
	ret = ret ?: add_caps(vp);
	ret = ret ?: pci_add_msix(&vp->pci, &vm->irqchip, vectors, VIRTIO_PCI_BAR,
				  VIRTIO_PCI_TABLE, VIRTIO_PCI_PENDING,
				  vp->pages.hva + VIRTIO_PCI_TABLE);
	vp->pci.has_intx = true;
	vp->pci.bars[VIRTIO_PCI_BAR].pages = &vp->pages;
	return ret;
}

static int virtio_pci_realize(struct device *dev, struct vm *vm)
{
	struct virtio_pci *vp = container_of(dev, struct virtio_pci, dev);
	int ret;

	vp->coalesce = &vm->coalesce;
	ret = devpages_init(&vp->pages, &vm->pages, VIRTIO_PCI_DIRECT);
	if (ret) {
		log_err("%s: no memory for registers: %s", dev->name, strerror(-ret));
		return ret;
	}
	ret = virtio_realize(vp->vd, vm, vp, &virtio_pci_transport_ops);
	if (ret)
		return ret;
	ret = init_queues(vp);
	ret = ret ?: init_function(vp, vm);
	if (!ret) {
		virtio_pci_show_all(vp);
		ret = pci_attach(vp->host, &vp->pci);
	}
	if (ret)
		log_err("%s: cannot be put on the PCI bus: %s", dev->name, strerror(-ret));
	return ret;
}

void virtio_pci_forget(struct virtio_pci *vp)
{
	unsigned int i;

	vp->feature_sel = 0;
	vp->driver_sel = 0;
	vp->queue_sel = 0;
	virtio_pci_set_vector(&vp->config_vector, VIRTIO_MSI_NO_VECTOR);
	for (i = 0; i < vp->vd->nr_vqs; i++)
		virtio_pci_set_vector(&vp->queues[i].vector, VIRTIO_MSI_NO_VECTOR);
	set_isr(vp, 0, 0);
}

static void virtio_pci_reset(struct device *dev)
{
	struct virtio_pci *vp = container_of(dev, struct virtio_pci, dev);

	pthread_mutex_lock(&vp->vd->lock);
	virtio_reset(vp->vd);
	virtio_pci_forget(vp);
	virtio_pci_show_all(vp);
	pthread_mutex_unlock(&vp->vd->lock);
	pci_device_reset(&vp->pci);
}

static void virtio_pci_destroy(struct device *dev)
{
	struct virtio_pci *vp = container_of(dev, struct virtio_pci, dev);

	pci_detach(&vp->pci);
	virtio_destroy(vp->vd);
	pci_device_destroy(&vp->pci);
	devpages_destroy(&vp->pages);
	free(vp->queues);
	pthread_mutex_destroy(&vp->kick_lock);
	pthread_mutex_destroy(&vp->isr_lock);
	free(vp);
}

static void virtio_pci_stats(const struct device *dev, struct json_out *j)
{
	virtio_stats(container_of(dev, struct virtio_pci, dev)->vd, j);
}

static const struct device_ops virtio_pci_device_ops = {
	.realize = virtio_pci_realize,
	.reset = virtio_pci_reset,
	.destroy = virtio_pci_destroy,
	.stats = STATS_OP(virtio_pci_stats),
};

struct device *virtio_pci_create(struct virtio_dev *vd, struct pci_host *host)
{
	struct virtio_pci *vp = calloc(1, sizeof(*vp));

	if (!vp) {
		virtio_destroy(vd);
		return NULL;
	}
	vp->dev.name = vd->name;
	vp->dev.ops = &virtio_pci_device_ops;
	vp->vd = vd;
	vp->host = host;
	vp->notify = PCI_HIDDEN;
	pthread_mutex_init(&vp->kick_lock, NULL);
	pthread_mutex_init(&vp->isr_lock, NULL);
	return &vp->dev;
}
