// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests are in the kernel and run while it boots; their KTAP is among the
 * messages on its console. There is nothing to run in user space: the guest gets an
 * empty initramfs, and powers off when the tests are done.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/kernel.h>
#include <vmtool/log.h>
#include <vmtool/verdict.h>

#include "internal.h"

#define TIMEOUT_S	300	/* as of tools/testing/kunit/kunit.py */
#define TERM_MS		5000
#define DRAIN_ROUNDS	4096

struct kunit {
	const struct ktest_config *cfg;
	struct child child;
	struct ktap_reader reader;
	struct ktest_set set;
	int signals;
	bool killed;
	bool interrupted;
	u64 deadline;
	char dir[64];
	char initrd[96];
	char verdict[96];
};

/* An archive in the newc format that only has its end. */
static int write_initrd(const char *path)
{
	char buf[512] = "070701";
	int fd, ret;

	snprintf(buf + 6, sizeof(buf) - 6, "%0*d", 13 * 8, 0);
	/* nlink is 1, and the name takes 11 bytes. */
	buf[6 + 4 * 8 + 7] = '1';
	memcpy(buf + 6 + 11 * 8, "0000000b", 8);
	memcpy(buf + 110, "TRAILER!!!", 11);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	ret = write(fd, buf, sizeof(buf)) == sizeof(buf) ? 0 : -EIO;
	close(fd);
	return ret;
}

static int prepare(struct kunit *k)
{
	const char *base = getenv("TMPDIR");
	int ret;

	if (!base || *base != '/' || strlen(base) > 30)
		base = "/tmp";
	snprintf(k->dir, sizeof(k->dir), "%s/vmtool-test.XXXXXX", base);
	if (!mkdtemp(k->dir)) {
		log_err("cannot make the directory %s: %s", k->dir, strerror(errno));
		*k->dir = '\0';
		return -errno;
	}
	snprintf(k->initrd, sizeof(k->initrd), "%s/initrd", k->dir);
	snprintf(k->verdict, sizeof(k->verdict), "%s/verdict", k->dir);
	ret = write_initrd(k->initrd);
	if (ret)
		log_err("cannot write %s: %s", k->initrd, strerror(-ret));
	return ret;
}

static void clean_up(struct kunit *k)
{
	if (!*k->dir)
		return;
	unlink(k->initrd);
	unlink(k->verdict);
	rmdir(k->dir);
}

static int start(struct kunit *k)
{
	const struct ktest_config *cfg = k->cfg;
	const char **argv;
	int n, ret;

	argv = child_run_argv(cfg, 8, &n);
	if (!argv)
		return -ENOMEM;
	argv[n++] = "--initrd";
	argv[n++] = k->initrd;
	argv[n++] = "--params";
	argv[n++] = "kunit.enable=1 kunit_shutdown=poweroff";
	argv[n++] = "--verdict";
	argv[n++] = k->verdict;
	ret = child_start(&k->child, argv, cfg->verbose);
	if (ret)
		log_err("cannot run %s: %s", cfg->vmtool, strerror(-ret));
	free(argv);
	return ret;
}

static void stop_guest(struct kunit *k)
{
	child_kill(&k->child, k->killed ? SIGKILL : SIGTERM);
	k->killed = true;
	k->deadline = ktest_now_ms() + TERM_MS;
}

static void listen_once(struct kunit *k)
{
	struct signalfd_siginfo info;
	struct pollfd pfd[4];
	u64 now = ktest_now_ms();
	int wait = 60000;

	if (k->deadline)
		wait = k->deadline > now ? min(k->deadline - now, (u64)wait) : 0;
	child_poll(&k->child, pfd);
	pfd[3] = (struct pollfd){ .fd = k->signals, .events = POLLIN };
	poll(pfd, ARRAY_SIZE(pfd), wait);
	if (k->signals >= 0 && read(k->signals, &info, sizeof(info)) > 0) {
		log_err("interrupted: the guest is ended");
		k->interrupted = true;
		stop_guest(k);
	} else if (k->deadline && ktest_now_ms() >= k->deadline) {
		stop_guest(k);
	}
}

static void hear(struct kunit *k)
{
	bool ended = false, more;
	char buf[16384];
	int rounds = 0;
	ssize_t n;

	while (!ended) {
		listen_once(k);
		ended = child_has_ended(&k->child);
		do {
			more = child_read_err(&k->child);
			n = child_read(&k->child, buf, sizeof(buf));
			ktap_feed(&k->reader, buf, n);
			if (n && k->cfg->verbose)
				fwrite(buf, 1, n, stderr);
		} while (ended && (n || more) && ++rounds < DRAIN_ROUNDS);
	}
	child_reap(&k->child);
}

static struct ktest *add_test(struct kunit *k, struct ktap_node *result)
{
	struct ktest *tests = realloc(k->set.tests, (k->set.nr + 1) * sizeof(*tests)), *t;

	if (!tests)
		return NULL;
	k->set.tests = tests;
	t = &tests[k->set.nr];
	memset(t, 0, sizeof(*t));
	t->collection = strdup("kunit");
	t->name = strdup(result->name);
	t->attempts = 1;
	t->guest_status = -1;
	t->result = result;
	if (!t->collection || !t->name) {
		free(t->collection);
		free(t->name);
		return NULL;
	}
	k->set.nr++;
	return t;
}

/* Each outermost result is a test, with the lines in front of it. */
static int take_suites(struct kunit *k, struct ktap_node *all)
{
	struct ktap_node *n, *tmp;
	LIST_HEAD(lines);
	int ret = 0;

	list_for_each_entry_safe(n, tmp, &all->children, entry) {
		list_del(&n->entry);
		if (n->diag) {
			list_add_tail(&n->entry, &lines);
			continue;
		}
		list_splice_init(&lines, &n->children);
		if (!add_test(k, n)) {
			ktap_free(n);
			ret = -ENOMEM;
		}
	}
	/* What comes behind the last is of interest where something went wrong. */
	list_splice_tail(&lines, &all->children);
	return ret;
}

/* The end of the guest is a test of its own where it was not what it should be. */
static int add_end(struct kunit *k, struct ktap_node *rest, const struct guest_verdict *v)
{
	struct ktap_node *node;
	const char *why = NULL;

	if (k->interrupted)
		why = "interrupted";
	else if (k->killed)
		why = "TIMEOUT";
	else if (v->status)
		why = v->reason;
	else if (!k->reader.started)
		why = "no KTAP on the console, is CONFIG_KUNIT built in?";
	else if (!k->set.nr)
		why = "no test was run";
	if (!why)
		return 0;
	node = ktap_result(KTAP_NOT_OK, "end of the guest", why);
	if (!node)
		return -ENOMEM;
	list_splice_tail_init(&rest->children, &node->children);
	guest_verdict_note(v, &k->child, node);
	if (!add_test(k, node)) {
		ktap_free(node);
		return -ENOMEM;
	}
	k->set.tests[k->set.nr - 1].guest_status = v->status;
	return 0;
}

static int collect(struct kunit *k, const struct guest_verdict *v)
{
	struct ktap_node *all = ktap_result(KTAP_OK, "kunit", NULL);
	int ret;

	if (!all) {
		ktap_abandon(&k->reader);
		return -ENOMEM;
	}
	ktap_finish(&k->reader, all);
	ret = take_suites(k, all);
	ret = ret ?: add_end(k, all, v);
	ktap_free(all);
	return ret;
}

/* Sub-tests of a suite that says it is fine may tell another story. */
static void settle(struct ktest *t)
{
	struct ktap_counts counts = { };
	char why[48];

	ktap_count(t->result, &counts);
	if (t->result->status == KTAP_OK && counts.not_ok) {
		struct ktap_node *node;

		snprintf(why, sizeof(why), "%u results are not ok", counts.not_ok);
		node = ktap_result(KTAP_NOT_OK, t->name, why);
		if (node) {
			list_splice_tail_init(&t->result->children, &node->children);
			ktap_free(t->result);
			t->result = node;
		}
	}
	ktap_settle(t->result);
}

static int report(struct kunit *k)
{
	struct report r;
	size_t i;
	int status;

	for (i = 0; i < k->set.nr; i++)
		settle(&k->set.tests[i]);
	if (report_begin(&r, k->cfg, &k->set))
		return EXIT_VMTOOL_ERROR;
	report_all(&r);
	status = report_end(&r);
	return k->interrupted ? EXIT_VMTOOL_ERROR : status;
}

static int run(struct kunit *k)
{
	int limit = k->cfg->timeout < 0 ? TIMEOUT_S : k->cfg->timeout;
	struct guest_verdict v;
	int status = EXIT_VMTOOL_ERROR;

	if (prepare(k) || start(k))
		return EXIT_VMTOOL_ERROR;
	k->deadline = limit ? ktest_now_ms() + limit * 1000ULL : 0;
	ktap_init(&k->reader, true);
	hear(k);
	guest_verdict_read(&v, k->verdict, k->child.status);
	if (v.status == EXIT_VMTOOL_ERROR && !k->reader.started) {
		fputs(k->child.tail, stderr);
		ktap_abandon(&k->reader);
	} else if (collect(k, &v)) {
		log_err("no memory for the results");
	} else {
		status = report(k);
	}
	guest_verdict_free(&v);
	return status;
}

int ktest_run_kunit(const struct ktest_config *cfg)
{
	struct kunit *k = calloc(1, sizeof(*k));
	sigset_t set, old;
	int status;

	if (!k)
		return EXIT_VMTOOL_ERROR;
	k->cfg = cfg;
	child_init(&k->child);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, &old);
	k->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	status = run(k);
	clean_up(k);
	if (k->signals >= 0)
		close(k->signals);
	sigprocmask(SIG_SETMASK, &old, NULL);
	ktest_set_free(&k->set);
	free(k);
	return status;
}
