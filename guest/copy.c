// SPDX-License-Identifier: GPL-2.0
/*
 * Files of the initramfs that the new root is to have: into it where it can be
 * written, else onto a tmpfs that is laid over the nearest directory there is.
 */
#include "guest.h"

#define DEPTH_MAX	16
#define COPY_SIZE	65536

struct entry {
	unsigned long long ino;
	long long off;
	unsigned short len;
	unsigned char type;
	char name[];
};

static int copy_file(const char *from, const char *to)
{
	static char buf[COPY_SIZE];
	long in, out, n, ret = 0;

	in = k_openat(from, O_RDONLY | O_CLOEXEC, 0);
	if (in < 0)
		return in;
	out = k_openat(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
	if (out < 0)
		ret = out;
	while (!ret && (n = k_read(in, buf, sizeof(buf))) != 0) {
		long done = 0;

		while (n > 0 && done < n && !ret) {
			long w = k_write(out, buf + done, n - done);

			if (w < 0)
				ret = w;
			else
				done += w;
		}
		if (n < 0)
			ret = n;
	}
	k_close(in);
	if (out >= 0)
		k_close(out);
	return ret;
}

static int copy_any(const char *from, const char *to, int depth);

static int copy_entries(int fd, const char *from, const char *to, int depth)
{
	_Alignas(8) char buf[2048];
	char a[PATH_SIZE], b[PATH_SIZE];
	long n, at, ret = 0;

	while (!ret && (n = k_getdents(fd, buf, sizeof(buf))) > 0) {
		for (at = 0; at < n && !ret; ) {
			const struct entry *e = (void *)(buf + at);

			at += e->len;
			if (!strcmp(e->name, ".") || !strcmp(e->name, ".."))
				continue;
			join(a, sizeof(a), from, "/", e->name);
			join(b, sizeof(b), to, "/", e->name);
			ret = copy_any(a, b, depth + 1);
		}
	}
	return ret;
}

static int copy_any(const char *from, const char *to, int depth)
{
	char text[PATH_SIZE];
	long fd, ret;

	if (depth > DEPTH_MAX)
		return -ELOOP;
	ret = k_readlink(from, text, sizeof(text) - 1);
	if (ret >= 0) {
		text[ret] = '\0';
		k_unlink(to, 0);
		return k_symlink(text, to);
	}
	fd = k_openat(from, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	if (fd < 0)
		return copy_file(from, to);
	ret = make_dirs(to);
	ret = ret ?: copy_entries(fd, from, to, depth);
	k_close(fd);
	return ret;
}

/* The directory that @path is in; what has none is in the root. */
static void cut(char *path)
{
	char *slash = strrchr(path, '/');

	if (slash && slash != path)
		*slash = '\0';
}

static int try_copy(const char *from, const char *to)
{
	char dir[PATH_SIZE];
	int ret;

	join(dir, sizeof(dir), to, "", "");
	cut(dir);
	ret = make_dirs(dir);
	return ret ?: copy_any(from, to, 0);
}

static int cover_parent(const char *to)
{
	char dir[PATH_SIZE];
	long fd = -ENOENT;

	join(dir, sizeof(dir), to, "", "");
	do {
		if (!strcmp(dir, NEWROOT))
			break;
		cut(dir);
		fd = k_openat(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	} while (fd < 0);
	if (fd >= 0)
		k_close(fd);
	return mount_over(dir);
}

/* copy SRC DST */
int do_copy(const struct directive *d)
{
	char to[PATH_SIZE];
	int ret;

	new_path(to, d->field[2]);
	ret = try_copy(d->field[1], to);
	if (ret == -EROFS || ret == -EACCES || ret == -EPERM) {
		ret = cover_parent(to);
		ret = ret ?: try_copy(d->field[1], to);
	}
	if (ret)
		say("cannot put into the root file system:", d->field[2], ret);
	return ret;
}
