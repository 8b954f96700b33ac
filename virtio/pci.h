/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_VIRTIO_PCI_DEVICE_H
#define VMTOOL_VIRTIO_PCI_DEVICE_H

#include <pthread.h>
#include <vmtool/device.h>
#include <vmtool/devpages.h>
#include <vmtool/pci.h>
#include <vmtool/virtio.h>

/* What the files of the PCI transport share. */

#ifndef VIRTIO_PCI_COMMON_Q_RESET
#define VIRTIO_PCI_COMMON_Q_NDATA	56
#define VIRTIO_PCI_COMMON_Q_RESET	58
#endif
#define VIRTIO_PCI_ISR_QUEUE		1

/**
 * struct virtio_pci_queue - what the transport knows of a queue
 * @vector: MSI-X vector, changed atomically
 * @kick_fd: its eventfd while it is served, -1 otherwise
 * @bound: KVM sends kicks there
 */
struct virtio_pci_queue {
	u16 vector;
	int kick_fd;
	bool bound;
};

/**
 * struct virtio_pci - a virtio device on a PCI bus
 * @dev: the device of the machine
 * @pci: the function
 * @host: its bus
 * @vd: the device
 * @coalesce: the machine's writes that wait
 * @pages: what the guest reads of the first pages of the BAR
 * @window: offset of the capability VIRTIO_PCI_CAP_PCI_CFG
 * @feature_sel: device_feature_select
 * @driver_sel: driver_feature_select
 * @queue_sel: queue_select
 * @config_vector: config_msix_vector, changed atomically
 * @queues: as many as @vd has
 * @kick_lock: protects @notify, @queues[].kick_fd and @bound
 * @notify: address of the notification structure, or PCI_HIDDEN
 * @isr_lock: protects @isr
 * @isr: ISR status
 */
struct virtio_pci {
	struct device dev;
	struct pci_device pci;
	struct pci_host *host;
	struct virtio_dev *vd;
	struct coalesce *coalesce;
	struct devpages pages;
	u8 window;
	u32 feature_sel;
	u32 driver_sel;
	u16 queue_sel;
	u16 config_vector;
	struct virtio_pci_queue *queues;
	pthread_mutex_t kick_lock;
	u64 notify;
	pthread_mutex_t isr_lock;
	u8 isr;
};

static inline u16 virtio_pci_vector(const u16 *vector)
{
	return __atomic_load_n(vector, __ATOMIC_ACQUIRE);
}

static inline void virtio_pci_set_vector(u16 *vector, u16 val)
{
	__atomic_store_n(vector, val, __ATOMIC_RELEASE);
}

/* --- virtio/pci.c */

u64 virtio_pci_bar_read(void *priv, u64 off, unsigned int size);
void virtio_pci_bar_write(void *priv, u64 off, u64 val, unsigned int size);

/** virtio_pci_take_isr() - ISR status, which is zero afterwards */
u8 virtio_pci_take_isr(struct virtio_pci *vp);

/** virtio_pci_forget() - what a reset does to the transport; under the device's lock */
void virtio_pci_forget(struct virtio_pci *vp);

/* --- virtio/pci-common.c: common configuration and the config space */

void virtio_pci_show_all(struct virtio_pci *vp);
void virtio_pci_show_status(struct virtio_pci *vp);
void virtio_pci_show_config(struct virtio_dev *vd);

/** virtio_pci_common_write() - the driver writes a register; under the device's lock */
void virtio_pci_common_write(struct virtio_pci *vp, u32 off, u64 val, unsigned int size);

/* --- virtio/pci-access.c: where the registers are; struct pci_ops */

void virtio_pci_window_read(struct pci_device *pci, u32 off, unsigned int size);
void virtio_pci_window_written(struct pci_device *pci, u32 off, unsigned int size);
void virtio_pci_bar_moved(struct pci_device *pci, int bar, u64 addr);

/* Have KVM send a queue's kicks to its eventfd, or not; under @kick_lock. */
void virtio_pci_bind_kick(struct virtio_pci *vp, unsigned int index);
void virtio_pci_unbind_kick(struct virtio_pci *vp, unsigned int index);

#endif /* VMTOOL_VIRTIO_PCI_DEVICE_H */
