//go:build cgo

#ifndef KEYFERRY_WIPE_H
#define KEYFERRY_WIPE_H

// kf_wipe clears every vector register, then 64 KiB of stack below its caller.
//
// A library's memcpy leaves what it copied in vector registers, and the next signal
// saves those to memory. Its stack frames lie where the wiped stack is now.
void kf_wipe(void);

// kf_wipes is 1 where kf_wipe does something.
extern const int kf_wipes;

#endif
