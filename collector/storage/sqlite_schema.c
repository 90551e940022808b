/*
 * sqlite_schema.c - see sqlite_schema.h.
 *
 * A batch is one row holding the message as it was received, so that appending costs the same for
 * one record and for 256, and the evidence is what the device signed. Rows of batches are only ever
 * appended; the high-water mark of the log moves in the same transaction. (A natural key on every
 * record costs seven times as much.)
 *
 * batch_by_log lets the taps of one home be found without touching the messages; batch_by_time those
 * of one week. Batches that may hold taps of a span above a week (a device that waited for its
 * clock) are few and have an index of their own, so that the search by first_tap_utc can start a
 * week before the instant that is asked for.
 *
 * Imported events are kept the same way, a block of them a row (event_block.h), in order of arrival: a
 * row an event, with an index each for its time, device and id, costs five times as much to import
 * and twice as much to load. A block knows between what instants its events lie; where those of one
 * device are, event_places says. Ids are looked for seldom (a correction, another import): by a walk
 * over their hashes.
 *
 * Pages of 4 KiB: a lone tap dirties five of them, and each goes to the WAL whole.
 */
#include "collector/storage/sqlite_schema.h"

const char store_settings_sql[] = "PRAGMA page_size=4096;"
                                  "PRAGMA journal_mode=WAL;"
                                  "PRAGMA synchronous=FULL;"
                                  "PRAGMA wal_autocheckpoint=4000;"
                                  "PRAGMA journal_size_limit=67108864;"
                                  "PRAGMA mmap_size=0;"
                                  "PRAGMA temp_store=MEMORY;"
                                  "PRAGMA cell_size_check=ON;";

const char store_planned_indices_drop[] = "DROP INDEX planned_by_person;"
                                          "DROP INDEX planned_by_start;";

const char store_planned_indices_make[] =
    "CREATE INDEX planned_by_person ON planned(person_id, start_utc);"
    "CREATE INDEX planned_by_start ON planned(start_utc);";

const char *const store_schema_sql[] = {
    "PRAGMA application_id=1162038577;" /* "ECM1" */
    "PRAGMA user_version=3;",

    "CREATE TABLE log("
    "  log_id INTEGER PRIMARY KEY,"
    "  device_id TEXT NOT NULL,"
    "  epoch INTEGER NOT NULL," /* the 64 bits, signed as SQLite has it */
    "  through_seq INTEGER NOT NULL,"
    "  chain_head BLOB NOT NULL,"
    "  public_key BLOB,"
    "  UNIQUE(device_id, epoch)) STRICT;",

    "CREATE TABLE batch("
    "  batch_id INTEGER PRIMARY KEY,"
    "  log_id INTEGER NOT NULL,"
    "  first_seq INTEGER NOT NULL,"
    "  record_count INTEGER NOT NULL,"
    "  recv_ms INTEGER NOT NULL,"
    "  first_tap_utc INTEGER NOT NULL,"
    "  last_tap_utc INTEGER NOT NULL,"
    "  signature_is_verified INTEGER NOT NULL,"
    "  bytes BLOB NOT NULL) STRICT;"
    "CREATE INDEX batch_by_log ON batch(log_id, first_seq, first_tap_utc, last_tap_utc);"
    "CREATE INDEX batch_by_time ON batch(first_tap_utc, last_tap_utc);"
    "CREATE INDEX batch_long ON batch(last_tap_utc, first_tap_utc)"
    "  WHERE last_tap_utc - first_tap_utc > 604800;",

    "CREATE TABLE gap("
    "  gap_id INTEGER PRIMARY KEY,"
    "  log_id INTEGER NOT NULL,"
    "  first_seq INTEGER NOT NULL,"
    "  last_seq INTEGER NOT NULL,"
    "  recv_ms INTEGER NOT NULL) STRICT;",

    "CREATE TABLE anchor("
    "  log_id INTEGER NOT NULL,"
    "  boot_id INTEGER NOT NULL,"
    "  seq INTEGER NOT NULL,"
    "  boot_ms INTEGER NOT NULL,"
    "  wall_ms INTEGER NOT NULL,"
    "  uncertainty_ms INTEGER NOT NULL,"
    "  PRIMARY KEY(log_id, boot_id)) STRICT, WITHOUT ROWID;",

    "CREATE TABLE quarantine("
    "  quarantine_id INTEGER PRIMARY KEY,"
    "  recv_ms INTEGER NOT NULL,"
    "  topic TEXT NOT NULL,"
    "  reason TEXT NOT NULL,"
    "  bytes BLOB NOT NULL) STRICT;",

    "CREATE TABLE period("
    "  period_id TEXT PRIMARY KEY, start_day INTEGER NOT NULL, end_day INTEGER NOT NULL,"
    "  start_utc INTEGER NOT NULL, end_utc INTEGER NOT NULL,"
    "  run1_asof_utc INTEGER NOT NULL, run2_asof_utc INTEGER NOT NULL"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE provider("
    "  provider_id TEXT PRIMARY KEY, zone TEXT NOT NULL, lot TEXT NOT NULL,"
    "  tier TEXT NOT NULL, contract_minutes INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE rate("
    "  provider_id TEXT NOT NULL, funder TEXT NOT NULL, from_day INTEGER NOT NULL,"
    "  to_day INTEGER NOT NULL, pence_per_hour INTEGER NOT NULL,"
    "  PRIMARY KEY(provider_id, funder, from_day)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE person("
    "  person_id TEXT PRIMARY KEY, funder TEXT NOT NULL, zone TEXT NOT NULL,"
    "  provider_id TEXT NOT NULL, double_handed INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE carer("
    "  carer_id TEXT PRIMARY KEY, provider_id TEXT NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE card("
    "  card_uid TEXT NOT NULL, from_utc INTEGER NOT NULL, carer_id TEXT NOT NULL,"
    "  to_utc INTEGER NOT NULL, PRIMARY KEY(card_uid, from_utc)) STRICT, WITHOUT ROWID;",

    "CREATE TABLE device("
    "  device_id TEXT NOT NULL, from_utc INTEGER NOT NULL, person_id TEXT NOT NULL,"
    "  to_utc INTEGER NOT NULL, PRIMARY KEY(device_id, from_utc)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX device_by_person ON device(person_id);"
    "CREATE TABLE home_tag("
    "  tag_uid TEXT NOT NULL, from_utc INTEGER NOT NULL, person_id TEXT NOT NULL,"
    "  to_utc INTEGER NOT NULL, PRIMARY KEY(tag_uid, from_utc)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX home_tag_by_person ON home_tag(person_id);"
    "CREATE TABLE carried_reader("
    "  device_id TEXT NOT NULL, from_utc INTEGER NOT NULL, carer_id TEXT NOT NULL,"
    "  to_utc INTEGER NOT NULL, PRIMARY KEY(device_id, from_utc)) STRICT, WITHOUT ROWID;",

    "CREATE TABLE planned("
    "  visit_id TEXT PRIMARY KEY, person_id TEXT NOT NULL, provider_id TEXT NOT NULL,"
    "  start_utc INTEGER NOT NULL, end_utc INTEGER NOT NULL,"
    "  carers_required INTEGER NOT NULL, roster_carers TEXT NOT NULL,"
    "  cancel_utc INTEGER) STRICT, WITHOUT ROWID;",
    store_planned_indices_make,

    "CREATE TABLE event_block("
    "  first_number INTEGER PRIMARY KEY," /* events are numbered in order of arrival */
    "  event_count INTEGER NOT NULL,"
    "  first_utc INTEGER NOT NULL,"
    "  last_utc INTEGER NOT NULL,"
    "  bytes BLOB NOT NULL) STRICT;"
    "CREATE INDEX event_block_by_time ON event_block(last_utc, first_utc);"
    "CREATE TABLE event_hashes(" /* event_id_hash() of the block's ids, 4 bytes each */
    "  first_number INTEGER PRIMARY KEY,"
    "  hashes BLOB NOT NULL) STRICT;"
    "CREATE TABLE event_places("
    "  places_id INTEGER PRIMARY KEY,"
    "  device_id TEXT NOT NULL,"
    "  first_utc INTEGER NOT NULL,"
    "  last_utc INTEGER NOT NULL,"
    "  places BLOB NOT NULL) STRICT;"
    "CREATE INDEX event_places_by_device ON event_places(device_id, first_utc, last_utc);",

    "CREATE TABLE event_copy(" /* where the copies lie of ids that came more than once */
    "  event_id TEXT NOT NULL, number INTEGER NOT NULL, PRIMARY KEY(event_id, number)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE event_spread(" /* ids whose copies lie apart in time; see sqlite_copies.c */
    "  event_id TEXT PRIMARY KEY, first_utc INTEGER NOT NULL, last_utc INTEGER NOT NULL"
    ") STRICT, WITHOUT ROWID;",

    "CREATE TABLE amendment("
    "  amendment_seq INTEGER PRIMARY KEY, amend_id TEXT NOT NULL,"
    "  created_utc INTEGER NOT NULL, is_void INTEGER NOT NULL, person_id TEXT NOT NULL,"
    "  carer_id TEXT NOT NULL, kind TEXT NOT NULL, ts_utc INTEGER NOT NULL,"
    "  event_id TEXT NOT NULL, reason_code TEXT NOT NULL) STRICT;"
    "CREATE INDEX amendment_by_person ON amendment(person_id, ts_utc);"
    "CREATE INDEX amendment_by_event ON amendment(event_id);",

    "CREATE TABLE correction("
    "  seq INTEGER PRIMARY KEY, line TEXT NOT NULL, hash TEXT NOT NULL) STRICT;"
    "CREATE TRIGGER correction_stays BEFORE UPDATE ON correction"
    "  BEGIN SELECT RAISE(ABORT, 'corrections are append-only'); END;"
    "CREATE TRIGGER correction_remains BEFORE DELETE ON correction"
    "  BEGIN SELECT RAISE(ABORT, 'corrections are append-only'); END;",

    "CREATE TABLE history("
    "  history_id INTEGER PRIMARY KEY, replaced_utc INTEGER NOT NULL,"
    "  table_name TEXT NOT NULL, former_row TEXT NOT NULL) STRICT;"
    "CREATE TABLE imports(imports INTEGER NOT NULL) STRICT;"
    "INSERT INTO imports VALUES (0);",

    "CREATE TABLE verdict("
    "  period_id TEXT NOT NULL, visit_id TEXT NOT NULL, slot INTEGER NOT NULL,"
    "  version INTEGER NOT NULL, person_id TEXT NOT NULL, withdrawn INTEGER NOT NULL,"
    "  line TEXT NOT NULL, PRIMARY KEY(period_id, visit_id, slot)) STRICT, WITHOUT ROWID;"
    "CREATE UNIQUE INDEX verdict_by_version ON verdict(version);"
    "CREATE INDEX verdict_by_person ON verdict(period_id, person_id);"
    "CREATE TABLE run("
    "  run_id TEXT PRIMARY KEY, period_id TEXT NOT NULL, asof_utc INTEGER NOT NULL,"
    "  created_utc INTEGER NOT NULL, manifest TEXT NOT NULL, lines TEXT NOT NULL"
    ") STRICT, WITHOUT ROWID;",
};

const size_t store_schema_count = sizeof store_schema_sql / sizeof store_schema_sql[0];
