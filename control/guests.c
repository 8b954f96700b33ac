// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vmtool/guests.h>
#include <vmtool/qmp_client.h>
#include <vmtool/verdict.h>

#include "internal.h"

static int add_name(struct guests *g, const char *name)
{
	char **names;
	int i;

	for (i = 0; i < g->nr; i++)
		if (!strcmp(g->names[i], name))
			return 0;
	names = realloc(g->names, (g->nr + 1) * sizeof(*names));
	if (!names)
		return -ENOMEM;
	g->names = names;
	names[g->nr] = strdup(name);
	if (!names[g->nr])
		return -ENOMEM;
	g->nr++;
	return 0;
}

void guests_free(struct guests *g)
{
	control_free_names(g->names, g->nr);
	g->names = NULL;
	g->nr = 0;
}

int guests_option(const struct option *opt, const char *arg, int unset)
{
	struct guests *g = opt->value;

	if (unset) {
		guests_free(g);
		return 0;
	}
	return add_name(g, arg) ? -1 : 0;
}

int guests_select(struct guests *g, int argc, const char **argv)
{
	int i, ret;

	for (i = 0; i < argc; i++) {
		if (!strcmp(argv[i], "--"))
			continue;
		ret = add_name(g, argv[i]);
		if (ret)
			return ret;
	}
	if (!g->all && !g->nr) {
		log_err("no guest given: name one or use --all ('vmtool list' shows the names)");
		return -EINVAL;
	}
	if (g->all && g->nr) {
		log_err("--all and the name '%s' exclude each other: give one of them",
			g->names[0]);
		return -EINVAL;
	}
	if (!g->all)
		return 0;
	ret = control_find(&g->names);
	if (ret < 0)
		return ret;
	g->nr = ret;
	return 0;
}

int guests_open(struct qmp_client *c, const char *name)
{
	char shown[RUNDIR_NAME_MAX];
	int ret = qmp_client_open(c, name);

	if (!ret)
		return 0;
	snprintf(shown, sizeof(shown), "%s", name);
	text_clean(shown);
	if (ret == -ENOENT || ret == -EINVAL) {
		log_err("no guest named '%s': 'vmtool list' shows the names", shown);
		return EXIT_VMTOOL_ERROR;
	}
	if (ret == -EAGAIN)
		log_err("cannot reach guest '%s': too many clients wait for it", shown);
	else
		log_err("cannot reach guest '%s': %s", shown, strerror(-ret));
	return 1;
}
