// SPDX-License-Identifier: GPL-2.0
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>
#include <vmtool/bus.h>
#include <vmtool/log.h>

void bus_init(struct bus *bus, const char *name, bool trace)
{
	memset(bus, 0, sizeof(*bus));
	bus->name = name;
	bus->trace = trace;
	pthread_mutex_init(&bus->lock, NULL);
	pthread_cond_init(&bus->idle, NULL);
}

void bus_destroy(struct bus *bus)
{
	free(bus->regions);
	bus->regions = NULL;
	bus->nr = 0;
	bus->max = 0;
	pthread_cond_destroy(&bus->idle);
	pthread_mutex_destroy(&bus->lock);
}

/* Index of the first region that ends behind @addr. */
static int bus_search(const struct bus *bus, u64 addr)
{
	int low = 0, high = bus->nr;

	while (low < high) {
		int mid = low + (high - low) / 2;
		const struct region *r = bus->regions[mid];

		if (r->base + (r->len - 1) < addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static int bus_insert(struct bus *bus, struct region *r)
{
	int at = bus_search(bus, r->base);

	if (at < bus->nr && bus->regions[at]->base <= r->base + (r->len - 1))
		return -EEXIST;
	if (bus->nr == bus->max) {
		int max = bus->max ? bus->max * 2 : 16;
		struct region **regions = realloc(bus->regions, max * sizeof(*regions));

		if (!regions)
			return -ENOMEM;
		bus->regions = regions;
		bus->max = max;
	}
	memmove(bus->regions + at + 1, bus->regions + at,
		(bus->nr - at) * sizeof(*bus->regions));
	bus->regions[at] = r;
	bus->nr++;
	r->mapped = true;
	return 0;
}

int bus_map(struct bus *bus, struct region *r, u64 base, u64 len,
	    const struct region_ops *ops, void *priv)
{
	int ret;

	if (!len || base + (len - 1) < base)
		return -EINVAL;
	r->base = base;
	r->len = len;
	r->ops = ops;
	r->priv = priv;
	r->users = 0;

	pthread_mutex_lock(&bus->lock);
	ret = bus_insert(bus, r);
	pthread_mutex_unlock(&bus->lock);
	return ret;
}

void bus_unmap(struct bus *bus, struct region *r)
{
	int at;

	if (!r->mapped)
		return;
	pthread_mutex_lock(&bus->lock);
	at = bus_search(bus, r->base);
	bus->nr--;
	memmove(bus->regions + at, bus->regions + at + 1,
		(bus->nr - at) * sizeof(*bus->regions));
	r->mapped = false;
	while (r->users)
		pthread_cond_wait(&bus->idle, &bus->lock);
	pthread_mutex_unlock(&bus->lock);
}

/* A guest's access, as one of many. */
enum bus_access { BUS_READ, BUS_WRITE, BUS_LATE };

#ifdef CONFIG_STATS
static void count_one(struct bus_count *c, enum bus_access access)
{
	if (access == BUS_READ)
		c->reads++;
	else if (access == BUS_WRITE)
		c->writes++;
	else
		c->late++;
}

static u64 weight(const struct bus_address *a)
{
	return a->count.reads + a->count.writes;
}

/*
 * In a group the address with the least makes room for a new one, so what a guest
 * accesses much stays, and what is kept is limited.
 */
static void count_address(struct bus *bus, u64 addr, enum bus_access access)
{
	struct bus_address *group, *least;
	unsigned int i;

	i = (addr * 0x9e3779b97f4a7c15ULL) >> 32;
	group = &bus->busy[i % BUS_GROUPS * BUS_GROUP];
	least = group;
	for (i = 0; i < BUS_GROUP; i++) {
		if (group[i].addr == addr) {
			count_one(&group[i].count, access);
			return;
		}
		if (weight(&group[i]) < weight(least))
			least = &group[i];
	}
	*least = (struct bus_address) { .addr = addr };
	count_one(&least->count, access);
}

static void count_access(struct bus *bus, struct region *r, u64 addr, enum bus_access access)
{
	count_one(r ? &r->count : &bus->nobody, access);
	count_address(bus, addr, access);
}
#else
static void count_access(struct bus *bus, struct region *r, u64 addr, enum bus_access access)
{
}
#endif

static struct region *bus_get(struct bus *bus, u64 addr, unsigned int size,
			      enum bus_access access)
{
	struct region *r = NULL;
	int at;

	pthread_mutex_lock(&bus->lock);
	at = bus_search(bus, addr);
	if (at < bus->nr) {
		r = bus->regions[at];
		if (addr < r->base || addr - r->base > r->len - min_t(u64, size, r->len) ||
		    size > r->len)
			r = NULL;
		else
			r->users++;
	}
	count_access(bus, r, addr, access);
	pthread_mutex_unlock(&bus->lock);
	return r;
}

static void bus_put(struct bus *bus, struct region *r)
{
	pthread_mutex_lock(&bus->lock);
	if (!--r->users && !r->mapped)
		pthread_cond_broadcast(&bus->idle);
	pthread_mutex_unlock(&bus->lock);
}

static void bus_trace(const struct bus *bus, const struct region *r, u64 addr,
		      const char *arrow, u64 val, unsigned int size)
{
	log_msg(LOG_ERROR, "%s 0x%llx %s 0x%0*llx (%s)", bus->name,
		(unsigned long long)addr, arrow, (int)size * 2,
		(unsigned long long)val, r ? r->name : "nobody");
}

/* An access across a page comes in odd pieces: no device takes 3 or 5 bytes. */
static bool bus_serves(const struct region *r, unsigned int size)
{
	return !(size & (size - 1)) && (r->ops->sizes & size);
}

bool bus_read(struct bus *bus, u64 addr, void *data, unsigned int size)
{
	struct region *r = bus_get(bus, addr, size, BUS_READ);
	bool served = r && r->ops->read && bus_serves(r, size);
	u64 val = ~0ULL;

	if (served)
		val = r->ops->read(r->priv, addr - r->base, size);
	if (bus->trace)
		bus_trace(bus, r, addr, "->", size < 8 ? val & ((1ULL << size * 8) - 1) : val,
			  size);
	val = htole64(val);
	memcpy(data, &val, size);
	if (r)
		bus_put(bus, r);
	return served;
}

static bool do_write(struct bus *bus, u64 addr, const void *data, unsigned int size,
		     enum bus_access access)
{
	struct region *r = bus_get(bus, addr, size, access);
	bool served = r && r->ops->write && bus_serves(r, size);
	u64 val = 0;

	memcpy(&val, data, size);
	val = le64toh(val);
	if (bus->trace)
		bus_trace(bus, r, addr, "<-", val, size);
	if (served)
		r->ops->write(r->priv, addr - r->base, val, size);
	if (r)
		bus_put(bus, r);
	return served;
}

bool bus_write(struct bus *bus, u64 addr, const void *data, unsigned int size)
{
	return do_write(bus, addr, data, size, BUS_WRITE);
}

bool bus_write_late(struct bus *bus, u64 addr, const void *data, unsigned int size)
{
	return do_write(bus, addr, data, size, BUS_LATE);
}
