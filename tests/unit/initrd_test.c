// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <linux/sizes.h>
#include <vmtool/gmem.h>
#include <vmtool/kernel_image.h>

#include "capture.h"
#include <kselftest_harness.h>

#define PAGE	SZ_4K
#define FILES	(INITRD_MAX_FILES + 1)

/**
 * struct files - initrd files and what became of them
 * @names: in a directory of their own
 * @paths: the same, as they are given
 * @rd: opened
 * @said: what was printed
 */
struct files {
	char names[FILES][128];
	const char *paths[FILES];
	struct initrd rd;
	struct capture said;
};

FIXTURE(initrd) {
	char dir[64];
	struct files f;
	struct gmem gm;
};

FIXTURE_SETUP(initrd)
{
	int i;

	snprintf(self->dir, sizeof(self->dir), "%s/initrd_test.XXXXXX", P_tmpdir);
	ASSERT_NE(NULL, mkdtemp(self->dir));
	for (i = 0; i < FILES; i++) {
		snprintf(self->f.names[i], sizeof(self->f.names[i]), "%s/%d", self->dir, i);
		self->f.paths[i] = self->f.names[i];
	}
	gmem_init(&self->gm, -1);
	ASSERT_EQ(0, gmem_add(&self->gm, 0, SZ_1M, GMEM_RAM, -1, 0));
}

FIXTURE_TEARDOWN(initrd)
{
	int i;

	for (i = 0; i < FILES; i++)
		remove(self->f.names[i]);
	rmdir(self->dir);
	gmem_destroy(&self->gm);
}

/* File @i has @size bytes of value @i + 1. */
static void make_file(const char *path, int i, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	char *data = malloc(size + 1);

	memset(data, i + 1, size);
	if (fd < 0 || write(fd, data, size) != size)
		abort();
	free(data);
	close(fd);
}

static bool all(const u8 *p, size_t len, u8 value)
{
	while (len--)
		if (*p++ != value)
			return false;
	return true;
}

TEST_F(initrd, none)
{
	EXPECT_EQ(0, initrd_open(&self->f.rd, NULL, 0));
	EXPECT_EQ(0, self->f.rd.total);
	EXPECT_EQ(0, initrd_load(&self->f.rd, &self->gm, 0));
	initrd_close(&self->f.rd);
}

TEST_F(initrd, one_is_not_padded)
{
	make_file(self->f.names[0], 0, 5000);
	ASSERT_EQ(0, initrd_open(&self->f.rd, self->f.paths, 1));
	EXPECT_EQ(5000, self->f.rd.total);
	initrd_close(&self->f.rd);
}

/* Each size, and the pages it takes when another file follows. */
static const struct {
	size_t size;
	int pages;
} sizes[] = {
	{ 1, 1 }, { PAGE - 4, 1 }, { PAGE - 3, 2 }, { PAGE, 2 }, { PAGE + 1, 2 },
	{ 3 * PAGE - 5, 3 }, { 7, 1 },
};

TEST_F(initrd, several_with_zeroes_between)
{
	const int nr = ARRAY_SIZE(sizes);
	u64 gpa = 16 * PAGE, at, total = 0;
	static u8 mem[SZ_1M];
	int i, round;

	for (i = 0; i < nr; i++) {
		make_file(self->f.names[i], i, sizes[i].size);
		total += i < nr - 1 ? sizes[i].pages * PAGE : sizes[i].size;
	}
	ASSERT_EQ(0, initrd_open(&self->f.rd, self->f.paths, nr));
	EXPECT_EQ(total, self->f.rd.total);

	/* Twice, with the guest's own writes in between. */
	for (round = 0; round < 2; round++) {
		memset(mem, 0xa5, sizeof(mem));
		gmem_write(&self->gm, 0, mem, sizeof(mem));
		ASSERT_EQ(0, initrd_load(&self->f.rd, &self->gm, gpa));
		gmem_read(&self->gm, 0, mem, sizeof(mem));
		EXPECT_TRUE(all(mem, gpa, 0xa5));
		for (i = 0, at = gpa; i < nr; at += sizes[i].pages * PAGE, i++) {
			size_t size = sizes[i].size;

			EXPECT_TRUE(all(mem + at, size, i + 1))
				TH_LOG("file %d", i);
			EXPECT_TRUE(all(mem + at + size, sizes[i].pages * PAGE - size, 0))
				TH_LOG("zeroes behind file %d", i);
		}
		EXPECT_TRUE(all(mem + at, sizeof(mem) - at, 0xa5));
	}
	initrd_close(&self->f.rd);
	EXPECT_EQ(0, self->f.rd.nr);
}

static void refused(struct __test_metadata *_metadata, struct files *f, int nr,
		    int err, const char *why)
{
	int next = open("/dev/null", O_RDONLY), ret;

	close(next);
	capture_begin(&f->said);
	ret = initrd_open(&f->rd, f->paths, nr);
	capture_end(&f->said);
	EXPECT_EQ(err, ret);
	EXPECT_TRUE(capture_one_line(&f->said) && strstr(f->said.text, why))
		TH_LOG("expected: %s; said: %s", why, f->said.text);
	EXPECT_EQ(0, f->rd.nr);
	/* Nothing that was opened before the failure stays open. */
	EXPECT_EQ(next, open("/dev/null", O_RDONLY));
	close(next);
}

TEST_F(initrd, refusals)
{
	make_file(self->f.names[0], 0, 10);
	refused(_metadata, &self->f, 2, -ENOENT, "No such file");
	make_file(self->f.names[1], 1, 0);
	refused(_metadata, &self->f, 2, -EINVAL, "is empty");
	remove(self->f.names[1]);
	mkdir(self->f.names[1], 0700);
	refused(_metadata, &self->f, 2, -EISDIR, "is a directory");
	rmdir(self->f.names[1]);
	mkfifo(self->f.names[1], 0600);
	refused(_metadata, &self->f, 2, -EINVAL, "is not a regular file");
	self->f.paths[1] = "/dev/zero";
	refused(_metadata, &self->f, 2, -EINVAL, "initrd /dev/zero: is not a regular file");
}

TEST_F(initrd, at_most_16)
{
	int i;

	for (i = 0; i < FILES; i++)
		make_file(self->f.names[i], i, 10);
	refused(_metadata, &self->f, FILES, -E2BIG, "17 initrds are too many");
	ASSERT_EQ(0, initrd_open(&self->f.rd, self->f.paths, FILES - 1));
	EXPECT_EQ(15 * PAGE + 10, self->f.rd.total);
	EXPECT_EQ(0, initrd_load(&self->f.rd, &self->gm, 0));
	initrd_close(&self->f.rd);
}

TEST_F(initrd, does_not_fit)
{
	int ret;

	make_file(self->f.names[0], 0, 5000);
	ASSERT_EQ(0, initrd_open(&self->f.rd, self->f.paths, 1));
	EXPECT_EQ(0, initrd_load(&self->f.rd, &self->gm, SZ_1M - 2 * PAGE));
	capture_begin(&self->f.said);
	ret = initrd_load(&self->f.rd, &self->gm, SZ_1M - PAGE);
	capture_end(&self->f.said);
	EXPECT_EQ(-EFAULT, ret);
	EXPECT_TRUE(capture_one_line(&self->f.said) &&
		    strstr(self->f.said.text, "does not fit into the guest's memory"));
	initrd_close(&self->f.rd);
}

TEST_F(initrd, shrinks_before_load)
{
	int ret;

	make_file(self->f.names[0], 0, 5000);
	ASSERT_EQ(0, initrd_open(&self->f.rd, self->f.paths, 1));
	ASSERT_EQ(0, truncate(self->f.names[0], 4999));
	capture_begin(&self->f.said);
	ret = initrd_load(&self->f.rd, &self->gm, 0);
	capture_end(&self->f.said);
	EXPECT_EQ(-ENODATA, ret);
	EXPECT_TRUE(capture_one_line(&self->f.said) && strstr(self->f.said.text, "has shrunk"));
	initrd_close(&self->f.rd);
}

TEST_HARNESS_MAIN
