// SPDX-License-Identifier: GPL-2.0
/*
 * The file of --verdict.
 */
#include <linux/kernel.h>
#include <vmtool/json_out.h>
#include <vmtool/outfile.h>
#include <vmtool/verdict_file.h>

static void print_counts(struct json_out *j, const unsigned int *counts)
{
	unsigned int i;

	json_begin(j, "counts", '{');
	for (i = 0; i < SPLAT_KINDS; i++)
		json_u64(j, splat_name(i), counts[i]);
	json_end(j, '}');
}

void verdict_print(const struct verdict_facts *f, FILE *out)
{
	struct json_out j = { .out = out };

	json_begin(&j, NULL, '{');
	json_u64(&j, "status", f->status);
	json_text(&j, "reason", f->reason);
	json_text(&j, "name", f->name);
	json_text(&j, "kernel", *f->kernel ? f->kernel : NULL);
	json_fixed(&j, "uptime", f->uptime_ms);
	if (f->command < 0)
		json_text(&j, "command-status", NULL);
	else
		json_u64(&j, "command-status", f->command);
	print_counts(&j, f->counts);
	json_text(&j, "splat-kind", f->splat ? splat_name(f->splat_kind) : NULL);
	json_text(&j, "splat", f->splat);
	json_text(&j, "panic", f->panic);
	json_text(&j, "vcpus", f->vcpus);
	json_end(&j, '}');
}

static void print(const void *arg, FILE *out)
{
	verdict_print(arg, out);
}

int verdict_write(const struct verdict_facts *f, const char *path)
{
	return outfile_write(path, print, f);
}
