// SPDX-License-Identifier: GPL-2.0
/*
 * vmtool pause, vmtool resume
 */
#include <stdio.h>

#include <subcmd/parse-options.h>

#include <linux/kernel.h>
#include <vmtool/cli.h>
#include <vmtool/guests.h>
#include <vmtool/log.h>
#include <vmtool/qmp_client.h>
#include <vmtool/verdict.h>

#include "builtin.h"

static int tell(const char *name, const char *verb, const char *command)
{
	struct qmp_client client;
	struct qmp_error err;
	int ret = guests_open(&client, name);

	if (ret)
		return ret;
	ret = qmp_client_execute(&client, command, NULL, QMP_TIMEOUT_MS, NULL, &err);
	qmp_client_close(&client);
	if (!ret)
		return 0;
	log_err("cannot %s guest '%s': %s", verb, name, err.desc);
	return 1;
}

static int tell_all(int argc, const char **argv, const char *const usage[],
		    const char *verb, const char *command)
{
	struct guests guests = { };
	const struct option options[] = {
		OPT_GUEST_NAME(&guests),
		OPT_GUEST_ALL(&guests),
		OPT_END()
	};
	int i, status = 0;

	argc = cli_parse(argc, argv, options, usage);
	if (guests_select(&guests, argc, argv)) {
		guests_free(&guests);
		return EXIT_VMTOOL_ERROR;
	}
	if (!guests.nr)
		log_info("no guest is running");
	for (i = 0; i < guests.nr; i++)
		status = max(status, tell(guests.names[i], verb, command));
	guests_free(&guests);
	return status;
}

int cmd_pause(int argc, const char **argv)
{
	static const char *const usage[] = { "vmtool pause [-n NAME | -a | NAME...]", NULL };

	return tell_all(argc, argv, usage, "pause", "stop");
}

int cmd_resume(int argc, const char **argv)
{
	static const char *const usage[] = { "vmtool resume [-n NAME | -a | NAME...]", NULL };

	return tell_all(argc, argv, usage, "resume", "cont");
}
