// SPDX-License-Identifier: GPL-2.0
/*
 * util/size.c and util/log.c: numbers that users type, and messages to them.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>

#include <linux/kernel.h>
#include <vmtool/log.h>
#include <vmtool/size.h>

#include "capture.h"
#include <kselftest_harness.h>

#define MIB	(1024ULL * 1024)

struct size {
	const char *text;
	u64 unit;
	int ret;
	u64 bytes;
};

TEST(sizes)
{
	static const struct size sizes[] = {
		{ "0", MIB, 0, 0 }, { "1", MIB, 0, MIB }, { "1", 1, 0, 1 }, { "007", 1, 0, 7 },
		{ "512M", 1, 0, 512 * MIB }, { "512m", 1, 0, 512 * MIB },
		{ "1B", MIB, 0, 1 }, { "1b", MIB, 0, 1 },
		{ "3K", MIB, 0, 3072 }, { "3k", MIB, 0, 3072 },
		{ "2G", MIB, 0, 2048 * MIB }, { "2g", MIB, 0, 2048 * MIB },
		{ "5T", MIB, 0, 5ULL << 40 }, { "5t", MIB, 0, 5ULL << 40 },
		{ "18446744073709551615", 1, 0, ~0ULL },
		{ "18446744073709551615B", MIB, 0, ~0ULL },
		{ "16777215T", 1, 0, 16777215ULL << 40 },
		{ "16777216T", 1, -ERANGE }, { "18446744073709551616", 1, -ERANGE },
		{ "18446744073709551615", 2, -ERANGE }, { "17592186044416", MIB, -ERANGE },
		{ "18014398509481984K", 1, -ERANGE }, { "99999999999999999999999", 1, -ERANGE },
		{ "", 1, -EINVAL }, { "M", 1, -EINVAL }, { "x", 1, -EINVAL }, { "-1", 1, -EINVAL },
		{ "+1", 1, -EINVAL }, { " 1", 1, -EINVAL }, { "1 ", 1, -EINVAL },
		{ "1MM", 1, -EINVAL }, { "1MB", 1, -EINVAL }, { "1KiB", 1, -EINVAL },
		{ "1P", 1, -EINVAL }, { "1x", 1, -EINVAL }, { "0x10", 1, -EINVAL },
		{ "1.5G", 1, -EINVAL }, { "1,5G", 1, -EINVAL }, { "1G,", 1, -EINVAL },
		{ "\xc4\xb0", 1, -EINVAL }, { "1\xff", 1, -EINVAL },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		u64 bytes = 0;

		EXPECT_EQ(sizes[i].ret, parse_size(sizes[i].text, sizes[i].unit, &bytes))
			TH_LOG("'%s'", sizes[i].text);
		EXPECT_TRUE(sizes[i].ret || bytes == sizes[i].bytes)
			TH_LOG("'%s'", sizes[i].text);
	}
}

TEST(numbers)
{
	static const struct size numbers[] = {
		{ "0", 0, 0, 0 }, { "1", 0, 0, 1 }, { "010", 0, 0, 10 },
		{ "4294967295", 0, 0, 4294967295 },
		{ "4294967296", 0, -ERANGE }, { "4294967297", 0, -ERANGE },
		{ "18446744073709551616", 0, -ERANGE }, { "18446744073709551617", 0, -ERANGE },
		{ "", 0, -EINVAL }, { "x", 0, -EINVAL }, { "1x", 0, -EINVAL }, { "-1", 0, -EINVAL },
		{ "+1", 0, -EINVAL }, { " 1", 0, -EINVAL }, { "1 ", 0, -EINVAL },
		{ "0x1", 0, -EINVAL }, { "1.0", 0, -EINVAL }, { "1M", 0, -EINVAL },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(numbers); i++) {
		unsigned int val = 0;

		EXPECT_EQ(numbers[i].ret, parse_uint(numbers[i].text, &val))
			TH_LOG("'%s'", numbers[i].text);
		EXPECT_TRUE(numbers[i].ret || val == numbers[i].bytes)
			TH_LOG("'%s'", numbers[i].text);
	}
}

TEST(sizes_for_people)
{
	static const struct size sizes[] = {
		{ "0", .bytes = 0 }, { "1", .bytes = 1 }, { "1023", .bytes = 1023 },
		{ "1K", .bytes = 1024 }, { "1025", .bytes = 1025 }, { "1536", .bytes = 1536 },
		{ "512M", .bytes = 512 * MIB }, { "4100K", .bytes = 4100 * 1024 },
		{ "3G", .bytes = 3072 * MIB }, { "1T", .bytes = 1ULL << 40 },
		{ "1024T", .bytes = 1ULL << 50 }, { "18446744073709551615", .bytes = ~0ULL },
	};
	size_t i;
	char buf[32];

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		u64 back = 1;

		EXPECT_STREQ(sizes[i].text, format_size(sizes[i].bytes, buf, sizeof(buf)));
		/* What is printed can be typed. */
		EXPECT_EQ(0, parse_size(buf, 1, &back));
		EXPECT_EQ(sizes[i].bytes, back);
	}
	EXPECT_STREQ("1844", format_size(~0ULL, buf, 5));
}

TEST(messages_by_level)
{
	static const char *const all = "vmtool: e\nvmtool: w\nvmtool: i\nvmtool: d\n";
	struct capture said;
	int level;

	for (level = LOG_ERROR; level <= LOG_DEBUG; level++) {
		log_set_level(level);
		capture_begin(&said);
		log_err("e");
		log_warn("w");
		log_info("i");
		log_debug("d");
		capture_end(&said);
		EXPECT_EQ(10 * (level + 1), strlen(said.text));
		EXPECT_EQ(0, strncmp(all, said.text, 10 * (level + 1)));
		EXPECT_TRUE(log_enabled(level));
		EXPECT_FALSE(log_enabled(level + 1));
	}
}

TEST(messages_by_default)
{
	EXPECT_TRUE(log_enabled(LOG_INFO));
	EXPECT_FALSE(log_enabled(LOG_DEBUG));
}

TEST(long_messages_are_cut_and_end)
{
	static const size_t lens[] = { 0, 1, 1013, 1014, 1015, 1016, 1017, 1018, 2000 };
	struct capture said;
	char text[2001];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lens); i++) {
		memset(text, 'x', sizeof(text));
		text[lens[i]] = '\0';
		capture_begin(&said);
		log_err("%s", text);
		capture_end(&said);
		EXPECT_TRUE(capture_one_line(&said));
		EXPECT_GE(1024, strlen(said.text));
		EXPECT_EQ(min_t(size_t, lens[i], 1014), strspn(said.text + 8, "x"));
	}
}

TEST(errno_is_kept_and_shown)
{
	struct capture said;
	int fd;

	capture_begin(&said);
	errno = ENOSPC;
	log_err("%m");
	EXPECT_EQ(ENOSPC, errno);
	log_debug("%m");
	EXPECT_EQ(ENOSPC, errno);
	capture_end(&said);
	EXPECT_STREQ("vmtool: No space left on device\n", said.text);

	fd = dup(STDERR_FILENO);
	close(STDERR_FILENO);
	errno = ENOSPC;
	log_err("nobody hears that");
	EXPECT_EQ(ENOSPC, errno);
	dup2(fd, STDERR_FILENO);
}

TEST(a_guest_cannot_fill_the_log)
{
	struct log_limit limit = { }, other = { };
	struct capture said;
	int i, lines = 0;
	char *p;

	capture_begin(&said);
	for (i = 0; i < 100000; i++)
		log_guest(&limit, "mistake %d", i);
	log_guest(&other, "another");
	capture_end(&said);
	for (p = said.text; (p = strchr(p, '\n')); p++)
		lines++;
	EXPECT_EQ(LOG_LIMIT_BURST + 2, lines);
	EXPECT_NE(NULL, strstr(said.text, "mistake 9\n"));
	EXPECT_EQ(NULL, strstr(said.text, "mistake 10\n"));
	EXPECT_NE(NULL, strstr(said.text, "further messages"));
	EXPECT_NE(NULL, strstr(said.text, "another\n"));
}

TEST(the_limit_does_not_wrap)
{
	struct log_limit limit = { .count = ~0U - 1 };

	EXPECT_FALSE(log_limited(&limit));
	EXPECT_FALSE(log_limited(&limit));
	EXPECT_FALSE(log_limited(&limit));
}

static void *talk(void *arg)
{
	int i;

	for (i = 0; i < 200; i++)
		log_err("%s", (const char *)arg);
	return NULL;
}

/* Lines of several threads do not mix. */
TEST(lines_are_whole)
{
	char as[41] = "", bs[41] = "", buf[40000], *p, *end;
	struct capture said;
	pthread_t a, b;
	int fd, n;

	capture_begin(&said);
	fd = dup(STDERR_FILENO);
	ASSERT_EQ(0, pthread_create(&a, NULL, talk, memset(as, 'a', 40)));
	ASSERT_EQ(0, pthread_create(&b, NULL, talk, memset(bs, 'b', 40)));
	pthread_join(a, NULL);
	pthread_join(b, NULL);
	capture_end(&said);
	n = pread(fd, buf, sizeof(buf) - 1, 0);
	close(fd);
	ASSERT_EQ(400 * 49, n);
	buf[n] = '\0';
	for (p = buf; (end = strchr(p, '\n')); p = end + 1) {
		ASSERT_EQ(48, end - p);
		EXPECT_EQ(0, strncmp(p, "vmtool: ", 8));
		EXPECT_EQ(40, strspn(p + 8, p[8] == 'a' ? "a" : "b"));
	}
}

TEST_HARNESS_MAIN
