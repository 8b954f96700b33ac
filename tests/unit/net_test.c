// SPDX-License-Identifier: GPL-2.0
/*
 * The network card: frames to and from the driver, whatever its buffers look like,
 * the control queue, and a peer that goes away.
 */

#include "net_wire.h"

#include <kselftest_harness.h>

#define RX	0
#define TX	1
#define CTRL	2
#define MTU	1500
#define BIG	9000

#define NET_BIT(name) BIT_ULL(VIRTIO_NET_F_##name)

FIXTURE(net) {
	struct card c;
};

FIXTURE_VARIANT(net) {
	DRV_VARIANT;
};

#define DRV_FIXTURE net
#include "virtio_variants.h"

FIXTURE_SETUP(net)
{
	ASSERT_EQ(0, card_init(&self->c, variant->transport, 1, false));
	ASSERT_EQ(0, card_setup(&self->c, variant->features));
}

FIXTURE_TEARDOWN(net)
{
	drv_end(&self->c.d);
}

/* --- frames ------------------------------------------------------------------------- */

TEST_F(net, frame_to_driver)
{
	u8 sent[1514], frame[WIRE_BUF];
	struct virtio_net_hdr_v1 hdr, zero = { .num_buffers = htole16(1) };

	make_frame(sent, sizeof(sent), self->c.mac, 1);
	offer(&self->c, RX, 2048);
	world_sends(&self->c, 0, NULL, sent, sizeof(sent));
	drv_run(&self->c.d);
	ASSERT_EQ(sizeof(sent), driver_gets(&self->c, RX, &hdr, frame));
	EXPECT_EQ(0, memcmp(&zero, &hdr, sizeof(hdr)));
	EXPECT_EQ(0, memcmp(sent, frame, sizeof(sent)));
	EXPECT_TRUE(drv_interrupted(&self->c.d, RX));
	/* The shortest, too. */
	offer(&self->c, RX, 2048);
	world_sends(&self->c, 0, NULL, sent, NET_FRAME_MIN);
	drv_run(&self->c.d);
	EXPECT_EQ(NET_FRAME_MIN, driver_gets(&self->c, RX, &hdr, frame));
}

TEST_F(net, header_and_frame_in_many_parts)
{
	u64 addr = drv_alloc(&self->c.d, 4096);
	struct drv_seg segs[] = {
		DRV_IN(addr, 5), DRV_IN(addr + 5, 7), DRV_IN(addr + 12, 1), DRV_IN(addr + 13, 700),
	};
	u8 sent[600], got[612];
	u32 len;

	make_frame(sent, sizeof(sent), self->c.mac, 2);
	ASSERT_EQ(0, drv_add(&self->c.d, RX, segs, 4, self));
	drv_kick(&self->c.d, RX);
	world_sends(&self->c, 0, NULL, sent, sizeof(sent));
	drv_run(&self->c.d);
	ASSERT_EQ(self, drv_get(&self->c.d, RX, &len));
	EXPECT_EQ(sizeof(got), len);
	drv_fetch(&self->c.d, addr, got, sizeof(got));
	EXPECT_EQ(1, got[10]);
	EXPECT_EQ(0, memcmp(sent, got + NET_HDR_LEN, sizeof(sent)));
}

/* A chain is not a buffer of any size: one frame, as many buffers as it takes. */
TEST_F(net, merged_buffers)
{
	u8 sent[1514], frame[WIRE_BUF];
	struct virtio_net_hdr_v1 hdr;
	int i;

	make_frame(sent, sizeof(sent), self->c.mac, 3);
	for (i = 0; i < 16; i++)
		offer(&self->c, RX, 100);
	world_sends(&self->c, 0, NULL, sent, sizeof(sent));
	drv_run(&self->c.d);
	ASSERT_EQ(sizeof(sent), driver_gets(&self->c, RX, &hdr, frame));
	EXPECT_EQ(DIV_ROUND_UP(sizeof(sent) + NET_HDR_LEN, 100), le16toh(hdr.num_buffers));
	EXPECT_EQ(0, memcmp(sent, frame, sizeof(sent)));
	EXPECT_EQ(0, net_of(&self->c)->pairs[0].rx_dropped);
}

/* What the driver has no buffers for waits, and nothing spins meanwhile. */
TEST_F(net, waits_for_buffers)
{
	u8 sent[1400], frame[WIRE_BUF];
	struct virtio_net_hdr_v1 hdr;
	int i;

	for (i = 0; i < 3; i++) {
		make_frame(sent, sizeof(sent), self->c.mac, i);
		world_sends(&self->c, 0, NULL, sent, sizeof(sent));
	}
	drv_run(&self->c.d);
	EXPECT_EQ(0, drv_run(&self->c.d));
	for (i = 0; i < 14; i++) {
		offer(&self->c, RX, 100);
		drv_run(&self->c.d);
		EXPECT_FALSE(drv_used(&self->c.d, RX));
		EXPECT_EQ(0, drv_run(&self->c.d));
	}
	for (i = 0; i < 3; i++) {
		offer(&self->c, RX, 100);
		offer(&self->c, RX, 1500);
		drv_run(&self->c.d);
		make_frame(sent, sizeof(sent), self->c.mac, i);
		ASSERT_EQ(sizeof(sent), driver_gets(&self->c, RX, &hdr, frame));
		EXPECT_EQ(0, memcmp(sent, frame, sizeof(sent)));
	}
	EXPECT_EQ(0, net_of(&self->c)->pairs[0].rx_dropped);
	EXPECT_EQ(-1, driver_gets(&self->c, RX, &hdr, frame));
}

/* A frame for which the ring as a whole is too small is not waited with for ever. */
TEST_F(net, larger_than_the_ring)
{
	u8 sent[1500], frame[WIRE_BUF];
	struct virtio_net_hdr_v1 hdr;
	int i;

	ASSERT_EQ(0, drv_setup_size(&self->c.d, variant->features, 4));
	make_frame(sent, sizeof(sent), self->c.mac, 1);
	world_sends(&self->c, 0, NULL, sent, sizeof(sent));
	world_sends(&self->c, 0, NULL, sent, 300);
	for (i = 0; i < 4; i++)
		offer(&self->c, RX, 100);
	drv_run(&self->c.d);
	EXPECT_EQ(300, driver_gets(&self->c, RX, &hdr, frame));
	EXPECT_EQ(4, le16toh(hdr.num_buffers));
	EXPECT_EQ(1, net_of(&self->c)->pairs[0].rx_dropped);
}

TEST_F(net, buffer_too_small)
{
	u8 sent[1000], frame[WIRE_BUF];
	struct virtio_net_hdr_v1 hdr;

	ASSERT_EQ(0, card_setup(&self->c, variant->features & ~NET_BIT(MRG_RXBUF)));
	make_frame(sent, sizeof(sent), self->c.mac, 1);
	offer(&self->c, RX, 500);
	offer(&self->c, RX, 2000);
	world_sends(&self->c, 0, NULL, sent, sizeof(sent));
	world_sends(&self->c, 0, NULL, sent, 488);
	world_sends(&self->c, 0, NULL, sent, 999);
	drv_run(&self->c.d);
	/* The first was dropped: its buffer is there for the second. */
	EXPECT_EQ(488, driver_gets(&self->c, RX, &hdr, frame));
	EXPECT_EQ(1, le16toh(hdr.num_buffers));
	EXPECT_EQ(999, driver_gets(&self->c, RX, &hdr, frame));
	EXPECT_EQ(1, net_of(&self->c)->pairs[0].rx_dropped);
	EXPECT_EQ(0, drv_status(&self->c.d) & VIRTIO_CONFIG_S_NEEDS_RESET);
}

/* Not even the header: the driver's fault, and nothing happens but that. */
TEST_F(net, buffer_for_no_header)
{
	u8 sent[100], frame[WIRE_BUF];
	struct virtio_net_hdr_v1 hdr;
	int i;

	make_frame(sent, sizeof(sent), self->c.mac, 1);
	for (i = 0; i < 30; i++)
		offer(&self->c, RX, 11);
	world_sends(&self->c, 0, NULL, sent, sizeof(sent));
	drv_run(&self->c.d);
	EXPECT_EQ(-1, driver_gets(&self->c, RX, &hdr, frame));
	EXPECT_EQ(1, net_of(&self->c)->pairs[0].rx_dropped);
	EXPECT_EQ(0, drv_run(&self->c.d));
}

TEST_F(net, longer_than_the_mtu)
{
	u8 sent[BIG], frame[WIRE_BUF];
	struct virtio_net_hdr_v1 hdr;

	EXPECT_EQ(MTU, drv_config_read16(&self->c.d, offsetof(struct virtio_net_config, mtu)));
	make_frame(sent, sizeof(sent), self->c.mac, 1);
	offer(&self->c, RX, 10000);
	world_sends(&self->c, 0, NULL, sent, MTU + NET_FRAME_MIN + 5);
	drv_run(&self->c.d);
	EXPECT_EQ(-1, driver_gets(&self->c, RX, &hdr, frame));
	/* With a tag of a virtual LAN it is no longer than that. */
	world_sends(&self->c, 0, NULL, sent, MTU + NET_FRAME_MIN + 4);
	drv_run(&self->c.d);
	EXPECT_EQ(MTU + NET_FRAME_MIN + 4, driver_gets(&self->c, RX, &hdr, frame));
	/* Who does not know of an MTU gets what fits. */
	ASSERT_EQ(0, card_setup(&self->c, variant->features & ~NET_BIT(MTU)));
	offer(&self->c, RX, 10000);
	world_sends(&self->c, 0, NULL, sent, sizeof(sent));
	drv_run(&self->c.d);
	EXPECT_EQ(sizeof(sent), driver_gets(&self->c, RX, &hdr, frame));
}

/* Many more than the budget of a turn, and a driver that keeps up. */
TEST_F(net, stream_to_driver)
{
	u8 sent[200], frame[WIRE_BUF];
	struct virtio_net_hdr_v1 hdr;
	int i, got = 0, in = 0, given = 0;
	u64 brk = self->c.d.brk;

	while (got < 2000) {
		for (; in < 2000 && in - got < 100; in++) {
			make_frame(sent, sizeof(sent), self->c.mac, in);
			world_sends(&self->c, 0, NULL, sent, sizeof(sent));
		}
		for (i = 0; i < 50 && given - got < 120; i++, given++)
			offer(&self->c, RX, 256);
		drv_run(&self->c.d);
		while (driver_gets(&self->c, RX, &hdr, frame) == sizeof(sent)) {
			make_frame(sent, sizeof(sent), self->c.mac, got++);
			ASSERT_EQ(0, memcmp(sent, frame, sizeof(sent)));
		}
		if (given == got)
			self->c.d.brk = brk;
	}
	EXPECT_EQ(0, net_of(&self->c)->pairs[0].rx_dropped);
}

/* --- from the driver ------------------------------------------------------------------ */

TEST_F(net, frame_from_driver)
{
	u8 sent[1514], got[WIRE_BUF];
	u32 len = 1;

	make_frame(sent, sizeof(sent), broadcast, 1);
	driver_sends(&self->c, TX, NULL, sent, sizeof(sent), true);
	driver_sends(&self->c, TX, NULL, sent, NET_FRAME_MIN, false);
	drv_kick(&self->c.d, TX);
	drv_run(&self->c.d);
	ASSERT_EQ(sizeof(sent), world_gets(&self->c, 0, got));
	EXPECT_EQ(0, memcmp(sent, got, sizeof(sent)));
	EXPECT_EQ(NET_FRAME_MIN, world_gets(&self->c, 0, got));
	EXPECT_NE(NULL, drv_get(&self->c.d, TX, &len));
	EXPECT_EQ(0, len);
	EXPECT_NE(NULL, drv_get(&self->c.d, TX, &len));
	EXPECT_TRUE(drv_interrupted(&self->c.d, TX));
}

TEST_F(net, largest_frame)
{
	static u8 sent[NET_FRAME_MAX + 1], got[WIRE_BUF];
	u32 len;

	make_frame(sent, sizeof(sent), broadcast, 1);
	driver_sends(&self->c, TX, NULL, sent, NET_FRAME_MAX + 1, true);
	driver_sends(&self->c, TX, NULL, sent, NET_FRAME_MAX, true);
	drv_kick(&self->c.d, TX);
	drv_run(&self->c.d);
	ASSERT_EQ(NET_FRAME_MAX, world_gets(&self->c, 0, got));
	EXPECT_EQ(0, memcmp(sent, got, NET_FRAME_MAX));
	EXPECT_NE(NULL, drv_get(&self->c.d, TX, &len));
	EXPECT_NE(NULL, drv_get(&self->c.d, TX, &len));
	EXPECT_EQ(1, net_of(&self->c)->pairs[0].tx_dropped);
}

/* None of these is a frame; they come back, and those between them get through. */
TEST_F(net, no_frames)
{
	static const size_t sizes[] = { 1, 11, 12, 13, 25 };
	u8 sent[100], got[WIRE_BUF];
	u64 addr = drv_alloc(&self->c.d, 4096);
	unsigned int i;
	u32 len;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		ASSERT_EQ(0, drv_add(&self->c.d, TX, &DRV_OUT(addr, sizes[i]), 1, self));
		make_frame(sent, sizeof(sent), broadcast, i);
		driver_sends(&self->c, TX, NULL, sent, sizeof(sent), true);
	}
	/* Something to write to is nothing to send. */
	ASSERT_EQ(0, drv_add(&self->c.d, TX, &DRV_IN(addr, 2000), 1, self));
	drv_kick(&self->c.d, TX);
	drv_run(&self->c.d);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		make_frame(sent, sizeof(sent), broadcast, i);
		ASSERT_EQ(sizeof(sent), world_gets(&self->c, 0, got));
		EXPECT_EQ(0, memcmp(sent, got, sizeof(sent)));
	}
	for (i = 0; i < 2 * ARRAY_SIZE(sizes) + 1; i++)
		EXPECT_NE(NULL, drv_get(&self->c.d, TX, &len));
	EXPECT_EQ(-1, world_gets(&self->c, 0, got));
	EXPECT_EQ(ARRAY_SIZE(sizes) + 1, net_of(&self->c)->pairs[0].tx_dropped);
	EXPECT_EQ(0, drv_status(&self->c.d) & VIRTIO_CONFIG_S_NEEDS_RESET);
}

/* No room at the other end, now and then, also amid what is no frame. */
TEST_F(net, waits_to_send)
{
	u8 sent[100], got[WIRE_BUF];
	u64 bad = drv_alloc(&self->c.d, 64);
	int i, n = 0, back = 0;
	u32 len;

	for (i = 0; i < 60; i++) {
		make_frame(sent, sizeof(sent), broadcast, i);
		driver_sends(&self->c, TX, NULL, sent, sizeof(sent), true);
		if (i % 7 == 0)
			ASSERT_EQ(0, drv_add(&self->c.d, TX, &DRV_OUT(bad, 3), 1, self));
	}
	self->c.w->partly = true;
	while (n < 60) {
		self->c.w->again = n % 5 ? 0 : 2;
		drv_notify(&self->c.d, TX);
		drv_run(&self->c.d);
		for (; world_gets(&self->c, 0, got) == sizeof(sent); n++) {
			make_frame(sent, sizeof(sent), broadcast, n);
			ASSERT_EQ(0, memcmp(sent, got, sizeof(sent))) TH_LOG("frame %d", n);
		}
	}
	while (drv_get(&self->c.d, TX, &len))
		back++;
	EXPECT_EQ(60 + 9, back);
	EXPECT_EQ(9, net_of(&self->c)->pairs[0].tx_dropped);
}

TEST_F(net, full_socket)
{
	u8 sent[1400], got[WIRE_BUF];
	int i, n = 0, round, size = 4096;
	u64 brk;
	u32 len;

	setsockopt(self->c.w->nb.fd[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	brk = self->c.d.brk;
	for (round = 0; round < 5; round++) {
		self->c.d.brk = brk;
		for (i = 0; i < 100; i++) {
			make_frame(sent, sizeof(sent), broadcast, round * 100 + i);
			driver_sends(&self->c, TX, NULL, sent, sizeof(sent), false);
		}
		drv_kick(&self->c.d, TX);
		/* It rests while the peer takes nothing. */
		drv_run(&self->c.d);
		EXPECT_EQ(0, drv_run(&self->c.d));
		while (n < (round + 1) * 100) {
			ASSERT_EQ(sizeof(sent), world_gets(&self->c, 0, got)) TH_LOG("frame %d", n);
			make_frame(sent, sizeof(sent), broadcast, n++);
			ASSERT_EQ(0, memcmp(sent, got, sizeof(sent)));
			drv_run(&self->c.d);
		}
		for (i = 0; i < 100; i++)
			ASSERT_NE(NULL, drv_get(&self->c.d, TX, &len));
	}
	EXPECT_EQ(0, net_of(&self->c)->pairs[0].tx_dropped);
}

/* --- the control queue ----------------------------------------------------------------- */

static bool passes(FIXTURE_DATA(net) *self, const u8 *to)
{
	u8 sent[60], frame[WIRE_BUF];
	struct virtio_net_hdr_v1 hdr;

	make_frame(sent, sizeof(sent), to, 9);
	offer(&self->c, RX, 100);
	world_sends(&self->c, 0, NULL, sent, sizeof(sent));
	drv_run(&self->c.d);
	return driver_gets(&self->c, RX, &hdr, frame) == sizeof(sent);
}

/* A table of @nr unicast addresses, and one of multicast addresses, of which the last count. */
static u8 set_table(FIXTURE_DATA(net) *self, u32 nr, const u8 *uni, u32 nr_multi, const u8 *multi)
{
	u8 data[8 + 200 * 6] = { 0 };
	u32 count = htole32(nr), count_multi = htole32(nr_multi);

	memcpy(data, &count, 4);
	if (nr)
		memcpy(data + 4 + 6 * (nr - 1), uni, 6);
	memcpy(data + 4 + 6 * nr, &count_multi, 4);
	if (nr_multi)
		memcpy(data + 8 + 6 * (nr + nr_multi - 1), multi, 6);
	return command(&self->c, CTRL, VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_TABLE_SET, data,
		       8 + 6 * (nr + nr_multi));
}

TEST_F(net, filter)
{
	u8 off = 0, on = 1;

	/* Who says nothing gets all. */
	EXPECT_TRUE(passes(self, other));
	EXPECT_TRUE(passes(self, group));
	EXPECT_EQ(0, command(&self->c, CTRL, VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_PROMISC, &off, 1));
	EXPECT_FALSE(passes(self, other));
	EXPECT_FALSE(passes(self, group));
	EXPECT_TRUE(passes(self, self->c.mac));
	EXPECT_TRUE(passes(self, broadcast));
	EXPECT_EQ(0, command(&self->c, CTRL, VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_ALLMULTI, &on, 1));
	EXPECT_TRUE(passes(self, group));
	EXPECT_EQ(0, command(&self->c, CTRL, VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_ALLMULTI, &off, 1));
	EXPECT_FALSE(passes(self, group));
	EXPECT_EQ(0, set_table(self, 1, other, 2, group));
	EXPECT_TRUE(passes(self, group));
	EXPECT_TRUE(passes(self, other));
	EXPECT_EQ(0, set_table(self, 0, NULL, 0, NULL));
	EXPECT_FALSE(passes(self, group));
	EXPECT_FALSE(passes(self, other));
	/* More than are kept stand for all. */
	EXPECT_EQ(0, set_table(self, NET_MACS, other, NET_MACS, group));
	EXPECT_TRUE(passes(self, group));
	EXPECT_FALSE(passes(self, (u8[6]){ 2, 3, 4, 5, 6, 7 }));
	EXPECT_EQ(0, set_table(self, NET_MACS + 1, other, 0, NULL));
	EXPECT_TRUE(passes(self, (u8[6]){ 2, 3, 4, 5, 6, 7 }));
	EXPECT_EQ(0, command(&self->c, CTRL, VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_PROMISC, &on, 1));
	EXPECT_TRUE(passes(self, other));
	/* What was asked for is forgotten by a reset. */
	EXPECT_EQ(0, command(&self->c, CTRL, VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_PROMISC, &off, 1));
	ASSERT_EQ(0, card_setup(&self->c, variant->features));
	EXPECT_TRUE(passes(self, other));
}

TEST_F(net, commands_that_are_none)
{
	static const u8 data[64] = { 0xff, 0xff, 0xff, 0xff };
	u64 addr = drv_alloc_with(&self->c.d, data, sizeof(data));
	u64 reply = drv_alloc(&self->c.d, 16);
	struct drv_seg none[] = { DRV_IN(reply, 16) };
	u8 ack, class, cmd;
	u32 len;

	for (class = 0; class < 9; class++)
		for (cmd = 0; cmd < 9; cmd++)
			EXPECT_EQ(VIRTIO_NET_ERR, command(&self->c, CTRL, class, cmd, data, 0))
				TH_LOG("%u/%u", class, cmd);
	/* Tables that promise more than there is. */
	for (len = 0; len < sizeof(data); len++)
		EXPECT_EQ(VIRTIO_NET_ERR, command(&self->c, CTRL, VIRTIO_NET_CTRL_MAC,
						  VIRTIO_NET_CTRL_MAC_TABLE_SET, data, len));
	EXPECT_EQ(VIRTIO_NET_ERR, command(&self->c, CTRL, VIRTIO_NET_CTRL_MAC,
					  VIRTIO_NET_CTRL_MAC_ADDR_SET, data, 5));
	EXPECT_EQ(VIRTIO_NET_ERR, command(&self->c, CTRL, VIRTIO_NET_CTRL_MAC,
					  VIRTIO_NET_CTRL_MAC_ADDR_SET, data, 7));
	/* Without a command, and without room for an answer. */
	ASSERT_TRUE(drv_request(&self->c.d, CTRL, none, 1, &len));
	EXPECT_EQ(1, len);
	drv_fetch(&self->c.d, reply, &ack, 1);
	EXPECT_EQ(VIRTIO_NET_ERR, ack);
	ASSERT_TRUE(drv_request(&self->c.d, CTRL, &DRV_OUT(addr, 3), 1, &len));
	EXPECT_EQ(0, len);
	EXPECT_EQ(0, drv_status(&self->c.d) & VIRTIO_CONFIG_S_NEEDS_RESET);
	EXPECT_TRUE(passes(self, other));
}

TEST_F(net, address)
{
	u8 off = 0, mac[6];
	int i;

	EXPECT_EQ(0, command(&self->c, CTRL, VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_PROMISC, &off, 1));
	EXPECT_EQ(0, command(&self->c, CTRL, VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_ADDR_SET,
			     other, 6));
	for (i = 0; i < 6; i++)
		mac[i] = drv_config_read8(&self->c.d, i);
	EXPECT_EQ(0, memcmp(mac, other, 6));
	EXPECT_TRUE(passes(self, other));
	EXPECT_FALSE(passes(self, self->c.mac));
	/* The config space is not where it is set. */
	drv_config_write32(&self->c.d, 0, 0);
	EXPECT_EQ(other[0], drv_config_read8(&self->c.d, 0));
	/* It was lent, and a reset takes it back. */
	memcpy(mac, self->c.mac, 6);
	ASSERT_EQ(0, card_setup(&self->c, variant->features));
	EXPECT_EQ(0, memcmp(mac, self->c.mac, 6));
	/* Without the feature it stays. */
	ASSERT_EQ(0, card_setup(&self->c, variant->features & ~NET_BIT(CTRL_MAC_ADDR)));
	EXPECT_EQ(VIRTIO_NET_ERR, command(&self->c, CTRL, VIRTIO_NET_CTRL_MAC,
					  VIRTIO_NET_CTRL_MAC_ADDR_SET, other, 6));
}

/* --- the link ---------------------------------------------------------------------------- */

TEST_F(net, peer_dies)
{
	u8 sent[100];
	u32 len;

	EXPECT_EQ(VIRTIO_NET_S_LINK_UP, link_status(&self->c));
	drv_forget_interrupts(&self->c.d);
	wire_cut(self->c.w);
	drv_run(&self->c.d);
	EXPECT_EQ(1, self->c.w->lost);
	EXPECT_EQ(0, link_status(&self->c));
	EXPECT_TRUE(drv_config_interrupted(&self->c.d));
	/* The driver's frames are taken and lost. */
	make_frame(sent, sizeof(sent), broadcast, 1);
	driver_sends(&self->c, TX, NULL, sent, sizeof(sent), true);
	drv_kick(&self->c.d, TX);
	drv_run(&self->c.d);
	EXPECT_NE(NULL, drv_get(&self->c.d, TX, &len));
	EXPECT_EQ(0, drv_run(&self->c.d));
	ASSERT_EQ(0, card_setup(&self->c, variant->features));
	drv_run(&self->c.d);
	EXPECT_EQ(0, link_status(&self->c));
	EXPECT_EQ(1, self->c.w->lost);
	EXPECT_EQ(0, drv_status(&self->c.d) & VIRTIO_CONFIG_S_NEEDS_RESET);
}

/* The same when nobody was listening: no buffers, or no room to send. */
TEST_F(net, peer_dies_unheard)
{
	u8 sent[100];
	u32 len;

	make_frame(sent, sizeof(sent), broadcast, 1);
	world_sends(&self->c, 0, NULL, sent, sizeof(sent));
	drv_run(&self->c.d);
	wire_cut(self->c.w);
	drv_run(&self->c.d);
	EXPECT_EQ(1, self->c.w->lost);
	EXPECT_EQ(0, link_status(&self->c));
	EXPECT_EQ(0, drv_run(&self->c.d));
	offer(&self->c, RX, 2000);
	EXPECT_FALSE(drv_used(&self->c.d, RX));

	self->c.w->again = 1;
	driver_sends(&self->c, TX, NULL, sent, sizeof(sent), true);
	drv_kick(&self->c.d, TX);
	drv_run(&self->c.d);
	EXPECT_NE(NULL, drv_get(&self->c.d, TX, &len));
}

TEST_F(net, peer_dies_as_it_is_sent_to)
{
	u8 sent[100];
	u32 len;
	int i;

	make_frame(sent, sizeof(sent), broadcast, 1);
	for (i = 0; i < 40; i++)
		driver_sends(&self->c, TX, NULL, sent, sizeof(sent), true);
	self->c.w->gone = true;
	drv_kick(&self->c.d, TX);
	drv_run(&self->c.d);
	for (i = 0; i < 40; i++)
		EXPECT_NE(NULL, drv_get(&self->c.d, TX, &len));
	EXPECT_EQ(1, self->c.w->lost);
	EXPECT_EQ(0, link_status(&self->c));
}

/* --- resets ------------------------------------------------------------------------------ */

TEST_F(net, reset_amid_frames)
{
	u8 sent[1000], frame[WIRE_BUF];
	struct virtio_net_hdr_v1 hdr;
	int i;

	make_frame(sent, sizeof(sent), self->c.mac, 1);
	for (i = 0; i < 20; i++) {
		/* One is held for buffers, one for room, one was not looked at. */
		world_sends(&self->c, 0, NULL, sent, sizeof(sent));
		offer(&self->c, RX, 200);
		drv_run(&self->c.d);
		self->c.w->again = 1;
		driver_sends(&self->c, TX, NULL, sent, sizeof(sent), true);
		drv_notify(&self->c.d, TX);
		world_sends(&self->c, 0, NULL, sent, 500);
		ASSERT_EQ(0, card_setup(&self->c, variant->features));
		self->c.w->again = 0;
		offer(&self->c, RX, 2000);
		drv_run(&self->c.d);
		EXPECT_EQ(500, driver_gets(&self->c, RX, &hdr, frame));
		while (world_gets(&self->c, 0, frame) > 0)
			;
	}
	EXPECT_TRUE(passes(self, self->c.mac));
}

TEST_F(net, reset_of_queues)
{
	u8 sent[1000], frame[WIRE_BUF];
	struct virtio_net_hdr_v1 hdr;
	int i;

	if (!(self->c.d.features & BIT_ULL(VIRTIO_F_RING_RESET)))
		SKIP(return, "no reset of queues on this transport");
	make_frame(sent, sizeof(sent), self->c.mac, 1);
	for (i = 0; i < 10; i++) {
		world_sends(&self->c, 0, NULL, sent, sizeof(sent));
		offer(&self->c, RX, 200);
		self->c.w->again = 1000;
		driver_sends(&self->c, TX, NULL, sent, sizeof(sent), true);
		drv_notify(&self->c.d, TX);
		iothread_poll(&self->c.d.vd->threads[0]);
		self->c.d.ops->queue_reset(&self->c.d, RX);
		self->c.d.ops->queue_reset(&self->c.d, TX);
		self->c.w->again = 0;
		EXPECT_EQ(0, drv_run(&self->c.d));
		world_sends(&self->c, 0, NULL, sent, 501);
		ASSERT_EQ(0, drv_queue_setup(&self->c.d, RX, 0));
		ASSERT_EQ(0, drv_queue_setup(&self->c.d, TX, 0));
		offer(&self->c, RX, 2000);
		drv_run(&self->c.d);
		do {
			ASSERT_EQ(true, drv_used(&self->c.d, RX));
		} while (driver_gets(&self->c, RX, &hdr, frame) != 501 && offer(&self->c, RX, 2000) &&
			 drv_run(&self->c.d));
		driver_sends(&self->c, TX, NULL, sent, sizeof(sent), true);
		drv_kick(&self->c.d, TX);
		drv_run(&self->c.d);
		EXPECT_EQ(sizeof(sent), world_gets(&self->c, 0, frame));
	}
}

/* --- a stream behind the card ---------------------------------------------------------- */

static bool peer_has(struct drv *d, void *arg)
{
	struct pollfd p = { *(int *)arg, POLLIN };

	return poll(&p, 1, 0) == 1;
}

/* A frame that goes in parts: what is left of it needs no kick to be sent. */
TEST(frame_in_parts)
{
	static u8 sent[60000], got[4 + sizeof(sent)];
	struct card c = { .tap = false };
	struct net_backend *nb;
	int fds[2], size = 4096;
	size_t pos = 0;
	u32 len;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
	ASSERT_EQ(0, net_stream_open(&nb, fds[0], "net0"));
	setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	ASSERT_EQ(0, drv_init_dev(&c.d, DRV_MMIO, net_create(&c.conf, "net0", nb)));
	ASSERT_EQ(0, card_setup(&c, DRV_ALL));
	make_frame(sent, sizeof(sent), broadcast, 1);
	driver_sends(&c, TX, NULL, sent, sizeof(sent), true);
	drv_kick(&c.d, TX);
	drv_run(&c.d);
	EXPECT_NE(NULL, drv_get(&c.d, TX, &len));
	EXPECT_TRUE(nb->pending);
	while (pos < sizeof(got)) {
		ssize_t n;

		ASSERT_TRUE(drv_wait(&c.d, peer_has, &fds[1], 5000)) TH_LOG("%zu", pos);
		n = recv(fds[1], got + pos, sizeof(got) - pos, 0);
		ASSERT_LT(0, n);
		pos += n;
	}
	EXPECT_EQ(0, memcmp(sent, got + 4, sizeof(sent)));
	EXPECT_FALSE(nb->pending);
	EXPECT_EQ(0, drv_run(&c.d));
	drv_end(&c.d);
	close(fds[1]);
}

TEST_HARNESS_MAIN
