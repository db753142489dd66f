//go:build cgo && keyferry_nowipe

// The positive control of memory scans: the same program with the wiping left out.

#include "wipe.h"

const int kf_wipes = 0;

void kf_wipe(void) {}
