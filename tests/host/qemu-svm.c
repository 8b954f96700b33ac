// SPDX-License-Identifier: GPL-2.0
/*
 * Mends what QEMU makes of an interrupt that KVM injects on an emulated AMD CPU; preloaded
 * into qemu-system-x86_64.
 *
 * helper_vmrun() of QEMU 7.2 writes the vector to exception_index, delivers the interrupt
 * itself, and leaves the vector there. Where the CPU's loop ends for another reason before
 * the guest exits (its instructions were counted off, another thread kicks it), the loop
 * takes the vector for an exception to come and delivers it again, though the guest is in
 * its handler with interrupts off: it deadlocks on a lock that the handler holds, or worse.
 *
 * So this store becomes a nop. A QEMU that was compiled to something else than what is
 * looked for stays as it is.
 */
#include <dlfcn.h>
#include <link.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <linux/types.h>

#define STORE_LEN	6
#define LOOK_BACK	80	/* bytes from the call, in which the store is */

/* mov $1,%edx; mov %rbx,%rdi; call */
static const __u8 call_code[] = { 0xba, 1, 0, 0, 0, 0x48, 0x89, 0xdf, 0xe8 };
static const __u8 nop6[STORE_LEN] = { 0x66, 0x0f, 0x1f, 0x44, 0, 0 };

/* movzbl %r12b,%esi: the vector out of event_inj */
static const __u8 vector_code[] = { 0x41, 0x0f, 0xb6, 0xf4 };

static int is_call(const __u8 *p, const void *function)
{
	__s32 rel;

	if (memcmp(p, call_code, sizeof(call_code)))
		return 0;
	memcpy(&rel, p + sizeof(call_code), sizeof(rel));
	return p + sizeof(call_code) + sizeof(rel) + rel == (const __u8 *)function;
}

/* mov %esi,DISP32(%rbx) with a negative displacement: CPUState lies before its env. */
static int is_store(const __u8 *p)
{
	return p[0] == 0x89 && p[1] == 0xb3 && p[5] == 0xff;
}

static __u8 *find_store(__u8 *call)
{
	__u8 *p, *found = NULL;

	for (p = call - LOOK_BACK; p < call; p++) {
		if (!memcmp(p, vector_code, sizeof(vector_code)))
			found = p;
	}
	if (!found)
		return NULL;
	for (p = found; p < call - STORE_LEN; p++) {
		if (is_store(p))
			return p;
	}
	return NULL;
}

static int patch(__u8 *store)
{
	uintptr_t page = sysconf(_SC_PAGESIZE), from = (uintptr_t)store & -page;
	size_t len = ((uintptr_t)store + STORE_LEN - from + page - 1) & -page;

	if (mprotect((void *)from, len, PROT_READ | PROT_WRITE | PROT_EXEC))
		return 0;
	memcpy(store, nop6, sizeof(nop6));
	mprotect((void *)from, len, PROT_READ | PROT_EXEC);
	return 1;
}

static int patched;

/* The first object is the program. */
static int patch_program(struct dl_phdr_info *info, size_t size, void *function)
{
	const size_t tail = sizeof(call_code) + sizeof(__s32);
	__u8 *text, *p, *store;
	int i;

	(void)size;
	for (i = 0; i < info->dlpi_phnum; i++) {
		__auto_type ph = &info->dlpi_phdr[i];

		if (ph->p_type != PT_LOAD || !(ph->p_flags & PF_X))
			continue;
		text = (__u8 *)(info->dlpi_addr + ph->p_vaddr);
		for (p = text + LOOK_BACK; p + tail < text + ph->p_memsz; p++) {
			store = is_call(p, function) ? find_store(p) : NULL;
			if (store)
				patched += patch(store);
		}
	}
	return 1;
}

__attribute__((constructor)) static void mend(void)
{
	void *function = dlsym(RTLD_DEFAULT, "do_interrupt_x86_hardirq");

	if (function)
		dl_iterate_phdr(patch_program, function);
	if (!patched)
		fputs("qemu-svm: this QEMU is not known, and is left as it is\n", stderr);
}
