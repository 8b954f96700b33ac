/* SPDX-License-Identifier: GPL-2.0 */
#ifndef GUEST_SYS_H
#define GUEST_SYS_H

/*
 * System calls as the kernel has them: a result or -errno. Of the calls that do the
 * same, those that every architecture has.
 */

#include <linux/ioctl.h>
#include <asm/termios.h>
#include <asm/ioctls.h>

/* Of these nolibc has some, and others in other trees; <linux/fcntl.h> defines them anew. */
#ifndef AT_FDCWD
#define AT_FDCWD	(-100)
#endif
#ifndef F_GETFL
#define F_GETFL		3
#endif
#ifndef F_SETFL
#define F_SETFL		4
#endif
#ifndef F_DUPFD_CLOEXEC
#define F_DUPFD_CLOEXEC	1030
#endif
#ifndef O_CLOEXEC
#define O_CLOEXEC	02000000
#endif
#ifndef O_NONBLOCK
#define O_NONBLOCK	00004000
#endif
#ifndef O_NOCTTY
#define O_NOCTTY	00000400
#endif

#define SIGNAL_MASK_SIZE	8

static inline long k_openat(const char *path, int flags, int mode)
{
	return my_syscall4(__NR_openat, AT_FDCWD, path, flags, mode);
}

static inline long k_close(int fd)
{
	return my_syscall1(__NR_close, fd);
}

static inline long k_read(int fd, void *buf, size_t len)
{
	return my_syscall3(__NR_read, fd, buf, len);
}

static inline long k_write(int fd, const void *buf, size_t len)
{
	return my_syscall3(__NR_write, fd, buf, len);
}

static inline long k_ioctl(int fd, unsigned int cmd, const void *arg)
{
	return my_syscall3(__NR_ioctl, fd, cmd, arg);
}

static inline long k_fcntl(int fd, int cmd, long arg)
{
	return my_syscall3(__NR_fcntl, fd, cmd, arg);
}

static inline long k_dup3(int from, int to)
{
	return my_syscall3(__NR_dup3, from, to, 0);
}

static inline long k_pipe(int fds[2])
{
	return my_syscall2(__NR_pipe2, fds, O_CLOEXEC);
}

static inline long k_mkdir(const char *path, int mode)
{
	return my_syscall3(__NR_mkdirat, AT_FDCWD, path, mode);
}

static inline long k_unlink(const char *path, int flags)
{
	return my_syscall3(__NR_unlinkat, AT_FDCWD, path, flags);
}

static inline long k_symlink(const char *text, const char *path)
{
	return my_syscall3(__NR_symlinkat, text, AT_FDCWD, path);
}

static inline long k_readlink(const char *path, char *buf, size_t size)
{
	return my_syscall4(__NR_readlinkat, AT_FDCWD, path, buf, size);
}

static inline long k_chmod(const char *path, unsigned int mode)
{
	return my_syscall3(__NR_fchmodat, AT_FDCWD, path, mode);
}

static inline long k_mount(const char *from, const char *to, const char *type,
			   unsigned long flags, const char *options)
{
	return my_syscall5(__NR_mount, from, to, type, flags, options);
}

static inline long k_umount(const char *path, int flags)
{
	return my_syscall2(__NR_umount2, path, flags);
}

static inline long k_getdents(int fd, void *buf, size_t size)
{
	return my_syscall3(__NR_getdents64, fd, buf, size);
}

static inline long k_chdir(const char *path)
{
	return my_syscall1(__NR_chdir, path);
}

static inline long k_chroot(const char *path)
{
	return my_syscall1(__NR_chroot, path);
}

static inline long k_fork(void)
{
#if defined(__s390__)
	return my_syscall5(__NR_clone, 0, SIGCHLD, 0, 0, 0);
#else
	return my_syscall5(__NR_clone, SIGCHLD, 0, 0, 0, 0);
#endif
}

static inline long k_execve(const char *path, char *const argv[], char *const env[])
{
	return my_syscall3(__NR_execve, path, argv, env);
}

static inline _Noreturn void k_exit(int status)
{
	for (;;)
		my_syscall1(__NR_exit_group, status);
}

static inline long k_wait(int pid, int *status, int flags)
{
	return my_syscall4(__NR_wait4, pid, status, flags, 0);
}

static inline long k_kill(int pid, int sig)
{
	return my_syscall2(__NR_kill, pid, sig);
}

static inline long k_setsid(void)
{
	return my_syscall0(__NR_setsid);
}

static inline long k_poll(struct pollfd *fds, unsigned int nr, long ms)
{
	struct {
		long sec;
		long nsec;
	} ts = { ms / 1000, ms % 1000 * 1000000 };

	return my_syscall5(__NR_ppoll, fds, nr, ms < 0 ? NULL : &ts, 0, SIGNAL_MASK_SIZE);
}

#define BLOCK_SIGNALS	2	/* SIG_SETMASK; 3 on MIPS, which vmtool has no machine for */

static inline long k_sigmask(unsigned long mask)
{
	return my_syscall4(__NR_rt_sigprocmask, BLOCK_SIGNALS, &mask, 0, SIGNAL_MASK_SIZE);
}

static inline long k_signalfd(unsigned long mask)
{
	return my_syscall4(__NR_signalfd4, -1, &mask, SIGNAL_MASK_SIZE,
			   O_CLOEXEC | O_NONBLOCK);
}

/* A handler or a set of flags is not needed: zeroes are the default action. */
static inline long k_sigaction(int sig, unsigned long handler)
{
	unsigned long act[4] = { handler };

	return my_syscall4(__NR_rt_sigaction, sig, act, 0, SIGNAL_MASK_SIZE);
}

static inline void *k_alloc(size_t size)
{
	long ret = my_syscall6(__NR_mmap, 0, size, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return ret < 0 && ret > -4096 ? NULL : (void *)ret;
}

static inline void k_free(void *p, size_t size)
{
	if (p)
		my_syscall2(__NR_munmap, p, size);
}

#endif /* GUEST_SYS_H */
