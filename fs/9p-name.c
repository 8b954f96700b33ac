// SPDX-License-Identifier: GPL-2.0
/*
 * What the 9P server does to names: creating, linking, renaming, removing.
 *
 * Two old requests, Trename and Tremove, and a walk to ".." name an object by its fid
 * alone. Where it is now is asked of the host, whose answer is no more than a hint: the
 * path is walked again from the share's root, one name at a time, and has to lead to
 * the same object.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <linux/kernel.h>

#include "9p.h"
#include "share.h"

u32 p9_name_hash(const struct share_inode *dir, const char *name)
{
	u64 h = inode_name_hash(dir, name);

	h ^= h >> 32;
	return (u32)h ? h : 1;
}

/* --- where is it? ------------------------------------------------------------------- */

static int host_path(struct p9_server *s, const struct share_inode *inode, char *buf)
{
	char name[SHARE_PATH_MAX];
	ssize_t n;

	share_fd_name(share_fd(inode), name);
	n = SHARE_RETRY(readlinkat(s->share.proc_fd, name, buf, PATH_MAX));
	if (n < 0)
		return -errno;
	if (n == PATH_MAX)
		return -ENAMETOOLONG;
	buf[n] = '\0';
	return 0;
}

/* The path below the share's root, in s->text: "a/b/c". */
static int path_below_root(struct p9_server *s, const struct share_inode *inode, char **path)
{
	size_t len;
	int ret;

	ret = host_path(s, s->share.root, s->text2);
	if (!ret)
		ret = host_path(s, inode, s->text);
	if (ret)
		return ret;
	len = strlen(s->text2);
	if (len && s->text2[len - 1] == '/')
		len--;
	if (strncmp(s->text, s->text2, len) || s->text[len] != '/' || !s->text[len + 1])
		return -ENOENT;
	*path = s->text + len + 1;
	return 0;
}

/* From the root down to the directory of the last name, which is left in @path. */
static int walk_down(struct p9_server *s, char **path, struct share_inode **dir)
{
	struct share_inode *next;
	struct share_attr attr;
	char *slash;
	int ret;

	*dir = share_get(&s->share, s->share.root);
	while ((slash = strchr(*path, '/'))) {
		*slash = '\0';
		ret = share_lookup(&s->ctx, *dir, *path, &next, &attr);
		share_put(&s->share, *dir);
		if (ret)
			return ret;
		*dir = next;
		*path = slash + 1;
	}
	return 0;
}

/* The directory that an object is in, with a reference, and its name there, in s->text. */
static int locate(struct p9_server *s, struct share_inode *inode, struct share_inode **dir,
		  char **name, struct share_attr *attr)
{
	struct share_inode *found;
	int ret = path_below_root(s, inode, name);

	if (!ret)
		ret = walk_down(s, name, dir);
	if (ret)
		return ret;
	ret = share_lookup(&s->ctx, *dir, *name, &found, attr);
	if (!ret) {
		/* There is one inode for each object. */
		ret = found == inode ? 0 : -ENOENT;
		share_put(&s->share, found);
	}
	if (ret)
		share_put(&s->share, *dir);
	return ret;
}

int p9_parent(struct p9_server *s, struct share_inode *inode, struct share_inode **dir)
{
	struct share_attr attr;
	char *name;

	if (inode == s->share.root) {
		*dir = share_get(&s->share, inode);
		return 0;
	}
	return locate(s, inode, dir, &name, &attr);
}

/* The name that the fid stands for, where the object has several. */
static int locate_fid(struct p9_server *s, const struct p9_fid *fid, struct share_inode **dir,
		      char **name, struct share_attr *attr)
{
	int ret;

	if (fid->inode == s->share.root)
		return -EBUSY;
	ret = locate(s, fid->inode, dir, name, attr);
	if (ret || S_ISDIR(attr->mode) || attr->nlink < 2 ||
	    fid->name == p9_name_hash(*dir, *name))
		return ret;
	/* Better nothing than a change of another one of its names. */
	share_put(&s->share, *dir);
	return -EOPNOTSUPP;
}

/* --- creating ----------------------------------------------------------------------- */

/* What was created is no fid yet. */
static int reply_created(struct p9_req *r, int ret, struct share_inode *inode,
			 const struct share_attr *attr)
{
	if (ret)
		return ret;
	share_put(&r->s->share, inode);
	p9_put_qid(r, attr);
	return r->err;
}

int p9_symlink(struct p9_req *r)
{
	struct p9_server *s = r->s;
	struct p9_fid *dir = p9_get_fid(r);
	struct share_inode *inode;
	struct share_attr attr;
	u32 gid;
	int ret;

	p9_get_name(r, s->name);
	p9_get_str(r, s->text, sizeof(s->text));
	gid = p9_get32(r);
	if (r->err)
		return r->err;
	p9_become(r, dir, gid);
	ret = share_symlink(&s->ctx, dir->inode, s->name, s->text, &inode, &attr);
	return reply_created(r, ret, inode, &attr);
}

int p9_mknod(struct p9_req *r)
{
	struct p9_server *s = r->s;
	struct p9_fid *dir = p9_get_fid(r);
	u32 mode, major, minor, gid;
	struct share_inode *inode;
	struct share_attr attr;
	int ret;

	p9_get_name(r, s->name);
	mode = p9_get32(r);
	major = p9_get32(r);
	minor = p9_get32(r);
	gid = p9_get32(r);
	if (r->err)
		return r->err;
	p9_become(r, dir, gid);
	ret = share_mknod(&s->ctx, dir->inode, s->name, mode & (S_IFMT | 07777),
			  makedev(major, minor), &inode, &attr);
	return reply_created(r, ret, inode, &attr);
}

int p9_mkdir(struct p9_req *r)
{
	struct p9_server *s = r->s;
	struct p9_fid *dir = p9_get_fid(r);
	struct share_inode *inode;
	struct share_attr attr;
	u32 mode, gid;
	int ret;

	p9_get_name(r, s->name);
	mode = p9_get32(r);
	gid = p9_get32(r);
	if (r->err)
		return r->err;
	p9_become(r, dir, gid);
	ret = share_mkdir(&s->ctx, dir->inode, s->name, mode, &inode, &attr);
	return reply_created(r, ret, inode, &attr);
}

int p9_link(struct p9_req *r)
{
	struct p9_server *s = r->s;
	struct p9_fid *dir = p9_get_fid(r);
	struct p9_fid *fid = p9_get_fid(r);

	p9_get_name(r, s->name);
	if (r->err)
		return r->err;
	return share_link(&s->ctx, fid->inode, dir->inode, s->name, NULL);
}

int p9_readlink(struct p9_req *r)
{
	struct p9_server *s = r->s;
	struct p9_fid *fid = p9_get_fid(r);
	int ret;

	if (r->err)
		return r->err;
	ret = share_readlink(&s->ctx, fid->inode, s->text, sizeof(s->text));
	if (ret < 0)
		return ret;
	p9_put_str(r, s->text, ret);
	return r->err;
}

/* --- renaming and removing ----------------------------------------------------------- */

int p9_rename(struct p9_req *r)
{
	struct p9_server *s = r->s;
	struct p9_fid *fid = p9_get_fid(r);
	struct p9_fid *to = p9_get_fid(r);
	struct share_inode *from;
	struct share_attr attr;
	char *name;
	int ret;

	p9_get_name(r, s->name);
	if (r->err)
		return r->err;
	ret = locate_fid(s, fid, &from, &name, &attr);
	if (ret)
		return ret;
	ret = share_rename(&s->ctx, from, name, to->inode, s->name, 0);
	if (!ret)
		fid->name = p9_name_hash(to->inode, s->name);
	share_put(&s->share, from);
	return ret;
}

int p9_renameat(struct p9_req *r)
{
	struct p9_server *s = r->s;
	struct p9_fid *from = p9_get_fid(r), *to;

	p9_get_name(r, s->name);
	to = p9_get_fid(r);
	p9_get_name(r, s->name2);
	if (r->err)
		return r->err;
	return share_rename(&s->ctx, from->inode, s->name, to->inode, s->name2, 0);
}

int p9_unlinkat(struct p9_req *r)
{
	struct p9_server *s = r->s;
	struct p9_fid *dir = p9_get_fid(r);
	u32 flags;

	p9_get_name(r, s->name);
	flags = p9_get32(r);
	if (r->err)
		return r->err;
	if (flags & ~P9_AT_REMOVEDIR)
		return -EINVAL;
	return share_unlink(&s->ctx, dir->inode, s->name, flags);
}

int p9_remove(struct p9_req *r)
{
	struct p9_server *s = r->s;
	struct p9_fid *fid = p9_get_fid(r);
	struct share_inode *dir;
	struct share_attr attr;
	char *name;
	int ret;

	if (r->err)
		return r->err;
	ret = locate_fid(s, fid, &dir, &name, &attr);
	if (!ret) {
		ret = share_unlink(&s->ctx, dir, name, S_ISDIR(attr.mode));
		share_put(&s->share, dir);
	}
	/* The fid is gone whatever is answered. */
	p9_fid_drop(s, fid);
	return ret;
}
