// SPDX-License-Identifier: GPL-2.0
#include <dirent.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include "kernel_fixture.h"
#include "files.h"

#include <kselftest_harness.h>

#if defined(CONFIG_KERNEL_CACHE) && defined(CONFIG_BOOT_BZIMAGE) && defined(CONFIG_DECOMPRESS_GZIP)
#define KERNEL	"bzImage"
#define CACHE	"cache/vmtool/kernels"

FIXTURE(cache) {
	struct files files;
	struct fix_bz bz;
	char kernel[PATH_MAX];
	char dir[PATH_MAX];
	char name[PATH_MAX];
};

static bool old_file(const char *path)
{
	struct timespec t[2] = { { .tv_sec = 1000000 }, { .tv_sec = 1000000 } };

	return !utimensat(AT_FDCWD, path, t, 0);
}

/* ctime is now: only after two seconds is a file known by its times. */
static void settle(void)
{
	nanosleep(&(struct timespec) { .tv_sec = 2, .tv_nsec = 100000000 }, NULL);
}

FIXTURE_SETUP(cache)
{
	char cache[PATH_MAX];

	ASSERT_TRUE(files_init(&self->files));
	fix_bz_with_elf(&self->bz, fix_gzip);
	ASSERT_TRUE(files_write(&self->files, KERNEL, self->bz.file, self->bz.size));
	files_path(&self->files, self->kernel, KERNEL);
	files_path(&self->files, self->dir, CACHE);
	setenv("XDG_CACHE_HOME", files_path(&self->files, cache, "cache"), 1);
	ASSERT_TRUE(old_file(self->kernel));
}

FIXTURE_TEARDOWN(cache)
{
	unsetenv("XDG_CACHE_HOME");
	files_remove(&self->files);
}

/* Bytes that were inflated to open the kernel; -1: it could not be opened. */
static long long inflated(struct __test_metadata *_metadata, FIXTURE_DATA(cache) *self)
{
	struct fix_elf want, got;
	struct kernel_image ki;
	long long ret;

	if (kernel_image_open(&ki, self->kernel))
		return -1;
	ret = ki.inflated;
	fix_elf_make(&want);
	EXPECT_EQ(sizeof(got), pread(ki.fd, &got, sizeof(got), 0));
	EXPECT_EQ(0, memcmp(&want, &got, sizeof(got)));
	EXPECT_EQ(FIX_TEXT + 0x40, ki.entry);
	kernel_image_close(&ki);
	return ret;
}

/* Entries of a kind; @self->name is one of them. */
static int count(FIXTURE_DATA(cache) *self, bool links)
{
	DIR *d = opendir(self->dir);
	struct dirent *e;
	int n = 0;

	while (d && (e = readdir(d))) {
		if (e->d_name[0] == '.' || !strcmp(e->d_name, "secret") ||
		    !strncmp(e->d_name, "at-", 3) != links)
			continue;
		snprintf(self->name, sizeof(self->name), "%.3000s/%s", self->dir, e->d_name);
		n++;
	}
	if (d)
		closedir(d);
	return n;
}

TEST_F(cache, the_second_time)
{
	struct stat st;

	EXPECT_EQ(sizeof(struct fix_elf), inflated(_metadata, self));
	ASSERT_EQ(1, count(self, false));
	ASSERT_EQ(0, stat(self->name, &st));
	EXPECT_EQ(0400, st.st_mode & 07777);
	EXPECT_EQ(sizeof(struct fix_elf), st.st_size);
	EXPECT_EQ(1, st.st_nlink);
	EXPECT_EQ(0, inflated(_metadata, self));
	/* The file is too new to be known by its times. */
	EXPECT_EQ(0, count(self, true));
	settle();
	EXPECT_EQ(0, inflated(_metadata, self));
	EXPECT_EQ(1, count(self, true));
	EXPECT_EQ(0, inflated(_metadata, self));
	ASSERT_EQ(0, stat(self->dir, &st));
	EXPECT_EQ(0700, st.st_mode & 07777);
}

TEST_F(cache, another_kernel_in_the_same_place)
{
	struct kernel_image ki;
	struct fix_elf e;
	u8 payload[sizeof(e) + 64];

	settle();
	EXPECT_EQ(sizeof(e), inflated(_metadata, self));
	ASSERT_EQ(1, count(self, true));
	/* The same size, and the same date: but not the same ctime. */
	fix_elf_make(&e);
	e.data[3] ^= 1;
	fix_bz_make(&self->bz, payload, fix_gzip(payload, &e, sizeof(e)));
	ASSERT_TRUE(files_write(&self->files, KERNEL, self->bz.file, self->bz.size));
	ASSERT_TRUE(old_file(self->kernel));
	ASSERT_EQ(0, kernel_image_open(&ki, self->kernel));
	EXPECT_EQ(sizeof(e), ki.inflated);
	kernel_image_close(&ki);
	EXPECT_EQ(2, count(self, false));
}

TEST_F(cache, entries_that_are_not_trusted)
{
	struct stat st;

	inflated(_metadata, self);
	ASSERT_EQ(1, count(self, false));
	ASSERT_EQ(0, chmod(self->name, 0600));
	EXPECT_EQ(sizeof(struct fix_elf), inflated(_metadata, self));
	ASSERT_EQ(0, stat(self->name, &st));
	EXPECT_EQ(0400, st.st_mode & 07777);
	EXPECT_EQ(0, inflated(_metadata, self));

	ASSERT_EQ(0, truncate(self->name, 100));
	EXPECT_EQ(sizeof(struct fix_elf), inflated(_metadata, self));
	ASSERT_EQ(0, unlink(self->name));
	ASSERT_EQ(0, symlink("/dev/zero", self->name));
	EXPECT_EQ(sizeof(struct fix_elf), inflated(_metadata, self));
	EXPECT_EQ(0, inflated(_metadata, self));
}

TEST_F(cache, links_that_lead_elsewhere)
{
	char target[PATH_MAX];

	settle();
	inflated(_metadata, self);
	ASSERT_EQ(1, count(self, true));
	ASSERT_EQ(0, unlink(self->name));
	ASSERT_EQ(0, symlink(files_path(&self->files, target, KERNEL), self->name));
	EXPECT_EQ(0, inflated(_metadata, self));
	ASSERT_EQ(1, count(self, true));
	ASSERT_EQ(0, unlink(self->name));
	ASSERT_EQ(0, symlink("nothing", self->name));
	EXPECT_EQ(0, inflated(_metadata, self));
}

/* An entry that is as large as it should be and is no kernel: said once. */
TEST_F(cache, an_entry_that_is_damaged)
{
	struct fix_elf e = { };
	int fd;

	inflated(_metadata, self);
	ASSERT_EQ(1, count(self, false));
	ASSERT_EQ(0, chmod(self->name, 0600));
	fd = open(self->name, O_WRONLY);
	ASSERT_EQ(sizeof(e), write(fd, &e, sizeof(e)));
	close(fd);
	ASSERT_EQ(0, chmod(self->name, 0400));
	EXPECT_EQ(-1, inflated(_metadata, self));
	EXPECT_EQ(sizeof(e), inflated(_metadata, self));
	EXPECT_EQ(0, inflated(_metadata, self));
}

TEST_F(cache, a_directory_of_others)
{
	inflated(_metadata, self);
	ASSERT_EQ(0, chmod(self->dir, 0770));
	EXPECT_EQ(sizeof(struct fix_elf), inflated(_metadata, self));
	ASSERT_EQ(0, chmod(self->dir, 0700));
	EXPECT_EQ(0, inflated(_metadata, self));
}

TEST_F(cache, what_was_used_last_stays)
{
	char old[PATH_MAX], link[PATH_MAX];

	ASSERT_TRUE(files_write(&self->files, CACHE "/old", "", 0));
	ASSERT_TRUE(files_write(&self->files, CACHE "/small", "", 0));
	files_path(&self->files, old, CACHE "/old");
	files_path(&self->files, link, CACHE "/at-1");
	ASSERT_EQ(0, chmod(self->dir, 0700));
	ASSERT_EQ(0, truncate(old, 2LL << 30));
	ASSERT_TRUE(old_file(old));
	ASSERT_EQ(0, symlink("old", link));
	EXPECT_EQ(sizeof(struct fix_elf), inflated(_metadata, self));
	EXPECT_EQ(2, count(self, false));
	EXPECT_NE(0, access(old, F_OK));
	EXPECT_EQ(0, count(self, true));
	EXPECT_EQ(0, inflated(_metadata, self));
}

TEST_F(cache, a_secret_that_others_know)
{
	char path[PATH_MAX];
	struct stat st;

	inflated(_metadata, self);
	files_path(&self->files, path, CACHE "/secret");
	ASSERT_EQ(0, stat(path, &st));
	EXPECT_EQ(0400, st.st_mode & 07777);
	EXPECT_EQ(192, st.st_size);
	ASSERT_EQ(0, chmod(path, 0444));
	EXPECT_EQ(sizeof(struct fix_elf), inflated(_metadata, self));
	ASSERT_EQ(0, chmod(path, 0400));
	EXPECT_EQ(0, inflated(_metadata, self));
}

TEST_F(cache, no_place)
{
	setenv("XDG_CACHE_HOME", "relative", 1);
	EXPECT_EQ(sizeof(struct fix_elf), inflated(_metadata, self));
	setenv("XDG_CACHE_HOME", "/proc/nothing", 1);
	EXPECT_EQ(sizeof(struct fix_elf), inflated(_metadata, self));
	setenv("XDG_CACHE_HOME", self->kernel, 1);
	EXPECT_EQ(sizeof(struct fix_elf), inflated(_metadata, self));
}

TEST_F(cache, no_room)
{
	struct rlimit limit = { .rlim_cur = 64, .rlim_max = RLIM_INFINITY };

	signal(SIGXFSZ, SIG_IGN);
	ASSERT_EQ(0, setrlimit(RLIMIT_FSIZE, &limit));
	inflated(_metadata, self);
	limit.rlim_cur = RLIM_INFINITY;
	ASSERT_EQ(0, setrlimit(RLIMIT_FSIZE, &limit));
	EXPECT_EQ(0, count(self, false));
	EXPECT_EQ(sizeof(struct fix_elf), inflated(_metadata, self));
}
#else
TEST(cache)
{
	SKIP(return, "built without a cache of kernels");
}
#endif

TEST_HARNESS_MAIN
