/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_HALT_H
#define VMTOOL_HALT_H

#include <stdbool.h>
#include <vmtool/evloop.h>

struct vm;

/**
 * struct halt_watch - finds out that a guest without a console has halted
 * @vm: the machine
 * @timer: when to look again
 * @armed: @timer is set
 * @seen: how many times in a row no vCPU could be woken up
 */
struct halt_watch {
	struct vm *vm;
	struct ev_timer timer;
	bool armed;
	unsigned int seen;
};

/**
 * halt_watch_init() - prepare, look at nothing
 * @h: watch
 * @vm: machine that it belongs to
 */
void halt_watch_init(struct halt_watch *h, struct vm *vm);

/**
 * halt_watch_service() - begin to look, or stop, as verdict.console_down says
 * @h: watch
 *
 * On the event loop's thread. A guest whose vCPUs have all halted with interrupts off
 * is ended as one that has powered off.
 */
void halt_watch_service(struct halt_watch *h);

/**
 * halt_watch_destroy() - release everything
 * @h: watch
 */
void halt_watch_destroy(struct halt_watch *h);

#endif /* VMTOOL_HALT_H */
