/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TESTS_UNIT_FILES_H
#define TESTS_UNIT_FILES_H

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Trees of files that tests make up below a directory of their own. */

struct files {
	char dir[64];
};

static inline bool files_init(struct files *f)
{
	snprintf(f->dir, sizeof(f->dir), "/tmp/vmtool-files.XXXXXX");
	return mkdtemp(f->dir);
}

static inline int files_remove_one(const char *path, const struct stat *st, int type,
				   struct FTW *ftw)
{
	return remove(path);
}

static inline void files_remove(struct files *f)
{
	nftw(f->dir, files_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* Valid until the next call with the same @buf. */
static inline const char *files_path(const struct files *f, char buf[PATH_MAX],
				     const char *name)
{
	snprintf(buf, PATH_MAX, "%s/%s", f->dir, name);
	return buf;
}

static inline bool files_write(const struct files *f, const char *name, const void *data,
			       size_t len)
{
	char path[PATH_MAX], *p;
	bool ok;
	int fd;

	files_path(f, path, name);
	for (p = path + strlen(f->dir) + 1; (p = strchr(p, '/')); *p++ = '/') {
		*p = '\0';
		mkdir(path, 0755);
	}
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	ok = fd >= 0 && write(fd, data, len) == len;
	if (fd >= 0)
		close(fd);
	return ok;
}

static inline bool files_text(const struct files *f, const char *name, const char *text)
{
	return files_write(f, name, text, strlen(text));
}

static inline bool files_there(const struct files *f, const char *name)
{
	char path[PATH_MAX];
	struct stat st;

	return !lstat(files_path(f, path, name), &st);
}

#endif /* TESTS_UNIT_FILES_H */
