// SPDX-License-Identifier: GPL-2.0
/*
 * What virtio-pci has of its own (virtio 1.2, 4.1): capabilities, registers, vectors,
 * INTx, the window in config space, what is read without an exit. Without KVM, and
 * with one that remembers what it was asked for.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <kselftest_harness.h>

#if defined(CONFIG_VIRTIO_PCI)

#include "fake_kvm.h"
#include "virtio_driver.h"

#define CONFIG_LEN	24
#define QUEUES		3
#define QUEUE_MAX	64

/**
 * struct echo - a device that uses every chain at once
 * @vd: the device
 * @nr_queues: how many it has
 * @config_size: of its config space
 * @kicks: how often each queue was kicked
 * @gone: set when it is destroyed
 */
struct echo {
	struct virtio_dev vd;
	unsigned int nr_queues;
	u32 config_size;
	unsigned int kicks[VIRTIO_MAX_QUEUES];
	bool *gone;
};

static int echo_realize(struct virtio_dev *vd, struct vm *vm)
{
	struct echo *e = container_of(vd, struct echo, vd);

	vd->config_size = e->config_size;
	return virtio_set_queues(vd, e->nr_queues, QUEUE_MAX, 1);
}

static void echo_kick(struct virtio_dev *vd, struct virtqueue *vq)
{
	struct echo *e = container_of(vd, struct echo, vd);
	struct iovec iov[QUEUE_MAX];
	struct vq_chain c;

	e->kicks[vq->index]++;
	vq_chain_init(&c, iov, QUEUE_MAX);
	while (vq_pop(vq, &c) > 0)
		vq_push(vq, &c);
	vq_notify(vq);
}

static void echo_config_write(struct virtio_dev *vd, u32 off, const void *buf, u32 len)
{
	virtio_config_set_silent(vd, off, buf, len);
}

static void echo_destroy(struct virtio_dev *vd)
{
	struct echo *e = container_of(vd, struct echo, vd);

	if (e->gone)
		*e->gone = true;
	free(e);
}

static const struct virtio_ops echo_ops = {
	.id = VIRTIO_ID_RNG,
	.realize = echo_realize,
	.kick = echo_kick,
	.config_write = echo_config_write,
	.destroy = echo_destroy,
};

static struct echo *echo_new(const struct virtio_ops *ops, unsigned int queues, u32 config)
{
	struct echo *e = calloc(1, sizeof(*e));

	e->nr_queues = queues;
	e->config_size = config;
	virtio_init(&e->vd, ops, "echo0");
	return e;
}

FIXTURE(vpci) {
	struct drv *d;
	struct echo *e;
};

FIXTURE_VARIANT(vpci) {
	int vm_fd;
};

FIXTURE_VARIANT_ADD(vpci, no_kvm) { -1 };
FIXTURE_VARIANT_ADD(vpci, kvm) { FAKE_KVM_FD };

static int start_machine(struct drv *d, int vm_fd)
{
	int ret = drv_machine(d);

	d->vm.vm_fd = vm_fd;
	d->vm.irqchip.vm_fd = vm_fd;
	devpages_pool_init(&d->vm.pages, vm_fd);
	return ret;
}

static int start(FIXTURE_DATA(vpci) *self, int vm_fd, struct echo *e)
{
	int ret;

	fake_kvm_init();
	self->e = e;
	ret = start_machine(self->d, vm_fd);
	return ret ?: drv_init_dev(self->d, DRV_PCI, &e->vd);
}

FIXTURE_SETUP(vpci)
{
	self->d = calloc(1, sizeof(*self->d));
	ASSERT_EQ(0, start(self, variant->vm_fd, echo_new(&echo_ops, QUEUES, CONFIG_LEN)));
}

FIXTURE_TEARDOWN(vpci)
{
	drv_end(self->d);
	EXPECT_EQ(0, fake_count_slots());
	EXPECT_EQ(0, fake_count_kicks());
	free(self->d);
}

/* Another device instead of the fixture's. */
#define INSTEAD(e) do {									\
	drv_end(self->d);								\
	memset(self->d, 0, sizeof(*self->d));						\
	ASSERT_EQ(0, start(self, variant->vm_fd, e));					\
} while (0)

#define CONFIG(off, size)	drv_pci_config(self->d, off, size)
#define COMMON(off, size)	drv_pci_common(self->d, off, size)
#define SET(off, val, size)	drv_pci_set_common(self->d, off, val, size)

static bool has_kvm(const FIXTURE_VARIANT(vpci) *variant)
{
	return variant->vm_fd >= 0;
}

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

struct cap {
	u8 at;
	u8 len;
	u8 bar;
	u32 off;
	u32 length;
};

/* The first capability of a type; @at is 0 when there is none. */
static struct cap find_cap(struct drv *d, u8 type)
{
	struct cap c = { };
	u8 at;

	for (at = drv_pci_next_cap(d, 0); at && !c.at; at = drv_pci_next_cap(d, at)) {
		if (drv_pci_config(d, at, 1) != PCI_CAP_ID_VNDR ||
		    drv_pci_config(d, at + VIRTIO_PCI_CAP_CFG_TYPE, 1) != type)
			continue;
		c = (struct cap) {
			.at = at, .len = drv_pci_config(d, at + VIRTIO_PCI_CAP_LEN, 1),
			.bar = drv_pci_config(d, at + VIRTIO_PCI_CAP_BAR, 1),
			.off = drv_pci_config(d, at + VIRTIO_PCI_CAP_OFFSET, 4),
			.length = drv_pci_config(d, at + VIRTIO_PCI_CAP_LENGTH, 4),
		};
	}
	return c;
}

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
	bool stop;
};

static void *change_thread(void *arg)
{
	struct changer *c = arg;
	u8 config[CONFIG_LEN], n = 0;

	while (!__atomic_load_n(&c->stop, __ATOMIC_SEQ_CST)) {
		memset(config, n++, sizeof(config));
		virtio_config_set_silent(c->vd, 0, config, sizeof(config));
		usleep(n % 64 ? 0 : 50);
	}
	return NULL;
}

/* Read as a vCPU reads it, with nobody in between: all of it or a new generation. */
TEST_F(vpci, config_space_is_read_as_a_whole)
{
	struct changer c = { .vd = &self->e->vd };
	unsigned int i, k, whole = 0;
	pthread_t thread;
	u64 common = self->d->pci.common;

	ASSERT_EQ(0, pthread_create(&thread, NULL, change_thread, &c));
	for (i = 0; i < 200000 && whole < 5000; i++) {
		u8 before = drv_bus_read(self->d, common + VIRTIO_PCI_COMMON_CFGGENERATION, 1);
		u8 config[CONFIG_LEN];

		for (k = 0; k < CONFIG_LEN; k++)
			config[k] = drv_config_read8(self->d, k);
		if (drv_generation(self->d) != before)
			continue;
		whole++;
		for (k = 1; k < CONFIG_LEN; k++)
			ASSERT_EQ(config[0], config[k]);
	}
	__atomic_store_n(&c.stop, true, __ATOMIC_SEQ_CST);
	pthread_join(thread, NULL);
	EXPECT_LT(0, whole);
}

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
		SKIP(return, "there is no KVM");
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
