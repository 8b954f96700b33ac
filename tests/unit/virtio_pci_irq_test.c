// SPDX-License-Identifier: GPL-2.0
/*
 * What virtio-pci has of its own (virtio 1.2, 4.1): vectors, INTx, the window in config
 * space, what KVM does without an exit, removal.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <kselftest_harness.h>

#if defined(CONFIG_VIRTIO_PCI)

#include "virtio_pci_echo.h"

/* ---- vectors (4.1.5.1.2) */

TEST_F(vpci, mapping)
{
	struct drv *d = self->d;
	u16 v;

	for (v = 0; v < d->pci.nr_vectors; v++) {
		SET(VIRTIO_PCI_COMMON_MSIX, v, 2);
		EXPECT_EQ(v, COMMON(VIRTIO_PCI_COMMON_MSIX, 2));
		SET(VIRTIO_PCI_COMMON_Q_SELECT, 2, 2);
		SET(VIRTIO_PCI_COMMON_Q_MSIX, v, 2);
		EXPECT_EQ(v, COMMON(VIRTIO_PCI_COMMON_Q_MSIX, 2));
	}
	for (; v; v = v * 2) {
		SET(VIRTIO_PCI_COMMON_MSIX, 1, 2);
		SET(VIRTIO_PCI_COMMON_Q_MSIX, 1, 2);
		SET(VIRTIO_PCI_COMMON_MSIX, v, 2);
		SET(VIRTIO_PCI_COMMON_Q_MSIX, v, 2);
		EXPECT_EQ(VIRTIO_MSI_NO_VECTOR, COMMON(VIRTIO_PCI_COMMON_MSIX, 2));
		EXPECT_EQ(VIRTIO_MSI_NO_VECTOR, COMMON(VIRTIO_PCI_COMMON_Q_MSIX, 2));
	}
	SET(VIRTIO_PCI_COMMON_MSIX, 1, 2);
	SET(VIRTIO_PCI_COMMON_Q_MSIX, 1, 2);
	SET(VIRTIO_PCI_COMMON_Q_MSIX, VIRTIO_MSI_NO_VECTOR, 2);
	EXPECT_EQ(VIRTIO_MSI_NO_VECTOR, COMMON(VIRTIO_PCI_COMMON_Q_MSIX, 2));
	SET(VIRTIO_PCI_COMMON_Q_MSIX, 2, 2);
	SET(VIRTIO_PCI_COMMON_STATUS, 0, 1);
	EXPECT_EQ(VIRTIO_MSI_NO_VECTOR, COMMON(VIRTIO_PCI_COMMON_MSIX, 2));
	SET(VIRTIO_PCI_COMMON_Q_SELECT, 2, 2);
	EXPECT_EQ(VIRTIO_MSI_NO_VECTOR, COMMON(VIRTIO_PCI_COMMON_Q_MSIX, 2));
}

TEST_F(vpci, no_descriptors_left_for_a_vector)
{
	struct rlimit old, none;

	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &old));
	none = old;
	none.rlim_cur = 0;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &none));
	SET(VIRTIO_PCI_COMMON_MSIX, 0, 2);
	SET(VIRTIO_PCI_COMMON_Q_MSIX, 1, 2);
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &old));
	EXPECT_EQ(VIRTIO_MSI_NO_VECTOR, COMMON(VIRTIO_PCI_COMMON_MSIX, 2));
	EXPECT_EQ(VIRTIO_MSI_NO_VECTOR, COMMON(VIRTIO_PCI_COMMON_Q_MSIX, 2));
	SET(VIRTIO_PCI_COMMON_Q_MSIX, 1, 2);
	EXPECT_EQ(1, COMMON(VIRTIO_PCI_COMMON_Q_MSIX, 2));
}

static bool request(struct drv *d, unsigned int q)
{
	u64 buf = drv_alloc(d, 16);
	u32 len;

	return drv_request(d, q, (struct drv_seg[]){ DRV_OUT(buf, 16) }, 1, &len);
}

#define ISR()	((u8)drv_bus_read(self->d, self->d->pci.isr, 1))

TEST_F(vpci, messages)
{
	struct drv *d = self->d;
	int q, k;

	ASSERT_EQ(0, drv_setup(d, DRV_PLAIN));
	for (q = 0; q < QUEUES; q++) {
		ASSERT_TRUE(request(d, q));
		for (k = 0; k < QUEUES; k++)
			EXPECT_EQ(k == q, drv_interrupted(d, k));
		EXPECT_FALSE(drv_config_interrupted(d));
	}
	EXPECT_EQ(0, ISR());
	/* The configuration's bit is set either way (4.1.4.5.1). */
	virtio_config_set(&self->e->vd, 0, "x", 1);
	EXPECT_TRUE(drv_config_interrupted(d));
	EXPECT_EQ(VIRTIO_PCI_ISR_CONFIG, ISR());
	EXPECT_EQ(0, ISR());
	/* Unmapped, no event interrupts. */
	SET(VIRTIO_PCI_COMMON_Q_SELECT, 1, 2);
	SET(VIRTIO_PCI_COMMON_Q_MSIX, VIRTIO_MSI_NO_VECTOR, 2);
	SET(VIRTIO_PCI_COMMON_MSIX, VIRTIO_MSI_NO_VECTOR, 2);
	ASSERT_TRUE(request(d, 1));
	virtio_config_set(&self->e->vd, 0, "y", 1);
	for (k = 0; k < QUEUES; k++)
		EXPECT_FALSE(drv_interrupted(d, k));
	EXPECT_FALSE(drv_config_interrupted(d));
	/* One for all of them. */
	for (q = 0; q < QUEUES; q++) {
		SET(VIRTIO_PCI_COMMON_Q_SELECT, q, 2);
		SET(VIRTIO_PCI_COMMON_Q_MSIX, 3, 2);
		ASSERT_TRUE(request(d, q));
		EXPECT_TRUE(drv_interrupted(d, 2));
	}
}

TEST_F(vpci, descriptors_for_vhost)
{
	struct virtio_dev *vd = &self->e->vd;
	const struct virtio_transport_ops *ops = vd->transport_ops;
	int q;

	for (q = 0; q < QUEUES; q++)
		EXPECT_EQ(-1, ops->queue_fd(vd, &vd->vqs[q]));
	ASSERT_EQ(0, drv_setup(self->d, DRV_ALL));
	for (q = 0; q < QUEUES; q++) {
		int fd = ops->queue_fd(vd, &vd->vqs[q]);
		static const u64 one = 1;

		ASSERT_LE(0, fd);
		EXPECT_EQ(has_kvm(variant), fake_irqfd_gsi(fd) >= 24);
		ASSERT_EQ(sizeof(one), write(fd, &one, sizeof(one)));
		EXPECT_TRUE(drv_interrupted(self->d, q));
	}
	/* With INTx somebody has to set the ISR status. */
	drv_pci_use_intx(self->d);
	EXPECT_EQ(-1, ops->queue_fd(vd, &vd->vqs[0]));
}

/* ---- INTx (4.1.4.5, 4.1.5.3) */

/* The device's slot is 1: pin A leads to the second line. */
#define LINE	(self->d->vm.irqchip.lines[DRV_PCI_GSI + 1].level)
#define INTX_STATUS	(!!(CONFIG(PCI_STATUS, 2) & PCI_STATUS_INTERRUPT))

TEST_F(vpci, intx)
{
	struct drv *d = self->d;

	drv_pci_use_intx(d);
	ASSERT_EQ(0, drv_setup(d, DRV_PLAIN));
	EXPECT_FALSE(LINE);
	ASSERT_TRUE(request(d, 0));
	EXPECT_TRUE(LINE);
	EXPECT_TRUE(INTX_STATUS);
	virtio_config_set(&self->e->vd, 0, "x", 1);
	/* Read means taken. */
	EXPECT_EQ(DRV_PCI_ISR_QUEUE | VIRTIO_PCI_ISR_CONFIG, ISR());
	EXPECT_FALSE(LINE);
	EXPECT_FALSE(INTX_STATUS);
	EXPECT_EQ(0, ISR());
	ASSERT_TRUE(request(d, 2));
	EXPECT_EQ(DRV_PCI_ISR_QUEUE, drv_bus_read(d, d->pci.isr, 4));
	EXPECT_FALSE(LINE);
	/* Masked by the standard's bit: the status is still there. */
	drv_pci_set_config(d, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_INTX_DISABLE, 2);
	ASSERT_TRUE(request(d, 1));
	EXPECT_FALSE(LINE);
	EXPECT_TRUE(INTX_STATUS);
	drv_pci_set_config(d, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	EXPECT_TRUE(LINE);
	/* A reset takes it back. */
	SET(VIRTIO_PCI_COMMON_STATUS, 0, 1);
	EXPECT_FALSE(LINE);
	EXPECT_EQ(0, ISR());
}

/* ---- the window in config space (4.1.4.9) */

static void window_set(struct drv *d, u8 bar, u32 off, u32 len)
{
	struct cap c = find_cap(d, VIRTIO_PCI_CAP_PCI_CFG);

	drv_pci_set_config(d, c.at + VIRTIO_PCI_CAP_BAR, bar, 1);
	drv_pci_set_config(d, c.at + VIRTIO_PCI_CAP_OFFSET, off, 4);
	drv_pci_set_config(d, c.at + VIRTIO_PCI_CAP_LENGTH, len, 4);
}

static u32 window_read(struct drv *d, u32 off, u32 len)
{
	struct cap c = find_cap(d, VIRTIO_PCI_CAP_PCI_CFG);

	window_set(d, 0, off, len);
	return drv_pci_config(d, c.at + sizeof(struct virtio_pci_cap), len);
}

static void window_write(struct drv *d, u32 off, u32 val, u32 len)
{
	struct cap c = find_cap(d, VIRTIO_PCI_CAP_PCI_CFG);

	window_set(d, 0, off, len);
	drv_pci_set_config(d, c.at + sizeof(struct virtio_pci_cap), val, len);
}

TEST_F(vpci, window)
{
	struct drv *d = self->d;

	/* All of a driver's life, without the BAR being decoded. */
	drv_pci_set_config(d, PCI_COMMAND, 0, 2);
	EXPECT_EQ(QUEUES, window_read(d, VIRTIO_PCI_COMMON_NUMQ, 2));
	window_write(d, VIRTIO_PCI_COMMON_STATUS, 1, 1);
	EXPECT_EQ(1, window_read(d, VIRTIO_PCI_COMMON_STATUS, 1));
	window_write(d, VIRTIO_PCI_COMMON_STATUS, 3, 1);
	window_write(d, VIRTIO_PCI_COMMON_GFSELECT, 1, 4);
	EXPECT_EQ(1, window_read(d, VIRTIO_PCI_COMMON_GFSELECT, 4));
	window_write(d, VIRTIO_PCI_COMMON_GF, 1, 4);
	window_write(d, VIRTIO_PCI_COMMON_STATUS, 11, 1);
	EXPECT_EQ(11, window_read(d, VIRTIO_PCI_COMMON_STATUS, 1));
	window_write(d, VIRTIO_PCI_DEVICE + 4, 0x01234567, 4);
	EXPECT_EQ(0x4567, window_read(d, VIRTIO_PCI_DEVICE + 4, 2));
	window_write(d, VIRTIO_PCI_COMMON_STATUS, 0, 1);
	EXPECT_EQ(0, window_read(d, VIRTIO_PCI_COMMON_STATUS, 1));
	EXPECT_EQ(0, self->e->vd.status);
}

TEST_F(vpci, window_on_what_has_side_effects)
{
	struct drv *d = self->d;

	drv_pci_use_intx(d);
	ASSERT_EQ(0, drv_setup(d, DRV_PLAIN));
	/* Reads of config space do not exit, until they have to. */
	EXPECT_EQ(has_kvm(variant), !!fake_slot_at(DRV_PCI_ECAM));
	ASSERT_TRUE(request(d, 0));
	EXPECT_TRUE(LINE);
	window_set(d, 0, VIRTIO_PCI_ISR_STATUS, 1);
	EXPECT_EQ(NULL, fake_slot_at(DRV_PCI_ECAM));
	EXPECT_TRUE(LINE);
	EXPECT_EQ(1, window_read(d, VIRTIO_PCI_ISR_STATUS, 1));
	EXPECT_FALSE(LINE);
	EXPECT_EQ(0, window_read(d, VIRTIO_PCI_ISR_STATUS, 1));
	/* A kick. */
	drv_run(d);
	self->e->kicks[1] = 0;
	window_write(d, VIRTIO_PCI_NOTIFY + VIRTIO_PCI_MULTIPLIER, 1, 2);
	drv_run(d);
	EXPECT_EQ(1, self->e->kicks[1]);
}

TEST_F(vpci, window_on_nothing)
{
	struct drv *d = self->d;
	struct cap c = find_cap(d, VIRTIO_PCI_CAP_PCI_CFG);
	u8 data = c.at + sizeof(struct virtio_pci_cap);
	static const u32 wrong[][3] = {
		{ 1, VIRTIO_PCI_COMMON_STATUS, 1 }, { 6, VIRTIO_PCI_COMMON_STATUS, 1 },
		{ 0, VIRTIO_PCI_COMMON_STATUS, 0 }, { 0, VIRTIO_PCI_COMMON_STATUS, 3 },
		{ 0, VIRTIO_PCI_COMMON_STATUS, 8 }, { 0, VIRTIO_PCI_COMMON_STATUS, ~0U },
		{ 0, VIRTIO_PCI_COMMON_STATUS - 1, 2 }, { 0, VIRTIO_PCI_COMMON_STATUS - 2, 4 },
		{ 0, VIRTIO_PCI_BAR_LEN, 4 }, { 0, ~3U, 4 }, { 0, ~0U, 1 },
		{ 0, VIRTIO_PCI_BAR_LEN - 4, 4 }, { 0, VIRTIO_PCI_NOTIFY + 0xffc, 4 },
		{ 0, VIRTIO_PCI_NOTIFY + 2, 2 }, { 0, VIRTIO_PCI_TABLE + 0xffc, 4 },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		window_set(d, wrong[i][0], wrong[i][1], wrong[i][2]);
		EXPECT_EQ(wrong[i][1], CONFIG(c.at + VIRTIO_PCI_CAP_OFFSET, 4));
		EXPECT_EQ(wrong[i][2], CONFIG(c.at + VIRTIO_PCI_CAP_LENGTH, 4));
		drv_pci_set_config(d, data, 0xffffffff, 4);
		EXPECT_EQ(0, virtio_status(&self->e->vd));
		CONFIG(data, 4);
	}
	/* What the driver cannot write of it. */
	drv_pci_set_config(d, c.at, 0xffffffff, 4);
	EXPECT_EQ(PCI_CAP_ID_VNDR, CONFIG(c.at, 1));
	EXPECT_EQ(c.len, CONFIG(c.at + VIRTIO_PCI_CAP_LEN, 1));
	EXPECT_EQ(VIRTIO_PCI_CAP_PCI_CFG, CONFIG(c.at + VIRTIO_PCI_CAP_CFG_TYPE, 1));
}

/* ---- what KVM is asked for */

TEST_F(vpci, registers_without_exits)
{
	struct drv *d = self->d;
	const struct kvm_userspace_memory_region *s;
	const u8 *page;
	u32 off;

	ASSERT_EQ(0, drv_setup(d, DRV_ALL));
	virtio_config_set(&self->e->vd, 0, "abcdefgh", 8);
	s = fake_slot_at(d->base);
	ASSERT_EQ(has_kvm(variant), !!s);
	if (!s)
		return;
	EXPECT_EQ(d->base, s->guest_phys_addr);
	EXPECT_EQ(VIRTIO_PCI_DIRECT, s->memory_size);
	EXPECT_EQ(KVM_MEM_READONLY, s->flags);
	page = (const u8 *)s->userspace_addr;
	/* The guest sees what it would be told if it asked. */
	for (off = 0; off < VIRTIO_PCI_DIRECT; off++)
		ASSERT_EQ(drv_bus_read(d, d->base + off, 1), page[off]);
	EXPECT_EQ(0xf, page[VIRTIO_PCI_COMMON_STATUS]);
	EXPECT_EQ(0, memcmp(page + VIRTIO_PCI_DEVICE, "abcdefgh", 8));
	/* What has side effects is not among it. */
	EXPECT_EQ(NULL, fake_slot_at(d->pci.isr));
	EXPECT_EQ(NULL, fake_slot_at(d->pci.notify));
	EXPECT_EQ(NULL, fake_slot_at(d->base + VIRTIO_PCI_PENDING));
	/* No device's DMA gets there. */
	EXPECT_EQ(-EFAULT, gmem_read(&d->vm.gmem, d->base, (u8[1]){ }, 1));
	EXPECT_EQ(-EFAULT, gmem_read(&d->vm.gmem, DRV_PCI_ECAM, (u8[1]){ }, 1));
}

#define KICK_FD(base, q)	fake_kick_fd((base) + VIRTIO_PCI_NOTIFY + (q) * VIRTIO_PCI_MULTIPLIER)

TEST_F(vpci, kicks_without_exits)
{
	struct virtio_dev *vd = &self->e->vd;
	struct drv *d = self->d;
	u64 old = d->base, new = DRV_PCI_MEM + DRV_PCI_LEN - VIRTIO_PCI_BAR_LEN;
	int q;

	if (!has_kvm(variant))
		return;		/* of KVM alone */
	EXPECT_EQ(0, fake_count_kicks());
	ASSERT_EQ(0, drv_setup(d, DRV_ALL));
	for (q = 0; q < QUEUES; q++)
		EXPECT_EQ(vd->vqs[q].kick.fd, KICK_FD(old, q));
	EXPECT_EQ(QUEUES, fake_count_kicks());
	/* Any width, and whatever is written: KVM need not look. */
	EXPECT_EQ(0, fake_kvm.io[0].len);
	EXPECT_EQ(0, fake_kvm.io[0].flags);
	/* They go where the BAR goes. */
	drv_pci_set_config(d, PCI_BASE_ADDRESS_0, new, 4);
	for (q = 0; q < QUEUES; q++) {
		EXPECT_EQ(-1, KICK_FD(old, q));
		EXPECT_EQ(vd->vqs[q].kick.fd, KICK_FD(new, q));
	}
	EXPECT_EQ(new, fake_slot_at(new)->guest_phys_addr);
	EXPECT_EQ(NULL, fake_slot_at(old));
	drv_pci_set_config(d, PCI_COMMAND, 0, 2);
	EXPECT_EQ(0, fake_count_kicks());
	EXPECT_EQ(NULL, fake_slot_at(new));
	drv_pci_set_config(d, PCI_BASE_ADDRESS_0, old, 4);
	drv_pci_set_config(d, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	EXPECT_EQ(QUEUES, fake_count_kicks());
	/* A queue that is not served has none. */
	drv_pci_queue_reset(d, 1);
	EXPECT_EQ(-1, KICK_FD(old, 1));
	EXPECT_EQ(2, fake_count_kicks());
	drv_queue_setup(d, 1, 0);
	EXPECT_EQ(vd->vqs[1].kick.fd, KICK_FD(old, 1));
	drv_reset(d);
	EXPECT_EQ(0, fake_count_kicks());
}

TEST_F(vpci, kvm_has_no_room_for_kicks)
{
	fake_kvm.refuse = KVM_IOEVENTFD;
	fake_kvm.error = ENOSPC;
	ASSERT_EQ(0, drv_setup(self->d, DRV_ALL));
	EXPECT_TRUE(request(self->d, 1));
	drv_reset(self->d);
	EXPECT_EQ(0, fake_count_kicks());
	fake_kvm.refuse = 0;
}

TEST_F(vpci, machine_reset)
{
	struct drv *d = self->d;

	ASSERT_EQ(0, drv_setup(d, DRV_ALL));
	drv_pci_set_config(d, PCI_BASE_ADDRESS_0, DRV_PCI_MEM + 0x100000, 4);
	virtio_config_set(&self->e->vd, 0, "x", 1);
	devices_reset(&d->vm);
	EXPECT_EQ(0, virtio_status(&self->e->vd));
	EXPECT_EQ(0, CONFIG(PCI_COMMAND, 2));
	EXPECT_EQ(d->base, CONFIG(PCI_BASE_ADDRESS_0, 4));
	EXPECT_EQ(0, fake_count_kicks());
	EXPECT_EQ(0, CONFIG(d->pci.msix + PCI_MSIX_FLAGS, 2) >> 14);
	/* And all of it once more. */
	drv_pci_probe(d);
	EXPECT_EQ(0, ISR());
	ASSERT_EQ(0, drv_setup(d, DRV_ALL));
	EXPECT_TRUE(request(d, 2));
	EXPECT_TRUE(drv_interrupted(d, 2));
}

/* ---- removal */

struct hammer {
	struct drv *d;
	u64 base;
	bool stop;
	unsigned int done;
};

static void *hammer_thread(void *arg)
{
	struct hammer *h = arg;

	while (!__atomic_load_n(&h->stop, __ATOMIC_SEQ_CST)) {
		drv_bus_write(h->d, h->base + VIRTIO_PCI_COMMON_STATUS, 3 & h->done, 1);
		drv_bus_write(h->d, h->base + VIRTIO_PCI_COMMON_Q_MSIX, h->done % 5, 2);
		drv_bus_write(h->d, h->base + VIRTIO_PCI_NOTIFY + 4 * (h->done % 4), 0, 2);
		drv_bus_write(h->d, h->base + VIRTIO_PCI_DEVICE, h->done, 4);
		drv_bus_read(h->d, h->base + VIRTIO_PCI_ISR_STATUS, 1);
		drv_bus_read(h->d, h->base + VIRTIO_PCI_COMMON_STATUS, 4);
		h->done++;
	}
	return NULL;
}

TEST_F(vpci, removed_while_in_use)
{
	struct drv *d = self->d;
	struct hammer h[2];
	pthread_t threads[2];
	bool gone;
	int i, k;

	for (i = 0; i < 30; i++) {
		for (k = 0; k < 2; k++) {
			h[k] = (struct hammer) { .d = d, .base = d->base };
			ASSERT_EQ(0, pthread_create(&threads[k], NULL, hammer_thread, &h[k]));
		}
		usleep(500);
		gone = false;
		self->e->gone = &gone;
		list_del(&d->dev->node);
		d->dev->ops->destroy(d->dev);
		EXPECT_TRUE(gone);
		EXPECT_EQ(0xffffffff, CONFIG(PCI_VENDOR_ID, 4));
		for (k = 0; k < 2; k++) {
			__atomic_store_n(&h[k].stop, true, __ATOMIC_SEQ_CST);
			pthread_join(threads[k], NULL);
		}
		EXPECT_EQ(0, fake_count_kicks());
		EXPECT_EQ(NULL, fake_slot_at(d->base));
		/* Another one comes. */
		self->e = echo_new(&echo_ops, QUEUES, CONFIG_LEN);
		self->e->vd.manual_threads = true;
		d->vd = &self->e->vd;
		d->dev = virtio_pci_create(d->vd, d->vm.pci);
		ASSERT_EQ(0, devices_add(&d->vm, d->dev));
		memset(&d->pci, 0, sizeof(d->pci));
		ASSERT_TRUE(drv_pci_find(d));
		drv_pci_probe(d);
	}
	ASSERT_EQ(0, drv_setup(d, DRV_ALL));
	EXPECT_TRUE(request(d, 0));
}

#endif /* CONFIG_VIRTIO_PCI */

TEST_HARNESS_MAIN
