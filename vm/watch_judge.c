// SPDX-License-Identifier: GPL-2.0
/*
 * When a guest hangs. What is seen of it, a few times in the period asked for:
 *
 * - Has anything been printed, has a vCPU left KVM, has a device's thread run?
 * - Does each vCPU run a program, spin in the kernel, or wait halted?
 *
 * A vCPU that is found in the kernel with interrupts off each time, and never has
 * left KVM in between, is locked up, whatever the others do. A guest that neither
 * prints nor does I/O hangs when each vCPU that runs is found in the kernel each time:
 * one that computes is found in a program sooner or later. One whose vCPUs are all
 * halted waits for something, unless their interrupts are off.
 */
#include <string.h>

#include <linux/kernel.h>
#include <vmtool/watchdog.h>

void watchdog_begin(struct watchdog *w, u64 now_ms)
{
	unsigned int i;

	w->silent_ms = now_ms;
	w->dead_ms = now_ms;
	w->moved_ms = now_ms;
	w->last_ms = now_ms;
	for (i = 0; i < w->nr_cpus; i++)
		w->cpus[i].stuck_ms = now_ms;
}

static bool is_waiting(const struct vcpu_sample *s)
{
	return s->halted || s->off;
}

static bool is_locked(const struct watch_cpu *c)
{
	const struct vcpu_sample *s = &c->sample;

	return s->known && c->busy && !c->exits && !s->user && s->irqs_off && !is_waiting(s);
}

static bool look_at_cpus(struct watchdog *w, u64 now_ms)
{
	bool locked = false;
	unsigned int i;

	for (i = 0; i < w->nr_cpus; i++) {
		struct watch_cpu *c = &w->cpus[i];

		if (!is_locked(c))
			c->stuck_ms = now_ms;
		else if (now_ms - c->stuck_ms >= w->limit_ms)
			locked = true;
	}
	return locked;
}

/* Does each vCPU that is not halted spin in the kernel, and is there one? */
static bool all_spin(const struct watchdog *w)
{
	unsigned int i, spinning = 0;

	for (i = 0; i < w->nr_cpus; i++) {
		const struct vcpu_sample *s = &w->cpus[i].sample;

		if (!s->known || (s->user && w->cpus[i].busy))
			return false;
		spinning += !is_waiting(s);
	}
	return spinning;
}

static bool all_dead(const struct watchdog *w)
{
	unsigned int i, dead = 0;

	for (i = 0; i < w->nr_cpus; i++) {
		const struct vcpu_sample *s = &w->cpus[i].sample;

		if (!s->known || (!s->off && !(s->halted && s->irqs_off)))
			return false;
		dead += !s->off;
	}
	return dead;
}

enum watch_state watchdog_judge(struct watchdog *w, u64 now_ms)
{
	bool locked = look_at_cpus(w, now_ms);

	if (w->moved)
		w->moved_ms = now_ms;
	if (w->moved || !all_spin(w))
		w->silent_ms = now_ms;
	if (!all_dead(w))
		w->dead_ms = now_ms;
	if (locked)
		return WATCH_LOCKED;
	if (now_ms - w->dead_ms >= w->limit_ms)
		return WATCH_DEAD;
	if (now_ms - w->silent_ms >= w->limit_ms)
		return WATCH_SILENT;
	if (w->idle && now_ms - w->moved_ms >= w->limit_ms)
		return WATCH_IDLE;
	return WATCH_WELL;
}

const char *watchdog_describe(enum watch_state state)
{
	static const char *const texts[] = {
		[WATCH_WELL] = "nothing is wrong",
		[WATCH_LOCKED] = "a vCPU spins in the kernel with interrupts off",
		[WATCH_SILENT] = "its vCPUs spin in the kernel, without output or I/O",
		[WATCH_DEAD] = "its vCPUs are halted with interrupts off",
		[WATCH_IDLE] = "there is neither output nor I/O",
	};

	return texts[state];
}
