/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TESTS_UNIT_PCI_FIXTURE_H
#define TESTS_UNIT_PCI_FIXTURE_H

/*
 * A PCI bus without KVM, and with one that remembers. Included after the harness.
 */
#include "fake_kvm.h"
#include "pci_bus.h"

#define CMD_MEM		(PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER)
#define BAR0		PCI_BASE_ADDRESS_0
#define BAR2		PCI_BASE_ADDRESS_2
#define MSIX		PCI_STD_HEADER_SIZEOF	/* the only capability */

FIXTURE(pci) {
	struct vm *vm;
	struct test_function *f[4];
	int nr;
};

FIXTURE_VARIANT(pci) {
	int vm_fd;
};

FIXTURE_VARIANT_ADD(pci, no_kvm) { -1 };
FIXTURE_VARIANT_ADD(pci, kvm) { FAKE_KVM_FD };

FIXTURE_SETUP(pci)
{
	fake_kvm_init();
	self->vm = malloc(sizeof(*self->vm));
	ASSERT_EQ(0, test_bus_init(self->vm, variant->vm_fd, 0));
}

FIXTURE_TEARDOWN(pci)
{
	while (self->nr)
		test_function_remove(self->f[--self->nr]);
	devices_end(self->vm);
	EXPECT_EQ(0, fake_count_slots());
	free(self->vm);
}

#define ADD()			(self->f[self->nr++] = test_function_add(self->vm))
#define GET(f, off, size)	config_read(self->vm, (f)->pci.devfn, off, size)
#define PUT(f, off, val, size)	config_write(self->vm, (f)->pci.devfn, off, val, size)

static inline bool has_kvm(const FIXTURE_VARIANT(pci) *variant)
{
	return variant->vm_fd >= 0;
}

#endif /* TESTS_UNIT_PCI_FIXTURE_H */
