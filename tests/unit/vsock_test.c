// SPDX-License-Identifier: GPL-2.0
/*
 * The socket device, with a node of vhost that is not the kernel's: what the driver
 * sees, what the node is told and when, and that no failure of it leaves the kernel in
 * the guest's memory.
 */
#include <linux/virtio_vsock.h>

#include "capture.h"
#include "vhost_checks.h"
#include "../../virtio/virtio.h"

#include <kselftest_harness.h>

#define NODE		"/dev/vhost-vsock"
#define SEQPACKET	BIT_ULL(VIRTIO_VSOCK_F_SEQPACKET)
#define FEATURES	(VHOST_COMMON | VHOST_OTHERS | SEQPACKET)
#define EVENTS		2

FIXTURE(vsock) {
	struct drv d;
	struct capture c;
};

FIXTURE_VARIANT(vsock) {
	DRV_VARIANT;
};

#define DRV_FIXTURE vsock
#include "virtio_variants.h"

FIXTURE_SETUP(vsock)
{
	fake_vhost_init(NODE, FEATURES);
	ASSERT_EQ(0, drv_init(&self->d, variant->transport, &vsock_class, "42"));
}

FIXTURE_TEARDOWN(vsock)
{
	drv_end(&self->d);
	EXPECT_TRUE(fake_vhost_closed());
}

TEST_F(vsock, features_are_the_node_s)
{
	EXPECT_EQ(VHOST_COMMON | SEQPACKET, drv_features(&self->d) & FEATURES);
	EXPECT_EQ(0, drv_features(&self->d) & ~FEATURES);
}

TEST_F(vsock, config_is_the_cid)
{
	EXPECT_EQ(42, drv_config_read64(&self->d, 0));
	EXPECT_EQ(42, fake_vhost.cid);
	drv_config_write32(&self->d, 0, 43);
	EXPECT_EQ(42, drv_config_read64(&self->d, 0));
	EXPECT_EQ(0, drv_config_read32(&self->d, 8));
}

TEST_F(vsock, three_queues)
{
	EXPECT_NE(0, drv_queue_max(&self->d, EVENTS));
	EXPECT_EQ(0, drv_queue_max(&self->d, EVENTS + 1));
}

TEST_F(vsock, opening_asks_for_an_owner_first)
{
	EXPECT_EQ(3, fake_vhost.nr_calls);
	EXPECT_EQ(VHOST_SET_OWNER, fake_vhost.calls[0]);
	EXPECT_EQ(VHOST_GET_FEATURES, fake_vhost.calls[1]);
	EXPECT_EQ(VHOST_VSOCK_SET_GUEST_CID, fake_vhost.calls[2]);
	EXPECT_FALSE(fake_vhost.running);
}

TEST_F(vsock, start)
{
	unsigned int from = fake_vhost.nr_calls;
	int running;

	ASSERT_EQ(0, drv_setup(&self->d, variant->features));
	EXPECT_EQ(self->d.features, fake_vhost.features);
	EXPECT_TRUE(fake_vhost.features & SEQPACKET);
	EXPECT_EQ(NULL, vhost_memory_wrong(&self->d));
	EXPECT_EQ(NULL, vhost_queue_wrong(&self->d, 0, 0));
	EXPECT_EQ(NULL, vhost_queue_wrong(&self->d, 1, 1));
	EXPECT_EQ(0, fake_vhost.queues[EVENTS].num);

	/* Features and memory are there before the rings, and it runs at last. */
	EXPECT_EQ(from, fake_vhost_find(VHOST_SET_FEATURES, from));
	EXPECT_EQ(from + 1, fake_vhost_find(VHOST_SET_MEM_TABLE, from));
	running = fake_vhost_find(VHOST_VSOCK_SET_RUNNING, from);
	EXPECT_EQ(fake_vhost.nr_calls - 1, running);
	EXPECT_TRUE(fake_vhost.running);
}

TEST_F(vsock, driver_without_features_of_its_own)
{
	ASSERT_EQ(0, drv_setup(&self->d, variant->features & ~SEQPACKET));
	EXPECT_FALSE(fake_vhost.features & SEQPACKET);
	EXPECT_TRUE(fake_vhost.running);
}

TEST_F(vsock, queues_of_another_size)
{
	ASSERT_EQ(0, drv_setup_size(&self->d, variant->features, 4));
	EXPECT_EQ(4, fake_vhost.queues[0].num);
	EXPECT_EQ(NULL, vhost_queue_wrong(&self->d, 1, 1));
}

TEST_F(vsock, kicks_reach_the_node)
{
	ASSERT_EQ(0, drv_setup(&self->d, variant->features));
	drv_run(&self->d);
	EXPECT_EQ(0, vhost_kicks(0));
	drv_notify(&self->d, 0);
	drv_notify(&self->d, EVENTS);
	drv_run(&self->d);
	EXPECT_EQ(1, vhost_kicks(0));
	EXPECT_EQ(0, vhost_kicks(1));
	drv_notify(&self->d, 1);
	EXPECT_EQ(1, vhost_kicks(1));
	EXPECT_EQ(0, vhost_kicks(0));
}

TEST_F(vsock, calls_of_the_node_are_interrupts)
{
	unsigned int q;

	ASSERT_EQ(0, drv_setup(&self->d, variant->features));
	for (q = 0; q < 2; q++) {
		EXPECT_FALSE(drv_interrupted(&self->d, q));
		vhost_signal(fake_vhost.queues[q].call);
		drv_run(&self->d);
		EXPECT_TRUE(drv_interrupted(&self->d, q));
		EXPECT_FALSE(drv_interrupted(&self->d, q));
		EXPECT_FALSE(drv_config_interrupted(&self->d));
	}
}

TEST_F(vsock, a_ring_that_the_node_finds_broken)
{
	ASSERT_EQ(0, drv_setup(&self->d, variant->features));
	vhost_signal(fake_vhost.queues[1].err);
	drv_run(&self->d);
	EXPECT_TRUE(drv_status(&self->d) & VIRTIO_CONFIG_S_NEEDS_RESET);
	EXPECT_TRUE(drv_config_interrupted(&self->d));
	ASSERT_EQ(0, drv_setup(&self->d, variant->features));
	EXPECT_TRUE(fake_vhost.running);
}

TEST_F(vsock, event_buffers_stay_offered)
{
	u64 buf = drv_alloc(&self->d, 64);
	int i;

	ASSERT_EQ(0, drv_setup(&self->d, variant->features));
	for (i = 0; i < 8; i++)
		ASSERT_EQ(0, drv_add(&self->d, EVENTS, &DRV_IN(buf + 8 * i, 4), 1, &self->d));
	drv_notify(&self->d, EVENTS);
	drv_run(&self->d);
	EXPECT_FALSE(drv_used(&self->d, EVENTS));
	EXPECT_FALSE(drv_interrupted(&self->d, EVENTS));
	EXPECT_EQ(VIRTIO_CONFIG_S_DRIVER_OK, drv_status(&self->d) &
		  (VIRTIO_CONFIG_S_DRIVER_OK | VIRTIO_CONFIG_S_NEEDS_RESET));
}

TEST_F(vsock, stop)
{
	unsigned int from;
	int stopped;

	ASSERT_EQ(0, drv_setup(&self->d, variant->features));
	from = fake_vhost.nr_calls;
	drv_reset(&self->d);
	EXPECT_TRUE(fake_vhost_idle());
	EXPECT_FALSE(fake_vhost_closed());
	/* The back end first: only then can rings be taken away. */
	stopped = fake_vhost_find(VHOST_VSOCK_SET_RUNNING, from);
	EXPECT_EQ(from, stopped);
	EXPECT_EQ(42, fake_vhost.cid);
	EXPECT_EQ(1, fake_vhost_count(VHOST_VSOCK_SET_GUEST_CID));
}

TEST_F(vsock, reset_that_stops_nothing)
{
	drv_reset(&self->d);
	ASSERT_EQ(0, drv_negotiate(&self->d, variant->features));
	drv_reset(&self->d);
	EXPECT_EQ(3, fake_vhost.nr_calls);
}

TEST_F(vsock, no_queue_is_set_up)
{
	ASSERT_EQ(0, drv_negotiate(&self->d, variant->features));
	ASSERT_EQ(0, drv_start(&self->d));
	EXPECT_EQ(0, fake_vhost_count(VHOST_SET_VRING_KICK));
	drv_reset(&self->d);
	EXPECT_TRUE(fake_vhost_idle());
}

TEST_F(vsock, many_starts)
{
	int i, fds = 0;

	for (i = 0; i < 200; i++) {
		ASSERT_EQ(0, drv_setup(&self->d, variant->features));
		if (!i)
			fds = vhost_nr_fds();
		ASSERT_EQ(fds, vhost_nr_fds());
	}
}

TEST_F(vsock, rings_that_are_nowhere)
{
	static const u64 where[] = { DRV_NOWHERE, DRV_ROM, ~0ULL << 12, DRV_HIGH + DRV_HIGH_SIZE - 16 };
	int i;

	for (i = 0; i < ARRAY_SIZE(where); i++) {
		ASSERT_EQ(0, drv_negotiate(&self->d, variant->features));
		ASSERT_EQ(0, drv_queue_setup(&self->d, 0, 0));
		self->d.ops->queue_set(&self->d, 1, 128, where[i], where[i], where[i]);
		self->d.ops->queue_enable(&self->d, 1);
		EXPECT_EQ(-EIO, drv_start(&self->d));
		EXPECT_TRUE(fake_vhost_idle());
	}
	ASSERT_EQ(0, drv_setup(&self->d, variant->features));
}

TEST_F(vsock, any_call_of_a_start_fails)
{
	EXPECT_EQ(NULL, vhost_failing_start_wrong(&self->d, variant->features));
}

TEST_F(vsock, any_call_of_a_stop_fails)
{
	EXPECT_EQ(NULL, vhost_failing_stop_wrong(&self->d, variant->features));
}

TEST_F(vsock, a_node_that_does_not_stop_is_closed)
{
	ASSERT_EQ(0, drv_setup(&self->d, variant->features));
	fake_vhost.fail_in = 1;
	fake_vhost.fail_with = EIO;
	capture_begin(&self->c);
	drv_reset(&self->d);
	capture_end(&self->c);
	EXPECT_TRUE(capture_one_line(&self->c));
	EXPECT_TRUE(fake_vhost_closed());
	/* There is no device any more, and it says so. */
	EXPECT_EQ(-EIO, drv_setup(&self->d, variant->features));
	drv_reset(&self->d);
	EXPECT_EQ(-EIO, drv_setup(&self->d, variant->features));
}

TEST_F(vsock, end_while_it_runs)
{
	unsigned int from;

	ASSERT_EQ(0, drv_setup(&self->d, variant->features));
	from = fake_vhost.nr_calls;
	drv_end(&self->d);
	EXPECT_EQ(from, fake_vhost_find(VHOST_VSOCK_SET_RUNNING, from));
	EXPECT_TRUE(fake_vhost_closed());
}

/* --- what users get wrong, and hosts ------------------------------------------------ */

static int try_vsock(struct drv *d, struct capture *c, const char *conf)
{
	int ret;

	capture_begin(c);
	ret = drv_init(d, DRV_MMIO, &vsock_class, conf);
	capture_end(c);
	return ret;
}

FIXTURE(vsock_conf) {
	struct drv d;
	struct capture c;
};

FIXTURE_SETUP(vsock_conf)
{
	fake_vhost_init(NODE, FEATURES);
}

FIXTURE_TEARDOWN(vsock_conf)
{
	drv_end(&self->d);
	EXPECT_TRUE(fake_vhost_closed());
}

TEST_F(vsock_conf, cids)
{
	static const char *const good[] = { "3", "4294967294", "cid=42" };
	static const char *const bad[] = {
		"0", "1", "2", "4294967295", "4294967296", "18446744073709551615", "-1", "x", "",
		"3x", "3,4", "cid=", "3,seqpacket",
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(good); i++) {
		EXPECT_EQ(0, try_vsock(&self->d, &self->c, good[i]));
		drv_end(&self->d);
	}
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		struct vsock_conf_any { u64 cid; } conf = { };

		capture_begin(&self->c);
		EXPECT_EQ(-EINVAL, props_parse(vsock_class.props, &conf, "--vsock", bad[i]))
			TH_LOG("'%s'", bad[i]);
		capture_end(&self->c);
		EXPECT_TRUE(capture_one_line(&self->c));
	}
}

TEST_F(vsock_conf, cid_in_use)
{
	fake_vhost.cid_in_use = 42;
	EXPECT_EQ(-EADDRINUSE, try_vsock(&self->d, &self->c, "42"));
	EXPECT_TRUE(capture_one_line(&self->c));
	EXPECT_NE(NULL, strstr(self->c.text, "--vsock 42: this address is in use"));
}

TEST_F(vsock_conf, node_that_cannot_be_opened)
{
	static const struct {
		int err;
		const char *says;
	} errors[] = {
		{ ENOENT, "modprobe vhost_vsock" }, { ENODEV, "modprobe vhost_vsock" },
		{ EACCES, "root" }, { EMFILE, "Too many open files" },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		fake_vhost.open_error = errors[i].err;
		EXPECT_EQ(-errors[i].err, try_vsock(&self->d, &self->c, "42"));
		EXPECT_TRUE(capture_one_line(&self->c));
		EXPECT_NE(NULL, strstr(self->c.text, errors[i].says));
		drv_end(&self->d);
	}
}

TEST_F(vsock_conf, any_call_of_the_opening_fails)
{
	unsigned int n;

	for (n = 1; n <= 3; n++) {
		fake_vhost.fail_in = n;
		fake_vhost.fail_with = ENOMEM;
		EXPECT_EQ(-ENOMEM, try_vsock(&self->d, &self->c, "42"));
		EXPECT_TRUE(capture_one_line(&self->c));
		drv_end(&self->d);
		EXPECT_TRUE(fake_vhost_closed());
	}
	EXPECT_EQ(0, try_vsock(&self->d, &self->c, "42"));
}

TEST_F(vsock_conf, node_without_seqpacket)
{
	fake_vhost.has_features = VHOST_COMMON | VHOST_OTHERS;
	ASSERT_EQ(0, try_vsock(&self->d, &self->c, "42"));
	EXPECT_EQ(VHOST_COMMON, drv_features(&self->d));
	ASSERT_EQ(0, drv_setup(&self->d, DRV_ALL));
	EXPECT_EQ(VHOST_COMMON, fake_vhost.features);
}

/* Nodes know no device-specific bits of ours: whatever they have, none is passed on. */
TEST_F(vsock_conf, node_with_everything)
{
	fake_vhost.has_features = ~0ULL;
	ASSERT_EQ(0, try_vsock(&self->d, &self->c, "42"));
	EXPECT_EQ(VIRTIO_COMMON_FEATURES | SEQPACKET, drv_features(&self->d));
}

TEST_F(vsock_conf, a_machine_that_is_only_shown_takes_no_cid)
{
	struct vm vm = { .cfg = &(struct vm_config){ .dry_run = true }, .vm_fd = -1 };
	u64 conf = 42;
	struct virtio_dev *vd = vsock_class.create(&conf, "vsock0");

	vd->manual_threads = true;
	EXPECT_EQ(0, virtio_realize(vd, &vm, NULL, NULL));
	EXPECT_EQ(42, virtio_config_read(vd, 0, 8));
	virtio_destroy(vd);
	EXPECT_EQ(0, fake_vhost.nr_calls);
}

TEST_HARNESS_MAIN
