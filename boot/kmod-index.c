// SPDX-License-Identifier: GPL-2.0
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>

#include "kmod-index.h"

#define ASCII_MAX	128

struct kmod_entry {
	char *key;
	char *value;
	u32 priority;
};

/**
 * struct out - a file being made
 * @data: contents
 * @len: bytes
 * @room: bytes that there is room for
 * @err: what the first write that failed returned
 */
struct out {
	char *data;
	size_t len;
	size_t room;
	int err;
};

static void put(struct out *out, const void *data, size_t len)
{
	if (out->err)
		return;
	if (out->len + len > KMOD_NODE_MASK) {
		out->err = -EFBIG;
		return;
	}
	if (out->len + len > out->room) {
		size_t room = max_t(size_t, 4096, 2 * (out->len + len));
		char *more = realloc(out->data, room);

		if (!more) {
			out->err = -ENOMEM;
			return;
		}
		out->data = more;
		out->room = room;
	}
	memcpy(out->data + out->len, data, len);
	out->len += len;
}

static void put_u32(struct out *out, u32 value)
{
	u32 be = htobe32(value);

	put(out, &be, sizeof(be));
}

static int compare_entries(const void *a, const void *b)
{
	const struct kmod_entry *x = a, *y = b;
	int ret = strcmp(x->key, y->key);

	if (ret)
		return ret;
	ret = (x->priority > y->priority) - (x->priority < y->priority);
	return ret ?: strcmp(x->value, y->value);
}

static u32 put_node(struct out *out, const struct kmod_entry *e, unsigned int nr, size_t depth);

/* Entries from @e on that go on with the same character. */
static unsigned int group_len(const struct kmod_entry *e, unsigned int nr, size_t depth)
{
	unsigned int n = 1;

	while (n < nr && e[n].key[depth] == e[0].key[depth])
		n++;
	return n;
}

/* Sorted keys have in common what the first and the last one have. */
static size_t common_len(const struct kmod_entry *e, unsigned int nr, size_t depth)
{
	const char *first = e[0].key, *last = e[nr - 1].key;
	size_t len = depth;

	while (first[len] && first[len] == last[len])
		len++;
	return len - depth;
}

static void put_values(struct out *out, const struct kmod_entry *e, unsigned int nr)
{
	unsigned int i;

	put_u32(out, nr);
	for (i = 0; i < nr; i++) {
		put_u32(out, e[i].priority);
		put(out, e[i].value, strlen(e[i].value) + 1);
	}
}

/* The children of a node, whose keys are longer than @depth; offsets by character. */
static void put_children(struct out *out, const struct kmod_entry *e, unsigned int nr,
			 size_t depth, u32 *child)
{
	unsigned int n;

	for (; nr && !out->err; e += n, nr -= n) {
		n = group_len(e, nr, depth);
		child[(unsigned char)e->key[depth]] = put_node(out, e, n, depth + 1);
	}
}

/* Keys are as long as KMOD_KEY_MAX lets them be, and so is the recursion. */
static u32 put_node(struct out *out, const struct kmod_entry *e, unsigned int nr, size_t depth)
{
	size_t prefix = nr ? common_len(e, nr, depth) : 0;
	unsigned int i, values = 0;
	u32 child[ASCII_MAX] = { };
	u32 offset;

	while (values < nr && !e[values].key[depth + prefix])
		values++;
	if (values < nr)
		put_children(out, e + values, nr - values, depth + prefix, child);
	offset = out->len;
	if (prefix) {
		put(out, e->key + depth, prefix);
		put(out, "", 1);
		offset |= KMOD_NODE_PREFIX;
	}
	if (values < nr) {
		u8 first = e[values].key[depth + prefix];
		u8 last = e[nr - 1].key[depth + prefix];

		put(out, &first, 1);
		put(out, &last, 1);
		for (i = first; i <= last; i++)
			put_u32(out, child[i]);
		offset |= KMOD_NODE_CHILDS;
	}
	if (values) {
		put_values(out, e, values);
		offset |= KMOD_NODE_VALUES;
	}
	return offset;
}

static bool key_ok(const char *key)
{
	size_t i;

	for (i = 0; key[i]; i++)
		if (i == KMOD_KEY_MAX || (unsigned char)key[i] >= ASCII_MAX)
			return false;
	return i;
}

int kmod_index_add(struct kmod_index *idx, const char *key, const char *value, u32 priority)
{
	struct kmod_entry *e;

	if (!key_ok(key))
		return 0;
	if (idx->nr == idx->room) {
		unsigned int room = idx->room ? idx->room * 2 : 64;

		e = reallocarray(idx->entry, room, sizeof(*e));
		if (!e)
			return -ENOMEM;
		idx->entry = e;
		idx->room = room;
	}
	e = &idx->entry[idx->nr];
	e->key = strdup(key);
	e->value = strdup(value);
	e->priority = priority;
	if (!e->key || !e->value) {
		free(e->key);
		free(e->value);
		return -ENOMEM;
	}
	idx->nr++;
	return 0;
}

int kmod_index_write(struct kmod_index *idx, void **data, size_t *len)
{
	struct out out = { };
	u32 root;

	if (idx->nr)
		qsort(idx->entry, idx->nr, sizeof(*idx->entry), compare_entries);
	put_u32(&out, KMOD_INDEX_MAGIC);
	put_u32(&out, KMOD_INDEX_VERSION);
	put_u32(&out, 0);
	root = htobe32(put_node(&out, idx->entry, idx->nr, 0));
	if (out.err) {
		free(out.data);
		return out.err;
	}
	memcpy(out.data + 8, &root, sizeof(root));
	*data = out.data;
	*len = out.len;
	return 0;
}

void kmod_index_free(struct kmod_index *idx)
{
	unsigned int i;

	for (i = 0; i < idx->nr; i++) {
		free(idx->entry[i].key);
		free(idx->entry[i].value);
	}
	free(idx->entry);
	memset(idx, 0, sizeof(*idx));
}
