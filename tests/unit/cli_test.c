// SPDX-License-Identifier: GPL-2.0
/*
 * cli.c: an option parser with the manners of vmtool. A mistake ends the process,
 * so each command line is parsed in one of its own.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/kernel.h>
#include <subcmd/parse-options.h>

#include <vmtool/cli.h>
#include <vmtool/verdict.h>

#include "capture.h"
#include <kselftest_harness.h>

#define ARGS_MAX	16

/**
 * struct result - what became of a command line
 * @status: exit status; 0 also when it was parsed
 * @parsed: cli_parse() has returned
 * @left: what it returned
 * @rest: the arguments left, with a blank behind each
 */
struct result {
	int status;
	bool parsed;
	int left;
	char rest[256];
	char name[64];
	char list[64];
	int number;
	unsigned int size;
	u64 big;
	bool flag;
	bool fast;
	char out[4096];
	struct capture err;
};

static int add_to_list(const struct option *opt, const char *arg, int unset)
{
	char *list = opt->value;

	if (unset)
		*list = '\0';
	else
		strcat(strcat(list, arg), ";");
	return 0;
}

static const char *const usage[] = { "vmtool test [OPTIONS] [FILE]", "vmtool test --flag", NULL };

static void parse(struct result *r, int argc, const char **argv)
{
	const char *name = NULL;
	const struct option options[] = {
		OPT_GROUP("First:"),
		OPT_STRING('n', "name", &name, "NAME", "a name"),
		OPT_CALLBACK('l', "list", r->list, "ITEM", "one more item", add_to_list),
		OPT_INTEGER('i', "number", &r->number, "a number"),
		OPT_GROUP("Second:"),
		OPT_UINTEGER('s', "size", &r->size, "a size"),
		OPT_U64('b', "big", &r->big, "a number with a long help"),
		OPT_BOOLEAN('f', "flag", &r->flag, "a flag"),
		OPT_BOOLEAN(0, "flag-that-is-called-fast", &r->fast, "another"),
		OPT_BOOLEAN_FLAG(0, "hidden", &r->flag, "not shown", PARSE_OPT_HIDDEN),
		OPT_END()
	};
	int i;

	r->left = cli_parse(argc, argv, options, usage);
	r->parsed = true;
	for (i = 0; i < r->left; i++)
		strcat(strcat(r->rest, argv[i]), " ");
	strcpy(r->name, name ?: "(none)");
}

/* Command lines are written with blanks; an argument of "''" is an empty one. */
static struct result *run(const char *line)
{
	struct result *r = mmap(NULL, sizeof(*r), PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int out = memfd_create("stdout", MFD_CLOEXEC), argc = 0;
	const char *argv[ARGS_MAX + 1] = { };
	char copy[512], *save, *word;
	pid_t pid;

	strcpy(copy, line);
	for (word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save))
		argv[argc++] = strcmp(word, "''") ? word : "";

	fflush(stdout);
	capture_begin(&r->err);
	pid = fork();
	if (!pid) {
		dup2(out, STDOUT_FILENO);
		parse(r, argc, argv);
		exit(0);
	}
	waitpid(pid, &r->status, 0);
	capture_end(&r->err);
	if (pread(out, r->out, sizeof(r->out) - 1, 0) < 0)
		abort();
	close(out);
	return r;
}

struct line {
	const char *text;
	const char *want;	/* the rest, or a part of the message */
};

static const struct line mistakes[] = {
	{ "test --frob", "--frob: unknown option" },
	{ "test --frob=1", "--frob: unknown option" },
	{ "test -x", "-x: unknown option" },
	{ "test -fx", "-x: unknown option" },
	{ "test --name", "--name: NAME is missing" },
	{ "test -n", "-n: NAME is missing" },
	{ "test -fn", "-n: NAME is missing" },
	{ "test --list", "--list: ITEM is missing" },
	{ "test --number", "--number: N is missing" },
	{ "test --number x", "--number x: not a number" },
	{ "test --number=5x", "--number 5x: not a number" },
	{ "test --number=", "--number : not a number" },
	{ "test --number ''", "--number : not a number" },
	{ "test -i x", "-i x: not a number" },
	{ "test -i5x", "-i 5x: not a number" },
	{ "test -fi x", "-i x: not a number" },
	{ "test --size -1", "--size -1: not a number" },
	{ "test -s -1", "-s -1: not a number" },
	{ "test --big=-1", "--big -1: not a number" },
	{ "test --flag=1", "--flag: takes no value" },
	{ "test --flag=", "--flag: takes no value" },
	{ "test --no-flag=1", "--no-flag: takes no value" },
	{ "test --no-name=x", "--no-name: takes no value" },
	{ "test --fl", "--fl: ambiguous option" },
	{ "test --n", "ambiguous" },
	{ "test --no", "option" },
	{ "test --no-", "option" },
	{ "test --=x", "ambiguous" },
	{ "test --no-frob", "--no-frob: unknown option" },
	{ "test file --frob", "--frob: unknown option" },
	{ "test --name x --frob", "--frob: unknown option" },
};

TEST(mistakes_end_with_one_line)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(mistakes); i++) {
		struct result *r = run(mistakes[i].text);

		EXPECT_EQ(EXIT_VMTOOL_ERROR << 8, r->status)
			TH_LOG("'%s'", mistakes[i].text);
		EXPECT_FALSE(r->parsed);
		EXPECT_STREQ("", r->out);
		EXPECT_TRUE(capture_one_line(&r->err))
			TH_LOG("'%s' said: %s", mistakes[i].text, r->err.text);
		EXPECT_NE(NULL, strstr(r->err.text, mistakes[i].want))
			TH_LOG("'%s' said: %s", mistakes[i].text, r->err.text);
	}
}

static const struct line good[] = {
	{ "test", "" },
	{ "test file", "file " },
	{ "test a b c", "a b c " },
	{ "test -", "- " },
	{ "test ''", " " },
	{ "test --flag file", "file " },
	{ "test file --flag", "file " },
	{ "test -- --frob -x", "-- --frob -x " },
	{ "test file -- -x", "file -- -x " },
	{ "test --flag -- file", "-- file " },
	{ "test --hidden", "" },
};

TEST(what_is_left)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(good); i++) {
		struct result *r = run(good[i].text);

		EXPECT_TRUE(r->parsed)
			TH_LOG("'%s' said: %s", good[i].text, r->err.text);
		EXPECT_STREQ(good[i].want, r->rest);
		EXPECT_STREQ("", r->err.text);
		EXPECT_STREQ("", r->out);
	}
}

TEST(values)
{
	static const char *const ways[] = {
		"test --name x --number -7 --size 8 --big 18446744073709551615 --flag",
		"test --name=x --number=-7 --size=8 --big=18446744073709551615 --flag",
		"test -n x -i -7 -s 8 -b 18446744073709551615 -f",
		"test -fnx -i-7 -s8 -b18446744073709551615",
		"test --na x --nu=-7 --si 8 --bi=18446744073709551615 --flag",
		"test --name y --name x --no-flag --flag -i1 -i-7 -s8 -b18446744073709551615",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		struct result *r = run(ways[i]);

		EXPECT_TRUE(r->parsed)
			TH_LOG("'%s' said: %s", ways[i], r->err.text);
		EXPECT_STREQ("x", r->name);
		EXPECT_EQ(-7, r->number);
		EXPECT_EQ(8, r->size);
		EXPECT_EQ(~0ULL, r->big);
		EXPECT_TRUE(r->flag);
		EXPECT_FALSE(r->fast);
		EXPECT_EQ(0, r->left);
	}
}

/* Whatever stands behind an option that takes a value is its value. */
TEST(values_that_look_like_options)
{
	EXPECT_STREQ("--flag", run("test --name --flag")->name);
	EXPECT_STREQ("-f", run("test -n -f")->name);
	EXPECT_STREQ("--", run("test --name --")->name);
	EXPECT_STREQ("-h", run("test --name -h")->name);
	EXPECT_STREQ("", run("test --name=")->name);
	EXPECT_STREQ("", run("test --name ''")->name);
	EXPECT_STREQ("a=b", run("test --name=a=b")->name);
}

TEST(options_that_are_taken_back)
{
	EXPECT_STREQ("(none)", run("test --name x --no-name")->name);
	EXPECT_FALSE(run("test --flag --no-flag")->flag);
	EXPECT_STREQ("a;b;", run("test -l a --list=b")->list);
	EXPECT_STREQ("c;", run("test -l a --no-list -l c")->list);
}

static const char help_text[] =
	"usage: vmtool test [OPTIONS] [FILE]\n"
	"   or: vmtool test --flag\n"
	"\n"
	"First:\n"
	"  -n, --name NAME           a name\n"
	"  -l, --list ITEM           one more item\n"
	"  -i, --number N            a number\n"
	"\n"
	"Second:\n"
	"  -s, --size N              a size\n"
	"  -b, --big N               a number with a long help\n"
	"  -f, --flag                a flag\n"
	"      --flag-that-is-called-fast\n"
	"                            another\n";

TEST(help)
{
	static const char *const ways[] = {
		"test -h", "test --help", "test --flag -h", "test file -h", "test -h --frob",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		struct result *r = run(ways[i]);

		EXPECT_EQ(0, r->status);
		EXPECT_FALSE(r->parsed);
		EXPECT_STREQ(help_text, r->out);
		EXPECT_STREQ("", r->err.text);
	}
	/* Not what belongs to a command behind it. */
	EXPECT_TRUE(run("test -- -h")->parsed);
}

TEST(help_that_cannot_be_written)
{
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC), saved = dup(STDOUT_FILENO), status;
	const char *argv[] = { "test", "-h", NULL };
	struct result r = { };
	pid_t pid;

	ASSERT_LE(0, full);
	fflush(stdout);
	capture_begin(&r.err);
	dup2(full, STDOUT_FILENO);
	pid = fork();
	if (!pid)
		parse(&r, 2, argv);
	dup2(saved, STDOUT_FILENO);
	waitpid(pid, &status, 0);
	capture_end(&r.err);
	EXPECT_EQ(EXIT_VMTOOL_ERROR << 8, status);
	EXPECT_TRUE(capture_one_line(&r.err));
	EXPECT_NE(NULL, strstr(r.err.text, "No space left on device"));
}

TEST_HARNESS_MAIN
