// SPDX-License-Identifier: GPL-2.0
/*
 * Every kind of virtio device that was built in. The order is the one in which
 * a guest finds them.
 */
#include <stddef.h>

#include <vmtool/devclass.h>

#include "virtio.h"

const struct device_class *const device_classes[] = {
#ifdef CONFIG_VIRTIO_BLK
	&blk_class,
#endif
#ifdef CONFIG_VIRTIO_NET
	&net_class,
#endif
#ifdef CONFIG_VIRTIO_CONSOLE
	&hvc_class,
	&console_class,
#endif
#ifdef CONFIG_VIRTIO_RNG
	&rng_class,
#endif
#ifdef CONFIG_VIRTIO_BALLOON
	&balloon_class,
#endif
#ifdef CONFIG_VIRTIO_VSOCK
	&vsock_class,
#endif
#ifdef CONFIG_VIRTIO_SCSI
	&scsi_class,
#endif
#ifdef CONFIG_VIRTIO_PMEM
	&pmem_class,
#endif
#ifdef CONFIG_VIRTIO_9P
	&p9_class,
#endif
#ifdef CONFIG_VIRTIO_FS
	&fs_class,
#endif
	NULL
};
