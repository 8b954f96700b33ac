/* SPDX-License-Identifier: GPL-2.0 */
#ifndef RUN_DEVICES_H
#define RUN_DEVICES_H

#include <stdbool.h>
#include <linux/list.h>
#include <subcmd/parse-options.h>

#include <vmtool/devclass.h>

/**
 * run_devices_options() - add an option for each kind of device
 * @options: options, with room behind OPTION_END
 * @max: entries in @options
 * @devices: list of struct device_conf that parsing them fills
 *
 * Return: 0, or -E2BIG when there is too little room.
 */
int run_devices_options(struct option *options, int max, struct list_head *devices);

/**
 * run_devices_help() - was a device's value "help"? Then print its properties
 * @devices: list after parse_options()
 *
 * Return: true when that was done.
 */
bool run_devices_help(const struct list_head *devices);

/**
 * run_devices_parse() - make configurations of what was written
 * @devices: list after parse_options()
 *
 * Return: 0, or -errno after a one-line message.
 */
int run_devices_parse(struct list_head *devices);

/**
 * run_devices_add() - add a device that no option asked for
 * @devices: list after run_devices_parse()
 * @name: &device_class.name
 * @text: as a user would write it; outlives the list
 *
 * Return: 0; -ENODEV when there is no such kind; -errno after a one-line message, or
 * -ENOMEM.
 */
int run_devices_add(struct list_head *devices, const char *name, const char *text);

/**
 * run_devices_forget() - release devices of a list
 * @devices: list
 * @cls: only those of this kind; NULL for all
 */
void run_devices_forget(struct list_head *devices, const struct device_class *cls);

#endif /* RUN_DEVICES_H */
