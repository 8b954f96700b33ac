// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <vmtool/rundir.h>

#include "roots.h"

int roots_dir(char *buf, size_t size)
{
	const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
	int n;

	/* A relative one is to be ignored, says who invented it. */
	if (data && *data == '/')
		n = snprintf(buf, size, "%s/vmtool", data);
	else if (home && *home == '/')
		n = snprintf(buf, size, "%s/.local/share/vmtool", home);
	else
		return -ENOENT;
	return n < size ? 0 : -ENAMETOOLONG;
}

int roots_path(const char *name, char *buf, size_t size)
{
	char dir[PATH_MAX];
	int ret;

	if (!rundir_name_valid(name))
		return -EINVAL;
	ret = roots_dir(dir, sizeof(dir));
	if (ret)
		return ret;
	return snprintf(buf, size, "%s/%s", dir, name) < size ? 0 : -ENAMETOOLONG;
}

bool roots_exists(const char *name)
{
	char path[PATH_MAX];
	struct stat st;

	return !roots_path(name, path, sizeof(path)) && !stat(path, &st) && S_ISDIR(st.st_mode);
}
