#define _GNU_SOURCE
#include "tally.h"

#include "plan.h"

#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

// The file's layout: numbers of eight bytes in the machine's byte order.
struct stats {
	_Atomic int64_t sessions; // open now
	_Atomic int64_t hanging;  // calls that hang now
	_Atomic int64_t heap;     // bytes of the process's C heap in use, as of the last C_GetInfo
	_Atomic int64_t calls[FUNCTIONS];
};

struct session {
	U number, slot;
	struct session *next;
};

static struct stats unwatched;
static struct stats *stats = &unwatched;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct session *sessions;

void tally_open(void)
{
	const char *path = getenv("FAULTP11_STATS");
	int file = path == NULL ? -1 : open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (file < 0)
		return;
	if (ftruncate(file, sizeof *stats) == 0) {
		void *shared = mmap(NULL, sizeof *stats, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
		if (shared != MAP_FAILED)
			stats = shared;
	}
	close(file);
}

void tally_call(int function) { stats->calls[function]++; }
void tally_hanging(int change) { stats->hanging += change; }
void tally_heap(void) { stats->heap = (int64_t)mallinfo2().uordblks; }

void tally_session_opened(U session, U slot)
{
	struct session *entry = malloc(sizeof *entry);
	if (entry == NULL)
		abort();
	pthread_mutex_lock(&lock);
	*entry = (struct session){session, slot, sessions};
	sessions = entry;
	stats->sessions++;
	pthread_mutex_unlock(&lock);
}

// forget drops the sessions with this number, of this slot, or all.
static void forget(U number, U slot, int all)
{
	pthread_mutex_lock(&lock);
	for (struct session **at = &sessions; *at != NULL;) {
		struct session *entry = *at;
		if (!all && entry->number != number && entry->slot != slot) {
			at = &entry->next;
			continue;
		}
		*at = entry->next;
		free(entry);
		stats->sessions--;
	}
	pthread_mutex_unlock(&lock);
}

void tally_session_closed(U session) { forget(session, NO_SLOT, 0); }
void tally_slot_closed(U slot) { forget(0, slot, 0); }
void tally_all_closed(void) { forget(0, 0, 1); }

U tally_slot(U session)
{
	U slot = NO_SLOT;
	pthread_mutex_lock(&lock);
	for (struct session *entry = sessions; entry != NULL; entry = entry->next)
		if (entry->number == session)
			slot = entry->slot;
	pthread_mutex_unlock(&lock);
	return slot;
}
