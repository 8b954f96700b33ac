// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/kvm.h>

#include <linux/kernel.h>
#include <vmtool/coalesce.h>
#include <vmtool/hw.h>
#include <vmtool/vm.h>

#include "kselftest_harness.h"
#include "devices.h"

#define ENTRIES	4
#define REGISTER	0x1000

struct seen {
	u64 off;
	u64 val;
	unsigned int size;
};

FIXTURE(coalesce) {
	struct vm vm;
	struct region region;
	struct region port;
	struct seen seen[16];
	unsigned int nr;
	unsigned int held;	/* carried out while output is held */
	struct kvm_coalesced_mmio_ring *ring;
};

static void note(void *priv, u64 off, u64 val, unsigned int size)
{
	FIXTURE_DATA(coalesce) *self = priv;

	self->held += self->vm.term.held;
	self->seen[self->nr++ % ARRAY_SIZE(self->seen)] = (struct seen) { off, val, size };
}

static void note_port(void *priv, u64 off, u64 val, unsigned int size)
{
	note(priv, off + 0x10000, val, size);
}

static const struct region_ops mmio_ops = { .write = note, .sizes = 1 | 2 | 4 | 8 };
static const struct region_ops port_ops = { .write = note_port, .sizes = 1 | 2 | 4 };

FIXTURE_SETUP(coalesce)
{
	struct coalesce *c = &self->vm.coalesce;

	self->nr = 0;
	self->held = 0;
	ASSERT_EQ(0, devices_init(&self->vm));
	memset(&self->region, 0, sizeof(self->region));
	memset(&self->port, 0, sizeof(self->port));
	ASSERT_EQ(0, bus_map(&self->vm.mmio, &self->region, REGISTER, 16, &mmio_ops, self));
	ASSERT_EQ(0, bus_map(&self->vm.pio, &self->port, REGISTER, 16, &port_ops, self));
	self->ring = calloc(1, sizeof(*self->ring) +
			    ENTRIES * sizeof(self->ring->coalesced_mmio[0]));
	ASSERT_NE(NULL, self->ring);
	c->ring = self->ring;
	c->entries = ENTRIES;
}

FIXTURE_TEARDOWN(coalesce)
{
	bus_unmap(&self->vm.mmio, &self->region);
	bus_unmap(&self->vm.pio, &self->port);
	free(self->ring);
	devices_end(&self->vm);
}

static void kvm_puts(struct kvm_coalesced_mmio_ring *ring, u64 addr, u32 len, u8 val, bool port)
{
	struct kvm_coalesced_mmio *e = &ring->coalesced_mmio[ring->last];

	e->phys_addr = addr;
	e->len = len;
	e->pio = port;
	memset(e->data, 0, sizeof(e->data));
	e->data[0] = val;
	ring->last = (ring->last + 1) % ENTRIES;
}

TEST_F(coalesce, in_order)
{
	kvm_puts(self->ring, REGISTER, 1, 'a', false);
	kvm_puts(self->ring, REGISTER + 4, 4, 'b', false);
	kvm_puts(self->ring, REGISTER + 1, 1, 'c', true);
	EXPECT_EQ(0, self->nr);
	coalesce_flush(&self->vm.coalesce);
	ASSERT_EQ(3, self->nr);
	EXPECT_EQ(0, self->seen[0].off);
	EXPECT_EQ('a', self->seen[0].val);
	EXPECT_EQ(1, self->seen[0].size);
	EXPECT_EQ(4, self->seen[1].off);
	EXPECT_EQ(4, self->seen[1].size);
	EXPECT_EQ(0x10001, self->seen[2].off);
	EXPECT_EQ('c', self->seen[2].val);
	coalesce_flush(&self->vm.coalesce);
	EXPECT_EQ(3, self->nr);
	EXPECT_EQ(3, self->held);
	EXPECT_FALSE(self->vm.term.held);
}

TEST_F(coalesce, round_the_ring)
{
	unsigned int i;

	for (i = 0; i < 3 * ENTRIES; i++) {
		kvm_puts(self->ring, REGISTER, 1, i, false);
		coalesce_flush(&self->vm.coalesce);
		ASSERT_EQ(i + 1, self->nr);
		ASSERT_EQ(i, self->seen[i % ARRAY_SIZE(self->seen)].val);
	}
}

/* The kernel does not write such things, but the page is shared. */
TEST_F(coalesce, odd_entries)
{
	kvm_puts(self->ring, REGISTER, 200, 'x', false);
	kvm_puts(self->ring, 0, 1, 'y', false);
	kvm_puts(self->ring, REGISTER, 1, 'z', false);
	coalesce_flush(&self->vm.coalesce);
	EXPECT_EQ('z', self->seen[(self->nr - 1) % ARRAY_SIZE(self->seen)].val);
	self->ring->first = 1000;
	self->ring->last = 0;
	coalesce_flush(&self->vm.coalesce);
	EXPECT_EQ(self->ring->first, self->ring->last);
}

TEST_F(coalesce, nothing_without_a_ring)
{
	self->vm.coalesce.ring = NULL;
	coalesce_flush(&self->vm.coalesce);
	EXPECT_EQ(0, self->nr);
	self->vm.coalesce.ring = self->ring;
}

#ifdef CONFIG_VIRTIO_CONSOLE
TEST_F(coalesce, an_early_uart_prints)
{
	struct device *dev = early_uart_create(0x100000, 5, 0x60);
	u8 data[8] = { 'k' };

	ASSERT_NE(NULL, dev);
	ASSERT_EQ(0, devices_add(&self->vm, dev));
	EXPECT_TRUE(bus_read(&self->vm.mmio, 0x100005, data + 1, 1));
	EXPECT_EQ(0x60, data[1]);
	EXPECT_TRUE(bus_read(&self->vm.mmio, 0x100018, data + 1, 4));
	EXPECT_EQ(0, data[1]);
	EXPECT_TRUE(bus_write(&self->vm.mmio, 0x100000, data, 1));
	data[0] = 'o';
	EXPECT_TRUE(bus_write(&self->vm.mmio, 0x100001, data, 1));
	EXPECT_EQ(1, self->vm.term.head - self->vm.term.tail);
}
#endif

/* KVM needs its places for kicks, too. */
TEST_F(coalesce, ranges_are_limited)
{
	struct coalesce *c = &self->vm.coalesce;
	unsigned int i;

	for (i = 0; i < COALESCE_MAX_RANGES + 5; i++)
		coalesce_keep(c, 0x100000 + i * 16, 16, false);
	EXPECT_EQ(COALESCE_MAX_RANGES + 5, c->nr);
	for (i = 0; i < COALESCE_MAX_RANGES + 5; i++)
		coalesce_drop(c, 0x100000 + i * 16, 16, false);
	EXPECT_EQ(0, c->nr);
	/* They are no reason to wake up. */
	EXPECT_FALSE(c->used);
}

TEST_HARNESS_MAIN
