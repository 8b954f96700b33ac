// SPDX-License-Identifier: GPL-2.0
/*
 * boot/find.c: which kernel is meant when none is named.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include <vmtool/kernel_image.h>

#include "capture.h"
#include <kselftest_harness.h>

static const char *const images[] = { "bzImage", "Image", NULL };

/* Where a kernel is looked for, most wanted first; out/ is $O, kb/ $KBUILD_OUTPUT. */
static const char *const places[] = {
	"bzImage", "Image",
	"arch/x86/boot/bzImage", "arch/x86/boot/Image", "vmlinux",
	"out/bzImage", "out/Image",
	"out/arch/x86/boot/bzImage", "out/arch/x86/boot/Image", "out/vmlinux",
	"kb/bzImage", "kb/Image",
	"kb/arch/x86/boot/bzImage", "kb/arch/x86/boot/Image", "kb/vmlinux",
};

static const char *const dirs[] = {
	"arch", "arch/x86", "arch/x86/boot",
	"out", "out/arch", "out/arch/x86", "out/arch/x86/boot",
	"kb", "kb/arch", "kb/arch/x86", "kb/arch/x86/boot",
};

/**
 * struct found - what a search came to
 * @release: the last resort
 * @buf: the path found
 * @said: what was printed
 */
struct found {
	char release[300];
	char buf[4096];
	struct capture said;
};

FIXTURE(find) {
	char dir[64];
	struct found f;
};

FIXTURE_SETUP(find)
{
	struct utsname uts;
	size_t i;

	snprintf(self->dir, sizeof(self->dir), "%s/kernel_find_test.XXXXXX", P_tmpdir);
	ASSERT_NE(NULL, mkdtemp(self->dir));
	ASSERT_EQ(0, chdir(self->dir));
	for (i = 0; i < ARRAY_SIZE(dirs); i++)
		ASSERT_EQ(0, mkdir(dirs[i], 0700));
	setenv("O", "out", 1);
	setenv("KBUILD_OUTPUT", "kb", 1);
	uname(&uts);
	snprintf(self->f.release, sizeof(self->f.release), "/boot/vmlinuz-%s", uts.release);
}

FIXTURE_TEARDOWN(find)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(places); i++)
		remove(places[i]);
	for (i = ARRAY_SIZE(dirs); i > 0; i--)
		rmdir(dirs[i - 1]);
	EXPECT_EQ(0, chdir("/"));
	rmdir(self->dir);
}

static int find(struct found *f, size_t size)
{
	int ret;

	capture_begin(&f->said);
	ret = kernel_image_find("x86", images, f->buf, size);
	capture_end(&f->said);
	return ret;
}

static void touch(const char *path)
{
	close(open(path, O_CREAT | O_WRONLY, 0600));
}

/* None is in the places: the running kernel's, or a message. */
static void expect_last_resort(struct __test_metadata *_metadata, struct found *f)
{
	int ret = find(f, sizeof(f->buf));

	if (!access(f->release, F_OK)) {
		EXPECT_EQ(0, ret);
		EXPECT_STREQ(f->release, f->buf);
		return;
	}
	EXPECT_EQ(-ENOENT, ret);
	EXPECT_TRUE(capture_one_line(&f->said) &&
		    strstr(f->said.text, "bzImage, arch/x86/boot/bzImage, ") &&
		    strstr(f->said.text, "vmlinux here") &&
		    strstr(f->said.text, f->release))
		TH_LOG("%s", f->said.text);
}

TEST_F(find, most_wanted_first)
{
	size_t i;

	for (i = ARRAY_SIZE(places); i > 0; i--) {
		touch(places[i - 1]);
		EXPECT_EQ(0, find(&self->f, sizeof(self->f.buf)));
		EXPECT_STREQ(places[i - 1], self->f.buf);
		EXPECT_STREQ("", self->f.said.text);
	}
}

TEST_F(find, environment_unset_or_empty)
{
	touch("out/bzImage");
	touch("kb/vmlinux");
	unsetenv("O");
	EXPECT_EQ(0, find(&self->f, sizeof(self->f.buf)));
	EXPECT_STREQ("kb/vmlinux", self->f.buf);
	setenv("O", "", 1);
	setenv("KBUILD_OUTPUT", "", 1);
	expect_last_resort(_metadata, &self->f);
}

TEST_F(find, none)
{
	expect_last_resort(_metadata, &self->f);
}

TEST_F(find, not_a_file)
{
	ASSERT_EQ(0, mkdir("bzImage", 0700));
	ASSERT_EQ(0, mkfifo("vmlinux", 0600));
	expect_last_resort(_metadata, &self->f);
}

TEST_F(find, path_too_long)
{
	touch("out/arch/x86/boot/bzImage");
	EXPECT_EQ(0, find(&self->f, sizeof("out/arch/x86/boot/bzImage")));
	EXPECT_STREQ("out/arch/x86/boot/bzImage", self->f.buf);
	EXPECT_EQ(-ENOENT, find(&self->f, sizeof("out/arch/x86/boot/bzImage") - 1));
}

TEST_HARNESS_MAIN
