/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BOOT_CACHE_H
#define BOOT_CACHE_H

#include <errno.h>
#include <stddef.h>
#include <linux/types.h>

/*
 * Inflated kernels, kept for the next run of the same one: $XDG_CACHE_HOME/vmtool/kernels.
 *
 * An entry is called by a hash of the compressed part, keyed by a secret of the cache, and
 * its own size, and holds what that inflates to. It comes to its name when it is complete
 * and is not changed after that. A symbolic link whose name is made of what stat() says of
 * a kernel file leads to the entry, so the same file is not read again. What anybody else
 * could have written is not used.
 */

#define KERNEL_CACHE_KEY	96
#define KERNEL_CACHE_LINK	192

/**
 * struct kernel_cache - a kernel's place there
 * @dir: the directory; -1: there is none
 * @size: bytes that the kernel inflates to
 * @key: name of the entry, "" until it is known
 * @link: name of the link to it, "" where the file is too new to be known by its times
 */
struct kernel_cache {
	int dir;
	u64 size;
	char key[KERNEL_CACHE_KEY];
	char link[KERNEL_CACHE_LINK];
};

#ifdef CONFIG_KERNEL_CACHE
/**
 * kernel_cache_find() - is it there?
 * @kc: filled in; released by kernel_cache_close() whatever is returned
 * @fd: kernel file
 * @off: where its compressed part starts
 * @len: bytes of that
 * @size: bytes that it inflates to
 *
 * Return: a descriptor of @size bytes, the caller's; -ENOENT when it is not there, and
 * kernel_cache_create() may put it there; another -errno where nothing is kept.
 */
int kernel_cache_find(struct kernel_cache *kc, int fd, u64 off, u64 len, u64 size);

/**
 * kernel_cache_create() - begin an entry
 * @kc: after -ENOENT
 *
 * Return: a descriptor of a file without a name that has room for one byte more than the
 * kernel's, the caller's; -errno.
 */
int kernel_cache_create(struct kernel_cache *kc);

/**
 * kernel_cache_commit() - give an entry its name, and make room for the next
 * @kc: kernel
 * @fd: from kernel_cache_create(), complete
 *
 * What goes wrong is not worth a message: the file can be used in any case.
 */
void kernel_cache_commit(struct kernel_cache *kc, int fd);

/**
 * kernel_cache_drop() - an entry is no kernel: remove it
 * @kc: kernel
 */
void kernel_cache_drop(struct kernel_cache *kc);

/** kernel_cache_close() - release what kernel_cache_find() took */
void kernel_cache_close(struct kernel_cache *kc);
#else
static inline int kernel_cache_find(struct kernel_cache *kc, int fd, u64 off, u64 len, u64 size)
{
	return -EOPNOTSUPP;
}

static inline int kernel_cache_create(struct kernel_cache *kc)
{
	return -EOPNOTSUPP;
}

static inline void kernel_cache_commit(struct kernel_cache *kc, int fd)
{
}

static inline void kernel_cache_drop(struct kernel_cache *kc)
{
}

static inline void kernel_cache_close(struct kernel_cache *kc)
{
}
#endif

#endif /* BOOT_CACHE_H */
