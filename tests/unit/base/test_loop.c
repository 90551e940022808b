/* test_loop.c - descriptors, timers and stopping. */
#include "base/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/suite.h"

struct fixture {
    struct loop *loop;
    struct loop_source *io;
    struct loop_source *timer;
    int fd;
    int reads;
    int ticks;
};

static void on_readable(void *user)
{
    struct fixture *fx = user;
    uint64_t value = 0;

    assert_int_equal(read(fx->fd, &value, sizeof value), sizeof value);
    fx->reads++;
}

static void on_tick(void *user)
{
    struct fixture *fx = user;

    fx->ticks++;
    if (fx->ticks < 3) {
        loop_timer_set(fx->timer, 1000);
    } else {
        loop_stop(fx->loop);
    }
}

static void setup(struct fixture *fx)
{
    assert_int_equal(loop_open(&fx->loop, NULL), 0);
    fx->fd = eventfd(0, EFD_CLOEXEC);
    assert_int_equal(loop_add_fd(fx->loop, &fx->io, fx->fd, on_readable, fx), 0);
    assert_int_equal(loop_add_timer(fx->loop, &fx->timer, on_tick, fx), 0);
}

static void teardown(struct fixture *fx)
{
    loop_source_close(fx->timer);
    loop_source_close(fx->io);
    loop_close(fx->loop);
    (void)close(fx->fd);
}

static void a_readable_descriptor_and_a_timer_run_their_callbacks(void **state)
{
    struct fixture fx = {0};
    uint64_t one = 1;

    (void)state;
    setup(&fx);
    assert_int_equal(write(fx.fd, &one, sizeof one), sizeof one);
    loop_timer_set(fx.timer, 0);
    assert_int_equal(loop_run(fx.loop), 0);
    assert_int_equal(fx.reads, 1);
    assert_int_equal(fx.ticks, 3);
    teardown(&fx);
}

static void a_cleared_timer_stays_quiet(void **state)
{
    struct fixture fx = {0};
    uint64_t one = 1;

    (void)state;
    setup(&fx);
    loop_timer_set(fx.timer, 0);
    loop_timer_clear(fx.timer);
    assert_int_equal(write(fx.fd, &one, sizeof one), sizeof one);
    assert_int_equal(loop_stop_on_signals(fx.loop), 0);
    assert_int_equal(raise(SIGTERM), 0);
    assert_int_equal(loop_run(fx.loop), 0);
    assert_int_equal(fx.ticks, 0);
    teardown(&fx);
}

/* Two sources that are ready in one turn; who comes first closes the other. */
struct rivals {
    struct loop *loop;
    struct loop_source *sources[2];
    int calls;
};

static void close_source(struct rivals *rivals, int which)
{
    rivals->calls++;
    loop_source_close(rivals->sources[which]);
    rivals->sources[which] = NULL;
    loop_stop(rivals->loop);
}

static void close_second(void *user)
{
    close_source(user, 1);
}

static void close_first(void *user)
{
    close_source(user, 0);
}

static void must_not_run(void *user)
{
    (void)user;
    fail();
}

static void a_source_that_another_one_closed_is_not_called(void **state)
{
    struct rivals rivals = {0};
    int pair[2] = {eventfd(1, EFD_CLOEXEC), eventfd(1, EFD_CLOEXEC)};

    (void)state;
    assert_int_equal(loop_open(&rivals.loop, NULL), 0);
    assert_int_equal(
        loop_add_fd(rivals.loop, &rivals.sources[0], pair[0], close_second, &rivals), 0);
    assert_int_equal(
        loop_add_fd(rivals.loop, &rivals.sources[1], pair[1], close_first, &rivals), 0);
    assert_int_equal(loop_run(rivals.loop), 0);
    assert_int_equal(rivals.calls, 1);
    loop_source_close(rivals.sources[0]);
    loop_source_close(rivals.sources[1]);
    loop_close(rivals.loop);
    (void)close(pair[0]);
    (void)close(pair[1]);
}

static void close_itself(void *user)
{
    struct fixture *fx = user;

    loop_source_close(fx->timer);
    fx->timer = NULL;
    loop_stop(fx->loop);
}

static void a_timer_may_close_itself(void **state)
{
    struct fixture fx = {0};

    (void)state;
    assert_int_equal(loop_open(&fx.loop, NULL), 0);
    assert_int_equal(loop_add_timer(fx.loop, &fx.timer, close_itself, &fx), 0);
    loop_timer_set(fx.timer, 0);
    assert_int_equal(loop_run(fx.loop), 0);
    assert_null(fx.timer);
    loop_close(fx.loop);
}

static void stop_now(void *user)
{
    struct fixture *fx = user;

    fx->ticks++;
    loop_stop(fx->loop);
}

/* The shorter one although it was set later, and neither early nor a scheduler's tick late. */
static void the_earliest_timer_comes_first_and_on_time(void **state)
{
    struct fixture fx = {0};
    struct loop_source *later = NULL;
    uint64_t start_us = loop_now_us();

    (void)state;
    assert_int_equal(loop_open(&fx.loop, NULL), 0);
    assert_int_equal(loop_add_timer(fx.loop, &later, must_not_run, &fx), 0);
    assert_int_equal(loop_add_timer(fx.loop, &fx.timer, stop_now, &fx), 0);
    loop_timer_set(later, 60000000);
    loop_timer_set(fx.timer, 20000);
    assert_int_equal(loop_run(fx.loop), 0);
    assert_int_equal(fx.ticks, 1);
    assert_true(loop_now_us() - start_us >= 20000);
    loop_source_close(later);
    loop_source_close(fx.timer);
    loop_close(fx.loop);
}

static void ask_to_stop(void *user)
{
    (void)user;
    (void)kill(getpid(), SIGTERM);
}

static void a_second_signal_ends_the_process_at_once(void **state)
{
    int status = 0;
    pid_t child = fork();

    (void)state;
    if (child == 0) {
        struct loop *loop = NULL;
        struct loop_source *timer = NULL;

        if (loop_open(&loop, NULL) == 0 && loop_stop_on_signals(loop) == 0 &&
            loop_add_timer(loop, &timer, ask_to_stop, NULL) == 0) {
            loop_timer_set(timer, 0);
            (void)loop_run(loop);
            (void)kill(getpid(), SIGTERM); /* while it winds up */
        }
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGTERM);
}

static void hear(const struct sockaddr_un *name, size_t size, const char *path)
{
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    char heard[32] = "";

    assert_int_equal(bind(fd, (const struct sockaddr *)name, (socklen_t)size), 0);
    assert_int_equal(setenv("NOTIFY_SOCKET", path, 1), 0);
    loop_notify("READY=1");
    assert_int_equal(recv(fd, heard, sizeof heard, MSG_DONTWAIT), 7);
    assert_string_equal(heard, "READY=1");
    (void)close(fd);
}

static void the_service_manager_is_told_by_file_and_by_abstract_name(void **state)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    char path[64] = "";
    size_t size = 0;

    (void)state;
    (void)snprintf(path, sizeof path, "/tmp/ecm-notify-%d", (int)getpid());
    (void)snprintf(name.sun_path, sizeof name.sun_path, "%s", path);
    hear(&name, sizeof name, path);
    (void)unlink(path);
    path[0] = '@';
    size = offsetof(struct sockaddr_un, sun_path) + strlen(path);
    (void)memcpy(name.sun_path, path, strlen(path));
    name.sun_path[0] = '\0';
    hear(&name, size, path);
    (void)setenv("NOTIFY_SOCKET", "/nowhere", 1);
    loop_notify("READY=1"); /* nobody there: nothing happens */
    (void)unsetenv("NOTIFY_SOCKET");
    loop_notify("READY=1");
}

static void a_watchdog_is_wanted_only_of_the_process_it_names(void **state)
{
    char pid[16] = "";

    (void)state;
    (void)unsetenv("WATCHDOG_USEC");
    (void)unsetenv("WATCHDOG_PID");
    assert_int_equal(loop_watchdog_us(), 0);
    (void)setenv("WATCHDOG_USEC", "30000000", 1);
    assert_int_equal(loop_watchdog_us(), 30000000);
    (void)setenv("WATCHDOG_PID", "1", 1);
    assert_int_equal(loop_watchdog_us(), 0);
    (void)snprintf(pid, sizeof pid, "%d", (int)getpid());
    (void)setenv("WATCHDOG_PID", pid, 1);
    assert_int_equal(loop_watchdog_us(), 30000000);
    (void)setenv("WATCHDOG_USEC", "soon", 1);
    assert_int_equal(loop_watchdog_us(), 0);
    (void)unsetenv("WATCHDOG_USEC");
    (void)unsetenv("WATCHDOG_PID");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_readable_descriptor_and_a_timer_run_their_callbacks),
        cmocka_unit_test(a_cleared_timer_stays_quiet),
        cmocka_unit_test(a_source_that_another_one_closed_is_not_called),
        cmocka_unit_test(a_timer_may_close_itself),
        cmocka_unit_test(the_earliest_timer_comes_first_and_on_time),
        cmocka_unit_test(a_second_signal_ends_the_process_at_once),
        cmocka_unit_test(the_service_manager_is_told_by_file_and_by_abstract_name),
        cmocka_unit_test(a_watchdog_is_wanted_only_of_the_process_it_names),
    };

    return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
