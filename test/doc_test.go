// Package test looks at the whole: the program, built and started, and what is said of it.
//
//	script_test.go     the commands, as testdata/script/*.txtar type them
//	dev_test.go        the program as keyferry dev, for the tests that need a server
//	attack_test.go     requests that must be refused and recorded; attack_*_test.go have them,
//	                   one kind a file
//	crash_test.go      an export whose server is killed
//	memory_test.go     a search of the server's memory, under traffic (memory_traffic_test.go)
//	                   and after a verification (memory_verify_test.go), and of a process
//	                   that rotates (memory_rotate_test.go), held at its lines (linepipe_test.go)
//	doctor_test.go     doctors at one token at the same time
//	secrets_test.go    a search of all that is written
//	imports_test.go    the layering of the packages
//	docs_test.go       what documents name
//	fuzz_test.go       the script fuzz, which runs all fuzz targets
//
// The folders are what takes a package of its own: a cluster's processes (cluster, torture,
// rotation), a server in an attacker's hands (hostile), a token that fails (faultp11), other
// programs (interop, readers, image), speed (bench), and tools for all of them.
package test
