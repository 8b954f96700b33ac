/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_TTY_H
#define VMTOOL_TTY_H

#include <stdbool.h>

/*
 * The mode of the terminal that is stdin. It comes back on every way out of the process
 * but SIGKILL.
 */

/**
 * tty_guard() - from now on see to it that the mode comes back
 */
void tty_guard(void);

/**
 * tty_raw() - hand every key on as it is typed
 * @output: output is handed on as it is, too; else its lines look right on a terminal
 *
 * Return: 0; -EAGAIN in the background, where the terminal is left alone; -errno.
 */
int tty_raw(bool output);

/**
 * tty_restore() - back to the mode from before the first tty_raw()
 */
void tty_restore(void);

/**
 * tty_forget() - the mode is the shell's now: it is not brought back
 */
void tty_forget(void);

#endif /* VMTOOL_TTY_H */
