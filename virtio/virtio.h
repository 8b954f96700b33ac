/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VIRTIO_VIRTIO_H
#define VIRTIO_VIRTIO_H

#include <vmtool/devclass.h>

/* One for each device, in its own file. */
extern const struct device_class blk_class;
extern const struct device_class net_class;
extern const struct device_class console_class;
extern const struct device_class rng_class;
extern const struct device_class balloon_class;
extern const struct device_class vsock_class;
extern const struct device_class scsi_class;
extern const struct device_class pmem_class;
extern const struct device_class p9_class;
extern const struct device_class fs_class;

#endif /* VIRTIO_VIRTIO_H */
