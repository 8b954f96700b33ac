/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The variants of fixture DRV_FIXTURE: transports and kinds of rings. Included once
 * for each fixture, see virtio_driver.h.
 */
#ifndef DRV_FIXTURE
#error "virtio_variants.h: DRV_FIXTURE is not defined"
#endif

#ifndef DRV_VARIANT_ADD
#define DRV_VARIANT_ADD(fixture, name) FIXTURE_VARIANT_ADD(fixture, name)
#endif

#ifdef CONFIG_VIRTIO_MMIO
DRV_VARIANT_ADD(DRV_FIXTURE, mmio_plain) { DRV_MMIO, DRV_PLAIN };
DRV_VARIANT_ADD(DRV_FIXTURE, mmio_split) { DRV_MMIO, DRV_SPLIT & DRV_UNORDERED };
DRV_VARIANT_ADD(DRV_FIXTURE, mmio_packed) { DRV_MMIO, DRV_ALL };
#endif
#ifdef CONFIG_VIRTIO_PCI
DRV_VARIANT_ADD(DRV_FIXTURE, pci_split) { DRV_PCI, DRV_SPLIT };
DRV_VARIANT_ADD(DRV_FIXTURE, pci_packed) { DRV_PCI, DRV_UNORDERED };
#endif

#undef DRV_FIXTURE
