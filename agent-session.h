/* SPDX-License-Identifier: GPL-2.0 */
#ifndef AGENT_SESSION_H
#define AGENT_SESSION_H

struct agent_result;
struct agent_spec;

/**
 * agent_session() - a session in a guest that runs, from its begin to its end
 * @name: guest
 * @spec: command; NULL for the guest's console
 * @r: filled in: how it ended
 *
 * Return: 0; 1 when the user has left it; -EIO when output was lost, -errno, after a
 * message.
 */
int agent_session(const char *name, const struct agent_spec *spec, struct agent_result *r);

#endif /* AGENT_SESSION_H */
