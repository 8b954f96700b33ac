/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VIRTIO_VIRTIO_H
#define VIRTIO_VIRTIO_H

#include <vmtool/devclass.h>

struct vm;

/**
 * virtio_check_tag() - has an earlier device of its kind the tag of this one?
 * @vm: machine
 * @cls: kind of both
 * @conf: configuration of this one
 * @off: where the tag, a string, is in it
 *
 * Return: 0, or -EEXIST after a one-line message.
 */
int virtio_check_tag(const struct vm *vm, const struct device_class *cls, const void *conf,
		     size_t off);

/* One for each device, in its own file. */
extern const struct device_class blk_class;
extern const struct device_class net_class;
extern const struct device_class console_class;
extern const struct device_class hvc_class;
extern const struct device_class rng_class;
extern const struct device_class balloon_class;
extern const struct device_class vsock_class;
extern const struct device_class scsi_class;
extern const struct device_class pmem_class;
extern const struct device_class p9_class;
extern const struct device_class fs_class;

#endif /* VIRTIO_VIRTIO_H */
