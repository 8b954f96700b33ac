// SPDX-License-Identifier: GPL-2.0
/*
 * Commands that tell about the guest and change nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "internal.h"

static const struct control_info *info_of(void *priv)
{
	struct control_server *srv = priv;

	return srv->info;
}

/* "6.12.3-rc1" is 6, 12, 3; what is not there is 0. */
static void parse_version(const char *text, int number[3])
{
	char *end;
	int i;

	for (i = 0; i < 3; i++) {
		number[i] = (int)strtoul(text, &end, 10);
		if (*end != '.')
			break;
		text = end + 1;
	}
}

json_t *control_version(const struct control_info *info)
{
	int number[3] = { 0 };
	char package[64];

	parse_version(info->version, number);
	snprintf(package, sizeof(package), "vmtool %s", info->version);
	/* QMP's schema has one name for the program's version; clients look there. */
	return json_pack("{s:{s:i, s:i, s:i}, s:o}", "qemu", "major", number[0], "minor",
			 number[1], "micro", number[2], "package", qmp_string(package));
}

static json_t *query_version(void *priv, const json_t *args, struct qmp_error *err)
{
	return control_version(info_of(priv));
}

static const char *status(const struct runstate *run)
{
	switch (run->state) {
	case RUN_PRELAUNCH:
		return "prelaunch";
	case RUN_RUNNING:
		return "running";
	case RUN_PAUSED:
		return "paused";
	case RUN_ENDED:
		return run->verdict->panicked ? "guest-panicked" : "shutdown";
	}
	return "internal-error";
}

static json_t *query_status(void *priv, const json_t *args, struct qmp_error *err)
{
	const struct runstate *run = info_of(priv)->run;

	return json_pack("{s:s, s:b, s:b}", "status", status(run), "running",
			 run->state == RUN_RUNNING, "singlestep", false);
}

static json_t *query_name(void *priv, const json_t *args, struct qmp_error *err)
{
	return json_pack("{s:o}", "name", qmp_string(info_of(priv)->name));
}

static json_t *describe_cpu(const struct control_info *info, unsigned int cpu)
{
	int tid = info->cpu_thread_id ? info->cpu_thread_id(info->priv, cpu) : 0;
	char path[32];

	snprintf(path, sizeof(path), "/machine/cpu[%u]", cpu);
	return json_pack("{s:i, s:i, s:s, s:{s:i}, s:s}", "cpu-index", cpu, "thread-id", tid,
			 "qom-path", path, "props", "core-id", cpu, "target", info->arch);
}

static json_t *query_cpus_fast(void *priv, const json_t *args, struct qmp_error *err)
{
	const struct control_info *info = info_of(priv);
	json_t *list = json_array();
	unsigned int i;

	for (i = 0; i < info->cpus; i++)
		json_array_append_new(list, describe_cpu(info, i));
	return list;
}

static json_int_t uptime(const struct control_info *info)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec - info->started.tv_sec - (now.tv_nsec < info->started.tv_nsec);
}

static json_t *x_query_guest(void *priv, const json_t *args, struct qmp_error *err)
{
	const struct control_info *info = info_of(priv);
	const char *kernel = NULL;

	if (info->kernel_version)
		kernel = info->kernel_version(info->priv);
	return json_pack("{s:o, s:i, s:s, s:I, s:o, s:i, s:I, s:i}",
			 "name", qmp_string(info->name), "pid", getpid(),
			 "state", status(info->run), "uptime", uptime(info),
			 "kernel", qmp_string(kernel), "cpus", info->cpus,
			 "memory", (json_int_t)info->memory, "resets", info->run->resets);
}

const struct qmp_command control_query_commands[] = {
	{ "query-version", "version of vmtool", NULL, query_version },
	{ "query-status", "does the guest run?", NULL, query_status },
	{ "query-name", "name of the guest", NULL, query_name },
	{ "query-cpus-fast", "virtual CPUs and their threads", NULL, query_cpus_fast },
	{ "x-query-guest", "what 'vmtool list' shows", NULL, x_query_guest },
	{ }
};
