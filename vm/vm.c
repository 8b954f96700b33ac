// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include <linux/kvm.h>

#include <linux/bits.h>
#include <linux/kernel.h>
#include <vmtool/arch.h>
#include <vmtool/device.h>
#include <vmtool/initramfs.h>
#include <vmtool/log.h>
#include <vmtool/vm.h>

/* A kernel that panicked and keeps printing, or spins in silence, is cut off. */
#define PANIC_GRACE_MS	2000
/* A kernel without a way to power off prints that it did, and stops there. */
#define HALT_GRACE_MS	500

#define VM_DEFAULT_PARAMS	256

static void vm_hold(void *priv)
{
	vcpus_hold(priv);
}

static void vm_kick(void *priv)
{
	vcpus_kick(priv);
}

static void vm_release(void *priv)
{
	vcpus_release(priv);
}

static int vm_reset_vcpus(struct vm *vm)
{
	unsigned int i;
	int ret;

	for (i = 0; i < vm->nr_vcpus; i++) {
		ret = arch_vcpu_reset(vm->vcpus[i]);
		if (ret) {
			log_err("cannot set up vCPU %u: %s", i, strerror(-ret));
			return ret;
		}
	}
	return 0;
}

static int vm_reset(void *priv)
{
	struct vm *vm = priv;
	int ret;

	ev_timer_set(&vm->loop, &vm->halt_timer, 0);
	vm->halting = false;
	devices_reset(vm);
	coalesce_watch(&vm->coalesce);
	ret = arch_vm_reset(vm);
	if (!ret)
		ret = arch_load(vm);
	if (!ret)
		ret = vm_reset_vcpus(vm);
	return ret;
}

static int vm_powerdown(void *priv)
{
	return arch_powerdown(priv);
}

static const struct run_ops vm_run_ops = {
	.hold = vm_hold,
	.kick = vm_kick,
	.release = vm_release,
	.reset = vm_reset,
	.powerdown = vm_powerdown,
};

static void vm_panic_over(struct ev_timer *timer)
{
	struct vm *vm = container_of(timer, struct vm, panic_timer);

	runstate_request(&vm->run, RUN_BY_GUEST_PANIC);
}

static void vm_halt_over(struct ev_timer *timer)
{
	struct vm *vm = container_of(timer, struct vm, halt_timer);

	runstate_request(&vm->run, RUN_BY_GUEST_POWEROFF);
}

static void vm_timed_out(struct ev_timer *timer)
{
	struct vm *vm = container_of(timer, struct vm, limit_timer);

	log_err("the guest did not end within %u seconds", vm->cfg->timeout);
	watchdog_sample(vm);
	runstate_request(&vm->run, RUN_BY_TIMEOUT);
}

static void vm_wake(struct evloop *loop)
{
	struct vm *vm = container_of(loop, struct vm, loop);

	if (vm->verdict.panicked && !vm->panicking) {
		vm->panicking = true;
		ev_timer_set(loop, &vm->panic_timer, PANIC_GRACE_MS);
	}
	if (vm->verdict.halted && !vm->halting) {
		vm->halting = true;
		ev_timer_set(loop, &vm->halt_timer, HALT_GRACE_MS);
	}
	halt_watch_service(&vm->halt_watch);
	term_service(&vm->term);
	runstate_service(&vm->run);
}

static enum console_event vm_judge(struct vm *vm, const void *buf, size_t len)
{
	enum console_event event;

	pthread_mutex_lock(&vm->console_lock);
	event = verdict_console(&vm->verdict, buf, len);
	__atomic_fetch_add(&vm->watchdog.printed, len, __ATOMIC_RELAXED);
	if (vm->hooks && vm->hooks->console)
		vm->hooks->console(vm->hooks_priv, buf, len);
	pthread_mutex_unlock(&vm->console_lock);
	return event;
}

static void vm_console_event(struct vm *vm, enum console_event event)
{
	stats_mark(&vm->marks, MARK_CONSOLE);
	if (event == CONSOLE_INIT)
		stats_mark(&vm->marks, MARK_INIT);
	else if (event == CONSOLE_PANIC_END)
		runstate_request(&vm->run, RUN_BY_GUEST_PANIC);
	else if (event != CONSOLE_NOTHING)
		ev_wake(&vm->loop);
}

void vm_console(struct vm *vm, const void *buf, size_t len)
{
	enum console_event event = vm_judge(vm, buf, len);

	term_output(&vm->term, buf, len);
	vm_console_event(vm, event);
}

size_t vm_try_console(struct vm *vm, const void *buf, size_t len)
{
	size_t n = term_try_output(&vm->term, buf, len);

	vm_console_event(vm, vm_judge(vm, buf, n));
	return n;
}

void vm_console_down(struct vm *vm, bool down)
{
	__atomic_store_n(&vm->verdict.console_down, down, __ATOMIC_SEQ_CST);
	/* It prints there from now on, and not on an early console. */
	if (!down)
		coalesce_unwatch(&vm->coalesce);
	ev_wake(&vm->loop);
}

void vm_panicked(struct vm *vm)
{
	bool printed;

	pthread_mutex_lock(&vm->console_lock);
	printed = vm->verdict.panicked;
	vm->verdict.panicked = true;
	if (!vm->verdict.hung)
		verdict_set(&vm->verdict, EXIT_GUEST_PANIC);
	pthread_mutex_unlock(&vm->console_lock);
	if (printed)
		runstate_request(&vm->run, RUN_BY_GUEST_PANIC);
	else
		ev_wake(&vm->loop);
}

void vm_console_lost(struct vm *vm, int err)
{
	log_err("console output is lost: %s", strerror(err));
	runstate_request(&vm->run, RUN_BY_HOST_ERROR);
}

void vm_set_hooks(struct vm *vm, const struct vm_hooks *hooks, void *priv)
{
	pthread_mutex_lock(&vm->console_lock);
	vm->hooks = hooks;
	vm->hooks_priv = priv;
	pthread_mutex_unlock(&vm->console_lock);
}

static void vm_signal(struct ev_source *src, u32 events)
{
	struct vm *vm = container_of(src, struct vm, signals);
	struct signalfd_siginfo info;

	if (read(src->fd, &info, sizeof(info)) != sizeof(info))
		return;
	switch (info.ssi_signo) {
	case SIGTSTP:
		term_suspend(&vm->term);
		break;
	case SIGCONT:
		term_resume(&vm->term);
		break;
	case SIGWINCH:
		term_resized(&vm->term);
		break;
	default:
		log_info("ended by signal %u (%s)", info.ssi_signo,
			 strsignal(info.ssi_signo));
		runstate_request(&vm->run, RUN_BY_HOST_SIGNAL);
		return;
	}
	if (vm->hooks && vm->hooks->signal)
		vm->hooks->signal(vm->hooks_priv, info.ssi_signo);
}

/* Before any thread is started: all of them inherit the mask. */
static int vm_catch_signals(struct vm *vm)
{
	static const int signals[] = {
		SIGINT, SIGTERM, SIGHUP, SIGTSTP, SIGCONT, SIGWINCH,
	};
	struct sigaction old;
	sigset_t set;
	int i, ret;

	sigemptyset(&set);
	for (i = 0; i < ARRAY_SIZE(signals); i++)
		sigaddset(&set, signals[i]);
	/* Who ran us by nohup meant it. */
	if (!sigaction(SIGHUP, NULL, &old) && old.sa_handler == SIG_IGN)
		sigdelset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);

	vm->signals.fn = vm_signal;
	vm->signals.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	ret = vm->signals.fd < 0 ? -errno : ev_add(&vm->loop, &vm->signals, EPOLLIN);
	if (ret)
		log_err("cannot wait for signals: %s", strerror(-ret));
	return ret;
}

static int vm_open_kvm(struct vm *vm)
{
	unsigned long type;
	int ret;

	vm->kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (vm->kvm_fd < 0) {
		ret = -errno;
		log_err("/dev/kvm: %s; %s", strerror(errno),
			errno == EACCES ? "add the user to the group that owns it" :
			"load the KVM module, or enable virtualization in the firmware");
		return ret;
	}
	ret = ioctl(vm->kvm_fd, KVM_GET_API_VERSION, 0);
	if (ret != KVM_API_VERSION) {
		log_err("/dev/kvm: not KVM with API version %d", KVM_API_VERSION);
		return ret < 0 ? -ENOTTY : -EPROTO;
	}
	ret = arch_vm_type(vm, &type);
	if (ret)
		return ret;
	vm->vm_fd = ioctl(vm->kvm_fd, KVM_CREATE_VM, type);
	if (vm->vm_fd < 0) {
		ret = -errno;
		log_err("cannot create a VM: %s", strerror(errno));
		return ret;
	}
	ret = ioctl(vm->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (ret < 0)
		return -errno;
	vm->run_size = ret;
	return 0;
}

static int vm_open_files(struct vm *vm)
{
	int ret;

	if (vm->cfg->image) {
		vm->kernel = *vm->cfg->image;
		vm->cfg->image->fd = -1;
		ret = 0;
	} else {
		ret = kernel_image_open(&vm->kernel, vm->cfg->kernel);
	}
	if (!ret && !(arch_kernel_protos & BIT(vm->kernel.proto))) {
		log_err("kernel %s: is of another architecture", vm->cfg->kernel);
		ret = -ENOEXEC;
	}
	if (ret)
		return ret;
	ret = initrd_open(&vm->initrd, vm->cfg->initrds, vm->cfg->nr_initrds);
	if (ret || !vm->cfg->initramfs)
		return ret;
	return initrd_add_memory(&vm->initrd, vm->cfg->initramfs->fd,
				 vm->cfg->initramfs->size);
}

bool vm_has_param(const char *params, const char *word)
{
	size_t len = strlen(word);
	const char *p;

	for (p = params; (p = strstr(p, word)); p += len)
		if ((p == params || p[-1] == ' ') && (!p[len] || p[len] == ' '))
			return true;
	return false;
}

#ifdef CONFIG_VIRTIO_CONSOLE
/* Has the kernel the drivers, built in and not as modules? Each is known by its name. */
static bool vm_kernel_has_console(struct vm *vm)
{
	bool mmio = vm->cfg->transport == VIRTIO_TRANSPORT_MMIO;

	return kernel_image_has(&vm->kernel, "virtio-ports") &&
	       kernel_image_has(&vm->kernel, mmio ? "virtio-mmio" : "virtio-pci");
}

/* What the last console= says, which is /dev/console to the guest; NULL without one. */
static const char *vm_console_param(const char *params)
{
	static const char name[] = "console=";
	const char *p = params, *value = NULL;

	while ((p = strstr(p, name))) {
		bool whole = p == params || p[-1] == ' ';

		p += strlen(name);
		if (whole)
			value = p;
	}
	return value;
}

/* Who boots without these finds no virtio device: its bus is in the ACPI tables. */
static bool vm_finds_console(const char *params)
{
	return !vm_has_param(params, "acpi=off") && !vm_has_param(params, "pci=off");
}

/*
 * Who names a console on the command line gets the terminal there, and not on
 * another one; the kernel's own default is not the virtio console.
 */
static bool vm_wants_virtio_console(struct vm *vm)
{
	const char *params = vm->cfg->params ?: "";
	const char *param = vm_console_param(params);

	if (vm->cfg->console != CONSOLE_AUTO)
		return vm->cfg->console == CONSOLE_VIRTIO;
	if (arch_serial_is_hvc)
		return false;
	if (param)
		return !strncmp(param, "hvc", 3);
	return !vm->cfg->nodefaults && vm_finds_console(params) && vm_kernel_has_console(vm);
}
#else
static bool vm_wants_virtio_console(struct vm *vm)
{
	return false;
}
#endif

static int vm_make_cmdline(struct vm *vm)
{
	const char *params = vm->cfg->params ?: "";
	char defaults[VM_DEFAULT_PARAMS] = "";

	vm->virtio_console = vm_wants_virtio_console(vm);
	if (!vm->cfg->nodefaults)
		arch_default_params(vm, defaults, sizeof(defaults));
	if (asprintf(&vm->cmdline, "%s%s%s", defaults,
		     *defaults && *params ? " " : "", params) < 0) {
		vm->cmdline = NULL;
		return -ENOMEM;
	}
	if (strlen(vm->cmdline) > vm->kernel.cmdline_max) {
		log_err("kernel command line: %zu bytes are too long: this kernel takes %u",
			strlen(vm->cmdline), vm->kernel.cmdline_max);
		return -E2BIG;
	}
	return 0;
}

static void vm_prepare(struct vm *vm, const struct vm_config *cfg)
{
	memset(vm, 0, sizeof(*vm));
#ifdef M_ARENA_MAX
	/* No thread allocates so much that it wants a heap of its own. */
	mallopt(M_ARENA_MAX, 1);
#endif
	vm->cfg = cfg;
	vm->kvm_fd = -1;
	vm->vm_fd = -1;
	vm->signals.fd = -1;
	vm->kernel.fd = -1;
	vm->loop.epfd = -1;
	vm->loop.wake.fd = -1;
	vm->panic_timer.fn = vm_panic_over;
	vm->halt_timer.fn = vm_halt_over;
	halt_watch_init(&vm->halt_watch, vm);
	vm->limit_timer.fn = vm_timed_out;
	INIT_LIST_HEAD(&vm->devices);
	pthread_mutex_init(&vm->console_lock, NULL);
	term_init(&vm->term, &vm->loop);
	term_set_use(&vm->term, cfg->term);
	bus_init(&vm->mmio, "mmio", cfg->trace_mmio);
	bus_init(&vm->pio, "port", cfg->trace_ports);
	coalesce_init(&vm->coalesce, vm);
	runstate_init(&vm->run, &vm->loop, &vm->verdict, &vm_run_ops, vm);
	vm->run.exit_on_reset = cfg->exit_on_reset;
}

/* Before anything is loaded: some of it describes what KVM's vCPUs turn out to be. */
static int vm_create_vcpus(struct vm *vm)
{
	int ret;

	if (vm->cfg->dry_run)
		return 0;
	ret = vm_catch_signals(vm);
	ret = ret ?: vcpus_create(vm);
	return ret ?: arch_vcpus_created(vm);
}

int vm_create(struct vm *vm, const struct vm_config *cfg)
{
	int ret;

	vm_prepare(vm, cfg);
	stats_mark(&vm->marks, MARK_CREATE);
	/* What the user may have got wrong comes first, what costs time last. */
	ret = arch_check_host();
	ret = ret ?: vm_open_files(vm);
	if (!ret)
		ret = vm_make_cmdline(vm);
	if (!ret && !cfg->dry_run)
		ret = vm_open_kvm(vm);
	if (ret)
		return ret;

	ret = evloop_init(&vm->loop);
	if (ret) {
		log_err("cannot set up the event loop: %s", strerror(-ret));
		return ret;
	}
	vm->loop.on_wake = vm_wake;
	gmem_init(&vm->gmem, vm->vm_fd);
	devpages_pool_init(&vm->pages, vm->vm_fd);
	ret = arch_vm_init(vm);
	ret = ret ?: vm_create_vcpus(vm);
	stats_mark(&vm->marks, MARK_VCPUS);
	ret = ret ?: arch_load(vm);
	stats_mark(&vm->marks, MARK_LOADED);
	/* All that was to be found in it is known. */
	kernel_image_forget(&vm->kernel);
	return ret ?: vm_reset_vcpus(vm);
}

int vm_run(struct vm *vm)
{
	int ret;

	clock_gettime(CLOCK_MONOTONIC, &vm->started);
	ret = term_start(&vm->term);
	if (ret) {
		log_err("cannot use the terminal: %s", strerror(-ret));
		return EXIT_VMTOOL_ERROR;
	}
	ret = ev_timer_set(&vm->loop, &vm->limit_timer, vm->cfg->timeout * 1000ULL);
	if (ret) {
		log_err("--timeout: %s", strerror(-ret));
		return EXIT_VMTOOL_ERROR;
	}
	ret = watchdog_start(vm);
	if (ret) {
		log_err("cannot watch the guest: %s", strerror(-ret));
		return EXIT_VMTOOL_ERROR;
	}
	coalesce_watch(&vm->coalesce);
	runstate_start(&vm->run);
	term_service(&vm->term);
	ret = evloop_run(&vm->loop);
	if (ret) {
		log_err("event loop: %s", strerror(-ret));
		verdict_set(&vm->verdict, EXIT_VMTOOL_ERROR);
	}
	vcpus_hold(vm);
	stats_mark(&vm->marks, MARK_EXIT);
	return vm->verdict.status;
}

void vm_destroy(struct vm *vm)
{
	watchdog_destroy(vm);
	vcpus_destroy(vm);
	term_destroy(&vm->term);
	irqchip_end(&vm->irqchip);
	devices_destroy(vm);
	irqchip_destroy(&vm->irqchip);
	coalesce_destroy(&vm->coalesce);
	arch_vm_destroy(vm);
	gmem_destroy(&vm->gmem);
	bus_destroy(&vm->pio);
	bus_destroy(&vm->mmio);
	initrd_close(&vm->initrd);
	kernel_image_close(&vm->kernel);
	free(vm->cmdline);
	ev_timer_destroy(&vm->panic_timer);
	ev_timer_destroy(&vm->halt_timer);
	halt_watch_destroy(&vm->halt_watch);
	ev_timer_destroy(&vm->limit_timer);
	if (vm->signals.fd >= 0)
		close(vm->signals.fd);
	evloop_destroy(&vm->loop);
	pthread_mutex_destroy(&vm->console_lock);
	if (vm->vm_fd >= 0)
		close(vm->vm_fd);
	if (vm->kvm_fd >= 0)
		close(vm->kvm_fd);
}

void vm_describe(struct vm *vm, FILE *out)
{
	static const char *const protos[] = {
		[KERNEL_PVH] = "PVH", [KERNEL_LINUX64] = "64-bit", [KERNEL_FDT] = "device tree",
		[KERNEL_ARM32] = "device tree, 32-bit",
	};
	const struct device *dev;

	fprintf(out, "name: %s\n", vm->cfg->name);
	fprintf(out, "kernel: %s\n", vm->cfg->kernel);
	fprintf(out, "entry: %s at 0x%llx\n", protos[vm->kernel.proto],
		(unsigned long long)(vm->kernel.base + vm->kernel.entry));
	fprintf(out, "cpus: %u\n", vm->cfg->nr_cpus);
	fprintf(out, "console: %s\n", vm->virtio_console ? "virtio" : "serial");
	fprintf(out, "memory: %llu bytes\n", (unsigned long long)vm->cfg->mem);
	arch_describe(vm, out);
	list_for_each_entry(dev, &vm->devices, node)
		fprintf(out, "device: %s\n", dev->name);
	fprintf(out, "command line: %s\n", vm->cmdline);
}
