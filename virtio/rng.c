// SPDX-License-Identifier: GPL-2.0
/*
 * Entropy device (virtio 1.2, 5.4): random bytes of the host's kernel, straight
 * into the driver's buffers. A rate limit is a bucket that fills with time and
 * holds what comes in a second.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include <linux/kernel.h>
#include <linux/sizes.h>
#include <vmtool/devclass.h>
#include <vmtool/virtio.h>

#include "virtio.h"

#define RNG_QUEUE	64
#define RNG_REQUEST	4096		/* a request gets at most that much */
#define RNG_PORTION	64		/* what a limited request waits for */
#define RNG_RATE_MAX	SZ_1G
#define NS_PER_SEC	1000000000ULL

struct rng_conf {
	u64 rate;
};

/**
 * struct rng - the device
 * @vd: its virtio part
 * @rate: bytes a second, 0 without a limit
 * @bucket: bytes that may be given away now
 * @filled: when @bucket was brought up to date, CLOCK_MONOTONIC nanoseconds
 * @wait: until there is enough in @bucket
 * @iov: parts of the request under way
 */
struct rng {
	struct virtio_dev vd;
	u64 rate;
	u64 bucket;
	u64 filled;
	struct ev_timer wait;
	struct iovec iov[RNG_QUEUE];
};

static u64 rng_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NS_PER_SEC + ts.tv_nsec;
}

static void rng_refill(struct rng *r)
{
	u64 now = rng_now();
	u64 bytes = min_t(u64, now - r->filled, NS_PER_SEC) * r->rate / NS_PER_SEC;

	/* Less than a byte: let the time add up. */
	if (!bytes)
		return;
	r->bucket = min_t(u64, r->bucket + bytes, r->rate);
	r->filled = now;
}

/* Bytes for this request; 0 after setting the timer for when there are some. */
static size_t rng_allowance(struct rng *r, size_t want)
{
	u64 portion = min_t(u64, want, RNG_PORTION);

	if (!r->rate)
		return want;
	rng_refill(r);
	portion = min_t(u64, portion, r->rate);
	if (r->bucket >= portion)
		return min_t(u64, want, r->bucket);
	ev_timer_set(&r->vd.threads[0].loop, &r->wait,
		     (portion - r->bucket) * 1000 / r->rate + 1);
	return 0;
}

/* 0 or -errno; what was written is counted in the chain. */
static int rng_fill(struct vq_chain *c, size_t len)
{
	struct iovec iov;

	while (len && vq_iov(c, true, 0, len, &iov, 1) == 1) {
		ssize_t n = getrandom(iov.iov_base, iov.iov_len, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		vq_write(c, NULL, n);
		len -= n;
	}
	return 0;
}

/* Returns false when the request has to wait, or the device cannot go on. */
static bool rng_serve(struct rng *r, struct virtqueue *vq, struct vq_chain *c)
{
	size_t len = min_t(size_t, vq_in_left(c), RNG_REQUEST);
	int ret;

	if (!len) {
		log_guest(&r->vd.guest_errors, "%s: a request without room for an answer",
			  r->vd.name);
		vq_push(vq, c);
		return true;
	}
	len = rng_allowance(r, len);
	if (!len) {
		vq_unpop(vq, c);
		return false;
	}
	ret = rng_fill(c, len);
	if (ret && !c->in_pos) {
		vq_unpop(vq, c);
		log_err("%s: no random bytes from the host: %s", r->vd.name, strerror(-ret));
		virtio_needs_reset(&r->vd, "no random bytes");
		return false;
	}
	r->bucket -= r->rate ? c->in_pos : 0;
	vq_push(vq, c);
	return true;
}

static void rng_kick(struct virtio_dev *vd, struct virtqueue *vq)
{
	struct rng *r = container_of(vd, struct rng, vd);
	struct vq_chain c;

	vq_chain_init(&c, r->iov, RNG_QUEUE);
	while (vq_pop(vq, &c) == 1)
		if (!rng_serve(r, vq, &c))
			break;
	vq_notify(vq);
}

static void rng_waited(struct ev_timer *timer)
{
	struct rng *r = container_of(timer, struct rng, wait);

	if (r->vd.vqs[0].running)
		rng_kick(&r->vd, &r->vd.vqs[0]);
}

static void rng_stop_timer(void *arg)
{
	struct rng *r = arg;

	ev_timer_destroy(&r->wait);
}

static void rng_queue_reset(struct virtio_dev *vd, struct virtqueue *vq)
{
	rng_stop_timer(container_of(vd, struct rng, vd));
}

static void rng_reset(struct virtio_dev *vd)
{
	iothread_call(&vd->threads[0], rng_stop_timer, container_of(vd, struct rng, vd));
}

static int rng_realize(struct virtio_dev *vd, struct vm *vm)
{
	struct rng *r = container_of(vd, struct rng, vd);

	r->bucket = r->rate;
	r->filled = rng_now();
	return virtio_set_queues(vd, 1, RNG_QUEUE, 1);
}

static void rng_destroy(struct virtio_dev *vd)
{
	free(container_of(vd, struct rng, vd));
}

static const struct virtio_ops rng_ops = {
	.id = VIRTIO_ID_RNG,
	.realize = rng_realize,
	.kick = rng_kick,
	.queue_reset = rng_queue_reset,
	.reset = rng_reset,
	.destroy = rng_destroy,
};

static struct virtio_dev *rng_create(const void *conf, const char *name)
{
	const struct rng_conf *c = conf;
	struct rng *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->rate = c->rate;
	r->wait.src.fd = -1;
	r->wait.fn = rng_waited;
	virtio_init(&r->vd, &rng_ops, name);
	return &r->vd;
}

static const struct prop rng_props[] = {
	{ .name = "rate", .type = PROP_SIZE, .offset = offsetof(struct rng_conf, rate),
	  .def = "0", .max = RNG_RATE_MAX, .arg = "SIZE",
	  .help = "bytes a second at most; 0 for no limit" },
	{ }
};

const struct device_class rng_class = {
	.name = "rng",
	.option = "rng",
	.help = "random numbers of the host",
	.arg = "rate=SIZE",
	.optional_arg = true,
	.single = true,
	.props = rng_props,
	.conf_size = sizeof(struct rng_conf),
	.create = rng_create,
};
