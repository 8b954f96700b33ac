// SPDX-License-Identifier: GPL-2.0
/*
 * The options of vmtool run that the architecture alone has, made from its table.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <vmtool/arch.h>
#include <vmtool/log.h>
#include <vmtool/props.h>

#include "run-arch.h"

/* Parsed later: an error in here would make libsubcmd print its usage. */
static int note_value(const struct option *opt, const char *arg, int unset)
{
	char **text = opt->value;

	free(*text);
	*text = NULL;
	if (!unset && asprintf(text, "%s=%s", opt->long_name, arg) < 0) {
		*text = NULL;
		return -1;
	}
	return 0;
}

int run_arch_options(struct option *options, int max, struct run_arch *ra)
{
	const struct prop *p;
	int n = 0, i = 0;

	while (options[n].type != OPTION_END)
		n++;
	if (arch_props->name && n + 1 < max)
		options[n++] = (struct option)OPT_GROUP("This architecture:");
	for (p = arch_props; p->name; p++, i++) {
		if (n + 1 >= max || i == RUN_ARCH_MAX)
			return -E2BIG;
		options[n++] = (struct option)OPT_CALLBACK(0, p->name, &ra->text[i], p->arg,
							   p->help, note_value);
	}
	return 0;
}

int run_arch_parse(struct run_arch *ra)
{
	const struct prop *p;
	char opt[32];
	int i = 0, ret;

	ra->conf = calloc(1, arch_conf_size ?: 1);
	ret = ra->conf ? props_init(arch_props, ra->conf) : -ENOMEM;
	for (p = arch_props; p->name && !ret; p++, i++) {
		if (!ra->text[i])
			continue;
		snprintf(opt, sizeof(opt), "--%s", p->name);
		ret = props_parse(arch_props, ra->conf, opt, ra->text[i]);
	}
	if (ret == -ENOMEM)
		log_err("no memory for the options");
	return ret;
}

void run_arch_release(struct run_arch *ra)
{
	int i;

	for (i = 0; i < RUN_ARCH_MAX; i++)
		free(ra->text[i]);
	if (ra->conf)
		props_free(arch_props, ra->conf);
	free(ra->conf);
}
