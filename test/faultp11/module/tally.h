// What the module counts, and the file in which others can watch it.

#ifndef FAULTP11_TALLY_H
#define FAULTP11_TALLY_H

#include "cryptoki.h"

// tally_open maps the file that FAULTP11_STATS names, if any.
void tally_open(void);

void tally_call(int function);
void tally_hanging(int change);
void tally_heap(void);

void tally_session_opened(U session, U slot);
void tally_session_closed(U session);
void tally_slot_closed(U slot);
void tally_all_closed(void);

// tally_slot gives the slot of a session, NO_SLOT if it is not known.
U tally_slot(U session);

#endif
