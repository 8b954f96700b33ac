// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>
#include <subcmd/parse-options.h>

#include <vmtool/cli.h>
#include <vmtool/log.h>
#include <vmtool/verdict.h>

#define HELP_COLUMN	28

static bool takes_value(const struct option *opt)
{
	switch (opt->type) {
	case OPTION_STRING:
	case OPTION_INTEGER:
	case OPTION_LONG:
	case OPTION_ULONG:
	case OPTION_U64:
	case OPTION_UINTEGER:
	case OPTION_CALLBACK:
		return !(opt->flags & (PARSE_OPT_NOARG | PARSE_OPT_OPTARG));
	default:
		return false;
	}
}

static bool is_number(const struct option *opt, const char *value)
{
	char *end;

	switch (opt->type) {
	case OPTION_ULONG:
	case OPTION_U64:
	case OPTION_UINTEGER:
		if (*value == '-')
			return false;
		break;
	case OPTION_INTEGER:
	case OPTION_LONG:
		break;
	default:
		return true;
	}
	strtoull(value, &end, 10);
	return end != value && !*end;
}

static const char *value_name(const struct option *opt)
{
	return opt->argh ?: "N";
}

static void usage_option(const struct option *opt)
{
	char left[128] = "";
	int n = 0;

	if (opt->short_name)
		n += snprintf(left + n, sizeof(left) - n, "-%c", opt->short_name);
	else
		n += snprintf(left + n, sizeof(left) - n, "  ");
	if (opt->long_name)
		n += snprintf(left + n, sizeof(left) - n, "%s --%s",
			      opt->short_name ? "," : " ", opt->long_name);
	if (takes_value(opt))
		n += snprintf(left + n, sizeof(left) - n, " %s", value_name(opt));
	else if (opt->flags & PARSE_OPT_OPTARG)
		n += snprintf(left + n, sizeof(left) - n, "[=%s]", value_name(opt));
	if (n < HELP_COLUMN - 2)
		printf("  %-*s%s\n", HELP_COLUMN - 2, left, opt->help);
	else
		printf("  %s\n%*s%s\n", left, HELP_COLUMN, "", opt->help);
}

void cli_usage(const struct option *options, const char *const usage[])
{
	int i;

	for (i = 0; usage[i]; i++)
		printf("%s %s\n", i ? "   or:" : "usage:", usage[i]);
	for (; options->type != OPTION_END; options++) {
		if (options->type == OPTION_GROUP)
			printf("\n%s\n", options->help);
		else if (!(options->flags & PARSE_OPT_HIDDEN))
			usage_option(options);
	}
}

static __noreturn __printf(1, 2) void fail(const char *fmt, ...)
{
	char msg[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	log_err("%s", msg);
	exit(EXIT_VMTOOL_ERROR);
}

/* An exact name, or the only one that begins like this. */
static const struct option *find_long(const struct option *options, const char *name,
				      size_t len)
{
	const struct option *found = NULL;
	int nr = 0;

	for (; options->type != OPTION_END; options++) {
		if (!options->long_name || strncmp(options->long_name, name, len))
			continue;
		if (!options->long_name[len])
			return options;
		found = options;
		nr++;
	}
	/* libsubcmd takes the beginning of "no-" for the opposite of every option. */
	if (nr > 1 || (nr && len <= 3 && !strncmp("no-", name, len)))
		fail("--%.*s: ambiguous option", (int)len, name);
	return found;
}

static const struct option *find_short(const struct option *options, char c)
{
	for (; options->type != OPTION_END; options++)
		if (options->short_name == c)
			return options;
	return NULL;
}

/* Returns how many arguments the option takes besides its own. */
static int check_long(const struct option *options, const char *arg, const char *next)
{
	size_t len = strcspn(arg, "=");
	const char *value = arg[len] ? arg + len + 1 : NULL;
	const struct option *opt = find_long(options, arg, len);
	bool negated = false;

	if (!opt && !strncmp(arg, "no-", 3)) {
		opt = find_long(options, arg + 3, len - 3);
		negated = true;
	}
	if (!opt || (negated && (opt->flags & PARSE_OPT_NONEG)))
		fail("--%.*s: unknown option", (int)len, arg);
	if (negated || !takes_value(opt)) {
		if (value && (negated || !(opt->flags & PARSE_OPT_OPTARG)))
			fail("--%.*s: takes no value", (int)len, arg);
		return 0;
	}
	if (!value && !next)
		fail("--%s: %s is missing", opt->long_name, value_name(opt));
	if (!is_number(opt, value ?: next))
		fail("--%s %s: not a number", opt->long_name, value ?: next);
	return value ? 0 : 1;
}

static int check_short(const struct option *options, const char *arg, const char *next)
{
	for (; *arg; arg++) {
		const struct option *opt = find_short(options, *arg);
		const char *value;

		if (!opt)
			fail("-%c: unknown option", *arg);
		if (!takes_value(opt))
			continue;
		value = arg[1] ? arg + 1 : next;
		if (!value)
			fail("-%c: %s is missing", *arg, value_name(opt));
		if (!is_number(opt, value))
			fail("-%c %s: not a number", *arg, value);
		return arg[1] ? 0 : 1;
	}
	return 0;
}

static bool asks_for_help(const struct option *options, const char *arg)
{
	if (!strcmp(arg, "--help"))
		return true;
	return !strcmp(arg, "-h") && !find_short(options, 'h');
}

/*
 * parse_options() answers a mistake with the whole usage and status 129. What it
 * would not take is found here first.
 */
static void check(int argc, const char **argv, const struct option *options,
		  const char *const usage[])
{
	int i;

	for (i = 1; i < argc && strcmp(argv[i], "--"); i++) {
		const char *next = i + 1 < argc ? argv[i + 1] : NULL;

		if (argv[i][0] != '-' || !argv[i][1] || !strcmp(argv[i], "--list-opts"))
			continue;
		if (asks_for_help(options, argv[i])) {
			cli_usage(options, usage);
			if (fflush(stdout) || ferror(stdout))
				fail("cannot write to stdout: %s", strerror(errno));
			exit(0);
		}
		if (argv[i][1] == '-')
			i += check_long(options, argv[i] + 2, next);
		else
			i += check_short(options, argv[i] + 1, next);
	}
}

int cli_parse(int argc, const char **argv, const struct option *options,
	      const char *const usage[])
{
	check(argc, argv, options, usage);
	return parse_options(argc, argv, options, usage, PARSE_OPT_KEEP_DASHDASH);
}
