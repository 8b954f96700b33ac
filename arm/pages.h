/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_ARM_PAGES_H
#define VMTOOL_ARM_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

/**
 * arm_has_pages() - has a CPU pages of that size?
 * @mmfr0: its ID_AA64MMFR0_EL1
 * @page_size: bytes; 0 for any, which all have
 *
 * Return: true when it has them at the first stage of translation.
 */
bool arm_has_pages(u64 mmfr0, u32 page_size);

/**
 * arm_list_pages() - the sizes of pages that a CPU has, in words
 * @mmfr0: its ID_AA64MMFR0_EL1
 * @buf: receives "4 and 64", say: in KiB
 * @size: bytes in @buf
 */
void arm_list_pages(u64 mmfr0, char *buf, size_t size);

#endif /* VMTOOL_ARM_PAGES_H */
