/* SPDX-License-Identifier: GPL-2.0 */
#ifndef STAT_H
#define STAT_H

#include <stdbool.h>

/*
 * What "vmtool stat" shows.
 */

/**
 * stat_memory() - print what a guest uses its memory for
 * @name: guest
 *
 * Return: exit status, after a message when it is not 0.
 */
int stat_memory(const char *name);

/**
 * stat_cost() - print what a guest has cost
 * @name: guest
 * @json: as JSON
 * @kvm: with KVM's own figures, as JSON has them always
 *
 * Return: exit status, after a message when it is not 0.
 */
int stat_cost(const char *name, bool json, bool kvm);

#endif /* STAT_H */
