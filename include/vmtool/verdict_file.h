/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_VERDICT_FILE_H
#define VMTOOL_VERDICT_FILE_H

#include <stdbool.h>
#include <stdio.h>
#include <linux/types.h>
#include <vmtool/splat.h>

/**
 * struct verdict_facts - what the file of --verdict says
 * @status: exit status of vmtool
 * @reason: one word for why
 * @name: name of the guest
 * @kernel: kernel version, "" for unknown
 * @uptime_ms: how long it ran
 * @command: exit status of COMMAND, -1 where there was none or it did not end
 * @counts: reports of each kind
 * @splat: text of the first report, NULL without one
 * @splat_kind: its kind
 * @panic: text of a panic that came later, or NULL
 * @vcpus: where the vCPUs stood, a line each, or NULL
 */
struct verdict_facts {
	int status;
	const char *reason;
	const char *name;
	const char *kernel;
	u64 uptime_ms;
	int command;
	const unsigned int *counts;
	const char *splat;
	enum splat_kind splat_kind;
	const char *panic;
	const char *vcpus;
};

/**
 * verdict_print() - the facts as JSON
 * @f: facts
 * @out: stream
 *
 * One object, members in a fixed order; text that is not UTF-8 becomes U+FFFD.
 */
void verdict_print(const struct verdict_facts *f, FILE *out);

/**
 * verdict_write() - the facts into a file, all at once
 * @f: facts
 * @path: file; one that is there is replaced, if it is a regular one
 *
 * Return: 0 or -errno; nothing is printed.
 */
int verdict_write(const struct verdict_facts *f, const char *path);

#endif /* VMTOOL_VERDICT_FILE_H */
