/* test_metrics.c - what those who watch a gateway see: socket, watchdog, state. */
#include "tests/unit/suite.h"

#include <errno.h>
#include <stdbool.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "gateway/gateway.h"
#include "gateway/metrics.h"
#include "hal/fake/fake_clock.h"
#include "hal/fake/fake_feedback.h"
#include "hal/fake/fake_reader.h"
#include "tests/unit/gateway/outbox_help.h"
#include "tests/unit/gateway/wire.h"

struct home {
    struct scratch *scratch;
    char socket_path[SCRATCH_PATH_SIZE];
    struct fake_clock clock;
    struct fake_feedback feedback;
    struct fake_reader reader;
    struct wire wire;
    struct gateway *gateway;
    struct loop *loop;
    struct metrics *metrics;
    struct loop_source *stop_source;
    int stop_pipe[2];
    pthread_t thread; /* runs the loop */
    bool is_running;
};

static int setup(void **state)
{
    static const struct gateway_conf blank = {.site = "demo", .device = "gw-test", .version = "9"};
    struct home *home = calloc(1, sizeof *home);
    struct gateway_conf conf = blank;
    struct gateway_ports ports = {.reader_count = 1};
    struct err err = {0};

    assert_non_null(home);
    assert_int_equal(scratch_setup((void **)&home->scratch), 0);
    (void)snprintf(
        home->socket_path, sizeof home->socket_path, "%s/metrics", home->scratch->folder);
    fake_clock_init(&home->clock, 1, 1000000);
    fake_feedback_init(&home->feedback);
    fake_reader_init(&home->reader, "spi0", &home->clock.base);
    wire_init(&home->wire);
    conf.outbox_path = home->scratch->path;
    ports.clock = &home->clock.base;
    ports.feedback = &home->feedback.base;
    ports.readers[0] = &home->reader.base;
    ports.uplink = wire_port(&home->wire);
    assert_int_equal(gateway_open(&home->gateway, &conf, &ports, &err), 0);
    assert_int_equal(loop_open(&home->loop, &err), 0);
    *state = home;
    return 0;
}

static int teardown(void **state)
{
    struct home *home = *state;

    if (home->is_running) {
        assert_int_equal(write(home->stop_pipe[1], "x", 1), 1);
        assert_int_equal(pthread_join(home->thread, NULL), 0);
        loop_source_close(home->stop_source);
        (void)close(home->stop_pipe[0]);
        (void)close(home->stop_pipe[1]);
    }
    metrics_close(home->metrics);
    loop_close(home->loop);
    gateway_close(home->gateway);
    wire_done(&home->wire);
    (void)scratch_teardown((void **)&home->scratch);
    free(home);
    return 0;
}

static size_t make_text(void *user, char text[static METRICS_SIZE])
{
    struct home *home = user;

    return metrics_of_gateway(home->gateway, 7, text);
}

static void open_metrics(struct home *home)
{
    struct err err = {0};

    if (metrics_open(&home->metrics, home->loop, home->socket_path, make_text, home, &err) < 0) {
        fail_msg("%s", err.text);
    }
}

static void stop(void *user)
{
    loop_stop(((struct home *)user)->loop);
}

static void *run_loop(void *user)
{
    (void)loop_run(((struct home *)user)->loop);
    return NULL;
}

static void serve(struct home *home)
{
    open_metrics(home);
    assert_int_equal(pipe(home->stop_pipe), 0);
    assert_int_equal(
        loop_add_fd(home->loop, &home->stop_source, home->stop_pipe[0], stop, home), 0);
    assert_int_equal(pthread_create(&home->thread, NULL, run_loop, home), 0);
    home->is_running = true;
}

static int connect_client(const struct home *home)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const struct timeval limit = {.tv_sec = 10};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", home->socket_path);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

/* What came, until the end of the connection; -1: it has not ended. */
static ssize_t take_answer(int fd, char *text, size_t size)
{
    size_t used = 0;
    ssize_t got = 0;

    while ((got = recv(fd, text + used, size - 1 - used, 0)) > 0) {
        used += (size_t)got;
    }
    text[used] = '\0';
    return got == 0 ? (ssize_t)used : -1;
}

static void every_number_is_told_in_the_format(void **state)
{
    struct home *home = *state;
    char text[METRICS_SIZE];
    size_t size = metrics_of_gateway(home->gateway, 7, text);
    size_t samples = 0;

    assert_int_equal(size, strlen(text));
    assert_non_null(strstr(text, "\necm_gateway_info{device=\"gw-test\",version=\"9\"} 1\n"));
    assert_non_null(strstr(text, "\necm_gateway_ok{part=\"outbox\"} 1\n"));
    assert_non_null(strstr(text, "\necm_gateway_ok{part=\"clock\"} 0\n"));
    assert_non_null(strstr(text, "\necm_gateway_head_seq 1\n"));
    assert_non_null(strstr(text, "\necm_gateway_records_owed 1\n"));
    assert_non_null(strstr(text, "\necm_gateway_io_age_milliseconds 7\n"));
    assert_non_null(strstr(text, "\necm_gateway_clock_unix_milliseconds "));
    assert_true(size < METRICS_SIZE / 2); /* room for growth before lines are left out */
    for (const char *line = text; *line != '\0'; line = strchr(line, '\n') + 1) {
        if (strncmp(line, "# HELP ecm_gateway_", 19) != 0 &&
            strncmp(line, "# TYPE ecm_gateway_", 19) != 0) {
            assert_int_equal(strncmp(line, "ecm_gateway_", 12), 0);
            samples++;
        }
    }
    assert_true(samples > 25);
}

static void a_request_gets_one_answer_and_the_end(void **state)
{
    struct home *home = *state;
    char answer[2 * METRICS_SIZE];
    int fd = -1;

    serve(home);
    for (int i = 0; i < 3; i++) {
        fd = connect_client(home);
        assert_int_equal(send(fd, "GET /metrics HTTP/1.1\r\n\r\n", 25, 0), 25);
        assert_true(take_answer(fd, answer, sizeof answer) > 0);
        assert_int_equal(strncmp(answer, "HTTP/1.0 200 OK\r\n", 17), 0);
        assert_non_null(strstr(answer, "\r\n\r\n# HELP ecm_gateway_info"));
        (void)close(fd);
    }
}

static void clients_that_say_nothing_cannot_keep_others_out(void **state)
{
    struct home *home = *state;
    int silent[METRICS_CLIENTS_MAX + 2];
    char answer[2 * METRICS_SIZE];
    int fd = -1;

    serve(home);
    for (size_t i = 0; i < METRICS_CLIENTS_MAX + 2; i++) {
        silent[i] = connect_client(home);
    }
    fd = connect_client(home);
    assert_int_equal(send(fd, "x", 1, 0), 1);
    assert_true(take_answer(fd, answer, sizeof answer) > 0);
    (void)close(fd);
    assert_int_equal(take_answer(silent[0], answer, sizeof answer), 0);
    assert_int_equal(
        recv(silent[METRICS_CLIENTS_MAX + 1], answer, sizeof answer, MSG_DONTWAIT), -1);
    assert_int_equal(errno, EAGAIN);
    for (size_t i = 0; i < METRICS_CLIENTS_MAX + 2; i++) {
        (void)close(silent[i]);
    }
}

static void a_socket_left_behind_is_replaced_and_a_file_is_not(void **state)
{
    struct home *home = *state;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct metrics *metrics = NULL;
    struct err err = {0};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", home->socket_path);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    (void)close(fd);
    open_metrics(home);
    metrics_close(home->metrics);
    home->metrics = NULL;
    assert_int_equal(access(home->socket_path, F_OK), -1);

    fd = open(home->socket_path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    (void)close(fd);
    assert_int_equal(
        metrics_open(&metrics, home->loop, home->socket_path, make_text, home, &err), -EEXIST);
    assert_non_null(strstr(err.text, home->socket_path));
    assert_int_equal(access(home->socket_path, F_OK), 0);
}

static void a_path_that_cannot_be_a_socket_is_named(void **state)
{
    struct home *home = *state;
    char path[200] = "";
    struct metrics *metrics = NULL;
    struct err err = {0};

    memset(path, 'x', sizeof path - 1);
    assert_int_equal(
        metrics_open(&metrics, home->loop, path, make_text, home, &err), -ENAMETOOLONG);
    assert_int_equal(
        metrics_open(&metrics, home->loop, "/nowhere/metrics", make_text, home, &err), -ENOENT);
    assert_non_null(strstr(err.text, "/nowhere/metrics"));
}

static void a_gateway_whose_work_is_left_undone_is_not_alive(void **state)
{
    struct home *home = *state;
    struct gateway_due due = {0};

    gateway_poll_reader(home->gateway, 0);
    gateway_tick(home->gateway, &due);
    assert_true(gateway_is_alive(home->gateway));
    fake_clock_advance_us(&home->clock, 20 * 1000000);
    assert_true(gateway_is_alive(home->gateway));
    fake_clock_advance_us(&home->clock, 20 * 1000000);
    assert_false(gateway_is_alive(home->gateway));
    gateway_tick(home->gateway, &due);
    assert_true(gateway_is_alive(home->gateway));
}

static void a_reader_that_is_not_polled_when_due_is_not_alive(void **state)
{
    struct home *home = *state;
    struct gateway_due due = {0};
    const struct fake_reader_step steps[] = {{.at_us = 5 * 1000000}};

    fake_reader_play(&home->reader, steps, 1);
    fake_clock_advance_us(&home->clock, 30 * 1000000);
    gateway_tick(home->gateway, &due);
    assert_false(gateway_is_alive(home->gateway));
    gateway_poll_reader(home->gateway, 0);
    assert_true(gateway_is_alive(home->gateway));
}

static void a_log_that_could_not_be_renewed_is_not_alive(void **state)
{
    struct home *home = *state;
    struct ack ack = {0};
    uint8_t bytes[SMALL_MESSAGE_MAX];
    struct device_state gateway_is = {0};
    size_t size = 0;

    gateway_on_connected(home->gateway);
    gateway_state(home->gateway, &gateway_is);
    /* The collector is ahead of us: a new log must begin, and its folder is gone. */
    ack = make_ack(gateway_is.epoch, 1000);
    size = encode_ack(&ack, bytes);
    (void)unlink(home->scratch->path);
    assert_int_equal(mkdir(home->scratch->path, 0700), 0);
    gateway_on_message(home->gateway, "ecm/v1/demo/gw-test/ack", bytes, size);
    assert_false(gateway_is_alive(home->gateway));
    (void)rmdir(home->scratch->path);
}

static unsigned states_sent(struct home *home)
{
    struct topic topic = {0};
    unsigned count = 0;

    for (size_t i = 0; i < home->wire.count; i++) {
        assert_int_equal(topic_parse(home->wire.messages[i].topic, &topic), 0);
        count += topic.kind == TOPIC_STATE ? 1 : 0;
    }
    wire_clear(&home->wire);
    return count;
}

static void give_through(struct home *home, uint64_t through_seq)
{
    struct device_state now = {0};
    struct ack ack = {0};
    uint8_t bytes[SMALL_MESSAGE_MAX];
    size_t size = 0;

    gateway_state(home->gateway, &now);
    ack = make_ack(now.epoch, through_seq);
    size = encode_ack(&ack, bytes);
    gateway_on_message(home->gateway, "ecm/v1/demo/gw-test/ack", bytes, size);
}

static void tap_often(struct home *home, unsigned taps)
{
    for (unsigned n = 1; n <= taps; n++) {
        struct fake_reader_step step = {.at_us = 0};

        step.event.kind = HAL_READER_TAG;
        step.event.tag.uid_size = 4;
        memcpy(step.event.tag.uid, &n, sizeof n);
        fake_reader_play(&home->reader, &step, 1);
        gateway_poll_reader(home->gateway, 0);
    }
}

static void a_backlog_is_in_the_state_every_ten_seconds_and_its_end_at_once(void **state)
{
    struct home *home = *state;
    struct gateway_due due = {0};
    struct device_state now = {0};
    uint64_t through = 0;
    unsigned sent = 0;

    tap_often(home, 600);
    gateway_on_connected(home->gateway);
    give_through(home, 0);
    (void)states_sent(home);
    for (int second = 0; second < 60; second++) {
        home->wire.now_us += 1000000;
        give_through(home, through += 9);
        gateway_tick(home->gateway, &due);
        sent += states_sent(home);
        gateway_state(home->gateway, &now);
        assert_int_equal(now.acked_seq, through);
        assert_true(now.drain_eta_s > 0);
    }
    assert_in_range(sent, 6, 8);
    gateway_state(home->gateway, &now);
    home->wire.now_us += 2000000;
    give_through(home, now.head_seq);
    gateway_tick(home->gateway, &due);
    assert_int_equal(states_sent(home), 1);
    gateway_state(home->gateway, &now);
    assert_int_equal(now.drain_eta_s, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_number_is_told_in_the_format),
        TEST(a_request_gets_one_answer_and_the_end),
        TEST(clients_that_say_nothing_cannot_keep_others_out),
        TEST(a_socket_left_behind_is_replaced_and_a_file_is_not),
        TEST(a_path_that_cannot_be_a_socket_is_named),
        TEST(a_gateway_whose_work_is_left_undone_is_not_alive),
        TEST(a_reader_that_is_not_polled_when_due_is_not_alive),
        TEST(a_log_that_could_not_be_renewed_is_not_alive),
        TEST(a_backlog_is_in_the_state_every_ten_seconds_and_its_end_at_once),
    };

    log_set_level(LOG_LEVEL_ERR);
    return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
