// SPDX-License-Identifier: GPL-2.0
/*
 * vmtool exec
 */
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <subcmd/parse-options.h>

#include <vmtool/agent_command.h>
#include <vmtool/cli.h>
#include <vmtool/log.h>
#include <vmtool/verdict.h>

#include "agent-session.h"
#include "builtin.h"

/* [NAME] [-- COMMAND ARG...]; returns false after a message. */
static bool take_args(int argc, const char **argv, const char **name,
		      const char *const **command)
{
	if (argc && strcmp(argv[0], "--")) {
		if (*name) {
			log_err("%s: the guest was given by -n already", argv[0]);
			return false;
		}
		*name = argv[0];
		argc--;
		argv++;
	}
	if (argc > 1 && !strcmp(argv[0], "--")) {
		*command = argv + 1;
	} else if (argc) {
		log_err("%s: write -- before the command", argv[0]);
		return false;
	}
	if (!*name)
		log_err("no guest given: name one ('vmtool list' shows the names)");
	return *name;
}

int cmd_exec(int argc, const char **argv)
{
	static const char *const usage[] = {
		"vmtool exec [OPTIONS] NAME [-- COMMAND ARG...]", NULL
	};
	const char *name = NULL, *text = NULL, *cwd = NULL;
	const struct option options[] = {
		OPT_STRING('n', "name", &name, "NAME", "guest"),
		OPT_STRING('e', "exec", &text, "STRING", "run sh -c STRING"),
		OPT_STRING(0, "cwd", &cwd, "DIR", "directory of the command (default: /)"),
		OPT_END()
	};
	const char *const *command = NULL;
	struct agent_command cmd;
	struct agent_result r;
	int ret;

	argc = cli_parse(argc, argv, options, usage);
	if (!take_args(argc, argv, &name, &command))
		return EXIT_VMTOOL_ERROR;
	if (command && text) {
		log_err("-e and -- COMMAND exclude each other: give one of them");
		return EXIT_VMTOOL_ERROR;
	}
	ret = command_init(&cmd, command, text);
	if (ret)
		return EXIT_VMTOOL_ERROR;
	cmd.spec.cwd = cwd;
	ret = agent_session(name, &cmd.spec, &r);
	if (ret)
		ret = EXIT_VMTOOL_ERROR;
	else
		ret = agent_status(&r, command_name(&cmd));
	command_free(&cmd);
	return ret;
}
