// SPDX-License-Identifier: GPL-2.0
/*
 * Any bytes as the file of a module: as they are, and as a file that says what others
 * depend on, which a list for modprobe is made of.
 */
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vmtool/initramfs.h>
#include <vmtool/modules.h>

#include "files.h"
#include "fuzz.h"

static void fuzz_text(const u8 *data, size_t size)
{
	size_t len;
	char *info;

	if (modinfo_parse(data, size, &info, &len))
		return;
	CHECK(len <= size && !info[len]);
	free(info);
}

/* Two modules of a tree, whose .modinfo is what came. */
static void fuzz_tree(const u8 *data, size_t size)
{
	struct module_list list = { };
	struct initramfs fs;
	struct modules m;
	struct files f;

	CHECK(files_init(&f));
	CHECK(files_write(&f, "a.ko", data, size) && files_write(&f, "b.ko", data, size));
	CHECK(files_text(&f, "modules.order", "kernel/a.ko\na.o\nb.o\n"));
	CHECK(files_write(&f, "modules.builtin", data, size));
	CHECK(files_write(&f, "modules.builtin.modinfo", data, size));
	CHECK(files_text(&f, ".config", ""));
	if (!modules_open(&m, f.dir)) {
		modules_add(&m, &list, "a");
		modules_add(&m, &list, "fs-9p");
		CHECK(list.nr <= m.nr);
		CHECK(!initramfs_create(&fs));
		CHECK(!modules_write(&m, &fs, "/lib", "/x"));
		initramfs_destroy(&fs);
		module_list_free(&list);
		modules_close(&m);
	}
	files_remove(&f);
}

/* The same bytes as the lists of depmod. */
static void fuzz_lists(const u8 *data, size_t size)
{
	struct module_list list = { };
	struct initramfs fs;
	struct modules m;
	struct files f;

	CHECK(files_init(&f));
	CHECK(files_write(&f, "modules.dep", data, size));
	CHECK(files_write(&f, "modules.alias", data, size));
	if (!modules_open(&m, f.dir)) {
		modules_add(&m, &list, "virtio:d00000002v00001AF4");
		CHECK(!initramfs_create(&fs));
		CHECK(!modules_write(&m, &fs, "/lib", "/x"));
		initramfs_destroy(&fs);
		module_list_free(&list);
		modules_close(&m);
	}
	files_remove(&f);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	fuzz_text(data, size);
	fuzz_tree(data, size);
	fuzz_lists(data, size);
	return 0;
}
