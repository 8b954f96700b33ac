/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_BUS_H
#define VMTOOL_BUS_H

#include <pthread.h>
#include <stdbool.h>
#include <linux/types.h>

/**
 * struct region_ops - what a device does on an access
 * @read: return the value of @size bytes at offset @off into the region
 * @write: take the value
 * @sizes: mask of the access sizes served, 1 | 2 | 4 | 8; a read of another
 *	size gives all ones, a write is dropped
 *
 * Called on the accessing vCPU's thread, without any lock of the bus held, and
 * possibly by several vCPUs at once: a device brings its own lock. The access
 * lies wholly inside the region.
 */
struct region_ops {
	u64 (*read)(void *priv, u64 off, unsigned int size);
	void (*write)(void *priv, u64 off, u64 val, unsigned int size);
	u8 sizes;
};

/**
 * struct bus_count - accesses of a kind
 * @reads: loads
 * @writes: stores, each of which was an exit
 * @late: stores that KVM had kept (coalesce.h)
 */
struct bus_count {
	u64 reads;
	u64 writes;
	u64 late;
};

/**
 * struct bus_address - accesses at an address
 * @addr: address
 * @count: accesses since it was last counted as one of many
 */
struct bus_address {
	u64 addr;
	struct bus_count count;
};

/* For each of so many groups of addresses, those that were accessed most. */
#define BUS_GROUPS	32
#define BUS_GROUP	4

/**
 * struct region - an address range that belongs to a device
 * @name: for --debug-mmio, --debug-ioport and statistics
 * @base: first address
 * @len: bytes
 * @ops: accesses
 * @priv: passed to @ops
 * @count: accesses so far
 * @users: private, accesses under way
 * @mapped: private
 */
struct region {
	const char *name;
	u64 base;
	u64 len;
	const struct region_ops *ops;
	void *priv;
	struct bus_count count;
	int users;
	bool mapped;
};

/**
 * struct bus - an address space: MMIO, or x86's I/O ports
 * @name: "mmio" or "port", for messages
 * @lock: protects @regions, never held while a device works
 * @idle: signalled when a region that bus_unmap() waits for has no more users
 * @regions: sorted by address
 * @nr: regions mapped
 * @max: size of @regions
 * @trace: print every access
 * @nobody: accesses that nobody answered
 * @busy: what is accessed most, by address; no address twice
 */
struct bus {
	const char *name;
	pthread_mutex_t lock;
	pthread_cond_t idle;
	struct region **regions;
	int nr;
	int max;
	bool trace;
	struct bus_count nobody;
	struct bus_address busy[BUS_GROUPS * BUS_GROUP];
};

/**
 * bus_init() - start with an empty address space
 * @bus: caller-owned
 * @name: static string
 * @trace: print every access on stderr
 */
void bus_init(struct bus *bus, const char *name, bool trace);

/**
 * bus_destroy() - release the bus; regions belong to their devices
 * @bus: bus
 */
void bus_destroy(struct bus *bus);

/**
 * bus_map() - make a device visible
 * @bus: bus
 * @r: region, owned by the device, not mapped anywhere; its @name may be set
 * @base: first address
 * @len: bytes, not 0
 * @ops: accesses, kept by reference
 * @priv: passed to @ops
 *
 * Return: 0; -EEXIST when the range overlaps another region; -EINVAL when it is
 * empty or wraps; -ENOMEM.
 */
int bus_map(struct bus *bus, struct region *r, u64 base, u64 len,
	    const struct region_ops *ops, void *priv);

/**
 * bus_unmap() - take a device away and wait for accesses under way
 * @bus: bus
 * @r: region; one that is not mapped is ignored
 *
 * Not to be called from within the region's own ops.
 */
void bus_unmap(struct bus *bus, struct region *r);

/**
 * bus_read() - a guest's load
 * @bus: bus
 * @addr: guest physical or port address
 * @data: receives @size bytes, little-endian; all ones where nothing answers
 * @size: 1 to 8; no device serves but 1, 2, 4 and 8
 *
 * Return: true when a device answered.
 */
bool bus_read(struct bus *bus, u64 addr, void *data, unsigned int size);

/**
 * bus_write() - a guest's store
 * @bus: bus
 * @addr: guest physical or port address
 * @data: @size bytes, little-endian
 * @size: 1 to 8; no device serves but 1, 2, 4 and 8
 *
 * Return: true when a device took it.
 */
bool bus_write(struct bus *bus, u64 addr, const void *data, unsigned int size);

/**
 * bus_write_late() - a guest's store that was kept for a while
 * @bus: bus
 * @addr: guest physical or port address
 * @data: @size bytes, little-endian
 * @size: 1 to 8
 *
 * Return: true when a device took it.
 */
bool bus_write_late(struct bus *bus, u64 addr, const void *data, unsigned int size);

#endif /* VMTOOL_BUS_H */
