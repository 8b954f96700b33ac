// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>

#include <linux/kernel.h>
#include <vmtool/log.h>
#include <vmtool/runstate.h>

#define CAUSE(c)	(1U << (c))
#define GUEST_CAUSES	(CAUSE(RUN_BY_GUEST_POWEROFF) | CAUSE(RUN_BY_GUEST_RESET) |	\
			 CAUSE(RUN_BY_GUEST_TRIPLE_FAULT) | CAUSE(RUN_BY_GUEST_PANIC))

void runstate_init(struct runstate *rs, struct evloop *loop, struct verdict *verdict,
		   const struct run_ops *ops, void *priv)
{
	memset(rs, 0, sizeof(*rs));
	rs->loop = loop;
	rs->verdict = verdict;
	rs->ops = ops;
	rs->priv = priv;
	INIT_LIST_HEAD(&rs->observers);
}

void runstate_request(struct runstate *rs, enum run_cause cause)
{
	__atomic_fetch_or(&rs->pending, CAUSE(cause), __ATOMIC_SEQ_CST);
	ev_wake(rs->loop);
}

bool runstate_held(struct runstate *rs)
{
	return __atomic_load_n(&rs->pending, __ATOMIC_SEQ_CST) != 0;
}

static void tell(struct runstate *rs, enum run_event event, enum run_cause cause)
{
	struct run_observer *obs, *next;

	list_for_each_entry_safe(obs, next, &rs->observers, node)
		obs->fn(obs, event, cause);
}

static void end(struct runstate *rs, enum run_cause cause, int status)
{
	verdict_set(rs->verdict, status);
	rs->state = RUN_ENDED;
	tell(rs, RUN_EV_SHUTDOWN, cause);
	evloop_quit(rs->loop);
}

static int reset(struct runstate *rs, enum run_cause cause)
{
	int ret = rs->ops->reset(rs->priv);

	if (ret) {
		log_err("cannot reset the guest: %s", strerror(-ret));
		end(rs, RUN_BY_HOST_ERROR, EXIT_VMTOOL_ERROR);
		return ret;
	}
	rs->resets++;
	verdict_restart(rs->verdict);
	tell(rs, RUN_EV_RESET, cause);
	return 0;
}

static void guest_reset(struct runstate *rs, enum run_cause cause)
{
	bool meant = cause == RUN_BY_GUEST_RESET || rs->verdict->restart_announced ||
		     __atomic_load_n(&rs->verdict->console_down, __ATOMIC_SEQ_CST);

	/* Every way to reboot is fine; a CPU that shuts down by itself is not. */
	if (rs->verdict->panicked) {
		end(rs, RUN_BY_GUEST_PANIC, EXIT_GUEST_PANIC);
	} else if (!meant) {
		/* One that hung may not be ready for the NMI it was sent. */
		if (rs->verdict->status != EXIT_GUEST_HUNG)
			log_err("the guest's CPU hit a triple fault");
		end(rs, cause, EXIT_GUEST_RESET);
	} else if (rs->exit_on_reset) {
		end(rs, cause, EXIT_GUEST_OK);
	} else {
		reset(rs, cause);
	}
}

static void guest_panicked(struct runstate *rs)
{
	rs->verdict->panicked = true;
	verdict_set(rs->verdict, EXIT_GUEST_PANIC);
	tell(rs, RUN_EV_PANICKED, RUN_BY_GUEST_PANIC);
	end(rs, RUN_BY_GUEST_PANIC, EXIT_GUEST_PANIC);
}

/*
 * What the guest did by itself comes before what was wanted from outside. Only
 * a guest that powered itself off is a good one: ended from outside, nobody can
 * tell.
 */
static void act(struct runstate *rs, unsigned int pending)
{
	if (pending & CAUSE(RUN_BY_HOST_ERROR))
		end(rs, RUN_BY_HOST_ERROR, EXIT_VMTOOL_ERROR);
	else if (pending & CAUSE(RUN_BY_GUEST_PANIC))
		guest_panicked(rs);
	else if (pending & CAUSE(RUN_BY_GUEST_POWEROFF))
		end(rs, RUN_BY_GUEST_POWEROFF, EXIT_GUEST_OK);
	else if (pending & CAUSE(RUN_BY_TIMEOUT))
		end(rs, RUN_BY_TIMEOUT, EXIT_GUEST_HUNG);
	else if (pending & CAUSE(RUN_BY_HOST_SIGNAL))
		end(rs, RUN_BY_HOST_SIGNAL, EXIT_VMTOOL_ERROR);
	else if (pending & CAUSE(RUN_BY_HOST_UI))
		end(rs, RUN_BY_HOST_UI, EXIT_VMTOOL_ERROR);
	else if (pending & CAUSE(RUN_BY_HOST_QMP))
		end(rs, RUN_BY_HOST_QMP, EXIT_VMTOOL_ERROR);
	else if (pending & CAUSE(RUN_BY_GUEST_RESET))
		guest_reset(rs, RUN_BY_GUEST_RESET);
	else if (pending & CAUSE(RUN_BY_GUEST_TRIPLE_FAULT))
		guest_reset(rs, RUN_BY_GUEST_TRIPLE_FAULT);
}

void runstate_service(struct runstate *rs)
{
	unsigned int pending;

	if (!runstate_held(rs) || rs->state == RUN_ENDED)
		return;
	/* The request stays visible until every vCPU waits: none slips by. */
	rs->ops->hold(rs->priv);
	pending = __atomic_exchange_n(&rs->pending, 0, __ATOMIC_SEQ_CST);
	act(rs, pending);
	if (rs->state == RUN_RUNNING)
		rs->ops->release(rs->priv);
}

void runstate_start(struct runstate *rs)
{
	rs->state = RUN_RUNNING;
	rs->ops->release(rs->priv);
	tell(rs, RUN_EV_RESUME, RUN_BY_HOST_QMP);
}

int runstate_pause(struct runstate *rs)
{
	if (rs->state == RUN_ENDED)
		return -ESHUTDOWN;
	if (rs->state != RUN_RUNNING)
		return 0;
	rs->ops->hold(rs->priv);
	rs->state = RUN_PAUSED;
	tell(rs, RUN_EV_STOP, RUN_BY_HOST_QMP);
	return 0;
}

int runstate_resume(struct runstate *rs)
{
	if (rs->state == RUN_ENDED)
		return -ESHUTDOWN;
	if (rs->state != RUN_PAUSED)
		return 0;
	rs->state = RUN_RUNNING;
	tell(rs, RUN_EV_RESUME, RUN_BY_HOST_QMP);
	rs->ops->release(rs->priv);
	return 0;
}

int runstate_reset(struct runstate *rs)
{
	int ret;

	if (rs->state == RUN_ENDED)
		return -ESHUTDOWN;
	rs->ops->hold(rs->priv);
	/* What the guest asked for before belongs to its former life. */
	__atomic_fetch_and(&rs->pending, ~GUEST_CAUSES, __ATOMIC_SEQ_CST);
	ret = reset(rs, RUN_BY_HOST_QMP);
	if (rs->state == RUN_RUNNING)
		rs->ops->release(rs->priv);
	return ret;
}

int runstate_powerdown(struct runstate *rs)
{
	int ret;

	if (rs->state == RUN_ENDED)
		return -ESHUTDOWN;
	if (rs->state != RUN_RUNNING)
		return -EAGAIN;
	ret = rs->ops->powerdown(rs->priv);
	if (!ret)
		tell(rs, RUN_EV_POWERDOWN, RUN_BY_HOST_QMP);
	return ret;
}

void runstate_observe(struct runstate *rs, struct run_observer *obs)
{
	list_add_tail(&obs->node, &rs->observers);
}
