// SPDX-License-Identifier: GPL-2.0
/* Built without the agent: no commands in guests. */
#include <stddef.h>

#include <vmtool/log.h>

#include "run-command.h"

struct run_command *run_command_prepare(struct vm_config *cfg,
					const struct run_command_args *args)
{
	static const char nothing;

	if (args->argv || args->text) {
		log_err("%s: not built in: vmtool was built without CONFIG_AGENT",
			args->text ? "-e" : "-- COMMAND");
		return NULL;
	}
	return (struct run_command *)&nothing;
}

struct agent_spec *run_command_spec(struct run_command *rc)
{
	return NULL;
}

void run_command_as(struct run_command *rc, const struct guest_session *gs)
{
}

int run_command_start(struct run_command *rc, struct vm *vm)
{
	return 0;
}

int run_command_status(struct run_command *rc, int status)
{
	return status;
}

bool run_command_ended(const struct run_command *rc, int *status)
{
	return false;
}

void run_command_stop(struct run_command *rc)
{
}

void run_command_free(struct run_command *rc)
{
}
