/*
 * mqtt_thread.c - the I/O side of mqtt.h: one epoll, any number of libmosquitto handles.
 *
 * Why not mosquitto_loop(): it waits in select(), which refuses descriptors above 1,023,
 * and it serves one handle. Why never mosquitto_loop_start(): its thread ends for good,
 * silently, on a TLS failure (an expired certificate, a clock in 1970).
 *
 * Each attempt to connect uses a handle of its own. libmosquitto keeps undelivered
 * messages inside the handle and would send them again after a reconnect; here nothing
 * may outlive a connection, because the outbox decides what is sent again. A new handle
 * also reads renewed certificates.
 */
#include <assert.h>
#include <errno.h>
#include <mosquitto.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mqtt_internal.h"

enum {
    EVENTS_MAX = 64,
    TICK_MS = 500,           /* keep-alive and deadlines are looked at this often */
    CONNECT_WAIT_MS = 30000, /* from the attempt to the broker's CONNACK */
    READS_MAX = 64,          /* messages taken from one session before the next has its turn */
    CLOSE_FLUSH_MS = 1000,
    LINGER_STEP_US = 2000,
    STABLE_MS = 10000, /* a connection that held this long starts the back-off anew */
};

static uint64_t next_random(struct mqtt_io *io)
{
    /* xorshift64 (Marsaglia 2003): only spreads reconnects, guards nothing. */
    io->jitter_state ^= io->jitter_state << 13;
    io->jitter_state ^= io->jitter_state >> 7;
    io->jitter_state ^= io->jitter_state << 17;
    return io->jitter_state;
}

/* Full jitter: anywhere between half the back-off and all of it, then double. */
static unsigned take_backoff(struct mqtt_session *session)
{
    unsigned limit = session->backoff_ms;
    unsigned wait = limit / 2 + (unsigned)(next_random(session->io) % (limit / 2 + 1));

    session->backoff_ms =
        limit < session->conf.backoff_max_ms / 2 ? limit * 2 : session->conf.backoff_max_ms;
    return wait;
}

static void forget_fd(struct mqtt_session *session)
{
    if (session->fd >= 0) {
        (void)epoll_ctl(session->io->epoll_fd, EPOLL_CTL_DEL, session->fd, NULL);
        session->fd = -1;
    }
}

static void drop_out_queue(struct mqtt_session *session)
{
    (void)pthread_mutex_lock(&session->io->lock);
    note_queue_clear(&session->out);
    (void)pthread_mutex_unlock(&session->io->lock);
}

/* The attempt or the connection is over: say why and arrange the next attempt. */
static void end_attempt(struct mqtt_session *session, const char *reason)
{
    unsigned wait_ms = 0;
    struct note *note = NULL;

    forget_fd(session);
    if (session->mosq != NULL) {
        mosquitto_destroy(session->mosq);
        session->mosq = NULL;
    }
    drop_out_queue(session);
    if (session->is_accepted && mqtt_now_ms() - session->deadline_ms > STABLE_MS) {
        session->backoff_ms = session->conf.backoff_min_ms;
    }
    wait_ms = take_backoff(session);
    session->deadline_ms = mqtt_now_ms() + wait_ms;
    session->is_accepted = false;
    session->is_paused = false;
    note = note_new(NOTE_DISCONNECTED, reason, NULL, 0);
    if (note != NULL) {
        note->number = wait_ms;
    }
    mqtt_tell_owner(session, note);
}

static void end_attempt_mosq(struct mqtt_session *session, int rc)
{
    char reason[256];
    const char *what = rc == MOSQ_ERR_ERRNO       ? strerror(errno)
                       : rc == MOSQ_ERR_EAI       ? "the broker's name is not known"
                       : rc == MOSQ_ERR_CONN_LOST ? "the connection was lost"
                                                  : mosquitto_strerror(rc);

    /* A handshake that failed is MOSQ_ERR_TLS, or with libmosquitto 2.0.21 at times just "Protocol
     * error". */
    if (session->trouble[0] != '\0' &&
        (rc == MOSQ_ERR_TLS || (session->conf.ca_file != NULL && !session->is_accepted))) {
        (void)snprintf(reason, sizeof reason, "TLS: %s", session->trouble);
    } else {
        (void)snprintf(reason, sizeof reason, "%s", what);
    }
    end_attempt(session, reason);
}

static void on_connect(struct mosquitto *mosq, void *user, int code)
{
    struct mqtt_session *session = user;

    (void)mosq;
    if (code != 0) {
        /* The library closes the connection itself; do not touch the handle inside its
         * callback. */
        session->is_refused = true;
        session->refused_code = code;
        return;
    }
    session->is_accepted = true;
    session->deadline_ms = mqtt_now_ms(); /* from here on: since when the connection stands */
    mqtt_tell_owner(session, note_new(NOTE_CONNECTED, "", NULL, 0));
}

static void on_message(struct mosquitto *mosq, void *user, const struct mosquitto_message *message)
{
    struct mqtt_session *session = user;

    (void)mosq;
    if (message->payloadlen >= 0) {
        mqtt_tell_owner(session,
            note_new(NOTE_MESSAGE, message->topic, message->payload, (size_t)message->payloadlen));
    }
}

/* The library explains TLS failures only in its log: keep the last reason it gave. */
static void on_log(struct mosquitto *mosq, void *user, int level, const char *text)
{
    struct mqtt_session *session = user;

    (void)mosq;
    if (level == MOSQ_LOG_ERR && session->trouble[0] == '\0') {
        (void)snprintf(session->trouble, sizeof session->trouble, "%s", text);
    }
}

static int prepare_handle(struct mqtt_session *session)
{
    const struct mqtt_conf *conf = &session->conf;
    int rc = MOSQ_ERR_SUCCESS;

    session->mosq = mosquitto_new(conf->client_id, true, session);
    if (session->mosq == NULL) {
        return MOSQ_ERR_NOMEM;
    }
    mosquitto_connect_callback_set(session->mosq, on_connect);
    mosquitto_message_callback_set(session->mosq, on_message);
    mosquitto_log_callback_set(session->mosq, on_log);
    (void)mosquitto_int_option(session->mosq, MOSQ_OPT_TCP_NODELAY, 1);
    if (conf->user != NULL) {
        rc = mosquitto_username_pw_set(session->mosq, conf->user, session->password);
    }
    if (rc == MOSQ_ERR_SUCCESS && conf->will_topic != NULL) {
        rc = mosquitto_will_set(
            session->mosq, conf->will_topic, (int)conf->will_size, conf->will_payload, 0, true);
    }
    if (rc == MOSQ_ERR_SUCCESS && conf->ca_file != NULL) {
        rc = mosquitto_tls_set(
            session->mosq, conf->ca_file, NULL, conf->cert_file, conf->key_file, NULL);
        if (rc == MOSQ_ERR_SUCCESS) {
            rc = mosquitto_tls_opts_set(session->mosq, 1, "tlsv1.3", NULL);
        }
    }
    return rc;
}

static void watch_fd(struct mqtt_session *session)
{
    uint32_t wanted = session->is_paused ? 0u : (uint32_t)EPOLLIN;
    struct epoll_event event = {.data.ptr = session};
    int fd = mosquitto_socket(session->mosq);

    /* Writable is also how a socket says that connect() is done. */
    if (!session->was_writable || mosquitto_want_write(session->mosq)) {
        wanted |= (uint32_t)EPOLLOUT;
    }
    event.events = wanted;
    if (fd != session->fd) {
        forget_fd(session);
        if (fd >= 0 && epoll_ctl(session->io->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0) {
            session->fd = fd;
        }
    } else if (wanted != session->interest) {
        (void)epoll_ctl(session->io->epoll_fd, EPOLL_CTL_MOD, fd, &event);
    }
    session->interest = wanted;
}

static void begin_attempt(struct mqtt_session *session)
{
    int rc = MOSQ_ERR_SUCCESS;

    session->io_connection++;
    session->trouble[0] = '\0';
    session->is_refused = false;
    session->was_writable = false;
    session->deadline_ms = mqtt_now_ms() + CONNECT_WAIT_MS;
    rc = prepare_handle(session);
    if (rc == MOSQ_ERR_SUCCESS) {
        rc = mosquitto_connect_async(
            session->mosq, session->conf.host, session->conf.port, (int)session->conf.keepalive_s);
    }
    if (rc != MOSQ_ERR_SUCCESS) {
        end_attempt_mosq(session, rc);
        return;
    }
    session->interest = 0;
    watch_fd(session);
}

static bool is_over(struct mqtt_session *session, int rc)
{
    static const char *const refusals[] = {"", "unacceptable protocol version",
        "identifier rejected", "broker unavailable", "bad user name or password", "not authorised"};
    char reason[96];

    if (session->is_refused) {
        (void)snprintf(reason, sizeof reason, "the broker refuses us: %s",
            session->refused_code < 6 ? refusals[session->refused_code] : "reason unknown");
        end_attempt(session, reason);
        return true;
    }
    if (rc != MOSQ_ERR_SUCCESS) {
        end_attempt_mosq(session, rc);
        return true;
    }
    return false;
}

static bool has_bytes(const struct mqtt_session *session)
{
    int count = 0;

    return ioctl(session->fd, FIONREAD, &count) == 0 && count > 0;
}

/* The library reads one packet a call; take what is there, within reason. */
static int read_session(struct mqtt_session *session)
{
    int rc = mosquitto_loop_read(session->mosq, 1);

    for (int i = 0; rc == MOSQ_ERR_SUCCESS && i < READS_MAX && has_bytes(session); i++) {
        rc = mosquitto_loop_read(session->mosq, 1);
    }
    return rc;
}

static void pause_when_owner_is_behind(struct mqtt_session *session)
{
    (void)pthread_mutex_lock(&session->io->lock);
    session->is_paused = session->in.bytes > MQTT_QUEUE_MAX;
    (void)pthread_mutex_unlock(&session->io->lock);
}

/* A connect() that failed shows only here: the TLS layer takes it for "not yet". */
static bool connect_failed(struct mqtt_session *session, uint32_t events)
{
    int code = 0;
    socklen_t size = sizeof code;

    if (session->is_accepted || (events & (EPOLLERR | EPOLLHUP)) == 0) {
        return false;
    }
    (void)getsockopt(session->fd, SOL_SOCKET, SO_ERROR, &code, &size);
    end_attempt(session, code != 0 ? strerror(code) : "the broker closed the connection");
    return true;
}

static void serve_session(struct mqtt_session *session, uint32_t events)
{
    int rc = MOSQ_ERR_SUCCESS;

    if (session->mosq == NULL || connect_failed(session, events)) {
        return;
    }
    if ((events & EPOLLOUT) != 0) {
        session->was_writable = true;
    }
    /* Until the broker has accepted us a read call is also what moves the TLS handshake
     * on. */
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 || !session->is_accepted) {
        rc = read_session(session);
    }
    if (!is_over(session, rc) && mosquitto_want_write(session->mosq)) {
        rc = mosquitto_loop_write(session->mosq, 1);
        (void)is_over(session, rc);
    }
    if (session->mosq != NULL) {
        pause_when_owner_is_behind(session);
        watch_fd(session);
    }
}

static int send_note(struct mqtt_session *session, const struct note *note)
{
    if (note->connection != session->io_connection || !session->is_accepted) {
        return MOSQ_ERR_SUCCESS; /* made for a connection that is no more */
    }
    if (note->kind == NOTE_SUBSCRIBE) {
        return mosquitto_subscribe(session->mosq, NULL, note->data, (int)note->number);
    }
    return mosquitto_publish(session->mosq, NULL, note->data, (int)note->payload_size,
        note->data + note->topic_size, (int)note->number, note->retain);
}

/* Feed the library only while it has nothing waiting: its own queue has no limit. */
static void send_waiting(struct mqtt_session *session)
{
    while (session->mosq != NULL && !mosquitto_want_write(session->mosq)) {
        struct note *note = NULL;
        int rc = MOSQ_ERR_SUCCESS;

        (void)pthread_mutex_lock(&session->io->lock);
        note = note_queue_take(&session->out);
        (void)pthread_mutex_unlock(&session->io->lock);
        if (note == NULL) {
            break;
        }
        rc = send_note(session, note);
        free(note);
        if (is_over(session, rc)) {
            return;
        }
    }
    if (session->mosq != NULL) {
        pause_when_owner_is_behind(session);
        watch_fd(session);
    }
}

static void take_arrivals(struct mqtt_io *io)
{
    struct mqtt_session *arriving = NULL;

    (void)pthread_mutex_lock(&io->lock);
    arriving = io->arriving;
    io->arriving = NULL;
    (void)pthread_mutex_unlock(&io->lock);
    while (arriving != NULL) {
        struct mqtt_session *session = arriving;

        arriving = session->next_with_out;
        session->next_with_out = NULL;
        session->next = io->sessions;
        io->sessions = session;
        session->backoff_ms = session->conf.backoff_min_ms;
        begin_attempt(session);
    }
}

static void send_all_waiting(struct mqtt_io *io)
{
    for (;;) {
        struct mqtt_session *session = NULL;

        (void)pthread_mutex_lock(&io->lock);
        session = io->with_out;
        if (session != NULL) {
            io->with_out = session->next_with_out;
            session->has_out = false;
        }
        (void)pthread_mutex_unlock(&io->lock);
        if (session == NULL) {
            return;
        }
        send_waiting(session);
    }
}

/* Let what was published leave, say goodbye, let go. */
static void end_session(struct mqtt_session *session)
{
    uint64_t limit_ms = mqtt_now_ms() + CLOSE_FLUSH_MS;

    send_waiting(session);
    while (session->mosq != NULL && session->is_accepted && mqtt_now_ms() < limit_ms) {
        bool is_empty = !mosquitto_want_write(session->mosq);

        if (is_empty) {
            (void)mosquitto_disconnect(session->mosq);
            break;
        }
        if (mosquitto_loop_write(session->mosq, 1) != MOSQ_ERR_SUCCESS) {
            break;
        }
        send_waiting(session);
        (void)usleep(LINGER_STEP_US);
    }
    forget_fd(session);
    if (session->mosq != NULL) {
        mosquitto_destroy(session->mosq);
        session->mosq = NULL;
    }
}

/* Lock held. */
static void unlink_with_out(struct mqtt_session *session)
{
    struct mqtt_session **link = &session->io->with_out;

    while (*link != NULL && *link != session) {
        link = &(*link)->next_with_out;
    }
    if (*link == session) {
        *link = session->next_with_out;
        session->has_out = false;
    }
}

static bool wants_to_close(struct mqtt_session *session)
{
    bool is_closing = false;

    (void)pthread_mutex_lock(&session->io->lock);
    is_closing = session->is_closing;
    (void)pthread_mutex_unlock(&session->io->lock);
    return is_closing;
}

static void end_closing_sessions(struct mqtt_io *io)
{
    struct mqtt_session **link = &io->sessions;

    while (*link != NULL) {
        struct mqtt_session *session = *link;

        if (!wants_to_close(session)) {
            link = &session->next;
            continue;
        }
        *link = session->next;
        end_session(session);
        (void)pthread_mutex_lock(&io->lock);
        unlink_with_out(session);
        session->is_gone = true;
        (void)pthread_cond_broadcast(&io->session_gone);
        (void)pthread_mutex_unlock(&io->lock);
    }
}

static void look_at_clock(struct mqtt_session *session, uint64_t now_ms)
{
    if (session->mosq == NULL) {
        if (now_ms >= session->deadline_ms) {
            begin_attempt(session);
        }
        return;
    }
    if (!session->is_accepted && now_ms >= session->deadline_ms) {
        end_attempt(session, "the broker does not answer");
        return;
    }
    if (!session->is_accepted) {
        serve_session(session, 0); /* a handshake step that epoll could not announce */
    }
    if (session->mosq != NULL) {
        (void)is_over(session, mosquitto_loop_misc(session->mosq));
    }
}

static bool serve_turn(struct mqtt_io *io, uint64_t *next_tick_ms)
{
    struct epoll_event events[EVENTS_MAX];
    uint64_t now_ms = mqtt_now_ms();
    int wait_ms = now_ms < *next_tick_ms ? (int)(*next_tick_ms - now_ms) : 0;
    int count = epoll_wait(io->epoll_fd, events, EVENTS_MAX, wait_ms);
    bool was_woken = false;
    bool is_stopping = false;

    for (int i = 0; i < count; i++) {
        if (events[i].data.ptr == io) {
            uint64_t ignored = 0;

            was_woken = read(io->wake_fd, &ignored, sizeof ignored) > 0;
        } else {
            serve_session(events[i].data.ptr, events[i].events);
            send_waiting(events[i].data.ptr);
        }
    }
    if (was_woken) {
        take_arrivals(io);
        send_all_waiting(io);
        end_closing_sessions(io);
    }
    now_ms = mqtt_now_ms();
    if (now_ms >= *next_tick_ms) {
        *next_tick_ms = now_ms + TICK_MS;
        for (struct mqtt_session *s = io->sessions; s != NULL; s = s->next) {
            look_at_clock(s, now_ms);
        }
    }
    atomic_store(&io->turned_ms, now_ms);
    (void)pthread_mutex_lock(&io->lock);
    is_stopping = io->is_stopping;
    (void)pthread_mutex_unlock(&io->lock);
    return !is_stopping;
}

void *mqtt_thread_main(void *user)
{
    struct mqtt_io *io = user;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = io};
    uint64_t next_tick_ms = mqtt_now_ms();
    sigset_t pipe_signal;
    int rc = epoll_ctl(io->epoll_fd, EPOLL_CTL_ADD, io->wake_fd, &event);

    assert(rc == 0);
    /* A broker that hangs up must not end the process, whatever its owner does about signals: TLS
     * writes without MSG_NOSIGNAL. */
    (void)sigemptyset(&pipe_signal);
    (void)sigaddset(&pipe_signal, SIGPIPE);
    (void)pthread_sigmask(SIG_BLOCK, &pipe_signal, NULL);
    while (serve_turn(io, &next_tick_ms)) {
    }
    return NULL;
}
