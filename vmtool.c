// SPDX-License-Identifier: GPL-2.0
/*
 * vmtool: boots a kernel on KVM.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <subcmd/exec-cmd.h>

#include <vmtool/log.h>
#include <vmtool/verdict.h>

#include "builtin.h"

/* Output that could not be written (a full disk) must not look like success. */
static int check_stdout(int status)
{
	if (fflush(stdout) || ferror(stdout)) {
		log_err("cannot write to stdout: %s", strerror(errno));
		return EXIT_VMTOOL_ERROR;
	}
	return status;
}

static const char *command_name(const char *arg)
{
	if (!strcmp(arg, "-h") || !strcmp(arg, "--help"))
		return "help";
	if (!strcmp(arg, "--version"))
		return "version";
	return arg;
}

static void list_names(void)
{
	const struct command *c;

	for (c = vmtool_commands; c->name; c++)
		printf("%s\n", c->name);
}

int main(int argc, const char **argv)
{
	const struct command *c;
	const char *name;

	exec_cmd_init("vmtool", "", "", "VMTOOL_EXEC_PATH");
	if (argc < 2) {
		log_err("a command is missing; see 'vmtool help'");
		return EXIT_VMTOOL_ERROR;
	}
	if (!strcmp(argv[1], "--list-cmds")) {
		list_names();
		return check_stdout(0);
	}
	name = command_name(argv[1]);
	for (c = vmtool_commands; c->name; c++)
		if (!strcmp(c->name, name))
			return check_stdout(c->run(argc - 1, argv + 1));

	log_err("%s: no such command; see 'vmtool help'", name);
	return EXIT_VMTOOL_ERROR;
}
