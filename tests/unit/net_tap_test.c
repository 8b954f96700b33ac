// SPDX-License-Identifier: GPL-2.0
/*
 * A network card on an interface of the host, in a network namespace of its own: by
 * our own threads' work, and by the host's kernel (vhost-net) where it has that.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/stat.h>
#include <linux/if_ether.h>

#include "capture.h"
#include "virtio_driver.h"
#include "../../virtio/net.h"
#include "../../virtio/virtio.h"

#include <kselftest_harness.h>

#define RX(n)		(2 * (n))
#define TX(n)		(2 * (n) + 1)
#define PACKET		(NET_HDR_LEN + 60)
#define BUFFERS		64
#define HOST_IP		"192.0.2.2"
#define VHOST_NODE	"/dev/vhost-net"

FIXTURE(net_tap) {
	struct drv d;
	const char *skip;
	bool open;
};

FIXTURE_VARIANT(net_tap) {
	bool vhost;
	unsigned int pairs;
	enum drv_transport transport;
	u64 features;
};

#define OURS(name, t, f) FIXTURE_VARIANT_ADD(net_tap, name) { false, 2, t, f }
#define VHOST(name, t, n) FIXTURE_VARIANT_ADD(net_tap, name) { true, n, t, DRV_ALL }

#ifdef CONFIG_VIRTIO_MMIO
OURS(mmio, DRV_MMIO, DRV_ALL);
VHOST(vhost_mmio, DRV_MMIO, 1);
#endif
#ifdef CONFIG_VIRTIO_PCI
OURS(pci, DRV_PCI, DRV_SPLIT);
VHOST(vhost_pci, DRV_PCI, 2);
#endif

static const char *cannot(bool vhost)
{
	if (access("/dev/net/tun", R_OK | W_OK))
		return "no /dev/net/tun";
	if (vhost && access(VHOST_NODE, R_OK | W_OK))
		return "no " VHOST_NODE;
	return unshare(CLONE_NEWNET) ? "no network namespace of our own" : NULL;
}

FIXTURE_SETUP(net_tap)
{
	char conf[80];

	self->skip = cannot(variant->vhost);
	if (self->skip)
		return;
	snprintf(conf, sizeof(conf), "tap,host_ip=%s/24,vhost=%d,mq=%u", HOST_IP, variant->vhost,
		 variant->pairs);
	ASSERT_EQ(0, drv_init(&self->d, variant->transport, &net_class, conf));
	self->open = true;
	ASSERT_EQ(0, drv_setup(&self->d, variant->features));
}

FIXTURE_TEARDOWN(net_tap)
{
	if (self->open)
		drv_end(&self->d);
	if (!self->skip)
		EXPECT_EQ(0, if_nametoindex("vmtool0"));
}

static void offer_buffers(struct drv *d, unsigned int q, int nr)
{
	for (; nr; nr--) {
		u64 addr = drv_alloc(d, 2048);

		if (drv_add(d, q, &DRV_IN(addr, 2048), 1, (void *)addr))
			drv_die("no room for a buffer");
	}
	drv_kick(d, q);
}

/* Who has the host's address, asks a guest of which the address ends in @who. */
static void ask(struct drv *d, unsigned int q, u8 who)
{
	u8 p[PACKET] = { 0 }, *f = p + NET_HDR_LEN;
	u64 addr;

	memset(f, 0xff, 6);
	memcpy(f + 6, (u8[6]){ 2, 0, 0, 0, 0, who }, 6);
	f[12] = ETH_P_ARP >> 8;
	f[13] = ETH_P_ARP & 0xff;
	memcpy(f + 14, "\0\1\x08\0\6\4\0\1", 8);
	memcpy(f + 22, f + 6, 6);
	inet_pton(AF_INET, "192.0.2.0", f + 28);
	f[31] = who;
	inet_pton(AF_INET, HOST_IP, f + 38);
	addr = drv_alloc_with(d, p, sizeof(p));
	if (drv_add(d, q, &DRV_OUT(addr, sizeof(p)), 1, d))
		drv_die("no room to send");
	drv_kick(d, q);
}

/* The answer for that one has come, to any of the queues. */
struct answer {
	u8 who;
	unsigned int pairs;
	u16 buffers;
};

static bool answered(struct drv *d, void *arg)
{
	struct answer *a = arg;
	u8 p[PACKET], *f = p + NET_HDR_LEN;
	unsigned int i;
	void *addr;

	for (i = 0; i < a->pairs; i++) {
		while ((addr = drv_get(d, RX(i), NULL))) {
			drv_fetch(d, (uintptr_t)addr, p, sizeof(p));
			a->buffers = p[10] | p[11] << 8;
			if (f[12] == ETH_P_ARP >> 8 && f[21] == 2 && f[41] == a->who)
				return true;
		}
	}
	return false;
}

static bool answer_comes(struct drv *d, u8 who, unsigned int pairs)
{
	struct answer a = { who, pairs, 0 };

	return drv_wait(d, answered, &a, 5000) && a.buffers == 1;
}

TEST_F(net_tap, round_trip)
{
	u32 len;
	int i;

	if (self->skip)
		SKIP(return, "%s", self->skip);
	offer_buffers(&self->d, RX(0), BUFFERS);
	for (i = 1; i < 30; i++) {
		ask(&self->d, TX(0), 10 + i);
		EXPECT_TRUE(answer_comes(&self->d, 10 + i, 1)) TH_LOG("%d", i);
		ASSERT_TRUE(drv_wait_used(&self->d, TX(0), 5000));
		EXPECT_EQ(&self->d, drv_get(&self->d, TX(0), &len));
	}
	EXPECT_TRUE(drv_interrupted(&self->d, RX(0)));
}

/* A reset at any moment, and all is as before. */
TEST_F(net_tap, reset)
{
	u64 brk;
	int i;

	if (self->skip)
		SKIP(return, "%s", self->skip);
	brk = self->d.brk;
	for (i = 1; i < 20; i++) {
		ASSERT_EQ(0, drv_setup(&self->d, variant->features));
		self->d.brk = brk;
		offer_buffers(&self->d, RX(0), 16);
		ask(&self->d, TX(0), 10 + i);
		EXPECT_TRUE(answer_comes(&self->d, 10 + i, 1));
		ask(&self->d, TX(0), 60 + i);
	}
}

TEST_F(net_tap, pairs)
{
	u8 cmd[4] = { VIRTIO_NET_CTRL_MQ, VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET }, ack = 255;
	unsigned int i, n;
	u64 addr, reply;
	u32 len;

	if (self->skip)
		SKIP(return, "%s", self->skip);
	if (variant->pairs < 2)
		SKIP(return, "one pair of queues");
	addr = drv_alloc(&self->d, 4);
	reply = drv_alloc(&self->d, 1);
	for (i = 0; i < variant->pairs; i++)
		offer_buffers(&self->d, RX(i), BUFFERS);
	for (i = 0; i < 6; i++) {
		cmd[2] = i & 1 ? 1 : variant->pairs;
		drv_put(&self->d, addr, cmd, 4);
		ASSERT_TRUE(drv_request(&self->d, 2 * variant->pairs, (struct drv_seg[])
					{ DRV_OUT(addr, 4), DRV_IN(reply, 1) }, 2, &len));
		drv_fetch(&self->d, reply, &ack, 1);
		EXPECT_EQ(VIRTIO_NET_OK, ack);
		for (n = 0; n < cmd[2]; n++) {
			ask(&self->d, TX(n), 10 + 10 * i + n);
			EXPECT_TRUE(answer_comes(&self->d, 10 + 10 * i + n, variant->pairs))
				TH_LOG("round %u, queue %u", i, n);
		}
	}
}

/* A ring that is not in memory: the device needs a reset, and works after that. */
TEST_F(net_tap, ring_nowhere)
{
	if (self->skip)
		SKIP(return, "%s", self->skip);
	ASSERT_EQ(0, drv_negotiate(&self->d, variant->features));
	self->d.ops->queue_set(&self->d, RX(0), 64, DRV_NOWHERE, DRV_NOWHERE, DRV_NOWHERE);
	self->d.ops->queue_enable(&self->d, RX(0));
	ASSERT_EQ(0, drv_queue_setup(&self->d, TX(0), 0));
	EXPECT_EQ(-EIO, drv_start(&self->d));
	ASSERT_EQ(0, drv_setup(&self->d, variant->features));
	offer_buffers(&self->d, RX(0), 16);
	ask(&self->d, TX(0), 99);
	EXPECT_TRUE(answer_comes(&self->d, 99, 1));
}

/* What the kernel finds wrong is the device's to say. */
TEST_F(net_tap, broken_ring)
{
	struct drv_ring *r;

	if (self->skip)
		SKIP(return, "%s", self->skip);
	if (!variant->vhost)
		return;		/* of vhost alone */
	r = drv_queue(&self->d, TX(0));
	drv_put16(&self->d.vm.gmem, r->driver + 2, r->size + 100);
	drv_notify(&self->d, TX(0));
	usleep(100000);
	drv_run(&self->d);
	EXPECT_NE(0, drv_status(&self->d) & VIRTIO_CONFIG_S_NEEDS_RESET);
	ASSERT_EQ(0, drv_setup(&self->d, variant->features));
	offer_buffers(&self->d, RX(0), 16);
	ask(&self->d, TX(0), 99);
	EXPECT_TRUE(answer_comes(&self->d, 99, 1));
}

/* Who insists on vhost and has none is told how to get it. */
TEST(no_vhost)
{
	static struct drv d;
	struct capture said;
	int ret;

	if (!access(VHOST_NODE, R_OK | W_OK))
		SKIP(return, "there is " VHOST_NODE);
	if (cannot(false))
		SKIP(return, "%s", cannot(false));
	capture_begin(&said);
	ret = drv_init(&d, DRV_MMIO, &net_class, "tap,vhost=1");
	capture_end(&said);
	EXPECT_GT(0, ret);
	EXPECT_NE(NULL, strstr(said.text, "cannot open " VHOST_NODE));
	drv_end(&d);
	EXPECT_EQ(0, if_nametoindex("vmtool0"));
}

TEST_HARNESS_MAIN
