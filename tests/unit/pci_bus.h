/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TESTS_UNIT_PCI_BUS_H
#define TESTS_UNIT_PCI_BUS_H

#include <endian.h>
#include <stdlib.h>

#include <linux/pci.h>
#include <vmtool/pci.h>

#include "devices.h"

/* A machine with a PCI bus, and functions that remember what is done to them. */

#define TEST_ECAM	0xe8000000ULL
#define TEST_MEM	0xd0000000ULL
#define TEST_MEM_LEN	0x04000000ULL
#define TEST_GSI	16
#define TEST_VENDOR	0x1234
#define TEST_VECTORS	20
#define TEST_BAR	0x4000		/* size of BAR 0; the table is at its start */
#define TEST_PBA	0x1000
#define TEST_REG	0x2000		/* a register: what is written is read */
#define TEST_BAR2	0x10000		/* 64 bits wide, with prefetch */

/**
 * struct test_function - a function with a 32-bit BAR, a 64-bit one and MSI-X
 * @pci: the function
 * @pages: what is read of BAR 0 without an exit
 * @reg: the register
 * @at: where its BARs are, as it was told
 * @reads: times that config_read() was called
 * @writes: times that config_written() was called
 */
struct test_function {
	struct pci_device pci;
	struct devpages pages;
	u64 reg;
	u64 at[PCI_BARS];
	unsigned int reads;
	unsigned int writes;
};

static inline u64 test_bar_read(void *priv, u64 off, unsigned int size)
{
	struct test_function *f = priv;
	u64 val = 0;

	if (off + size <= TEST_PBA) {
		memcpy(&val, f->pages.hva + off, size);
		return le64toh(val);
	}
	if (off >= TEST_REG)
		return __atomic_load_n(&f->reg, __ATOMIC_RELAXED);
	return pci_msix_pending(&f->pci, off - TEST_PBA, size);
}

static inline void test_bar_write(void *priv, u64 off, u64 val, unsigned int size)
{
	struct test_function *f = priv;

	if (off < TEST_PBA)
		pci_msix_write(&f->pci, off, val, size);
	else if (off >= TEST_REG)
		__atomic_store_n(&f->reg, val, __ATOMIC_RELAXED);
}

static const struct region_ops test_bar_ops = {
	.read = test_bar_read,
	.write = test_bar_write,
	.sizes = 1 | 2 | 4 | 8,
};

static inline void test_config_read(struct pci_device *dev, u32 off, unsigned int size)
{
	container_of(dev, struct test_function, pci)->reads++;
}

static inline void test_config_written(struct pci_device *dev, u32 off, unsigned int size)
{
	container_of(dev, struct test_function, pci)->writes++;
}

static inline void test_bar_moved(struct pci_device *dev, int bar, u64 addr)
{
	container_of(dev, struct test_function, pci)->at[bar] = addr;
}

static const struct pci_ops test_pci_ops = {
	.config_read = test_config_read,
	.config_written = test_config_written,
	.bar_moved = test_bar_moved,
};

static inline int test_bus_init(struct vm *vm, int vm_fd, unsigned int expected)
{
	const struct pci_host_conf conf = {
		.ecam = TEST_ECAM, .mem = TEST_MEM, .mem_len = TEST_MEM_LEN, .gsi = TEST_GSI,
		.expected = expected,
	};
	struct device *host;
	int ret;

	ret = devices_init(vm);
	if (ret)
		return ret;
	vm->vm_fd = vm_fd;
	vm->irqchip.vm_fd = vm_fd;
	devpages_pool_init(&vm->pages, vm_fd);
	host = pci_host_create(&conf);
	return host ? devices_add(vm, host) : -ENOMEM;
}

/* A function that is complete and on no bus yet. */
static inline struct test_function *test_function_new(struct vm *vm)
{
	static const struct pci_ids ids = {
		.vendor = TEST_VENDOR, .device = 0x5678, .sub_vendor = 0x9abc,
		.sub_device = 0xdef0, .class = 0x010203, .revision = 4,
	};
	struct test_function *f = calloc(1, sizeof(*f));
	int i, ret;

	if (!f)
		return NULL;
	for (i = 0; i < PCI_BARS; i++)
		f->at[i] = PCI_HIDDEN;
	ret = devpages_init(&f->pages, &vm->pages, TEST_PBA);
	ret = ret ?: pci_device_init(&f->pci, &test_pci_ops, "test", &ids);
	ret = ret ?: pci_add_bar(&f->pci, 0, TEST_BAR, 0, &test_bar_ops, f);
	ret = ret ?: pci_add_bar(&f->pci, 2, TEST_BAR2,
				 PCI_BASE_ADDRESS_MEM_TYPE_64 | PCI_BASE_ADDRESS_MEM_PREFETCH,
				 &test_bar_ops, f);
	ret = ret ?: pci_add_msix(&f->pci, &vm->irqchip, TEST_VECTORS, 0, 0, TEST_PBA,
				  f->pages.hva);
	f->pci.has_intx = true;
	f->pci.bars[0].pages = &f->pages;
	if (ret)
		abort();
	return f;
}

static inline struct test_function *test_function_add(struct vm *vm)
{
	struct test_function *f = test_function_new(vm);

	if (f && pci_attach(vm->pci, &f->pci))
		abort();
	return f;
}

static inline void test_function_remove(struct test_function *f)
{
	pci_detach(&f->pci);
	pci_device_destroy(&f->pci);
	devpages_destroy(&f->pages);
	/* Whoever still uses it will be seen. */
	memset(f, 0xee, sizeof(*f));
	free(f);
}

static inline u64 test_read(struct vm *vm, u64 addr, unsigned int size)
{
	u64 val = 0;

	bus_read(&vm->mmio, addr, &val, size);
	return le64toh(val);
}

static inline void test_write(struct vm *vm, u64 addr, u64 val, unsigned int size)
{
	val = htole64(val);
	bus_write(&vm->mmio, addr, &val, size);
}

static inline u32 config_read(struct vm *vm, unsigned int devfn, u32 off, unsigned int size)
{
	return test_read(vm, TEST_ECAM + devfn * PCI_FUNCTION_LEN + off, size);
}

static inline void config_write(struct vm *vm, unsigned int devfn, u32 off, u32 val,
				unsigned int size)
{
	test_write(vm, TEST_ECAM + devfn * PCI_FUNCTION_LEN + off, val, size);
}

#endif /* TESTS_UNIT_PCI_BUS_H */
