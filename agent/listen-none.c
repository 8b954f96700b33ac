// SPDX-License-Identifier: GPL-2.0
/* Without control sockets a guest has no name, and nobody finds it. */
#include "router.h"

int router_listen(struct agent_router *r, const char *name)
{
	return 0;
}

void router_unlisten(struct agent_router *r)
{
}
