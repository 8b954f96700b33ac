# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Shared directories: what a host call that fails does to the guest's requests.

fs_prepare() {
	rm -rf dir && mkdir dir && head -c 6000 /dev/zero > dir/old && touch dir/one dir/two
}

# fs TEXT EXPECTED INJECTIONS STEP...
fs() {
	inject_case fs "$1" "$2; again ok" "$3" dir,tag "${@:4}"
}

all=(create:new write:new read:new append:new read:new fsync:new truncate:new release:new lookup:old
	open:old read:old list:. mkdir:sub unlink:one statfs:.)
fine='create new: 0; write new: 4096; read new: 4096; append new: 4096; read new: 8192; fsync new: 0'
fine+='; truncate new: 0; release new: 0; lookup old: 0; open old: 0; read old: 6000; list .: 4'
fine+='; mkdir sub: 0; unlink one: 0; statfs .: 0'

fs 'no errors' "$fine" '' "${all[@]}"

# What is interrupted is made again; the guest does not learn of it.
for call in openat2 statx openat preadv pwritev fsync ftruncate truncate getdents64 mkdirat unlinkat fstatfs; do
	fs "$call() is interrupted" "$fine" "?$call:error=EINTR:when=1..2" "${all[@]}"
done

# Real errors are the guest's to know, once; the next request works.
for error in EIO ENOSPC EDQUOT ENOMEM EAGAIN EFBIG; do
	fs "$error of a write" \
		"create new: 0; write new: $error; write new: 4096; read new: 4096" \
		"pwritev:error=$error:when=1" create:new write:new write:new read:new
done
for error in EIO ENOMEM EAGAIN ESTALE; do
	fs "$error of a read" "lookup old: 0; open old: 0; read old: $error; read old: 6000" \
		"preadv:error=$error:when=1" lookup:old open:old read:old read:old
	fs "$error of openat2() of a name" "lookup old: $error; lookup old: 0; lookup two: 0" \
		"openat2:error=$error:when=2" lookup:old lookup:old lookup:two
done
for error in EIO ENOSPC; do
	fs "$error of fsync()" "create new: 0; write new: 4096; fsync new: $error; fsync new: 0" \
		"fsync:error=$error:when=1" create:new write:new fsync:new fsync:new
	fs "$error of mkdirat()" "mkdir sub: $error; mkdir sub: 0" "mkdirat:error=$error:when=1" \
		mkdir:sub mkdir:sub
	fs "$error of creating a file" "create new: $error; create new: 0; write new: 4096" \
		"openat2:error=$error:when=2" create:new create:new write:new
done
fs 'EIO of a directory' 'list .: EIO; list .: 3' getdents64:error=EIO:when=1 list:. list:.
fs 'EIO of the file system' 'statfs .: EIO; statfs .: 0' fstatfs:error=EIO:when=1 statfs:. statfs:.
fs 'EIO of unlinkat()' 'unlink one: EIO; unlink one: 0; lookup one: ENOENT' \
	unlinkat:error=EIO:when=1 unlink:one unlink:one lookup:one

# No attributes of one entry: it is listed without its node.
fs 'EIO of one entry of a directory' 'list .: 2; list .: 3' openat2:error=EIO:when=2 list:. list:.

# A process that is out of descriptors: a table that is full, to the guest.
for error in EMFILE ENFILE; do
	fs "$error of names" 'lookup old: ENFILE; lookup old: 0' "openat2:error=$error:when=2" \
		lookup:old lookup:old
	fs "$error of new files" 'create new: ENFILE; create new: 0' "openat2:error=$error:when=2" \
		create:new create:new
done

# Short: what was moved is not moved again, and an end is an end only when it is one.
fs 'a short read' 'lookup old: 0; open old: 0; read old: 6000' preadv:retval=100:when=1 \
	lookup:old open:old read:old
fs 'a file that became shorter' 'lookup old: 0; open old: 0; read old: 0; read old: 6000' \
	preadv:retval=0:when=1 lookup:old open:old read:old read:old
fs 'short writes' 'create new: 0; write new: 4096; read new: 4096' pwritev:retval=7:when=1..3 \
	create:new write:new read:new
fs 'a write that does nothing' 'create new: 0; write new: EIO; write new: 4096' \
	pwritev:retval=0:when=1 create:new write:new write:new

# What the thread would like to have, and can do without.
fs 'no working directory of its own' "$fine" unshare:error=EPERM:when=1 "${all[@]}"

# A host that cannot share.
inject_case fs 'no openat2()' 'realize: ENOSYS' openat2:error=ENOSYS:when=1 dir,tag statfs:.
