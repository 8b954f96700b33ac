// SPDX-License-Identifier: GPL-2.0
/*
 * The PCI bus: config space and BARs. With no KVM, and with one that remembers what it
 * was asked for.
 */
#include <errno.h>
#include <stdlib.h>

#include <kselftest_harness.h>

#ifdef CONFIG_PCI

#include "pci_fixture.h"

/* ---- who is there */

TEST_F(pci, nobody_is_there)
{
	unsigned int devfn, off;

	for (devfn = 1; devfn < PCI_FUNCTIONS; devfn++) {
		for (off = 0; off < PCI_FUNCTION_LEN; off += devfn < 9 ? 4 : 252) {
			EXPECT_EQ(0xffffffff, config_read(self->vm, devfn, off, 4));
			config_write(self->vm, devfn, off, 0x12345678, 4);
			EXPECT_EQ(0xffff, config_read(self->vm, devfn, off + 2, 2));
		}
	}
}

TEST_F(pci, host_bridge)
{
	EXPECT_EQ(0x060000, config_read(self->vm, 0, PCI_CLASS_REVISION, 4) >> 8);
	EXPECT_EQ(0, config_read(self->vm, 0, PCI_HEADER_TYPE, 1));
	EXPECT_EQ(0, config_read(self->vm, 0, PCI_CAPABILITY_LIST, 1));
	EXPECT_EQ(TEST_ECAM, pci_host_conf(self->vm->pci)->ecam);
	/* Its config space is memory, for reading. */
	if (has_kvm(variant)) {
		const struct kvm_userspace_memory_region *s = fake_slot_at(TEST_ECAM);

		ASSERT_NE(NULL, s);
		EXPECT_EQ(TEST_ECAM, s->guest_phys_addr);
		EXPECT_EQ(PCI_BUS_LEN, s->memory_size);
		EXPECT_EQ(KVM_MEM_READONLY, s->flags);
		EXPECT_LE(GMEM_MAX_SLOTS, s->slot);
	}
}

TEST_F(pci, header)
{
	struct test_function *f = ADD();

	EXPECT_EQ(PCI_DEVFN(1, 0), f->pci.devfn);
	EXPECT_EQ(TEST_VENDOR | 0x5678 << 16, GET(f, PCI_VENDOR_ID, 4));
	EXPECT_EQ(0x01020304, GET(f, PCI_CLASS_REVISION, 4));
	EXPECT_EQ(0x9abc | 0xdef0U << 16, GET(f, PCI_SUBSYSTEM_VENDOR_ID, 4));
	EXPECT_EQ(PCI_STATUS_CAP_LIST, GET(f, PCI_STATUS, 2));
	EXPECT_EQ(0, GET(f, PCI_COMMAND, 2));
	EXPECT_EQ(0, GET(f, PCI_HEADER_TYPE, 1));
	EXPECT_EQ(MSIX, GET(f, PCI_CAPABILITY_LIST, 1));
	EXPECT_EQ(PCI_CAP_ID_MSIX, GET(f, MSIX, 2));
	EXPECT_EQ(TEST_VECTORS - 1, GET(f, MSIX + PCI_MSIX_FLAGS, 2));
	EXPECT_EQ(0, GET(f, MSIX + PCI_MSIX_TABLE, 4));
	EXPECT_EQ(TEST_PBA, GET(f, MSIX + PCI_MSIX_PBA, 4));
	EXPECT_EQ(1, GET(f, PCI_INTERRUPT_PIN, 1));
	EXPECT_EQ(TEST_GSI + 1, GET(f, PCI_INTERRUPT_LINE, 1));
	/* KVM shows the same bytes. */
	if (has_kvm(variant)) {
		const struct kvm_userspace_memory_region *s = fake_slot_at(TEST_ECAM);
		u16 vendor;

		memcpy(&vendor, (u8 *)s->userspace_addr + f->pci.devfn * PCI_FUNCTION_LEN, 2);
		EXPECT_EQ(TEST_VENDOR, vendor);
	}
}

TEST_F(pci, as_many_as_there_is_room_for)
{
	enum { N = 31 * 8 };
	struct test_function **f = calloc(N + 1, sizeof(*f));
	int i;

	for (i = 0; i < N; i++) {
		f[i] = test_function_add(self->vm);
		ASSERT_EQ(PCI_DEVFN(1 + i % 31, i / 31), f[i]->pci.devfn);
		/* Only those with a further function say that there may be one. */
		ASSERT_EQ(0, GET(f[i], PCI_HEADER_TYPE, 1));
		ASSERT_EQ(i < 31 ? 0 : 0x80, GET(f[i % 31], PCI_HEADER_TYPE, 1));
	}
	f[N] = test_function_new(self->vm);
	EXPECT_EQ(-ENOSPC, pci_attach(self->vm->pci, &f[N]->pci));
	test_function_remove(f[N]);
	/* Who comes next takes the place of who has gone. */
	test_function_remove(f[17]);
	EXPECT_EQ(0xffffffff, config_read(self->vm, PCI_DEVFN(18, 0), 0, 4));
	f[17] = test_function_add(self->vm);
	EXPECT_EQ(PCI_DEVFN(18, 0), f[17]->pci.devfn);
	EXPECT_EQ(0x80, GET(f[17], PCI_HEADER_TYPE, 1));
	for (i = 0; i < N; i++)
		test_function_remove(f[i]);
	free(f);
	for (i = 8; i < PCI_FUNCTIONS; i++)
		EXPECT_EQ(0xffffffff, config_read(self->vm, i, 0, 4));
}

/* The order in which guests look: they number disks by it. */
TEST_F(pci, found_in_their_order)
{
	static const unsigned int expected[] = { 1, 31, 32, 62, 63, 100, 248, 1000 };
	struct test_function *f[PCI_FUNCTIONS];
	unsigned int i, k, n;

	for (i = 0; i < ARRAY_SIZE(expected); i++) {
		devices_end(self->vm);
		fake_kvm_init();
		ASSERT_EQ(0, test_bus_init(self->vm, variant->vm_fd, expected[i]));
		n = min(expected[i], 248U);
		for (k = 0; k < n; k++) {
			f[k] = test_function_add(self->vm);
			EXPECT_TRUE(!k || f[k]->pci.devfn > f[k - 1]->pci.devfn);
			EXPECT_TRUE(n > 31 || !PCI_FUNC(f[k]->pci.devfn));
			/* No function without function 0 of its device. */
			EXPECT_NE(0xffffffff, config_read(self->vm, f[k]->pci.devfn & ~7, 0, 4));
		}
		while (k--)
			test_function_remove(f[k]);
	}
}

TEST_F(pci, no_room_for_bars)
{
	struct test_function *f = test_function_new(self->vm);

	/* Larger than the window. */
	ASSERT_EQ(0, pci_add_bar(&f->pci, 4, TEST_MEM_LEN * 2, 0, &test_bar_ops, f));
	EXPECT_EQ(-ENOSPC, pci_attach(self->vm->pci, &f->pci));
	test_function_remove(f);
	EXPECT_EQ(0xffffffff, config_read(self->vm, PCI_DEVFN(1, 0), 0, 4));
	f = test_function_new(self->vm);
	EXPECT_EQ(-EINVAL, pci_add_bar(&f->pci, 0, 0x1000, 0, &test_bar_ops, f));
	EXPECT_EQ(-EINVAL, pci_add_bar(&f->pci, 3, 0x1000, 0, &test_bar_ops, f));
	EXPECT_EQ(-EINVAL, pci_add_bar(&f->pci, 4, 0x1800, 0, &test_bar_ops, f));
	EXPECT_EQ(-EINVAL, pci_add_bar(&f->pci, 4, 0x800, 0, &test_bar_ops, f));
	EXPECT_EQ(-EINVAL, pci_add_bar(&f->pci, 4, 1ULL << 32, 0, &test_bar_ops, f));
	EXPECT_EQ(-EINVAL, pci_add_bar(&f->pci, 5, 0x1000, PCI_BASE_ADDRESS_MEM_TYPE_64,
				       &test_bar_ops, f));
	test_function_remove(f);
}

TEST_F(pci, capabilities_fill_the_header)
{
	struct test_function *f = test_function_new(self->vm);
	u8 cap[16] = { 1, 2, 3, 4, 5 };
	int n = 0, at, last = MSIX;

	while ((at = pci_add_cap(&f->pci, PCI_CAP_ID_VNDR, cap, sizeof(cap))) > 0) {
		EXPECT_EQ(0, at % 4);
		EXPECT_LT(last, at);
		EXPECT_GE(PCI_HEADER_LEN, at + sizeof(cap));
		last = at;
		n++;
	}
	EXPECT_EQ(-ENOSPC, at);
	EXPECT_LT(8, n);
	ASSERT_EQ(0, pci_attach(self->vm->pci, &f->pci));
	for (at = GET(f, PCI_CAPABILITY_LIST, 1); GET(f, at + 1, 1); at = GET(f, at + 1, 1))
		n--;
	EXPECT_EQ(0, n);
	EXPECT_EQ(last, at);
	EXPECT_EQ(0x03, GET(f, last + 2, 1));
	test_function_remove(f);
}

/* ---- what can be written */

/* Bits of config space that the guest can set, byte by byte. */
static u8 writable(u32 off)
{
	static const u8 bits[PCI_HEADER_LEN] = {
		[PCI_COMMAND] = PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER,
		[PCI_COMMAND + 1] = PCI_COMMAND_INTX_DISABLE >> 8,
		[PCI_CACHE_LINE_SIZE] = 0xff,
		[BAR0 + 1] = 0xc0, [BAR0 + 2] = 0xff, [BAR0 + 3] = 0xff,
		[BAR2 + 2] = 0xff, [BAR2 + 3] = 0xff,
		[BAR2 + 4] = 0xff, [BAR2 + 5] = 0xff, [BAR2 + 6] = 0xff, [BAR2 + 7] = 0xff,
		[PCI_INTERRUPT_LINE] = 0xff,
		[MSIX + PCI_MSIX_FLAGS + 1] = 0xc0,
	};

	return off < PCI_HEADER_LEN ? bits[off] : 0;
}

static u32 writable32(u32 off, unsigned int size)
{
	u32 val = 0;

	while (size--)
		val = val << 8 | writable(off + size);
	return val;
}

TEST_F(pci, write_matrix)
{
	static const u32 patterns[] = { 0xffffffff, 0, 0xa5a5a5a5, 0x5a5a5a5a, 0x01020408 };
	struct test_function *f = ADD();
	unsigned int size, i;
	u32 off;

	for (size = 1; size <= 4; size *= 2) {
		for (off = 0; off + size <= PCI_FUNCTION_LEN; off++) {
			u32 all = size < 4 ? (1U << 8 * size) - 1 : ~0U;
			u32 mask = writable32(off, size), before = GET(f, off, size);

			if (off > 2 * PCI_HEADER_LEN && off < PCI_FUNCTION_LEN - 16)
				continue;
			for (i = 0; i < ARRAY_SIZE(patterns); i++) {
				PUT(f, off, patterns[i], size);
				ASSERT_EQ((before & ~mask) | (patterns[i] & mask & all),
					  GET(f, off, size))
					TH_LOG("%u at %#x: %#x", size, off, patterns[i]);
			}
			PUT(f, off, before, size);
			ASSERT_EQ(before, GET(f, off, size));
		}
	}
	/* Not all bytes of it are in one function: nobody is meant. */
	PUT(f, PCI_FUNCTION_LEN - 2, 0xffffffff, 4);
	EXPECT_EQ(0xffffffff, GET(f, PCI_FUNCTION_LEN, 4));
	EXPECT_EQ(0, GET(f, PCI_FUNCTION_LEN - 4, 4));
	EXPECT_LT(0, f->writes);
	/* Nobody asked to be told of reads. */
	EXPECT_EQ(0, f->reads);
}

TEST_F(pci, sizes)
{
	struct test_function *f = ADD();
	u32 bar0 = GET(f, BAR0, 4), bar2 = GET(f, BAR2, 4);

	EXPECT_EQ(PCI_BASE_ADDRESS_SPACE_MEMORY, bar0 & 0xf);
	EXPECT_EQ(PCI_BASE_ADDRESS_MEM_TYPE_64 | PCI_BASE_ADDRESS_MEM_PREFETCH, bar2 & 0xf);
	PUT(f, BAR0, ~0U, 4);
	EXPECT_EQ(~(TEST_BAR - 1U), GET(f, BAR0, 4));
	PUT(f, BAR0, bar0, 4);
	PUT(f, BAR2, ~0U, 4);
	PUT(f, BAR2 + 4, ~0U, 4);
	EXPECT_EQ(~(TEST_BAR2 - 1U) | 0xc, GET(f, BAR2, 4));
	EXPECT_EQ(~0U, GET(f, BAR2 + 4, 4));
	/* There are no others, and no ROM. */
	PUT(f, PCI_BASE_ADDRESS_1, ~0U, 4);
	PUT(f, PCI_BASE_ADDRESS_4, ~0U, 4);
	PUT(f, PCI_BASE_ADDRESS_5, ~0U, 4);
	PUT(f, PCI_ROM_ADDRESS, ~0U, 4);
	EXPECT_EQ(0, GET(f, PCI_BASE_ADDRESS_1, 4));
	EXPECT_EQ(0, GET(f, PCI_BASE_ADDRESS_4, 4));
	EXPECT_EQ(0, GET(f, PCI_BASE_ADDRESS_5, 4));
	EXPECT_EQ(0, GET(f, PCI_ROM_ADDRESS, 4));
}

/* ---- where BARs are */

#define ANSWERS(f, base) ({						\
	u64 mark_ = 0x1000 + (unsigned long)(f) % 0x1000;		\
	(f)->reg = mark_;						\
	test_read(self->vm, (base) + TEST_REG, 4) == mark_;		\
})
#define NOBODY(base)	(test_read(self->vm, (base) + TEST_REG, 4) == 0xffffffff)

/* KVM's slot is where the BAR is, and there is none when it is nowhere. */
static bool slot_follows(const FIXTURE_VARIANT(pci) *variant, struct test_function *f)
{
	const struct kvm_userspace_memory_region *s;

	if (!has_kvm(variant))
		return f->pages.slot == -1;
	if (f->at[0] == PCI_HIDDEN)
		return f->pages.slot == -1;
	s = fake_slot_at(f->at[0]);
	return s && s->guest_phys_addr == f->at[0] && s->memory_size == TEST_PBA &&
	       s->userspace_addr == (unsigned long)f->pages.hva && s->flags == KVM_MEM_READONLY;
}

TEST_F(pci, addresses_at_power_on)
{
	struct test_function *a = ADD(), *b = ADD();
	u64 at[4] = {
		GET(a, BAR0, 4), GET(a, BAR2, 4) & ~0xfU, GET(b, BAR0, 4), GET(b, BAR2, 4) & ~0xfU,
	};
	u64 size[4] = { TEST_BAR, TEST_BAR2, TEST_BAR, TEST_BAR2 };
	int i, k;

	for (i = 0; i < 4; i++) {
		EXPECT_EQ(0, at[i] % size[i]);
		EXPECT_LE(TEST_MEM, at[i]);
		EXPECT_GE(TEST_MEM + TEST_MEM_LEN, at[i] + size[i]);
		for (k = 0; k < i; k++)
			EXPECT_TRUE(at[i] + size[i] <= at[k] || at[k] + size[k] <= at[i]);
		/* They are not decoded yet. */
		EXPECT_TRUE(NOBODY(at[i]));
	}
	EXPECT_EQ(PCI_HIDDEN, a->at[0]);
	EXPECT_TRUE(slot_follows(variant, a));
	PUT(a, PCI_COMMAND, CMD_MEM, 2);
	EXPECT_EQ(at[0], a->at[0]);
	EXPECT_EQ(at[1], a->at[2]);
	EXPECT_TRUE(ANSWERS(a, at[0]));
	EXPECT_TRUE(ANSWERS(a, at[1]));
	EXPECT_TRUE(NOBODY(at[2]));
	EXPECT_TRUE(slot_follows(variant, a));
	PUT(a, PCI_COMMAND, PCI_COMMAND_MASTER, 2);
	EXPECT_TRUE(NOBODY(at[0]));
	EXPECT_EQ(PCI_HIDDEN, a->at[0]);
	EXPECT_TRUE(slot_follows(variant, a));
}

TEST_F(pci, moves)
{
	struct test_function *f = ADD();
	u64 old = GET(f, BAR0, 4), new = TEST_MEM + TEST_MEM_LEN - TEST_BAR;

	PUT(f, PCI_COMMAND, CMD_MEM, 1);
	PUT(f, BAR0, new, 4);
	EXPECT_EQ(new, f->at[0]);
	EXPECT_TRUE(NOBODY(old));
	EXPECT_TRUE(ANSWERS(f, new));
	EXPECT_TRUE(slot_follows(variant, f));
	/* Byte by byte: wherever it is on the way. */
	PUT(f, BAR0 + 3, old >> 24, 1);
	PUT(f, BAR0 + 2, old >> 16, 1);
	PUT(f, BAR0 + 1, old >> 8, 1);
	EXPECT_EQ(old, f->at[0]);
	EXPECT_TRUE(ANSWERS(f, old));
	/* The same again: nothing happens to it. */
	PUT(f, BAR0, old, 4);
	EXPECT_TRUE(ANSWERS(f, old));
	EXPECT_TRUE(slot_follows(variant, f));
	PUT(f, BAR2, TEST_MEM + TEST_MEM_LEN - TEST_BAR2, 4);
	EXPECT_TRUE(ANSWERS(f, TEST_MEM + TEST_MEM_LEN - TEST_BAR2));
	PUT(f, BAR2 + 4, 1, 4);
	EXPECT_EQ(PCI_HIDDEN, f->at[2]);
}

/* What is not in the window is memory or another device's. */
TEST_F(pci, outside_of_the_window)
{
	static const u64 outside[] = {
		0, TEST_BAR, TEST_MEM - TEST_BAR, TEST_MEM + TEST_MEM_LEN, TEST_ECAM, 0xfee00000,
		0xffffc000,
	};
	struct test_function *f = ADD();
	int i, nr = self->vm->mmio.nr;

	PUT(f, PCI_COMMAND, CMD_MEM, 2);
	for (i = 0; i < ARRAY_SIZE(outside); i++) {
		PUT(f, BAR0, outside[i], 4);
		EXPECT_EQ(PCI_HIDDEN, f->at[0]);
		EXPECT_EQ(outside[i], GET(f, BAR0, 4));
		EXPECT_TRUE(slot_follows(variant, f));
		EXPECT_EQ(nr + 1, self->vm->mmio.nr);
	}
	PUT(f, BAR2 + 4, 0x80000000, 4);
	PUT(f, BAR2, ~0U, 4);
	EXPECT_EQ(nr, self->vm->mmio.nr);
}

TEST_F(pci, one_on_the_other)
{
	struct test_function *a = ADD(), *b = ADD();
	u64 at_a = GET(a, BAR0, 4), at_b = GET(b, BAR0, 4);

	PUT(a, PCI_COMMAND, CMD_MEM, 2);
	PUT(b, PCI_COMMAND, CMD_MEM, 2);
	PUT(b, BAR0, at_a, 4);
	/* The first one stays, the other waits. */
	EXPECT_TRUE(ANSWERS(a, at_a));
	EXPECT_EQ(PCI_HIDDEN, b->at[0]);
	EXPECT_TRUE(NOBODY(at_b));
	EXPECT_TRUE(slot_follows(variant, b));
	PUT(a, BAR0, at_b, 4);
	EXPECT_TRUE(ANSWERS(a, at_b));
	EXPECT_TRUE(ANSWERS(b, at_a));
	EXPECT_TRUE(slot_follows(variant, a));
	EXPECT_TRUE(slot_follows(variant, b));
	/* Partly, and of one's own. */
	PUT(a, BAR2, at_a & ~(TEST_BAR2 - 1), 4);
	EXPECT_TRUE(ANSWERS(b, at_a));
	EXPECT_EQ(PCI_HIDDEN, a->at[2]);
	PUT(b, PCI_COMMAND, 0, 2);
	PUT(a, BAR0, TEST_MEM + TEST_MEM_LEN - TEST_BAR, 4);
	EXPECT_EQ(at_a & ~(TEST_BAR2 - 1), a->at[2]);
	/* Whoever goes makes room, too. */
	PUT(b, BAR0, TEST_MEM + TEST_MEM_LEN / 2, 4);
	PUT(b, PCI_COMMAND, CMD_MEM, 2);
	PUT(b, BAR2, a->at[2], 4);
	EXPECT_EQ(PCI_HIDDEN, b->at[2]);
	self->f[0] = self->f[1];
	self->nr = 1;
	test_function_remove(a);
	EXPECT_EQ(at_a & ~(TEST_BAR2 - 1), b->at[2]);
}

TEST_F(pci, kvm_without_slots)
{
	struct test_function *f;
	u64 at;

	if (!has_kvm(variant))
		return;		/* of KVM alone */
	fake_kvm.refuse = KVM_SET_USER_MEMORY_REGION;
	fake_kvm.error = EEXIST;
	f = ADD();
	at = GET(f, BAR0, 4);
	PUT(f, PCI_COMMAND, CMD_MEM, 2);
	EXPECT_EQ(-1, f->pages.slot);
	EXPECT_TRUE(ANSWERS(f, at));
	EXPECT_EQ(PCI_MSIX_ENTRY_CTRL_MASKBIT,
		  test_read(self->vm, at + PCI_MSIX_ENTRY_VECTOR_CTRL, 4));
	fake_kvm.refuse = 0;
}

TEST_F(pci, kvm_with_few_slots)
{
	struct test_function *a = ADD(), *b = ADD();
	u64 ctrl = PCI_MSIX_ENTRY_VECTOR_CTRL;

	if (!has_kvm(variant))
		return;		/* of KVM alone */
	/* One is config space's. */
	self->vm->pages.nr = 2;
	PUT(a, PCI_COMMAND, CMD_MEM, 2);
	PUT(b, PCI_COMMAND, CMD_MEM, 2);
	EXPECT_TRUE(slot_follows(variant, a));
	EXPECT_EQ(-1, b->pages.slot);
	/* It is read by exits, then. */
	EXPECT_EQ(PCI_MSIX_ENTRY_CTRL_MASKBIT, test_read(self->vm, b->at[0] + ctrl, 4));
	PUT(a, PCI_COMMAND, 0, 2);
	PUT(b, BAR0, TEST_MEM + TEST_MEM_LEN / 2, 4);
	EXPECT_TRUE(slot_follows(variant, b));
}

/* ---- reset */

TEST_F(pci, reset)
{
	struct test_function *f = ADD();
	u32 bar0 = GET(f, BAR0, 4), bar2 = GET(f, BAR2, 4);

	PUT(f, BAR0, TEST_MEM + 0x800000, 4);
	PUT(f, BAR2 + 4, 7, 4);
	PUT(f, PCI_COMMAND, 0xffff, 2);
	PUT(f, PCI_INTERRUPT_LINE, 3, 1);
	PUT(f, PCI_CACHE_LINE_SIZE, 3, 1);
	PUT(f, MSIX + PCI_MSIX_FLAGS, 0xc000, 2);
	ASSERT_EQ(0, pci_msix_use(&f->pci, 3));
	pci_msix_signal(&f->pci, 3);
	pci_intx_set(&f->pci, true);
	pci_device_reset(&f->pci);
	EXPECT_EQ(bar0, GET(f, BAR0, 4));
	EXPECT_EQ(bar2, GET(f, BAR2, 4));
	EXPECT_EQ(0, GET(f, BAR2 + 4, 4));
	EXPECT_EQ(0, GET(f, PCI_COMMAND, 2));
	EXPECT_EQ(TEST_GSI + 1, GET(f, PCI_INTERRUPT_LINE, 1));
	EXPECT_EQ(0, GET(f, PCI_CACHE_LINE_SIZE, 1));
	EXPECT_EQ(TEST_VECTORS - 1, GET(f, MSIX + PCI_MSIX_FLAGS, 2));
	EXPECT_FALSE(pci_msix_enabled(&f->pci));
	EXPECT_EQ(PCI_HIDDEN, f->at[0]);
	EXPECT_FALSE(msi_pending(&f->pci.msix.msis[3]));
	/* It is the device that says what it wants of its pin. */
	EXPECT_EQ(PCI_STATUS_CAP_LIST | PCI_STATUS_INTERRUPT, GET(f, PCI_STATUS, 2));
}

TEST_F(pci, reads_that_have_to_be_known)
{
	struct test_function *f = ADD();
	struct device *host = list_first_entry(&self->vm->devices, struct device, node);

	GET(f, PCI_VENDOR_ID, 4);
	EXPECT_EQ(0, f->reads);
	pci_host_trap_reads(self->vm->pci);
	EXPECT_EQ(NULL, fake_slot_at(TEST_ECAM));
	EXPECT_EQ(TEST_VENDOR, GET(f, PCI_VENDOR_ID, 2));
	EXPECT_EQ(1, f->reads);
	pci_host_trap_reads(self->vm->pci);
	host->ops->reset(host);
	GET(f, PCI_VENDOR_ID, 2);
	EXPECT_EQ(1, f->reads);
	EXPECT_EQ(has_kvm(variant), !!fake_slot_at(TEST_ECAM));
}

#endif /* CONFIG_PCI */

TEST_HARNESS_MAIN
