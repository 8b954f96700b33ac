// SPDX-License-Identifier: GPL-2.0
#include <subcmd/parse-options.h>

#include <linux/kernel.h>
#include <vmtool/cli.h>
#include <vmtool/guests.h>
#include <vmtool/log.h>
#include <vmtool/verdict.h>

#include "builtin.h"
#include "stat.h"

struct stat_args {
	bool memory;
	bool json;
	bool kvm;
};

static int check(const struct stat_args *args)
{
	if (!args->memory || (!args->json && !args->kvm))
		return 0;
	log_err("--memory excludes %s", args->json ? "--json" : "--kvm");
	return -1;
}

static int show(const char *name, const struct stat_args *args)
{
	return args->memory ? stat_memory(name) : stat_cost(name, args->json, args->kvm);
}

int cmd_stat(int argc, const char **argv)
{
	static const char *const usage[] = {
		"vmtool stat [-m | -j | -k] [-n NAME | -a | NAME...]", NULL
	};
	struct guests guests = { };
	struct stat_args args = { };
	const struct option options[] = {
		OPT_GUEST_NAME(&guests),
		OPT_GUEST_ALL(&guests),
		OPT_BOOLEAN('m', "memory", &args.memory, "what the guest's memory is used for"),
		OPT_BOOLEAN('j', "json", &args.json, "print JSON, an object for each guest"),
		OPT_BOOLEAN('k', "kvm", &args.kvm, "with KVM's own figures"),
		OPT_END()
	};
	int i, status = EXIT_VMTOOL_ERROR;

	argc = cli_parse(argc, argv, options, usage);
	if (!check(&args) && !guests_select(&guests, argc, argv)) {
		status = 0;
		for (i = 0; i < guests.nr; i++)
			status = max(status, show(guests.names[i], &args));
	}
	guests_free(&guests);
	return status;
}
