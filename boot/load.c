// SPDX-License-Identifier: GPL-2.0
/*
 * A recognised kernel: into guest memory, and which one it is.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include <linux/kernel.h>
#include <linux/sizes.h>
#include <vmtool/gmem.h>
#include <vmtool/log.h>

#include "image.h"

#define LOAD_IOVECS		8

#define BANNER			"Linux version "
#define BANNER_LEN		(sizeof(BANNER) - 1)
#define BANNER_CHUNK		65536

static unsigned long long mib(u64 bytes)
{
	return DIV_ROUND_UP(bytes, SZ_1M);
}

static int load_check_room(const struct kernel_image *ki, struct gmem *gm)
{
	u64 start = gm->nr ? gm->slots[0].gpa : 0;
	u64 first = ki->base + ki->start;
	struct iovec iov[LOAD_IOVECS];

	if (gmem_iov(gm, first, ki->end - ki->start, true, iov, LOAD_IOVECS) != -EFAULT)
		return 0;
	log_err("kernel needs memory up to %llu MiB, the guest has %llu MiB; use a larger -m",
		mib(ki->base + ki->end - start), mib(gmem_end(gm, start + SZ_4G) - start));
	return -EFBIG;
}

int kernel_image_load(const struct kernel_image *ki, struct gmem *gm)
{
	int i, ret;

	ret = load_check_room(ki, gm);
	if (ret)
		return ret;
	for (i = 0; i < ki->nr_seg; i++) {
		const struct kernel_segment *s = &ki->seg[i];
		u64 at = ki->base + s->paddr;

		ret = gmem_map_file(gm, at, s->filesz, ki->fd, s->offset);
		if (!ret)
			ret = gmem_zero(gm, at + s->filesz, s->memsz - s->filesz);
		if (ret == -ENODATA)
			log_err("cannot load the kernel: its file has shrunk since it was opened");
		else if (ret)
			log_err("cannot load the kernel: %s", strerror(-ret));
		if (ret)
			return ret;
	}
	return 0;
}

static ssize_t load_pread(int fd, void *buf, size_t len, u64 off)
{
	ssize_t n;

	do {
		n = pread(fd, buf, len, off);
	} while (n < 0 && errno == EINTR);
	return n;
}

/*
 * Returns what stands behind a banner that a version follows, which a format
 * string or a message does not have.
 */
static const char *load_find_banner(const char *buf, size_t len)
{
	const char *end = buf + len, *p = buf;

	while ((p = memmem(p, end - p, BANNER, BANNER_LEN))) {
		p += BANNER_LEN;
		if (p < end && isdigit((u8)*p))
			return p;
	}
	return NULL;
}

static bool load_search_range(struct kernel_image *ki, u64 off, u64 len, char *buf)
{
	u64 done = 0;

	while (done < len) {
		ssize_t n = load_pread(ki->fd, buf, min_t(u64, BANNER_CHUNK, len - done),
				       off + done);
		const char *found;

		if (n <= 0)
			return false;
		found = load_find_banner(buf, n);
		if (found) {
			n = load_pread(ki->fd, buf, KERNEL_VERSION_LEN,
				       off + done + (found - buf));
			image_set_version(ki, buf, n < 0 ? 0 : n);
			return true;
		}
		/* A banner may lie across the end of what was read. */
		if (n <= BANNER_LEN)
			return false;
		done += n - BANNER_LEN;
	}
	return false;
}

const char *kernel_image_version(struct kernel_image *ki)
{
	const char *rodata, *found;
	size_t len;
	char *buf;
	int i;

	if (ki->version_sought)
		return ki->version;
	ki->version_sought = true;
	rodata = image_rodata(ki, &len);
	found = rodata ? load_find_banner(rodata, len) : NULL;
	if (found) {
		image_set_version(ki, found, min_t(size_t, KERNEL_VERSION_LEN,
						   len - (found - rodata)));
		return ki->version;
	}
	buf = malloc(BANNER_CHUNK);
	if (!buf)
		return ki->version;
	for (i = 0; i < ki->nr_seg; i++)
		if (load_search_range(ki, ki->seg[i].offset, ki->seg[i].filesz, buf))
			break;
	free(buf);
	return ki->version;
}
