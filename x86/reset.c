// SPDX-License-Identifier: GPL-2.0
/*
 * The two ways besides ACPI by which software resets a PC: the keyboard
 * controller's output port, and port 0xcf9. No keyboard is behind the
 * controller; its status register says so.
 */
#include <stdlib.h>

#include <linux/kernel.h>
#include <vmtool/device.h>
#include <vmtool/vm.h>

#include "layout.h"
#include "x86.h"

#define KBD_PULSE_RESET	0xfe
#define CF9_RESET_CPU	0x04

struct x86_reset {
	struct device dev;
	struct region kbd;
	struct region cf9;
	struct vm *vm;
};

static u64 kbd_read(void *priv, u64 off, unsigned int size)
{
	/* Input buffer empty: reboot code waits for that before it writes. */
	return 0;
}

static void kbd_write(void *priv, u64 off, u64 val, unsigned int size)
{
	struct x86_reset *r = priv;

	if (val == KBD_PULSE_RESET)
		runstate_request(&r->vm->run, RUN_BY_GUEST_RESET);
}

static const struct region_ops kbd_ops = {
	.read = kbd_read,
	.write = kbd_write,
	.sizes = 1,
};

static void cf9_write(void *priv, u64 off, u64 val, unsigned int size)
{
	struct x86_reset *r = priv;

	if (val & CF9_RESET_CPU)
		runstate_request(&r->vm->run, RUN_BY_GUEST_RESET);
}

static const struct region_ops cf9_ops = {
	.read = kbd_read,
	.write = cf9_write,
	.sizes = 1,
};

static int x86_reset_realize(struct device *dev, struct vm *vm)
{
	struct x86_reset *r = container_of(dev, struct x86_reset, dev);
	int ret;

	r->vm = vm;
	r->kbd.name = "keyboard";
	r->cf9.name = "reset";
	ret = bus_map(&vm->pio, &r->kbd, X86_PORT_KBD_COMMAND, 1, &kbd_ops, r);
	return ret ?: bus_map(&vm->pio, &r->cf9, X86_PORT_RESET, 1, &cf9_ops, r);
}

static void x86_reset_destroy(struct device *dev)
{
	struct x86_reset *r = container_of(dev, struct x86_reset, dev);

	if (r->vm) {
		bus_unmap(&r->vm->pio, &r->cf9);
		bus_unmap(&r->vm->pio, &r->kbd);
	}
	free(r);
}

static const struct device_ops x86_reset_ops = {
	.realize = x86_reset_realize,
	.destroy = x86_reset_destroy,
};

struct device *x86_reset_create(void)
{
	struct x86_reset *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->dev.name = "reset";
	r->dev.ops = &x86_reset_ops;
	return &r->dev;
}
