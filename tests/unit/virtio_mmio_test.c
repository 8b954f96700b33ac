// SPDX-License-Identifier: GPL-2.0
/*
 * virtio/mmio.c, register by register (virtio 1.2, 4.2.2): what the driver of the
 * other tests does not look at.
 */
#include <kselftest_harness.h>

#ifdef CONFIG_VIRTIO_MMIO
#include "echo.h"
#include "virtio_driver.h"

#define INT_VRING	VIRTIO_MMIO_INT_VRING
#define INT_CONFIG	VIRTIO_MMIO_INT_CONFIG

FIXTURE(mmio) {
	struct drv d;
	struct echo *e;
};

FIXTURE_SETUP(mmio)
{
	self->e = echo_create(true);
	ASSERT_EQ(0, drv_init_dev(&self->d, DRV_MMIO, &self->e->vd));
}

FIXTURE_TEARDOWN(mmio)
{
	drv_end(&self->d);
}

#define in(reg)		drv_mmio_read(&self->d, reg)
#define out(reg, val)	drv_mmio_write(&self->d, reg, val)

TEST_F(mmio, identity)
{
	EXPECT_EQ(0x74726976, in(VIRTIO_MMIO_MAGIC_VALUE));
	EXPECT_EQ(2, in(VIRTIO_MMIO_VERSION));
	EXPECT_EQ(ECHO_ID, in(VIRTIO_MMIO_DEVICE_ID));
	EXPECT_NE(0, in(VIRTIO_MMIO_VENDOR_ID));
}

/* Registers are 32 bits wide and aligned; nothing else reads or writes them. */
TEST_F(mmio, width)
{
	unsigned int size, off;

	for (size = 1; size <= 8; size *= 2)
		for (off = 0; off < 8; off++)
			if (size != 4 || off % 4)
				EXPECT_EQ(0, drv_bus_read(&self->d, self->d.base + off, size));
	for (size = 1; size <= 8; size *= 2)
		if (size != 4)
			drv_bus_write(&self->d, self->d.base + VIRTIO_MMIO_STATUS, 1, size);
	EXPECT_EQ(0, in(VIRTIO_MMIO_STATUS));
	out(VIRTIO_MMIO_STATUS, 1);
	EXPECT_EQ(1, in(VIRTIO_MMIO_STATUS));
}

TEST_F(mmio, read_only)
{
	static const u16 regs[] = {
		VIRTIO_MMIO_MAGIC_VALUE, VIRTIO_MMIO_VERSION, VIRTIO_MMIO_DEVICE_ID,
		VIRTIO_MMIO_VENDOR_ID, VIRTIO_MMIO_DEVICE_FEATURES, VIRTIO_MMIO_QUEUE_NUM_MAX,
		VIRTIO_MMIO_INTERRUPT_STATUS, VIRTIO_MMIO_CONFIG_GENERATION,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(regs); i++) {
		u32 before = in(regs[i]);

		out(regs[i], ~before);
		EXPECT_EQ(before, in(regs[i]));
	}
}

/* Write-only registers, and those that do not exist, read as zero. */
TEST_F(mmio, write_only)
{
	static const u16 regs[] = {
		VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0x018, 0x01c, VIRTIO_MMIO_DRIVER_FEATURES,
		VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0x028, 0x02c, VIRTIO_MMIO_QUEUE_SEL,
		VIRTIO_MMIO_QUEUE_NUM, 0x03c, 0x040, VIRTIO_MMIO_QUEUE_NOTIFY,
		VIRTIO_MMIO_INTERRUPT_ACK, 0x068, 0x06c, VIRTIO_MMIO_QUEUE_DESC_LOW,
		VIRTIO_MMIO_QUEUE_DESC_HIGH, VIRTIO_MMIO_QUEUE_AVAIL_LOW,
		VIRTIO_MMIO_QUEUE_USED_HIGH, 0x0c4, 0x0f8,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(regs); i++) {
		out(regs[i], 0x12345678);
		EXPECT_EQ(0, in(regs[i]));
	}
}

/* There is no region of shared memory: lengths and addresses of all ones. */
TEST_F(mmio, shared_memory)
{
	u32 id;

	for (id = 0; id < 256; id += 51) {
		out(VIRTIO_MMIO_SHM_SEL, id);
		EXPECT_EQ(~0U, in(VIRTIO_MMIO_SHM_LEN_LOW));
		EXPECT_EQ(~0U, in(VIRTIO_MMIO_SHM_LEN_HIGH));
		EXPECT_EQ(~0U, in(VIRTIO_MMIO_SHM_BASE_LOW));
		EXPECT_EQ(~0U, in(VIRTIO_MMIO_SHM_BASE_HIGH));
	}
}

/* Bits of InterruptStatus stay until they are acknowledged, each by itself. */
TEST_F(mmio, interrupt_status)
{
	u64 buf = drv_alloc(&self->d, 8);
	struct drv_seg seg = DRV_IN(buf, 8);
	u32 val = 0;

	EXPECT_EQ(0, in(VIRTIO_MMIO_INTERRUPT_STATUS));
	ASSERT_EQ(0, drv_setup(&self->d, DRV_SPLIT));
	ASSERT_TRUE(drv_request(&self->d, 0, &seg, 1, NULL));
	EXPECT_EQ(INT_VRING, in(VIRTIO_MMIO_INTERRUPT_STATUS));
	virtio_config_set(&self->e->vd, 12, &val, 4);
	EXPECT_EQ(INT_VRING | INT_CONFIG, in(VIRTIO_MMIO_INTERRUPT_STATUS));
	out(VIRTIO_MMIO_INTERRUPT_ACK, 0xfffffffc);
	EXPECT_EQ(INT_VRING | INT_CONFIG, in(VIRTIO_MMIO_INTERRUPT_STATUS));
	out(VIRTIO_MMIO_INTERRUPT_ACK, INT_VRING);
	EXPECT_EQ(INT_CONFIG, in(VIRTIO_MMIO_INTERRUPT_STATUS));
	out(VIRTIO_MMIO_INTERRUPT_ACK, INT_CONFIG);
	EXPECT_EQ(0, in(VIRTIO_MMIO_INTERRUPT_STATUS));
}

/* An event that comes while another one was not acknowledged raises the line again. */
TEST_F(mmio, edges)
{
	int fd = irq_fd(&self->d.vm.irqchip.lines[DRV_GSI]);
	u64 count;
	u32 val = 0, i;

	ASSERT_EQ(0, drv_setup(&self->d, DRV_SPLIT));
	for (i = 0; i < 3; i++) {
		virtio_config_set(&self->e->vd, 12, &val, 4);
		ASSERT_EQ(8, read(fd, &count, 8));
		EXPECT_EQ(1, count);
		EXPECT_EQ(INT_CONFIG, in(VIRTIO_MMIO_INTERRUPT_STATUS));
	}
	EXPECT_EQ(-1, read(fd, &count, 8));
}

/* What zero in QueueReady stops is not touched any more, and can be set up again. */
TEST_F(mmio, queue_ready)
{
	u64 buf = drv_alloc(&self->d, 8);
	struct drv_seg seg = DRV_IN(buf, 8);

	ASSERT_EQ(0, drv_setup(&self->d, DRV_SPLIT & ~BIT_ULL(VIRTIO_F_RING_RESET)));
	out(VIRTIO_MMIO_QUEUE_SEL, 1);
	EXPECT_EQ(1, in(VIRTIO_MMIO_QUEUE_READY));
	out(VIRTIO_MMIO_QUEUE_READY, 2);
	EXPECT_EQ(1, in(VIRTIO_MMIO_QUEUE_READY));
	self->e->hold = true;
	ASSERT_EQ(0, drv_add(&self->d, 1, &seg, 1, self));
	drv_notify(&self->d, 1);
	drv_run(&self->d);
	EXPECT_EQ(1, self->e->nr_held);
	out(VIRTIO_MMIO_QUEUE_SEL, 1);
	out(VIRTIO_MMIO_QUEUE_READY, 0);
	EXPECT_EQ(0, in(VIRTIO_MMIO_QUEUE_READY));
	EXPECT_EQ(0, self->e->nr_held);
	EXPECT_EQ(1, self->e->queue_resets);
	drv_notify(&self->d, 1);
	drv_run(&self->d);
	EXPECT_FALSE(drv_used(&self->d, 1));
	self->e->hold = false;
	ASSERT_EQ(0, drv_queue_setup(&self->d, 1, 4));
	EXPECT_TRUE(drv_request(&self->d, 1, &seg, 1, NULL));
	/* Before DRIVER_OK, and of a queue there is not. */
	ASSERT_EQ(0, drv_negotiate(&self->d, DRV_SPLIT));
	ASSERT_EQ(0, drv_queue_setup(&self->d, 0, 4));
	out(VIRTIO_MMIO_QUEUE_READY, 0);
	EXPECT_EQ(0, in(VIRTIO_MMIO_QUEUE_READY));
	out(VIRTIO_MMIO_QUEUE_SEL, ECHO_QUEUES);
	out(VIRTIO_MMIO_QUEUE_READY, 0);
	EXPECT_EQ(0, in(VIRTIO_MMIO_QUEUE_READY));
}

/* A size is a number of 32 bits: one that is too large is not another one that is not. */
TEST_F(mmio, queue_num)
{
	static const u32 wrong[] = { 9, 0x10002, 0x80000004, ~0U };
	unsigned int i;

	ASSERT_EQ(0, drv_negotiate(&self->d, DRV_SPLIT));
	out(VIRTIO_MMIO_QUEUE_SEL, 0);
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		out(VIRTIO_MMIO_QUEUE_NUM, 4);
		EXPECT_EQ(4, self->e->vd.vqs[0].size);
		out(VIRTIO_MMIO_QUEUE_NUM, wrong[i]);
		EXPECT_EQ(0, self->e->vd.vqs[0].size);
	}
}

/* Only a zero resets; what has no meaning changes nothing. */
TEST_F(mmio, status)
{
	ASSERT_EQ(0, drv_setup(&self->d, DRV_SPLIT));
	out(VIRTIO_MMIO_STATUS, 0x100);
	out(VIRTIO_MMIO_STATUS, 0xffffff00);
	EXPECT_EQ(0xf, in(VIRTIO_MMIO_STATUS));
	EXPECT_TRUE(self->e->live);
	out(VIRTIO_MMIO_STATUS, 0);
	EXPECT_EQ(0, in(VIRTIO_MMIO_STATUS));
	EXPECT_FALSE(self->e->live);
}

TEST_F(mmio, cmdline)
{
	char buf[64], small[8];
	struct device other = { .name = "other" };

	ASSERT_LT(0, virtio_mmio_cmdline(self->d.dev, buf, sizeof(buf)));
	EXPECT_STREQ("virtio_mmio.device=4K@0xd0000000:5 ", buf);
	EXPECT_EQ(0, virtio_mmio_cmdline(self->d.dev, small, sizeof(small)));
	EXPECT_EQ(0, virtio_mmio_cmdline(&other, buf, sizeof(buf)));
}

/* A device that cannot be realized leaves nothing behind. */
TEST(realize_fails)
{
	struct drv *d = calloc(1, sizeof(*d));
	struct echo *e = echo_create(true);
	bool gone = false;

	e->destroyed = &gone;
	ASSERT_EQ(0, drv_machine(d));
	/* A line of levels has no eventfd. */
	d->vm.irqchip.lines[DRV_GSI].trigger = IRQ_LEVEL;
	d->ops = &drv_mmio_ops;
	d->vd = &e->vd;
	d->dev = virtio_mmio_create(&e->vd, DRV_MMIO_BASE, &d->vm.irqchip.lines[DRV_GSI]);
	ASSERT_NE(NULL, d->dev);
	EXPECT_NE(0, devices_add(&d->vm, d->dev));
	drv_end(d);
	EXPECT_TRUE(gone);
	free(d);
}

#endif

TEST_HARNESS_MAIN
