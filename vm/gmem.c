// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>
#include <linux/kvm.h>

#include <linux/bits.h>
#include <linux/kernel.h>
#include <linux/sizes.h>
#include <vmtool/gmem.h>
#include <vmtool/io.h>

/* KVM takes at most 2^31 - 1 pages in a slot. */
#define GMEM_KVM_MAX	BIT_ULL(42)
/* What a host with small pages has as a huge one, on every architecture. */
#define GMEM_HUGE	SZ_2M

void gmem_init(struct gmem *gm, int vm_fd)
{
	memset(gm, 0, sizeof(*gm));
	gm->vm_fd = vm_fd;
	gm->page = sysconf(_SC_PAGESIZE);
}

void gmem_destroy(struct gmem *gm)
{
	int i;

	for (i = 0; i < gm->nr; i++)
		munmap(gm->slots[i].hva, gm->slots[i].size);
	gm->nr = 0;
}

static bool gmem_overlaps(const struct gmem *gm, u64 gpa, u64 size)
{
	int i;

	for (i = 0; i < gm->nr; i++) {
		const struct gmem_slot *s = &gm->slots[i];

		if (gpa < s->gpa + s->size && s->gpa < gpa + size)
			return true;
	}
	return false;
}

/* Pages of it can be replaced, and cost nothing when they are fresh. */
static bool gmem_anonymous(enum gmem_type type)
{
	return type == GMEM_RAM || type == GMEM_ROM;
}

/*
 * KVM maps a huge page as one where both addresses have the same place in it; without that
 * it maps all of the memory by small pages, whatever the host has put there.
 */
static void *gmem_mmap_aligned(u64 gpa, u64 size)
{
	u64 slack = size < GMEM_HUGE ? 0 : GMEM_HUGE, skip;
	u8 *p = mmap(NULL, size + slack, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED || !slack)
		return p;
	skip = (gpa - (uintptr_t)p) & (GMEM_HUGE - 1);
	if (skip)
		munmap(p, skip);
	if (skip < slack)
		munmap(p + skip + size, slack - skip);
	return p + skip;
}

static void *gmem_mmap(u64 gpa, u64 size, enum gmem_type type, int fd, off_t off)
{
	int prot = PROT_READ | (type == GMEM_FILE_RO ? 0 : PROT_WRITE);

	if (gmem_anonymous(type))
		return gmem_mmap_aligned(gpa, size);
	/* A huge page that turned out to be missing would be SIGBUS. */
	return mmap(NULL, size, prot, MAP_SHARED, fd, off);
}

static bool gmem_guest_writes(enum gmem_type type)
{
	return type != GMEM_ROM && type != GMEM_FILE_RO;
}

static int gmem_announce(struct gmem *gm, const struct gmem_slot *s, int id)
{
	struct kvm_userspace_memory_region region = {
		.slot = id,
		.flags = gmem_guest_writes(s->type) ? 0 : KVM_MEM_READONLY,
		.guest_phys_addr = s->gpa,
		.memory_size = s->size,
		.userspace_addr = (uintptr_t)s->hva,
	};

	if (gm->vm_fd < 0)
		return 0;
	return ioctl(gm->vm_fd, KVM_SET_USER_MEMORY_REGION, &region) < 0 ? -errno : 0;
}

static int gmem_add_slot(struct gmem *gm, const struct gmem_slot *s)
{
	int i, ret;

	if (gm->nr == GMEM_MAX_SLOTS)
		return -ENOSPC;
	/* Slots are never removed, so their count numbers them for KVM. */
	ret = gmem_announce(gm, s, gm->nr);
	if (ret)
		return ret;

	for (i = gm->nr; i > 0 && gm->slots[i - 1].gpa > s->gpa; i--)
		gm->slots[i] = gm->slots[i - 1];
	gm->slots[i] = *s;
	gm->nr++;
	return 0;
}

int gmem_add(struct gmem *gm, u64 gpa, u64 size, enum gmem_type type,
	     int fd, off_t off)
{
	struct gmem_slot s = { .gpa = gpa, .type = type };
	u64 left = size;
	int ret;

	if (!size || (gpa | size) % gm->page || gpa + size < gpa ||
	    gmem_overlaps(gm, gpa, size))
		return -EINVAL;

	/* All of it at once: KVM is not to spend memory on a part of too much. */
	s.hva = gmem_mmap(gpa, size, type, fd, off);
	if (s.hva == MAP_FAILED)
		return -errno;
	while (left) {
		s.size = min_t(u64, left, GMEM_KVM_MAX);
		ret = gmem_add_slot(gm, &s);
		if (ret) {
			munmap(s.hva, left);
			return ret;
		}
		s.gpa += s.size;
		s.hva += s.size;
		left -= s.size;
	}
	return 0;
}

static const struct gmem_slot *gmem_slot(const struct gmem *gm, u64 gpa)
{
	int i;

	for (i = 0; i < gm->nr; i++)
		if (gpa >= gm->slots[i].gpa && gpa - gm->slots[i].gpa < gm->slots[i].size)
			return &gm->slots[i];
	return NULL;
}

/* The part of a range that lies in one slot: its address here and its size. */
static u8 *gmem_part(const struct gmem *gm, u64 gpa, u64 len, bool write, u64 *part)
{
	const struct gmem_slot *s = gmem_slot(gm, gpa);

	if (!s || (write && !gmem_guest_writes(s->type)))
		return NULL;
	*part = min_t(u64, len, s->size - (gpa - s->gpa));
	return s->hva + (gpa - s->gpa);
}

/* Is all of the range memory, and, to change it, not of a file that is only read? */
static bool gmem_covers(const struct gmem *gm, u64 gpa, u64 len, bool change)
{
	u64 part;

	while (len) {
		if (!gmem_part(gm, gpa, len, false, &part) ||
		    (change && gmem_slot(gm, gpa)->type == GMEM_FILE_RO))
			return false;
		gpa += part;
		len -= part;
	}
	return true;
}

int gmem_read(const struct gmem *gm, u64 gpa, void *buf, size_t len)
{
	u64 part;

	if (!gmem_covers(gm, gpa, len, false))
		return -EFAULT;
	for (; len; gpa += part, buf += part, len -= part) {
		u8 *p = gmem_part(gm, gpa, len, false, &part);

		memcpy(buf, p, part);
	}
	return 0;
}

int gmem_write(struct gmem *gm, u64 gpa, const void *buf, size_t len)
{
	u64 part;

	if (!gmem_covers(gm, gpa, len, true))
		return -EFAULT;
	for (; len; gpa += part, buf += part, len -= part) {
		u8 *p = gmem_part(gm, gpa, len, false, &part);

		memcpy(p, buf, part);
	}
	return 0;
}

/* Fresh anonymous pages are zero and cost nothing until they are touched. */
static int gmem_zero_pages(const struct gmem_slot *s, u8 *p, u64 len)
{
	if (!gmem_anonymous(s->type)) {
		memset(p, 0, len);
		return 0;
	}
	p = mmap(p, len, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
	return p == MAP_FAILED ? -errno : 0;
}

int gmem_zero(struct gmem *gm, u64 gpa, u64 len)
{
	u64 part;
	int ret;

	if (!gmem_covers(gm, gpa, len, true))
		return -EFAULT;
	for (; len; gpa += part, len -= part) {
		u8 *p = gmem_part(gm, gpa, len, false, &part);
		u64 head = min_t(u64, part, -gpa % gm->page);
		u64 body = (part - head) & ~(gm->page - 1);

		memset(p, 0, head);
		memset(p + head + body, 0, part - head - body);
		if (!body)
			continue;
		ret = gmem_zero_pages(gmem_slot(gm, gpa), p + head, body);
		if (ret)
			return ret;
	}
	return 0;
}

static const struct gmem_slot *gmem_slot_of_ptr(const struct gmem *gm, const u8 *p)
{
	int i;

	for (i = 0; i < gm->nr; i++)
		if (p >= gm->slots[i].hva && p < gm->slots[i].hva + gm->slots[i].size)
			return &gm->slots[i];
	return NULL;
}

int gmem_discard(const struct gmem *gm, const struct iovec *part, bool zero)
{
	u8 *p = part->iov_base;
	const struct gmem_slot *s = gmem_slot_of_ptr(gm, p);
	u64 head = -(uintptr_t)p % gm->page, len, left;

	if (!s || s->type != GMEM_RAM)
		return 0;
	left = s->hva + s->size - p;
	len = min_t(u64, part->iov_len, left);
	if (len < head + gm->page)
		return 0;
	len = (len - head) & ~(gm->page - 1);
	if (zero)
		return gmem_zero_pages(s, p + head, len);
	return madvise(p + head, len, MADV_DONTNEED) < 0 ? -errno : 0;
}

int gmem_iov(const struct gmem *gm, u64 gpa, size_t len, bool write,
	     struct iovec *iov, int max)
{
	u64 part;
	int n = 0;

	for (; len; gpa += part, len -= part) {
		u8 *p = gmem_part(gm, gpa, len, write, &part);

		if (!p)
			return -EFAULT;
		if (n == max)
			return -ENOSPC;
		iov[n].iov_base = p;
		iov[n].iov_len = part;
		n++;
	}
	return n;
}

static int gmem_map_part(const struct gmem *gm, u8 *p, u64 gpa, u64 len, int fd, off_t off)
{
	u64 head = min_t(u64, len, -gpa % gm->page);
	u64 body = (len - head) & ~(gm->page - 1);
	int ret;

	ret = pread_all(fd, p, head, off);
	if (ret)
		return ret;
	if (body && mmap(p + head, body, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE, fd,
			 off + head) == MAP_FAILED)
		return -errno;
	return pread_all(fd, p + head + body, len - head - body, off + head + body);
}

int gmem_map_file(struct gmem *gm, u64 gpa, u64 len, int fd, off_t off)
{
	u64 part;
	int ret;

	if (!gmem_covers(gm, gpa, len, true))
		return -EFAULT;
	/* A mapping beyond the end of the file would be SIGBUS later. */
	if (len && lseek(fd, 0, SEEK_END) < (off_t)(off + len))
		return -ENODATA;

	for (; len; gpa += part, off += part, len -= part) {
		u8 *p = gmem_part(gm, gpa, len, false, &part);

		if (!gm->copy && gmem_anonymous(gmem_slot(gm, gpa)->type) &&
		    (gpa - off) % gm->page == 0)
			ret = gmem_map_part(gm, p, gpa, part, fd, off);
		else
			ret = pread_all(fd, p, part, off);
		if (ret)
			return ret;
	}
	return 0;
}

u64 gmem_end(const struct gmem *gm, u64 limit)
{
	u64 end = 0;
	int i;

	for (i = 0; i < gm->nr; i++)
		if (gm->slots[i].type != GMEM_ROM && gm->slots[i].gpa < limit)
			end = gm->slots[i].gpa + gm->slots[i].size;
	return min_t(u64, end, limit);
}

u64 gmem_total(const struct gmem *gm)
{
	u64 total = 0;
	int i;

	for (i = 0; i < gm->nr; i++)
		total += gm->slots[i].size;
	return total;
}
