/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TESTS_UNIT_ECHO_TEST_H
#define TESTS_UNIT_ECHO_TEST_H

/*
 * A fixture with the echo device on each transport, with each kind of ring. To be
 * included after the harness.
 */
#include "echo.h"
#include "virtio_driver.h"

FIXTURE(core) {
	struct drv d;
	struct echo *e;
	bool gone;
};

FIXTURE_VARIANT(core) {
	DRV_VARIANT;
};

#define DRV_FIXTURE core
#include "virtio_variants.h"

FIXTURE_SETUP(core)
{
	self->e = echo_create(true);
	self->e->destroyed = &self->gone;
	ASSERT_EQ(0, drv_init_dev(&self->d, variant->transport, &self->e->vd));
}

FIXTURE_TEARDOWN(core)
{
	drv_end(&self->d);
	EXPECT_TRUE(self->gone);
}

/* A request of @len bytes, echoed: true when all of them came back. */
static inline bool echo_works(struct drv *d, unsigned int q, u32 len)
{
	u64 mark = d->brk, from = drv_alloc(d, len), to = drv_alloc(d, len);
	struct drv_seg segs[] = { DRV_OUT(from, len), DRV_IN(to, len) };
	u8 *out = drv_ptr(d, from, len), *in = drv_ptr(d, to, len);
	u32 used = 0, i;
	bool good;

	for (i = 0; i < len; i++)
		out[i] = len + i;
	memset(in, 0, len);
	good = drv_request(d, q, segs, 2, &used) && used == len && !memcmp(in, out, len);
	d->brk = mark;
	return good;
}

#endif /* TESTS_UNIT_ECHO_TEST_H */
