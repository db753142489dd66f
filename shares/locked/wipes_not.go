//go:build keyferry_nowipe

package locked

const wipes = false
