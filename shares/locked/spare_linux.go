package locked

import "golang.org/x/sys/unix"

// maxSpare bounds the spare pages: 256 KiB on most machines.
const maxSpare = 64

// spare keeps pages of destroyed Buffers for the next ones, as they are: locked, left
// out of dumps and children. They are wiped before they come here. Mapping and locking
// a page anew takes microseconds, and takes the whole process's memory map lock: with
// several threads at it, they mostly wait for each other.
//
// There is one for the process, as there is one limit for its locked memory.
var spare = make(chan []byte, maxSpare)

// takeSpare returns a spare page, all zero, or nil.
func takeSpare() []byte {
	select {
	case page := <-spare:
		if !wipes {
			clear(page)
		}
		return page
	default:
		return nil
	}
}

// keepSpare reports whether the page was kept. It must be wiped.
func keepSpare(page []byte) bool {
	select {
	case spare <- page:
		return true
	default:
		return false
	}
}

// freeSpare gives the spare pages back to the system and reports whether there were
// any.
func freeSpare() (freed bool) {
	for page := takeSpare(); page != nil; page = takeSpare() {
		unmap(page)
		freed = true
	}
	return freed
}

// unmap cannot fail for a mapping of our own; munmap unlocks it too.
func unmap(pages []byte) { _ = unix.Munmap(pages) }
