// SPDX-License-Identifier: GPL-2.0
/*
 * MSI-X (PCI Local Bus 3.0, 6.8.2): a table of messages, each with a mask bit, and
 * bits of what is pending.
 *
 * A vector that may not be sent is held back as an interrupt without a route: its
 * eventfd keeps what was signalled, which is the pending bit.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>
#include <vmtool/log.h>
#include <vmtool/pci.h>

#include "host.h"

static u32 entry_get(const struct pci_msix *m, u32 vector, u32 field)
{
	u32 val;

	memcpy(&val, m->table + vector * PCI_MSIX_ENTRY_SIZE + field, sizeof(val));
	return le32toh(val);
}

static void entry_put(struct pci_msix *m, u32 off, u32 val)
{
	__atomic_store_n((u32 *)(m->table + off), htole32(val), __ATOMIC_RELEASE);
}

static bool may_be_sent(const struct pci_msix *m, u32 vector)
{
	u32 ctrl = entry_get(m, vector, PCI_MSIX_ENTRY_VECTOR_CTRL);

	return m->enabled && !m->masked && !(ctrl & PCI_MSIX_ENTRY_CTRL_MASKBIT);
}

static void update_vector(struct pci_device *dev, u32 vector)
{
	struct pci_msix *m = &dev->msix;
	struct msi *msi = &m->msis[vector];
	u64 addr;
	int ret;

	if (!msi->chip)
		return;
	if (!may_be_sent(m, vector)) {
		msi_unroute(msi);
		return;
	}
	addr = entry_get(m, vector, PCI_MSIX_ENTRY_LOWER_ADDR) |
	       (u64)entry_get(m, vector, PCI_MSIX_ENTRY_UPPER_ADDR) << 32;
	ret = msi_route(msi, addr, entry_get(m, vector, PCI_MSIX_ENTRY_DATA));
	if (ret)
		log_debug("%s: vector %u: %s", dev->name, vector, strerror(-ret));
}

static void update_all(struct pci_device *dev)
{
	u32 i;

	for (i = 0; i < dev->msix.nr; i++)
		update_vector(dev, i);
}

void pci_msix_control(struct pci_device *dev)
{
	struct pci_msix *m = &dev->msix;
	u16 flags = pci_get(dev, m->cap + PCI_MSIX_FLAGS, 2);
	bool enabled = flags & PCI_MSIX_FLAGS_ENABLE;
	bool masked = flags & PCI_MSIX_FLAGS_MASKALL;

	pthread_mutex_lock(&m->lock);
	if (enabled != m->enabled || masked != m->masked) {
		m->masked = masked;
		__atomic_store_n(&m->enabled, enabled, __ATOMIC_RELEASE);
		update_all(dev);
	}
	pthread_mutex_unlock(&m->lock);
}

static void mask_all(struct pci_msix *m)
{
	u32 i;

	memset(m->table, 0, m->nr * PCI_MSIX_ENTRY_SIZE);
	for (i = 0; i < m->nr; i++)
		entry_put(m, i * PCI_MSIX_ENTRY_SIZE + PCI_MSIX_ENTRY_VECTOR_CTRL,
			  PCI_MSIX_ENTRY_CTRL_MASKBIT);
}

void pci_msix_reset(struct pci_device *dev)
{
	struct pci_msix *m = &dev->msix;
	u32 i;

	if (!m->nr)
		return;
	pthread_mutex_lock(&m->lock);
	m->masked = false;
	__atomic_store_n(&m->enabled, false, __ATOMIC_RELEASE);
	mask_all(m);
	update_all(dev);
	for (i = 0; i < m->nr; i++)
		if (m->msis[i].chip)
			msi_clear(&m->msis[i]);
	pthread_mutex_unlock(&m->lock);
}

int pci_add_msix(struct pci_device *dev, struct irqchip *chip, u16 nr, int bar,
		 u32 table_off, u32 pba_off, u8 *table)
{
	struct pci_msix *m = &dev->msix;
	u8 cap[PCI_CAP_MSIX_SIZEOF] = { };
	u32 regs[2] = { htole32(table_off | bar), htole32(pba_off | bar) };
	u16 flags = htole16(nr - 1);
	int ret;

	if (!nr || nr > PCI_MAX_MSIX || (table_off | pba_off) % 8 || m->nr)
		return -EINVAL;
	memcpy(cap + PCI_MSIX_FLAGS, &flags, sizeof(flags));
	memcpy(cap + PCI_MSIX_TABLE, regs, sizeof(regs));
	m->msis = calloc(nr, sizeof(*m->msis));
	if (!m->msis)
		return -ENOMEM;
	ret = pci_add_cap(dev, PCI_CAP_ID_MSIX, cap, sizeof(cap));
	if (ret < 0)
		return ret;
	m->cap = ret;
	m->chip = chip;
	m->nr = nr;
	m->table = table;
	dev->wmask[m->cap + PCI_MSIX_FLAGS + 1] =
		(PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL) >> 8;
	mask_all(m);
	return 0;
}

void pci_msix_destroy(struct pci_device *dev)
{
	u32 i;

	for (i = 0; i < dev->msix.nr; i++)
		msi_destroy(&dev->msix.msis[i]);
	free(dev->msix.msis);
	dev->msix.msis = NULL;
	dev->msix.nr = 0;
}

int pci_msix_use(struct pci_device *dev, u16 vector)
{
	struct pci_msix *m = &dev->msix;
	int ret = 0;

	if (vector >= m->nr)
		return -EINVAL;
	pthread_mutex_lock(&m->lock);
	if (!m->msis[vector].chip) {
		ret = msi_init(&m->msis[vector], m->chip, dev->devfn);
		if (!ret)
			update_vector(dev, vector);
	}
	pthread_mutex_unlock(&m->lock);
	return ret;
}

void pci_msix_signal(struct pci_device *dev, u16 vector)
{
	if (vector < dev->msix.nr && dev->msix.msis[vector].chip)
		msi_signal(&dev->msix.msis[vector]);
}

int pci_msix_fd(struct pci_device *dev, u16 vector)
{
	if (vector >= dev->msix.nr || !dev->msix.msis[vector].chip)
		return -1;
	return dev->msix.msis[vector].fd;
}

static void write_entry(struct pci_device *dev, u32 off, u32 val)
{
	struct pci_msix *m = &dev->msix;

	if (off >= (u32)m->nr * PCI_MSIX_ENTRY_SIZE)
		return;
	/* Reserved bits read zero. */
	if (off % PCI_MSIX_ENTRY_SIZE == PCI_MSIX_ENTRY_VECTOR_CTRL)
		val &= PCI_MSIX_ENTRY_CTRL_MASKBIT;
	else if (off % PCI_MSIX_ENTRY_SIZE == PCI_MSIX_ENTRY_LOWER_ADDR)
		val &= ~3U;
	entry_put(m, off, val);
	update_vector(dev, off / PCI_MSIX_ENTRY_SIZE);
}

void pci_msix_write(struct pci_device *dev, u64 off, u64 val, unsigned int size)
{
	if ((size != 4 && size != 8) || off % size || off >= PCI_MAX_MSIX * PCI_MSIX_ENTRY_SIZE)
		return;
	pthread_mutex_lock(&dev->msix.lock);
	write_entry(dev, off, val);
	if (size == 8)
		write_entry(dev, off + 4, val >> 32);
	pthread_mutex_unlock(&dev->msix.lock);
}

u64 pci_msix_pending(struct pci_device *dev, u64 off, unsigned int size)
{
	struct pci_msix *m = &dev->msix;
	unsigned int i;
	u64 bits = 0;

	if (off >= PCI_MAX_MSIX / 8)
		return 0;
	pthread_mutex_lock(&m->lock);
	for (i = 0; i < size * 8 && off * 8 + i < m->nr; i++) {
		const struct msi *msi = &m->msis[off * 8 + i];

		if (m->enabled && msi->chip && msi_pending(msi))
			bits |= 1ULL << i;
	}
	pthread_mutex_unlock(&m->lock);
	return bits;
}
