// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vmtool/io.h>

#define READ_FIRST	65536

int pread_all(int fd, void *buf, size_t len, off_t off)
{
	while (len) {
		ssize_t n = pread(fd, buf, len, off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			return -ENODATA;
		buf += n;
		len -= n;
		off += n;
	}
	return 0;
}

/* Grows @buf until all is read: files of /proc do not say how long they are. */
static int read_rest(int fd, size_t max, char **buf, size_t *len)
{
	size_t room = 0;

	for (;;) {
		ssize_t n;
		char *more;

		if (room - *len < 2) {
			room = room ? room * 2 : READ_FIRST;
			more = realloc(*buf, room);
			if (!more)
				return -ENOMEM;
			*buf = more;
		}
		n = read(fd, *buf + *len, room - *len - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			break;
		*len += n;
		if (*len > max)
			return -EFBIG;
	}
	(*buf)[*len] = '\0';
	return 0;
}

int read_file(const char *path, size_t max, char **buf, size_t *len)
{
	struct stat st;
	int fd, ret;

	*buf = NULL;
	*len = 0;
	/* A FIFO without a writer would keep open() waiting. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		ret = -errno;
	else if (!S_ISREG(st.st_mode))
		ret = S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
	else
		ret = read_rest(fd, max, buf, len);
	close(fd);
	if (ret) {
		free(*buf);
		*buf = NULL;
		*len = 0;
	}
	return ret;
}

int io_realpath(const char *path, char real[PATH_MAX])
{
	int fd = open(path, O_PATH | O_CLOEXEC);
	char self[32];
	ssize_t len;

	if (fd < 0)
		return -errno;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	len = readlink(self, real, PATH_MAX);
	close(fd);
	/* Without /proc, or for a path that is longer than the kernel tells. */
	if (len <= 0 || len >= PATH_MAX || *real != '/')
		return realpath(path, real) ? 0 : -errno;
	real[len] = '\0';
	return 0;
}

void io_wake(int fd)
{
	static const unsigned long long one = 1;
	int saved = errno;

	if (write(fd, &one, sizeof(one)) < 0)
		errno = saved;
}
