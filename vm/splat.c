// SPDX-License-Identifier: GPL-2.0
/*
 * What a kernel prints when something is wrong with it: where a report begins,
 * of which kind it is, and where it ends. The texts are those of kernel/, mm/ and
 * lib/ and of x86, arm64 and powerpc, from 6.1 on.
 */
#include <ctype.h>
#include <string.h>

#include <linux/kernel.h>
#include <vmtool/splat.h>

/* A report whose end is not recognised must not swallow the rest of the log. */
#define SPLAT_LINES_MAX	400

static const char *const names[] = {
	[SPLAT_PANIC] = "panic",
	[SPLAT_OOPS] = "oops",
	[SPLAT_BUG] = "bug",
	[SPLAT_WARNING] = "warning",
	[SPLAT_KASAN] = "kasan",
	[SPLAT_KCSAN] = "kcsan",
	[SPLAT_UBSAN] = "ubsan",
	[SPLAT_LOCKDEP] = "lockdep",
	[SPLAT_RCU_STALL] = "rcu-stall",
	[SPLAT_HUNG_TASK] = "hung-task",
	[SPLAT_SOFT_LOCKUP] = "soft-lockup",
	[SPLAT_HARD_LOCKUP] = "hard-lockup",
	[SPLAT_OOM] = "oom",
};

/*
 * A line that begins with @text and has @more behind it, if there is that. The
 * first that fits decides.
 */
static const struct headline {
	const char *text;
	const char *more;
	enum splat_kind kind;
} headlines[] = {
	{ "Kernel panic - not syncing", NULL, SPLAT_PANIC },

	{ "BUG: KASAN: ", NULL, SPLAT_KASAN },
	{ "BUG: KFENCE: ", NULL, SPLAT_KASAN },
	{ "BUG: KMSAN: ", NULL, SPLAT_KASAN },
	{ "BUG: KCSAN: ", NULL, SPLAT_KCSAN },
	{ "UBSAN: ", " in ", SPLAT_UBSAN },

	{ "watchdog: BUG: soft lockup - ", NULL, SPLAT_SOFT_LOCKUP },
	{ "BUG: soft lockup - ", NULL, SPLAT_SOFT_LOCKUP },
	{ "watchdog: ", "hard LOCKUP", SPLAT_HARD_LOCKUP },
	{ "NMI watchdog: ", "hard LOCKUP", SPLAT_HARD_LOCKUP },
	{ "Watchdog detected hard LOCKUP", NULL, SPLAT_HARD_LOCKUP },

	{ "rcu: INFO: ", "detected stall", SPLAT_RCU_STALL },
	{ "rcu: INFO: ", "detected expedited stall", SPLAT_RCU_STALL },
	{ "rcu: INFO: ", "self-detected stall", SPLAT_RCU_STALL },
	{ "INFO: rcu", "detected stall", SPLAT_RCU_STALL },
	{ "INFO: rcu", "detected expedited stall", SPLAT_RCU_STALL },
	{ "INFO: rcu", "self-detected stall", SPLAT_RCU_STALL },
	{ "INFO: task ", " blocked ", SPLAT_HUNG_TASK },

	/* Lockdep has no headline of its own: each of its reports has one. */
	{ "WARNING: possible ", "detected", SPLAT_LOCKDEP },
	{ "WARNING: ", "-unsafe lock order detected", SPLAT_LOCKDEP },
	{ "WARNING: inconsistent lock state", NULL, SPLAT_LOCKDEP },
	{ "WARNING: suspicious RCU usage", NULL, SPLAT_LOCKDEP },
	{ "WARNING: chain_key collision", NULL, SPLAT_LOCKDEP },
	{ "WARNING: Nested lock was not taken", NULL, SPLAT_LOCKDEP },
	{ "WARNING: bad unlock balance detected", NULL, SPLAT_LOCKDEP },
	{ "WARNING: bad contention detected", NULL, SPLAT_LOCKDEP },
	{ "WARNING: held lock freed", NULL, SPLAT_LOCKDEP },
	{ "WARNING: ", " still has locks held!", SPLAT_LOCKDEP },
	{ "WARNING: lock held when returning to user space", NULL, SPLAT_LOCKDEP },
	{ "[ BUG: Invalid wait context ]", NULL, SPLAT_LOCKDEP },
	{ "INFO: trying to register non-static key", NULL, SPLAT_LOCKDEP },
	{ "BUG: MAX_LOCK", " too low!", SPLAT_LOCKDEP },
	{ "BUG: MAX_STACK_TRACE_ENTRIES too low!", NULL, SPLAT_LOCKDEP },

	{ "WARNING: CPU: ", " PID: ", SPLAT_WARNING },
	/* Since 6.18: "WARNING: FILE:LINE at FUNCTION, CPU#0: COMM/PID" */
	{ "WARNING: ", ", CPU#", SPLAT_WARNING },

	{ "BUG: kernel NULL pointer dereference", NULL, SPLAT_OOPS },
	{ "BUG: Kernel NULL pointer dereference", NULL, SPLAT_OOPS },
	{ "BUG: unable to handle ", NULL, SPLAT_OOPS },
	{ "BUG: Unable to handle ", NULL, SPLAT_OOPS },
	{ "Unable to handle kernel ", NULL, SPLAT_OOPS },
	{ "Internal error: ", "[#", SPLAT_OOPS },
	{ "Oops: ", "[#", SPLAT_OOPS },
	{ "general protection fault", "[#", SPLAT_OOPS },
	{ "traps: PANIC: double fault", NULL, SPLAT_OOPS },

	{ "kernel BUG at ", NULL, SPLAT_BUG },
	{ "BUG: ", NULL, SPLAT_BUG },

	{ "Out of memory", ": Killed process ", SPLAT_OOM },
};

const char *splat_name(enum splat_kind kind)
{
	return kind < SPLAT_KINDS ? names[kind] : "unknown";
}

static bool starts_with(const char *text, const char *start)
{
	return !strncmp(text, start, strlen(start));
}

/* x86 before 6.6: "invalid opcode: 0000 [#1] PREEMPT SMP", of any exception. */
static bool is_exception(const char *text)
{
	const char *p = strstr(text, " [#");
	int i;

	if (!p || p - text < 7 || !islower(text[0]))
		return false;
	for (i = 1; i <= 4; i++)
		if (!isxdigit(p[-i]))
			return false;
	return p[-5] == ' ' && p[-6] == ':' && isdigit(p[3]);
}

bool splat_headline(const char *text, enum splat_kind *kind)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(headlines); i++) {
		const struct headline *h = &headlines[i];

		if (!starts_with(text, h->text) ||
		    (h->more && !strstr(text + strlen(h->text), h->more)))
			continue;
		*kind = h->kind;
		return true;
	}
	if (!is_exception(text))
		return false;
	*kind = SPLAT_OOPS;
	return true;
}

static bool is_ruler(const char *text)
{
	return starts_with(text, "==========") && text[strspn(text, "=")] == '\0';
}

static bool is_cut_here(const char *text)
{
	return starts_with(text, "------------[ cut here ]");
}

static bool is_oom_lead(const char *text)
{
	return !!strstr(text, " invoked oom-killer: ");
}

static void append(struct splat *s, const char *line)
{
	size_t len = strlen(line);

	if (len + 2 > sizeof(s->text) - s->len) {
		s->cut = true;
		return;
	}
	memcpy(s->text + s->len, line, len);
	s->len += len;
	s->text[s->len++] = '\n';
	s->text[s->len] = '\0';
}

static void close_report(struct splat_log *log)
{
	log->open = false;
	log->into = NULL;
	log->trace = false;
	log->lead[0] = '\0';
}

static void remember_lead(struct splat_log *log, const char *line)
{
	size_t len = strnlen(line, sizeof(log->lead) - 1);

	memcpy(log->lead, line, len);
	log->lead[len] = '\0';
}

/* Where the lines of a new report are kept, if they are. */
static struct splat *choose_text(struct splat_log *log, enum splat_kind kind)
{
	if (!log->first.taken)
		return &log->first;
	if (kind == SPLAT_PANIC && !log->fatal.taken && log->first.kind != SPLAT_PANIC)
		return &log->fatal;
	return NULL;
}

static void begin(struct splat_log *log, enum splat_kind kind, const char *line)
{
	log->counts[kind]++;
	log->open = true;
	log->current = kind;
	log->trace = false;
	log->lines = 0;
	log->into = choose_text(log, kind);
	if (!log->into)
		return;
	log->into->taken = true;
	log->into->kind = kind;
	if (*log->lead)
		append(log->into, log->lead);
	append(log->into, line);
	log->lead[0] = '\0';
}

/* Reports that end in "end trace", behind their registers. */
static bool has_end_trace(enum splat_kind kind)
{
	return kind == SPLAT_OOPS || kind == SPLAT_BUG || kind == SPLAT_WARNING ||
	       kind == SPLAT_PANIC;
}

/*
 * One fault has several headlines: "BUG: unable to handle", then "Oops:", and a
 * "kernel BUG at" is followed by the exception it raises. A panic that a report
 * ends in is counted, and stays part of its text.
 */
static bool belongs_to_open(struct splat_log *log, enum splat_kind kind)
{
	if (!log->open)
		return false;
	if (kind == SPLAT_PANIC) {
		log->counts[SPLAT_PANIC] += log->current != SPLAT_PANIC;
		log->current = SPLAT_PANIC;
		log->trace = false;
		log->lines = 0;
		return true;
	}
	if (kind != SPLAT_OOPS || !has_end_trace(log->current) || log->current == SPLAT_WARNING)
		return false;
	/* From here on it has what a fault has. */
	if (log->current == SPLAT_BUG)
		log->current = SPLAT_OOPS;
	return true;
}

static bool has_ruler_at_end(enum splat_kind kind)
{
	return kind == SPLAT_KASAN || kind == SPLAT_KCSAN || kind == SPLAT_UBSAN;
}

static bool is_last(struct splat_log *log, const char *text)
{
	enum splat_kind kind = log->current;

	if (starts_with(text, "---[ end Kernel panic"))
		return true;
	if (starts_with(text, "---[ end trace"))
		return kind != SPLAT_PANIC;
	if (is_ruler(text))
		return has_ruler_at_end(kind);
	if (kind == SPLAT_OOM)
		return !!strstr(text, ": Killed process ");
	if (!starts_with(text, " </TASK>"))
		return false;
	/* Of "BUG:" there are those with a register dump and those without. */
	return !has_ruler_at_end(kind) && (!has_end_trace(kind) || kind == SPLAT_BUG);
}

/* "RAX: 0000", "Code: 48 89": the CPU's state, which x86 prints amid a trace. */
static bool is_register(const char *text)
{
	size_t n = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");

	return (n > 1 && text[n] == ':') || starts_with(text, "Code:") ||
	       starts_with(text, "Modules linked in:");
}

static bool is_trace_entry(const char *text)
{
	return *text == ' ' || *text == '\t' || starts_with(text, "[c0") ||
	       starts_with(text, "--- interrupt") || strstr(text, "+0x");
}

/*
 * Call traces of arm64 and powerpc have no mark at their end: it is there where a
 * line is not one of theirs. Reports that have another mark wait for that.
 */
static bool is_past_trace(struct splat_log *log, const char *text)
{
	enum splat_kind kind = log->current;

	if (starts_with(text, "Call Trace:") || starts_with(text, "Call trace:")) {
		log->trace = true;
		return false;
	}
	if (!log->trace || has_ruler_at_end(kind) || kind == SPLAT_OOM ||
	    (has_end_trace(kind) && kind != SPLAT_BUG))
		return false;
	return !is_trace_entry(text) && !is_register(text);
}

static void go_on(struct splat_log *log, const char *line, const char *text)
{
	if (is_past_trace(log, text)) {
		close_report(log);
		return;
	}
	if (log->into)
		append(log->into, line);
	if (is_last(log, text) || ++log->lines >= SPLAT_LINES_MAX)
		close_report(log);
}

static bool is_oom_kill(const char *text)
{
	return starts_with(text, "Out of memory") && strstr(text, ": Killed process ");
}

static void leave_cgroup_oom(struct splat_log *log)
{
	/* A cgroup did what it is for: nothing is wrong with the guest. */
	log->counts[SPLAT_OOM]--;
	if (log->into)
		memset(log->into, 0, offsetof(struct splat, text) + 1);
	close_report(log);
}

void splat_line(struct splat_log *log, const char *line, const char *text)
{
	enum splat_kind kind;

	if (log->open && log->current == SPLAT_OOM &&
	    starts_with(text, "Memory cgroup out of memory")) {
		leave_cgroup_oom(log);
	} else if (is_oom_lead(text)) {
		close_report(log);
		begin(log, SPLAT_OOM, line);
	} else if (log->open && log->current == SPLAT_OOM && is_oom_kill(text)) {
		go_on(log, line, text);
	} else if (splat_headline(text, &kind)) {
		if (belongs_to_open(log, kind)) {
			go_on(log, line, text);
			return;
		}
		if (log->open)
			close_report(log);
		begin(log, kind, line);
		if (kind == SPLAT_OOM)
			close_report(log);
	} else if (is_cut_here(text) || (is_ruler(text) && !log->open)) {
		close_report(log);
		remember_lead(log, line);
	} else if (log->open) {
		go_on(log, line, text);
	} else {
		log->lead[0] = '\0';
	}
}

void splat_restart(struct splat_log *log)
{
	close_report(log);
}

unsigned int splat_failures(const struct splat_log *log)
{
	unsigned int i, n = 0;

	for (i = 0; i < SPLAT_KINDS; i++)
		n += log->counts[i];
	return n;
}
