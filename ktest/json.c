// SPDX-License-Identifier: GPL-2.0
/*
 * Results for programs: written test by test, so that nothing has to be kept.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>
#include <vmtool/log.h>

#include "internal.h"

#define OUTPUT_MAX	(16 << 10)

void ktest_text(FILE *f, const struct ktest *t, size_t most,
		void (*put)(FILE *f, const char *s))
{
	size_t size = 0, skip = 0;
	char *text = NULL;
	FILE *mem = open_memstream(&text, &size);

	if (!mem)
		return;
	ktap_write(mem, 0, NULL, 1, t->result);
	if (fclose(mem) || !text) {
		free(text);
		return;
	}
	/* The end tells more than the beginning; from the beginning of a line on. */
	if (size > most) {
		skip = size - most;
		skip += strcspn(text + skip, "\n");
	}
	put(f, text + skip);
	free(text);
}

FILE *json_begin(const char *path)
{
	FILE *f = fopen(path, "we");

	if (!f)
		log_err("cannot write %s: %s", path, strerror(errno));
	else
		fputs("{\"version\": 1, \"tests\": [", f);
	return f;
}

static void put_member(FILE *f, const char *key, const char *value)
{
	fprintf(f, "\"%s\": ", key);
	ktest_json(f, value);
	fputs(", ", f);
}

void json_test(FILE *f, const struct ktest *t, bool first)
{
	struct ktap_counts counts = { };

	ktap_count(t->result, &counts);
	fputs(first ? "\n{" : ",\n{", f);
	put_member(f, "collection", t->collection);
	put_member(f, "name", t->name);
	put_member(f, "status", ktest_status_name(t));
	put_member(f, "reason", t->result->reason);
	fprintf(f, "\"flaky\": %s, \"attempts\": %u, ", ktest_is_flaky(t) ? "true" : "false",
		t->attempts);
	/* A locale has its own idea of the decimal point. */
	fprintf(f, "\"milliseconds\": %lu, ", (unsigned long)(t->seconds * 1000));
	if (t->guest_status >= 0)
		fprintf(f, "\"guest_status\": %d, ", t->guest_status);
	fprintf(f, "\"results\": {\"ok\": %u, \"not_ok\": %u, \"skip\": %u, \"xfail\": %u}, ",
		counts.ok, counts.not_ok, counts.skip, counts.xfail);
	fputs("\"output\": ", f);
	ktest_text(f, t, OUTPUT_MAX, ktest_json);
	fputs("}", f);
}

int json_end(FILE *f, const struct report *r)
{
	bool failed;

	fprintf(f, "\n], \"summary\": {\"ok\": %u, \"not_ok\": %u, \"skip\": %u, \"flaky\": %u}}\n",
		r->ok, r->not_ok, r->skip, r->flaky);
	failed = ferror(f);
	return fclose(f) || failed ? -EIO : 0;
}
