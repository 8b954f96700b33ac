// SPDX-License-Identifier: GPL-2.0
/*
 * virtio-pci: kicks that KVM turns into eventfds, wherever the BAR is, and the window
 * through which config space reaches the BAR (virtio 1.2, 4.1.4.9).
 */
#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <linux/kvm.h>

#include <linux/kernel.h>
#include <linux/virtio_pci.h>
#include <vmtool/coalesce.h>
#include <vmtool/log.h>
#include <vmtool/virtio.h>
#include <vmtool/virtio_pci.h>

#include "pci.h"

/* --- kicks ------------------------------------------------------------------------- */

/* A length of 0 is any: KVM then need not look at the instruction. */
static int ioeventfd(struct virtio_pci *vp, unsigned int index, u32 flags)
{
	int vm_fd = vp->vd->vm_fd;
	bool any = ioctl(vm_fd, KVM_CHECK_EXTENSION, KVM_CAP_IOEVENTFD_ANY_LENGTH) > 0;
	struct kvm_ioeventfd ev = {
		.addr = vp->notify + index * VIRTIO_PCI_MULTIPLIER,
		.len = any ? 0 : 2,
		.fd = vp->queues[index].kick_fd,
		.flags = flags,
	};

	return ioctl(vm_fd, KVM_IOEVENTFD, &ev) < 0 ? -errno : 0;
}

/* KVM may have no room for it: then each kick is an exit. */
void virtio_pci_bind_kick(struct virtio_pci *vp, unsigned int index)
{
	struct virtio_pci_queue *q = &vp->queues[index];
	int ret;

	if (vp->vd->vm_fd < 0 || vp->notify == PCI_HIDDEN || q->kick_fd < 0 || q->bound)
		return;
	ret = ioeventfd(vp, index, 0);
	if (ret)
		log_debug("%s: kicks of queue %u exit: %s", vp->vd->name, index, strerror(-ret));
	q->bound = !ret;
}

void virtio_pci_unbind_kick(struct virtio_pci *vp, unsigned int index)
{
	if (vp->queues[index].bound)
		ioeventfd(vp, index, KVM_IOEVENTFD_FLAG_DEASSIGN);
	vp->queues[index].bound = false;
}

/* --- registers whose meaning waits for another ------------------------------------------ */

/*
 * A queue's place is looked at when it is enabled. Accepted features would be the same,
 * but drivers may read them at any time (4.1.4.3.1).
 */
#define KEPT_QUEUE		VIRTIO_PCI_COMMON_Q_DESCLO
#define KEPT_QUEUE_LEN		(3 * sizeof(u64))

/* Drivers write a message while its vector is masked: unmasking is what exits. */
#define KEPT_VECTORS	8
#define MESSAGE_LEN	PCI_MSIX_ENTRY_VECTOR_CTRL

static void keep_writes(struct virtio_pci *vp, u64 bar,
			void (*fn)(struct coalesce *c, u64 addr, u32 len, bool port))
{
	u32 i;

	fn(vp->coalesce, bar + VIRTIO_PCI_COMMON + KEPT_QUEUE, KEPT_QUEUE_LEN, false);
	for (i = 0; i < vp->pci.msix.nr && i < KEPT_VECTORS; i++)
		fn(vp->coalesce, bar + VIRTIO_PCI_TABLE + i * PCI_MSIX_ENTRY_SIZE, MESSAGE_LEN,
		   false);
}

static void move_kept(struct virtio_pci *vp, u64 addr)
{
	if (vp->notify != PCI_HIDDEN)
		keep_writes(vp, vp->notify - VIRTIO_PCI_NOTIFY, coalesce_drop);
	if (addr != PCI_HIDDEN)
		keep_writes(vp, addr, coalesce_keep);
}

void virtio_pci_bar_moved(struct pci_device *pci, int bar, u64 addr)
{
	struct virtio_pci *vp = container_of(pci, struct virtio_pci, pci);
	unsigned int i;

	pthread_mutex_lock(&vp->kick_lock);
	for (i = 0; i < vp->vd->nr_vqs; i++)
		virtio_pci_unbind_kick(vp, i);
	move_kept(vp, addr);
	vp->notify = addr == PCI_HIDDEN ? PCI_HIDDEN : addr + VIRTIO_PCI_NOTIFY;
	for (i = 0; i < vp->vd->nr_vqs; i++)
		virtio_pci_bind_kick(vp, i);
	pthread_mutex_unlock(&vp->kick_lock);
}

/* --- the window ----------------------------------------------------------------------- */

struct access {
	u32 off;
	u32 len;
	u8 *data;
};

static u32 window_get(const struct virtio_pci *vp, u32 field)
{
	u32 val;

	memcpy(&val, vp->pci.config + vp->window + field, sizeof(val));
	return le32toh(val);
}

/* What the driver asks for, when it is an access that there is. */
static bool window_access(const struct virtio_pci *vp, struct access *a)
{
	a->off = window_get(vp, VIRTIO_PCI_CAP_OFFSET);
	a->len = window_get(vp, VIRTIO_PCI_CAP_LENGTH);
	a->data = vp->pci.config + vp->window + sizeof(struct virtio_pci_cap);
	if (vp->pci.config[vp->window + VIRTIO_PCI_CAP_BAR] != VIRTIO_PCI_BAR)
		return false;
	if (a->len != 1 && a->len != 2 && a->len != 4)
		return false;
	return a->off % a->len == 0 && a->off < VIRTIO_PCI_BAR_LEN;
}

static bool window_touched(const struct virtio_pci *vp, u32 off, unsigned int size,
			   u32 first, u32 end)
{
	return off < vp->window + end && vp->window + first < off + size;
}

static bool data_touched(const struct virtio_pci *vp, u32 off, unsigned int size)
{
	return window_touched(vp, off, size, sizeof(struct virtio_pci_cap),
			      sizeof(struct virtio_pci_cfg_cap));
}

void virtio_pci_window_read(struct pci_device *pci, u32 off, unsigned int size)
{
	struct virtio_pci *vp = container_of(pci, struct virtio_pci, pci);
	struct access a;
	u64 val;

	if (!data_touched(vp, off, size) || !window_access(vp, &a))
		return;
	val = htole64(virtio_pci_bar_read(vp, a.off, a.len));
	memcpy(a.data, &val, a.len);
}

void virtio_pci_window_written(struct pci_device *pci, u32 off, unsigned int size)
{
	struct virtio_pci *vp = container_of(pci, struct virtio_pci, pci);
	struct access a;
	u64 val = 0;

	/* From now on it matters when the data are read. */
	if (window_touched(vp, off, size, VIRTIO_PCI_CAP_BAR, sizeof(struct virtio_pci_cap)))
		pci_host_trap_reads(pci->host);
	if (!data_touched(vp, off, size) || !window_access(vp, &a))
		return;
	memcpy(&val, a.data, a.len);
	virtio_pci_bar_write(vp, a.off, le64toh(val), a.len);
}
