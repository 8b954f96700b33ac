// SPDX-License-Identifier: GPL-2.0
/*
 * fs_inject CONF STEP...: a directory as --fs CONF, and FUSE requests to it.
 *
 * A step is OP:NAME, for a file NAME in the directory: lookup, create, open, write (4096
 * bytes at the start), append (as many behind), read (up to 8192), fsync, release,
 * truncate, mkdir, unlink, list, statfs. Printed is what came of it: "read a: 4096",
 * "open a: EIO". At the end, "again ok" if after a reset the directory can be used.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/fuse.h>

#include "virtio_driver.h"
#include "virtio/virtio.h"

#define BYTES	4096
#define FILES	8
#define AREA	16384

struct file {
	char name[16];
	u64 node;
	u64 fh;
};

struct inject {
	struct drv d;
	u64 out;
	u64 in;
	struct file file[FILES];
	u8 reply[AREA] __aligned(8);
	u32 len;
};

static struct file *file_of(struct inject *t, const char *name)
{
	struct file *f = t->file;

	while (f < t->file + FILES && f->name[0] && strcmp(f->name, name))
		f++;
	if (f == t->file + FILES || strlen(name) >= sizeof(f->name))
		drv_die("too many files, or '%s' is too long", name);
	strcpy(f->name, name);
	return f;
}

/* Its error, or 0 and what there is of a reply. */
static int request(struct inject *t, u32 op, u64 node, const void *arg, u32 len,
		   const void *more, u32 more_len)
{
	struct fuse_in_header h = {
		.opcode = op, .nodeid = node, .unique = 7, .len = sizeof(h) + len + more_len,
	};
	struct drv_seg segs[] = { DRV_OUT(t->out, h.len), DRV_IN(t->in, AREA) };
	const struct fuse_out_header *out = (void *)t->reply;
	u32 used;

	drv_put(&t->d, t->out, &h, sizeof(h));
	drv_put(&t->d, t->out + sizeof(h), arg, len);
	drv_put(&t->d, t->out + sizeof(h) + len, more, more_len);
	if (!drv_request(&t->d, 1, segs, 2, &used))
		drv_die("request %u is lost", op);
	drv_fetch(&t->d, t->in, t->reply, used);
	if (used < sizeof(*out) || out->len != used || out->unique != 7)
		drv_die("request %u has a strange reply", op);
	t->len = used - sizeof(*out);
	memmove(t->reply, out + 1, t->len);
	return *(int *)drv_ptr(&t->d, t->in + 4, 4);
}

static int init(struct inject *t)
{
	struct fuse_init_in in = { .major = 7, .minor = 31 };

	return request(t, FUSE_INIT, 0, &in, 16, NULL, 0);
}

static int entry(struct inject *t, struct file *f, int ret)
{
	f->node = ret ? 0 : ((struct fuse_entry_out *)t->reply)->nodeid;
	return !ret && !f->node ? -ENOENT : ret;
}

static int do_create(struct inject *t, struct file *f)
{
	struct fuse_create_in in = { .flags = O_RDWR, .mode = 0644 };
	int ret = request(t, FUSE_CREATE, 1, &in, sizeof(in), f->name, strlen(f->name) + 1);

	if (!ret)
		f->fh = ((struct fuse_open_out *)(t->reply + sizeof(struct fuse_entry_out)))->fh;
	return entry(t, f, ret);
}

static int do_lookup(struct inject *t, struct file *f)
{
	return entry(t, f, request(t, FUSE_LOOKUP, 1, NULL, 0, f->name, strlen(f->name) + 1));
}

static int do_open(struct inject *t, struct file *f)
{
	struct fuse_open_in in = { .flags = O_RDWR };
	int ret = request(t, FUSE_OPEN, f->node, &in, sizeof(in), NULL, 0);

	if (!ret)
		f->fh = ((struct fuse_open_out *)t->reply)->fh;
	return ret;
}

static int write_at(struct inject *t, struct file *f, u64 off)
{
	struct fuse_write_in in = { .fh = f->fh, .offset = off, .size = BYTES };
	u8 data[BYTES];
	int ret;

	memset(data, 'd', sizeof(data));
	ret = request(t, FUSE_WRITE, f->node, &in, sizeof(in), data, sizeof(data));
	return ret ? ret : (int)((struct fuse_write_out *)t->reply)->size;
}

static int do_write(struct inject *t, struct file *f)
{
	return write_at(t, f, 0);
}

static int do_append(struct inject *t, struct file *f)
{
	return write_at(t, f, BYTES);
}

static int do_read(struct inject *t, struct file *f)
{
	struct fuse_read_in in = { .fh = f->fh, .size = 2 * BYTES };
	int ret = request(t, FUSE_READ, f->node, &in, sizeof(in), NULL, 0);

	return ret ? ret : (int)t->len;
}

static int do_fsync(struct inject *t, struct file *f)
{
	struct fuse_fsync_in in = { .fh = f->fh };

	return request(t, FUSE_FSYNC, f->node, &in, sizeof(in), NULL, 0);
}

static int do_release(struct inject *t, struct file *f)
{
	struct fuse_release_in in = { .fh = f->fh };

	return request(t, FUSE_RELEASE, f->node, &in, sizeof(in), NULL, 0);
}

static int do_truncate(struct inject *t, struct file *f)
{
	struct fuse_setattr_in in = { .valid = FATTR_SIZE, .size = 10 };

	return request(t, FUSE_SETATTR, f->node, &in, sizeof(in), NULL, 0);
}

static int do_mkdir(struct inject *t, struct file *f)
{
	struct fuse_mkdir_in in = { .mode = 0755 };

	return entry(t, f, request(t, FUSE_MKDIR, 1, &in, sizeof(in), f->name,
				   strlen(f->name) + 1));
}

static int do_unlink(struct inject *t, struct file *f)
{
	return request(t, FUSE_UNLINK, 1, NULL, 0, f->name, strlen(f->name) + 1);
}

/* Entries that have a node. */
static int do_list(struct inject *t, struct file *f)
{
	struct fuse_open_in o = { };
	struct fuse_read_in in = { .size = 8192 };
	struct fuse_release_in rel = { };
	int n = 0, ret = request(t, FUSE_OPENDIR, 1, &o, sizeof(o), NULL, 0);
	u32 pos = 0;

	if (ret)
		return ret;
	in.fh = ((struct fuse_open_out *)t->reply)->fh;
	rel.fh = in.fh;
	ret = request(t, FUSE_READDIRPLUS, 1, &in, sizeof(in), NULL, 0);
	while (!ret && pos < t->len) {
		struct fuse_direntplus *e = (void *)(t->reply + pos);

		n += e->entry_out.nodeid != 0;
		pos += FUSE_DIRENTPLUS_SIZE(e);
	}
	request(t, FUSE_RELEASEDIR, 1, &rel, sizeof(rel), NULL, 0);
	return ret ? ret : n;
}

static int do_statfs(struct inject *t, struct file *f)
{
	return request(t, FUSE_STATFS, 1, NULL, 0, NULL, 0);
}

static void step(struct inject *t, const char *text)
{
	static const struct {
		const char *name;
		int (*fn)(struct inject *t, struct file *f);
	} steps[] = {
		{ "lookup", do_lookup }, { "create", do_create }, { "open", do_open },
		{ "write", do_write }, { "append", do_append }, { "read", do_read },
		{ "fsync", do_fsync }, { "release", do_release }, { "truncate", do_truncate },
		{ "mkdir", do_mkdir }, { "unlink", do_unlink }, { "list", do_list },
		{ "statfs", do_statfs },
	};
	size_t len = strcspn(text, ":");
	unsigned int i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(steps); i++)
		if (strlen(steps[i].name) == len && !strncmp(text, steps[i].name, len))
			break;
	if (i == ARRAY_SIZE(steps) || !text[len])
		drv_die("no step '%s'", text);
	text += len + 1;
	ret = steps[i].fn(t, file_of(t, text));
	if (ret < 0)
		printf("%s %s: %s\n", steps[i].name, text, strerrorname_np(-ret));
	else
		printf("%s %s: %d\n", steps[i].name, text, ret);
	fflush(stdout);
}

static int begin(struct inject *t)
{
	int ret = drv_setup(&t->d, DRV_SPLIT);

	return ret ? ret : init(t);
}

int main(int argc, char **argv)
{
	struct inject *t = calloc(1, sizeof(*t));
	int i, ret;

	if (argc < 3 || !t)
		return 2;
	ret = drv_init(&t->d, DRV_MMIO, &fs_class, argv[1]);
	if (ret) {
		printf("realize: %s\n", strerrorname_np(-ret));
	} else {
		t->out = drv_alloc(&t->d, AREA);
		t->in = drv_alloc(&t->d, AREA);
		ret = begin(t);
		if (ret)
			printf("init: %s\n", strerrorname_np(-ret));
		for (i = 2; i < argc && !ret; i++)
			step(t, argv[i]);
		/* Nothing that failed has kept anything. */
		if (!ret)
			printf("again %s\n", begin(t) || do_statfs(t, NULL) ? "fails" : "ok");
	}
	drv_end(&t->d);
	free(t);
	return 0;
}
