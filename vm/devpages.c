// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <linux/kvm.h>

#include <linux/kernel.h>
#include <vmtool/devpages.h>
#include <vmtool/gmem.h>
#include <vmtool/log.h>

/* KVM numbers all slots alike: those of guest memory come first. */
#define FIRST_SLOT	GMEM_MAX_SLOTS

void devpages_pool_init(struct devpages_pool *pool, int vm_fd)
{
	int nr;

	memset(pool, 0, sizeof(*pool));
	pthread_mutex_init(&pool->lock, NULL);
	pool->vm_fd = vm_fd;
	if (vm_fd < 0 || ioctl(vm_fd, KVM_CHECK_EXTENSION, KVM_CAP_READONLY_MEM) <= 0)
		return;
	nr = ioctl(vm_fd, KVM_CHECK_EXTENSION, KVM_CAP_NR_MEMSLOTS);
	if (nr > FIRST_SLOT)
		pool->nr = min(nr - FIRST_SLOT, DEVPAGES_MAX_SLOTS);
}

static int take_slot(struct devpages_pool *pool)
{
	int ret = -ENOSPC;
	u32 i;

	pthread_mutex_lock(&pool->lock);
	for (i = 0; i < pool->nr; i++) {
		if (pool->used[i / 64] & 1ULL << i % 64)
			continue;
		pool->used[i / 64] |= 1ULL << i % 64;
		ret = i;
		break;
	}
	pthread_mutex_unlock(&pool->lock);
	return ret;
}

static void give_slot_back(struct devpages_pool *pool, int slot)
{
	pthread_mutex_lock(&pool->lock);
	pool->used[slot / 64] &= ~(1ULL << slot % 64);
	pthread_mutex_unlock(&pool->lock);
}

/* A size of 0 removes the slot. */
static int set_region(const struct devpages *dp, int slot, u64 gpa, u64 size)
{
	struct kvm_userspace_memory_region region = {
		.slot = FIRST_SLOT + slot,
		.flags = KVM_MEM_READONLY,
		.guest_phys_addr = gpa,
		.memory_size = size,
		.userspace_addr = (uintptr_t)dp->hva,
	};

	return ioctl(dp->pool->vm_fd, KVM_SET_USER_MEMORY_REGION, &region) < 0 ? -errno : 0;
}

int devpages_init(struct devpages *dp, struct devpages_pool *pool, u64 size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return -errno;
	dp->hva = p;
	dp->size = size;
	dp->pool = pool;
	dp->slot = -1;
	return 0;
}

int devpages_map(struct devpages *dp, u64 gpa)
{
	int ret, slot;

	if (!dp->pool->nr)
		return -ENOSPC;
	slot = take_slot(dp->pool);
	if (slot < 0)
		return slot;
	ret = set_region(dp, slot, gpa, dp->size);
	if (ret) {
		give_slot_back(dp->pool, slot);
		return ret;
	}
	dp->slot = slot;
	return 0;
}

void devpages_unmap(struct devpages *dp)
{
	if (dp->slot < 0)
		return;
	if (set_region(dp, dp->slot, 0, 0)) {
		/* The number stays taken: KVM still knows it. */
		log_debug("device pages: KVM keeps slot %d", dp->slot);
		return;
	}
	give_slot_back(dp->pool, dp->slot);
	dp->slot = -1;
}

void devpages_destroy(struct devpages *dp)
{
	if (!dp->hva)
		return;
	devpages_unmap(dp);
	munmap(dp->hva, dp->size);
	memset(dp, 0, sizeof(*dp));
}
