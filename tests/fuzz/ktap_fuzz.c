// SPDX-License-Identifier: GPL-2.0
/*
 * Any bytes as the output of a test. What is written of it has to keep its own plans,
 * have numbers in order, and nothing in it that a terminal would obey. The first byte
 * chooses between the output of a program and a console, and the size of pieces.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>
#include <vmtool/ktap.h>

#include "fuzz.h"

#define DEPTH	32

struct checker {
	unsigned int plan[DEPTH];
	unsigned int seen[DEPTH];
	int depth;
};

/* As tools/testing/kunit does: without a look at the indentation. */
static void check_line(struct checker *c, const char *s)
{
	unsigned int nr;
	const char *p;

	for (p = s; *p; p++)
		CHECK(*p == '\t' || (unsigned char)*p >= 0x20);
	while (*s == ' ')
		s++;
	if (!strcmp(s, "KTAP version 1")) {
		CHECK(++c->depth < DEPTH);
		c->plan[c->depth] = 0;
		c->seen[c->depth] = 0;
	} else if (sscanf(s, "1..%u", &nr) == 1 && !strncmp(s, "1..", 3)) {
		CHECK(nr && !c->plan[c->depth]);
		c->plan[c->depth] = nr;
	} else if (!strncmp(s, "ok ", 3) || !strncmp(s, "not ok ", 7)) {
		CHECK(sscanf(s + (*s == 'o' ? 3 : 7), "%u", &nr) == 1);
		/* It sums up those below. */
		if (c->depth && c->seen[c->depth] == c->plan[c->depth])
			c->depth--;
		CHECK(nr == ++c->seen[c->depth]);
	} else {
		CHECK(*s == '#');
		CHECK(strncmp(s, "# Subtest: ", 11) ||
		      (c->depth && !c->plan[c->depth] && !c->seen[c->depth]));
	}
}

static void check_text(char *text)
{
	struct checker c = { .plan = { 1 } };
	char *line, *rest = text;

	while ((line = strsep(&rest, "\n")))
		if (*line || rest)
			check_line(&c, line);
	CHECK(!c.depth && c.seen[0] == 1);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct ktap_node *node = ktap_result(KTAP_OK, "t", NULL);
	size_t piece, at, len;
	struct ktap_reader r;
	char *text = NULL;
	FILE *f;

	if (!size) {
		ktap_free(node);
		return 0;
	}
	piece = (*data >> 1) + 1;
	ktap_init(&r, *data & 1);
	for (at = 1; at < size; at += piece)
		ktap_feed(&r, (const char *)data + at, min(piece, size - at));
	if (*data == 0xfe) {
		ktap_abandon(&r);
		ktap_free(node);
		return 0;
	}
	ktap_finish(&r, node);
	ktap_settle(node);
	f = open_memstream(&text, &len);
	CHECK(f);
	ktap_write(f, 0, NULL, 1, node);
	fclose(f);
	check_text(text);
	free(text);
	ktap_free(node);
	return 0;
}
