/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TESTS_FUZZ_VHOST_FUZZ_H
#define TESTS_FUZZ_VHOST_FUZZ_H

/*
 * A hostile driver of a device that a node of vhost serves, and a node that fails at
 * any call. Included once, by a target. The kernel is only ever in the guest's memory
 * while the driver wants it to; and unless it could not be stopped, the next set-up
 * works.
 */
#include "hostile.h"
#include "../unit/fake_vhost.h"

static inline void vhost_fuzz_signal(int fd)
{
	static const u64 one = 1;

	if (fd >= 0)
		CHECK(write(fd, &one, sizeof(one)) == sizeof(one));
}

/* What a node does: it calls, finds a ring broken, or fails soon. */
static inline void vhost_fuzz_node(struct hostile *h)
{
	u8 what = hostile_take(h, 1);
	struct fake_vhost_queue *q = &fake_vhost.queues[what / 4 % h->d.vd->nr_vqs];

	if (fake_vhost_closed() || (what % 4 < 2 && !fake_vhost.running))
		return;
	switch (what % 4) {
	case 0:
		vhost_fuzz_signal(q->call);
		break;
	case 1:
		vhost_fuzz_signal(q->err);
		break;
	default:
		fake_vhost.fail_in = 1 + what / 4;
		fake_vhost.fail_with = EIO;
	}
}

/* A set-up may fail here, where a node fails. */
static inline void vhost_fuzz_setup(struct hostile *h)
{
	int ret = drv_setup(&h->d, h->features);

	CHECK(!ret || ret == -EIO);
	CHECK((ret == 0) == fake_vhost.running || fake_vhost_closed());
	memset(h->slot, 0, sizeof(h->slot));
	memset(h->wrap, 1, sizeof(h->wrap));
}

static inline void vhost_fuzz_check(struct hostile *h)
{
	u8 status = drv_status(&h->d);

	if (fake_vhost.running && !fake_vhost_closed())
		CHECK(status & VIRTIO_CONFIG_S_DRIVER_OK);
}

static inline int vhost_fuzz(const u8 *data, size_t size, const struct device_class *cls,
			     const char *conf)
{
	struct hostile *h = calloc(1, sizeof(*h));

	CHECK(h && !hostile_begin(h, data, size, cls, conf));
	h->place = h->buf;
	while (h->left) {
		if (*h->in % HOSTILE_OPS == HOSTILE_SETUP) {
			hostile_take(h, 1);
			vhost_fuzz_setup(h);
		} else if (!hostile_step(h)) {
			vhost_fuzz_node(h);
		}
		vhost_fuzz_check(h);
	}
	drv_run(&h->d);
	fake_vhost.fail_in = 0;
	drv_reset(&h->d);
	if (!fake_vhost_closed()) {
		CHECK(!fake_vhost.running);
		hostile_setup(h, 0);
		CHECK(fake_vhost.running);
	}
	drv_end(&h->d);
	CHECK(fake_vhost_closed());
	free(h);
	return 0;
}

#endif /* TESTS_FUZZ_VHOST_FUZZ_H */
