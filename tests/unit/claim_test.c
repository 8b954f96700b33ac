// SPDX-License-Identifier: GPL-2.0
/*
 * Names of guests: who may have one, who has it, and what is left behind.
 */
#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <kselftest_harness.h>

#include "fake_guest.h"
#include "../../control/internal.h"

FIXTURE(claim) {
	char dir[128];
};

FIXTURE_SETUP(claim)
{
	fake_dir_make(self->dir, sizeof(self->dir));
	ASSERT_NE('\0', self->dir[0]);
}

FIXTURE_TEARDOWN(claim)
{
	fake_dir_remove(self->dir);
}

static bool file_exists(const char *dir, const char *file, struct stat *st)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	return !lstat(path, st);
}

/* A socket whose owner was killed. */
static bool leave_stale(const char *name)
{
	pid_t pid = fake_guest_start(name);

	return pid > 0 && !kill(pid, SIGKILL) && waitpid(pid, NULL, 0) == pid;
}

/* Nothing on stderr that a test expects to be said. */
static int quietly(int (*fn)(const void *arg), const void *arg)
{
	int saved = dup(2), null = open("/dev/null", O_WRONLY), ret;

	dup2(null, 2);
	ret = fn(arg);
	dup2(saved, 2);
	close(saved);
	close(null);
	return ret;
}

static int claim_it(const void *arg)
{
	struct control_claim claim;
	int ret = control_claim(&claim, arg);

	if (!ret)
		control_release(&claim);
	return ret;
}

TEST(names)
{
	static const char *const good[] = {
		"a", "A", "0", "_", "+", "a.b", "vm-1", "x-", "a..", "x.sock",
		"123456789012345678901234567890123456789012345678901234567890123",
	};
	static const char *const bad[] = {
		"", ".", "..", ".a", "-", "-a", "a/b", "/", "../x", "a b", "a\n", "\xc3\xa9",
		"a:b", "a\\", "*", "a\033", "~",
		"1234567890123456789012345678901234567890123456789012345678901234",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(good); i++)
		EXPECT_TRUE(rundir_name_valid(good[i])) TH_LOG("good %u", i);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT_FALSE(rundir_name_valid(bad[i])) TH_LOG("bad %u", i);
}

TEST_F(claim, bad_name)
{
	EXPECT_EQ(-EINVAL, quietly(claim_it, "../escape"));
	EXPECT_EQ(-EINVAL, quietly(claim_it, "a\033[2J"));
	EXPECT_EQ(-EINVAL, quietly(claim_it, ""));
}

TEST_F(claim, release_leaves_nothing)
{
	struct control_claim claim;
	struct stat st;

	ASSERT_EQ(0, control_claim(&claim, "one"));
	EXPECT_STREQ("one", claim.name);
	ASSERT_TRUE(file_exists(self->dir, "one.sock", &st));
	EXPECT_TRUE(S_ISSOCK(st.st_mode));
	EXPECT_NE(0, fcntl(claim.fd, F_GETFD) & FD_CLOEXEC);
	EXPECT_NE(0, fcntl(claim.fd, F_GETFL) & O_NONBLOCK);
	EXPECT_EQ(-EADDRINUSE, quietly(claim_it, "one"));
	/* The claim that failed has not harmed it. */
	EXPECT_TRUE(file_exists(self->dir, "one.sock", &st));
	control_release(&claim);
	EXPECT_EQ(0, rmdir(self->dir));
	/* Twice is not too often. */
	control_release(&claim);
}

TEST_F(claim, modes_do_not_depend_on_umask)
{
	mode_t masks[] = { 0, 022, 0777 };
	struct control_claim claim;
	struct stat st;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(masks); i++) {
		rmdir(self->dir);
		umask(masks[i]);
		ASSERT_EQ(0, control_claim(&claim, "m"));
		ASSERT_EQ(0, stat(self->dir, &st));
		EXPECT_EQ(0700, st.st_mode & 07777);
		ASSERT_TRUE(file_exists(self->dir, "m.sock", &st));
		EXPECT_EQ(0600, st.st_mode & 07777);
		control_release(&claim);
	}
}

TEST_F(claim, open_directory_is_refused)
{
	ASSERT_EQ(0, chmod(self->dir, 0750));
	EXPECT_EQ(-EPERM, quietly(claim_it, "x"));
	ASSERT_EQ(0, chmod(self->dir, 0701));
	EXPECT_EQ(-EPERM, quietly(claim_it, "x"));
	ASSERT_EQ(0, chmod(self->dir, 0700));
	EXPECT_EQ(0, claim_it("x"));
}

static int claim_as_nobody(const void *arg)
{
	if (setgid(65534) || setuid(65534))
		return 0;
	return claim_it("x");
}

static int claim_in_child(const void *arg)
{
	int status;

	if (!fork())
		_exit(-claim_as_nobody(arg));
	wait(&status);
	return -WEXITSTATUS(status);
}

/* Somebody made our directory before us and lets us in. */
TEST_F(claim, directory_of_another_user)
{
	struct stat st;

	if (geteuid())
		SKIP(return, "needs root to be somebody else");
	ASSERT_EQ(0, chmod(self->dir, 0755));
	EXPECT_EQ(-EPERM, quietly(claim_in_child, NULL));
	EXPECT_FALSE(file_exists(self->dir, "x.sock", &st));
}

TEST_F(claim, directory_that_is_none)
{
	char path[200];
	int fd;

	snprintf(path, sizeof(path), "%s/file", self->dir);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	close(fd);
	setenv("VMTOOL_RUNTIME_DIR", path, 1);
	EXPECT_GT(0, quietly(claim_it, "x"));
	unlink(path);
	/* A link may lead anywhere. */
	ASSERT_EQ(0, symlink("/tmp", path));
	EXPECT_GT(0, quietly(claim_it, "x"));
	snprintf(path, sizeof(path), "%s/missing/deeper", self->dir);
	setenv("VMTOOL_RUNTIME_DIR", path, 1);
	EXPECT_EQ(-ENOENT, quietly(claim_it, "x"));
}

TEST_F(claim, directory_too_long_for_an_address)
{
	struct control_claim claim;
	char path[400], **names;
	pid_t pid;
	int fd;

	snprintf(path, sizeof(path), "%s/%0200d", self->dir, 0);
	setenv("VMTOOL_RUNTIME_DIR", path, 1);
	ASSERT_EQ(0, control_claim(&claim, "far"));
	fd = control_connect("far", &pid);
	EXPECT_LE(0, fd);
	EXPECT_EQ(getpid(), pid);
	close(fd);
	ASSERT_EQ(1, control_find(&names));
	EXPECT_STREQ("far", names[0]);
	control_free_names(names, 1);
	control_release(&claim);
	EXPECT_EQ(-ENOENT, control_connect("far", &pid));
}

TEST_F(claim, default_names)
{
	struct control_claim a, b, c;
	char want[RUNDIR_NAME_MAX];

	ASSERT_EQ(0, control_claim(&a, NULL));
	ASSERT_EQ(0, control_claim(&b, NULL));
	ASSERT_EQ(0, control_claim(&c, NULL));
	snprintf(want, sizeof(want), "vm-%d", getpid());
	EXPECT_STREQ(want, a.name);
	snprintf(want, sizeof(want), "vm-%d.1", getpid());
	EXPECT_STREQ(want, b.name);
	snprintf(want, sizeof(want), "vm-%d.2", getpid());
	EXPECT_STREQ(want, c.name);
	control_release(&a);
	control_release(&b);
	control_release(&c);
	EXPECT_EQ(0, rmdir(self->dir));
}

TEST_F(claim, stale_sockets_are_swept)
{
	struct stat st;
	pid_t pid;

	ASSERT_TRUE(leave_stale("s"));
	ASSERT_TRUE(file_exists(self->dir, "s.sock", &st));
	EXPECT_EQ(-ENOENT, control_connect("s", &pid));
	EXPECT_FALSE(file_exists(self->dir, "s.sock", &st));

	ASSERT_TRUE(leave_stale("s"));
	EXPECT_EQ(0, claim_it("s"));
	EXPECT_FALSE(file_exists(self->dir, "s.sock", &st));
}

TEST_F(claim, other_files_are_left_alone)
{
	char path[200], **names;
	struct stat st;
	pid_t pid;

	snprintf(path, sizeof(path), "%s/file.sock", self->dir);
	close(open(path, O_CREAT | O_WRONLY, 0600));
	snprintf(path, sizeof(path), "%s/link.sock", self->dir);
	ASSERT_EQ(0, symlink("file.sock", path));
	EXPECT_EQ(-EEXIST, quietly(claim_it, "file"));
	EXPECT_EQ(-EEXIST, quietly(claim_it, "link"));
	EXPECT_EQ(-ENOENT, control_connect("file", &pid));
	EXPECT_EQ(-ENOENT, control_connect("link", &pid));
	EXPECT_TRUE(file_exists(self->dir, "file.sock", &st));
	EXPECT_TRUE(file_exists(self->dir, "link.sock", &st));
	EXPECT_EQ(0, control_find(&names));
	control_free_names(names, 0);
}

/* Connected to by so many that no more fit: in use all the same. */
TEST_F(claim, full_backlog_is_alive)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fds[8], fd = socket(AF_UNIX, SOCK_STREAM, 0), i, ret = 0;
	struct stat st;
	pid_t pid;

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%.90s/full.sock", self->dir);
	ASSERT_EQ(0, bind(fd, (struct sockaddr *)&sa, sizeof(sa)));
	ASSERT_EQ(0, listen(fd, 0));
	for (i = 0; i < 8 && ret >= 0; i++) {
		ret = control_connect("full", &pid);
		fds[i] = ret;
	}
	EXPECT_EQ(-EAGAIN, ret);
	EXPECT_EQ(-EADDRINUSE, quietly(claim_it, "full"));
	EXPECT_TRUE(file_exists(self->dir, "full.sock", &st));
	while (i--)
		if (fds[i] >= 0)
			close(fds[i]);
	close(fd);
}

/* Removed by hand and taken by another: not ours to remove any more. */
TEST_F(claim, release_spares_a_successor)
{
	struct control_claim a, b;
	char path[200];
	struct stat st;

	ASSERT_EQ(0, control_claim(&a, "n"));
	snprintf(path, sizeof(path), "%s/n.sock", self->dir);
	ASSERT_EQ(0, unlink(path));
	ASSERT_EQ(0, control_claim(&b, "n"));
	control_release(&a);
	EXPECT_TRUE(file_exists(self->dir, "n.sock", &st));
	control_release(&b);
	EXPECT_FALSE(file_exists(self->dir, "n.sock", &st));
}

#define RACERS	12

/* Claim when told to, say whether it worked, keep it until all have tried. */
static void race_one(int go, int won, int end, const char *name)
{
	struct control_claim claim;
	char c = 'n';
	int ret;

	dup2(open("/dev/null", O_WRONLY), 2);
	ret = read(go, &c, 1);
	ret = control_claim(&claim, name);
	c = !ret ? 'y' : ret == -EADDRINUSE ? 'n' : '!';
	if (write(won, &c, 1) != 1)
		_exit(1);
	if (!ret && !read(end, &c, 1))
		control_release(&claim);
	_exit(0);
}

static int race(const char *name, int *winners, int *odd)
{
	int go[2], won[2], end[2], i;
	char c;

	*winners = 0;
	*odd = 0;
	if (pipe(go) || pipe(won) || pipe(end))
		return -1;
	for (i = 0; i < RACERS; i++) {
		if (!fork()) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			close(end[1]);
			race_one(go[0], won[1], end[0], name);
		}
	}
	if (write(go[1], "xxxxxxxxxxxx", RACERS) != RACERS)
		return -1;
	for (i = 0; i < RACERS; i++) {
		if (read(won[0], &c, 1) != 1)
			return -1;
		*winners += c == 'y';
		*odd += c == '!';
	}
	close(end[1]);
	while (wait(NULL) > 0)
		;
	close(end[0]);
	close(go[0]);
	close(go[1]);
	close(won[0]);
	close(won[1]);
	return 0;
}

TEST_F(claim, one_winner)
{
	int round, winners, odd;
	struct stat st;

	for (round = 0; round < 30; round++) {
		/* Every other time a dead one is in the way. */
		if (round & 1)
			ASSERT_TRUE(leave_stale("race"));
		ASSERT_EQ(0, race("race", &winners, &odd));
		EXPECT_EQ(1, winners) TH_LOG("round %d", round);
		EXPECT_EQ(0, odd);
		EXPECT_FALSE(file_exists(self->dir, "race.sock", &st));
	}
}

/* Those who look must not take a new-born's socket for a dead one's. */
TEST_F(claim, sweepers_do_no_harm)
{
	struct timespec start, now;
	struct control_claim claim;
	pid_t looker[2], pid;
	struct stat st;
	int i;

	for (i = 0; i < 2; i++) {
		looker[i] = fork();
		if (!looker[i]) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			for (;;) {
				int fd = control_connect("new", &pid);

				if (fd >= 0)
					close(fd);
			}
		}
	}
	clock_gettime(CLOCK_MONOTONIC, &start);
	do {
		ASSERT_EQ(0, control_claim(&claim, "new"));
		ASSERT_TRUE(file_exists(self->dir, "new.sock", &st));
		control_release(&claim);
		ASSERT_FALSE(file_exists(self->dir, "new.sock", &st));
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (now.tv_sec - start.tv_sec < 3);
	for (i = 0; i < 2; i++) {
		kill(looker[i], SIGKILL);
		waitpid(looker[i], NULL, 0);
	}
}

/* A lock that is held for a while is waited for. */
TEST_F(claim, lock_is_waited_for)
{
	struct rundir dir;
	pid_t pid;

	ASSERT_EQ(0, rundir_open(&dir, true));
	pid = fork();
	if (!pid) {
		struct rundir own;

		_exit(rundir_open(&own, false) || rundir_lock(&own) ||
		      usleep(300000));
	}
	usleep(100000);
	EXPECT_EQ(0, claim_it("l"));
	EXPECT_EQ(0, fake_guest_wait(pid, 5));
	rundir_close(&dir);
}

static void dir_used(char *path, size_t size)
{
	struct rundir dir;

	path[0] = '\0';
	if (!rundir_open(&dir, true)) {
		snprintf(path, size, "%.*s", (int)size - 1, dir.path);
		rundir_close(&dir);
	}
}

/* In a child: the result as text, for a user and an environment. */
static void dir_for(uid_t uid, const char *xdg, char *path, size_t size)
{
	int fds[2];
	ssize_t n;

	if (pipe(fds))
		return;
	if (!fork()) {
		unsetenv("VMTOOL_RUNTIME_DIR");
		unsetenv("XDG_RUNTIME_DIR");
		if (xdg)
			setenv("XDG_RUNTIME_DIR", xdg, 1);
		if (uid && (setgid(uid) || setuid(uid)))
			_exit(1);
		dir_used(path, size);
		_exit(write(fds[1], path, strlen(path)) < 0);
	}
	close(fds[1]);
	n = read(fds[0], path, size - 1);
	path[n > 0 ? n : 0] = '\0';
	close(fds[0]);
	wait(NULL);
}

TEST_F(claim, where_guests_live)
{
	char path[200], want[200];

	if (geteuid())
		SKIP(return, "needs root to be somebody else");
	/* Root's place is the same in every session. */
	dir_for(0, self->dir, path, sizeof(path));
	EXPECT_STREQ("/run/vmtool", path);

	ASSERT_EQ(0, chown(self->dir, 61234, 61234));
	dir_for(61234, self->dir, path, sizeof(path));
	snprintf(want, sizeof(want), "%s/vmtool", self->dir);
	EXPECT_STREQ(want, path);
	/* Left over from another user's session, relative, or not there. */
	dir_for(61235, self->dir, path, sizeof(path));
	EXPECT_STREQ("/tmp/vmtool-61235", path);
	rmdir("/tmp/vmtool-61235");
	dir_for(61236, "run", path, sizeof(path));
	EXPECT_STREQ("/tmp/vmtool-61236", path);
	rmdir("/tmp/vmtool-61236");
	dir_for(61237, NULL, path, sizeof(path));
	EXPECT_STREQ("/tmp/vmtool-61237", path);
	rmdir("/tmp/vmtool-61237");
}

TEST_HARNESS_MAIN
