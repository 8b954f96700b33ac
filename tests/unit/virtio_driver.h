/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TESTS_UNIT_VIRTIO_DRIVER_H
#define TESTS_UNIT_VIRTIO_DRIVER_H

/*
 * A guest's driver for a virtio device, on either transport. For unit tests and
 * fuzzers:
 *
 *	drv_init(&d, DRV_MMIO, &blk_class, "disk.img");	or drv_init_dev()
 *	drv_setup(&d, DRV_ALL);				reset ... DRIVER_OK
 *	buf = drv_alloc(&d, 512);
 *	drv_request(&d, 0, (struct drv_seg[]){ DRV_OUT(a, 16), DRV_IN(buf, 512) }, 2, &len);
 *
 * or step by step: drv_add(), drv_kick(), drv_run(), drv_get(). The device's threads
 * are never started: what they would do is done by drv_run(), in the caller's
 * thread, so that each test has one outcome. struct drv is large: keep it off
 * small stacks.
 *
 * Whatever only a faulty device can cause ends the test by drv_die().
 */
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include <linux/bits.h>
#include <vmtool/devclass.h>

#include "devices.h"
#include "virtio_ring.h"

#define DRV_RAM		(16ULL << 20)	/* at 0 */
#define DRV_RAM2	DRV_RAM		/* adjacent: buffers may cross from one to the other */
#define DRV_RAM2_SIZE	0x100000ULL
#define DRV_ROM		(32ULL << 20)	/* the device must not write there */
#define DRV_ROM_SIZE	(64ULL << 10)
#define DRV_HIGH	(4ULL << 30)	/* memory beyond 4 GiB */
#define DRV_HIGH_SIZE	0x100000ULL
#define DRV_NOWHERE	(64ULL << 20)	/* no memory */

#define DRV_GSI		5

/* Features for drv_setup(): all that are offered; all but some; those of the ring of 1.0. */
#define DRV_ALL		(~0ULL)
#define DRV_SPLIT	(~BIT_ULL(VIRTIO_F_RING_PACKED))
#define DRV_UNORDERED	(~BIT_ULL(VIRTIO_F_IN_ORDER))
#define DRV_PLAIN	(DRV_SPLIT & DRV_UNORDERED & ~BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC) & \
			 ~BIT_ULL(VIRTIO_RING_F_EVENT_IDX))

enum drv_transport {
	DRV_MMIO,
	DRV_PCI,
};

/*
 * For a fixture of which each test is to hold on each transport and with each kind of
 * ring; after the harness was included:
 *
 *	FIXTURE_VARIANT(blk) { DRV_VARIANT; };
 *	#define DRV_FIXTURE blk
 *	#include "virtio_variants.h"
 *	... drv_init(&self->d, variant->transport, ...); drv_setup(&self->d, variant->features);
 */
#define DRV_VARIANT enum drv_transport transport; u64 features

struct drv;

/* A transport, as its driver uses it. */
struct drv_transport_ops {
	int (*attach)(struct drv *d);
	u8 (*status)(struct drv *d);
	void (*set_status)(struct drv *d, u8 status);
	u32 (*features)(struct drv *d, u32 word);
	void (*accept)(struct drv *d, u32 word, u32 bits);
	u16 (*queue_max)(struct drv *d, unsigned int q);
	void (*queue_set)(struct drv *d, unsigned int q, u16 size, u64 desc, u64 driver,
			  u64 device);
	void (*queue_enable)(struct drv *d, unsigned int q);
	bool (*queue_enabled)(struct drv *d, unsigned int q);
	void (*queue_reset)(struct drv *d, unsigned int q);
	bool (*queue_in_reset)(struct drv *d, unsigned int q);
	void (*notify)(struct drv *d, unsigned int q);
	u64 (*config_read)(struct drv *d, u32 off, unsigned int size);
	void (*config_write)(struct drv *d, u32 off, u64 val, unsigned int size);
	u32 (*generation)(struct drv *d);
	bool (*interrupted)(struct drv *d, unsigned int q);
	bool (*config_interrupted)(struct drv *d);
	/* Interrupts that came and were not asked for yet are forgotten. */
	void (*forget_interrupts)(struct drv *d);
};

/**
 * struct drv - a device and its driver
 * @vm: the machine around them
 * @vd: the device under test; gone after drv_end()
 * @dev: its transport's device, owned by @vm
 * @conf: configuration of drv_init(), of class @cls
 * @features: negotiated by drv_setup()
 * @brk: start of free guest memory; a test may save and restore it
 * @queue: rings set up by drv_queue_setup()
 * @queue_max: entries that the areas of a ring are large enough for
 * @base: address of the registers (mmio), of BAR 0 (pci)
 * @running: the device's threads run
 * @used_irq: an interrupt for used buffers came (mmio: of any queue)
 * @config_irq: one for a change of configuration came
 * @pci: of virtio_driver_pci.h: addresses of config space and structures, MSI-X
 */
struct drv {
	struct vm vm;
	struct vm_config cfg;
	const struct drv_transport_ops *ops;
	struct virtio_dev *vd;
	struct device *dev;
	const struct device_class *cls;
	void *conf;
	u64 features;
	u64 brk;
	struct drv_ring queue[VIRTIO_MAX_QUEUES];
	u16 queue_max[VIRTIO_MAX_QUEUES];
	u64 base;
	bool running;
	bool used_irq;
	bool config_irq;
	struct {
		u64 config;
		u64 common;
		u64 notify;
		u64 isr;
		u64 device;
		u64 table;
		u32 multiplier;
		u16 nr_vectors;
		u8 msix;
		bool intx;
	} pci;
};

/* --- guest memory -------------------------------------------------------------- */

/* @len bytes of guest memory, aligned to 64 bytes; zeroes at first. */
static inline u64 drv_alloc(struct drv *d, size_t len)
{
	u64 gpa = d->brk;

	d->brk += (len + 63) & ~63ULL;
	if (d->brk > DRV_RAM)
		drv_die("guest memory is used up");
	return gpa;
}

static inline u64 drv_ring_alloc(void *priv, size_t len)
{
	return drv_alloc(priv, len);
}

static inline void drv_put(struct drv *d, u64 gpa, const void *buf, size_t len)
{
	drv_gm_write(&d->vm.gmem, gpa, buf, len);
}

static inline void drv_fetch(struct drv *d, u64 gpa, void *buf, size_t len)
{
	drv_gm_read(&d->vm.gmem, gpa, buf, len);
}

/* Guest memory itself, where it is contiguous. */
static inline void *drv_ptr(struct drv *d, u64 gpa, size_t len)
{
	int i;

	for (i = 0; i < d->vm.gmem.nr; i++) {
		const struct gmem_slot *s = &d->vm.gmem.slots[i];

		if (gpa >= s->gpa && gpa - s->gpa < s->size && len <= s->size - (gpa - s->gpa))
			return s->hva + (gpa - s->gpa);
	}
	drv_die("no memory at %#llx", (unsigned long long)gpa);
}

/* New guest memory with contents. */
static inline u64 drv_alloc_with(struct drv *d, const void *buf, size_t len)
{
	u64 gpa = drv_alloc(d, len);

	drv_put(d, gpa, buf, len);
	return gpa;
}

/* --- registers ----------------------------------------------------------------- */

static inline u64 drv_bus_read(struct drv *d, u64 addr, unsigned int size)
{
	u64 val = 0;

	bus_read(&d->vm.mmio, addr, &val, size);
	return le64toh(val);
}

static inline void drv_bus_write(struct drv *d, u64 addr, u64 val, unsigned int size)
{
	val = htole64(val);
	bus_write(&d->vm.mmio, addr, &val, size);
}

static inline u8 drv_status(struct drv *d)
{
	return d->ops->status(d);
}

static inline void drv_set_status(struct drv *d, u8 status)
{
	d->ops->set_status(d, status);
}

/* What the device offers. */
static inline u64 drv_features(struct drv *d)
{
	u64 low = d->ops->features(d, 0);

	return low | (u64)d->ops->features(d, 1) << 32;
}

/* Writes what the driver accepts, whatever it is. */
static inline void drv_accept(struct drv *d, u64 features)
{
	d->ops->accept(d, 0, features);
	d->ops->accept(d, 1, features >> 32);
}

static inline u8 drv_config_read8(struct drv *d, u32 off)
{
	return d->ops->config_read(d, off, 1);
}

static inline u16 drv_config_read16(struct drv *d, u32 off)
{
	return d->ops->config_read(d, off, 2);
}

static inline u32 drv_config_read32(struct drv *d, u32 off)
{
	return d->ops->config_read(d, off, 4);
}

/* In two halves, until they belong together (2.5.3). */
static inline u64 drv_config_read64(struct drv *d, u32 off)
{
	u32 before;
	u64 val;

	do {
		before = d->ops->generation(d);
		val = drv_config_read32(d, off);
		val |= (u64)drv_config_read32(d, off + 4) << 32;
	} while (d->ops->generation(d) != before);
	return val;
}

static inline void drv_config_write8(struct drv *d, u32 off, u8 val)
{
	d->ops->config_write(d, off, val, 1);
}

static inline void drv_config_write16(struct drv *d, u32 off, u16 val)
{
	d->ops->config_write(d, off, val, 2);
}

static inline void drv_config_write32(struct drv *d, u32 off, u32 val)
{
	d->ops->config_write(d, off, val, 4);
}

static inline void drv_config_write64(struct drv *d, u32 off, u64 val)
{
	drv_config_write32(d, off, val);
	drv_config_write32(d, off + 4, val >> 32);
}

static inline u32 drv_generation(struct drv *d)
{
	return d->ops->generation(d);
}

/*
 * Did an interrupt for used buffers come since the last call? virtio-mmio has one
 * for all queues.
 */
static inline bool drv_interrupted(struct drv *d, unsigned int q)
{
	return d->ops->interrupted(d, q);
}

/* Did an interrupt for the config space or the status come since the last call? */
static inline bool drv_config_interrupted(struct drv *d)
{
	return d->ops->config_interrupted(d);
}

static inline void drv_forget_interrupts(struct drv *d)
{
	d->ops->forget_interrupts(d);
}

/* --- the device's threads ------------------------------------------------------- */

/* Lets the device work until it has nothing to do: events served. */
static inline unsigned int drv_run(struct drv *d)
{
	unsigned int i, served, all = 0;
	int ret;

	if (!d->vd->manual_threads)
		return 0;
	do {
		served = 0;
		for (i = 0; d->vd->threads && i < d->vd->nr_threads; i++) {
			ret = iothread_poll(&d->vd->threads[i]);
			if (ret < 0)
				drv_die("iothread_poll: %s", strerror(-ret));
			served += ret;
		}
		all += served;
		if (all > 1000000)
			drv_die("the device does not come to rest");
	} while (served);
	return all;
}

/*
 * For back ends with a life of their own: works, and waits for about @ms milliseconds
 * at most until @done(d, arg) is true.
 */
static inline bool drv_wait(struct drv *d, bool (*done)(struct drv *d, void *arg), void *arg,
			    int ms)
{
	struct timespec now;
	u64 end = 0;

	for (;;) {
		struct pollfd fds[16];
		unsigned int i, n = 0;
		u64 t;

		drv_run(d);
		if (done(d, arg))
			return true;
		clock_gettime(CLOCK_MONOTONIC, &now);
		t = now.tv_sec * 1000ULL + now.tv_nsec / 1000000;
		if (!end)
			end = t + ms;
		if (t >= end)
			return false;
		for (i = 0; d->vd->manual_threads && i < d->vd->nr_threads && n < 16; i++)
			fds[n++] = (struct pollfd){ d->vd->threads[i].loop.epfd, POLLIN };
		/* Not long: @done() may look at something else. */
		poll(fds, n, d->running ? 1 : 20);
	}
}

/* --- queues --------------------------------------------------------------------- */

static inline struct drv_ring *drv_queue(struct drv *d, unsigned int q)
{
	if (q >= VIRTIO_MAX_QUEUES || !d->queue[q].slots)
		drv_die("queue %u was not set up", q);
	return &d->queue[q];
}

/* Entries at most, 0 when there is no such queue. */
static inline u16 drv_queue_max(struct drv *d, unsigned int q)
{
	return d->ops->queue_max(d, q);
}

/* Gives a queue a ring of this many entries, 0 for all there may be; enables it. */
static inline int drv_queue_setup(struct drv *d, unsigned int q, u16 size)
{
	struct drv_ring *r = &d->queue[q];
	u16 max = drv_queue_max(d, q);

	if (!max)
		return -ENOENT;
	r->gm = &d->vm.gmem;
	r->alloc = drv_ring_alloc;
	r->alloc_priv = d;
	if (d->queue_max[q] < max) {
		/* Large enough for both formats; used again after a reset. */
		d->queue_max[q] = max;
		r->desc = drv_alloc(d, 16 * max);
		r->driver = drv_alloc(d, 6 + 2 * max);
		r->device = drv_alloc(d, 6 + 8 * max);
	}
	r->size = size ? size : max;
	drv_ring_init(r, d->features);
	d->ops->queue_set(d, q, r->size, r->desc, r->driver, r->device);
	d->ops->queue_enable(d, q);
	return 0;
}

/* Resets the device and waits for it (2.4.2). */
static inline void drv_reset(struct drv *d)
{
	int tries = 100;

	drv_set_status(d, 0);
	while (drv_status(d)) {
		drv_run(d);
		if (!tries--)
			drv_die("the device does not finish its reset");
	}
	drv_forget_interrupts(d);
}

/* From reset to FEATURES_OK with those of @features that are offered; 0 or -EINVAL. */
static inline int drv_negotiate(struct drv *d, u64 features)
{
	u8 status = VIRTIO_CONFIG_S_ACKNOWLEDGE;

	drv_reset(d);
	drv_set_status(d, status);
	status |= VIRTIO_CONFIG_S_DRIVER;
	drv_set_status(d, status);
	d->features = drv_features(d) & (features | BIT_ULL(VIRTIO_F_VERSION_1));
	drv_accept(d, d->features);
	status |= VIRTIO_CONFIG_S_FEATURES_OK;
	drv_set_status(d, status);
	return drv_status(d) == status ? 0 : -EINVAL;
}

/* DRIVER_OK; -EIO when the device needs a reset at once. */
static inline int drv_start(struct drv *d)
{
	drv_set_status(d, drv_status(d) | VIRTIO_CONFIG_S_DRIVER_OK);
	return drv_status(d) & VIRTIO_CONFIG_S_NEEDS_RESET ? -EIO : 0;
}

/* All of 3.1.1, with all queues of the size given, 0 for the largest. */
static inline int drv_setup_size(struct drv *d, u64 features, u16 size)
{
	unsigned int q;
	int ret = drv_negotiate(d, features);

	if (ret)
		return ret;
	for (q = 0; q < VIRTIO_MAX_QUEUES && drv_queue_max(d, q); q++)
		drv_queue_setup(d, q, size);
	return drv_start(d);
}

static inline int drv_setup(struct drv *d, u64 features)
{
	return drv_setup_size(d, features, 0);
}

/* Offers a request: 0, or -ENOSPC when the ring is full. @cookie is not NULL. */
static inline int drv_add(struct drv *d, unsigned int q, const struct drv_seg *segs,
			  unsigned int nr, void *cookie)
{
	return drv_ring_add(drv_queue(d, q), segs, nr, cookie);
}

/* Notifies the device, whether it wants to know or not. */
static inline void drv_notify(struct drv *d, unsigned int q)
{
	d->ops->notify(d, q);
}

/* Notifies the device if it wants to know of what was added: whether it did. */
static inline bool drv_kick(struct drv *d, unsigned int q)
{
	if (!drv_ring_need_kick(drv_queue(d, q)))
		return false;
	drv_notify(d, q);
	return true;
}

/* Takes the next used request: its cookie, NULL when there is none. */
static inline void *drv_get(struct drv *d, unsigned int q, u32 *len)
{
	return drv_ring_get(drv_queue(d, q), len);
}

static inline bool drv_used(struct drv *d, unsigned int q)
{
	return drv_ring_ready(drv_queue(d, q));
}

static inline bool drv_used_done(struct drv *d, void *arg)
{
	return drv_used(d, (unsigned long)arg);
}

/* Waits for a used request, at most @ms milliseconds. */
static inline bool drv_wait_used(struct drv *d, unsigned int q, int ms)
{
	return drv_wait(d, drv_used_done, (void *)(unsigned long)q, ms);
}

/* Does the driver want interrupts for this queue? It does at first. */
static inline void drv_want_irq(struct drv *d, unsigned int q, bool want)
{
	struct drv_ring *r = drv_queue(d, q);

	r->no_irq = !want;
	drv_ring_set_irq(r);
}

/* One request from beginning to end, within 5 s. False: the device did not use it. */
static inline bool drv_request(struct drv *d, unsigned int q, const struct drv_seg *segs,
			       unsigned int nr, u32 *len)
{
	if (drv_add(d, q, segs, nr, d))
		drv_die("no room in queue %u", q);
	drv_kick(d, q);
	return drv_wait_used(d, q, 5000) && drv_get(d, q, len) == d;
}

/* --- begin and end ---------------------------------------------------------------- */

#ifdef CONFIG_VIRTIO_MMIO
#include "virtio_driver_mmio.h"
#endif
#ifdef CONFIG_VIRTIO_PCI
#include "virtio_driver_pci.h"
#endif

/* NULL for a transport that was not built. */
static inline const struct drv_transport_ops *drv_transport_ops(enum drv_transport t)
{
#ifdef CONFIG_VIRTIO_MMIO
	if (t == DRV_MMIO)
		return &drv_mmio_ops;
#endif
#ifdef CONFIG_VIRTIO_PCI
	if (t == DRV_PCI)
		return &drv_pci_ops;
#endif
	return NULL;
}

static inline int drv_machine(struct drv *d)
{
	struct gmem *gm = &d->vm.gmem;
	int ret;

	ret = devices_init(&d->vm);
	if (ret)
		return ret;
	snprintf(d->cfg.name, sizeof(d->cfg.name), "test");
	d->cfg.nr_cpus = 2;
	d->cfg.mem = DRV_RAM;
	INIT_LIST_HEAD(&d->cfg.devices);
	d->vm.cfg = &d->cfg;
	d->brk = 4096;		/* address 0 is a mistake */
	ret = gmem_add(gm, 0, DRV_RAM, GMEM_RAM, -1, 0);
	if (!ret)
		ret = gmem_add(gm, DRV_RAM2, DRV_RAM2_SIZE, GMEM_RAM, -1, 0);
	if (!ret)
		ret = gmem_add(gm, DRV_ROM, DRV_ROM_SIZE, GMEM_ROM, -1, 0);
	if (!ret)
		ret = gmem_add(gm, DRV_HIGH, DRV_HIGH_SIZE, GMEM_RAM, -1, 0);
	return ret;
}

/*
 * Puts a device, not realized yet, on a transport. 0 or -errno; drv_end() follows
 * in either case.
 */
static inline int drv_init_dev(struct drv *d, enum drv_transport t, struct virtio_dev *vd)
{
	int ret;

	if (!d->vm.cfg) {
		memset(d, 0, sizeof(*d));
		ret = drv_machine(d);
		if (ret)
			return ret;
	}
	d->ops = drv_transport_ops(t);
	if (!d->ops)
		drv_die("transport %d was not built", t);
	d->vd = vd;
	vd->manual_threads = !d->running;
	return d->ops->attach(d);
}

/* The same with threads that run: drv_run() does nothing, drv_wait() only waits. */
static inline int drv_init_running(struct drv *d, enum drv_transport t, struct virtio_dev *vd)
{
	int ret;

	memset(d, 0, sizeof(*d));
	ret = drv_machine(d);
	if (ret)
		return ret;
	d->running = true;
	return drv_init_dev(d, t, vd);
}

/*
 * Makes a device of a class, configured as a user would ("a.img,ro"; NULL or "" for
 * nothing). 0 or -errno of its own; drv_end() follows in either case.
 */
static inline int drv_init(struct drv *d, enum drv_transport t, const struct device_class *cls,
			   const char *conf)
{
	struct virtio_dev *vd;
	char name[16];
	int ret;

	memset(d, 0, sizeof(*d));
	ret = drv_machine(d);
	if (ret)
		return ret;
	d->cls = cls;
	d->conf = calloc(1, cls->conf_size ? cls->conf_size : 1);
	if (!d->conf)
		return -ENOMEM;
	ret = cls->props ? props_init(cls->props, d->conf) : 0;
	if (!ret && cls->props && conf && *conf)
		ret = props_parse(cls->props, d->conf, cls->option, conf);
	if (!ret && cls->check)
		ret = cls->check(d->conf);
	if (ret)
		return ret;
	snprintf(name, sizeof(name), "%s0", cls->name);
	vd = cls->create(d->conf, name);
	return vd ? drv_init_dev(d, t, vd) : -ENOMEM;
}

/* Takes all apart; the device is gone. */
static inline void drv_end(struct drv *d)
{
	unsigned int q;

	if (!d->vm.cfg)
		return;
	devices_end(&d->vm);
	for (q = 0; q < VIRTIO_MAX_QUEUES; q++)
		drv_ring_free(&d->queue[q]);
	if (d->conf && d->cls->props)
		props_free(d->cls->props, d->conf);
	free(d->conf);
	d->vm.cfg = NULL;
}

#endif /* TESTS_UNIT_VIRTIO_DRIVER_H */
