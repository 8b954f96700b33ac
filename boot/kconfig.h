/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BOOT_KCONFIG_H
#define BOOT_KCONFIG_H

#include <vmtool/kconfig.h>

/**
 * kconfig_parse_any() - read a .config, compressed or not
 * @kc: filled in
 * @data: contents
 * @len: bytes
 *
 * Return: 0, and kconfig_free() follows; -ENOENT where no library for its compression
 * was built in; -EBADMSG, -ENODATA for damaged data; -ENOSPC for one that is too large;
 * -EINVAL, -ENOMEM.
 */
int kconfig_parse_any(struct kconfig *kc, const void *data, size_t len);

#endif /* BOOT_KCONFIG_H */
