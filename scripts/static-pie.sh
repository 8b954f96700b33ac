#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# static-pie.sh CC [OPTION]...
#	prints the options by which CC links a static position-independent program
#
# musl-gcc takes -static-pie for a wish to link dynamically: what comes out must be
# looked at. There musl's start file for such programs is named by hand; it lies
# beside the one that the compiler would take.

tmp=$(mktemp -d) || exit
trap 'rm -rf "$tmp"' EXIT
echo 'int main(void) { return 0; }' > "$tmp/main.c"

static_pie() {
	"$@" -fPIE -o "$tmp/main" "$tmp/main.c" >/dev/null 2>&1 &&
	readelf -hl "$tmp/main" > "$tmp/headers" 2>/dev/null &&
	grep -q 'Type:.*DYN' "$tmp/headers" && ! grep -q INTERP "$tmp/headers"
}

# A table of relocations that is a thirtieth as large, for a C library that can read it.
packed() {
	cat > "$tmp/main.c" <<-END
	#include <features.h>
	#if !defined(__GLIBC__) || !__GLIBC_PREREQ(2, 36)
	#error
	#endif
	int main(void) { return 0; }
	END
	static_pie "$@" -static-pie -Wl,-z,pack-relative-relocs,--fatal-warnings
}

if packed "$@"; then
	echo "-static-pie -Wl,-z,pack-relative-relocs"
	exit
fi
echo 'int main(void) { return 0; }' > "$tmp/main.c"
if static_pie "$@" -static-pie; then
	echo "-static-pie"
	exit
fi
start=$("$@" -pie '-###' "$tmp/main.c" 2>&1 | tr -d '"' | tr ' ' '\n' | grep '/Scrt1\.o$')
flags="-static -nostartfiles ${start%/*}/rcrt1.o ${start%/*}/crti.o ${start%/*}/crtn.o"
flags="$flags -Wl,-pie,--no-dynamic-linker,-z,text"
# shellcheck disable=SC2086
if static_pie "$@" $flags; then
	echo "$flags"
else
	echo "-static"
fi
