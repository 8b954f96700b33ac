// SPDX-License-Identifier: GPL-2.0
/*
 * virtio/queue.c with an honest driver: all sequences of nine or ten steps of
 * both sides on small rings, then long random ones. Every chain is popped once, in order,
 * and is used once: in the order of vq_push(), or in that of the driver with
 * IN_ORDER. No wake-up is lost, and with EVENT_IDX no interrupt is raised that was
 * not asked for.
 */
#include <kselftest_harness.h>

#include "vq.h"

#define DEPTH(size)	((size) < 3 ? 10 : 9)
#define RANDOM_STEPS	700000
#define MAX_CHAINS	4

enum step {
	ADD_1,
	ADD_2,
	POP,
	UNPOP,
	PUSH,
	NOTIFY,
	GET,
	NR_STEPS
};

struct held {
	struct vq_chain c;
	struct iovec iov[4];
	unsigned long nr;
};

/**
 * struct play - both sides, and what must be
 * @added: requests offered by the driver, numbered from 1
 * @popped: taken by the device
 * @held: those it has not given back, @nr_held
 * @done: with IN_ORDER, those given back out of turn
 * @used: numbers as the driver has to see them, from @got to @visible
 * @notified: of @visible, those vq_notify() was called for
 * @armed: the one whose use has to raise an interrupt (EVENT_IDX)
 * @asleep: vq_pop() has found nothing: the next request has to be notified
 * @can_unpop: the last popped chain is held, and nothing was pushed since
 */
struct play {
	struct vqt t;
	struct drv_ring r;
	struct odo *o;
	u64 random;
	unsigned long added;
	unsigned long popped;
	struct held held[MAX_CHAINS];
	unsigned int nr_held;
	bool done[MAX_CHAINS + 1];
	unsigned long used[MAX_CHAINS * 2];
	unsigned long got;
	unsigned long visible;
	unsigned long notified;
	unsigned long armed;
	bool asleep;
	bool can_unpop;
};

static unsigned int pick(struct play *p, unsigned int n)
{
	if (p->o)
		return choose(p->o, n);
	p->random ^= p->random << 13;
	p->random ^= p->random >> 7;
	p->random ^= p->random << 17;
	return p->random % n;
}

static u64 buffer(unsigned long nr)
{
	return VQT_BUF + nr % 32 * 32;
}

static const char *add(struct play *p, unsigned int parts)
{
	u64 addr = buffer(p->added + 1);
	struct drv_seg segs[2] = { DRV_OUT(addr, 8), DRV_IN(addr + 8, 8) };
	bool need;

	if (drv_ring_add(&p->r, segs + 2 - parts, parts, (void *)(p->added + 1)))
		return NULL;		/* no room */
	p->added++;
	need = drv_ring_need_kick(&p->r);
	if (p->asleep && !need)
		return "a device that sleeps wants no notification";
	if (!p->asleep && need && p->t.vq.silent && !p->r.event_idx)
		return "a notification the device has no use for";
	p->asleep = false;
	return NULL;
}

static const char *pop(struct play *p)
{
	struct held *h = &p->held[p->nr_held];
	int ret;

	vq_chain_init(&h->c, h->iov, ARRAY_SIZE(h->iov));
	ret = vq_pop(&p->t.vq, &h->c);
	if (ret < 0)
		return "a broken ring";
	if (ret && p->popped == p->added)
		return "a chain too many";
	if (!ret && p->popped < p->added)
		return "a chain too few";
	p->asleep = !ret;
	if (!ret)
		return NULL;
	h->nr = ++p->popped;
	p->nr_held++;
	p->can_unpop = true;
	if (h->c.nr_in != 1 || h->c.nr_out > 1 || h->c.in_len != 8 ||
	    h->c.iov[h->c.nr_out].iov_base != vqt_mem(&p->t, buffer(h->nr) + 8))
		return "another chain";
	return NULL;
}

static void unpop(struct play *p)
{
	vq_unpop(&p->t.vq, &p->held[--p->nr_held].c);
	p->popped--;
	p->can_unpop = false;
}

static void show_used(struct play *p, unsigned long nr)
{
	p->used[p->visible++ % ARRAY_SIZE(p->used)] = nr;
}

static void push(struct play *p)
{
	unsigned int i = pick(p, p->nr_held);
	unsigned long nr = p->held[i].nr;

	vq_write(&p->held[i].c, NULL, nr % 9);
	vq_push(&p->t.vq, &p->held[i].c);
	p->held[i] = p->held[--p->nr_held];
	/* The order in which they are held has no meaning, their array moved. */
	p->held[i].c.iov = p->held[i].iov;
	p->can_unpop = false;
	if (!p->t.vq.in_order) {
		show_used(p, nr);
		return;
	}
	p->done[nr % ARRAY_SIZE(p->done)] = true;
	while (p->done[(p->visible + 1) % ARRAY_SIZE(p->done)]) {
		p->done[(p->visible + 1) % ARRAY_SIZE(p->done)] = false;
		show_used(p, p->visible + 1);
	}
}

static const char *notify(struct play *p)
{
	unsigned int before = p->t.queue_irqs;
	bool wanted = p->notified < p->visible;

	if (p->r.event_idx)
		wanted = p->notified <= p->armed && p->armed < p->visible;
	vq_notify(&p->t.vq);
	p->notified = p->visible;
	if (p->t.queue_irqs - before != wanted)
		return wanted ? "no interrupt" : "an interrupt nobody wants";
	return NULL;
}

static const char *get(struct play *p)
{
	u32 len = ~0U;
	void *cookie = drv_ring_get(&p->r, &len);
	unsigned long nr = (unsigned long)cookie;

	if (!nr)
		return p->got == p->visible ? NULL : "nothing used";
	if (p->got == p->visible)
		return "something used";
	if (nr != p->used[p->got % ARRAY_SIZE(p->used)])
		return "another order";
	if (len != (nr % 9 > 8 ? 8 : nr % 9))
		return "another length";
	p->got++;
	p->armed = p->got;
	return NULL;
}

static const char *step(struct play *p)
{
	enum step can[NR_STEPS];
	unsigned int n = 0;

	if (p->r.nr_free >= 1)
		can[n++] = ADD_1;
	if (p->r.nr_free >= (p->r.indirect ? 1 : 2))
		can[n++] = ADD_2;
	if (p->nr_held < MAX_CHAINS)
		can[n++] = POP;
	if (p->can_unpop)
		can[n++] = UNPOP;
	if (p->nr_held)
		can[n++] = PUSH;
	if (p->notified < p->visible)
		can[n++] = NOTIFY;
	if (p->got < p->visible)
		can[n++] = GET;
	switch (can[pick(p, n)]) {
	case ADD_1:
		return add(p, 1);
	case ADD_2:
		return add(p, 2);
	case POP:
		return pop(p);
	case UNPOP:
		unpop(p);
		return NULL;
	case PUSH:
		push(p);
		return NULL;
	case NOTIFY:
		return notify(p);
	default:
		return get(p);
	}
}

static void begin(struct play *p, u16 size, u64 features)
{
	vqt_driver(&p->t, &p->r, size, features);
	if (vqt_start(&p->t, size, features))
		drv_die("no start");
	p->added = 0;
	p->popped = 0;
	p->nr_held = 0;
	memset(p->done, 0, sizeof(p->done));
	p->got = 0;
	p->visible = 0;
	p->notified = 0;
	p->armed = 0;
	p->asleep = false;
	p->can_unpop = false;
}

/* All sequences of DEPTH(size) steps; the number of them, 0 after a failure. */
static u64 all_sequences(u16 size, u64 features)
{
	struct play *p = calloc(1, sizeof(*p));
	struct odo o = { .nr = 0 };
	const char *what;
	unsigned int i;
	u64 runs = 0;

	vqt_init(&p->t);
	p->o = &o;
	do {
		begin(p, size, features);
		what = NULL;
		for (i = 0; i < DEPTH(size) && !what; i++)
			what = step(p);
		/* And what is left comes to its end. */
		if (!what)
			what = notify(p);
		for (i = 0; i < MAX_CHAINS + 1 && !what; i++)
			what = get(p);
	} while (!what && odo_next(&o));
	if (!what)
		runs = o.runs;
	else
		fprintf(stderr, "size %u, features %#llx, after %llu sequences: %s\n", size,
			(unsigned long long)features, (unsigned long long)o.runs, what);
	drv_ring_free(&p->r);
	vqt_end(&p->t);
	free(p);
	return runs;
}

/* Rings go round often enough for each counter to wrap. */
static unsigned long random_sequence(u16 size, u64 features)
{
	struct play *p = calloc(1, sizeof(*p));
	const char *what = NULL;
	unsigned long got;
	unsigned int i;

	vqt_init(&p->t);
	p->random = 0x9e3779b97f4a7c15ULL + size;
	begin(p, size, features);
	for (i = 0; i < RANDOM_STEPS && !what; i++)
		what = step(p);
	if (what)
		fprintf(stderr, "size %u, features %#llx, step %u: %s\n", size,
			(unsigned long long)features, i, what);
	got = what ? 0 : p->got;
	drv_ring_free(&p->r);
	vqt_end(&p->t);
	free(p);
	return got;
}

static u64 combination(unsigned int i)
{
	return (i & 1 ? BIT_ULL(VIRTIO_RING_F_EVENT_IDX) : 0) |
	       (i & 2 ? BIT_ULL(VIRTIO_F_IN_ORDER) : 0) |
	       (i & 4 ? BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC) : 0) |
	       (i & 8 ? BIT_ULL(VIRTIO_F_RING_PACKED) : 0);
}

TEST(split_all)
{
	unsigned int i;
	u16 size;

	for (i = 0; i < 8; i++)
		for (size = 1; size <= 4; size *= 2)
			EXPECT_LT(2000, all_sequences(size, combination(i)));
}

TEST(packed_all)
{
	unsigned int i;
	u16 size;

	for (i = 8; i < 16; i++)
		for (size = 1; size <= 4; size++)
			EXPECT_LT(2000, all_sequences(size, combination(i)));
}

TEST(split_random)
{
	unsigned int i;
	u16 size;

	for (i = 0; i < 8; i++)
		for (size = 1; size <= 4; size *= 2)
			EXPECT_LT(65536, random_sequence(size, combination(i)));
}

TEST(packed_random)
{
	unsigned int i;
	u16 size;

	for (i = 8; i < 16; i++)
		for (size = 1; size <= 4; size++)
			EXPECT_LT(65536, random_sequence(size, combination(i)));
}

TEST_HARNESS_MAIN
