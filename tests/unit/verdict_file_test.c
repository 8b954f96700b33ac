// SPDX-License-Identifier: GPL-2.0
/*
 * vm/verdict_file.c: the file of --verdict.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/kernel.h>
#include <vmtool/verdict_file.h>

#include <kselftest_harness.h>

static const unsigned int counts[SPLAT_KINDS] = { [SPLAT_OOPS] = 2, [SPLAT_OOM] = 1 };

static const struct verdict_facts facts = {
	.status = 101, .reason = "panic", .name = "vm-1", .kernel = "6.1", .uptime_ms = 12045,
	.command = -1, .counts = counts, .splat = "a\n\tb\n", .splat_kind = SPLAT_OOPS,
};

static char *printed(const struct verdict_facts *f)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	verdict_print(f, out);
	fclose(out);
	return text;
}

TEST(all_members)
{
	char *text = printed(&facts);

	EXPECT_STREQ("{\n  \"status\": 101,\n  \"reason\": \"panic\",\n  \"name\": \"vm-1\",\n"
		     "  \"kernel\": \"6.1\",\n  \"uptime\": 12.045,\n  \"command-status\": null,\n"
		     "  \"counts\": {\n    \"panic\": 0,\n    \"oops\": 2,\n    \"bug\": 0,\n"
		     "    \"warning\": 0,\n    \"kasan\": 0,\n    \"kcsan\": 0,\n    \"ubsan\": 0,\n"
		     "    \"lockdep\": 0,\n    \"rcu-stall\": 0,\n    \"hung-task\": 0,\n"
		     "    \"soft-lockup\": 0,\n    \"hard-lockup\": 0,\n    \"oom\": 1\n  },\n"
		     "  \"splat-kind\": \"oops\",\n  \"splat\": \"a\\n\\tb\\n\",\n"
		     "  \"panic\": null,\n  \"vcpus\": null\n}\n", text);
	free(text);
}

TEST(a_command_and_no_kernel)
{
	struct verdict_facts f = facts;
	char *text;

	f.command = 7;
	f.kernel = "";
	f.splat = NULL;
	text = printed(&f);
	EXPECT_NE(NULL, strstr(text, "\"command-status\": 7,\n"));
	EXPECT_NE(NULL, strstr(text, "\"kernel\": null,\n"));
	EXPECT_NE(NULL, strstr(text, "\"splat-kind\": null,\n"));
	free(text);
}

TEST(text_of_all_kinds)
{
	static const struct {
		const char *text, *json;
	} cases[] = {
		{ "", "" }, { "\"\\/", "\\\"\\\\/" }, { "\x01\x1b\x7f", "\\u0001\\u001b\\u007f" },
		{ "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80" },
		{ "\x80x", "\\ufffdx" }, { "\xff", "\\ufffd" }, { "\xc0\x80", "\\ufffd\\ufffd" },
		{ "\xc3", "\\ufffd" }, { "\xe2\x82", "\\ufffd\\ufffd" }, { "\xe2(\xa1", "\\ufffd(\\ufffd" },
		{ "\xe0\x80\x80", "\\ufffd\\ufffd\\ufffd" }, { "\xed\xa0\x80", "\\ufffd\\ufffd\\ufffd" },
		{ "\xf4\x90\x80\x80", "\\ufffd\\ufffd\\ufffd\\ufffd" },
		{ "\xf0\x80\x80\x80", "\\ufffd\\ufffd\\ufffd\\ufffd" },
		{ "\xed\x9f\xbf\xf4\x8f\xbf\xbf", "\xed\x9f\xbf\xf4\x8f\xbf\xbf" },
	};
	struct verdict_facts f = facts;
	char *text, expected[128];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		f.splat = cases[i].text;
		text = printed(&f);
		snprintf(expected, sizeof(expected), "\"splat\": \"%s\",\n", cases[i].json);
		EXPECT_NE(NULL, strstr(text, expected))
			TH_LOG("%s", text);
		free(text);
	}
}

FIXTURE(file) {
	char dir[40];
	char path[64];
};

FIXTURE_SETUP(file)
{
	strcpy(self->dir, "/tmp/verdict_test.XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->dir));
	snprintf(self->path, sizeof(self->path), "%s/v", self->dir);
}

FIXTURE_TEARDOWN(file)
{
	char cmd[64];

	snprintf(cmd, sizeof(cmd), "rm -rf %s", self->dir);
	EXPECT_EQ(0, system(cmd));
}

static bool holds_the_facts(const char *path)
{
	char buf[4096] = "", *text = printed(&facts);
	int fd = open(path, O_RDONLY);
	bool same = fd >= 0 && read(fd, buf, sizeof(buf) - 1) > 0 && !strcmp(buf, text);

	close(fd);
	free(text);
	return same;
}

TEST_F(file, new_and_replaced)
{
	struct stat st;
	ino_t ino;

	umask(027);
	ASSERT_EQ(0, verdict_write(&facts, self->path));
	EXPECT_TRUE(holds_the_facts(self->path));
	ASSERT_EQ(0, stat(self->path, &st));
	EXPECT_EQ(0640, st.st_mode & 0777);
	ino = st.st_ino;
	ASSERT_EQ(0, chmod(self->path, 0604));
	ASSERT_EQ(0, truncate(self->path, 10000));
	ASSERT_EQ(0, verdict_write(&facts, self->path));
	EXPECT_TRUE(holds_the_facts(self->path));
	ASSERT_EQ(0, stat(self->path, &st));
	EXPECT_EQ(0604, st.st_mode & 0777);
	EXPECT_NE(ino, st.st_ino);
	ASSERT_EQ(0, unlink(self->path));
	EXPECT_EQ(0, rmdir(self->dir));
	ASSERT_EQ(0, mkdir(self->dir, 0700));
}

TEST_F(file, through_a_symlink)
{
	char target[64];
	struct stat st;

	snprintf(target, sizeof(target), "%s/t", self->dir);
	close(open(target, O_CREAT | O_WRONLY, 0644));
	ASSERT_EQ(0, symlink("t", self->path));
	ASSERT_EQ(0, verdict_write(&facts, self->path));
	ASSERT_EQ(0, lstat(self->path, &st));
	EXPECT_TRUE(S_ISLNK(st.st_mode));
	EXPECT_TRUE(holds_the_facts(target));
}

TEST_F(file, what_is_no_file_stays_what_it_is)
{
	struct stat st;
	char buf[16];
	int fd;

	ASSERT_EQ(0, mkfifo(self->path, 0600));
	fd = open(self->path, O_RDWR | O_NONBLOCK);
	ASSERT_EQ(0, verdict_write(&facts, self->path));
	EXPECT_EQ(sizeof(buf), read(fd, buf, sizeof(buf)));
	close(fd);
	ASSERT_EQ(0, stat(self->path, &st));
	EXPECT_TRUE(S_ISFIFO(st.st_mode));
	EXPECT_EQ(0, verdict_write(&facts, "/dev/null"));
	ASSERT_EQ(0, stat("/dev/null", &st));
	EXPECT_TRUE(S_ISCHR(st.st_mode));
}

TEST_F(file, cannot_be_written)
{
	EXPECT_EQ(-EISDIR, verdict_write(&facts, self->dir));
	EXPECT_EQ(-ENOENT, verdict_write(&facts, "/nonexistent/v"));
	EXPECT_EQ(-ENOSPC, verdict_write(&facts, "/dev/full"));
}

TEST_HARNESS_MAIN
