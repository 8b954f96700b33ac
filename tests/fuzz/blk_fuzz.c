// SPDX-License-Identifier: GPL-2.0
/*
 * A hostile driver at one disk. The first byte chooses the disk, the transport and the
 * ring; the others say what the driver does: requests, some by the rules and some not,
 * bytes written into rings and buffers, resets in the middle. Whatever it was, the image
 * keeps its size, a disk that is only read keeps its contents, and after a reset the
 * device works.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"
#include "../unit/blk_dev.h"

/* What the driver does, by a byte. */
enum { REQUEST, CHAIN, POKE, KICK, RUN, RESET, QUEUE_RESET, CONFIG, WAIT, KINDS };

/* Bits of the first byte. */
enum { PCI = 1, SPLIT = 2, PLAIN = 4, THREADS = 8, RO = 16, THROUGH = 32, QUEUES = 64 };

#define IMAGE_BYTES	SZ_64K
#define DATA_BYTES	SZ_64K

/**
 * struct input - what is left of the input
 * @data: next byte
 * @size: how many there are
 */
struct input {
	const u8 *data;
	size_t size;
};

static u8 byte(struct input *in)
{
	if (!in->size)
		return 0;
	in->size--;
	return *in->data++;
}

static u16 word(struct input *in)
{
	u16 hi = byte(in);

	return hi << 8 | byte(in);
}

/* Most are inside, and some are not. */
static u64 place(struct blk_dev *t, struct input *in)
{
	u16 val = word(in);

	switch (val >> 13) {
	case 6:
		return DRV_RAM2 - (val & 0xfff);
	case 7:
		return val & 1 ? DRV_NOWHERE : DRV_ROM + (val & 0xfff);
	default:
		return t->data + (val & 0x7fff);
	}
}

/* A request as it should be, but for what is in it. */
static void request(struct blk_dev *t, struct input *in, unsigned int q)
{
	static const u32 types[] = { VIRTIO_BLK_T_IN, VIRTIO_BLK_T_OUT, VIRTIO_BLK_T_FLUSH,
		VIRTIO_BLK_T_GET_ID, VIRTIO_BLK_T_DISCARD, VIRTIO_BLK_T_WRITE_ZEROES };
	struct virtio_blk_discard_write_zeroes range = { 0 };
	unsigned int i = byte(in) % BLK_DEPTH, kind = byte(in) % (ARRAY_SIZE(types) + 1);
	struct virtio_blk_outhdr hdr = {
		.type = htole32(kind < ARRAY_SIZE(types) ? types[kind] : word(in)),
		.sector = htole64(word(in) & 0x80ff),
	};
	struct drv_seg segs[3] = { DRV_OUT(t->hdr[i], 16) };
	unsigned int n = 1, len = (byte(in) & 0x1f) * (byte(in) & 3 ? 512 : 16);
	u64 addr = t->data + (word(in) & 0x7fff);

	range.sector = htole64(byte(in));
	range.num_sectors = htole32(byte(in));
	range.flags = htole32(byte(in) & 3);
	if (kind > 3)
		drv_put(&t->d, addr, &range, sizeof(range));
	drv_put(&t->d, t->hdr[i], &hdr, sizeof(hdr));
	if (len)
		segs[n++] = kind == 0 || kind == 3 ? DRV_IN(addr, len) : DRV_OUT(addr, len);
	segs[n++] = DRV_IN(t->status[i], 1);
	drv_add(&t->d, q, segs, n, t);
}

/* Parts of any kind, the readable ones not even first. */
static void chain(struct blk_dev *t, struct input *in, unsigned int q)
{
	struct drv_seg segs[8];
	unsigned int i, n = 1 + byte(in) % ARRAY_SIZE(segs);

	for (i = 0; i < n; i++) {
		u8 how = byte(in);
		u64 addr = place(t, in);
		u32 len = how & 0x40 ? word(in) : how & 0x3f;

		segs[i] = how & 0x80 ? DRV_IN(addr, len) : DRV_OUT(addr, len);
	}
	drv_add(&t->d, q, segs, n, t);
}

/* Into a ring, a header, or data. */
static void poke(struct blk_dev *t, struct input *in, unsigned int q)
{
	const struct drv_ring *r = &t->d.queue[q];
	const u64 areas[] = { r->desc, r->driver, r->device, t->hdr[0], t->data };
	u64 addr = areas[byte(in) % ARRAY_SIZE(areas)] + byte(in);
	u8 val = byte(in);

	drv_put(&t->d, addr, &val, 1);
}

/*
 * The driver's own book-keeping means nothing once rings were written to: it starts
 * again with each set-up, and answers are not looked at.
 */
static void setup(struct blk_dev *t, u64 features)
{
	CHECK(!drv_setup(&t->d, features));
}

static void step(struct blk_dev *t, struct input *in, u64 features, unsigned int nr)
{
	u8 what = byte(in);
	unsigned int q = (what >> 4) % nr;

	switch ((what & 15) % KINDS) {
	case REQUEST:
		request(t, in, q);
		break;
	case CHAIN:
		chain(t, in, q);
		break;
	case POKE:
		poke(t, in, q);
		break;
	case KICK:
		drv_notify(&t->d, q);
		break;
	case RUN:
		drv_run(&t->d);
		break;
	case RESET:
		setup(t, features);
		break;
	case QUEUE_RESET:
		t->d.ops->queue_reset(&t->d, q);
		drv_queue_setup(&t->d, q, 16);
		break;
	case CONFIG:
		t->d.ops->config_write(&t->d, byte(in), byte(in), 1U << (byte(in) & 3));
		break;
	case WAIT:
		usleep(50);
		drv_run(&t->d);
	}
}

static u64 features_of(u8 how)
{
	u64 features = how & SPLIT ? DRV_SPLIT : DRV_ALL;

	if (how & PLAIN)
		features &= DRV_PLAIN;
	if (how & THROUGH)
		features &= ~BIT_ULL(VIRTIO_BLK_F_FLUSH);
	return features;
}

static int image(void)
{
	u8 mark[512];
	int i, fd = memfd_create("image", MFD_CLOEXEC);

	CHECK(fd >= 0 && !ftruncate(fd, IMAGE_BYTES));
	memset(mark, 0x5a, sizeof(mark));
	for (i = 0; i < IMAGE_BYTES; i += 4096)
		CHECK(pwrite(fd, mark, sizeof(mark), i) == sizeof(mark));
	return fd;
}

static void check_image(int fd, bool ro)
{
	struct stat st;
	u8 c;
	int i;

	CHECK(!fstat(fd, &st) && st.st_size == IMAGE_BYTES);
	for (i = 0; i < IMAGE_BYTES && ro; i += 4096)
		CHECK(pread(fd, &c, 1, i + 100) == 1 && c == 0x5a);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	log_set_level(LOG_ERROR);
	return 0;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct blk_dev *t = calloc(1, sizeof(*t));
	struct input in = { data, size };
	u8 how = byte(&in);
	unsigned int nr = how & QUEUES ? 2 : 1;
	u64 features = features_of(how);
	char more[64];
	int fd = image();

	CHECK(t);
	snprintf(t->path, sizeof(t->path), "/proc/self/fd/%d", fd);
	snprintf(more, sizeof(more), ",queues=%u%s%s", nr, how & RO ? ",ro" : "",
		 how & THREADS ? ",io=threads" : "");
	CHECK(!blk_dev_open(t, how & PCI ? DRV_PCI : DRV_MMIO, more));
	setup(t, features);
	while (in.size && t->d.brk < DRV_RAM - SZ_4M)
		step(t, &in, features, nr);
	setup(t, features);
	CHECK(blk_dev_do(t, VIRTIO_BLK_T_IN, 0, t->data, 512) == VIRTIO_BLK_S_OK);
	drv_end(&t->d);
	check_image(fd, how & RO);
	close(fd);
	free(t);
	return 0;
}
