/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_KERNEL_IMAGE_H
#define VMTOOL_KERNEL_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <linux/types.h>

struct gmem;

#define KERNEL_MAX_SEGMENTS	32
#define KERNEL_VERSION_LEN	128

/**
 * enum kernel_proto - how a kernel wants to be entered
 * @KERNEL_PVH: x86, 32-bit entry with struct hvm_start_info
 *	(Documentation/arch/x86 and the XEN_ELFNOTE_PHYS32_ENTRY note)
 * @KERNEL_LINUX64: x86, 64-bit entry with struct boot_params
 *	(Documentation/x86/boot.rst, "64-bit BOOT PROTOCOL")
 * @KERNEL_FDT: at its first instruction with a device tree
 *	(Documentation/arm64/booting.rst, Documentation/powerpc/booting.rst)
 * @KERNEL_ARM32: so, by a 32-bit ARM CPU (Documentation/arm/booting.rst)
 */
enum kernel_proto {
	KERNEL_PVH,
	KERNEL_LINUX64,
	KERNEL_FDT,
	KERNEL_ARM32,
};

/**
 * struct kernel_segment - one piece of a kernel
 * @paddr: guest physical address
 * @memsz: bytes in memory; what exceeds @filesz is zero
 * @filesz: bytes taken from the file
 * @offset: where they start in &kernel_image.fd
 */
struct kernel_segment {
	u64 paddr;
	u64 memsz;
	u64 filesz;
	u64 offset;
};

/**
 * struct kernel_image - a kernel, ready to be put into guest memory
 * @fd: what the segments are read from: the file itself, or a memfd that holds
 *	the inflated payload; owned by the image
 * @proto: how it is entered
 * @base: added to all other addresses here; 0 for a kernel that runs where it was
 *	linked, else the architecture sets it before kernel_image_load()
 * @entry: guest physical address of the entry point
 * @seg: segments, sorted by address, none overlap, all below 4 GiB
 * @nr_seg: segments in use
 * @start: lowest address of a segment
 * @end: one past the highest address the kernel needs at start (for a bzImage
 *	that decompresses itself this includes its init_size)
 * @cmdline_max: longest command line in bytes, without the final NUL
 * @initrd_max: highest address an initrd may occupy
 * @page_size: of the pages that it was built for, where that is known to matter; else 0
 * @setup: bytes for the setup header of struct boot_params, from offset 0x1f1
 *	on, for KERNEL_LINUX64; made up for a vmlinux. Its size is the most
 *	that the header's jump instruction can reach
 * @setup_len: bytes used in @setup
 * @inflated: bytes that were inflated on the host, 0 where the file is mapped
 * @big_endian: it runs in that byte order
 * @version: "6.1.0-18-amd64 (...)" where the image says so, else ""
 * @version_sought: @version is all that can be found
 * @rodata: private, of image_rodata()
 * @rodata_len: its bytes
 * @rodata_skip: bytes mapped in front of it
 * @rodata_mapped: it is a mapping, not allocated
 * @rodata_sought: it was read, if it could be
 */
struct kernel_image {
	int fd;
	enum kernel_proto proto;
	u64 base;
	u64 entry;
	struct kernel_segment seg[KERNEL_MAX_SEGMENTS];
	int nr_seg;
	u64 start;
	u64 end;
	u32 cmdline_max;
	u64 initrd_max;
	u32 page_size;
	u8 setup[0x90];
	size_t setup_len;
	u64 inflated;
	bool big_endian;
	char version[KERNEL_VERSION_LEN];
	bool version_sought;
	char *rodata;
	size_t rodata_len;
	u32 rodata_skip;
	bool rodata_mapped;
	bool rodata_sought;
};

/**
 * kernel_image_open() - recognise a kernel file and make it loadable
 * @ki: filled in
 * @path: file to open
 *
 * A bzImage's payload is inflated where a library for it was built in;
 * otherwise the image's own decompressor is used. What is wrong with a file is
 * printed in one line that names the file and the fault.
 *
 * Return: 0, and @ki is released by kernel_image_close(); -errno otherwise
 * (-ENOEXEC for what is no kernel, or a damaged one), with nothing to release.
 */
int kernel_image_open(struct kernel_image *ki, const char *path);

/**
 * kernel_image_open_fd() - the same for an open file
 * @ki: filled in
 * @fd: regular file, read from its start; owned by @ki on success only
 * @name: what to call it in messages
 *
 * Return: as kernel_image_open().
 */
int kernel_image_open_fd(struct kernel_image *ki, int fd, const char *name);

/**
 * kernel_image_close() - release what kernel_image_open() took
 * @ki: image; not touched when its @fd is -1
 */
void kernel_image_close(struct kernel_image *ki);

/**
 * kernel_image_load() - put all segments into guest memory
 * @ki: image
 * @gm: guest memory
 *
 * Maps what can be mapped; may be called again to restore a changed kernel.
 *
 * Return: 0, or -errno after a one-line message (-EFBIG when the guest's
 * memory is too small).
 */
int kernel_image_load(const struct kernel_image *ki, struct gmem *gm);

/**
 * kernel_image_version() - the version text, looked for at most once
 * @ki: image
 *
 * A vmlinux has no header that holds it: its read-only data is searched for
 * the "Linux version" banner on the first call.
 *
 * Return: a string owned by @ki, "" where none was found.
 */
const char *kernel_image_version(struct kernel_image *ki);

/**
 * kernel_image_has() - does a string of this kernel say just this?
 * @ki: image
 * @text: what a driver, say, calls itself
 *
 * Looked for in .rodata, with the NUL behind it.
 *
 * Return: true when it was found; false when not, and also for a kernel that only its
 * own decompressor can inflate.
 */
bool kernel_image_has(struct kernel_image *ki, const char *text);

/**
 * kernel_image_forget() - release what was read to look for strings
 * @ki: image; it can still be searched
 */
void kernel_image_forget(struct kernel_image *ki);

/**
 * kernel_image_find() - look for the default kernel
 * @arch: the kernel's name of the architecture ("x86", "arm64", "powerpc")
 * @images: image names below arch/@arch/boot, most wanted first, NULL at the end
 * @buf: receives the path
 * @size: bytes in @buf
 *
 * Searched: ./IMAGE, arch/@arch/boot/IMAGE and vmlinux here and in the build
 * directories that O= and KBUILD_OUTPUT name, then /boot/vmlinuz-RELEASE of the
 * running kernel.
 *
 * Return: 0, or -ENOENT after a one-line message that says where it looked.
 */
int kernel_image_find(const char *arch, const char *const *images,
		      char *buf, size_t size);

#define INITRD_MAX_FILES	16

/**
 * struct initrd - one or more initrd files, concatenated
 * @fd: the files, and one made in memory; owned by the initrd
 * @size: their sizes in bytes
 * @nr: files
 * @total: bytes in guest memory: each file but the last is padded with at least
 *	four zeroes to a page, which the kernel skips, so that all can be mapped
 */
struct initrd {
	int fd[INITRD_MAX_FILES + 1];
	u64 size[INITRD_MAX_FILES + 1];
	int nr;
	u64 total;
};

/**
 * initrd_open() - open initrd files
 * @rd: filled in
 * @paths: file names
 * @nr: how many, 0 makes an empty initrd
 *
 * Return: 0, and @rd is released by initrd_close(); -errno after a one-line
 * message otherwise.
 */
int initrd_open(struct initrd *rd, const char *const *paths, int nr);

/**
 * initrd_add_memory() - one more, that is no file of the user's
 * @rd: opened initrd, which may be empty
 * @fd: memfd, still the caller's
 * @size: bytes, not 0
 *
 * There is room for one. It is the last: what it has counts, and files that have to come
 * first (microcode) do.
 *
 * Return: 0, or -errno after a one-line message.
 */
int initrd_add_memory(struct initrd *rd, int fd, u64 size);

/**
 * initrd_close() - close the files
 * @rd: initrd
 */
void initrd_close(struct initrd *rd);

/**
 * initrd_load() - put the files into guest memory
 * @rd: initrd
 * @gm: guest memory
 * @gpa: page aligned address
 *
 * Return: 0, or -errno after a one-line message.
 */
int initrd_load(const struct initrd *rd, struct gmem *gm, u64 gpa);

#endif /* VMTOOL_KERNEL_IMAGE_H */
