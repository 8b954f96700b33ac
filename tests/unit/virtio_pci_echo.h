/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TESTS_UNIT_VIRTIO_PCI_ECHO_H
#define TESTS_UNIT_VIRTIO_PCI_ECHO_H

/*
 * A simple device on virtio-pci, without KVM and with one that remembers what it was
 * asked for. Included after the harness.
 */
#include "fake_kvm.h"
#include "virtio_driver.h"

#define CONFIG_LEN	24
#define QUEUES		3
#define QUEUE_MAX	64

/**
 * struct echo - a device that uses every chain at once
 * @vd: the device
 * @ops: what it can do
 * @nr_queues: how many it has
 * @config_size: of its config space
 * @kicks: how often each queue was kicked
 * @gone: set when it is destroyed
 */
struct echo {
	struct virtio_dev vd;
	struct virtio_ops ops;
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
	e->ops = *ops;
	virtio_init(&e->vd, &e->ops, "echo0");
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

static inline int start_machine(struct drv *d, int vm_fd)
{
	int ret = drv_machine(d);

	d->vm.vm_fd = vm_fd;
	d->vm.irqchip.vm_fd = vm_fd;
	devpages_pool_init(&d->vm.pages, vm_fd);
	return ret;
}

static inline int start(FIXTURE_DATA(vpci) *self, int vm_fd, struct echo *e)
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

static inline bool has_kvm(const FIXTURE_VARIANT(vpci) *variant)
{
	return variant->vm_fd >= 0;
}

struct cap {
	u8 at;
	u8 len;
	u8 bar;
	u32 off;
	u32 length;
};

/* The first capability of a type; @at is 0 when there is none. */
static inline struct cap find_cap(struct drv *d, u8 type)
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

#endif /* TESTS_UNIT_VIRTIO_PCI_ECHO_H */
