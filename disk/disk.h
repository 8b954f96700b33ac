/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DISK_DISK_H
#define DISK_DISK_H

#include <vmtool/disk.h>

/* One for each back end: 0, or -errno after a message. */
int raw_open(struct disk **disk, const struct disk_conf *conf);

#endif /* DISK_DISK_H */
