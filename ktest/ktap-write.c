// SPDX-License-Identifier: GPL-2.0
/*
 * KTAP that tools/testing/kunit/kunit_parser.py takes for what it is. The parser does
 * not look at indentation: what it would take for a header, a plan or a result is
 * told from text by the "# " in front alone, and a sub-test may not be called what
 * its parent is called.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <linux/kernel.h>
#include <vmtool/ktap.h>

#include "internal.h"

#define OUT_MAX		(KTAP_LINE_MAX + 1024)

/* Wherever these are in a line, the parser stops to read. */
static const char *const last_words[] = {
	"List of all partitions:",
	"Kernel panic - not syncing: VFS:",
	"reboot: System halted",
};

/* A second blank is hardly seen, and enough. */
static void write_line(FILE *f, int indent, const char *line)
{
	const char *at = NULL;
	size_t i;

	fprintf(f, "%*s", indent, "");
	while (*line) {
		for (i = 0; i < ARRAY_SIZE(last_words); i++)
			if (!strncmp(line, last_words[i], strlen(last_words[i])))
				at = line + (strrchr(last_words[i], ' ') - last_words[i]);
		fputc(*line, f);
		if (line == at)
			fputc(' ', f);
		line++;
	}
	fputc('\n', f);
}

void ktap_write_note(FILE *f, int indent, const char *text)
{
	char buf[OUT_MAX];
	const char *mark = "# ";

	if (!*text)
		mark = "#";
	else if (!strncmp(text, "Subtest", 7))
		mark = "#  ";
	else if (*text == '#' && strncmp(text, "# Subtest", 9))
		mark = "";
	snprintf(buf, sizeof(buf), "%s%s", mark, text);
	write_line(f, indent, buf);
}

void ktap_write_header(FILE *f, int indent, const char *name, unsigned int plan)
{
	char buf[OUT_MAX];

	write_line(f, indent, "KTAP version 1");
	if (name) {
		snprintf(buf, sizeof(buf), "# Subtest: %s", name);
		write_line(f, indent, buf);
	}
	fprintf(f, "%*s1..%u\n", indent, "", plan);
}

static void write_result(FILE *f, int indent, const char *parent, unsigned int nr,
			 const struct ktap_node *node)
{
	static const char *const directive[] = {
		[KTAP_SKIP] = "SKIP", [KTAP_XFAIL] = "XFAIL", [KTAP_OK] = "", [KTAP_NOT_OK] = "",
	};
	const char *word = directive[node->status];
	const char *twin = parent && !strcmp(parent, node->name) ? parent : "";
	bool more = *word || *node->reason;
	char buf[OUT_MAX];

	snprintf(buf, sizeof(buf), "%s %u %s%s%s%s%s%s%s",
		 node->status == KTAP_NOT_OK ? "not ok" : "ok", nr, twin, *twin ? "/" : "",
		 node->name, more ? " # " : "", word, *word && *node->reason ? " " : "",
		 node->reason);
	write_line(f, indent, buf);
}

static unsigned int count_results(const struct ktap_node *node)
{
	const struct ktap_node *n;
	unsigned int nr = 0;

	list_for_each_entry(n, &node->children, entry)
		nr += !n->diag;
	return nr;
}

bool ktap_has_results(const struct ktap_node *node)
{
	return count_results(node);
}

void ktap_write(FILE *f, int indent, const char *parent, unsigned int nr,
		const struct ktap_node *node)
{
	unsigned int plan = count_results(node), i = 0;
	const struct ktap_node *n;
	int inner = plan ? indent + 2 : indent;
	char name[2 * KTAP_NAME_MAX];

	/* The header and the result have to agree. */
	snprintf(name, sizeof(name), "%s%s%s", parent && !strcmp(parent, node->name) ? parent : "",
		 parent && !strcmp(parent, node->name) ? "/" : "", node->name);
	if (plan)
		ktap_write_header(f, inner, name, plan);
	list_for_each_entry(n, &node->children, entry) {
		if (n->diag)
			ktap_write_note(f, inner, n->name);
		else
			ktap_write(f, inner, name, ++i, n);
	}
	write_result(f, indent, parent, nr, node);
}

void ktap_settle(struct ktap_node *node)
{
	bool results = false, failed = false;
	struct ktap_node *n;

	list_for_each_entry(n, &node->children, entry) {
		if (n->diag)
			continue;
		ktap_settle(n);
		results = true;
		failed |= n->status == KTAP_NOT_OK;
	}
	if (node->status == KTAP_NOT_OK && results && !failed)
		ktap_add(node, KTAP_NOT_OK, "the test as a whole", node->reason);
}
