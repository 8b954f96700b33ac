// SPDX-License-Identifier: GPL-2.0
/*
 * Asks /dev/kvm for what any virtual machine monitor asks first: that it speaks
 * version 12 of its interface, makes a machine and a CPU in it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

static int probe_ioctl(const char *name, int fd, unsigned long request)
{
	int ret = ioctl(fd, request, 0UL);

	if (ret < 0)
		fprintf(stderr, "kvmprobe: %s: %s\n", name, strerror(errno));
	return ret;
}

int main(void)
{
	int kvm, version, vm;

	kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (kvm < 0) {
		fprintf(stderr, "kvmprobe: /dev/kvm: %s\n", strerror(errno));
		return 1;
	}
	version = probe_ioctl("KVM_GET_API_VERSION", kvm, KVM_GET_API_VERSION);
	if (version != 12) {
		fprintf(stderr, "kvmprobe: /dev/kvm: version %d, not 12\n", version);
		return 1;
	}
	vm = probe_ioctl("KVM_CREATE_VM", kvm, KVM_CREATE_VM);
	if (vm < 0 || probe_ioctl("KVM_CREATE_VCPU", vm, KVM_CREATE_VCPU) < 0)
		return 1;
	printf("kvm: api %d, vm ok\n", version);
	return 0;
}
