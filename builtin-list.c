// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <subcmd/parse-options.h>

#include <linux/kernel.h>
#include <vmtool/cli.h>
#include <vmtool/control.h>
#include <vmtool/qmp_client.h>
#include <vmtool/verdict.h>

#include "builtin.h"

/* For all guests together. */
#define ANSWER_MS	2000

#define SILENT		"not answering"

struct row {
	const char *name;
	struct qmp_client client;
	bool asked;
	bool gone;
	json_t *info;
	char state[32];
	char kernel[72];
};

static void connect_to(struct row *row, const char *name)
{
	int ret = qmp_client_open(&row->client, name);

	row->name = name;
	/* Left behind by one that was killed: it has just been removed. */
	row->gone = ret == -ENOENT;
}

static void ask(struct row *row)
{
	struct qmp_error err;

	if (row->client.fd >= 0)
		row->asked = !qmp_client_send(&row->client, "x-query-guest", NULL, &err);
}

static void hear(struct row *row, u64 deadline)
{
	struct qmp_error err;
	int ret = -ETIMEDOUT;

	if (row->asked)
		ret = qmp_client_receive(&row->client, deadline, &row->info, &err);
	/* It ended while we were asking. */
	if (ret == -EPIPE)
		row->gone = true;
	if (!qmp_member_text(row->info, "state", row->state, sizeof(row->state)))
		snprintf(row->state, sizeof(row->state), SILENT);
	if (!qmp_member_text(row->info, "kernel", row->kernel, sizeof(row->kernel)))
		snprintf(row->kernel, sizeof(row->kernel), "-");
	/* The release alone: who built it and when is in --json. */
	row->kernel[strcspn(row->kernel, " ")] = '\0';
}

static void format_uptime(char *buf, size_t size, const struct row *row)
{
	json_t *json = json_object_get(row->info, "uptime");
	long long s = json_integer_value(json);

	if (!json_is_integer(json) || s < 0)
		snprintf(buf, size, "-");
	else if (s < 60)
		snprintf(buf, size, "%llds", s);
	else if (s < 3600)
		snprintf(buf, size, "%lldm%02llds", s / 60, s % 60);
	else if (s < 86400)
		snprintf(buf, size, "%lldh%02lldm", s / 3600, s / 60 % 60);
	else
		snprintf(buf, size, "%lldd%02lldh", s / 86400, s / 3600 % 24);
}

static void print_table(const struct row *rows, int nr)
{
	int i, name_width = 4, state_width = 7;
	char uptime[32], pid[16];

	for (i = 0; i < nr; i++) {
		if (rows[i].gone)
			continue;
		name_width = max_t(int, name_width, strlen(rows[i].name));
		state_width = max_t(int, state_width, strlen(rows[i].state));
	}
	printf("%-*s %7s %-*s %7s %s\n", name_width, "NAME", "PID", state_width, "STATE",
	       "UPTIME", "KERNEL");
	for (i = 0; i < nr; i++) {
		if (rows[i].gone)
			continue;
		format_uptime(uptime, sizeof(uptime), &rows[i]);
		snprintf(pid, sizeof(pid), rows[i].client.pid ? "%d" : "-",
			 rows[i].client.pid);
		printf("%-*s %7s %-*s %7s %s\n", name_width, rows[i].name, pid,
		       state_width, rows[i].state, uptime, rows[i].kernel);
	}
}

/* What the guest says about itself; its name and pid are known better here. */
static json_t *row_json(const struct row *row)
{
	json_t *json = json_pack("{s:s}", "name", row->name);

	if (row->client.pid)
		json_object_set_new(json, "pid", json_integer(row->client.pid));
	json_object_update_missing(json, row->info);
	if (!json_object_get(json, "state"))
		json_object_set_new(json, "state", json_string(SILENT));
	return json;
}

static void print_json(const struct row *rows, int nr)
{
	json_t *list = json_array();
	int i;

	for (i = 0; i < nr; i++)
		if (!rows[i].gone)
			json_array_append_new(list, row_json(&rows[i]));
	json_dumpf(list, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(list);
}

static void print_names(const struct row *rows, int nr)
{
	int i;

	for (i = 0; i < nr; i++)
		if (!rows[i].gone)
			puts(rows[i].name);
}

static void print_rows(const struct row *rows, int nr, bool json, bool quiet)
{
	if (json)
		print_json(rows, nr);
	else if (quiet)
		print_names(rows, nr);
	else
		print_table(rows, nr);
}

static int list(char **names, int nr, bool json, bool quiet)
{
	struct row *rows = calloc(nr + 1, sizeof(*rows));
	u64 deadline;
	int i;

	if (!rows)
		return EXIT_VMTOOL_ERROR;
	for (i = 0; i < nr; i++)
		connect_to(&rows[i], names[i]);
	for (i = 0; i < nr && !quiet; i++)
		ask(&rows[i]);
	deadline = qmp_deadline(ANSWER_MS);
	for (i = 0; i < nr && !quiet; i++)
		hear(&rows[i], deadline);

	print_rows(rows, nr, json, quiet);
	for (i = 0; i < nr; i++) {
		qmp_client_close(&rows[i].client);
		json_decref(rows[i].info);
	}
	free(rows);
	return 0;
}

int cmd_list(int argc, const char **argv)
{
	static const char *const usage[] = { "vmtool list [--json | --quiet]", NULL };
	bool json = false, quiet = false;
	const struct option options[] = {
		OPT_BOOLEAN('j', "json", &json, "print a JSON array"),
		OPT_BOOLEAN('q', "quiet", &quiet, "print names only, without asking the guests"),
		OPT_END()
	};
	char **names;
	int nr, status;

	argc = cli_parse(argc, argv, options, usage);
	if (argc) {
		log_err("list takes no argument '%s'", argv[0]);
		return EXIT_VMTOOL_ERROR;
	}
	nr = control_find(&names);
	if (nr < 0)
		return EXIT_VMTOOL_ERROR;
	status = list(names, nr, json, quiet);
	control_free_names(names, nr);
	return status;
}
