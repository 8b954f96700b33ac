/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_KCONFIG_H
#define VMTOOL_KCONFIG_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

struct kernel_image;

/*
 * What a kernel was configured with, as far as that can be found out.
 */

/**
 * enum kconfig_value - a symbol's value
 * @KCONFIG_UNKNOWN: no configuration was found
 * @KCONFIG_N: not set
 * @KCONFIG_M: a module
 * @KCONFIG_Y: built in; any other value of a symbol that is no tristate
 */
enum kconfig_value {
	KCONFIG_UNKNOWN,
	KCONFIG_N,
	KCONFIG_M,
	KCONFIG_Y,
};

/**
 * struct kconfig - a kernel's configuration
 * @text: the .config behind a newline; owned. NULL: unknown
 * @len: its bytes
 * @source: where it is from, for messages; "" when it was not found
 */
struct kconfig {
	char *text;
	size_t len;
	char source[PATH_MAX + 16];
};

/**
 * kconfig_parse() - read a .config
 * @kc: filled in
 * @text: contents
 * @len: bytes; need not end in a NUL
 *
 * Return: 0, and kconfig_free() follows; -EINVAL for what sets no symbol; -ENOMEM.
 */
int kconfig_parse(struct kconfig *kc, const char *text, size_t len);

/**
 * kconfig_read() - read a .config from a file, also a compressed one
 * @kc: filled in
 * @path: file
 *
 * Return: 0, and kconfig_free() follows; -errno otherwise, with nothing printed.
 */
int kconfig_read(struct kconfig *kc, const char *path);

/**
 * kconfig_from_image() - the configuration that a kernel carries (CONFIG_IKCONFIG=y)
 * @kc: filled in
 * @ki: image
 *
 * Return: 0, and kconfig_free() follows; -ENOENT where there is none, or none that can
 * be inflated; -errno.
 */
int kconfig_from_image(struct kconfig *kc, struct kernel_image *ki);

/**
 * kconfig_find() - look for the configuration of a kernel
 * @kc: filled in, with @text NULL when there is none
 * @path: file of the kernel
 * @ki: the same, opened
 *
 * Taken from, in this order: .config of the build tree that the image is in, unless it
 * was changed after the image was made; the image; that .config nevertheless;
 * config-RELEASE beside a vmlinuz-RELEASE; /boot/config-RELEASE;
 * /lib/modules/RELEASE/config; /proc/config.gz of the running kernel.
 *
 * Return: 0, and kconfig_free() follows, also when nothing was found; -ENOMEM.
 */
int kconfig_find(struct kconfig *kc, const char *path, struct kernel_image *ki);

/**
 * kconfig_get() - a symbol's value
 * @kc: configuration
 * @symbol: name without "CONFIG_"
 *
 * Return: the value.
 */
enum kconfig_value kconfig_get(const struct kconfig *kc, const char *symbol);

/**
 * kconfig_free() - release a configuration
 * @kc: configuration
 */
void kconfig_free(struct kconfig *kc);

/**
 * kernel_build_tree() - the build tree that a kernel is in
 * @path: file of the kernel, "arch/x86/boot/bzImage", "vmlinux"
 * @buf: receives the directory, absolute, without symlinks
 * @size: bytes in @buf
 *
 * A directory is one when it has a .config and the image is where builds leave it.
 *
 * Return: 0; -ENOENT when it is in none; -ENAMETOOLONG; -errno.
 */
int kernel_build_tree(const char *path, char *buf, size_t size);

/**
 * kernel_release() - what uname -r says in a kernel
 * @ki: image
 * @buf: receives it: a valid file name
 * @size: bytes in @buf
 *
 * Return: 0, or -ENOENT when the image does not tell, or tells what cannot be.
 */
int kernel_release(struct kernel_image *ki, char *buf, size_t size);

#endif /* VMTOOL_KCONFIG_H */
