// SPDX-License-Identifier: GPL-2.0
/*
 * util/json_out.c: what is written as JSON.
 */
#include <stdlib.h>

#include <kselftest_harness.h>

#include <vmtool/json_out.h>

FIXTURE(json) {
	struct json_out j;
	char *text;
	size_t len;
};

FIXTURE_SETUP(json)
{
	self->text = NULL;
	self->j = (struct json_out) { .out = open_memstream(&self->text, &self->len) };
	ASSERT_NE(NULL, self->j.out);
}

FIXTURE_TEARDOWN(json)
{
	fclose(self->j.out);
	free(self->text);
}

static const char *text_of(FIXTURE_DATA(json) *self)
{
	fflush(self->j.out);
	return self->text;
}

TEST_F(json, members_and_elements)
{
	struct json_out *j = &self->j;

	json_begin(j, NULL, '{');
	json_u64(j, "a", ~0ULL);
	json_begin(j, "b", '[');
	json_text(j, NULL, "x");
	json_begin(j, NULL, '{');
	json_end(j, '}');
	json_bool(j, NULL, true);
	json_bool(j, NULL, false);
	json_end(j, ']');
	json_fixed(j, "c", 12045);
	json_fixed(j, "d", 7);
	json_text(j, "e", NULL);
	json_end(j, '}');
	EXPECT_STREQ("{\n  \"a\": 18446744073709551615,\n  \"b\": [\n    \"x\",\n    {},\n"
		     "    true,\n    false\n  ],\n  \"c\": 12.045,\n  \"d\": 0.007,\n"
		     "  \"e\": null\n}\n", text_of(self));
}

TEST_F(json, nothing_in_it)
{
	json_begin(&self->j, NULL, '[');
	json_end(&self->j, ']');
	EXPECT_STREQ("[]\n", text_of(self));
}

TEST_F(json, text_of_any_bytes)
{
	json_text(&self->j, NULL, "a\"b\\c\nd\te\x01\x7f\xc3\xa9");
	EXPECT_STREQ("\"a\\\"b\\\\c\\nd\\te\\u0001\\u007f\xc3\xa9\"", text_of(self));
}

TEST_F(json, text_that_is_not_utf8)
{
	/* A byte alone, a form that is too long, a surrogate, one that ends too early. */
	json_text(&self->j, NULL, "\xff|\xc0\x80|\xed\xa0\x80|\xe2\x82");
	EXPECT_STREQ("\"\\ufffd|\\ufffd\\ufffd|\\ufffd\\ufffd\\ufffd|\\ufffd\\ufffd\"",
		     text_of(self));
}

TEST_HARNESS_MAIN
