// SPDX-License-Identifier: GPL-2.0
/*
 * INTx: level-triggered lines that functions share (PCI Local Bus 3.0, 2.2.6).
 */
#include <linux/kernel.h>
#include <linux/pci.h>
#include <vmtool/pci.h>

#include "host.h"

static void set_level(struct pci_device *dev, bool level)
{
	struct pci_host *host = dev->host;
	unsigned int pin = dev->config[PCI_INTERRUPT_PIN] - 1;
	unsigned int line = pci_intx_line(PCI_SLOT(dev->devfn), pin);

	if (dev->intx_level == level)
		return;
	dev->intx_level = level;
	if (level)
		host->asserted[line]++;
	else
		host->asserted[line]--;
	irq_set(host->lines[line], host->asserted[line]);
}

/* Status shows what the pin would be if it were not disabled (6.2.3). */
static void update(struct pci_device *dev)
{
	u8 *status = dev->config + PCI_STATUS;
	bool pending;

	if (!dev->attached || !dev->has_intx)
		return;
	pending = dev->intx_wanted && !pci_msix_enabled(dev);
	if (pending)
		__atomic_fetch_or(status, PCI_STATUS_INTERRUPT, __ATOMIC_SEQ_CST);
	else
		__atomic_fetch_and(status, (u8)~PCI_STATUS_INTERRUPT, __ATOMIC_SEQ_CST);
	set_level(dev, pending && !(pci_get(dev, PCI_COMMAND, 2) & PCI_COMMAND_INTX_DISABLE));
}

void pci_intx_update(struct pci_device *dev)
{
	pthread_mutex_lock(&dev->host->intx_lock);
	update(dev);
	pthread_mutex_unlock(&dev->host->intx_lock);
}

void pci_intx_set(struct pci_device *dev, bool level)
{
	if (!dev->host)
		return;
	pthread_mutex_lock(&dev->host->intx_lock);
	dev->intx_wanted = level;
	update(dev);
	pthread_mutex_unlock(&dev->host->intx_lock);
}

void pci_intx_attach(struct pci_device *dev, bool attached)
{
	pthread_mutex_lock(&dev->host->intx_lock);
	if (attached) {
		dev->attached = true;
		update(dev);
	} else {
		if (dev->has_intx)
			set_level(dev, false);
		dev->attached = false;
	}
	pthread_mutex_unlock(&dev->host->intx_lock);
}
