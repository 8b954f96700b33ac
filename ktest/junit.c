// SPDX-License-Identifier: GPL-2.0
/*
 * Results in the XML that continuous integration servers read: a testsuite for each
 * collection, a testcase for each program. A suite's counts stand in front of its
 * cases, so these are kept until it is complete.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>
#include <vmtool/log.h>

#include "internal.h"

#define OUTPUT_MAX	(16 << 10)

struct junit {
	FILE *f;
	FILE *cases;
	char *text;
	size_t size;
	char suite[KTEST_NAME_MAX + 1];
	unsigned int tests;
	unsigned int failures;
	unsigned int skipped;
	double seconds;
	bool failed;
};

struct junit *junit_begin(const char *path)
{
	struct junit *j = calloc(1, sizeof(*j));

	if (!j)
		return NULL;
	j->f = fopen(path, "we");
	if (!j->f) {
		log_err("cannot write %s: %s", path, strerror(errno));
		free(j);
		return NULL;
	}
	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n", j->f);
	return j;
}

static void put_attribute(FILE *f, const char *name, const char *value)
{
	fprintf(f, " %s=\"", name);
	ktest_xml(f, value);
	fputc('"', f);
}

static void put_lines(FILE *f, const char *s)
{
	char line[8192];
	size_t len;

	for (; *s; s += len) {
		len = strcspn(s, "\n");
		snprintf(line, sizeof(line), "%.*s", (int)len, s);
		ktest_xml(f, line);
		if (s[len]) {
			fputc('\n', f);
			len++;
		}
	}
}

static void put_seconds(FILE *f, double seconds)
{
	unsigned long ms = seconds * 1000;

	fprintf(f, " time=\"%lu.%03lu\"", ms / 1000, ms % 1000);
}

static void end_suite(struct junit *j)
{
	if (!j->cases)
		return;
	if (fclose(j->cases))
		j->failed = true;
	fputs("<testsuite", j->f);
	put_attribute(j->f, "name", j->suite);
	fprintf(j->f, " tests=\"%u\" failures=\"%u\" errors=\"0\" skipped=\"%u\"", j->tests,
		j->failures, j->skipped);
	put_seconds(j->f, j->seconds);
	fprintf(j->f, ">\n%s</testsuite>\n", j->text ?: "");
	free(j->text);
	j->text = NULL;
	j->cases = NULL;
}

static bool begin_suite(struct junit *j, const char *name)
{
	end_suite(j);
	snprintf(j->suite, sizeof(j->suite), "%s", name);
	j->tests = 0;
	j->failures = 0;
	j->skipped = 0;
	j->seconds = 0;
	j->cases = open_memstream(&j->text, &j->size);
	if (!j->cases)
		j->failed = true;
	return j->cases;
}

static void put_output(FILE *f, const struct ktest *t)
{
	char *text = ktest_output(t, OUTPUT_MAX);

	fputs("<system-out>", f);
	if (text)
		put_lines(f, text);
	fputs("</system-out>\n</testcase>\n", f);
	free(text);
}

void junit_test(struct junit *j, const struct ktest *t)
{
	if ((!j->cases || strcmp(j->suite, t->collection)) && !begin_suite(j, t->collection))
		return;
	j->tests++;
	j->seconds += t->seconds;
	fputs("<testcase", j->cases);
	put_attribute(j->cases, "classname", t->collection);
	put_attribute(j->cases, "name", t->name);
	put_seconds(j->cases, t->seconds);
	fputs(">\n", j->cases);
	if (t->result->status == KTAP_NOT_OK || t->result->status == KTAP_SKIP) {
		bool failure = t->result->status == KTAP_NOT_OK;

		j->failures += failure;
		j->skipped += !failure;
		fputs(failure ? "<failure" : "<skipped", j->cases);
		put_attribute(j->cases, "message", t->result->reason);
		fputs("/>\n", j->cases);
	}
	put_output(j->cases, t);
}

int junit_end(struct junit *j)
{
	bool failed;

	if (!j)
		return 0;
	end_suite(j);
	fputs("</testsuites>\n", j->f);
	failed = ferror(j->f) || j->failed;
	if (fclose(j->f))
		failed = true;
	free(j);
	return failed ? -EIO : 0;
}
