// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>
#include <vmtool/guest_session.h>
#include <vmtool/size.h>

#define DEFAULT_SHELL	"/bin/sh"

/* NULL when it cannot be opened: errno says why. */
static FILE *open_list(const char *root, const char *list)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/etc/%s", root, list) >= sizeof(path)) {
		errno = ENAMETOOLONG;
		return NULL;
	}
	return fopen(path, "re");
}

static bool copy_text(char *to, size_t size, const char *from)
{
	return snprintf(to, size, "%s", from) < size;
}

static int take_user(struct guest_session *gs, const struct passwd *pw)
{
	const char *shell = pw->pw_shell && *pw->pw_shell ? pw->pw_shell : DEFAULT_SHELL;

	gs->uid = pw->pw_uid;
	gs->gid = pw->pw_gid;
	return copy_text(gs->name, sizeof(gs->name), pw->pw_name) &&
	       copy_text(gs->home, sizeof(gs->home), pw->pw_dir) &&
	       copy_text(gs->shell, sizeof(gs->shell), shell) ? 0 : -ENAMETOOLONG;
}

static int find_user(struct guest_session *gs, const char *root, const char *name,
		     unsigned int uid)
{
	FILE *f = open_list(root, "passwd");
	const struct passwd *pw;
	int ret = -ENOENT;

	/* A root without such a file has no users with names. */
	while (f && ret == -ENOENT && (pw = fgetpwent(f)))
		if (name ? !strcmp(pw->pw_name, name) : pw->pw_uid == uid)
			ret = take_user(gs, pw);
	if (f)
		fclose(f);
	return ret;
}

static void find_groups(struct guest_session *gs, const char *root)
{
	FILE *f = open_list(root, "group");
	const struct group *gr;
	char **member;

	while (f && gs->nr_groups < GUEST_SESSION_GROUPS && (gr = fgetgrent(f)))
		for (member = gr->gr_mem; *member; member++)
			if (!strcmp(*member, gs->name) && gr->gr_gid != gs->gid) {
				gs->groups[gs->nr_groups++] = gr->gr_gid;
				break;
			}
	if (f)
		fclose(f);
}

int guest_session_user(struct guest_session *gs, const char *root, const char *user)
{
	unsigned int uid = 0;
	bool number;
	int ret;

	gs->nr_groups = 0;
	*gs->name = '\0';
	number = !user || !parse_uint(user, &uid);
	ret = find_user(gs, root, number ? NULL : user, uid);
	if (!ret)
		find_groups(gs, root);
	if (ret != -ENOENT || !number)
		return ret;
	gs->uid = uid;
	gs->gid = uid;
	strcpy(gs->home, "/");
	strcpy(gs->shell, DEFAULT_SHELL);
	return 0;
}
