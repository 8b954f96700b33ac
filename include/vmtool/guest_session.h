/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_GUEST_SESSION_H
#define VMTOOL_GUEST_SESSION_H

#include <limits.h>
#include <stddef.h>
#include <sys/types.h>
#include <linux/types.h>

#define GUEST_SESSION_GROUPS	64

/**
 * struct guest_session - as whom, and where, a command runs in a guest
 * @cwd: directory in the guest, absolute
 * @uid: user
 * @gid: group
 * @groups: further groups
 * @nr_groups: how many
 * @name: of the user; "" when the guest's root does not name it
 * @home: home directory
 * @shell: login shell
 */
struct guest_session {
	char cwd[PATH_MAX];
	u32 uid;
	u32 gid;
	u32 groups[GUEST_SESSION_GROUPS];
	unsigned int nr_groups;
	char name[64];
	char home[PATH_MAX];
	char shell[PATH_MAX];
};

/**
 * guest_session_user() - look up a user in a root's own /etc/passwd and /etc/group
 * @gs: all but @cwd is filled in
 * @root: directory that is the guest's root
 * @user: name or number; NULL for root
 *
 * A number need not be known there. Nothing is asked of the host's name services: the
 * root may be another system's.
 *
 * Return: 0; -ENOENT when there is no such user; -errno.
 */
int guest_session_user(struct guest_session *gs, const char *root, const char *user);

#endif /* VMTOOL_GUEST_SESSION_H */
