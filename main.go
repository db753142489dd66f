// Keyferry exports threshold key shares that are kept wrapped by HSMs.
package main

import (
	"os"

	"keyferry/server/cli"
)

func main() { os.Exit(cli.Main()) }
