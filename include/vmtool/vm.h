/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_VM_H
#define VMTOOL_VM_H

#include <stdbool.h>
#include <stdio.h>
#include <time.h>
#include <linux/types.h>
#include <linux/list.h>
#include <vmtool/bus.h>
#include <vmtool/coalesce.h>
#include <vmtool/devpages.h>
#include <vmtool/evloop.h>
#include <vmtool/halt.h>
#include <vmtool/gmem.h>
#include <vmtool/irq.h>
#include <vmtool/kernel_image.h>
#include <vmtool/runstate.h>
#include <vmtool/stats.h>
#include <vmtool/term.h>
#include <vmtool/vcpu.h>
#include <vmtool/verdict.h>
#include <vmtool/watchdog.h>

struct initramfs;
struct pci_host;
struct virtio_dev;
struct vm_arch;

#define VM_NAME_MAX	64

/**
 * enum virtio_transport - how virtio devices are reached
 * @VIRTIO_TRANSPORT_PCI: modern virtio-pci
 * @VIRTIO_TRANSPORT_MMIO: virtio-mmio
 */
enum virtio_transport {
	VIRTIO_TRANSPORT_PCI,
	VIRTIO_TRANSPORT_MMIO,
};

/**
 * enum vm_console_kind - who has the user's terminal
 * @CONSOLE_AUTO: the one that the kernel is told to use; else the virtio console if
 *	the kernel has its drivers built in
 * @CONSOLE_SERIAL: the serial port
 * @CONSOLE_VIRTIO: the virtio console
 */
enum vm_console_kind {
	CONSOLE_AUTO,
	CONSOLE_SERIAL,
	CONSOLE_VIRTIO,
};

/**
 * struct vm_config - what the user asked for; plain data, no descriptor
 * @name: name of the guest, a valid file name
 * @nr_cpus: vCPUs
 * @mem: bytes of guest memory
 * @hugetlbfs: directory on hugetlbfs that backs the memory, or NULL
 * @kernel: path of the kernel
 * @image: the same, when it was opened already: the machine takes it over and sets
 *	its @fd to -1; or NULL
 * @initrds: paths of initrds
 * @nr_initrds: how many
 * @initramfs: one made in memory that comes behind them, finished; or NULL
 * @params: what the user adds to the kernel command line, or NULL
 * @devices: virtio devices, struct device_conf, in the guest's order
 * @transport: how they are reached
 * @console: who has the terminal
 * @term: who has stdin and stdout
 * @arch: what was asked for by arch_props, arch_conf_size bytes
 * @nodefaults: @params is the whole command line
 * @exit_on_reset: end when the guest resets
 * @timeout: seconds until the guest is ended, 0 for never
 * @hang: seconds that a guest may hang until it is ended, 0 for any time
 * @hang_idle: one that only waits hangs, too
 * @dry_run: build the machine without KVM and run nothing
 * @trace_ports: print every port access that exits
 * @trace_mmio: print every MMIO access that exits
 * @stats: file that gets what it has cost, or NULL
 * @start: when vmtool was started, by stats_now()
 */
struct vm_config {
	char name[VM_NAME_MAX];
	unsigned int nr_cpus;
	u64 mem;
	const char *hugetlbfs;
	const char *kernel;
	struct kernel_image *image;
	const char *const *initrds;
	int nr_initrds;
	const struct initramfs *initramfs;
	const char *params;
	struct list_head devices;
	enum virtio_transport transport;
	enum vm_console_kind console;
	enum term_use term;
	const void *arch;
	bool nodefaults;
	bool exit_on_reset;
	unsigned int timeout;
	unsigned int hang;
	bool hang_idle;
	bool dry_run;
	bool trace_ports;
	bool trace_mmio;
	const char *stats;
	u64 start;
};

/**
 * struct vm_hooks - who else wants to hear of the guest
 * @console: the guest's console has printed; on any thread, not to wait
 * @signal: SIGWINCH or SIGCONT came; in the event loop
 */
struct vm_hooks {
	void (*console)(void *priv, const void *buf, size_t len);
	void (*signal)(void *priv, int sig);
};

/**
 * struct vm - a virtual machine
 * @cfg: configuration, outlives the machine
 * @kvm_fd: /dev/kvm
 * @vm_fd: KVM's VM
 * @run_size: bytes of a vCPU's struct kvm_run mapping
 * @gmem: guest memory
 * @placed: end of the addresses that arch_place_memory() gave away, or 0
 * @pages: KVM's slots for registers that are read without an exit
 * @mmio: memory-mapped registers
 * @pio: I/O ports (x86)
 * @coalesce: writes that wait until a vCPU exits
 * @irqchip: interrupt lines
 * @pci: the PCI bus, NULL without
 * @nr_virtio_mmio: virtio-mmio devices
 * @loop: the event loop
 * @run: run state
 * @verdict: how it ended
 * @term: the user's terminal
 * @virtio_console: the virtio console has the terminal, else the serial port
 * @console_lock: guards the part of @verdict that reads the console, and @hooks
 * @hooks: who else wants to hear of the guest; may be NULL
 * @hooks_priv: passed to @hooks
 * @devices: in the order they were realized
 * @balloon: the memory balloon, for those who ask it for memory; NULL without one
 * @vcpus: cfg->nr_cpus entries
 * @nr_vcpus: those created
 * @group: how their threads are stopped and started
 * @panic_timer: ends a guest that panicked and says no more
 * @halt_timer: ends a guest that stopped without a way to power off
 * @halt_watch: the same for one whose console is off
 * @limit_timer: --timeout
 * @watchdog: --hang
 * @panicking: @panic_timer runs
 * @halting: @halt_timer runs
 * @signals: SIGINT and others, as events
 * @kernel: the kernel image
 * @initrd: initrds
 * @cmdline: kernel command line, owned
 * @started: CLOCK_MONOTONIC time of the start
 * @marks: when the guest came how far
 * @arch: private to the architecture
 */
struct vm {
	const struct vm_config *cfg;
	int kvm_fd;
	int vm_fd;
	size_t run_size;
	struct gmem gmem;
	u64 placed;
	struct devpages_pool pages;
	struct bus mmio;
	struct bus pio;
	struct coalesce coalesce;
	struct irqchip irqchip;
	struct pci_host *pci;
	unsigned int nr_virtio_mmio;
	struct evloop loop;
	struct runstate run;
	struct verdict verdict;
	struct term term;
	bool virtio_console;
	pthread_mutex_t console_lock;
	const struct vm_hooks *hooks;
	void *hooks_priv;
	struct list_head devices;
	struct virtio_dev *balloon;
	struct vcpu **vcpus;
	unsigned int nr_vcpus;
	struct vcpu_group group;
	struct ev_timer panic_timer;
	struct ev_timer halt_timer;
	struct halt_watch halt_watch;
	struct ev_timer limit_timer;
	struct watchdog watchdog;
	bool panicking;
	bool halting;
	struct ev_source signals;
	struct kernel_image kernel;
	struct initrd initrd;
	char *cmdline;
	struct timespec started;
	struct stats_marks marks;
	struct vm_arch *arch;
};

/**
 * struct vm_memory - a part of a machine's RAM
 * @gpa: guest physical address
 * @size: bytes
 */
struct vm_memory {
	u64 gpa;
	u64 size;
};

/**
 * vm_add_memory() - give a machine its RAM, backed by what was asked for
 * @vm: machine; for arch_vm_init()
 * @parts: where it is; together they are cfg->mem bytes
 * @nr: how many
 *
 * Return: 0, or -errno after a one-line message.
 */
int vm_add_memory(struct vm *vm, const struct vm_memory *parts, int nr);

/**
 * vm_create() - build the machine up to the first instruction
 * @vm: caller-owned
 * @cfg: configuration, must outlive @vm
 *
 * Return: 0, or -errno after a one-line message; vm_destroy() is called in
 * either case.
 */
int vm_create(struct vm *vm, const struct vm_config *cfg);

/**
 * vm_run() - run the guest until it ends
 * @vm: machine
 *
 * Return: exit status for the shell (cli.md's table).
 */
int vm_run(struct vm *vm);

/**
 * vm_destroy() - release everything, in reverse order
 * @vm: machine, also one that was only partly created
 */
void vm_destroy(struct vm *vm);

/**
 * vm_console() - what the guest's console prints
 * @vm: machine
 * @buf: output, in pieces of any size
 * @len: bytes
 *
 * For the thread of any vCPU, in the order of the device's output. Waits for a slow
 * reader, until the vCPUs are held.
 */
void vm_console(struct vm *vm, const void *buf, size_t len);

/**
 * vm_try_console() - the same for a device that must not wait
 * @vm: machine
 * @buf: output, in pieces of any size
 * @len: bytes
 *
 * For any thread. &term_ops.space tells when there is space for the rest.
 *
 * Return: bytes taken.
 */
size_t vm_try_console(struct vm *vm, const void *buf, size_t len);

/**
 * vm_console_down() - the driver of the console has let go of it, or taken it again
 * @vm: machine
 * @down: it has let go
 *
 * For any thread. Linux does so when it is about to restart or to halt, and cannot say
 * that any more: a triple fault is a restart from now on.
 */
void vm_console_down(struct vm *vm, bool down);

/**
 * vm_console_lost() - what the guest prints does not reach the user any more
 * @vm: machine
 * @err: errno
 *
 * For &term_ops.failed of who has the terminal: the guest is ended.
 */
void vm_console_lost(struct vm *vm, int err);

/**
 * vm_panicked() - the guest's kernel has told a device that it panicked
 * @vm: machine
 *
 * For any thread. Ends the guest, at once if the kernel has said so on its console as
 * well, and else when it has had two seconds for that: in an NMI Linux prints last.
 */
void vm_panicked(struct vm *vm);

/**
 * vm_has_param() - is that among the parameters of a kernel?
 * @params: kernel command line, or a part of it
 * @word: parameter, with its value if it has one
 *
 * Return: true when it is there as a word.
 */
bool vm_has_param(const char *params, const char *word);

/**
 * vm_set_hooks() - say who else wants to hear of the guest
 * @vm: created machine
 * @hooks: kept by reference; NULL for nobody: they are not called any more then
 * @priv: passed to @hooks
 */
void vm_set_hooks(struct vm *vm, const struct vm_hooks *hooks, void *priv);

/**
 * vm_describe() - print the machine and the kernel command line
 * @vm: created machine
 * @out: stream
 */
void vm_describe(struct vm *vm, FILE *out);

#endif /* VMTOOL_VM_H */
