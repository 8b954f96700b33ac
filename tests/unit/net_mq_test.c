// SPDX-License-Identifier: GPL-2.0
/*
 * Network cards in front of a back end that knows offloads and several queues; which
 * features belong together; and what users may ask for.
 */
#include <linux/if_tun.h>

#include "capture.h"
#include "net_wire.h"
#include "../../virtio/virtio.h"

#include <kselftest_harness.h>

#define PAIRS	4
#define RX(n)	(2 * (n))
#define TX(n)	(2 * (n) + 1)
#define CTRL	(2 * PAIRS)
#define CTRL1	2			/* for a driver that knows of one pair */

#define NET_BIT(name) BIT_ULL(VIRTIO_NET_F_##name)
#define OFFLOADS (NET_BIT(CSUM) | NET_BIT(GUEST_CSUM) | NET_BIT(HOST_TSO4) |			\
		  NET_BIT(HOST_TSO6) | NET_BIT(HOST_ECN) | NET_BIT(GUEST_TSO4) |		\
		  NET_BIT(GUEST_TSO6) | NET_BIT(GUEST_ECN) | NET_BIT(CTRL_GUEST_OFFLOADS))
#define TUN_ALL	(TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN)

FIXTURE(net_mq) {
	struct card c;
};

FIXTURE_VARIANT(net_mq) {
	DRV_VARIANT;
};

#define DRV_FIXTURE net_mq
#include "virtio_variants.h"

FIXTURE_SETUP(net_mq)
{
	ASSERT_EQ(0, card_init(&self->c, variant->transport, PAIRS, true));
	ASSERT_EQ(0, card_setup(&self->c, variant->features));
}

FIXTURE_TEARDOWN(net_mq)
{
	drv_end(&self->c.d);
}

/* --- offloads ----------------------------------------------------------------------- */

static const struct virtio_net_hdr_v1 tso = {
	.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
	.gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
	.hdr_len = 54,
	.gso_size = 1448,
	.csum_start = 34,
	.csum_offset = 16,
};

TEST_F(net_mq, header_to_driver)
{
	struct virtio_net_hdr_v1 hdr, sent = tso;
	u8 frame[WIRE_BUF], big[9000];
	int i;

	/* Longer than the MTU: to be cut by who sends it on. */
	make_frame(big, sizeof(big), self->c.mac, 1);
	for (i = 0; i < 7; i++)
		offer(&self->c, RX(0), 1500);
	world_sends(&self->c, 0, &sent, big, sizeof(big));
	drv_run(&self->c.d);
	ASSERT_EQ(sizeof(big), driver_gets(&self->c, RX(0), &hdr, frame));
	EXPECT_EQ(0, memcmp(big, frame, sizeof(big)));
	sent.num_buffers = htole16(7);
	EXPECT_EQ(0, memcmp(&sent, &hdr, sizeof(hdr)));

	/* A driver that takes no checksums sees no flags. */
	ASSERT_EQ(0, card_setup(&self->c, variant->features & ~OFFLOADS));
	sent.flags = VIRTIO_NET_HDR_F_DATA_VALID;
	sent.gso_type = VIRTIO_NET_HDR_GSO_NONE;
	offer(&self->c, RX(0), 1500);
	world_sends(&self->c, 0, &sent, big, 100);
	drv_run(&self->c.d);
	ASSERT_EQ(100, driver_gets(&self->c, RX(0), &hdr, frame));
	EXPECT_EQ(0, hdr.flags);
}

TEST_F(net_mq, header_from_driver)
{
	u8 frame[5000], got[WIRE_BUF];
	ssize_t n;

	make_frame(frame, sizeof(frame), broadcast, 1);
	driver_sends(&self->c, TX(0), &tso, frame, sizeof(frame), true);
	drv_kick(&self->c.d, TX(0));
	drv_run(&self->c.d);
	n = recv(self->c.w->far[0], got, sizeof(got), MSG_DONTWAIT);
	ASSERT_EQ(NET_HDR_LEN + sizeof(frame), n);
	EXPECT_EQ(0, memcmp(&tso, got, sizeof(tso)));
	EXPECT_EQ(0, memcmp(frame, got + NET_HDR_LEN, sizeof(frame)));
}

static u8 set_offloads(struct card *c, u64 offloads)
{
	offloads = htole64(offloads);
	return command(c, CTRL, VIRTIO_NET_CTRL_GUEST_OFFLOADS, VIRTIO_NET_CTRL_GUEST_OFFLOADS_SET,
		       &offloads, sizeof(offloads));
}

TEST_F(net_mq, offloads)
{
	struct wire *w = self->c.w;

	EXPECT_EQ(TUN_ALL, w->offloads);
	EXPECT_EQ(0, set_offloads(&self->c, NET_BIT(GUEST_CSUM) | NET_BIT(GUEST_TSO6)));
	EXPECT_EQ(TUN_F_CSUM | TUN_F_TSO6, w->offloads);
	EXPECT_EQ(0, set_offloads(&self->c, 0));
	EXPECT_EQ(0, w->offloads);
	EXPECT_EQ(VIRTIO_NET_ERR, set_offloads(&self->c, NET_BIT(CSUM)));
	EXPECT_EQ(VIRTIO_NET_ERR, set_offloads(&self->c, NET_BIT(GUEST_UFO)));
	EXPECT_EQ(VIRTIO_NET_ERR, set_offloads(&self->c, ~0ULL));
	EXPECT_EQ(VIRTIO_NET_ERR, command(&self->c, CTRL, VIRTIO_NET_CTRL_GUEST_OFFLOADS,
					  VIRTIO_NET_CTRL_GUEST_OFFLOADS_SET, "1234567", 7));
	w->refuse = -EINVAL;
	EXPECT_EQ(VIRTIO_NET_ERR, set_offloads(&self->c, NET_BIT(GUEST_CSUM)));
	w->refuse = 0;

	/* What was accepted, and nothing else. */
	ASSERT_EQ(0, card_setup(&self->c, variant->features & ~NET_BIT(GUEST_TSO6)));
	EXPECT_EQ(TUN_ALL & ~TUN_F_TSO6, w->offloads);
	EXPECT_EQ(VIRTIO_NET_ERR, set_offloads(&self->c, NET_BIT(GUEST_TSO6)));
	ASSERT_EQ(0, card_setup(&self->c, variant->features & ~OFFLOADS));
	EXPECT_EQ(0, w->offloads);
	EXPECT_EQ(VIRTIO_NET_ERR, set_offloads(&self->c, 0));
}

TEST_F(net_mq, interface_refuses_offloads)
{
	self->c.w->refuse = -EINVAL;
	EXPECT_EQ(-EIO, card_setup(&self->c, variant->features));
	self->c.w->refuse = 0;
	EXPECT_EQ(0, card_setup(&self->c, variant->features));
}

/* --- features ------------------------------------------------------------------------- */

TEST_F(net_mq, dependences)
{
	static const struct {
		u64 feature;
		u64 needs;
	} table[] = {
		{ NET_BIT(GUEST_TSO4), NET_BIT(GUEST_CSUM) },
		{ NET_BIT(GUEST_TSO6), NET_BIT(GUEST_CSUM) },
		{ NET_BIT(GUEST_ECN), NET_BIT(GUEST_TSO4) },
		{ NET_BIT(GUEST_ECN), NET_BIT(GUEST_TSO6) },
		{ NET_BIT(HOST_TSO4), NET_BIT(CSUM) },
		{ NET_BIT(HOST_TSO6), NET_BIT(CSUM) },
		{ NET_BIT(HOST_ECN), NET_BIT(HOST_TSO4) },
		{ NET_BIT(HOST_ECN), NET_BIT(HOST_TSO6) },
		{ NET_BIT(CTRL_RX), NET_BIT(CTRL_VQ) },
		{ NET_BIT(CTRL_MAC_ADDR), NET_BIT(CTRL_VQ) },
		{ NET_BIT(MQ), NET_BIT(CTRL_VQ) },
	};
	u64 offered = drv_features(&self->c.d), more;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(table); i++) {
		EXPECT_EQ(table[i].feature | table[i].needs,
			  offered & (table[i].feature | table[i].needs));
		EXPECT_EQ(-EINVAL, drv_negotiate(&self->c.d, table[i].feature))
			TH_LOG("%u alone", i);
		more = table[i].needs & (NET_BIT(GUEST_TSO4) | NET_BIT(GUEST_TSO6)) ?
			NET_BIT(GUEST_CSUM) : 0;
		more |= table[i].needs & (NET_BIT(HOST_TSO4) | NET_BIT(HOST_TSO6)) ?
			NET_BIT(CSUM) : 0;
		EXPECT_EQ(0, drv_negotiate(&self->c.d, table[i].feature | table[i].needs | more))
			TH_LOG("%u", i);
	}
	EXPECT_EQ(0, offered & (NET_BIT(HOST_UFO) | NET_BIT(GUEST_UFO) | NET_BIT(CTRL_VLAN)));
}

/* --- queues ------------------------------------------------------------------------------ */

static u8 set_pairs(struct card *c, unsigned int ctrl, u16 nr)
{
	nr = htole16(nr);
	return command(c, ctrl, VIRTIO_NET_CTRL_MQ, VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET, &nr,
		       sizeof(nr));
}

/* Frames for all queues: those that the driver got, as a mask. */
static unsigned int received(struct card *c)
{
	struct virtio_net_hdr_v1 hdr;
	unsigned int i, mask = 0;
	u8 sent[80], frame[WIRE_BUF];

	for (i = 0; i < PAIRS; i++) {
		make_frame(sent, sizeof(sent), c->mac, i);
		offer(c, RX(i), 100);
		world_sends(c, i, NULL, sent, sizeof(sent));
	}
	drv_run(&c->d);
	for (i = 0; i < PAIRS; i++) {
		make_frame(sent, sizeof(sent), c->mac, i);
		while (driver_gets(c, RX(i), &hdr, frame) == sizeof(sent))
			if (!memcmp(sent, frame, sizeof(sent)))
				mask |= 1 << i;
	}
	return mask;
}

TEST_F(net_mq, pairs)
{
	struct wire *w = self->c.w;

	EXPECT_EQ(PAIRS, drv_config_read16(&self->c.d, offsetof(struct virtio_net_config,
								max_virtqueue_pairs)));
	EXPECT_EQ(1, received(&self->c));
	EXPECT_EQ(0, set_pairs(&self->c, CTRL, PAIRS));
	EXPECT_EQ(PAIRS, w->queues);
	EXPECT_EQ(15, received(&self->c));
	EXPECT_EQ(0, set_pairs(&self->c, CTRL, 2));
	EXPECT_EQ(2, w->queues);
	EXPECT_EQ(3, received(&self->c));
	/* Those that nobody reads keep no thread busy. */
	EXPECT_EQ(0, drv_run(&self->c.d));
	EXPECT_EQ(VIRTIO_NET_ERR, set_pairs(&self->c, CTRL, 0));
	EXPECT_EQ(VIRTIO_NET_ERR, set_pairs(&self->c, CTRL, PAIRS + 1));
	EXPECT_EQ(VIRTIO_NET_ERR, set_pairs(&self->c, CTRL, 0x8001));
	EXPECT_EQ(VIRTIO_NET_ERR, command(&self->c, CTRL, VIRTIO_NET_CTRL_MQ,
					  VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET, "", 1));
	EXPECT_EQ(2, w->queues);
	w->refuse = -EPERM;
	EXPECT_EQ(VIRTIO_NET_ERR, set_pairs(&self->c, CTRL, PAIRS));
	EXPECT_EQ(3, received(&self->c));
	w->refuse = 0;
	EXPECT_EQ(0, set_pairs(&self->c, CTRL, PAIRS));
	/* A reset leaves one. */
	ASSERT_EQ(0, card_setup(&self->c, variant->features));
	EXPECT_EQ(1, w->queues);
	EXPECT_EQ(1, received(&self->c));
}

/* A driver may send where it likes. */
TEST_F(net_mq, transmit_queues)
{
	u8 frame[100], got[WIRE_BUF];
	unsigned int i;

	for (i = 0; i < PAIRS; i++) {
		make_frame(frame, sizeof(frame), broadcast, i);
		driver_sends(&self->c, TX(i), NULL, frame, sizeof(frame), true);
		drv_kick(&self->c.d, TX(i));
		drv_run(&self->c.d);
		ASSERT_EQ(sizeof(frame), world_gets(&self->c, i, got));
		EXPECT_EQ(0, memcmp(frame, got, sizeof(frame)));
	}
}

/* Who knows of one pair finds the control queue behind that (5.1.2). */
TEST_F(net_mq, without_mq)
{
	u8 frame[100], off = 0;
	unsigned int q;

	ASSERT_EQ(0, card_setup(&self->c, variant->features & ~NET_BIT(MQ)));
	EXPECT_EQ(0, command(&self->c, CTRL1, VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_PROMISC,
			     &off, 1));
	EXPECT_EQ(VIRTIO_NET_ERR, set_pairs(&self->c, CTRL1, PAIRS));
	EXPECT_EQ(1, self->c.w->queues);
	make_frame(frame, sizeof(frame), broadcast, 1);
	for (q = CTRL1 + 1; q <= CTRL; q++) {
		driver_sends(&self->c, q, NULL, frame, sizeof(frame), true);
		drv_notify(&self->c.d, q);
		drv_run(&self->c.d);
		EXPECT_FALSE(drv_used(&self->c.d, q));
	}
	offer(&self->c, RX(0), 200);
	world_sends(&self->c, 0, NULL, frame, sizeof(frame));
	drv_run(&self->c.d);
	EXPECT_TRUE(drv_used(&self->c.d, RX(0)));
}

/* --- addresses ---------------------------------------------------------------------------- */

static void mac_of(const char *name, const u8 *want, u8 *mac)
{
	struct card c = { .conf = { .mode = 0 } };
	bool destroyed = false;
	int i;

	if (want)
		memcpy(c.conf.mac, want, 6);
	c.w = wire_open(1, false);
	c.w->destroyed = &destroyed;
	if (drv_init_dev(&c.d, DRV_MMIO, net_create(&c.conf, name, &c.w->nb)))
		drv_die("no card");
	for (i = 0; i < 6; i++)
		mac[i] = drv_config_read8(&c.d, i);
	drv_end(&c.d);
	if (!destroyed)
		drv_die("the back end is still there");
}

TEST(addresses)
{
	u8 a[6], b[6], c[6];

	mac_of("net0", NULL, a);
	mac_of("net0", NULL, b);
	mac_of("net1", NULL, c);
	EXPECT_EQ(0, memcmp(a, b, 6));
	EXPECT_NE(0, memcmp(a, c, 6));
	EXPECT_EQ(2, a[0] & 3);
	mac_of("net0", other, a);
	EXPECT_EQ(0, memcmp(a, other, 6));
}

/* --- what users ask for ---------------------------------------------------------------------- */

/* What a configuration is worth: net_class.check() or -errno before; and what is said. */
static int try_conf(const char *text, struct capture *said)
{
	struct net_conf conf = { .mode = 0 };
	int ret;

	capture_begin(said);
	ret = props_init(net_class.props, &conf);
	ret = ret ?: props_parse(net_class.props, &conf, "--network", text);
	ret = ret ?: net_class.check(&conf);
	capture_end(said);
	props_free(net_class.props, &conf);
	return ret;
}

TEST(options)
{
	static const struct {
		const char *text;
		int ret;
		const char *said;
	} table[] = {
		{ "none", 1, "" },
		{ "mode=none,guest_mac=02:00:00:00:00:01", -EINVAL, "guest_mac= means nothing" },
		{ "user", 0, "" },
		{ "", 0, "" },
		{ "user,fwd=tcp:2222:22,fwd=udp:53:53,guest_ip=10.0.0.2/8,host_ip=10.0.0.1", 0, "" },
		{ "user,fwd=tcp:127.0.0.1/2222:22,fwd=udp:::1/53:5353", 0, "" },
		{ "user,fwd=tcp:2222", -EINVAL, "not a port forward" },
		{ "user,fwd=sctp:1:1", -EINVAL, "not a port forward" },
		{ "user,fwd=tcp:0:22", -EINVAL, "not a port forward" },
		{ "user,fwd=tcp:22:65536", -EINVAL, "not a port forward" },
		{ "user,fwd=tcp:here/22:22", -EINVAL, "not a port forward" },
		{ "user,fwd=tcp:/22:22", -EINVAL, "not a port forward" },
		{ "user,guest_ip=10.0.0", -EINVAL, "guest_ip=10.0.0: not an address" },
		{ "user,guest_ip=10.0.0.1/33", -EINVAL, "not an address" },
		{ "user,host_ip=fd00::1/129", -EINVAL, "not an address" },
		{ "user,host_ip=fd00::1/128", 0, "" },
		{ "user,tapif=t0", -EINVAL, "tapif= means nothing with mode=user" },
		{ "user,mq=2", -EINVAL, "mq= means nothing" },
		{ "user,vhost=0", -EINVAL, "vhost= means nothing" },
		{ "tap,mq=2,vhost=0,host_ip=10.0.0.1/24,script=/bin/true", 0, "" },
		{ "tap,mq=17", -EINVAL, "not between 1 and 16" },
		{ "tap,mq=0", -EINVAL, "not between 1 and 16" },
		{ "tap,tapif=a-name-of-16-char", -EINVAL, "more than 15 characters" },
		{ "tap,tapif=t0,host_ip=10.0.0.1", -EINVAL, "leave out tapif=" },
		{ "tap,host_ip=10.0.0.256", -EINVAL, "not an address" },
		{ "tap,fwd=tcp:1:1", -EINVAL, "fwd= means nothing" },
		{ "tap,lan=a", -EINVAL, "lan= means nothing" },
		{ "socket,lan=a", 0, "" },
		{ "socket", -EINVAL, "name the network by lan=NAME" },
		{ "socket,lan=../a", -EINVAL, "not a name" },
		{ "socket,lan=.a", -EINVAL, "not a name" },
		{ "tap,guest_mac=01:00:00:00:00:00", -EINVAL, "a group's address" },
		{ "bridge", -EINVAL, "not one of user, tap, socket, none" },
	};
	struct capture said;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(table); i++) {
		EXPECT_EQ(table[i].ret, try_conf(table[i].text, &said))
			TH_LOG("%s", table[i].text);
		EXPECT_NE(NULL, strstr(said.text, table[i].said))
			TH_LOG("%s: %s", table[i].text, said.text);
		EXPECT_EQ(table[i].ret < 0, capture_one_line(&said));
	}
}

TEST_HARNESS_MAIN
