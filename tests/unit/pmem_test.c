// SPDX-License-Identifier: GPL-2.0
/*
 * Persistent memory: the file is the memory, a flush is one fdatasync and its result
 * the answer, and files that cannot be used are refused with a line that says why.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <linux/sizes.h>
#include <linux/virtio_pmem.h>
#include <vmtool/arch.h>

#include "capture.h"
#include "devices.h"
#include "virtio_driver.h"
#include "../../virtio/virtio.h"

#include <kselftest_harness.h>

#define FILE_SIZE	(4 * SZ_2M)
#define FAILED		0xffffffffU

/* The host's disk: how often it was synced, and what it says to that. */
static struct {
	int count;
	int interrupted;	/* EINTR, so often at first */
	int error;
} disk;

int fake_fdatasync(int fd) __asm__("fdatasync");

int fake_fdatasync(int fd)
{
	disk.count++;
	errno = disk.interrupted ? EINTR : disk.error;
	if (disk.interrupted)
		disk.interrupted--;
	else if (!disk.error)
		return syscall(SYS_fdatasync, fd);
	return -1;
}

/* A file without a name: a path that leads to it. */
struct file {
	int fd;
	char path[64];
	char conf[128];
};

static void file_open(struct file *f, u64 size)
{
	f->fd = memfd_create("pmem", MFD_CLOEXEC);
	if (f->fd < 0 || ftruncate(f->fd, size))
		drv_die("memfd: %s", strerror(errno));
	snprintf(f->path, sizeof(f->path), "/proc/self/fd/%d", f->fd);
}

static int file_init(struct file *f, struct drv *d, enum drv_transport t, const char *options)
{
	snprintf(f->conf, sizeof(f->conf), "%s%s", f->path, options);
	return drv_init(d, t, &pmem_class, f->conf);
}

FIXTURE(pmem) {
	struct drv d;
	struct file f;
	u64 start;
	u64 req;
	u64 resp;
};

FIXTURE_VARIANT(pmem) {
	DRV_VARIANT;
};

#define DRV_FIXTURE pmem
#include "virtio_variants.h"

FIXTURE_SETUP(pmem)
{
	__le32 type = htole32(VIRTIO_PMEM_REQ_TYPE_FLUSH);

	file_open(&self->f, FILE_SIZE);
	ASSERT_EQ(0, file_init(&self->f, &self->d, variant->transport, ""));
	ASSERT_EQ(0, drv_setup(&self->d, variant->features));
	self->start = drv_config_read64(&self->d, 0);
	self->req = drv_alloc_with(&self->d, &type, sizeof(type));
	self->resp = drv_alloc(&self->d, 64);
}

FIXTURE_TEARDOWN(pmem)
{
	drv_end(&self->d);
	close(self->f.fd);
}

/* What a request of these parts is answered, and how many bytes that was. */
static u32 ask(struct drv *d, const struct drv_seg *segs, unsigned int nr, u64 resp, u32 *len)
{
	u32 none = 0x55555555;

	drv_put(d, resp, &none, sizeof(none));
	if (!drv_request(d, 0, segs, nr, len))
		drv_die("no answer");
	drv_fetch(d, resp, &none, sizeof(none));
	return le32toh(none);
}

static u32 flush(struct drv *d, u64 req, u64 resp)
{
	u32 len = 0, ret;

	ret = ask(d, (struct drv_seg[]){ DRV_OUT(req, 4), DRV_IN(resp, 4) }, 2, resp, &len);
	if (len != 4)
		drv_die("%u bytes of an answer", len);
	return ret;
}

TEST_F(pmem, config_says_where_the_memory_is)
{
	u64 end = self->start + FILE_SIZE;
	int i;

	EXPECT_EQ(FILE_SIZE, drv_config_read64(&self->d, 8));
	EXPECT_EQ(0, self->start % SZ_2M);
	EXPECT_EQ(0, drv_features(&self->d) & 0xffffff);
	EXPECT_EQ(0, drv_queue_max(&self->d, 1));
	/* Beside all other memory. */
	for (i = 0; i < self->d.vm.gmem.nr; i++) {
		const struct gmem_slot *s = &self->d.vm.gmem.slots[i];

		if (s->gpa != self->start)
			EXPECT_TRUE(s->gpa + s->size <= self->start || s->gpa >= end);
	}
}

TEST_F(pmem, config_is_not_writable)
{
	drv_config_write32(&self->d, 0, 0x12345678);
	drv_config_write32(&self->d, 8, 0);
	EXPECT_EQ(self->start, drv_config_read64(&self->d, 0));
	EXPECT_EQ(FILE_SIZE, drv_config_read64(&self->d, 8));
}

TEST_F(pmem, memory_is_the_file)
{
	static const u64 offsets[] = { 0, 4095, SZ_2M - 1, FILE_SIZE - 3 };
	char buf[3];
	int i;

	for (i = 0; i < ARRAY_SIZE(offsets); i++) {
		drv_put(&self->d, self->start + offsets[i], "abc", 3);
		ASSERT_EQ(3, pread(self->f.fd, buf, 3, offsets[i]));
		EXPECT_EQ(0, memcmp(buf, "abc", 3));
		ASSERT_EQ(3, pwrite(self->f.fd, "xyz", 3, offsets[i]));
		drv_fetch(&self->d, self->start + offsets[i], buf, 3);
		EXPECT_EQ(0, memcmp(buf, "xyz", 3));
	}
	EXPECT_EQ(-EFAULT, gmem_read(&self->d.vm.gmem, self->start + FILE_SIZE - 2, buf, 3));
}

TEST_F(pmem, flush_is_one_fdatasync)
{
	int i;

	for (i = 0; i < 200; i++) {
		ASSERT_EQ(0, flush(&self->d, self->req, self->resp));
		ASSERT_EQ(i + 1, disk.count);
	}
}

TEST_F(pmem, many_flushes_at_once)
{
	u64 resp = drv_alloc(&self->d, 4 * 16);
	u32 len, ret;
	int i;

	memset(drv_ptr(&self->d, resp, 4 * 16), 0x55, 4 * 16);
	for (i = 0; i < 16; i++)
		ASSERT_EQ(0, drv_add(&self->d, 0, (struct drv_seg[]){
			DRV_OUT(self->req, 4), DRV_IN(resp + 4 * i, 4) }, 2, &self->d));
	drv_kick(&self->d, 0);
	drv_run(&self->d);
	for (i = 0; i < 16; i++) {
		ASSERT_NE(NULL, drv_get(&self->d, 0, &len));
		drv_fetch(&self->d, resp + 4 * i, &ret, sizeof(ret));
		EXPECT_EQ(0, ret);
	}
	EXPECT_EQ(16, disk.count);
}

TEST_F(pmem, flush_that_fails)
{
	static const int errors[] = { EIO, ENOSPC, EDQUOT };
	struct capture c;
	int i;

	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		disk.error = errors[i];
		capture_begin(&c);
		EXPECT_EQ(FAILED, flush(&self->d, self->req, self->resp));
		capture_end(&c);
		EXPECT_TRUE(capture_one_line(&c));
		EXPECT_NE(NULL, strstr(c.text, strerror(errors[i])));
		EXPECT_EQ(2 * i + 1, disk.count);

		disk.error = 0;
		EXPECT_EQ(0, flush(&self->d, self->req, self->resp));
	}
	EXPECT_EQ(0, drv_status(&self->d) & VIRTIO_CONFIG_S_NEEDS_RESET);
}

TEST_F(pmem, flush_that_is_interrupted)
{
	disk.interrupted = 5;
	EXPECT_EQ(0, flush(&self->d, self->req, self->resp));
	EXPECT_EQ(6, disk.count);
}

TEST_F(pmem, file_truncated_meanwhile)
{
	struct capture c;

	ASSERT_EQ(0, ftruncate(self->f.fd, FILE_SIZE - 1));
	capture_begin(&c);
	EXPECT_EQ(FAILED, flush(&self->d, self->req, self->resp));
	capture_end(&c);
	EXPECT_NE(NULL, strstr(c.text, "truncated"));
	ASSERT_EQ(0, ftruncate(self->f.fd, FILE_SIZE));
	EXPECT_EQ(0, flush(&self->d, self->req, self->resp));
}

/* KVM may never tell of a page that is gone. */
TEST_F(pmem, truncation_ends_the_guest)
{
	struct capture c;

	capture_begin(&c);
	EXPECT_EQ(1, pwrite(self->f.fd, "x", 1, 0));
	ASSERT_EQ(0, ftruncate(self->f.fd, FILE_SIZE + 1));
	drv_run(&self->d);
	EXPECT_TRUE(nothing_requested(&self->d.vm));
	ASSERT_EQ(0, ftruncate(self->f.fd, FILE_SIZE - 1));
	drv_run(&self->d);
	capture_end(&c);
	EXPECT_TRUE(requested(&self->d.vm, RUN_BY_HOST_ERROR));
	EXPECT_TRUE(capture_one_line(&c));
	EXPECT_NE(NULL, strstr(c.text, "truncated"));
}

TEST_F(pmem, request_of_another_type)
{
	static const u32 types[] = { 1, 2, 0x80000000, ~0U };
	u32 len;
	int i;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		u64 req = drv_alloc_with(&self->d, &types[i], 4);

		EXPECT_EQ(FAILED, ask(&self->d, (struct drv_seg[]){
			DRV_OUT(req, 4), DRV_IN(self->resp, 4) }, 2, self->resp, &len));
		EXPECT_EQ(4, len);
	}
	EXPECT_EQ(0, disk.count);
}

TEST_F(pmem, request_in_pieces)
{
	u32 len;

	EXPECT_EQ(0, ask(&self->d, (struct drv_seg[]){
		DRV_OUT(self->req, 1), DRV_OUT(self->req + 1, 3), DRV_IN(self->resp, 2),
		DRV_IN(self->resp + 2, 1), DRV_IN(self->resp + 3, 60) }, 5, self->resp, &len));
	EXPECT_EQ(4, len);
	EXPECT_EQ(1, disk.count);
}

TEST_F(pmem, request_that_is_too_short)
{
	u32 len;

	/* Without a type, with a part of it. */
	EXPECT_EQ(FAILED, ask(&self->d, &DRV_IN(self->resp, 4), 1, self->resp, &len));
	EXPECT_EQ(4, len);
	EXPECT_EQ(FAILED, ask(&self->d, (struct drv_seg[]){
		DRV_OUT(self->req, 3), DRV_IN(self->resp, 4) }, 2, self->resp, &len));
	EXPECT_EQ(4, len);
	EXPECT_EQ(0, disk.count);
}

TEST_F(pmem, request_without_room_for_the_answer)
{
	struct capture c;
	u32 len = 7;
	int i;

	capture_begin(&c);
	for (i = 0; i < 100; i++) {
		ask(&self->d, (struct drv_seg[]){ DRV_OUT(self->req, 4), DRV_IN(self->resp, 3) }, 2,
		    self->resp, &len);
		EXPECT_EQ(0, len);
		ask(&self->d, &DRV_OUT(self->req, 4), 1, self->resp, &len);
		EXPECT_EQ(0, len);
	}
	capture_end(&c);
	/* It cannot fill the log, and the next request is served. */
	EXPECT_GT(2000, strlen(c.text));
	EXPECT_EQ(0, disk.count);
	EXPECT_EQ(0, flush(&self->d, self->req, self->resp));
}

/* The memory is like any other to a device that writes there. */
TEST_F(pmem, answer_goes_into_the_memory_itself)
{
	u32 ret;

	EXPECT_EQ(0, flush(&self->d, self->req, self->start + SZ_2M));
	ASSERT_EQ(4, pread(self->f.fd, &ret, 4, SZ_2M));
	EXPECT_EQ(0, ret);
	disk.error = EIO;
	EXPECT_EQ(FAILED, flush(&self->d, self->req, self->start + SZ_2M));
	ASSERT_EQ(4, pread(self->f.fd, &ret, 4, SZ_2M));
	EXPECT_EQ(FAILED, ret);
}

TEST_F(pmem, reset_keeps_contents)
{
	char buf[4];

	drv_put(&self->d, self->start, "kept", 4);
	drv_reset(&self->d);
	drv_fetch(&self->d, self->start, buf, 4);
	EXPECT_EQ(0, memcmp(buf, "kept", 4));
	ASSERT_EQ(0, drv_setup(&self->d, variant->features));
	EXPECT_EQ(self->start, drv_config_read64(&self->d, 0));
	EXPECT_EQ(0, flush(&self->d, self->req, self->resp));
	EXPECT_EQ(1, disk.count);
}

TEST_F(pmem, reset_with_flushes_waiting)
{
	int i;

	for (i = 0; i < 10; i++)
		ASSERT_EQ(0, drv_add(&self->d, 0, (struct drv_seg[]){
			DRV_OUT(self->req, 4), DRV_IN(self->resp, 4) }, 2, &self->d));
	drv_kick(&self->d, 0);
	drv_reset(&self->d);
	drv_run(&self->d);
	EXPECT_EQ(0, disk.count);
	ASSERT_EQ(0, drv_setup(&self->d, variant->features));
	EXPECT_EQ(0, flush(&self->d, self->req, self->resp));
}

/* --- files ----------------------------------------------------------------------- */

FIXTURE(pmem_file) {
	struct drv d;
	struct drv other;
	struct file f;
	struct capture c;
};

FIXTURE_SETUP(pmem_file)
{
	file_open(&self->f, FILE_SIZE);
}

FIXTURE_TEARDOWN(pmem_file)
{
	drv_end(&self->d);
	drv_end(&self->other);
	close(self->f.fd);
}

static int try_file(struct file *f, struct drv *d, struct capture *c, const char *options)
{
	int ret;

	capture_begin(c);
	ret = file_init(f, d, DRV_MMIO, options);
	capture_end(c);
	return ret;
}

TEST_F(pmem_file, read_only)
{
	struct gmem *gm = &self->d.vm.gmem;
	struct iovec iov;
	u64 start, resp;
	u32 type = 0;
	char buf[4];

	ASSERT_EQ(4, pwrite(self->f.fd, "data", 4, 0));
	ASSERT_EQ(0, file_init(&self->f, &self->d, DRV_MMIO, ",ro"));
	ASSERT_EQ(0, drv_setup(&self->d, DRV_ALL));
	start = drv_config_read64(&self->d, 0);
	drv_fetch(&self->d, start, buf, 4);
	EXPECT_EQ(0, memcmp(buf, "data", 4));
	EXPECT_EQ(1, gmem_iov(gm, start, 4, false, &iov, 1));

	/* Whoever would change it is told; none of these is a fault of ours. */
	EXPECT_EQ(-EFAULT, gmem_iov(gm, start, 4, true, &iov, 1));
	EXPECT_EQ(-EFAULT, gmem_write(gm, start, "DATA", 4));
	EXPECT_EQ(-EFAULT, gmem_zero(gm, start, SZ_2M));
	EXPECT_EQ(-EFAULT, gmem_map_file(gm, start, 4096, self->f.fd, 0));
	ASSERT_EQ(4, pread(self->f.fd, buf, 4, 0));
	EXPECT_EQ(0, memcmp(buf, "data", 4));

	resp = drv_alloc(&self->d, 4);
	EXPECT_EQ(0, flush(&self->d, drv_alloc_with(&self->d, &type, 4), resp));
	EXPECT_EQ(0, disk.count);
}

TEST_F(pmem_file, part_of_a_file)
{
	ASSERT_EQ(0, file_init(&self->f, &self->d, DRV_MMIO, ",size=4M"));
	EXPECT_EQ(SZ_4M, drv_config_read64(&self->d, 8));
	EXPECT_EQ(-EFAULT, gmem_read(&self->d.vm.gmem, drv_config_read64(&self->d, 0) + SZ_4M,
				     &self->c, 1));
}

TEST_F(pmem_file, sizes_that_do_not_fit)
{
	static const struct {
		u64 size;
		const char *options;
	} bad[] = {
		{ FILE_SIZE, ",size=10M" },
		{ FILE_SIZE, ",size=3M" },
		{ FILE_SIZE, ",size=1M" },
		{ FILE_SIZE, ",size=0" },
		{ 0, "" },
		{ FILE_SIZE - 1, "" },
		{ FILE_SIZE - 1, ",ro" },
		{ SZ_1M, "" },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		ASSERT_EQ(0, ftruncate(self->f.fd, bad[i].size));
		EXPECT_EQ(-EINVAL, try_file(&self->f, &self->d, &self->c, bad[i].options));
		EXPECT_TRUE(capture_one_line(&self->c));
		drv_end(&self->d);
	}
}

TEST_F(pmem_file, files_of_other_kinds)
{
	static const struct {
		const char *path;
		int err;
		const char *says;
	} bad[] = {
		{ "/nonexistent/pmem", -ENOENT, "no such file" },
		{ "/", -EISDIR, "directory" },
		{ "/,ro", -EINVAL, "neither a file nor a block device" },
		{ "/dev/null", -EINVAL, "neither a file nor a block device" },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		snprintf(self->f.path, sizeof(self->f.path), "%s", bad[i].path);
		EXPECT_EQ(bad[i].err, try_file(&self->f, &self->d, &self->c, ""));
		EXPECT_TRUE(capture_one_line(&self->c));
		EXPECT_NE(NULL, strcasestr(self->c.text, bad[i].says));
		drv_end(&self->d);
	}
}

/* Nobody opens the other end: a guest does not wait for that. */
TEST_F(pmem_file, fifo)
{
	char dir[] = "/tmp/vmtool-pmem-XXXXXX";

	ASSERT_NE(NULL, mkdtemp(dir));
	snprintf(self->f.path, sizeof(self->f.path), "%s/fifo", dir);
	ASSERT_EQ(0, mkfifo(self->f.path, 0600));
	EXPECT_EQ(-EINVAL, try_file(&self->f, &self->d, &self->c, ""));
	drv_end(&self->d);
	EXPECT_EQ(-EINVAL, try_file(&self->f, &self->d, &self->c, ",ro"));
	unlink(self->f.path);
	rmdir(dir);
}

TEST_F(pmem_file, options_that_exclude_each_other)
{
	EXPECT_EQ(-EINVAL, try_file(&self->f, &self->d, &self->c, ",ro,alloc"));
	EXPECT_TRUE(capture_one_line(&self->c));
}

TEST_F(pmem_file, one_guest_that_writes)
{
	static const struct {
		const char *first, *second;
		int ret;
	} pairs[] = {
		{ "", "", -EBUSY },
		{ "", ",ro", -EBUSY },
		{ ",ro", "", -EBUSY },
		{ ",ro", ",ro", 0 },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(pairs); i++) {
		ASSERT_EQ(0, file_init(&self->f, &self->d, DRV_MMIO, pairs[i].first));
		EXPECT_EQ(pairs[i].ret, try_file(&self->f, &self->other, &self->c, pairs[i].second));
		EXPECT_EQ(pairs[i].ret != 0, capture_one_line(&self->c));
		drv_end(&self->other);
		drv_end(&self->d);
	}
	/* With the machine the lock is gone. */
	EXPECT_EQ(0, file_init(&self->f, &self->d, DRV_MMIO, ""));
}

TEST_F(pmem_file, a_machine_that_is_only_shown_takes_no_lock)
{
	struct vm vm = { .cfg = &(struct vm_config){ .dry_run = true }, .vm_fd = -1, .kvm_fd = -1 };
	struct { const char *path; bool ro; bool alloc; u64 size; } conf = { self->f.path };
	struct virtio_dev *vd = pmem_class.create(&conf, "pmem9");
	struct stat st;

	ASSERT_EQ(sizeof(conf), pmem_class.conf_size);
	ASSERT_EQ(0, file_init(&self->f, &self->d, DRV_MMIO, ""));
	conf.alloc = true;
	gmem_init(&vm.gmem, -1);
	vd->manual_threads = true;
	EXPECT_EQ(0, virtio_realize(vd, &vm, NULL, NULL));
	virtio_destroy(vd);
	gmem_destroy(&vm.gmem);
	ASSERT_EQ(0, fstat(self->f.fd, &st));
	EXPECT_EQ(0, st.st_blocks);
}

TEST_F(pmem_file, blocks_are_reserved_when_asked_for)
{
	struct stat st;

	ASSERT_EQ(0, file_init(&self->f, &self->d, DRV_MMIO, ",alloc"));
	ASSERT_EQ(0, fstat(self->f.fd, &st));
	EXPECT_EQ(FILE_SIZE / 512, st.st_blocks);
	EXPECT_EQ(FILE_SIZE, st.st_size);
}

TEST_F(pmem_file, blocks_stay_unused_otherwise)
{
	struct stat st;

	ASSERT_EQ(0, file_init(&self->f, &self->d, DRV_MMIO, ""));
	ASSERT_EQ(0, fstat(self->f.fd, &st));
	EXPECT_EQ(0, st.st_blocks);
}

TEST_F(pmem_file, places_do_not_overlap)
{
	struct vm *vm = &self->d.vm;
	u64 a, b, c, big;

	ASSERT_EQ(0, file_init(&self->f, &self->d, DRV_MMIO, ""));
	ASSERT_EQ(0, arch_place_memory(vm, SZ_2M, SZ_2M, &a));
	EXPECT_GE(a, drv_config_read64(&self->d, 0) + FILE_SIZE);
	ASSERT_EQ(0, arch_place_memory(vm, SZ_2M, SZ_1G, &b));
	EXPECT_GE(b, a + SZ_2M);
	EXPECT_EQ(0, b % SZ_1G);
	ASSERT_EQ(0, arch_place_memory(vm, SZ_2M, SZ_2M, &c));
	EXPECT_EQ(b + SZ_2M, c);
	/* More than any CPU addresses: and nothing is given away. */
	EXPECT_EQ(-ENOSPC, arch_place_memory(vm, 1ULL << 52, SZ_2M, &big));
	EXPECT_EQ(-ENOSPC, arch_place_memory(vm, ~0ULL << 21, SZ_2M, &big));
	ASSERT_EQ(0, arch_place_memory(vm, SZ_2M, SZ_2M, &big));
	EXPECT_EQ(c + SZ_2M, big);
}

TEST_HARNESS_MAIN
