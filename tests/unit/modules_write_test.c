// SPDX-License-Identifier: GPL-2.0
#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include <vmtool/initramfs.h>
#include <vmtool/modules.h>

#include "boot/kmod-index.h"
#include "module_file.h"
#include "kselftest_harness.h"

#ifdef CONFIG_HOST_ROOT
static u32 be32_at(const u8 *p)
{
	u32 v;

	memcpy(&v, p, sizeof(v));
	return be32toh(v);
}

/* The first value of a key, found as kmod finds it; NULL when there is none. */
static const char *lookup(const u8 *data, size_t len, const char *key)
{
	u32 node = be32_at(data + 8);

	for (;;) {
		const u8 *p = data + (node & KMOD_NODE_MASK);
		u32 child = 0;

		if (node & KMOD_NODE_PREFIX) {
			size_t n = strlen((const char *)p);

			if (strncmp(key, (const char *)p, n))
				return NULL;
			key += n;
			p += n + 1;
		}
		if (node & KMOD_NODE_CHILDS) {
			u8 first = p[0], last = p[1];

			if (*key && *key >= first && *key <= last)
				child = be32_at(p + 2 + 4 * (*key - first));
			p += 2 + 4 * (last - first + 1);
		}
		if (!*key)
			return node & KMOD_NODE_VALUES ? (const char *)p + 8 : NULL;
		if (!child)
			return NULL;
		key++;
		node = child;
	}
}

FIXTURE(idx) {
	struct kmod_index idx;
	void *data;
	size_t len;
};

FIXTURE_SETUP(idx)
{
	memset(self, 0, sizeof(*self));
}

FIXTURE_TEARDOWN(idx)
{
	free(self->data);
	kmod_index_free(&self->idx);
}

TEST_F(idx, keys_that_begin_alike)
{
	static const char *const keys[] = {
		"virtio_pci", "virtio", "virtio_ring", "ext4", "v", "virtio_pci_modern",
		"9p", "9pnet", "zzz",
	};
	int i;

	for (i = 0; i < 9; i++)
		ASSERT_EQ(0, kmod_index_add(&self->idx, keys[i], keys[i], i));
	ASSERT_EQ(0, kmod_index_write(&self->idx, &self->data, &self->len));
	EXPECT_EQ(KMOD_INDEX_MAGIC, be32_at(self->data));
	EXPECT_EQ(KMOD_INDEX_VERSION, be32_at(self->data + 4));
	for (i = 0; i < 9; i++)
		EXPECT_STREQ(keys[i], lookup(self->data, self->len, keys[i]));
	EXPECT_EQ(NULL, lookup(self->data, self->len, "virtio_"));
	EXPECT_EQ(NULL, lookup(self->data, self->len, "virtio_ringo"));
	EXPECT_EQ(NULL, lookup(self->data, self->len, "a"));
	EXPECT_EQ(NULL, lookup(self->data, self->len, ""));
}

TEST_F(idx, the_lowest_priority_comes_first)
{
	kmod_index_add(&self->idx, "key", "second", 7);
	kmod_index_add(&self->idx, "key", "first", 3);
	kmod_index_add(&self->idx, "key", "third", 9);
	ASSERT_EQ(0, kmod_index_write(&self->idx, &self->data, &self->len));
	EXPECT_STREQ("first", lookup(self->data, self->len, "key"));
}

TEST_F(idx, an_empty_one)
{
	ASSERT_EQ(0, kmod_index_write(&self->idx, &self->data, &self->len));
	EXPECT_EQ(12, self->len);
	EXPECT_EQ(12, be32_at(self->data + 8));
}

TEST_F(idx, keys_that_nobody_can_ask_for)
{
	char longkey[KMOD_KEY_MAX + 2];

	memset(longkey, 'x', sizeof(longkey) - 1);
	longkey[sizeof(longkey) - 1] = '\0';
	EXPECT_EQ(0, kmod_index_add(&self->idx, "", "x", 0));
	EXPECT_EQ(0, kmod_index_add(&self->idx, "\xc3\xa4", "x", 0));
	EXPECT_EQ(0, kmod_index_add(&self->idx, longkey, "x", 0));
	EXPECT_EQ(0, self->idx.nr);
	EXPECT_EQ(0, kmod_index_add(&self->idx, longkey + 1, "x", 0));
	EXPECT_EQ(1, self->idx.nr);
	ASSERT_EQ(0, kmod_index_write(&self->idx, &self->data, &self->len));
	EXPECT_STREQ("x", lookup(self->data, self->len, longkey + 1));
}

/* The files of an archive, as files. */
static bool unpack(int fd, size_t size, const struct files *to)
{
	const char *data = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	const char *p = data;
	bool ok = data != MAP_FAILED;

	while (ok && p < data + size) {
		unsigned int mode, len, name_len;
		const char *name = p + 110;
		char field[9] = "";

		mode = strtoul(memcpy(field, p + 14, 8), NULL, 16);
		len = strtoul(memcpy(field, p + 54, 8), NULL, 16);
		name_len = strtoul(memcpy(field, p + 94, 8), NULL, 16);
		p += (110 + name_len + 3) & ~3;
		if (S_ISREG(mode))
			ok = files_write(to, name, p, len);
		p += (len + 3) & ~3;
	}
	munmap((void *)data, size);
	return ok;
}

/* What a shell command prints; "" when there is no such command. */
static void ask(char *said, size_t size, const char *fmt, const char *dir, const char *what)
{
	char cmd[512];
	size_t n;
	FILE *f;

	snprintf(cmd, sizeof(cmd), fmt, dir, what);
	f = popen(cmd, "r");
	n = f ? fread(said, 1, size - 1, f) : 0;
	said[n] = '\0';
	if (f)
		pclose(f);
}

#define MODPROBE "PATH=$PATH:/usr/sbin:/sbin modprobe -d %s -S 9.9.9 --show-depends %s 2>&1"

/* Are these files, in this order, what modprobe would load? */
static bool loads(const struct files *out, const struct files *tree, const char *what,
		  const char *files)
{
	char said[1024], expected[1024] = "", *copy = strdup(files);
	char *file, *rest = copy;
	size_t n = 0;

	while ((file = strsep(&rest, " ")))
		n += snprintf(expected + n, sizeof(expected) - n, "insmod %s/%s %c",
			      tree->dir, file, '\n');
	free(copy);
	ask(said, sizeof(said), MODPROBE, out->dir, what);
	if (strcmp(said, expected))
		fprintf(stderr, "# %s: %s", what, said);
	return !strcmp(said, expected);
}

TEST(modprobe_understands_it)
{
	struct files tree, out;
	struct initramfs fs;
	struct modules m;
	char said[1024];

	ask(said, sizeof(said), "PATH=$PATH:/usr/sbin:/sbin modprobe --version 2>&1 %s%s", "", "");
	if (strncmp(said, "kmod version", 12))
		SKIP(return, "no modprobe of kmod");
	ASSERT_TRUE(files_init(&tree));
	ASSERT_TRUE(files_init(&out));
	module_file_write(&tree, "a/low.ko", "depends=\n");
	module_file_write(&tree, "a/mid-dle.ko", "depends=low\n");
	module_file_write(&tree, "a/top.ko",
			  "alias=virtio:d0000001Av*\nalias=net-pf-[1-3]-x\ndepends=mid-dle,low\n");
	files_text(&tree, "modules.order", "a/top.o\na/mid-dle.o\na/low.o\n");
	files_text(&tree, "modules.builtin", "kernel/fs/fuse/fuse.ko\n");
	files_write(&tree, "modules.builtin.modinfo", "fuse.alias=fs-fuse\0", 19);
	files_text(&tree, ".config", "CONFIG_MODULES=y\n");
	ASSERT_EQ(0, modules_open(&m, tree.dir));
	ASSERT_EQ(0, initramfs_create(&fs));
	ASSERT_EQ(0, modules_write(&m, &fs, "/lib/modules/9.9.9", tree.dir));
	ASSERT_EQ(0, initramfs_finish(&fs));
	ASSERT_TRUE(unpack(fs.fd, fs.size, &out));

	EXPECT_TRUE(loads(&out, &tree, "top", "a/low.ko a/mid-dle.ko a/top.ko"));
	EXPECT_TRUE(loads(&out, &tree, "mid_dle", "a/low.ko a/mid-dle.ko"));
	EXPECT_TRUE(loads(&out, &tree, "virtio:d0000001Av00001AF4",
			  "a/low.ko a/mid-dle.ko a/top.ko"));
	EXPECT_TRUE(loads(&out, &tree, "net-pf-2-x", "a/low.ko a/mid-dle.ko a/top.ko"));
	ask(said, sizeof(said), MODPROBE, out.dir, "fuse");
	EXPECT_STREQ("builtin fuse\n", said);
	ask(said, sizeof(said), MODPROBE, out.dir, "fs-fuse");
	EXPECT_STREQ("builtin fuse\n", said);
	ask(said, sizeof(said), MODPROBE, out.dir, "nothing");
	EXPECT_NE(NULL, strstr(said, "not found"));
	initramfs_destroy(&fs);
	modules_close(&m);
	files_remove(&tree);
	files_remove(&out);
}

/* What depmod has found out already is not read from thousands of files again. */
TEST(lists_of_depmod_are_taken)
{
	struct files tree, out;
	struct initramfs fs;
	struct modules m;
	char said[1024];

	ASSERT_TRUE(files_init(&tree));
	ASSERT_TRUE(files_init(&out));
	files_text(&tree, "modules.dep",
		   "kernel/a/top.ko: kernel/b/mid-dle.ko kernel/a/low.ko\n"
		   "kernel/b/mid-dle.ko: kernel/a/low.ko\nkernel/a/low.ko:\nodd\n");
	files_text(&tree, "modules.alias", "# x\nalias fs-top top\nalias\nalias x\n");
	files_text(&tree, "modules.softdep", "softdep low pre: other\n");
	files_text(&tree, "kernel/a/top.ko", "");
	files_text(&tree, "kernel/b/mid-dle.ko", "");
	files_text(&tree, "kernel/a/low.ko", "");
	ASSERT_EQ(0, modules_open(&m, tree.dir));
	ASSERT_EQ(0, initramfs_create(&fs));
	ASSERT_EQ(0, modules_write(&m, &fs, "/lib/modules/9.9.9", tree.dir));
	ASSERT_EQ(0, initramfs_finish(&fs));
	ASSERT_TRUE(unpack(fs.fd, fs.size, &out));
	ask(said, sizeof(said), "cat %s/lib/modules/9.9.9/modules.%s", out.dir, "softdep");
	EXPECT_STREQ("softdep low pre: other\n", said);
	ask(said, sizeof(said), "cat %s/lib/modules/9.9.9/modules.%s", out.dir, "alias");
	EXPECT_STREQ("alias fs-top top\n", said);
	ask(said, sizeof(said), "PATH=$PATH:/usr/sbin:/sbin modprobe --version 2>&1 %s%s", "", "");
	if (!strncmp(said, "kmod version", 12)) {
		EXPECT_TRUE(loads(&out, &tree, "fs-top",
				  "kernel/a/low.ko kernel/b/mid-dle.ko kernel/a/top.ko"));
		EXPECT_TRUE(loads(&out, &tree, "low", "kernel/a/low.ko"));
	}
	initramfs_destroy(&fs);
	modules_close(&m);
	files_remove(&tree);
	files_remove(&out);
}
#else
TEST(not_built_in)
{
	SKIP(return, "CONFIG_HOST_ROOT is not set");
}
#endif

TEST_HARNESS_MAIN
