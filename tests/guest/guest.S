/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A guest of a few KiB that does what its kernel command line says, in order:
 *
 *	do=WORD[:ARGUMENT],WORD[:ARGUMENT]...
 *
 * It is entered through PVH, or at its ELF entry when it was built without the
 * note (NO_PVH), and works in 32 bits without paging and interrupts, so that a
 * KVM which interprets code can run it as well. At the end of the list it halts.
 *
 *	print:TEXT	a line on the serial port; '_' stands for a space
 *	start:TEXT	the same without the end of the line
 *	burst:TEXT	the same as print, by one instruction ("rep outsb")
 *	panic, panicend, restart, halted	lines that Linux prints
 *	flood:N		N numbered lines of 64 characters, an instruction each; 0: for
 *			ever
 *	boot		count up a word that survives a reset, print "boot N"
 *	until:N		power off when "boot" has counted to N
 *	only:N		leave out the next word unless "boot" has counted to N
 *	echo		print what is typed until Ctrl-d, then "echoed N SUM",
 *			SUM as sum(1) has it
 *	sum		the same, without printing what is typed
 *	cpus:N		start the other CPUs until there are N, print "cpus N"
 *	busy:N		the same, and the others spin instead of halting
 *	button		wait for the power button, print "button"
 *	poweroff	by the ACPI sleep register
 *	acpi, kbd, cf9, triple	reset: ACPI register, keyboard controller, port
 *			0xcf9, triple fault
 *	pvpanic:N	write N to the pvpanic port
 *	spin, hlt	for ever
 *	sse		an SSE instruction on MMIO: no KVM emulates it
 *	mmio		go on where no memory is
 *	read:ADDRESS	print the 32-bit word at a hexadecimal address
 *	port:ADDRESS	print the byte that an I/O port gives
 *	write:ADDRESS	write a word there (0x600df00d)
 *	far:N		from here on 0x80000000 to 0xbfffffff are the addresses from
 *			N GiB on; of the others only the first GiB is left
 *	initrd		print "initrd SIZE FIRST-WORD"
 *	memory		print the memory map: "map START SIZE TYPE", hexadecimal
 *	args		print the whole command line
 */

#define COM1		0x3f8
#define LSR		(COM1 + 5)
#define PVPANIC		0x505
#define SLEEP_CONTROL	0x600
#define SLEEP_S5	0x34
#define RESET		0x602
#define RESET_VALUE	0x42
#define EVENT		0x603

#define LAPIC		0xfee00000
#define LAPIC_SVR	(LAPIC + 0xf0)
#define LAPIC_ICR	(LAPIC + 0x300)
#define ICR_INIT_OTHERS	0xc4500
#define ICR_SIPI_OTHERS	0xc4600
#define IOAPIC		0xfec00000
#define IOAPIC_DATA	(IOAPIC + 0x10)
#define IOAPIC_PIN20	0x38

#define NO_MEMORY	0xd0000000

/* Memory that is neither part of the image nor cleared by a reset. */
#define PAGE_TABLES	0x1c0000
#define STACK_TOP	0x1e0000
#define BOOTS		0x1f0000

/* The page in which the other CPUs start, and what they share with us. */
#define AP_PAGE		0x8000
#define AP_STARTED	(AP_PAGE + 0xff0)
#define AP_BUSY		(AP_PAGE + 0xff4)

#ifndef NO_PVH
	.section .note.Xen, "a", @note
	.balign	4
	.long	4, 4, 18
	.asciz	"Xen"
	.long	start
#endif

	.text

/* By the 64-bit boot protocol: %rsi has the boot parameters. */
	.code64
	.globl	start64
start64:
	lgdt	gdt_register
	movl	$STACK_TOP, %esp
	pushq	$8
	pushq	$leave_long_mode
	lretq

	.code32
leave_long_mode:
	movl	%cr0, %eax
	andl	$0x7fffffff, %eax
	movl	%eax, %cr0
	movl	$16, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss

	movl	0x228(%esi), %eax
	movl	%eax, cmdline
	movl	0x218(%esi), %eax
	movl	%eax, initrd_start
	movl	0x21c(%esi), %eax
	movl	%eax, initrd_size
	movzbl	0x1e8(%esi), %eax
	movl	%eax, map_entries
	leal	0x2d0(%esi), %eax
	movl	%eax, map
	movl	$20, map_stride
	jmp	begin

/* Through PVH: %ebx has struct hvm_start_info. */
start:
	movl	$STACK_TOP, %esp
	movl	24(%ebx), %eax
	movl	%eax, cmdline
	movl	40(%ebx), %eax
	movl	%eax, map
	movl	48(%ebx), %eax
	movl	%eax, map_entries
	movl	$24, map_stride
	cmpl	$0, 12(%ebx)
	je	begin
	movl	16(%ebx), %edx
	movl	(%edx), %eax
	movl	%eax, initrd_start
	movl	8(%edx), %eax
	movl	%eax, initrd_size

begin:
	cld
	movl	cmdline, %esi
1:	movl	(%esi), %eax
	andl	$0xffffff, %eax
	cmpl	$0x3d6f64, %eax		/* "do=" */
	je	2f
	cmpb	$0, (%esi)
	je	hlt
	incl	%esi
	jmp	1b
2:	addl	$3, %esi
	xorl	%ebp, %ebp

/* %esi: the next word of the list; %ebp: it is left out. */
next:
	movb	(%esi), %al
	call	is_end
	je	hlt
	movl	$words, %edx
1:	movl	(%edx), %edi
	testl	%edi, %edi
	jz	unknown
	movl	%esi, %ecx
2:	movb	(%ecx), %al
	cmpb	$0, (%edi)
	je	4f
	cmpb	%al, (%edi)
	jne	3f
	incl	%edi
	incl	%ecx
	jmp	2b
3:	addl	$8, %edx
	jmp	1b
4:	cmpb	$':', %al
	je	5f
	cmpb	$',', %al
	je	6f
	call	is_end
	jne	3b
	jmp	6f
5:	incl	%ecx
6:	movl	%ecx, %esi
7:	movb	(%esi), %al
	call	is_end
	je	9f
	cmpb	$',', %al
	je	8f
	incl	%esi
	jmp	7b
8:	incl	%esi
9:	testl	%ebp, %ebp		/* left out? */
	movl	$0, %ebp
	jnz	next
	pushl	%esi
	movl	%ecx, %esi		/* the argument */
	call	*4(%edx)
	popl	%esi
	jmp	next

unknown:
	movl	$text_unknown, %esi
	call	puts
	jmp	poweroff

/* Is %al behind the list? The answer is in the zero flag. */
is_end:
	testb	%al, %al
	jz	1f
	cmpb	$' ', %al
1:	ret

/* Printing: all of it preserves what it does not return. */
putc:
	pushl	%edx
	movw	$COM1, %dx
	outb	%al, %dx
	popl	%edx
	ret

newline:
	pushl	%eax
	movb	$'\n', %al
	call	putc
	popl	%eax
	ret

/* The text at %esi, up to a zero. */
puts:
	pushl	%eax
1:	lodsb
	testb	%al, %al
	jz	2f
	call	putc
	jmp	1b
2:	popl	%eax
	ret

space:
	pushl	%eax
	movb	$' ', %al
	call	putc
	popl	%eax
	ret

/* %eax in decimal. */
put_number:
	pusha
	xorl	%ecx, %ecx
	movl	$10, %ebx
1:	xorl	%edx, %edx
	divl	%ebx
	pushl	%edx
	incl	%ecx
	testl	%eax, %eax
	jnz	1b
2:	popl	%eax
	addb	$'0', %al
	call	putc
	decl	%ecx
	jnz	2b
	popa
	ret

/* The low %ecx hexadecimal digits of %eax. */
put_hex:
	pusha
	movl	%eax, %ebx
	shll	$2, %ecx
1:	subl	$4, %ecx
	movl	%ebx, %eax
	shrl	%cl, %eax
	andl	$15, %eax
	movb	hex_digits(%eax), %al
	call	putc
	testl	%ecx, %ecx
	jnz	1b
	popa
	ret

/* The decimal number at %esi, in %eax. */
get_number:
	xorl	%eax, %eax
	xorl	%ecx, %ecx
1:	movb	(%esi), %cl
	subb	$'0', %cl
	cmpb	$9, %cl
	ja	2f
	imull	$10, %eax
	addl	%ecx, %eax
	incl	%esi
	jmp	1b
2:	ret

/* The hexadecimal number at %esi, in %eax; lower case. */
get_hex:
	xorl	%eax, %eax
	xorl	%ecx, %ecx
1:	movb	(%esi), %cl
	subb	$'0', %cl
	cmpb	$9, %cl
	jbe	2f
	subb	$('a' - '0' - 10), %cl
	cmpb	$15, %cl
	ja	3f
2:	shll	$4, %eax
	addl	%ecx, %eax
	incl	%esi
	jmp	1b
3:	ret

do_print:
	call	do_start
	jmp	newline

do_start:
1:	lodsb
	call	is_end
	je	3f
	cmpb	$',', %al
	je	3f
	cmpb	$'_', %al
	jne	2f
	movb	$' ', %al
2:	call	putc
	jmp	1b
3:	ret

do_burst:
	movl	%esi, %edi
1:	movb	(%edi), %al
	call	is_end
	je	2f
	cmpb	$',', %al
	je	2f
	incl	%edi
	jmp	1b
2:	movl	%edi, %ecx
	subl	%esi, %ecx
	movw	$COM1, %dx
	rep outsb
	jmp	newline

do_panic:
	movl	$text_panic, %esi
	jmp	puts
do_panicend:
	movl	$text_panicend, %esi
	jmp	puts
do_restart:
	movl	$text_restart, %esi
	jmp	puts
do_halted:
	movl	$text_halted, %esi
	jmp	puts

do_args:
	movl	cmdline, %esi
	call	puts
	jmp	newline

do_flood:
	call	get_number
	movl	%eax, %ebp
	xorl	%ebx, %ebx
1:	movl	$line, %edi
	movl	$28, %ecx
2:	movl	%ebx, %eax
	shrl	%cl, %eax
	andl	$15, %eax
	movb	hex_digits(%eax), %al
	stosb
	subl	$4, %ecx
	jns	2b
	movl	$line, %esi
	movl	$64, %ecx
	movw	$COM1, %dx
	rep outsb
	incl	%ebx
	cmpl	%ebx, %ebp
	jne	1b
	xorl	%ebp, %ebp
	ret

do_boot:
	incl	BOOTS
	movl	$text_boot, %esi
	call	puts
	movl	BOOTS, %eax
	call	put_number
	jmp	newline

do_until:
	call	get_number
	cmpl	%eax, BOOTS
	jae	poweroff
	ret

do_only:
	call	get_number
	cmpl	%eax, BOOTS
	je	1f
	incl	%ebp
1:	ret

do_echo:
	movl	$1, echo
	jmp	receive
do_sum:
	movl	$0, echo

/* %edi counts what comes, %bx is the sum. */
receive:
	xorl	%edi, %edi
	xorl	%ebx, %ebx
	movw	$(COM1 + 2), %dx
	movb	$0xc7, %al		/* FIFO on and empty */
	outb	%al, %dx
	movw	$(COM1 + 4), %dx
	movb	$0x0b, %al		/* DTR, RTS, OUT2 */
	outb	%al, %dx
	movl	$text_ready, %esi
	call	puts
1:	movw	$LSR, %dx
2:	inb	%dx, %al
	testb	$1, %al
	jnz	3f
	pause
	jmp	2b
3:	movw	$COM1, %dx
	inb	%dx, %al
	cmpb	$4, %al
	je	4f
	incl	%edi
	rorw	$1, %bx
	movzbl	%al, %ecx
	addw	%cx, %bx
	cmpl	$0, echo
	je	1b
	outb	%al, %dx
	jmp	1b
4:	movl	$text_echoed, %esi
	call	puts
	movl	%edi, %eax
	call	put_number
	call	space
	movzwl	%bx, %eax
	call	put_number
	jmp	newline

do_busy:
	movl	$1, AP_BUSY
	jmp	start_cpus
do_cpus:
	movl	$0, AP_BUSY
start_cpus:
	call	get_number
	movl	%eax, %ebx
	movl	$ap_start, %esi
	movl	$AP_PAGE, %edi
	movl	$(ap_end - ap_start), %ecx
	rep movsb
	movl	$1, AP_STARTED
	movl	$0x1ff, LAPIC_SVR
	movl	$ICR_INIT_OTHERS, LAPIC_ICR
	movl	$(ICR_SIPI_OTHERS + AP_PAGE / 4096), LAPIC_ICR
1:	pause
	cmpl	%ebx, AP_STARTED
	jb	1b
	movl	$text_cpus, %esi
	call	puts
	movl	AP_STARTED, %eax
	call	put_number
	jmp	newline

	.code16
ap_start:
	xorw	%ax, %ax
	movw	%ax, %ds
	lock incl AP_STARTED
	cmpb	$0, AP_BUSY
1:	jne	1b
	cli
2:	hlt
	jmp	2b
ap_end:
	.code32

do_button:
	movl	$IOAPIC_PIN20, IOAPIC
	movl	$0x30, IOAPIC_DATA	/* vector 0x30, edge, not masked */
	movl	$text_waiting, %esi
	call	puts
	movw	$EVENT, %dx
1:	pause
	inb	%dx, %al
	testb	$1, %al
	jz	1b
	movl	$text_button, %esi
	jmp	puts

poweroff:
	movw	$SLEEP_CONTROL, %dx
	movb	$SLEEP_S5, %al
	outb	%al, %dx
	jmp	lives_on

do_acpi:
	movw	$RESET, %dx
	movb	$RESET_VALUE, %al
	outb	%al, %dx
	jmp	lives_on
do_kbd:
	movb	$0xfe, %al
	outb	%al, $0x64
	jmp	lives_on
do_cf9:
	movw	$0xcf9, %dx
	movb	$6, %al
	outb	%al, %dx
	jmp	lives_on

/* The instruction behind the one that ends a guest must never be executed. */
lives_on:
	movl	$text_alive, %esi
	call	puts
	jmp	hlt

do_triple:
	lidt	no_idt
	ud2

do_pvpanic:
	call	get_number
	movw	$PVPANIC, %dx
	outb	%al, %dx
	ret

spin:
	jmp	spin

hlt:
	cli
1:	hlt
	jmp	1b

do_sse:
	movl	%cr4, %eax
	orl	$0x600, %eax		/* OSFXSR, OSXMMEXCPT */
	movl	%eax, %cr4
	paddd	NO_MEMORY, %xmm0
	ret

do_mmio:
	movl	$NO_MEMORY, %eax
	jmp	*%eax

do_read:
	call	get_hex
	movl	%eax, %ebx
	movl	$text_read, %esi
	call	puts
	movl	(%ebx), %eax
	movl	$8, %ecx
	call	put_hex
	jmp	newline

do_write:
	call	get_hex
	movl	$0x600df00d, (%eax)
	ret

/*
 * In long mode, of which 32-bit code sees nothing but the paging: the first GiB where
 * it is, and the window, in pages of 2 MiB.
 */
do_far:
	call	get_number
	movl	%eax, %ebx
	movl	$PAGE_TABLES, %edi
	movl	$2048, %ecx
	xorl	%eax, %eax
	rep stosl
	movl	$(PAGE_TABLES + 0x1003), PAGE_TABLES
	movl	$(PAGE_TABLES + 0x2003), PAGE_TABLES + 0x1000
	movl	$(PAGE_TABLES + 0x3003), PAGE_TABLES + 0x1010
	movl	$(PAGE_TABLES + 0x2000), %edi
	xorl	%eax, %eax
	xorl	%edx, %edx
	call	fill_directory
	movl	%ebx, %eax
	shll	$30, %eax
	movl	%ebx, %edx
	shrl	$2, %edx
	call	fill_directory
	movl	$PAGE_TABLES, %eax
	movl	%eax, %cr3
	movl	%cr4, %eax
	orl	$0x20, %eax		/* PAE */
	movl	%eax, %cr4
	movl	$0xc0000080, %ecx	/* EFER: LME */
	rdmsr
	orl	$0x100, %eax
	wrmsr
	movl	%cr0, %eax
	orl	$0x80000000, %eax
	movl	%eax, %cr0
	ret

/* The GiB at %edx:%eax, in the directory at %edi. */
fill_directory:
	orl	$0x83, %eax		/* present, writable, large */
	movl	$512, %ecx
1:	movl	%eax, (%edi)
	movl	%edx, 4(%edi)
	addl	$8, %edi
	addl	$0x200000, %eax
	loop	1b
	ret

do_port:
	call	get_hex
	movl	%eax, %ebx
	movl	$text_port, %esi
	call	puts
	movl	%ebx, %edx
	inb	%dx, %al
	movl	$2, %ecx
	call	put_hex
	jmp	newline

do_initrd:
	movl	$text_initrd, %esi
	call	puts
	movl	initrd_size, %eax
	call	put_number
	testl	%eax, %eax
	jz	newline
	call	space
	movl	initrd_start, %eax
	movl	(%eax), %eax
	movl	$8, %ecx
	call	put_hex
	jmp	newline

do_memory:
	movl	map, %ebx
	movl	map_entries, %edi
1:	decl	%edi
	js	2f
	movl	$text_map, %esi
	call	puts
	movl	4(%ebx), %eax
	movl	$8, %ecx
	call	put_hex
	movl	(%ebx), %eax
	call	put_hex
	call	space
	movl	12(%ebx), %eax
	call	put_hex
	movl	8(%ebx), %eax
	call	put_hex
	call	space
	movl	16(%ebx), %eax
	call	put_number
	call	newline
	addl	map_stride, %ebx
	jmp	1b
2:	ret

	.section .rodata
	.balign	8
gdt:
	.quad	0, 0x00cf9b000000ffff, 0x00cf93000000ffff
gdt_register:
	.word	. - gdt - 1
	.quad	gdt
no_idt:
	.word	0
	.long	0

hex_digits:	.ascii "0123456789abcdef"
text_unknown:	.asciz "unknown word\n"
text_alive:	.asciz "still alive\n"
text_panic:	.asciz "[    1.234567] Kernel panic - not syncing: test\n"
text_panicend:	.asciz "[    1.234568] ---[ end Kernel panic - not syncing: test ]---\n"
text_restart:	.asciz "[    1.234567] reboot: Restarting system\n"
text_halted:	.asciz "[    1.234567] reboot: System halted\n"
text_boot:	.asciz "boot "
text_ready:	.asciz "ready\n"
text_echoed:	.asciz "\nechoed "
text_cpus:	.asciz "cpus "
text_waiting:	.asciz "waiting\n"
text_button:	.asciz "button\n"
text_read:	.asciz "read "
text_port:	.asciz "port "
text_initrd:	.asciz "initrd "
text_map:	.asciz "map "

	.data
	.balign	4
cmdline:	.long 0
initrd_start:	.long 0
initrd_size:	.long 0
map:		.long 0
map_entries:	.long 0
map_stride:	.long 0
echo:		.long 0
line:
	.fill	63, 1, '.'
	.byte	'\n'

	.macro	word name, function
	.section .rodata
.Lname\@:
	.asciz	"\name"
	.data
	.long	.Lname\@, \function
	.endm

words:
	word	print, do_print
	word	start, do_start
	word	burst, do_burst
	word	panic, do_panic
	word	panicend, do_panicend
	word	restart, do_restart
	word	halted, do_halted
	word	args, do_args
	word	flood, do_flood
	word	boot, do_boot
	word	until, do_until
	word	only, do_only
	word	echo, do_echo
	word	sum, do_sum
	word	cpus, do_cpus
	word	busy, do_busy
	word	button, do_button
	word	poweroff, poweroff
	word	acpi, do_acpi
	word	kbd, do_kbd
	word	cf9, do_cf9
	word	triple, do_triple
	word	pvpanic, do_pvpanic
	word	spin, spin
	word	hlt, hlt
	word	sse, do_sse
	word	mmio, do_mmio
	word	read, do_read
	word	write, do_write
	word	far, do_far
	word	port, do_port
	word	initrd, do_initrd
	word	memory, do_memory
	.long	0
