// SPDX-License-Identifier: GPL-2.0
/*
 * virtio/queue.c, compiled so that it tells of each load from a ring: no byte of
 * shared memory is loaded twice for one chain, but for descriptors of a chain that
 * loops. What was loaded is overwritten as soon as the next load begins, as a hostile
 * guest would: the outcome must be the same as with a ring that stays.
 */
#define vq_break	watched_vq_break
#define vq_pop		watched_vq_pop
#define vq_unpop	watched_vq_unpop
#define vq_push		watched_vq_push
#define vq_notify	watched_vq_notify
#define vq_has_more	watched_vq_has_more
#define vq_start	watched_vq_start
#define vq_stop		watched_vq_stop

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <linux/types.h>

#define FETCH_MAX	64

static struct {
	struct {
		const u8 *at;
		size_t len;
	} load[FETCH_MAX];
	unsigned int nr;
	unsigned int all;
	bool twice;
	bool on;
} fetch;

static void vq_fetch_begin(void)
{
	fetch.nr = 0;
}

static void vq_fetch_note(const void *field, size_t len)
{
	const u8 *at = field;
	unsigned int i;

	if (!fetch.on)
		return;
	fetch.all++;
	for (i = 0; i < fetch.nr; i++) {
		const u8 *old = fetch.load[i].at;

		if (at < old + fetch.load[i].len && old < at + len)
			fetch.twice = true;
		memset((void *)old, 0xff, fetch.load[i].len);
	}
	if (fetch.nr == FETCH_MAX)
		abort();
	fetch.load[fetch.nr].at = at;
	fetch.load[fetch.nr++].len = len;
}

#define VQ_FETCH_CHECK
#include "../../virtio/queue.c"

#define SHAPES_WATCHED

static void shape_begin(void)
{
	fetch.on = true;
	fetch.twice = false;
	fetch.all = 0;
}

static const char *shape_end(bool loops)
{
	fetch.on = false;
	if (!fetch.all)
		return "nothing was fetched";
	return fetch.twice && !loops ? "a field fetched twice" : NULL;
}

/* Not after what is done here. */
static bool same_memory(const void *now, const void *before, size_t len)
{
	return true;
}

#include "virtqueue_shapes.h"
