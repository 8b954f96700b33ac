/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_DEVPAGES_H
#define VMTOOL_DEVPAGES_H

#include <pthread.h>
#include <stdbool.h>
#include <linux/types.h>

/*
 * Registers that the guest reads like memory. Where reading has no side effect, a
 * device keeps what is to be read in pages of its own, and KVM maps them into the
 * guest for reading: only writes exit, and they reach the device through its bus.
 *
 * These pages are no guest memory: no device's DMA gets there, as gmem does not
 * know them.
 */

#define DEVPAGES_MAX_SLOTS	512

/**
 * struct devpages_pool - KVM's memory slots that are left for such pages
 * @vm_fd: KVM's VM
 * @lock: protects @used
 * @nr: slots there are; 0 without KVM, or when it has no read-only slots
 * @used: mask of slots in use
 */
struct devpages_pool {
	int vm_fd;
	pthread_mutex_t lock;
	u32 nr;
	u64 used[DEVPAGES_MAX_SLOTS / 64];
};

/**
 * struct devpages - pages of a device
 * @hva: where the device keeps its registers
 * @size: bytes, a multiple of the page size
 * @pool: where slots come from
 * @slot: KVM's slot while they are mapped, -1 otherwise
 */
struct devpages {
	u8 *hva;
	u64 size;
	struct devpages_pool *pool;
	int slot;
};

/**
 * devpages_pool_init() - find out how many slots there are
 * @pool: caller-owned; one that is all zeroes has none
 * @vm_fd: KVM's VM, or -1 without
 */
void devpages_pool_init(struct devpages_pool *pool, int vm_fd);

/**
 * devpages_init() - get zeroed pages
 * @dp: caller-owned, zeroed
 * @pool: slots, outlives @dp
 * @size: bytes, a multiple of the page size
 *
 * Return: 0 or -errno.
 */
int devpages_init(struct devpages *dp, struct devpages_pool *pool, u64 size);

/**
 * devpages_map() - let the guest read them without an exit
 * @dp: pages, not mapped
 * @gpa: guest physical address, page aligned
 *
 * It is an optimisation: whoever calls it has the same range on a bus, where reads
 * are served by @dp->hva as well.
 *
 * Return: 0; -ENOSPC when there is no slot left; -errno of KVM, such as -EEXIST
 * over guest memory.
 */
int devpages_map(struct devpages *dp, u64 gpa);

/**
 * devpages_unmap() - have reads exit again
 * @dp: pages; those that are not mapped are left alone
 */
void devpages_unmap(struct devpages *dp);

/**
 * devpages_destroy() - unmap and release them
 * @dp: pages, also those that were never initialised but zeroed
 */
void devpages_destroy(struct devpages *dp);

#endif /* VMTOOL_DEVPAGES_H */
