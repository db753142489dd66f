// A PKCS#11 module that forwards every call to another one and lets it fail as a plan
// says. ../README.md describes its use.

#define _GNU_SOURCE
#include "cryptoki.h"
#include "plan.h"
#include "tally.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static FUNCTION_LIST *real;
static FUNCTION_LIST counted; // real, with its sessions counted

// What the action die leaves: calls fail until the library is finalised.
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct { int dead; U slot, rv; } fate;

U C_GetFunctionList(void **list);

static void load(void)
{
	const char *path = getenv("FAULTP11_MODULE");
	void *library = path == NULL ? NULL : dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	if (library == NULL) {
		fprintf(stderr, "faultp11: FAULTP11_MODULE must name the module to forward to: %s\n", path == NULL ? "unset" : dlerror());
		return;
	}
	U (*get)(void **) = (U (*)(void **))dlsym(library, "C_GetFunctionList");
	if (get == NULL || get((void **)&real) != CKR_OK)
		real = NULL;
	plan_open();
	tally_open();
}

static void revive(void)
{
	pthread_mutex_lock(&lock);
	fate.dead = 0;
	pthread_mutex_unlock(&lock);
}

static U get_info(void *info)
{
	tally_heap();
	return real->C_GetInfo(info);
}

static U finalize(void *reserved)
{
	U rv = real->C_Finalize(reserved);
	if (rv == CKR_OK) {
		tally_all_closed();
		revive();
	}
	return rv;
}

static U open_session(U slot, U flags, void *app, void *notify, U *session)
{
	U rv = real->C_OpenSession(slot, flags, app, notify, session);
	if (rv == CKR_OK)
		tally_session_opened(*session, slot);
	return rv;
}

static U close_session(U session)
{
	U rv = real->C_CloseSession(session);
	if (rv == CKR_OK)
		tally_session_closed(session);
	return rv;
}

static U close_all_sessions(U slot)
{
	U rv = real->C_CloseAllSessions(slot);
	if (rv == CKR_OK)
		tally_slot_closed(slot);
	return rv;
}

static void rest(U milliseconds)
{
	struct timespec time = {(time_t)(milliseconds / 1000), (long)(milliseconds % 1000) * 1000000};
	nanosleep(&time, NULL);
}

static void hang(int function, U slot)
{
	tally_hanging(1);
	while (plan_hangs(function, slot))
		rest(2);
	tally_hanging(-1);
}

static void die(U slot, U rv)
{
	pthread_mutex_lock(&lock);
	fate.dead = 1;
	fate.slot = slot;
	fate.rv = rv;
	pthread_mutex_unlock(&lock);
}

// dead_by gives the return value of a call that the dead cannot answer, else CKR_OK.
// Ending the library works, as it does where a connection is broken.
static U dead_by(int function, U slot)
{
	U rv = CKR_OK;
	pthread_mutex_lock(&lock);
	if (fate.dead && function != N_C_Finalize && (fate.slot == NO_SLOT || fate.slot == slot))
		rv = fate.rv;
	pthread_mutex_unlock(&lock);
	return rv;
}

// before does what comes before the real call. It gives 1 where there is to be none,
// with the return value in *rv.
static int before(int function, U slot, struct fault *fault, U *rv)
{
	tally_call(function);
	*fault = plan_next(function, slot);
	switch (fault->action) {
	case RETURN:
		*rv = fault->argument;
		return 1;
	case DIE:
		die(slot, fault->argument);
		break;
	case DELAY:
		rest(fault->argument);
		break;
	case HANG:
		hang(function, slot);
		break;
	case CRASH:
		abort();
	default:
		break;
	}
	*rv = dead_by(function, slot);
	return *rv != CKR_OK;
}

// after spoils the real call's answer. A question for the length alone stays right.
static U after(const struct fault *fault, U rv, B *out, U *n)
{
	if (fault->action == AFTER)
		return fault->argument;
	if (rv != CKR_OK || out == NULL || n == NULL || *n == 0)
		return rv;
	if (fault->action == SHORT)
		--*n;
	if (fault->action == WRONG)
		out[0] ^= 1;
	return rv;
}

// SESSION, SLOT and NOBODY say which slot a call is for.
#define SESSION(s) tally_slot(s)
#define SLOT(slot) (slot)
#define NOBODY NO_SLOT

#define FORWARD(name, parameters, arguments, owner, out, n) \
	static U forward_##name parameters \
	{ \
		struct fault fault; \
		U rv; \
		if (before(N_##name, owner, &fault, &rv)) \
			return rv; \
		rv = counted.name arguments; \
		return after(&fault, rv, out, n); \
	}
EACH(FORWARD)

static FUNCTION_LIST faulty = {
	{2, 40},
#define ENTRY(name, parameters, arguments, owner, out, n) forward_##name,
	EACH(ENTRY)
};

static void prepare(void)
{
	load();
	if (real == NULL)
		return;
	counted = *real;
	counted.C_GetFunctionList = C_GetFunctionList;
	counted.C_GetInfo = get_info;
	counted.C_Finalize = finalize;
	counted.C_OpenSession = open_session;
	counted.C_CloseSession = close_session;
	counted.C_CloseAllSessions = close_all_sessions;
}

__attribute__((visibility("default"))) U C_GetFunctionList(void **list)
{
	pthread_once(&once, prepare);
	if (real == NULL)
		return CKR_GENERAL_ERROR;
	*list = &faulty;
	return CKR_OK;
}
