/*
 * home.h - one simulated home: an emulated PN532, the real gateway core with its real outbox
 * file, a clock that is moved by hand, and a real MQTT session.
 *
 * Between taps nothing happens in a home that anyone could see, so its clock jumps from one action
 * to the next. Around a tap it goes step by step, as far as the emulated chip needs.
 *
 * The network is cut by not passing messages on: what was on its way in either direction is lost,
 * as it would be. The power is cut by setting the outbox files aside as they lie on the disk at
 * that moment, closing the gateway, and putting them back: what a real power cut would have left.
 *
 * Ownership: home_close() releases what home_open() took. What the conf points to is borrowed.
 * Threads:   one thread for all homes of one mqtt_io.
 * Blocking:  a tap waits for the disk.
 */
#ifndef ECM_TOOLS_SIM_HOME_H
#define ECM_TOOLS_SIM_HOME_H

#include <stdbool.h>
#include <stdint.h>

#include "gateway/gateway.h"
#include "hal/chip/pn532_reader.h"
#include "hal/chip/pn532_spi.h"
#include "hal/fake/emu_pn532.h"
#include "hal/fake/emu_spi.h"
#include "hal/fake/fake_clock.h"
#include "hal/fake/fake_feedback.h"
#include "tools/ecm-sim/outcome.h"
#include "tools/ecm-sim/script.h"

struct err;
struct mqtt_io;
struct mqtt_session;

enum { HOME_PATH_SIZE = 384 };

struct home_conf {
    const char *site;
    const char *host;
    uint16_t port;
    const char *folder; /* of the outboxes */
    uint64_t seed;
    bool is_signing; /* batches are signed; the keys lie beside the outboxes */
    struct mqtt_io *io;
    struct outcome *outcome;
};

struct home {
    const struct home_conf *conf;
    const struct script_home *script;
    struct gateway *gateway; /* NULL: no power */
    struct mqtt_session *session;
    bool is_session_up;
    bool is_net_down;
    uint64_t uplink_due_us; /* real time at which home_tick() is wanted */

    struct fake_clock clock;
    int64_t boot_true_ms; /* true Unix time at which the clock's boot time was 0 */
    unsigned boots;
    uint64_t settle_until_us; /* boot time until which the reader may still have something to do */
    struct emu_pn532 emu;
    struct emu_spi spi;
    struct pn532_spi link;
    struct pn532_reader reader;
    struct fake_feedback feedback;

    struct record record; /* the last one on_record was told of */
    bool has_record;
    char outbox_path[HOME_PATH_SIZE];
    char key_path[HOME_PATH_SIZE];
};

/* Switch a home on at that (true) time, its clock already synchronised. */
int home_open(struct home *home, const struct home_conf *conf, const struct script_home *script,
    int64_t at_ms, struct err *err);
void home_close(struct home *home);

/* Do what the script says. -errno with err: the outbox cannot be opened after a power cut. */
int home_act(struct home *home, const struct action *action, struct err *err);

/* Let the time until at_ms pass without anything happening. */
void home_finish(struct home *home, int64_t at_ms);

/* Let the gateway do what is due on the network; now_us is real time (loop_now_us()). */
void home_tick(struct home *home, uint64_t now_us);

/* How many records the collector has not acked. */
uint64_t home_owed(struct home *home);

#endif
