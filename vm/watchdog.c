// SPDX-License-Identifier: GPL-2.0
/*
 * The watchdog of --hang: looks at the guest eight times in the period, and ends it
 * when watchdog_judge() says so. A look holds the vCPUs for some 100 us.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <linux/kernel.h>
#include <vmtool/arch.h>
#include <vmtool/log.h>
#include <vmtool/vm.h>
#include <vmtool/watchdog.h>

#define LOOKS		8
#define LOOK_MIN_MS	100
#define LOOK_MAX_MS	1000
/* How long a guest may take to print the backtrace it was asked for. */
#define NMI_GRACE_MS	2000
/* A device's thread that ran for less was only woken up. */
#define OTHERS_NS	200000

#define NS_PER_SEC	1000000000ULL

static u64 clock_ns(clockid_t clock)
{
	struct timespec ts;

	if (clock_gettime(clock, &ts))
		return 0;
	return ts.tv_sec * NS_PER_SEC + ts.tv_nsec;
}

static u64 now_ms(void)
{
	return clock_ns(CLOCK_MONOTONIC) / 1000000;
}

/* Time that a thread ran, in ns, and time that it waited for a CPU. */
static u64 thread_ran(const struct vcpu *v)
{
	clockid_t clock;

	return pthread_getcpuclockid(v->thread, &clock) ? 0 : clock_ns(clock);
}

static u64 thread_waited(const struct vcpu *v)
{
	char path[64], text[96], *end;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/self/task/%d/schedstat", v->tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	strtoull(text, &end, 10);
	return strtoull(end, NULL, 10);
}

/* What neither vCPUs nor this thread have used is the devices' threads'. */
static u64 others_ran(const struct vm *vm)
{
	u64 all = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	u64 ours = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	unsigned int i;

	for (i = 0; i < vm->nr_vcpus; i++)
		ours += thread_ran(vm->vcpus[i]);
	return all > ours ? all - ours : 0;
}

static void look_at_vcpu(struct vcpu *v, struct watch_cpu *c, u64 passed_ns)
{
	u64 busy = thread_ran(v) + thread_waited(v);

	c->busy = busy - c->busy_ns > passed_ns / 2;
	c->busy_ns = busy;
	c->exits = v->exits - c->last_exits;
	c->last_exits = v->exits;
	c->sample = (struct vcpu_sample) { };
	c->sample.known = !arch_vcpu_sample(v, &c->sample);
}

/* The vCPUs are held. */
static void look(struct vm *vm, u64 now)
{
	struct watchdog *w = &vm->watchdog;
	u64 others = others_ran(vm), passed = (now - w->last_ms) * 1000000;
	u64 printed = __atomic_load_n(&w->printed, __ATOMIC_RELAXED);
	unsigned int i;

	w->moved = printed != w->seen_printed || others > w->others_ns + OTHERS_NS;
	w->seen_printed = printed;
	w->others_ns = others;
	w->last_ms = now;
	for (i = 0; i < w->nr_cpus; i++) {
		look_at_vcpu(vm->vcpus[i], &w->cpus[i], passed);
		w->moved |= w->cpus[i].exits;
	}
}

static void ask_for_backtrace(struct vm *vm)
{
	unsigned int i;

	for (i = 0; i < vm->nr_vcpus; i++)
		arch_vcpu_nmi(vm->vcpus[i]);
}

static void strike(struct vm *vm, enum watch_state state)
{
	struct watchdog *w = &vm->watchdog;

	w->state = state;
	w->sampled = true;
	log_err("the guest hangs: for %llu s %s", (unsigned long long)w->limit_ms / 1000,
		watchdog_describe(state));
	pthread_mutex_lock(&vm->console_lock);
	vm->verdict.hung = true;
	verdict_set(&vm->verdict, EXIT_GUEST_HUNG);
	pthread_mutex_unlock(&vm->console_lock);
	ask_for_backtrace(vm);
	ev_timer_set(&vm->loop, &w->grace, NMI_GRACE_MS);
}

static void next_look(struct watchdog *w)
{
	u64 ms = w->limit_ms / LOOKS;

	ms = ms < LOOK_MIN_MS ? LOOK_MIN_MS : min_t(u64, ms, LOOK_MAX_MS);
	ev_timer_set(&w->vm->loop, &w->timer, ms);
}

static void watchdog_look(struct ev_timer *timer)
{
	struct watchdog *w = container_of(timer, struct watchdog, timer);
	struct vm *vm = w->vm;
	enum watch_state state;
	u64 now;

	if (vm->run.state == RUN_ENDED)
		return;
	/* A request comes first; what is paused does not hang. */
	if (vm->run.state != RUN_RUNNING || runstate_held(&vm->run)) {
		watchdog_begin(w, now_ms());
		next_look(w);
		return;
	}
	vcpus_hold(vm);
	now = now_ms();
	look(vm, now);
	state = watchdog_judge(w, now);
	if (state == WATCH_WELL)
		next_look(w);
	else
		strike(vm, state);
	vcpus_release(vm);
}

static void watchdog_end(struct ev_timer *timer)
{
	struct watchdog *w = container_of(timer, struct watchdog, grace);

	runstate_request(&w->vm->run, RUN_BY_TIMEOUT);
}

int watchdog_start(struct vm *vm)
{
	struct watchdog *w = &vm->watchdog;

	w->vm = vm;
	w->limit_ms = vm->cfg->hang * 1000ULL;
	w->idle = vm->cfg->hang_idle;
	w->timer.fn = watchdog_look;
	w->grace.fn = watchdog_end;
	w->nr_cpus = vm->nr_vcpus;
	w->cpus = calloc(w->nr_cpus ?: 1, sizeof(*w->cpus));
	if (!w->cpus)
		return -ENOMEM;
	watchdog_begin(w, now_ms());
	if (w->limit_ms)
		next_look(w);
	return 0;
}

void watchdog_sample(struct vm *vm)
{
	struct watchdog *w = &vm->watchdog;
	unsigned int i;

	if (w->sampled)
		return;
	vcpus_hold(vm);
	for (i = 0; i < w->nr_cpus; i++) {
		struct vcpu_sample *s = &w->cpus[i].sample;

		*s = (struct vcpu_sample) { };
		s->known = !arch_vcpu_sample(vm->vcpus[i], s);
	}
	w->sampled = true;
}

void watchdog_destroy(struct vm *vm)
{
	ev_timer_destroy(&vm->watchdog.timer);
	ev_timer_destroy(&vm->watchdog.grace);
	free(vm->watchdog.cpus);
	vm->watchdog.cpus = NULL;
	vm->watchdog.nr_cpus = 0;
}
