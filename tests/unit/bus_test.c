// SPDX-License-Identifier: GPL-2.0
/*
 * vm/bus.c and vm/irq.c: who answers, with what, and who waits for whom.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include <vmtool/bus.h>
#include <vmtool/irq.h>

#include "capture.h"
#include <kselftest_harness.h>

/* What a device has seen last, and what it answers. */
struct seen {
	u64 off;
	u64 val;
	unsigned int size;
	int reads;
	int writes;
	u64 answer;
};

static u64 seen_read(void *priv, u64 off, unsigned int size)
{
	struct seen *s = priv;

	s->off = off;
	s->size = size;
	s->reads++;
	return s->answer;
}

static void seen_write(void *priv, u64 off, u64 val, unsigned int size)
{
	struct seen *s = priv;

	s->off = off;
	s->val = val;
	s->size = size;
	s->writes++;
}

static const struct region_ops all_sizes = {
	.read = seen_read, .write = seen_write, .sizes = 15,
};

static const struct region_ops bytes_only = {
	.read = seen_read, .write = seen_write, .sizes = 1,
};

static const struct region_ops words_only = {
	.read = seen_read, .write = seen_write, .sizes = 2 | 4,
};

static const struct region_ops deaf = { .sizes = 15 };

FIXTURE(bus) {
	struct bus bus;
	struct region r[40];
	struct seen seen[40];
};

FIXTURE_SETUP(bus)
{
	bus_init(&self->bus, "test", false);
}

FIXTURE_TEARDOWN(bus)
{
	bus_destroy(&self->bus);
}

TEST_F(bus, nobody_answers)
{
	u64 val = 0;

	EXPECT_FALSE(bus_read(&self->bus, 0x1000, &val, 8));
	EXPECT_EQ(~0ULL, val);
	val = 0;
	EXPECT_FALSE(bus_read(&self->bus, 0x1000, &val, 1));
	EXPECT_EQ(0xff, val);		/* and not a byte more */
	EXPECT_FALSE(bus_read(&self->bus, ~0ULL, &val, 4));
	EXPECT_EQ(0xffffffff, val);
	EXPECT_FALSE(bus_write(&self->bus, ~0ULL, &val, 8));
}

#ifdef CONFIG_STATS
TEST_F(bus, accesses_are_counted)
{
	u64 val = 0;

	ASSERT_EQ(0, bus_map(&self->bus, &self->r[0], 0x1000, 0x10, &deaf, NULL));
	bus_read(&self->bus, 0x1004, &val, 4);
	bus_write(&self->bus, 0x1004, &val, 4);
	bus_write(&self->bus, 0x1008, &val, 4);
	bus_write_late(&self->bus, 0x1008, &val, 4);
	bus_read(&self->bus, 0x2000, &val, 4);
	EXPECT_EQ(1, self->r[0].count.reads);
	EXPECT_EQ(2, self->r[0].count.writes);
	EXPECT_EQ(1, self->r[0].count.late);
	EXPECT_EQ(1, self->bus.nobody.reads);
	EXPECT_EQ(0, self->bus.nobody.writes + self->bus.nobody.late);
}

/* What is accessed much stays, whatever else a guest does. */
TEST_F(bus, busy_addresses_are_known)
{
	const struct bus_address *found = NULL;
	u64 val = 0, addr;
	int i;

	for (addr = 0; addr < 100000; addr++) {
		bus_write(&self->bus, 0x1000000 + addr * 4, &val, 4);
		bus_write(&self->bus, 0xd0000004, &val, 4);
	}
	for (i = 0; i < BUS_GROUPS * BUS_GROUP; i++) {
		if (self->bus.busy[i].addr != 0xd0000004)
			continue;
		EXPECT_EQ(NULL, found);
		found = &self->bus.busy[i];
	}
	ASSERT_NE(NULL, found);
	EXPECT_EQ(100000, found->count.writes);
}
#endif

TEST_F(bus, access_arrives)
{
	struct seen *s = &self->seen[0];
	u64 val = 0x8877665544332211ULL;
	unsigned int size;

	ASSERT_EQ(0, bus_map(&self->bus, &self->r[0], 0x1000, 0x10, &all_sizes, s));
	for (size = 1; size <= 8; size *= 2) {
		u64 mask = size == 8 ? ~0ULL : (1ULL << size * 8) - 1, got = 0;

		EXPECT_TRUE(bus_write(&self->bus, 0x1008, &val, size));
		EXPECT_EQ(8, s->off);
		EXPECT_EQ(size, s->size);
		EXPECT_EQ(val & mask, s->val);
		s->answer = ~val;
		EXPECT_TRUE(bus_read(&self->bus, 0x1000, &got, size));
		EXPECT_EQ(0, s->off);
		EXPECT_EQ(~val & mask, got);
	}
	EXPECT_EQ(4, s->reads);
	EXPECT_EQ(4, s->writes);
}

TEST_F(bus, an_access_lies_wholly_inside)
{
	struct seen *s = &self->seen[0];
	u64 val;

	/* Two regions side by side: none of them gets a part. */
	ASSERT_EQ(0, bus_map(&self->bus, &self->r[0], 0x1000, 6, &all_sizes, s));
	ASSERT_EQ(0, bus_map(&self->bus, &self->r[1], 0x1006, 6, &all_sizes, s));
	EXPECT_TRUE(bus_read(&self->bus, 0x1002, &val, 4));
	EXPECT_FALSE(bus_read(&self->bus, 0x1003, &val, 4));
	EXPECT_EQ(0xffffffff, (u32)val);
	EXPECT_FALSE(bus_read(&self->bus, 0x1005, &val, 2));
	EXPECT_FALSE(bus_read(&self->bus, 0xfff, &val, 2));
	EXPECT_FALSE(bus_read(&self->bus, 0x100b, &val, 2));
	EXPECT_FALSE(bus_write(&self->bus, 0x1003, &val, 4));
	EXPECT_FALSE(bus_read(&self->bus, 0x1000, &val, 8));
	EXPECT_TRUE(bus_read(&self->bus, 0x100b, &val, 1));
	EXPECT_EQ(5, s->off);
	EXPECT_EQ(2, s->reads);
	EXPECT_EQ(0, s->writes);
}

TEST_F(bus, sizes_a_device_does_not_serve)
{
	struct seen *s = self->seen;
	unsigned int size;

	ASSERT_EQ(0, bus_map(&self->bus, &self->r[0], 0, 16, &bytes_only, &s[0]));
	ASSERT_EQ(0, bus_map(&self->bus, &self->r[1], 16, 16, &words_only, &s[1]));
	/* KVM splits an access across a page, so that any size can come. */
	for (size = 1; size <= 8; size++) {
		u64 val = 0;

		EXPECT_EQ(size == 1, bus_read(&self->bus, 0, &val, size));
		EXPECT_EQ(size == 1, bus_write(&self->bus, 0, &val, size));
		val = 0;
		EXPECT_EQ(size == 2 || size == 4, bus_read(&self->bus, 16, &val, size));
		if (size != 2 && size != 4)
			EXPECT_EQ(size == 8 ? ~0ULL : (1ULL << size * 8) - 1, val);
		EXPECT_EQ(size == 2 || size == 4, bus_write(&self->bus, 16, &val, size));
	}
	EXPECT_EQ(1, s[0].reads);
	EXPECT_EQ(1, s[0].writes);
	EXPECT_EQ(2, s[1].reads);
	EXPECT_EQ(2, s[1].writes);
}

TEST_F(bus, odd_sizes_reach_nobody)
{
	unsigned int size;
	u64 val;

	ASSERT_EQ(0, bus_map(&self->bus, &self->r[0], 0, 16, &all_sizes, self->seen));
	for (size = 1; size <= 8; size++) {
		bool odd = size & (size - 1);

		EXPECT_EQ(!odd, bus_read(&self->bus, 0, &val, size));
		EXPECT_EQ(!odd, bus_write(&self->bus, 0, &val, size));
	}
	EXPECT_EQ(4, self->seen[0].reads);
}

TEST_F(bus, ops_may_be_missing)
{
	u64 val = 0;

	ASSERT_EQ(0, bus_map(&self->bus, &self->r[0], 0, 8, &deaf, NULL));
	EXPECT_FALSE(bus_read(&self->bus, 0, &val, 4));
	EXPECT_EQ(0xffffffff, val);
	EXPECT_FALSE(bus_write(&self->bus, 0, &val, 4));
}

struct place {
	u64 base;
	u64 len;
	int ret;
};

TEST_F(bus, overlaps_are_refused)
{
	static const struct place places[] = {
		{ 0x1000, 0x100, 0 },
		{ 0x1000, 0x100, -EEXIST }, { 0x10ff, 1, -EEXIST }, { 0xfff, 2, -EEXIST },
		{ 0x1050, 1, -EEXIST }, { 0, 0x10000, -EEXIST }, { 0x10ff, 0x100, -EEXIST },
		{ 0x1100, 0x10, 0 }, { 0xff0, 0x10, 0 }, { 0x110f, 1, -EEXIST },
		{ 0, ~0ULL, -EEXIST }, { 0xff0, 0x120, -EEXIST },
		{ 0x2000, 0, -EINVAL }, { ~0ULL, 2, -EINVAL }, { 1, ~0ULL, -EEXIST },
		{ 2, ~0ULL, -EINVAL }, { ~0ULL, 1, 0 }, { ~0ULL - 7, 8, -EEXIST },
	};
	size_t i;
	u8 c[2];

	for (i = 0; i < ARRAY_SIZE(places); i++) {
		EXPECT_EQ(places[i].ret, bus_map(&self->bus, &self->r[i], places[i].base,
						 places[i].len, &all_sizes, &self->seen[i]))
			TH_LOG("place %zu", i);
		/* The refused one is not mapped: this must do nothing. */
		if (places[i].ret)
			bus_unmap(&self->bus, &self->r[i]);
	}
	EXPECT_EQ(4, self->bus.nr);
	EXPECT_TRUE(bus_read(&self->bus, ~0ULL, c, 1));
	EXPECT_EQ(1, self->seen[16].reads);
	EXPECT_FALSE(bus_read(&self->bus, ~0ULL, c, 2));
}

/* More than the list's first allocation, in an order that is not theirs. */
TEST_F(bus, many_regions)
{
	int i, n = ARRAY_SIZE(self->r);
	u8 c;

	for (i = 0; i < n; i++) {
		int k = i * 17 % n;

		ASSERT_EQ(0, bus_map(&self->bus, &self->r[k], k * 16, 8, &bytes_only,
				     &self->seen[k]));
	}
	for (i = 0; i < n; i++) {
		EXPECT_TRUE(bus_read(&self->bus, i * 16 + 7, &c, 1));
		EXPECT_FALSE(bus_read(&self->bus, i * 16 + 8, &c, 1));
		EXPECT_EQ(1, self->seen[i].reads);
	}
	for (i = 0; i < n; i += 2)
		bus_unmap(&self->bus, &self->r[i]);
	for (i = 0; i < n; i++)
		EXPECT_EQ(i % 2, bus_read(&self->bus, i * 16, &c, 1));
	for (i = 0; i < n; i += 2)
		EXPECT_EQ(0, bus_map(&self->bus, &self->r[i], i * 16, 8, &bytes_only,
				     &self->seen[i]));
	EXPECT_EQ(n, self->bus.nr);
}

TEST_F(bus, trace)
{
	struct capture said;
	u64 val = 0;

	self->bus.trace = true;
	self->r[0].name = "thing";
	self->seen[0].answer = 0x1234567890ULL;
	ASSERT_EQ(0, bus_map(&self->bus, &self->r[0], 0x10, 8, &all_sizes, self->seen));
	capture_begin(&said);
	bus_read(&self->bus, 0x10, &val, 2);
	bus_write(&self->bus, 0x10, &val, 8);
	bus_read(&self->bus, 0x20, &val, 1);
	capture_end(&said);
	EXPECT_STREQ("vmtool: test 0x10 -> 0x7890 (thing)\n"
		     "vmtool: test 0x10 <- 0x0000000000007890 (thing)\n"
		     "vmtool: test 0x20 -> 0xff (nobody)\n", said.text);
}

/* An op that waits until it is told to go on. */
struct slow {
	pthread_mutex_t lock;
	pthread_cond_t change;
	int inside;
	int most;
	bool go;
	int done;
};

static u64 slow_read(void *priv, u64 off, unsigned int size)
{
	struct slow *s = priv;

	pthread_mutex_lock(&s->lock);
	if (++s->inside > s->most)
		s->most = s->inside;
	pthread_cond_broadcast(&s->change);
	while (!s->go)
		pthread_cond_wait(&s->change, &s->lock);
	s->inside--;
	s->done++;
	pthread_mutex_unlock(&s->lock);
	return 0x5a;
}

static const struct region_ops slow_ops = { .read = slow_read, .sizes = 1 };

struct access {
	struct bus *bus;
	struct region *r;
	bool answered;
	bool unmapped;
	u8 val;
};

static void *access_thread(void *arg)
{
	struct access *a = arg;

	a->answered = bus_read(a->bus, 0x100, &a->val, 1);
	return NULL;
}

static void *unmap_thread(void *arg)
{
	struct access *a = arg;

	bus_unmap(a->bus, a->r);
	__atomic_store_n(&a->unmapped, true, __ATOMIC_SEQ_CST);
	return NULL;
}

static void wait_inside(struct slow *s, int n)
{
	pthread_mutex_lock(&s->lock);
	while (s->inside < n)
		pthread_cond_wait(&s->change, &s->lock);
	pthread_mutex_unlock(&s->lock);
}

static void let_go(struct slow *s)
{
	pthread_mutex_lock(&s->lock);
	s->go = true;
	pthread_cond_broadcast(&s->change);
	pthread_mutex_unlock(&s->lock);
}

TEST_F(bus, unmap_waits_for_those_inside)
{
	struct slow slow = {
		.lock = PTHREAD_MUTEX_INITIALIZER, .change = PTHREAD_COND_INITIALIZER,
	};
	struct access a[3] = { };
	pthread_t threads[2], unmapper;
	u8 c;
	int i;

	ASSERT_EQ(0, bus_map(&self->bus, &self->r[0], 0x100, 1, &slow_ops, &slow));
	ASSERT_EQ(0, bus_map(&self->bus, &self->r[1], 0x200, 1, &bytes_only, self->seen));
	for (i = 0; i < 3; i++)
		a[i] = (struct access) { .bus = &self->bus, .r = &self->r[0] };
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, access_thread, &a[i]));
	/* Both at once: the bus holds no lock while a device works. */
	wait_inside(&slow, 2);
	EXPECT_TRUE(bus_read(&self->bus, 0x200, &c, 1));

	ASSERT_EQ(0, pthread_create(&unmapper, NULL, unmap_thread, &a[2]));
	usleep(50000);
	EXPECT_FALSE(__atomic_load_n(&a[2].unmapped, __ATOMIC_SEQ_CST));
	/* Nobody comes in any more, and others are served. */
	EXPECT_FALSE(bus_read(&self->bus, 0x100, &c, 1));
	EXPECT_TRUE(bus_read(&self->bus, 0x200, &c, 1));

	let_go(&slow);
	pthread_join(unmapper, NULL);
	EXPECT_EQ(2, slow.done);
	for (i = 0; i < 2; i++) {
		pthread_join(threads[i], NULL);
		EXPECT_TRUE(a[i].answered);
		EXPECT_EQ(0x5a, a[i].val);
	}
	EXPECT_EQ(2, slow.most);
	bus_unmap(&self->bus, &self->r[0]);
}

struct hammer {
	struct bus *bus;
	bool stop;
	int served;
};

static void *hammer_thread(void *arg)
{
	struct hammer *h = arg;
	u8 c;

	while (!__atomic_load_n(&h->stop, __ATOMIC_SEQ_CST))
		h->served += bus_read(h->bus, 0x40, &c, 1);
	return NULL;
}

/* The device's state is gone the moment it is unmapped; ASAN watches. */
TEST_F(bus, devices_come_and_go_under_load)
{
	struct hammer h[2] = { { .bus = &self->bus }, { .bus = &self->bus } };
	pthread_t threads[2];
	int i;

	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, hammer_thread, &h[i]));
	for (i = 0; i < 300; i++) {
		struct region *r = calloc(1, sizeof(*r));
		struct seen *s = calloc(1, sizeof(*s));

		ASSERT_EQ(0, bus_map(&self->bus, r, 0x40, 1, &bytes_only, s));
		if (i % 10 == 0)
			usleep(500);
		bus_unmap(&self->bus, r);
		memset(r, 0xee, sizeof(*r));
		free(r);
		free(s);
	}
	for (i = 0; i < 2; i++) {
		__atomic_store_n(&h[i].stop, true, __ATOMIC_SEQ_CST);
		pthread_join(threads[i], NULL);
	}
	EXPECT_LT(0, h[0].served + h[1].served);
	EXPECT_EQ(0, self->bus.nr);
}

TEST(irq_lines_are_given_once)
{
	struct irqchip chip;
	struct irq_line *line;
	u32 i;

	irqchip_init(&chip, -1, 24);
	for (i = 0; i < 24; i++) {
		line = irq_get(&chip, i, i % 2 ? IRQ_EDGE : IRQ_LEVEL);
		ASSERT_NE(NULL, line);
		EXPECT_EQ(i, line->gsi);
		EXPECT_EQ(i % 2 ? IRQ_EDGE : IRQ_LEVEL, line->trigger);
		EXPECT_FALSE(line->level);
		EXPECT_EQ(NULL, irq_get(&chip, i, IRQ_EDGE));
	}
	EXPECT_EQ(NULL, irq_get(&chip, 24, IRQ_EDGE));
	EXPECT_EQ(NULL, irq_get(&chip, ~0U, IRQ_EDGE));
}

TEST(irq_lines_there_are)
{
	struct irqchip chip;

	irqchip_init(&chip, -1, 5);
	EXPECT_NE(NULL, irq_get(&chip, 4, IRQ_EDGE));
	EXPECT_EQ(NULL, irq_get(&chip, 5, IRQ_EDGE));
	/* More than there is room for. */
	irqchip_init(&chip, -1, 1000);
	EXPECT_EQ(IRQ_MAX_LINES, chip.nr);
	EXPECT_EQ(NULL, irq_get(&chip, IRQ_MAX_LINES, IRQ_EDGE));
}

TEST(irq_levels)
{
	struct irqchip chip;
	struct irq_line *line;

	irqchip_init(&chip, -1, 24);
	line = irq_get(&chip, 4, IRQ_LEVEL);
	irq_set(line, true);
	EXPECT_TRUE(line->level);
	irq_set(line, true);
	EXPECT_TRUE(line->level);
	irq_set(line, false);
	EXPECT_FALSE(line->level);
	irq_pulse(line);
	EXPECT_FALSE(line->level);
}

TEST_HARNESS_MAIN
