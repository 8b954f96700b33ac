// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include <vmtool/log.h>
#include <vmtool/qmp.h>

#include "internal.h"

void qmp_registry_init(struct qmp_registry *reg)
{
	INIT_LIST_HEAD(&reg->tables);
}

const struct qmp_command *qmp_find(const struct qmp_registry *reg, const char *name,
				   const struct qmp_table **table)
{
	const struct qmp_command *cmd;
	const struct qmp_table *t;

	list_for_each_entry(t, &reg->tables, node) {
		for (cmd = t->commands; cmd->name; cmd++) {
			if (strcmp(cmd->name, name))
				continue;
			if (table)
				*table = t;
			return cmd;
		}
	}
	return NULL;
}

int qmp_register(struct qmp_registry *reg, struct qmp_table *table)
{
	const struct qmp_command *cmd;

	for (cmd = table->commands; cmd->name; cmd++) {
		if (!qmp_find(reg, cmd->name, NULL))
			continue;
		log_err("cannot register control command '%s': it exists already",
			cmd->name);
		return -EEXIST;
	}
	list_add_tail(&table->node, &reg->tables);
	return 0;
}

void qmp_unregister(struct qmp_table *table)
{
	list_del(&table->node);
}

void qmp_error_set(struct qmp_error *err, const char *class, const char *fmt, ...)
{
	va_list ap;

	err->class = class;
	va_start(ap, fmt);
	vsnprintf(err->desc, sizeof(err->desc), fmt, ap);
	va_end(ap);
	/* The end may have been cut off within a character. */
	text_clean(err->desc);
}

json_t *qmp_string(const char *text)
{
	json_t *json;
	char *copy;

	if (!text)
		return json_null();
	copy = strdup(text);
	if (!copy)
		return NULL;
	text_clean(copy);
	json = json_string(copy);
	free(copy);
	return json;
}
