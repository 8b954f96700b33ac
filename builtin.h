/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_BUILTIN_H
#define VMTOOL_BUILTIN_H

/*
 * Adding a command:
 *
 * - builtin-NAME.c with cmd_NAME(), a line in Build, a symbol in a Kconfig;
 * - its declaration below and its entry in vmtool.c's commands[];
 * - Documentation/vmtool-NAME.rst, a test, and a word in README.md.
 *
 * A command gets its own name in argv[0], parses options with cli_parse(), and
 * returns the exit status: 0, 1 when what was asked for could not be had, or
 * EXIT_VMTOOL_ERROR (125) after one line on stderr for a mistake of its caller
 * or of the host.
 */

#define VMTOOL_VERSION "0.1.0"

/**
 * struct command - an entry of vmtool's command table
 * @name: what users type
 * @run: does it, and returns the exit status
 * @help: one line
 */
struct command {
	const char *name;
	int (*run)(int argc, const char **argv);
	const char *help;
};

/** vmtool_commands - all commands, ended by an entry without a name */
extern const struct command vmtool_commands[];

int cmd_balloon(int argc, const char **argv);
int cmd_config(int argc, const char **argv);
int cmd_console(int argc, const char **argv);
int cmd_exec(int argc, const char **argv);
int cmd_help(int argc, const char **argv);
int cmd_list(int argc, const char **argv);
int cmd_pause(int argc, const char **argv);
int cmd_resume(int argc, const char **argv);
int cmd_run(int argc, const char **argv);
int cmd_setup(int argc, const char **argv);
int cmd_stat(int argc, const char **argv);
int cmd_stop(int argc, const char **argv);
int cmd_test(int argc, const char **argv);
int cmd_version(int argc, const char **argv);

#endif /* VMTOOL_BUILTIN_H */
