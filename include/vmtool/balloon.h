/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_BALLOON_H
#define VMTOOL_BALLOON_H

#include <linux/types.h>
#include <vmtool/qmp.h>

struct virtio_dev;

#define BALLOON_NR_STATS	16

/**
 * struct balloon_info - how much memory a guest has
 * @total: bytes it was started with
 * @target: bytes it is asked to make do with
 * @actual: bytes it says it has left
 */
struct balloon_info {
	u64 total;
	u64 target;
	u64 actual;
};

/**
 * struct balloon_stats - what the guest says of its memory
 * @known: mask of the tags in @value
 * @value: by VIRTIO_BALLOON_S_*: bytes or events
 * @updates: how often the guest has answered
 * @when: CLOCK_MONOTONIC seconds of its last answer
 */
struct balloon_stats {
	u32 known;
	u64 value[BALLOON_NR_STATS];
	u64 updates;
	u64 when;
};

/**
 * balloon_set() - ask the guest to make do with less memory, or give it back
 * @vd: balloon device
 * @target: bytes, taken as all of the memory when more
 *
 * For any thread. The guest may take its time, or not do it at all.
 *
 * Return: 0, or -EINVAL for less than a page.
 */
int balloon_set(struct virtio_dev *vd, u64 target);

/**
 * balloon_query() - how much memory has it?
 * @vd: balloon device
 * @info: filled in
 *
 * For any thread.
 */
void balloon_query(struct virtio_dev *vd, struct balloon_info *info);

/**
 * balloon_query_stats() - what the guest last said, and ask it for more
 * @vd: balloon device
 * @stats: filled in; when the answer to this has come, @updates is another
 *
 * For any thread.
 *
 * Return: 0, or -ENODEV when the guest has no driver that gives statistics.
 */
int balloon_query_stats(struct virtio_dev *vd, struct balloon_stats *stats);

/** balloon_commands - of the control socket; @priv is the struct vm, balloon or not */
extern const struct qmp_command balloon_commands[];

#endif /* VMTOOL_BALLOON_H */
