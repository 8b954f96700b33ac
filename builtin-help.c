// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>

#include <subcmd/parse-options.h>

#include <vmtool/cli.h>
#include <vmtool/log.h>
#include <vmtool/verdict.h>

#include "builtin.h"

static const char *const usage[] = {
	"vmtool help [COMMAND]",
	NULL
};

static void list_commands(void)
{
	const struct command *c;

	printf("usage: vmtool COMMAND [OPTIONS]\n\n");
	for (c = vmtool_commands; c->name; c++)
		printf("  %-10s%s\n", c->name, c->help);
	printf("\n'vmtool help COMMAND' or 'vmtool COMMAND -h' tells more.\n");
}

int cmd_help(int argc, const char **argv)
{
	static const char *const ask[] = { "", "--help", NULL };
	struct option options[] = {
		OPT_END()
	};
	const struct command *c;
	const char *args[3];

	argc = cli_parse(argc, argv, options, usage);
	if (!argc) {
		list_commands();
		return 0;
	}
	for (c = vmtool_commands; c->name; c++) {
		if (strcmp(c->name, argv[0]))
			continue;
		memcpy(args, ask, sizeof(args));
		args[0] = c->name;
		return c->run(2, args);
	}
	log_err("%s: no such command; see 'vmtool help'", argv[0]);
	return EXIT_VMTOOL_ERROR;
}
