// SPDX-License-Identifier: GPL-2.0
/*
 * Disks, whatever is behind them.
 */
#include <stdlib.h>

#include <vmtool/disk.h>

#include "disk.h"

int disk_open(struct disk **disk, const struct disk_conf *conf)
{
	return raw_open(disk, conf);
}

void disk_close(struct disk *d)
{
	if (d)
		d->ops->close(d);
}

struct disk_queue *disk_queue_open(struct disk *d, struct evloop *loop,
				   unsigned int depth, int *err)
{
	struct disk_queue *q = d->ops->queue_open(d, loop, depth, err);

	if (q) {
		q->disk = d;
		q->loop = loop;
	}
	return q;
}

void disk_queue_add(struct disk_queue *q, struct disk_req *req)
{
	q->disk->ops->queue_add(q, req);
}

void disk_queue_submit(struct disk_queue *q)
{
	q->disk->ops->queue_submit(q);
}

void disk_queue_cancel(struct disk_queue *q)
{
	__atomic_store_n(&q->cancelling, true, __ATOMIC_RELAXED);
	q->disk->ops->queue_cancel(q);
	__atomic_store_n(&q->cancelling, false, __ATOMIC_RELAXED);
}

void disk_queue_close(struct disk_queue *q)
{
	if (!q)
		return;
	disk_queue_cancel(q);
	q->disk->ops->queue_close(q);
}
