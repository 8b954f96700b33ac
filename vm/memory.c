// SPDX-License-Identifier: GPL-2.0
/*
 * What backs the guest's memory: anonymous memory, or huge pages of a hugetlbfs.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>
#include <vmtool/gmem.h>
#include <vmtool/log.h>
#include <vmtool/vm.h>

/* An unlinked file: nothing is left behind whatever happens. */
static int create_huge_file(const char *dir, u64 size)
{
	char path[512];
	int fd, ret;

	snprintf(path, sizeof(path), "%s/vmtool-XXXXXX", dir);
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	unlink(path);
	if (ftruncate(fd, size) < 0) {
		ret = -errno;
		close(fd);
		return ret;
	}
	return fd;
}

static int open_hugetlbfs(const char *dir, u64 size)
{
	struct statfs fs;
	int fd;

	if (statfs(dir, &fs) < 0) {
		log_err("--hugetlbfs %s: %s", dir, strerror(errno));
		return -errno;
	}
	if ((u32)fs.f_type != HUGETLBFS_MAGIC) {
		log_err("--hugetlbfs %s: not a hugetlbfs; mount one there", dir);
		return -EINVAL;
	}
	if (size % fs.f_bsize) {
		log_err("--hugetlbfs %s: -m must be a multiple of %llu KiB", dir,
			(unsigned long long)fs.f_bsize >> 10);
		return -EINVAL;
	}
	fd = create_huge_file(dir, size);
	if (fd < 0)
		log_err("--hugetlbfs %s: %s", dir, strerror(-fd));
	return fd;
}

static int add_parts(struct vm *vm, const struct vm_memory *parts, int nr,
		     enum gmem_type type, int fd)
{
	u64 done = 0;
	int i, ret = 0;

	for (i = 0; i < nr && !ret; i++) {
		ret = gmem_add(&vm->gmem, parts[i].gpa, parts[i].size, type, fd, done);
		done += parts[i].size;
	}
	if (ret)
		log_err("cannot reserve %llu MiB of guest memory%s: %s",
			(unsigned long long)vm->cfg->mem >> 20,
			type == GMEM_HUGETLB ? " in huge pages" : "", strerror(-ret));
	return ret;
}

int vm_add_memory(struct vm *vm, const struct vm_memory *parts, int nr)
{
	const char *dir = vm->cfg->hugetlbfs;
	int fd, ret;

	if (!dir)
		return add_parts(vm, parts, nr, GMEM_RAM, -1);
	fd = open_hugetlbfs(dir, vm->cfg->mem);
	if (fd < 0)
		return fd;
	ret = add_parts(vm, parts, nr, GMEM_HUGETLB, fd);
	close(fd);
	return ret;
}
