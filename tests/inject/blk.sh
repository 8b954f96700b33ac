# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Disks: what a host call that fails does to the guest's requests.

blk_prepare() {
	local io=${1##*io=}

	truncate -s 1M disk.img || return
	# Where there is no io_uring these cases show nothing.
	[ "${io%%,*}" != uring ] || "$programs/blk_inject" "$1" read > probe 2>&1 ||
		return
	! grep -q '^realize' probe 2> /dev/null || skip "no io_uring here: $(cat probe)"
}

# blk TEXT EXPECTED INJECTIONS CONF STEP...
blk() {
	inject_case blk "$1" "$2" "$3" "disk.img,$4" "${@:5}"
}

# fine STEP...: what these print when nothing goes wrong.
fine() {
	local step text=()

	for step; do
		text+=("${step%:*} ${step#*:} ok 0 ioerr 0 unsupp 0 lost")
	done
	(IFS=';'; echo "${text[*]}" | sed 's/;/; /g')
}

# all_fine TEXT INJECTIONS CONF STEP...
all_fine() {
	blk "$1" "$(fine "${@:4}"); data ok" "${@:2}"
}

usual=(write:8 flush:1 read:8 zero:4 read:8 unmap:2 discard:2 read:8)
# One thread, so that calls can be counted.
alone='?clone3:error=EAGAIN:when=2+'
one_fails='0 ok 1 ioerr 0 unsupp 0 lost'

all_fine 'threads, no errors' '' io=threads "${usual[@]}"
all_fine 'io_uring, no errors' '' io=uring "${usual[@]}"

# Real errors are the guest's to know, once for each request; the next ones work.
for error in EIO ENOSPC EDQUOT EFBIG; do
	blk "$error of one write" \
		"$(fine write:1); write $one_fails; $(fine write:1 read:8); data ok" \
		"$alone pwritev:error=$error:when=2" io=threads write:1 write:1 write:1 read:8
	blk "$error of one write of many" \
		"write 7 ok 1 ioerr 0 unsupp 0 lost; $(fine write:8 read:8); data ok" \
		"$alone pwritev:error=$error:when=3" io=threads write:8 write:8 read:8
	blk "$error of all writes" "write 0 ok 8 ioerr 0 unsupp 0 lost; $(fine read:8); data ok" \
		"pwritev:error=$error" io=threads write:8 read:8
done
blk 'EIO of one read' "$(fine write:8 read:1); read $one_fails; $(fine read:8); data ok" \
	"$alone preadv:error=EIO:when=2" io=threads write:8 read:1 read:1 read:8
blk 'ENOSPC of one write, write-through' "$(fine write:1); write $one_fails; $(fine read:8); data ok" \
	"$alone pwritev:error=ENOSPC:when=2" io=threads through write:1 write:1 read:8
blk 'EIO of fdatasync(), write-through' "write $one_fails; write $one_fails; $(fine read:8); data ok" \
	"$alone fdatasync:error=EIO:when=1" io=threads through write:1 write:1 read:8

# What may pass is tried again; nobody learns of it.
for error in EINTR EAGAIN ENOMEM; do
	all_fine "$error of some writes" "pwritev:error=$error:when=1..3" io=threads write:8 read:8
	all_fine "$error of some reads" "preadv:error=$error:when=1..3" io=threads write:8 read:8
	all_fine "$error of some fallocate()" "fallocate:error=$error:when=1..2" io=threads \
		write:4 unmap:4 read:4
done
for error in EAGAIN ENOMEM; do
	blk "$error for ever" "write 0 ok 2 ioerr 0 unsupp 0 lost; data ok" \
		"pwritev:error=$error" io=threads write:2
done
blk 'a write that does nothing' "write $one_fails; $(fine write:8); data ok" \
	"$alone pwritev:retval=0:when=1" io=threads write:1 write:8
blk 'a read that finds the end' "$(fine write:8); read $one_fails; $(fine read:1); data ok" \
	"$alone preadv:retval=0:when=1" io=threads write:8 read:1 read:1

# A flush that failed once must not succeed later: the host may have dropped pages.
for error in EIO ENOSPC ENOMEM; do
	blk "$error of a flush" \
		"$(fine write:2); flush $one_fails; flush $one_fails; $(fine write:2); data ok" \
		"$alone fdatasync:error=$error:when=1" io=threads write:2 flush:1 flush:1 write:2
done
blk 'EIO of a flush, direct: the next one works' \
	"$(fine write:2); flush $one_fails; $(fine flush:1); data ok" \
	"$alone fdatasync:error=EIO:when=1" direct,io=threads write:2 flush:1 flush:1
all_fine 'EINTR of a flush' fdatasync:error=EINTR:when=1..3 io=threads write:2 flush:2

# What the file system does not know is done in another way, or was a hint.
for error in EOPNOTSUPP EINVAL ENOSYS; do
	all_fine "no fallocate(): $error" "fallocate:error=$error" io=threads "${usual[@]}"
done
blk 'no space for zeroes' "zero $one_fails; $(fine zero:4); data ok" \
	"$alone fallocate:error=ENOSPC:when=1" io=threads zero:1 zero:4
blk 'no space for zeroes, no fallocate()' "zero $one_fails; $(fine zero:4); data ok" \
	"$alone fallocate:error=EOPNOTSUPP pwritev:error=ENOSPC:when=1" io=threads zero:1 zero:4

# A host that is out of everything is slow.
all_fine 'no eventfd for the pool' eventfd2:error=EMFILE:when=5+ io=threads "${usual[@]}"
all_fine 'the pool cannot be watched' epoll_ctl:error=ENOSPC:when=6+ io=threads "${usual[@]}"
all_fine 'no threads for the pool' clone3:error=EAGAIN io=threads "${usual[@]}"
all_fine 'one thread for the pool' clone3:error=EAGAIN:when=2+ io=threads "${usual[@]}"

# What is asked of the image when it is opened.
all_fine 'locks are not known' fcntl:error=ENOLCK io=threads "${usual[@]}"
all_fine 'locks are interrupted' fcntl:error=EINTR:when=1 io=threads "${usual[@]}"
all_fine 'statx() is not known' statx:error=ENOSYS direct,io=threads "${usual[@]}"

# io_uring that is refused.
for error in EPERM ENOSYS ENOMEM EMFILE; do
	all_fine "io_uring_setup(): $error" "io_uring_setup:error=$error" io=auto "${usual[@]}"
done
blk 'io_uring_setup(): EPERM, and io=uring' 'realize: Operation not permitted' \
	io_uring_setup:error=EPERM:when=1 io=uring read
all_fine 'io_uring_setup(): EINVAL at first, as of old kernels' \
	io_uring_setup:error=EINVAL:when=1 io=uring "${usual[@]}"
all_fine 'files cannot be registered' io_uring_register:error=ENOMEM:when=1 io=auto "${usual[@]}"

# io_uring that has no time, or no memory, or no wish to go on.
for error in EINTR EAGAIN EBUSY ENOMEM; do
	all_fine "io_uring_enter(): $error, three times" "io_uring_enter:error=$error:when=1..3" \
		io=uring "${usual[@]}"
	all_fine "io_uring_enter(): $error, now and then" "io_uring_enter:error=$error:when=2+2" \
		io=uring "${usual[@]}"
done
for error in EAGAIN EBUSY EIO EBADR; do
	all_fine "io_uring_enter(): $error for ever" "io_uring_enter:error=$error" io=uring \
		"${usual[@]}"
done
all_fine 'no timer to try io_uring_enter() again' \
	'io_uring_enter:error=EAGAIN:when=1 timerfd_create:error=EMFILE' io=uring "${usual[@]}"
