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

/* Puts NAME=VALUE in the place of what was said of NAME. */
static int set_env(struct agent_command *cmd, const char *name, const char *value)
{
	size_t len = strlen(name);
	unsigned int i;
	char *var;

	if (asprintf(&var, "%s=%s", name, value) < 0)
		return -ENOMEM;
	for (i = 0; i < cmd->nr_env; i++) {
		if (strncmp(cmd->env[i], var, len + 1))
			continue;
		free(cmd->env[i]);
		cmd->env[i] = var;
		return 0;
	}
	if (cmd->nr_env == COMMAND_ENV_MAX)
		free(var);
	else
		cmd->env[cmd->nr_env++] = var;
	return 0;
}

int command_set_user(struct agent_command *cmd, const struct guest_session *gs)
{
	const char *name = *gs->name ? gs->name : "root";
	int ret;

	cmd->spec.cwd = gs->cwd;
	cmd->spec.uid = gs->uid;
	cmd->spec.gid = gs->gid;
	cmd->spec.groups = gs->groups;
	cmd->spec.nr_groups = gs->nr_groups;
	if (cmd->spec.argv == cmd->args && !cmd->args[1] && *gs->shell)
		cmd->args[0] = gs->shell;
	ret = set_env(cmd, "HOME", *gs->home ? gs->home : "/");
	ret = ret ?: set_env(cmd, "USER", name);
	return ret ?: set_env(cmd, "LOGNAME", name);
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
