/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_PROPS_H
#define VMTOOL_PROPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <linux/types.h>

/*
 * Properties of a device: declared once, in a table beside the device. The option
 * parser, help, the manual's check and completion read that table.
 *
 *	VALUE,name=value,flag,name=value
 *
 * Leading values without a name go to the table's positional properties, in order.
 */

/**
 * enum prop_type - what a property holds
 * @PROP_BOOL: bool: "name", "name=on|off|1|0|yes|no"
 * @PROP_UINT: unsigned int, in the table's range
 * @PROP_U64: u64, in the table's range
 * @PROP_SIZE: u64 bytes, with a suffix
 * @PROP_STRING: const char *, not empty; "\\," is a comma
 * @PROP_ENUM: unsigned int, index into @choices
 * @PROP_MAC: u8[6]
 * @PROP_LIST: struct prop_list: may be given many times
 */
enum prop_type {
	PROP_BOOL,
	PROP_UINT,
	PROP_U64,
	PROP_SIZE,
	PROP_STRING,
	PROP_ENUM,
	PROP_MAC,
	PROP_LIST,
};

#define PROP_LIST_MAX	32

/**
 * struct prop_list - values of a property that may be repeated
 * @nr: how many
 * @item: owned strings
 */
struct prop_list {
	unsigned int nr;
	const char *item[PROP_LIST_MAX];
};

/**
 * struct prop - a property
 * @name: as users write it; NULL ends a table
 * @type: what it holds
 * @offset: where, in the device's configuration struct
 * @positional: may be given without its name, in the table's order
 * @required: the device is nothing without it
 * @def: default, as a user would write it; NULL leaves the field zero
 * @choices: of PROP_ENUM, NULL at the end
 * @min: smallest value of numbers and sizes
 * @max: largest one, 0 for any
 * @arg: what help shows for the value, "SIZE"
 * @help: one line
 */
struct prop {
	const char *name;
	enum prop_type type;
	size_t offset;
	bool positional;
	bool required;
	const char *def;
	const char *const *choices;
	u64 min;
	u64 max;
	const char *arg;
	const char *help;
};

/**
 * props_init() - set the defaults
 * @table: properties
 * @conf: zeroed configuration struct
 *
 * Return: 0 or -ENOMEM.
 */
int props_init(const struct prop *table, void *conf);

/**
 * props_parse() - read what a user wrote
 * @table: properties
 * @conf: configuration after props_init(); owns its strings from now on
 * @opt: the option, for messages: "--disk"
 * @text: its value
 *
 * Return: 0; -EINVAL after a one-line message; -ENOMEM.
 */
int props_parse(const struct prop *table, void *conf, const char *opt, const char *text);

/**
 * props_free() - release the strings of a configuration
 * @table: properties
 * @conf: configuration
 */
void props_free(const struct prop *table, void *conf);

/**
 * props_help() - print the properties, a line each
 * @table: properties
 * @out: stream
 */
void props_help(const struct prop *table, FILE *out);

#endif /* VMTOOL_PROPS_H */
