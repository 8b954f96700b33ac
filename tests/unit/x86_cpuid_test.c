// SPDX-License-Identifier: GPL-2.0
/*
 * x86/cpuid.c: what a guest is told of its CPUs, from tables as an Intel and an AMD
 * host have them. Leaves: Intel's SDM volume 2A "CPUID", AMD's APM volume 3, E.
 */
#include <string.h>

#include <linux/kernel.h>

#include <kselftest_harness.h>

#ifdef CONFIG_X86
#include "x86/x86.h"

#define TSC_KHZ		2495998U

struct table {
	struct kvm_cpuid2 head;
	struct kvm_cpuid_entry2 entries[64 + X86_CPUID_SPARE];
};

static const struct kvm_cpuid_entry2 intel[] = {
	{ .function = 0, .eax = 0x1f, .ebx = 0x756e6547, .ecx = 0x6c65746e, .edx = 0x49656e69 },
	{ .function = 1, .eax = 0x806f8, .ebx = 0x07400800, .ecx = 0x76fa3203, .edx = 0x178bfbff },
	{ .function = 4, .index = 0, .flags = 1, .eax = 0xfc004121, .ebx = 0x02c0003f, .ecx = 63 },
	{ .function = 4, .index = 1, .flags = 1, .eax = 0xfc004122, .ebx = 0x01c0003f, .ecx = 63 },
	{ .function = 4, .index = 2, .flags = 1, .eax = 0xfc01c143, .ebx = 0x03c0003f, .ecx = 2047 },
	{ .function = 4, .index = 3, .flags = 1, .eax = 0xfc0fc163, .ebx = 0x0280003f, .ecx = 49151 },
	{ .function = 4, .index = 4, .flags = 1 },
	{ .function = 7, .index = 0, .flags = 1, .eax = 1, .ebx = 0x219c07ab },
	{ .function = 0xb, .index = 0, .flags = 1, .edx = 42 },
	{ .function = 0xd, .index = 0, .flags = 1, .eax = 7, .ebx = 832, .ecx = 832 },
	{ .function = 0x1f, .index = 0, .flags = 1, .edx = 42 },
	{ .function = 0x40000000, .eax = 0x40000001, .ebx = 0x4b4d564b, .ecx = 0x564b4d56, .edx = 0x4d },
	{ .function = 0x40000001, .eax = 0x01007efb },
	{ .function = 0x80000000, .eax = 0x80000008 },
	{ .function = 0x80000001, .ecx = 0x121, .edx = 0x2c100800 },
	{ .function = 0x80000008, .eax = 0x3934 },
};

static const struct kvm_cpuid_entry2 amd[] = {
	{ .function = 0, .eax = 0x10, .ebx = 0x68747541, .ecx = 0x444d4163, .edx = 0x69746e65 },
	{ .function = 1, .eax = 0xa20f10, .ebx = 0x03200800, .ecx = 0x76f83203, .edx = 0x178bfbff },
	{ .function = 7, .index = 0, .flags = 1, .ebx = 0x219c97a9 },
	{ .function = 0xd, .index = 0, .flags = 1, .eax = 7, .ebx = 832, .ecx = 832 },
	{ .function = 0x40000000, .eax = 0x40000001, .ebx = 0x4b4d564b, .ecx = 0x564b4d56, .edx = 0x4d },
	{ .function = 0x40000001, .eax = 0x01007efb },
	{ .function = 0x80000000, .eax = 0x8000001f },
	{ .function = 0x80000001, .ecx = 0x004003f3, .edx = 0x2fd3fbff },
	{ .function = 0x80000008, .eax = 0x3030, .ebx = 0x01016200, .ecx = 0x701f },
	{ .function = 0x8000001d, .index = 0, .flags = 1, .eax = 0x4121, .ebx = 0x01c0003f, .ecx = 63 },
	{ .function = 0x8000001d, .index = 1, .flags = 1, .eax = 0x4122, .ebx = 0x01c0003f, .ecx = 63 },
	{ .function = 0x8000001d, .index = 2, .flags = 1, .eax = 0x4143, .ebx = 0x01c0003f, .ecx = 1023 },
	{ .function = 0x8000001d, .index = 3, .flags = 1, .eax = 0x3c163, .ebx = 0x03c0003f, .ecx = 32767 },
	{ .function = 0x8000001d, .index = 4, .flags = 1 },
	{ .function = 0x8000001e, .eax = 31, .ebx = 0x10f, .ecx = 0x101 },
};

/* As an old CPU, or a modest KVM, has it. */
static const struct kvm_cpuid_entry2 plain[] = {
	{ .function = 0, .eax = 4, .ebx = 0x756e6547, .ecx = 0x6c65746e, .edx = 0x49656e69 },
	{ .function = 1, .eax = 0x6fb, .ebx = 0x00020800, .ecx = 0x0000e3bd, .edx = 0xbfebfbff },
};

#define COPY(t, from) copy(t, from, ARRAY_SIZE(from))

static struct kvm_cpuid2 *copy(struct table *t, const struct kvm_cpuid_entry2 *from, u32 n)
{
	memset(t, 0, sizeof(*t));
	t->head.nent = n;
	memcpy(t->head.entries, from, n * sizeof(*from));
	return &t->head;
}

static struct kvm_cpuid_entry2 none;

static struct kvm_cpuid_entry2 *leaf(struct kvm_cpuid2 *c, u32 function, u32 index)
{
	u32 i;

	for (i = 0; i < c->nent; i++)
		if (c->entries[i].function == function && c->entries[i].index == index)
			return &c->entries[i];
	return &none;
}

static const u32 counts[] = { 1, 2, 3, 4, 5, 7, 8, 9, 16, 64, 128, 129, 254, 255, 256, 257, 1024, 4096 };

static u32 log2_up(u32 n)
{
	u32 bits = 0;

	while (1U << bits < n)
		bits++;
	return bits;
}

/* KVM asks that no leaf comes twice. */
static bool no_duplicates(const struct kvm_cpuid2 *c)
{
	u32 i, j;

	for (i = 0; i < c->nent; i++)
		for (j = 0; j < i; j++)
			if (c->entries[i].function == c->entries[j].function &&
			    c->entries[i].index == c->entries[j].index)
				return false;
	return true;
}

TEST(features)
{
	struct table t;
	struct kvm_cpuid2 *c;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		struct kvm_cpuid_entry2 *e;
		u32 n = counts[i];

		c = COPY(&t, intel);
		x86_cpuid_patch(c, n, TSC_KHZ, true);
		e = leaf(c, 1, 0);
		EXPECT_EQ(0x806f8, e->eax);
		EXPECT_TRUE(e->ecx & 1U << 31);		/* under a hypervisor */
		EXPECT_TRUE(e->ecx & 1U << 24);		/* TSC deadline */
		EXPECT_EQ(n > 1, !!(e->edx & 1U << 28));	/* HTT */
		EXPECT_EQ(0x08, e->ebx >> 8 & 0xff);	/* CLFLUSH stays */
		EXPECT_EQ(min_t(u32, 1U << log2_up(n), 255), e->ebx >> 16 & 0xff);
		EXPECT_LE(c->nent, ARRAY_SIZE(intel) + X86_CPUID_SPARE);
		EXPECT_TRUE(no_duplicates(c));

		c = COPY(&t, amd);
		x86_cpuid_patch(c, n, TSC_KHZ, false);
		EXPECT_TRUE(no_duplicates(c));
		EXPECT_FALSE(leaf(c, 1, 0)->ecx & 1U << 24);
	}
}

TEST(what_is_not_ours_stays)
{
	struct kvm_cpuid2 *c;
	struct table t;

	c = COPY(&t, intel);
	x86_cpuid_patch(c, 4, TSC_KHZ, true);
	EXPECT_EQ(0, memcmp(leaf(c, 7, 0), &intel[7], sizeof(intel[7])));
	EXPECT_EQ(0, memcmp(leaf(c, 0xd, 0), &intel[9], sizeof(intel[9])));
	EXPECT_EQ(0x01007efb, leaf(c, 0x40000001, 0)->eax);
	EXPECT_EQ(0x2c100800, leaf(c, 0x80000001, 0)->edx);
	EXPECT_EQ(0x121, leaf(c, 0x80000001, 0)->ecx);
	EXPECT_EQ(0x3934, leaf(c, 0x80000008, 0)->eax);
}

/* All CPUs are cores of one package, with one thread each. */
static void check_topology(struct __test_metadata *_metadata, struct kvm_cpuid2 *c, u32 f, u32 n)
{
	EXPECT_EQ(0, leaf(c, f, 0)->eax);
	EXPECT_EQ(1, leaf(c, f, 0)->ebx);
	EXPECT_EQ(1 << 8 | 0, leaf(c, f, 0)->ecx);	/* level 0: threads */
	EXPECT_EQ(log2_up(n), leaf(c, f, 1)->eax);
	EXPECT_EQ(n, leaf(c, f, 1)->ebx);
	EXPECT_EQ(2 << 8 | 1, leaf(c, f, 1)->ecx);	/* level 1: cores */
	EXPECT_EQ(0, leaf(c, f, 2)->ecx >> 8);		/* no more levels */
	EXPECT_EQ(0, leaf(c, f, 2)->ebx);
	EXPECT_EQ(KVM_CPUID_FLAG_SIGNIFCANT_INDEX, leaf(c, f, 0)->flags);
	EXPECT_EQ(KVM_CPUID_FLAG_SIGNIFCANT_INDEX, leaf(c, f, 1)->flags);
	EXPECT_EQ(KVM_CPUID_FLAG_SIGNIFCANT_INDEX, leaf(c, f, 2)->flags);
	/* No id of this guest lies in another package. */
	EXPECT_EQ(0, (n - 1) >> leaf(c, f, 1)->eax);
}

TEST(topology)
{
	struct kvm_cpuid2 *c;
	struct table t;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		c = COPY(&t, intel);
		x86_cpuid_patch(c, counts[i], 0, true);
		check_topology(_metadata, c, 0xb, counts[i]);
		check_topology(_metadata, c, 0x1f, counts[i]);
		/* AMD has the one, and not the other. */
		c = COPY(&t, amd);
		x86_cpuid_patch(c, counts[i], 0, true);
		check_topology(_metadata, c, 0xb, counts[i]);
		EXPECT_EQ(&none, leaf(c, 0x1f, 0));
		/* And a CPU that is older than both has none. */
		c = COPY(&t, plain);
		x86_cpuid_patch(c, counts[i], 0, true);
		EXPECT_EQ(ARRAY_SIZE(plain), c->nent);
	}
}

static void check_caches(struct __test_metadata *_metadata, struct kvm_cpuid2 *c, u32 f, u32 n)
{
	u32 ids = (1U << log2_up(n)) - 1, i;

	for (i = 0; i < 4; i++) {
		u32 eax = leaf(c, f, i)->eax;

		EXPECT_EQ(i == 0 ? 1 : i == 1 ? 1 : i, eax >> 5 & 7);
		EXPECT_EQ(i == 3 ? min_t(u32, ids, 0xfff) : 0, eax >> 14 & 0xfff);
		if (f == 4)
			EXPECT_EQ(min_t(u32, ids, 63), eax >> 26);
		EXPECT_NE(0, leaf(c, f, i)->ebx);
	}
	EXPECT_EQ(0, leaf(c, f, 4)->eax);
}

TEST(caches)
{
	struct kvm_cpuid2 *c;
	struct table t;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		c = COPY(&t, intel);
		x86_cpuid_patch(c, counts[i], 0, true);
		check_caches(_metadata, c, 4, counts[i]);
		c = COPY(&t, amd);
		x86_cpuid_patch(c, counts[i], 0, true);
		check_caches(_metadata, c, 0x8000001d, counts[i]);
	}
}

TEST(amd_cores)
{
	struct kvm_cpuid2 *c;
	struct table t;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		u32 n = counts[i];

		c = COPY(&t, amd);
		x86_cpuid_patch(c, n, 0, true);
		EXPECT_EQ(n > 1, !!(leaf(c, 0x80000001, 0)->ecx & 2));	/* CmpLegacy */
		EXPECT_EQ(min_t(u32, n - 1, 0xff), leaf(c, 0x80000008, 0)->ecx & 0xff);
		EXPECT_EQ(log2_up(n), leaf(c, 0x80000008, 0)->ecx >> 12 & 0xf);
		EXPECT_EQ(0x01016200, leaf(c, 0x80000008, 0)->ebx);
		/* On Intel that bit means nothing and stays clear. */
		c = COPY(&t, intel);
		x86_cpuid_patch(c, n, 0, true);
		EXPECT_FALSE(leaf(c, 0x80000001, 0)->ecx & 2);
	}
}

TEST(timing)
{
	struct kvm_cpuid2 *c;
	struct table t;

	c = COPY(&t, amd);
	x86_cpuid_patch(c, 1, TSC_KHZ, true);
	/* TSC = crystal * EBX / EAX. */
	ASSERT_NE(0, leaf(c, 0x15, 0)->eax);
	EXPECT_EQ(TSC_KHZ, (u64)leaf(c, 0x15, 0)->ecx * leaf(c, 0x15, 0)->ebx /
			   leaf(c, 0x15, 0)->eax / 1000);
	EXPECT_EQ(1000000000, leaf(c, 0x15, 0)->ecx);
	EXPECT_EQ(0, leaf(c, 0x15, 0)->flags);
	EXPECT_EQ(0x15, leaf(c, 0, 0)->eax);
	EXPECT_EQ(TSC_KHZ, leaf(c, 0x40000010, 0)->eax);
	EXPECT_EQ(1000000, leaf(c, 0x40000010, 0)->ebx);
	EXPECT_EQ(0x40000010, leaf(c, 0x40000000, 0)->eax);

	c = COPY(&t, intel);
	x86_cpuid_patch(c, 1, TSC_KHZ, true);
	EXPECT_EQ(0x1f, leaf(c, 0, 0)->eax);

	/* Unknown: nothing is claimed. */
	c = COPY(&t, amd);
	x86_cpuid_patch(c, 1, 0, true);
	EXPECT_EQ(&none, leaf(c, 0x15, 0));
	EXPECT_EQ(&none, leaf(c, 0x40000010, 0));
	EXPECT_EQ(0x10, leaf(c, 0, 0)->eax);
	EXPECT_EQ(0x40000001, leaf(c, 0x40000000, 0)->eax);

	/* No hypervisor leaves: none are made up. */
	c = COPY(&t, plain);
	x86_cpuid_patch(c, 1, TSC_KHZ, true);
	EXPECT_EQ(&none, leaf(c, 0x40000010, 0));
	EXPECT_EQ(0x15, leaf(c, 0, 0)->eax);
}

TEST(timing_that_is_there_is_replaced)
{
	struct kvm_cpuid2 *c;
	struct table t;

	c = COPY(&t, intel);
	c->entries[c->nent++] = (struct kvm_cpuid_entry2) {
		.function = 0x15, .eax = 2, .ebx = 208, .ecx = 24000000, .edx = 0,
	};
	c->entries[c->nent++] = (struct kvm_cpuid_entry2) { .function = 0x40000010, .eax = 1 };
	x86_cpuid_patch(c, 2, TSC_KHZ, true);
	x86_cpuid_set_tsc(c, TSC_KHZ);
	EXPECT_TRUE(no_duplicates(c));
	EXPECT_EQ(1000000000, leaf(c, 0x15, 0)->ecx);
	EXPECT_EQ(TSC_KHZ, leaf(c, 0x40000010, 0)->eax);
}

TEST(apic_ids)
{
	static const u32 ids[] = { 0, 1, 7, 254, 255, 256, 1023, 4095 };
	struct kvm_cpuid2 *c;
	struct table t;
	size_t i, k;

	for (i = 0; i < ARRAY_SIZE(ids); i++) {
		u32 id = ids[i];

		c = COPY(&t, intel);
		x86_cpuid_patch(c, 4096, TSC_KHZ, true);
		x86_cpuid_set_apic(c, id);
		EXPECT_EQ(min_t(u32, id, 255), leaf(c, 1, 0)->ebx >> 24);
		EXPECT_EQ(0x08, leaf(c, 1, 0)->ebx >> 8 & 0xff);
		for (k = 0; k < 3; k++) {
			EXPECT_EQ(id, leaf(c, 0xb, k)->edx);
			EXPECT_EQ(id, leaf(c, 0x1f, k)->edx);
		}
		c = COPY(&t, amd);
		x86_cpuid_patch(c, 4096, TSC_KHZ, true);
		x86_cpuid_set_apic(c, id);
		EXPECT_EQ(id, leaf(c, 0x8000001e, 0)->eax);
		EXPECT_EQ(id & 0xff, leaf(c, 0x8000001e, 0)->ebx);	/* one thread a core */
		EXPECT_EQ(0, leaf(c, 0x8000001e, 0)->ecx);		/* one node */
	}
}

TEST(an_empty_table)
{
	struct kvm_cpuid2 *c;
	struct table t;

	memset(&t, 0, sizeof(t));
	c = &t.head;
	x86_cpuid_patch(c, 8, TSC_KHZ, true);
	x86_cpuid_set_apic(c, 3);
	EXPECT_EQ(1, c->nent);
}

TEST_HARNESS_MAIN
#else
int main(void)
{
	ksft_exit_skip("not built for x86\n");
}
#endif /* CONFIG_X86 */
