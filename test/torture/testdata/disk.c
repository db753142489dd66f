/* A disk that fails on demand, for a process that is started with LD_PRELOAD: while the
 * file that DISK_FAULT names says so, calls on some files fail as they do on a disk that
 * is full, that was remounted read-only, or that cannot make data durable:
 *
 *   full|readonly|sync PART [once]
 *
 * PART is a part of the files' paths. With "once" the file goes with the first failure. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static int concerns(int fd, const char *part)
{
	char link[64], path[4096];
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, path, sizeof path - 1);
	if (n <= 0)
		return 0;
	path[n] = 0;
	return strstr(path, part) != NULL;
}

static int fault_is(const char *want, int fd)
{
	char text[512] = {0}, word[16] = "", part[256] = "", once[8] = "";
	const char *path = getenv("DISK_FAULT");
	int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	if (file < 0)
		return 0;
	ssize_t n = read(file, text, sizeof text - 1);
	close(file);
	if (n <= 0 || sscanf(text, "%15s %255s %7s", word, part, once) < 2)
		return 0;
	if (strcmp(word, want) != 0 || !concerns(fd, part))
		return 0;
	if (strcmp(once, "once") == 0)
		unlink(path);
	return 1;
}

static int write_fault(int fd)
{
	return fault_is("full", fd) ? ENOSPC : fault_is("readonly", fd) ? EROFS : 0;
}

#define WRITER(name, data, size, offset)                                          \
	ssize_t name(int fd, data from, size n, offset at)                       \
	{                                                                         \
		static ssize_t (*real)(int, data, size, offset);                 \
		if (!real)                                                        \
			real = dlsym(RTLD_NEXT, #name);                           \
		int fault = write_fault(fd);                                      \
		if (fault) {                                                      \
			errno = fault;                                            \
			return -1;                                                \
		}                                                                 \
		return real(fd, from, n, at);                                     \
	}

WRITER(pwrite, const void *, size_t, off_t)
WRITER(pwrite64, const void *, size_t, off64_t)
WRITER(pwritev, const struct iovec *, int, off_t)
WRITER(pwritev64, const struct iovec *, int, off64_t)

#define SYNCER(name)                                                              \
	int name(int fd)                                                          \
	{                                                                         \
		static int (*real)(int);                                          \
		if (!real)                                                        \
			real = dlsym(RTLD_NEXT, #name);                           \
		if (fault_is("sync", fd)) {                        \
			errno = EIO;                                              \
			return -1;                                                \
		}                                                                 \
		return real(fd);                                                  \
	}

SYNCER(fsync)
SYNCER(fdatasync)
