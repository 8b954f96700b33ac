// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <linux/kvm.h>

#include <linux/kernel.h>
#include <vmtool/arch.h>
#include <vmtool/vcpu.h>
#include <vmtool/vm.h>

/* Only has to interrupt KVM_RUN; the flag beside it does the rest. */
#define VCPU_KICK_SIGNAL	SIGUSR1

#define VCPU_STACK_SIZE		(128 * 1024)

static void kick_handler(int sig)
{
}

static void print_insn(const struct kvm_run *run, char *buf, size_t size)
{
	size_t len = 0;
	u8 i, n = 0;

#ifdef KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES
	if (run->internal.ndata >= 3 && (run->emulation_failure.flags &
	     KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES))
		n = min_t(u8, run->emulation_failure.insn_size,
			  sizeof(run->emulation_failure.insn_bytes));
#endif
	buf[0] = '\0';
	for (i = 0; i < n; i++)
		len += snprintf(buf + len, size - len, "%s%02x", i ? " " : "",
				run->emulation_failure.insn_bytes[i]);
}

static const char *kvm_advice(void)
{
	static const char *const advice[] = {
		"this host's CPU shows no hardware virtualization, so its KVM interprets the guest's code and knows few instructions; use another host",
		"please report this with the host's kernel version",
	};

	return advice[arch_host_can_virtualize()];
}

/* KVM_EXIT_INTERNAL_ERROR and KVM_EXIT_FAIL_ENTRY: nothing to go on with. */
static void vcpu_kvm_error(struct vcpu *v)
{
	const struct kvm_run *run = v->run;
	char insn[3 * 16 + 1], where[256];

	arch_show_vcpu(v, where, sizeof(where));
	if (run->exit_reason == KVM_EXIT_INTERNAL_ERROR &&
	    run->internal.suberror == KVM_INTERNAL_ERROR_EMULATION) {
		print_insn(run, insn, sizeof(insn));
		log_err("vCPU %u: KVM cannot emulate the instruction%s%s at %s: %s",
			v->index, *insn ? " " : "", insn, where, kvm_advice());
	} else if (run->exit_reason == KVM_EXIT_INTERNAL_ERROR) {
		log_err("vCPU %u: KVM internal error %u at %s: %s", v->index,
			run->internal.suberror, where, kvm_advice());
	} else {
		log_err("vCPU %u: the CPU refused to enter the guest, reason 0x%llx, at %s: %s",
			v->index,
			(unsigned long long)run->fail_entry.hardware_entry_failure_reason,
			where, kvm_advice());
	}
	verdict_set(&v->vm->verdict, EXIT_KVM_ERROR);
	runstate_request(&v->vm->run, RUN_BY_HOST_ERROR);
}

static void vcpu_unknown_exit(struct vcpu *v)
{
	log_err("vCPU %u: unknown exit %u of KVM_RUN", v->index, v->run->exit_reason);
	verdict_set(&v->vm->verdict, EXIT_KVM_ERROR);
	runstate_request(&v->vm->run, RUN_BY_HOST_ERROR);
}

static void vcpu_system_event(struct vcpu *v)
{
	switch (v->run->system_event.type) {
	case KVM_SYSTEM_EVENT_SHUTDOWN:
		runstate_request(&v->vm->run, RUN_BY_GUEST_POWEROFF);
		break;
	case KVM_SYSTEM_EVENT_RESET:
		runstate_request(&v->vm->run, RUN_BY_GUEST_RESET);
		break;
	case KVM_SYSTEM_EVENT_CRASH:
		runstate_request(&v->vm->run, RUN_BY_GUEST_PANIC);
		break;
	default:
		if (arch_handle_exit(v) == -ENOSYS)
			vcpu_unknown_exit(v);
	}
}

static void vcpu_mmio(struct vcpu *v)
{
	struct kvm_run *run = v->run;

	v->io_pending = true;
	if (run->mmio.is_write)
		bus_write(&v->vm->mmio, run->mmio.phys_addr, run->mmio.data, run->mmio.len);
	else
		bus_read(&v->vm->mmio, run->mmio.phys_addr, run->mmio.data, run->mmio.len);
}

static void vcpu_handle_exit(struct vcpu *v)
{
	switch (v->run->exit_reason) {
	case KVM_EXIT_MMIO:
		vcpu_mmio(v);
		break;
	case KVM_EXIT_INTR:
		break;
	case KVM_EXIT_SHUTDOWN:
		runstate_request(&v->vm->run, RUN_BY_GUEST_TRIPLE_FAULT);
		break;
	case KVM_EXIT_SYSTEM_EVENT:
		vcpu_system_event(v);
		break;
	case KVM_EXIT_INTERNAL_ERROR:
	case KVM_EXIT_FAIL_ENTRY:
		vcpu_kvm_error(v);
		break;
	default:
		if (arch_handle_exit(v) == -ENOSYS)
			vcpu_unknown_exit(v);
	}
}

/* Only files have pages that can be missing: those of --pmem and --hugetlbfs. */
static const char *run_advice(int err)
{
	return err != EFAULT ? "" :
		": a page of guest memory is not there; was its file cut, or is the disk full?";
}

static void vcpu_enter(struct vcpu *v)
{
	int err;

	v->io_pending = false;
	err = ioctl(v->fd, KVM_RUN, 0) < 0 ? errno : 0;
	coalesce_flush(&v->vm->coalesce);
	if (!err) {
		__atomic_store_n(&v->exits, v->exits + 1, __ATOMIC_RELAXED);
		stats_add(&v->reasons[min_t(u32, v->run->exit_reason, VCPU_REASONS - 1)], 1);
		vcpu_handle_exit(v);
		return;
	}
	if (err == EINTR || err == EAGAIN) {
		stats_add(&v->reasons[KVM_EXIT_INTR], 1);
		return;
	}
	log_err("vCPU %u: KVM_RUN: %s%s", v->index, strerror(err), run_advice(err));
	verdict_set(&v->vm->verdict, EXIT_KVM_ERROR);
	runstate_request(&v->vm->run, RUN_BY_HOST_ERROR);
}

/*
 * The registers are only true once KVM has completed the last access; that
 * happens at the next KVM_RUN, which is told to come back at once.
 */
static void vcpu_complete_io(struct vcpu *v)
{
	while (v->io_pending) {
		v->run->immediate_exit = 1;
		vcpu_enter(v);
	}
}

/* Afterwards it is to be looked at again whether somebody wants the vCPU held. */
static bool vcpu_take_call(struct vcpu *v)
{
	void (*fn)(struct vcpu *v);

	fn = __atomic_exchange_n(&v->call, NULL, __ATOMIC_SEQ_CST);
	if (!fn)
		return false;
	vcpu_complete_io(v);
	fn(v);
	__atomic_store_n(&v->run->immediate_exit, 0, __ATOMIC_SEQ_CST);
	return true;
}

/* Returns false when the thread has to end. */
static bool vcpu_park(struct vcpu *v)
{
	struct vcpu_group *g = &v->vm->group;
	bool quit;

	if (!v->error)
		vcpu_complete_io(v);

	pthread_mutex_lock(&g->lock);
	v->parked = true;
	g->nr_parked++;
	pthread_cond_signal(&g->idle);
	/*
	 * A request that the loop has not seen yet holds us as well: the loop
	 * always answers it with hold and release.
	 */
	while (!g->quit && (g->hold || v->error || v->off || runstate_held(&v->vm->run)))
		pthread_cond_wait(&g->go, &g->lock);
	v->parked = false;
	g->nr_parked--;
	if (v->run)
		v->run->immediate_exit = 0;
	quit = g->quit;
	pthread_mutex_unlock(&g->lock);
	return !quit;
}

static bool vcpu_must_park(struct vcpu *v)
{
	return __atomic_load_n(&v->vm->group.hold, __ATOMIC_SEQ_CST) ||
	       __atomic_load_n(&v->off, __ATOMIC_SEQ_CST) || runstate_held(&v->vm->run);
}

static int vcpu_open(struct vcpu *v)
{
	struct vm *vm = v->vm;
	struct kvm_run *run;

	run = mmap(NULL, vm->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, v->fd, 0);
	if (run == MAP_FAILED) {
		log_err("cannot map vCPU %u: %s", v->index, strerror(errno));
		return -errno;
	}
	v->run = run;
	if (!v->index)
		coalesce_attach(&vm->coalesce, v);
	return arch_vcpu_init(v);
}

static void *vcpu_thread(void *arg)
{
	struct vcpu *v = arg;
	char name[16];

	snprintf(name, sizeof(name), "vcpu%u", v->index);
	pthread_setname_np(pthread_self(), name);
	v->tid = syscall(SYS_gettid);
	v->error = vcpu_open(v);

	while (vcpu_park(v)) {
		stats_mark(&v->vm->marks, MARK_ENTRY);
		while (!vcpu_must_park(v))
			if (!vcpu_take_call(v))
				vcpu_enter(v);
	}
	return NULL;
}

static int vcpu_start(struct vm *vm, unsigned int index)
{
	struct vcpu *v = calloc(1, sizeof(*v));
	pthread_attr_t attr;
	int ret;

	if (!v)
		return -ENOMEM;
	v->vm = vm;
	v->index = index;
	/*
	 * In order, and so not by its thread: KVM on arm64 before Linux 6.7 takes a vCPU's
	 * number for its place in the order of creation when it delivers a timer's interrupt.
	 */
	v->fd = ioctl(vm->vm_fd, KVM_CREATE_VCPU, (unsigned long)index);
	if (v->fd < 0) {
		ret = -errno;
		log_err("cannot create vCPU %u: %s", index, strerror(errno));
		free(v);
		return ret;
	}

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, VCPU_STACK_SIZE);
	ret = pthread_create(&v->thread, &attr, vcpu_thread, v);
	pthread_attr_destroy(&attr);
	if (ret) {
		log_err("cannot start a thread for vCPU %u: %s", index, strerror(ret));
		close(v->fd);
		free(v);
		return -ret;
	}
	vm->vcpus[vm->nr_vcpus++] = v;
	return 0;
}

static int vcpus_wait_parked(struct vm *vm)
{
	struct vcpu_group *g = &vm->group;
	unsigned int i;

	pthread_mutex_lock(&g->lock);
	while (g->nr_parked < vm->nr_vcpus)
		pthread_cond_wait(&g->idle, &g->lock);
	pthread_mutex_unlock(&g->lock);

	for (i = 0; i < vm->nr_vcpus; i++)
		if (vm->vcpus[i]->error)
			return vm->vcpus[i]->error;
	return 0;
}

int vcpus_create(struct vm *vm)
{
	struct sigaction sa = { .sa_handler = kick_handler };
	unsigned int i;
	int ret;

	sigaction(VCPU_KICK_SIGNAL, &sa, NULL);
	pthread_mutex_init(&vm->group.lock, NULL);
	pthread_cond_init(&vm->group.go, NULL);
	pthread_cond_init(&vm->group.idle, NULL);
	vm->group.hold = true;

	vm->vcpus = calloc(vm->cfg->nr_cpus, sizeof(*vm->vcpus));
	if (!vm->vcpus)
		return -ENOMEM;
	/* The boot vCPU first: others may learn from what it found out. */
	for (i = 0; i < vm->cfg->nr_cpus; i++) {
		ret = vcpu_start(vm, i);
		if (!ret && !i)
			ret = vcpus_wait_parked(vm);
		if (ret)
			return ret;
	}
	return vcpus_wait_parked(vm);
}

void vcpu_nudge(struct vcpu *v)
{
	pthread_kill(v->thread, VCPU_KICK_SIGNAL);
}

static void vcpu_kick(struct vcpu *v)
{
	if (!v->run)
		return;
	__atomic_store_n(&v->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
	vcpu_nudge(v);
}

void vcpus_kick(struct vm *vm)
{
	unsigned int i;

	for (i = 0; i < vm->nr_vcpus; i++)
		vcpu_kick(vm->vcpus[i]);
}

void vcpu_set_off(struct vcpu *v, bool off)
{
	struct vcpu_group *g = &v->vm->group;

	pthread_mutex_lock(&g->lock);
	__atomic_store_n(&v->off, off, __ATOMIC_SEQ_CST);
	pthread_cond_broadcast(&g->go);
	pthread_mutex_unlock(&g->lock);
}

void vcpu_call(struct vcpu *v, void (*fn)(struct vcpu *v))
{
	__atomic_store_n(&v->call, fn, __ATOMIC_SEQ_CST);
	if (fn)
		vcpu_kick(v);
}

int vcpu_ask(struct vcpu *v, unsigned long cmd, void *arg)
{
	int ret;

	if (pthread_equal(pthread_self(), v->thread)) {
		ret = ioctl(v->fd, cmd, arg);
		return ret < 0 ? -errno : ret;
	}
	/* KVM lets us in as soon as the vCPU is out. */
	vcpu_kick(v);
	ret = ioctl(v->fd, cmd, arg);
	if (ret < 0)
		ret = -errno;
	__atomic_store_n(&v->run->immediate_exit, 0, __ATOMIC_SEQ_CST);
	/* Who wants it held set the same flag, maybe before it was cleared. */
	if (vcpu_must_park(v))
		vcpu_kick(v);
	return ret;
}

void vcpus_hold(struct vm *vm)
{
	struct vcpu_group *g = &vm->group;
	bool all;

	pthread_mutex_lock(&g->lock);
	__atomic_store_n(&g->hold, true, __ATOMIC_SEQ_CST);
	all = g->nr_parked == vm->nr_vcpus;
	pthread_mutex_unlock(&g->lock);
	if (all)
		return;

	/* One may wait for a slow reader of the console, not for us. */
	term_stop(&vm->term, true);
	vcpus_kick(vm);
	vcpus_wait_parked(vm);
	term_stop(&vm->term, false);
}

void vcpus_release(struct vm *vm)
{
	struct vcpu_group *g = &vm->group;

	pthread_mutex_lock(&g->lock);
	__atomic_store_n(&g->hold, false, __ATOMIC_SEQ_CST);
	pthread_cond_broadcast(&g->go);
	pthread_mutex_unlock(&g->lock);
}

static void vcpu_free(struct vm *vm, struct vcpu *v)
{
	arch_vcpu_destroy(v);
	if (v->run)
		munmap(v->run, vm->run_size);
	if (v->fd >= 0)
		close(v->fd);
	free(v);
}

void vcpus_destroy(struct vm *vm)
{
	struct vcpu_group *g = &vm->group;
	unsigned int i;

	if (!vm->vcpus)
		return;
	vcpus_hold(vm);
	pthread_mutex_lock(&g->lock);
	g->quit = true;
	pthread_cond_broadcast(&g->go);
	pthread_mutex_unlock(&g->lock);

	for (i = 0; i < vm->nr_vcpus; i++)
		pthread_join(vm->vcpus[i]->thread, NULL);
	for (i = 0; i < vm->nr_vcpus; i++)
		vcpu_free(vm, vm->vcpus[i]);
	free(vm->vcpus);
	vm->vcpus = NULL;
	vm->nr_vcpus = 0;
	pthread_cond_destroy(&g->idle);
	pthread_cond_destroy(&g->go);
	pthread_mutex_destroy(&g->lock);
}
