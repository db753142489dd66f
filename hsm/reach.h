//go:build cgo

// How far a call reaches into the stack below its caller, measured: the stack is painted
// before the call and searched behind it. Both functions, and the call between them, are
// called from the same frame.

#ifndef KEYFERRY_REACH_H
#define KEYFERRY_REACH_H

#include "cryptoki.h"

// kf_paint fills KF_WIPED_STACK bytes of stack below its caller.
void kf_paint(void);

// kf_reached returns how many bytes of what was painted lie above the lowest one that is
// not as it was painted: 0 to KF_WIPED_STACK. What is beyond that it cannot see.
CK_ULONG kf_reached(void);

#endif
