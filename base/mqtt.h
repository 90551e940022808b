/*
 * mqtt.h - MQTT 3.1.1 sessions that never give up, over libmosquitto.
 *
 * One struct mqtt_io is one I/O thread; it carries one session (a daemon) or thousands (the
 * simulator). A session connects, and after every loss reconnects for ever with jittered
 * exponential back-off. Nothing is queued across a loss: what the caller must not lose, the
 * caller keeps until the other END has said it has it. A broker is transport, not storage.
 *
 * Threads:   all functions are called from one thread, the owner's. Handlers run in that thread,
 *            from mqtt_io_dispatch(). libmosquitto and its blocking name look-ups stay inside the
 *            I/O thread.
 * Ownership: sessions are closed before their mqtt_io. Payloads are copied in; what a handler
 *            is shown dies when it returns.
 * Limits:    MQTT_QUEUE_MAX bytes wait in each direction of a session; beyond that
 *            mqtt_publish() says -EAGAIN, and reading from the broker pauses.
 */
#ifndef ECM_BASE_MQTT_H
#define ECM_BASE_MQTT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MQTT_QUEUE_MAX (4u << 20)
#define MQTT_PAYLOAD_MAX (1u << 20)

struct err;
struct mqtt_io;
struct mqtt_session;

struct mqtt_conf {
    const char *host;
    uint16_t port;
    const char *client_id;
    unsigned keepalive_s;
    unsigned backoff_min_ms; /* first wait after a failure, jittered; 0: 1,000 */
    unsigned backoff_max_ms; /* longest wait; 0: 300,000 */
    const char *ca_file;     /* NULL: no TLS */
    const char *cert_file;   /* client certificate (PEM), with key_file; NULL: none */
    const char *key_file;
    const char *user; /* NULL: none */
    const char *password_file;
    const char *will_topic; /* NULL: no will; else sent retained, QoS 0, when we vanish */
    const void *will_payload;
    size_t will_size;
};

struct mqtt_handler {
    /* The broker accepted us. Subscribe here: subscriptions do not outlive a connection. */
    void (*connected)(void *user);
    /* The connection is gone, or an attempt failed. reason is a sentence for the log;
     * retry_ms is the wait before the next attempt. */
    void (*disconnected)(void *user, const char *reason, unsigned retry_ms);
    void (*message)(void *user, const char *topic, const uint8_t *payload, size_t size);
};

/* Start the I/O thread. 0, or -errno with err. */
int mqtt_io_open(struct mqtt_io **ret_io, struct err *err);

/* Stop the thread. NULL is allowed. All sessions must be closed. */
void mqtt_io_close(struct mqtt_io *io);

/* A descriptor that is readable while mqtt_io_dispatch() has something to do. */
int mqtt_io_fd(const struct mqtt_io *io);

/* Run the handlers of all that has happened. */
void mqtt_io_dispatch(struct mqtt_io *io);

/* Milliseconds since the I/O thread last finished a turn: for the watchdog. */
uint64_t mqtt_io_age_ms(const struct mqtt_io *io);

/*
 * Begin a session and its first attempt to connect. conf is copied, handler and user must stay.
 * 0; -ENOENT or -EACCES when a TLS or password file cannot be read (err names it); -ENOMEM.
 * A broker that does not answer is not an error here.
 */
int mqtt_session_open(struct mqtt_session **ret_session, struct mqtt_io *io,
    const struct mqtt_conf *conf, const struct mqtt_handler *handler, void *user, struct err *err);

/* Disconnect and release. Waits up to a second for what was published to leave. NULL is allowed. */
void mqtt_session_close(struct mqtt_session *session);

/* Whether the broker has accepted us and not left since. */
bool mqtt_session_is_connected(const struct mqtt_session *session);

/*
 * Hand a message to the I/O thread. 0; -ENOTCONN; -EAGAIN when the queue is full; -EMSGSIZE above
 * MQTT_PAYLOAD_MAX; -ENOMEM. 0 promises nothing about delivery.
 */
int mqtt_publish(struct mqtt_session *session, const char *topic, const void *payload, size_t size,
    unsigned qos, bool retain);

/* 0, -ENOTCONN, -ENOMEM. Valid for this connection only. */
int mqtt_subscribe(struct mqtt_session *session, const char *pattern, unsigned qos);

#endif
