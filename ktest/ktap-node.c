// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>
#include <vmtool/ktap.h>

#include "internal.h"

struct ktap_node *ktap_node_new(const char *name, const char *reason)
{
	size_t name_len = strlen(name) + 1, reason_len = reason ? strlen(reason) + 1 : 0;
	struct ktap_node *n = calloc(1, sizeof(*n) + name_len + reason_len);

	if (!n)
		return NULL;
	INIT_LIST_HEAD(&n->entry);
	INIT_LIST_HEAD(&n->recent);
	INIT_LIST_HEAD(&n->children);
	memcpy(n->name, name, name_len);
	n->diag = !reason;
	if (reason) {
		n->reason = n->name + name_len;
		memcpy(n->reason, reason, reason_len);
	}
	return n;
}

struct ktap_node *ktap_result(enum ktap_status status, const char *name, const char *reason)
{
	char clean[KTAP_NAME_MAX], why[KTAP_NAME_MAX];
	struct ktap_node *n;

	ktest_clean_name(clean, sizeof(clean), name, strlen(name));
	ktest_clean_name(why, sizeof(why), reason ?: "", reason ? strlen(reason) : 0);
	n = ktap_node_new(*clean ? clean : "(unnamed)", why);
	if (n)
		n->status = status;
	return n;
}

void ktap_add(struct ktap_node *to, enum ktap_status status, const char *name,
	      const char *reason)
{
	struct ktap_node *n = to ? ktap_result(status, name, reason) : NULL;

	if (n)
		list_add_tail(&n->entry, &to->children);
}

void ktap_note(struct ktap_node *to, const char *text)
{
	char clean[KTAP_LINE_MAX];
	struct ktap_node *n;
	size_t len;

	while (to && *text) {
		len = strcspn(text, "\n");
		ktest_clean(clean, sizeof(clean), text, len, false);
		n = ktap_node_new(clean, NULL);
		if (n)
			list_add_tail(&n->entry, &to->children);
		text += len + (text[len] == '\n');
	}
}

/* As deep as results are nested: at most KTAP_DEPTH_MAX and a few. */
void ktap_free(struct ktap_node *node)
{
	struct ktap_node *n, *tmp;

	if (!node)
		return;
	list_for_each_entry_safe(n, tmp, &node->children, entry) {
		list_del(&n->entry);
		ktap_free(n);
	}
	free(node);
}

void ktap_count(const struct ktap_node *node, struct ktap_counts *counts)
{
	const struct ktap_node *n;

	if (ktap_has_results(node)) {
		list_for_each_entry(n, &node->children, entry)
			if (!n->diag)
				ktap_count(n, counts);
		return;
	}
	counts->ok += node->status == KTAP_OK;
	counts->not_ok += node->status == KTAP_NOT_OK;
	counts->skip += node->status == KTAP_SKIP;
	counts->xfail += node->status == KTAP_XFAIL;
}
