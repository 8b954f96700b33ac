// SPDX-License-Identifier: GPL-2.0
/*
 * What a test comes to, from how it ended, what it said, and what became of its guest.
 */
#include <stdio.h>
#include <string.h>

#include <linux/kernel.h>
#include <vmtool/verdict.h>

#include "internal.h"

#define STATUS_SKIP	4	/* KSFT_SKIP */
#define STATUS_TIMEOUT	124	/* of timeout(1) */

unsigned long judge_bad_taints(const struct evidence *e)
{
	unsigned long bad = TAINT_DIE | TAINT_LOCKUP;

	return e->taints & (e->fail_on_warn ? bad | TAINT_WARN : bad);
}

static const char *taint_reason(unsigned long taints)
{
	if (taints & TAINT_DIE)
		return "kernel oops";
	if (taints & TAINT_LOCKUP)
		return "kernel lockup";
	return "kernel warning";
}

static const char *verdict_reason(const struct evidence *e, const char *otherwise)
{
	return e->verdict ? e->verdict->reason : otherwise;
}

static bool guest_was_bad(const struct evidence *e)
{
	return e->verdict && e->verdict->status >= EXIT_GUEST_PANIC &&
	       e->verdict->status <= EXIT_KVM_ERROR;
}

/* Of a program that has ended by itself. */
static enum ktap_status judge_exit(const struct ktap_reader *r, const struct evidence *e,
				   char *why, size_t size)
{
	if (e->status && e->status != STATUS_SKIP)
		snprintf(why, size, "exit=%d", e->status);
	else if (judge_bad_taints(e))
		snprintf(why, size, "%s", taint_reason(judge_bad_taints(e)));
	else if (guest_was_bad(e))
		snprintf(why, size, "%s", e->verdict->reason);
	else if (r->failed)
		snprintf(why, size, "exit=%d, but %u results are not ok", e->status, r->failed);
	else if (r->bailed)
		snprintf(why, size, "bailed out");
	else
		return e->status || r->skip_all ? KTAP_SKIP : KTAP_OK;
	return KTAP_NOT_OK;
}

static enum ktap_status judge_end(const struct ktest *t, const struct ktap_reader *r,
				  const struct evidence *e, char *why, size_t size)
{
	bool ended = e->end == TEST_EXITED && t->timeout && t->seconds >= t->timeout &&
		     (e->status == STATUS_TIMEOUT || e->status == 128 + 9);

	*why = '\0';
	if (e->end == TEST_TIMED_OUT || ended)
		snprintf(why, size, "TIMEOUT %u seconds", t->timeout);
	else if (e->end == TEST_GUEST_ENDED)
		snprintf(why, size, "%s", verdict_reason(e, "the guest ended"));
	else if (e->end == TEST_NO_GUEST)
		snprintf(why, size, "the guest did not come up: %s",
			 verdict_reason(e, "no reason known"));
	else if (e->end == TEST_INTERRUPTED)
		snprintf(why, size, "interrupted");
	else
		return judge_exit(r, e, why, size);
	return KTAP_NOT_OK;
}

struct ktap_node *judge(const struct ktest *t, struct ktap_reader *r, const struct evidence *e)
{
	struct ktap_node *node, *full;
	enum ktap_status status;
	char why[2 * KTAP_NAME_MAX], line[80];

	/* What is missing counts, so it is added first. */
	node = ktap_result(KTAP_OK, t->name, NULL);
	if (!node) {
		ktap_abandon(r);
		return NULL;
	}
	ktap_finish(r, node);
	status = judge_end(t, r, e, why, sizeof(why));
	full = ktap_result(status, t->name, why);
	if (full)
		list_splice_tail_init(&node->children, &full->children);
	ktap_free(node);
	if (e->taints) {
		snprintf(line, sizeof(line), "the kernel is tainted: %#lx is new", e->taints);
		ktap_note(full, line);
	}
	return full;
}
