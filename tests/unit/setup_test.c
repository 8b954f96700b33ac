// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "builtin.h"
#include "capture.h"
#include "files.h"
#include "roots.h"
#include "kselftest_harness.h"

#ifdef CONFIG_HOST_ROOT
#include <vmtool/verdict.h>

FIXTURE(setup) {
	struct files files;
	struct capture said;
	char path[PATH_MAX];
};

FIXTURE_SETUP(setup)
{
	ASSERT_TRUE(files_init(&self->files));
	setenv("XDG_DATA_HOME", self->files.dir, 1);
}

FIXTURE_TEARDOWN(setup)
{
	files_remove(&self->files);
}

static int setup(struct capture *said, const char *name, const char *option)
{
	const char *argv[] = { "setup", name, option, NULL };
	int ret;

	capture_begin(said);
	ret = cmd_setup(option ? 3 : 2, argv);
	capture_end(said);
	return ret;
}

/* A program of this name that comes before the real one. */
static void fake(const struct files *f, const char *name, const char *text, size_t len)
{
	char path[PATH_MAX], file[80];

	snprintf(file, sizeof(file), "bin/%s", name);
	files_write(f, file, text, len);
	chmod(files_path(f, path, file), 0755);
	snprintf(path, sizeof(path), "%s/bin:/usr/bin:/bin", f->dir);
	setenv("PATH", path, 1);
}

TEST_F(setup, places)
{
	char dir[PATH_MAX];

	ASSERT_EQ(0, roots_path("a.b", self->path, sizeof(self->path)));
	snprintf(dir, sizeof(dir), "%s/vmtool/a.b", self->files.dir);
	EXPECT_STREQ(dir, self->path);
	EXPECT_EQ(-EINVAL, roots_path("../a", self->path, sizeof(self->path)));
	EXPECT_EQ(-EINVAL, roots_path("", self->path, sizeof(self->path)));
	EXPECT_FALSE(roots_exists("a.b"));
	EXPECT_FALSE(roots_exists("/etc"));
	setenv("XDG_DATA_HOME", "relative", 1);
	setenv("HOME", "/there", 1);
	ASSERT_EQ(0, roots_path("x", self->path, sizeof(self->path)));
	EXPECT_STREQ("/there/.local/share/vmtool/x", self->path);
	unsetenv("HOME");
	EXPECT_EQ(-ENOENT, roots_path("x", self->path, sizeof(self->path)));
}

TEST_F(setup, busybox)
{
	struct stat st;

	if (setup(&self->said, "bb", "--busybox")) {
		EXPECT_TRUE(capture_one_line(&self->said));
		if (strstr(self->said.text, "busybox-static"))
			SKIP(return, "no static busybox");
	}
	EXPECT_TRUE(roots_exists("bb"));
	EXPECT_TRUE(files_there(&self->files, "vmtool/bb/bin/sh"));
	EXPECT_TRUE(files_there(&self->files, "vmtool/bb/lib/modules"));
	EXPECT_TRUE(files_there(&self->files, "vmtool/bb/etc/passwd"));
	ASSERT_EQ(0, stat(files_path(&self->files, self->path, "vmtool/bb/tmp"), &st));
	EXPECT_EQ(S_IFDIR | 01777, st.st_mode);
	files_path(&self->files, self->path, "vmtool/bb/sbin/ls");
	ASSERT_EQ(0, stat(self->path, &st));
	EXPECT_EQ(0755, st.st_mode & 0777);
	EXPECT_FALSE(files_there(&self->files, "vmtool/.bb.new"));
	/* What is there is not touched. */
	EXPECT_EQ(EXIT_VMTOOL_ERROR, setup(&self->said, "bb", NULL));
	EXPECT_TRUE(capture_one_line(&self->said));
	EXPECT_TRUE(files_there(&self->files, "vmtool/bb/bin/sh"));
}

TEST_F(setup, nothing_is_left_of_what_failed)
{
	/* It is no static program. */
	fake(&self->files, "busybox", "#!/bin/sh\n", 10);
	files_text(&self->files, "vmtool/.x.new/a/b", "of one that was killed");
	EXPECT_EQ(EXIT_VMTOOL_ERROR, setup(&self->said, "x", NULL));
	EXPECT_TRUE(capture_one_line(&self->said));
	EXPECT_NE(NULL, strstr(self->said.text, "busybox-static"));
	EXPECT_FALSE(files_there(&self->files, "vmtool/x"));
	EXPECT_FALSE(files_there(&self->files, "vmtool/.x.new"));
	setenv("PATH", "/nowhere", 1);
	EXPECT_EQ(EXIT_VMTOOL_ERROR, setup(&self->said, "x", NULL));
	EXPECT_TRUE(capture_one_line(&self->said));
	EXPECT_FALSE(files_there(&self->files, "vmtool/.x.new"));
}

TEST_F(setup, debootstrap)
{
	static const char works[] =
		"#!/bin/sh\n[ \"$2\" = sid ] || exit 3\nmkdir -p \"$3/lib\" && echo $# > \"$3/x\"\n";

	if (geteuid()) {
		EXPECT_EQ(EXIT_VMTOOL_ERROR, setup(&self->said, "d", "--debootstrap"));
		EXPECT_NE(NULL, strstr(self->said.text, "root"));
		return;
	}
	fake(&self->files, "debootstrap", works, sizeof(works) - 1);
	EXPECT_EQ(EXIT_VMTOOL_ERROR, setup(&self->said, "d", "--debootstrap"));
	EXPECT_NE(NULL, strstr(self->said.text, "status 3"));
	EXPECT_TRUE(capture_one_line(&self->said));
	EXPECT_FALSE(files_there(&self->files, "vmtool/.d.new"));
	EXPECT_EQ(0, setup(&self->said, "d", "--debootstrap=sid"));
	EXPECT_TRUE(files_there(&self->files, "vmtool/d/x"));
	EXPECT_TRUE(files_there(&self->files, "vmtool/d/lib/modules"));
	setenv("PATH", "/nowhere", 1);
	EXPECT_EQ(EXIT_VMTOOL_ERROR, setup(&self->said, "e", "--debootstrap"));
	EXPECT_NE(NULL, strstr(self->said.text, "not installed"));
	EXPECT_FALSE(files_there(&self->files, "vmtool/.e.new"));
}

static int config(struct capture *said, const char *a, const char *b, const char *out)
{
	const char *argv[] = { "config", a, b, NULL };
	int ret, saved = dup(1), fd = open(out, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	dup2(fd, 1);
	capture_begin(said);
	ret = cmd_config(b ? 3 : a ? 2 : 1, argv);
	fflush(stdout);
	capture_end(said);
	dup2(saved, 1);
	close(saved);
	close(fd);
	return ret;
}

/* What it prints is what it is content with. */
TEST_F(setup, the_fragment_lacks_nothing)
{
	char out[PATH_MAX], again[PATH_MAX];
	struct stat st;

	files_path(&self->files, out, "fragment");
	files_path(&self->files, again, "missing");
	EXPECT_EQ(0, config(&self->said, NULL, NULL, out));
	EXPECT_EQ(0, config(&self->said, "--check", out, again));
	EXPECT_STREQ("", self->said.text);
	ASSERT_EQ(0, stat(again, &st));
	EXPECT_EQ(0, st.st_size);
}

TEST_F(setup, what_is_missing)
{
	char out[PATH_MAX], cmd[2 * PATH_MAX];

	files_text(&self->files, ".config", "CONFIG_VIRTIO_FS=m\nCONFIG_PCI=y\n");
	files_path(&self->files, out, "missing");
	ASSERT_EQ(0, chdir(self->files.dir));
	EXPECT_EQ(1, config(&self->said, "--check", NULL, out));
	EXPECT_TRUE(capture_one_line(&self->said));
	snprintf(cmd, sizeof(cmd), "grep -qx CONFIG_OVERLAY_FS=y %s", out);
	EXPECT_EQ(0, system(cmd));
	snprintf(cmd, sizeof(cmd), "grep -qE 'CONFIG_(VIRTIO_FS|PCI)=' %s", out);
	EXPECT_NE(0, system(cmd));
	EXPECT_EQ(EXIT_VMTOOL_ERROR, config(&self->said, "--check", "nothing", out));
	EXPECT_TRUE(capture_one_line(&self->said));
	EXPECT_EQ(EXIT_VMTOOL_ERROR, config(&self->said, "nothing", NULL, out));
	EXPECT_TRUE(capture_one_line(&self->said));
}
#else
TEST(not_built_in)
{
	SKIP(return, "CONFIG_HOST_ROOT is not set");
}
#endif

TEST_HARNESS_MAIN
