// SPDX-License-Identifier: GPL-2.0
/*
 * Memory BARs: where they answer, and which of them when there is more than one.
 */
#include <errno.h>

#include <linux/bits.h>
#include <linux/kernel.h>
#include <vmtool/log.h>
#include <vmtool/pci.h>

#include "host.h"

static u32 bar_offset(int nr)
{
	return PCI_BASE_ADDRESS_0 + nr * 4;
}

static bool is_64bit(const struct pci_bar *bar)
{
	return bar->flags & PCI_BASE_ADDRESS_MEM_TYPE_64;
}

static void set_wmask(struct pci_device *dev, int nr, u64 mask)
{
	unsigned int i;

	for (i = 0; i < (is_64bit(&dev->bars[nr]) ? 8 : 4); i++)
		dev->wmask[bar_offset(nr) + i] = mask >> 8 * i;
}

int pci_add_bar(struct pci_device *dev, int nr, u64 size, u32 flags,
		const struct region_ops *ops, void *priv)
{
	struct pci_bar *bar = &dev->bars[nr];
	bool wide = flags & PCI_BASE_ADDRESS_MEM_TYPE_64;

	if (nr + wide >= PCI_BARS || size < PCI_FUNCTION_LEN || (size & (size - 1)) ||
	    (!wide && size > BIT_ULL(31)) || bar->size || (nr && is_64bit(bar - 1)))
		return -EINVAL;
	bar->size = size;
	bar->flags = flags & (PCI_BASE_ADDRESS_MEM_TYPE_64 | PCI_BASE_ADDRESS_MEM_PREFETCH);
	bar->ops = ops;
	bar->priv = priv;
	set_wmask(dev, nr, ~(size - 1));
	pci_put(dev, bar_offset(nr), bar->flags, 4);
	return 0;
}

static bool overlaps(const struct pci_host *host, u64 at, u64 size, u64 *end)
{
	int f, i;

	for (f = 0; f < PCI_FUNCTIONS; f++) {
		const struct pci_device *dev = host->functions[f];

		for (i = 0; dev && i < PCI_BARS; i++) {
			const struct pci_bar *bar = &dev->bars[i];

			if (bar->assigned == PCI_HIDDEN || at >= bar->assigned + bar->size ||
			    bar->assigned >= at + size)
				continue;
			*end = bar->assigned + bar->size;
			return true;
		}
	}
	return false;
}

/* The first free range from @at on, or PCI_HIDDEN. */
static u64 find_room(const struct pci_host *host, u64 at, u64 size)
{
	u64 end = host->conf.mem + host->conf.mem_len;

	for (;;) {
		at = (at + size - 1) & ~(size - 1);
		if (at > end || size > end - at)
			return PCI_HIDDEN;
		if (!overlaps(host, at, size, &at))
			return at;
	}
}

int pci_bars_assign(struct pci_host *host, struct pci_device *dev)
{
	u64 held;
	int i;

	for (i = 0; i < PCI_BARS; i++) {
		struct pci_bar *bar = &dev->bars[i];

		if (!bar->size)
			continue;
		bar->assigned = find_room(host, host->next, bar->size);
		if (bar->assigned == PCI_HIDDEN)
			bar->assigned = find_room(host, host->conf.mem, bar->size);
		if (bar->assigned == PCI_HIDDEN)
			return -ENOSPC;
		host->next = bar->assigned + bar->size;
		held = bar->assigned - host->conf.mem_offset;
		pci_put(dev, bar_offset(i), held | bar->flags, 4);
		if (is_64bit(bar))
			pci_put(dev, bar_offset(i + 1), held >> 32, 4);
	}
	return 0;
}

/* What does not lie in the bridge's window is not decoded: it is not for PCI. */
static u64 bar_address(const struct pci_device *dev, int nr)
{
	const struct pci_host_conf *conf = &dev->host->conf;
	const struct pci_bar *bar = &dev->bars[nr];
	u64 addr;

	if (!dev->attached || !(pci_get(dev, PCI_COMMAND, 2) & PCI_COMMAND_MEMORY))
		return PCI_HIDDEN;
	addr = pci_get(dev, bar_offset(nr), 4) & PCI_BASE_ADDRESS_MEM_MASK;
	if (is_64bit(bar))
		addr |= (u64)pci_get(dev, bar_offset(nr + 1), 4) << 32;
	addr += conf->mem_offset;
	if (addr < conf->mem || addr - conf->mem >= conf->mem_len ||
	    bar->size > conf->mem_len - (addr - conf->mem))
		return PCI_HIDDEN;
	return addr;
}

static void hide(struct pci_device *dev, int nr)
{
	struct pci_bar *bar = &dev->bars[nr];

	if (bar->at == PCI_HIDDEN)
		return;
	if (dev->ops && dev->ops->bar_moved)
		dev->ops->bar_moved(dev, nr, PCI_HIDDEN);
	if (bar->pages)
		devpages_unmap(bar->pages);
	bus_unmap(dev->host->bus, &bar->region);
	bar->at = PCI_HIDDEN;
}

/* Two BARs in one place are the guest's mistake: the one that came first stays. */
static void show(struct pci_device *dev, int nr)
{
	struct pci_bar *bar = &dev->bars[nr];
	int ret;

	bar->region.name = dev->name;
	if (bus_map(dev->host->bus, &bar->region, bar->want, bar->size, bar->ops, bar->priv))
		return;
	bar->at = bar->want;
	ret = bar->pages ? devpages_map(bar->pages, bar->at) : 0;
	if (ret && ret != -ENOSPC)
		log_debug("%s: reads of BAR %d exit: error %d", dev->name, nr, -ret);
	if (dev->ops && dev->ops->bar_moved)
		dev->ops->bar_moved(dev, nr, bar->at);
}

static void show_wanted(struct pci_device *dev)
{
	int i;

	for (i = 0; i < PCI_BARS; i++)
		if (dev->bars[i].want != PCI_HIDDEN && dev->bars[i].at == PCI_HIDDEN)
			show(dev, i);
}

/* One that makes room may uncover another device's. */
static void show_all_wanted(struct pci_host *host)
{
	int f;

	for (f = 0; f < PCI_FUNCTIONS; f++)
		if (host->functions[f])
			show_wanted(host->functions[f]);
}

void pci_bars_update(struct pci_device *dev)
{
	bool made_room = false;
	int i;

	for (i = 0; i < PCI_BARS; i++) {
		struct pci_bar *bar = &dev->bars[i];

		if (!bar->size)
			continue;
		bar->want = bar_address(dev, i);
		if (bar->at == PCI_HIDDEN || bar->at == bar->want)
			continue;
		hide(dev, i);
		made_room = true;
	}
	show_wanted(dev);
	if (made_room)
		show_all_wanted(dev->host);
}

void pci_bars_hide(struct pci_device *dev)
{
	int i;

	for (i = 0; i < PCI_BARS; i++) {
		dev->bars[i].want = PCI_HIDDEN;
		hide(dev, i);
	}
	show_all_wanted(dev->host);
}
