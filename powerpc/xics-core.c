// SPDX-License-Identifier: GPL-2.0
/*
 * A source is idle; or its interrupt waits until its server can present it, is presented,
 * or has been accepted by the CPU. All that waits and is not masked is in its server's
 * list, so a server is brought up to date by looking there: whatever changed, nothing has
 * to be remembered of what was rejected, and why.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include <linux/kernel.h>
#include <linux/list.h>

#include "xics-core.h"

#define XIRR_CPPR_SHIFT	24
#define XIRR_SOURCE	0xffffff

enum source_state {
	IDLE,
	WAITING,
	PRESENTED,	/* by the server that it is configured for */
	ACCEPTED,	/* by a CPU: until that ends it */
};

struct source {
	struct list_head waiting;
	enum source_state state;
	u32 server;
	u8 priority;
	u8 saved;	/* the priority that it has when it is not masked */
	bool made;
	bool lsi;
	bool level;
	bool again;	/* another message came while it was ACCEPTED */
};

/*
 * struct server - what a CPU sees
 * @waiting: sources that it does not present, but would
 * @source: what it presents, 0 for nothing
 * @priority: of that
 * @cppr: priority that the CPU is at
 * @mfrr: priority of what other CPUs ask for
 * @output: what the CPU was told
 */
struct server {
	struct list_head waiting;
	u32 source;
	u8 priority;
	u8 cppr;
	u8 mfrr;
	bool output;
};

struct xics {
	pthread_mutex_t lock;	/* of all that follows */
	u32 nr_servers;
	u32 first;
	u32 nr;
	void (*output)(void *priv, u32 server, bool level);
	void *priv;
	bool mute;
	struct server *servers;
	struct source *sources;
};

static struct source *find_source(struct xics *x, u32 irq)
{
	return irq - x->first < x->nr && x->sources[irq - x->first].made ?
	       &x->sources[irq - x->first] : NULL;
}

/* --- under the lock -------------------------------------------------------------------- */

static void wait_for_server(struct xics *x, struct source *s)
{
	s->state = WAITING;
	if (s->priority != XICS_MASKED)
		list_add_tail(&s->waiting, &x->servers[s->server].waiting);
}

/* What a server presents is taken back; an IPI stays in its MFRR. */
static void reject(struct xics *x, struct server *sv)
{
	struct source *s = sv->source == XICS_IPI ? NULL : find_source(x, sv->source);

	if (s)
		wait_for_server(x, s);
	sv->source = 0;
}

/* A priority has to be smaller than this one to be presented. */
static u8 limit(const struct server *sv)
{
	return sv->source ? sv->priority : sv->cppr;
}

/* Of equal ones that which has waited longest. */
static struct source *most_favoured(struct server *sv, u8 below)
{
	struct source *s, *best = NULL;

	list_for_each_entry(s, &sv->waiting, waiting) {
		if (s->priority >= below)
			continue;
		best = s;
		below = s->priority;
	}
	return best;
}

/* What a server presents, after anything has changed. */
static void update(struct xics *x, u32 server)
{
	struct server *sv = &x->servers[server];
	struct source *s;

	if (sv->source == XICS_IPI)
		sv->priority = sv->mfrr;
	if (sv->source && sv->priority >= sv->cppr)
		reject(x, sv);
	if (sv->mfrr < limit(sv)) {
		reject(x, sv);
		sv->source = XICS_IPI;
		sv->priority = sv->mfrr;
	}
	s = most_favoured(sv, limit(sv));
	if (s) {
		reject(x, sv);
		list_del_init(&s->waiting);
		s->state = PRESENTED;
		sv->source = x->first + (s - x->sources);
		sv->priority = s->priority;
	}
	if (sv->output == !!sv->source || x->mute)
		return;
	sv->output = !!sv->source;
	x->output(x->priv, server, sv->output);
}

/* As if it had never asked: its server does not present it, and it waits nowhere. */
static void take_back(struct xics *x, struct source *s)
{
	if (s->state == PRESENTED)
		x->servers[s->server].source = 0;
	list_del_init(&s->waiting);
}

static void configure(struct xics *x, struct source *s, u32 server, u8 priority)
{
	bool asks = s->state == WAITING || s->state == PRESENTED;
	u32 old = s->server;

	take_back(x, s);
	s->server = server;
	s->priority = priority;
	if (asks)
		wait_for_server(x, s);
	update(x, old);
	if (server != old)
		update(x, server);
}

static void raise_source(struct xics *x, struct source *s)
{
	if (s->state == IDLE) {
		wait_for_server(x, s);
		update(x, s->server);
	} else if (s->state == ACCEPTED && !s->lsi) {
		s->again = true;
	}
}

/* What no CPU has accepted yet is over then. */
static void lower_source(struct xics *x, struct source *s)
{
	if (s->state != WAITING && s->state != PRESENTED)
		return;
	take_back(x, s);
	s->state = IDLE;
	update(x, s->server);
}

static void end_source(struct xics *x, struct source *s)
{
	/* A guest may end what it never got. */
	if (s->state != ACCEPTED)
		return;
	if (s->lsi ? s->level : s->again)
		wait_for_server(x, s);
	else
		s->state = IDLE;
	s->again = false;
	update(x, s->server);
}

static void reset_source(struct xics *x, struct source *s)
{
	INIT_LIST_HEAD(&s->waiting);
	s->state = IDLE;
	s->server = 0;
	s->priority = XICS_MASKED;
	s->saved = XICS_MASKED;
	s->again = false;
	if (s->lsi && s->level)
		wait_for_server(x, s);
}

static void reset_server(struct xics *x, u32 server)
{
	struct server *sv = &x->servers[server];

	INIT_LIST_HEAD(&sv->waiting);
	sv->source = 0;
	sv->cppr = 0;
	sv->mfrr = XICS_MASKED;
	update(x, server);
}

/* --- for all --------------------------------------------------------------------------- */

struct xics *xics_new(u32 nr_servers, u32 first, u32 nr,
		      void (*output)(void *priv, u32 server, bool level), void *priv)
{
	struct xics *x = calloc(1, sizeof(*x));

	if (!x)
		return NULL;
	pthread_mutex_init(&x->lock, NULL);
	x->nr_servers = nr_servers;
	x->first = first;
	x->nr = nr;
	x->output = output;
	x->priv = priv;
	x->servers = calloc(nr_servers, sizeof(*x->servers));
	x->sources = calloc(nr, sizeof(*x->sources));
	if (!x->servers || !x->sources) {
		xics_free(x);
		return NULL;
	}
	xics_power_on(x);
	return x;
}

void xics_free(struct xics *x)
{
	if (!x)
		return;
	free(x->servers);
	free(x->sources);
	pthread_mutex_destroy(&x->lock);
	free(x);
}

void xics_mute(struct xics *x)
{
	pthread_mutex_lock(&x->lock);
	x->mute = true;
	pthread_mutex_unlock(&x->lock);
}

void xics_power_on(struct xics *x)
{
	u32 i;

	pthread_mutex_lock(&x->lock);
	/* Servers first: a source leaves no list, the lists are emptied. */
	for (i = 0; i < x->nr_servers; i++)
		reset_server(x, i);
	for (i = 0; i < x->nr; i++)
		reset_source(x, &x->sources[i]);
	pthread_mutex_unlock(&x->lock);
}

int xics_make(struct xics *x, u32 irq, bool lsi)
{
	struct source *s;

	if (irq - x->first >= x->nr)
		return -EINVAL;
	pthread_mutex_lock(&x->lock);
	s = &x->sources[irq - x->first];
	s->made = true;
	s->lsi = lsi;
	pthread_mutex_unlock(&x->lock);
	return 0;
}

void xics_line(struct xics *x, u32 irq, bool level)
{
	struct source *s;

	pthread_mutex_lock(&x->lock);
	s = find_source(x, irq);
	if (s) {
		s->level = level;
		if (level)
			raise_source(x, s);
		else if (s->lsi)
			lower_source(x, s);
	}
	pthread_mutex_unlock(&x->lock);
}

int xics_configure(struct xics *x, u32 irq, u32 server, u8 priority)
{
	struct source *s;

	if (server >= x->nr_servers)
		return -EINVAL;
	pthread_mutex_lock(&x->lock);
	s = find_source(x, irq);
	if (s) {
		configure(x, s, server, priority);
		s->saved = priority;
	}
	pthread_mutex_unlock(&x->lock);
	return s ? 0 : -EINVAL;
}

int xics_query(struct xics *x, u32 irq, u32 *server, u8 *priority)
{
	const struct source *s;

	pthread_mutex_lock(&x->lock);
	s = find_source(x, irq);
	if (s) {
		*server = s->server;
		*priority = s->priority;
	}
	pthread_mutex_unlock(&x->lock);
	return s ? 0 : -EINVAL;
}

int xics_enable(struct xics *x, u32 irq, bool on)
{
	struct source *s;

	pthread_mutex_lock(&x->lock);
	s = find_source(x, irq);
	if (s)
		configure(x, s, s->server, on ? s->saved : XICS_MASKED);
	pthread_mutex_unlock(&x->lock);
	return s ? 0 : -EINVAL;
}

static u32 xirr_of(const struct server *sv)
{
	return (u32)sv->cppr << XIRR_CPPR_SHIFT | sv->source;
}

u32 xics_accept(struct xics *x, u32 server)
{
	struct server *sv = &x->servers[server];
	struct source *s;
	u32 xirr;

	pthread_mutex_lock(&x->lock);
	xirr = xirr_of(sv);
	if (sv->source) {
		s = find_source(x, sv->source);
		if (s)
			s->state = ACCEPTED;
		sv->cppr = sv->priority;
		sv->source = 0;
		update(x, server);
	}
	pthread_mutex_unlock(&x->lock);
	return xirr;
}

int xics_poll(struct xics *x, u32 server, u32 *xirr, u8 *mfrr)
{
	if (server >= x->nr_servers)
		return -EINVAL;
	pthread_mutex_lock(&x->lock);
	*xirr = xirr_of(&x->servers[server]);
	*mfrr = x->servers[server].mfrr;
	pthread_mutex_unlock(&x->lock);
	return 0;
}

void xics_set_cppr(struct xics *x, u32 server, u8 cppr)
{
	pthread_mutex_lock(&x->lock);
	x->servers[server].cppr = cppr;
	update(x, server);
	pthread_mutex_unlock(&x->lock);
}

int xics_set_mfrr(struct xics *x, u32 server, u8 mfrr)
{
	if (server >= x->nr_servers)
		return -EINVAL;
	pthread_mutex_lock(&x->lock);
	x->servers[server].mfrr = mfrr;
	update(x, server);
	pthread_mutex_unlock(&x->lock);
	return 0;
}

int xics_eoi(struct xics *x, u32 server, u32 xirr)
{
	u32 irq = xirr & XIRR_SOURCE;
	struct source *s;

	pthread_mutex_lock(&x->lock);
	x->servers[server].cppr = xirr >> XIRR_CPPR_SHIFT;
	s = find_source(x, irq);
	if (s)
		end_source(x, s);
	update(x, server);
	pthread_mutex_unlock(&x->lock);
	return s || irq == XICS_IPI ? 0 : -EINVAL;
}
