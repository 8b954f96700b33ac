/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_CLI_H
#define VMTOOL_CLI_H

struct option;

/**
 * cli_parse() - parse a command's options
 * @argc: arguments, the command's name included
 * @argv: they; what is no option is left, from index 0 on
 * @options: options of the command
 * @usage: lines "vmtool COMMAND ...", NULL at the end
 *
 * libsubcmd's parse_options(), with vmtool's manners: -h and --help print the
 * usage on stdout and exit with status 0; a mistake prints one line on stderr
 * and exits with status 125. "--" is left among the arguments.
 *
 * Return: number of arguments left.
 */
int cli_parse(int argc, const char **argv, const struct option *options,
	      const char *const usage[]);

/**
 * cli_usage() - print a command's usage on stdout
 * @options: options of the command
 * @usage: usage lines, NULL at the end
 */
void cli_usage(const struct option *options, const char *const usage[]);

#endif /* VMTOOL_CLI_H */
