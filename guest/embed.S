/* SPDX-License-Identifier: GPL-2.0 */
/* The guest's init, as it was linked, for include/vmtool/guest_init.h. */
	.section .rodata, "a"
	.globl	guest_init, guest_init_size
	.type	guest_init, %object
	.balign	8
guest_init:
	.incbin "guest/init"
guest_init_end:
	.size	guest_init, . - guest_init

	.balign	8
	.type	guest_init_size, %object
guest_init_size:
#ifdef __LP64__
	.quad	guest_init_end - guest_init
#else
	.long	guest_init_end - guest_init
#endif
	.size	guest_init_size, . - guest_init_size

	.section .note.GNU-stack, "", %progbits
