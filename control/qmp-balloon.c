// SPDX-License-Identifier: GPL-2.0
/*
 * Commands about the guest's memory.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include <linux/kernel.h>
#include <vmtool/balloon.h>
#include <vmtool/vm.h>

#include "internal.h"

/* By VIRTIO_BALLOON_S_*, as QEMU's guest-stats have them. */
static const char *const stat_names[BALLOON_NR_STATS] = {
	"stat-swap-in", "stat-swap-out", "stat-major-faults", "stat-minor-faults",
	"stat-free-memory", "stat-total-memory", "stat-available-memory",
	"stat-disk-caches", "stat-htlb-pgalloc", "stat-htlb-pgfail", "stat-oom-kills",
	"stat-alloc-stalls", "stat-async-scans", "stat-direct-scans",
	"stat-async-reclaims", "stat-direct-reclaims",
};

static struct virtio_dev *balloon_of(void *priv, struct qmp_error *err)
{
	struct vm *vm = priv;

	if (!vm->balloon)
		qmp_error_set(err, "DeviceNotActive",
			      "the guest has no balloon: 'vmtool run --balloon' gives it one");
	return vm->balloon;
}

static json_t *balloon(void *priv, const json_t *args, struct qmp_error *err)
{
	struct virtio_dev *vd = balloon_of(priv, err);
	json_int_t value = json_integer_value(json_object_get(args, "value"));

	if (!vd)
		return NULL;
	if (value <= 0 || balloon_set(vd, value)) {
		qmp_error_set(err, NULL, "'value' has to be a page at least");
		return NULL;
	}
	return json_object();
}

static json_t *query_balloon(void *priv, const json_t *args, struct qmp_error *err)
{
	struct virtio_dev *vd = balloon_of(priv, err);
	struct balloon_info info;

	if (!vd)
		return NULL;
	balloon_query(vd, &info);
	return json_pack("{s:I, s:I, s:I}", "actual", (json_int_t)info.actual,
			 "x-target", (json_int_t)info.target, "x-total", (json_int_t)info.total);
}

/* JSON's numbers end at 2^63 - 1 here. */
static json_t *number(u64 value)
{
	return json_integer((json_int_t)min_t(u64, value, INT64_MAX));
}

static json_t *query_memory_stats(void *priv, const json_t *args, struct qmp_error *err)
{
	struct virtio_dev *vd = balloon_of(priv, err);
	struct balloon_stats stats;
	json_t *values;
	int i;

	if (!vd)
		return NULL;
	if (balloon_query_stats(vd, &stats)) {
		qmp_error_set(err, NULL, "the guest has no driver that gives statistics");
		return NULL;
	}
	values = json_object();
	for (i = 0; i < BALLOON_NR_STATS; i++)
		if (stats.known >> i & 1)
			json_object_set_new(values, stat_names[i], number(stats.value[i]));
	return json_pack("{s:o, s:o, s:o}", "stats", values, "updates", number(stats.updates),
			 "last-update", number(stats.when));
}

static const struct qmp_arg balloon_args[] = {
	{ "value", QMP_INT, false, "bytes of memory that the guest is to make do with" },
	{ }
};

const struct qmp_command balloon_commands[] = {
	{ "balloon", "take memory from the guest or give it back", balloon_args, balloon },
	{ "query-balloon", "memory that the guest has", NULL, query_balloon },
	{ "x-query-memory-stats", "what the guest last said of its memory; asks it again",
	  NULL, query_memory_stats },
	{ }
};
