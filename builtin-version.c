// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>

#include <subcmd/parse-options.h>

#include <vmtool/cli.h>
#include <vmtool/log.h>
#include <vmtool/verdict.h>

#include "builtin.h"

static const char *const usage[] = {
	"vmtool version",
	NULL
};

int cmd_version(int argc, const char **argv)
{
	struct option options[] = {
		OPT_END()
	};

	argc = cli_parse(argc, argv, options, usage);
	if (argc) {
		log_err("%s: no argument is expected", argv[0]);
		return EXIT_VMTOOL_ERROR;
	}
	printf("vmtool %s\n", VMTOOL_VERSION);
	return 0;
}
