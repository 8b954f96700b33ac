// SPDX-License-Identifier: GPL-2.0
/*
 * What is the same for all virtio devices and transports: status, features, queues
 * and their threads, config space (virtio 1.2, chapters 2 and 3).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <linux/kernel.h>
#include <vmtool/io.h>
#include <vmtool/stats.h>
#include <vmtool/virtio.h>
#include <vmtool/vm.h>

#define STATUS_KNOWN	(VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER |	\
			 VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK |	\
			 VIRTIO_CONFIG_S_FAILED)

void virtio_init(struct virtio_dev *vd, const struct virtio_ops *ops, const char *name)
{
	vd->ops = ops;
	snprintf(vd->name, sizeof(vd->name), "%s", name);
	vd->offered = VIRTIO_COMMON_FEATURES;
	vd->vm_fd = -1;
	pthread_mutex_init(&vd->lock, NULL);
	pthread_mutex_init(&vd->config_lock, NULL);
}

static int init_threads(struct virtio_dev *vd, unsigned int nr)
{
	char name[24];
	int ret;

	vd->threads = calloc(nr, sizeof(*vd->threads));
	if (!vd->threads)
		return -ENOMEM;
	while (vd->nr_threads < nr) {
		snprintf(name, sizeof(name), nr > 1 ? "%s/%u" : "%s", vd->name,
			 vd->nr_threads);
		ret = iothread_init(&vd->threads[vd->nr_threads], name, vd->manual_threads);
		if (ret)
			return ret;
		vd->nr_threads++;
	}
	return 0;
}

int virtio_set_queues(struct virtio_dev *vd, unsigned int nr, u16 size, unsigned int nr_threads)
{
	unsigned int i;

	if (!nr || nr > VIRTIO_MAX_QUEUES || !nr_threads)
		return -EINVAL;
	vd->vqs = calloc(nr, sizeof(*vd->vqs));
	if (!vd->vqs)
		return -ENOMEM;
	vd->nr_vqs = nr;
	for (i = 0; i < nr; i++) {
		vd->vqs[i].vd = vd;
		vd->vqs[i].index = i;
		vd->vqs[i].max_size = size;
		vd->vqs[i].size = size;
		vd->vqs[i].kick.fd = -1;
	}
	return init_threads(vd, nr_threads);
}

struct iothread *virtio_thread(const struct virtqueue *vq)
{
	return &vq->vd->threads[vq->index % vq->vd->nr_threads];
}

struct vq_call {
	struct virtqueue *vq;
	void (*fn)(struct virtqueue *vq);
};

static void make_vq_call(void *arg)
{
	struct vq_call *call = arg;

	call->fn(call->vq);
}

void virtio_call(struct virtqueue *vq, void (*fn)(struct virtqueue *vq))
{
	struct vq_call call = { .vq = vq, .fn = fn };

	iothread_call(virtio_thread(vq), make_vq_call, &call);
}

/* --- config space (2.5) ---------------------------------------------------------- */

static void config_store(struct virtio_dev *vd, u32 off, const void *buf, u32 len)
{
	pthread_mutex_lock(&vd->config_lock);
	memcpy(vd->config + off, buf, len);
	vd->generation++;
	if (vd->transport_ops && vd->transport_ops->config_changed)
		vd->transport_ops->config_changed(vd);
	pthread_mutex_unlock(&vd->config_lock);
}

void virtio_config_set_silent(struct virtio_dev *vd, u32 off, const void *buf, u32 len)
{
	config_store(vd, off, buf, len);
}

void virtio_config_set(struct virtio_dev *vd, u32 off, const void *buf, u32 len)
{
	config_store(vd, off, buf, len);
	if (virtio_status(vd) & VIRTIO_CONFIG_S_DRIVER_OK)
		vd->transport_ops->notify_config(vd);
}

static bool config_inside(const struct virtio_dev *vd, u64 off, unsigned int size)
{
	return off < vd->config_size && size <= vd->config_size - off;
}

void virtio_config_write(struct virtio_dev *vd, u64 off, u64 val, unsigned int size)
{
	val = htole64(val);
	if (config_inside(vd, off, size) && vd->ops->config_write)
		vd->ops->config_write(vd, off, &val, size);
}

u64 virtio_config_read(struct virtio_dev *vd, u64 off, unsigned int size)
{
	u64 val = 0;

	pthread_mutex_lock(&vd->config_lock);
	if (off < sizeof(vd->config) && size <= sizeof(vd->config) - off)
		memcpy(&val, vd->config + off, size);
	pthread_mutex_unlock(&vd->config_lock);
	return le64toh(val);
}

/* --- status (2.1) ------------------------------------------------------------------ */

u8 virtio_status(const struct virtio_dev *vd)
{
	return __atomic_load_n(&vd->status, __ATOMIC_ACQUIRE);
}

void virtio_needs_reset(struct virtio_dev *vd, const char *why)
{
	u8 old = __atomic_fetch_or(&vd->status, VIRTIO_CONFIG_S_NEEDS_RESET, __ATOMIC_SEQ_CST);

	if (old & VIRTIO_CONFIG_S_NEEDS_RESET)
		return;
	log_guest(&vd->guest_errors, "%s: needs a reset: %s", vd->name, why);
	if (old & VIRTIO_CONFIG_S_DRIVER_OK)
		vd->transport_ops->notify_config(vd);
}

void virtio_set_features(struct virtio_dev *vd, u32 word, u32 bits)
{
	if (vd->features_ok || word > 1)
		return;
	vd->features &= ~(0xffffffffULL << 32 * word);
	vd->features |= (u64)bits << 32 * word;
}

static bool features_acceptable(const struct virtio_dev *vd)
{
	return !(vd->features & ~vd->offered) && virtio_has(vd, VIRTIO_F_VERSION_1) &&
	       (!vd->ops->check_features || vd->ops->check_features(vd));
}

/* --- queues ------------------------------------------------------------------------- */

static void queue_kicked(struct ev_source *src, u32 events)
{
	struct virtqueue *vq = container_of(src, struct virtqueue, kick);
	u64 popped = vq->popped;

	stats_add(&vq->stats.kicks, 1);
	vq->budget = VQ_BUDGET;
	vq->vd->ops->kick(vq->vd, vq);
	iothread_served(virtio_thread(vq), vq->popped - popped);
}

/* Edge-triggered: the eventfd need not be read to be silent. */
static void queue_watch(struct virtqueue *vq)
{
	struct iothread *t = virtio_thread(vq);
	int ret;

	ret = vq_start(vq, vq->vd->gm, vq->vd->features);
	if (!ret)
		ret = ev_add(&t->loop, &vq->kick, EPOLLIN | EPOLLET);
	if (ret) {
		vq->broken = true;
		virtio_needs_reset(vq->vd, "a queue of impossible size or place");
		return;
	}
	queue_kicked(&vq->kick, 0);
}

static void queue_unwatch(struct virtqueue *vq)
{
	ev_del(&virtio_thread(vq)->loop, &vq->kick);
}

static int queue_open(struct virtqueue *vq)
{
	int fd;

	if (vq->kick.fd >= 0)
		return 0;
	fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (fd < 0)
		return -errno;
	vq->kick.fn = queue_kicked;
	/* vCPUs look at it without the lock. */
	__atomic_store_n(&vq->kick.fd, fd, __ATOMIC_RELEASE);
	return 0;
}

static int queue_start_kick(struct virtqueue *vq)
{
	const struct virtio_transport_ops *t = vq->vd->transport_ops;

	return t->start_kick ? t->start_kick(vq->vd, vq) : 0;
}

static void queue_stop_kick(struct virtqueue *vq)
{
	const struct virtio_transport_ops *t = vq->vd->transport_ops;

	if (t->stop_kick)
		t->stop_kick(vq->vd, vq);
}

static int queue_serve(struct virtqueue *vq)
{
	int ret = queue_start_kick(vq);

	if (ret)
		return ret;
	if (!vq->external)
		virtio_call(vq, queue_watch);
	return 0;
}

struct virtqueue *virtio_queue_writable(struct virtio_dev *vd, u32 index)
{
	if (index >= vd->nr_vqs || !vd->features_ok || vd->vqs[index].enabled)
		return NULL;
	return &vd->vqs[index];
}

void virtio_queue_enable(struct virtio_dev *vd, u32 index)
{
	struct virtqueue *vq = virtio_queue_writable(vd, index);

	if (!vq)
		return;
	vq->enabled = true;
	if (vd->active && (queue_open(vq) || queue_serve(vq)))
		virtio_needs_reset(vd, "a queue cannot be served");
}

static void queue_forget(struct virtqueue *vq)
{
	vq_stop(vq);
	vq->enabled = false;
	vq->size = vq->max_size;
	vq->desc = 0;
	vq->driver = 0;
	vq->device = 0;
}

static void queue_reset_on_thread(struct virtqueue *vq)
{
	queue_unwatch(vq);
	if (vq->vd->ops->queue_reset)
		vq->vd->ops->queue_reset(vq->vd, vq);
	vq_stop(vq);
}

void virtio_queue_stop(struct virtio_dev *vd, u32 index)
{
	struct virtqueue *vq;

	if (index >= vd->nr_vqs)
		return;
	vq = &vd->vqs[index];
	if (vd->active && vq->enabled) {
		queue_stop_kick(vq);
		virtio_call(vq, queue_reset_on_thread);
	}
	queue_forget(vq);
}

void virtio_queue_reset(struct virtio_dev *vd, u32 index)
{
	if (virtio_has(vd, VIRTIO_F_RING_RESET) && vd->features_ok)
		virtio_queue_stop(vd, index);
}

void virtio_kick(struct virtio_dev *vd, u32 index)
{
	int fd;

	if (index >= vd->nr_vqs)
		return;
	fd = __atomic_load_n(&vd->vqs[index].kick.fd, __ATOMIC_ACQUIRE);
	if (fd >= 0)
		io_wake(fd);
}

/* --- life ---------------------------------------------------------------------------- */

static int start_threads(struct virtio_dev *vd)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < vd->nr_threads && !ret; i++)
		ret = iothread_start(&vd->threads[i]);
	return ret;
}

static int activate(struct virtio_dev *vd)
{
	unsigned int i;
	int ret;

	ret = start_threads(vd);
	for (i = 0; i < vd->nr_vqs && !ret; i++)
		if (vd->vqs[i].enabled)
			ret = queue_open(&vd->vqs[i]);
	if (!ret && vd->ops->activate)
		ret = vd->ops->activate(vd);
	if (ret)
		return ret;
	vd->active = true;
	for (i = 0; i < vd->nr_vqs && !ret; i++)
		if (vd->vqs[i].enabled)
			ret = queue_serve(&vd->vqs[i]);
	return ret;
}

void virtio_reset(struct virtio_dev *vd)
{
	unsigned int i;

	for (i = 0; i < vd->nr_vqs && vd->active; i++) {
		if (!vd->vqs[i].enabled)
			continue;
		queue_stop_kick(&vd->vqs[i]);
		virtio_call(&vd->vqs[i], queue_unwatch);
	}
	if (vd->active && vd->ops->reset)
		vd->ops->reset(vd);
	vd->active = false;
	for (i = 0; i < vd->nr_vqs; i++)
		queue_forget(&vd->vqs[i]);
	vd->features = 0;
	vd->features_ok = false;
	__atomic_store_n(&vd->status, 0, __ATOMIC_SEQ_CST);
}

static void set_driver_ok(struct virtio_dev *vd)
{
	int ret;

	__atomic_fetch_or(&vd->status, VIRTIO_CONFIG_S_DRIVER_OK, __ATOMIC_SEQ_CST);
	ret = activate(vd);
	if (ret)
		virtio_needs_reset(vd, strerror(-ret));
}

void virtio_set_status(struct virtio_dev *vd, u8 status)
{
	u8 old = virtio_status(vd), new;

	if (!status) {
		virtio_reset(vd);
		return;
	}
	/* Bits are cleared by a reset alone; one is not the driver's to set. */
	new = status & STATUS_KNOWN & ~old;
	if (new & VIRTIO_CONFIG_S_FEATURES_OK) {
		vd->features_ok = features_acceptable(vd);
		if (!vd->features_ok)
			new &= ~VIRTIO_CONFIG_S_FEATURES_OK;
	}
	if (!vd->features_ok)
		new &= ~VIRTIO_CONFIG_S_DRIVER_OK;
	__atomic_fetch_or(&vd->status, new & ~VIRTIO_CONFIG_S_DRIVER_OK, __ATOMIC_SEQ_CST);
	if (new & VIRTIO_CONFIG_S_DRIVER_OK)
		set_driver_ok(vd);
}

int virtio_realize(struct virtio_dev *vd, struct vm *vm, void *transport,
		   const struct virtio_transport_ops *ops)
{
	vd->transport = transport;
	vd->transport_ops = ops;
	vd->gm = &vm->gmem;
	vd->vm_fd = vm->vm_fd;
	return vd->ops->realize(vd, vm);
}

static void close_queues(struct virtio_dev *vd)
{
	unsigned int i;

	for (i = 0; i < vd->nr_vqs; i++) {
		free(vd->vqs[i].done);
		if (vd->vqs[i].kick.fd >= 0)
			close(vd->vqs[i].kick.fd);
	}
}

void virtio_destroy(struct virtio_dev *vd)
{
	unsigned int i, nr_threads = vd->nr_threads;
	struct iothread *threads = vd->threads;
	struct virtqueue *vqs = vd->vqs;

	virtio_reset(vd);
	for (i = 0; i < nr_threads; i++)
		iothread_stop(&threads[i]);
	close_queues(vd);
	pthread_mutex_destroy(&vd->config_lock);
	pthread_mutex_destroy(&vd->lock);
	/* The device may still have sources in the loops of its threads. */
	vd->ops->destroy(vd);
	for (i = 0; i < nr_threads; i++)
		iothread_destroy(&threads[i]);
	free(threads);
	free(vqs);
}
