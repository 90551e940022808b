/*
 * collector.h - the central daemon, put together: broker, ingest, store, live verdicts.
 *
 * Start order is construction order, stop order its reverse; both are in collector_run(). A broker
 * that is away and a store that cannot be written are not errors here: one line says so, and it is
 * tried again until it works. Nothing is acknowledged meanwhile, so nothing is lost.
 */
#ifndef ECM_COLLECTOR_COLLECTOR_H
#define ECM_COLLECTOR_COLLECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/conf.h"

struct err;

enum { COLLECTOR_PATH_SIZE = 512, COLLECTOR_NAME_SIZE = 65, COLLECTOR_REPAIRS_SIZE = 128 };

struct collector_conf {
    char id[33];   /* how it calls itself, and its MQTT client id */
    char site[33]; /* "+": all sites of the broker */
    char store[COLLECTOR_PATH_SIZE];
    bool store_is_preset;                 /* nobody chose it: its folder is made */
    char repairs[COLLECTOR_REPAIRS_SIZE]; /* of the site's verdicts; see repair_parse() */
    char host[256];
    int64_t port;
    int64_t keepalive_s;
    char ca_file[COLLECTOR_PATH_SIZE]; /* empty: no TLS */
    char cert_file[COLLECTOR_PATH_SIZE];
    char key_file[COLLECTOR_PATH_SIZE];
    char user[COLLECTOR_NAME_SIZE]; /* empty: none */
    char password_file[COLLECTOR_PATH_SIZE];
    int64_t quarantine_mib;                   /* 0: any size */
    char metrics_socket[COLLECTOR_PATH_SIZE]; /* empty: none */
    int log_level;                            /* index: err, warn, info, debug */
};

/* Section, key, limits, preset and help of every member. */
extern const struct conf_item collector_conf_items[];
extern const size_t collector_conf_count;

/*
 * What the table cannot say: names that are no topic names, half a key pair. An empty store path
 * becomes collector.db in $STATE_DIRECTORY (systemd), $XDG_STATE_HOME/ecm or ~/.local/state/ecm;
 * collector_run() makes that folder. 0 or ECM_ECONFIG with err.
 */
int collector_conf_finish(struct collector_conf *conf, struct err *err);

/*
 * Run until SIGINT or SIGTERM. 0; or why it could not start, with err: the store's errors, -ENOENT
 * or -EACCES for a TLS file.
 */
int collector_run(const struct collector_conf *conf, struct err *err);

#endif
