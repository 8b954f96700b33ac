// SPDX-License-Identifier: GPL-2.0
/*
 * Queues served by the host's kernel: what all device nodes of vhost have in
 * common. The kernel works on the rings by itself (virtio 1.2, 2.7 and 2.8); here
 * it is told where they are, and which eventfds are a kick and an interrupt.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <linux/vhost.h>

#include <linux/kernel.h>
#include <linux/log2.h>
#include <vmtool/vhost.h>

/*
 * struct vhost_queue - a queue of the node
 * @vq: the device's queue
 * @index: its number in the node
 * @call: eventfd of the kernel's interrupts, where the transport has none; else -1
 * @err: eventfd of what the kernel finds wrong
 * @started: the kernel was told of it
 */
struct vhost_queue {
	struct virtqueue *vq;
	unsigned int index;
	struct ev_source call;
	struct ev_source err;
	bool started;
};

static int vhost_ioctl(const struct vhost *vh, unsigned long op, void *arg)
{
	return ioctl(vh->fd, op, arg) < 0 ? -errno : 0;
}

/* --- open and close ---------------------------------------------------------- */

static void say_why(const char *path, int err)
{
	const char *slash = strrchr(path, '/');
	char module[32];
	char *c;

	snprintf(module, sizeof(module), "%s", slash ? slash + 1 : path);
	for (c = module; *c; c++)
		if (*c == '-')
			*c = '_';
	if (err == -ENOENT || err == -ENODEV || err == -ENXIO)
		log_err("cannot open %s: %s: run 'modprobe %s' as root", path,
			strerror(-err), module);
	else if (err == -EACCES || err == -EPERM)
		log_err("cannot open %s: %s: become root or ask for access to it", path,
			strerror(-err));
	else
		log_err("cannot use %s: %s", path, strerror(-err));
}

static int open_queues(struct vhost *vh)
{
	unsigned int i;

	vh->queues = calloc(vh->nr, sizeof(*vh->queues));
	if (!vh->queues)
		return -ENOMEM;
	for (i = 0; i < vh->nr; i++) {
		struct vhost_queue *q = &vh->queues[i];

		q->vq = &vh->vd->vqs[vh->first + i];
		q->index = i;
		q->call.fd = -1;
		q->err.fd = -1;
	}
	return 0;
}

static int open_node(struct vhost *vh, const char *path)
{
	int ret;

	vh->fd = open(path, O_RDWR | O_CLOEXEC);
	if (vh->fd < 0)
		return -errno;
	ret = vhost_ioctl(vh, VHOST_SET_OWNER, NULL);
	if (!ret)
		ret = vhost_ioctl(vh, VHOST_GET_FEATURES, &vh->features);
	if (!ret)
		ret = open_queues(vh);
	return ret;
}

int vhost_open(struct vhost *vh, struct virtio_dev *vd, const char *path,
	       unsigned int first, unsigned int nr)
{
	int ret;

	memset(vh, 0, sizeof(*vh));
	vh->vd = vd;
	vh->first = first;
	vh->nr = nr;
	ret = open_node(vh, path);
	if (ret) {
		say_why(path, ret);
		vhost_close(vh);
	}
	return ret;
}

void vhost_close(struct vhost *vh)
{
	if (vh->fd >= 0)
		close(vh->fd);
	vh->fd = -1;
	free(vh->queues);
	vh->queues = NULL;
}

/* --- what the kernel signals to us ---------------------------------------------- */

static void call_ready(struct ev_source *src, u32 events)
{
	struct vhost_queue *q = container_of(src, struct vhost_queue, call);
	struct virtio_dev *vd = q->vq->vd;
	u64 count;

	if (read(src->fd, &count, sizeof(count)) == sizeof(count))
		vd->transport_ops->notify_queue(vd, q->vq);
}

static void err_ready(struct ev_source *src, u32 events)
{
	struct vhost_queue *q = container_of(src, struct vhost_queue, err);
	u64 count;

	if (read(src->fd, &count, sizeof(count)) == sizeof(count))
		virtio_needs_reset(q->vq->vd, "the host's kernel found a ring broken");
}

static int open_source(struct ev_source *src, void (*fn)(struct ev_source *src, u32 events))
{
	src->fn = fn;
	src->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return src->fd < 0 ? -errno : 0;
}

static void close_source(struct ev_source *src)
{
	if (src->fd >= 0)
		close(src->fd);
	src->fd = -1;
}

/* On the queue's thread. */
static void watch_sources(void *arg)
{
	struct vhost_queue *q = arg;
	struct evloop *loop = &virtio_thread(q->vq)->loop;

	/* Only without memory; then kicks are not lost, but interrupts are. */
	if ((q->call.fd >= 0 && ev_add(loop, &q->call, EPOLLIN)) ||
	    ev_add(loop, &q->err, EPOLLIN))
		virtio_needs_reset(q->vq->vd, "no memory to watch the host's kernel");
}

static void forget_sources(void *arg)
{
	struct vhost_queue *q = arg;
	struct evloop *loop = &virtio_thread(q->vq)->loop;

	ev_del(loop, &q->call);
	ev_del(loop, &q->err);
}

/* --- start and stop --------------------------------------------------------------- */

static int set_memory(const struct vhost *vh)
{
	const struct gmem *gm = vh->vd->gm;
	struct vhost_memory *mem;
	int i, ret;

	mem = calloc(1, sizeof(*mem) + gm->nr * sizeof(mem->regions[0]));
	if (!mem)
		return -ENOMEM;
	for (i = 0; i < gm->nr; i++) {
		const struct gmem_slot *s = &gm->slots[i];
		struct vhost_memory_region *r = &mem->regions[mem->nregions];

		/* The kernel would write there; a file that is only read it cannot. */
		if (s->type == GMEM_ROM)
			continue;
		r->guest_phys_addr = s->gpa;
		r->memory_size = s->size;
		r->userspace_addr = (uintptr_t)s->hva;
		mem->nregions++;
	}
	ret = vhost_ioctl(vh, VHOST_SET_MEM_TABLE, mem);
	free(mem);
	return ret;
}

/* Where a part of a ring is in this process. */
static int ring_address(const struct gmem *gm, u64 gpa, size_t len, __u64 *addr)
{
	struct iovec iov;
	int n = gmem_iov(gm, gpa, len, true, &iov, 1);

	if (n != 1)
		return -EFAULT;
	*addr = (uintptr_t)iov.iov_base;
	return 0;
}

static int set_addresses(const struct vhost *vh, const struct vhost_queue *q, bool packed)
{
	const struct virtqueue *vq = q->vq;
	const struct gmem *gm = vh->vd->gm;
	/* Index, flags, event index; or the event areas of a packed ring. */
	size_t avail = packed ? 4 : 6 + 2 * vq->size;
	size_t used = packed ? 4 : 6 + 8 * vq->size;
	struct vhost_vring_addr addr = { .index = q->index };

	if (ring_address(gm, vq->desc, 16 * vq->size, &addr.desc_user_addr) ||
	    ring_address(gm, vq->driver, avail, &addr.avail_user_addr) ||
	    ring_address(gm, vq->device, used, &addr.used_user_addr))
		return -EFAULT;
	return vhost_ioctl(vh, VHOST_SET_VRING_ADDR, &addr);
}

static int set_ring(const struct vhost *vh, const struct vhost_queue *q, bool packed)
{
	struct vhost_vring_state num = { .index = q->index, .num = q->vq->size };
	/* From the start of the ring; packed: both wrap counters are 1. */
	struct vhost_vring_state base = { .index = q->index, .num = packed ? 0x80008000 : 0 };
	int ret;

	if (!num.num || num.num > q->vq->max_size || (!packed && !is_power_of_2(num.num)))
		return -EINVAL;
	ret = vhost_ioctl(vh, VHOST_SET_VRING_NUM, &num);
	if (!ret)
		ret = vhost_ioctl(vh, VHOST_SET_VRING_BASE, &base);
	if (!ret)
		ret = set_addresses(vh, q, packed);
	return ret;
}

static int set_file(const struct vhost *vh, const struct vhost_queue *q,
		    unsigned long op, int fd)
{
	struct vhost_vring_file file = { .index = q->index, .fd = fd };

	return vhost_ioctl(vh, op, &file);
}

static int call_fd(struct vhost_queue *q)
{
	struct virtio_dev *vd = q->vq->vd;
	int ret, fd = -1;

	if (vd->transport_ops->queue_fd)
		fd = vd->transport_ops->queue_fd(vd, q->vq);
	if (fd >= 0)
		return fd;
	/* The transport has more to do than to raise an interrupt. */
	ret = open_source(&q->call, call_ready);
	return ret ? ret : q->call.fd;
}

static int set_files(const struct vhost *vh, struct vhost_queue *q)
{
	int ret, call = call_fd(q);

	if (call < 0)
		return call;
	ret = open_source(&q->err, err_ready);
	if (!ret)
		ret = set_file(vh, q, VHOST_SET_VRING_CALL, call);
	if (!ret)
		ret = set_file(vh, q, VHOST_SET_VRING_ERR, q->err.fd);
	if (!ret)
		ret = set_file(vh, q, VHOST_SET_VRING_KICK, q->vq->kick.fd);
	return ret;
}

static int start_queue(const struct vhost *vh, struct vhost_queue *q, bool packed)
{
	int ret = set_ring(vh, q, packed);

	if (ret)
		return ret;
	q->started = true;
	q->vq->external = true;
	ret = set_files(vh, q);
	if (!ret)
		iothread_call(virtio_thread(q->vq), watch_sources, q);
	return ret;
}

int vhost_start(struct vhost *vh, u64 features)
{
	__u64 set = features & vh->features;
	bool packed = set >> VIRTIO_F_RING_PACKED & 1;
	unsigned int i;
	int ret;

	ret = vhost_ioctl(vh, VHOST_SET_FEATURES, &set);
	if (!ret)
		ret = set_memory(vh);
	for (i = 0; i < vh->nr && !ret; i++)
		if (vh->queues[i].vq->enabled)
			ret = start_queue(vh, &vh->queues[i], packed);
	if (ret)
		vhost_stop(vh);
	return ret;
}

static void stop_queue(const struct vhost *vh, struct vhost_queue *q)
{
	struct vhost_vring_state base = { .index = q->index };

	/* The call comes back when the kernel's thread has left the ring. */
	set_file(vh, q, VHOST_SET_VRING_KICK, VHOST_FILE_UNBIND);
	if (!vhost_ioctl(vh, VHOST_GET_VRING_BASE, &base))
		log_debug("%s: queue %u left at %#x", vh->vd->name, q->vq->index, base.num);
	set_file(vh, q, VHOST_SET_VRING_CALL, VHOST_FILE_UNBIND);
	set_file(vh, q, VHOST_SET_VRING_ERR, VHOST_FILE_UNBIND);

	iothread_call(virtio_thread(q->vq), forget_sources, q);
	close_source(&q->call);
	close_source(&q->err);
	q->started = false;
}

void vhost_stop(struct vhost *vh)
{
	unsigned int i;

	if (vh->fd < 0)
		return;
	for (i = 0; i < vh->nr; i++)
		if (vh->queues[i].started)
			stop_queue(vh, &vh->queues[i]);
}
