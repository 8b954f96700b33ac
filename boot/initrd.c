// SPDX-License-Identifier: GPL-2.0
/*
 * Initrd files, one behind the other in guest memory. Each starts on a page of
 * its own, so that all can be mapped, and the kernel skips the zeroes between
 * them: unpack_to_rootfs() in init/initramfs.c does so wherever an archive may
 * start, that is behind an archive as well as behind compressed data.
 *
 * One decompressor needs help to find the end of its data: lib/decompress_unlz4.c
 * takes the next four bytes for the size of another block, unless they are zero.
 * Hence there are never fewer zeroes than that behind a file that is not the last.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/align.h>
#include <linux/sizes.h>
#include <vmtool/gmem.h>
#include <vmtool/kernel_image.h>
#include <vmtool/log.h>

#define INITRD_PAGE		SZ_4K
#define INITRD_ZEROES_MIN	4

static int initrd_bad(const char *path, int err, const char *why)
{
	log_err("initrd %s: %s", path, why);
	return err;
}

/* Bytes that file @i takes up in guest memory, zeroes included. */
static u64 initrd_room(const struct initrd *rd, int i)
{
	if (i == rd->nr - 1)
		return rd->size[i];
	return ALIGN(rd->size[i] + INITRD_ZEROES_MIN, INITRD_PAGE);
}

static void initrd_sum(struct initrd *rd)
{
	int i;

	rd->total = 0;
	for (i = 0; i < rd->nr; i++)
		rd->total += initrd_room(rd, i);
}

static int initrd_check(const char *path, const struct stat *st)
{
	if (S_ISDIR(st->st_mode))
		return initrd_bad(path, -EISDIR, "is a directory; give a cpio archive");
	if (!S_ISREG(st->st_mode))
		return initrd_bad(path, -EINVAL, "is not a regular file");
	/* Whoever makes one wants something in it: making it has failed. */
	if (!st->st_size)
		return initrd_bad(path, -EINVAL, "is empty; make it again, or leave it out");
	return 0;
}

static int initrd_add(struct initrd *rd, const char *path)
{
	struct stat st;
	int fd, ret;

	/* A FIFO without a writer would keep open() waiting. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0)
		ret = initrd_bad(path, -errno, strerror(errno));
	else
		ret = initrd_check(path, &st);
	if (ret) {
		if (fd >= 0)
			close(fd);
		return ret;
	}
	rd->fd[rd->nr] = fd;
	rd->size[rd->nr] = st.st_size;
	rd->nr++;
	return 0;
}

int initrd_open(struct initrd *rd, const char *const *paths, int nr)
{
	int i, ret;

	memset(rd, 0, sizeof(*rd));
	if (nr > INITRD_MAX_FILES) {
		log_err("%d initrds are too many; at most %d can be given, so join some with cat",
			nr, INITRD_MAX_FILES);
		return -E2BIG;
	}
	for (i = 0; i < nr; i++) {
		ret = initrd_add(rd, paths[i]);
		if (ret) {
			initrd_close(rd);
			return ret;
		}
	}
	initrd_sum(rd);
	return 0;
}

int initrd_add_memory(struct initrd *rd, int fd, u64 size)
{
	int copy;

	if (rd->nr > INITRD_MAX_FILES) {
		log_err("%d initrds are too many; join some with cat", rd->nr);
		return -E2BIG;
	}
	copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (copy < 0) {
		int ret = -errno;

		log_err("cannot keep the initramfs: %s", strerror(-ret));
		return ret;
	}
	rd->fd[rd->nr] = copy;
	rd->size[rd->nr] = size;
	rd->nr++;
	initrd_sum(rd);
	return 0;
}

void initrd_close(struct initrd *rd)
{
	int i;

	for (i = 0; i < rd->nr; i++)
		close(rd->fd[i]);
	rd->nr = 0;
	rd->total = 0;
}

/* The rest of the last page is cleared too: a guest may have written there. */
static int initrd_load_one(const struct initrd *rd, int i, struct gmem *gm, u64 gpa)
{
	u64 room = ALIGN(initrd_room(rd, i), INITRD_PAGE);
	int ret;

	ret = gmem_map_file(gm, gpa, rd->size[i], rd->fd[i], 0);
	if (ret)
		return ret;
	return gmem_zero(gm, gpa + rd->size[i], room - rd->size[i]);
}

int initrd_load(const struct initrd *rd, struct gmem *gm, u64 gpa)
{
	int i, ret;

	for (i = 0; i < rd->nr; i++) {
		ret = initrd_load_one(rd, i, gm, gpa);
		if (ret == -EFAULT)
			log_err("the initrd (%llu bytes) does not fit into the guest's memory; use a larger -m",
				(unsigned long long)rd->total);
		else if (ret == -ENODATA)
			log_err("cannot load initrd %d: it has shrunk since it was opened", i + 1);
		else if (ret)
			log_err("cannot load initrd %d: %s", i + 1, strerror(-ret));
		if (ret)
			return ret;
		gpa += initrd_room(rd, i);
	}
	return 0;
}
