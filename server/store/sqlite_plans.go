package store

/*
typedef struct sqlite3 sqlite3;

extern int sqlite3_auto_extension(void (*entry)(void));
extern int sqlite3_db_config(sqlite3 *connection, int option, ...);

// SQLITE_DBCONFIG_ENABLE_QPSG of sqlite3.h, the Query Planner Stability Guarantee.
enum { plan_stability = 1007 };

static int plan_once(sqlite3 *connection, char **trouble, const void *functions)
{
	return sqlite3_db_config(connection, plan_stability, 1, (int *)0);
}

static int plan_statements_once(void)
{
	return sqlite3_auto_extension((void (*)(void))plan_once);
}
*/
import "C"

import (
	"fmt"
	"sync"
)

// planOnce has every connection that is opened from now on plan a statement once, whatever
// values it is run with. Otherwise SQLite plans most statements anew each time that they
// are run, prepared or not, in case other values deserve another way: to plan a look-up of
// one row takes three times as long as to do it. The driver has no setting for that.
var planOnce = sync.OnceValue(func() error {
	if code := C.plan_statements_once(); code != 0 {
		return fmt.Errorf("having SQLite plan statements once: error %d", int(code))
	}
	return nil
})
