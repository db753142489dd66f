//go:build !keyferry_nowipe

package locked

// wipes is false only in builds with the tag keyferry_nowipe, the positive control of
// memory scans: Destroy leaves the memory as it is, and the next Buffer clears it.
const wipes = true
