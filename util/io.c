// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <unistd.h>

#include <vmtool/io.h>

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
