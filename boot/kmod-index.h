/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BOOT_KMOD_INDEX_H
#define BOOT_KMOD_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

/*
 * The binary lists of /lib/modules/RELEASE ("modules.dep.bin"), without which modprobe
 * of kmod finds nothing. All numbers are big-endian:
 *
 *	u32 magic, version; u32 root;		an offset, with NODE_* in its top bits
 *
 * and a node has, where its offset says so,
 *
 *	char prefix[], NUL;			NODE_PREFIX: that all its keys go on with
 *	u8 first, last; u32 child[last - first + 1];	NODE_CHILDS: by the next character
 *	u32 count; { u32 priority; char value[], NUL } value[count];	NODE_VALUES
 *
 * Children stand in front of their parents, as depmod has them.
 */

#define KMOD_INDEX_MAGIC	0xb007f457
#define KMOD_INDEX_VERSION	0x00020001
#define KMOD_NODE_PREFIX	0x80000000
#define KMOD_NODE_VALUES	0x40000000
#define KMOD_NODE_CHILDS	0x20000000
#define KMOD_NODE_MASK		0x0fffffff
#define KMOD_KEY_MAX		1024

struct kmod_entry;

/**
 * struct kmod_index - a list under construction
 * @entry: keys and values
 * @nr: how many
 * @room: entries there is room for
 */
struct kmod_index {
	struct kmod_entry *entry;
	unsigned int nr;
	unsigned int room;
};

/**
 * kmod_index_add() - add a value for a key
 * @idx: list, zeroed at first
 * @key: 1 to KMOD_KEY_MAX characters of ASCII; others are left out, since nobody can
 *	ask for them
 * @value: value
 * @priority: the lowest is the first that is found
 *
 * Return: 0 or -ENOMEM.
 */
int kmod_index_add(struct kmod_index *idx, const char *key, const char *value, u32 priority);

/**
 * kmod_index_write() - make the file
 * @idx: list; sorted
 * @data: set to the file's contents, to be freed
 * @len: set to its bytes
 *
 * Return: 0; -EFBIG when offsets do not suffice; -ENOMEM.
 */
int kmod_index_write(struct kmod_index *idx, void **data, size_t *len);

/**
 * kmod_index_free() - release a list
 * @idx: list
 */
void kmod_index_free(struct kmod_index *idx);

#endif /* BOOT_KMOD_INDEX_H */
