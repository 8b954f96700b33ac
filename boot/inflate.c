// SPDX-License-Identifier: GPL-2.0
/*
 * Inflates on the host what the guest would inflate slower: straight into a file that
 * guest memory then maps, an entry of the cache or else a memfd. The memfd is sparse, so
 * a size that a file merely claims costs address space and no memory.
 */
#include <endian.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/sizes.h>
#include <vmtool/decompress.h>
#include <vmtool/log.h>

#include "cache.h"
#include "image.h"

/* No kernel comes near, nor could x86's mapping of its image hold it. */
#define INFLATE_MAX		SZ_2G

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL		0x0008U
#endif

/**
 * struct inflate - a compressed part of a file
 * @src: file
 * @d: who inflates it
 * @off: where the part starts
 * @len: its bytes
 * @room: highest inflated size
 * @cache: where it is to be kept, or NULL
 */
struct inflate {
	const struct image_src *src;
	const struct decompressor *d;
	u64 off;
	size_t len;
	size_t room;
	struct kernel_cache *cache;
};

static int inflate_memfd(void)
{
	int fd = memfd_create("vmtool-kernel", MFD_CLOEXEC | MFD_NOEXEC_SEAL);

	/* Linux before 6.3 does not know the flag. */
	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("vmtool-kernel", MFD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int inflate_bad(const struct inflate *job, int err)
{
	const char *name = job->d->name;

	switch (err) {
	case -EBADMSG:
		return image_bad(job->src, -ENOEXEC, "is damaged: its %s data is corrupt", name);
	case -ENODATA:
		return image_bad(job->src, -ENOEXEC,
				 "is truncated: its %s data ends too early", name);
	case -ENOSPC:
		return image_bad(job->src, -ENOEXEC,
				 "is damaged: its %s data inflates to more than %zu bytes",
				 name, job->room);
	default:
		return image_bad(job->src, err, "cannot inflate its %s data: %s",
				 name, strerror(-err));
	}
}

/* A byte more than there is room for tells what fits from what is longer. */
static int inflate_mapped(const struct inflate *job, const void *in, int fd,
			  size_t *produced)
{
	size_t size = job->room + 1;
	void *out;
	int ret;

	if (ftruncate(fd, size) < 0)
		return -errno;
	out = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (out == MAP_FAILED)
		return -errno;
	ret = job->d->inflate(in, job->len, out, size, produced);
	munmap(out, size);
	if (ret)
		return ret;
	if (*produced > job->room)
		return -ENOSPC;
	return ftruncate(fd, *produced) < 0 ? -errno : 0;
}

/* Reading, unlike a mapping, survives a file that shrinks meanwhile. */
static int inflate_to(const struct inflate *job, int fd, size_t *produced)
{
	void *in = malloc(job->len);
	int ret;

	if (!in)
		return -ENOMEM;
	ret = image_read(job->src, in, job->len, job->off);
	if (!ret)
		ret = inflate_mapped(job, in, fd, produced);
	free(in);
	return ret;
}

/* Returns a memfd, or -errno after a message. */
static int inflate_run(const struct inflate *job, size_t *produced)
{
	int fd = job->cache ? kernel_cache_create(job->cache) : -1;
	int ret;

	if (fd < 0)
		fd = inflate_memfd();
	if (fd < 0)
		return inflate_bad(job, fd);
	ret = inflate_to(job, fd, produced);
	if (ret) {
		close(fd);
		return inflate_bad(job, ret);
	}
	return fd;
}

/* Takes over @fd; @open fills in what it finds there. */
static int inflate_done(struct kernel_image *ki, const struct image_src *src, int fd,
			size_t produced, image_format open)
{
	struct image_src inner;
	int ret;

	ret = image_src_init(&inner, fd, produced, src->name);
	if (!ret) {
		inner.nested = true;
		ret = open(ki, &inner);
	}
	if (ret || ki->fd != fd)
		close(fd);
	return ret;
}

/* What the end of the part says that it inflates to. */
static int part_size(struct inflate *job, const struct inflate_part *part)
{
	const struct image_src *src = job->src;
	u8 magic[16];
	const char *name;
	u32 size;
	int ret;

	if (part->len < sizeof(magic) + sizeof(size))
		return image_bad(src, -ENOEXEC, "is damaged: its payload has only %u bytes",
				 part->len);
	ret = image_read(src, magic, sizeof(magic), part->off);
	if (!ret)
		ret = image_read(src, &size, sizeof(size), part->off + part->len - sizeof(size));
	if (ret)
		return image_bad(src, ret, "cannot read its payload: %s", strerror(-ret));

	job->d = decompressor_find(magic, sizeof(magic), &name);
	if (!job->d) {
		log_debug("kernel %s: %s payload, left to the kernel's own decompressor",
			  src->name, name ?: "unknown");
		return IMAGE_OTHER;
	}
	job->room = le32toh(size);
	if (job->room > part->max || job->room > INFLATE_MAX)
		return image_bad(src, -ENOEXEC,
				 "is damaged: its %s payload claims to inflate to %zu bytes, more than it needs in memory",
				 name, job->room);
	return 0;
}

static int open_fresh(struct kernel_image *ki, struct inflate *job,
		      const struct inflate_part *part)
{
	size_t produced;
	int fd, ret;

	fd = inflate_run(job, &produced);
	if (fd < 0)
		return fd;
	if (produced != job->room) {
		close(fd);
		return image_bad(job->src, -ENOEXEC,
				 "is damaged: its %s payload inflates to %zu bytes instead of %zu",
				 job->d->name, produced, job->room);
	}
	ret = inflate_done(ki, job->src, fd, produced, part->open);
	if (ret)
		return ret;
	ki->inflated += produced;
	if (job->cache)
		kernel_cache_commit(job->cache, ki->fd);
	return 0;
}

static int open_part(struct kernel_image *ki, struct inflate *job,
		     const struct inflate_part *part, struct kernel_cache *cache)
{
	int ret, fd = kernel_cache_find(cache, job->src->fd, job->off, job->len, job->room);

	if (fd == -ENOENT)
		job->cache = cache;
	if (fd < 0)
		return open_fresh(ki, job, part);
	ret = inflate_done(ki, job->src, fd, job->room, part->open);
	/* That was said; the next run makes a new one. */
	if (ret)
		kernel_cache_drop(cache);
	return ret;
}

int inflate_part(struct kernel_image *ki, const struct image_src *src,
		 const struct inflate_part *part)
{
	struct inflate job = { .src = src, .off = part->off, .len = part->len };
	struct kernel_cache cache;
	int ret;

	ret = part_size(&job, part);
	if (ret)
		return ret;
	ret = open_part(ki, &job, part, &cache);
	kernel_cache_close(&cache);
	if (ret == IMAGE_OTHER)
		return image_bad(src, -ENOEXEC, "is damaged: its payload is no kernel");
	return ret;
}

int inflate_section(struct kernel_image *ki, const struct image_src *src, u64 off, u64 len)
{
	struct inflate job = { .src = src, .off = off, .len = len, .room = INFLATE_MAX };
	const char *name;
	u8 magic[16];
	size_t produced;
	int fd, ret;

	if (len < sizeof(magic) || len > INFLATE_MAX ||
	    image_read(src, magic, sizeof(magic), off))
		return IMAGE_OTHER;
	job.d = decompressor_find(magic, sizeof(magic), &name);
	if (!job.d)
		return IMAGE_OTHER;
	fd = inflate_run(&job, &produced);
	if (fd < 0)
		return fd;
	ret = inflate_done(ki, src, fd, produced, elf_open);
	if (ret == IMAGE_OTHER)
		return image_bad(src, -ENOEXEC, "is damaged: its payload is no ELF file");
	if (!ret)
		ki->inflated += produced;
	return ret;
}

int inflate_open(struct kernel_image *ki, const struct image_src *src)
{
	struct inflate job = { .src = src, .len = src->size, .room = INFLATE_MAX };
	const char *name;
	size_t produced;
	int fd, ret;

	job.d = decompressor_find(src->head, src->head_len, &name);
	if (!name)
		return IMAGE_OTHER;
	if (!job.d)
		return image_bad(src, -ENOEXEC,
				 "is compressed with %s, which this vmtool was built without; inflate it first",
				 name);
	if (src->nested)
		return image_bad(src, -ENOEXEC, "is compressed twice; inflate it first");
	if (src->size > INFLATE_MAX)
		return image_bad(src, -ENOEXEC, "is too large for a compressed kernel");

	fd = inflate_run(&job, &produced);
	if (fd < 0)
		return fd;
	ret = inflate_done(ki, src, fd, produced, image_probe);
	if (!ret)
		ki->inflated += produced;
	return ret;
}
