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

char *ktest_output(const struct ktest *t, size_t most)
{
	size_t size = 0, skip;
	char *text = NULL;
	FILE *mem = open_memstream(&text, &size);

	if (!mem)
		return NULL;
	ktap_write(mem, 0, NULL, 1, t->result);
	if (fclose(mem) || !text) {
		free(text);
		return NULL;
	}
	/* The end tells more than the beginning; from the beginning of a line on. */
	if (size > most) {
		skip = size - most;
		skip += strcspn(text + skip, "\n");
		memmove(text, text + skip, size - skip + 1);
	}
	return text;
}

int json_report_begin(struct json_out *j, const char *path)
{
	j->out = fopen(path, "we");
	if (!j->out) {
		log_err("cannot write %s: %s", path, strerror(errno));
		return -errno;
	}
	json_begin(j, NULL, '{');
	json_u64(j, "version", 1);
	json_begin(j, "tests", '[');
	return 0;
}

static void put_results(struct json_out *j, const struct ktest *t)
{
	struct ktap_counts counts = { };

	ktap_count(t->result, &counts);
	json_begin(j, "results", '{');
	json_u64(j, "ok", counts.ok);
	json_u64(j, "not_ok", counts.not_ok);
	json_u64(j, "skip", counts.skip);
	json_u64(j, "xfail", counts.xfail);
	json_end(j, '}');
}

void json_report_test(struct json_out *j, const struct ktest *t)
{
	char *output = ktest_output(t, OUTPUT_MAX);

	json_begin(j, NULL, '{');
	json_text(j, "collection", t->collection);
	json_text(j, "name", t->name);
	json_text(j, "status", ktest_status_name(t));
	json_text(j, "reason", t->result->reason);
	json_bool(j, "flaky", ktest_is_flaky(t));
	json_u64(j, "attempts", t->attempts);
	json_u64(j, "milliseconds", t->seconds * 1000);
	if (t->guest_status >= 0)
		json_u64(j, "guest_status", t->guest_status);
	put_results(j, t);
	json_text(j, "output", output ?: "");
	json_end(j, '}');
	free(output);
}

int json_report_end(struct json_out *j, const struct report *r)
{
	bool failed;

	json_end(j, ']');
	json_begin(j, "summary", '{');
	json_u64(j, "ok", r->ok);
	json_u64(j, "not_ok", r->not_ok);
	json_u64(j, "skip", r->skip);
	json_u64(j, "flaky", r->flaky);
	json_end(j, '}');
	json_end(j, '}');
	failed = ferror(j->out);
	return fclose(j->out) || failed ? -EIO : 0;
}
