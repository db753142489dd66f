// The plan: which call meets which fault. ../README.md describes the file.

#ifndef FAULTP11_PLAN_H
#define FAULTP11_PLAN_H

#include "cryptoki.h"

#define NO_SLOT (~0UL)

enum action { PASS, RETURN, AFTER, DELAY, HANG, SHORT, WRONG, CRASH, DIE };

struct fault {
	enum action action;
	U argument; // a return value, or milliseconds
};

// plan_open is called once, before all others.
void plan_open(void);

// plan_next counts a call of function and gives its fault. It reads the file again if
// that has changed.
struct fault plan_next(int function, U slot);

// plan_hangs reports whether the plan still has this function hang.
int plan_hangs(int function, U slot);

// plan_function_name gives the name of a function by its number.
const char *plan_function_name(int function);

#endif
