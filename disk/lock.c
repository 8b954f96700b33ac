// SPDX-License-Identifier: GPL-2.0
/*
 * Who may use an image: one guest that writes, or any number that read.
 *
 * The lock is an OFD lock (fcntl(2), F_OFD_SETLK) on the whole file: it belongs to
 * the inode, so that symlinks and hard links lead to the same lock; to our open
 * descriptor, so that closing another one does not drop it, as a POSIX lock would;
 * it works over NFS; and QEMU's image locks are of the same kind, so that the two
 * see each other. A block device has as many inodes as it has nodes in /dev: those
 * that are written are opened with O_EXCL as well, which also keeps mounted ones
 * out.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include <vmtool/log.h>

#include "raw.h"

/* How long a lock that nobody seems to hold is waited for: 2 s. */
#define LOCK_WAITS	100
#define LOCK_WAIT_MS	20

/* Does this file of /proc/PID/fdinfo tell of a lock on the inode? */
static bool has_lock(int dir, const char *name, const struct stat *st)
{
	char line[256];
	unsigned int major, minor;
	unsigned long ino;
	bool found = false;
	FILE *f;
	int fd;

	fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	f = fd < 0 ? NULL : fdopen(fd, "r");
	if (!f) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	while (!found && fgets(line, sizeof(line), f))
		found = sscanf(line, "lock: %*s %*s %*s %*s %*s %x:%x:%lu", &major, &minor,
			       &ino) == 3 && ino == st->st_ino &&
			major == major(st->st_dev) && minor == minor(st->st_dev);
	fclose(f);
	return found;
}

static bool process_has_lock(const char *pid, const struct stat *st)
{
	char path[300];
	struct dirent *e;
	bool found = false;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%s/fdinfo", pid);
	dir = opendir(path);
	if (!dir)
		return false;
	while (!found && (e = readdir(dir)))
		found = isdigit((unsigned char)e->d_name[0]) && has_lock(dirfd(dir), e->d_name, st);
	closedir(dir);
	return found;
}

/* The kernel does not say who holds an OFD lock: look at all we may see. */
static pid_t find_holder(int fd)
{
	struct dirent *e;
	struct stat st;
	pid_t pid = 0;
	DIR *proc;

	if (fstat(fd, &st))
		return 0;
	proc = opendir("/proc");
	if (!proc)
		return 0;
	while (!pid && (e = readdir(proc)))
		if (isdigit((unsigned char)e->d_name[0]) && process_has_lock(e->d_name, &st))
			pid = atoi(e->d_name);
	closedir(proc);
	return pid;
}

static void process_name(pid_t pid, char *name, int size)
{
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	snprintf(name, size, "?");
	f = fopen(path, "re");
	if (!f)
		return;
	if (fgets(name, size, f))
		name[strcspn(name, "\n")] = '\0';
	fclose(f);
}

static void say_locked(const struct raw_disk *raw, pid_t pid)
{
	const char *advice = raw->disk.ro ? "stop what writes to it, or wait for its end" :
		"stop that first, or open it with ,ro in both";
	char name[32];

	if (!pid) {
		log_err("disk %s: in use elsewhere: %s", raw->disk.path, advice);
	} else if (pid == getpid()) {
		log_err("disk %s: given twice: take one of them out, or add ,ro to both",
			raw->disk.path);
	} else {
		process_name(pid, name, sizeof(name));
		log_err("disk %s: in use by process %d (%s): %s", raw->disk.path, pid, name,
			advice);
	}
}

static int set_lock(const struct raw_disk *raw, short type)
{
	struct flock lock = { .l_type = type, .l_whence = SEEK_SET };

	while (fcntl(raw->fd[RAW_FD], F_OFD_SETLK, &lock))
		if (errno != EINTR)
			return errno == EACCES ? -EAGAIN : -errno;
	return 0;
}

/*
 * An io_uring outlives a process that was killed, until its last request is done, and
 * so does the lock: nobody is seen to hold it, and it will be free in a moment.
 */
static int wait_for_lock(const struct raw_disk *raw, short type)
{
	struct timespec ts = { .tv_nsec = LOCK_WAIT_MS * 1000000L };
	pid_t pid = find_holder(raw->fd[RAW_FD]);
	int i, ret = -EAGAIN;

	for (i = 0; ret == -EAGAIN && !pid && i < LOCK_WAITS; i++) {
		nanosleep(&ts, NULL);
		ret = set_lock(raw, type);
	}
	if (ret == -EAGAIN) {
		say_locked(raw, pid);
		ret = -EBUSY;
	}
	return ret;
}

int raw_lock(const struct raw_disk *raw)
{
	short type = raw->disk.ro ? F_RDLCK : F_WRLCK;
	int ret = set_lock(raw, type);

	if (ret == -EAGAIN)
		ret = wait_for_lock(raw, type);
	if (!ret || ret == -EBUSY)
		return ret;
	log_warn("disk %s: cannot be locked: %s; take care that no other guest uses it",
		 raw->disk.path, strerror(-ret));
	return 0;
}

void raw_unlock(const struct raw_disk *raw)
{
	set_lock(raw, F_UNLCK);
}
