// SPDX-License-Identifier: GPL-2.0
/*
 * Guests at work. Each slot has at most one guest, which runs one test after another;
 * one loop looks after all of them. A guest that does not answer is ended, and so is
 * one that a test has left in a bad state; the next test then gets a new one.
 */
#include <errno.h>
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

#include "sched.h"

#define GRACE_MS	15000	/* for a test's own end, and for a guest's */
#define TERM_MS		5000	/* between asking and killing */
#define BOOTS_MAX	3	/* that fail in a row */
#define READ_SIZE	16384
#define DRAIN_ROUNDS	256	/* others may have the pipe, and write for ever */

static void give_back(struct slot *s);

/* ---- the guest */

static const char **guest_argv(const struct slot *s, const char *nonce)
{
	const struct ktest_config *cfg = s->sched->cfg;
	const char **argv;
	int n;

	argv = child_run_argv(cfg, 16, &n);
	if (!argv)
		return NULL;
	/* It may be below /tmp, where the guest has its own. */
	argv[n++] = "--overlay-rwdir";
	argv[n++] = cfg->install_dir;
	argv[n++] = "--cwd";
	argv[n++] = cfg->install_dir;
	argv[n++] = "--verdict";
	argv[n++] = s->verdict_path;
	argv[n++] = "--";
	argv[n++] = "/bin/sh";
	argv[n++] = "-c";
	argv[n++] = ktest_runner;
	argv[n++] = "vmtool-test";
	argv[n++] = cfg->install_dir;
	argv[n++] = nonce;
	return argv;
}

static int start_guest(struct slot *s)
{
	const struct ktest_config *cfg = s->sched->cfg;
	char nonce[NONCE_SIZE];
	const char **argv;
	int ret;

	ret = frame_nonce(nonce);
	argv = ret ? NULL : guest_argv(s, nonce);
	if (!argv)
		return ret ?: -ENOMEM;
	ret = child_start(&s->child, argv, cfg->verbose);
	free(argv);
	if (ret) {
		log_err("cannot run %s: %s", cfg->vmtool, strerror(-ret));
		return ret;
	}
	frame_expect(&s->frame, nonce);
	s->phase = SLOT_BOOTING;
	s->killed = false;
	s->deadline = ktest_now_ms() + cfg->boot_timeout * 1000ULL;
	return 0;
}

/* Politely first: a hung guest's state is printed then. */
static void kill_guest(struct slot *s)
{
	child_kill(&s->child, s->killed ? SIGKILL : SIGTERM);
	s->killed = true;
	s->deadline = ktest_now_ms() + TERM_MS;
}

/* No more tests for it. */
static void end_guest(struct slot *s)
{
	s->phase = SLOT_ENDING;
	child_close_in(&s->child);
	s->deadline = ktest_now_ms() + GRACE_MS;
}

/* ---- the test */

static void begin_test(struct slot *s)
{
	char nonce[NONCE_SIZE], line[2 * KTEST_NAME_MAX + 80];
	struct ktest *t = s->test;
	int len;

	if (s->reading)
		ktap_abandon(&s->reader);
	ktap_init(&s->reader, false);
	s->reading = true;
	memset(&s->evidence, 0, sizeof(s->evidence));
	s->evidence.fail_on_warn = s->sched->cfg->fail_on_warn;
	s->begun = ktest_now_ms();
	s->deadline = t->timeout ? s->begun + t->timeout * 1000ULL + GRACE_MS : 0;
	s->phase = SLOT_BUSY;
	if (frame_nonce(nonce)) {
		kill_guest(s);
		return;
	}
	frame_expect(&s->frame, nonce);
	len = snprintf(line, sizeof(line), "%s %u %s %s\n", nonce, t->timeout, t->collection,
		       t->name);
	/* A guest that is gone is noticed by its end. */
	if (write(s->child.in, line, len) != len)
		log_debug("a guest does not take '%s'", t->name);
	report_progress(&s->sched->report, t->attempts ? "again" : "running", t);
}

/* Said once more when it is tried again, so that the failure is not forgotten. */
static void remember_attempt(struct ktest *t)
{
	char *old = t->earlier;

	if (asprintf(&t->earlier, "%sattempt %u: %s\n", old ?: "", t->attempts,
		     t->result->reason) < 0)
		t->earlier = NULL;
	free(old);
	ktap_free(t->result);
	t->result = NULL;
}

static void note_flaky(struct ktest *t)
{
	struct ktap_node *node;
	char why[80];

	if (!t->earlier || !t->result)
		return;
	ktap_note(t->result, t->earlier);
	if (t->result->status != KTAP_OK)
		return;
	snprintf(why, sizeof(why), "flaky: ok at attempt %u", t->attempts);
	node = ktap_result(KTAP_OK, t->name, why);
	if (!node)
		return;
	list_splice_tail_init(&t->result->children, &node->children);
	ktap_free(t->result);
	t->result = node;
}

/* The slot's test has come to its end; the guest may have as well. */
static void finish_test(struct slot *s)
{
	struct sched *sched = s->sched;
	struct ktest *t = s->test;
	struct evidence *e = &s->evidence;
	bool failed;

	if (!s->reading)
		ktap_init(&s->reader, false);
	s->reading = false;
	t->attempts++;
	t->result = judge(t, &s->reader, e);
	t->guest_status = e->verdict ? e->verdict->status : -1;
	failed = !t->result || t->result->status == KTAP_NOT_OK;
	if (failed && t->attempts <= sched->cfg->retries && e->end != TEST_INTERRUPTED &&
	    t->result) {
		remember_attempt(t);
		s->fresh = true;
		return;
	}
	if (failed)
		guest_verdict_note(e->verdict, &s->child, t->result);
	note_flaky(t);
	if (t->result)
		ktap_settle(t->result);
	else
		sched->fault = true;
	s->test = NULL;
	s->fresh = sched->cfg->isolate;
	report_done(&sched->report, t - sched->set->tests);
}

/* ---- what the guest says */

static void on_output(void *priv, const char *buf, size_t len)
{
	struct slot *s = priv;

	/* What a test has left behind may speak between two tests: to nobody. */
	if (s->phase == SLOT_BUSY)
		ktap_feed(&s->reader, buf, len);
}

static void on_ready(struct slot *s, const char *text)
{
	if (sscanf(text, "ready %lu", &s->taints) != 1)
		return;
	s->sched->ever_ready = true;
	s->sched->bad_boots = 0;
	begin_test(s);
}

static void on_end(struct slot *s, const char *text)
{
	struct evidence *e = &s->evidence;
	unsigned long taints;

	/* It knew the word, and yet is not from our script. */
	if (sscanf(text, "end %d %lu", &e->status, &taints) != 2) {
		e->status = 255;
		taints = s->taints;
	}
	s->test->seconds = (ktest_now_ms() - s->begun) / 1000.0;
	e->end = TEST_EXITED;
	e->taints = taints & ~s->taints;
	s->taints = taints;
	/* Its verdict tells what has happened to the kernel. */
	if (s->sched->cfg->isolate || judge_bad_taints(e)) {
		end_guest(s);
		return;
	}
	finish_test(s);
	s->phase = SLOT_IDLE;
	if (s->fresh)
		end_guest(s);
	else
		give_back(s);
}

static void on_message(void *priv, char *text)
{
	struct slot *s = priv;

	if (s->phase == SLOT_BOOTING)
		on_ready(s, text);
	else if (s->phase == SLOT_BUSY)
		on_end(s, text);
}

/* ---- from test to test */

/* The next one in line, or the same again. */
static bool take_test(struct slot *s)
{
	struct sched *sched = s->sched;

	if (!s->test && sched->next < sched->set->nr && !sched->stop)
		s->test = &sched->set->tests[sched->next++];
	return s->test;
}

/* Idle, with a guest or without. */
static void give_back(struct slot *s)
{
	bool more = take_test(s);

	if (child_runs(&s->child)) {
		if (more)
			begin_test(s);
		else
			end_guest(s);
		return;
	}
	s->fresh = false;
	if (!more)
		return;
	if (start_guest(s)) {
		s->sched->fault = true;
		s->sched->stop = true;
	}
}

/* vmtool itself could not go on, and nothing was tested yet: its own words tell. */
static bool is_fault(struct slot *s, const struct guest_verdict *v)
{
	char *tail = s->child.tail, *line, text[512];

	if (s->sched->ever_ready || v->status != EXIT_VMTOOL_ERROR)
		return false;
	while (s->child.tail_len && tail[s->child.tail_len - 1] == '\n')
		tail[--s->child.tail_len] = '\0';
	line = strrchr(tail, '\n');
	line = line ? line + 1 : tail;
	if (!strncmp(line, "vmtool: ", 8))
		line += 8;
	ktest_clean(text, sizeof(text), line, strlen(line), false);
	if (!s->sched->fault)
		log_err("no guest can be started: %s", *text ? text : v->reason);
	s->sched->fault = true;
	s->sched->stop = true;
	return true;
}

static void guest_ended(struct slot *s)
{
	struct guest_verdict v;
	struct evidence *e = &s->evidence;
	enum slot_phase phase = s->phase;

	child_reap(&s->child);
	guest_verdict_read(&v, s->verdict_path, s->child.status);
	s->phase = SLOT_NONE;
	if (phase == SLOT_BOOTING && is_fault(s, &v)) {
		guest_verdict_free(&v);
		return;
	}
	if (phase == SLOT_BOOTING) {
		memset(e, 0, sizeof(*e));
		e->end = s->sched->stop ? TEST_INTERRUPTED : TEST_NO_GUEST;
		if (++s->sched->bad_boots >= BOOTS_MAX && !s->sched->ever_ready)
			s->sched->hopeless = true;
		if (s->killed)
			snprintf(v.reason, sizeof(v.reason), "not ready after %u seconds",
				 s->sched->cfg->boot_timeout);
	} else if (phase == SLOT_BUSY) {
		s->test->seconds = (ktest_now_ms() - s->begun) / 1000.0;
		e->end = s->sched->stop ? TEST_INTERRUPTED :
			 s->killed ? TEST_TIMED_OUT : TEST_GUEST_ENDED;
	}
	if (s->test && !(phase == SLOT_ENDING && s->fresh)) {
		e->verdict = &v;
		finish_test(s);
		e->verdict = NULL;
	}
	guest_verdict_free(&v);
	s->sched->stop |= s->sched->hopeless;
}

static void look_after(struct slot *s)
{
	int rounds = 0;
	char buf[READ_SIZE];
	bool ended, more;
	ssize_t n;

	/* In this order: what it said before its end is there then. */
	ended = child_has_ended(&s->child);
	do {
		more = child_read_err(&s->child);
		n = child_read(&s->child, buf, sizeof(buf));
		if (n)
			frame_feed(&s->frame, buf, n);
	} while (ended && (n || more) && ++rounds < DRAIN_ROUNDS);
	if (ended)
		guest_ended(s);
	else if (s->deadline && ktest_now_ms() >= s->deadline)
		kill_guest(s);
}

/* ---- the loop */

static int next_wait(const struct sched *sched)
{
	u64 now = ktest_now_ms(), wait = 60000;
	unsigned int i;

	for (i = 0; i < sched->cfg->jobs; i++) {
		const struct slot *s = &sched->slots[i];

		if (!child_runs(&s->child) || !s->deadline)
			continue;
		wait = min(wait, s->deadline > now ? s->deadline - now : 0);
	}
	return wait;
}

static bool any_runs(const struct sched *sched)
{
	unsigned int i;

	for (i = 0; i < sched->cfg->jobs; i++)
		if (child_runs(&sched->slots[i].child))
			return true;
	return false;
}

static void interrupt(struct sched *sched)
{
	unsigned int i;

	sched->stop = true;
	for (i = 0; i < sched->cfg->jobs; i++) {
		struct slot *s = &sched->slots[i];

		if (child_runs(&s->child) && !s->killed)
			kill_guest(s);
	}
}

static void loop(struct sched *sched)
{
	struct pollfd pfd[1 + 3 * KTEST_JOBS_MAX];
	struct signalfd_siginfo info;
	unsigned int i;

	for (i = 0; i < sched->cfg->jobs && !sched->stop; i++)
		give_back(&sched->slots[i]);
	while (any_runs(sched)) {
		pfd[0] = (struct pollfd){ .fd = sched->signals, .events = POLLIN };
		for (i = 0; i < sched->cfg->jobs; i++)
			child_poll(&sched->slots[i].child, &pfd[1 + 3 * i]);
		if (poll(pfd, 1 + 3 * sched->cfg->jobs, next_wait(sched)) < 0 && errno != EINTR)
			break;
		if (sched->signals >= 0 && read(sched->signals, &info, sizeof(info)) > 0) {
			log_err("interrupted: the guests are ended");
			sched->interrupted = true;
			interrupt(sched);
		}
		for (i = 0; i < sched->cfg->jobs; i++) {
			struct slot *s = &sched->slots[i];

			if (child_runs(&s->child))
				look_after(s);
			if (!child_runs(&s->child) && (s->test || sched->next < sched->set->nr) &&
			    !sched->stop)
				give_back(s);
		}
		if ((sched->stop || ferror(sched->cfg->out)) && any_runs(sched) &&
		    !sched->ending) {
			sched->ending = true;
			interrupt(sched);
		}
	}
}

/* A test that nobody could run is not ok either. */
static void finish_rest(struct sched *sched)
{
	size_t i;

	for (i = sched->report.next; i < sched->set->nr; i++) {
		struct ktest *t = &sched->set->tests[i];

		if (t->result || i < sched->report.next)
			continue;
		t->result = ktap_result(KTAP_NOT_OK, t->name, sched->hopeless ?
					"not run: no guest comes up" : "not run: interrupted");
		if (t->result)
			report_done(&sched->report, i);
	}
}

static int watch_signals(sigset_t *old)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, old);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int make_slots(struct sched *sched)
{
	const char *base = getenv("TMPDIR");
	unsigned int i;

	snprintf(sched->dir, sizeof(sched->dir), "%s/vmtool-test.XXXXXX",
		 base && *base == '/' ? base : "/tmp");
	if (!mkdtemp(sched->dir)) {
		log_err("cannot make the directory %s: %s", sched->dir, strerror(errno));
		*sched->dir = '\0';
		return -errno;
	}
	sched->slots = calloc(sched->cfg->jobs, sizeof(*sched->slots));
	if (!sched->slots)
		return -ENOMEM;
	for (i = 0; i < sched->cfg->jobs; i++) {
		struct slot *s = &sched->slots[i];

		s->sched = sched;
		child_init(&s->child);
		s->frame.priv = s;
		s->frame.output = on_output;
		s->frame.message = on_message;
		snprintf(s->verdict_path, sizeof(s->verdict_path), "%s/verdict.%u", sched->dir, i);
	}
	return 0;
}

static void drop_slots(struct sched *sched)
{
	unsigned int i;

	for (i = 0; sched->slots && i < sched->cfg->jobs; i++) {
		if (sched->slots[i].reading)
			ktap_abandon(&sched->slots[i].reader);
		unlink(sched->slots[i].verdict_path);
	}
	free(sched->slots);
	if (*sched->dir)
		rmdir(sched->dir);
}

int ktest_run(const struct ktest_config *cfg, struct ktest_set *set)
{
	struct sched *sched = calloc(1, sizeof(*sched));
	int status = EXIT_VMTOOL_ERROR;
	sigset_t old;

	if (!sched)
		return EXIT_VMTOOL_ERROR;
	sched->cfg = cfg;
	sched->set = set;
	signal(SIGPIPE, SIG_IGN);
	sched->signals = watch_signals(&old);
	if (!make_slots(sched) && !report_begin(&sched->report, cfg, set)) {
		loop(sched);
		if (!sched->fault)
			finish_rest(sched);
		status = report_end(&sched->report);
		if (sched->fault || sched->interrupted)
			status = EXIT_VMTOOL_ERROR;
	}
	drop_slots(sched);
	if (sched->signals >= 0)
		close(sched->signals);
	sigprocmask(SIG_SETMASK, &old, NULL);
	free(sched);
	return status;
}
