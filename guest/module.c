// SPDX-License-Identifier: GPL-2.0
#include "guest.h"

/* module PATH [PARAMS] */
int do_module(const struct directive *d)
{
	long fd, ret;

	fd = k_openat(d->field[1], O_RDONLY | O_CLOEXEC, 0);
	ret = fd < 0 ? fd : my_syscall3(__NR_finit_module, fd, d->field[2], 0);
	if (fd >= 0)
		k_close(fd);
	/* Loaded by an alias, or built in. */
	if (!ret || ret == -EEXIST)
		return 0;
	say("cannot load module", d->field[1], ret);
	/* A driver whose device is not there is not needed. */
	return ret == -ENODEV ? 0 : ret;
}
