// SPDX-License-Identifier: GPL-2.0
/*
 * Persistent memory (virtio 1.2, 5.19): a file or block device of the host, mapped
 * into guest physical memory. Loads and stores of the guest reach the host's page
 * cache without us; the device does nothing but make them durable when it is asked
 * to. It is a slot of guest memory like any other, so that other devices can read
 * and write there as well.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/kernel.h>
#include <linux/sizes.h>
#include <linux/virtio_pmem.h>
#include <vmtool/arch.h>
#include <vmtool/devclass.h>
#include <vmtool/virtio.h>
#include <vmtool/vm.h>

#include "virtio.h"

#define PMEM_QUEUE	64
/* The kernel maps such memory by sub-sections, and by whole sections at best. */
#define PMEM_GRAIN	SZ_2M
#define PMEM_ALIGN	SZ_128M
/* 5.19.6: what a request returns. */
#define PMEM_OK		0
#define PMEM_FAILED	(-1)

struct pmem_conf {
	const char *path;
	bool ro;
	bool alloc;
	u64 size;
};

/**
 * struct pmem - the device
 * @vd: its virtio part
 * @conf: what the user asked for
 * @vm: machine
 * @fd: the file; the mapping keeps it, and its lock, beyond a close
 * @watch: says when somebody has written to the file, or changed its size
 * @regular: it is a file and not a block device
 * @size: bytes that the guest sees
 * @iov: parts of the request under way
 */
struct pmem {
	struct virtio_dev vd;
	const struct pmem_conf *conf;
	struct vm *vm;
	int fd;
	struct ev_source watch;
	bool regular;
	u64 size;
	struct iovec iov[PMEM_QUEUE];
};

/* --- requests ------------------------------------------------------------------ */

/*
 * Pages that were cut off cannot be written back, but nobody would say so: what
 * the guest has stored there is lost.
 */
static int check_length(const struct pmem *p)
{
	struct stat st;

	if (!p->regular)
		return 0;
	if (fstat(p->fd, &st) < 0)
		return -errno;
	return (u64)st.st_size < p->size ? -ENODATA : 0;
}

/* Writes back what was stored by way of mappings, too: the guest's is one of them. */
static int pmem_sync(const struct pmem *p)
{
	int ret;

	if (p->conf->ro)
		return 0;
	do {
		ret = fdatasync(p->fd);
	} while (ret < 0 && errno == EINTR);
	return ret < 0 ? -errno : check_length(p);
}

static s32 pmem_flush(struct pmem *p)
{
	int ret = pmem_sync(p);

	if (!ret)
		return PMEM_OK;
	log_guest(&p->vd.guest_errors, "%s: cannot flush %s: %s", p->vd.name, p->conf->path,
		  ret == -ENODATA ? "the file was truncated" : strerror(-ret));
	return PMEM_FAILED;
}

static void pmem_serve(struct pmem *p, struct virtqueue *vq, struct vq_chain *c)
{
	struct virtio_pmem_req req = { };
	struct virtio_pmem_resp resp;
	s32 ret = PMEM_FAILED;

	if (vq_in_left(c) < sizeof(resp)) {
		log_guest(&p->vd.guest_errors, "%s: a request without room for an answer",
			  p->vd.name);
		vq_push(vq, c);
		return;
	}
	if (vq_read(c, &req, sizeof(req)) == sizeof(req) &&
	    le32toh(req.type) == VIRTIO_PMEM_REQ_TYPE_FLUSH)
		ret = pmem_flush(p);
	else
		log_guest(&p->vd.guest_errors, "%s: a request of no known type", p->vd.name);
	resp.ret = htole32(ret);
	vq_write(c, &resp, sizeof(resp));
	vq_push(vq, c);
}

/* Each request may take long: its answer does not wait for those behind it. */
static void pmem_kick(struct virtio_dev *vd, struct virtqueue *vq)
{
	struct pmem *p = container_of(vd, struct pmem, vd);
	struct vq_chain c;

	vq_chain_init(&c, p->iov, PMEM_QUEUE);
	while (vq_pop(vq, &c) == 1) {
		pmem_serve(p, vq, &c);
		vq_notify(vq);
	}
}

/* --- the file ------------------------------------------------------------------ */

static int say(const struct pmem *p, int err, const char *what)
{
	log_err("--pmem %s: %s", p->conf->path, what);
	return err;
}

static int open_file(struct pmem *p)
{
	int flags = O_CLOEXEC | O_NONBLOCK | (p->conf->ro ? O_RDONLY : O_RDWR);
	struct stat st;

	/* A block device that is mounted, or that another program has, is busy. */
	if (!p->conf->ro && !stat(p->conf->path, &st) && S_ISBLK(st.st_mode))
		flags |= O_EXCL;
	p->fd = open(p->conf->path, flags);
	if (p->fd >= 0)
		return 0;
	if (errno == ENOENT)
		return say(p, -ENOENT, "no such file; make one with 'truncate -s SIZE'");
	if (errno == EACCES || errno == EROFS)
		return say(p, -errno, p->conf->ro ? "not readable" :
			   "not writable; add ,ro to have it read only");
	return say(p, -errno, strerror(errno));
}

static int file_size(struct pmem *p, u64 *size)
{
	struct stat st;

	if (fstat(p->fd, &st) < 0)
		return say(p, -errno, strerror(errno));
	if (S_ISREG(st.st_mode)) {
		p->regular = true;
		*size = st.st_size;
		return 0;
	}
	if (!S_ISBLK(st.st_mode))
		return say(p, -EINVAL, "neither a file nor a block device");
	if (ioctl(p->fd, BLKGETSIZE64, size) < 0)
		return say(p, -errno, strerror(errno));
	return 0;
}

static int check_size(struct pmem *p)
{
	u64 size;
	int ret = file_size(p, &size);

	if (ret)
		return ret;
	if (p->conf->size > size)
		return say(p, -EINVAL, "smaller than size=; make it larger with 'truncate -s'");
	p->size = p->conf->size ? p->conf->size : size;
	if (!p->size)
		return say(p, -EINVAL, "empty; make it larger with 'truncate -s SIZE'");
	if (p->size % PMEM_GRAIN)
		return say(p, -EINVAL, p->conf->size ? "size= must be a multiple of 2M" :
			   "not a multiple of 2M; use 'truncate -s %2M' or size=");
	return 0;
}

/* As disk images are locked: one guest that writes, or any number that read. */
static int lock_file(struct pmem *p)
{
	struct flock lock = {
		.l_type = p->conf->ro ? F_RDLCK : F_WRLCK,
		.l_whence = SEEK_SET,
	};

	while (fcntl(p->fd, F_OFD_SETLK, &lock) < 0) {
		if (errno == EAGAIN || errno == EACCES)
			return say(p, -EBUSY, p->conf->ro ?
				   "somebody writes to it; stop that first" :
				   "in use elsewhere; stop that first, or add ,ro to both");
		if (errno == EINTR)
			continue;
		log_warn("--pmem %s: cannot be locked: %s; take care that nobody else uses it",
			 p->conf->path, strerror(errno));
		break;
	}
	return 0;
}

/* A store into a hole that the host has no room for would end the guest. */
static int reserve_blocks(struct pmem *p)
{
	int ret;

	if (!p->conf->alloc || !p->regular)
		return 0;
	do {
		ret = fallocate(p->fd, 0, 0, p->size);
	} while (ret < 0 && errno == EINTR);
	return ret < 0 ? say(p, -errno, strerror(errno)) : 0;
}

static int take_file(struct pmem *p, const struct vm *vm)
{
	int ret = open_file(p);

	ret = ret ?: check_size(p);
	/* What is only looked at belongs to somebody else, perhaps. */
	if (vm->cfg->dry_run)
		return ret;
	ret = ret ?: lock_file(p);
	return ret ?: reserve_blocks(p);
}

/*
 * A vCPU that touches a page that was cut off may never be heard of again: KVM fetches
 * missing pages in the background, and tries for ever if interrupts are enabled.
 */
static void file_changed(struct ev_source *src, u32 events)
{
	struct pmem *p = container_of(src, struct pmem, watch);
	char buf[512];

	while (read(src->fd, buf, sizeof(buf)) > 0)
		;
	if (check_length(p) != -ENODATA)
		return;
	log_err("--pmem %s: the file was truncated, and the guest's memory with it",
		p->conf->path);
	ev_del(&p->vd.threads[0].loop, src);
	verdict_set(&p->vm->verdict, EXIT_KVM_ERROR);
	runstate_request(&p->vm->run, RUN_BY_HOST_ERROR);
}

static void watch_file(struct pmem *p)
{
	char path[32];
	int ret = 0;

	if (!p->regular)
		return;
	p->watch.fn = file_changed;
	p->watch.fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", p->fd);
	if (p->watch.fd < 0 || inotify_add_watch(p->watch.fd, path, IN_MODIFY) < 0)
		ret = -errno;
	ret = ret ?: ev_add(&p->vd.threads[0].loop, &p->watch, EPOLLIN);
	if (ret)
		log_warn("--pmem %s: cannot be watched: %s; take care that nobody truncates it",
			 p->conf->path, strerror(-ret));
}

/* --- the device ------------------------------------------------------------------ */

static int map_file(struct pmem *p, struct vm *vm, u64 *addr)
{
	enum gmem_type type = p->conf->ro ? GMEM_FILE_RO : GMEM_FILE;
	int ret;

	ret = arch_place_memory(vm, p->size, p->size < SZ_1G ? PMEM_ALIGN : SZ_1G, addr);
	if (ret == -ENOSPC)
		return say(p, ret, "more than this CPU can address");
	if (ret == -ENOMEM)
		return say(p, ret, "more than KVM here, which interprets code, could track");
	ret = ret ?: gmem_add(&vm->gmem, *addr, p->size, type, p->fd, 0);
	return ret ? say(p, ret, strerror(-ret)) : 0;
}

static int pmem_realize(struct virtio_dev *vd, struct vm *vm)
{
	struct pmem *p = container_of(vd, struct pmem, vd);
	struct virtio_pmem_config config;
	u64 addr;
	int ret;

	ret = take_file(p, vm);
	ret = ret ?: map_file(p, vm, &addr);
	if (ret)
		return ret;
	config.start = htole64(addr);
	config.size = htole64(p->size);
	vd->config_size = sizeof(config);
	virtio_config_set_silent(vd, 0, &config, sizeof(config));
	ret = virtio_set_queues(vd, 1, PMEM_QUEUE, 1);
	if (ret || vm->cfg->dry_run)
		return ret;
	p->vm = vm;
	watch_file(p);
	return 0;
}

static void pmem_destroy(struct virtio_dev *vd)
{
	struct pmem *p = container_of(vd, struct pmem, vd);

	if (p->watch.fd >= 0) {
		ev_del(&vd->threads[0].loop, &p->watch);
		close(p->watch.fd);
	}
	if (p->fd >= 0)
		close(p->fd);
	free(p);
}

static const struct virtio_ops pmem_ops = {
	.id = VIRTIO_ID_PMEM,
	.realize = pmem_realize,
	.kick = pmem_kick,
	.destroy = pmem_destroy,
};

static struct virtio_dev *pmem_create(const void *conf, const char *name)
{
	struct pmem *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->conf = conf;
	p->fd = -1;
	p->watch.fd = -1;
	virtio_init(&p->vd, &pmem_ops, name);
	return &p->vd;
}

static const struct prop pmem_props[] = {
	{ .name = "path", .type = PROP_STRING, .offset = offsetof(struct pmem_conf, path),
	  .positional = true, .required = true, .arg = "PATH",
	  .help = "file or block device of the host" },
	{ .name = "ro", .type = PROP_BOOL, .offset = offsetof(struct pmem_conf, ro),
	  .help = "the guest only reads; its writes are dropped" },
	{ .name = "size", .type = PROP_SIZE, .offset = offsetof(struct pmem_conf, size),
	  .min = PMEM_GRAIN, .arg = "SIZE",
	  .help = "bytes the guest sees, a multiple of 2M; default: all" },
	{ .name = "alloc", .type = PROP_BOOL, .offset = offsetof(struct pmem_conf, alloc),
	  .help = "first reserve the file's blocks on the host's disk" },
	{ }
};

static int pmem_check(const void *conf)
{
	const struct pmem_conf *c = conf;

	if (!c->ro || !c->alloc)
		return 0;
	log_err("--pmem %s: ro and alloc exclude each other", c->path);
	return -EINVAL;
}

const struct device_class pmem_class = {
	.name = "pmem",
	.option = "pmem",
	.help = "persistent memory: a file mapped into the guest",
	.arg = "PATH[,ro][,size=SIZE][,alloc]",
	.props = pmem_props,
	.conf_size = sizeof(struct pmem_conf),
	.check = pmem_check,
	.create = pmem_create,
};
