/* SPDX-License-Identifier: GPL-2.0 */
#ifndef RUN_COMMAND_H
#define RUN_COMMAND_H

#include <stdbool.h>

struct guest_session;
struct run_command;
struct vm;
struct vm_config;

/**
 * struct run_command_args - what the command line says of it
 * @argv: behind --, NULL at the end; or NULL
 * @text: of -e; or NULL
 * @rooted: the guest's init is ours: without a command it is to run a shell
 * @verbose: the kernel's console goes to stderr
 */
struct run_command_args {
	const char *const *argv;
	const char *text;
	bool rooted;
	bool verbose;
};

/**
 * run_command_prepare() - what there is to be done for a command, before the machine
 * @cfg: machine; gets a port, and loses the terminal, when a command is to be run
 * @args: what the command line says
 *
 * Return: to be freed by run_command_free(), or NULL after a message.
 */
struct run_command *run_command_prepare(struct vm_config *cfg,
					const struct run_command_args *args);

/**
 * run_command_spec() - the command, to be changed before the guest is started
 * @rc: as prepared
 *
 * Return: its struct agent_spec; NULL when none is to be run.
 */
struct agent_spec *run_command_spec(struct run_command *rc);

/**
 * run_command_as() - as whom and where the command runs
 * @rc: as prepared
 * @gs: user and directory, which outlive @rc
 */
void run_command_as(struct run_command *rc, const struct guest_session *gs);

/**
 * run_command_start() - be ready for the agent, and for others who want commands run
 * @rc: as prepared
 * @vm: created machine
 *
 * Return: 0, or -errno after a message.
 */
int run_command_start(struct run_command *rc, struct vm *vm);

/**
 * run_command_status() - the exit status, once the machine has ended
 * @rc: started
 * @status: of the machine
 *
 * Return: that, or the command's.
 */
int run_command_status(struct run_command *rc, int status);

/**
 * run_command_ended() - how the command has ended
 * @rc: after run_command_status()
 * @status: its exit status, or 128 and the number of the signal that ended it
 *
 * Return: true when the command's end is what run_command_status() returned; false when
 * that is something else's, and @status is as it was.
 */
bool run_command_ended(const struct run_command *rc, int *status);

/**
 * run_command_stop() - leave everybody, and the terminal as it was
 * @rc: started or not; the machine is there yet
 */
void run_command_stop(struct run_command *rc);

/**
 * run_command_free() - forget it
 * @rc: as prepared, or NULL; the machine is gone
 */
void run_command_free(struct run_command *rc);

#endif /* RUN_COMMAND_H */
