// SPDX-License-Identifier: GPL-2.0
/*
 * Changes of the run state, told in the words of QMP's run-state schema (the
 * enumerations ShutdownCause and GuestPanicAction).
 */
#include <jansson.h>

#include <linux/kernel.h>

#include "internal.h"

static const struct {
	const char *reason;
	bool guest;
} causes[] = {
	[RUN_BY_HOST_QMP]		= { "host-qmp-quit", false },
	[RUN_BY_HOST_SIGNAL]		= { "host-signal", false },
	[RUN_BY_HOST_UI]		= { "host-ui", false },
	[RUN_BY_HOST_ERROR]		= { "host-error", false },
	/* Not one of QMP's: there is no --timeout there. */
	[RUN_BY_TIMEOUT]		= { "host-timeout", false },
	[RUN_BY_GUEST_POWEROFF]		= { "guest-shutdown", true },
	[RUN_BY_GUEST_RESET]		= { "guest-reset", true },
	[RUN_BY_GUEST_TRIPLE_FAULT]	= { "guest-reset", true },
	[RUN_BY_GUEST_PANIC]		= { "guest-panic", true },
};

static json_t *why(const char *reason, bool guest)
{
	return json_pack("{s:b, s:s}", "guest", guest, "reason", reason);
}

void control_observe(struct run_observer *obs, enum run_event event, enum run_cause cause)
{
	struct control_server *srv = container_of(obs, struct control_server, observer);
	const char *reason = causes[cause].reason;

	switch (event) {
	case RUN_EV_RESUME:
		control_emit(srv, "RESUME", NULL);
		break;
	case RUN_EV_STOP:
		control_emit(srv, "STOP", NULL);
		break;
	case RUN_EV_RESET:
		if (cause == RUN_BY_HOST_QMP)
			reason = "host-qmp-system-reset";
		control_emit(srv, "RESET", why(reason, causes[cause].guest));
		break;
	case RUN_EV_POWERDOWN:
		control_emit(srv, "POWERDOWN", NULL);
		break;
	case RUN_EV_PANICKED:
		control_emit(srv, "GUEST_PANICKED",
			     json_pack("{s:s}", "action", "poweroff"));
		break;
	case RUN_EV_SHUTDOWN:
		control_emit(srv, "SHUTDOWN", why(reason, causes[cause].guest));
		break;
	}
}
