// SPDX-License-Identifier: GPL-2.0
/*
 * The write matrix: each register of both transports is written, in each size, with
 * each of many values, for each queue, while the queues run. What the device has
 * been told of a running queue stays as it is, whatever the driver writes, but for
 * what stops a queue or resets the device.
 */
#include <kselftest_harness.h>

#include "echo_test.h"

static const u64 values[] = {
	0, 1, 2, 3, 4, 7, 8, 9, 0x10, 0x40, 0x80, 0xff, 0x100, 0x1000, 0x7fff, 0x8000, 0xffff,
	0x10000, 0x10001, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000001, ~0ULL
};

/* What must not change. */
struct frozen {
	u64 features;
	struct {
		u64 desc;
		u64 driver;
		u64 device;
		u16 size;
		u16 max_size;
		bool enabled;
		bool running;
		const void *ring[3];
	} q[ECHO_QUEUES];
	unsigned int activations;
	unsigned int resets;
	unsigned int queue_resets;
	bool live;
};

static void take(const struct echo *e, struct frozen *f)
{
	unsigned int i;

	memset(f, 0, sizeof(*f));
	f->features = e->vd.features;
	f->activations = e->activations;
	f->resets = e->resets;
	f->queue_resets = e->queue_resets;
	f->live = e->live;
	for (i = 0; i < ECHO_QUEUES; i++) {
		const struct virtqueue *vq = &e->vd.vqs[i];

		f->q[i].desc = vq->desc;
		f->q[i].driver = vq->driver;
		f->q[i].device = vq->device;
		f->q[i].size = vq->size;
		f->q[i].max_size = vq->max_size;
		f->q[i].enabled = vq->enabled;
		f->q[i].running = vq->running;
		f->q[i].ring[0] = vq->ring_desc;
		f->q[i].ring[1] = vq->ring_driver;
		f->q[i].ring[2] = vq->ring_device;
	}
}

static bool is_frozen(const struct echo *e, const struct frozen *before)
{
	struct frozen now;

	take(e, &now);
	return !memcmp(&now, before, sizeof(now));
}

/*
 * Does this write stop a queue or reset the device? By the rules; a write of another
 * width than the register's does nothing.
 */
static bool mmio_stops(u32 off, unsigned int size, u64 val)
{
	if (size != 4)
		return false;
	val = (u32)val;
	return (off == VIRTIO_MMIO_STATUS && !val) ||
	       (off == VIRTIO_MMIO_QUEUE_READY && !val) ||
	       (off == VIRTIO_MMIO_QUEUE_RESET && val == 1);
}

static bool pci_stops(u32 off, unsigned int size, u64 val)
{
	return (off == VIRTIO_PCI_COMMON_STATUS && size == 1 && !(u8)val) ||
	       (off == VIRTIO_PCI_COMMON_Q_RESET && size == 2 && (u16)val == 1);
}

static void select_queue(struct drv *d, unsigned int q)
{
	d->ops->queue_max(d, 0);
	if (d->ops == drv_transport_ops(DRV_MMIO))
		drv_mmio_write(d, VIRTIO_MMIO_QUEUE_SEL, q);
	else
		drv_pci_select(d, q);
}

/* All of the matrix, for one selected queue: writes done. */
static unsigned int write_all(struct __test_metadata *_metadata, FIXTURE_DATA(core) *self, unsigned int q)
{
	bool mmio = self->d.ops == drv_transport_ops(DRV_MMIO);
	u64 base = mmio ? self->d.base : self->d.pci.common;
	unsigned int size, i, n = 0;
	struct frozen before;
	u32 off;

	take(self->e, &before);
	for (off = 0; off < 0x100; off++)
		for (size = 1; size <= 8; size *= 2)
			for (i = 0; i < ARRAY_SIZE(values); i++) {
				if (mmio ? mmio_stops(off, size, values[i]) :
				    pci_stops(off, size, values[i]))
					continue;
				select_queue(&self->d, q);
				drv_bus_write(&self->d, base + off, values[i], size);
				drv_run(&self->d);
				n++;
				if (is_frozen(self->e, &before))
					continue;
				TH_LOG("queue %u, %#x = %#llx, size %u", q, off,
				       (unsigned long long)values[i], size);
				_metadata->passed = 0;
				return 0;
			}
	return n;
}

/* What was written were also selectors and vectors: the driver's are back after this. */
TEST_F(core, matrix_running)
{
	unsigned int q;

	ASSERT_EQ(0, drv_setup(&self->d, variant->features));
	for (q = 0; q <= ECHO_QUEUES; q++)
		ASSERT_LT(20000, write_all(_metadata, self, q));
	for (q = 0; q < ECHO_QUEUES; q++)
		EXPECT_TRUE(echo_works(&self->d, q, 20));
	/* The driver has said that it failed, and the device does not. */
	EXPECT_EQ(0, drv_status(&self->d) & VIRTIO_CONFIG_S_NEEDS_RESET);
	ASSERT_EQ(0, drv_setup(&self->d, variant->features));
	EXPECT_TRUE(echo_works(&self->d, 0, 20));
	EXPECT_TRUE(drv_interrupted(&self->d, 0));
}

/* Queues that are enabled are frozen before DRIVER_OK as well, and before that nothing is set. */
TEST_F(core, matrix_enabled)
{
	const struct virtqueue *vq = self->e->vd.vqs;
	struct frozen before;
	unsigned int q, i;

	ASSERT_EQ(0, drv_negotiate(&self->d, variant->features));
	for (q = 0; q < ECHO_QUEUES; q++)
		ASSERT_EQ(0, drv_queue_setup(&self->d, q, 4));
	take(self->e, &before);
	for (q = 0; q < ECHO_QUEUES; q++)
		for (i = 0; i < ARRAY_SIZE(values); i++) {
			self->d.ops->queue_set(&self->d, q, values[i], values[i], values[i], values[i]);
			ASSERT_TRUE(is_frozen(self->e, &before));
		}
	ASSERT_EQ(0, drv_start(&self->d));
	EXPECT_EQ(4, vq[0].size);
	EXPECT_TRUE(echo_works(&self->d, 0, 20));
}

/* What is written before it is enabled arrives as it was written. */
TEST_F(core, matrix_before)
{
	const struct virtqueue *vq = &self->e->vd.vqs[1];

	ASSERT_EQ(0, drv_negotiate(&self->d, variant->features));
	self->d.ops->queue_set(&self->d, 1, 4, 0x123456789abcdef0, 0xfedcba9876543210,
			       0x0f1e2d3c4b5a6978);
	EXPECT_EQ(4, vq->size);
	EXPECT_EQ(0x123456789abcdef0, vq->desc);
	EXPECT_EQ(0xfedcba9876543210, vq->driver);
	EXPECT_EQ(0x0f1e2d3c4b5a6978, vq->device);
	EXPECT_FALSE(vq->enabled);
	/* Half an address leaves the other half. */
	self->d.ops->queue_set(&self->d, 1, 2, 0, 1ULL << 32, ~0ULL);
	EXPECT_EQ(0, vq->desc);
	EXPECT_EQ(1ULL << 32, vq->driver);
	EXPECT_EQ(~0ULL, vq->device);
	EXPECT_EQ(0, self->e->vd.vqs[0].desc | self->e->vd.vqs[2].desc);
}

/* The same for the device's config space: only what the device takes changes. */
TEST_F(core, matrix_config)
{
	u64 base = self->d.ops == drv_transport_ops(DRV_MMIO) ?
		   self->d.base + VIRTIO_MMIO_CONFIG : self->d.pci.device;
	u8 before[VIRTIO_CONFIG_MAX];
	struct frozen frozen;
	unsigned int size, i;
	u32 off;

	ASSERT_EQ(0, drv_setup(&self->d, variant->features));
	take(self->e, &frozen);
	memcpy(before, self->e->vd.config, sizeof(before));
	for (off = 0; off < VIRTIO_CONFIG_MAX + 16; off++)
		for (size = 1; size <= 8; size *= 2)
			for (i = 0; i < ARRAY_SIZE(values); i++) {
				drv_bus_write(&self->d, base + off, values[i], size);
				if (off + size > ECHO_WRITABLE)
					ASSERT_EQ(0, memcmp(before + ECHO_WRITABLE,
							    self->e->vd.config + ECHO_WRITABLE,
							    sizeof(before) - ECHO_WRITABLE));
			}
	EXPECT_TRUE(is_frozen(self->e, &frozen));
	EXPECT_TRUE(echo_works(&self->d, 0, 20));
}

/* Reads of any width anywhere have no effect but on PCI's ISR, and end. */
TEST_F(core, matrix_read)
{
	u64 len = self->d.ops == drv_transport_ops(DRV_MMIO) ? VIRTIO_MMIO_LEN : VIRTIO_PCI_BAR_LEN;
	struct frozen before;
	unsigned int size;
	u64 off;

	ASSERT_EQ(0, drv_setup(&self->d, variant->features));
	take(self->e, &before);
	for (off = 0; off < len; off++)
		for (size = 1; size <= 8; size *= 2)
			drv_bus_read(&self->d, self->d.base + off, size);
	EXPECT_TRUE(is_frozen(self->e, &before));
	EXPECT_TRUE(echo_works(&self->d, 0, 20));
	EXPECT_TRUE(drv_interrupted(&self->d, 0));
}

TEST_HARNESS_MAIN
