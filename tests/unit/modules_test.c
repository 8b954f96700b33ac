// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>

#include <vmtool/initramfs.h>
#include <vmtool/modules.h>

#include "kernel_fixture.h"
#include "module_file.h"
#include "kselftest_harness.h"

#ifdef CONFIG_HOST_ROOT
FIXTURE(m) {
	struct files files;
	struct modules m;
	struct module_list list;
	char text[1024];
};

FIXTURE_SETUP(m)
{
	ASSERT_TRUE(files_init(&self->files));
	memset(&self->m, 0, sizeof(self->m));
	memset(&self->list, 0, sizeof(self->list));
}

FIXTURE_TEARDOWN(m)
{
	module_list_free(&self->list);
	modules_close(&self->m);
	files_remove(&self->files);
}

static void make_modules(const struct files *f)
{
	module_file_write(f, "drivers/virtio/virtio_pci.ko",
			  "alias=pci:v00001AF4d*sv*sd*bc*sc*i*\n"
			  "depends=virtio-ring,virtio\nname=virtio_pci\n");
	module_file_write(f, "drivers/virtio/virtio_ring.ko", "depends=virtio\n");
	module_file_write(f, "drivers/virtio/virtio.ko", "depends=\n");
	module_file_write(f, "fs/fuse/virtiofs.ko",
			  "alias=fs-virtiofs\nalias=virtio:d0000001Av*\n"
			  "depends=virtio_ring,fuse,virtio\n");
	module_file_write(f, "fs/9p/9p.ko", "alias=fs-9p\ndepends=9pnet\n");
	module_file_write(f, "lib/circle-a.ko", "depends=circle_b\n");
	module_file_write(f, "lib/circle-b.ko", "depends=circle_a\n");
	files_text(f, "modules.builtin", "kernel/fs/fuse/fuse.ko\nkernel/net/some-thing.ko\n");
}

static void make_tree(const struct files *f)
{
	make_modules(f);
	files_text(f, ".config", "CONFIG_MODULES=y\n");
	/* As Linux writes it since 6.2, and as it did before. */
	files_text(f, "modules.order",
		   "drivers/virtio/virtio_pci.o\ndrivers/virtio/virtio_ring.o\n"
		   "drivers/virtio/virtio.o\nfs/fuse/virtiofs.ko\n"
		   "kernel/fs/9p/9p.ko\nlib/circle-a.o\nlib/circle-b.o\n");
}

static const char *list_text(const struct module_list *list, char text[1024])
{
	unsigned int i;

	*text = '\0';
	for (i = 0; i < list->nr; i++) {
		strcat(text, i ? " " : "");
		strcat(text, list->mod[i]->name);
	}
	return text;
}

TEST_F(m, names)
{
	char name[MODULE_NAME_MAX], longname[100];

	EXPECT_TRUE(modules_name("kernel/a/b-c.ko.xz", name));
	EXPECT_STREQ("b_c", name);
	EXPECT_TRUE(modules_name("x-y.o", name));
	EXPECT_STREQ("x_y", name);
	EXPECT_TRUE(modules_name("virtio_pci", name));
	EXPECT_STREQ("virtio_pci", name);
	EXPECT_FALSE(modules_name("a/", name));
	EXPECT_FALSE(modules_name(".ko", name));
	memset(longname, 'x', 99);
	longname[99] = '\0';
	EXPECT_FALSE(modules_name(longname, name));
}

TEST_F(m, a_build_tree)
{
	make_tree(&self->files);
	ASSERT_EQ(0, modules_open(&self->m, self->files.dir));
	EXPECT_EQ(MODULES_BUILD_TREE, self->m.kind);
	EXPECT_EQ(7, self->m.nr);
	ASSERT_NE(NULL, modules_find(&self->m, "circle-a"));
	EXPECT_STREQ("lib/circle-a.ko", modules_find(&self->m, "circle_a")->file);
	EXPECT_STREQ("fs/9p/9p.ko", modules_find(&self->m, "9p")->file);
	EXPECT_EQ(NULL, modules_find(&self->m, "fuse"));
	EXPECT_TRUE(modules_builtin(&self->m, "fuse"));
	EXPECT_TRUE(modules_builtin(&self->m, "some_thing"));
	EXPECT_FALSE(modules_builtin(&self->m, "virtio"));
	EXPECT_FALSE(modules_installed(&self->m));
}

TEST_F(m, what_depends_comes_behind)
{
	make_tree(&self->files);
	ASSERT_EQ(0, modules_open(&self->m, self->files.dir));
	ASSERT_EQ(0, modules_add(&self->m, &self->list, "virtiofs"));
	EXPECT_STREQ("virtio virtio_ring virtiofs", list_text(&self->list, self->text));
	/* Nothing comes twice, and what is built in does not come at all. */
	ASSERT_EQ(0, modules_add(&self->m, &self->list, "virtio_pci"));
	ASSERT_EQ(0, modules_add(&self->m, &self->list, "virtio-ring"));
	ASSERT_EQ(0, modules_add(&self->m, &self->list, "fuse"));
	EXPECT_STREQ("virtio virtio_ring virtiofs virtio_pci",
		     list_text(&self->list, self->text));
}

TEST_F(m, aliases_of_the_modules)
{
	make_tree(&self->files);
	ASSERT_EQ(0, modules_open(&self->m, self->files.dir));
	ASSERT_EQ(0, modules_add(&self->m, &self->list, "virtio:d0000001Av00001AF4"));
	EXPECT_STREQ("virtio virtio_ring virtiofs", list_text(&self->list, self->text));
	EXPECT_EQ(-ENOENT, modules_add(&self->m, &self->list, "virtio:d00000099v00001AF4"));
}

/* Its dependency was not built: there is no use in loading it, nor the others. */
TEST_F(m, a_dependency_that_is_not_there)
{
	make_tree(&self->files);
	ASSERT_EQ(0, modules_open(&self->m, self->files.dir));
	ASSERT_EQ(0, modules_add(&self->m, &self->list, "virtio"));
	EXPECT_EQ(-ENOENT, modules_add(&self->m, &self->list, "9p"));
	EXPECT_EQ(-ENOENT, modules_add(&self->m, &self->list, "nothing"));
	EXPECT_STREQ("virtio", list_text(&self->list, self->text));
}

TEST_F(m, a_circle_ends)
{
	make_tree(&self->files);
	ASSERT_EQ(0, modules_open(&self->m, self->files.dir));
	ASSERT_EQ(0, modules_add(&self->m, &self->list, "circle_a"));
	EXPECT_STREQ("circle_b circle_a", list_text(&self->list, self->text));
}

TEST_F(m, installed)
{
	make_modules(&self->files);
	files_text(&self->files, "modules.dep",
		   "drivers/virtio/virtio_pci.ko: drivers/virtio/virtio_ring.ko\n"
		   "drivers/virtio/virtio_ring.ko: drivers/virtio/virtio.ko\n"
		   "drivers/virtio/virtio.ko:\n/etc/passwd.ko:\n../up.ko:\n");
	files_text(&self->files, "modules.alias",
		   "# Aliases\nalias pci:v00001AF4d*sv*sd*bc*sc*i* virtio_pci\nalias x\n");
	ASSERT_EQ(0, modules_open(&self->m, self->files.dir));
	EXPECT_EQ(MODULES_INSTALLED, self->m.kind);
	EXPECT_EQ(3, self->m.nr);
	ASSERT_EQ(0, modules_add(&self->m, &self->list,
				 "pci:v00001AF4d00001042sv1sd2bc01sc00i00"));
	EXPECT_STREQ("virtio virtio_ring virtio_pci", list_text(&self->list, self->text));
	EXPECT_FALSE(modules_installed(&self->m));
	files_text(&self->files, "modules.dep.bin", "");
	EXPECT_TRUE(modules_installed(&self->m));
}

TEST_F(m, without_modules)
{
	EXPECT_EQ(-ENOENT, modules_open(&self->m, self->files.dir));
	EXPECT_STREQ("", self->m.dir);
	EXPECT_EQ(-ENOENT, modules_open(&self->m, "/tmp/there/is/no/such/thing"));
	EXPECT_STREQ("", self->m.dir);
	files_text(&self->files, "modules.builtin", "kernel/fs/fuse/fuse.ko\n");
	ASSERT_EQ(0, modules_open(&self->m, self->files.dir));
	EXPECT_EQ(0, self->m.nr);
	EXPECT_TRUE(modules_builtin(&self->m, "fuse"));
	EXPECT_EQ(-ENOENT, modules_add(&self->m, &self->list, "virtio"));
	modules_close(&self->m);
	ASSERT_EQ(0, modules_open(&self->m, NULL));
	EXPECT_EQ(MODULES_NONE, self->m.kind);
	EXPECT_EQ(-ENOENT, modules_add(&self->m, &self->list, "virtio"));
}

#ifdef CONFIG_DECOMPRESS_GZIP
TEST_F(m, compressed)
{
	struct module_file mf;
	u8 gz[4096];
	void *data;
	size_t n;

	module_file_make(&mf, "depends=\n");
	n = fix_gzip(gz, &mf, sizeof(mf));
	files_write(&self->files, "kernel/a.ko.gz", gz, n);
	gz[60] ^= 1;
	files_write(&self->files, "kernel/b.ko.gz", gz, n);
	files_text(&self->files, "modules.order", "kernel/a.ko\nkernel/b.ko\n");
	ASSERT_EQ(0, modules_open(&self->m, self->files.dir));
	ASSERT_EQ(0, modules_add(&self->m, &self->list, "a"));
	ASSERT_EQ(0, module_load(&self->m, self->list.mod[0], &data, &n));
	EXPECT_EQ(sizeof(mf), n);
	EXPECT_EQ(0, memcmp(&mf, data, n));
	free(data);
	EXPECT_EQ(-ENOEXEC, modules_add(&self->m, &self->list, "b"));
}
#endif

TEST_F(m, damaged_files)
{
	struct module_file mf;
	size_t i, len;
	char *info;

	/* Each byte of the headers, each with some values. */
	for (i = 0; i < offsetof(struct module_file, names); i++) {
		static const u8 values[] = { 0, 1, 0x7f, 0x80, 0xff };
		int v;

		for (v = 0; v < 5; v++) {
			module_file_make(&mf, "depends=\n");
			((u8 *)&mf)[i] = values[v];
			if (!modinfo_parse(&mf, sizeof(mf), &info, &len)) {
				EXPECT_LE(len, sizeof(mf));
				free(info);
			}
		}
	}
	module_file_make(&mf, "depends=\n");
	for (i = 0; i < offsetof(struct module_file, info) + 9; i++)
		EXPECT_EQ(-ENOEXEC, modinfo_parse(&mf, i, &info, &len));
	ASSERT_EQ(0, modinfo_parse(&mf, i, &info, &len));
	EXPECT_STREQ("depends=", info);
	free(info);
}

TEST_F(m, what_modprobe_reads)
{
	static const char *const files[] = {
		"lib/modules.dep", "lib/modules.alias", "lib/modules.softdep",
		"lib/modules.builtin", "lib/modules.dep.bin", "lib/modules.alias.bin",
		"lib/modules.builtin.bin", "lib/modules.builtin.alias.bin",
		"lib/modules.symbols.bin",
	};
	static const char dep[] =
		"/b/fs/fuse/virtiofs.ko: /b/drivers/virtio/virtio_ring.ko /b/drivers/virtio/virtio.ko\n";
	struct initramfs fs;
	char *data;
	int i;

	make_tree(&self->files);
	files_write(&self->files, "modules.builtin.modinfo",
		    "fuse.alias=fs-fuse\0fuse.license=GPL\0x", 37);
	ASSERT_EQ(0, modules_open(&self->m, self->files.dir));
	ASSERT_EQ(0, initramfs_create(&fs));
	ASSERT_EQ(0, modules_write(&self->m, &fs, "/lib", "/b"));
	ASSERT_EQ(0, initramfs_finish(&fs));
	data = mmap(NULL, fs.size, PROT_READ, MAP_PRIVATE, fs.fd, 0);
	ASSERT_NE(MAP_FAILED, data);
	for (i = 0; i < 9; i++)
		EXPECT_NE(NULL, memmem(data, fs.size, files[i], strlen(files[i]) + 1));
	EXPECT_NE(NULL, memmem(data, fs.size, dep, strlen(dep)));
	/* One that lacks what it depends on is not there. */
	EXPECT_EQ(NULL, memmem(data, fs.size, "alias fs-9p", 11));
	EXPECT_NE(NULL, memmem(data, fs.size, "alias fs-virtiofs virtiofs\n", 27));
	munmap(data, fs.size);
	initramfs_destroy(&fs);
}
#else
TEST(not_built_in)
{
	SKIP(return, "CONFIG_HOST_ROOT is not set");
}
#endif

TEST_HARNESS_MAIN
