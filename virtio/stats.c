// SPDX-License-Identifier: GPL-2.0
#include <vmtool/json_out.h>
#include <vmtool/stats.h>
#include <vmtool/virtio.h>

static void print_queue(const struct virtqueue *vq, struct json_out *j)
{
	const struct vq_stats *s = &vq->stats;

	json_begin(j, NULL, '{');
	json_u64(j, "index", vq->index);
	json_u64(j, "kicks", stats_load(&s->kicks));
	json_u64(j, "requests", stats_load(&s->requests));
	json_u64(j, "bytes-out", stats_load(&s->out));
	json_u64(j, "bytes-in", stats_load(&s->in));
	json_u64(j, "interrupts", stats_load(&s->interrupts));
	json_end(j, '}');
}

void virtio_stats(const struct virtio_dev *vd, struct json_out *j)
{
	unsigned int i;

	json_u64(j, "virtio-id", vd->ops->id);
	json_begin(j, "queues", '[');
	for (i = 0; i < vd->nr_vqs; i++)
		if (stats_load(&vd->vqs[i].stats.kicks))
			print_queue(&vd->vqs[i], j);
	json_end(j, ']');
}
