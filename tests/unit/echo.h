/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TESTS_UNIT_ECHO_H
#define TESTS_UNIT_ECHO_H

/*
 * A virtio device for tests of what is around one: it writes back what it reads,
 * at once or when it is asked to, and counts what is done to it.
 */
#include <stdlib.h>
#include <string.h>

#include <linux/bits.h>
#include <linux/kernel.h>
#include <vmtool/virtio.h>

#define ECHO_ID		42
#define ECHO_QUEUES	3
#define ECHO_THREADS	2
#define ECHO_SIZE	8
#define ECHO_CONFIG	20		/* the first half can be written */
#define ECHO_WRITABLE	8
#define ECHO_F_A	0
#define ECHO_F_B	1		/* only together with A */

/* A request that waits. */
struct echo_held {
	struct virtqueue *vq;
	struct vq_chain c;
	struct iovec iov[ECHO_SIZE];
};

/**
 * struct echo - the device
 * @hold: keep chains until echo_release()
 * @held: chains kept
 * @fail_activate: what activate() is to return
 * @live: it is activated and was not reset
 * @destroyed: where to tell that it is gone
 */
struct echo {
	struct virtio_dev vd;
	bool hold;
	struct echo_held held[ECHO_QUEUES * ECHO_SIZE];
	unsigned int nr_held;
	int fail_activate;
	bool live;
	unsigned int activations;
	unsigned int resets;
	unsigned int queue_resets;
	unsigned int served;
	unsigned int broken;
	unsigned int config_writes;
	bool *destroyed;
};

static inline struct echo *to_echo(struct virtio_dev *vd)
{
	return container_of(vd, struct echo, vd);
}

static inline void echo_answer(struct virtqueue *vq, struct vq_chain *c)
{
	u8 buf[64];
	size_t n;

	do {
		n = vq_read(c, buf, sizeof(buf));
		vq_write(c, buf, n);
	} while (n);
	vq_push(vq, c);
}

/* Gives the chain with this number back. */
static inline void echo_release(struct echo *e, unsigned int i)
{
	struct echo_held *h = &e->held[i];
	struct virtqueue *vq = h->vq;

	h->c.iov = h->iov;
	echo_answer(vq, &h->c);
	vq_notify(vq);
	e->held[i] = e->held[--e->nr_held];
}

static inline void echo_kick(struct virtio_dev *vd, struct virtqueue *vq)
{
	struct echo *e = to_echo(vd);
	int ret = 1;

	if (!e->live)
		abort();
	while (e->nr_held < ARRAY_SIZE(e->held)) {
		struct echo_held *h = &e->held[e->nr_held];
		struct echo_held now;

		/* Threads share what is held, so nothing is when they run. */
		if (!e->hold)
			h = &now;
		vq_chain_init(&h->c, h->iov, ECHO_SIZE);
		ret = vq_pop(vq, &h->c);
		if (ret <= 0)
			break;
		__atomic_fetch_add(&e->served, 1, __ATOMIC_RELAXED);
		if (e->hold) {
			h->vq = vq;
			e->nr_held++;
		} else {
			echo_answer(vq, &h->c);
		}
	}
	if (ret < 0)
		__atomic_fetch_add(&e->broken, 1, __ATOMIC_RELAXED);
	vq_notify(vq);
}

static inline void echo_config_write(struct virtio_dev *vd, u32 off, const void *buf, u32 len)
{
	to_echo(vd)->config_writes++;
	if (off < ECHO_WRITABLE && len <= ECHO_WRITABLE - off)
		virtio_config_set_silent(vd, off, buf, len);
}

static inline bool echo_check_features(const struct virtio_dev *vd)
{
	return virtio_has(vd, ECHO_F_A) || !virtio_has(vd, ECHO_F_B);
}

static inline int echo_activate(struct virtio_dev *vd)
{
	struct echo *e = to_echo(vd);

	if (e->live)
		abort();
	if (e->fail_activate)
		return e->fail_activate;
	e->activations++;
	e->live = true;
	return 0;
}

static inline void echo_forget(struct echo *e, const struct virtqueue *vq)
{
	unsigned int i = 0;

	while (i < e->nr_held) {
		if (!vq || e->held[i].vq == vq)
			e->held[i] = e->held[--e->nr_held];
		else
			i++;
	}
}

static inline void echo_queue_reset(struct virtio_dev *vd, struct virtqueue *vq)
{
	struct echo *e = to_echo(vd);

	e->queue_resets++;
	echo_forget(e, vq);
}

static inline void echo_reset(struct virtio_dev *vd)
{
	struct echo *e = to_echo(vd);

	if (!e->live)
		abort();
	e->live = false;
	e->resets++;
	echo_forget(e, NULL);
}

static inline void echo_destroy(struct virtio_dev *vd)
{
	struct echo *e = to_echo(vd);

	if (e->live)
		abort();
	if (e->destroyed)
		*e->destroyed = true;
	free(e);
}

static inline int echo_realize(struct virtio_dev *vd, struct vm *vm)
{
	unsigned int i;

	vd->offered |= BIT_ULL(ECHO_F_A) | BIT_ULL(ECHO_F_B);
	vd->config_size = ECHO_CONFIG;
	for (i = 0; i < ECHO_CONFIG; i++)
		vd->config[i] = 0x10 + i;
	return virtio_set_queues(vd, ECHO_QUEUES, ECHO_SIZE, ECHO_THREADS);
}

static const struct virtio_ops echo_ops = {
	.id = ECHO_ID,
	.realize = echo_realize,
	.check_features = echo_check_features,
	.activate = echo_activate,
	.kick = echo_kick,
	.config_write = echo_config_write,
	.queue_reset = echo_queue_reset,
	.reset = echo_reset,
	.destroy = echo_destroy,
};

/* What the guest does wrong is not said when it is quiet. NULL without memory. */
static inline struct echo *echo_create(bool quiet)
{
	struct echo *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	virtio_init(&e->vd, &echo_ops, "echo0");
	if (quiet)
		e->vd.guest_errors.count = LOG_LIMIT_BURST + 1;
	return e;
}

#endif /* TESTS_UNIT_ECHO_H */
