/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_GMEM_H
#define VMTOOL_GMEM_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <linux/types.h>

struct iovec;

/*
 * Guest memory is a short list of slots, each one contiguous mapping in this
 * process. It is built before the first vCPU runs and does not change while
 * one does, so readers take no lock. Only this module turns a guest physical
 * address into a pointer, and it checks the whole range first.
 */

#define GMEM_MAX_SLOTS	64

/**
 * enum gmem_type - what backs a slot
 * @GMEM_RAM: anonymous memory, reserved and not touched
 * @GMEM_HUGETLB: a file on hugetlbfs
 * @GMEM_ROM: anonymous memory that guest writes do not reach (they exit)
 * @GMEM_FILE: a device's memory: a file or block device, shared with the host
 * @GMEM_FILE_RO: the same, which neither the guest (its writes exit) nor anybody in
 *	this process can change
 */
enum gmem_type {
	GMEM_RAM,
	GMEM_HUGETLB,
	GMEM_ROM,
	GMEM_FILE,
	GMEM_FILE_RO,
};

/**
 * struct gmem_slot - one contiguous range of guest memory
 * @gpa: first guest physical address, page aligned
 * @size: bytes, a multiple of the page size
 * @hva: where it is mapped in this process
 * @type: what backs it
 */
struct gmem_slot {
	u64 gpa;
	u64 size;
	u8 *hva;
	enum gmem_type type;
};

/**
 * struct gmem - the memory of a guest
 * @slots: sorted by address, no two overlap
 * @nr: slots in use
 * @vm_fd: KVM's VM, or -1 where no KVM is involved (unit tests, fuzzers)
 * @page: bytes in a page of this host
 * @copy: files are copied and not mapped: pages of a file cannot do all that others can
 *	(they have no tags on arm64)
 */
struct gmem {
	struct gmem_slot slots[GMEM_MAX_SLOTS];
	int nr;
	int vm_fd;
	u64 page;
	bool copy;
};

/**
 * gmem_init() - start with no memory
 * @gm: caller-owned
 * @vm_fd: KVM VM file descriptor that slots are announced to, or -1
 */
void gmem_init(struct gmem *gm, int vm_fd);

/**
 * gmem_destroy() - unmap every slot
 * @gm: guest memory; no vCPU may run any more
 */
void gmem_destroy(struct gmem *gm);

/**
 * gmem_add() - add a slot
 * @gm: guest memory
 * @gpa: guest physical address, page aligned
 * @size: bytes, a multiple of the page size, not 0
 * @type: what backs it
 * @fd: file to map for GMEM_HUGETLB, GMEM_FILE and GMEM_FILE_RO (still the
 *	caller's), -1 otherwise
 * @off: offset in @fd
 *
 * Memory is reserved only: a slot may be larger than what the host has. Huge
 * pages are set aside at once: they are there or are refused. A file is at least
 * @off + @size bytes long, and has to stay so: what touches a page that was cut off,
 * or that the host's disk has no room for, gets -EFAULT from the kernel, and SIGBUS
 * in this process.
 *
 * Return: 0; -EINVAL for an unaligned, empty or overlapping range; -ENOSPC when
 * there is no slot left; -errno of mmap() or of KVM.
 */
int gmem_add(struct gmem *gm, u64 gpa, u64 size, enum gmem_type type,
	     int fd, off_t off);

/**
 * gmem_read() - copy out of guest memory
 * @gm: guest memory
 * @gpa: guest physical address; the range may cross adjacent slots
 * @buf: destination
 * @len: bytes
 *
 * Return: 0, or -EFAULT when not all of the range is memory (nothing is copied).
 */
int gmem_read(const struct gmem *gm, u64 gpa, void *buf, size_t len);

/**
 * gmem_write() - copy into guest memory, GMEM_ROM slots included
 * @gm: guest memory
 * @gpa: guest physical address; the range may cross adjacent slots
 * @buf: source
 * @len: bytes
 *
 * Return: 0, or -EFAULT when not all of the range is memory, or GMEM_FILE_RO is in it
 * (nothing is copied).
 */
int gmem_write(struct gmem *gm, u64 gpa, const void *buf, size_t len);

/**
 * gmem_zero() - fill with zeroes, giving whole pages back to the host
 * @gm: guest memory
 * @gpa: guest physical address
 * @len: bytes
 *
 * Return: 0, or -EFAULT when not all of the range is memory, or GMEM_FILE_RO is in it.
 */
int gmem_zero(struct gmem *gm, u64 gpa, u64 len);

/**
 * gmem_iov() - describe a range of guest memory for readv() and friends
 * @gm: guest memory
 * @gpa: guest physical address
 * @len: bytes, not 0
 * @write: the range will be written, so it must not be GMEM_ROM or GMEM_FILE_RO
 * @iov: filled in; the pointers stay valid until gmem_destroy()
 * @max: entries in @iov
 *
 * Return: entries used; -EFAULT when not all of the range is (writable) memory;
 * -ENOSPC when it needs more than @max entries.
 */
int gmem_iov(const struct gmem *gm, u64 gpa, size_t len, bool write,
	     struct iovec *iov, int max);

/**
 * gmem_map_file() - put a part of a file into guest memory
 * @gm: guest memory
 * @gpa: guest physical address
 * @len: bytes; what lies beyond the end of the file is an error
 * @fd: file, still the caller's
 * @off: offset in @fd
 *
 * Whole pages are mapped copy-on-write where @gpa and @off agree modulo the
 * page size and the slot is anonymous memory; the rest is copied. Calling it again
 * restores what the guest has changed since.
 *
 * Return: 0; -EFAULT as for gmem_write(); -ENODATA when the
 * file is too short; -errno of mmap() or pread().
 */
int gmem_map_file(struct gmem *gm, u64 gpa, u64 len, int fd, off_t off);

/**
 * gmem_discard() - give whole pages back to the host
 * @gm: guest memory
 * @part: what gmem_iov() or a virtqueue found; pages that lie in it only partly, huge
 *	pages (a new one might not be had when it is touched again, and that would be
 *	SIGBUS) and ROM are left alone
 * @zero: the pages are zero afterwards; otherwise a part that a file was mapped into
 *	has the file's contents again
 *
 * Return: 0; -errno, and the pages are as they were.
 */
int gmem_discard(const struct gmem *gm, const struct iovec *part, bool zero);

/**
 * gmem_end() - one past the highest address of memory below a limit
 * @gm: guest memory
 * @limit: only slots that start below are looked at
 *
 * Return: the address, at most @limit, or 0 without memory.
 */
u64 gmem_end(const struct gmem *gm, u64 limit);

/**
 * gmem_total() - size of all memory
 * @gm: guest memory
 *
 * Return: bytes in all slots.
 */
u64 gmem_total(const struct gmem *gm);

#endif /* VMTOOL_GMEM_H */
