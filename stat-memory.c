// SPDX-License-Identifier: GPL-2.0
/*
 * vmtool stat --memory
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>
#include <linux/kernel.h>
#include <vmtool/guests.h>
#include <vmtool/log.h>
#include <vmtool/qmp_client.h>

#include "stat.h"

#define ANSWER_MS	2000	/* for the guest to collect its statistics */
#define POLL_MS		20

/* Those that are no bytes are numbers of events. */
struct stat_line {
	const char *member;
	const char *text;
	bool bytes;
};

/* Of the balloon, then of the guest. */
static const struct stat_line sizes[] = {
	{ "x-total", "started with", true },
	{ "x-target", "asked to make do with", true },
	{ "actual", "actual", true },
	{ }
};

static const struct stat_line lines[] = {
	{ "stat-total-memory", "total memory", true },
	{ "stat-free-memory", "free", true },
	{ "stat-available-memory", "available", true },
	{ "stat-disk-caches", "disk caches", true },
	{ "stat-swap-in", "swapped in", true },
	{ "stat-swap-out", "swapped out", true },
	{ "stat-major-faults", "major faults", false },
	{ "stat-minor-faults", "minor faults", false },
	{ "stat-htlb-pgalloc", "huge pages allocated", false },
	{ "stat-htlb-pgfail", "huge pages refused", false },
	{ "stat-oom-kills", "out-of-memory kills", false },
	{ "stat-alloc-stalls", "allocation stalls", false },
	{ "stat-async-scans", "pages scanned in background", false },
	{ "stat-direct-scans", "pages scanned directly", false },
	{ "stat-async-reclaims", "pages reclaimed in background", false },
	{ "stat-direct-reclaims", "pages reclaimed directly", false },
	{ }
};

static void show(const json_t *stats, const struct stat_line *line)
{
	for (; line->member; line++) {
		const json_t *value = json_object_get(stats, line->member);

		if (!json_is_integer(value))
			continue;
		printf("  %-30s %16lld%s\n", line->text,
		       (long long)json_integer_value(value), line->bytes ? " bytes" : "");
	}
}

static json_int_t updates(const json_t *answer)
{
	return json_integer_value(json_object_get(answer, "updates"));
}

/* An answer of the guest that came after we asked; else NULL with @err filled in. */
static json_t *fresh_stats(struct qmp_client *c, struct qmp_error *err)
{
	u64 deadline = qmp_deadline(ANSWER_MS);
	json_int_t first = -1;
	json_t *answer;

	for (;;) {
		if (qmp_client_execute(c, "x-query-memory-stats", NULL, QMP_TIMEOUT_MS, &answer,
				       err))
			return NULL;
		if (first < 0)
			first = updates(answer);
		else if (updates(answer) != first)
			return answer;
		json_decref(answer);
		if (qmp_deadline(0) >= deadline)
			break;
		usleep(POLL_MS * 1000);
	}
	snprintf(err->desc, sizeof(err->desc), "it has not answered within %d s",
		 ANSWER_MS / 1000);
	return NULL;
}

int stat_memory(const char *name)
{
	struct qmp_client client;
	struct qmp_error err;
	json_t *answer, *balloon = NULL;
	int ret = guests_open(&client, name);

	if (ret)
		return ret;
	answer = fresh_stats(&client, &err);
	if (answer)
		ret = qmp_client_execute(&client, "query-balloon", NULL, QMP_TIMEOUT_MS,
					 &balloon, &err);
	qmp_client_close(&client);
	if (answer && !ret) {
		printf("%s:\n", name);
		show(balloon, sizes);
		show(json_object_get(answer, "stats"), lines);
		json_decref(balloon);
	} else {
		log_err("guest '%s': %s", name, err.desc);
		ret = 1;
	}
	json_decref(answer);
	return ret;
}
