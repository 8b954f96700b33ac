/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_STATS_QMP_H
#define VMTOOL_STATS_QMP_H

#include <vmtool/qmp.h>

/** stats_commands - of the control socket; @priv is the struct vm */
extern const struct qmp_command stats_commands[];

#endif /* VMTOOL_STATS_QMP_H */
