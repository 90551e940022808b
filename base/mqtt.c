/*
 * mqtt.c - the owner's side of mqtt.h: queues of notes to and from the I/O thread.
 *
 * A session's out queue is cut when its connection ends, on both sides, because a message
 * published for one connection must not surface in the next: each note carries the number
 * of its connection.
 */
#include "base/mqtt.h"

#include <errno.h>
#include <mosquitto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mqtt_internal.h"

enum {
    BACKOFF_MIN_MS = 1000,
    BACKOFF_MAX_MS = 300000,
    KEEPALIVE_S = 30,
    PASSWORD_MAX = 256,
};

uint64_t mqtt_now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_BOOTTIME, &now);
    return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

struct note *note_new(enum note_kind kind, const char *topic, const void *payload, size_t size)
{
    size_t topic_size = strlen(topic) + 1;
    struct note *note = calloc(1, sizeof *note + topic_size + size);

    if (note == NULL) {
        return NULL;
    }
    note->kind = kind;
    note->topic_size = topic_size;
    note->payload_size = size;
    (void)memcpy(note->data, topic, topic_size);
    if (size > 0) {
        (void)memcpy(note->data + topic_size, payload, size);
    }
    return note;
}

void note_queue_add(struct note_queue *queue, struct note *note)
{
    note->next = NULL;
    if (queue->last != NULL) {
        queue->last->next = note;
    } else {
        queue->first = note;
    }
    queue->last = note;
    queue->bytes += sizeof *note + note->topic_size + note->payload_size;
}

struct note *note_queue_take(struct note_queue *queue)
{
    struct note *note = queue->first;

    if (note != NULL) {
        queue->first = note->next;
        if (queue->first == NULL) {
            queue->last = NULL;
        }
        queue->bytes -= sizeof *note + note->topic_size + note->payload_size;
    }
    return note;
}

void note_queue_clear(struct note_queue *queue)
{
    for (struct note *note = note_queue_take(queue); note != NULL; note = note_queue_take(queue)) {
        free(note);
    }
}

static void wake(int fd)
{
    uint64_t one = 1;

    /* Fails only when the counter is at its limit, and then it is readable anyway. */
    if (write(fd, &one, sizeof one) < 0) {
        return;
    }
}

static void calm(int fd)
{
    uint64_t count = 0;

    if (read(fd, &count, sizeof count) < 0) {
        return; /* it was calm already */
    }
}

void mqtt_tell_owner(struct mqtt_session *session, struct note *note)
{
    struct mqtt_io *io = session->io;
    bool was_empty = false;

    if (note == NULL) {
        return;
    }
    note->connection = session->io_connection;
    (void)pthread_mutex_lock(&io->lock);
    note_queue_add(&session->in, note);
    if (!session->has_in) {
        session->has_in = true;
        was_empty = io->with_in == NULL;
        session->next_with_in = io->with_in;
        io->with_in = session;
    }
    (void)pthread_mutex_unlock(&io->lock);
    if (was_empty) {
        wake(io->notify_fd);
    }
}

/* Lock held. */
static void give_to_thread(struct mqtt_session *session)
{
    struct mqtt_io *io = session->io;

    if (!session->has_out) {
        session->has_out = true;
        session->next_with_out = io->with_out;
        io->with_out = session;
    }
    wake(io->wake_fd);
}

int mqtt_io_open(struct mqtt_io **ret_io, struct err *err)
{
    struct mqtt_io *io = calloc(1, sizeof *io);
    int rc = 0;

    if (io == NULL) {
        return err_set(err, -ENOMEM, "mqtt: out of memory");
    }
    (void)mosquitto_lib_init();
    (void)pthread_mutex_init(&io->lock, NULL);
    (void)pthread_cond_init(&io->session_gone, NULL);
    io->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    io->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    io->notify_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    atomic_store(&io->turned_ms, mqtt_now_ms());
    /* Without random bytes all gateways would jitter alike; the clock is the next best.
     */
    if (getrandom(&io->jitter_state, sizeof io->jitter_state, 0) < 0 || io->jitter_state == 0) {
        io->jitter_state = mqtt_now_ms() | 1u;
    }
    if (io->epoll_fd < 0 || io->wake_fd < 0 || io->notify_fd < 0) {
        rc = -errno;
    }
    if (rc == 0) {
        rc = -pthread_create(&io->thread, NULL, mqtt_thread_main, io);
    }
    if (rc < 0) {
        (void)err_set(err, rc, "mqtt: cannot start: %s", strerror(-rc));
        (void)close(io->epoll_fd);
        (void)close(io->wake_fd);
        (void)close(io->notify_fd);
        free(io);
        return rc;
    }
    *ret_io = io;
    return 0;
}

void mqtt_io_close(struct mqtt_io *io)
{
    if (io == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&io->lock);
    io->is_stopping = true;
    wake(io->wake_fd);
    (void)pthread_mutex_unlock(&io->lock);
    (void)pthread_join(io->thread, NULL);
    (void)close(io->epoll_fd);
    (void)close(io->wake_fd);
    (void)close(io->notify_fd);
    (void)pthread_cond_destroy(&io->session_gone);
    (void)pthread_mutex_destroy(&io->lock);
    free(io);
    (void)mosquitto_lib_cleanup();
}

int mqtt_io_fd(const struct mqtt_io *io)
{
    return io->notify_fd;
}

uint64_t mqtt_io_age_ms(const struct mqtt_io *io)
{
    uint64_t turned_ms = atomic_load(&io->turned_ms);
    uint64_t now_ms = mqtt_now_ms();

    return now_ms > turned_ms ? now_ms - turned_ms : 0;
}

static void handle_note(struct mqtt_session *session, const struct note *note)
{
    switch (note->kind) {
    case NOTE_CONNECTED:
        session->is_connected = true;
        session->connection = note->connection;
        session->handler->connected(session->user);
        return;
    case NOTE_DISCONNECTED:
        session->is_connected = false;
        session->handler->disconnected(session->user, note->data, note->number);
        return;
    case NOTE_MESSAGE:
        session->handler->message(session->user, note->data,
            (const uint8_t *)note->data + note->topic_size, note->payload_size);
        return;
    case NOTE_PUBLISH:
    case NOTE_SUBSCRIBE:
        return; /* never travel this way */
    }
}

static void dispatch_session(struct mqtt_session *session)
{
    struct note_queue waiting = {0};

    (void)pthread_mutex_lock(&session->io->lock);
    waiting = session->in;
    session->in = (struct note_queue){0};
    /* The thread may have stopped reading for us: let it look again. */
    if (waiting.bytes > MQTT_QUEUE_MAX) {
        give_to_thread(session);
    }
    (void)pthread_mutex_unlock(&session->io->lock);

    for (struct note *note = note_queue_take(&waiting); note != NULL;
         note = note_queue_take(&waiting)) {
        handle_note(session, note);
        free(note);
    }
}

void mqtt_io_dispatch(struct mqtt_io *io)
{
    calm(io->notify_fd);
    for (;;) {
        struct mqtt_session *session = NULL;

        (void)pthread_mutex_lock(&io->lock);
        session = io->with_in;
        if (session != NULL) {
            io->with_in = session->next_with_in;
            session->has_in = false;
        }
        (void)pthread_mutex_unlock(&io->lock);
        if (session == NULL) {
            return;
        }
        dispatch_session(session);
    }
}

/* Copy text to *cursor and move it on; NULL stays NULL. */
static const char *keep_text(char **cursor, const char *text)
{
    const char *kept = *cursor;

    if (text == NULL) {
        return NULL;
    }
    (void)memcpy(*cursor, text, strlen(text) + 1);
    *cursor += strlen(text) + 1;
    return kept;
}

static int keep_conf(struct mqtt_session *session, const struct mqtt_conf *conf)
{
    const char *const texts[] = {conf->host, conf->client_id, conf->ca_file, conf->cert_file,
        conf->key_file, conf->user, conf->will_topic};
    const char **const kept[] = {&session->conf.host, &session->conf.client_id,
        &session->conf.ca_file, &session->conf.cert_file, &session->conf.key_file,
        &session->conf.user, &session->conf.will_topic};
    size_t size = conf->will_size + 1;
    char *cursor = NULL;

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        size += texts[i] != NULL ? strlen(texts[i]) + 1 : 0;
    }
    session->texts = calloc(1, size);
    if (session->texts == NULL) {
        return -ENOMEM;
    }
    session->conf = *conf;
    cursor = session->texts;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        *kept[i] = keep_text(&cursor, texts[i]);
    }
    if (conf->will_size > 0) {
        (void)memcpy(cursor, conf->will_payload, conf->will_size);
        session->conf.will_payload = cursor;
    }
    session->conf.password_file = NULL;
    if (session->conf.keepalive_s == 0) {
        session->conf.keepalive_s = KEEPALIVE_S;
    }
    if (session->conf.backoff_min_ms == 0) {
        session->conf.backoff_min_ms = BACKOFF_MIN_MS;
    }
    if (session->conf.backoff_max_ms == 0) {
        session->conf.backoff_max_ms = BACKOFF_MAX_MS;
    }
    return 0;
}

/* Say now, in words, what TLS would only hint at later. */
static int check_readable(const char *what, const char *path, struct err *err)
{
    if (path != NULL && access(path, R_OK) != 0) {
        return err_set(err, -errno, "mqtt: %s '%s': %s", what, path, strerror(errno));
    }
    return 0;
}

static int read_password(struct mqtt_session *session, const char *path, struct err *err)
{
    FILE *file = NULL;
    int rc = 0;

    if (path == NULL) {
        return 0;
    }
    file = fopen(path, "re");
    if (file == NULL) {
        return err_set(err, -errno, "mqtt: password file '%s': %s", path, strerror(errno));
    }
    session->password = calloc(1, PASSWORD_MAX);
    if (session->password == NULL) {
        rc = -ENOMEM;
    } else if (fgets(session->password, PASSWORD_MAX, file) == NULL) {
        rc = err_set(err, ECM_EFORMAT, "mqtt: password file '%s' is empty", path);
    } else {
        session->password[strcspn(session->password, "\r\n")] = '\0';
    }
    (void)fclose(file);
    return rc;
}

static void session_free(struct mqtt_session *session)
{
    note_queue_clear(&session->in);
    note_queue_clear(&session->out);
    if (session->password != NULL) {
        explicit_bzero(session->password, PASSWORD_MAX);
    }
    free(session->password);
    free(session->texts);
    free(session);
}

int mqtt_session_open(struct mqtt_session **ret_session, struct mqtt_io *io,
    const struct mqtt_conf *conf, const struct mqtt_handler *handler, void *user, struct err *err)
{
    struct mqtt_session *session = NULL;
    int rc = check_readable("CA file", conf->ca_file, err);

    if (rc == 0) {
        rc = check_readable("certificate", conf->cert_file, err);
    }
    if (rc == 0) {
        rc = check_readable("key file", conf->key_file, err);
    }
    if (rc < 0) {
        return rc;
    }
    session = calloc(1, sizeof *session);
    if (session == NULL) {
        return err_set(err, -ENOMEM, "mqtt: out of memory");
    }
    session->io = io;
    session->handler = handler;
    session->user = user;
    session->fd = -1;
    rc = keep_conf(session, conf);
    if (rc == 0) {
        rc = read_password(session, conf->password_file, err);
    }
    if (rc < 0) {
        session_free(session);
        return rc == -ENOMEM ? err_set(err, rc, "mqtt: out of memory") : rc;
    }
    (void)pthread_mutex_lock(&io->lock);
    session->next_with_out = io->arriving;
    io->arriving = session;
    wake(io->wake_fd);
    (void)pthread_mutex_unlock(&io->lock);
    *ret_session = session;
    return 0;
}

/* Lock held. */
static void forget_waiting_notes(struct mqtt_session *session)
{
    struct mqtt_session **link = &session->io->with_in;

    while (*link != NULL && *link != session) {
        link = &(*link)->next_with_in;
    }
    if (*link == session) {
        *link = session->next_with_in;
    }
}

void mqtt_session_close(struct mqtt_session *session)
{
    struct mqtt_io *io = NULL;

    if (session == NULL) {
        return;
    }
    io = session->io;
    (void)pthread_mutex_lock(&io->lock);
    session->is_closing = true;
    wake(io->wake_fd);
    while (!session->is_gone) {
        (void)pthread_cond_wait(&io->session_gone, &io->lock);
    }
    forget_waiting_notes(session);
    (void)pthread_mutex_unlock(&io->lock);
    session_free(session);
}

bool mqtt_session_is_connected(const struct mqtt_session *session)
{
    return session->is_connected;
}

static int queue_note(struct mqtt_session *session, struct note *note)
{
    int rc = 0;

    if (note == NULL) {
        return -ENOMEM;
    }
    note->connection = session->connection;
    (void)pthread_mutex_lock(&session->io->lock);
    if (session->out.bytes + note->payload_size > MQTT_QUEUE_MAX) {
        rc = -EAGAIN;
    } else {
        note_queue_add(&session->out, note);
        give_to_thread(session);
    }
    (void)pthread_mutex_unlock(&session->io->lock);
    if (rc < 0) {
        free(note);
    }
    return rc;
}

int mqtt_publish(struct mqtt_session *session, const char *topic, const void *payload, size_t size,
    unsigned qos, bool retain)
{
    struct note *note = NULL;

    if (size > MQTT_PAYLOAD_MAX) {
        return -EMSGSIZE;
    }
    if (!session->is_connected) {
        return -ENOTCONN;
    }
    note = note_new(NOTE_PUBLISH, topic, payload, size);
    if (note != NULL) {
        note->number = qos;
        note->retain = retain;
    }
    return queue_note(session, note);
}

int mqtt_subscribe(struct mqtt_session *session, const char *pattern, unsigned qos)
{
    struct note *note = NULL;

    if (!session->is_connected) {
        return -ENOTCONN;
    }
    note = note_new(NOTE_SUBSCRIBE, pattern, NULL, 0);
    if (note != NULL) {
        note->number = qos;
    }
    return queue_note(session, note);
}
