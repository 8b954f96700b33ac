# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# 9P shares: what a host call that fails does to the guest's requests.

9p_prepare() {
	rm -rf share && mkdir share && ln -s target share/l &&
		{ printf 'some text' && head -c 8183 /dev/zero; } > share/f || return
	setfattr -n user.a -v value share/f 2> /dev/null || [[ " $* " != *x\ * ]] ||
		skip "no extended attributes here"
}

# p9 TEXT EXPECTED INJECTIONS STEP...: the session is as good afterwards as it was.
p9() {
	inject_case 9p "$1" "${2:+$2; }end ok" "${@:3}"
}

# p9_both STEP RESULT CALL [WHEN]: the host's errors are the guest's, once; what may be
# interrupted is done again.
p9_both() {
	local step=$1 result=$2 call=$3 when=${4:-1} error

	for error in EIO ENOSPC ENOMEM EAGAIN; do
		p9 "$error of $call: $step" "$step $error; $step $result" \
			"$call:error=$error:when=$when" "$step" "$step"
	done
	p9 "EINTR of $call: $step" "$step $result; $step $result" \
		"$call:error=EINTR:when=$when..$((when + 2))" "$step" "$step"
}

p9 'no errors' "walk ok; open ok; create ok; read 8192; write 8192; sync ok; dsync ok; list ok; \
mkdir ok; mknod ok; symlink ok; link ok; rename ok; readlink ok; chmod ok; chown ok; size ok; \
times ok; getattr ok; statfs ok; lock 0" '' walk open create read write sync dsync list mkdir \
	mknod symlink link rename readlink chmod chown size times getattr statfs lock
p9 'no errors, attributes' 'setx ok; getx 5; listx 7; remx ok; getx ENODATA' '' \
	setx getx listx remx getx

p9_both read 8192 preadv
p9_both write 8192 pwritev
p9_both sync ok fsync
p9_both dsync ok fdatasync
p9_both list ok getdents64
p9_both mkdir ok mkdirat
p9_both mknod ok mknodat
p9_both symlink ok symlinkat
p9_both link ok linkat
p9_both rename ok renameat2
p9_both readlink ok readlinkat
p9_both chmod ok fchmodat
p9_both chown ok fchownat
p9_both size ok ftruncate
p9_both times ok utimensat
p9_both statfs ok fstatfs
p9_both setx ok setxattr
p9_both getx 5 getxattr
p9_both listx 7 listxattr
for error in EIO ENOSPC; do
	p9 "$error of removexattr: remx" "remx $error; remx ok" \
		removexattr:error=$error:when=1 remx remx
done
p9 'EINTR of removexattr: remx' 'remx ok; getx ENODATA' removexattr:error=EINTR:when=1..3 remx getx
# The first one asks whether there is openat2().
p9_both walk ok openat2 2
# The first one is the root's; getting attached takes another.
p9_both getattr ok statx 3

# Short is short, and the next request goes on from there.
p9 'a short read' 'read 100; read 8192' preadv:retval=100:when=1 read read
p9 'a read of nothing' 'read 0; read 8192' preadv:retval=0:when=1 read read
p9 'writes are always short' 'write 8192; write 8192' pwritev:retval=64 write write
p9 'a short write goes on' 'write 8192; write 8192' pwritev:retval=4096:when=1 write write
p9 'a write of nothing' 'write 0; write 8192' pwritev:retval=0:when=1 write write

# EAGAIN is what a lock is refused by; for others there is a status of its own.
p9 'a lock that is held' 'lock 1; lock 0' fcntl:error=EAGAIN:when=1 lock lock
p9 'a lock that is held, in POSIX terms' 'lock 1; lock 0' fcntl:error=EACCES:when=1 lock lock
for error in EIO ENOLCK ENOMEM; do
	p9 "$error of a lock" 'lock 2; lock 0' fcntl:error=$error:when=1 lock lock
done
p9 'EINTR of a lock' 'lock 0; lock 0' fcntl:error=EINTR:when=1..3 lock lock

# No descriptors.
p9 'openat2(): EMFILE' 'walk ENFILE; walk ok' openat2:error=EMFILE:when=2 walk walk
inject_case 9p 'openat2(): ENOSYS' 'realize: ENOSYS' openat2:error=ENOSYS walk
inject_case 9p 'the root cannot be seen' 'realize: EIO' statx:error=EIO walk
p9 'unshare() is refused' 'mkdir ok' unshare:error=EPERM mkdir
