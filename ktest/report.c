// SPDX-License-Identifier: GPL-2.0
/*
 * Results go out in the order of the tests, whatever the order in which guests come
 * to them: a result waits for those before it.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <linux/kernel.h>
#include <vmtool/log.h>
#include <vmtool/verdict.h>

#include "internal.h"

#define INDENT	2	/* of collections' tests */

bool ktest_is_flaky(const struct ktest *t)
{
	return t->earlier && t->result->status == KTAP_OK;
}

const char *ktest_status_name(const struct ktest *t)
{
	static const char *const names[] = {
		[KTAP_OK] = "ok", [KTAP_NOT_OK] = "not ok", [KTAP_SKIP] = "skip",
		[KTAP_XFAIL] = "ok",
	};

	return names[t->result->status];
}

static bool same_collection(const struct ktest *a, const struct ktest *b)
{
	return !strcmp(a->collection, b->collection);
}

static unsigned int count_collections(const struct ktest_set *set)
{
	unsigned int nr = 0;
	size_t i;

	for (i = 0; i < set->nr; i++)
		nr += !i || !same_collection(&set->tests[i], &set->tests[i - 1]);
	return nr;
}

int report_begin(struct report *r, const struct ktest_config *cfg, struct ktest_set *set)
{
	memset(r, 0, sizeof(*r));
	r->cfg = cfg;
	r->set = set;
	r->tty = isatty(STDERR_FILENO) && !cfg->verbose;
	r->begin = ktest_now_ms();
	r->collections = count_collections(set);
	if (cfg->junit) {
		r->junit = junit_begin(cfg->junit);
		if (!r->junit)
			return -1;
	}
	if (cfg->json && json_report_begin(&r->json, cfg->json)) {
		junit_end(r->junit);
		return -1;
	}
	ktap_write_header(cfg->out, 0, NULL, r->collections);
	fflush(cfg->out);
	return 0;
}

static void begin_collection(struct report *r, size_t nr)
{
	struct ktest *first = &r->set->tests[nr];
	unsigned int plan = 1;

	while (nr + plan < r->set->nr && same_collection(first, &first[plan]))
		plan++;
	r->collection_failed = false;
	r->collection_nr++;
	r->test_nr = 0;
	ktap_write_header(r->cfg->out, INDENT, first->collection, plan);
}

static void end_collection(struct report *r, const struct ktest *t)
{
	fprintf(r->cfg->out, "%s %u %s\n", r->collection_failed ? "not ok" : "ok",
		r->collection_nr, t->collection);
}

static void count(struct report *r, const struct ktest *t)
{
	switch (t->result->status) {
	case KTAP_NOT_OK:
		r->not_ok++;
		r->collection_failed = true;
		break;
	case KTAP_SKIP:
		r->skip++;
		break;
	default:
		r->ok++;
		r->flaky += ktest_is_flaky(t);
	}
}

static void write_test(struct report *r, size_t nr)
{
	struct ktest *t = &r->set->tests[nr];
	bool last = nr + 1 == r->set->nr || !same_collection(t, t + 1);

	if (!nr || !same_collection(t, t - 1))
		begin_collection(r, nr);
	ktap_write(r->cfg->out, INDENT, t->collection, ++r->test_nr, t->result);
	count(r, t);
	if (last)
		end_collection(r, t);
	fflush(r->cfg->out);
	if (r->junit)
		junit_test(r->junit, t);
	if (r->json.out)
		json_report_test(&r->json, t);
	ktap_free(t->result);
	t->result = NULL;
}

static void erase_line(const struct report *r)
{
	if (r->tty)
		fputs("\r\033[K", stderr);
}

/* On a terminal that shows KTAP too, failures are to be seen among it. */
static void tell(struct report *r, const struct ktest *t)
{
	const char *reason = t->result->reason;

	if (!r->tty || isatty(fileno(r->cfg->out)))
		return;
	if (t->result->status != KTAP_NOT_OK && !ktest_is_flaky(t))
		return;
	erase_line(r);
	fprintf(stderr, "%s: %s:%s%s%s\n", ktest_status_name(t), t->collection, t->name,
		*reason ? ": " : "", reason);
}

static void write_ready(struct report *r)
{
	while (r->next < r->set->nr && r->set->tests[r->next].result)
		write_test(r, r->next++);
}

void report_done(struct report *r, size_t nr)
{
	r->nr_done++;
	tell(r, &r->set->tests[nr]);
	erase_line(r);
	write_ready(r);
	report_progress(r, "done", NULL);
}

void report_all(struct report *r)
{
	size_t i;

	for (i = 0; i < r->set->nr; i++)
		tell(r, &r->set->tests[i]);
	write_ready(r);
}

void report_progress(struct report *r, const char *what, const struct ktest *t)
{
	if (!r->tty)
		return;
	erase_line(r);
	fprintf(stderr, "[%u/%zu] %s", r->nr_done, r->set->nr, what);
	if (t)
		fprintf(stderr, " %s:%s", t->collection, t->name);
	fflush(stderr);
}

static void summary(struct report *r)
{
	char text[160];
	int n;

	n = snprintf(text, sizeof(text), "%u ok, %u not ok, %u skipped", r->ok, r->not_ok,
		     r->skip);
	if (r->flaky)
		n += snprintf(text + n, sizeof(text) - n, ", %u of the ok ones flaky", r->flaky);
	ktap_write_note(r->cfg->out, 0, text);
	erase_line(r);
	log_info("%s, in %.1f s", text, (ktest_now_ms() - r->begin) / 1000.0);
}

int report_end(struct report *r)
{
	int status = r->not_ok ? 1 : 0;

	summary(r);
	if (r->junit && junit_end(r->junit)) {
		log_err("cannot write %s", r->cfg->junit);
		status = EXIT_VMTOOL_ERROR;
	}
	if (r->json.out && json_report_end(&r->json, r)) {
		log_err("cannot write %s", r->cfg->json);
		status = EXIT_VMTOOL_ERROR;
	}
	if (fflush(r->cfg->out) || ferror(r->cfg->out)) {
		log_err("cannot write the results to stdout");
		status = EXIT_VMTOOL_ERROR;
	}
	return status;
}
