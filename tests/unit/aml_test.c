// SPDX-License-Identifier: GPL-2.0
/*
 * boot/aml.c byte for byte, against ACPI specification 6.5, chapters 20 (AML) and
 * 6.4 (resources), and what iasl 20200925 makes of the same ASL.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>
#include <vmtool/aml.h>

#include <kselftest_harness.h>

FIXTURE(made) {
	struct aml a;
};

FIXTURE_SETUP(made)
{
	aml_init(&self->a);
}

FIXTURE_TEARDOWN(made)
{
	aml_free(&self->a);
	EXPECT_EQ(NULL, self->a.buf);
	EXPECT_EQ(0, self->a.len);
}

/* Exactly these bytes were made, and all went well. */
#define EXPECT_BYTES(...) do {							\
	static const u8 want_[] = { __VA_ARGS__ };				\
	EXPECT_EQ(0, aml_error(&self->a));					\
	EXPECT_EQ(sizeof(want_), self->a.len);					\
	EXPECT_EQ(0, memcmp(want_, self->a.buf, min(sizeof(want_), self->a.len))); \
	aml_free(&self->a);							\
} while (0)

TEST_F(made, integers)
{
	aml_int(&self->a, 0);
	EXPECT_BYTES(0x00);
	aml_int(&self->a, 1);
	EXPECT_BYTES(0x01);
	aml_int(&self->a, 2);
	EXPECT_BYTES(0x0a, 2);
	aml_int(&self->a, 0xff);
	EXPECT_BYTES(0x0a, 0xff);
	aml_int(&self->a, 0x100);
	EXPECT_BYTES(0x0b, 0x00, 0x01);
	aml_int(&self->a, 0xffff);
	EXPECT_BYTES(0x0b, 0xff, 0xff);
	aml_int(&self->a, 0x10000);
	EXPECT_BYTES(0x0c, 0x00, 0x00, 0x01, 0x00);
	aml_int(&self->a, 0xffffffff);
	EXPECT_BYTES(0x0c, 0xff, 0xff, 0xff, 0xff);
	aml_int(&self->a, 0x100000000ULL);
	EXPECT_BYTES(0x0e, 0, 0, 0, 0, 1, 0, 0, 0);
	aml_int(&self->a, 0x0123456789abcdefULL);
	EXPECT_BYTES(0x0e, 0xef, 0xcd, 0xab, 0x89, 0x67, 0x45, 0x23, 0x01);
	aml_int(&self->a, ~0ULL);
	EXPECT_BYTES(0x0e, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff);
}

TEST_F(made, strings)
{
	aml_string(&self->a, "ACPI0013");
	EXPECT_BYTES(0x0d, 'A', 'C', 'P', 'I', '0', '0', '1', '3', 0);
	aml_string(&self->a, "");
	EXPECT_BYTES(0x0d, 0);
}

TEST_F(made, eisa_ids)
{
	aml_eisaid(&self->a, "PNP0501");
	EXPECT_BYTES(0x0c, 0x41, 0xd0, 0x05, 0x01);
	aml_eisaid(&self->a, "PNP0C0C");
	EXPECT_BYTES(0x0c, 0x41, 0xd0, 0x0c, 0x0c);
	aml_eisaid(&self->a, "PNP0A03");
	EXPECT_BYTES(0x0c, 0x41, 0xd0, 0x0a, 0x03);
	aml_eisaid(&self->a, "ABC1EF9");
	EXPECT_BYTES(0x0c, 0x04, 0x43, 0x1e, 0xf9);
}

TEST_F(made, eisa_ids_that_are_none)
{
	aml_eisaid(&self->a, "PNP050");
	EXPECT_EQ(-EINVAL, aml_error(&self->a));
	aml_free(&self->a);
	aml_eisaid(&self->a, "PNP05011");
	EXPECT_EQ(-EINVAL, aml_error(&self->a));
}

TEST_F(made, names)
{
	aml_name(&self->a, "_HID");
	EXPECT_BYTES(0x08, '_', 'H', 'I', 'D');
	aml_name(&self->a, "GED");
	EXPECT_BYTES(0x08, 'G', 'E', 'D', '_');
	aml_name(&self->a, "A1");
	EXPECT_BYTES(0x08, 'A', '1', '_', '_');
	aml_name(&self->a, "\\_S5");
	EXPECT_BYTES(0x08, '\\', '_', 'S', '5', '_');
	aml_name(&self->a, "^^X");
	EXPECT_BYTES(0x08, '^', '^', 'X', '_', '_', '_');
	aml_name(&self->a, "\\_SB.PWRB");
	EXPECT_BYTES(0x08, '\\', 0x2e, '_', 'S', 'B', '_', 'P', 'W', 'R', 'B');
	aml_name(&self->a, "A.B");
	EXPECT_BYTES(0x08, 0x2e, 'A', '_', '_', '_', 'B', '_', '_', '_');
}

TEST_F(made, names_that_are_wrong)
{
	static const char *const wrong[] = {
		"", "\\", "ABCDE", "1ABC", "abcd", "AB D", "ab", "A-", "AB.", ".AB", "A..B",
		"A.B.C", "ABCDE.F", "A.BCDEF", "A.1", "\\_SB.PCI0.COM1", "A\\", "A^", "\xc4",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		aml_name(&self->a, wrong[i]);
		EXPECT_EQ(-EINVAL, aml_error(&self->a))
			TH_LOG("'%s'", wrong[i]);
		aml_free(&self->a);
	}
}

TEST_F(made, scope_and_device)
{
	aml_scope(&self->a, "\\_SB");
	aml_device(&self->a, "COM1");
	aml_name(&self->a, "_UID");
	aml_int(&self->a, 0);
	aml_end(&self->a);
	aml_end(&self->a);
	EXPECT_BYTES(0x10, 19, '\\', '_', 'S', 'B', '_',
		     0x5b, 0x82, 11, 'C', 'O', 'M', '1',
		     0x08, '_', 'U', 'I', 'D', 0x00);
}

TEST_F(made, methods)
{
	aml_method(&self->a, "_EVT", 1, true);
	aml_end(&self->a);
	EXPECT_BYTES(0x14, 6, '_', 'E', 'V', 'T', 0x09);
	aml_method(&self->a, "_STA", 0, false);
	aml_end(&self->a);
	EXPECT_BYTES(0x14, 6, '_', 'S', 'T', 'A', 0x00);
	aml_method(&self->a, "X", 7, true);
	aml_end(&self->a);
	EXPECT_BYTES(0x14, 6, 'X', '_', '_', '_', 0x0f);
}

/* As the event device has it: If (Local0 & 1) { Notify (\_SB.PWRB, 0x80) }. */
TEST_F(made, statements)
{
	aml_store_to_local(&self->a, "EVTS", AML_LOCAL0);
	aml_if_bit(&self->a, AML_LOCAL0, 1);
	aml_notify(&self->a, "\\_SB.PWRB", 0x80);
	aml_end(&self->a);
	EXPECT_BYTES(0x70, 'E', 'V', 'T', 'S', 0x60,
		     0xa0, 18, 0x7b, 0x60, 0x01, 0x00,
		     0x86, '\\', 0x2e, '_', 'S', 'B', '_', 'P', 'W', 'R', 'B', 0x0a, 0x80);
	aml_if_bit(&self->a, AML_ARG0, 0x100);
	aml_end(&self->a);
	EXPECT_BYTES(0xa0, 7, 0x7b, 0x68, 0x0b, 0x00, 0x01, 0x00);
}

TEST_F(made, packages)
{
	aml_package(&self->a, 4);
	aml_int(&self->a, 5);
	aml_int(&self->a, 0);
	aml_int(&self->a, 0);
	aml_int(&self->a, 0);
	aml_end(&self->a);
	EXPECT_BYTES(0x12, 7, 4, 0x0a, 5, 0, 0, 0);
	aml_package(&self->a, 0);
	aml_end(&self->a);
	EXPECT_BYTES(0x12, 2, 0);
}

TEST_F(made, regions_and_fields)
{
	aml_op_region(&self->a, "EVTR", AML_SYSTEM_IO, 0x603, 1);
	EXPECT_BYTES(0x5b, 0x80, 'E', 'V', 'T', 'R', 1, 0x0b, 0x03, 0x06, 0x01);
	aml_op_region(&self->a, "MEM", AML_SYSTEM_MEMORY, 0xfed00000, 0x1000);
	EXPECT_BYTES(0x5b, 0x80, 'M', 'E', 'M', '_', 0, 0x0c, 0x00, 0x00, 0xd0, 0xfe,
		     0x0b, 0x00, 0x10);
	aml_field(&self->a, "EVTR", "EVTS", 8);
	EXPECT_BYTES(0x5b, 0x81, 11, 'E', 'V', 'T', 'R', 0x41, 'E', 'V', 'T', 'S', 8);
	aml_field(&self->a, "EVTR", "X", 63);
	EXPECT_BYTES(0x5b, 0x81, 11, 'E', 'V', 'T', 'R', 0x41, 'X', '_', '_', '_', 63);
	aml_field(&self->a, "EVTR", "X", 64);
	EXPECT_EQ(-EINVAL, aml_error(&self->a));
}

TEST_F(made, resources)
{
	aml_resources(&self->a);
	aml_io(&self->a, 0x3f8, 8);
	aml_interrupt(&self->a, 4, AML_IRQ_EDGE);
	aml_end(&self->a);
	EXPECT_BYTES(0x11, 23, 0x0b, 19, 0,
		     0x47, 0x01, 0xf8, 0x03, 0xf8, 0x03, 0x01, 0x08,
		     0x89, 0x06, 0x00, 0x03, 0x01, 4, 0, 0, 0,
		     0x79, 0x00);
	aml_resources(&self->a);
	aml_interrupt(&self->a, 0x12345678, AML_IRQ_LEVEL);
	aml_memory32(&self->a, 0xfed00000, 0x1000);
	aml_end(&self->a);
	EXPECT_BYTES(0x11, 27, 0x0b, 23, 0,
		     0x89, 0x06, 0x00, 0x01, 0x01, 0x78, 0x56, 0x34, 0x12,
		     0x86, 0x09, 0x00, 0x01, 0x00, 0x00, 0xd0, 0xfe, 0x00, 0x10, 0x00, 0x00,
		     0x79, 0x00);
	aml_resources(&self->a);
	aml_end(&self->a);
	EXPECT_BYTES(0x11, 6, 0x0b, 2, 0, 0x79, 0x00);
}

TEST_F(made, resources_of_a_bridge)
{
	aml_resources(&self->a);
	aml_bus_range(&self->a, 0, 0);
	aml_end(&self->a);
	EXPECT_BYTES(0x11, 22, 0x0b, 18, 0,
		     0x88, 13, 0, 0x02, 0x0c, 0x00, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0,
		     0x79, 0x00);
	aml_bus_range(&self->a, 3, 0x1ff);
	EXPECT_BYTES(0x88, 13, 0, 0x02, 0x0c, 0x00, 0, 0, 3, 0, 0xff, 1, 0, 0, 0xfd, 1);
	aml_memory_window(&self->a, 0xd0000000, 0x18000000);
	EXPECT_BYTES(0x8a, 43, 0, 0x00, 0x0c, 0x01, 0, 0, 0, 0, 0, 0, 0, 0,
		     0, 0, 0, 0xd0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xe7, 0, 0, 0, 0,
		     0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x18, 0, 0, 0, 0);
}

/* As a host bridge's _OSC has it. */
TEST_F(made, methods_with_arguments)
{
	aml_dword_field(&self->a, AML_ARG0 + 3, 0, "CDW1");
	EXPECT_BYTES(0x8a, 0x6b, 0x00, 'C', 'D', 'W', '1');
	aml_if_not_uuid(&self->a, AML_ARG0, "33db4d5b-1ff7-401c-9657-7441c03dd766");
	aml_or(&self->a, "CDW1", 4);
	aml_end(&self->a);
	EXPECT_BYTES(0xa0, 35, 0x92, 0x93, 0x68, 0x11, 19, 0x0a, 16,
		     0x5b, 0x4d, 0xdb, 0x33, 0xf7, 0x1f, 0x1c, 0x40,
		     0x96, 0x57, 0x74, 0x41, 0xc0, 0x3d, 0xd7, 0x66,
		     0x7d, 'C', 'D', 'W', '1', 0x0a, 4, 'C', 'D', 'W', '1');
	aml_return(&self->a, AML_ARG0 + 3);
	EXPECT_BYTES(0xa4, 0x6b);
	aml_if_not_uuid(&self->a, AML_ARG0, "33db4d5b");
	EXPECT_EQ(-EINVAL, aml_error(&self->a));
}

/* Resources of a size that the buffer's own length needs two bytes for. */
TEST_F(made, many_resources)
{
	const size_t n = 300, body = n * 8 + 2;
	size_t i;

	aml_resources(&self->a);
	for (i = 0; i < n; i++)
		aml_io(&self->a, i, 1);
	aml_end(&self->a);
	ASSERT_EQ(0, aml_error(&self->a));
	EXPECT_EQ(1 + 2 + 3 + body, self->a.len);
	EXPECT_EQ(0x0b, self->a.buf[3]);
	EXPECT_EQ(body, self->a.buf[4] | self->a.buf[5] << 8);
}

struct pkg {
	size_t body;
	u8 bytes;
	u8 head[4];
};

/* 20.2.4: the length counts itself; the first byte's top bits say how many follow. */
TEST_F(made, package_lengths)
{
	static const struct pkg pkgs[] = {
		{ 4, 1, { 5 } },
		{ 61, 1, { 62 } },
		{ 62, 1, { 63 } },			/* 63 is the last of one byte */
		{ 63, 2, { 0x41, 0x04 } },		/* 65 */
		{ 64, 2, { 0x42, 0x04 } },
		{ 4092, 2, { 0x4e, 0xff } },		/* 4094 */
		{ 4093, 2, { 0x4f, 0xff } },		/* 4095 is the last of two */
		{ 4094, 3, { 0x81, 0x00, 0x01 } },	/* 4097 */
		{ 4095, 3, { 0x82, 0x00, 0x01 } },
		{ 1048572, 3, { 0x8f, 0xff, 0xff } },	/* 2^20 - 1 is the last of three */
		{ 1048573, 4, { 0xc1, 0x00, 0x00, 0x01 } },
	};
	size_t i, k;

	for (i = 0; i < ARRAY_SIZE(pkgs); i++) {
		const struct pkg *p = &pkgs[i];
		u8 *body = malloc(p->body);

		for (k = 0; k < p->body; k++)
			body[k] = k * 5 + 1;
		memcpy(body, "ABCD", 4);
		aml_scope(&self->a, "ABCD");
		aml_raw(&self->a, body + 4, p->body - 4);
		aml_end(&self->a);
		ASSERT_EQ(0, aml_error(&self->a));
		ASSERT_EQ(1 + p->bytes + p->body, self->a.len);
		EXPECT_EQ(0, memcmp(self->a.buf + 1, p->head, p->bytes))
			TH_LOG("body of %zu", p->body);
		/* It is moved to make room, and not changed by that. */
		EXPECT_EQ(0, memcmp(self->a.buf + 1 + p->bytes, body, p->body));
		aml_free(&self->a);
		free(body);
	}
}

TEST_F(made, nesting)
{
	int i;

	for (i = 0; i < AML_MAX_DEPTH; i++)
		aml_scope(&self->a, "ABCD");
	EXPECT_EQ(-EINVAL, aml_error(&self->a));	/* open still */
	for (i = 0; i < AML_MAX_DEPTH; i++)
		aml_end(&self->a);
	EXPECT_EQ(0, aml_error(&self->a));
	aml_end(&self->a);
	EXPECT_EQ(-EINVAL, aml_error(&self->a));
}

TEST_F(made, nesting_too_deep)
{
	int i;

	for (i = 0; i <= AML_MAX_DEPTH; i++)
		aml_device(&self->a, "ABCD");
	for (i = 0; i <= AML_MAX_DEPTH; i++)
		aml_end(&self->a);
	EXPECT_EQ(-EINVAL, aml_error(&self->a));
}

TEST_F(made, errors_stick)
{
	size_t len;

	aml_name(&self->a, "wrong");
	EXPECT_EQ(-EINVAL, aml_error(&self->a));
	len = self->a.len;
	aml_int(&self->a, 1);
	aml_scope(&self->a, "ABCD");
	aml_resources(&self->a);
	aml_end(&self->a);
	aml_end(&self->a);
	EXPECT_EQ(-EINVAL, aml_error(&self->a));
	EXPECT_EQ(len, self->a.len);
}

TEST_HARNESS_MAIN
