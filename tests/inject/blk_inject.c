// SPDX-License-Identifier: GPL-2.0
/*
 * blk_inject CONF STEP...: a disk as --disk CONF, and requests to it.
 *
 * A step is read:N, write:N, flush:N, discard:N, zero:N or unmap:N: so many requests at
 * once, a line about what came of them: "write 8 ok 0 ioerr 0 unsupp 0 lost". Or
 * "through": from there on the driver does not negotiate flushes. What was written is
 * read back at the end, from the file: "data ok" or "data wrong".
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/virtio_blk.h>

#include "virtio_driver.h"
#include "virtio/virtio.h"

#define SLOTS		32		/* requests at once, each with its place on the disk */
#define BYTES		8192		/* of a request */
#define SECTORS		(BYTES / 512)

/* What the disk has to have in a slot. */
enum { UNKNOWN, DATA, ZEROES };

struct inject {
	struct drv d;
	u64 hdr[SLOTS];
	u64 data[SLOTS];
	u64 status[SLOTS];
	u64 range[SLOTS];
	int expect[SLOTS];
	u8 seed;
	u8 seeds[SLOTS];
};

static void fill(u8 *buf, u8 seed)
{
	int i;

	for (i = 0; i < BYTES; i++)
		buf[i] = seed + i * 7 + i / 512;
}

static void request(struct inject *t, unsigned int i, u32 type, bool unmap)
{
	struct virtio_blk_outhdr hdr = {
		.type = htole32(type),
		.sector = htole64(i * SECTORS),
	};
	struct virtio_blk_discard_write_zeroes range = {
		.sector = htole64(i * SECTORS),
		.num_sectors = htole32(SECTORS),
		.flags = htole32(unmap),
	};
	struct drv_seg segs[3] = { DRV_OUT(t->hdr[i], sizeof(hdr)) };
	unsigned int n = 1;
	u8 buf[BYTES];

	if (type == VIRTIO_BLK_T_OUT) {
		t->seeds[i] = t->seed++;
		fill(buf, t->seeds[i]);
		drv_put(&t->d, t->data[i], buf, BYTES);
		segs[n++] = DRV_OUT(t->data[i], BYTES);
	} else if (type == VIRTIO_BLK_T_IN) {
		memset(drv_ptr(&t->d, t->data[i], BYTES), 0xee, BYTES);
		segs[n++] = DRV_IN(t->data[i], BYTES);
	} else if (type != VIRTIO_BLK_T_FLUSH) {
		hdr.sector = 0;
		drv_put(&t->d, t->range[i], &range, sizeof(range));
		segs[n++] = DRV_OUT(t->range[i], sizeof(range));
	}
	drv_put(&t->d, t->hdr[i], &hdr, sizeof(hdr));
	*(u8 *)drv_ptr(&t->d, t->status[i], 1) = 0xff;
	segs[n++] = DRV_IN(t->status[i], 1);
	if (drv_add(&t->d, 0, segs, n, &t->hdr[i]))
		drv_die("the ring is full");
}

static bool right(struct inject *t, unsigned int i, const u8 *buf)
{
	u8 want[BYTES] = { 0 };

	if (t->expect[i] == UNKNOWN)
		return true;
	if (t->expect[i] == DATA)
		fill(want, t->seeds[i]);
	return !memcmp(buf, want, BYTES);
}

/* What a request that was successful has to have done. */
static void learn(struct inject *t, unsigned int i, u32 type, bool ok)
{
	if (type == VIRTIO_BLK_T_IN && ok &&
	    !right(t, i, drv_ptr(&t->d, t->data[i], BYTES)))
		printf("read %u wrong\n", i);
	if (type == VIRTIO_BLK_T_OUT)
		t->expect[i] = ok ? DATA : UNKNOWN;
	if (type == VIRTIO_BLK_T_WRITE_ZEROES)
		t->expect[i] = ok ? ZEROES : UNKNOWN;
	if (type == VIRTIO_BLK_T_DISCARD)
		t->expect[i] = UNKNOWN;
}

static void do_step(struct inject *t, const char *name, unsigned int n, u32 type, bool unmap)
{
	unsigned int i, done, count[4] = { 0 };
	u64 *cookie;

	for (i = 0; i < n; i++)
		request(t, i, type, unmap);
	drv_kick(&t->d, 0);
	for (done = 0; done < n && drv_wait_used(&t->d, 0, 5000); done++) {
		u8 status;

		cookie = drv_get(&t->d, 0, NULL);
		i = cookie - t->hdr;
		status = *(u8 *)drv_ptr(&t->d, t->status[i], 1);
		count[status < 3 ? status : 3]++;
		learn(t, i, type, status == VIRTIO_BLK_S_OK);
	}
	printf("%s %u ok %u ioerr %u unsupp %u lost\n", name, count[VIRTIO_BLK_S_OK],
	       count[VIRTIO_BLK_S_IOERR], count[VIRTIO_BLK_S_UNSUPP], n - done + count[3]);
}

static void setup(struct inject *t)
{
	unsigned int i;

	if (drv_setup(&t->d, DRV_SPLIT))
		drv_die("the device does not start");
	for (i = 0; i < SLOTS; i++) {
		t->hdr[i] = drv_alloc(&t->d, 16);
		t->data[i] = drv_alloc(&t->d, BYTES);
		t->status[i] = drv_alloc(&t->d, 1);
		t->range[i] = drv_alloc(&t->d, 16);
	}
}

static void step(struct inject *t, const char *text)
{
	static const struct {
		const char *name;
		u32 type;
		bool unmap;
	} steps[] = {
		{ "read", VIRTIO_BLK_T_IN },
		{ "write", VIRTIO_BLK_T_OUT },
		{ "flush", VIRTIO_BLK_T_FLUSH },
		{ "discard", VIRTIO_BLK_T_DISCARD },
		{ "zero", VIRTIO_BLK_T_WRITE_ZEROES },
		{ "unmap", VIRTIO_BLK_T_WRITE_ZEROES, true },
	};
	size_t len = strcspn(text, ":");
	unsigned int i, n = text[len] ? atoi(text + len + 1) : 1;

	if (!strcmp(text, "through")) {
		if (drv_setup(&t->d, DRV_SPLIT & ~BIT_ULL(VIRTIO_BLK_F_FLUSH)))
			drv_die("the device does not start");
		return;
	}
	for (i = 0; i < ARRAY_SIZE(steps); i++)
		if (strlen(steps[i].name) == len && !strncmp(text, steps[i].name, len))
			break;
	if (i == ARRAY_SIZE(steps) || !n || n > SLOTS)
		drv_die("no step '%s'", text);
	do_step(t, steps[i].name, n, steps[i].type, steps[i].unmap);
}

/* By pread(), which the device does not use here. */
static void check_file(struct inject *t, const char *conf)
{
	char path[4096];
	u8 buf[BYTES];
	unsigned int i;
	bool ok = true;
	int fd;

	snprintf(path, sizeof(path), "%.*s", (int)strcspn(conf, ","), conf);
	fd = open(path, O_RDONLY);
	for (i = 0; i < SLOTS; i++) {
		if (t->expect[i] == UNKNOWN)
			continue;
		if (pread(fd, buf, BYTES, i * BYTES) != BYTES || !right(t, i, buf))
			ok = false;
	}
	close(fd);
	printf("data %s\n", ok ? "ok" : "wrong");
}

int main(int argc, char **argv)
{
	struct inject *t = calloc(1, sizeof(*t));
	int i, ret;

	if (argc < 3 || !t)
		return 2;
	ret = drv_init(&t->d, DRV_MMIO, &blk_class, argv[1]);
	if (ret) {
		printf("realize: %s\n", strerror(-ret));
	} else {
		setup(t);
		for (i = 2; i < argc; i++)
			step(t, argv[i]);
	}
	drv_end(&t->d);
	if (!ret)
		check_file(t, argv[1]);
	free(t);
	return 0;
}
