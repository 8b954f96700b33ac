// SPDX-License-Identifier: GPL-2.0
/*
 * Lines into a tree. Tests that are deeper than others stand in front of the result
 * that sums them up, so each depth is a list, and a result takes the list of the depth
 * below for its children.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <linux/kernel.h>
#include <vmtool/ktap.h>

#include "internal.h"

#define TAB_WIDTH	4
#define PREFIX_MAX	24
#define NUMBER_MAX	1000000000U

/* A line of input, without its indentation. */
struct line {
	const char *s;
	size_t len;
	unsigned int indent;
};

static struct ktap_level *top(struct ktap_reader *r)
{
	return &r->level[r->depth];
}

static void open_level(struct ktap_level *l, unsigned int indent)
{
	memset(l, 0, sizeof(*l));
	INIT_LIST_HEAD(&l->nodes);
	l->indent = indent;
}

void ktap_init(struct ktap_reader *r, bool console)
{
	memset(r, 0, sizeof(*r));
	INIT_LIST_HEAD(&r->recent);
	open_level(&r->level[0], 0);
	r->console = console;
}

static void drop_oldest(struct ktap_reader *r)
{
	struct ktap_node *n = list_first_entry(&r->recent, struct ktap_node, recent);

	list_del(&n->recent);
	list_del(&n->entry);
	free(n);
	r->nr_recent--;
	r->lost_lines++;
}

static void add_diag(struct ktap_reader *r, const char *s, size_t len)
{
	char clean[KTAP_LINE_MAX + 8];
	struct ktap_node *n;
	size_t used;

	used = ktest_clean(clean, KTAP_LINE_MAX, s, len, false);
	if (used < len || r->cut)
		strcat(clean, " [...]");
	n = ktap_node_new(clean, NULL);
	if (!n) {
		r->error = -ENOMEM;
		return;
	}
	list_add_tail(&n->entry, &top(r)->nodes);
	if (r->diag_bytes < KTAP_DIAG_BYTES) {
		r->diag_bytes += sizeof(*n) + strlen(clean) + 1;
		return;
	}
	list_add_tail(&n->recent, &r->recent);
	if (++r->nr_recent > KTAP_DIAG_LAST)
		drop_oldest(r);
}

/* Takes the nodes in @below, may be NULL, for the result's children. */
static void add_result(struct ktap_reader *r, enum ktap_status status, const char *name,
		       const char *reason, struct list_head *below)
{
	struct ktap_level *l = top(r);
	struct ktap_node *n = NULL;

	l->results = min(l->results + 1, NUMBER_MAX);
	r->failed += status == KTAP_NOT_OK;
	if (r->result_bytes < KTAP_RESULT_BYTES) {
		n = ktap_result(status, name, reason);
		if (!n)
			r->error = -ENOMEM;
	}
	if (n) {
		r->result_bytes += sizeof(*n) + strlen(n->name) + strlen(n->reason) + 2;
		if (below)
			list_splice_tail(below, &n->children);
		list_add_tail(&n->entry, &l->nodes);
		return;
	}
	r->lost++;
	if (below)
		list_splice_tail(below, &l->nodes);
}

/*
 * Programs that have a plan and say nothing but how many tests they did, or how the
 * whole ended, are not rare among kselftests: their status tells then.
 */
static bool has_own_account(const struct ktap_reader *r, const struct ktap_level *l)
{
	return !r->depth && !r->console && (!l->results || r->total >= l->plan);
}

/* What a plan announced and that never came. */
static void check_plan(struct ktap_reader *r)
{
	struct ktap_level *l = top(r);
	char text[80];

	if (!l->has_plan || r->bailed || l->results == l->plan)
		return;
	if (l->results < l->plan && !has_own_account(r, l)) {
		snprintf(text, sizeof(text), "%u of %u planned tests", l->plan - l->results,
			 l->plan);
		add_result(r, KTAP_NOT_OK, text, "no result", NULL);
	} else {
		snprintf(text, sizeof(text), "%u tests were planned, and %u done", l->plan,
			 l->results);
		add_diag(r, text, strlen(text));
	}
}

/* The deepest level's result: @name NULL if it has not come to one. */
static void close_level(struct ktap_reader *r, enum ktap_status status, const char *name,
			const char *reason)
{
	struct ktap_level *l = top(r), below;
	LIST_HEAD(nodes);

	check_plan(r);
	below = *l;
	list_splice_init(&l->nodes, &nodes);
	r->depth--;
	if (!name && !below.results && !below.has_plan && !*below.name)
		list_splice_tail(&nodes, &top(r)->nodes);
	else if (!name)
		add_result(r, KTAP_NOT_OK, below.name, "no result", &nodes);
	else
		add_result(r, status, name, reason, &nodes);
}

/* Tests deeper than @indent are over, and had no result. */
static void close_deeper(struct ktap_reader *r, unsigned int indent)
{
	while (r->depth && top(r)->indent > indent)
		close_level(r, 0, NULL, NULL);
}

static bool untouched(const struct ktap_level *l)
{
	return !l->results && !l->has_plan && !l->header && !*l->name;
}

/* A header stands at the beginning of tests that are deeper, or of the first. */
static bool begin_level(struct ktap_reader *r, const struct line *line)
{
	close_deeper(r, line->indent);
	if (line->indent > top(r)->indent && r->depth + 1 < KTAP_DEPTH_MAX) {
		if (!r->depth && untouched(top(r)))
			top(r)->indent = line->indent;
		else
			open_level(&r->level[++r->depth], line->indent);
	} else if (r->depth && line->indent == top(r)->indent && top(r)->results) {
		/* The one before has not come to a result. */
		close_level(r, 0, NULL, NULL);
		open_level(&r->level[++r->depth], line->indent);
	}
	return line->indent == top(r)->indent;
}

static bool skip_word(struct line *line, const char *word)
{
	size_t len = strlen(word);

	if (line->len < len || memcmp(line->s, word, len))
		return false;
	line->s += len;
	line->len -= len;
	return true;
}

/* Digits in front; false where there are none. */
static bool skip_number(struct line *line, unsigned int *nr)
{
	if (!line->len || !isdigit((unsigned char)*line->s))
		return false;
	*nr = 0;
	for (; line->len && isdigit((unsigned char)*line->s); line->s++, line->len--)
		if (*nr < NUMBER_MAX / 10)
			*nr = *nr * 10 + (*line->s - '0');
		else
			*nr = NUMBER_MAX;
	return true;
}

static void skip_blanks(struct line *line)
{
	for (; line->len && (*line->s == ' ' || *line->s == '\t'); line->s++, line->len--)
		line->indent += *line->s == ' ' ? 1 : TAB_WIDTH;
}

static bool read_version(struct ktap_reader *r, struct line line)
{
	unsigned int nr;

	if (!skip_word(&line, "KTAP version ") && !skip_word(&line, "TAP version "))
		return false;
	if (!skip_number(&line, &nr) || line.len)
		return false;
	r->started = true;
	if (!begin_level(r, &line))
		return false;
	top(r)->header = true;
	return true;
}

static bool read_subtest(struct ktap_reader *r, struct line line)
{
	struct ktap_level *l;

	/* The outermost tests have no name. */
	if (!skip_word(&line, "# Subtest: ") || (!r->depth && line.indent <= top(r)->indent))
		return false;
	if (r->depth && *top(r)->name && line.indent == top(r)->indent)
		close_level(r, 0, NULL, NULL);
	if (!begin_level(r, &line) || !r->depth)
		return false;
	l = top(r);
	ktest_clean_name(l->name, sizeof(l->name), line.s, line.len);
	return true;
}

static bool read_plan(struct ktap_reader *r, struct line line)
{
	unsigned int plan, indent = line.indent;
	struct ktap_level *l;

	if (!skip_word(&line, "1..") || !skip_number(&line, &plan))
		return false;
	skip_blanks(&line);
	if (line.len && *line.s != '#')
		return false;
	if (indent > top(r)->indent)
		return false;
	close_deeper(r, indent);
	l = top(r);
	/* Of programs that run one after the other each has its plan. */
	if (l->has_plan && (r->depth || !l->header))
		return false;
	l->plan = min(l->plan + plan, NUMBER_MAX);
	l->has_plan = true;
	l->header = false;
	if (!plan && !r->depth && skip_word(&line, "# SKIP")) {
		r->skip_all = true;
		add_diag(r, line.s - 4, line.len + 4);
	}
	return true;
}

/* "SKIP", in any case, at the beginning of what stands behind a '#'. */
static bool is_directive(struct line *line, const char *word)
{
	size_t len = strlen(word);

	if (line->len < len || strncasecmp(line->s, word, len) ||
	    (line->len > len && isalnum((unsigned char)line->s[len])))
		return false;
	line->s += len;
	line->len -= len;
	while (line->len && (*line->s == ':' || *line->s == ' ')) {
		line->s++;
		line->len--;
	}
	return true;
}

static enum ktap_status read_directive(struct line *line, enum ktap_status status)
{
	if (is_directive(line, "SKIP"))
		return KTAP_SKIP;
	if (is_directive(line, "XFAIL") || is_directive(line, "TODO"))
		return KTAP_XFAIL;
	return status;
}

static void read_name(struct line *line, char *name)
{
	const char *hash = memchr(line->s, '#', line->len);
	size_t len = hash ? hash - line->s : line->len;

	ktest_clean_name(name, KTAP_NAME_MAX, line->s, len);
	line->s += len;
	line->len -= len;
	while (line->len && (*line->s == '#' || *line->s == ' ' || *line->s == '\t')) {
		line->s++;
		line->len--;
	}
}

static bool read_result(struct ktap_reader *r, struct line line)
{
	char name[KTAP_NAME_MAX], reason[KTAP_NAME_MAX];
	unsigned int nr, indent = line.indent;
	enum ktap_status status;
	bool below;

	status = skip_word(&line, "not ") ? KTAP_NOT_OK : KTAP_OK;
	if (!skip_word(&line, "ok ") || !skip_number(&line, &nr))
		return false;
	if (line.len && *line.s != ' ' && *line.s != '\t')
		return false;
	if (indent > top(r)->indent)
		return false;
	skip_blanks(&line);
	read_name(&line, name);
	status = read_directive(&line, status);
	ktest_clean_name(reason, sizeof(reason), line.s, line.len);
	/* kselftest.h writes the name of a skipped test behind the word. */
	if (!*name && *reason) {
		strcpy(name, reason);
		*reason = '\0';
	}
	while (r->depth > 1 && r->level[r->depth - 1].indent > indent)
		close_level(r, 0, NULL, NULL);
	below = r->depth && top(r)->indent > indent;
	if (!*name)
		snprintf(name, sizeof(name), "test %u", nr);
	if (below)
		close_level(r, status, name, reason);
	else
		add_result(r, status, name, reason, NULL);
	return true;
}

static bool read_bail(struct ktap_reader *r, struct line line)
{
	if (!skip_word(&line, "Bail out!"))
		return false;
	add_diag(r, line.s - 9, line.len + 9);
	r->bailed = true;
	return true;
}

/* ksft_print_cnts() of kselftest.h. It stays a diagnostic. */
static void read_totals(struct ktap_reader *r, struct line line)
{
	static const char *const words[] = {
		"# Totals: pass:", " fail:", " xfail:", " xpass:", " skip:", " error:",
	};
	unsigned int nr, total = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(words); i++) {
		if (!skip_word(&line, words[i]) || !skip_number(&line, &nr))
			return;
		total = min(total + nr, NUMBER_MAX);
	}
	r->total = total;
}

/* "<6>[    1.234567][    T1] " of printk. */
static void skip_printk(struct line *line)
{
	const char *end;

	if (line->len > 2 && *line->s == '<' && isdigit((unsigned char)line->s[1]) &&
	    line->s[2] == '>') {
		line->s += 3;
		line->len -= 3;
	}
	while (line->len && *line->s == '[') {
		end = memchr(line->s, ']', line->len < PREFIX_MAX ? line->len : PREFIX_MAX);
		if (!end)
			return;
		line->len -= end + 1 - line->s;
		line->s = end + 1;
		if (line->len && *line->s == ' ') {
			line->s++;
			line->len--;
			return;
		}
	}
}

static void read_line(struct ktap_reader *r, const char *s, size_t len)
{
	struct line line = { .s = s, .len = len }, whole;

	while (line.len && isspace((unsigned char)line.s[line.len - 1]))
		line.len--;
	if (r->console)
		skip_printk(&line);
	whole = line;
	skip_blanks(&line);
	if (r->console && !r->started) {
		read_version(r, line);
		return;
	}
	if (!r->bailed && line.len && strchr("KT#1onB", *line.s) &&
	    (read_version(r, line) || read_subtest(r, line) || read_plan(r, line) ||
	     read_result(r, line) || read_bail(r, line)))
		return;
	read_totals(r, line);
	add_diag(r, whole.s, whole.len);
}

void ktap_feed(struct ktap_reader *r, const char *buf, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (buf[i] == '\n') {
			read_line(r, r->line, r->len);
			r->len = 0;
			r->cut = false;
		} else if (r->len < sizeof(r->line)) {
			r->line[r->len++] = buf[i];
		} else {
			r->cut = true;
		}
	}
}

void ktap_finish(struct ktap_reader *r, struct ktap_node *into)
{
	char text[96];

	if (r->len)
		read_line(r, r->line, r->len);
	r->len = 0;
	r->cut = false;
	while (r->depth)
		close_level(r, 0, NULL, NULL);
	check_plan(r);
	list_splice_tail_init(&r->level[0].nodes, &into->children);
	if (r->lost) {
		snprintf(text, sizeof(text), "%u more results are left out", r->lost);
		ktap_note(into, text);
	}
	if (r->lost_lines) {
		snprintf(text, sizeof(text), "%u lines before the last are left out",
			 r->lost_lines);
		ktap_note(into, text);
	}
}

void ktap_abandon(struct ktap_reader *r)
{
	struct ktap_node *n, *tmp;

	for (; r->depth >= 0; r->depth--)
		list_for_each_entry_safe(n, tmp, &top(r)->nodes, entry) {
			list_del(&n->entry);
			ktap_free(n);
		}
}
