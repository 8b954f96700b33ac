// SPDX-License-Identifier: GPL-2.0
/*
 * The time of day for kernels without a paravirtual clock. It shows the host's
 * UTC time in BCD, plus whatever the guest has set it to be off; alarms and
 * periodic interrupts are not there.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <linux/kernel.h>
#include <vmtool/coalesce.h>
#include <vmtool/hw.h>
#include <vmtool/vm.h>

#define CMOS_SIZE	128
#define CMOS_DATA	1	/* the port after that of the index */
#define CMOS_SECONDS	0x00
#define CMOS_MINUTES	0x02
#define CMOS_HOURS	0x04
#define CMOS_WEEKDAY	0x06
#define CMOS_DAY	0x07
#define CMOS_MONTH	0x08
#define CMOS_YEAR	0x09
#define CMOS_STATUS_A	0x0a
#define CMOS_STATUS_B	0x0b
#define CMOS_STATUS_C	0x0c
#define CMOS_STATUS_D	0x0d
#define CMOS_SHUTDOWN	0x0f
#define CMOS_CENTURY	0x32

#define STATUS_A_32KHZ	0x26
#define STATUS_B_24H	0x02
#define STATUS_B_SET	0x80
#define STATUS_D_VALID	0x80

struct cmos_rtc {
	struct device dev;
	struct region region;
	struct vm *vm;
	u16 port;
	pthread_mutex_t lock;
	u8 index;
	u8 ram[CMOS_SIZE];
	time_t offset;		/* guest's clock minus host's, in seconds */
	bool kept;		/* values wait in KVM's ring */
};

/*
 * Linux says in CMOS how each further vCPU starts (MP specification, B.4), where nobody
 * looks. Until the clock is used, which begins with reading it, values may wait; then one
 * that sets it must not.
 */
static void cmos_keep(struct cmos_rtc *c, bool keep)
{
	if (keep == c->kept || (keep && c->vm->cfg->nr_cpus < 2))
		return;
	c->kept = keep;
	if (keep)
		coalesce_keep(&c->vm->coalesce, c->port + CMOS_DATA, 1, true);
	else
		coalesce_drop(&c->vm->coalesce, c->port + CMOS_DATA, 1, true);
}

static u8 to_bcd(int val)
{
	return val / 10 << 4 | val % 10;
}

static int from_bcd(u8 val)
{
	return (val >> 4) * 10 + (val & 0xf);
}

static void cmos_show_time(struct cmos_rtc *c)
{
	time_t now = time(NULL) + c->offset;
	struct tm tm;
	int year;

	/* The guest has stopped the clock to set it. */
	if (c->ram[CMOS_STATUS_B] & STATUS_B_SET)
		return;
	gmtime_r(&now, &tm);
	c->ram[CMOS_SECONDS] = to_bcd(min_t(int, tm.tm_sec, 59));
	c->ram[CMOS_MINUTES] = to_bcd(tm.tm_min);
	c->ram[CMOS_HOURS] = to_bcd(tm.tm_hour);
	c->ram[CMOS_WEEKDAY] = to_bcd(tm.tm_wday + 1);
	c->ram[CMOS_DAY] = to_bcd(tm.tm_mday);
	c->ram[CMOS_MONTH] = to_bcd(tm.tm_mon + 1);
	/* The guest may have set any digits, and so a time before all years. */
	year = max_t(int, tm.tm_year + 1900, 0);
	c->ram[CMOS_YEAR] = to_bcd(year % 100);
	c->ram[CMOS_CENTURY] = to_bcd(year / 100 % 100);
}

static void cmos_take_time(struct cmos_rtc *c)
{
	struct tm tm = {
		.tm_sec = from_bcd(c->ram[CMOS_SECONDS]),
		.tm_min = from_bcd(c->ram[CMOS_MINUTES]),
		.tm_hour = from_bcd(c->ram[CMOS_HOURS]),
		.tm_mday = from_bcd(c->ram[CMOS_DAY]),
		.tm_mon = from_bcd(c->ram[CMOS_MONTH]) - 1,
		.tm_year = from_bcd(c->ram[CMOS_CENTURY]) * 100 +
			   from_bcd(c->ram[CMOS_YEAR]) - 1900,
	};

	c->offset = timegm(&tm) - time(NULL);
}

static u64 cmos_read(void *priv, u64 off, unsigned int size)
{
	struct cmos_rtc *c = priv;
	u8 val;

	if (!off)
		return 0xff;
	pthread_mutex_lock(&c->lock);
	cmos_keep(c, false);
	cmos_show_time(c);
	val = c->ram[c->index];
	pthread_mutex_unlock(&c->lock);
	return val;
}

static void cmos_store(struct cmos_rtc *c, u8 val)
{
	bool was_set = c->ram[CMOS_STATUS_B] & STATUS_B_SET;

	if (c->index != CMOS_SHUTDOWN)
		cmos_keep(c, false);
	switch (c->index) {
	case CMOS_STATUS_C:
	case CMOS_STATUS_D:
		return;
	case CMOS_STATUS_A:
		val &= 0x7f;
		break;
	case CMOS_STATUS_B:
		/* Binary mode, alarms and 12 hours are not offered. */
		cmos_show_time(c);
		val = (val & STATUS_B_SET) | STATUS_B_24H;
		break;
	}
	c->ram[c->index] = val;
	if (was_set && !(c->ram[CMOS_STATUS_B] & STATUS_B_SET))
		cmos_take_time(c);
}

static void cmos_write(void *priv, u64 off, u64 val, unsigned int size)
{
	struct cmos_rtc *c = priv;

	pthread_mutex_lock(&c->lock);
	if (off)
		cmos_store(c, val);
	else
		c->index = val & 0x7f;
	pthread_mutex_unlock(&c->lock);
}

static const struct region_ops cmos_region_ops = {
	.read = cmos_read,
	.write = cmos_write,
	.sizes = 1,
};

static int cmos_realize(struct device *dev, struct vm *vm)
{
	struct cmos_rtc *c = container_of(dev, struct cmos_rtc, dev);
	int ret;

	c->region.name = dev->name;
	c->ram[CMOS_STATUS_A] = STATUS_A_32KHZ;
	c->ram[CMOS_STATUS_B] = STATUS_B_24H;
	c->ram[CMOS_STATUS_D] = STATUS_D_VALID;
	ret = bus_map(&vm->pio, &c->region, c->port, 2, &cmos_region_ops, c);
	if (ret)
		return ret;
	c->vm = vm;
	/* An index means nothing before a value is read or written. */
	coalesce_keep(&vm->coalesce, c->port, 1, true);
	cmos_keep(c, true);
	return 0;
}

static void cmos_reset(struct device *dev)
{
	cmos_keep(container_of(dev, struct cmos_rtc, dev), true);
}

static void cmos_destroy(struct device *dev)
{
	struct cmos_rtc *c = container_of(dev, struct cmos_rtc, dev);

	if (c->vm)
		bus_unmap(&c->vm->pio, &c->region);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

static const struct device_ops cmos_device_ops = {
	.realize = cmos_realize,
	.reset = cmos_reset,
	.destroy = cmos_destroy,
};

struct device *cmos_rtc_create(u16 port)
{
	struct cmos_rtc *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->dev.name = "rtc";
	c->dev.ops = &cmos_device_ops;
	c->port = port;
	pthread_mutex_init(&c->lock, NULL);
	return &c->dev;
}
