// SPDX-License-Identifier: GPL-2.0
#include <stddef.h>

#include "builtin.h"

const struct command vmtool_commands[] = {
	{ "run", cmd_run, "boot a kernel" },
#ifdef CONFIG_CMD_LIST
	{ "list", cmd_list, "show the guests that run" },
#endif
#ifdef CONFIG_CMD_STOP
	{ "stop", cmd_stop, "ask guests to power off, or end them" },
#endif
#ifdef CONFIG_CMD_PAUSE
	{ "pause", cmd_pause, "stop the virtual CPUs of guests" },
	{ "resume", cmd_resume, "let paused guests go on" },
#endif
#ifdef CONFIG_CMD_EXEC
	{ "exec", cmd_exec, "run a command in a guest" },
#endif
#ifdef CONFIG_CMD_CONSOLE
	{ "console", cmd_console, "use the console of a guest" },
#endif
#ifdef CONFIG_CMD_STAT
	{ "stat", cmd_stat, "show what guests use their memory for" },
#endif
#ifdef CONFIG_CMD_BALLOON
	{ "balloon", cmd_balloon, "take memory from guests, or give it back" },
#endif
#ifdef CONFIG_HOST_ROOT
	{ "config", cmd_config, "print what a guest's kernel has to be configured with" },
	{ "setup", cmd_setup, "make a root of its own for guests" },
#endif
#ifdef CONFIG_CMD_TEST
	{ "test", cmd_test, "run kselftests or KUnit in guests" },
#endif
	{ "version", cmd_version, "print the version" },
	{ "help", cmd_help, "print this, or the usage of a command" },
	{ }
};
