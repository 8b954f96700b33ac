/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TESTS_FUZZ_VIRTIO_REGISTERS_H
#define TESTS_FUZZ_VIRTIO_REGISTERS_H

/*
 * A hostile guest at the registers of the echo device, for the fuzzers of the
 * transports. The input is a list of steps: writes and reads anywhere in the
 * transport's registers, bytes into guest memory, requests, and what the device does.
 * After all that a driver that resets the device finds one that works.
 */
#include <string.h>

#include "fuzz.h"
#include "input.h"
#include "../unit/echo.h"
#include "../unit/virtio_driver.h"

#define GUEST_AREA	0x8000ULL	/* memory that steps write to: rings, buffers */

/**
 * struct registers - a range of registers
 * @base: address
 * @len: bytes
 */
struct registers {
	u64 base;
	u64 len;
};

/**
 * struct fuzzed - the device and its guest
 * @range: what steps write to; the last one has no length
 * @mend: bring the transport into a state in which a driver can begin
 */
struct fuzzed {
	struct drv d;
	struct echo *e;
	bool gone;
	struct registers range[6];
	void (*mend)(struct drv *d);
};

enum step {
	REG_WRITE,
	REG_READ,
	MEM_WRITE,
	MEM_DESC,
	ADD,
	KICK,
	RUN,
	HOLD,
	RELEASE,
	CHANGE,
	SETUP,
	NR_STEPS
};

static inline const struct registers *pick_range(const struct fuzzed *f, u8 which)
{
	unsigned int n = 0;

	while (f->range[n].len)
		n++;
	return &f->range[which % n];
}

/* Values that mean something to a register, or any other. */
static inline u64 pick_value(struct input *in)
{
	u8 kind = get8(in);

	switch (kind >> 6) {
	case 0:
		return kind;
	case 1:
		return 1ULL << (kind & 63);
	case 2:
		return (u64)(kind & 63) << 10;
	default:
		return get32(in);
	}
}

static inline void reg_access(struct fuzzed *f, struct input *in, bool write)
{
	u8 how = get8(in);
	const struct registers *r = pick_range(f, how >> 2);
	unsigned int size = 1 << (how & 3);
	u64 off = get16(in) % r->len;
	u64 val;

	if (!(how & 0x80))
		off &= ~(u64)(size - 1);
	if (!write) {
		drv_bus_read(&f->d, r->base + off, size);
		return;
	}
	val = pick_value(in);
	drv_bus_write(&f->d, r->base + off, val, size);
}

static inline void mem_write(struct fuzzed *f, struct input *in)
{
	u8 *mem = drv_ptr(&f->d, 0, GUEST_AREA);
	u16 at = get16(in) % GUEST_AREA;
	u8 n = get8(in) % 32;

	while (n-- && left(in))
		mem[at++ % GUEST_AREA] = get8(in);
}

/* A descriptor into the ring of a queue that was set up. */
static inline void mem_desc(struct fuzzed *f, struct input *in)
{
	struct drv_ring *r = &f->d.queue[get8(in) % ECHO_QUEUES];
	u8 at = get8(in);
	u16 len = get16(in), flags = get16(in);

	if (!r->slots)
		return;
	at %= r->size;
	drv_put_desc(r->gm, r->desc + 16 * at, len, len & 0xff, flags, flags >> 8);
	if (!r->packed)
		drv_put16(r->gm, r->driver + 2, drv_get16(r->gm, r->driver + 2) + (flags >> 12));
}

static inline void add_request(struct fuzzed *f, u8 q, u8 len)
{
	struct drv_seg segs[] = { DRV_OUT(0x100, len), DRV_IN(0x300, len) };

	q %= ECHO_QUEUES;
	if (f->d.queue[q].slots)
		drv_add(&f->d, q, segs, 2, f);
}

static inline void setup(struct fuzzed *f, u8 how)
{
	u64 features = how & 1 ? DRV_ALL : DRV_SPLIT;

	if (how & 2)
		features &= DRV_UNORDERED;
	if (how & 4)
		features &= ~BIT_ULL(VIRTIO_RING_F_EVENT_IDX);
	if (how & 8)
		features &= ~BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC);
	f->mend(&f->d);
	CHECK(!drv_setup_size(&f->d, features, how & 16 ? 2 : 0));
}

static inline void one_step(struct fuzzed *f, struct input *in)
{
	u32 val;
	u8 a, b;

	switch (get8(in) % NR_STEPS) {
	case REG_WRITE:
		reg_access(f, in, true);
		break;
	case REG_READ:
		reg_access(f, in, false);
		break;
	case MEM_WRITE:
		mem_write(f, in);
		break;
	case MEM_DESC:
		mem_desc(f, in);
		break;
	case ADD:
		a = get8(in);
		b = get8(in);
		add_request(f, a, b);
		break;
	case KICK:
		a = get8(in);
		virtio_kick(&f->e->vd, a);
		break;
	case RUN:
		drv_run(&f->d);
		break;
	case HOLD:
		f->e->hold = !f->e->hold;
		break;
	case RELEASE:
		a = get8(in);
		if (f->e->nr_held)
			echo_release(f->e, a % f->e->nr_held);
		break;
	case CHANGE:
		val = get8(in);
		virtio_config_set(&f->e->vd, 12, &val, 4);
		break;
	case SETUP:
		setup(f, get8(in));
		break;
	}
}

/* A driver after all of this. */
static inline void check_alive(struct fuzzed *f)
{
	struct drv_seg segs[] = { DRV_OUT(0x100, 16), DRV_IN(0x300, 16) };
	u32 len = 0;

	f->e->hold = false;
	setup(f, f->e->served);
	CHECK(f->e->vd.status == 0xf);
	memset(drv_ptr(&f->d, 0x100, 16), 7, 16);
	CHECK(drv_request(&f->d, 1, segs, 2, &len));
	CHECK(len == 16 && !memcmp(drv_ptr(&f->d, 0x300, 16), drv_ptr(&f->d, 0x100, 16), 16));
	CHECK(drv_interrupted(&f->d, 1));
}

static inline void fuzz_registers(enum drv_transport t, const u8 *data, size_t size,
				  void (*mend)(struct drv *d), void (*ranges)(struct fuzzed *f))
{
	struct input in = { .data = data, .len = size };
	struct fuzzed *f = calloc(1, sizeof(*f));

	CHECK(f);
	f->e = echo_create(true);
	CHECK(f->e);
	f->e->destroyed = &f->gone;
	CHECK(!drv_init_dev(&f->d, t, &f->e->vd));
	f->mend = mend;
	ranges(f);
	if (get8(&in) & 1)
		setup(f, get8(&in));
	while (left(&in))
		one_step(f, &in);
	drv_run(&f->d);
	check_alive(f);
	drv_end(&f->d);
	CHECK(f->gone);
	free(f);
}

#endif /* TESTS_FUZZ_VIRTIO_REGISTERS_H */
