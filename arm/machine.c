// SPDX-License-Identifier: GPL-2.0
/*
 * vmtool builds for this architecture; the rest is vm/unsupported.c.
 */
#include <stddef.h>

#include <vmtool/arch.h>

const char arch_kernel_name[] = "arm64";
const char arch_qmp_target[] = "aarch64";
const char *const arch_kernel_images[] = { "Image", "Image.gz", NULL };
