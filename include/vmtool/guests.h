/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_GUESTS_H
#define VMTOOL_GUESTS_H

#include <stdbool.h>
#include <subcmd/parse-options.h>

/*
 * Which guests a command is about: -n NAME, -a, and names without an option
 * mean the same in every command.
 */

/**
 * struct guests - the guests a command is about
 * @names: names, each once
 * @nr: how many
 * @all: -a was given
 */
struct guests {
	char **names;
	int nr;
	bool all;
};

#define OPT_GUEST_NAME(g)							\
	OPT_CALLBACK('n', "name", g, "NAME", "guest, may be repeated", guests_option)
#define OPT_GUEST_ALL(g)							\
	OPT_BOOLEAN('a', "all", &(g)->all, "all guests of this user")

/**
 * guests_option() - callback behind OPT_GUEST_NAME
 * @opt: option, with a struct guests as its value
 * @arg: a name
 * @unset: --no-name, which forgets the names so far
 *
 * Return: 0, or -1 as parse_options() wants it.
 */
int guests_option(const struct option *opt, const char *arg, int unset);

/**
 * guests_select() - settle which guests are meant
 * @g: filled in by the two options
 * @argc: number of arguments left after the options
 * @argv: those arguments, more names
 *
 * Return: 0 (@nr is 0 only after -a, when there are none); -errno after a
 * message: -EINVAL for bad usage, others when the directory cannot be read.
 */
int guests_select(struct guests *g, int argc, const char **argv);

struct qmp_client;

/**
 * guests_open() - connect to one of them
 * @c: caller-owned, to be closed only when 0 was returned
 * @name: guest
 *
 * Return: 0, or an exit status after a message: EXIT_VMTOOL_ERROR when there is
 * no such guest, 1 when it cannot be reached.
 */
int guests_open(struct qmp_client *c, const char *name);

/**
 * guests_free() - forget the selection
 * @g: guests
 */
void guests_free(struct guests *g);

#endif /* VMTOOL_GUESTS_H */
