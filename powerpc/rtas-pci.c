// SPDX-License-Identifier: GPL-2.0
/*
 * PCI by RTAS (LoPAR, 7.3.4 and 7.3.10.5): config space, and messages. A guest is given
 * interrupt sources for a function, and finds the messages in its MSI-X table already.
 */
#include <errno.h>
#include <string.h>

#include <linux/bits.h>
#include <linux/kernel.h>
#include <vmtool/log.h>
#include <vmtool/pci.h>
#include <vmtool/vcpu.h>
#include <vmtool/vm.h>

#include "powerpc.h"

/* ibm,change-msi: what is asked for. */
#define MSI_CHANGE		1
#define MSI_CHANGE_MSI		3
#define MSI_CHANGE_MSIX		4
#define MSI_CHANGE_32MSI	5
#define MSI_CHANGE_32MSIX	6

#define SOURCE_EDGE		1

/* The function that a config address names, and the register; NULL without one. */
static struct pci_device *find_function(struct vcpu *v, u32 addr, u32 *reg)
{
	*reg = (addr & 0xff) | (addr >> 20 & 0xf00);
	if (!v->vm->pci || (addr >> 16 & 0xff))
		return NULL;
	return pci_host_function(v->vm->pci, addr >> 8);
}

static bool is_our_buid(u32 high, u32 low)
{
	return ((u64)high << 32 | low) == PPC_PCI_BUID;
}

static s32 read_config(struct vcpu *v, struct rtas_call *c, u32 addr, u32 size)
{
	struct pci_device *dev;
	u32 reg;

	c->rets[1] = ~0U;
	dev = find_function(v, addr, &reg);
	if (!dev)
		return RTAS_HW_ERROR;
	if ((size != 1 && size != 2 && size != 4) || reg % size)
		return RTAS_PARAM_ERROR;
	c->rets[1] = pci_host_config_read(v->vm->pci, dev->devfn, reg, size);
	return RTAS_OK;
}

static s32 write_config(struct vcpu *v, u32 addr, u32 size, u32 val)
{
	struct pci_device *dev;
	u32 reg;

	dev = find_function(v, addr, &reg);
	if (!dev)
		return RTAS_HW_ERROR;
	if ((size != 1 && size != 2 && size != 4) || reg % size)
		return RTAS_PARAM_ERROR;
	pci_host_config_write(v->vm->pci, dev->devfn, reg, size, val);
	return RTAS_OK;
}

s32 ppc_rtas_read_config(struct vcpu *v, struct rtas_call *c)
{
	return c->nargs == 2 ? read_config(v, c, c->args[0], c->args[1]) : RTAS_PARAM_ERROR;
}

s32 ppc_rtas_write_config(struct vcpu *v, struct rtas_call *c)
{
	return c->nargs == 3 ? write_config(v, c->args[0], c->args[1], c->args[2]) :
			       RTAS_PARAM_ERROR;
}

s32 ppc_rtas_ibm_read_config(struct vcpu *v, struct rtas_call *c)
{
	if (c->nargs != 4 || !is_our_buid(c->args[1], c->args[2]))
		return RTAS_PARAM_ERROR;
	return read_config(v, c, c->args[0], c->args[3]);
}

s32 ppc_rtas_ibm_write_config(struct vcpu *v, struct rtas_call *c)
{
	if (c->nargs != 5 || !is_our_buid(c->args[1], c->args[2]))
		return RTAS_PARAM_ERROR;
	return write_config(v, c->args[0], c->args[3], c->args[4]);
}

/* --- messages -------------------------------------------------------------------------- */

int ppc_msi_line(const struct irqchip *chip, u64 addr, u32 data)
{
	const struct vm *vm = container_of(chip, struct vm, irqchip);
	u32 made = __atomic_load_n(&vm->arch->msi_made, __ATOMIC_ACQUIRE);

	if (addr != PPC_MSI_ADDR || data < PPC_IRQ_MSIS || data - PPC_IRQ_MSIS >= made)
		return -EINVAL;
	return data;
}

/* The first of @nr sources that no function has; under the lock, as all that follows. */
static int find_sources(const struct vm_arch *arch, u32 nr)
{
	u32 first = 0;
	int f;

	while (first + nr <= PPC_NR_MSIS) {
		for (f = 0; f < ARRAY_SIZE(arch->msis); f++) {
			const struct ppc_msi_block *m = &arch->msis[f];

			if (m->nr && first < m->first + m->nr && m->first < first + nr)
				break;
		}
		if (f == ARRAY_SIZE(arch->msis))
			return first;
		first = arch->msis[f].first + arch->msis[f].nr;
	}
	return -ENOSPC;
}

static int make_sources(struct vm *vm, u32 end)
{
	u32 n = vm->arch->msi_made;
	int ret = 0;

	for (; n < end && !ret; n++) {
		ret = vm->arch->irq->add(vm, PPC_IRQ_MSIS + n, IRQ_EDGE);
		if (!ret)
			__atomic_store_n(&vm->arch->msi_made, n + 1, __ATOMIC_RELEASE);
	}
	return ret;
}

/* Vectors from @nr on have no message. */
static void write_messages(struct pci_device *dev, u32 first, u32 nr)
{
	u32 i;

	for (i = 0; i < dev->msix.nr; i++) {
		u32 at = i * PCI_MSIX_ENTRY_SIZE;
		u64 addr = i < nr ? PPC_MSI_ADDR : 0;

		pci_msix_write(dev, at + PCI_MSIX_ENTRY_LOWER_ADDR, (u32)addr, 4);
		pci_msix_write(dev, at + PCI_MSIX_ENTRY_UPPER_ADDR, addr >> 32, 4);
		pci_msix_write(dev, at + PCI_MSIX_ENTRY_DATA, i < nr ? first + i : 0, 4);
	}
}

static int change_msix(struct vm *vm, struct pci_device *dev, u32 nr)
{
	struct vm_arch *arch = vm->arch;
	struct ppc_msi_block *m = &arch->msis[dev->devfn];
	int first = 0, ret = 0;

	pthread_mutex_lock(&arch->lock);
	m->nr = 0;
	nr = min_t(u32, nr, dev->msix.nr);
	if (nr) {
		first = find_sources(arch, nr);
		ret = first < 0 ? first : make_sources(vm, first + nr);
	}
	if (ret) {
		nr = 0;
		log_debug("%s: no interrupt sources: error %d", dev->name, -ret);
	}
	m->first = first;
	m->nr = nr;
	write_messages(dev, PPC_IRQ_MSIS + first, nr);
	pthread_mutex_unlock(&arch->lock);
	return ret ?: nr;
}

/* config address, BUID (2), function, number, sequence: status, number, sequence */
s32 ppc_rtas_change_msi(struct vcpu *v, struct rtas_call *c)
{
	struct pci_device *dev;
	u32 reg, nr;
	int ret;

	if (c->nargs < 6 || c->nret < 3 || !is_our_buid(c->args[1], c->args[2]))
		return RTAS_PARAM_ERROR;
	dev = find_function(v, c->args[0], &reg);
	if (!dev)
		return RTAS_PARAM_ERROR;
	nr = c->args[4];
	switch (c->args[3]) {
	case MSI_CHANGE:
	case MSI_CHANGE_MSI:
	case MSI_CHANGE_32MSI:
		/* No function has MSI; to have none of them ends MSI-X as well. */
		if (nr)
			return RTAS_PARAM_ERROR;
		break;
	case MSI_CHANGE_MSIX:
	case MSI_CHANGE_32MSIX:
		break;
	default:
		return RTAS_PARAM_ERROR;
	}
	ret = change_msix(v->vm, dev, nr);
	if (ret < 0)
		return RTAS_HW_ERROR;
	c->rets[1] = ret;
	c->rets[2] = c->args[5] + 1;
	return RTAS_OK;
}

/* config address, BUID (2), vector: status, source, trigger */
s32 ppc_rtas_query_irq(struct vcpu *v, struct rtas_call *c)
{
	struct vm_arch *arch = v->vm->arch;
	const struct ppc_msi_block *m;
	struct pci_device *dev;
	s32 ret = RTAS_PARAM_ERROR;
	u32 reg;

	if (c->nargs < 4 || c->nret < 3 || !is_our_buid(c->args[1], c->args[2]))
		return RTAS_PARAM_ERROR;
	dev = find_function(v, c->args[0], &reg);
	if (!dev)
		return RTAS_PARAM_ERROR;
	pthread_mutex_lock(&arch->lock);
	m = &arch->msis[dev->devfn];
	if (c->args[3] < m->nr) {
		c->rets[1] = PPC_IRQ_MSIS + m->first + c->args[3];
		c->rets[2] = SOURCE_EDGE;
		ret = RTAS_OK;
	}
	pthread_mutex_unlock(&arch->lock);
	return ret;
}
