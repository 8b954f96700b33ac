// SPDX-License-Identifier: GPL-2.0
/*
 * The options of vmtool run that ask for virtio devices: made from the devices'
 * own tables.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>

#include <vmtool/log.h>

#include "run-devices.h"

/* Parsed later: an error in here would make libsubcmd print its usage. */
static int note_device(const struct option *opt, const char *arg, int unset)
{
	const struct device_class *cls = opt->data;
	struct list_head *devices = opt->value;
	struct device_conf *dc;

	if (unset) {
		run_devices_forget(devices, cls);
		return 0;
	}
	dc = calloc(1, sizeof(*dc));
	if (!dc)
		return -1;
	dc->cls = cls;
	dc->text = arg;
	list_add_tail(&dc->node, devices);
	return 0;
}

int run_devices_options(struct option *options, int max, struct list_head *devices)
{
	const struct device_class *const *cls;
	int n = 0;

	while (options[n].type != OPTION_END)
		n++;
	if (!device_classes[0])
		return 0;
	if (n + 1 < max)
		options[n++] = (struct option)OPT_GROUP("Devices (say --OPTION help):");
	for (cls = device_classes; *cls; cls++) {
		/* Some nobody asks for by name. */
		if (!(*cls)->option)
			continue;
		if (n + 1 >= max)
			return -E2BIG;
		options[n] = (struct option)OPT_CALLBACK((*cls)->letter, (*cls)->option,
			devices, (*cls)->arg, (*cls)->help, note_device);
		options[n].data = (void *)*cls;
		if (!(*cls)->arg)
			options[n].flags = PARSE_OPT_NOARG;
		else if ((*cls)->optional_arg)
			options[n].flags = PARSE_OPT_OPTARG;
		n++;
	}
	return 0;
}

bool run_devices_help(const struct list_head *devices)
{
	const struct device_conf *dc;

	list_for_each_entry(dc, devices, node) {
		if (!dc->text || strcmp(dc->text, "help"))
			continue;
		printf("--%s %s: %s\n", dc->cls->option, dc->cls->arg, dc->cls->help);
		props_help(dc->cls->props, stdout);
		return true;
	}
	return false;
}

static int check_single(const struct device_conf *dc, const struct list_head *devices)
{
	const struct device_conf *other;

	list_for_each_entry(other, devices, node) {
		if (other == dc)
			return 0;
		if (other->cls == dc->cls) {
			log_err("--%s: a guest has only one", dc->cls->option);
			return -EINVAL;
		}
	}
	return 0;
}

static int parse_device(struct device_conf *dc)
{
	char opt[32];
	int ret;

	snprintf(opt, sizeof(opt), "--%s", dc->cls->option);
	dc->conf = calloc(1, dc->cls->conf_size ?: 1);
	if (!dc->conf)
		return -ENOMEM;
	ret = props_init(dc->cls->props, dc->conf);
	ret = ret ?: props_parse(dc->cls->props, dc->conf, opt, dc->text);
	if (!ret && dc->cls->check)
		ret = dc->cls->check(dc->conf);
	return ret;
}

static void forget_device(struct device_conf *dc)
{
	list_del(&dc->node);
	if (dc->conf)
		props_free(dc->cls->props, dc->conf);
	free(dc->conf);
	free(dc);
}

int run_devices_add(struct list_head *devices, const char *name, const char *text)
{
	const struct device_class *const *cls;
	struct device_conf *dc;
	int ret;

	for (cls = device_classes; *cls && strcmp((*cls)->name, name); cls++)
		;
	if (!*cls)
		return -ENODEV;
	dc = calloc(1, sizeof(*dc));
	if (!dc)
		return -ENOMEM;
	dc->cls = *cls;
	dc->text = text;
	list_add_tail(&dc->node, devices);
	ret = parse_device(dc);
	if (ret)
		forget_device(dc);
	return ret;
}

int run_devices_parse(struct list_head *devices)
{
	struct device_conf *dc, *next;
	int ret;

	list_for_each_entry_safe(dc, next, devices, node) {
		ret = dc->cls->single ? check_single(dc, devices) : 0;
		ret = ret ?: parse_device(dc);
		if (ret < 0)
			return ret;
		/* What was asked for is to have none. */
		if (ret)
			forget_device(dc);
	}
	return 0;
}

void run_devices_forget(struct list_head *devices, const struct device_class *cls)
{
	struct device_conf *dc, *next;

	list_for_each_entry_safe(dc, next, devices, node) {
		if (cls && dc->cls != cls)
			continue;
		forget_device(dc);
	}
}
