/*
 * main.c - ecm-collector: arguments, configuration, and collector_run().
 *
 * Exit status: 0 stopped as asked, 1 failed, 2 bad usage or configuration.
 */
#include <argp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "collector/collector.h"
#include "collector/show.h"

enum { EXIT_FAILED = 1, EXIT_USAGE = 2, ARG_STORE = 256, ARG_BROKER, ARG_INPUTS, ARG_QUARANTINE };

const char *argp_program_version = "ecm-collector " ECM_VERSION;

struct arguments {
    const char *conf_file;
    const char *store;
    const char *broker; /* HOST[:PORT] */
    bool is_check, is_print, is_inputs;
    const char *quarantine; /* folder to take it to */
};

static const struct argp_option options[] = {
    {"config", 'c', "FILE", 0, "Read the configuration from FILE", 0},
    {"check", 'n', NULL, 0, "Check the configuration and exit", 0},
    {"print", 'p', NULL, 0, "Print the configuration in effect and exit", 0},
    {"store", ARG_STORE, "FILE", 0, "Keep everything in FILE (overrides the configuration)", 0},
    {"broker", ARG_BROKER, "HOST[:PORT]", 0, "Use this broker (overrides the configuration)", 0},
    {"inputs", ARG_INPUTS, NULL, 0, "List opened cases and pressed buttons, and exit", 0},
    {"take-quarantine", ARG_QUARANTINE, "FOLDER", 0,
        "Move the messages that could not be used to FOLDER, and exit", 0},
    {NULL, 0, NULL, 0, NULL, 0},
};

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    struct arguments *arguments = state->input;

    switch (key) {
    case 'c':
        arguments->conf_file = value;
        return 0;
    case 'n':
        arguments->is_check = true;
        return 0;
    case 'p':
        arguments->is_print = true;
        return 0;
    case ARG_STORE:
        arguments->store = value;
        return 0;
    case ARG_BROKER:
        arguments->broker = value;
        return 0;
    case ARG_INPUTS:
        arguments->is_inputs = true;
        return 0;
    case ARG_QUARANTINE:
        arguments->quarantine = value;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "unexpected argument '%s'", value);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* Put key=value over the configuration, as if it stood in the file. */
static int override(struct collector_conf *conf, const char *key, const char *value)
{
    char assignment[1024];
    int size = snprintf(assignment, sizeof assignment, "%s=%s", key, value);

    if (size < 0 || (size_t)size >= sizeof assignment) {
        (void)fprintf(stderr, "%s: too long\n", key);
        return ECM_ECONFIG;
    }
    return conf_set(collector_conf_items, collector_conf_count, assignment, conf, stderr);
}

static int override_broker(struct collector_conf *conf, const char *broker)
{
    const char *colon = strrchr(broker, ':');
    char host[256];
    int rc = 0;

    if (colon == NULL) {
        return override(conf, "broker.host", broker);
    }
    (void)snprintf(host, sizeof host, "%.*s", (int)(colon - broker), broker);
    rc = override(conf, "broker.host", host);
    return rc == 0 ? override(conf, "broker.port", colon + 1) : rc;
}

static int read_conf(const struct arguments *arguments, struct collector_conf *conf)
{
    struct err err = {.text = ""};
    int rc = 0;

    conf->store_is_preset = false;
    conf_preset(collector_conf_items, collector_conf_count, conf);
    if (arguments->conf_file != NULL) {
        rc = conf_load(
            collector_conf_items, collector_conf_count, arguments->conf_file, conf, stderr);
    }
    if (rc == 0 && arguments->store != NULL) {
        rc = override(conf, "collector.store", arguments->store);
    }
    if (rc == 0 && arguments->broker != NULL) {
        rc = override_broker(conf, arguments->broker);
    }
    if (rc == 0) {
        rc = collector_conf_finish(conf, &err);
        if (rc < 0) {
            (void)fprintf(stderr, "ecm-collector: %s\n", err.text);
        }
    }
    return rc;
}

/* One of the options that look into a store instead of running. */
static int show(const struct arguments *arguments, const struct collector_conf *conf)
{
    struct err err = {.text = ""};
    int rc = arguments->is_inputs ? show_inputs(conf->store, stdout, &err) : 0;

    if (rc == 0 && arguments->quarantine != NULL) {
        rc = show_take_quarantine(conf->store, arguments->quarantine, stdout, &err);
    }
    if (rc < 0) {
        (void)fprintf(stderr, "ecm-collector: %s\n", err.text);
    }
    return rc < 0 ? EXIT_FAILED : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    static const enum log_level levels[] = {
        LOG_LEVEL_ERR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG};
    static const struct argp argp = {options, parse_option, NULL,
        "Takes the taps of all gateways, keeps them, and says what became of every visit.", NULL,
        NULL, NULL};
    struct arguments arguments = {.conf_file = NULL};
    struct collector_conf conf;
    struct err err = {.text = ""};

    argp_err_exit_status = EXIT_USAGE;
    (void)argp_parse(&argp, argc, argv, 0, NULL, &arguments);
    if (read_conf(&arguments, &conf) < 0) {
        return EXIT_USAGE;
    }
    if (arguments.is_print) {
        conf_print(collector_conf_items, collector_conf_count, &conf, stdout);
    }
    if (arguments.is_print || arguments.is_check) {
        return EXIT_SUCCESS;
    }
    log_set_level(levels[conf.log_level]);
    if (arguments.is_inputs || arguments.quarantine != NULL) {
        return show(&arguments, &conf);
    }
    if (collector_run(&conf, &err) < 0) {
        (void)fprintf(stderr, "ecm-collector: %s\n", err.text);
        return EXIT_FAILED;
    }
    return EXIT_SUCCESS;
}
