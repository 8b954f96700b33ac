// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include <vmtool/kconfig.h>
#include <vmtool/kernel_image.h>

#include "kernel_fixture.h"
#include "files.h"
#include "kselftest_harness.h"

#ifdef CONFIG_HOST_ROOT
static const char config[] =
	"# Linux/x86 6.1.0 Kernel Configuration\n"
	"CONFIG_VIRTIO=y\n"
	"CONFIG_VIRTIO_FS=m\n"
	"# CONFIG_VIRTIO_BLK is not set\n"
	"CONFIG_VIRTIO_NET=n\n"
	"CONFIG_HZ=250\n"
	"CONFIG_LOCALVERSION=\"\"\n"
	"CONFIG_9P_FS=y\n"
	"CONFIG_EMPTY=\n"
	" CONFIG_INDENTED=y\n"
	"CONFIG_LAST=y";

FIXTURE(kc) {
	struct files files;
	struct kconfig kc;
	struct kernel_image ki;
	char path[PATH_MAX];
	char buf[PATH_MAX];
};

FIXTURE_SETUP(kc)
{
	ASSERT_TRUE(files_init(&self->files));
	memset(&self->kc, 0, sizeof(self->kc));
	memset(&self->ki, 0, sizeof(self->ki));
	self->ki.fd = -1;
	self->ki.version_sought = true;
}

FIXTURE_TEARDOWN(kc)
{
	kconfig_free(&self->kc);
	files_remove(&self->files);
}

TEST_F(kc, values)
{
	ASSERT_EQ(0, kconfig_parse(&self->kc, config, strlen(config)));
	EXPECT_EQ(KCONFIG_Y, kconfig_get(&self->kc, "VIRTIO"));
	EXPECT_EQ(KCONFIG_M, kconfig_get(&self->kc, "VIRTIO_FS"));
	EXPECT_EQ(KCONFIG_N, kconfig_get(&self->kc, "VIRTIO_BLK"));
	EXPECT_EQ(KCONFIG_N, kconfig_get(&self->kc, "VIRTIO_NET"));
	EXPECT_EQ(KCONFIG_Y, kconfig_get(&self->kc, "HZ"));
	EXPECT_EQ(KCONFIG_Y, kconfig_get(&self->kc, "9P_FS"));
	EXPECT_EQ(KCONFIG_N, kconfig_get(&self->kc, "VIRTI"));
	EXPECT_EQ(KCONFIG_N, kconfig_get(&self->kc, "VIRTIO_F"));
	EXPECT_EQ(KCONFIG_N, kconfig_get(&self->kc, "EMPTY"));
	EXPECT_EQ(KCONFIG_N, kconfig_get(&self->kc, "INDENTED"));
	EXPECT_EQ(KCONFIG_Y, kconfig_get(&self->kc, "LAST"));
}

TEST_F(kc, without_a_configuration_nothing_is_known)
{
	EXPECT_EQ(KCONFIG_UNKNOWN, kconfig_get(&self->kc, "VIRTIO"));
	EXPECT_EQ(-EINVAL, kconfig_parse(&self->kc, "hello\n", 6));
	EXPECT_EQ(KCONFIG_UNKNOWN, kconfig_get(&self->kc, "VIRTIO"));
}

TEST_F(kc, a_file)
{
	files_text(&self->files, "x", config);
	ASSERT_EQ(0, kconfig_read(&self->kc, files_path(&self->files, self->buf, "x")));
	EXPECT_EQ(KCONFIG_M, kconfig_get(&self->kc, "VIRTIO_FS"));
	EXPECT_EQ(-ENOENT, kconfig_read(&self->kc, files_path(&self->files, self->buf, "y")));
	EXPECT_EQ(-EISDIR, kconfig_read(&self->kc, self->files.dir));
}

TEST_F(kc, the_tree_of_an_image)
{
	char tree[PATH_MAX];

	files_text(&self->files, "t/.config", config);
	files_text(&self->files, "t/vmlinux", "x");
	files_text(&self->files, "t/arch/x86/boot/bzImage", "x");
	files_text(&self->files, "other/bzImage", "x");
	mkdir(files_path(&self->files, self->buf, "t/arch/x86_64"), 0755);
	mkdir(files_path(&self->files, self->buf, "t/arch/x86_64/boot"), 0755);
	files_path(&self->files, self->buf, "t/arch/x86_64/boot/bzImage");
	ASSERT_EQ(0, symlink("../../x86/boot/bzImage", self->buf));
	files_path(&self->files, self->path, "t");

	ASSERT_EQ(0, kernel_build_tree(self->buf, tree, sizeof(tree)));
	EXPECT_STREQ(self->path, tree);
	files_path(&self->files, self->buf, "t/vmlinux");
	ASSERT_EQ(0, kernel_build_tree(self->buf, tree, sizeof(tree)));
	EXPECT_STREQ(self->path, tree);
	EXPECT_EQ(-ENAMETOOLONG, kernel_build_tree(self->buf, tree, strlen(tree)));
	files_path(&self->files, self->buf, "other/bzImage");
	EXPECT_EQ(-ENOENT, kernel_build_tree(self->buf, tree, sizeof(tree)));
	files_path(&self->files, self->buf, "t/nothing");
	EXPECT_EQ(-ENOENT, kernel_build_tree(self->buf, tree, sizeof(tree)));
}

TEST_F(kc, the_release)
{
	char release[64];

	strcpy(self->ki.version, "6.1.0-rc3+ (me@here) #1 SMP");
	ASSERT_EQ(0, kernel_release(&self->ki, release, sizeof(release)));
	EXPECT_STREQ("6.1.0-rc3+", release);
	EXPECT_EQ(-ENOENT, kernel_release(&self->ki, release, 10));
	strcpy(self->ki.version, "../../etc x");
	EXPECT_EQ(-ENOENT, kernel_release(&self->ki, release, sizeof(release)));
	strcpy(self->ki.version, "6/1 x");
	EXPECT_EQ(-ENOENT, kernel_release(&self->ki, release, sizeof(release)));
	strcpy(self->ki.version, "");
	EXPECT_EQ(-ENOENT, kernel_release(&self->ki, release, sizeof(release)));
}

TEST_F(kc, beside_vmlinuz)
{
	files_text(&self->files, "boot/vmlinuz-6.1.0-test", "x");
	files_text(&self->files, "boot/config-6.1.0-test", config);
	files_path(&self->files, self->path, "boot/vmlinuz-6.1.0-test");
	ASSERT_EQ(0, kconfig_find(&self->kc, self->path, &self->ki));
	EXPECT_EQ(KCONFIG_M, kconfig_get(&self->kc, "VIRTIO_FS"));
	EXPECT_STREQ(files_path(&self->files, self->buf, "boot/config-6.1.0-test"),
		     self->kc.source);
}

TEST_F(kc, nowhere)
{
	files_text(&self->files, "bzImage", "x");
	files_path(&self->files, self->path, "bzImage");
	ASSERT_EQ(0, kconfig_find(&self->kc, self->path, &self->ki));
	EXPECT_EQ(KCONFIG_UNKNOWN, kconfig_get(&self->kc, "VIRTIO"));
	EXPECT_STREQ("", self->kc.source);
}

#ifdef CONFIG_DECOMPRESS_GZIP
/* A segment with the marks of kernel/configs.c at @at. */
static void make_image(struct kernel_image *ki, const char *text, size_t at)
{
	static char data[400000];
	size_t n;

	memset(data, 'x', sizeof(data));
	/* A mark that nothing follows is a string like any other. */
	memcpy(data + 100, "IKCFG_ST", 8);
	memcpy(data + at, "IKCFG_ST", 8);
	n = fix_gzip((u8 *)data + at + 8, text, strlen(text));
	memcpy(data + at + 8 + n, "IKCFG_ED", 8);
	ki->fd = memfd_create("image", MFD_CLOEXEC);
	ki->nr_seg = 2;
	ki->seg[0] = (struct kernel_segment) { .filesz = 50, .memsz = 50 };
	ki->seg[1] = (struct kernel_segment) { .filesz = sizeof(data), .memsz = sizeof(data) };
	if (write(ki->fd, data, sizeof(data)) != sizeof(data))
		abort();
}

TEST_F(kc, in_the_image)
{
	/* Wherever the pieces that are read may end. */
	static const size_t places[] = {
		200, 65530, 65536, 65525, 65526, 131000, 131060, 131070, 300000,
	};
	int i;

	for (i = 0; i < 9; i++) {
		make_image(&self->ki, config, places[i]);
		ASSERT_EQ(0, kconfig_from_image(&self->kc, &self->ki));
		EXPECT_EQ(KCONFIG_M, kconfig_get(&self->kc, "VIRTIO_FS"));
		kconfig_free(&self->kc);
		close(self->ki.fd);
	}
}

TEST_F(kc, damaged_in_the_image)
{
	make_image(&self->ki, config, 1000);
	ASSERT_EQ(4, pwrite(self->ki.fd, "\0\0\0\0", 4, 1060));
	EXPECT_EQ(-EBADMSG, kconfig_from_image(&self->kc, &self->ki));
	close(self->ki.fd);
	make_image(&self->ki, config, 1000);
	self->ki.seg[1].filesz = 1100;
	EXPECT_EQ(-ENOENT, kconfig_from_image(&self->kc, &self->ki));
	EXPECT_EQ(NULL, self->kc.text);
	/* A file that has shrunk. */
	self->ki.seg[1].filesz = 1 << 30;
	ASSERT_EQ(0, ftruncate(self->ki.fd, 1020));
	EXPECT_EQ(-ENOENT, kconfig_from_image(&self->kc, &self->ki));
	close(self->ki.fd);
}

/* What is edited after the kernel was built says nothing about it. */
TEST_F(kc, a_newer_file_is_not_believed)
{
	struct timespec past[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };
	struct timespec later[2] = { { .tv_sec = 2000 }, { .tv_sec = 2000 } };

	make_image(&self->ki, "CONFIG_VIRTIO_FS=y\n", 1000);
	files_text(&self->files, "vmlinux", "x");
	files_text(&self->files, ".config", config);
	files_path(&self->files, self->path, "vmlinux");
	files_path(&self->files, self->buf, ".config");
	utimensat(AT_FDCWD, self->path, past, 0);
	utimensat(AT_FDCWD, self->buf, later, 0);
	ASSERT_EQ(0, kconfig_find(&self->kc, self->path, &self->ki));
	EXPECT_EQ(KCONFIG_Y, kconfig_get(&self->kc, "VIRTIO_FS"));
	kconfig_free(&self->kc);

	utimensat(AT_FDCWD, self->path, later, 0);
	ASSERT_EQ(0, kconfig_find(&self->kc, self->path, &self->ki));
	EXPECT_EQ(KCONFIG_M, kconfig_get(&self->kc, "VIRTIO_FS"));
	kconfig_free(&self->kc);

	/* Without a better one it is. */
	utimensat(AT_FDCWD, self->path, past, 0);
	self->ki.nr_seg = 0;
	ASSERT_EQ(0, kconfig_find(&self->kc, self->path, &self->ki));
	EXPECT_EQ(KCONFIG_M, kconfig_get(&self->kc, "VIRTIO_FS"));
	close(self->ki.fd);
}

TEST_F(kc, a_compressed_file)
{
	u8 gz[1024];
	size_t n = fix_gzip(gz, config, strlen(config));

	files_write(&self->files, "config.gz", gz, n);
	files_path(&self->files, self->buf, "config.gz");
	ASSERT_EQ(0, kconfig_read(&self->kc, self->buf));
	EXPECT_EQ(KCONFIG_Y, kconfig_get(&self->kc, "9P_FS"));
}
#endif
#else
TEST(not_built_in)
{
	SKIP(return, "CONFIG_HOST_ROOT is not set");
}
#endif

TEST_HARNESS_MAIN
