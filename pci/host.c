// SPDX-License-Identifier: GPL-2.0
/*
 * The host bridge: config space in memory (PCI Express Base 5.0, 7.2.2), and which
 * functions are on its bus.
 *
 * Absent functions are pages of a file that reads all ones. A function brings its
 * own page, which takes the place of one of these in a single step.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/kernel.h>
#include <linux/pci.h>
#include <vmtool/fdt.h>
#include <vmtool/log.h>
#include <vmtool/pci.h>
#include <vmtool/vm.h>

#include "host.h"

#define MULTI_FUNCTION	0x80

/* More would cost memory, less mappings. */
#define ONES_LEN	(4 * PCI_SLOT_LEN)

/* A bridge that no driver looks for. */
static const struct pci_ids bridge_ids = {
	.vendor = 0x1b36, .device = 0x0008, .sub_vendor = 0x1af4, .sub_device = 0x1100,
	.class = 0x060000,
};

const struct pci_host_conf *pci_host_conf(const struct pci_host *host)
{
	return &host->conf;
}

/* --- config space -------------------------------------------------------------------- */

static u64 ecam_read(void *priv, u64 off, unsigned int size)
{
	struct pci_host *host = priv;
	struct pci_device *dev;
	u64 val = 0;

	pthread_mutex_lock(&host->lock);
	dev = host->functions[off / PCI_FUNCTION_LEN];
	if (host->traps && dev && dev->ops && dev->ops->config_read)
		dev->ops->config_read(dev, off % PCI_FUNCTION_LEN, size);
	memcpy(&val, host->ecam.hva + off, size);
	pthread_mutex_unlock(&host->lock);
	return le64toh(val);
}

static void ecam_write(void *priv, u64 off, u64 val, unsigned int size)
{
	struct pci_host *host = priv;
	struct pci_device *dev;

	/* Across two functions: nobody is meant. */
	if (off % PCI_FUNCTION_LEN + size > PCI_FUNCTION_LEN)
		return;
	pthread_mutex_lock(&host->lock);
	dev = host->functions[off / PCI_FUNCTION_LEN];
	if (dev)
		pci_config_write(dev, off % PCI_FUNCTION_LEN, val, size);
	pthread_mutex_unlock(&host->lock);
}

static const struct region_ops ecam_ops = {
	.read = ecam_read,
	.write = ecam_write,
	.sizes = 1 | 2 | 4,
};

struct pci_device *pci_host_function(struct pci_host *host, u8 devfn)
{
	struct pci_device *dev;

	pthread_mutex_lock(&host->lock);
	dev = host->functions[devfn];
	pthread_mutex_unlock(&host->lock);
	return dev;
}

static bool config_access(u32 off, unsigned int size)
{
	return off < PCI_FUNCTION_LEN && (size == 1 || size == 2 || size == 4) && off % size == 0;
}

u32 pci_host_config_read(struct pci_host *host, u8 devfn, u32 off, unsigned int size)
{
	if (!config_access(off, size))
		return ~0U;
	return ecam_read(host, devfn * PCI_FUNCTION_LEN + off, size);
}

void pci_host_config_write(struct pci_host *host, u8 devfn, u32 off, unsigned int size, u32 val)
{
	if (config_access(off, size))
		ecam_write(host, devfn * PCI_FUNCTION_LEN + off, val, size);
}

void pci_host_trap_reads(struct pci_host *host)
{
	host->traps = true;
	devpages_unmap(&host->ecam);
}

static void map_ecam(struct pci_host *host)
{
	int ret;

	host->traps = false;
	if (host->ecam.slot >= 0 || !host->conf.ecam)
		return;
	ret = devpages_map(&host->ecam, host->conf.ecam);
	if (ret && ret != -ENOSPC)
		log_debug("PCI: reads of config space exit: %s", strerror(-ret));
}

/* --- functions on the bus -------------------------------------------------------------- */

static int find_free(const struct pci_host *host, int first, int end)
{
	int f, slot;

	for (slot = 1; slot < PCI_SLOTS; slot++)
		for (f = first; f < end; f++)
			if (!host->functions[PCI_DEVFN(slot, f)])
				return PCI_DEVFN(slot, f);
	return -ENOSPC;
}

/* Guests look at all functions of a device before they look at the next device. */
static int find_devfn(const struct pci_host *host)
{
	unsigned int slots = PCI_SLOTS - 1, each = (host->conf.expected + slots - 1) / slots;
	int end = min_t(unsigned int, each ?: 1, PCI_SLOT_FUNCTIONS);
	int ret = find_free(host, 0, end);

	for (; ret < 0 && end < PCI_SLOT_FUNCTIONS; end++)
		ret = find_free(host, end, end + 1);
	return ret;
}

/* Function 0 tells whether there is any need to look for others. */
static void tell_functions(struct pci_host *host, int devfn)
{
	struct pci_device *first = host->functions[PCI_DEVFN(PCI_SLOT(devfn), 0)];
	int f;

	for (f = 1; first && f < PCI_SLOT_FUNCTIONS; f++)
		if (host->functions[PCI_DEVFN(PCI_SLOT(devfn), f)])
			pci_put(first, PCI_HEADER_TYPE, MULTI_FUNCTION, 1);
}

static void set_pin(struct pci_host *host, struct pci_device *dev)
{
	unsigned int pin = PCI_FUNC(dev->devfn) % PCI_INTX_LINES;

	if (!dev->has_intx)
		return;
	pci_put(dev, PCI_INTERRUPT_PIN, pin + 1, 1);
	pci_put(dev, PCI_INTERRUPT_LINE,
		host->conf.gsi + pci_intx_line(PCI_SLOT(dev->devfn), pin), 1);
}

static int move_config(struct pci_host *host, struct pci_device *dev, u8 *page)
{
	if (host->packed) {
		memcpy(page, dev->config, PCI_FUNCTION_LEN);
		munmap(dev->config, PCI_FUNCTION_LEN);
	} else if (mremap(dev->config, PCI_FUNCTION_LEN, PCI_FUNCTION_LEN,
			  MREMAP_MAYMOVE | MREMAP_FIXED, page) == MAP_FAILED) {
		return -errno;
	}
	dev->config = page;
	return 0;
}

/*
 * Guests measure every BAR that there could be, and the ROM: behind the last BAR there is
 * nothing that a write changes.
 */
static u64 idle_registers(const struct pci_device *dev, u32 *len)
{
	u32 off = PCI_BASE_ADDRESS_0 + PCI_BARS * 4;

	while (off > PCI_BASE_ADDRESS_0 && !dev->wmask[off - 1])
		off -= 4;
	*len = PCI_CAPABILITY_LIST - off;
	return dev->host->conf.ecam + dev->devfn * PCI_FUNCTION_LEN + off;
}

static void keep_idle_registers(const struct pci_device *dev, bool keep)
{
	u64 addr;
	u32 len;

	if (!dev->host->conf.ecam)
		return;
	addr = idle_registers(dev, &len);
	if (keep)
		coalesce_keep(dev->host->coalesce, addr, len, false);
	else
		coalesce_drop(dev->host->coalesce, addr, len, false);
}

static int attach_at(struct pci_host *host, struct pci_device *dev, int devfn)
{
	u8 *page = host->ecam.hva + devfn * PCI_FUNCTION_LEN;
	int ret;

	dev->devfn = devfn;
	set_pin(host, dev);
	host->functions[devfn] = dev;
	ret = pci_bars_assign(host, dev);
	if (ret) {
		host->functions[devfn] = NULL;
		return ret;
	}
	memcpy(dev->initial, dev->config, sizeof(dev->initial));
	ret = move_config(host, dev, page);
	if (ret) {
		host->functions[devfn] = NULL;
		return ret;
	}
	dev->host = host;
	tell_functions(host, devfn);
	keep_idle_registers(dev, true);
	pci_intx_attach(dev, true);
	return 0;
}

int pci_attach(struct pci_host *host, struct pci_device *dev)
{
	int ret;

	pthread_mutex_lock(&host->lock);
	ret = find_devfn(host);
	if (ret >= 0)
		ret = attach_at(host, dev, ret);
	pthread_mutex_unlock(&host->lock);
	return ret;
}

static int map_ones(struct pci_host *host, u32 off, size_t len)
{
	void *p = mmap(host->ecam.hva + off, len, PROT_READ, MAP_SHARED | MAP_FIXED,
		       host->ones, 0);

	return p == MAP_FAILED ? -errno : 0;
}

static void detach(struct pci_host *host, struct pci_device *dev)
{
	pci_bars_hide(dev);
	keep_idle_registers(dev, false);
	pci_intx_attach(dev, false);
	host->functions[dev->devfn] = NULL;
	/* In case that there is no memory for the page that says so. */
	pci_put(dev, PCI_VENDOR_ID, ~0U, 4);
	if (host->packed)
		memset(dev->config, 0xff, PCI_FUNCTION_LEN);
	else if (map_ones(host, dev->devfn * PCI_FUNCTION_LEN, PCI_FUNCTION_LEN))
		log_debug("%s: its config space stays", dev->name);
}

void pci_detach(struct pci_device *dev)
{
	struct pci_host *host = dev->host;

	if (!host)
		return;
	pthread_mutex_lock(&host->lock);
	if (dev->attached)
		detach(host, dev);
	pthread_mutex_unlock(&host->lock);
}

void pci_device_reset(struct pci_device *dev)
{
	pthread_mutex_lock(&dev->host->lock);
	pci_config_reset(dev);
	pthread_mutex_unlock(&dev->host->lock);
}

/* --- the device of the machine ------------------------------------------------------- */

static int make_ones(struct pci_host *host)
{
	u8 *page;
	u32 off;
	int ret = 0;

	if (host->packed) {
		memset(host->ecam.hva, 0xff, PCI_BUS_LEN);
		return 0;
	}
	page = malloc(ONES_LEN);
	if (!page)
		return -ENOMEM;
	memset(page, 0xff, ONES_LEN);
	host->ones = memfd_create("vmtool-pci", MFD_CLOEXEC);
	if (host->ones < 0)
		ret = -errno;
	else if (pwrite(host->ones, page, ONES_LEN, 0) != ONES_LEN)
		ret = -ENOSPC;
	free(page);
	for (off = 0; off < PCI_BUS_LEN && !ret; off += ONES_LEN)
		ret = map_ones(host, off, ONES_LEN);
	return ret;
}

static int take_lines(struct pci_host *host, struct irqchip *chip)
{
	int i;

	for (i = 0; i < PCI_INTX_LINES; i++) {
		host->lines[i] = irq_get(chip, host->conf.gsi + i, IRQ_LEVEL);
		if (!host->lines[i])
			return -EBUSY;
	}
	return 0;
}

static int add_bridge(struct pci_host *host)
{
	int ret = pci_device_init(&host->bridge, NULL, host->dev.name, &bridge_ids);

	return ret ?: attach_at(host, &host->bridge, 0);
}

static int host_realize(struct device *dev, struct vm *vm)
{
	struct pci_host *host = container_of(dev, struct pci_host, dev);
	int ret;

	host->bus = &vm->mmio;
	host->coalesce = &vm->coalesce;
	host->next = host->conf.mem;
	host->packed = sysconf(_SC_PAGESIZE) > PCI_FUNCTION_LEN;
	ret = take_lines(host, &vm->irqchip);
	ret = ret ?: devpages_init(&host->ecam, &vm->pages, PCI_BUS_LEN);
	ret = ret ?: make_ones(host);
	ret = ret ?: add_bridge(host);
	host->region.name = dev->name;
	if (host->conf.ecam)
		ret = ret ?: bus_map(host->bus, &host->region, host->conf.ecam, PCI_BUS_LEN,
				     &ecam_ops, host);
	if (ret) {
		log_err("PCI: cannot set up the host bridge: %s", strerror(-ret));
		return ret;
	}
	map_ecam(host);
	vm->pci = host;
	return 0;
}

static void host_reset(struct device *dev)
{
	struct pci_host *host = container_of(dev, struct pci_host, dev);

	pci_device_reset(&host->bridge);
	pthread_mutex_lock(&host->lock);
	map_ecam(host);
	pthread_mutex_unlock(&host->lock);
}

static void host_destroy(struct device *dev)
{
	struct pci_host *host = container_of(dev, struct pci_host, dev);

	if (host->bus)
		bus_unmap(host->bus, &host->region);
	pci_device_destroy(&host->bridge);
	devpages_destroy(&host->ecam);
	if (host->ones >= 0)
		close(host->ones);
	pthread_mutex_destroy(&host->intx_lock);
	pthread_mutex_destroy(&host->lock);
	free(host);
}

static const struct device_ops host_device_ops = {
	.realize = host_realize,
	.reset = host_reset,
	.destroy = host_destroy,
	.acpi = pci_host_acpi,
	.fdt = FDT_OP(pci_host_fdt),
};

struct device *pci_host_create(const struct pci_host_conf *conf)
{
	struct pci_host *host = calloc(1, sizeof(*host));

	if (!host)
		return NULL;
	host->dev.name = "pci";
	host->dev.ops = &host_device_ops;
	host->conf = *conf;
	host->ones = -1;
	host->ecam.slot = -1;
	pthread_mutex_init(&host->lock, NULL);
	pthread_mutex_init(&host->intx_lock, NULL);
	return &host->dev;
}
