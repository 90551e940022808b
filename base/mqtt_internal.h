/*
 * mqtt_internal.h - what mqtt.c (the owner's side) and mqtt_thread.c (the I/O side)
 * share.
 *
 * Every field says who may touch it: [owner] the owner's thread, [io] the I/O thread,
 * [lock] either, holding mqtt_io.lock, [set once] written before the thread sees it.
 */
#ifndef ECM_BASE_MQTT_INTERNAL_H
#define ECM_BASE_MQTT_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mqtt.h"

enum note_kind {
    NOTE_PUBLISH,      /* owner -> io: topic, payload */
    NOTE_SUBSCRIBE,    /* owner -> io: topic */
    NOTE_CONNECTED,    /* io -> owner */
    NOTE_DISCONNECTED, /* io -> owner: topic is the reason */
    NOTE_MESSAGE,      /* io -> owner: topic, payload */
};

struct note {
    struct note *next;
    enum note_kind kind;
    unsigned number; /* qos, or the wait before the next attempt in ms */
    bool retain;
    uint64_t connection; /* which connection of the session it belongs to */
    size_t topic_size;   /* with its zero byte */
    size_t payload_size;
    char data[]; /* topic, then payload */
};

struct note_queue {
    struct note *first;
    struct note *last;
    size_t bytes;
};

struct mosquitto;

struct mqtt_session {
    struct mqtt_io *io;                 /* [set once] */
    const struct mqtt_handler *handler; /* [set once] */
    void *user;                         /* [set once] */
    struct mqtt_conf conf;              /* [set once] its texts belong to the session */
    char *texts;                        /* [set once] */
    char *password;                     /* [set once] */

    bool is_connected;   /* [owner] */
    uint64_t connection; /* [owner] the connection the owner knows of */

    struct note_queue out;              /* [lock] */
    struct note_queue in;               /* [lock] */
    bool has_out;                       /* [lock] is in io->with_out */
    bool has_in;                        /* [lock] is in io->with_in */
    bool is_closing;                    /* [lock] the owner wants it gone */
    bool is_gone;                       /* [lock] the I/O thread has let go of it */
    struct mqtt_session *next_with_out; /* [lock] */
    struct mqtt_session *next_with_in;  /* [lock] */

    struct mqtt_session *next; /* [io] */
    struct mosquitto *mosq;    /* [io] one handle an attempt; NULL between attempts */
    int fd;                    /* [io] as registered with epoll; -1 none */
    uint32_t interest;         /* [io] epoll events asked for */
    bool was_writable;         /* [io] the socket is connected */
    bool is_accepted;          /* [io] CONNACK came */
    bool is_paused;            /* [io] the owner is behind: not reading */
    bool is_refused;           /* [io] the broker said no; refused_code says why */
    int refused_code;          /* [io] */
    uint64_t io_connection;    /* [io] counts attempts */
    uint64_t deadline_ms;      /* [io] next attempt, or end of patience with this one */
    unsigned backoff_ms;       /* [io] */
    char trouble[160];         /* [io] the library's last complaint in this attempt */
};

struct mqtt_io {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t session_gone;
    int epoll_fd;  /* [io] */
    int wake_fd;   /* owner -> io */
    int notify_fd; /* io -> owner */
    _Atomic uint64_t turned_ms;
    bool is_stopping;              /* [lock] */
    struct mqtt_session *with_out; /* [lock] */
    struct mqtt_session *with_in;  /* [lock] */
    struct mqtt_session *arriving; /* [lock] opened, not yet seen; linked by next_with_out */
    struct mqtt_session *sessions; /* [io] */
    uint64_t jitter_state;         /* [io] */
};

/* CLOCK_BOOTTIME in ms: waits must also end after a suspend. */
uint64_t mqtt_now_ms(void);

/* A note with copies of topic and payload, or NULL. */
struct note *note_new(enum note_kind kind, const char *topic, const void *payload, size_t size);
void note_queue_add(struct note_queue *queue, struct note *note);
struct note *note_queue_take(struct note_queue *queue);
void note_queue_clear(struct note_queue *queue);

/* Hand note to the owner: lock must not be held. NULL (memory is out) is dropped. */
void mqtt_tell_owner(struct mqtt_session *session, struct note *note);

/* The body of the I/O thread. */
void *mqtt_thread_main(void *user);

#endif
