//go:build cgo

#include "reach.h"

#include <string.h>

#include "../shares/locked/wipe.h"

enum { PAINT = 0xa5 };

// The empty asm makes the compiler believe that somebody reads the frame.
__attribute__((noinline)) void kf_paint(void)
{
	unsigned char frame[KF_WIPED_STACK];
	memset(frame, PAINT, sizeof frame);
	__asm__ volatile("" : : "r"(frame) : "memory");
}

// The frame is left as it is found, which is the point. The empty asm makes the compiler
// believe that somebody wrote it.
__attribute__((noinline)) CK_ULONG kf_reached(void)
{
	unsigned char frame[KF_WIPED_STACK];
	unsigned char *byte = frame;
	__asm__ volatile("" : "+r"(byte) : : "memory");
	CK_ULONG untouched = 0;
	while (untouched < KF_WIPED_STACK && byte[untouched] == PAINT)
		untouched++;
	return KF_WIPED_STACK - untouched;
}
