// SPDX-License-Identifier: GPL-2.0
/*
 * From a line of text to an answer. All checks of a request's shape and of its
 * arguments are here, so that a command sees nothing it did not declare.
 */
#include <string.h>

#include <jansson.h>

#include <linux/kernel.h>

#include "internal.h"

#define NEGOTIATE	"qmp_capabilities"

json_t *control_error(const struct qmp_error *err)
{
	return json_pack("{s:{s:s, s:s}}", "error",
			 "class", err->class ? err->class : "GenericError",
			 "desc", err->desc);
}

static const char *type_name(enum qmp_type type)
{
	static const char *const names[] = {
		[QMP_STRING] = "string",
		[QMP_INT] = "int",
		[QMP_BOOL] = "bool",
		[QMP_LIST] = "list",
	};

	return names[type];
}

static bool has_type(const json_t *value, enum qmp_type type)
{
	switch (type) {
	case QMP_STRING:
		return json_is_string(value);
	case QMP_INT:
		return json_is_integer(value);
	case QMP_BOOL:
		return json_is_boolean(value);
	case QMP_LIST:
		return json_is_array(value);
	}
	return false;
}

static const struct qmp_arg *find_arg(const struct qmp_command *cmd, const char *name)
{
	const struct qmp_arg *arg;

	for (arg = cmd->args; arg && arg->name; arg++)
		if (!strcmp(arg->name, name))
			return arg;
	return NULL;
}

static bool check_args(const struct qmp_command *cmd, json_t *args, struct qmp_error *err)
{
	const struct qmp_arg *arg;
	const char *name;
	json_t *value;

	json_object_foreach(args, name, value) {
		arg = find_arg(cmd, name);
		if (!arg) {
			qmp_error_set(err, NULL, "'%s' has no argument '%.64s'",
				      cmd->name, name);
			return false;
		}
		if (!has_type(value, arg->type)) {
			qmp_error_set(err, NULL, "argument '%s' of '%s' must be of type %s",
				      name, cmd->name, type_name(arg->type));
			return false;
		}
	}
	for (arg = cmd->args; arg && arg->name; arg++) {
		if (arg->optional || json_object_get(args, arg->name))
			continue;
		qmp_error_set(err, NULL, "argument '%s' of '%s' is missing", arg->name,
			      cmd->name);
		return false;
	}
	return true;
}

static bool check_request(json_t *req, struct qmp_error *err)
{
	json_t *args = json_object_get(req, "arguments");
	const char *name;
	json_t *value;

	json_object_foreach(req, name, value) {
		if (!strcmp(name, "execute") || !strcmp(name, "arguments") ||
		    !strcmp(name, "id"))
			continue;
		qmp_error_set(err, NULL, "a request has no member '%.64s'", name);
		return false;
	}
	if (!json_is_string(json_object_get(req, "execute"))) {
		qmp_error_set(err, NULL, "a request needs 'execute', the name of a command");
		return false;
	}
	if (args && !json_is_object(args)) {
		qmp_error_set(err, NULL, "'arguments' must be an object");
		return false;
	}
	return true;
}

/* Negotiation comes first, and once. */
static bool check_mode(const struct control_conn *conn, const char *name,
		       struct qmp_error *err)
{
	bool negotiates = !strcmp(name, NEGOTIATE);

	if (!conn->ready && !negotiates)
		qmp_error_set(err, "CommandNotFound",
			      "send '" NEGOTIATE "' before any other command");
	else if (conn->ready && negotiates)
		qmp_error_set(err, "CommandNotFound",
			      "the capabilities have been negotiated already");
	else
		return true;
	return false;
}

static json_t *run(const struct qmp_command *cmd, void *priv, json_t *args,
		   struct qmp_error *err)
{
	json_t *ret = NULL;

	args = args ? json_incref(args) : json_object();
	if (args && check_args(cmd, args, err))
		ret = cmd->run(priv, args, err);
	json_decref(args);
	if (!ret && !err->desc[0])
		qmp_error_set(err, NULL, "'%s' failed", cmd->name);
	return ret;
}

static json_t *execute(struct control_server *srv, struct control_conn *conn,
		       const json_t *req, struct qmp_error *err)
{
	const char *name = json_string_value(json_object_get(req, "execute"));
	const struct qmp_command *cmd;
	const struct qmp_table *table;

	if (!check_mode(conn, name, err))
		return NULL;
	cmd = qmp_find(srv->reg, name, &table);
	if (cmd)
		return run(cmd, table->priv, json_object_get(req, "arguments"), err);
	qmp_error_set(err, "CommandNotFound", "there is no command '%.64s'", name);
	return NULL;
}

json_t *control_reply(struct control_server *srv, struct control_conn *conn,
		      const char *line, size_t len, bool *fatal)
{
	struct qmp_error err = { };
	json_t *req, *ret = NULL, *id, *reply;
	json_error_t where;

	req = json_loadb(line, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &where);
	*fatal = !req;
	if (!req)
		qmp_error_set(&err, NULL, "not JSON: %s", where.text);
	else if (!json_is_object(req))
		qmp_error_set(&err, NULL, "a request must be an object");
	else if (check_request(req, &err))
		ret = execute(srv, conn, req, &err);

	reply = ret ? json_pack("{s:o}", "return", ret) : control_error(&err);
	id = json_object_get(req, "id");
	if (reply && id)
		json_object_set(reply, "id", id);
	json_decref(req);
	return reply;
}

static const struct qmp_arg capabilities_args[] = {
	{ "enable", QMP_LIST, true, "capabilities to switch on; none exist" },
	{ }
};

static json_t *qmp_capabilities(void *priv, const json_t *args, struct qmp_error *err)
{
	struct control_server *srv = priv;

	if (json_array_size(json_object_get(args, "enable"))) {
		qmp_error_set(err, NULL, "no capability can be enabled");
		return NULL;
	}
	srv->busy->ready = true;
	return json_object();
}

static json_t *describe(const struct qmp_command *cmd)
{
	json_t *args = json_array();
	const struct qmp_arg *arg;

	for (arg = cmd->args; arg && arg->name; arg++)
		json_array_append_new(args,
				      json_pack("{s:s, s:s, s:b, s:s}", "name", arg->name,
						"type", type_name(arg->type),
						"optional", arg->optional,
						"help", arg->help));
	return json_pack("{s:s, s:s, s:o}", "name", cmd->name, "help", cmd->help,
			 "arguments", args);
}

static json_t *query_commands(void *priv, const json_t *args, struct qmp_error *err)
{
	struct control_server *srv = priv;
	const struct qmp_command *cmd;
	const struct qmp_table *table;
	json_t *list = json_array();

	list_for_each_entry(table, &srv->reg->tables, node)
		for (cmd = table->commands; cmd->name; cmd++)
			json_array_append_new(list, describe(cmd));
	return list;
}

const struct qmp_command control_protocol_commands[] = {
	{ NEGOTIATE, "leave capabilities negotiation", capabilities_args, qmp_capabilities },
	{ "query-commands", "list the commands and their arguments", NULL, query_commands },
	{ }
};
