/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TESTS_UNIT_VIRTIO_DRIVER_PCI_H
#define TESTS_UNIT_VIRTIO_DRIVER_PCI_H

/*
 * virtio-pci, modern (virtio 1.2, 4.1), as its driver uses it: capabilities, MSI-X
 * with a vector for the configuration and one for each queue, or INTx. Included by
 * virtio_driver.h.
 */
#include <linux/pci_regs.h>
#include <linux/virtio_pci.h>
#include <vmtool/pci.h>
#include <vmtool/virtio_pci.h>

#ifndef VIRTIO_PCI_COMMON_Q_RESET
#define VIRTIO_PCI_COMMON_Q_RESET	58
#endif

#define DRV_PCI_ECAM	0xe0000000ULL
#define DRV_PCI_MEM	0xe1000000ULL
#define DRV_PCI_LEN	0x1000000ULL
#define DRV_PCI_GSI	16
#define DRV_PCI_NONE	0xffff		/* no vector */
#define DRV_PCI_ISR_QUEUE	1
#define DRV_MSI_ADDR	0xfee00000U
#define DRV_MSI_DATA	0x4100U		/* of vector 0 */

/* Config space of the device. */
static inline u32 drv_pci_config(struct drv *d, u32 off, unsigned int size)
{
	return drv_bus_read(d, d->pci.config + off, size);
}

static inline void drv_pci_set_config(struct drv *d, u32 off, u32 val, unsigned int size)
{
	drv_bus_write(d, d->pci.config + off, val, size);
}

/* Offset of the next capability after @off, 0 for the first one; 0 at the end. */
static inline u8 drv_pci_next_cap(struct drv *d, u8 off)
{
	return drv_pci_config(d, off ? off + PCI_CAP_LIST_NEXT : PCI_CAPABILITY_LIST, 1) & ~3;
}

static inline u64 drv_pci_bar(struct drv *d, unsigned int bar)
{
	u32 reg = PCI_BASE_ADDRESS_0 + 4 * bar;
	u32 low = drv_pci_config(d, reg, 4);
	u64 addr = low & PCI_BASE_ADDRESS_MEM_MASK;

	if (low & PCI_BASE_ADDRESS_MEM_TYPE_64)
		addr |= (u64)drv_pci_config(d, reg + 4, 4) << 32;
	return addr;
}

/* The structure a capability of virtio points to (4.1.4). */
static inline u64 drv_pci_struct(struct drv *d, u8 cap)
{
	u8 bar = drv_pci_config(d, cap + VIRTIO_PCI_CAP_BAR, 1);

	return drv_pci_bar(d, bar) + drv_pci_config(d, cap + VIRTIO_PCI_CAP_OFFSET, 4);
}

static inline void drv_pci_virtio_cap(struct drv *d, u8 cap)
{
	/* The first one of each type is to be used. */
	switch (drv_pci_config(d, cap + VIRTIO_PCI_CAP_CFG_TYPE, 1)) {
	case VIRTIO_PCI_CAP_COMMON_CFG:
		d->pci.common = d->pci.common ? d->pci.common : drv_pci_struct(d, cap);
		break;
	case VIRTIO_PCI_CAP_NOTIFY_CFG:
		if (d->pci.notify)
			break;
		d->pci.notify = drv_pci_struct(d, cap);
		d->pci.multiplier = drv_pci_config(d, cap + VIRTIO_PCI_NOTIFY_CAP_MULT, 4);
		break;
	case VIRTIO_PCI_CAP_ISR_CFG:
		d->pci.isr = d->pci.isr ? d->pci.isr : drv_pci_struct(d, cap);
		break;
	case VIRTIO_PCI_CAP_DEVICE_CFG:
		d->pci.device = d->pci.device ? d->pci.device : drv_pci_struct(d, cap);
		break;
	}
}

static inline void drv_pci_msix_cap(struct drv *d, u8 cap)
{
	u32 table = drv_pci_config(d, cap + PCI_MSIX_TABLE, 4);
	u16 flags = drv_pci_config(d, cap + PCI_MSIX_FLAGS, 2);
	u16 i;

	d->pci.msix = cap;
	d->pci.nr_vectors = (flags & PCI_MSIX_FLAGS_QSIZE) + 1;
	d->pci.table = drv_pci_bar(d, table & PCI_MSIX_TABLE_BIR) + (table & PCI_MSIX_TABLE_OFFSET);
	for (i = 0; i < d->pci.nr_vectors; i++) {
		u64 entry = d->pci.table + PCI_MSIX_ENTRY_SIZE * i;

		drv_bus_write(d, entry + PCI_MSIX_ENTRY_LOWER_ADDR, DRV_MSI_ADDR, 4);
		drv_bus_write(d, entry + PCI_MSIX_ENTRY_UPPER_ADDR, 0, 4);
		drv_bus_write(d, entry + PCI_MSIX_ENTRY_DATA, DRV_MSI_DATA + i, 4);
		drv_bus_write(d, entry + PCI_MSIX_ENTRY_VECTOR_CTRL, 0, 4);
	}
	drv_pci_set_config(d, cap + PCI_MSIX_FLAGS, flags | PCI_MSIX_FLAGS_ENABLE, 2);
}

/* Looks for the device on the bus; false when it is not there. */
static inline bool drv_pci_find(struct drv *d)
{
	unsigned int devfn;
	u32 id;

	for (devfn = 0; devfn < 256; devfn++) {
		d->pci.config = DRV_PCI_ECAM + PCI_FUNCTION_LEN * devfn;
		id = drv_pci_config(d, PCI_VENDOR_ID, 4);
		if (id == (0x1af4 | (0x1040 + d->vd->ops->id) << 16))
			return true;
	}
	return false;
}

/* What the kernel's PCI core and the driver's probe function do. */
static inline void drv_pci_probe(struct drv *d)
{
	u8 cap;

	drv_pci_set_config(d, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2);
	for (cap = drv_pci_next_cap(d, 0); cap; cap = drv_pci_next_cap(d, cap)) {
		u8 type = drv_pci_config(d, cap, 1);

		if (type == PCI_CAP_ID_VNDR)
			drv_pci_virtio_cap(d, cap);
		else if (type == PCI_CAP_ID_MSIX)
			drv_pci_msix_cap(d, cap);
	}
	d->base = drv_pci_bar(d, 0);
	if (!d->pci.common || !d->pci.notify || !d->pci.isr)
		drv_die("a structure of virtio-pci is missing");
	if (d->vd->config_size && !d->pci.device)
		drv_die("no capability for the config space");
}

static inline int drv_pci_attach(struct drv *d)
{
	static const struct pci_host_conf conf = {
		.ecam = DRV_PCI_ECAM,
		.mem = DRV_PCI_MEM,
		.mem_len = DRV_PCI_LEN,
		.gsi = DRV_PCI_GSI,
	};
	struct device *host = pci_host_create(&conf);
	int ret = host ? devices_add(&d->vm, host) : -ENOMEM;

	if (ret)
		return ret;
	d->dev = virtio_pci_create(d->vd, d->vm.pci);
	ret = d->dev ? devices_add(&d->vm, d->dev) : -ENOMEM;
	if (ret)
		return ret;
	if (!drv_pci_find(d))
		drv_die("the device is not on the PCI bus");
	drv_pci_probe(d);
	return 0;
}

/* INTx instead of MSI-X, until drv_end(); before drv_setup(). */
static inline void drv_pci_use_intx(struct drv *d)
{
	d->pci.intx = true;
	if (d->pci.msix)
		drv_pci_set_config(d, d->pci.msix + PCI_MSIX_FLAGS, 0, 2);
}

/* Registers of the common configuration. */
static inline u32 drv_pci_common(struct drv *d, u32 off, unsigned int size)
{
	return drv_bus_read(d, d->pci.common + off, size);
}

static inline void drv_pci_set_common(struct drv *d, u32 off, u32 val, unsigned int size)
{
	drv_bus_write(d, d->pci.common + off, val, size);
}

static inline void drv_pci_select(struct drv *d, unsigned int q)
{
	drv_pci_set_common(d, VIRTIO_PCI_COMMON_Q_SELECT, q, 2);
}

static inline u8 drv_pci_status(struct drv *d)
{
	return drv_pci_common(d, VIRTIO_PCI_COMMON_STATUS, 1);
}

/* A vector is refused by reading back as "none". */
static inline void drv_pci_set_vector(struct drv *d, u32 reg, u16 vector)
{
	drv_pci_set_common(d, reg, vector, 2);
	if (drv_pci_common(d, reg, 2) != vector)
		drv_die("vector %u is refused", vector);
}

/* A reset has forgotten the vector of the configuration. */
static inline void drv_pci_set_status(struct drv *d, u8 status)
{
	if (status && !d->pci.intx &&
	    drv_pci_common(d, VIRTIO_PCI_COMMON_MSIX, 2) == DRV_PCI_NONE)
		drv_pci_set_vector(d, VIRTIO_PCI_COMMON_MSIX, 0);
	drv_pci_set_common(d, VIRTIO_PCI_COMMON_STATUS, status, 1);
}

static inline u32 drv_pci_features(struct drv *d, u32 word)
{
	drv_pci_set_common(d, VIRTIO_PCI_COMMON_DFSELECT, word, 4);
	return drv_pci_common(d, VIRTIO_PCI_COMMON_DF, 4);
}

static inline void drv_pci_accept(struct drv *d, u32 word, u32 bits)
{
	drv_pci_set_common(d, VIRTIO_PCI_COMMON_GFSELECT, word, 4);
	drv_pci_set_common(d, VIRTIO_PCI_COMMON_GF, bits, 4);
}

static inline u16 drv_pci_queue_max(struct drv *d, unsigned int q)
{
	if (q >= drv_pci_common(d, VIRTIO_PCI_COMMON_NUMQ, 2))
		return 0;
	drv_pci_select(d, q);
	return drv_pci_common(d, VIRTIO_PCI_COMMON_Q_SIZE, 2);
}

static inline u16 drv_pci_queue_vector(struct drv *d, unsigned int q)
{
	return q + 1 < d->pci.nr_vectors ? q + 1 : d->pci.nr_vectors - 1;
}

static inline void drv_pci_queue_set(struct drv *d, unsigned int q, u16 size, u64 desc,
				     u64 driver, u64 device)
{
	drv_pci_select(d, q);
	drv_pci_set_common(d, VIRTIO_PCI_COMMON_Q_SIZE, size, 2);
	if (!d->pci.intx)
		drv_pci_set_vector(d, VIRTIO_PCI_COMMON_Q_MSIX, drv_pci_queue_vector(d, q));
	drv_pci_set_common(d, VIRTIO_PCI_COMMON_Q_DESCLO, desc, 4);
	drv_pci_set_common(d, VIRTIO_PCI_COMMON_Q_DESCHI, desc >> 32, 4);
	drv_pci_set_common(d, VIRTIO_PCI_COMMON_Q_AVAILLO, driver, 4);
	drv_pci_set_common(d, VIRTIO_PCI_COMMON_Q_AVAILHI, driver >> 32, 4);
	drv_pci_set_common(d, VIRTIO_PCI_COMMON_Q_USEDLO, device, 4);
	drv_pci_set_common(d, VIRTIO_PCI_COMMON_Q_USEDHI, device >> 32, 4);
}

static inline void drv_pci_queue_enable(struct drv *d, unsigned int q)
{
	drv_pci_select(d, q);
	drv_pci_set_common(d, VIRTIO_PCI_COMMON_Q_ENABLE, 1, 2);
}

static inline bool drv_pci_queue_enabled(struct drv *d, unsigned int q)
{
	drv_pci_select(d, q);
	return drv_pci_common(d, VIRTIO_PCI_COMMON_Q_ENABLE, 2);
}

static inline void drv_pci_queue_reset(struct drv *d, unsigned int q)
{
	drv_pci_select(d, q);
	drv_pci_set_common(d, VIRTIO_PCI_COMMON_Q_RESET, 1, 2);
}

static inline bool drv_pci_queue_in_reset(struct drv *d, unsigned int q)
{
	drv_pci_select(d, q);
	return drv_pci_common(d, VIRTIO_PCI_COMMON_Q_RESET, 2);
}

static inline void drv_pci_notify(struct drv *d, unsigned int q)
{
	drv_pci_select(d, q);
	drv_bus_write(d, d->pci.notify + (u64)d->pci.multiplier *
		      drv_pci_common(d, VIRTIO_PCI_COMMON_Q_NOFF, 2), q, 2);
}

static inline u64 drv_pci_config_read(struct drv *d, u32 off, unsigned int size)
{
	return drv_bus_read(d, d->pci.device + off, size);
}

static inline void drv_pci_config_write(struct drv *d, u32 off, u64 val, unsigned int size)
{
	drv_bus_write(d, d->pci.device + off, val, size);
}

static inline u32 drv_pci_generation(struct drv *d)
{
	return drv_pci_common(d, VIRTIO_PCI_COMMON_CFGGENERATION, 1);
}

/* The messages of a vector that arrived: taken from where KVM would take them. */
static inline bool drv_pci_vector_fired(struct drv *d, u16 vector)
{
	const struct irqchip *chip = &d->vm.irqchip;
	u64 count;
	u32 i;

	for (i = 0; i < chip->nr_msis; i++) {
		const struct msi *msi = chip->msis[i];

		if (msi && msi->routed && msi->addr == DRV_MSI_ADDR &&
		    msi->data == DRV_MSI_DATA + vector)
			return read(msi->fd, &count, sizeof(count)) == sizeof(count);
	}
	return false;
}

/* The handler of a shared line: reading the status lowers it (4.1.4.5). */
static inline void drv_pci_line(struct drv *d)
{
	unsigned int i;
	u8 why;

	for (i = 0; i < PCI_INTX_LINES; i++) {
		if (!d->vm.irqchip.lines[DRV_PCI_GSI + i].level)
			continue;
		why = drv_bus_read(d, d->pci.isr, 1);
		d->used_irq |= why & DRV_PCI_ISR_QUEUE;
		d->config_irq |= !!(why & VIRTIO_PCI_ISR_CONFIG);
		if (d->vm.irqchip.lines[DRV_PCI_GSI + i].level)
			drv_die("the line stays asserted");
	}
}

static inline bool drv_pci_interrupted(struct drv *d, unsigned int q)
{
	bool was;

	if (!d->pci.intx)
		return drv_pci_vector_fired(d, drv_pci_queue_vector(d, q));
	drv_pci_line(d);
	was = d->used_irq;
	d->used_irq = false;
	return was;
}

static inline bool drv_pci_config_interrupted(struct drv *d)
{
	bool was;

	if (!d->pci.intx)
		return drv_pci_vector_fired(d, 0);
	drv_pci_line(d);
	was = d->config_irq;
	d->config_irq = false;
	return was;
}

static inline void drv_pci_forget(struct drv *d)
{
	u16 i;

	for (i = 0; i < d->pci.nr_vectors; i++)
		drv_pci_vector_fired(d, i);
	if (d->pci.intx)
		drv_pci_line(d);
	d->used_irq = false;
	d->config_irq = false;
}

static const struct drv_transport_ops drv_pci_ops = {
	.attach = drv_pci_attach,
	.status = drv_pci_status,
	.set_status = drv_pci_set_status,
	.features = drv_pci_features,
	.accept = drv_pci_accept,
	.queue_max = drv_pci_queue_max,
	.queue_set = drv_pci_queue_set,
	.queue_enable = drv_pci_queue_enable,
	.queue_enabled = drv_pci_queue_enabled,
	.queue_reset = drv_pci_queue_reset,
	.queue_in_reset = drv_pci_queue_in_reset,
	.notify = drv_pci_notify,
	.config_read = drv_pci_config_read,
	.config_write = drv_pci_config_write,
	.generation = drv_pci_generation,
	.interrupted = drv_pci_interrupted,
	.config_interrupted = drv_pci_config_interrupted,
	.forget_interrupts = drv_pci_forget,
};

#endif /* TESTS_UNIT_VIRTIO_DRIVER_PCI_H */
