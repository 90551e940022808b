/* conf.c - the configuration of the collector as a table; see base/conf.h. */
#include "collector/collector.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "collector/live/live.h"
#include "proto/topics.h"

#define TEXT(member)                                                                               \
    offsetof(struct collector_conf, member), sizeof(((struct collector_conf *)0)->member)

static const char *const log_levels[] = {"err", "warn", "info", "debug", NULL};

const struct conf_item collector_conf_items[] = {
    {"collector", "id", CONF_STRING, NULL, 0, 0, "ecm-collector", NULL, TEXT(id),
        "How this collector calls itself; also its MQTT client id, so unique at the broker."},
    {"collector", "site", CONF_STRING, NULL, 0, 0, "+", NULL, TEXT(site),
        "The site whose devices it serves; + means every site of the broker."},
    {"collector", "store", CONF_STRING, NULL, 0, 0, "", NULL, TEXT(store),
        "The store file; empty: collector.db in the state directory."},
    {"collector", "quarantine_mib", CONF_INT, "MiB", 0, 1048576, "64", NULL, TEXT(quarantine_mib),
        "The most that messages which cannot be used may take; more are counted; 0: any."},
    {"collector", "repairs", CONF_STRING, NULL, 0, 0, "none", NULL, TEXT(repairs),
        "What the verdicts put right: direction, leaving, arrival, boundary or all, :hold or "
        ":pay."},
    {"metrics", "socket", CONF_STRING, NULL, 0, 0, "", NULL, TEXT(metrics_socket),
        "Unix socket that tells the counters in Prometheus' text format; empty: none."},
    {"broker", "host", CONF_STRING, NULL, 0, 0, "127.0.0.1", NULL, TEXT(host),
        "Name or address of the MQTT broker."},
    {"broker", "port", CONF_INT, NULL, 1, 65535, "1883", NULL, TEXT(port),
        "Port of the broker; 8883 is usual with TLS."},
    {"broker", "keepalive_s", CONF_INT, "s", 5, 3600, "30", NULL, TEXT(keepalive_s),
        "How long the broker may be silent before the connection counts as dead."},
    {"broker", "ca_file", CONF_STRING, NULL, 0, 0, "", NULL, TEXT(ca_file),
        "Certificates (PEM) that the broker's must come from; empty: no TLS."},
    {"broker", "cert_file", CONF_STRING, NULL, 0, 0, "", NULL, TEXT(cert_file),
        "Our certificate (PEM), with key_file."},
    {"broker", "key_file", CONF_STRING, NULL, 0, 0, "", NULL, TEXT(key_file),
        "The private key (PEM) of cert_file."},
    {"broker", "user", CONF_STRING, NULL, 0, 0, "", NULL, TEXT(user),
        "User name at the broker; empty: none."},
    {"broker", "password_file", CONF_STRING, NULL, 0, 0, "", NULL, TEXT(password_file),
        "File whose first line is the password."},
    {"log", "level", CONF_CHOICE, NULL, 0, 0, "info", log_levels, TEXT(log_level),
        "Least important lines that are written; debug shows every tap."},
};

const size_t collector_conf_count = sizeof collector_conf_items / sizeof collector_conf_items[0];

static int find_store(struct collector_conf *conf, struct err *err)
{
    const char *state = getenv("STATE_DIRECTORY");
    const char *xdg = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");
    int size = 0;

    if (state != NULL && state[0] == '/') {
        size = snprintf(conf->store, sizeof conf->store, "%s/collector.db", state);
    } else if (xdg != NULL && xdg[0] == '/') {
        size = snprintf(conf->store, sizeof conf->store, "%s/ecm/collector.db", xdg);
    } else if (home != NULL && home[0] == '/') {
        size = snprintf(conf->store, sizeof conf->store, "%s/.local/state/ecm/collector.db", home);
    } else {
        return err_set(err, ECM_ECONFIG, "collector.store: no path, and no HOME to put it in");
    }
    if (size < 0 || (size_t)size >= sizeof conf->store) {
        return err_set(err, ECM_ECONFIG, "collector.store: the state directory's path is too long");
    }
    conf->store_is_preset = true;
    return 0;
}

int collector_conf_finish(struct collector_conf *conf, struct err *err)
{
    if (!topic_name_is_valid(conf->id)) {
        return err_set(err, ECM_ECONFIG,
            "collector.id: '%s' is not 1 to 32 of letters, digits, '-', '_', '.'", conf->id);
    }
    if (strcmp(conf->site, "+") != 0 && !topic_name_is_valid(conf->site)) {
        return err_set(err, ECM_ECONFIG,
            "collector.site: '%s' is neither + nor 1 to 32 of letters, digits, '-', '_', '.'",
            conf->site);
    }
    if (!live_repairs_are_valid(conf->repairs)) {
        return err_set(err, ECM_ECONFIG,
            "collector.repairs: '%s' is not none, nor a list of direction, leaving, arrival, "
            "boundary, all, each with :hold or :pay",
            conf->repairs);
    }
    if ((conf->cert_file[0] == '\0') != (conf->key_file[0] == '\0')) {
        return err_set(
            err, ECM_ECONFIG, "broker.cert_file and broker.key_file: one without the other");
    }
    if (conf->cert_file[0] != '\0' && conf->ca_file[0] == '\0') {
        return err_set(err, ECM_ECONFIG, "broker.cert_file: needs broker.ca_file");
    }
    return conf->store[0] == '\0' ? find_store(conf, err) : 0;
}
