/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VIRTIO_AGAIN_H
#define VIRTIO_AGAIN_H

#include <unistd.h>
#include <vmtool/virtqueue.h>

/* Chains served by one call of kick(): a driver that never stops must not either. */
#define VIRTIO_KICK_BUDGET	256

/**
 * vq_again() - have kick() called once more, after everything else that waits
 * @vq: running queue, on its thread
 *
 * For a kick() that has used up its budget: a reset has to find its way in between.
 */
static inline void vq_again(struct virtqueue *vq)
{
	static const u64 one = 1;

	/* The counter cannot be full: nothing but a notification adds to it. */
	if (write(vq->kick.fd, &one, sizeof(one)) < 0)
		return;
}

#endif /* VIRTIO_AGAIN_H */
