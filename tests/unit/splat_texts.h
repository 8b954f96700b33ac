/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TESTS_SPLAT_TEXTS_H
#define TESTS_SPLAT_TEXTS_H

#include <vmtool/splat.h>

/*
 * What kernels print, as of the printk formats of 6.1 and 6.12, without time stamps.
 */

/**
 * struct report - a report of a kernel
 * @what: name of the case
 * @kind: what it is
 * @also: something else that it counts as, or SPLAT_KINDS
 * @text: what is printed
 * @after: how many of the last lines do not belong to it
 */
struct report {
	const char *what;
	enum splat_kind kind;
	enum splat_kind also;
	const char *text;
	int after;
};

#define RULER	"==================================================================\n"
#define REGS								\
	"RAX: ffffffff81222d16 RBX: ffff888000b23000 RCX: c0000000ffffefff\n"	\
	"CR2: 0000000000000000 CR3: 0000000000b0c000 CR4: 00000000003106b0\n"
#define TRACE								\
	"Call Trace:\n"							\
	" <TASK>\n"							\
	" ? lkdtm_do_action+0x17/0x19\n"				\
	" direct_entry+0xab/0xc2 [lkdtm]\n"				\
	" entry_SYSCALL_64_after_hwframe+0x4b/0xb5\n"			\
	"RIP: 0033:0x47b7a0\n"						\
	"Code: 40 00 48 c7 c2 e0 ff ff ff <48> 3d 00 f0 ff ff 77\n"	\
	REGS								\
	" </TASK>\n"
#define CPU_LINE	"CPU: 0 PID: 31 Comm: init Not tainted 6.1.192 #1\n"
#define ARM_TRACE							\
	"pstate: 60400005 (nZCv daif +PAN -UAO -TCO -DIT -SSBS BTYPE=--)\n"	\
	"pc : lkdtm_WARNING+0x24/0x30\n"				\
	"lr : lkdtm_do_action+0x24/0x48\n"				\
	"sp : ffff80000b3cbc20\n"					\
	"x29: ffff80000b3cbc20 x28: ffff0000c0a3ab80 x27: 0000000000000000\n" \
	"Call trace:\n"							\
	" lkdtm_WARNING+0x24/0x30\n"					\
	" direct_entry+0x124/0x1c0\n"					\
	" el0t_64_sync+0x18c/0x190\n"
#define AFTER	"random: crng init done\nEXT4-fs (vda): mounted filesystem\n"

static const struct report reports[] = {
	{ "x86 panic", SPLAT_PANIC, SPLAT_KINDS,
	  "Kernel panic - not syncing: sysrq triggered crash\n" CPU_LINE TRACE
	  "Kernel Offset: disabled\n---[ end Kernel panic - not syncing: sysrq triggered crash ]---\n"
	  AFTER, 2 },
	{ "x86 page fault of 6.1", SPLAT_OOPS, SPLAT_KINDS,
	  "BUG: unable to handle page fault for address: ffffc90000000000\n"
	  "#PF: supervisor write access in kernel mode\n"
	  "#PF: error_code(0x0002) - not-present page\nPGD 800067 P4D 800067 PUD 0\n"
	  "Oops: 0002 [#1] PREEMPT SMP\n" CPU_LINE "RIP: 0010:lkdtm_EXCEPTION+0x5/0xd\n" REGS TRACE
	  "Modules linked in: lkdtm\n---[ end trace 0000000000000000 ]---\n" AFTER, 2 },
	{ "x86 null pointer that ends in a panic", SPLAT_OOPS, SPLAT_PANIC,
	  "BUG: kernel NULL pointer dereference, address: 0000000000000000\n"
	  "Oops: 0002 [#1] SMP\n" CPU_LINE TRACE
	  "Kernel panic - not syncing: Fatal exception\n"
	  "---[ end Kernel panic - not syncing: Fatal exception ]---\n" AFTER, 2 },
	{ "x86 general protection fault of 6.1", SPLAT_OOPS, SPLAT_KINDS,
	  "general protection fault, probably for non-canonical address 0xdead000000000100: 0000 [#1] PREEMPT SMP\n"
	  CPU_LINE TRACE "---[ end trace 0000000000000000 ]---\n" AFTER, 2 },
	{ "x86 general protection fault of 6.12", SPLAT_OOPS, SPLAT_KINDS,
	  "Oops: general protection fault, probably for non-canonical address 0xdead000000000100: 0000 [#1] PREEMPT SMP\n"
	  CPU_LINE TRACE "---[ end trace 0000000000000000 ]---\n" AFTER, 2 },
	{ "x86 divide error", SPLAT_OOPS, SPLAT_KINDS,
	  "divide error: 0000 [#1] PREEMPT SMP NOPTI\n" CPU_LINE TRACE
	  "---[ end trace 0000000000000000 ]---\n" AFTER, 2 },
	{ "x86 BUG()", SPLAT_BUG, SPLAT_KINDS,
	  "------------[ cut here ]------------\nkernel BUG at drivers/misc/lkdtm/bugs.c:78!\n"
	  "invalid opcode: 0000 [#1] SMP\n" CPU_LINE "RIP: 0010:lkdtm_BUG+0x5/0x5\n" REGS
	  TRACE
	  "Modules linked in:\n---[ end trace 0000000000000000 ]---\n" AFTER, 2 },
	{ "x86 warning", SPLAT_WARNING, SPLAT_KINDS,
	  "------------[ cut here ]------------\n"
	  "WARNING: CPU: 0 PID: 31 at drivers/misc/lkdtm/bugs.c:85 lkdtm_WARNING+0x8/0xb\n"
	  CPU_LINE "RIP: 0010:lkdtm_WARNING+0x8/0xb\n" REGS TRACE
	  "---[ end trace 0000000000000000 ]---\n" AFTER, 2 },
	{ "a warning of 6.18", SPLAT_WARNING, SPLAT_KINDS,
	  "------------[ cut here ]------------\n"
	  "WARNING: drivers/misc/lkdtm/bugs.c:112 at lkdtm_WARNING+0x8/0x10, CPU#1: init/31\n"
	  TRACE "---[ end trace 0000000000000000 ]---\n" AFTER, 2 },
	{ "panic_on_warn", SPLAT_WARNING, SPLAT_PANIC,
	  "------------[ cut here ]------------\nWARNING: CPU: 0 PID: 31 at a.c:85 f+0x8/0xb\n"
	  TRACE "Kernel panic - not syncing: kernel: panic_on_warn set ...\n" TRACE
	  "---[ end Kernel panic - not syncing: kernel: panic_on_warn set ... ]---\n" AFTER, 2 },
	{ "KASAN", SPLAT_KASAN, SPLAT_KINDS,
	  RULER "BUG: KASAN: slab-out-of-bounds in kmalloc_oob_right+0xc1/0x5f0 [test_kasan]\n"
	  "Write of size 1 at addr ffff888003ae7173 by task init/31\n\n" CPU_LINE
	  "Call Trace:\n <TASK>\n dump_stack_lvl+0x34/0x44\n print_report+0x171/0x486\n </TASK>\n\n"
	  "Allocated by task 31:\n kasan_save_stack+0x1c/0x40\n kmalloc_oob_right+0x9a/0x5f0\n\n"
	  "The buggy address belongs to the object at ffff888003ae7100\n"
	  " which belongs to the cache kmalloc-128 of size 128\n"
	  "Memory state around the buggy address:\n"
	  ">ffff888003ae7100: 00 00 00 00 00 00 00 00 00 00 00 00 00 00 03 fc\n"
	  "                                                             ^\n" RULER AFTER, 2 },
	{ "KFENCE", SPLAT_KASAN, SPLAT_KINDS,
	  RULER "BUG: KFENCE: use-after-free read in test_use_after_free_read+0xb3/0x143\n\n"
	  "kfence-#24: 0x0000000013dfe4b1-0x00000000ca8f6f1d, size=32, cache=kmalloc-32\n\n"
	  CPU_LINE RULER AFTER, 2 },
	{ "KMSAN", SPLAT_KASAN, SPLAT_KINDS,
	  "=====================================================\n"
	  "BUG: KMSAN: uninit-value in do_something+0x12/0x34\n"
	  " do_something+0x12/0x34\n\n" CPU_LINE
	  "=====================================================\n" AFTER, 2 },
	{ "KCSAN", SPLAT_KCSAN, SPLAT_KINDS,
	  RULER "BUG: KCSAN: data-race in test_kernel_read / test_kernel_write\n\n"
	  "write to 0xffffffffc009a628 of 8 bytes by task 487 on cpu 0:\n test_kernel_write+0x1d/0x30\n"
	  " access_thread+0x89/0xd0\n\nread to 0xffffffffc009a628 of 8 bytes by task 488 on cpu 6:\n"
	  " test_kernel_read+0x10/0x20\n\nReported by Kernel Concurrency Sanitizer on:\n" CPU_LINE
	  RULER AFTER, 2 },
	{ "UBSAN of 6.1", SPLAT_UBSAN, SPLAT_KINDS,
	  "================================================================================\n"
	  "UBSAN: array-index-out-of-bounds in drivers/misc/lkdtm/bugs.c:373:16\n"
	  "index 8 is out of range for type 'char [8]'\n" CPU_LINE TRACE
	  "================================================================================\n" AFTER, 2 },
	{ "UBSAN of 6.12", SPLAT_UBSAN, SPLAT_KINDS,
	  "------------[ cut here ]------------\n"
	  "UBSAN: array-index-out-of-bounds in drivers/misc/lkdtm/bugs.c:373:16\n"
	  "index 8 is out of range for type 'char [8]'\n" CPU_LINE TRACE
	  "---[ end trace ]---\n" AFTER, 2 },
	{ "lockdep: circular", SPLAT_LOCKDEP, SPLAT_KINDS,
	  "======================================================\n"
	  "WARNING: possible circular locking dependency detected\n6.1.192 #1 Not tainted\n"
	  "------------------------------------------------------\n"
	  "init/31 is trying to acquire lock:\nffff888003ae7100 (&a){+.+.}-{3:3}, at: f+0x12/0x30\n\n"
	  "but task is already holding lock:\nffff888003ae7200 (&b){+.+.}-{3:3}, at: f+0x8/0x30\n\n"
	  "which lock already depends on the new lock.\n\n\nstack backtrace:\n" CPU_LINE TRACE
	  AFTER, 2 },
	{ "lockdep: recursive", SPLAT_LOCKDEP, SPLAT_KINDS,
	  "============================================\n"
	  "WARNING: possible recursive locking detected\n6.1.192 #1 Not tainted\n"
	  "stack backtrace:\n" CPU_LINE TRACE AFTER, 2 },
	{ "lockdep: wait context", SPLAT_LOCKDEP, SPLAT_KINDS,
	  "=============================\n[ BUG: Invalid wait context ]\n6.1.192 #1 Not tainted\n"
	  "stack backtrace:\n" CPU_LINE TRACE AFTER, 2 },
	{ "lockdep: RCU", SPLAT_LOCKDEP, SPLAT_KINDS,
	  "=============================\nWARNING: suspicious RCU usage\n6.1.192 #1 Not tainted\n"
	  "-----------------------------\nnet/core/dev.c:1 suspicious rcu_dereference_check() usage!\n"
	  "stack backtrace:\n" CPU_LINE TRACE AFTER, 2 },
	{ "RCU stall", SPLAT_RCU_STALL, SPLAT_KINDS,
	  "rcu: INFO: rcu_sched self-detected stall on CPU\n"
	  "rcu: \t0-....: (2099 ticks this GP) idle=9f24/1/0x4000000000000000 softirq=97/97 fqs=1050\n"
	  "\t(t=2100 jiffies g=-1103 q=3 ncpus=2)\n" CPU_LINE "RIP: 0010:lkdtm_SOFTLOCKUP+0xa/0xc\n"
	  TRACE AFTER, 2 },
	{ "RCU stall of others", SPLAT_RCU_STALL, SPLAT_KINDS,
	  "rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:\n"
	  "rcu: \t1-...!: (0 ticks this GP) idle=b8a4/1/0x4000000000000000 softirq=66/66 fqs=0\n"
	  "Sending NMI from CPU 0 to CPUs 1:\nNMI backtrace for cpu 1\n" CPU_LINE TRACE AFTER, 2 },
	{ "expedited RCU stall", SPLAT_RCU_STALL, SPLAT_KINDS,
	  "rcu: INFO: rcu_preempt detected expedited stalls on CPUs/tasks: { 1-.... } 6 jiffies s: 33 root: 0x2/.\n"
	  TRACE AFTER, 2 },
	{ "hung task", SPLAT_HUNG_TASK, SPLAT_KINDS,
	  "INFO: task init:32 blocked for more than 2 seconds.\n      Not tainted 6.1.192 #1\n"
	  "\"echo 0 > /proc/sys/kernel/hung_task_timeout_secs\" disables this message.\n"
	  "task:init            state:D stack:14464 pid:32    ppid:1      flags:0x00004000\n"
	  "Call Trace:\n <TASK>\n __schedule+0x32d/0x3d7\n schedule+0x52/0x86\n </TASK>\n" AFTER, 2 },
	{ "soft lockup", SPLAT_SOFT_LOCKUP, SPLAT_KINDS,
	  "watchdog: BUG: soft lockup - CPU#0 stuck for 22s! [init:31]\nModules linked in:\n" CPU_LINE
	  "RIP: 0010:lkdtm_SOFTLOCKUP+0xa/0xc\n" REGS TRACE AFTER, 2 },
	{ "hard lockup", SPLAT_HARD_LOCKUP, SPLAT_KINDS,
	  "watchdog: Watchdog detected hard LOCKUP on cpu 0\nModules linked in:\n" CPU_LINE
	  "RIP: 0010:lkdtm_HARDLOCKUP+0x3/0x5\n" REGS TRACE AFTER, 2 },
	{ "hard lockup of older kernels", SPLAT_HARD_LOCKUP, SPLAT_KINDS,
	  "NMI watchdog: Watchdog detected hard LOCKUP on cpu 0\n" TRACE AFTER, 2 },
	{ "BUG: without registers", SPLAT_BUG, SPLAT_KINDS,
	  "BUG: sleeping function called from invalid context at mm/slab.h:274\n"
	  "in_atomic(): 1, irqs_disabled(): 0, non_block: 0, pid: 31, name: init\n" CPU_LINE TRACE
	  AFTER, 2 },
	{ "BUG: scheduling while atomic", SPLAT_BUG, SPLAT_KINDS,
	  "BUG: scheduling while atomic: init/31/0x00000002\nModules linked in:\n" CPU_LINE TRACE
	  AFTER, 2 },
	{ "OOM", SPLAT_OOM, SPLAT_KINDS,
	  "tail invoked oom-killer: gfp_mask=0x140cca(GFP_HIGHUSER_MOVABLE|__GFP_COMP), order=0, oom_score_adj=0\n"
	  CPU_LINE TRACE "Mem-Info:\nactive_anon:1 inactive_anon:54201 isolated_anon:0\n"
	  "Node 0 DMA free:880kB boost:0kB min:120kB\nlowmem_reserve[]: 0 212 212 212\n"
	  "59 total pagecache pages\nTasks state (memory values in pages):\n"
	  "[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name\n"
	  "[     31]     0    31    54600    54273   483328        0             0 tail\n"
	  "oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),task=tail,pid=31,uid=0\n"
	  "Out of memory: Killed process 31 (tail) total-vm:218400kB, anon-rss:217088kB, file-rss:4kB, shmem-rss:0kB, UID:0 pgtables:472kB oom_score_adj:0\n"
	  AFTER, 2 },
	{ "OOM, whoever allocates", SPLAT_OOM, SPLAT_KINDS,
	  "tail invoked oom-killer: gfp_mask=0x140cca(GFP_KERNEL), order=0, oom_score_adj=0\n"
	  "Out of memory (oom_kill_allocating_task): Killed process 31 (tail) total-vm:1kB\n" AFTER, 2 },
	{ "OOM without its report", SPLAT_OOM, SPLAT_KINDS,
	  "Out of memory: Killed process 31 (tail) total-vm:218400kB, anon-rss:217088kB\n" AFTER, 2 },
	{ "OOM with nobody to kill", SPLAT_OOM, SPLAT_PANIC,
	  "init invoked oom-killer: gfp_mask=0x140cca(GFP_KERNEL), order=0, oom_score_adj=0\n"
	  TRACE "Out of memory and no killable processes...\n"
	  "Kernel panic - not syncing: System is deadlocked on memory\n" CPU_LINE
	  "---[ end Kernel panic - not syncing: System is deadlocked on memory ]---\n" AFTER, 2 },

	{ "arm64 page fault", SPLAT_OOPS, SPLAT_KINDS,
	  "Unable to handle kernel NULL pointer dereference at virtual address 0000000000000000\n"
	  "Mem abort info:\n  ESR = 0x0000000096000044\n  EC = 0x25: DABT (current EL), IL = 32 bits\n"
	  "Internal error: Oops: 0000000096000044 [#1] PREEMPT SMP\nModules linked in:\n" CPU_LINE
	  ARM_TRACE "Code: d503201f 52800000 b900001f (b9000000)\n---[ end trace 0000000000000000 ]---\n"
	  AFTER, 2 },
	{ "arm64 BUG()", SPLAT_BUG, SPLAT_KINDS,
	  "------------[ cut here ]------------\nkernel BUG at drivers/misc/lkdtm/bugs.c:78!\n"
	  "Internal error: Oops - BUG: 00000000f2000800 [#1] PREEMPT SMP\n" CPU_LINE ARM_TRACE
	  "Code: d503245f d503233f d4210000 (d4210000)\n---[ end trace 0000000000000000 ]---\n" AFTER, 2 },
	{ "arm64 warning", SPLAT_WARNING, SPLAT_KINDS,
	  "------------[ cut here ]------------\n"
	  "WARNING: CPU: 1 PID: 31 at drivers/misc/lkdtm/bugs.c:85 lkdtm_WARNING+0x24/0x30\n"
	  "Modules linked in:\n" CPU_LINE ARM_TRACE "---[ end trace 0000000000000000 ]---\n" AFTER, 2 },
	{ "arm64 soft lockup", SPLAT_SOFT_LOCKUP, SPLAT_KINDS,
	  "watchdog: BUG: soft lockup - CPU#0 stuck for 22s! [init:31]\n" CPU_LINE ARM_TRACE
	  AFTER, 2 },
	{ "arm64 atomic sleep", SPLAT_BUG, SPLAT_KINDS,
	  "BUG: sleeping function called from invalid context at mm/slab.h:274\n" CPU_LINE ARM_TRACE
	  AFTER, 2 },
	{ "powerpc page fault", SPLAT_OOPS, SPLAT_KINDS,
	  "BUG: Kernel NULL pointer dereference on write at 0x00000000\n"
	  "Faulting instruction address: 0xc0000000008a1b2c\n"
	  "Oops: Kernel access of bad area, sig: 11 [#1]\nLE PAGE_SIZE=64K MMU=Radix SMP NR_CPUS=2048 NUMA pSeries\n"
	  "Modules linked in:\n" CPU_LINE
	  "NIP:  c0000000008a1b2c LR: c0000000008a1b00 CTR: c0000000008a1ae0\n"
	  "NIP [c0000000008a1b2c] lkdtm_EXCEPTION+0x4c/0x60\n"
	  "LR [c0000000008a1b00] lkdtm_EXCEPTION+0x20/0x60\nCall Trace:\n"
	  "[c00000000b3cbc20] [c0000000008a1b00] lkdtm_EXCEPTION+0x20/0x60 (unreliable)\n"
	  "[c00000000b3cbca0] [c0000000008a0f44] lkdtm_do_action+0x24/0x40\n"
	  "--- interrupt: 3000 at 0x7fff8d2c5b14\nInstruction dump:\n60000000 39200000 <99290000> 38210020\n"
	  "---[ end trace 0000000000000000 ]---\n" AFTER, 2 },
	{ "powerpc data access", SPLAT_OOPS, SPLAT_KINDS,
	  "BUG: Unable to handle kernel data access on read at 0xdead000000000100\n"
	  "Oops: Kernel access of bad area, sig: 11 [#1]\n---[ end trace 0000000000000000 ]---\n" AFTER, 2 },
	{ "powerpc exception", SPLAT_OOPS, SPLAT_KINDS,
	  "Oops: Exception in kernel mode, sig: 5 [#1]\n---[ end trace 0000000000000000 ]---\n" AFTER, 2 },
	{ "powerpc hard lockup", SPLAT_HARD_LOCKUP, SPLAT_KINDS,
	  "watchdog: CPU 2 self-detected hard LOCKUP @ lkdtm_HARDLOCKUP+0x18/0x30\n" CPU_LINE
	  "Call Trace:\n[c00000000b3cbc20] [c0000000008a1b00] lkdtm_do_action+0x20/0x60\n" AFTER, 2 },
};

/* What is no report of the kernel. */
static const char *const no_reports[] = {
	"WARNING: You are running an unsupported configuration\n",
	"WARNING: workqueue cpumask: online intersect > possible intersect\n",
	"systemd[1]: BUG: unable to handle page fault\n",
	"x BUG: KASAN: y\n",
	"test: WARNING: CPU: 0 PID: 1 at a.c:1 f+0x1/0x2\n",
	"Oops: I did it again\n",
	"UBSAN: enabled\n",
	"INFO: task switching is fine\n",
	"rcu: Hierarchical RCU implementation.\n",
	"rcu: INFO: Stall ended before state dump start\n",
	"Internal error: none\n",
	"watchdog: Delayed init of the lockup detector failed: -19\n",
	"NMI watchdog: Enabled. Permanently consumes one hw-PMU counter.\n",
	"------------[ cut here ]------------\n",
	"---[ end trace 0000000000000000 ]---\n",
	RULER RULER,
	"Call Trace:\n <TASK>\n f+0x1/0x2\n </TASK>\n",
	"Out of memory\n",
	"Memory cgroup out of memory: Killed process 31 (tail) total-vm:1kB\n",
	"tail invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0\n" TRACE
	"memory: usage 1024kB, limit 1024kB, failcnt 17\n"
	"Memory cgroup out of memory: Killed process 31 (tail) total-vm:1kB\n",
	"abc: zzzz [#1]\n", "Abc: 0000 [#1]\n", "a 0000 [#1]\n", " [#1]\n", "[#1]\n", ": 0000 [#x]\n",
};

#endif /* TESTS_SPLAT_TEXTS_H */
