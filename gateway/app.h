/*
 * app.h - the daemon around a gateway: event loop, MQTT session, watchdog, clean stop.
 *
 * Everything that is hardware comes in as ports, so that main.c is the only file that knows
 * whether this is a Raspberry Pi or a laptop.
 *
 * Threads:  runs in the calling thread; MQTT has an I/O thread of its own inside base/mqtt.h.
 * Blocking: app_run() until SIGINT or SIGTERM.
 */
#ifndef ECM_GATEWAY_APP_H
#define ECM_GATEWAY_APP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/gateway.h"

struct err;
struct hal_clock;
struct hal_feedback;
struct hal_reader;
struct settings;
struct tagline_port;

struct app_ports {
    struct hal_clock *clock;                    /* real time */
    struct contact_conf inputs[GATEWAY_INPUTS]; /* see struct gateway_ports */
    struct hal_feedback *feedback;
    struct hal_reader *reader;
    const struct tagline_port *taglines; /* NULL: no lines for tag readers */
    /*
     * For a simulated reader, else NULL. step() moves the simulation to now and returns the boot
     * time at which it wants to be called again; on_input() is called when input_fd is readable and
     * returns false when there will be no more.
     */
    uint64_t (*step)(void *user, uint64_t now_us);
    bool (*on_input)(void *user);
    int input_fd; /* -1: none */
    void *user;
};

/*
 * Create the state folder, open the gateway, tell the service manager, run until told to stop, and
 * close everything in reverse. 0 after a clean stop; a negative code with err when it could not
 * start or the loop broke.
 */
int app_run(const struct settings *settings, const struct app_ports *ports, struct err *err);

#endif
