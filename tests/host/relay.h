/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What relay.c, on the machine the tests run on, and runner.c, in the emulated
 * host, say to each other through a virtio console port: frames of an 8 byte
 * header (type, three zero bytes, length in little-endian) and the payload.
 *
 * The order of frames is the order of events: when FRAME_EXIT has come, all
 * output of the command has come.
 */
#ifndef VMTOOL_TESTS_RELAY_H
#define VMTOOL_TESTS_RELAY_H

#include <errno.h>
#include <linux/types.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define FRAME_HEADER	8
/* A virtio console port takes at most 32 KiB at a time. */
#define FRAME_MAX	(32 * 1024 - FRAME_HEADER)
#define RELAY_PORT	"kvmhost"
/* Seconds between two signs of life of a host that has nothing to say. */
#define ALIVE_SECONDS	5

enum frame_type {
	FRAME_UP = 'u',		/* the command starts now */
	FRAME_ALIVE = 'a',
	FRAME_STDIN = 'i',	/* empty: end of file */
	FRAME_POKE = 'p',	/* interrupts, and is answered by FRAME_ALIVE */
	FRAME_STDOUT = 'o',
	FRAME_STDERR = 'e',
	FRAME_EXIT = 'x',	/* one byte: the command's status */
};

static inline void frame_header(__u8 *hdr, __u8 type, __u32 len)
{
	const __u8 bytes[FRAME_HEADER] = {
		type, 0, 0, 0, len, len >> 8, len >> 16, len >> 24
	};

	memcpy(hdr, bytes, FRAME_HEADER);
}

static inline __u32 frame_len(const __u8 *hdr)
{
	return hdr[4] | hdr[5] << 8 | hdr[6] << 16 | (__u32)hdr[7] << 24;
}

/* Writes all of it, to a non-blocking descriptor as well. 0 or -errno. */
static inline int write_all(int fd, const void *buf, size_t len)
{
	const __u8 *p = buf;

	while (len) {
		struct pollfd pfd = { .fd = fd, .events = POLLOUT };
		ssize_t n = write(fd, p, len);

		if (n >= 0) {
			p += n;
			len -= n;
		} else if (errno == EAGAIN) {
			poll(&pfd, 1, -1);
		} else if (errno != EINTR) {
			return -errno;
		}
	}
	return 0;
}

#endif /* VMTOOL_TESTS_RELAY_H */
