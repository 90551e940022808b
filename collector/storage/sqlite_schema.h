/*
 * sqlite_schema.h - the layout of the store file, as SQL.
 */
#ifndef ECM_COLLECTOR_STORAGE_SQLITE_SCHEMA_H
#define ECM_COLLECTOR_STORAGE_SQLITE_SCHEMA_H

#include <stddef.h>

/* Any change of the layout is a new number; a store of another number is refused. */
enum { STORE_SCHEMA_VERSION = 3 };

/* Settings of a connection, in the order SQLite needs them. */
extern const char store_settings_sql[];

/* The tables and indices of a new store, one statement or a few each. */
extern const char *const store_schema_sql[];
extern const size_t store_schema_count;

/* The indices of planned visits: dropped and made anew around a large import. */
extern const char store_planned_indices_drop[];
extern const char store_planned_indices_make[];

#endif
