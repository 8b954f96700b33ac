/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_KTEST_H
#define VMTOOL_KTEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <linux/types.h>
#include <vmtool/ktap.h>

#define KTEST_TIMEOUT_S		45	/* as in kselftest/runner.sh */
#define KTEST_TIMEOUT_MAX	(30U * 86400)
#define KTEST_JOBS_MAX		64
#define KTEST_NAME_MAX		200

/**
 * struct ktest_config - what "vmtool test" was asked to do
 * @vmtool: program that is started as "vmtool run"
 * @run_args: options for it
 * @nr_run_args: how many
 * @install_dir: absolute path of the installed kselftests
 * @jobs: guests at a time
 * @shard: which part of the tests, from 1 on
 * @shards: of how many
 * @retries: how often a test that is not ok is tried again
 * @timeout: seconds for each test instead of those in settings; -1 for these
 * @boot_timeout: seconds that a guest has until the first test
 * @isolate: a guest for each test
 * @fail_on_warn: a test that makes the kernel warn is not ok
 * @verbose: what guests say on stderr is shown
 * @junit: file to write, or NULL
 * @json: file to write, or NULL
 * @out: receives KTAP
 */
struct ktest_config {
	const char *vmtool;
	char **run_args;
	int nr_run_args;
	const char *install_dir;
	unsigned int jobs;
	unsigned int shard;
	unsigned int shards;
	unsigned int retries;
	int timeout;
	unsigned int boot_timeout;
	bool isolate;
	bool fail_on_warn;
	bool verbose;
	const char *junit;
	const char *json;
	FILE *out;
};

/**
 * struct ktest - a test
 * @collection: directory below the installed ones
 * @name: program in there
 * @timeout: seconds, 0 for no limit
 * @attempts: how often it was tried
 * @seconds: how long it took the last time
 * @earlier: lines on attempts that have failed, or NULL
 * @result: how it ended, with what it has printed; NULL before that
 * @guest_status: exit status of the guest that it has ended, or -1
 */
struct ktest {
	char *collection;
	char *name;
	unsigned int timeout;
	unsigned int attempts;
	double seconds;
	char *earlier;
	struct ktap_node *result;
	int guest_status;
};

/**
 * struct ktest_set - tests, those of a collection side by side
 * @tests: they
 * @nr: how many
 */
struct ktest_set {
	struct ktest *tests;
	size_t nr;
};

/**
 * ktest_set_parse() - read a list of tests
 * @set: empty or with tests; those of the list are added
 * @text: lines "collection:test"; '#' begins a comment
 * @what: name of the list for messages
 *
 * A test that is there already is not added again.
 *
 * Return: 0, -EINVAL after a message for a line of another kind, -ENOMEM.
 */
int ktest_set_parse(struct ktest_set *set, const char *text, const char *what);

/**
 * ktest_set_load() - read a list of tests from a file
 * @set: as of ktest_set_parse()
 * @path: file, at most 4 MiB
 *
 * Return: 0, or -errno after a message.
 */
int ktest_set_load(struct ktest_set *set, const char *path);

/**
 * ktest_set_only() - keep what is asked for
 * @set: tests
 * @wanted: collections, or "collection:test"
 * @nr: how many; with none all tests stay
 *
 * Return: 0, or -ENOENT after a message when one of them is not in @set.
 */
int ktest_set_only(struct ktest_set *set, const char *const *wanted, int nr);

/**
 * ktest_set_shard() - keep one part of several of the same size
 * @set: tests
 * @shard: which, from 1 on
 * @shards: of how many
 */
void ktest_set_shard(struct ktest_set *set, unsigned int shard, unsigned int shards);

/**
 * ktest_set_limits() - find out how long each test may take
 * @set: tests
 * @cfg: says where "settings" are, and what is put in their place
 */
void ktest_set_limits(struct ktest_set *set, const struct ktest_config *cfg);

/**
 * ktest_set_free() - free the tests
 * @set: tests; empty afterwards
 */
void ktest_set_free(struct ktest_set *set);

/**
 * ktest_settings_timeout() - the limit that a settings file gives
 * @text: contents of the file
 *
 * Return: seconds, 0 for no limit; KTEST_TIMEOUT_S where it says nothing that
 * makes sense. As with a shell, the last line wins.
 */
unsigned int ktest_settings_timeout(const char *text);

/**
 * ktest_run() - run tests in guests
 * @cfg: how
 * @set: which
 *
 * Return: 0 when none is not ok, 1 when one is, EXIT_VMTOOL_ERROR after a message.
 */
int ktest_run(const struct ktest_config *cfg, struct ktest_set *set);

/**
 * ktest_run_kunit() - boot a kernel with KUnit and take its results
 * @cfg: how; @install_dir, @jobs and @shards do not matter
 *
 * Return: as of ktest_run().
 */
int ktest_run_kunit(const struct ktest_config *cfg);

/**
 * struct ktest_build - what to build
 * @tree: kernel tree, or NULL to look for one here and above
 * @output: directory for what is built, or NULL for the default
 * @targets: collections
 * @nr_targets: how many
 * @jobs: processes of make
 * @verbose: show what make says
 */
struct ktest_build {
	const char *tree;
	const char *output;
	const char *const *targets;
	int nr_targets;
	unsigned int jobs;
	bool verbose;
};

/**
 * ktest_build() - build and install kselftests
 * @b: what
 * @install: receives the absolute path of the installed tests, of PATH_MAX bytes
 *
 * Return: a descriptor, which keeps others from building there until it is closed,
 * or -errno after a message.
 */
int ktest_build(const struct ktest_build *b, char *install);

#endif /* VMTOOL_KTEST_H */
