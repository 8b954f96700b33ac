/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_GUEST_INIT_H
#define VMTOOL_GUEST_INIT_H

#include <stddef.h>

/*
 * The init of guests, a static program of the architecture that vmtool was built for,
 * linked into vmtool. It carries out /vmtool.conf: see guest/init.c.
 */

/** guest_init - the program */
extern const unsigned char guest_init[];

/** guest_init_size - its bytes */
extern const size_t guest_init_size;

#endif /* VMTOOL_GUEST_INIT_H */
