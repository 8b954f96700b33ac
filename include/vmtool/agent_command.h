/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_AGENT_COMMAND_H
#define VMTOOL_AGENT_COMMAND_H

#include <vmtool/agent.h>
#include <vmtool/guest_session.h>

#define COMMAND_ENV_MAX	32

/**
 * struct agent_command - a command as users give it
 * @spec: for the agent; may be changed before it is used
 * @args: arguments of -e STRING, or the shell
 * @env: of this process, what is of use in the guest; owned
 * @nr_env: how many
 */
struct agent_command {
	struct agent_spec spec;
	const char *args[4];
	char *env[COMMAND_ENV_MAX + 1];
	unsigned int nr_env;
};

/**
 * command_init() - a command for root, on a terminal where this process is on one
 * @cmd: caller-owned
 * @argv: arguments, NULL at the end, kept by reference; or NULL for
 * @text: what sh -c is to do; or NULL for an interactive shell
 *
 * Return: 0 or -ENOMEM.
 */
int command_init(struct agent_command *cmd, const char *const *argv, const char *text);

/**
 * command_set_user() - as whom and where a command runs
 * @cmd: command
 * @gs: user and directory, kept by reference
 *
 * Return: 0 or -ENOMEM.
 */
int command_set_user(struct agent_command *cmd, const struct guest_session *gs);

/**
 * command_name() - what messages call it
 * @cmd: command
 *
 * Return: its first argument.
 */
const char *command_name(const struct agent_command *cmd);

/**
 * command_free() - forget it
 * @cmd: command, or zeroed memory
 */
void command_free(struct agent_command *cmd);

#endif /* VMTOOL_AGENT_COMMAND_H */
