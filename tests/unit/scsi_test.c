// SPDX-License-Identifier: GPL-2.0
/*
 * The SCSI host, with a node of vhost that is not the kernel's: the config space, when
 * the target is taken and given back, and that no failure leaves the kernel in the
 * guest's memory.
 */
#include <linux/virtio_scsi.h>

#include "capture.h"
#include "vhost_checks.h"
#include "../../virtio/virtio.h"

#include <kselftest_harness.h>

#define NODE		"/dev/vhost-scsi"
#define WWPN		"naa.500140512345678a"
#define HOTPLUG		BIT_ULL(VIRTIO_SCSI_F_HOTPLUG)
#define T10_PI		BIT_ULL(VIRTIO_SCSI_F_T10_PI)
#define FEATURES	(VHOST_COMMON | VHOST_OTHERS | HOTPLUG | T10_PI)
#define NR_QUEUES	5		/* of queues=3 */
#define FIELD(name)	offsetof(struct virtio_scsi_config, name)

FIXTURE(scsi) {
	struct drv d;
	struct capture c;
};

FIXTURE_VARIANT(scsi) {
	DRV_VARIANT;
};

#define DRV_FIXTURE scsi
#include "virtio_variants.h"

FIXTURE_SETUP(scsi)
{
	fake_vhost_init(NODE, FEATURES);
	fake_vhost.wwpn = WWPN;
	ASSERT_EQ(0, drv_init(&self->d, variant->transport, &scsi_class, WWPN ",queues=3"));
}

FIXTURE_TEARDOWN(scsi)
{
	drv_end(&self->d);
	EXPECT_TRUE(fake_vhost_closed());
}

/* Protection information and both directions at once are not offered. */
TEST_F(scsi, features)
{
	EXPECT_EQ(VHOST_COMMON | HOTPLUG, drv_features(&self->d));
}

TEST_F(scsi, config)
{
	struct drv *d = &self->d;

	EXPECT_EQ(3, drv_config_read32(d, FIELD(num_queues)));
	EXPECT_EQ(drv_queue_max(d, 2) - 2, drv_config_read32(d, FIELD(seg_max)));
	EXPECT_NE(0, drv_config_read32(d, FIELD(max_sectors)));
	EXPECT_LE(drv_config_read32(d, FIELD(cmd_per_lun)), drv_queue_max(d, 2));
	EXPECT_EQ(sizeof(struct virtio_scsi_event), drv_config_read32(d, FIELD(event_info_size)));
	EXPECT_EQ(96, drv_config_read32(d, FIELD(sense_size)));
	EXPECT_EQ(32, drv_config_read32(d, FIELD(cdb_size)));
	EXPECT_EQ(0, drv_config_read16(d, FIELD(max_channel)));
	EXPECT_EQ(255, drv_config_read16(d, FIELD(max_target)));
	EXPECT_EQ(16383, drv_config_read32(d, FIELD(max_lun)));
	EXPECT_EQ(0, drv_config_read32(d, sizeof(struct virtio_scsi_config)));
}

TEST_F(scsi, queues)
{
	EXPECT_NE(0, drv_queue_max(&self->d, NR_QUEUES - 1));
	EXPECT_EQ(0, drv_queue_max(&self->d, NR_QUEUES));
}

/* As Linux does it. */
TEST_F(scsi, the_usual_sizes_may_be_written)
{
	ASSERT_EQ(0, drv_negotiate(&self->d, variant->features));
	drv_config_write32(&self->d, FIELD(sense_size), 96);
	drv_config_write32(&self->d, FIELD(cdb_size), 32);
	drv_config_write16(&self->d, FIELD(cdb_size) + 2, 0);
	drv_config_write8(&self->d, FIELD(sense_size), 96);
	EXPECT_FALSE(drv_status(&self->d) & VIRTIO_CONFIG_S_NEEDS_RESET);
	EXPECT_EQ(0, drv_start(&self->d));
}

TEST_F(scsi, other_sizes_cannot_be)
{
	static const struct {
		u32 off;
		unsigned int size;
		u32 val;
	} writes[] = {
		{ FIELD(sense_size), 4, 252 }, { FIELD(cdb_size), 4, 16 }, { FIELD(cdb_size), 4, 0 },
		{ FIELD(cdb_size), 1, 33 }, { FIELD(cdb_size) + 3, 1, 1 },
		{ FIELD(sense_size) + 2, 2, 0xffff },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(writes); i++) {
		ASSERT_EQ(0, drv_negotiate(&self->d, variant->features));
		self->d.ops->config_write(&self->d, writes[i].off, writes[i].val, writes[i].size);
		EXPECT_TRUE(drv_status(&self->d) & VIRTIO_CONFIG_S_NEEDS_RESET);
		drv_reset(&self->d);
		EXPECT_EQ(96, drv_config_read32(&self->d, FIELD(sense_size)));
		EXPECT_EQ(32, drv_config_read32(&self->d, FIELD(cdb_size)));
	}
	ASSERT_EQ(0, drv_setup(&self->d, variant->features));
}

TEST_F(scsi, the_rest_of_the_config_is_not_writable)
{
	u32 off;

	for (off = 0; off < sizeof(struct virtio_scsi_config); off += 4) {
		u32 was = drv_config_read32(&self->d, off);

		if (off == FIELD(sense_size) || off == FIELD(cdb_size))
			continue;
		drv_config_write32(&self->d, off, ~was);
		drv_config_write8(&self->d, off + 1, ~(was >> 8));
		EXPECT_EQ(was, drv_config_read32(&self->d, off));
	}
	/* Nor does a write that reaches into a field begin in it. */
	drv_config_write64(&self->d, FIELD(event_info_size), ~0ULL);
	drv_config_write32(&self->d, FIELD(cdb_size) + 2, ~0U);
	EXPECT_EQ(96, drv_config_read32(&self->d, FIELD(sense_size)));
	EXPECT_EQ(32, drv_config_read32(&self->d, FIELD(cdb_size)));
	drv_reset(&self->d);
	EXPECT_EQ(0, drv_setup(&self->d, variant->features));
}

/* A target that is missing is found before the guest runs; and it is not kept. */
TEST_F(scsi, opening_tries_the_target)
{
	static const unsigned long calls[] = {
		VHOST_SET_OWNER, VHOST_GET_FEATURES, VHOST_SCSI_GET_ABI_VERSION, VHOST_SET_MEM_TABLE,
		VHOST_SCSI_SET_ENDPOINT, VHOST_SCSI_CLEAR_ENDPOINT,
	};
	int i;

	ASSERT_EQ(ARRAY_SIZE(calls), fake_vhost.nr_calls);
	for (i = 0; i < ARRAY_SIZE(calls); i++)
		EXPECT_EQ(calls[i], fake_vhost.calls[i]);
	EXPECT_EQ(0, fake_vhost.nr_regions);
	EXPECT_TRUE(fake_vhost_idle());
}

TEST_F(scsi, start)
{
	unsigned int q, from = fake_vhost.nr_calls;

	ASSERT_EQ(0, drv_setup(&self->d, variant->features));
	EXPECT_EQ(self->d.features, fake_vhost.features);
	EXPECT_EQ(NULL, vhost_memory_wrong(&self->d));
	for (q = 0; q < NR_QUEUES; q++)
		EXPECT_EQ(NULL, vhost_queue_wrong(&self->d, q, q)) TH_LOG("queue %u", q);
	EXPECT_EQ(from, fake_vhost_find(VHOST_SET_FEATURES, from));
	EXPECT_EQ(from + 1, fake_vhost_find(VHOST_SET_MEM_TABLE, from));
	EXPECT_EQ(fake_vhost.nr_calls - 1, fake_vhost_find(VHOST_SCSI_SET_ENDPOINT, from));
	EXPECT_TRUE(fake_vhost.running);
}

/* Each queue is optional to the driver but the first three. */
TEST_F(scsi, fewer_queues)
{
	unsigned int q;

	ASSERT_EQ(0, drv_negotiate(&self->d, variant->features));
	for (q = 0; q < 3; q++)
		ASSERT_EQ(0, drv_queue_setup(&self->d, q, 0));
	ASSERT_EQ(0, drv_start(&self->d));
	EXPECT_EQ(NULL, vhost_queue_wrong(&self->d, 2, 2));
	EXPECT_EQ(-1, fake_vhost.queues[3].kick);
	EXPECT_TRUE(fake_vhost.running);
}

TEST_F(scsi, kicks_calls_and_errors)
{
	unsigned int q;

	ASSERT_EQ(0, drv_setup(&self->d, variant->features));
	for (q = 0; q < NR_QUEUES; q++) {
		drv_notify(&self->d, q);
		drv_run(&self->d);
		EXPECT_EQ(1, vhost_kicks(q));
		vhost_signal(fake_vhost.queues[q].call);
		drv_run(&self->d);
		EXPECT_TRUE(drv_interrupted(&self->d, q));
	}
	vhost_signal(fake_vhost.queues[2].err);
	drv_run(&self->d);
	EXPECT_TRUE(drv_status(&self->d) & VIRTIO_CONFIG_S_NEEDS_RESET);
}

TEST_F(scsi, stop)
{
	unsigned int from;

	ASSERT_EQ(0, drv_setup(&self->d, variant->features));
	from = fake_vhost.nr_calls;
	drv_reset(&self->d);
	EXPECT_EQ(from, fake_vhost_find(VHOST_SCSI_CLEAR_ENDPOINT, from));
	EXPECT_TRUE(fake_vhost_idle());
	EXPECT_FALSE(fake_vhost_closed());
}

TEST_F(scsi, many_starts)
{
	int i, fds = 0;

	for (i = 0; i < 100; i++) {
		ASSERT_EQ(0, drv_setup(&self->d, variant->features));
		if (!i)
			fds = vhost_nr_fds();
		ASSERT_EQ(fds, vhost_nr_fds());
	}
}

TEST_F(scsi, any_call_of_a_start_fails)
{
	EXPECT_EQ(NULL, vhost_failing_start_wrong(&self->d, variant->features));
}

TEST_F(scsi, any_call_of_a_stop_fails)
{
	EXPECT_EQ(NULL, vhost_failing_stop_wrong(&self->d, variant->features));
}

/* Somebody takes it between the opening and the start. */
TEST_F(scsi, target_gone_at_the_start)
{
	fake_vhost.wwpn = NULL;
	capture_begin(&self->c);
	EXPECT_EQ(-EIO, drv_setup(&self->d, variant->features));
	capture_end(&self->c);
	EXPECT_NE(NULL, strstr(self->c.text, "no such target"));
	EXPECT_TRUE(fake_vhost_idle());
	fake_vhost.wwpn = WWPN;
	EXPECT_EQ(0, drv_setup(&self->d, variant->features));
}

TEST_F(scsi, a_node_that_does_not_stop_is_closed)
{
	ASSERT_EQ(0, drv_setup(&self->d, variant->features));
	fake_vhost.fail_in = 1;
	fake_vhost.fail_with = EINVAL;
	capture_begin(&self->c);
	drv_reset(&self->d);
	capture_end(&self->c);
	EXPECT_TRUE(capture_one_line(&self->c));
	EXPECT_TRUE(fake_vhost_closed());
	EXPECT_EQ(-EIO, drv_setup(&self->d, variant->features));
}

/* --- what users get wrong, and hosts ------------------------------------------------ */

FIXTURE(scsi_conf) {
	struct drv d;
	struct capture c;
};

FIXTURE_SETUP(scsi_conf)
{
	fake_vhost_init(NODE, FEATURES);
	fake_vhost.wwpn = WWPN;
}

FIXTURE_TEARDOWN(scsi_conf)
{
	drv_end(&self->d);
	EXPECT_TRUE(fake_vhost_closed());
}

static int try_scsi(struct drv *d, struct capture *c, const char *conf)
{
	int ret;

	capture_begin(c);
	ret = drv_init(d, DRV_MMIO, &scsi_class, conf);
	capture_end(c);
	return ret;
}

TEST_F(scsi_conf, names)
{
	static const char *const bad[] = {
		"x", "naa.", "naa.500140512345678", "naa.500140512345678ab", "naa.50014051234567gg",
		"iqn.2003-01.org.x:1", "NAA.500140512345678a", "naa.500140512345678 ",
		"naa:500140512345678a",
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(-EINVAL, try_scsi(&self->d, &self->c, bad[i])) TH_LOG("%s", bad[i]);
		EXPECT_TRUE(capture_one_line(&self->c));
		drv_end(&self->d);
	}
	EXPECT_EQ(0, fake_vhost.nr_calls);
}

TEST_F(scsi_conf, numbers_of_queues)
{
	static const struct {
		const char *conf;
		int ret;
	} t[] = {
		{ WWPN, 0 }, { WWPN ",queues=1", 0 }, { WWPN ",queues=62", 0 },
		{ WWPN ",queues=0", -EINVAL }, { WWPN ",queues=63", -EINVAL },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(t); i++) {
		EXPECT_EQ(t[i].ret, try_scsi(&self->d, &self->c, t[i].conf));
		if (!t[i].ret)
			EXPECT_EQ(self->d.vd->nr_vqs - 2, drv_config_read32(&self->d, 0));
		drv_end(&self->d);
	}
}

TEST_F(scsi_conf, no_such_target)
{
	fake_vhost.wwpn = "naa.0000000000000000";
	EXPECT_EQ(-ENODEV, try_scsi(&self->d, &self->c, WWPN));
	EXPECT_TRUE(capture_one_line(&self->c));
	EXPECT_NE(NULL, strstr(self->c.text, "--scsi " WWPN ": no such target"));
}

TEST_F(scsi_conf, another_interface)
{
	fake_vhost.abi = VHOST_SCSI_ABI_VERSION + 1;
	EXPECT_EQ(-EOPNOTSUPP, try_scsi(&self->d, &self->c, WWPN));
	EXPECT_TRUE(capture_one_line(&self->c));
}

TEST_F(scsi_conf, node_is_missing)
{
	fake_vhost.open_error = ENOENT;
	EXPECT_EQ(-ENOENT, try_scsi(&self->d, &self->c, WWPN));
	EXPECT_TRUE(capture_one_line(&self->c));
	EXPECT_NE(NULL, strstr(self->c.text, "modprobe vhost_scsi"));
}

TEST_F(scsi_conf, any_call_of_the_opening_fails)
{
	unsigned int n;

	for (n = 1; n <= 6; n++) {
		fake_vhost.fail_in = n;
		fake_vhost.fail_with = ENOMEM;
		EXPECT_EQ(-ENOMEM, try_scsi(&self->d, &self->c, WWPN));
		EXPECT_TRUE(capture_one_line(&self->c));
		drv_end(&self->d);
		EXPECT_TRUE(fake_vhost_closed());
	}
	EXPECT_EQ(0, try_scsi(&self->d, &self->c, WWPN));
}

TEST_F(scsi_conf, a_machine_that_is_only_shown_takes_no_target)
{
	struct vm vm = { .cfg = &(struct vm_config){ .dry_run = true }, .vm_fd = -1 };
	struct { const char *wwpn; unsigned int queues; } conf = { WWPN, 2 };
	struct virtio_dev *vd = scsi_class.create(&conf, "scsi0");

	ASSERT_EQ(sizeof(conf), scsi_class.conf_size);
	vd->manual_threads = true;
	EXPECT_EQ(0, virtio_realize(vd, &vm, NULL, NULL));
	EXPECT_EQ(2, virtio_config_read(vd, 0, 4));
	virtio_destroy(vd);
	EXPECT_EQ(0, fake_vhost.nr_calls);
}

TEST_HARNESS_MAIN
