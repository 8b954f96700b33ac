// SPDX-License-Identifier: GPL-2.0
/*
 * Commands that change the run state.
 */
#include <errno.h>
#include <string.h>

#include <jansson.h>

#include "internal.h"

static struct runstate *runstate_of(void *priv)
{
	struct control_server *srv = priv;

	return srv->info->run;
}

static json_t *done(int ret, const char *what, struct qmp_error *err)
{
	if (!ret)
		return json_object();
	if (ret == -ESHUTDOWN)
		qmp_error_set(err, NULL, "the guest has ended");
	else
		qmp_error_set(err, NULL, "cannot %s the guest: %s", what, strerror(-ret));
	return NULL;
}

static json_t *stop(void *priv, const json_t *args, struct qmp_error *err)
{
	return done(runstate_pause(runstate_of(priv)), "pause", err);
}

static json_t *cont(void *priv, const json_t *args, struct qmp_error *err)
{
	return done(runstate_resume(runstate_of(priv)), "resume", err);
}

static json_t *system_reset(void *priv, const json_t *args, struct qmp_error *err)
{
	return done(runstate_reset(runstate_of(priv)), "reset", err);
}

static json_t *system_powerdown(void *priv, const json_t *args, struct qmp_error *err)
{
	struct runstate *run = runstate_of(priv);
	int ret = runstate_powerdown(run);

	if (ret == -ENOTSUP) {
		qmp_error_set(err, NULL, "the guest does not listen to the power button");
		return NULL;
	}
	if (ret == -EAGAIN) {
		qmp_error_set(err, NULL, run->state == RUN_PAUSED ?
			      "the guest is paused" : "the guest has not been started");
		return NULL;
	}
	return done(ret, "power off", err);
}

static json_t *quit(void *priv, const json_t *args, struct qmp_error *err)
{
	/* The loop acts on it after the answer was queued. */
	runstate_request(runstate_of(priv), RUN_BY_HOST_QMP);
	return json_object();
}

const struct qmp_command control_run_commands[] = {
	{ "stop", "pause the guest", NULL, stop },
	{ "cont", "let a paused guest go on", NULL, cont },
	{ "system_reset", "reset the guest", NULL, system_reset },
	{ "system_powerdown", "press the guest's power button", NULL, system_powerdown },
	{ "quit", "end the guest and vmtool at once", NULL, quit },
	{ }
};
