/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_QMP_H
#define VMTOOL_QMP_H

#include <stdbool.h>
#include <linux/compiler.h>
#include <linux/types.h>
#include <linux/list.h>

/*
 * Commands of the control socket. Whoever implements something that can be
 * asked for from outside keeps a table of its commands and registers it; the
 * server knows no command by name. Values are jansson's: who implements a
 * command includes <jansson.h>, who only registers one need not have it.
 */
struct json_t;

/**
 * enum qmp_type - type of an argument
 * @QMP_STRING: text
 * @QMP_INT: whole number of 64 bits
 * @QMP_BOOL: true or false
 * @QMP_LIST: array; what is in it is for the command to check
 */
enum qmp_type {
	QMP_STRING,
	QMP_INT,
	QMP_BOOL,
	QMP_LIST,
};

/**
 * struct qmp_arg - one argument of a command
 * @name: JSON member
 * @type: what it must be
 * @optional: may be left out
 * @help: one line
 */
struct qmp_arg {
	const char *name;
	enum qmp_type type;
	bool optional;
	const char *help;
};

/**
 * struct qmp_error - why a command failed
 * @class: QMP error class, "GenericError" when NULL
 * @desc: one line, lower case, UTF-8 without control characters
 */
struct qmp_error {
	const char *class;
	char desc[160];
};

/**
 * struct qmp_command - a command of the control socket
 * @name: "query-status" and the like
 * @help: one line
 * @args: arguments, ended by one without a name; NULL for none
 * @run: called in the event loop's thread with an object that was checked
 *	against @args. Returns the value for "return" (a new reference), or NULL
 *	with @err filled in by qmp_error_set(). It must not block.
 *
 * A command is defined in the file that implements it, as an entry of a table
 * ended by one without a name.
 */
struct qmp_command {
	const char *name;
	const char *help;
	const struct qmp_arg *args;
	struct json_t *(*run)(void *priv, const struct json_t *args,
			      struct qmp_error *err);
};

/**
 * struct qmp_table - commands of one module
 * @commands: ended by an entry without a name
 * @priv: passed to their @run
 * @node: private
 */
struct qmp_table {
	const struct qmp_command *commands;
	void *priv;
	struct list_head node;
};

/**
 * struct qmp_registry - every command of a guest
 * @tables: private, in the order they were registered
 */
struct qmp_registry {
	struct list_head tables;
};

#ifdef CONFIG_QMP

/**
 * qmp_registry_init() - no commands
 * @reg: caller-owned
 */
void qmp_registry_init(struct qmp_registry *reg);

/**
 * qmp_register() - make the commands of a table available
 * @reg: registry
 * @table: caller-owned, stays until qmp_unregister()
 *
 * Return: 0, or -EEXIST after a message when a command of that name exists
 * (nothing of @table is registered then).
 */
int qmp_register(struct qmp_registry *reg, struct qmp_table *table);

/**
 * qmp_unregister() - forget a table
 * @table: a registered table
 */
void qmp_unregister(struct qmp_table *table);

/**
 * qmp_find() - look up a command
 * @reg: registry
 * @name: its name
 * @table: receives the table it is in; may be NULL
 *
 * Return: the command or NULL.
 */
const struct qmp_command *qmp_find(const struct qmp_registry *reg, const char *name,
				   const struct qmp_table **table);

/**
 * qmp_error_set() - say why a command failed
 * @err: filled in; what does not fit @desc is cut off
 * @class: QMP error class, NULL for "GenericError"
 * @fmt: printf format of @desc; bytes that are not text become '?'
 */
__printf(3, 4)
void qmp_error_set(struct qmp_error *err, const char *class, const char *fmt, ...);

/**
 * qmp_string() - JSON string of a text that may hold anything
 * @text: bytes, for instance from a file or a guest; NULL gives null
 *
 * Return: a new reference, with '?' for what is not UTF-8 or controls a
 * terminal; NULL without memory.
 */
struct json_t *qmp_string(const char *text);

#else /* without a control socket nobody can ask */

static inline void qmp_registry_init(struct qmp_registry *reg)
{
}

static inline int qmp_register(struct qmp_registry *reg, struct qmp_table *table)
{
	return 0;
}

static inline void qmp_unregister(struct qmp_table *table)
{
}

#endif

#endif /* VMTOOL_QMP_H */
