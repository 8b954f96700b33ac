// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vmtool/log.h>
#include <vmtool/outfile.h>

struct writer {
	void (*print)(const void *arg, FILE *out);
	const void *arg;
};

static int bad_file(const char *option, const char *path, int err)
{
	log_err("%s %s: %s", option, path, strerror(err));
	return -err;
}

static int check_directory(const char *option, const char *path)
{
	char *dir = strdup(path), *slash;
	int ret = 0;

	if (!dir)
		return -ENOMEM;
	slash = strrchr(dir, '/');
	if (slash)
		slash[1] = '\0';
	if (access(slash ? dir : ".", W_OK | X_OK)) {
		ret = -errno;
		log_err("%s %s: cannot write into its directory: %s", option, path,
			strerror(errno));
	}
	free(dir);
	return ret;
}

int outfile_check(const char *option, const char *path)
{
	struct stat st;

	if (!path)
		return 0;
	if (!*path) {
		log_err("%s '': is empty", option);
		return -EINVAL;
	}
	if (stat(path, &st) || S_ISREG(st.st_mode))
		return check_directory(option, path);
	if (S_ISDIR(st.st_mode))
		return bad_file(option, path, EISDIR);
	return access(path, W_OK) ? bad_file(option, path, errno) : 0;
}

static int print_to_fd(const struct writer *w, int fd)
{
	FILE *out = fdopen(fd, "w");
	int ret = 0;

	if (!out) {
		ret = -errno;
		close(fd);
		return ret;
	}
	w->print(w->arg, out);
	if (fflush(out) || ferror(out))
		ret = errno ? -errno : -EIO;
	if (fclose(out) && !ret)
		ret = -errno;
	return ret;
}

static int write_in_place(const struct writer *w, const char *path)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd < 0 ? -errno : print_to_fd(w, fd);
}

/* As open(O_CREAT) would have made it. */
static mode_t usual_mode(void)
{
	mode_t mask = umask(0);

	umask(mask);
	return 0666 & ~mask;
}

static int write_beside(const struct writer *w, const char *path, mode_t mode)
{
	char *tmp;
	int fd, ret;

	if (asprintf(&tmp, "%s.XXXXXX", path) < 0)
		return -ENOMEM;
	fd = mkostemp(tmp, O_CLOEXEC);
	if (fd < 0) {
		ret = -errno;
		free(tmp);
		return ret;
	}
	ret = fchmod(fd, mode) ? -errno : 0;
	if (ret)
		close(fd);
	else
		ret = print_to_fd(w, fd);
	if (!ret && rename(tmp, path))
		ret = -errno;
	if (ret)
		unlink(tmp);
	free(tmp);
	return ret;
}

int outfile_write(const char *path, void (*print)(const void *arg, FILE *out), const void *arg)
{
	struct writer w = { .print = print, .arg = arg };
	char *real = realpath(path, NULL);
	struct stat st;
	int ret;

	if (!real)
		return write_beside(&w, path, usual_mode());
	if (stat(real, &st) < 0)
		ret = -errno;
	else if (!S_ISREG(st.st_mode))
		ret = write_in_place(&w, real);
	else
		ret = write_beside(&w, real, st.st_mode & 0777);
	free(real);
	return ret;
}
