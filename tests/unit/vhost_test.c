// SPDX-License-Identifier: GPL-2.0
/*
 * What the host's kernel is told of queues that it is to serve, and what becomes of
 * its answers. There is no vhost here: its ioctls are answered by the test.
 */
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <linux/vhost.h>

#include <vmtool/vhost.h>

#include "capture.h"
#include "virtio_driver.h"

#include <kselftest_harness.h>

#define QUEUES	3			/* the node has the last two */
#define FIRST	1
#define SIZE	64

/* The kernel's side. */
static struct {
	u64 features;
	unsigned long fail;		/* this ioctl fails */
	int owners;
	u64 set_features;
	struct vhost_memory *mem;
	struct vhost_vring_addr addr[2];
	unsigned int num[2];
	unsigned int base[2];
	int kick[2];
	int call[2];
	int err[2];
	unsigned long last[64];
	unsigned int nr_last;
} kernel;

static int set_fd(int *fds, const struct vhost_vring_file *file)
{
	if (file->index > 1)
		return -1;
	fds[file->index] = file->fd;
	return 0;
}

static int set_mem(const struct vhost_memory *mem)
{
	size_t size = sizeof(*mem) + mem->nregions * sizeof(mem->regions[0]);

	free(kernel.mem);
	kernel.mem = malloc(size);
	memcpy(kernel.mem, mem, size);
	return 0;
}

static int vhost_op(unsigned long op, void *arg)
{
	struct vhost_vring_state *state = arg;

	if (kernel.nr_last < ARRAY_SIZE(kernel.last))
		kernel.last[kernel.nr_last++] = op;
	if (op == kernel.fail) {
		errno = ENOBUFS;
		return -1;
	}
	switch (op) {
	case VHOST_SET_OWNER:
		kernel.owners++;
		return 0;
	case VHOST_GET_FEATURES:
		*(u64 *)arg = kernel.features;
		return 0;
	case VHOST_SET_FEATURES:
		kernel.set_features = *(u64 *)arg;
		return 0;
	case VHOST_SET_MEM_TABLE:
		return set_mem(arg);
	case VHOST_SET_VRING_NUM:
		kernel.num[state->index] = state->num;
		return 0;
	case VHOST_SET_VRING_BASE:
		kernel.base[state->index] = state->num;
		return 0;
	case VHOST_GET_VRING_BASE:
		state->num = 7;
		return 0;
	case VHOST_SET_VRING_ADDR:
		kernel.addr[((struct vhost_vring_addr *)arg)->index] =
			*(struct vhost_vring_addr *)arg;
		return 0;
	case VHOST_SET_VRING_KICK:
		return set_fd(kernel.kick, arg);
	case VHOST_SET_VRING_CALL:
		return set_fd(kernel.call, arg);
	case VHOST_SET_VRING_ERR:
		return set_fd(kernel.err, arg);
	}
	errno = ENOTTY;
	return -1;
}

int fake_ioctl(int fd, unsigned long op, ...) __asm__("ioctl");

int fake_ioctl(int fd, unsigned long op, ...)
{
	va_list ap;
	void *arg;

	va_start(ap, op);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (_IOC_TYPE(op) == VHOST_VIRTIO)
		return vhost_op(op, arg);
	return syscall(SYS_ioctl, fd, op, arg);
}

/* --- a device of which two queues are the kernel's ---------------------------------------- */

struct dev {
	struct virtio_dev vd;
	struct vhost vh;
	int kicks[QUEUES];
};

static char node[64];

static int dev_realize(struct virtio_dev *vd, struct vm *vm)
{
	struct dev *dev = container_of(vd, struct dev, vd);
	int ret = virtio_set_queues(vd, QUEUES, SIZE, 1);

	ret = ret ?: vhost_open(&dev->vh, vd, node, FIRST, 2);
	vd->offered &= ~VIRTIO_COMMON_FEATURES | kernel.features;
	return ret;
}

static int dev_activate(struct virtio_dev *vd)
{
	return vhost_start(&container_of(vd, struct dev, vd)->vh, vd->features);
}

static void dev_reset(struct virtio_dev *vd)
{
	vhost_stop(&container_of(vd, struct dev, vd)->vh);
}

static void dev_kick(struct virtio_dev *vd, struct virtqueue *vq)
{
	container_of(vd, struct dev, vd)->kicks[vq->index]++;
}

static void dev_destroy(struct virtio_dev *vd)
{
	struct dev *dev = container_of(vd, struct dev, vd);

	vhost_close(&dev->vh);
	free(dev);
}

static const struct virtio_ops dev_ops = {
	.id = VIRTIO_ID_VSOCK,
	.realize = dev_realize,
	.activate = dev_activate,
	.kick = dev_kick,
	.reset = dev_reset,
	.destroy = dev_destroy,
};

static struct virtio_dev *dev_create(void)
{
	struct dev *dev = calloc(1, sizeof(*dev));

	dev->vh.fd = -1;
	virtio_init(&dev->vd, &dev_ops, "dev0");
	return &dev->vd;
}

FIXTURE(vhost) {
	struct drv d;
	struct dev *dev;
};

FIXTURE_VARIANT(vhost) {
	DRV_VARIANT;
};

#define DRV_FIXTURE vhost
#include "virtio_variants.h"

FIXTURE_SETUP(vhost)
{
	snprintf(node, sizeof(node), "/proc/self/fd/%d", memfd_create("vhost-net", 0));
	/* Whatever this ring can do but its reset. */
	kernel.features = VIRTIO_COMMON_FEATURES & ~BIT_ULL(VIRTIO_F_RING_RESET);
	ASSERT_EQ(0, drv_init_dev(&self->d, variant->transport, dev_create()));
	self->dev = container_of(self->d.vd, struct dev, vd);
	ASSERT_EQ(0, drv_setup(&self->d, variant->features));
}

FIXTURE_TEARDOWN(vhost)
{
	drv_end(&self->d);
	free(kernel.mem);
}

static u64 host_address(struct drv *d, u64 gpa)
{
	void *p = drv_ptr(d, gpa, 1);

	return (uintptr_t)p;
}

TEST_F(vhost, what_the_kernel_is_told)
{
	bool packed = self->d.features & BIT_ULL(VIRTIO_F_RING_PACKED);
	u64 total = 0;
	unsigned int i;

	EXPECT_EQ(1, kernel.owners);
	EXPECT_EQ(self->d.features & kernel.features, kernel.set_features);
	for (i = 0; i < kernel.mem->nregions; i++) {
		struct vhost_memory_region *r = &kernel.mem->regions[i];

		EXPECT_EQ(host_address(&self->d, r->guest_phys_addr), r->userspace_addr);
		EXPECT_NE(DRV_ROM, r->guest_phys_addr);
		total += r->memory_size;
	}
	EXPECT_EQ(gmem_total(&self->d.vm.gmem) - DRV_ROM_SIZE, total);
	for (i = 0; i < 2; i++) {
		struct drv_ring *r = drv_queue(&self->d, FIRST + i);

		EXPECT_EQ(SIZE, kernel.num[i]);
		EXPECT_EQ(packed ? 0x80008000 : 0, kernel.base[i]);
		EXPECT_EQ(host_address(&self->d, r->desc), kernel.addr[i].desc_user_addr);
		EXPECT_EQ(host_address(&self->d, r->driver),
			  kernel.addr[i].avail_user_addr);
		EXPECT_EQ(host_address(&self->d, r->device),
			  kernel.addr[i].used_user_addr);
		EXPECT_EQ(self->d.vd->vqs[FIRST + i].kick.fd, kernel.kick[i]);
		EXPECT_LE(0, kernel.call[i]);
		EXPECT_LE(0, kernel.err[i]);
		EXPECT_TRUE(self->d.vd->vqs[FIRST + i].external);
		EXPECT_FALSE(self->d.vd->vqs[FIRST + i].running);
	}
	EXPECT_FALSE(self->d.vd->vqs[0].external);
	EXPECT_TRUE(self->d.vd->vqs[0].running);
}

/* The driver's notifications are the kernel's, the kernel's signals are interrupts. */
TEST_F(vhost, kicks_and_calls)
{
	u64 one = 1, count = 0;

	drv_notify(&self->d, FIRST);
	EXPECT_EQ(sizeof(count), read(kernel.kick[0], &count, sizeof(count)));
	EXPECT_EQ(1, count);
	drv_run(&self->d);
	EXPECT_EQ(0, self->dev->kicks[FIRST]);
	drv_forget_interrupts(&self->d);
	EXPECT_FALSE(drv_interrupted(&self->d, FIRST + 1));
	ASSERT_EQ(sizeof(one), write(kernel.call[1], &one, sizeof(one)));
	drv_run(&self->d);
	EXPECT_TRUE(drv_interrupted(&self->d, FIRST + 1));
	EXPECT_EQ(0, drv_run(&self->d));
	/* The queue that is ours works as ever. */
	drv_notify(&self->d, 0);
	drv_run(&self->d);
	EXPECT_LT(0, self->dev->kicks[0]);
}

TEST_F(vhost, kernel_finds_a_fault)
{
	u64 one = 1;

	ASSERT_EQ(sizeof(one), write(kernel.err[1], &one, sizeof(one)));
	drv_run(&self->d);
	EXPECT_NE(0, drv_status(&self->d) & VIRTIO_CONFIG_S_NEEDS_RESET);
	EXPECT_TRUE(drv_config_interrupted(&self->d));
	EXPECT_EQ(0, drv_setup(&self->d, variant->features));
}

TEST_F(vhost, reset)
{
	int i, fds = dup(0);

	close(fds);
	for (i = 0; i < 50; i++) {
		drv_reset(&self->d);
		EXPECT_EQ(-1, kernel.kick[0]);
		EXPECT_EQ(-1, kernel.call[1]);
		EXPECT_EQ(-1, kernel.err[1]);
		ASSERT_EQ(0, drv_setup(&self->d, variant->features));
	}
	/* None was left open. */
	i = dup(0);
	EXPECT_EQ(fds, i);
	close(i);
}

/* A driver that leaves a queue out. */
TEST_F(vhost, queue_not_enabled)
{
	ASSERT_EQ(0, drv_negotiate(&self->d, variant->features));
	kernel.num[0] = 0;
	ASSERT_EQ(0, drv_queue_setup(&self->d, 0, 0));
	ASSERT_EQ(0, drv_queue_setup(&self->d, FIRST + 1, 16));
	EXPECT_EQ(0, drv_start(&self->d));
	EXPECT_EQ(0, kernel.num[0]);
	EXPECT_EQ(-1, kernel.kick[0]);
	EXPECT_EQ(16, kernel.num[1]);
}

TEST_F(vhost, impossible_rings)
{
	static const struct {
		u16 size;
		u64 desc;
		u64 driver;
		u64 device;
	} table[] = {
		{ 0, 4096, 8192, 12288 },
		{ SIZE + 1, 4096, 8192, 12288 },
		{ 16, DRV_NOWHERE, 8192, 12288 },
		{ 16, 4096, DRV_NOWHERE, 12288 },
		{ 16, 4096, 8192, DRV_NOWHERE },
		{ 16, 4096, 8192, DRV_ROM },
		{ 16, DRV_HIGH + DRV_HIGH_SIZE - 16, 8192, 12288 },
		{ 16, ~0ULL - 15, 8192, 12288 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(table); i++) {
		ASSERT_EQ(0, drv_negotiate(&self->d, variant->features));
		self->d.ops->queue_set(&self->d, FIRST, table[i].size, table[i].desc,
				       table[i].driver, table[i].device);
		self->d.ops->queue_enable(&self->d, FIRST);
		ASSERT_EQ(0, drv_queue_setup(&self->d, FIRST + 1, 0));
		EXPECT_EQ(-EIO, drv_start(&self->d)) TH_LOG("%u", i);
		EXPECT_EQ(-1, kernel.kick[0]) TH_LOG("%u", i);
		EXPECT_EQ(-1, kernel.kick[1]) TH_LOG("%u", i);
	}
	EXPECT_EQ(0, drv_setup(&self->d, variant->features));
}

/* Whatever the kernel refuses: nothing stays with it, and the next attempt succeeds. */
TEST_F(vhost, kernel_refuses)
{
	static const unsigned long ops[] = {
		VHOST_SET_FEATURES, VHOST_SET_MEM_TABLE, VHOST_SET_VRING_NUM,
		VHOST_SET_VRING_BASE, VHOST_SET_VRING_ADDR,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		drv_reset(&self->d);
		kernel.fail = ops[i];
		EXPECT_EQ(-EIO, drv_setup(&self->d, variant->features)) TH_LOG("%u", i);
		kernel.fail = 0;
		EXPECT_EQ(-1, kernel.kick[0]);
		EXPECT_EQ(-1, kernel.kick[1]);
		drv_reset(&self->d);
		EXPECT_EQ(0, drv_setup(&self->d, variant->features)) TH_LOG("%u", i);
	}
}

/* --- nodes that cannot be used ---------------------------------------------------------------- */

static void refused(struct __test_metadata *_metadata, const char *path, const char *say)
{
	static struct drv d;
	struct capture said;

	snprintf(node, sizeof(node), "%s", path);
	capture_begin(&said);
	EXPECT_GT(0, drv_init_dev(&d, DRV_MMIO, dev_create()));
	capture_end(&said);
	EXPECT_NE(NULL, strstr(said.text, say)) TH_LOG("%s", said.text);
	drv_end(&d);
}

TEST(no_node)
{
	refused(_metadata, "/dev/vhost-of-another-kind", "run 'modprobe vhost_of_another_kind'");
}

TEST(no_owner)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", memfd_create("vhost", 0));
	kernel.fail = VHOST_SET_OWNER;
	refused(_metadata, path, "cannot use ");
	kernel.fail = VHOST_GET_FEATURES;
	refused(_metadata, path, "cannot use ");
}

TEST_HARNESS_MAIN
