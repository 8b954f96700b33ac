# SPDX-License-Identifier: GPL-2.0
#
# vmtool lives in a kernel tree, as tools/vmtool, and is built there:
#
#	make -C tools/vmtool [O=dir] [V=1] [ARCH=arch CROSS_COMPILE=prefix-] [CC=clang]
#
# A checkout that is somewhere else names its tree with KDIR=<kernel tree>, or
# uses the one that "make try" has unpacked.

all:

# --- what does all of its set-up by itself -------------------------------------
# These run on a machine that has nothing yet, so no tree is looked for first.
self_contained := try check fuzz help

ifneq ($(filter $(self_contained),$(MAKECMDGOALS)),)
ifneq ($(filter-out $(self_contained),$(MAKECMDGOALS)),)
$(error $(filter $(self_contained),$(MAKECMDGOALS)) cannot go together with $(filter-out \
	$(self_contained),$(MAKECMDGOALS)): run make twice)
endif

# What they are told of files is meant from where the user stands.
try:
	@cd $(PWD) && $(CURDIR)/tests/try $(if $(KERNEL),--kernel "$(KERNEL)") $(if $(ARCH),--arch "$(ARCH)")
check:
	@cd $(PWD) && $(CURDIR)/tests/check $(if $(TESTS),--only "$(TESTS)") $(if $(O),--output "$(O)")
fuzz:
	@tests/fuzz/run "$(TARGET)" $(or $(TIME),60)
help:
	@cat scripts/make-help.txt
.PHONY: all $(self_contained)

else

# --- find the tree -----------------------------------------------------------
# $(CURDIR) is a physical path, so a symlinked tools/vmtool is not below the
# tree it is seen in: look from where the user stands as well.
parent2 = $(patsubst %/,%,$(dir $(patsubst %/,%,$(dir $(1)))))
cached_tree := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/vmtool/linux-source-6.1
override srctree := $(abspath $(or $(KDIR),$(firstword $(foreach d,\
		$(call parent2,$(CURDIR)) $(PWD) $(PWD)/.. $(call parent2,$(PWD)) $(cached_tree),\
		$(if $(wildcard $(d)/tools/build/Makefile.build),$(d))))))
ifeq ($(wildcard $(srctree)/tools/build/Makefile.build),)
$(error no kernel tree around $(CURDIR): pass KDIR=<kernel tree>, or run "make try" once)
endif
# What was said to this make is not meant for those it starts: the kernel's own
# Makefile knows many of these names as well.
unexport KDIR C W
MAKEOVERRIDES :=

# As the kernel does; the include below insists on its presence.
ifeq ($(origin O),command line)
ifneq ($(O),)
$(shell cd $(PWD) && mkdir -p $(O))
endif
endif
include $(srctree)/tools/scripts/Makefile.include
include $(srctree)/tools/scripts/Makefile.arch

# The folder of an architecture, where it is not named as in the kernel.
vmtool-arch-arm64 := arm
VMTOOL_ARCH := $(or $(vmtool-arch-$(SRCARCH)),$(SRCARCH))
ifeq ($(wildcard $(CURDIR)/$(VMTOOL_ARCH)/Build),)
$(error vmtool knows nothing of ARCH=$(ARCH))
endif

MAKEFLAGS += --no-print-directory
ifeq ($(V),1)
  Q :=
else
  Q := @
endif
RM	?= rm -f
INSTALL	?= install
PKG_CONFIG ?= $(CROSS_COMPILE)pkg-config
RST2MAN	?= rst2man
CHECK	?= sparse
# The C library's htole32() and its like take plain integers.
CHECKFLAGS ?= -Wno-bitwise
prefix	?= $(HOME)
bindir	?= $(prefix)/bin
mandir	?= $(prefix)/share/man
completiondir ?= $(prefix)/share/bash-completion/completions

# An empty OUTPUT would have tools/build write fixdep into the kernel tree.
ifeq ($(OUTPUT),)
OUTPUT	:= $(CURDIR)/
endif

# --- the tree's Kbuild: uapi headers and Kconfig -----------------------------
# sub_make_done= and friends: we may have been started by the top Makefile.
KBUILD_O := $(OUTPUT)kbuild
kernel	  = env -u sub_make_done -u srctree -u objtree -u OUTPUT -u CFLAGS \
		-u LDFLAGS -u VPATH -u CC -u CROSS_COMPILE -u O -u KBUILD_OUTPUT \
		-u KCONFIG_CONFIG $(MAKE) $(if $(Q),-s) -C $(srctree) \
		ARCH=$(SRCARCH) sub_make_done=
HDRDIR	 := $(KBUILD_O)/usr/include

# scripts/kconfig insists on a clean tree for O=; a tree configured in place
# builds it in place. Most often that has been done, by who configured it; where
# it has not, a read-only tree of this kind cannot be used.
ifneq ($(wildcard $(srctree)/.config $(srctree)/include/config			\
		$(srctree)/arch/$(SRCARCH)/include/generated),)
KCONFIG_O := $(srctree)
kconfig_o := O=
else
KCONFIG_O := $(KBUILD_O)
kconfig_o := O=$(KBUILD_O)
endif
CONF	  := $(KCONFIG_O)/scripts/kconfig/conf
AUTOCONF  := $(OUTPUT)include/config/auto.conf

# Another tree or architecture than last time: start afresh. All else that may
# change, a compiler for one, is part of the command lines tools/build compares.
build-id := $(srctree) $(SRCARCH)
ifneq ($(file <$(KBUILD_O)/.build-id),$(build-id))
$(shell $(RM) -r $(KBUILD_O) $(OUTPUT)libsubcmd $(OUTPUT)include/config; \
	find $(OUTPUT) -name '.*.cmd' -type f -delete 2>/dev/null; \
	mkdir -p $(KBUILD_O); echo "$(build-id)" > $(KBUILD_O)/.build-id)
endif

# The two run in one directory: never side by side.
$(HDRDIR)/linux/kvm.h: $(srctree)/Makefile $(wildcard				\
		$(srctree)/include/uapi/linux/kvm.h				\
		$(srctree)/include/uapi/linux/v*.h				\
		$(srctree)/arch/$(SRCARCH)/include/uapi/asm/*.h) | $(CONF)
	+$(QUIET_GEN)$(kernel) O=$(KBUILD_O) headers >/dev/null
	$(Q)touch $@

$(CONF): | $(srctree)/Makefile
	$(Q)[ $(KCONFIG_O) = $(KBUILD_O) ] || [ -w $(srctree)/scripts/kconfig ] || { \
		echo 'vmtool: $@: cannot be built: $(srctree) is configured' \
		'but not writable: run "make scripts" there, or take another tree' >&2; \
		exit 1; }
	+$(QUIET_GEN)$(kernel) $(kconfig_o) build_config

build_menuconfig build_nconfig:
	+$(QUIET_GEN)$(kernel) $(kconfig_o) $@

# conf writes the targets of auto.conf.cmd as these are spelled: absolute. What
# Kconfig files refer to must have the same value here: auto.conf.cmd compares.
VMTOOL_SRC := $(CURDIR)
nolibc-arch-x86 := x86_64
nolibc-arch-arm64 := aarch64
NOLIBC := $(wildcard $(srctree)/tools/include/nolibc/arch-$(or \
		$(nolibc-arch-$(SRCARCH)),$(SRCARCH)).h)
VMTOOL_CC := $(strip $(CC) $(CLANG_CROSS_FLAGS))
kconfig = srctree=$(CURDIR) KDIR=$(srctree) SRCARCH=$(SRCARCH)			\
	VMTOOL_ARCH=$(VMTOOL_ARCH) VMTOOL_SRC=$(VMTOOL_SRC) VMTOOL_CC="$(VMTOOL_CC)" \
	PKG_CONFIG="$(PKG_CONFIG)" KCONFIG_CONFIG=$(OUTPUT).config		\
	NOLIBC=$(NOLIBC) KCONFIG_AUTOCONFIG=$(AUTOCONF)		\
	KCONFIG_AUTOHEADER=$(OUTPUT)include/generated/autoconf.h		\
	KCONFIG_RUSTCCFG=$(OUTPUT)include/generated/rustc_cfg			\
	$(1) $(2) Kconfig

simple-targets := oldconfig olddefconfig alldefconfig allnoconfig allyesconfig \
	randconfig listnewconfig helpnewconfig
PHONY += $(simple-targets) config defconfig tinyconfig savedefconfig menuconfig nconfig
$(simple-targets): $(CONF)
	$(Q)$(call kconfig,$<,--$@)
config: $(CONF)
	$(Q)$(call kconfig,$<,--oldaskconfig)
defconfig: $(CONF)
	$(Q)$(call kconfig,$<,--alldefconfig)
tinyconfig: $(CONF)
	$(Q)$(call kconfig,KCONFIG_ALLCONFIG=$(CURDIR)/configs/tiny.config $<,--allnoconfig)
savedefconfig: $(CONF)
	$(Q)$(call kconfig,$<,--savedefconfig=$(OUTPUT)defconfig)
menuconfig: build_menuconfig
	$(Q)$(call kconfig,$(KCONFIG_O)/scripts/kconfig/mconf)
nconfig: build_nconfig
	$(Q)$(call kconfig,$(KCONFIG_O)/scripts/kconfig/nconf)

$(OUTPUT).config: | $(CONF)
	$(QUIET_GEN)$(call kconfig,$(CONF) -s,--alldefconfig) >/dev/null

$(AUTOCONF): $(OUTPUT).config | $(CONF)
	$(Q)$(call kconfig,$(CONF) -s,--olddefconfig)
	$(QUIET_GEN)$(call kconfig,$(CONF) -s,--syncconfig)
	$(Q)touch $@

# tools/build reads this one before every Build file.
$(OUTPUT).config-detected: $(AUTOCONF)
	$(Q)cp $< $@

no-config := clean mrproper uninstall install-man %config build_% print-%
ifneq ($(filter-out $(no-config),$(or $(MAKECMDGOALS),all)),)
-include $(AUTOCONF).cmd
include $(AUTOCONF)
# auto.conf.cmd has the configuration made again when a variable is not what conf
# was given; should the two ever disagree, that would go on for ever.
ifneq ($(filter-out 0 1 2 3,$(MAKE_RESTARTS)),)
$(error $(AUTOCONF) does not settle: run "make mrproper")
endif
endif

# --- flags -------------------------------------------------------------------
INCLUDES := -include $(OUTPUT)include/generated/autoconf.h		\
	    -I$(CURDIR)/include -I$(CURDIR)				\
	    -I$(srctree)/tools/lib -I$(srctree)/tools/include		\
	    -I$(srctree)/tools/arch/$(SRCARCH)/include			\
	    -I$(srctree)/include/xen/interface/hvm		\
	    -isystem $(srctree)/scripts/dtc/libfdt			\
	    -isystem $(HDRDIR)
WARNINGS := -Wall -Wextra $(EXTRA_WARNINGS) -Wno-switch-default -Wno-switch-enum \
	    -Wno-packed -Wno-redundant-decls -Wno-nested-externs	\
	    -Wno-unused-parameter -Wno-sign-compare -Wno-declaration-after-statement \
	    -Wno-missing-field-initializers
# Some uapi structures end in arrays without a size, and are members of ours.
ifeq ($(CC_NO_CLANG),0)
WARNINGS += -Wno-gnu-variable-sized-type-not-at-end
endif
ifneq ($(WERROR),0)
WARNINGS += -Werror
endif
comma := ,
# Nothing unwinds the stack at run time; debuggers have .debug_frame.
SMALL_CFLAGS := $(if $(CONFIG_OPTIMIZE_SIZE),-Os -fno-asynchronous-unwind-tables -fno-unwind-tables)
VMTOOL_CFLAGS := -std=gnu11 $(or $(SMALL_CFLAGS),-O2) -g	\
	    -fno-strict-aliasing -fPIE -ffunction-sections -fdata-sections \
	    -fstack-protector-strong -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 \
	    $(WARNINGS) $(INCLUDES) $(CLANG_CROSS_FLAGS) $(EXTRA_CFLAGS)
VMTOOL_LDFLAGS := $(CLANG_CROSS_FLAGS) $(EXTRA_LDFLAGS) -pthread -Wl,--gc-sections
VMTOOL_LDFLAGS += $(if $(CONFIG_STATIC),$(subst ",,$(CONFIG_STATIC_LDFLAGS)),-pie)
VMTOOL_LDFLAGS += -Wl,-z,relro,-z,now $(if $(CONFIG_OPTIMIZE_SIZE),-Wl$(comma)-z$(comma)noseparate-code)
ifneq ($(SANITIZE),)
SANITIZER := -fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer
VMTOOL_CFLAGS += $(SANITIZER)
VMTOOL_LDFLAGS += $(SANITIZER)
endif

have-lib = $(shell $(CURDIR)/scripts/have-lib.sh --libs "$(VMTOOL_CC)" "$(PKG_CONFIG)" \
		$(if $(CONFIG_STATIC),y,$(if $(CONFIG_SHARED_LIBS),n,prefer)) $(1) $(2) $(3))
VMTOOL_LIBS-y :=
VMTOOL_LIBS-$(or $(CONFIG_QMP),$(CONFIG_CMD_TEST)) += $(call have-lib,jansson.h,jansson,jansson)
VMTOOL_LIBS-$(CONFIG_KERNEL_CACHE) += $(call have-lib,xxhash.h,xxhash,libxxhash)
VMTOOL_LIBS-$(CONFIG_DISK_IO_URING) += $(call have-lib,liburing.h,uring,liburing)
VMTOOL_LIBS-$(CONFIG_DECOMPRESS_GZIP) += $(call have-lib,zlib.h,z,zlib)
VMTOOL_LIBS-$(CONFIG_LIBDEFLATE) += $(call have-lib,libdeflate.h,deflate,libdeflate)
VMTOOL_LIBS-$(CONFIG_DECOMPRESS_BZIP2) += $(call have-lib,bzlib.h,bz2,bzip2)
VMTOOL_LIBS-$(CONFIG_DECOMPRESS_LZMA) += $(call have-lib,lzma.h,lzma,liblzma)
VMTOOL_LIBS-$(CONFIG_DECOMPRESS_LZO) += $(call have-lib,lzo/lzo1x.h,lzo2,lzo2)
VMTOOL_LIBS-$(CONFIG_DECOMPRESS_LZ4) += $(call have-lib,lz4.h,lz4,liblz4)
VMTOOL_LIBS-$(CONFIG_DECOMPRESS_ZSTD) += $(call have-lib,zstd.h,zstd,libzstd)

export srctree OUTPUT SRCARCH VMTOOL_ARCH CC LD AR HOSTCC HOSTLD HOSTAR
include $(srctree)/tools/build/Makefile.include

# --- libsubcmd ---------------------------------------------------------------
LIBSUBCMD_OUTPUT := $(OUTPUT)libsubcmd
LIBSUBCMD	 := $(LIBSUBCMD_OUTPUT)/libsubcmd.a

$(LIBSUBCMD_OUTPUT):
	$(Q)mkdir -p $@

# Some C libraries come without the kernel's headers.
SUBCMD_CFLAGS := $(SMALL_CFLAGS) -g -fPIE -ffunction-sections	\
		 -fdata-sections -U_FORTIFY_SOURCE -isystem $(HDRDIR)		\
		 $(CLANG_CROSS_FLAGS) $(SANITIZER) -w

$(LIBSUBCMD): fixdep $(HDRDIR)/linux/kvm.h FORCE | $(LIBSUBCMD_OUTPUT)
	$(Q)$(MAKE) -C $(srctree)/tools/lib/subcmd O=$(LIBSUBCMD_OUTPUT) subdir= \
		DESTDIR=$(LIBSUBCMD_OUTPUT) prefix= WERROR=0 \
		EXTRA_CFLAGS='$(SUBCMD_CFLAGS)' $@

# --- vmtool ------------------------------------------------------------------
# All but main() is one object, which the unit tests and fuzzers link as well.
VMTOOL	  := $(OUTPUT)vmtool
VMTOOL_IN := $(OUTPUT)vmtool-in.o
LIBVMTOOL := $(OUTPUT)libvmtool-in.o

all: $(VMTOOL)

# C=1: what is compiled is checked by sparse as well.
ifneq ($(C),)
checked := REAL_CC='$(CC)' CHECK='$(CHECK) $(CHECKFLAGS)' CC=cgcc
endif

$(VMTOOL_IN) $(LIBVMTOOL): fixdep $(OUTPUT).config-detected $(HDRDIR)/linux/kvm.h FORCE
	$(Q)$(checked) $(MAKE) $(build)=$(patsubst $(OUTPUT)%-in.o,%,$@) CFLAGS='$(VMTOOL_CFLAGS)'

# --- the guest's init ----------------------------------------------------------
# Of the tree's nolibc, and of nothing else; not our warnings in there.
GUEST_INIT   := $(OUTPUT)guest/init
GUEST_CFLAGS := -std=gnu11 -Os -g -fno-strict-aliasing -fno-stack-protector -fno-pie	\
	    -fno-builtin -fno-asynchronous-unwind-tables -fno-ident -ffunction-sections \
	    -fdata-sections $(WARNINGS) -nostdinc -isystem $(srctree)/tools/include/nolibc \
	    -isystem $(HDRDIR) -isystem $(shell $(CC) -print-file-name=include)	\
	    -I$(CURDIR)/include $(CLANG_CROSS_FLAGS)
ifneq ($(CC_NO_CLANG),0)
# A loop of nolibc's memset() is no call of memset().
GUEST_CFLAGS += -fno-tree-loop-distribute-patterns
endif
GUEST_LDFLAGS := $(CLANG_CROSS_FLAGS) -nostdlib -static -Wl,--gc-sections	\
	    -Wl,-z,noexecstack -Wl,--build-id=none -Wl,-s

$(OUTPUT)guest/init-in.o: fixdep $(OUTPUT).config-detected $(HDRDIR)/linux/kvm.h FORCE
	$(Q)$(MAKE) $(build)=init dir=guest CFLAGS='$(GUEST_CFLAGS)'

$(GUEST_INIT): $(OUTPUT)guest/init-in.o
	$(QUIET_LINK)$(CC) $(GUEST_LDFLAGS) -o $@ $<

ifeq ($(CONFIG_AGENT),y)
$(LIBVMTOOL): $(GUEST_INIT)
endif

# Rewritten when the link would be another one.
link = $(CC) $(VMTOOL_LDFLAGS) $(VMTOOL_LIBS-y)
$(OUTPUT).link: FORCE
	$(Q)echo '$(link)' | cmp -s - $@ || echo '$(link)' > $@

$(VMTOOL): $(VMTOOL_IN) $(LIBVMTOOL) $(LIBSUBCMD) $(OUTPUT).link
	$(QUIET_LINK)$(CC) $(VMTOOL_LDFLAGS) -o $@ $(VMTOOL_IN) $(LIBVMTOOL) \
		$(LIBSUBCMD) $(VMTOOL_LIBS-y)

# --- unit tests, fuzzers, kselftests ---------------------------------------------
UNIT_TESTS := $(patsubst tests/unit/%.c,$(OUTPUT)tests/unit/%,$(wildcard tests/unit/*_test.c))
INJECTED   := $(patsubst tests/inject/%.c,$(OUTPUT)tests/inject/%,$(wildcard tests/inject/*.c))
FUZZERS	   := $(patsubst tests/fuzz/%.c,$(OUTPUT)tests/fuzz/%,$(wildcard tests/fuzz/*_fuzz.c))
# Some tests take a library's place in part.
TEST_LIBS = $(filter-out -Wl$(comma)-Bstatic -Wl$(comma)-Bdynamic,$(VMTOOL_LIBS-y))
# The harness's macros define functions that nobody declares.
TEST_CFLAGS = $(VMTOOL_CFLAGS) -Wno-missing-prototypes -Wno-missing-declarations \
	      -I$(CURDIR)/tests/unit -isystem $(srctree)/tools/testing/selftests

$(UNIT_TESTS) $(INJECTED): $(OUTPUT)tests/%: tests/%.c $(wildcard tests/unit/*.h) $(LIBVMTOOL) \
		$(LIBSUBCMD) $(OUTPUT).link
	$(Q)mkdir -p $(@D)
	$(QUIET_CC)$(CC) $(TEST_CFLAGS) -c -o $@.o $<
	$(QUIET_LINK)$(CC) $(TEST_CFLAGS) $(VMTOOL_LDFLAGS) -o $@ $@.o $(LIBVMTOOL) \
		$(LIBSUBCMD) $(TEST_LIBS)

# Needs CC=clang SANITIZE=fuzzer-no-link,address,undefined or the like.
$(OUTPUT)tests/fuzz/%: tests/fuzz/%.c $(wildcard tests/*/*.h) $(LIBVMTOOL) \
		$(LIBSUBCMD) $(OUTPUT).link
	$(Q)mkdir -p $(@D)
	$(QUIET_CC)$(CC) $(TEST_CFLAGS) -c -o $@.o $<
	$(QUIET_LINK)$(CC) $(TEST_CFLAGS) $(VMTOOL_LDFLAGS) -fsanitize=fuzzer -o $@ $@.o \
		$(LIBVMTOOL) $(LIBSUBCMD) $(TEST_LIBS)

unit: $(UNIT_TESTS) $(INJECTED)
fuzzers: $(FUZZERS)
# What builds may share by KBUILD_O=, once it is there.
prepare: $(HDRDIR)/linux/kvm.h

run_tests: $(VMTOOL) unit
	$(Q)$(MAKE) -C tests KDIR=$(srctree) OUTPUT=$(OUTPUT)tests BUILT=y run_tests

bench: $(VMTOOL)
	$(Q)VMTOOL=$(VMTOOL) tests/bench/run

bench-accept: $(VMTOOL)
	$(Q)VMTOOL=$(VMTOOL) tests/guard_test.sh --accept

# --- what the size of vmtool is made of ----------------------------------------
report: $(VMTOOL)
	$(Q)scripts/report.sh $(OUTPUT) $(CROSS_COMPILE)

install: $(VMTOOL)
	$(call QUIET_INSTALL, vmtool)
	$(Q)$(INSTALL) -d -m 755 '$(DESTDIR)$(bindir)' '$(DESTDIR)$(completiondir)'
	$(Q)$(INSTALL) -m 755 $(VMTOOL) '$(DESTDIR)$(bindir)'
	$(Q)$(INSTALL) -m 644 completion/vmtool.bash '$(DESTDIR)$(completiondir)/vmtool'

uninstall:
	$(call QUIET_UNINST, vmtool)
	$(Q)$(RM) '$(DESTDIR)$(bindir)/vmtool' '$(DESTDIR)$(completiondir)/vmtool' \
		$(patsubst Documentation/%.rst,'$(DESTDIR)$(mandir)/man1/%.1',\
			$(wildcard Documentation/vmtool*.rst))

install-man:
	$(call QUIET_INSTALL, man pages)
	$(Q)command -v $(RST2MAN) >/dev/null || \
		{ echo "$(RST2MAN) is missing: install docutils, or name it by RST2MAN=" >&2; exit 1; }
	$(Q)$(INSTALL) -d -m 755 '$(DESTDIR)$(mandir)/man1'
	$(Q)for page in Documentation/vmtool*.rst; do				\
		$(RST2MAN) $$page						\
		'$(DESTDIR)$(mandir)/man1/'$$(basename $$page .rst).1 || exit 1; \
	done

clean:
	$(call QUIET_CLEAN, vmtool)
	$(Q)find $(OUTPUT) \( -path $(KBUILD_O) -o -name .git \) -prune -o -type f \
		\( -name '*.o' -o -name '.*.cmd' -o -name '.*.d' \) -exec $(RM) {} +
	$(Q)$(RM) -r $(UNIT_TESTS) $(INJECTED) $(FUZZERS) $(VMTOOL) $(GUEST_INIT) $(OUTPUT)fixdep $(OUTPUT).link \
		$(LIBSUBCMD_OUTPUT) $(OUTPUT)tests/results.tap

mrproper: clean
	$(Q)$(RM) -r $(KBUILD_O) $(OUTPUT)include/config $(OUTPUT)include/generated \
		$(OUTPUT).config $(OUTPUT).config.old $(OUTPUT).config-detected	\
		$(OUTPUT)defconfig

print-%:
	@echo '$* = $($*)'

FORCE:
PHONY += all unit fuzzers prepare run_tests report install uninstall install-man clean mrproper \
	 build_menuconfig build_nconfig FORCE
.PHONY: $(PHONY)

endif # not self-contained
