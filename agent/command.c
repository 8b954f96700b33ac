// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>
#include <vmtool/agent_client.h>
#include <vmtool/agent_command.h>

extern char **environ;

/* What says how the user likes it; nothing that tells of the host or its secrets. */
static bool is_wanted(const char *var)
{
	static const char *const names[] = {
		"TERM=", "COLORTERM=", "LANG=", "LANGUAGE=", "LC_", "TZ=", "PATH=", "SHELL=",
		"NO_COLOR=", "KSELFTEST_", "KTAP_",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (!strncmp(var, names[i], strlen(names[i])))
			return true;
	return false;
}

static int add_env(struct agent_command *cmd, const char *var)
{
	if (cmd->nr_env == COMMAND_ENV_MAX)
		return 0;
	cmd->env[cmd->nr_env] = strdup(var);
	if (!cmd->env[cmd->nr_env])
		return -ENOMEM;
	cmd->nr_env++;
	return 0;
}

static int make_env(struct agent_command *cmd)
{
	char **var;
	int ret;

	ret = add_env(cmd, "HOME=/root");
	ret = ret ?: add_env(cmd, "USER=root");
	ret = ret ?: add_env(cmd, "LOGNAME=root");
	for (var = environ; !ret && *var; var++)
		if (is_wanted(*var))
			ret = add_env(cmd, *var);
	return ret;
}

int command_init(struct agent_command *cmd, const char *const *argv, const char *text)
{
	const char *shell = getenv("SHELL");
	int ret;

	memset(cmd, 0, sizeof(*cmd));
	if (!argv && text) {
		cmd->args[0] = "sh";
		cmd->args[1] = "-c";
		cmd->args[2] = text;
	} else if (!argv) {
		cmd->args[0] = shell && *shell == '/' ? shell : "/bin/sh";
	}
	cmd->spec.argv = argv ?: cmd->args;
	cmd->spec.env = (const char *const *)cmd->env;
	client_wants_tty(&cmd->spec);
	ret = make_env(cmd);
	if (ret)
		command_free(cmd);
	return ret;
}

const char *command_name(const struct agent_command *cmd)
{
	return cmd->spec.argv[0];
}

void command_free(struct agent_command *cmd)
{
	while (cmd->nr_env)
		free(cmd->env[--cmd->nr_env]);
}
