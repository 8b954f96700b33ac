// SPDX-License-Identifier: GPL-2.0
/*
 * powerpc/xics-core.c: what CPUs are presented, and when.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include <kselftest_harness.h>

#if defined(CONFIG_PPC) || defined(CONFIG_COMPILE_TEST)
#include <linux/kernel.h>

#include "../../powerpc/xics-core.h"

#define FIRST		0x1000
#define NR		16
#define SERVERS		4
#define MSG(n)		(FIRST + (n))		/* messages: below 8 */
#define LSI(n)		(FIRST + 8 + (n))	/* sources with a level: above, but for the last */
#define NONE		(FIRST + NR - 1)	/* nobody made it */
#define OPEN		0xff			/* a CPU that takes all */
#define XIRR(cppr, irq)	((u32)(cppr) << 24 | (irq))

struct cpu_lines {
	bool high[SERVERS];
	unsigned int changes;
};

static void output(void *priv, u32 server, bool level)
{
	struct cpu_lines *cpu = priv;

	cpu->high[server] = level;
	cpu->changes++;
}

static void send_message(struct xics *x, u32 irq)
{
	xics_line(x, irq, true);
	xics_line(x, irq, false);
}

FIXTURE(xics) {
	struct cpu_lines cpu;
	struct xics *x;
};

FIXTURE_SETUP(xics)
{
	u32 i;

	memset(&self->cpu, 0, sizeof(self->cpu));
	self->x = xics_new(SERVERS, FIRST, NR, output, &self->cpu);
	ASSERT_NE(NULL, self->x);
	for (i = FIRST; i < NONE; i++)
		ASSERT_EQ(0, xics_make(self->x, i, i >= LSI(0)));
	for (i = 0; i < SERVERS; i++)
		xics_set_cppr(self->x, i, OPEN);
}

FIXTURE_TEARDOWN(xics)
{
	xics_free(self->x);
}

#define configure(irq, server, priority) \
	ASSERT_EQ(0, xics_configure(self->x, irq, server, priority))
#define line(irq, level)	xics_line(self->x, irq, level)
#define message(irq)		send_message(self->x, irq)
#define accepts(server, cppr, irq) \
	EXPECT_EQ(XIRR(cppr, irq), xics_accept(self->x, server))
#define ends(server, cppr, irq)	EXPECT_EQ(0, xics_eoi(self->x, server, XIRR(cppr, irq)))
#define high(server)		(self->cpu.high[server])

/* ---- one source */

TEST_F(xics, a_message)
{
	configure(MSG(0), 1, 5);
	EXPECT_FALSE(high(1));
	message(MSG(0));
	EXPECT_TRUE(high(1));
	EXPECT_FALSE(high(0));
	accepts(1, OPEN, MSG(0));
	EXPECT_FALSE(high(1));
	accepts(1, 5, 0);
	ends(1, OPEN, MSG(0));
	EXPECT_FALSE(high(1));
	/* The CPU was told twice, and not each time that it asked. */
	EXPECT_EQ(2, self->cpu.changes);
}

TEST_F(xics, messages_before_it_is_accepted_are_one)
{
	configure(MSG(0), 0, 5);
	message(MSG(0));
	message(MSG(0));
	accepts(0, OPEN, MSG(0));
	ends(0, OPEN, MSG(0));
	EXPECT_FALSE(high(0));
}

TEST_F(xics, a_message_while_the_last_is_dealt_with_is_another)
{
	configure(MSG(0), 0, 5);
	message(MSG(0));
	accepts(0, OPEN, MSG(0));
	message(MSG(0));
	message(MSG(0));
	EXPECT_FALSE(high(0));
	ends(0, OPEN, MSG(0));
	EXPECT_TRUE(high(0));
	accepts(0, OPEN, MSG(0));
	ends(0, OPEN, MSG(0));
	EXPECT_FALSE(high(0));
}

TEST_F(xics, a_level_that_stays_interrupts_again)
{
	configure(LSI(0), 0, 5);
	line(LSI(0), true);
	accepts(0, OPEN, LSI(0));
	EXPECT_FALSE(high(0));
	ends(0, OPEN, LSI(0));
	EXPECT_TRUE(high(0));
	accepts(0, OPEN, LSI(0));
	line(LSI(0), false);
	ends(0, OPEN, LSI(0));
	EXPECT_FALSE(high(0));
	line(LSI(0), true);
	EXPECT_TRUE(high(0));
}

TEST_F(xics, a_level_that_falls_before_it_is_accepted)
{
	configure(LSI(0), 0, 5);
	line(LSI(0), true);
	line(LSI(0), false);
	EXPECT_FALSE(high(0));
	accepts(0, OPEN, 0);
	/* The same of one that had to wait. */
	xics_set_cppr(self->x, 0, 5);
	line(LSI(0), true);
	line(LSI(0), false);
	xics_set_cppr(self->x, 0, OPEN);
	EXPECT_FALSE(high(0));
}

/* ---- priorities */

TEST_F(xics, only_what_is_more_favoured_than_the_cpu)
{
	configure(MSG(0), 0, 5);
	xics_set_cppr(self->x, 0, 5);
	message(MSG(0));
	EXPECT_FALSE(high(0));
	xics_set_cppr(self->x, 0, 6);
	EXPECT_TRUE(high(0));
	/* It is sent back, and comes again. */
	xics_set_cppr(self->x, 0, 5);
	EXPECT_FALSE(high(0));
	accepts(0, 5, 0);
	xics_set_cppr(self->x, 0, 6);
	accepts(0, 6, MSG(0));
}

TEST_F(xics, nested)
{
	configure(MSG(0), 0, 5);
	configure(MSG(1), 0, 3);
	message(MSG(0));
	accepts(0, OPEN, MSG(0));
	message(MSG(1));
	EXPECT_TRUE(high(0));
	accepts(0, 5, MSG(1));
	ends(0, 5, MSG(1));
	EXPECT_FALSE(high(0));
	ends(0, OPEN, MSG(0));
	EXPECT_FALSE(high(0));
	message(MSG(0));
	accepts(0, OPEN, MSG(0));
}

TEST_F(xics, one_that_is_not_more_favoured_waits_for_the_end)
{
	configure(MSG(0), 0, 5);
	configure(MSG(1), 0, 5);
	configure(MSG(2), 0, 7);
	message(MSG(0));
	accepts(0, OPEN, MSG(0));
	message(MSG(2));
	message(MSG(1));
	EXPECT_FALSE(high(0));
	ends(0, OPEN, MSG(0));
	accepts(0, OPEN, MSG(1));
	ends(0, OPEN, MSG(1));
	accepts(0, OPEN, MSG(2));
}

TEST_F(xics, a_more_favoured_one_comes_before_what_was_not_accepted_yet)
{
	configure(MSG(0), 0, 5);
	configure(LSI(0), 0, 4);
	message(MSG(0));
	line(LSI(0), true);
	accepts(0, OPEN, LSI(0));
	EXPECT_FALSE(high(0));
	line(LSI(0), false);
	ends(0, OPEN, LSI(0));
	/* What was sent back is not lost. */
	EXPECT_TRUE(high(0));
	accepts(0, OPEN, MSG(0));
}

TEST_F(xics, equal_ones_come_in_their_order)
{
	static const u32 order[] = { MSG(2), MSG(0), LSI(1), MSG(1) };
	int i;

	xics_set_cppr(self->x, 0, 0);
	for (i = 0; i < ARRAY_SIZE(order); i++) {
		configure(order[i], 0, 5);
		line(order[i], true);
	}
	xics_set_cppr(self->x, 0, OPEN);
	line(LSI(1), false);
	line(LSI(1), true);
	accepts(0, OPEN, MSG(2));
	ends(0, OPEN, MSG(2));
	accepts(0, OPEN, MSG(0));
	ends(0, OPEN, MSG(0));
	/* It fell, and so has not waited as long. */
	accepts(0, OPEN, MSG(1));
	ends(0, OPEN, MSG(1));
	accepts(0, OPEN, LSI(1));
}

/* ---- what CPUs send each other */

TEST_F(xics, an_ipi)
{
	EXPECT_EQ(0, xics_set_mfrr(self->x, 2, 4));
	EXPECT_TRUE(high(2));
	accepts(2, OPEN, XICS_IPI);
	EXPECT_FALSE(high(2));
	/* Until it is taken back, it comes again. */
	ends(2, OPEN, XICS_IPI);
	EXPECT_TRUE(high(2));
	accepts(2, OPEN, XICS_IPI);
	EXPECT_EQ(0, xics_set_mfrr(self->x, 2, XICS_MASKED));
	ends(2, OPEN, XICS_IPI);
	EXPECT_FALSE(high(2));
	EXPECT_EQ(-EINVAL, xics_set_mfrr(self->x, SERVERS, 4));
}

TEST_F(xics, an_ipi_that_is_taken_back)
{
	EXPECT_EQ(0, xics_set_mfrr(self->x, 0, 4));
	EXPECT_EQ(0, xics_set_mfrr(self->x, 0, XICS_MASKED));
	EXPECT_FALSE(high(0));
	accepts(0, OPEN, 0);
}

TEST_F(xics, an_ipi_and_a_source)
{
	configure(MSG(0), 0, 5);
	message(MSG(0));
	EXPECT_EQ(0, xics_set_mfrr(self->x, 0, 4));
	accepts(0, OPEN, XICS_IPI);
	EXPECT_EQ(0, xics_set_mfrr(self->x, 0, XICS_MASKED));
	ends(0, OPEN, XICS_IPI);
	accepts(0, OPEN, MSG(0));
	/* The other way round. */
	ends(0, OPEN, MSG(0));
	EXPECT_EQ(0, xics_set_mfrr(self->x, 0, 6));
	message(MSG(0));
	accepts(0, OPEN, MSG(0));
	ends(0, OPEN, MSG(0));
	accepts(0, OPEN, XICS_IPI);
	/* One that is made less favoured lets through what waits. */
	ends(0, OPEN, XICS_IPI);
	EXPECT_EQ(0, xics_set_mfrr(self->x, 0, 3));
	message(MSG(0));
	EXPECT_EQ(0, xics_set_mfrr(self->x, 0, 7));
	accepts(0, OPEN, MSG(0));
}

TEST_F(xics, a_look_changes_nothing)
{
	u32 xirr = 0;
	u8 mfrr = 0;

	configure(MSG(0), 3, 5);
	EXPECT_EQ(0, xics_set_mfrr(self->x, 3, 9));
	message(MSG(0));
	EXPECT_EQ(0, xics_poll(self->x, 3, &xirr, &mfrr));
	EXPECT_EQ(XIRR(OPEN, MSG(0)), xirr);
	EXPECT_EQ(9, mfrr);
	EXPECT_TRUE(high(3));
	accepts(3, OPEN, MSG(0));
	EXPECT_EQ(-EINVAL, xics_poll(self->x, SERVERS, &xirr, &mfrr));
}

/* ---- configuration */

TEST_F(xics, masked_by_its_priority)
{
	message(MSG(0));
	line(LSI(0), true);
	EXPECT_FALSE(high(0));
	/* Nothing is more favoured than that, whatever the CPU is at. */
	configure(MSG(0), 0, XICS_MASKED);
	EXPECT_FALSE(high(0));
	configure(MSG(0), 1, 5);
	accepts(1, OPEN, MSG(0));
	configure(LSI(0), 2, 5);
	accepts(2, OPEN, LSI(0));
}

TEST_F(xics, masked_for_a_while)
{
	u32 server = ~0U;
	u8 priority = 0;

	configure(MSG(0), 1, 5);
	EXPECT_EQ(0, xics_enable(self->x, MSG(0), false));
	EXPECT_EQ(0, xics_query(self->x, MSG(0), &server, &priority));
	EXPECT_EQ(1, server);
	EXPECT_EQ(XICS_MASKED, priority);
	message(MSG(0));
	EXPECT_FALSE(high(1));
	EXPECT_EQ(0, xics_enable(self->x, MSG(0), true));
	EXPECT_TRUE(high(1));
	/* What was not accepted is not presented by a source that is masked. */
	EXPECT_EQ(0, xics_enable(self->x, MSG(0), false));
	EXPECT_FALSE(high(1));
	accepts(1, OPEN, 0);
	EXPECT_EQ(0, xics_enable(self->x, MSG(0), true));
	EXPECT_EQ(0, xics_query(self->x, MSG(0), &server, &priority));
	EXPECT_EQ(5, priority);
	accepts(1, OPEN, MSG(0));
}

TEST_F(xics, masked_while_it_is_dealt_with)
{
	configure(LSI(0), 0, 5);
	line(LSI(0), true);
	accepts(0, OPEN, LSI(0));
	EXPECT_EQ(0, xics_enable(self->x, LSI(0), false));
	ends(0, OPEN, LSI(0));
	EXPECT_FALSE(high(0));
	EXPECT_EQ(0, xics_enable(self->x, LSI(0), true));
	accepts(0, OPEN, LSI(0));
}

TEST_F(xics, another_server)
{
	configure(MSG(0), 0, 5);
	configure(MSG(1), 0, 6);
	message(MSG(0));
	message(MSG(1));
	/* One that was presented, and leaves its place to another. */
	configure(MSG(0), 3, 5);
	EXPECT_TRUE(high(3));
	accepts(0, OPEN, MSG(1));
	accepts(3, OPEN, MSG(0));
	/* One that was accepted ends where it was. */
	configure(MSG(0), 2, 5);
	message(MSG(0));
	EXPECT_FALSE(high(2));
	ends(3, OPEN, MSG(0));
	EXPECT_FALSE(high(3));
	accepts(2, OPEN, MSG(0));
	/* One that waits. */
	message(MSG(1));
	ends(0, 0, MSG(1));
	configure(MSG(1), 1, 6);
	accepts(1, OPEN, MSG(1));
}

TEST_F(xics, what_there_is_not)
{
	u32 server;
	u8 priority;

	line(NONE, true);
	line(FIRST - 1, true);
	line(FIRST + NR, true);
	EXPECT_EQ(-EINVAL, xics_make(self->x, FIRST + NR, false));
	EXPECT_EQ(-EINVAL, xics_make(self->x, FIRST - 1, false));
	EXPECT_EQ(-EINVAL, xics_configure(self->x, NONE, 0, 5));
	EXPECT_EQ(-EINVAL, xics_configure(self->x, MSG(0), SERVERS, 5));
	EXPECT_EQ(-EINVAL, xics_query(self->x, NONE, &server, &priority));
	EXPECT_EQ(-EINVAL, xics_enable(self->x, FIRST + NR, true));
	EXPECT_EQ(-EINVAL, xics_eoi(self->x, 0, XIRR(OPEN, NONE)));
	EXPECT_EQ(0, self->cpu.changes);
}

/* A guest's word is not taken for it. */
TEST_F(xics, ends_of_what_never_began)
{
	configure(MSG(0), 0, 5);
	ends(0, OPEN, MSG(0));
	EXPECT_FALSE(high(0));
	message(MSG(0));
	ends(1, OPEN, MSG(0));
	EXPECT_TRUE(high(0));
	accepts(0, OPEN, MSG(0));
	ends(0, OPEN, MSG(0));
	ends(0, OPEN, MSG(0));
	EXPECT_FALSE(high(0));
}

/* ---- the machine */

TEST_F(xics, as_at_power_on)
{
	u32 server = ~0U, xirr = ~0U;
	u8 priority = 0, mfrr = 0;

	configure(MSG(0), 1, 5);
	configure(MSG(1), 1, 6);
	configure(MSG(2), 2, 6);
	configure(LSI(0), 2, 5);
	message(MSG(0));
	message(MSG(1));
	line(LSI(0), true);
	accepts(2, OPEN, LSI(0));
	EXPECT_EQ(0, xics_set_mfrr(self->x, 0, 4));
	xics_power_on(self->x);
	EXPECT_FALSE(high(0) || high(1) || high(2));
	EXPECT_EQ(0, xics_poll(self->x, 0, &xirr, &mfrr));
	EXPECT_EQ(0, xirr);
	EXPECT_EQ(XICS_MASKED, mfrr);
	EXPECT_EQ(0, xics_query(self->x, MSG(0), &server, &priority));
	EXPECT_EQ(0, server);
	EXPECT_EQ(XICS_MASKED, priority);
	/* There is no priority to come back to. */
	EXPECT_EQ(0, xics_enable(self->x, MSG(0), true));
	message(MSG(0));
	xics_set_cppr(self->x, 0, OPEN);
	EXPECT_FALSE(high(0));
	/* The device's level is still there, the messages are not. */
	configure(MSG(1), 0, 5);
	EXPECT_FALSE(high(0));
	configure(LSI(0), 0, 5);
	accepts(0, OPEN, LSI(0));
}

TEST_F(xics, cpus_that_are_gone_are_told_nothing)
{
	configure(MSG(0), 0, 5);
	xics_mute(self->x);
	message(MSG(0));
	EXPECT_EQ(0, self->cpu.changes);
}

#define ROUNDS	20000

static void *device(void *arg)
{
	struct xics *x = arg;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		xics_line(x, LSI(0), true);
		xics_line(x, MSG(0), true);
		xics_configure(x, MSG(1), i % SERVERS, i % 8);
		xics_line(x, MSG(1), true);
		xics_set_mfrr(x, i % SERVERS, i % 3 ? XICS_MASKED : 4);
		xics_line(x, LSI(0), false);
	}
	return NULL;
}

/* Whatever happens meanwhile: what was sent last arrives. */
TEST_F(xics, threads)
{
	bool came[NR] = { };
	pthread_t thread;
	u32 i, server, irq;

	configure(MSG(0), 0, 5);
	configure(LSI(0), 0, 3);
	ASSERT_EQ(0, pthread_create(&thread, NULL, device, self->x));
	for (i = 0; i < ROUNDS; i++) {
		u32 xirr = xics_accept(self->x, i % SERVERS);

		xics_eoi(self->x, i % SERVERS, xirr);
	}
	pthread_join(thread, NULL);
	for (server = 0; server < SERVERS; server++)
		xics_set_mfrr(self->x, server, XICS_MASKED);
	message(MSG(0));
	message(MSG(1));
	for (i = 0; i < 8 * SERVERS; i++) {
		irq = xics_accept(self->x, i % SERVERS) & 0xffffff;
		if (irq >= FIRST)
			came[irq - FIRST] = true;
		xics_eoi(self->x, i % SERVERS, XIRR(OPEN, irq));
	}
	EXPECT_TRUE(came[0]);
	EXPECT_TRUE(came[1]);
	for (server = 0; server < SERVERS; server++)
		EXPECT_FALSE(high(server));
}
#else
TEST(xics)
{
	SKIP(return, "not built in");
}
#endif

TEST_HARNESS_MAIN
