// SPDX-License-Identifier: GPL-2.0
/*
 * What virtio-pci has of its own (virtio 1.2, 4.1): capabilities, registers, config
 * space.
 */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>

#include <kselftest_harness.h>

#if defined(CONFIG_VIRTIO_PCI)

#include "virtio_pci_echo.h"

/* ---- what it is (4.1.2) */

struct kind {
	u32 id;
	u32 class;
};

TEST_F(vpci, ids)
{
	static const struct kind kinds[] = {
		{ VIRTIO_ID_NET, 0x020000 }, { VIRTIO_ID_BLOCK, 0x010000 },
		{ VIRTIO_ID_CONSOLE, 0x078000 }, { VIRTIO_ID_RNG, 0x00ff00 },
		{ VIRTIO_ID_BALLOON, 0x00ff00 }, { VIRTIO_ID_SCSI, 0x010000 },
		{ VIRTIO_ID_9P, 0x018000 }, { VIRTIO_ID_VSOCK, 0x078000 },
		{ VIRTIO_ID_FS, 0x018000 }, { VIRTIO_ID_PMEM, 0x058000 },
	};
	struct virtio_ops ops = echo_ops;
	int i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		ops.id = kinds[i].id;
		INSTEAD(echo_new(&ops, QUEUES, CONFIG_LEN));
		EXPECT_EQ(0x1af4, CONFIG(PCI_VENDOR_ID, 2));
		EXPECT_EQ(0x1040 + kinds[i].id, CONFIG(PCI_DEVICE_ID, 2));
		EXPECT_LE(1, CONFIG(PCI_REVISION_ID, 1));
		EXPECT_EQ(kinds[i].class, CONFIG(PCI_CLASS_REVISION, 4) >> 8);
		EXPECT_LE(0x40, CONFIG(PCI_SUBSYSTEM_ID, 2));
		/* Memory alone: no I/O space, so nothing of a legacy device (4.1.2.1). */
		EXPECT_EQ(PCI_BASE_ADDRESS_SPACE_MEMORY, CONFIG(PCI_BASE_ADDRESS_0, 4) & 1);
	}
}

/* ---- capabilities (4.1.4) */

TEST_F(vpci, structures)
{
	static const u8 types[] = {
		VIRTIO_PCI_CAP_COMMON_CFG, VIRTIO_PCI_CAP_NOTIFY_CFG, VIRTIO_PCI_CAP_ISR_CFG,
		VIRTIO_PCI_CAP_DEVICE_CFG,
	};
	struct cap c[4];
	int i, k;

	for (i = 0; i < 4; i++) {
		c[i] = find_cap(self->d, types[i]);
		ASSERT_NE(0, c[i].at);
		EXPECT_EQ(types[i] == VIRTIO_PCI_CAP_NOTIFY_CFG ? 20 : 16, c[i].len);
		EXPECT_EQ(0, c[i].bar);
		EXPECT_EQ(0, c[i].off % 4);
		EXPECT_GE(VIRTIO_PCI_BAR_LEN, c[i].off + c[i].length);
		for (k = 0; k < i; k++)
			EXPECT_TRUE(c[i].off + c[i].length <= c[k].off ||
				    c[k].off + c[k].length <= c[i].off);
	}
	EXPECT_LE(60, c[0].length);
	EXPECT_LE(1, c[2].length);
	EXPECT_EQ(CONFIG_LEN, c[3].length);
	/* What a kick hits has a page of its own, and so has what exits. */
	for (i = 0; i < 4; i++)
		for (k = 0; k < i; k++)
			EXPECT_NE(c[i].off / 4096, c[k].off / 4096);
	EXPECT_NE(0, find_cap(self->d, VIRTIO_PCI_CAP_PCI_CFG).at);
	EXPECT_EQ(20, find_cap(self->d, VIRTIO_PCI_CAP_PCI_CFG).len);
}

TEST_F(vpci, no_config_space)
{
	INSTEAD(echo_new(&echo_ops, 1, 0));
	EXPECT_EQ(0, find_cap(self->d, VIRTIO_PCI_CAP_DEVICE_CFG).at);
	EXPECT_NE(0, find_cap(self->d, VIRTIO_PCI_CAP_COMMON_CFG).at);
}

/* 4.1.4.4.1 */
TEST_F(vpci, notification_structure)
{
	static const unsigned int queues[] = { 1, 2, 17, VIRTIO_MAX_QUEUES };
	int i;

	for (i = 0; i < ARRAY_SIZE(queues); i++) {
		struct cap c;
		unsigned int q;
		u32 mul;

		INSTEAD(echo_new(&echo_ops, queues[i], 0));
		c = find_cap(self->d, VIRTIO_PCI_CAP_NOTIFY_CFG);
		mul = CONFIG(c.at + VIRTIO_PCI_NOTIFY_CAP_MULT, 4);
		EXPECT_TRUE(mul >= 2 && !(mul & (mul - 1)));
		EXPECT_EQ(queues[i], COMMON(VIRTIO_PCI_COMMON_NUMQ, 2));
		for (q = 0; q < queues[i]; q++) {
			SET(VIRTIO_PCI_COMMON_Q_SELECT, q, 2);
			EXPECT_LE(COMMON(VIRTIO_PCI_COMMON_Q_NOFF, 2) * mul + 2, c.length);
			EXPECT_EQ(q, COMMON(VIRTIO_PCI_COMMON_Q_NOFF, 2));
		}
	}
}

/* 4.1.5.1.2.1: one for each queue, and one for the configuration. */
TEST_F(vpci, table_size)
{
	static const unsigned int queues[] = { 1, 2, 17, VIRTIO_MAX_QUEUES };
	int i;

	for (i = 0; i < ARRAY_SIZE(queues); i++) {
		INSTEAD(echo_new(&echo_ops, queues[i], 0));
		EXPECT_EQ(queues[i] + 1, self->d->pci.nr_vectors);
		EXPECT_GE(VIRTIO_PCI_MAX_VECTORS, self->d->pci.nr_vectors);
	}
}

/* ---- common configuration (4.1.4.3) */

TEST_F(vpci, features)
{
	u64 offered = self->e->vd.offered;
	u32 i;

	for (i = 0; i < 4; i++) {
		SET(VIRTIO_PCI_COMMON_DFSELECT, i, 4);
		EXPECT_EQ(i, COMMON(VIRTIO_PCI_COMMON_DFSELECT, 4));
		EXPECT_EQ(i < 2 ? (u32)(offered >> 32 * i) : 0, COMMON(VIRTIO_PCI_COMMON_DF, 4));
	}
	SET(VIRTIO_PCI_COMMON_DFSELECT, 0xffffffff, 4);
	EXPECT_EQ(0, COMMON(VIRTIO_PCI_COMMON_DF, 4));
	SET(VIRTIO_PCI_COMMON_DF, 0x12345678, 4);
	EXPECT_EQ(0, COMMON(VIRTIO_PCI_COMMON_DF, 4));
	SET(VIRTIO_PCI_COMMON_GFSELECT, 1, 4);
	SET(VIRTIO_PCI_COMMON_GF, 1, 4);
	EXPECT_EQ(1, COMMON(VIRTIO_PCI_COMMON_GF, 4));
	SET(VIRTIO_PCI_COMMON_GFSELECT, 0, 4);
	EXPECT_EQ(0, COMMON(VIRTIO_PCI_COMMON_GF, 4));
	SET(VIRTIO_PCI_COMMON_GFSELECT, 2, 4);
	SET(VIRTIO_PCI_COMMON_GF, 1, 4);
	EXPECT_EQ(0, COMMON(VIRTIO_PCI_COMMON_GF, 4));
	SET(VIRTIO_PCI_COMMON_GFSELECT, 1, 4);
	EXPECT_EQ(1, COMMON(VIRTIO_PCI_COMMON_GF, 4));
	drv_reset(self->d);
	EXPECT_EQ(0, COMMON(VIRTIO_PCI_COMMON_GFSELECT, 4));
	EXPECT_EQ(0, COMMON(VIRTIO_PCI_COMMON_DFSELECT, 4));
	SET(VIRTIO_PCI_COMMON_GFSELECT, 1, 4);
	EXPECT_EQ(0, COMMON(VIRTIO_PCI_COMMON_GF, 4));
}

static const u32 address_regs[] = {
	VIRTIO_PCI_COMMON_Q_DESCLO, VIRTIO_PCI_COMMON_Q_AVAILLO, VIRTIO_PCI_COMMON_Q_USEDLO,
};

TEST_F(vpci, queue_registers)
{
	const struct virtqueue *vq = &self->e->vd.vqs[1];
	u64 at = self->d->pci.common;
	int i;

	ASSERT_EQ(0, drv_negotiate(self->d, DRV_PLAIN));
	SET(VIRTIO_PCI_COMMON_Q_SELECT, 1, 2);
	EXPECT_EQ(1, COMMON(VIRTIO_PCI_COMMON_Q_SELECT, 2));
	EXPECT_EQ(QUEUE_MAX, COMMON(VIRTIO_PCI_COMMON_Q_SIZE, 2));
	EXPECT_EQ(VIRTIO_MSI_NO_VECTOR, COMMON(VIRTIO_PCI_COMMON_Q_MSIX, 2));
	EXPECT_EQ(0, COMMON(VIRTIO_PCI_COMMON_Q_ENABLE, 2));
	SET(VIRTIO_PCI_COMMON_Q_SIZE, 8, 2);
	EXPECT_EQ(8, COMMON(VIRTIO_PCI_COMMON_Q_SIZE, 2));
	/* Both halves, in either order, and as one (4.1.3.2). */
	for (i = 0; i < 3; i++) {
		SET(address_regs[i] + 4, 0x11223344, 4);
		SET(address_regs[i], 0x55667700 + i, 4);
		EXPECT_EQ(0x55667700 + i, COMMON(address_regs[i], 4));
		EXPECT_EQ(0x11223344, COMMON(address_regs[i] + 4, 4));
		EXPECT_EQ(0x1122334455667700 + i, drv_bus_read(self->d, at + address_regs[i], 8));
	}
	EXPECT_EQ(0x1122334455667700, vq->desc);
	EXPECT_EQ(0x1122334455667701, vq->driver);
	EXPECT_EQ(0x1122334455667702, vq->device);
	drv_bus_write(self->d, at + VIRTIO_PCI_COMMON_Q_DESCLO, 0x99aabbccddeeff00, 8);
	EXPECT_EQ(0x99aabbccddeeff00, vq->desc);
	/* The other queues know nothing of it. */
	SET(VIRTIO_PCI_COMMON_Q_SELECT, 2, 2);
	EXPECT_EQ(QUEUE_MAX, COMMON(VIRTIO_PCI_COMMON_Q_SIZE, 2));
	EXPECT_EQ(0, COMMON(VIRTIO_PCI_COMMON_Q_DESCLO, 4));
	drv_reset(self->d);
	EXPECT_EQ(0, COMMON(VIRTIO_PCI_COMMON_Q_SELECT, 2));
	SET(VIRTIO_PCI_COMMON_Q_SELECT, 1, 2);
	EXPECT_EQ(QUEUE_MAX, COMMON(VIRTIO_PCI_COMMON_Q_SIZE, 2));
	EXPECT_EQ(0, COMMON(VIRTIO_PCI_COMMON_Q_DESCHI, 4));
}

TEST_F(vpci, queues_that_are_not_there)
{
	u32 q, reg;

	ASSERT_EQ(0, drv_negotiate(self->d, DRV_ALL));
	for (q = QUEUES; q <= 0xffff; q = q * 2 + 1) {
		SET(VIRTIO_PCI_COMMON_Q_SELECT, q, 2);
		EXPECT_EQ(q, COMMON(VIRTIO_PCI_COMMON_Q_SELECT, 2));
		for (reg = VIRTIO_PCI_COMMON_Q_SIZE; reg < 60; reg += 2)
			SET(reg, 1, 2);
		for (reg = VIRTIO_PCI_COMMON_Q_DESCLO; reg < 56; reg += 4)
			SET(reg, 4096, 4);
		EXPECT_EQ(0, COMMON(VIRTIO_PCI_COMMON_Q_SIZE, 2));
		EXPECT_EQ(VIRTIO_MSI_NO_VECTOR, COMMON(VIRTIO_PCI_COMMON_Q_MSIX, 2));
		for (reg = VIRTIO_PCI_COMMON_Q_ENABLE; reg < 60; reg += 2)
			EXPECT_EQ(0, COMMON(reg, 2));
	}
}

/* 4.1.4.3.1: 0 or a power of two, for split rings. */
TEST_F(vpci, queue_sizes)
{
	u32 size;
	int packed;

	for (packed = 0; packed < 2; packed++) {
		ASSERT_EQ(0, drv_negotiate(self->d, packed ? DRV_ALL : DRV_SPLIT));
		SET(VIRTIO_PCI_COMMON_Q_SELECT, 0, 2);
		for (size = 0; size <= 0xffff; size += size < 200 ? 1 : 97) {
			u16 shown = size;

			if (size > QUEUE_MAX || (!packed && (size & (size - 1))))
				shown = 0;
			SET(VIRTIO_PCI_COMMON_Q_SIZE, size, 2);
			ASSERT_EQ(shown, COMMON(VIRTIO_PCI_COMMON_Q_SIZE, 2));
		}
	}
}

/* A register has one width (4.1.3.1), and some cannot be written. */
TEST_F(vpci, other_widths)
{
	u8 before[64], after[64];
	u32 off, size;

	ASSERT_EQ(0, drv_negotiate(self->d, DRV_ALL));
	SET(VIRTIO_PCI_COMMON_Q_SELECT, 1, 2);
	for (off = 0; off < 64; off++)
		before[off] = COMMON(off, 1);
	for (off = 0; off < 64; off++) {
		for (size = 1; size <= 8; size *= 2) {
			bool reg32 = off < 16 && off % 4 == 0;
			bool reg16 = off == 16 || (off >= 22 && off < 30 && off % 2 == 0) || off == 58;
			bool reg64 = off >= 32 && off < 56 && off % 4 == 0;

			if ((size >= 4 && (reg32 || reg64 || (size == 8 && off == 28))) ||
			    (size == 2 && reg16) || (size == 1 && off == 20))
				continue;
			drv_bus_write(self->d, self->d->pci.common + off, ~0ULL, size);
		}
	}
	for (off = 0; off < 64; off++)
		after[off] = COMMON(off, 1);
	EXPECT_EQ(0, memcmp(before, after, sizeof(before)));
}

/* Rings, sizes and enable do not change while a queue is served. */
TEST_F(vpci, write_matrix_after_driver_ok)
{
	static const u32 values[] = { 0, 1, 2, 0x1000, 0xffff, 0xffffffff };
	struct virtqueue vq;
	u32 off, size;
	int i;

	ASSERT_EQ(0, drv_setup(self->d, DRV_PLAIN));
	SET(VIRTIO_PCI_COMMON_Q_SELECT, 1, 2);
	vq = self->e->vd.vqs[1];
	for (off = VIRTIO_PCI_COMMON_Q_SIZE; off < VIRTIO_PCI_COMMON_Q_NDATA; off++) {
		if (off == VIRTIO_PCI_COMMON_Q_MSIX)
			continue;
		for (size = 1; size <= 8; size *= 2) {
			/* A write of 8 bytes that ends in queue_reset is another matter. */
			for (i = 0; i < ARRAY_SIZE(values); i++)
				drv_bus_write(self->d, self->d->pci.common + off, values[i], size);
			EXPECT_EQ(0, memcmp(&vq, &self->e->vd.vqs[1], sizeof(vq)));
		}
	}
	EXPECT_EQ(1, COMMON(VIRTIO_PCI_COMMON_Q_ENABLE, 2));
	EXPECT_EQ(0xf, drv_status(self->d));
}

TEST_F(vpci, queue_reset)
{
	ASSERT_EQ(0, drv_setup(self->d, DRV_ALL));
	SET(VIRTIO_PCI_COMMON_Q_SELECT, 1, 2);
	EXPECT_EQ(2, COMMON(VIRTIO_PCI_COMMON_Q_MSIX, 2));
	SET(VIRTIO_PCI_COMMON_Q_RESET, 0, 2);
	EXPECT_EQ(1, COMMON(VIRTIO_PCI_COMMON_Q_ENABLE, 2));
	SET(VIRTIO_PCI_COMMON_Q_RESET, 1, 2);
	EXPECT_EQ(0, COMMON(VIRTIO_PCI_COMMON_Q_RESET, 2));
	EXPECT_EQ(0, COMMON(VIRTIO_PCI_COMMON_Q_ENABLE, 2));
	EXPECT_EQ(QUEUE_MAX, COMMON(VIRTIO_PCI_COMMON_Q_SIZE, 2));
	EXPECT_EQ(VIRTIO_MSI_NO_VECTOR, COMMON(VIRTIO_PCI_COMMON_Q_MSIX, 2));
	drv_queue_setup(self->d, 1, 16);
	EXPECT_EQ(1, COMMON(VIRTIO_PCI_COMMON_Q_ENABLE, 2));
	EXPECT_EQ(0, COMMON(VIRTIO_PCI_COMMON_Q_RESET, 2));
	/* Not negotiated: there is no such register. */
	ASSERT_EQ(0, drv_setup(self->d, ~BIT_ULL(VIRTIO_F_RING_RESET)));
	SET(VIRTIO_PCI_COMMON_Q_SELECT, 1, 2);
	SET(VIRTIO_PCI_COMMON_Q_RESET, 1, 2);
	EXPECT_EQ(1, COMMON(VIRTIO_PCI_COMMON_Q_ENABLE, 2));
	EXPECT_EQ(2, COMMON(VIRTIO_PCI_COMMON_Q_MSIX, 2));
}

TEST_F(vpci, status_that_the_device_sets)
{
	ASSERT_EQ(0, drv_setup(self->d, DRV_ALL));
	EXPECT_EQ(0xf, drv_status(self->d));
	virtio_needs_reset(&self->e->vd, "a test");
	EXPECT_EQ(0x4f, drv_status(self->d));
	EXPECT_TRUE(drv_config_interrupted(self->d));
	drv_reset(self->d);
	EXPECT_EQ(0, drv_status(self->d));
}

/* ---- config space (4.1.4.6) */

TEST_F(vpci, config_space)
{
	u8 config[CONFIG_LEN];
	u32 i, generation;

	ASSERT_EQ(0, drv_setup(self->d, DRV_ALL));
	generation = drv_generation(self->d);
	EXPECT_EQ(generation, drv_generation(self->d));
	for (i = 0; i < CONFIG_LEN; i++)
		config[i] = i + 1;
	virtio_config_set(&self->e->vd, 0, config, sizeof(config));
	EXPECT_NE(generation, drv_generation(self->d));
	EXPECT_TRUE(drv_config_interrupted(self->d));
	EXPECT_EQ(0x0807060504030201, drv_config_read64(self->d, 0));
	EXPECT_EQ(0x0605, drv_config_read16(self->d, 4));
	EXPECT_EQ(CONFIG_LEN, drv_config_read8(self->d, CONFIG_LEN - 1));
	/* Nothing lies behind its end, where the page still goes on. */
	EXPECT_EQ(0, drv_config_read8(self->d, CONFIG_LEN));
	EXPECT_EQ(0, drv_config_read32(self->d, 4092));
	generation = drv_generation(self->d);
	drv_config_write32(self->d, 8, 0xcafe0123);
	EXPECT_EQ(0xcafe0123, drv_config_read32(self->d, 8));
	EXPECT_NE(generation, drv_generation(self->d));
	drv_config_write32(self->d, CONFIG_LEN - 2, 0xffffffff);
	drv_config_write32(self->d, CONFIG_LEN, 0xffffffff);
	drv_config_write32(self->d, 4092, 0xffffffff);
	EXPECT_EQ(CONFIG_LEN, drv_config_read8(self->d, CONFIG_LEN - 1));
	EXPECT_EQ(0, drv_config_read32(self->d, CONFIG_LEN));
}

struct changer {
	struct virtio_dev *vd;
	unsigned int rounds;
	bool stop;
};

/* The generation has 8 bits: it would say nothing after 128 changes in one reading. */
static void *change_thread(void *arg)
{
	struct changer *c = arg;
	unsigned int changes = 0, round = 0, now;
	u8 config[CONFIG_LEN], n = 0;

	while (!__atomic_load_n(&c->stop, __ATOMIC_SEQ_CST)) {
		now = __atomic_load_n(&c->rounds, __ATOMIC_SEQ_CST);
		if (now != round) {
			round = now;
			changes = 0;
		}
		if (changes == 50) {
			sched_yield();
			continue;
		}
		memset(config, n++, sizeof(config));
		virtio_config_set_silent(c->vd, 0, config, sizeof(config));
		changes++;
	}
	return NULL;
}

static bool same_bytes(const u8 *p, size_t len)
{
	return !memcmp(p, p + 1, len - 1);
}

/* A writer that lost its CPU halfway through goes on some time. */
static bool generation_changes(struct drv *d, u8 before)
{
	unsigned int i;

	for (i = 0; i < 10000 && drv_generation(d) == before; i++)
		usleep(100);
	return drv_generation(d) != before;
}

/*
 * Read as a vCPU reads it, with nobody in between: all of it, or another generation
 * follows, of which a driver that runs is notified.
 */
TEST_F(vpci, config_space_is_read_as_a_whole)
{
	struct changer c = { .vd = &self->e->vd };
	unsigned int i, k, whole = 0;
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, change_thread, &c));
	for (i = 0; i < 100000 && whole < 3000; i++) {
		u8 before = drv_generation(self->d);
		u8 config[CONFIG_LEN];

		for (k = 0; k < CONFIG_LEN; k++)
			config[k] = drv_config_read8(self->d, k);
		if (drv_generation(self->d) == before) {
			EXPECT_TRUE(same_bytes(config, sizeof(config)) ||
				    generation_changes(self->d, before));
			whole++;
		}
		__atomic_fetch_add(&c.rounds, 1, __ATOMIC_SEQ_CST);
	}
	__atomic_store_n(&c.stop, true, __ATOMIC_SEQ_CST);
	pthread_join(thread, NULL);
	EXPECT_LT(0, whole);
}

#endif /* CONFIG_VIRTIO_PCI */

TEST_HARNESS_MAIN
