#define _GNU_SOURCE
#include "plan.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MOST_RULES = 256, ANY_FUNCTION = -1 };

struct rule {
	int function;
	U slot;       // NO_SLOT: any
	U from, to;   // numbers of calls, from 1
	double chance;
	struct fault fault;
	U calls; // that the rule was about, so far
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *path;
static struct stat seen;
static struct rule rules[MOST_RULES];
static int count;
static unsigned long long dice;

static const char *const names[] = {
#define NAME(name, parameters, arguments, owner, out, n) #name,
	EACH(NAME)
#undef NAME
};

const char *plan_function_name(int function) { return names[function]; }

static void refuse(int line, const char *why, const char *what)
{
	fprintf(stderr, "faultp11: %s:%d: %s: %s\n", path, line, why, what);
	abort(); // a test whose plan is not understood must not pass
}

static int function_named(const char *name, int line)
{
	if (strcmp(name, "*") == 0)
		return ANY_FUNCTION;
	for (int i = 0; i < FUNCTIONS; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	refuse(line, "no such function", name);
	return 0;
}

static const struct { const char *word; enum action action; int has_argument; } actions[] = {
	{"return", RETURN, 1}, {"after", AFTER, 1}, {"delay", DELAY, 1}, {"die", DIE, 1},
	{"hang", HANG, 0}, {"short", SHORT, 0}, {"wrong", WRONG, 0}, {"crash", CRASH, 0},
};

// parse_action reports whether word is an action.
static int parse_action(struct fault *fault, const char *word, const char *value)
{
	for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
		if (strcmp(actions[i].word, word) != 0 || actions[i].has_argument != (value != NULL))
			continue;
		fault->action = actions[i].action;
		if (value != NULL)
			fault->argument = strtoul(value, NULL, 0);
		return 1;
	}
	return 0;
}

static int parse_condition(struct rule *rule, const char *word, const char *value)
{
	char *rest;
	if (value == NULL)
		return 0;
	if (strcmp(word, "p") == 0) {
		rule->chance = strtod(value, NULL);
		return 1;
	}
	if (strcmp(word, "slot") == 0) {
		rule->slot = strtoul(value, NULL, 0);
		return 1;
	}
	if (strcmp(word, "call") != 0)
		return 0;
	rule->from = rule->to = strtoul(value, &rest, 10);
	if (*rest == '-')
		rule->to = rest[1] == 0 ? ~0UL : strtoul(rest + 1, NULL, 10);
	return 1;
}

static void parse_line(char *text, int line)
{
	char *rest, *word = strtok_r(text, " \t\n", &rest);
	if (word == NULL || *word == '#')
		return;
	if (strcmp(word, "seed") == 0) {
		char *seed = strtok_r(NULL, " \t\n", &rest);
		dice = seed == NULL ? 1 : strtoull(seed, NULL, 0) | 1;
		return;
	}
	if (count == MOST_RULES)
		refuse(line, "too many rules", word);
	struct rule *rule = &rules[count++];
	*rule = (struct rule){function_named(word, line), NO_SLOT, 1, ~0UL, 1, {PASS, 0}, 0};
	while ((word = strtok_r(NULL, " \t\n", &rest)) != NULL) {
		char *value = strchr(word, '=');
		if (value != NULL)
			*value++ = 0;
		if (!parse_condition(rule, word, value) && !parse_action(&rule->fault, word, value))
			refuse(line, "not understood", word);
	}
	if (rule->fault.action == PASS)
		refuse(line, "no action", names[rule->function < 0 ? 0 : rule->function]);
}

static void read_plan(void)
{
	char text[512];
	count = 0;
	dice = 1;
	FILE *file = fopen(path, "re");
	if (file == NULL)
		return;
	for (int line = 1; fgets(text, sizeof text, file) != NULL; line++)
		parse_line(text, line);
	fclose(file);
}

// refresh reads the file again if it is another one or has changed. No file is an empty
// plan.
static void refresh(void)
{
	struct stat now;
	if (path == NULL)
		return;
	if (stat(path, &now) != 0)
		memset(&now, 0, sizeof now);
	if (now.st_ino == seen.st_ino && now.st_size == seen.st_size && now.st_mtim.tv_sec == seen.st_mtim.tv_sec &&
	    now.st_mtim.tv_nsec == seen.st_mtim.tv_nsec)
		return;
	seen = now;
	read_plan();
}

// roll is xorshift64*: the same seed gives the same faults to the same calls.
static double roll(void)
{
	dice ^= dice >> 12;
	dice ^= dice << 25;
	dice ^= dice >> 27;
	return (double)((dice * 0x2545F4914F6CDD1DULL) >> 11) / (double)(1ULL << 53);
}

static int applies(const struct rule *rule, int function, U slot)
{
	return (rule->function == function || rule->function == ANY_FUNCTION) && (rule->slot == NO_SLOT || rule->slot == slot);
}

void plan_open(void)
{
	path = getenv("FAULTP11_PLAN");
	dice = 1;
}

struct fault plan_next(int function, U slot)
{
	struct fault fault = {PASS, 0};
	pthread_mutex_lock(&lock);
	refresh();
	for (int i = 0; i < count; i++) {
		struct rule *rule = &rules[i];
		if (!applies(rule, function, slot))
			continue;
		rule->calls++;
		if (fault.action == PASS && rule->calls >= rule->from && rule->calls <= rule->to &&
		    (rule->chance >= 1 || roll() < rule->chance))
			fault = rule->fault;
	}
	pthread_mutex_unlock(&lock);
	return fault;
}

int plan_hangs(int function, U slot)
{
	int hangs = 0;
	pthread_mutex_lock(&lock);
	refresh();
	for (int i = 0; i < count; i++)
		hangs |= applies(&rules[i], function, slot) && rules[i].fault.action == HANG;
	pthread_mutex_unlock(&lock);
	return hangs;
}
