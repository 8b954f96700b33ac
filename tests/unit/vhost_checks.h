/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TESTS_UNIT_VHOST_CHECKS_H
#define TESTS_UNIT_VHOST_CHECKS_H

/*
 * What holds for every device of which a node of vhost serves queues. Functions say
 * what is wrong, or NULL.
 */
#include <dirent.h>

#include "fake_vhost.h"
#include "virtio_driver.h"

/* What nodes have: no packed rings, nothing of a queue reset; and a log of no use. */
#define VHOST_COMMON	(BIT_ULL(VIRTIO_F_VERSION_1) | BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC) | \
			 BIT_ULL(VIRTIO_RING_F_EVENT_IDX))
#define VHOST_OTHERS	(BIT_ULL(VIRTIO_F_NOTIFY_ON_EMPTY) | BIT_ULL(VIRTIO_F_ANY_LAYOUT) | \
			 BIT_ULL(VHOST_F_LOG_ALL) | BIT_ULL(VIRTIO_F_ACCESS_PLATFORM))

/* Does the node know all of guest memory that may be written, and nothing else? */
static inline const char *vhost_memory_wrong(struct drv *d)
{
	const struct gmem *gm = &d->vm.gmem;
	int i, n = 0;

	for (i = 0; i < gm->nr; i++) {
		const struct gmem_slot *s = &gm->slots[i];
		const struct vhost_memory_region *r = &fake_vhost.regions[n];

		if (s->type == GMEM_ROM)
			continue;
		if (n++ >= fake_vhost.nr_regions)
			return "memory is missing";
		if (r->guest_phys_addr != s->gpa || r->memory_size != s->size ||
		    r->userspace_addr != (uintptr_t)s->hva || r->flags_padding)
			return "memory is somewhere else";
	}
	return n == fake_vhost.nr_regions ? NULL : "there is too much memory";
}

static inline bool vhost_is_at(struct drv *d, u64 addr, u64 gpa)
{
	const void *p = drv_ptr(d, gpa, 1);

	return addr == (uintptr_t)p;
}

/* Is queue @index of the node queue @q of the device? */
static inline const char *vhost_queue_wrong(struct drv *d, unsigned int index, unsigned int q)
{
	const struct fake_vhost_queue *f = &fake_vhost.queues[index];
	const struct drv_ring *r = drv_queue(d, q);

	if (f->num != r->size || f->base)
		return "size or start";
	if (!vhost_is_at(d, f->addr.desc_user_addr, r->desc) ||
	    !vhost_is_at(d, f->addr.avail_user_addr, r->driver) ||
	    !vhost_is_at(d, f->addr.used_user_addr, r->device))
		return "addresses";
	if (f->kick != d->vd->vqs[q].kick.fd)
		return "kick";
	return f->call < 0 || f->err < 0 || f->call == f->err ? "call or error" : NULL;
}

static inline void vhost_signal(int fd)
{
	static const u64 one = 1;

	if (write(fd, &one, sizeof(one)) != sizeof(one))
		drv_die("eventfd: %s", strerror(errno));
}

/* Notifications that have arrived at the node's queue. */
static inline u64 vhost_kicks(unsigned int index)
{
	u64 n;

	return read(fake_vhost.queues[index].kick, &n, sizeof(n)) == sizeof(n) ? n : 0;
}

static inline int vhost_nr_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/*
 * Each call of a start fails once: then the device needs a reset, the node has nothing
 * of the guest, and the start after the reset works.
 */
static inline const char *vhost_failing_start_wrong(struct drv *d, u64 features)
{
	unsigned int n;

	for (n = 1; n < 1000; n++) {
		fake_vhost.fail_in = n;
		fake_vhost.fail_with = n % 2 ? ENOMEM : EFAULT;
		if (!drv_setup(d, features)) {
			/* That was one more than there are. */
			fake_vhost.fail_in = 0;
			return n < 10 || !fake_vhost.running ? "it did not start" : NULL;
		}
		if (!fake_vhost_idle())
			return "the node still has something";
		drv_reset(d);
		if (drv_status(d) || !fake_vhost_idle())
			return "the reset";
		if (drv_setup(d, features) || !fake_vhost.running)
			return "the start after the failure";
		drv_reset(d);
	}
	return "there is no end";
}

/* Each call of a stop fails once: the node does not go on, and the driver may. */
static inline const char *vhost_failing_stop_wrong(struct drv *d, u64 features)
{
	unsigned int n;

	for (n = 1; n < 1000; n++) {
		if (drv_setup(d, features))
			return fake_vhost_closed() ? NULL : "the start";
		fake_vhost.fail_in = n;
		fake_vhost.fail_with = EIO;
		drv_reset(d);
		if (drv_status(d))
			return "the reset";
		if (!fake_vhost_closed() && fake_vhost.running)
			return "the node goes on";
		if (fake_vhost.fail_in)
			return n < 5 ? "it did not stop" : NULL;
	}
	return "there is no end";
}

#endif /* TESTS_UNIT_VHOST_CHECKS_H */
