// SPDX-License-Identifier: GPL-2.0
/*
 * KVM's binary statistics (Documentation/virt/kvm/api.rst, 4.133): a header, which says
 * where names and values are, descriptors, and values.
 */
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>
#include <linux/kvm.h>

#include <linux/kernel.h>
#include <vmtool/io.h>
#include <vmtool/json_out.h>
#include <vmtool/stats.h>

/* KVM has less than a hundred, and the longest are histograms of 32 values. */
#define DESCS_MAX	1024
#define NAME_MAX_LEN	256
#define VALUES_MAX	512

/* JSON's readers have signed numbers. */
static void print_value(const char *name, u64 val, struct json_out *j)
{
	json_u64(j, name, min_t(u64, val, INT64_MAX));
}

static void print_values(int fd, const struct kvm_stats_header *h,
			 const struct kvm_stats_desc *desc, struct json_out *j)
{
	u64 vals[VALUES_MAX];
	unsigned int i;

	if (!desc->size || desc->size > VALUES_MAX ||
	    pread_all(fd, vals, desc->size * sizeof(*vals), h->data_offset + desc->offset))
		return;
	if (desc->size == 1) {
		print_value(desc->name, vals[0], j);
		return;
	}
	json_begin(j, desc->name, '[');
	for (i = 0; i < desc->size; i++)
		print_value(NULL, vals[i], j);
	json_end(j, ']');
}

static void print_all(int fd, const struct kvm_stats_header *h, struct json_out *j)
{
	size_t len = sizeof(struct kvm_stats_desc) + h->name_size;
	struct kvm_stats_desc *desc = malloc(len);
	u32 i;

	for (i = 0; desc && i < h->num_desc; i++) {
		if (pread_all(fd, desc, len, h->desc_offset + i * len))
			break;
		desc->name[h->name_size - 1] = '\0';
		print_values(fd, h, desc, j);
	}
	free(desc);
}

void kvm_stats_print(int fd, struct json_out *j)
{
	struct kvm_stats_header h;

	if (fd < 0)
		return;
	if (!pread_all(fd, &h, sizeof(h), 0) && h.num_desc <= DESCS_MAX && h.name_size &&
	    h.name_size <= NAME_MAX_LEN)
		print_all(fd, &h, j);
	close(fd);
}
