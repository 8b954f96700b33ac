/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_KTAP_H
#define VMTOOL_KTAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <linux/list.h>
#include <linux/types.h>

/*
 * What a test prints is read line by line into a tree, and the tree is written as
 * KTAP that keeps its own promises: numbers run from 1, plans are kept, a test that
 * has failed has a sub-test that did. Whatever is no KTAP becomes a diagnostic. The
 * input is not trusted; memory has a bound.
 */

#define KTAP_LINE_MAX	1024	/* bytes of a line, the rest is cut off */
#define KTAP_NAME_MAX	160
#define KTAP_DEPTH_MAX	8
#define KTAP_RESULT_BYTES	(640U << 10)	/* what results of a test may take */
#define KTAP_DIAG_BYTES		(192U << 10)	/* diagnostics from the beginning */
#define KTAP_DIAG_LAST		64		/* and that many of the last lines */

/**
 * enum ktap_status - what came of a test
 * @KTAP_OK: it passed
 * @KTAP_NOT_OK: it has failed
 * @KTAP_SKIP: it was not done
 * @KTAP_XFAIL: it has failed, as was expected
 */
enum ktap_status {
	KTAP_OK,
	KTAP_NOT_OK,
	KTAP_SKIP,
	KTAP_XFAIL,
};

/**
 * struct ktap_node - a result, or a diagnostic line
 * @entry: in the list of what belongs to one test, in its order
 * @recent: private, of diagnostics that newer ones may push out
 * @children: of a result: what was printed before it, one level deeper
 * @diag: it is a diagnostic, @name is its text
 * @status: of a result
 * @name: of a result, printable ASCII without '#'
 * @reason: of a result, behind its directive; may be empty
 */
struct ktap_node {
	struct list_head entry;
	struct list_head recent;
	struct list_head children;
	bool diag;
	enum ktap_status status;
	char *reason;
	char name[];
};

/**
 * struct ktap_counts - results by status
 * @ok: passed
 * @not_ok: failed
 * @skip: skipped
 * @xfail: failed as expected
 */
struct ktap_counts {
	unsigned int ok;
	unsigned int not_ok;
	unsigned int skip;
	unsigned int xfail;
};

/**
 * struct ktap_level - private: the tests at one depth that are being read
 * @nodes: what was read so far
 * @name: from "# Subtest:", may be empty
 * @indent: blanks in front of its lines
 * @plan: tests announced
 * @results: tests seen
 * @has_plan: @plan was said
 * @header: a version line has come and no plan since
 */
struct ktap_level {
	struct list_head nodes;
	char name[KTAP_NAME_MAX];
	unsigned int indent;
	unsigned int plan;
	unsigned int results;
	bool has_plan;
	bool header;
};

/**
 * struct ktap_reader - reads what one test prints
 * @failed: results that are not ok, of all depths
 * @lost: results that there was no room for
 * @lost_lines: diagnostics that there was no room for
 * @bailed: "Bail out!" was read
 * @skip_all: "1..0 # SKIP" was read
 * @console: lines are those of a kernel's console: see ktap_init()
 * @level: private
 * @depth: private, index of the deepest level
 * @result_bytes: private
 * @diag_bytes: private
 * @recent: private, the last diagnostics, oldest first
 * @nr_recent: private
 * @line: private, the line being collected
 * @len: private
 * @cut: private, the line's end was dropped
 * @total: private, tests done by the program's own count
 * @started: private, KTAP has begun on the console
 * @error: -ENOMEM when something could not be kept, else 0
 */
struct ktap_reader {
	unsigned int failed;
	unsigned int lost;
	unsigned int lost_lines;
	bool bailed;
	bool skip_all;
	bool console;
	struct ktap_level level[KTAP_DEPTH_MAX];
	int depth;
	size_t result_bytes;
	size_t diag_bytes;
	struct list_head recent;
	unsigned int nr_recent;
	char line[KTAP_LINE_MAX];
	size_t len;
	bool cut;
	unsigned int total;
	bool started;
	int error;
};

/**
 * ktap_init() - begin to read
 * @r: reader, caller-owned, not to be moved while in use
 * @console: what is read is a kernel's console: the prefixes of printk are taken
 *	off, and nothing counts before the first version line
 */
void ktap_init(struct ktap_reader *r, bool console);

/**
 * ktap_feed() - read more
 * @r: reader
 * @buf: bytes of any kind, in pieces of any size
 * @len: how many
 */
void ktap_feed(struct ktap_reader *r, const char *buf, size_t len);

/**
 * ktap_finish() - there is no more
 * @r: reader
 * @into: result without children that receives all that was read, as its children
 *
 * Tests that have not come to their result are given one that is not ok, as are
 * those that a plan announced and that never came, unless a program has none at all
 * or counts them itself: its status is what tells then. @failed is final then.
 */
void ktap_finish(struct ktap_reader *r, struct ktap_node *into);

/**
 * ktap_abandon() - free what was read, unless ktap_finish() gave it away
 * @r: reader
 */
void ktap_abandon(struct ktap_reader *r);

/**
 * ktap_result() - make a result without children
 * @status: its status
 * @name: its name, of any bytes
 * @reason: why, of any bytes, or NULL
 *
 * Return: to be freed by ktap_free(), or NULL without memory.
 */
struct ktap_node *ktap_result(enum ktap_status status, const char *name, const char *reason);

/**
 * ktap_add() - add a result to those of another
 * @to: result, or NULL: then nothing happens
 * @status: as of ktap_result()
 * @name: as of ktap_result()
 * @reason: as of ktap_result()
 */
void ktap_add(struct ktap_node *to, enum ktap_status status, const char *name,
	      const char *reason);

/**
 * ktap_note() - add diagnostic lines
 * @to: result, or NULL: then nothing happens
 * @text: lines of any bytes
 *
 * The caller sees to it that there are not too many.
 */
void ktap_note(struct ktap_node *to, const char *text);

/**
 * ktap_free() - free a node and what it has
 * @node: node in no list, or NULL
 */
void ktap_free(struct ktap_node *node);

/**
 * ktap_has_results() - does a result have others below?
 * @node: result
 *
 * Return: true if there is at least one that is no diagnostic.
 */
bool ktap_has_results(const struct ktap_node *node);

/**
 * ktap_count() - count results that have none below
 * @node: result
 * @counts: to be added to
 */
void ktap_count(const struct ktap_node *node, struct ktap_counts *counts);

/**
 * ktap_settle() - give results that failed a reason to
 * @node: result; those below are looked at too
 *
 * Readers of KTAP count the results without sub-results. Where one is not ok and
 * none below it is, such a one is added, so that no failure is lost.
 */
void ktap_settle(struct ktap_node *node);

/**
 * ktap_write_header() - begin a test with sub-tests
 * @f: stream
 * @indent: blanks in front
 * @name: its name, NULL for the outermost
 * @plan: number of its sub-tests
 */
void ktap_write_header(FILE *f, int indent, const char *name, unsigned int plan);

/**
 * ktap_write() - write a result and what belongs to it
 * @f: stream
 * @indent: blanks in front of the result
 * @parent: name of the test that it belongs to, or NULL
 * @nr: number of the result
 * @node: the result
 */
void ktap_write(FILE *f, int indent, const char *parent, unsigned int nr,
		const struct ktap_node *node);

/**
 * ktap_write_note() - write a diagnostic line
 * @f: stream
 * @indent: blanks in front
 * @text: valid UTF-8 without control characters
 */
void ktap_write_note(FILE *f, int indent, const char *text);

#endif /* VMTOOL_KTAP_H */
