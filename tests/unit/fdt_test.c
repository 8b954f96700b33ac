// SPDX-License-Identifier: GPL-2.0
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>
#include <vmtool/fdt.h>
#include <vmtool/hw.h>
#include <vmtool/pci.h>
#include <vmtool/vm.h>

#include "kselftest_harness.h"
#include "devices.h"

#ifdef CONFIG_FDT
#include <libfdt.h>

/* The tree as text: "NODE{PROPERTY=BYTES;...}", bytes in hexadecimal digits. */
static char text[65536];

static size_t show_property(const void *fdt, int at, size_t n)
{
	const struct fdt_property *p = fdt_offset_ptr(fdt, at, sizeof(*p));
	const char *strings = (const char *)fdt + fdt_off_dt_strings(fdt);
	u32 i, len = fdt32_to_cpu(p->len);

	n += sprintf(text + n, "%s=", strings + fdt32_to_cpu(p->nameoff));
	for (i = 0; i < len; i++)
		n += sprintf(text + n, "%02x", (u8)p->data[i]);
	return n + sprintf(text + n, ";");
}

static const char *show(const void *fdt)
{
	int at = 0, next;
	size_t n = 0;
	u32 tag;

	text[0] = '\0';
	while ((tag = fdt_next_tag(fdt, at, &next)) != FDT_END) {
		if (tag == FDT_BEGIN_NODE)
			n += sprintf(text + n, "%s{", (const char *)fdt_offset_ptr(fdt, at + 4, 1));
		else if (tag == FDT_END_NODE)
			n += sprintf(text + n, "}");
		else if (tag == FDT_PROP)
			n = show_property(fdt, at, n);
		at = next;
	}
	return text;
}

static unsigned int cells(u32 gsi, enum irq_trigger trigger, u32 *c)
{
	c[0] = gsi;
	c[1] = trigger == IRQ_LEVEL ? 4 : 1;
	return 2;
}

static const struct fdt_irqs irqs = { .phandle = 7, .msi_phandle = 9, .cells = cells };

FIXTURE(fdt) {
	struct fdt_builder b;
	const void *blob;
	size_t size;
};

FIXTURE_SETUP(fdt)
{
	fdt_builder_init(&self->b);
	self->b.irqs = &irqs;
}

FIXTURE_TEARDOWN(fdt)
{
	fdt_builder_destroy(&self->b);
}

#define FINISHED(self)	fdt_builder_finish(&(self)->b, &(self)->blob, &(self)->size)

TEST_F(fdt, properties)
{
	static const char *const list[] = { "a", "bc", NULL };
	struct fdt_builder *b = &self->b;

	fdt_begin_root(b);
	fdt_u32(b, "c", 0x12345678);
	fdt_u64(b, "d", 0x123456789abcdef0);
	fdt_begin(b, "n@%x", 0x10);
	fdt_str(b, "s", "ab");
	fdt_strs(b, "l", list);
	fdt_flag(b, "f");
	fdt_bytes(b, "b", "\x01", 1);
	fdt_reg(b, 0x100000002, 0x300000004);
	fdt_interrupt(b, 5, IRQ_LEVEL);
	fdt_end(b);
	fdt_end(b);
	ASSERT_EQ(0, FINISHED(self));
	EXPECT_EQ(0, fdt_check_header(self->blob));
	EXPECT_EQ(self->size, fdt_totalsize(self->blob));
	EXPECT_STREQ("{c=12345678;d=123456789abcdef0;n@10{s=616200;l=6100626300;f=;b=01;"
		     "reg=00000001000000020000000300000004;interrupts=0000000500000004;}}",
		     show(self->blob));
}

TEST_F(fdt, reserved_memory)
{
	const struct fdt_reserve_entry *r;

	fdt_reserve(&self->b, 0x1000, 0x2000);
	fdt_begin_root(&self->b);
	fdt_end(&self->b);
	ASSERT_EQ(0, FINISHED(self));
	r = self->blob + fdt_off_mem_rsvmap(self->blob);
	EXPECT_EQ(0x1000, fdt64_to_cpu(r[0].address));
	EXPECT_EQ(0x2000, fdt64_to_cpu(r[0].size));
	EXPECT_EQ(0, fdt64_to_cpu(r[1].size));
}

TEST_F(fdt, grows)
{
	char want[32];
	int i;

	fdt_begin_root(&self->b);
	for (i = 0; i < 1000; i++) {
		fdt_begin(&self->b, "node@%d", i);
		fdt_u32(&self->b, "a-long-name", i);
		fdt_end(&self->b);
	}
	fdt_end(&self->b);
	ASSERT_EQ(0, FINISHED(self));
	EXPECT_LT(32768, self->size);
	show(self->blob);
	for (i = 0; i < 1000; i++) {
		snprintf(want, sizeof(want), "node@%d{a-long-name=%08x;}", i, i);
		ASSERT_NE(NULL, strstr(text, want));
	}
}

TEST_F(fdt, has_a_limit)
{
	size_t len = 3 << 20;
	char *large = calloc(1, len);

	ASSERT_NE(NULL, large);
	fdt_begin_root(&self->b);
	fdt_bytes(&self->b, "p", large, len);
	fdt_u32(&self->b, "q", 1);
	fdt_end(&self->b);
	EXPECT_EQ(-ENOMEM, FINISHED(self));
	free(large);
}

TEST_F(fdt, an_end_too_many)
{
	fdt_begin_root(&self->b);
	fdt_end(&self->b);
	fdt_end(&self->b);
	EXPECT_EQ(-EINVAL, FINISHED(self));
}

TEST_F(fdt, an_end_that_is_missing)
{
	fdt_begin_root(&self->b);
	fdt_begin(&self->b, "n");
	fdt_end(&self->b);
	EXPECT_EQ(-EINVAL, FINISHED(self));
}

TEST_F(fdt, a_property_before_the_root)
{
	fdt_u32(&self->b, "p", 1);
	fdt_begin_root(&self->b);
	fdt_end(&self->b);
	EXPECT_EQ(-EINVAL, FINISHED(self));
}

TEST_F(fdt, devices)
{
	struct device *dev = pvpanic_create_mmio(0x9000000);
	struct vm vm;

	ASSERT_EQ(0, devices_init(&vm));
	ASSERT_NE(NULL, dev);
	ASSERT_EQ(0, devices_add(&vm, dev));
	fdt_begin_root(&self->b);
	dev->ops->fdt(dev, &self->b);
	fdt_end(&self->b);
	ASSERT_EQ(0, FINISHED(self));
	show(self->blob);
	EXPECT_NE(NULL, strstr(text, "{pvpanic@9000000{compatible=71656d752c707670616e6963"));
	EXPECT_NE(NULL, strstr(text, "reg=00000000090000000000000000000001;}}"));
	devices_end(&vm);
}

#ifdef CONFIG_PCI
/* Pin A of slot 1 leads to the second of the bridge's lines, and so on round. */
TEST_F(fdt, pci_bridge)
{
	struct pci_host_conf conf = {
		.ecam = 0x10000000, .mem = 0x20000000, .mem_len = 0x1000000, .gsi = 20,
	};
	struct device *dev = pci_host_create(&conf);
	struct vm vm;

	ASSERT_EQ(0, devices_init(&vm));
	ASSERT_NE(NULL, dev);
	ASSERT_EQ(0, devices_add(&vm, dev));
	fdt_begin_root(&self->b);
	dev->ops->fdt(dev, &self->b);
	fdt_end(&self->b);
	ASSERT_EQ(0, FINISHED(self));
	show(self->blob);
	EXPECT_NE(NULL, strstr(text, "pcie@10000000{"));
	EXPECT_NE(NULL, strstr(text, "ranges=02000000000000002000000000000000200000000000000001000000;"));
	EXPECT_NE(NULL, strstr(text, "msi-map=00000000000000090000000000010000;"));
	EXPECT_NE(NULL, strstr(text, "interrupt-map-mask=00001800000000000000000000000007;"));
	EXPECT_NE(NULL, strstr(text, "0000080000000000000000000000000100000007" "0000001500000004"));
	EXPECT_NE(NULL, strstr(text, "0000180000000000000000000000000200000007" "0000001400000004"));
	devices_end(&vm);
}
#endif
#else
TEST(fdt)
{
	SKIP(return, "built without device trees: CONFIG_COMPILE_TEST builds them");
}
#endif

TEST_HARNESS_MAIN
