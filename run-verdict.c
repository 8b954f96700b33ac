// SPDX-License-Identifier: GPL-2.0
/*
 * The end of a guest: its status, and what is said of it.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/kernel.h>

#include <vmtool/arch.h>
#include <vmtool/log.h>
#include <vmtool/outfile.h>
#include <vmtool/size.h>
#include <vmtool/symbols.h>
#include <vmtool/verdict_file.h>

#include "run-verdict.h"

#define HANG_MAX	(10 * 365 * 86400U)
#define LINE_MAX_OUT	4096

/**
 * struct run_verdict - what is known of a run
 * @args: options
 * @cfg: configuration
 * @log: what is kept of the console
 * @observer: told of the end
 * @cause: who wanted it
 * @ended: @cause is true
 * @hung: what the watchdog struck for
 * @command: status of COMMAND, -1 for none
 * @kernel: kernel version
 * @uptime_ms: how long the guest ran
 * @cpus: where its vCPUs stood, if that is known
 * @nr_cpus: how many
 * @syms: symbols of the kernel
 * @have_syms: there are such
 */
struct run_verdict {
	const struct run_verdict_args *args;
	const struct vm_config *cfg;
	struct console_log log;
	struct run_observer observer;
	enum run_cause cause;
	bool ended;
	enum watch_state hung;
	int command;
	char kernel[KERNEL_VERSION_LEN];
	u64 uptime_ms;
	struct vcpu_sample *cpus;
	unsigned int nr_cpus;
	struct symbols syms;
	bool have_syms;
};

static int set_hang(struct vm_config *cfg, const char *text)
{
	static const char idle[] = ",idle";
	char number[16];
	size_t len;

	if (!text)
		return 0;
	len = strcspn(text, ",");
	cfg->hang_idle = !strcmp(text + len, idle);
	if (len < sizeof(number) && (!text[len] || cfg->hang_idle)) {
		snprintf(number, sizeof(number), "%.*s", (int)len, text);
		if (!parse_uint(number, &cfg->hang) && cfg->hang && cfg->hang <= HANG_MAX)
			return 0;
	}
	log_err("--hang %s: not a number of seconds, or one with ,idle behind it", text);
	return -EINVAL;
}

static int check_vmlinux(const char *path)
{
	if (!path || !access(path, R_OK))
		return 0;
	log_err("--vmlinux %s: %s", path, strerror(errno));
	return -errno;
}

int run_verdict_config(const struct run_verdict_args *args, struct vm_config *cfg)
{
	int ret = set_hang(cfg, args->hang);

	return ret ?: check_vmlinux(args->vmlinux);
}

struct run_verdict *run_verdict_new(const struct run_verdict_args *args,
				    const struct vm_config *cfg)
{
	struct run_verdict *rv;

	/* Now, and not when the guest has run for an hour. */
	if (outfile_check("--verdict", args->file))
		return NULL;
	rv = calloc(1, sizeof(*rv));
	if (!rv)
		return NULL;
	rv->args = args;
	rv->cfg = cfg;
	rv->command = -1;
	return rv;
}

static void note_end(struct run_observer *obs, enum run_event event, enum run_cause cause)
{
	struct run_verdict *rv = container_of(obs, struct run_verdict, observer);

	if (event != RUN_EV_SHUTDOWN)
		return;
	rv->ended = true;
	rv->cause = cause;
}

void run_verdict_start(struct run_verdict *rv, struct vm *vm)
{
	rv->observer.fn = note_end;
	runstate_observe(&vm->run, &rv->observer);
	vm->verdict.log = &rv->log;
}

void run_verdict_command(struct run_verdict *rv, int status)
{
	rv->command = status;
}

static void take_cpus(struct run_verdict *rv, const struct watchdog *w)
{
	unsigned int i;

	rv->hung = w->state;
	if (!w->sampled)
		return;
	rv->cpus = calloc(w->nr_cpus ?: 1, sizeof(*rv->cpus));
	if (!rv->cpus)
		return;
	rv->nr_cpus = w->nr_cpus;
	for (i = 0; i < w->nr_cpus; i++)
		rv->cpus[i] = w->cpus[i].sample;
}

void run_verdict_stop(struct run_verdict *rv, struct vm *vm)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (vm->started.tv_sec || vm->started.tv_nsec)
		rv->uptime_ms = (now.tv_sec - vm->started.tv_sec) * 1000LL +
				(now.tv_nsec - vm->started.tv_nsec) / 1000000;
	snprintf(rv->kernel, sizeof(rv->kernel), "%s", kernel_image_version(&vm->kernel));
	take_cpus(rv, &vm->watchdog);
	/* The console's last line may have no end yet; a device may still print. */
	pthread_mutex_lock(&vm->console_lock);
	verdict_console(&vm->verdict, "\n", 1);
	vm->verdict.log = NULL;
	pthread_mutex_unlock(&vm->console_lock);
	list_del(&rv->observer.node);
}

static void find_symbols(struct run_verdict *rv)
{
	const char *path = rv->args->vmlinux;
	char found[PATH_MAX];
	int ret;

	if (!path && rv->cfg->kernel && !symbols_find(rv->cfg->kernel, found, sizeof(found)))
		path = found;
	if (!path)
		return;
	ret = symbols_open(&rv->syms, path);
	rv->have_syms = !ret;
	if (ret && rv->args->vmlinux)
		log_warn("--vmlinux %s: no symbols can be read from it: %s", path,
			 ret == -ENOENT ? "it has no symbol table" : strerror(-ret));
}

/* What a guest prints must not control the user's terminal. */
static void print_line(const char *line)
{
	char out[LINE_MAX_OUT];
	size_t i, n = 0;

	for (i = 0; line[i] && n < sizeof(out) - 1; i++) {
		unsigned char c = line[i];

		out[n++] = (c < 0x20 && c != '\t') || c == 0x7f ? '?' : c;
	}
	out[n] = '\0';
	fprintf(stderr, "%s\n", out);
}

static struct symbols *symbols_of(struct run_verdict *rv)
{
	return rv->have_syms ? &rv->syms : NULL;
}

/* A text of several lines, with what symbols add; freed by the caller. */
static char *decode_text(struct run_verdict *rv, const char *text)
{
	char line[VERDICT_LINE_MAX], out[LINE_MAX_OUT], *result = NULL;
	size_t len;
	FILE *f = open_memstream(&result, &len);

	if (!f)
		return NULL;
	while (*text) {
		size_t n = strcspn(text, "\n");

		snprintf(line, sizeof(line), "%.*s", (int)n, text);
		symbols_line(symbols_of(rv), line, out, sizeof(out));
		fprintf(f, "%s\n", out);
		text += n + (text[n] == '\n');
	}
	fclose(f);
	return result;
}

static void print_text(const char *text)
{
	char line[LINE_MAX_OUT];

	while (text && *text) {
		size_t n = strcspn(text, "\n");

		snprintf(line, sizeof(line), "%.*s", (int)n, text);
		print_line(line);
		text += n + (text[n] == '\n');
	}
}

static void print_vcpus(const char *text)
{
	while (text && *text) {
		size_t n = strcspn(text, "\n");

		log_err("%.*s", (int)n, text);
		text += n + (text[n] == '\n');
	}
}

static char *describe_cpus(struct run_verdict *rv)
{
	char *text = NULL, where[LINE_MAX_OUT];
	unsigned int i;
	size_t len;
	FILE *f;

	if (!rv->cpus)
		return NULL;
	f = open_memstream(&text, &len);
	if (!f)
		return NULL;
	for (i = 0; i < rv->nr_cpus; i++) {
		const struct vcpu_sample *s = &rv->cpus[i];

		fprintf(f, "vCPU %u: ", i);
		if (!s->known || s->off) {
			fprintf(f, "%s\n", s->off ? "off" : "unknown");
			continue;
		}
		symbols_addr(s->user ? NULL : symbols_of(rv), s->pc, arch_anchor_symbol,
			     s->anchor, where, sizeof(where));
		fprintf(f, "%s, %s, interrupts %s%s\n", where, s->user ? "in a program" :
			"in the kernel", s->irqs_off ? "off" : "on", s->halted ? ", halted" : "");
	}
	fclose(f);
	return text;
}

static void print_tail(struct run_verdict *rv)
{
	char line[VERDICT_LINE_MAX], out[LINE_MAX_OUT];

	if (!rv->log.tail.lines)
		return;
	fprintf(stderr, "vmtool: the console's last lines:\n");
	while (!console_tail_take(&rv->log.tail, line, sizeof(line))) {
		symbols_line(symbols_of(rv), line, out, sizeof(out));
		print_line(out);
	}
}

static const char *reason_of_cause(enum run_cause cause)
{
	switch (cause) {
	case RUN_BY_GUEST_POWEROFF:
		return "poweroff";
	case RUN_BY_GUEST_RESET:
	case RUN_BY_GUEST_TRIPLE_FAULT:
		return "reset";
	default:
		return "ended";
	}
}

static bool has_warned(const struct run_verdict *rv, int guest)
{
	return guest == EXIT_GUEST_OK && rv->args->fail_on_warn &&
	       splat_failures(&rv->log.splats);
}

static const char *reason_of(const struct run_verdict *rv, int guest)
{
	switch (guest) {
	case EXIT_GUEST_OK:
		if (has_warned(rv, guest))
			return "warning";
		return rv->command >= 0 ? "command" : reason_of_cause(rv->cause);
	case EXIT_GUEST_PANIC:
		return "panic";
	case EXIT_GUEST_HUNG:
		return rv->hung != WATCH_WELL ? "hang" : "timeout";
	case EXIT_GUEST_RESET:
		return "triple-fault";
	case EXIT_KVM_ERROR:
		return "kvm-error";
	default:
		return rv->ended && rv->cause != RUN_BY_HOST_ERROR ? "ended" : "error";
	}
}

static int status_of(const struct run_verdict *rv, int guest)
{
	if (guest != EXIT_GUEST_OK)
		return guest;
	if (has_warned(rv, guest))
		return EXIT_GUEST_WARNED;
	if (rv->command < 0)
		return guest;
	return exit_of_command(rv->command);
}

/* Who ended the guest does not wonder why it has ended. */
static bool wants_console(const struct run_verdict *rv, int guest)
{
	if (guest == EXIT_GUEST_PANIC)
		return true;
	if (guest == EXIT_GUEST_OK || rv->cfg->term != TERM_NOTHING)
		return false;
	return !rv->ended || (rv->cause != RUN_BY_HOST_SIGNAL && rv->cause != RUN_BY_HOST_UI &&
			      rv->cause != RUN_BY_HOST_QMP);
}

static void say(struct run_verdict *rv, int guest, const char *splat, const char *vcpus)
{
	print_vcpus(vcpus);
	if (wants_console(rv, guest))
		print_tail(rv);
	if (!has_warned(rv, guest))
		return;
	log_err("the kernel has complained (--fail-on-warn), first of all of this:");
	print_text(splat);
}

static char *splat_text(struct run_verdict *rv, const struct splat *s)
{
	return s->taken ? decode_text(rv, s->text) : NULL;
}

int run_verdict_end(struct run_verdict *rv, int guest)
{
	const struct splat_log *splats = &rv->log.splats;
	int status = status_of(rv, guest), ret;
	char *splat, *panic, *vcpus;
	struct verdict_facts facts;

	if (splats->first.taken || rv->cpus || guest == EXIT_GUEST_PANIC)
		find_symbols(rv);
	vcpus = describe_cpus(rv);
	splat = splat_text(rv, &splats->first);
	panic = splat_text(rv, &splats->fatal);
	say(rv, guest, splat, vcpus);
	facts = (struct verdict_facts) {
		.status = status,
		.reason = reason_of(rv, guest),
		.name = *rv->cfg->name ? rv->cfg->name : NULL,
		.kernel = rv->kernel,
		.uptime_ms = rv->uptime_ms,
		.command = rv->command,
		.counts = splats->counts,
		.splat = splat,
		.splat_kind = splats->first.kind,
		.panic = panic,
		.vcpus = vcpus,
	};
	ret = rv->args->file && !rv->cfg->dry_run ? verdict_write(&facts, rv->args->file) : 0;
	if (ret) {
		log_err("--verdict %s: %s", rv->args->file, strerror(-ret));
		status = EXIT_VMTOOL_ERROR;
	}
	if (rv->have_syms)
		symbols_close(&rv->syms);
	free(vcpus);
	free(panic);
	free(splat);
	free(rv->cpus);
	free(rv);
	return status;
}
