/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_POWERPC_XICS_CORE_H
#define VMTOOL_POWERPC_XICS_CORE_H

#include <stdbool.h>
#include <linux/types.h>

/*
 * The interrupt controller XICS as a state machine that knows nothing of KVM (LoPAR,
 * chapter "Interrupt Controller"). A source sends an interrupt to the server, a CPU, that
 * it is configured for; the server presents the most favoured one to its CPU, if that is
 * more favoured than what the CPU is at. The smaller a priority, the more favoured.
 *
 * All functions take the controller's lock, and so may be called on any thread.
 */

#define XICS_MASKED	0xff	/* a priority that is never presented */
#define XICS_IPI	2	/* the source that a server's MFRR is */

struct xics;

/**
 * xics_new() - a controller with no sources, whose servers have nothing to present
 * @nr_servers: servers, from 0
 * @first: number of the first source
 * @nr: how many there can be
 * @output: a server has something to present, or no more; called under the lock
 * @priv: passed to @output
 *
 * Return: controller, or NULL without memory.
 */
struct xics *xics_new(u32 nr_servers, u32 first, u32 nr,
		      void (*output)(void *priv, u32 server, bool level), void *priv);

/** xics_free() - release it; @x may be NULL */
void xics_free(struct xics *x);

/**
 * xics_mute() - the CPUs are about to be gone: nobody is told anything any more
 * @x: controller
 */
void xics_mute(struct xics *x);

/**
 * xics_power_on() - back to the state of power-on
 * @x: controller
 *
 * Sources stay, masked; so does the level of those that have one, which is the device's.
 */
void xics_power_on(struct xics *x);

/**
 * xics_make() - make a source, masked
 * @x: controller
 * @irq: number of the source
 * @lsi: it has a level; else each edge is a message
 *
 * Return: 0 or -EINVAL.
 */
int xics_make(struct xics *x, u32 irq, bool lsi);

/**
 * xics_line() - the device raises or lowers a source
 * @x: controller
 * @irq: number of the source; one that was not made is ignored
 * @level: new level; a message is sent by true alone
 */
void xics_line(struct xics *x, u32 irq, bool level);

/**
 * xics_configure() - where a source sends its interrupts (ibm,set-xive)
 * @x: controller
 * @irq: number of the source
 * @server: server
 * @priority: priority, XICS_MASKED for never
 *
 * What waits to be accepted by the server that it had is sent to the new one instead.
 *
 * Return: 0, or -EINVAL when there is no such source or server.
 */
int xics_configure(struct xics *x, u32 irq, u32 server, u8 priority);

/**
 * xics_query() - what a source was configured for (ibm,get-xive)
 * @x: controller
 * @irq: number of the source
 * @server: its server
 * @priority: its priority, XICS_MASKED while it is masked
 *
 * Return: 0, or -EINVAL when there is no such source.
 */
int xics_query(struct xics *x, u32 irq, u32 *server, u8 *priority);

/**
 * xics_enable() - mask a source, or give it back the priority that it had (ibm,int-off,
 *	ibm,int-on)
 * @x: controller
 * @irq: number of the source
 * @on: unmask it
 *
 * Return: 0, or -EINVAL when there is no such source.
 */
int xics_enable(struct xics *x, u32 irq, bool on);

/**
 * xics_accept() - take what a server presents (H_XIRR)
 * @x: controller
 * @server: server, one that there is
 *
 * The CPU is at the interrupt's priority from now on.
 *
 * Return: XIRR: the CPU's priority before << 24 | source; 0 for the latter: none.
 */
u32 xics_accept(struct xics *x, u32 server);

/**
 * xics_poll() - look at a server (H_IPOLL)
 * @x: controller
 * @server: server
 * @xirr: what xics_accept() would return
 * @mfrr: priority of what other CPUs ask for
 *
 * Return: 0, or -EINVAL when there is no such server.
 */
int xics_poll(struct xics *x, u32 server, u32 *xirr, u8 *mfrr);

/**
 * xics_set_cppr() - say which priority a CPU is at (H_CPPR)
 * @x: controller
 * @server: server, one that there is
 * @cppr: only what is more favoured is presented; what is not any more is sent again later
 */
void xics_set_cppr(struct xics *x, u32 server, u8 cppr);

/**
 * xics_set_mfrr() - ask for an interrupt of another CPU, or no more (H_IPI)
 * @x: controller
 * @server: server
 * @mfrr: priority; XICS_MASKED for none
 *
 * Return: 0, or -EINVAL when there is no such server.
 */
int xics_set_mfrr(struct xics *x, u32 server, u8 mfrr);

/**
 * xics_eoi() - an interrupt has been dealt with (H_EOI)
 * @x: controller
 * @server: server, one that there is
 * @xirr: what xics_accept() returned: priority to be at again << 24 | source
 *
 * A source whose level is still high interrupts again, as does one that has sent another
 * message since.
 *
 * Return: 0, or -EINVAL when there is no such source.
 */
int xics_eoi(struct xics *x, u32 server, u32 xirr);

#endif /* VMTOOL_POWERPC_XICS_CORE_H */
