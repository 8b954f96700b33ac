/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TESTS_UNIT_BLK_DEV_H
#define TESTS_UNIT_BLK_DEV_H

/*
 * A disk with a driver, for tests of virtio/blk.c.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include <linux/sizes.h>
#include <linux/virtio_blk.h>

#include "virtio_driver.h"
#include "virtio/virtio.h"

#define BLK_BYTES	SZ_1M
#define BLK_CAPACITY	(BLK_BYTES / 512)
#define BLK_DEPTH	128
/* No status was written. */
#define BLK_NONE	0xff

/**
 * struct blk_dev - the disk
 * @d: its driver
 * @dir: directory of the image
 * @path: the image
 * @hdr: guest addresses of headers
 * @status: guest addresses of status bytes
 * @data: guest address of BLK_BYTES
 * @len: bytes used, of the last request
 */
struct blk_dev {
	struct drv d;
	char dir[32];
	char path[64];
	u64 hdr[BLK_DEPTH];
	u64 status[BLK_DEPTH];
	u64 data;
	u32 len;
};

static inline int blk_dev_image(struct blk_dev *t)
{
	int fd;

	strcpy(t->dir, "/var/tmp/blk_test.XXXXXX");
	if (!mkdtemp(t->dir))
		return -errno;
	snprintf(t->path, sizeof(t->path), "%s/a", t->dir);
	fd = open(t->path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, BLK_BYTES))
		return -errno;
	return close(fd);
}

/* The device, with more properties: ",ro". */
static inline int blk_dev_open(struct blk_dev *t, enum drv_transport transport, const char *more)
{
	char conf[128];
	unsigned int i;
	int ret;

	snprintf(conf, sizeof(conf), "%s%s", t->path, more);
	ret = drv_init(&t->d, transport, &blk_class, conf);
	for (i = 0; i < BLK_DEPTH && !ret; i++) {
		t->hdr[i] = drv_alloc(&t->d, 16);
		t->status[i] = drv_alloc(&t->d, 1);
	}
	if (!ret)
		t->data = drv_alloc(&t->d, BLK_BYTES);
	return ret;
}

static inline void blk_dev_end(struct blk_dev *t)
{
	drv_end(&t->d);
	if (!t->path[0])
		return;
	unlink(t->path);
	rmdir(t->dir);
}

static inline u8 *blk_dev_ptr(struct blk_dev *t, u64 gpa)
{
	return drv_ptr(&t->d, gpa, 1);
}

/* Header and status number @i, for those who put the rest together. */
static inline void blk_dev_header(struct blk_dev *t, unsigned int i, u32 type, u64 sector)
{
	struct virtio_blk_outhdr hdr = { .type = htole32(type), .sector = htole64(sector) };

	drv_put(&t->d, t->hdr[i], &hdr, sizeof(hdr));
	*blk_dev_ptr(t, t->status[i]) = BLK_NONE;
}

static inline u8 blk_dev_status(struct blk_dev *t, unsigned int i)
{
	return *blk_dev_ptr(t, t->status[i]);
}

/* Offers request number @i. */
static inline void blk_dev_add(struct blk_dev *t, unsigned int q, unsigned int i, u32 type,
			       u64 sector, u64 addr, u32 len)
{
	struct drv_seg segs[3] = { DRV_OUT(t->hdr[i], 16) };
	unsigned int n = 1;

	blk_dev_header(t, i, type, sector);
	if (len)
		segs[n++] = type == VIRTIO_BLK_T_IN || type == VIRTIO_BLK_T_GET_ID ?
			DRV_IN(addr, len) : DRV_OUT(addr, len);
	segs[n++] = DRV_IN(t->status[i], 1);
	if (drv_add(&t->d, q, segs, n, &t->hdr[i]))
		drv_die("the ring is full");
}

/* A request from beginning to end; its status. */
static inline u8 blk_dev_do(struct blk_dev *t, u32 type, u64 sector, u64 addr, u32 len)
{
	blk_dev_add(t, 0, 0, type, sector, addr, len);
	drv_kick(&t->d, 0);
	if (!drv_wait_used(&t->d, 0, 5000) || drv_get(&t->d, 0, &t->len) != &t->hdr[0])
		drv_die("no answer to a request");
	return blk_dev_status(t, 0);
}

/* One of parts of any kind, with header and status number 0 among them. */
static inline u8 blk_dev_parts(struct blk_dev *t, const struct drv_seg *segs, unsigned int n)
{
	if (!drv_request(&t->d, 0, segs, n, &t->len))
		drv_die("no answer to a request");
	return blk_dev_status(t, 0);
}

static inline u8 blk_dev_range(struct blk_dev *t, u32 type, u64 sector, u32 sectors, u32 flags)
{
	struct virtio_blk_discard_write_zeroes range = {
		.sector = htole64(sector), .num_sectors = htole32(sectors),
		.flags = htole32(flags),
	};
	u64 addr = t->data + BLK_BYTES - sizeof(range);

	drv_put(&t->d, addr, &range, sizeof(range));
	return blk_dev_do(t, type, 0, addr, sizeof(range));
}

static inline void blk_dev_fill(u8 *buf, size_t len, u8 seed)
{
	size_t i;

	for (i = 0; i < len; i++)
		buf[i] = seed + i * 13 + i / 251;
}

static inline bool blk_dev_filled(const u8 *buf, size_t len, u8 seed)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (buf[i] != (u8)(seed + i * 13 + i / 251))
			return false;
	return true;
}

/* What is really in the file. */
static inline void blk_dev_peek(struct blk_dev *t, u64 off, void *buf, size_t len)
{
	int fd = open(t->path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || pread(fd, buf, len, off) != (ssize_t)len)
		drv_die("the image cannot be read");
	close(fd);
}

static inline u8 blk_dev_wce(struct blk_dev *t)
{
	return t->d.ops->config_read(&t->d, offsetof(struct virtio_blk_config, wce), 1);
}

static inline void blk_dev_set_wce(struct blk_dev *t, u8 val)
{
	t->d.ops->config_write(&t->d, offsetof(struct virtio_blk_config, wce), val, 1);
}

#endif /* TESTS_UNIT_BLK_DEV_H */
