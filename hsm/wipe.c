//go:build cgo && !keyferry_nowipe

#include "wipe.h"

#include <string.h>

const int kf_wipes = 1;

// What is known of the calls that are wiped fits in 64 KiB with room to spare, and
// so does this on the smallest thread stack in use (128 KiB, musl).
enum { STACK = 64 * 1024 };

#if defined(__x86_64__)

#define WIDE(n) __asm__ volatile("vpxorq %%zmm" #n ", %%zmm" #n ", %%zmm" #n ::: "memory")

// zmm16 to zmm31 exist only in AVX-512, and no compiler uses them unasked.
__attribute__((target("avx512f"))) static void clear_upper_sixteen(void)
{
	WIDE(16); WIDE(17); WIDE(18); WIDE(19); WIDE(20); WIDE(21); WIDE(22); WIDE(23);
	WIDE(24); WIDE(25); WIDE(26); WIDE(27); WIDE(28); WIDE(29); WIDE(30); WIDE(31);
}

// vzeroall clears registers 0 to 15 in their full width, the 512 bits included.
__attribute__((target("avx"))) static void clear_avx(void)
{
	__asm__ volatile("vzeroall" ::: "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",
	                 "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "memory");
}

#define NARROW(n) __asm__ volatile("pxor %%xmm" #n ", %%xmm" #n ::: "xmm" #n, "memory")

static void clear_sse(void)
{
	NARROW(0); NARROW(1); NARROW(2); NARROW(3); NARROW(4); NARROW(5); NARROW(6); NARROW(7);
	NARROW(8); NARROW(9); NARROW(10); NARROW(11); NARROW(12); NARROW(13); NARROW(14); NARROW(15);
}

// The processor is asked at run time: one binary serves all machines.
static void clear_registers(void)
{
	if (__builtin_cpu_supports("avx512f"))
		clear_upper_sixteen();
	if (__builtin_cpu_supports("avx"))
		clear_avx();
	else
		clear_sse();
}

#elif defined(__aarch64__)

#define CLEAR(n) __asm__ volatile("movi v" #n ".2d, #0" ::: "v" #n, "memory")

// Writing a v register clears the rest of a longer SVE register too.
static void clear_registers(void)
{
	CLEAR(0); CLEAR(1); CLEAR(2); CLEAR(3); CLEAR(4); CLEAR(5); CLEAR(6); CLEAR(7);
	CLEAR(8); CLEAR(9); CLEAR(10); CLEAR(11); CLEAR(12); CLEAR(13); CLEAR(14); CLEAR(15);
	CLEAR(16); CLEAR(17); CLEAR(18); CLEAR(19); CLEAR(20); CLEAR(21); CLEAR(22); CLEAR(23);
	CLEAR(24); CLEAR(25); CLEAR(26); CLEAR(27); CLEAR(28); CLEAR(29); CLEAR(30); CLEAR(31);
}

#else
#error "no vector register wipe for this processor: add one, or build with -tags keyferry_nowipe and say so"
#endif

// A frame of its own, so that it covers what the wiped call's frames covered. The
// empty asm makes the compiler believe that somebody reads it.
__attribute__((noinline)) static void clear_stack(void)
{
	unsigned char frame[STACK];
	memset(frame, 0, sizeof frame);
	__asm__ volatile("" : : "r"(frame) : "memory");
}

// Registers first: nothing of theirs can be spilled to the stack afterwards.
__attribute__((noinline)) void kf_wipe(void)
{
	clear_registers();
	clear_stack();
}
