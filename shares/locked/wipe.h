//go:build cgo

// kf_wipe clears every vector register, then 64 KiB of stack below its caller;
// kf_wipe_stack clears as much stack as it is told.
//
// A library's memcpy leaves what it copied in vector registers, and the next signal
// saves those to memory. Its stack frames lie where the wiped stack is now.
//
// It is in a header because two packages compile it into their C calls. The go command
// does not watch headers of other packages: after a change here, build with -a.
//
// KEYFERRY_NOWIPE, which the build tag keyferry_nowipe defines, leaves the wiping out:
// the positive control of memory scans.

#ifndef KEYFERRY_WIPE_H
#define KEYFERRY_WIPE_H

#include <stddef.h>

// What is known of the calls that are wiped fits in 64 KiB with room to spare, and
// so does this on the smallest thread stack in use (128 KiB, musl).
enum { KF_WIPED_STACK = 64 * 1024 };

#ifdef KEYFERRY_NOWIPE

enum { KF_WIPES = 0 };

static inline void kf_clear_registers(void) {}
static inline void kf_wipe(void) {}
static inline void kf_wipe_stack(size_t bytes) { (void)bytes; }

#else

#include <string.h>

enum { KF_WIPES = 1 };

#if defined(__x86_64__)

#define KF_WIDE(n) __asm__ volatile("vpxorq %%zmm" #n ", %%zmm" #n ", %%zmm" #n ::: "memory")

// zmm16 to zmm31 exist only in AVX-512, and no compiler uses them unasked.
__attribute__((target("avx512f"))) static void kf_clear_upper_sixteen(void)
{
	KF_WIDE(16); KF_WIDE(17); KF_WIDE(18); KF_WIDE(19); KF_WIDE(20); KF_WIDE(21); KF_WIDE(22); KF_WIDE(23);
	KF_WIDE(24); KF_WIDE(25); KF_WIDE(26); KF_WIDE(27); KF_WIDE(28); KF_WIDE(29); KF_WIDE(30); KF_WIDE(31);
}

// vzeroall clears registers 0 to 15 in their full width, the 512 bits included.
__attribute__((target("avx"))) static void kf_clear_avx(void)
{
	__asm__ volatile("vzeroall" ::: "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",
	                 "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "memory");
}

#define KF_NARROW(n) __asm__ volatile("pxor %%xmm" #n ", %%xmm" #n ::: "xmm" #n, "memory")

static void kf_clear_sse(void)
{
	KF_NARROW(0); KF_NARROW(1); KF_NARROW(2); KF_NARROW(3); KF_NARROW(4); KF_NARROW(5); KF_NARROW(6); KF_NARROW(7);
	KF_NARROW(8); KF_NARROW(9); KF_NARROW(10); KF_NARROW(11); KF_NARROW(12); KF_NARROW(13); KF_NARROW(14); KF_NARROW(15);
}

// The processor is asked at run time: one binary serves all machines.
static void kf_clear_registers(void)
{
	if (__builtin_cpu_supports("avx512f"))
		kf_clear_upper_sixteen();
	if (__builtin_cpu_supports("avx"))
		kf_clear_avx();
	else
		kf_clear_sse();
}

#elif defined(__aarch64__)

#define KF_CLEAR(n) __asm__ volatile("movi v" #n ".2d, #0" ::: "v" #n, "memory")

// Writing a v register clears the rest of a longer SVE register too.
static void kf_clear_registers(void)
{
	KF_CLEAR(0); KF_CLEAR(1); KF_CLEAR(2); KF_CLEAR(3); KF_CLEAR(4); KF_CLEAR(5); KF_CLEAR(6); KF_CLEAR(7);
	KF_CLEAR(8); KF_CLEAR(9); KF_CLEAR(10); KF_CLEAR(11); KF_CLEAR(12); KF_CLEAR(13); KF_CLEAR(14); KF_CLEAR(15);
	KF_CLEAR(16); KF_CLEAR(17); KF_CLEAR(18); KF_CLEAR(19); KF_CLEAR(20); KF_CLEAR(21); KF_CLEAR(22); KF_CLEAR(23);
	KF_CLEAR(24); KF_CLEAR(25); KF_CLEAR(26); KF_CLEAR(27); KF_CLEAR(28); KF_CLEAR(29); KF_CLEAR(30); KF_CLEAR(31);
}

#else
#error "no vector register wipe for this processor: add one, or build with -tags keyferry_nowipe and say so"
#endif

// A frame of its own, so that it covers what the wiped call's frames covered. The
// empty asm makes the compiler believe that somebody reads it.
__attribute__((noinline)) static void kf_clear_stack(size_t bytes)
{
	unsigned char frame[bytes];
	memset(frame, 0, bytes);
	__asm__ volatile("" : : "r"(frame) : "memory");
}

// Registers first: nothing of theirs can be spilled to the stack afterwards. bytes is
// not 0.
__attribute__((noinline, unused)) static void kf_wipe_stack(size_t bytes)
{
	kf_clear_registers();
	kf_clear_stack(bytes);
}

__attribute__((unused)) static void kf_wipe(void) { kf_wipe_stack(KF_WIPED_STACK); }

#endif

#endif
