// SPDX-License-Identifier: GPL-2.0
/*
 * The PCI bus: INTx, MSI-X, and all at once while functions come and go.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include <kselftest_harness.h>

#ifdef CONFIG_PCI

#include "pci_fixture.h"

/* ---- INTx */

#define LEVEL(i)	(self->vm->irqchip.lines[TEST_GSI + (i)].level)
#define INTX_STATUS(f)	(!!(GET(f, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT))

TEST_F(pci, intx)
{
	struct test_function *f = ADD();

	pci_intx_set(&f->pci, true);
	EXPECT_TRUE(LEVEL(1));
	EXPECT_TRUE(INTX_STATUS(f));
	/* Disabled: the status still tells. */
	PUT(f, PCI_COMMAND, PCI_COMMAND_INTX_DISABLE, 2);
	EXPECT_FALSE(LEVEL(1));
	EXPECT_TRUE(INTX_STATUS(f));
	PUT(f, PCI_COMMAND, 0, 2);
	EXPECT_TRUE(LEVEL(1));
	/* With MSI-X there is no pin. */
	PUT(f, MSIX + PCI_MSIX_FLAGS, PCI_MSIX_FLAGS_ENABLE, 2);
	EXPECT_FALSE(LEVEL(1));
	EXPECT_FALSE(INTX_STATUS(f));
	PUT(f, MSIX + PCI_MSIX_FLAGS, 0, 2);
	EXPECT_TRUE(LEVEL(1));
	pci_intx_set(&f->pci, false);
	EXPECT_FALSE(LEVEL(1));
	EXPECT_FALSE(INTX_STATUS(f));
	/* Writes to the command do not touch the status, in whatever size. */
	pci_intx_set(&f->pci, true);
	PUT(f, PCI_COMMAND, 0, 4);
	PUT(f, PCI_STATUS, 0xffff, 2);
	PUT(f, PCI_STATUS, 0, 1);
	EXPECT_TRUE(INTX_STATUS(f));
	EXPECT_TRUE(LEVEL(1));
}

TEST_F(pci, lines_are_shared)
{
	struct test_function *f[8];
	int i;

	for (i = 0; i < 8; i++)
		f[i] = test_function_add(self->vm);
	/* Devices 1 and 5 lead to the same line, 2 to the next one. */
	pci_intx_set(&f[0]->pci, true);
	pci_intx_set(&f[4]->pci, true);
	EXPECT_TRUE(LEVEL(1));
	EXPECT_FALSE(LEVEL(2));
	pci_intx_set(&f[1]->pci, true);
	EXPECT_TRUE(LEVEL(2));
	pci_intx_set(&f[0]->pci, false);
	pci_intx_set(&f[0]->pci, false);
	EXPECT_TRUE(LEVEL(1));
	/* One that is removed lets go. */
	test_function_remove(f[4]);
	EXPECT_FALSE(LEVEL(1));
	f[4] = test_function_add(self->vm);
	pci_intx_set(&f[3]->pci, true);
	EXPECT_TRUE(LEVEL(0));
	for (i = 0; i < 8; i++)
		test_function_remove(f[i]);
	for (i = 0; i < PCI_INTX_LINES; i++)
		EXPECT_FALSE(LEVEL(i));
}

/* ---- MSI-X */

#define TABLE(f, v, field)	((f)->at[0] + (v) * PCI_MSIX_ENTRY_SIZE + (field))
#define ENTRY(f, v, addr, data, ctrl) do {						\
	test_write(self->vm, TABLE(f, v, PCI_MSIX_ENTRY_LOWER_ADDR), addr, 4);		\
	test_write(self->vm, TABLE(f, v, PCI_MSIX_ENTRY_UPPER_ADDR), (u64)(addr) >> 32, 4); \
	test_write(self->vm, TABLE(f, v, PCI_MSIX_ENTRY_DATA), data, 4);			\
	test_write(self->vm, TABLE(f, v, PCI_MSIX_ENTRY_VECTOR_CTRL), ctrl, 4);		\
} while (0)
#define FLAGS(f, val)	PUT(f, MSIX + PCI_MSIX_FLAGS, val, 2)
#define PENDING(f)	((u32)test_read(self->vm, (f)->at[0] + TEST_PBA, 4))
#define MSI(f, v)	(&(f)->pci.msix.msis[v])
#define ON		PCI_MSIX_FLAGS_ENABLE
#define ALL_MASKED	(PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL)

static bool fired(struct msi *m)
{
	u64 count;

	return read(m->fd, &count, sizeof(count)) == sizeof(count);
}

TEST_F(pci, table)
{
	struct test_function *f = ADD();
	u64 at;
	int v;

	PUT(f, PCI_COMMAND, CMD_MEM, 2);
	at = f->at[0];
	for (v = 0; v < TEST_VECTORS; v++)
		EXPECT_EQ(1, test_read(self->vm, TABLE(f, v, PCI_MSIX_ENTRY_VECTOR_CTRL), 4));
	for (v = 0; v < TEST_VECTORS; v++) {
		test_write(self->vm, TABLE(f, v, 0), 0x123456789abcdeffULL, 8);
		test_write(self->vm, TABLE(f, v, 8), 0xfffffffe11223344ULL, 8);
		EXPECT_EQ(0x123456789abcdefcULL, test_read(self->vm, TABLE(f, v, 0), 8));
		EXPECT_EQ(0x11223344, test_read(self->vm, TABLE(f, v, 8), 8));
	}
	/* Not in other sizes, and not behind its end. */
	test_write(self->vm, at, 0, 1);
	test_write(self->vm, at, 0, 2);
	test_write(self->vm, at + 2, 0, 4);
	test_write(self->vm, at + 4, 0, 8);
	EXPECT_EQ(0x123456789abcdefcULL, test_read(self->vm, at, 8));
	test_write(self->vm, TABLE(f, TEST_VECTORS, 0), ~0ULL, 8);
	EXPECT_EQ(0, test_read(self->vm, TABLE(f, TEST_VECTORS, 0), 8));
	test_write(self->vm, at + TEST_PBA, ~0ULL, 8);
	EXPECT_EQ(0, PENDING(f));
	EXPECT_EQ(0, test_read(self->vm, at + TEST_PBA + 32, 8));
}

TEST_F(pci, vectors_there_are)
{
	struct test_function *f = ADD();
	u16 v;

	for (v = 0; v < TEST_VECTORS; v++) {
		EXPECT_EQ(-1, pci_msix_fd(&f->pci, v));
		pci_msix_signal(&f->pci, v);
		EXPECT_EQ(0, pci_msix_use(&f->pci, v));
		EXPECT_EQ(0, pci_msix_use(&f->pci, v));
		EXPECT_EQ(MSI(f, v)->fd, pci_msix_fd(&f->pci, v));
	}
	for (; v >= TEST_VECTORS && v < 0xffff; v += 37) {
		EXPECT_EQ(-EINVAL, pci_msix_use(&f->pci, v));
		EXPECT_EQ(-1, pci_msix_fd(&f->pci, v));
		pci_msix_signal(&f->pci, v);
	}
	EXPECT_EQ(-EINVAL, pci_msix_use(&f->pci, 0xffff));
}

TEST_F(pci, masks)
{
	struct test_function *f = ADD();
	struct msi *m = MSI(f, 5);

	PUT(f, PCI_COMMAND, CMD_MEM, 2);
	ASSERT_EQ(0, pci_msix_use(&f->pci, 5));
	ENTRY(f, 5, 0xfee00000, 0x55, 0);
	/* Not enabled: nothing is pending there either. */
	EXPECT_FALSE(m->routed);
	pci_msix_signal(&f->pci, 5);
	EXPECT_EQ(0, PENDING(f));
	msi_clear(m);

	FLAGS(f, ALL_MASKED);
	EXPECT_TRUE(pci_msix_enabled(&f->pci));
	EXPECT_FALSE(m->routed);
	pci_msix_signal(&f->pci, 5);
	EXPECT_EQ(1U << 5, PENDING(f));
	EXPECT_EQ(1U << 5, test_read(self->vm, f->at[0] + TEST_PBA, 1));
	EXPECT_EQ(0, test_read(self->vm, f->at[0] + TEST_PBA + 1, 1));

	FLAGS(f, ON);
	EXPECT_TRUE(m->routed);
	EXPECT_EQ(0xfee00000, m->addr);
	EXPECT_EQ(0x55, m->data);
	EXPECT_EQ(0, PENDING(f));
	EXPECT_EQ(!has_kvm(variant), fired(m));
	pci_msix_signal(&f->pci, 5);
	EXPECT_TRUE(fired(m));

	ENTRY(f, 5, 0xfee00000, 0x55, PCI_MSIX_ENTRY_CTRL_MASKBIT);
	EXPECT_FALSE(m->routed);
	pci_msix_signal(&f->pci, 5);
	pci_msix_signal(&f->pci, 5);
	EXPECT_EQ(1U << 5, PENDING(f));
	/* A new message, as when an interrupt moves to another CPU. */
	ENTRY(f, 5, 0xfee01000, 0x56, 0);
	EXPECT_TRUE(m->routed);
	EXPECT_EQ(0xfee01000, m->addr);
	EXPECT_EQ(0x56, m->data);
	EXPECT_EQ(0, PENDING(f));
	if (has_kvm(variant)) {
		EXPECT_EQ(m->gsi, fake_irqfd_gsi(m->fd));
		EXPECT_EQ(0x56, fake_message(m->gsi)->data);
	}
	FLAGS(f, 0);
	EXPECT_FALSE(m->routed);
	EXPECT_EQ(-1, fake_irqfd_gsi(m->fd));
}

TEST_F(pci, vectors_that_nobody_uses)
{
	struct test_function *f = ADD();
	int v;

	PUT(f, PCI_COMMAND, CMD_MEM, 2);
	FLAGS(f, ON);
	for (v = 0; v < TEST_VECTORS; v++)
		ENTRY(f, v, 0xfee00000, v, 0);
	EXPECT_EQ(0, self->vm->irqchip.nr_msis);
	EXPECT_EQ(0, fake_kvm.table_writes);
	/* One that was unmasked before it is used. */
	ASSERT_EQ(0, pci_msix_use(&f->pci, 7));
	EXPECT_TRUE(MSI(f, 7)->routed);
	EXPECT_EQ(7, MSI(f, 7)->data);
	EXPECT_EQ(1, self->vm->irqchip.nr_msis);
}

/* ---- all at once */

struct hammer {
	struct vm *vm;
	u64 seed;
	bool stop;
	unsigned int done;
};

static u32 next_random(struct hammer *h)
{
	h->seed = h->seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return h->seed >> 33;
}

/* A guest that does all it can to all functions there are or are not. */
static void *hammer_thread(void *arg)
{
	struct hammer *h = arg;

	while (!__atomic_load_n(&h->stop, __ATOMIC_SEQ_CST)) {
		u32 r = next_random(h), devfn = PCI_DEVFN(1 + r % 3, 0), val = next_random(h);
		u64 mem = TEST_MEM + (val % 0x40000 & ~7U);

		switch (r >> 8 & 7) {
		case 0:
			config_write(h->vm, devfn, PCI_COMMAND, val & 0x406, 2);
			break;
		case 1:
			config_write(h->vm, devfn, BAR0, mem, 4);
			break;
		case 2:
			config_write(h->vm, devfn, MSIX + PCI_MSIX_FLAGS, val, 2);
			break;
		case 3:
			config_write(h->vm, devfn, BAR2, mem, 4);
			break;
		case 4:
			test_write(h->vm, mem, val, 4);
			break;
		case 5:
			test_read(h->vm, mem, 8);
			break;
		default:
			config_read(h->vm, devfn, r % 256, 1);
		}
		h->done++;
	}
	return NULL;
}

/* Its state is gone the moment it is detached; ASAN watches. */
TEST_F(pci, functions_come_and_go_under_load)
{
	struct hammer h[2];
	pthread_t threads[2];
	int i, k;

	for (i = 0; i < 2; i++) {
		h[i] = (struct hammer) { .vm = self->vm, .seed = i };
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, hammer_thread, &h[i]));
	}
	for (i = 0; i < 150; i++) {
		struct test_function *f[3];

		for (k = 0; k < 3; k++) {
			f[k] = test_function_add(self->vm);
			pci_msix_use(&f[k]->pci, k);
			PUT(f[k], PCI_COMMAND, CMD_MEM, 2);
		}
		for (k = 0; k < 50; k++) {
			pci_intx_set(&f[k % 3]->pci, k & 1);
			pci_msix_signal(&f[k % 3]->pci, k % 3);
			if (k % 10 == 9)
				pci_device_reset(&f[k % 3]->pci);
		}
		for (k = 0; k < 3; k++)
			test_function_remove(f[(i + k) % 3]);
	}
	for (i = 0; i < 2; i++) {
		__atomic_store_n(&h[i].stop, true, __ATOMIC_SEQ_CST);
		pthread_join(threads[i], NULL);
		EXPECT_LT(100, h[i].done);
	}
	/* Config space is left on the bus, and nothing else. */
	EXPECT_EQ(1, self->vm->mmio.nr);
	for (i = 0; i < PCI_INTX_LINES; i++)
		EXPECT_FALSE(LEVEL(i));
}

#endif /* CONFIG_PCI */

TEST_HARNESS_MAIN
