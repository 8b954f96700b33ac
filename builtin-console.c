// SPDX-License-Identifier: GPL-2.0
/*
 * vmtool console
 */
#include <stddef.h>
#include <errno.h>
#include <unistd.h>

#include <subcmd/parse-options.h>

#include <vmtool/agent.h>
#include <vmtool/cli.h>
#include <vmtool/guests.h>
#include <vmtool/log.h>
#include <vmtool/verdict.h>

#include "agent-session.h"
#include "builtin.h"

int cmd_console(int argc, const char **argv)
{
	static const char *const usage[] = { "vmtool console [-n NAME | NAME]", NULL };
	struct guests guests = { };
	const struct option options[] = {
		OPT_GUEST_NAME(&guests),
		OPT_END()
	};
	int ret, status = EXIT_VMTOOL_ERROR;
	struct agent_result r = { };

	argc = cli_parse(argc, argv, options, usage);
	if (!guests_select(&guests, argc, argv)) {
		if (guests.nr != 1) {
			log_err("one guest has one console: name one");
		} else {
			if (isatty(STDIN_FILENO))
				log_info("console of '%s': Ctrl-a d leaves it, Ctrl-a h helps",
					 guests.names[0]);
			ret = agent_session(guests.names[0], NULL, &r);
			/* The guest's end is the usual one. */
			if (ret >= 0 && (ret == 1 || r.value == ECONNRESET))
				status = 0;
			else if (ret >= 0)
				status = agent_status(&r, guests.names[0]);
		}
	}
	guests_free(&guests);
	return status;
}
