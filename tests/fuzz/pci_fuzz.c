// SPDX-License-Identifier: GPL-2.0
/*
 * A hostile guest on a PCI bus, while functions come and go. The input is a list of
 * records of eight bytes: what to do, to whom, at which offset, with which value.
 * Whatever is done, BARs answer where config space says, KVM's slots lie under them,
 * lines and vectors do what the registers say, and what cannot be written stays.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FAKE_KVM_MAX	96

#include "fuzz.h"
#include "../unit/fake_kvm.h"
#include "../unit/pci_bus.h"

#define FUNCTIONS	3
#define MSIX		PCI_STD_HEADER_SIZEOF

enum {
	WRITE_CONFIG, READ_CONFIG, WRITE_BAR, READ_BAR, WRITE_TABLE, MOVE, COMMAND, COME_OR_GO,
	USE, SIGNAL, PIN, RESET, TRAP, WRITE_ECAM, KINDS
};

struct record {
	u8 what;
	u8 who;
	u8 off[2];
	u8 val[4];
};

struct model {
	struct vm vm;
	struct test_function *f[FUNCTIONS];
};

static u32 get(struct model *m, struct test_function *f, u32 off, unsigned int size)
{
	return config_read(&m->vm, f->pci.devfn, off, size);
}

/* --- what has to be true --------------------------------------------------------------- */

static u64 bar_of(struct model *m, struct test_function *f, int bar)
{
	u64 addr = get(m, f, PCI_BASE_ADDRESS_0 + 4 * bar, 4) & PCI_BASE_ADDRESS_MEM_MASK;

	if (bar == 2)
		addr |= (u64)get(m, f, PCI_BASE_ADDRESS_3, 4) << 32;
	return addr;
}

static void check_bar(struct model *m, struct test_function *f, int bar, u64 size)
{
	bool on = get(m, f, PCI_COMMAND, 2) & PCI_COMMAND_MEMORY;
	u64 at = f->at[bar];

	CHECK(at == f->pci.bars[bar].at);
	if (at == PCI_HIDDEN)
		return;
	CHECK(on && at == bar_of(m, f, bar) && at % size == 0);
	CHECK(at >= TEST_MEM && at + size <= TEST_MEM + TEST_MEM_LEN);
	f->reg = 0x42420000 + bar;
	CHECK(test_read(&m->vm, at + TEST_REG, 4) == f->reg);
}

/* The slot of what is read without an exit is under its BAR, or nowhere. */
static void check_slot(struct test_function *f)
{
	const struct kvm_userspace_memory_region *s;

	if (f->at[0] == PCI_HIDDEN) {
		CHECK(f->pages.slot < 0);
		return;
	}
	s = fake_slot_at(f->at[0]);
	CHECK(s && s->guest_phys_addr == f->at[0] && s->memory_size == TEST_PBA);
	CHECK(s->userspace_addr == (unsigned long)f->pages.hva);
}

static void check_vectors(struct model *m, struct test_function *f)
{
	u16 flags = get(m, f, MSIX + PCI_MSIX_FLAGS, 2);
	bool on = (flags & PCI_MSIX_FLAGS_ENABLE) && !(flags & PCI_MSIX_FLAGS_MASKALL);
	int v;

	CHECK(pci_msix_enabled(&f->pci) == !!(flags & PCI_MSIX_FLAGS_ENABLE));
	for (v = 0; v < TEST_VECTORS; v++) {
		const struct msi *msi = &f->pci.msix.msis[v];
		u32 entry[4];

		memcpy(entry, f->pages.hva + v * PCI_MSIX_ENTRY_SIZE, sizeof(entry));
		CHECK(!(le32toh(entry[3]) & ~PCI_MSIX_ENTRY_CTRL_MASKBIT));
		if (!msi->chip)
			continue;
		CHECK(msi->routed == (on && !entry[3]));
		CHECK((fake_irqfd_gsi(msi->fd) == msi->gsi) == msi->routed || msi->gsi < 0);
		if (!msi->routed)
			continue;
		CHECK(msi->data == le32toh(entry[2]));
		CHECK(msi->addr == (le32toh(entry[0]) | (u64)le32toh(entry[1]) << 32));
	}
}

static void check_header(struct model *m, struct test_function *f)
{
	CHECK(get(m, f, PCI_VENDOR_ID, 4) == (TEST_VENDOR | 0x5678 << 16));
	CHECK(!(get(m, f, PCI_COMMAND, 2) & ~0x406));
	CHECK((get(m, f, PCI_STATUS, 2) & ~PCI_STATUS_INTERRUPT) == PCI_STATUS_CAP_LIST);
	CHECK(get(m, f, PCI_CAPABILITY_LIST, 1) == MSIX);
	CHECK((get(m, f, MSIX + PCI_MSIX_FLAGS, 2) & 0x3fff) == TEST_VECTORS - 1);
	CHECK(get(m, f, PCI_BASE_ADDRESS_1, 4) == 0 && get(m, f, PCI_ROM_ADDRESS, 4) == 0);
}

static bool asserts(struct model *m, struct test_function *f)
{
	bool wants = f->pci.intx_wanted && !pci_msix_enabled(&f->pci);

	CHECK(wants == !!(get(m, f, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT));
	return wants && !(get(m, f, PCI_COMMAND, 2) & PCI_COMMAND_INTX_DISABLE);
}

static void check(struct model *m)
{
	bool level[PCI_INTX_LINES] = { };
	int i, slots = 0;

	for (i = 0; i < FUNCTIONS; i++) {
		struct test_function *f = m->f[i];

		if (!f)
			continue;
		check_header(m, f);
		check_bar(m, f, 0, TEST_BAR);
		check_bar(m, f, 2, TEST_BAR2);
		check_slot(f);
		check_vectors(m, f);
		slots += f->pages.slot >= 0;
		if (asserts(m, f))
			level[PCI_SLOT(f->pci.devfn) % PCI_INTX_LINES] = true;
	}
	for (i = 0; i < PCI_INTX_LINES; i++)
		CHECK(m->vm.irqchip.lines[TEST_GSI + i].level == level[i]);
	CHECK(fake_count_slots() - !!fake_slot_at(TEST_ECAM) == slots);
}

/* --- what is done -------------------------------------------------------------------------- */

static void come_or_go(struct model *m, unsigned int who)
{
	if (m->f[who]) {
		test_function_remove(m->f[who]);
		m->f[who] = NULL;
	} else {
		m->f[who] = test_function_add(&m->vm);
		CHECK(m->f[who]);
	}
}

/* Few places, so that they meet. */
static void move(struct model *m, struct test_function *f, u32 off, u32 val)
{
	u32 addr = TEST_MEM + val % 16 * (TEST_BAR / 2) + (val & 0x10 ? TEST_MEM_LEN - 0x10000 : 0);

	config_write(&m->vm, f->pci.devfn, off & 1 ? PCI_BASE_ADDRESS_2 : PCI_BASE_ADDRESS_0,
		     addr, 4);
}

static void step_function(struct model *m, const struct record *r, struct test_function *f)
{
	u32 off = r->off[0] | r->off[1] << 8, val;
	unsigned int size = 1 << (r->who >> 4) % 3, devfn = f->pci.devfn;

	memcpy(&val, r->val, sizeof(val));
	switch (r->what % KINDS) {
	case WRITE_CONFIG:
		config_write(&m->vm, devfn, off % 0x110, val, size);
		break;
	case READ_CONFIG:
		config_read(&m->vm, devfn, off % PCI_FUNCTION_LEN, size);
		break;
	case WRITE_TABLE:
		test_write(&m->vm, f->at[0] + off % 0x180, val | (u64)val << 32, 2U << size / 2);
		break;
	case MOVE:
		move(m, f, off, val);
		break;
	case COMMAND:
		config_write(&m->vm, devfn, PCI_COMMAND, val, 2);
		break;
	case USE:
		CHECK(pci_msix_use(&f->pci, off) == (off < TEST_VECTORS ? 0 : -EINVAL));
		break;
	case SIGNAL:
		pci_msix_signal(&f->pci, off);
		break;
	case PIN:
		pci_intx_set(&f->pci, val & 1);
		break;
	case RESET:
		pci_device_reset(&f->pci);
		break;
	}
}

static void step(struct model *m, const struct record *r)
{
	u32 off = r->off[0] | r->off[1] << 8, val;
	unsigned int who = r->who % FUNCTIONS, size = 1 << (r->who >> 4) % 4;
	struct device *host = list_first_entry(&m->vm.devices, struct device, node);
	u64 mem;

	memcpy(&val, r->val, sizeof(val));
	mem = TEST_MEM + (val & 1 ? TEST_MEM_LEN - 0x10000 : 0) + off;
	switch (r->what % KINDS) {
	case COME_OR_GO:
		come_or_go(m, who);
		break;
	case WRITE_BAR:
		test_write(&m->vm, mem, val, size);
		break;
	case READ_BAR:
		test_read(&m->vm, mem, size);
		break;
	case TRAP:
		if (val & 1)
			pci_host_trap_reads(m->vm.pci);
		else
			host->ops->reset(host);
		break;
	case WRITE_ECAM:
		test_write(&m->vm, TEST_ECAM + (off << 4 | (r->who & 0xf)), val, size);
		break;
	default:
		if (m->f[who])
			step_function(m, r, m->f[who]);
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct model *m = calloc(1, sizeof(*m));
	struct record r;
	size_t i;

	fake_kvm_init();
	CHECK(m && !test_bus_init(&m->vm, FAKE_KVM_FD, 0));
	come_or_go(m, 0);
	come_or_go(m, 1);
	for (i = 0; i + sizeof(r) <= size && i < 200 * sizeof(r); i += sizeof(r)) {
		memcpy(&r, data + i, sizeof(r));
		step(m, &r);
		check(m);
	}
	for (i = 0; i < FUNCTIONS; i++)
		if (m->f[i])
			come_or_go(m, i);
	CHECK(m->vm.mmio.nr == 1);
	devices_end(&m->vm);
	CHECK(fake_count_slots() == 0);
	free(m);
	return 0;
}
