// SPDX-License-Identifier: GPL-2.0
/*
 * What a guest has cost.
 */
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include <vmtool/stats.h>
#include <vmtool/stats_qmp.h>

static json_t *x_query_stats(void *priv, const json_t *args, struct qmp_error *err)
{
	json_t *stats = NULL;
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (out) {
		stats_print(priv, out);
		if (!fclose(out))
			stats = json_loadb(text, len, 0, NULL);
	}
	if (!stats)
		qmp_error_set(err, NULL, "no memory");
	free(text);
	return stats;
}

const struct qmp_command stats_commands[] = {
	{ "x-query-stats", "what the guest has cost: exits, interrupts, requests, times", NULL,
	  x_query_stats },
	{ }
};
