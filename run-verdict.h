/* SPDX-License-Identifier: GPL-2.0 */
#ifndef RUN_VERDICT_H
#define RUN_VERDICT_H

#include <stdbool.h>
#include <vmtool/vm.h>

/*
 * What "vmtool run" makes of a guest's end: the exit status, the reports of the
 * guest's kernel on stderr, the file of --verdict.
 */

/**
 * struct run_verdict_args - options, as text
 * @file: --verdict
 * @hang: --hang
 * @vmlinux: --vmlinux
 * @fail_on_warn: --fail-on-warn
 */
struct run_verdict_args {
	const char *file;
	const char *hang;
	const char *vmlinux;
	bool fail_on_warn;
};

struct run_verdict;

/**
 * run_verdict_config() - make sense of the options
 * @args: options
 * @cfg: gets what is the machine's business
 *
 * Return: 0, or -EINVAL or another -errno after a message.
 */
int run_verdict_config(const struct run_verdict_args *args, struct vm_config *cfg);

/**
 * run_verdict_new() - begin
 * @args: options, which must outlive the result
 * @cfg: configuration, the same; nothing of it has to be set yet
 *
 * From here on there is a verdict, and what an earlier run has left in its file must not
 * be taken for it.
 *
 * Return: what the other functions want, freed by run_verdict_end(); NULL without
 * memory, or after a message when there can be no such file.
 */
struct run_verdict *run_verdict_new(const struct run_verdict_args *args,
				    const struct vm_config *cfg);

/**
 * run_verdict_start() - keep what the console prints
 * @rv: verdict
 * @vm: created machine that is about to run
 */
void run_verdict_start(struct run_verdict *rv, struct vm *vm);

/**
 * run_verdict_command() - the COMMAND in the guest has ended
 * @rv: verdict
 * @status: its exit status, or 128 and the number of the signal that ended it
 */
void run_verdict_command(struct run_verdict *rv, int status);

/**
 * run_verdict_stop() - take what is needed from a machine that has run
 * @rv: verdict
 * @vm: the machine, which is destroyed next
 */
void run_verdict_stop(struct run_verdict *rv, struct vm *vm);

/**
 * run_verdict_end() - say what there is to say, write the file
 * @rv: verdict, freed
 * @status: of vm_run(), or EXIT_VMTOOL_ERROR when it did not come to that
 *
 * A dry run writes no file.
 *
 * Return: exit status of vmtool.
 */
int run_verdict_end(struct run_verdict *rv, int status);

#endif /* RUN_VERDICT_H */
