/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TESTS_UNIT_FAKE_VHOST_H
#define TESTS_UNIT_FAKE_VHOST_H

/*
 * A node of vhost without a kernel behind it. open() and ioctl() of the program are
 * these: what does not concern the node goes to the kernel. It remembers what it was
 * told, refuses what the kernel refuses, and can be made to fail at any call.
 *
 *	fake_vhost_init("/dev/vhost-vsock", features);
 *	... the device ...
 *	fake_vhost.fail_in = 3; fake_vhost.fail_with = ENOMEM;	the third call from now
 *
 * One node a program, since that is what open() is: included once.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/kernel.h>
#include <linux/types.h>
#include <linux/vhost.h>

#define FAKE_VHOST_QUEUES	64
#define FAKE_VHOST_REGIONS	16
#define FAKE_VHOST_CALLS	1024

struct fake_vhost_queue {
	u32 num;
	u32 base;
	struct vhost_vring_addr addr;
	int kick;
	int call;
	int err;
};

/**
 * struct fake_vhost - the node
 * @path: what open() has to ask for
 * @open_error: errno that it gets, 0 for none
 * @fd: descriptor that was given; -1 before. One that was closed is still here.
 * @ino: its inode: descriptors are used again
 * @nr_calls: ioctls so far; the first FAKE_VHOST_CALLS are in @calls
 * @fail_in: the call, from now on, that fails; 0 for none
 * @fail_with: its errno
 * @has_features: of VHOST_GET_FEATURES
 * @owned: VHOST_SET_OWNER was called
 * @features: of VHOST_SET_FEATURES
 * @nr_regions: memory, of VHOST_SET_MEM_TABLE; -1 before
 * @queues: as they were set up
 * @running: the kernel works on the rings: they cannot be changed
 * @cid: vsock: the guest's
 * @cid_in_use: vsock: one that somebody else has
 * @abi: scsi: version of the interface
 * @wwpn: scsi: the target that there is
 */
struct fake_vhost {
	const char *path;
	int open_error;
	int fd;
	ino_t ino;
	unsigned int nr_calls;
	unsigned long calls[FAKE_VHOST_CALLS];
	unsigned int fail_in;
	int fail_with;
	u64 has_features;
	bool owned;
	u64 features;
	int nr_regions;
	struct vhost_memory_region regions[FAKE_VHOST_REGIONS];
	struct fake_vhost_queue queues[FAKE_VHOST_QUEUES];
	bool running;
	u64 cid;
	u64 cid_in_use;
	int abi;
	const char *wwpn;
};

static struct fake_vhost fake_vhost = { .fd = -1 };

static inline void fake_vhost_init(const char *path, u64 features)
{
	unsigned int i;

	memset(&fake_vhost, 0, sizeof(fake_vhost));
	fake_vhost.path = path;
	fake_vhost.fd = -1;
	fake_vhost.has_features = features;
	fake_vhost.nr_regions = -1;
	fake_vhost.abi = VHOST_SCSI_ABI_VERSION;
	for (i = 0; i < FAKE_VHOST_QUEUES; i++) {
		fake_vhost.queues[i].kick = -1;
		fake_vhost.queues[i].call = -1;
		fake_vhost.queues[i].err = -1;
	}
}

/* Is the node closed, or was it never opened? */
static inline bool fake_vhost_closed(void)
{
	struct stat st;

	return fake_vhost.fd < 0 || fstat(fake_vhost.fd, &st) || st.st_ino != fake_vhost.ino;
}

/* Does it have nothing any more that belongs to a guest which it could touch? */
static inline bool fake_vhost_idle(void)
{
	unsigned int i;

	if (fake_vhost_closed())
		return true;
	for (i = 0; i < FAKE_VHOST_QUEUES; i++)
		if (fake_vhost.queues[i].kick >= 0 || fake_vhost.queues[i].call >= 0 ||
		    fake_vhost.queues[i].err >= 0)
			return false;
	return !fake_vhost.running;
}

/* Number of the first call @op at or after the number @from, or -1. */
static inline int fake_vhost_find(unsigned long op, unsigned int from)
{
	unsigned int i;

	for (i = from; i < fake_vhost.nr_calls && i < FAKE_VHOST_CALLS; i++)
		if (fake_vhost.calls[i] == op)
			return i;
	return -1;
}

static inline int fake_vhost_count(unsigned long op)
{
	int i = -1, n = 0;

	while ((i = fake_vhost_find(op, i + 1)) >= 0)
		n++;
	return n;
}

/* --- what the kernel does ------------------------------------------------------------ */

static inline struct fake_vhost_queue *fake_vhost_queue(u32 index)
{
	return index < FAKE_VHOST_QUEUES ? &fake_vhost.queues[index] : NULL;
}

static inline int fake_vhost_set_memory(const struct vhost_memory *mem)
{
	if (mem->padding)
		return -EOPNOTSUPP;
	if (mem->nregions > FAKE_VHOST_REGIONS)
		return -E2BIG;
	fake_vhost.nr_regions = mem->nregions;
	memcpy(fake_vhost.regions, mem->regions, mem->nregions * sizeof(mem->regions[0]));
	return 0;
}

static inline int fake_vhost_set_state(unsigned long op, const struct vhost_vring_state *s)
{
	struct fake_vhost_queue *q = fake_vhost_queue(s->index);

	if (!q)
		return -ENOBUFS;
	if (fake_vhost.running)
		return -EBUSY;
	if (op == VHOST_SET_VRING_BASE) {
		q->base = s->num;
		return 0;
	}
	if (!s->num || s->num > 0xffff || (s->num & (s->num - 1)))
		return -EINVAL;
	q->num = s->num;
	return 0;
}

static inline int fake_vhost_set_addr(const struct vhost_vring_addr *a)
{
	struct fake_vhost_queue *q = fake_vhost_queue(a->index);

	if (!q)
		return -ENOBUFS;
	if (a->flags || a->desc_user_addr % 16 || a->avail_user_addr % 2 || a->used_user_addr % 4)
		return -EINVAL;
	q->addr = *a;
	return 0;
}

static inline int fake_vhost_set_file(unsigned long op, const struct vhost_vring_file *f)
{
	struct fake_vhost_queue *q = fake_vhost_queue(f->index);

	if (!q)
		return -ENOBUFS;
	if (f->fd != VHOST_FILE_UNBIND && fcntl(f->fd, F_GETFD) < 0)
		return -EBADF;
	if (op == VHOST_SET_VRING_KICK)
		q->kick = f->fd;
	else if (op == VHOST_SET_VRING_CALL)
		q->call = f->fd;
	else
		q->err = f->fd;
	return 0;
}

/* The back end begins, or ends. Memory has to be known; no ring need be. */
static inline int fake_vhost_run(bool on)
{
	if (fake_vhost.nr_regions < 0)
		return -EFAULT;
	if (on && fake_vhost.running)
		return -EEXIST;
	fake_vhost.running = on;
	return 0;
}

static inline int fake_vhost_endpoint(bool on, const struct vhost_scsi_target *t)
{
	if (t->reserved)
		return -EOPNOTSUPP;
	if (!fake_vhost.wwpn || strcmp(t->vhost_wwpn, fake_vhost.wwpn))
		return on ? -ENODEV : -EINVAL;
	return fake_vhost_run(on);
}

/* 0 or -errno. */
static inline int fake_vhost_ioctl(unsigned long op, void *arg)
{
	struct vhost_vring_state *state = arg;

	if (op == VHOST_SET_OWNER) {
		if (fake_vhost.owned)
			return -EBUSY;
		fake_vhost.owned = true;
		return 0;
	}
	if (!fake_vhost.owned)
		return -EPERM;
	switch (op) {
	case VHOST_GET_FEATURES:
		*(u64 *)arg = fake_vhost.has_features;
		return 0;
	case VHOST_SET_FEATURES:
		fake_vhost.features = *(u64 *)arg;
		return fake_vhost.features & ~fake_vhost.has_features ? -EOPNOTSUPP : 0;
	case VHOST_SET_MEM_TABLE:
		return fake_vhost_set_memory(arg);
	case VHOST_SET_VRING_NUM:
	case VHOST_SET_VRING_BASE:
		return fake_vhost_set_state(op, arg);
	case VHOST_GET_VRING_BASE:
		if (!fake_vhost_queue(state->index))
			return -ENOBUFS;
		state->num = fake_vhost_queue(state->index)->base;
		return 0;
	case VHOST_SET_VRING_ADDR:
		return fake_vhost_set_addr(arg);
	case VHOST_SET_VRING_KICK:
	case VHOST_SET_VRING_CALL:
	case VHOST_SET_VRING_ERR:
		return fake_vhost_set_file(op, arg);
	case VHOST_VSOCK_SET_GUEST_CID:
		if (*(u64 *)arg == fake_vhost.cid_in_use)
			return -EADDRINUSE;
		fake_vhost.cid = *(u64 *)arg;
		return 0;
	case VHOST_VSOCK_SET_RUNNING:
		return fake_vhost_run(*(int *)arg);
	case VHOST_SCSI_GET_ABI_VERSION:
		*(int *)arg = fake_vhost.abi;
		return 0;
	case VHOST_SCSI_SET_ENDPOINT:
	case VHOST_SCSI_CLEAR_ENDPOINT:
		return fake_vhost_endpoint(op == VHOST_SCSI_SET_ENDPOINT, arg);
	}
	return -ENOTTY;
}

/* --- in place of the C library's ---------------------------------------------------- */

int fake_ioctl(int fd, unsigned long op, ...) __asm__("ioctl");
int fake_open(const char *path, int flags, ...) __asm__("open");
int fake_open64(const char *path, int flags, ...) __asm__("open64");

int fake_ioctl(int fd, unsigned long op, ...)
{
	va_list ap;
	void *arg;

	va_start(ap, op);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (fd < 0 || fd != fake_vhost.fd || fake_vhost_closed())
		return syscall(SYS_ioctl, fd, op, arg);
	if (fake_vhost.nr_calls < FAKE_VHOST_CALLS)
		fake_vhost.calls[fake_vhost.nr_calls] = op;
	fake_vhost.nr_calls++;
	if (fake_vhost.fail_in && !--fake_vhost.fail_in)
		errno = fake_vhost.fail_with;
	else
		errno = -fake_vhost_ioctl(op, arg);
	return errno ? -1 : 0;
}

static inline int fake_vhost_open(const char *path, int flags, mode_t mode)
{
	struct stat st;

	if (!fake_vhost.path || strcmp(path, fake_vhost.path))
		return syscall(SYS_openat, AT_FDCWD, path, flags, mode);
	errno = fake_vhost.open_error;
	if (errno)
		return -1;
	/* Each opening is a new one. */
	fake_vhost.owned = false;
	fake_vhost.running = false;
	fake_vhost.nr_regions = -1;
	fake_vhost.fd = memfd_create("vhost", MFD_CLOEXEC);
	fake_vhost.ino = fstat(fake_vhost.fd, &st) ? 0 : st.st_ino;
	return fake_vhost.fd;
}

int fake_open(const char *path, int flags, ...)
{
	va_list ap;
	int mode;

	va_start(ap, flags);
	mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(ap, int) : 0;
	va_end(ap);
	return fake_vhost_open(path, flags, mode);
}

int fake_open64(const char *path, int flags, ...)
{
	va_list ap;
	int mode;

	va_start(ap, flags);
	mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(ap, int) : 0;
	va_end(ap);
	return fake_vhost_open(path, flags, mode);
}

#endif /* TESTS_UNIT_FAKE_VHOST_H */
