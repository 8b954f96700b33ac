// SPDX-License-Identifier: GPL-2.0
/*
 * vm/gmem.c without KVM: ranges at every edge, files mapped and copied.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include <linux/kernel.h>
#include <vmtool/gmem.h>

#include <kselftest_harness.h>

#define HUGE	(2UL << 20)
#define ULL(val)	((unsigned long long)(val))
#define PAGE		4096ULL
#define LOW		0x10000ULL	/* two slots side by side ... */
#define LOW_SIZE	(16 * PAGE)
#define NEXT		(LOW + LOW_SIZE)
#define NEXT_SIZE	(16 * PAGE)
#define ROM		0x100000ULL	/* ... one alone ... */
#define ROM_SIZE	PAGE
#define TOP		(0ULL - 2 * PAGE)	/* ... and one below the last page */

FIXTURE(gmem) {
	struct gmem gm;
};

FIXTURE_SETUP(gmem)
{
	gmem_init(&self->gm, -1);
	/* Out of order: the list is kept sorted. */
	ASSERT_EQ(0, gmem_add(&self->gm, ROM, ROM_SIZE, GMEM_ROM, -1, 0));
	ASSERT_EQ(0, gmem_add(&self->gm, TOP, PAGE, GMEM_RAM, -1, 0));
	ASSERT_EQ(0, gmem_add(&self->gm, LOW, LOW_SIZE, GMEM_RAM, -1, 0));
	ASSERT_EQ(0, gmem_add(&self->gm, NEXT, NEXT_SIZE, GMEM_RAM, -1, 0));
}

FIXTURE_TEARDOWN(gmem)
{
	gmem_destroy(&self->gm);
	EXPECT_EQ(0, self->gm.nr);
}

TEST_F(gmem, slots_are_sorted)
{
	ASSERT_EQ(4, self->gm.nr);
	EXPECT_EQ(LOW, self->gm.slots[0].gpa);
	EXPECT_EQ(NEXT, self->gm.slots[1].gpa);
	EXPECT_EQ(ROM, self->gm.slots[2].gpa);
	EXPECT_EQ(TOP, self->gm.slots[3].gpa);
	EXPECT_EQ(LOW_SIZE + NEXT_SIZE + ROM_SIZE + PAGE, gmem_total(&self->gm));
}

struct range {
	u64 gpa;
	u64 len;
	bool good;
};

static const struct range ranges[] = {
	{ LOW, 1, true },
	{ LOW, LOW_SIZE, true },
	{ LOW - 1, 1, false },
	{ LOW - 1, 2, false },
	{ LOW + LOW_SIZE - 1, 2, true },		/* crosses */
	{ LOW, LOW_SIZE + NEXT_SIZE, true },
	{ LOW, LOW_SIZE + NEXT_SIZE + 1, false },
	{ NEXT + NEXT_SIZE - 1, 1, true },
	{ NEXT + NEXT_SIZE - 1, 2, false },
	{ NEXT + NEXT_SIZE, 1, false },
	{ ROM, ROM_SIZE, true },
	{ ROM, ROM_SIZE + 1, false },
	{ TOP, PAGE, true },
	{ TOP + PAGE - 1, 1, true },
	{ TOP + PAGE - 1, 2, false },
	{ TOP, 2 * PAGE, false },
	{ TOP, 2 * PAGE + 1, false },			/* wraps */
	{ ~0ULL, 1, false },
	{ ~0ULL, 2, false },
	{ 0, 1, false },
	{ LOW, 0ULL - LOW, false },			/* ends at 2^64 */
	{ LOW, 0ULL - LOW + 1, false },
	{ LOW, ~0ULL, false },
	{ ~0ULL, ~0ULL, false },
	{ TOP, ~0ULL, false },
};

TEST_F(gmem, read_and_write_check_the_whole_range)
{
	static u8 in[LOW_SIZE + NEXT_SIZE + 2], out[sizeof(in)];
	const struct range *r;
	size_t i;

	for (r = ranges; r < ranges + ARRAY_SIZE(ranges); r++) {
		size_t len = r->good || r->len <= sizeof(in) ? r->len : sizeof(in);

		for (i = 0; i < len; i++)
			in[i] = i * 7 + r->gpa + 1;
		memset(out, 0x5a, sizeof(out));
		/* A refusal must not depend on what the buffer holds. */
		EXPECT_EQ(r->good ? 0 : -EFAULT, gmem_write(&self->gm, r->gpa, in, r->len))
			TH_LOG("gpa %llx len %llx", ULL(r->gpa), ULL(r->len));
		EXPECT_EQ(r->good ? 0 : -EFAULT, gmem_read(&self->gm, r->gpa, out, r->len))
			TH_LOG("gpa %llx len %llx", ULL(r->gpa), ULL(r->len));
		EXPECT_TRUE(r->good ? !memcmp(in, out, len) : out[0] == 0x5a);
	}
}

TEST_F(gmem, refused_write_changes_nothing)
{
	u8 buf[32], was[16] = { };

	memset(buf, 0xff, sizeof(buf));
	EXPECT_EQ(-EFAULT, gmem_write(&self->gm, NEXT + NEXT_SIZE - 16, buf, 17));
	ASSERT_EQ(0, gmem_read(&self->gm, NEXT + NEXT_SIZE - 16, buf, 16));
	EXPECT_EQ(0, memcmp(buf, was, 16));
	EXPECT_EQ(-EFAULT, gmem_zero(&self->gm, ROM + ROM_SIZE - 1, 2));
}

TEST_F(gmem, empty_ranges)
{
	u8 c = 1;

	EXPECT_EQ(0, gmem_read(&self->gm, LOW, &c, 0));
	EXPECT_EQ(0, gmem_write(&self->gm, LOW, &c, 0));
	EXPECT_EQ(0, gmem_zero(&self->gm, LOW, 0));
	EXPECT_EQ(0, gmem_map_file(&self->gm, LOW, 0, -1, 0));
	EXPECT_EQ(1, c);
}

TEST_F(gmem, iov_checks_the_whole_range)
{
	const struct range *r;
	struct iovec iov[4];

	for (r = ranges; r < ranges + ARRAY_SIZE(ranges); r++) {
		int n = gmem_iov(&self->gm, r->gpa, r->len, false, iov, 4);

		if (!r->good) {
			EXPECT_EQ(-EFAULT, n)
				TH_LOG("gpa %llx len %llx", ULL(r->gpa), ULL(r->len));
			continue;
		}
		ASSERT_GE(n, 1);
		EXPECT_EQ(r->len, iov[0].iov_len + (n > 1 ? iov[1].iov_len : 0));
	}
}

TEST_F(gmem, iov_splits_at_slots)
{
	struct iovec iov[3] = { };
	u8 c = 0x42, d;

	ASSERT_EQ(2, gmem_iov(&self->gm, NEXT - 3, 10, true, iov, 2));
	EXPECT_EQ(3, iov[0].iov_len);
	EXPECT_EQ(7, iov[1].iov_len);
	((u8 *)iov[1].iov_base)[0] = c;
	ASSERT_EQ(0, gmem_read(&self->gm, NEXT, &d, 1));
	EXPECT_EQ(c, d);

	EXPECT_EQ(-ENOSPC, gmem_iov(&self->gm, NEXT - 3, 10, true, iov, 1));
	EXPECT_EQ(-ENOSPC, gmem_iov(&self->gm, LOW, 1, true, iov, 0));
	EXPECT_EQ(1, gmem_iov(&self->gm, NEXT - 3, 3, true, iov, 1));
}

TEST_F(gmem, iov_gives_no_rom_to_write)
{
	struct iovec iov;

	EXPECT_EQ(1, gmem_iov(&self->gm, ROM, 1, false, &iov, 1));
	EXPECT_EQ(-EFAULT, gmem_iov(&self->gm, ROM, 1, true, &iov, 1));
	EXPECT_EQ(-EFAULT, gmem_iov(&self->gm, ROM + ROM_SIZE - 1, 1, true, &iov, 1));
	/* The VMM itself fills ROMs. */
	EXPECT_EQ(0, gmem_write(&self->gm, ROM, "rom", 4));
}

struct bad_slot {
	u64 gpa;
	u64 size;
};

TEST_F(gmem, slots_that_are_refused)
{
	static const struct bad_slot bad[] = {
		{ 0, 0 }, { 1, PAGE }, { 0, 1 }, { 0, PAGE - 1 }, { PAGE / 2, PAGE },
		{ LOW, PAGE }, { LOW - PAGE, 2 * PAGE }, { NEXT + NEXT_SIZE - PAGE, PAGE },
		{ 0, 1ULL << 40 }, { LOW + PAGE, PAGE }, { LOW - PAGE, LOW_SIZE + 2 * PAGE },
		{ TOP - PAGE, 2 * PAGE }, { TOP, PAGE },
		{ 0ULL - PAGE, PAGE }, { 0ULL - PAGE, 2 * PAGE }, { PAGE, ~0ULL - PAGE + 1 },
		{ 0, 0ULL - PAGE },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT_EQ(-EINVAL, gmem_add(&self->gm, bad[i].gpa, bad[i].size, GMEM_RAM, -1, 0))
			TH_LOG("gpa %llx size %llx", ULL(bad[i].gpa), ULL(bad[i].size));
	EXPECT_EQ(4, self->gm.nr);
	/* Neighbours are welcome. */
	EXPECT_EQ(0, gmem_add(&self->gm, LOW - PAGE, PAGE, GMEM_RAM, -1, 0));
	EXPECT_EQ(0, gmem_add(&self->gm, NEXT + NEXT_SIZE, PAGE, GMEM_RAM, -1, 0));
}

TEST(no_slot_is_left)
{
	struct gmem gm;
	int i;

	gmem_init(&gm, -1);
	for (i = 0; i < GMEM_MAX_SLOTS; i++)
		ASSERT_EQ(0, gmem_add(&gm, i * 2 * PAGE, PAGE, GMEM_RAM, -1, 0));
	EXPECT_EQ(-ENOSPC, gmem_add(&gm, i * 2 * PAGE, PAGE, GMEM_RAM, -1, 0));
	EXPECT_EQ(GMEM_MAX_SLOTS, gm.nr);
	gmem_destroy(&gm);
}

/* KVM takes less in a slot than a guest can have. */
TEST(huge_memory_is_split_and_contiguous)
{
	const u64 size = (1ULL << 43) + PAGE;
	struct gmem gm;
	u8 buf[2] = { 1, 2 };

	gmem_init(&gm, -1);
	ASSERT_EQ(0, gmem_add(&gm, 0, size, GMEM_RAM, -1, 0));
	EXPECT_EQ(3, gm.nr);
	EXPECT_EQ(size, gmem_total(&gm));
	EXPECT_EQ(size, gmem_end(&gm, ~0ULL));
	EXPECT_EQ(0, gmem_write(&gm, (1ULL << 42) - 1, buf, 2));
	EXPECT_EQ(0, gmem_write(&gm, size - 2, buf, 2));
	EXPECT_EQ(-EFAULT, gmem_write(&gm, size - 1, buf, 2));
	gmem_destroy(&gm);
}

TEST_F(gmem, end_below_a_limit)
{
	struct gmem empty;

	EXPECT_EQ(NEXT + NEXT_SIZE, gmem_end(&self->gm, ROM));
	EXPECT_EQ(NEXT + NEXT_SIZE, gmem_end(&self->gm, ROM + PAGE));	/* ROM is none */
	EXPECT_EQ(NEXT + NEXT_SIZE, gmem_end(&self->gm, TOP));
	EXPECT_EQ(TOP + PAGE, gmem_end(&self->gm, ~0ULL));
	EXPECT_EQ(LOW + 1, gmem_end(&self->gm, LOW + 1));
	EXPECT_EQ(0, gmem_end(&self->gm, LOW));
	gmem_init(&empty, -1);
	EXPECT_EQ(0, gmem_end(&empty, ~0ULL));
	EXPECT_EQ(0, gmem_total(&empty));
}

/* What is outside of the zeroed range stays; all of it is tried. */
TEST_F(gmem, zero_at_all_offsets)
{
	static const u64 lens[] = {
		0, 1, PAGE - 1, PAGE, PAGE + 1, 2 * PAGE, 3 * PAGE + 5, LOW_SIZE,
	};
	static const u64 offs[] = { 0, 1, PAGE - 1, PAGE, LOW_SIZE - PAGE - 1, LOW_SIZE - 1 };
	static u8 full[LOW_SIZE + NEXT_SIZE], seen[sizeof(full)];
	size_t i, j, k, wrong = 0;

	memset(full, 0xee, sizeof(full));
	for (i = 0; i < ARRAY_SIZE(lens); i++)
		for (j = 0; j < ARRAY_SIZE(offs); j++) {
			ASSERT_EQ(0, gmem_write(&self->gm, LOW, full, sizeof(full)));
			ASSERT_EQ(0, gmem_zero(&self->gm, LOW + offs[j], lens[i]));
			ASSERT_EQ(0, gmem_read(&self->gm, LOW, seen, sizeof(seen)));
			for (k = 0; k < sizeof(seen); k++)
				wrong += seen[k] != (k >= offs[j] && k < offs[j] + lens[i] ?
						     0 : 0xee);
		}
	EXPECT_EQ(0, wrong);
}

static unsigned int resident(const struct gmem *gm, int slot)
{
	unsigned char vec[16];
	unsigned int i, n = 0;

	if (mincore(gm->slots[slot].hva, sizeof(vec) * PAGE, vec) < 0)
		return ~0U;
	for (i = 0; i < sizeof(vec); i++)
		n += vec[i] & 1;
	return n;
}

TEST_F(gmem, memory_costs_nothing_until_it_is_touched)
{
	EXPECT_EQ(0, resident(&self->gm, 0));
	ASSERT_EQ(0, gmem_write(&self->gm, LOW + 3 * PAGE, "x", 1));
	EXPECT_EQ(1, resident(&self->gm, 0));
	ASSERT_EQ(0, gmem_zero(&self->gm, LOW, LOW_SIZE));
	EXPECT_EQ(0, resident(&self->gm, 0));
}

/* A file whose every byte tells its offset. */
static u8 pattern(u64 off)
{
	return off * 13 + (off >> 8) * 7 + 1;
}

static int make_file(size_t size)
{
	int fd = memfd_create("file", MFD_CLOEXEC);
	u8 c;
	size_t i;

	for (i = 0; i < size; i++) {
		c = pattern(i);
		if (write(fd, &c, 1) != 1)
			return -1;
	}
	return fd;
}

struct placement {
	u64 gpa;
	u64 len;
	off_t off;
	bool mapped;	/* some of it */
};

static const struct placement placements[] = {
	{ LOW, 4 * PAGE, 0, true },
	{ LOW, 4 * PAGE, PAGE, true },
	{ LOW, 4 * PAGE, 1, false },		/* offsets do not agree */
	{ LOW + 1, 4 * PAGE, 0, false },
	{ LOW + 5, 4 * PAGE, PAGE + 5, true },	/* head and tail are copied */
	{ LOW + 5, PAGE - 5, 5, false },	/* a head alone */
	{ LOW + 5, 10, 5, false },
	{ LOW, PAGE - 1, 0, false },		/* a tail alone */
	{ LOW, PAGE + 1, 0, true },
	{ LOW + PAGE - 1, PAGE + 2, PAGE - 1, true },
	{ NEXT - 2 * PAGE, 4 * PAGE, 0, true },	/* across slots */
	{ NEXT - 5, 10, PAGE - 5, false },
	{ NEXT + NEXT_SIZE - PAGE, PAGE, 2 * PAGE, true },
	{ TOP, PAGE, 0, true },
};

static bool matches(struct gmem *gm, const struct placement *p)
{
	static u8 seen[8 * PAGE];
	u64 i;

	if (gmem_read(gm, p->gpa, seen, p->len))
		return false;
	for (i = 0; i < p->len; i++)
		if (seen[i] != pattern(p->off + i))
			return false;
	return true;
}

static bool maps_memfd(void)
{
	FILE *f = fopen("/proc/self/maps", "re");
	char line[512];
	bool found = false;

	while (f && fgets(line, sizeof(line), f))
		found |= !!strstr(line, "/memfd:file");
	if (f)
		fclose(f);
	return found;
}

/* Is the page behind @p in memory? */
static bool present(const void *p)
{
	unsigned char here = 0;

	return !mincore((void *)((uintptr_t)p & ~(PAGE - 1)), PAGE, &here) && (here & 1);
}

TEST_F(gmem, discarded_pages)
{
	u8 *p = self->gm.slots[0].hva;
	struct iovec part;

	memset(p, 'x', 6 * PAGE);
	/* Whole pages of the part, no more. */
	part = (struct iovec){ p + 100, 3 * PAGE };
	EXPECT_EQ(0, gmem_discard(&self->gm, &part, false));
	EXPECT_TRUE(present(p));
	EXPECT_FALSE(present(p + PAGE));
	EXPECT_FALSE(present(p + 2 * PAGE));
	EXPECT_EQ('x', p[3 * PAGE]);
	EXPECT_EQ(0, p[PAGE]);
	part = (struct iovec){ p + 4 * PAGE, PAGE };
	EXPECT_EQ(0, gmem_discard(&self->gm, &part, true));
	EXPECT_FALSE(present(p + 4 * PAGE));
	EXPECT_EQ('x', p[5 * PAGE]);
	/* None of them is a whole page. */
	part = (struct iovec){ p + 5 * PAGE + 1, PAGE };
	EXPECT_EQ(0, gmem_discard(&self->gm, &part, true));
	part = (struct iovec){ p + 5 * PAGE, PAGE - 1 };
	EXPECT_EQ(0, gmem_discard(&self->gm, &part, false));
	part = (struct iovec){ p + 5 * PAGE, 0 };
	EXPECT_EQ(0, gmem_discard(&self->gm, &part, false));
	EXPECT_EQ('x', p[5 * PAGE]);
}

TEST_F(gmem, discarded_where_it_must_not_be)
{
	u8 *rom = self->gm.slots[2].hva, mine[1] = { 'x' };
	struct iovec part = { rom, PAGE };

	rom[0] = 'x';
	EXPECT_EQ(0, gmem_discard(&self->gm, &part, false));
	EXPECT_EQ(0, gmem_discard(&self->gm, &part, true));
	EXPECT_EQ('x', rom[0]);
	/* Not guest memory at all. */
	part = (struct iovec){ mine, 1 << 20 };
	EXPECT_EQ(0, gmem_discard(&self->gm, &part, true));
	EXPECT_EQ('x', mine[0]);
}

TEST_F(gmem, files_appear_and_come_back)
{
	const struct placement *p;
	int fd = make_file(8 * PAGE), i;
	u8 junk[64];

	ASSERT_GE(fd, 0);
	memset(junk, 0xa5, sizeof(junk));
	for (p = placements; p < placements + ARRAY_SIZE(placements); p++) {
		u64 end = p->gpa + p->len;
		u8 before, behind;

		ASSERT_EQ(0, gmem_zero(&self->gm, LOW, LOW_SIZE + NEXT_SIZE));
		ASSERT_EQ(0, gmem_zero(&self->gm, TOP, PAGE));
		for (i = 0; i < 3; i++) {
			EXPECT_EQ(0, gmem_map_file(&self->gm, p->gpa, p->len, fd, p->off));
			EXPECT_TRUE(matches(&self->gm, p))
				TH_LOG("gpa %llx off %llx, time %d", ULL(p->gpa), ULL(p->off), i);
			EXPECT_EQ(p->mapped, maps_memfd())
				TH_LOG("gpa %llx off %llx", ULL(p->gpa), ULL(p->off));
			/* The guest writes over it; the file must not see that. */
			for (u64 at = p->gpa; at < end; at += sizeof(junk))
				ASSERT_EQ(0, gmem_write(&self->gm, at, junk,
							end - at < 64 ? end - at : 64));
			EXPECT_FALSE(matches(&self->gm, p));
		}
		/* And nothing around it has changed. */
		if (!gmem_read(&self->gm, p->gpa - 1, &before, 1))
			EXPECT_EQ(0, before);
		if (!gmem_read(&self->gm, end, &behind, 1))
			EXPECT_EQ(0, behind);
	}
	close(fd);
}

TEST_F(gmem, the_file_is_not_changed)
{
	int fd = make_file(PAGE);
	u8 c;

	ASSERT_EQ(0, gmem_map_file(&self->gm, LOW, PAGE, fd, 0));
	ASSERT_EQ(0, gmem_write(&self->gm, LOW, "x", 1));
	ASSERT_EQ(1, pread(fd, &c, 1, 0));
	EXPECT_EQ(pattern(0), c);
	/* The mapping outlives the descriptor. */
	close(fd);
	ASSERT_EQ(0, gmem_read(&self->gm, LOW + 1, &c, 1));
	EXPECT_EQ(pattern(1), c);
}

TEST_F(gmem, files_that_are_too_short)
{
	int fd = make_file(PAGE + 10);

	EXPECT_EQ(0, gmem_map_file(&self->gm, LOW, PAGE + 10, fd, 0));
	EXPECT_EQ(-ENODATA, gmem_map_file(&self->gm, LOW, PAGE + 11, fd, 0));
	EXPECT_EQ(-ENODATA, gmem_map_file(&self->gm, LOW, 2 * PAGE, fd, 0));
	EXPECT_EQ(-ENODATA, gmem_map_file(&self->gm, LOW, 1, fd, PAGE + 10));
	EXPECT_EQ(-ENODATA, gmem_map_file(&self->gm, LOW + 1, PAGE + 10, fd, 1));
	EXPECT_EQ(-ENODATA, gmem_map_file(&self->gm, LOW, PAGE, fd, 1ULL << 40));
	EXPECT_EQ(0, gmem_map_file(&self->gm, LOW, 1, fd, PAGE + 9));
	close(fd);
	EXPECT_GT(0, gmem_map_file(&self->gm, LOW, PAGE, -1, 0));
}

TEST_F(gmem, files_outside_of_memory)
{
	int fd = make_file(4 * PAGE);

	EXPECT_EQ(-EFAULT, gmem_map_file(&self->gm, 0, PAGE, fd, 0));
	EXPECT_EQ(-EFAULT, gmem_map_file(&self->gm, LOW - PAGE, 2 * PAGE, fd, 0));
	EXPECT_EQ(-EFAULT, gmem_map_file(&self->gm, NEXT + NEXT_SIZE - PAGE, 2 * PAGE, fd, 0));
	EXPECT_EQ(-EFAULT, gmem_map_file(&self->gm, TOP, 3 * PAGE, fd, 0));
	EXPECT_FALSE(maps_memfd());
	close(fd);
}

/* A shared file stands in for hugetlbfs: it is copied into, never mapped over. */
TEST(hugetlb_is_copied_into)
{
	int backing = memfd_create("backing", MFD_CLOEXEC), fd = make_file(2 * PAGE);
	const struct placement p = { .gpa = PAGE, .len = 2 * PAGE };
	struct gmem gm;
	u8 c;

	ASSERT_EQ(0, ftruncate(backing, 8 * PAGE));
	gmem_init(&gm, -1);
	ASSERT_EQ(0, gmem_add(&gm, 0, 4 * PAGE, GMEM_HUGETLB, backing, 4 * PAGE));
	EXPECT_EQ(0, gmem_map_file(&gm, p.gpa, p.len, fd, 0));
	EXPECT_TRUE(matches(&gm, &p));
	EXPECT_FALSE(maps_memfd());
	/* It is the file's memory that the guest has, from the offset on. */
	ASSERT_EQ(1, pread(backing, &c, 1, 5 * PAGE));
	EXPECT_EQ(pattern(0), c);
	EXPECT_EQ(0, gmem_zero(&gm, 0, 4 * PAGE));
	ASSERT_EQ(1, pread(backing, &c, 1, 5 * PAGE));
	EXPECT_EQ(0, c);
	gmem_destroy(&gm);
	close(backing);
	close(fd);
}

/* A device's file is changed in place, whatever is done to its memory. */
TEST(file_is_shared)
{
	int backing = memfd_create("backing", MFD_CLOEXEC), fd = make_file(2 * PAGE);
	struct iovec iov;
	struct gmem gm;
	u8 c;

	ASSERT_EQ(0, ftruncate(backing, 4 * PAGE));
	gmem_init(&gm, -1);
	ASSERT_EQ(0, gmem_add(&gm, 0, 4 * PAGE, GMEM_FILE, backing, 0));
	EXPECT_EQ(0, gmem_map_file(&gm, PAGE, 2 * PAGE, fd, 0));
	ASSERT_EQ(1, pread(backing, &c, 1, PAGE));
	EXPECT_EQ(pattern(0), c);
	EXPECT_EQ(1, gmem_iov(&gm, PAGE, PAGE, true, &iov, 1));
	EXPECT_EQ(0, gmem_zero(&gm, 0, 4 * PAGE));
	ASSERT_EQ(1, pread(backing, &c, 1, PAGE));
	EXPECT_EQ(0, c);
	EXPECT_EQ(0, gmem_write(&gm, 3 * PAGE, "x", 1));
	ASSERT_EQ(1, pread(backing, &c, 1, 3 * PAGE));
	EXPECT_EQ('x', c);
	gmem_destroy(&gm);
	close(backing);
	close(fd);
}

/* There is no page that could be written: each attempt is refused before. */
TEST(file_that_is_only_read)
{
	int backing = memfd_create("backing", MFD_CLOEXEC), fd = make_file(PAGE);
	struct iovec iov;
	struct gmem gm;
	u8 c = 1;

	ASSERT_EQ(0, ftruncate(backing, PAGE));
	gmem_init(&gm, -1);
	ASSERT_EQ(0, gmem_add(&gm, 0, PAGE, GMEM_RAM, -1, 0));
	ASSERT_EQ(0, gmem_add(&gm, PAGE, PAGE, GMEM_FILE_RO, backing, 0));
	EXPECT_EQ(0, gmem_read(&gm, PAGE, &c, 1));
	EXPECT_EQ(0, c);
	EXPECT_EQ(1, gmem_iov(&gm, PAGE, PAGE, false, &iov, 1));
	EXPECT_EQ(-EFAULT, gmem_iov(&gm, PAGE, PAGE, true, &iov, 1));
	EXPECT_EQ(-EFAULT, gmem_write(&gm, PAGE, "x", 1));
	EXPECT_EQ(-EFAULT, gmem_zero(&gm, PAGE, PAGE));
	EXPECT_EQ(-EFAULT, gmem_map_file(&gm, PAGE, PAGE, fd, 0));
	/* Nor a part of what begins in ordinary memory. */
	EXPECT_EQ(-EFAULT, gmem_write(&gm, PAGE - 1, "xy", 2));
	EXPECT_EQ(-EFAULT, gmem_zero(&gm, 0, 2 * PAGE));
	EXPECT_EQ(0, gmem_read(&gm, PAGE - 1, &c, 1));
	EXPECT_EQ(0, c);
	gmem_destroy(&gm);
	close(backing);
	close(fd);
}

TEST(hugetlb_without_a_file)
{
	struct gmem gm;

	gmem_init(&gm, -1);
	EXPECT_EQ(-EBADF, gmem_add(&gm, 0, PAGE, GMEM_HUGETLB, -1, 0));
	EXPECT_EQ(0, gm.nr);
}

/* Both addresses have the same place in a huge page, else KVM maps by small ones. */
TEST(huge_pages_are_possible)
{
	static const u64 gpas[] = { 0, 0x100000, 0x1ff000, 0x40000000, 0x100001000 };
	static const u64 sizes[] = { HUGE, HUGE + 0x1000, 3 * HUGE };
	struct gmem gm;
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(gpas); i++) {
		for (j = 0; j < ARRAY_SIZE(sizes); j++) {
			gmem_init(&gm, -1);
			ASSERT_EQ(0, gmem_add(&gm, gpas[i], sizes[j], GMEM_RAM, -1, 0));
			EXPECT_EQ(0, ((uintptr_t)gm.slots[0].hva - gpas[i]) % HUGE);
			/* All of it is there. */
			gm.slots[0].hva[0] = 1;
			gm.slots[0].hva[sizes[j] - 1] = 1;
			gmem_destroy(&gm);
		}
	}
}

TEST_HARNESS_MAIN
