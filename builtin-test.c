// SPDX-License-Identifier: GPL-2.0
/*
 * vmtool test
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/kernel.h>
#include <subcmd/parse-options.h>

#include <vmtool/cli.h>
#include <vmtool/ktest.h>
#include <vmtool/log.h>
#include <vmtool/size.h>
#include <vmtool/verdict.h>

#include "builtin.h"

#define BOOT_TIMEOUT_S	300
#define RETRIES_MAX	100

/* What the options leave, as text. */
struct test_args {
	const char *tree;
	const char *output;
	const char *install_dir;
	const char *list;
	const char *jobs;
	const char *shard;
	const char *retries;
	const char *timeout;
	const char *boot_timeout;
	const char *vmtool;
	char self[PATH_MAX];
	bool kunit;
	bool dry_run;
	bool no_memory;
	bool quiet;
	struct ktest_config cfg;
};

/* Takes @arg, which may be NULL for want of memory. */
static int add_arg(struct test_args *args, char *arg)
{
	struct ktest_config *cfg = &args->cfg;
	char **more = realloc(cfg->run_args, (cfg->nr_run_args + 1) * sizeof(*more));

	if (more)
		cfg->run_args = more;
	if (!more || !arg) {
		free(arg);
		args->no_memory = true;
		return -1;
	}
	more[cfg->nr_run_args++] = arg;
	return 0;
}

/* An option that "vmtool run" has too, under the same name. */
static int pass_on(const struct option *opt, const char *arg, int unset)
{
	char *text;

	if (asprintf(&text, "--%s=%s", opt->long_name, arg) < 0)
		text = NULL;
	return add_arg(opt->value, text);
}

static int pass_arg(const struct option *opt, const char *arg, int unset)
{
	return add_arg(opt->value, strdup(arg));
}

static int bad_value(const char *opt, const char *value, const char *why)
{
	log_err("%s %s: %s", opt, value, why);
	return -EINVAL;
}

static int set_number(const char *opt, const char *s, unsigned int least, unsigned int most,
		      unsigned int *val)
{
	char why[64];

	if (!s || (!parse_uint(s, val) && *val >= least && *val <= most))
		return 0;
	snprintf(why, sizeof(why), "not a number from %u to %u", least, most);
	return bad_value(opt, s, why);
}

static int set_shard(struct ktest_config *cfg, const char *s)
{
	char one[16];
	const char *slash = s ? strchr(s, '/') : NULL;

	cfg->shard = 1;
	cfg->shards = 1;
	if (!s)
		return 0;
	if (!slash || slash - s >= (long)sizeof(one))
		return bad_value("--shard", s, "not of the form I/N");
	snprintf(one, sizeof(one), "%.*s", (int)(slash - s), s);
	if (parse_uint(one, &cfg->shard) || parse_uint(slash + 1, &cfg->shards) ||
	    !cfg->shard || cfg->shard > cfg->shards)
		return bad_value("--shard", s, "not of the form I/N, with I from 1 to N");
	return 0;
}

/* Where it was started from may be another one by now, or nothing. */
static const char *own_path(char *path)
{
	ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - 1);

	if (n < 0)
		return "/proc/self/exe";
	path[n] = '\0';
	return access(path, X_OK) ? "/proc/self/exe" : path;
}

static int set_config(struct test_args *args)
{
	struct ktest_config *cfg = &args->cfg;
	unsigned int timeout = 0;
	int ret;

	cfg->jobs = 1;
	cfg->boot_timeout = BOOT_TIMEOUT_S;
	cfg->out = stdout;
	cfg->vmtool = args->vmtool ?: own_path(args->self);
	ret = set_number("-j", args->jobs, 1, KTEST_JOBS_MAX, &cfg->jobs);
	ret = ret ?: set_number("--retries", args->retries, 0, RETRIES_MAX, &cfg->retries);
	ret = ret ?: set_number("--timeout", args->timeout, 0, KTEST_TIMEOUT_MAX, &timeout);
	ret = ret ?: set_number("--boot-timeout", args->boot_timeout, 1, KTEST_TIMEOUT_MAX,
				&cfg->boot_timeout);
	cfg->timeout = args->timeout ? (int)timeout : -1;
	if (args->no_memory) {
		log_err("no memory for the options");
		ret = -ENOMEM;
	}
	if (args->kunit && (args->install_dir || args->list || args->shard || args->retries)) {
		log_err("--kunit: the tests are in the kernel: no list, shard or retries of them");
		ret = -EINVAL;
	}
	return ret ?: set_shard(cfg, args->shard);
}

/* Tests that are installed already, or those built now; @lock is for who is done. */
static int find_tests(struct test_args *args, int argc, const char **argv, char *install,
		      int *lock)
{
	struct ktest_build build = {
		.tree = args->tree,
		.output = args->output,
		.targets = argv,
		.nr_targets = argc,
		.jobs = max(sysconf(_SC_NPROCESSORS_ONLN), 1L),
		.verbose = args->cfg.verbose,
	};
	char *path;

	if (!args->install_dir) {
		*lock = ktest_build(&build, install);
		return min(*lock, 0);
	}
	path = realpath(args->install_dir, NULL);
	if (!path || strlen(path) >= PATH_MAX) {
		log_err("--install-dir %s: %s", args->install_dir,
			strerror(path ? ENAMETOOLONG : errno));
		free(path);
		return -ENOENT;
	}
	strcpy(install, path);
	free(path);
	return 0;
}

static int load_set(struct test_args *args, int argc, const char **argv,
		    const char *install, struct ktest_set *set)
{
	char list[PATH_MAX + 32];
	int ret;

	args->cfg.install_dir = install;
	snprintf(list, sizeof(list), "%s/kselftest-list.txt", install);
	ret = ktest_set_load(set, args->list ?: list);
	ret = ret ?: ktest_set_only(set, argv, argc);
	if (ret)
		return ret;
	if (!set->nr) {
		log_err("%s has no test in it", args->list ?: list);
		return -ENOENT;
	}
	ktest_set_shard(set, args->cfg.shard, args->cfg.shards);
	ktest_set_limits(set, &args->cfg);
	return 0;
}

static int show_set(const struct ktest_set *set)
{
	size_t i;

	for (i = 0; i < set->nr; i++)
		printf("%s:%s\n", set->tests[i].collection, set->tests[i].name);
	return 0;
}

static int test_programs(struct test_args *args, int argc, const char **argv)
{
	struct ktest_set set = { };
	char install[PATH_MAX];
	int status = EXIT_VMTOOL_ERROR, lock = -1;

	if (!find_tests(args, argc, argv, install, &lock) &&
	    !load_set(args, argc, argv, install, &set))
		status = args->dry_run ? show_set(&set) : ktest_run(&args->cfg, &set);
	ktest_set_free(&set);
	if (lock >= 0)
		close(lock);
	return status;
}

static int test_kunit(struct test_args *args, int argc, const char **argv)
{
	if (argc > 1) {
		log_err("%s: one kernel is enough", argv[1]);
		return EXIT_VMTOOL_ERROR;
	}
	if (argc && (add_arg(args, strdup("--kernel")) || add_arg(args, strdup(argv[0]))))
		return EXIT_VMTOOL_ERROR;
	return ktest_run_kunit(&args->cfg);
}

#define OPT_PASS(s, l, a, name, h, f)						\
	{ .type = OPTION_CALLBACK, .short_name = (s), .long_name = (l), .value = (a),	\
	  .argh = (name), .help = (h), .callback = (f), .flags = PARSE_OPT_NONEG }

int cmd_test(int argc, const char **argv)
{
	static const char *const usage[] = {
		"vmtool test [OPTIONS] [COLLECTION | COLLECTION:TEST]...",
		"vmtool test --kunit [OPTIONS] [KERNEL]",
		NULL
	};
	struct test_args args = { };
	const struct option options[] = {
		OPT_GROUP("Tests:"),
		OPT_STRING(0, "tree", &args.tree, "DIR",
			   "kernel tree or its build directory (default: the one around)"),
		OPT_STRING(0, "output", &args.output, "DIR", "where kselftests are built"),
		OPT_STRING(0, "install-dir", &args.install_dir, "DIR",
			   "build nothing: kselftests that are installed there"),
		OPT_STRING(0, "list", &args.list, "FILE",
			   "tests, as lines COLLECTION:TEST (default: kselftest-list.txt)"),
		OPT_STRING(0, "shard", &args.shard, "I/N", "only that part of the tests"),
		OPT_BOOLEAN(0, "kunit", &args.kunit, "boot a kernel with KUnit, take its results"),
		OPT_BOOLEAN(0, "dry-run", &args.dry_run, "list the tests, start nothing"),
		OPT_GROUP("How they run:"),
		OPT_STRING('j', "jobs", &args.jobs, "N", "guests at a time (default: 1)"),
		OPT_BOOLEAN(0, "isolate", &args.cfg.isolate, "a guest for each test"),
		OPT_STRING(0, "retries", &args.retries, "N",
			   "try a test that is not ok again, up to N times"),
		OPT_STRING(0, "timeout", &args.timeout, "SECONDS",
			   "limit of each test, 0 for none (default: the collection's)"),
		OPT_STRING(0, "boot-timeout", &args.boot_timeout, "SECONDS",
			   "limit of a guest's way to its first test (default: 300)"),
		OPT_BOOLEAN(0, "fail-on-warn", &args.cfg.fail_on_warn,
			    "a test that makes the kernel warn is not ok"),
		OPT_GROUP("Guests, as with vmtool run:"),
		OPT_PASS('k', "kernel", &args, "FILE", "kernel", pass_on),
		OPT_PASS('m', "mem", &args, "SIZE[BKMGT]", "memory of each guest", pass_on),
		OPT_PASS('c', "cpus", &args, "N", "vCPUs of each guest", pass_on),
		OPT_PASS('p', "params", &args, "TEXT", "add to the kernel command line", pass_on),
		OPT_PASS(0, "root", &args, "DIR", "root of the guests", pass_on),
		OPT_PASS(0, "run-arg", &args, "ARG", "any argument for vmtool run", pass_arg),
		OPT_STRING(0, "vmtool", &args.vmtool, "FILE",
			   "program that runs guests (default: this one)"),
		OPT_GROUP("Results:"),
		OPT_STRING(0, "junit", &args.cfg.junit, "FILE", "write results as JUnit's XML"),
		OPT_STRING(0, "json", &args.cfg.json, "FILE", "write results as JSON"),
		OPT_BOOLEAN('v', "verbose", &args.cfg.verbose,
			    "show what make and the guests say on stderr"),
		OPT_BOOLEAN('q', "quiet", &args.quiet, "no summary on stderr"),
		OPT_END()
	};
	int status = EXIT_VMTOOL_ERROR;

	argc = cli_parse(argc, argv, options, usage);
	if (argc && !strcmp(argv[0], "--")) {
		argc--;
		argv++;
	}
	if (args.quiet)
		log_set_level(LOG_ERROR);
	if (!set_config(&args))
		status = args.kunit ? test_kunit(&args, argc, argv) :
				      test_programs(&args, argc, argv);
	while (args.cfg.nr_run_args)
		free(args.cfg.run_args[--args.cfg.nr_run_args]);
	free(args.cfg.run_args);
	return status;
}
