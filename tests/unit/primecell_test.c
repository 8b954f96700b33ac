// SPDX-License-Identifier: GPL-2.0
/*
 * PrimeCells: the UART, the clock and the power button of arm64 machines.
 */
#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <kselftest_harness.h>

#if defined(CONFIG_PL011) && defined(CONFIG_PL031) && defined(CONFIG_PL061)
#include <vmtool/hw.h>

#include "devices.h"

#define BASE	0x10000000
#define GSI	5

FIXTURE(primecell) {
	struct vm *vm;
	struct device *dev;
};

FIXTURE_SETUP(primecell)
{
	self->vm = malloc(sizeof(*self->vm));
	ASSERT_EQ(0, devices_init(self->vm));
}

FIXTURE_TEARDOWN(primecell)
{
	devices_end(self->vm);
	free(self->vm);
}

static u32 mmio_in(struct vm *vm, u32 off)
{
	u32 val = 0;

	bus_read(&vm->mmio, BASE + off, &val, sizeof(val));
	return le32toh(val);
}

static void mmio_out(struct vm *vm, u32 off, u32 val)
{
	val = htole32(val);
	bus_write(&vm->mmio, BASE + off, &val, sizeof(val));
}

#define in(off)		mmio_in(self->vm, off)
#define out(off, val)	mmio_out(self->vm, off, val)
#define irq()		(self->vm->irqchip.lines[GSI].level)
#define add(d)		ASSERT_EQ(0, devices_add(self->vm, self->dev = (d)))
#define type(text, len)	(self->vm->term.ops->input(self->vm->term.priv, (const u8 *)(text), len))
#define send_break()	(self->vm->term.ops->send_break(self->vm->term.priv))

static const struct hw_mmio at = { BASE, GSI };

/* ---- PL011: DR 0, FR 0x18, LCR_H 0x2c, CR 0x30, IFLS 0x34, IMSC 0x38, RIS 0x3c, ICR 0x44 */

#define RX_INTS		0x50		/* receive, and receive timeout */
#define LISTEN		0xb01		/* enabled, both directions, RTS */

TEST_F(primecell, it_says_what_it_is)
{
	static const u8 id[] = { 0x11, 0x10, 0x34, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };
	int i;

	add(pl011_create(at, 1));
	for (i = 0; i < 8; i++)
		EXPECT_EQ(id[i], in(0xfe0 + i * 4));
	/* Empty both ways, and a modem that is always there. */
	EXPECT_EQ(0x97, in(0x18));
	EXPECT_EQ(0x300, in(0x30));
	EXPECT_EQ(0x12, in(0x34));
}

TEST_F(primecell, output)
{
	add(pl011_create(at, 1));
	out(0x38, 0x20);
	EXPECT_FALSE(irq());
	out(0, 'a');
	EXPECT_EQ('a', self->vm->term.buf[0]);
	EXPECT_TRUE(irq());
	EXPECT_EQ(0x20, in(0x40));
	out(0x44, 0x20);
	EXPECT_FALSE(irq());
	EXPECT_EQ(0, in(0x3c));
}

TEST_F(primecell, input_waits_for_who_listens)
{
	add(pl011_create(at, 1));
	type("ab", 2);
	EXPECT_EQ(0x97, in(0x18));
	/* Without RTS, which it has been told of, not. */
	out(0x30, LISTEN);
	out(0x30, LISTEN & ~0x800);
	out(0x38, RX_INTS);
	EXPECT_FALSE(irq());
	out(0x30, LISTEN);
	EXPECT_TRUE(irq());
	EXPECT_EQ('a', in(0));
	/* Without a FIFO the second one takes the place of the first at once. */
	EXPECT_TRUE(irq());
	EXPECT_EQ('b', in(0));
	EXPECT_FALSE(irq());
	EXPECT_EQ(0x97, in(0x18));
}

/* A driver that takes it for an SBSA UART never writes CR. */
TEST_F(primecell, input_without_rts)
{
	add(pl011_create(at, 1));
	out(0x38, RX_INTS);
	type("x", 1);
	EXPECT_TRUE(irq());
	EXPECT_EQ('x', in(0));
}

TEST_F(primecell, the_fifo)
{
	char text[100];
	int i;

	add(pl011_create(at, 1));
	for (i = 0; i < 100; i++)
		text[i] = i;
	out(0x2c, 0x70);
	out(0x30, LISTEN);
	out(0x38, RX_INTS);
	type(text, 15);
	/* Below half full there is but the timeout. */
	EXPECT_EQ(0x40, in(0x3c));
	type(text + 15, 85);
	EXPECT_EQ(0x50, in(0x3c));
	EXPECT_EQ(0xc7, in(0x18));
	for (i = 0; i < 100; i++)
		EXPECT_EQ(i, in(0));
	EXPECT_EQ(0, in(0x3c));
	EXPECT_FALSE(irq());
}

TEST_F(primecell, a_break_is_not_held_back)
{
	add(pl011_create(at, 1));
	type("typed before", 12);
	send_break();
	type("t", 1);
	EXPECT_EQ(0x200, in(0x3c) & 0x200);
	EXPECT_EQ(0x400, in(0));
	EXPECT_EQ('t', in(0));
}

TEST_F(primecell, reset_forgets)
{
	add(pl011_create(at, 1));
	out(0x30, LISTEN);
	out(0x38, RX_INTS);
	type("x", 1);
	EXPECT_TRUE(irq());
	self->dev->ops->reset(self->dev);
	EXPECT_FALSE(irq());
	EXPECT_EQ(0x300, in(0x30));
	EXPECT_EQ(0x97, in(0x18));
}

TEST_F(primecell, odd_accesses)
{
	u64 val = 0;
	u32 off;

	add(pl011_create(at, 1));
	for (off = 0; off < 0x1000; off++) {
		out(off, ~0);
		in(off);
	}
	EXPECT_FALSE(bus_read(&self->vm->mmio, BASE, &val, 8));
	EXPECT_FALSE(bus_read(&self->vm->mmio, BASE + 0xffe, &val, 4));
}

/* ---- PL031: DR 0, MR 4, LR 8, IMSC 0x10, RIS 0x14, ICR 0x1c */

TEST_F(primecell, the_clock)
{
	u32 off;

	add(pl031_create(at, 1));
	EXPECT_LE(in(0) - (u32)time(NULL), 1);
	out(8, 1000);
	EXPECT_LE(in(0) - 1000, 1);
	EXPECT_EQ(1000, in(8));
	for (off = 0x20; off < 0xfe0; off++) {
		out(off, ~0);
		EXPECT_EQ(0, in(off));
	}
}

TEST_F(primecell, the_alarm)
{
	add(pl031_create(at, 1));
	out(8, 1000);
	out(0x10, 1);
	out(4, 1000);
	EXPECT_FALSE(irq());
	usleep(20000);
	evloop_poll(&self->vm->loop);
	EXPECT_TRUE(irq());
	EXPECT_EQ(1, in(0x14));
	out(0x1c, 1);
	EXPECT_FALSE(irq());
}

/* ---- PL061: data 0-0x3ff, DIR 0x400, IS 0x404, IBE 0x408, IEV 0x40c, IE 0x410, IC 0x41c */

TEST_F(primecell, the_button)
{
	add(pl061_create(at, 1, 2));
	EXPECT_EQ(-ENOTSUP, pl061_press_power(self->dev));
	out(0x408, 1);
	out(0x410, 1);
	EXPECT_EQ(0, pl061_press_power(self->dev));
	EXPECT_TRUE(irq());
	EXPECT_EQ(1, in(0x3fc));
	EXPECT_EQ(0, in(0x3f8));
	out(0x41c, 1);
	EXPECT_FALSE(irq());
	/* It is let go, which is an edge as well. */
	usleep(250000);
	evloop_poll(&self->vm->loop);
	EXPECT_TRUE(irq());
	EXPECT_EQ(0, in(0x3fc));
	self->dev->ops->reset(self->dev);
	EXPECT_FALSE(irq());
}

TEST_F(primecell, outputs)
{
	add(pl061_create(at, 1, 2));
	out(0x400, 0xf0);
	out(0x3fc, 0xff);
	EXPECT_EQ(0xf0, in(0x3fc));
	/* The address says which bits are meant. */
	out(0x10 << 2, 0);
	EXPECT_EQ(0xe0, in(0x3fc));
}
#else
TEST(primecell_is_not_built)
{
	SKIP(return, "not built in");
}
#endif

TEST_HARNESS_MAIN
