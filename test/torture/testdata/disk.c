/* A disk that fails on demand, for a process that is started with LD_PRELOAD: while the
 * file that DISK_FAULT names has a word in it, calls on SQLite's files fail as they do on
 * a disk that is full ("full"), that was remounted read-only ("readonly"), or that cannot
 * make data durable ("sync"). Every other file is left alone. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int fault_is(const char *want)
{
	char word[16] = {0};
	const char *path = getenv("DISK_FAULT");
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	if (fd < 0)
		return 0;
	ssize_t n = read(fd, word, sizeof word - 1);
	close(fd);
	return n > 0 && strcmp(word, want) == 0;
}

static int is_database(int fd)
{
	char link[64], path[4096];
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, path, sizeof path - 1);
	if (n <= 0)
		return 0;
	path[n] = 0;
	return strstr(path, ".db") != NULL && strstr(path, "/data/") != NULL;
}

static int write_fault(int fd)
{
	if (!is_database(fd))
		return 0;
	return fault_is("full") ? ENOSPC : fault_is("readonly") ? EROFS : 0;
}

#define WRITER(name, offset)                                                      \
	ssize_t name(int fd, const void *from, size_t n, offset at)              \
	{                                                                         \
		static ssize_t (*real)(int, const void *, size_t, offset);       \
		if (!real)                                                        \
			real = dlsym(RTLD_NEXT, #name);                           \
		int fault = write_fault(fd);                                      \
		if (fault) {                                                      \
			errno = fault;                                            \
			return -1;                                                \
		}                                                                 \
		return real(fd, from, n, at);                                     \
	}

WRITER(pwrite, off_t)
WRITER(pwrite64, off64_t)

#define SYNCER(name)                                                              \
	int name(int fd)                                                          \
	{                                                                         \
		static int (*real)(int);                                          \
		if (!real)                                                        \
			real = dlsym(RTLD_NEXT, #name);                           \
		if (is_database(fd) && fault_is("sync")) {                        \
			errno = EIO;                                              \
			return -1;                                                \
		}                                                                 \
		return real(fd);                                                  \
	}

SYNCER(fsync)
SYNCER(fdatasync)
