// SPDX-License-Identifier: GPL-2.0
/*
 * kselftests are built by their own Makefile, outside of the source tree, against the
 * tree's own headers. What was built stays, so that the next time is quick.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/kernel.h>
#include <vmtool/ktest.h>
#include <vmtool/log.h>
#include <vmtool/spawn.h>

#include "internal.h"

#define SELFTESTS	"tools/testing/selftests"
#define HEADER		"usr/include/linux/types.h"
#define LIST		"kselftest-list.txt"
#define LEVELS_MAX	8

struct place {
	char tree[PATH_MAX];	/* the sources */
	char objects[PATH_MAX];	/* where the kernel was built */
	char output[PATH_MAX];	/* ours */
};

static bool has(const char *dir, const char *file)
{
	char path[PATH_MAX];

	return snprintf(path, sizeof(path), "%s/%s", dir, file) < (int)sizeof(path) &&
	       !access(path, R_OK);
}

static int copy_path(char *dst, const char *src)
{
	char *path = realpath(src, NULL);
	int ret = 0;

	if (!path)
		return -errno;
	if (strlen(path) >= PATH_MAX)
		ret = -ENAMETOOLONG;
	else
		strcpy(dst, path);
	free(path);
	return ret;
}

/* A build directory made by O= has a link "source". */
static bool is_place(struct place *p, const char *dir)
{
	char source[PATH_MAX];

	if (copy_path(p->objects, dir))
		return false;
	if (has(dir, SELFTESTS "/Makefile"))
		return !copy_path(p->tree, dir);
	if (snprintf(source, sizeof(source), "%s/source", dir) >= (int)sizeof(source))
		return false;
	return has(source, SELFTESTS "/Makefile") && !copy_path(p->tree, source);
}

static int find_tree(struct place *p, const char *tree)
{
	char dir[3 * LEVELS_MAX] = ".";
	int i;

	if (tree) {
		if (is_place(p, tree))
			return 0;
		log_err("%s: no kernel tree: there is no " SELFTESTS " in it", tree);
		return -ENOENT;
	}
	for (i = 0; i < LEVELS_MAX - 1; i++) {
		if (is_place(p, dir))
			return 0;
		strcat(dir, "/..");
	}
	log_err("no kernel tree here: name it with --tree, or installed tests with --install-dir");
	return -ENOENT;
}

static unsigned int hash(const char *s)
{
	unsigned int h = 5381;

	for (; *s; s++)
		h = h * 33 + (unsigned char)*s;
	return h;
}

static int make_dirs(char *path)
{
	char *p;

	for (p = path + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(path, 0777) < 0 && errno != EEXIST) {
			*p = '/';
			return -errno;
		}
		*p = '/';
	}
	return mkdir(path, 0777) < 0 && errno != EEXIST ? -errno : 0;
}

/* Beside the kernel where it was built apart from its sources, else in the cache. */
static int choose_output(struct place *p, const char *output)
{
	const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	char path[PATH_MAX + 64];
	int n, ret;

	if (output)
		n = snprintf(path, sizeof(path), "%s", output);
	else if (strcmp(p->tree, p->objects) && !access(p->objects, W_OK))
		n = snprintf(path, sizeof(path), "%s/vmtool-test", p->objects);
	else if (cache && *cache == '/')
		n = snprintf(path, sizeof(path), "%s/vmtool/test/%08x", cache, hash(p->objects));
	else
		n = snprintf(path, sizeof(path), "%s/.cache/vmtool/test/%08x", home ?: "/tmp",
			     hash(p->objects));
	ret = n < PATH_MAX ? make_dirs(path) : -ENAMETOOLONG;
	ret = ret ?: copy_path(p->output, path);
	if (ret)
		log_err("cannot make the directory %s: %s", path, strerror(-ret));
	/* make(1) and the Makefiles of kselftest take them for several words. */
	if (!ret && (strpbrk(p->output, " \t:#$") || strpbrk(p->tree, " \t:#$"))) {
		log_err("%s: make cannot deal with this path: use --output, or another place",
			strpbrk(p->output, " \t:#$") ? p->output : p->tree);
		ret = -EINVAL;
	}
	return ret;
}

/* Its output goes to stderr: stdout is for results. */
static int run_make(const char *const *argv, const char *log, bool verbose)
{
	static const char script[] =
		"log=$1; shift; exec < /dev/null;"
		"if [ \"$log\" ]; then exec > \"$log\" 2>&1; else exec >&2; fi;"
		"unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES O KBUILD_OUTPUT OUTPUT TARGETS;"
		"exec \"$@\"";
	const char *full[48] = { "/bin/sh", "-c", script, "vmtool-test", verbose ? "" : log };
	struct spawn s = { .argv = full, .keep_fd = -1, .err_fd = -1 };
	int n = 5, status;
	pid_t pid;

	while (*argv && n < (int)ARRAY_SIZE(full) - 1)
		full[n++] = *argv++;
	pid = spawn_start(&s);
	if (pid < 0)
		return pid;
	status = spawn_wait(pid);
	if (status < 0)
		return status;
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -ECANCELED;
}

static int make_headers(const struct place *p, const char *jobs, const char *log, bool verbose)
{
	char o[PATH_MAX + 8];
	const char *argv[] = { "make", "-s", "-C", p->tree, jobs, "headers", o, NULL };
	int ret;

	if (has(p->objects, HEADER) || (!has(p->tree, ".config") && has(p->output, HEADER)))
		return 0;
	/* Never into sources that no kernel was built in: kbuild is to find them clean. */
	if (strcmp(p->tree, p->objects))
		snprintf(o, sizeof(o), "O=%s", p->objects);
	else if (!has(p->tree, ".config"))
		snprintf(o, sizeof(o), "O=%s", p->output);
	else
		argv[6] = NULL;
	log_info("preparing the kernel's headers");
	ret = run_make(argv, log, verbose);
	if (ret)
		log_err("the kernel's headers cannot be prepared in %s: see %s, or run 'make headers' there",
			p->tree, verbose ? "above" : log);
	return ret;
}

static int join_targets(const struct ktest_build *b, char **joined)
{
	size_t size = sizeof("TARGETS=");
	const char *colon;
	int i, len;

	for (i = 0; i < b->nr_targets; i++)
		size += strlen(b->targets[i]) + 1;
	*joined = calloc(1, size);
	if (!*joined)
		return -ENOMEM;
	strcpy(*joined, "TARGETS=");
	for (i = 0; i < b->nr_targets; i++) {
		colon = strchr(b->targets[i], ':');
		len = colon ? colon - b->targets[i] : (int)strlen(b->targets[i]);
		if (!ktest_good_name(b->targets[i], len)) {
			log_err("'%s': not the name of a collection of kselftests", b->targets[i]);
			return -EINVAL;
		}
		snprintf(*joined + strlen(*joined), size - strlen(*joined), "%s%.*s",
			 i ? " " : "", len, b->targets[i]);
	}
	return 0;
}

static int check_targets(const struct ktest_build *b, const struct place *p)
{
	char path[2 * PATH_MAX];
	int i;

	for (i = 0; i < b->nr_targets; i++) {
		snprintf(path, sizeof(path), "%s/" SELFTESTS "/%.*s/Makefile", p->tree,
			 (int)strcspn(b->targets[i], ":"), b->targets[i]);
		if (access(path, R_OK)) {
			log_err("%s: no such collection in %s/" SELFTESTS, b->targets[i], p->tree);
			return -ENOENT;
		}
	}
	return 0;
}

static int make_tests(const struct ktest_build *b, const struct place *p, const char *install,
		      const char *jobs, const char *log)
{
	const char *headers = has(p->objects, HEADER) ? p->objects : p->output;
	char *targets = NULL, dir[PATH_MAX + 32], o[PATH_MAX + 8], to[PATH_MAX + 32];
	char khdr[PATH_MAX + 48];
	const char *argv[12] = { "make", "-C", dir, jobs, o, to, khdr, "install" };
	const char *const clean[] = { "rm", "-rf", "--", install, NULL };
	int ret;

	snprintf(dir, sizeof(dir), "%s/" SELFTESTS, p->tree);
	snprintf(o, sizeof(o), "O=%s", p->output);
	snprintf(to, sizeof(to), "KSFT_INSTALL_PATH=%s", install);
	snprintf(khdr, sizeof(khdr), "KHDR_INCLUDES=-isystem %s/usr/include", headers);
	ret = join_targets(b, &targets);
	/* Those that are asked for have to build; "all" is what can be built. */
	if (!ret && b->nr_targets) {
		argv[8] = targets;
		argv[9] = "FORCE_TARGETS=1";
	}
	/* What cannot be built any more shall not be tested as it was. */
	if (!ret && has(install, LIST))
		ret = run_make(clean, log, b->verbose);
	if (!ret) {
		log_info("building kselftests%s%s", b->nr_targets ? ": " : ", all of them",
			 b->nr_targets ? strchr(targets, '=') + 1 : "");
		ret = run_make(argv, log, b->verbose);
		if (ret)
			log_err("the kselftests cannot be built: see %s",
				b->verbose ? "above" : log);
	}
	free(targets);
	return ret;
}

/* The tests of one would be built, or removed, below the feet of the other. */
static int lock_output(const char *output)
{
	int fd = open(output, O_RDONLY | O_DIRECTORY | O_CLOEXEC), ret = 0;

	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
		ret = -errno;
	if (!ret)
		return fd;
	if (fd >= 0)
		close(fd);
	if (ret == -EWOULDBLOCK)
		log_err("%s: another vmtool test uses it: wait, or use --output", output);
	else
		log_err("cannot lock %s: %s", output, strerror(-ret));
	return ret;
}

int ktest_build(const struct ktest_build *b, char *install)
{
	char log[PATH_MAX + 16], headers_log[PATH_MAX + 16], jobs[16];
	struct place p;
	int ret, fd;

	ret = find_tree(&p, b->tree);
	ret = ret ?: check_targets(b, &p);
	ret = ret ?: choose_output(&p, b->output);
	if (ret)
		return ret;
	if (snprintf(install, PATH_MAX, "%s/install", p.output) >= PATH_MAX)
		return -ENAMETOOLONG;
	fd = lock_output(p.output);
	if (fd < 0)
		return fd;
	snprintf(log, sizeof(log), "%s/build.log", p.output);
	snprintf(headers_log, sizeof(headers_log), "%s/headers.log", p.output);
	snprintf(jobs, sizeof(jobs), "-j%u", b->jobs);
	ret = make_headers(&p, jobs, headers_log, b->verbose);
	ret = ret ?: make_tests(b, &p, install, jobs, log);
	if (!ret && !has(install, LIST)) {
		log_err("no kselftest was built: see %s", b->verbose ? "above" : log);
		ret = -ENOENT;
	}
	if (!ret)
		return fd;
	close(fd);
	return ret;
}
