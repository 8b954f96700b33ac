// SPDX-License-Identifier: GPL-2.0
/*
 * util/props.c: what users write of a device.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>
#include <vmtool/props.h>

#include "capture.h"
#include <kselftest_harness.h>

#define NUMBERS "a.img,t,ro,queues=16,size=3M,cid=0x10"

struct conf {
	const char *path;
	const char *tag;
	bool ro;
	unsigned int queues;
	u64 size;
	u64 cid;
	unsigned int cache;
	u8 mac[6];
	struct prop_list fwd;
};

static const char *const caches[] = { "writeback", "none", NULL };

static const struct prop props[] = {
	{ .name = "path", .type = PROP_STRING, .offset = offsetof(struct conf, path),
	  .positional = true, .required = true, .arg = "FILE", .help = "a file" },
	{ .name = "tag", .type = PROP_STRING, .offset = offsetof(struct conf, tag),
	  .positional = true, .arg = "TAG", .help = "a tag" },
	{ .name = "ro", .type = PROP_BOOL, .offset = offsetof(struct conf, ro), .help = "read-only" },
	{ .name = "queues", .type = PROP_UINT, .offset = offsetof(struct conf, queues),
	  .def = "2", .min = 1, .max = 16, .arg = "N", .help = "queues" },
	{ .name = "size", .type = PROP_SIZE, .offset = offsetof(struct conf, size),
	  .arg = "SIZE", .help = "a size" },
	{ .name = "cid", .type = PROP_U64, .offset = offsetof(struct conf, cid), .min = 3,
	  .arg = "N", .help = "a number" },
	{ .name = "cache", .type = PROP_ENUM, .offset = offsetof(struct conf, cache),
	  .def = "none", .choices = caches, .arg = "MODE", .help = "a mode" },
	{ .name = "mac", .type = PROP_MAC, .offset = offsetof(struct conf, mac),
	  .arg = "MAC", .help = "an address" },
	{ .name = "fwd", .type = PROP_LIST, .offset = offsetof(struct conf, fwd),
	  .arg = "PORTS", .help = "forwards" },
	{ }
};

FIXTURE(props) {
	struct conf c;
	struct capture cap;
};

FIXTURE_SETUP(props)
{
	memset(&self->c, 0, sizeof(self->c));
	ASSERT_EQ(0, props_init(props, &self->c));
}

FIXTURE_TEARDOWN(props)
{
	props_free(props, &self->c);
}

TEST_F(props, defaults)
{
	ASSERT_EQ(0, props_parse(props, &self->c, "--x", "a.img"));
	EXPECT_STREQ("a.img", self->c.path);
	EXPECT_EQ(NULL, self->c.tag);
	EXPECT_FALSE(self->c.ro);
	EXPECT_EQ(2, self->c.queues);
	EXPECT_EQ(1, self->c.cache);
	EXPECT_EQ(0, self->c.fwd.nr);
}

TEST_F(props, all)
{
	static const u8 mac[6] = { 0x52, 0x54, 0, 0x12, 0xAb, 0xff };

	ASSERT_EQ(0, props_parse(props, &self->c, "--x",
				 NUMBERS ",cache=writeback,mac=52:54:00:12:Ab:ff,fwd=1,fwd=2"));
	EXPECT_STREQ("a.img", self->c.path);
	EXPECT_STREQ("t", self->c.tag);
	EXPECT_TRUE(self->c.ro);
	EXPECT_EQ(16, self->c.queues);
	EXPECT_EQ(3 << 20, self->c.size);
	EXPECT_EQ(16, self->c.cid);
	EXPECT_EQ(0, self->c.cache);
	EXPECT_EQ(0, memcmp(mac, self->c.mac, 6));
	ASSERT_EQ(2, self->c.fwd.nr);
	EXPECT_STREQ("1", self->c.fwd.item[0]);
	EXPECT_STREQ("2", self->c.fwd.item[1]);
}

TEST_F(props, positional_in_any_place)
{
	ASSERT_EQ(0, props_parse(props, &self->c, "--x", "queues=3,a=b.img,ro=off,tag=ro"));
	EXPECT_STREQ("a=b.img", self->c.path);
	EXPECT_STREQ("ro", self->c.tag);
	EXPECT_FALSE(self->c.ro);
	EXPECT_EQ(3, self->c.queues);
}

TEST_F(props, commas_can_be_written)
{
	ASSERT_EQ(0, props_parse(props, &self->c, "--x", "a\\,b\\\\c\\d,path2"));
	EXPECT_STREQ("a,b\\c\\d", self->c.path);
	EXPECT_STREQ("path2", self->c.tag);
}

TEST_F(props, words_of_truth)
{
	static const char *const yes[] = { "ro", "ro=on", "ro=1", "ro=yes", "ro=y" };
	static const char *const no[] = { "ro=off", "ro=0", "ro=no", "ro=n" };
	char text[32];
	int i;

	for (i = 0; i < ARRAY_SIZE(yes); i++) {
		self->c.ro = false;
		snprintf(text, sizeof(text), "a,%s", yes[i]);
		ASSERT_EQ(0, props_parse(props, &self->c, "--x", text));
		EXPECT_TRUE(self->c.ro);
	}
	for (i = 0; i < ARRAY_SIZE(no); i++) {
		self->c.ro = true;
		snprintf(text, sizeof(text), "a,%s", no[i]);
		ASSERT_EQ(0, props_parse(props, &self->c, "--x", text));
		EXPECT_FALSE(self->c.ro);
	}
}

/* Each with one line that says what of it is wrong. */
TEST_F(props, mistakes)
{
	static const struct {
		const char *text, *says;
	} bad[] = {
		{ NULL, "path is missing" }, { "", "path is missing" }, { "ro", "path is missing" },
		{ "path=", "is empty" }, { ",x", "is empty" }, { "a,,", "is empty" },
		{ "a,b,c", "'c': unknown" }, { "a,b,what=1", "'what=1': unknown" },
		{ "a,queues=0", "between 1 and 16" }, { "a,queues=17", "between 1 and 16" },
		{ "a,queues=x", "not a number" }, { "a,queues=", "not a number" },
		{ "a,queues=1x", "not a number" }, { "a,queues=-1", "not a number" },
		{ "a,queues=99999999999999999999", "between" },
		{ "a,cid=2", "out of range" }, { "a,cid=99999999999999999999", "out of range" },
		{ "a,size=1X", "not a size" }, { "a,size=", "not a size" },
		{ "a,cache=", "writeback, none" }, { "a,cache=no", "writeback, none" },
		{ "a,ro=maybe", "neither on nor off" }, { "a,ro=", "neither on nor off" },
		{ "a,mac=52:54:00:12:34", "Ethernet" }, { "a,mac=52:54:00:12:34:56:78", "Ethernet" },
		{ "a,mac=5g:54:00:12:34:56", "Ethernet" }, { "a,mac=", "Ethernet" },
		{ "a,fwd=", "is empty" }, { "a,ro,ro", "ro is given twice" },
		{ "a,path=b", "path is given twice" }, { "a,queues=1,queues=2", "given twice" },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		capture_begin(&self->cap);
		EXPECT_EQ(-EINVAL, props_parse(props, &self->c, "--x", bad[i].text));
		capture_end(&self->cap);
		EXPECT_TRUE(capture_one_line(&self->cap) && strstr(self->cap.text, "--x: ") &&
			    strstr(self->cap.text, bad[i].says))
			TH_LOG("'%s': %s", bad[i].text ?: "NULL", self->cap.text);
	}
}

TEST_F(props, a_list_is_bounded)
{
	char text[4 * PROP_LIST_MAX * 4] = "a";
	int i;

	for (i = 0; i < PROP_LIST_MAX; i++)
		strcat(text, ",fwd=1");
	EXPECT_EQ(0, props_parse(props, &self->c, "--x", text));
	capture_begin(&self->cap);
	EXPECT_EQ(-EINVAL, props_parse(props, &self->c, "--x", "a,fwd=1"));
	capture_end(&self->cap);
	EXPECT_TRUE(!!strstr(self->cap.text, "more than 32"));
	EXPECT_EQ(PROP_LIST_MAX, self->c.fwd.nr);
}

TEST(no_properties)
{
	struct capture cap;

	EXPECT_EQ(0, props_init(NULL, NULL));
	EXPECT_EQ(0, props_parse(NULL, NULL, "--x", NULL));
	capture_begin(&cap);
	EXPECT_EQ(-EINVAL, props_parse(NULL, NULL, "--x", "y"));
	capture_end(&cap);
	EXPECT_TRUE(capture_one_line(&cap));
	props_free(NULL, NULL);
}

TEST(help_names_all)
{
	char *text = NULL;
	const struct prop *p;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	props_help(props, f);
	fclose(f);
	for (p = props; p->name; p++) {
		EXPECT_TRUE(!!strstr(text, p->name));
		EXPECT_TRUE(!!strstr(text, p->help));
	}
	EXPECT_TRUE(!!strstr(text, "(default: none)"));
	free(text);
}

TEST_HARNESS_MAIN
