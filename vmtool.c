// SPDX-License-Identifier: GPL-2.0
/*
 * vmtool: boots a kernel on KVM.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

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

/*
 * A standard descriptor that was closed would be the next file opened: a guest's
 * console could go there. In its place comes one that refuses.
 */
static bool fill_stdio(void)
{
	int fd;

	for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 &&
		    open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
			return false;
	return true;
}

int main(int argc, const char **argv)
{
	const struct command *c;
	const char *name;

	if (!fill_stdio()) {
		log_err("/dev/null: %s", strerror(errno));
		return EXIT_VMTOOL_ERROR;
	}

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
