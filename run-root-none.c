// SPDX-License-Identifier: GPL-2.0
/*
 * Without CONFIG_HOST_ROOT a guest's root is what its disk or its initrd has.
 */
#include "run-root.h"

int run_root_options(struct option *options, int max, struct run_root *rr)
{
	return 0;
}

int run_root_take_disk(struct run_root *rr, struct vm_config *cfg)
{
	return 0;
}

int run_root_open(struct run_root *rr, struct vm_config *cfg)
{
	return 0;
}

int run_root_prepare(struct run_root *rr, struct vm_config *cfg)
{
	return 0;
}

void run_root_release(struct run_root *rr)
{
}
