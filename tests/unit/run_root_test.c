// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include <vmtool/devclass.h>
#include <vmtool/guest_init.h>
#include <vmtool/vm.h>

#include "kernel_fixture.h"
#include "module_file.h"
#include "run-devices.h"
#include "run-root.h"
#include "kselftest_harness.h"

#if defined(CONFIG_HOST_ROOT) && defined(CONFIG_BOOT_ELF) && \
	defined(CONFIG_VIRTIO_FS) && defined(CONFIG_VIRTIO_9P)
/* As Debian has it, and built in. */
static const char modular[] =
	"CONFIG_MODULES=y\nCONFIG_BLK_DEV_INITRD=y\nCONFIG_DEVTMPFS=y\nCONFIG_TMPFS=y\n"
	"CONFIG_PROC_FS=y\nCONFIG_VIRTIO_PCI=m\nCONFIG_VIRTIO_FS=m\nCONFIG_NET_9P_VIRTIO=m\n"
	"CONFIG_9P_FS=m\nCONFIG_OVERLAY_FS=m\n"
	"CONFIG_VIRTIO_CONSOLE=y\n";
static const char builtin[] =
	"CONFIG_BLK_DEV_INITRD=y\nCONFIG_DEVTMPFS=y\nCONFIG_TMPFS=y\nCONFIG_PROC_FS=y\n"
	"CONFIG_VIRTIO_PCI=y\nCONFIG_VIRTIO_FS=y\nCONFIG_NET_9P_VIRTIO=y\nCONFIG_9P_FS=y\n"
	"CONFIG_OVERLAY_FS=y\n";

FIXTURE(rr) {
	struct files files;
	struct vm_config cfg;
	struct run_root rr;
	struct capture said;
	char kernel[PATH_MAX];
	char buf[PATH_MAX];
	char expected[4096];
	char *conf;
};

FIXTURE_SETUP(rr)
{
	struct fix_elf elf;

	memset(&self->cfg, 0, sizeof(self->cfg));
	memset(&self->rr, 0, sizeof(self->rr));
	self->conf = NULL;
	INIT_LIST_HEAD(&self->cfg.devices);
	ASSERT_TRUE(files_init(&self->files));
	fix_elf_make(&elf);
	files_write(&self->files, "vmlinux", &elf, sizeof(elf));
	files_path(&self->files, self->kernel, "vmlinux");
	self->cfg.kernel = self->kernel;
	files_text(&self->files, "root/etc/passwd",
		   "root:x:0:0::/root:/bin/bash\nme:x:1000:1001::/home/me:\n");
	files_text(&self->files, "root/etc/group", "me:x:1001:\nkvm:x:77:you,me\nx:x:78:you\n");
	files_path(&self->files, self->buf, "root");
}

FIXTURE_TEARDOWN(rr)
{
	run_devices_forget(&self->cfg.devices, NULL);
	run_root_release(&self->rr);
	free(self->conf);
	files_remove(&self->files);
}

static void make_modules(const struct files *f)
{
	files_text(f, ".config", modular);
	module_file_write(f, "d/virtio_pci.ko", "depends=virtio\n");
	module_file_write(f, "d/virtio.ko", "depends=\n");
	module_file_write(f, "d/virtiofs.ko", "depends=fuse,virtio\n");
	module_file_write(f, "d/fuse.ko", "depends=\n");
	module_file_write(f, "d/overlay.ko", "depends=\n");
	module_file_write(f, "d/9pnet_virtio.ko", "depends=virtio,9pnet\n");
	module_file_write(f, "d/9pnet.ko", "depends=\n");
	module_file_write(f, "d/9p.ko", "depends=9pnet\n");
	module_file_write(f, "d/virtio-rng.ko", "depends=virtio\n");
	files_text(f, "modules.order",
		   "d/virtio_pci.o\nd/virtio.o\nd/virtiofs.o\nd/fuse.o\nd/overlay.o\n"
		   "d/9pnet_virtio.o\nd/9pnet.o\nd/9p.o\nd/virtio-rng.o\n");
	files_text(f, "modules.builtin", "");
}

/* The text of a file in an archive; to be freed. */
static char *archived(const struct initramfs *fs, const char *name)
{
	char *data = mmap(NULL, fs->size, PROT_READ, MAP_PRIVATE, fs->fd, 0);
	char *p, *text = NULL;

	for (p = data; p < data + fs->size && !text; ) {
		char field[9] = "";
		unsigned int len = strtoul(memcpy(field, p + 54, 8), NULL, 16);
		unsigned int name_len = strtoul(memcpy(field, p + 94, 8), NULL, 16);
		char *body = p + ((110 + name_len + 3) & ~3);

		if (!strcmp(p + 110, name))
			text = strndup(body, len);
		p = body + ((len + 3) & ~3);
	}
	munmap(data, fs->size);
	return text;
}

/* The lines but those that say what the host is called. */
static char *conf_of(const struct run_root *rr)
{
	char *text = archived(&rr->fs, "vmtool.conf");
	char *line = text ? strstr(text, "hostname\t") : NULL;

	if (line)
		memmove(line, strchr(line, '\n') + 1, strlen(strchr(line, '\n')));
	return text;
}

static const char *device_text(const struct vm_config *cfg, int i)
{
	const struct device_conf *dc;

	list_for_each_entry(dc, &cfg->devices, node) {
		if (!i--)
			return dc->text;
	}
	return "none";
}

static int prepare(struct run_root *rr, struct vm_config *cfg, struct capture *said)
{
	int ret;

	capture_begin(said);
	ret = run_root_open(rr, cfg) ?: run_root_prepare(rr, cfg);
	capture_end(said);
	return ret;
}

TEST_F(rr, the_host_s_root_by_default)
{
	files_text(&self->files, ".config", builtin);
	ASSERT_EQ(0, prepare(&self->rr, &self->cfg, &self->said));
	EXPECT_STREQ("", self->said.text);
	EXPECT_TRUE(self->rr.active);
	self->conf = conf_of(&self->rr);
	EXPECT_EQ(self->conf, strstr(self->conf, "root\tvirtiofs\tvmtool.0\t\toverlay\n"
				     "tmpfs\t/tmp\t1777\ntmpfs\t/run\t755\n"));
	EXPECT_STREQ("/,vmtool.0,flat,ro", device_text(&self->cfg, 0));
	EXPECT_EQ(&self->rr.fs, self->cfg.initramfs);
	EXPECT_EQ(&self->rr.kernel.image, self->cfg.image);
	EXPECT_EQ(0, self->rr.session.uid);
}

TEST_F(rr, not_with_a_root_of_another_kind)
{
	files_text(&self->files, ".config", builtin);
	self->cfg.params = "quiet root=/dev/vda";
	ASSERT_EQ(0, prepare(&self->rr, &self->cfg, &self->said));
	EXPECT_FALSE(self->rr.active);
	run_root_release(&self->rr);
	self->cfg.params = NULL;
	self->cfg.nr_initrds = 1;
	ASSERT_EQ(0, prepare(&self->rr, &self->cfg, &self->said));
	EXPECT_FALSE(self->rr.active);
	EXPECT_EQ(NULL, self->cfg.initramfs);
	run_root_release(&self->rr);
	/* Unless it is asked for. */
	self->rr.root = self->buf;
	ASSERT_EQ(0, prepare(&self->rr, &self->cfg, &self->said));
	EXPECT_TRUE(self->rr.active);
	run_root_release(&self->rr);
	/* Not both. */
	self->rr.command = true;
	self->cfg.params = "root=/dev/vda";
	ASSERT_EQ(-EINVAL, prepare(&self->rr, &self->cfg, &self->said));
	EXPECT_TRUE(capture_one_line(&self->said));
}

TEST_F(rr, a_root_with_modules_of_a_tree)
{
	make_modules(&self->files);
	self->rr.root = self->buf;
	self->rr.agent_port = "port\tname";
	ASSERT_EQ(0, prepare(&self->rr, &self->cfg, &self->said));
	EXPECT_STREQ("", self->said.text);
	self->conf = conf_of(&self->rr);
	EXPECT_STREQ("module\t/modules/overlay.ko\nmodule\t/modules/virtio.ko\n"
		     "module\t/modules/virtio_pci.ko\nmodule\t/modules/fuse.ko\n"
		     "module\t/modules/virtiofs.ko\n"
		     "root\tvirtiofs\tvmtool.0\t\toverlay\n"
		     "tmpfs\t/tmp\t1777\ntmpfs\t/run\t755\n"
		     "mount\tvirtiofs\tvmtool.1\t\t/run/vmtool/modules\tro\n"
		     "tmpfs\t/lib/modules\t755\n"
		     "copy\t/lib-modules\t/lib/modules/6.1.0-test\n"
		     "agent\tport\\011name\n", self->conf);
	snprintf(self->expected, sizeof(self->expected), "%s,vmtool.1,flat,ro", self->files.dir);
	EXPECT_STREQ(self->expected, device_text(&self->cfg, 1));
	free(self->conf);
	self->conf = archived(&self->rr.fs, "lib-modules/modules.dep");
	EXPECT_NE(NULL, strstr(self->conf, "/run/vmtool/modules/d/virtiofs.ko: "));
	free(self->conf);
	self->conf = archived(&self->rr.fs, "init");
	EXPECT_EQ(0, memcmp(self->conf, guest_init, 4));
}

TEST_F(rr, by_9p_where_there_is_no_virtio_fs)
{
	make_modules(&self->files);
	files_text(&self->files, ".config",
		   "CONFIG_BLK_DEV_INITRD=y\nCONFIG_DEVTMPFS=y\nCONFIG_TMPFS=y\nCONFIG_PROC_FS=y\n"
		   "CONFIG_VIRTIO_PCI=y\nCONFIG_NET_9P_VIRTIO=m\nCONFIG_9P_FS=m\n");
	self->rr.root = self->buf;
	self->rr.rw = true;
	ASSERT_EQ(0, prepare(&self->rr, &self->cfg, &self->said));
	self->conf = conf_of(&self->rr);
	EXPECT_EQ(self->conf,
		  strstr(self->conf, "module\t/modules/virtio.ko\nmodule\t/modules/9pnet.ko\n"
			 "module\t/modules/9pnet_virtio.ko\nmodule\t/modules/9p.ko\nroot\t9p\tvmtool.0\t"
			 "trans=virtio,version=9p2000.L,msize=512000,cache=mmap\trw\n"));
	EXPECT_EQ(NULL, strstr(device_text(&self->cfg, 0), ",ro"));
}

TEST_F(rr, what_the_kernel_lacks_is_named)
{
	files_text(&self->files, ".config", "CONFIG_BLK_DEV_INITRD=y\nCONFIG_DEVTMPFS=y\n"
		   "CONFIG_TMPFS=y\nCONFIG_PROC_FS=y\nCONFIG_OVERLAY_FS=y\n");
	EXPECT_EQ(-ENOENT, prepare(&self->rr, &self->cfg, &self->said));
	EXPECT_TRUE(capture_one_line(&self->said));
	EXPECT_NE(NULL, strstr(self->said.text, "CONFIG_VIRTIO_FS"));
	EXPECT_NE(NULL, strstr(self->said.text, "make kvm_guest.config"));
	run_root_release(&self->rr);

	files_text(&self->files, ".config", "CONFIG_DEVTMPFS=y\n");
	EXPECT_EQ(-ENOENT, prepare(&self->rr, &self->cfg, &self->said));
	EXPECT_NE(NULL, strstr(self->said.text, "CONFIG_BLK_DEV_INITRD"));
	run_root_release(&self->rr);

	/* Without a console nobody would hear of the command. */
	files_text(&self->files, ".config", builtin);
	self->rr.agent_port = "port";
	EXPECT_EQ(-ENOENT, prepare(&self->rr, &self->cfg, &self->said));
	EXPECT_TRUE(capture_one_line(&self->said));
	EXPECT_NE(NULL, strstr(self->said.text, "CONFIG_VIRTIO_CONSOLE"));
	run_root_release(&self->rr);

	files_text(&self->files, ".config", builtin);
	self->cfg.transport = VIRTIO_TRANSPORT_MMIO;
	EXPECT_EQ(-ENOENT, prepare(&self->rr, &self->cfg, &self->said));
	EXPECT_NE(NULL, strstr(self->said.text, "CONFIG_VIRTIO_MMIO"));
	self->cfg.transport = VIRTIO_TRANSPORT_PCI;
	run_root_release(&self->rr);

	/* A module that was not built. */
	make_modules(&self->files);
	remove(files_path(&self->files, self->expected, "d/fuse.ko"));
	EXPECT_EQ(-ENOENT, prepare(&self->rr, &self->cfg, &self->said));
	EXPECT_TRUE(capture_one_line(&self->said));
	EXPECT_NE(NULL, strstr(self->said.text, "virtiofs"));
}

TEST_F(rr, without_an_overlay_it_is_only_read)
{
	files_text(&self->files, ".config",
		   "CONFIG_BLK_DEV_INITRD=y\nCONFIG_DEVTMPFS=y\nCONFIG_TMPFS=y\n"
		   "CONFIG_PROC_FS=y\nCONFIG_VIRTIO_PCI=y\nCONFIG_VIRTIO_FS=y\n");
	self->rr.root = self->buf;
	files_text(&self->files, "root/tmp/x", "");
	ASSERT_EQ(0, prepare(&self->rr, &self->cfg, &self->said));
	EXPECT_TRUE(capture_one_line(&self->said));
	self->conf = conf_of(&self->rr);
	/* What is not there cannot be mounted on. */
	EXPECT_STREQ("root\tvirtiofs\tvmtool.0\t\tro\ntmpfs\t/tmp\t1777\n", self->conf);
	run_root_release(&self->rr);

	self->rr.root = self->buf;
	self->rr.nr_dirs = 1;
	self->rr.dirs[0] = (struct run_root_dir){ "/usr", "overlay" };
	EXPECT_EQ(-ENOENT, prepare(&self->rr, &self->cfg, &self->said));
	EXPECT_NE(NULL, strstr(self->said.text, "CONFIG_OVERLAY_FS"));
}

TEST_F(rr, more_directories)
{
	char odd[PATH_MAX], moved[PATH_MAX + 16];

	files_text(&self->files, ".config", builtin);
	files_text(&self->files, "a,b\tc/x", "");
	files_path(&self->files, odd, "a,b\tc");
	snprintf(moved, sizeof(moved), "/mnt/there=%s", odd);
	self->rr.root = self->buf;
	self->rr.nr_dirs = 3;
	self->rr.dirs[0] = (struct run_root_dir){ odd, "rw" };
	self->rr.dirs[1] = (struct run_root_dir){ moved, "ro" };
	self->rr.dirs[2] = (struct run_root_dir){ "/usr", "overlay" };
	ASSERT_EQ(0, prepare(&self->rr, &self->cfg, &self->said));
	self->conf = conf_of(&self->rr);
	snprintf(self->expected, sizeof(self->expected),
		 "mount\tvirtiofs\tvmtool.1\t\t%s/a,b\\011c\trw\n"
		 "mount\tvirtiofs\tvmtool.2\t\t/mnt/there\tro\n"
		 "mount\tvirtiofs\tvmtool.3\t\t/usr\toverlay\n", self->files.dir);
	EXPECT_NE(NULL, strstr(self->conf, self->expected));
	snprintf(self->expected, sizeof(self->expected), "%s/a\\,b\tc,vmtool.1,flat",
		 self->files.dir);
	EXPECT_STREQ(self->expected, device_text(&self->cfg, 1));
	EXPECT_STREQ("/usr,vmtool.3,flat,ro", device_text(&self->cfg, 3));
}

TEST_F(rr, directories_that_are_none)
{
	static const char *const bad[] = { "/nothing", "/etc/passwd", "there=/usr" };
	int i;

	files_text(&self->files, ".config", builtin);
	for (i = 0; i < 3; i++) {
		self->rr.root = self->buf;
		self->rr.nr_dirs = 1;
		self->rr.dirs[0] = (struct run_root_dir){ bad[i], "rw" };
		EXPECT_GT(0, prepare(&self->rr, &self->cfg, &self->said));
		EXPECT_TRUE(capture_one_line(&self->said));
		run_devices_forget(&self->cfg.devices, NULL);
		run_root_release(&self->rr);
	}
	self->rr.root = "/nothing";
	EXPECT_EQ(-ENOENT, prepare(&self->rr, &self->cfg, &self->said));
	EXPECT_TRUE(capture_one_line(&self->said));
	run_root_release(&self->rr);
	self->rr.root = "/etc/passwd";
	EXPECT_EQ(-ENOTDIR, prepare(&self->rr, &self->cfg, &self->said));
	EXPECT_TRUE(capture_one_line(&self->said));
}

/* /tmp is fresh in the guest: what the caller works with is there nevertheless. */
TEST_F(rr, here_is_there_too)
{
	files_text(&self->files, ".config", builtin);
	files_text(&self->files, "sub/x", "");
	ASSERT_EQ(0, chdir(files_path(&self->files, self->expected, "sub")));
	ASSERT_EQ(0, prepare(&self->rr, &self->cfg, &self->said));
	EXPECT_STREQ(self->expected, self->rr.session.cwd);
	self->conf = conf_of(&self->rr);
	snprintf(self->expected, sizeof(self->expected),
		 "tmpfs\t/run\t755\nmount\tvirtiofs\tvmtool.1\t\t%s\toverlay\n", self->files.dir);
	EXPECT_NE(NULL, strstr(self->conf, self->expected));
}

TEST_F(rr, here_in_another_root)
{
	files_text(&self->files, ".config", builtin);
	files_text(&self->files, "root/a/b/x", "");
	self->rr.root = self->buf;
	ASSERT_EQ(0, chdir(files_path(&self->files, self->expected, "root/a/b")));
	ASSERT_EQ(0, prepare(&self->rr, &self->cfg, &self->said));
	EXPECT_STREQ("/a/b", self->rr.session.cwd);
	run_devices_forget(&self->cfg.devices, NULL);
	run_root_release(&self->rr);
	self->rr.root = self->buf;
	self->rr.cwd = "x";
	ASSERT_EQ(0, chdir("/"));
	ASSERT_EQ(0, prepare(&self->rr, &self->cfg, &self->said));
	EXPECT_STREQ("/x", self->rr.session.cwd);
}

TEST_F(rr, users)
{
	struct guest_session *gs = &self->rr.session;

	ASSERT_EQ(0, guest_session_user(gs, self->buf, "me"));
	EXPECT_EQ(1000, gs->uid);
	EXPECT_EQ(1001, gs->gid);
	EXPECT_EQ(1, gs->nr_groups);
	EXPECT_EQ(77, gs->groups[0]);
	EXPECT_STREQ("/home/me", gs->home);
	EXPECT_STREQ("/bin/sh", gs->shell);
	ASSERT_EQ(0, guest_session_user(gs, self->buf, NULL));
	EXPECT_EQ(0, gs->uid);
	EXPECT_STREQ("/bin/bash", gs->shell);
	ASSERT_EQ(0, guest_session_user(gs, self->buf, "4711"));
	EXPECT_EQ(4711, gs->uid);
	EXPECT_EQ(4711, gs->gid);
	EXPECT_STREQ("", gs->name);
	ASSERT_EQ(0, guest_session_user(gs, self->buf, "1000"));
	EXPECT_STREQ("me", gs->name);
	EXPECT_EQ(-ENOENT, guest_session_user(gs, self->buf, "nobody"));
}

TEST_F(rr, devices_that_the_kernel_cannot_use)
{
	files_text(&self->files, ".config", builtin);
	self->cfg.nr_initrds = 1;
	ASSERT_EQ(0, run_devices_add(&self->cfg.devices, "fs", "/usr,a"));
	ASSERT_EQ(0, prepare(&self->rr, &self->cfg, &self->said));
	EXPECT_STREQ("", self->said.text);
	run_root_release(&self->rr);
	files_text(&self->files, ".config", "CONFIG_VIRTIO_PCI=y\n");
	self->cfg.nr_initrds = 1;
	ASSERT_EQ(0, run_devices_add(&self->cfg.devices, "fs", "/usr,b"));
	ASSERT_EQ(0, prepare(&self->rr, &self->cfg, &self->said));
	EXPECT_TRUE(capture_one_line(&self->said));
	EXPECT_NE(NULL, strstr(self->said.text, "--fs"));
	EXPECT_NE(NULL, strstr(self->said.text, "CONFIG_VIRTIO_FS"));
}
#else
TEST(not_built_in)
{
	SKIP(return, "CONFIG_HOST_ROOT or what it takes is not set");
}
#endif

TEST_HARNESS_MAIN
