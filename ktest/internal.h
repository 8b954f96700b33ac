/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_KTEST_INTERNAL_H
#define VMTOOL_KTEST_INTERNAL_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

#include <linux/bits.h>
#include <linux/types.h>
#include <vmtool/json_out.h>
#include <vmtool/ktap.h>
#include <vmtool/ktest.h>

struct pollfd;

/* ---- text.c */

/*
 * Text of any bytes as valid UTF-8 without control characters but the tab, or as
 * printable ASCII; other bytes become "\x1b". Returns how much of @src has found room.
 */
size_t ktest_clean(char *dst, size_t size, const char *src, size_t len, bool ascii);
/* The same for a name in KTAP: without '#', and what is in front of it and behind. */
void ktest_clean_name(char *dst, size_t size, const char *src, size_t len);
/* Clean text as text or attribute of XML. */
void ktest_xml(FILE *f, const char *s);

/* ---- ktap-node.c: both are clean; without @reason it is a diagnostic */

struct ktap_node *ktap_node_new(const char *name, const char *reason);

/* ---- list.c */

/* Can it be a path below the installed tests, and a word of a shell? */
bool ktest_good_name(const char *s, size_t len);
/* The contents of a regular file, to be freed; 0 or -errno. */
int ktest_read_file(const char *path, size_t most, char **text);

/* ---- child.c */

#define TAIL_MAX	8192

/*
 * A program in its own process group, with pipes to its standard files. Descriptors
 * that are not open are -1; @tail keeps the last that it said on stderr.
 */
struct child {
	pid_t pid;
	int pidfd;
	int in;
	int out;
	int err;
	int status;
	bool verbose;
	char tail[TAIL_MAX + 1];
	size_t tail_len;
};

void child_init(struct child *c);
/*
 * "vmtool run" with the options that all guests have; room for @more behind @n of them
 * and a NULL. To be freed; NULL without memory.
 */
const char **child_run_argv(const struct ktest_config *cfg, int more, int *n);
/* 0 or -errno. */
int child_start(struct child *c, const char *const *argv, bool verbose);
bool child_runs(const struct child *c);
void child_close_in(struct child *c);
/* Fills in three entries. */
void child_poll(const struct child *c, struct pollfd *pfd);
/* Bytes that are there now; 0 when there is nothing; closed at its end. */
ssize_t child_read(struct child *c, char *buf, size_t size);
/* What is there of stderr goes to @tail; false when there was nothing. */
bool child_read_err(struct child *c);
bool child_has_ended(const struct child *c);
void child_kill(const struct child *c, int sig);
/* After its end: as a shell would have its status. Closes all. */
void child_reap(struct child *c);
u64 ktest_now_ms(void);

/* ---- frame.c: what the script in the guest says between the output of tests */

#define NONCE_SIZE	33

struct frame {
	char mark[64];
	size_t mark_len;
	char hold[128];
	size_t held;
	void (*output)(void *priv, const char *buf, size_t len);
	void (*message)(void *priv, char *text);
	void *priv;
};

extern const char ktest_runner[];

/* A new secret word; -errno without random numbers. */
int frame_nonce(char *nonce);
/* From now on a line "@vmtool NONCE MESSAGE" is one. */
void frame_expect(struct frame *f, const char *nonce);
void frame_feed(struct frame *f, const char *buf, size_t len);

/* ---- verdict.c */

#define VERDICT_TEXT_MAX	(16 << 10)

/* How a guest ended: what --verdict has written, or what its status tells. */
struct guest_verdict {
	int status;
	char reason[KTAP_NAME_MAX];
	char *splat;
};

void guest_verdict_read(struct guest_verdict *v, const char *path, int status);
void guest_verdict_free(struct guest_verdict *v);
/* Everything that is known of it, as diagnostics of @node. */
void guest_verdict_note(const struct guest_verdict *v, const struct child *c,
			struct ktap_node *node);

/* ---- judge.c */

enum test_end {
	TEST_EXITED,		/* the program ended */
	TEST_TIMED_OUT,		/* it was ended */
	TEST_GUEST_ENDED,	/* the guest did */
	TEST_NO_GUEST,		/* the guest did not come up */
	TEST_INTERRUPTED,	/* so were we */
};

struct evidence {
	enum test_end end;
	int status;
	unsigned long taints;	/* new ones */
	bool fail_on_warn;
	const struct guest_verdict *verdict;	/* of a guest that has ended, or NULL */
};

#define TAINT_DIE	BIT(7)
#define TAINT_WARN	BIT(9)
#define TAINT_LOCKUP	BIT(14)

/* Taints that say that a test was not ok. */
unsigned long judge_bad_taints(const struct evidence *e);
/* Its result, with what @r has read; NULL without memory. */
struct ktap_node *judge(const struct ktest *t, struct ktap_reader *r, const struct evidence *e);

/* ---- report.c */

struct report {
	const struct ktest_config *cfg;
	struct ktest_set *set;
	size_t next;		/* the first that was not written yet */
	unsigned int nr_done;
	unsigned int collections;
	unsigned int collection_nr;
	unsigned int test_nr;
	bool collection_failed;
	bool tty;
	unsigned int ok;
	unsigned int not_ok;
	unsigned int skip;
	unsigned int flaky;
	u64 begin;
	struct junit *junit;
	struct json_out json;
};

int report_begin(struct report *r, const struct ktest_config *cfg, struct ktest_set *set);
/* A test has its result: written when all before it are. */
void report_done(struct report *r, size_t nr);
/* All of them have. */
void report_all(struct report *r);
void report_progress(struct report *r, const char *what, const struct ktest *t);
/* Exit status. */
int report_end(struct report *r);
const char *ktest_status_name(const struct ktest *t);
bool ktest_is_flaky(const struct ktest *t);

/* ---- junit.c, json.c */

struct junit *junit_begin(const char *path);
void junit_test(struct junit *j, const struct ktest *t);
int junit_end(struct junit *j);
int json_report_begin(struct json_out *j, const char *path);
void json_report_test(struct json_out *j, const struct ktest *t);
int json_report_end(struct json_out *j, const struct report *r);
/* What a test has said, allocated: the end of it, no more than @most bytes; or NULL. */
char *ktest_output(const struct ktest *t, size_t most);

#endif /* VMTOOL_KTEST_INTERNAL_H */
