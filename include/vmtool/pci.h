/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_PCI_H
#define VMTOOL_PCI_H

#include <pthread.h>
#include <stdbool.h>
#include <linux/pci_regs.h>
#include <linux/types.h>
#include <vmtool/bus.h>
#include <vmtool/device.h>
#include <vmtool/devpages.h>
#include <vmtool/irq.h>

/*
 * A PCI bus: config space in memory (ECAM), one bus, devices with memory BARs,
 * MSI-X and shared INTx lines (PCI Local Bus 3.0, PCI Express Base 5.0).
 *
 * The config space is read without an exit, so it is always up to date: what a
 * device shows there, it writes there. Locks, in the order they are taken: the
 * host's, one of a device, that of MSI-X, that of the interrupt lines. Who accesses
 * a BAR holds none of the host's: a BAR is moved while other vCPUs are in it.
 */

struct pci_host;
struct pci_device;

#define PCI_BUS_LEN		0x100000	/* config space of one bus */
#define PCI_FUNCTION_LEN	0x1000		/* of one function */
#define PCI_HEADER_LEN		0x100		/* what a device here has of it */
#define PCI_BARS		6
#define PCI_INTX_LINES		4
#define PCI_FUNCTIONS		256
#define PCI_MAX_MSIX		256
#define PCI_HIDDEN		(~0ULL)		/* address of a BAR that is not decoded */

/**
 * struct pci_host_conf - where a host bridge is
 * @ecam: guest address of PCI_BUS_LEN bytes of config space, aligned to them; 0: there
 *	is none, the machine's firmware calls pci_host_config_read() and _write()
 * @mem: guest address where BARs can be
 * @mem_len: bytes there
 * @mem_offset: how much larger guest addresses there are than what BARs hold
 * @gsi: first of PCI_INTX_LINES interrupt lines, which are nobody else's
 * @expected: functions that will be attached, as far as known: guests are to find
 *	them in that order
 */
struct pci_host_conf {
	u64 ecam;
	u64 mem;
	u64 mem_len;
	u64 mem_offset;
	u32 gsi;
	unsigned int expected;
};

/**
 * pci_host_create() - a host bridge with bus 0, device 00:00.0 of it
 * @conf: where it is; copied
 *
 * realize() sets vm->pci; devices come after it in the machine's list.
 *
 * Return: device, not realized; NULL without memory.
 */
struct device *pci_host_create(const struct pci_host_conf *conf);

/** pci_host_conf() - where a host bridge is */
const struct pci_host_conf *pci_host_conf(const struct pci_host *host);

/**
 * pci_host_function() - what is on the bus
 * @host: host bridge
 * @devfn: device number << 3 | function number
 *
 * Return: function; NULL where there is none. Functions come and go with the machine.
 */
struct pci_device *pci_host_function(struct pci_host *host, u8 devfn);

/**
 * pci_host_config_read() - the guest reads from config space by its firmware
 * @host: host bridge
 * @devfn: device number << 3 | function number
 * @off: offset, any
 * @size: any; what is not 1, 2 or 4 bytes at a multiple of that finds nothing
 *
 * Return: value; all ones where there is nothing.
 */
u32 pci_host_config_read(struct pci_host *host, u8 devfn, u32 off, unsigned int size);

/**
 * pci_host_config_write() - the guest writes to config space by its firmware
 * @host: host bridge
 * @devfn: device number << 3 | function number
 * @off: offset, any
 * @size: as for pci_host_config_read()
 * @val: value
 */
void pci_host_config_write(struct pci_host *host, u8 devfn, u32 off, unsigned int size, u32 val);

/**
 * pci_host_trap_reads() - have reads of config space exit until the next reset
 * @host: host bridge; under its lock: from an operation of struct pci_ops
 *
 * For devices one of whose registers has to know when it is read.
 */
void pci_host_trap_reads(struct pci_host *host);

/**
 * struct pci_ops - what a device is told; under the host's lock
 * @config_read: @size bytes at @off of its config space are about to be read; only
 *	after pci_host_trap_reads()
 * @config_written: they have been written
 * @bar_moved: a BAR is decoded at @addr, or not at all (PCI_HIDDEN)
 *
 * What is NULL is not needed.
 */
struct pci_ops {
	void (*config_read)(struct pci_device *dev, u32 off, unsigned int size);
	void (*config_written)(struct pci_device *dev, u32 off, unsigned int size);
	void (*bar_moved)(struct pci_device *dev, int bar, u64 addr);
};

/**
 * struct pci_ids - what a function is
 * @vendor: vendor id
 * @device: device id
 * @sub_vendor: subsystem vendor id
 * @sub_device: subsystem id
 * @class: class, subclass and programming interface
 * @revision: revision
 */
struct pci_ids {
	u16 vendor;
	u16 device;
	u16 sub_vendor;
	u16 sub_device;
	u32 class;
	u8 revision;
};

/**
 * struct pci_bar - a memory BAR
 * @size: bytes, a power of two; 0: there is none
 * @flags: PCI_BASE_ADDRESS_MEM_TYPE_64, PCI_BASE_ADDRESS_MEM_PREFETCH
 * @ops: accesses
 * @priv: passed to @ops
 * @pages: what its first bytes are read from without an exit, or NULL
 * @assigned: address it has at power-on
 * @want: address it was given while it is decoded, else PCI_HIDDEN
 * @at: address where it answers, or PCI_HIDDEN
 * @region: on the machine's bus
 */
struct pci_bar {
	u64 size;
	u32 flags;
	const struct region_ops *ops;
	void *priv;
	struct devpages *pages;
	u64 assigned;
	u64 want;
	u64 at;
	struct region region;
};

/**
 * struct pci_msix - MSI-X of a function
 * @lock: protects all of it
 * @chip: interrupt controller
 * @nr: vectors; 0: the function has no MSI-X
 * @cap: offset of the capability
 * @enabled: MSI-X Enable; changed atomically
 * @masked: Function Mask
 * @table: what the guest reads of the table, 16 bytes a vector; the device's
 * @msis: the interrupts; those nobody uses have no @chip
 */
struct pci_msix {
	pthread_mutex_t lock;
	struct irqchip *chip;
	u16 nr;
	u8 cap;
	bool enabled;
	bool masked;
	u8 *table;
	struct msi *msis;
};

/**
 * struct pci_device - a function
 * @ops: what it is told
 * @name: for messages
 * @host: its host bridge once it was attached
 * @devfn: device number << 3 | function number
 * @config: config space, PCI_FUNCTION_LEN bytes; changed under the host's lock, but
 *	for the interrupt status
 * @initial: what the header was when it was attached
 * @wmask: bits of the header that the guest can write
 * @cap_end: where the next capability goes
 * @cap_last: the last one, 0: none
 * @bars: BARs
 * @msix: MSI-X
 * @has_intx: it has an interrupt pin
 * @attached: it is on the bus; this and the rest change under the host's lock for
 *	interrupt lines
 * @intx_wanted: what the function wants its pin to be
 * @intx_level: what it is
 */
struct pci_device {
	const struct pci_ops *ops;
	const char *name;
	struct pci_host *host;
	u8 devfn;
	u8 *config;
	u8 initial[PCI_HEADER_LEN];
	u8 wmask[PCI_HEADER_LEN];
	u8 cap_end;
	u8 cap_last;
	struct pci_bar bars[PCI_BARS];
	struct pci_msix msix;
	bool has_intx;
	bool attached;
	bool intx_wanted;
	bool intx_level;
};

/**
 * pci_device_init() - a function that is on no bus yet
 * @dev: caller-owned, zeroed
 * @ops: what it is told
 * @name: outlives it
 * @ids: what it is
 *
 * Return: 0 or -errno; pci_device_destroy() may follow in either case.
 */
int pci_device_init(struct pci_device *dev, const struct pci_ops *ops, const char *name,
		    const struct pci_ids *ids);

/**
 * pci_device_destroy() - release it
 * @dev: function that is not on a bus; one that is all zeroes is left alone
 */
void pci_device_destroy(struct pci_device *dev);

/**
 * pci_add_cap() - add a capability, before pci_attach()
 * @dev: function
 * @cap: the capability; the first two bytes of it, id and link, are set here
 * @id: PCI_CAP_ID_*
 * @len: bytes in all
 *
 * Return: its offset; -ENOSPC.
 */
int pci_add_cap(struct pci_device *dev, u8 id, const void *cap, u8 len);

/**
 * pci_add_bar() - add a memory BAR, before pci_attach()
 * @dev: function
 * @nr: its number; a 64-bit one takes the next number, too
 * @size: bytes, a power of two of at least a page
 * @flags: PCI_BASE_ADDRESS_MEM_TYPE_64, PCI_BASE_ADDRESS_MEM_PREFETCH
 * @ops: accesses, kept by reference
 * @priv: passed to @ops
 *
 * Return: 0 or -EINVAL.
 */
int pci_add_bar(struct pci_device *dev, int nr, u64 size, u32 flags,
		const struct region_ops *ops, void *priv);

/**
 * pci_add_msix() - add MSI-X, before pci_attach()
 * @dev: function
 * @chip: interrupt controller
 * @nr: vectors, at most PCI_MAX_MSIX
 * @bar: BAR that holds the table and the pending bits
 * @table_off: where the table is in it
 * @pba_off: where the pending bits are
 * @table: memory that is read there, 16 * @nr zeroed bytes, the caller's
 *
 * Return: 0 or -errno.
 */
int pci_add_msix(struct pci_device *dev, struct irqchip *chip, u16 nr, int bar,
		 u32 table_off, u32 pba_off, u8 *table);

/**
 * pci_attach() - put a function on the bus
 * @host: host bridge
 * @dev: function, complete
 *
 * It gets the next free device number; where more functions are there or expected
 * than there are numbers, several share one. Its BARs get addresses.
 *
 * Return: 0; -ENOSPC when the bus or the window for BARs is full; -errno.
 */
int pci_attach(struct pci_host *host, struct pci_device *dev);

/**
 * pci_detach() - take it from the bus
 * @dev: function; one that is on none is left alone
 *
 * On return no vCPU is in its BARs or its operations any more.
 */
void pci_detach(struct pci_device *dev);

/**
 * pci_device_reset() - as after power-on
 * @dev: function
 */
void pci_device_reset(struct pci_device *dev);

/**
 * pci_intx_set() - what the interrupt pin is to be; for any thread
 * @dev: function; called under a lock of its own
 * @level: true: asserted
 *
 * It is not asserted while MSI-X is enabled or the guest has disabled it.
 */
void pci_intx_set(struct pci_device *dev, bool level);

/**
 * pci_msix_enabled() - has the driver enabled MSI-X?
 * @dev: function
 */
static inline bool pci_msix_enabled(const struct pci_device *dev)
{
	return __atomic_load_n(&dev->msix.enabled, __ATOMIC_ACQUIRE);
}

/**
 * pci_msix_use() - get ready to signal a vector
 * @dev: function
 * @vector: any value
 *
 * Return: 0; -EINVAL when there is no such vector; -errno.
 */
int pci_msix_use(struct pci_device *dev, u16 vector);

/**
 * pci_msix_signal() - send an interrupt; for any thread
 * @dev: function
 * @vector: after pci_msix_use()
 *
 * A vector that is masked becomes pending.
 */
void pci_msix_signal(struct pci_device *dev, u16 vector);

/**
 * pci_msix_fd() - an eventfd whose signal sends the interrupt
 * @dev: function
 * @vector: any value
 *
 * Return: descriptor, owned by @dev; -1 before pci_msix_use(), and where there is
 * no such vector.
 */
int pci_msix_fd(struct pci_device *dev, u16 vector);

/**
 * pci_msix_write() - the driver writes to the table
 * @dev: function
 * @off: offset, any
 * @val: value
 * @size: 1, 2, 4 or 8; only 4 and 8 are taken
 */
void pci_msix_write(struct pci_device *dev, u64 off, u64 val, unsigned int size);

/**
 * pci_msix_pending() - the driver reads the pending bits
 * @dev: function
 * @off: offset, any
 * @size: 1, 2, 4 or 8
 *
 * Return: bits; zeroes where there are none.
 */
u64 pci_msix_pending(struct pci_device *dev, u64 off, unsigned int size);

#endif /* VMTOOL_PCI_H */
