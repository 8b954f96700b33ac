// SPDX-License-Identifier: GPL-2.0
/*
 * The small platform devices: power management, reset, pvpanic, CMOS clock.
 */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include <kselftest_harness.h>

#ifdef CONFIG_X86
#include <vmtool/hw.h>

#include "capture.h"
#include "devices.h"
#include "x86/x86.h"

FIXTURE(hw) {
	struct vm *vm;
};

FIXTURE_SETUP(hw)
{
	self->vm = malloc(sizeof(*self->vm));
	ASSERT_EQ(0, devices_init(self->vm));
}

FIXTURE_TEARDOWN(hw)
{
	devices_end(self->vm);
	free(self->vm);
}

#define in(port)	port_in(self->vm, port)
#define out(port, val)	port_out(self->vm, port, val)

/* ---- ACPI: sleep control 0x600, status 0x601, reset 0x602, event 0x603 */

TEST_F(hw, sleep_control)
{
	int val;

	ASSERT_EQ(0, devices_add(self->vm, acpi_pm_create(0x600, 9)));
	for (val = 0; val < 256; val++) {
		/* SLP_EN is bit 5, SLP_TYP bits 2-4; S5 is type 5 here. */
		bool off = (val & 0x20) && (val >> 2 & 7) == 5;

		out(0x600, val);
		EXPECT_EQ(off, requested(self->vm, RUN_BY_GUEST_POWEROFF))
			TH_LOG("value 0x%02x", val);
		EXPECT_TRUE(nothing_requested(self->vm));
	}
	EXPECT_EQ(0, in(0x600));
	EXPECT_EQ(0, in(0x601));
}

TEST_F(hw, acpi_reset)
{
	int val;

	ASSERT_EQ(0, devices_add(self->vm, acpi_pm_create(0x600, 9)));
	for (val = 0; val < 256; val++) {
		out(0x602, val);
		EXPECT_EQ(val == 0x42, requested(self->vm, RUN_BY_GUEST_RESET));
	}
	out(0x601, 0x34);
	out(0x603, 0x42);
	EXPECT_TRUE(nothing_requested(self->vm));
	EXPECT_FALSE(bus_write(&self->vm->pio, 0x600, &val, 2));
	EXPECT_FALSE(bus_write(&self->vm->pio, 0x604, &val, 1));
}

TEST_F(hw, power_button)
{
	struct device *dev = acpi_pm_create(0x600, 9);

	ASSERT_EQ(0, devices_add(self->vm, dev));
	EXPECT_EQ(0, in(0x603));
	acpi_pm_press_power(dev);
	/* An edge: the line is low again, the event waits to be read. */
	EXPECT_FALSE(self->vm->irqchip.lines[9].level);
	EXPECT_EQ(1, in(0x603));
	EXPECT_EQ(0, in(0x603));
	acpi_pm_press_power(dev);
	acpi_pm_press_power(dev);
	EXPECT_EQ(1, in(0x603));
	EXPECT_EQ(0, in(0x603));
	/* A reset forgets it. */
	acpi_pm_press_power(dev);
	dev->ops->reset(dev);
	EXPECT_EQ(0, in(0x603));
	EXPECT_TRUE(nothing_requested(self->vm));
}

TEST_F(hw, the_event_line_is_taken)
{
	struct capture said;

	irq_get(&self->vm->irqchip, 9, IRQ_EDGE);
	capture_begin(&said);
	EXPECT_EQ(-EBUSY, devices_add(self->vm, acpi_pm_create(0x600, 9)));
	capture_end(&said);
	EXPECT_TRUE(capture_one_line(&said));
}

/* ---- keyboard controller and port 0xcf9 */

TEST_F(hw, keyboard_controller)
{
	int val;

	ASSERT_EQ(0, devices_add(self->vm, x86_reset_create()));
	/* Ready for a command, and nothing to read. */
	EXPECT_EQ(0, in(0x64));
	for (val = 0; val < 256; val++) {
		out(0x64, val);
		EXPECT_EQ(val == 0xfe, requested(self->vm, RUN_BY_GUEST_RESET));
	}
}

TEST_F(hw, reset_port)
{
	int val;

	ASSERT_EQ(0, devices_add(self->vm, x86_reset_create()));
	for (val = 0; val < 256; val++) {
		out(0xcf9, val);
		EXPECT_EQ(!!(val & 4), requested(self->vm, RUN_BY_GUEST_RESET));
	}
	EXPECT_EQ(0, in(0xcf9));
	/* The PCI ports around it are nobody's. */
	EXPECT_EQ(0xff, in(0xcf8));
	EXPECT_EQ(0xff, in(0xcfa));
}

/* ---- pvpanic */

#ifdef CONFIG_PVPANIC
TEST_F(hw, pvpanic)
{
	int val;

	ASSERT_EQ(0, devices_add(self->vm, pvpanic_create(0x505)));
	EXPECT_EQ(3, in(0x505));	/* the events it knows */
	/* The console may still have something to say of it. */
	out(0x505, 1);
	EXPECT_FALSE(requested(self->vm, RUN_BY_GUEST_PANIC));
	EXPECT_TRUE(self->vm->verdict.panicked);
	EXPECT_EQ(EXIT_GUEST_PANIC, self->vm->verdict.status);
	for (val = 0; val < 256; val++) {
		out(0x505, val);
		EXPECT_EQ(val & 1, requested(self->vm, RUN_BY_GUEST_PANIC));
	}
	EXPECT_EQ(0xff, in(0x506));
}
#endif

/* ---- CMOS clock (MC146818) */

#ifdef CONFIG_CMOS_RTC
#define cmos(reg)	(out(0x70, reg), in(0x71))
#define set_cmos(reg, val) do { out(0x70, reg); out(0x71, val); } while (0)

static int from_bcd(u8 val)
{
	return (val >> 4) * 10 + (val & 15);
}

/* The time it shows, read as Linux does: until the seconds hold still. */
static time_t shown(FIXTURE_DATA(hw) *self)
{
	struct tm tm = { };
	int sec;

	do {
		sec = cmos(0);
		tm.tm_sec = from_bcd(sec);
		tm.tm_min = from_bcd(cmos(2));
		tm.tm_hour = from_bcd(cmos(4));
		tm.tm_mday = from_bcd(cmos(7));
		tm.tm_mon = from_bcd(cmos(8)) - 1;
		tm.tm_year = from_bcd(cmos(9)) + from_bcd(cmos(0x32)) * 100 - 1900;
	} while (cmos(0) != sec);
	return timegm(&tm);
}

static void set_clock(FIXTURE_DATA(hw) *self, const u8 *bcd)
{
	/* Seconds, minutes, hours, day, month, year, century; the clock is held. */
	static const u8 regs[] = { 0, 2, 4, 7, 8, 9, 0x32 };
	size_t i;

	set_cmos(0x0b, cmos(0x0b) | 0x80);
	for (i = 0; i < sizeof(regs); i++)
		set_cmos(regs[i], bcd[i]);
	set_cmos(0x0b, cmos(0x0b) & 0x7f);
}

TEST_F(hw, the_clock_shows_the_time)
{
	time_t before = time(NULL), now;

	/* UTC, whatever the host's zone is. */
	setenv("TZ", "UTC+5", 1);
	tzset();
	ASSERT_EQ(0, devices_add(self->vm, cmos_rtc_create(0x70)));
	now = shown(self);
	EXPECT_LE(before, now);
	EXPECT_GE(time(NULL), now);
}

TEST_F(hw, status_registers)
{
	ASSERT_EQ(0, devices_add(self->vm, cmos_rtc_create(0x70)));
	EXPECT_EQ(0x26, cmos(0x0a));		/* no update under way */
	EXPECT_EQ(0x02, cmos(0x0b));		/* BCD, 24 hours */
	EXPECT_EQ(0x00, cmos(0x0c));		/* no interrupt */
	EXPECT_EQ(0x80, cmos(0x0d));		/* the battery is good */
	/* What is not offered cannot be switched on. */
	set_cmos(0x0b, 0x7d);
	EXPECT_EQ(0x02, cmos(0x0b));
	set_cmos(0x0c, 0xff);
	set_cmos(0x0d, 0);
	EXPECT_EQ(0x00, cmos(0x0c));
	EXPECT_EQ(0x80, cmos(0x0d));
	set_cmos(0x0a, 0xff);
	EXPECT_EQ(0x7f, cmos(0x0a));
}

TEST_F(hw, ports)
{
	u32 val = 0;

	ASSERT_EQ(0, devices_add(self->vm, cmos_rtc_create(0x70)));
	EXPECT_EQ(0xff, in(0x70));		/* the index cannot be read */
	EXPECT_EQ(0xff, in(0x72));
	EXPECT_FALSE(bus_read(&self->vm->pio, 0x70, &val, 2));
	/* Bit 7 is the NMI's, and no part of the index. */
	set_cmos(0x20, 0x5a);
	EXPECT_EQ(0x5a, cmos(0xa0));
}

/* What starts further vCPUs waits in KVM's ring, what sets the clock must not. */
TEST_F(hw, writes_to_the_clock_that_wait)
{
	static const struct vm_config two_cpus = { .nr_cpus = 2 };
	const unsigned int *kept = &self->vm->coalesce.nr;

	self->vm->cfg = &two_cpus;
	ASSERT_EQ(0, devices_add(self->vm, cmos_rtc_create(0x70)));
	EXPECT_EQ(2, *kept);
	set_cmos(0x0f, 0x0a);
	EXPECT_EQ(2, *kept);
	set_cmos(0x04, 0x12);
	EXPECT_EQ(1, *kept);
	devices_reset(self->vm);
	EXPECT_EQ(2, *kept);
	EXPECT_EQ(0x0a, cmos(0x0f));
	EXPECT_EQ(1, *kept);
	set_cmos(0x0f, 0);
	EXPECT_EQ(1, *kept);
}

TEST_F(hw, memory_of_the_clock)
{
	int reg;

	ASSERT_EQ(0, devices_add(self->vm, cmos_rtc_create(0x70)));
	for (reg = 0x0e; reg < 0x80; reg++)
		if (reg != 0x32)
			set_cmos(reg, reg ^ 0x5a);
	for (reg = 0x0e; reg < 0x80; reg++)
		if (reg != 0x32)
			EXPECT_EQ(reg ^ 0x5a, cmos(reg));
}

TEST_F(hw, the_clock_is_set)
{
	static const u8 y2k[] = { 0x59, 0x59, 0x23, 0x31, 0x12, 0x99, 0x19 };
	static const u8 leap[] = { 0x00, 0x30, 0x12, 0x29, 0x02, 0x24, 0x20 };
	static const u8 far[] = { 0x00, 0x00, 0x00, 0x01, 0x01, 0x00, 0x21 };
	time_t now;

	ASSERT_EQ(0, devices_add(self->vm, cmos_rtc_create(0x70)));
	set_clock(self, y2k);
	now = shown(self);
	EXPECT_LE(946684799, now);		/* the last second of 1999 */
	EXPECT_GE(946684801, now);
	set_clock(self, leap);
	now = shown(self);
	EXPECT_LE(1709209800, now);
	EXPECT_GE(1709209802, now);
	EXPECT_EQ(5, cmos(6));			/* a Thursday */
	set_clock(self, far);
	now = shown(self);
	EXPECT_LE(4102444800, now);		/* 2100: 32 bits of seconds are not enough */
	EXPECT_GE(4102444802, now);
}

TEST_F(hw, a_held_clock_shows_what_was_written)
{
	ASSERT_EQ(0, devices_add(self->vm, cmos_rtc_create(0x70)));
	set_cmos(0x0b, 0x82);
	EXPECT_EQ(0x82, cmos(0x0b));
	set_cmos(0, 0x34);
	EXPECT_EQ(0x34, cmos(0));
	set_cmos(7, 0x03);
	EXPECT_EQ(0x03, cmos(7));
	EXPECT_EQ(0x34, cmos(0));
}

TEST_F(hw, nonsense_does_no_harm)
{
	static const u8 values[] = { 0x00, 0xff, 0x7a, 0x99 };
	size_t i, k;
	u8 bcd[7];

	ASSERT_EQ(0, devices_add(self->vm, cmos_rtc_create(0x70)));
	for (i = 0; i < ARRAY_SIZE(values); i++)
		for (k = 0; k <= 7; k++) {
			memset(bcd, 0x11, sizeof(bcd));
			memset(bcd, values[i], k);
			set_clock(self, bcd);
			shown(self);
			memset(bcd, 0x11, sizeof(bcd));
			memset(bcd + k, values[i], 7 - k);
			set_clock(self, bcd);
			shown(self);
			EXPECT_GE(0x59, cmos(0));
			EXPECT_GE(0x59, cmos(2));
			EXPECT_GE(0x23, cmos(4));
			EXPECT_GE(0x31, cmos(7));
			EXPECT_GE(0x12, cmos(8));
			EXPECT_LE(1, cmos(7));
			EXPECT_LE(1, cmos(8));
			EXPECT_GE(0x99, cmos(9));
			EXPECT_GE(0x99, cmos(0x32));
		}
}

TEST_F(hw, the_clock_keeps_its_time_over_a_reset)
{
	static const u8 leap[] = { 0x00, 0x30, 0x12, 0x29, 0x02, 0x24, 0x20 };

	ASSERT_EQ(0, devices_add(self->vm, cmos_rtc_create(0x70)));
	set_clock(self, leap);
	devices_reset(self->vm);
	EXPECT_LE(1709209800, shown(self));
	EXPECT_GE(1709209802, shown(self));
}
#endif /* CONFIG_CMOS_RTC */

TEST_HARNESS_MAIN
#else
int main(void)
{
	ksft_exit_skip("not built for x86\n");
}
#endif /* CONFIG_X86 */
