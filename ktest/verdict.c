// SPDX-License-Identifier: GPL-2.0
/*
 * What "vmtool run --verdict" has written about a guest's end. There may be nothing:
 * then its exit status has to do.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include <linux/kernel.h>
#include <linux/sizes.h>
#include <vmtool/verdict.h>

#include "internal.h"

#define FILE_MAX	SZ_1M

static const char *status_reason(int status)
{
	switch (status) {
	case 0:				return "the guest powered off";
	case EXIT_GUEST_PANIC:		return "guest kernel panic";
	case 102:			return "the guest kernel warned";
	case EXIT_GUEST_HUNG:		return "the guest hung";
	case EXIT_GUEST_RESET:		return "the guest reset itself";
	case EXIT_KVM_ERROR:		return "KVM could not go on";
	case EXIT_VMTOOL_ERROR:		return "vmtool run failed";
	default:			return "the guest ended";
	}
}

static const char *text_of(json_t *root, const char *key)
{
	return json_string_value(json_object_get(root, key));
}

void guest_verdict_read(struct guest_verdict *v, const char *path, int status)
{
	const char *reason = status_reason(status), *text;
	char *file = NULL;
	json_t *root = NULL;

	memset(v, 0, sizeof(*v));
	v->status = status;
	if (path && !ktest_read_file(path, FILE_MAX, &file))
		root = json_loads(file, 0, NULL);
	if (json_is_integer(json_object_get(root, "status")))
		v->status = json_integer_value(json_object_get(root, "status"));
	text = text_of(root, "reason");
	if (text && *text)
		reason = text;
	ktest_clean_name(v->reason, sizeof(v->reason), reason, strlen(reason));
	text = text_of(root, "splat");
	if (text && *text)
		v->splat = strndup(text, VERDICT_TEXT_MAX);
	json_decref(root);
	free(file);
	/* It is about this guest alone. */
	if (path)
		unlink(path);
}

void guest_verdict_free(struct guest_verdict *v)
{
	free(v->splat);
	v->splat = NULL;
}

void guest_verdict_note(const struct guest_verdict *v, const struct child *c,
			struct ktap_node *node)
{
	char line[KTAP_NAME_MAX + 80];

	if (!v)
		return;
	snprintf(line, sizeof(line), "guest: %s, status %d", v->reason, v->status);
	ktap_note(node, line);
	if (v->splat)
		ktap_note(node, v->splat);
	else if (c && c->tail_len)
		ktap_note(node, c->tail);
}
