// SPDX-License-Identifier: GPL-2.0
/*
 * A function's config space (PCI Local Bus 3.0, chapter 6): what the guest can write
 * there, and what follows from it.
 */
#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include <linux/kernel.h>
#include <vmtool/pci.h>

#include "host.h"

#define COMMAND_WRITABLE (PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_INTX_DISABLE)

/* Another vCPU may be there right now: a field is read and changes as a whole. */
static u32 load(const u8 *p, unsigned int size)
{
	u32 val = 0;

	if (size == 2 && (uintptr_t)p % 2 == 0)
		return le16toh(__atomic_load_n((const u16 *)p, __ATOMIC_ACQUIRE));
	if (size == 4 && (uintptr_t)p % 4 == 0)
		return le32toh(__atomic_load_n((const u32 *)p, __ATOMIC_ACQUIRE));
	while (size--)
		val = val << 8 | __atomic_load_n(p + size, __ATOMIC_ACQUIRE);
	return val;
}

static void store(u8 *p, u32 val, unsigned int size)
{
	if (size == 2 && (uintptr_t)p % 2 == 0) {
		__atomic_store_n((u16 *)p, htole16(val), __ATOMIC_RELEASE);
	} else if (size == 4 && (uintptr_t)p % 4 == 0) {
		__atomic_store_n((u32 *)p, htole32(val), __ATOMIC_RELEASE);
	} else {
		for (; size; size--, val >>= 8)
			__atomic_store_n(p++, (u8)val, __ATOMIC_RELEASE);
	}
}

u32 pci_get(const struct pci_device *dev, u32 off, unsigned int size)
{
	return load(dev->config + off, size);
}

void pci_put(struct pci_device *dev, u32 off, u32 val, unsigned int size)
{
	store(dev->config + off, val, size);
}

static bool touches(u32 off, unsigned int size, u32 field, u32 len)
{
	return off < field + len && field < off + size;
}

static bool touches_bars(u32 off, unsigned int size)
{
	return touches(off, size, PCI_COMMAND, 2) ||
	       touches(off, size, PCI_BASE_ADDRESS_0, PCI_BARS * 4);
}

static void write_header(struct pci_device *dev, u32 off, u32 val, unsigned int size)
{
	u32 mask = 0;

	/* The status is changed by others at any time, and nothing else ends there. */
	if (touches(off, size, PCI_STATUS, 2)) {
		if (off >= PCI_STATUS)
			return;
		size = PCI_STATUS - off;
	}
	memcpy(&mask, dev->wmask + off, size);
	mask = le32toh(mask);
	if (mask)
		pci_put(dev, off, (pci_get(dev, off, size) & ~mask) | (val & mask), size);
}

void pci_config_write(struct pci_device *dev, u32 off, u32 val, unsigned int size)
{
	if (off + size > PCI_HEADER_LEN)
		return;
	write_header(dev, off, val, size);
	if (touches_bars(off, size))
		pci_bars_update(dev);
	if (dev->msix.nr && touches(off, size, dev->msix.cap + PCI_MSIX_FLAGS, 2))
		pci_msix_control(dev);
	pci_intx_update(dev);
	if (dev->ops && dev->ops->config_written)
		dev->ops->config_written(dev, off, size);
}

void pci_config_reset(struct pci_device *dev)
{
	u32 i;

	for (i = 0; i < PCI_HEADER_LEN; i++) {
		u8 mask = dev->wmask[i];

		if (mask)
			store(dev->config + i,
			      (dev->config[i] & ~mask) | (dev->initial[i] & mask), 1);
	}
	pci_msix_reset(dev);
	pci_bars_update(dev);
	pci_intx_update(dev);
}

/* --- how a function is put together ------------------------------------------------ */

int pci_device_init(struct pci_device *dev, const struct pci_ops *ops, const char *name,
		    const struct pci_ids *ids)
{
	void *p = mmap(NULL, PCI_FUNCTION_LEN, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int i;

	if (p == MAP_FAILED)
		return -errno;
	dev->config = p;
	dev->ops = ops;
	dev->name = name;
	pthread_mutex_init(&dev->msix.lock, NULL);
	for (i = 0; i < PCI_BARS; i++) {
		dev->bars[i].assigned = PCI_HIDDEN;
		dev->bars[i].want = PCI_HIDDEN;
		dev->bars[i].at = PCI_HIDDEN;
	}
	dev->cap_end = PCI_STD_HEADER_SIZEOF;

	pci_put(dev, PCI_VENDOR_ID, ids->vendor, 2);
	pci_put(dev, PCI_DEVICE_ID, ids->device, 2);
	pci_put(dev, PCI_CLASS_REVISION, ids->class << 8 | ids->revision, 4);
	pci_put(dev, PCI_SUBSYSTEM_VENDOR_ID, ids->sub_vendor, 2);
	pci_put(dev, PCI_SUBSYSTEM_ID, ids->sub_device, 2);
	dev->wmask[PCI_COMMAND] = COMMAND_WRITABLE & 0xff;
	dev->wmask[PCI_COMMAND + 1] = COMMAND_WRITABLE >> 8;
	dev->wmask[PCI_CACHE_LINE_SIZE] = 0xff;
	dev->wmask[PCI_INTERRUPT_LINE] = 0xff;
	return 0;
}

void pci_device_destroy(struct pci_device *dev)
{
	if (!dev->config)
		return;
	pci_msix_destroy(dev);
	pthread_mutex_destroy(&dev->msix.lock);
	if (!dev->host)
		munmap(dev->config, PCI_FUNCTION_LEN);
	dev->config = NULL;
}

int pci_add_cap(struct pci_device *dev, u8 id, const void *cap, u8 len)
{
	u8 at = dev->cap_end, *link;

	/* The end of the list is no more than an 8-bit number. */
	if (at + len > PCI_HEADER_LEN - 4)
		return -ENOSPC;
	memcpy(dev->config + at, cap, len);
	dev->config[at + PCI_CAP_LIST_ID] = id;
	dev->config[at + PCI_CAP_LIST_NEXT] = 0;
	link = dev->config + (dev->cap_last ? dev->cap_last + PCI_CAP_LIST_NEXT :
			      PCI_CAPABILITY_LIST);
	*link = at;
	pci_put(dev, PCI_STATUS, pci_get(dev, PCI_STATUS, 2) | PCI_STATUS_CAP_LIST, 2);
	dev->cap_last = at;
	dev->cap_end = at + ((len + 3) & ~3);
	return at;
}
