// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <vmtool/gmem.h>
#include <vmtool/initramfs.h>
#include <vmtool/io.h>
#include <vmtool/kernel_image.h>

#include "capture.h"
#include "kselftest_harness.h"

/* An entry, read as the kernel's init/initramfs.c reads it. */
struct cpio {
	unsigned long field[12];
	char name[INITRAMFS_PATH_MAX];
	char data[256];
};

enum { INO, MODE, UID, GID, NLINK, MTIME, SIZE, MAJ, MIN, RMAJ, RMIN, NAMESIZE };

static off_t cpio_read(int fd, off_t off, struct cpio *c)
{
	char head[111] = "", hex[9] = "";
	int i;

	memset(c, 0, sizeof(*c));
	if (pread_all(fd, head, 110, off) || memcmp(head, "070701", 6))
		return -1;
	for (i = 0; i < 12; i++) {
		memcpy(hex, head + 6 + 8 * i, 8);
		c->field[i] = strtoul(hex, NULL, 16);
	}
	off += 110;
	if (c->field[NAMESIZE] > sizeof(c->name) ||
	    pread_all(fd, c->name, c->field[NAMESIZE], off))
		return -1;
	off = (off + c->field[NAMESIZE] + 3) & ~3;
	if (pread_all(fd, c->data, c->field[SIZE] < 255 ? c->field[SIZE] : 255, off))
		return -1;
	return (off + c->field[SIZE] + 3) & ~3;
}

FIXTURE(fs) {
	struct initramfs fs;
	struct cpio c;
};

FIXTURE_SETUP(fs)
{
	ASSERT_EQ(0, initramfs_create(&self->fs));
}

FIXTURE_TEARDOWN(fs)
{
	initramfs_destroy(&self->fs);
}

TEST_F(fs, files_come_with_the_directories_above_them)
{
	static const char *const names[] = {
		"init", "modules", "modules/a.ko", "modules/b.ko", "modules/sub",
		"modules/sub/c.ko", "etc", "etc/x", "TRAILER!!!",
	};
	off_t off = 0;
	int i;

	initramfs_file(&self->fs, "/init", 0755, "#!", 2);
	initramfs_file(&self->fs, "/modules/a.ko", 0644, "AA", 2);
	initramfs_file(&self->fs, "/modules/b.ko", 0644, "B", 1);
	initramfs_file(&self->fs, "/modules/sub/c.ko", 0644, "", 0);
	initramfs_file(&self->fs, "/etc/x", 0600, "12345", 5);
	ASSERT_EQ(0, initramfs_finish(&self->fs));
	for (i = 0; i < 9; i++) {
		off = cpio_read(self->fs.fd, off, &self->c);
		ASSERT_GT(off, 0);
		EXPECT_STREQ(names[i], self->c.name);
	}
	EXPECT_EQ(off, self->fs.size);
	EXPECT_EQ(0, self->fs.size % 4);
}

TEST_F(fs, contents_and_modes)
{
	off_t off;

	initramfs_file(&self->fs, "/init", 0755, "hello", 5);
	initramfs_dir(&self->fs, "/tmp", 01777);
	initramfs_symlink(&self->fs, "/bin", "usr/bin");
	initramfs_node(&self->fs, "/console", S_IFCHR | 0600, makedev(5, 1));
	initramfs_node(&self->fs, "/fifo", S_IFIFO | 0640, makedev(5, 1));
	ASSERT_EQ(0, initramfs_finish(&self->fs));

	off = cpio_read(self->fs.fd, 0, &self->c);
	EXPECT_EQ(S_IFREG | 0755, self->c.field[MODE]);
	EXPECT_STREQ("hello", self->c.data);
	off = cpio_read(self->fs.fd, off, &self->c);
	EXPECT_EQ(S_IFDIR | 01777, self->c.field[MODE]);
	EXPECT_EQ(2, self->c.field[NLINK]);
	off = cpio_read(self->fs.fd, off, &self->c);
	EXPECT_EQ(S_IFLNK | 0777, self->c.field[MODE]);
	EXPECT_STREQ("usr/bin", self->c.data);
	off = cpio_read(self->fs.fd, off, &self->c);
	EXPECT_EQ(S_IFCHR | 0600, self->c.field[MODE]);
	EXPECT_EQ(5, self->c.field[RMAJ]);
	EXPECT_EQ(1, self->c.field[RMIN]);
	cpio_read(self->fs.fd, off, &self->c);
	EXPECT_EQ(S_IFIFO | 0640, self->c.field[MODE]);
	EXPECT_EQ(0, self->c.field[RMAJ]);
}

TEST_F(fs, paths_that_lead_elsewhere_are_refused)
{
	static const char *const bad[] = {
		"init", "", "/", "/../x", "/a/./b", "/a//b", "/a/", "/a/..",
	};
	int i;

	for (i = 0; i < 8; i++) {
		self->fs.err = 0;
		EXPECT_EQ(-EINVAL, initramfs_file(&self->fs, bad[i], 0644, "", 0));
	}
}

TEST_F(fs, the_first_error_is_kept)
{
	char longname[INITRAMFS_PATH_MAX + 2];

	memset(longname, 'x', sizeof(longname) - 1);
	longname[0] = '/';
	longname[sizeof(longname) - 1] = '\0';
	EXPECT_EQ(-ENAMETOOLONG, initramfs_dir(&self->fs, longname, 0755));
	EXPECT_EQ(-ENAMETOOLONG, initramfs_node(&self->fs, "/x", S_IFREG | 0644, 0));
	EXPECT_EQ(-ENAMETOOLONG, initramfs_symlink(&self->fs, "/x", ""));
	EXPECT_EQ(-ENAMETOOLONG, initramfs_file(&self->fs, "/x", 0644, "", 0));
	EXPECT_EQ(-ENAMETOOLONG, initramfs_finish(&self->fs));
	EXPECT_EQ(0, self->fs.size);
}

TEST_F(fs, nothing_but_nodes_is_a_node)
{
	EXPECT_EQ(-EINVAL, initramfs_node(&self->fs, "/x", S_IFREG | 0644, 0));
}

/* Behind the user's own initrds, in pages that can be mapped. */
TEST_F(fs, it_is_one_more_initrd)
{
	char path[] = "/tmp/initramfs_test.XXXXXX", text[8];
	const char *paths[] = { path };
	struct initrd rd;
	struct gmem gm;
	int fd = mkstemp(path);

	ASSERT_GE(fd, 0);
	ASSERT_EQ(5, write(fd, "first", 5));
	initramfs_file(&self->fs, "/init", 0755, "hello", 5);
	ASSERT_EQ(0, initramfs_finish(&self->fs));
	ASSERT_EQ(0, initrd_open(&rd, paths, 1));
	ASSERT_EQ(0, initrd_add_memory(&rd, self->fs.fd, self->fs.size));
	EXPECT_EQ(4096 + self->fs.size, rd.total);

	gmem_init(&gm, -1);
	ASSERT_EQ(0, gmem_add(&gm, 0, 1 << 20, GMEM_RAM, -1, 0));
	ASSERT_EQ(0, initrd_load(&rd, &gm, 0x4000));
	ASSERT_EQ(0, gmem_read(&gm, 0x4000, text, 6));
	EXPECT_STREQ("first", text);
	ASSERT_EQ(0, gmem_read(&gm, 0x5000, text, 6));
	EXPECT_EQ(0, memcmp("070701", text, 6));
	initrd_close(&rd);
	gmem_destroy(&gm);
	close(fd);
	unlink(path);
	/* It was lent, not given. */
	EXPECT_EQ(0, pread_all(self->fs.fd, text, 6, 0));
}

TEST_HARNESS_MAIN
