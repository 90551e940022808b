/* test_loop.c - descriptors, timers and stopping. */
#include "base/loop.h"

#include <signal.h>
#include <sys/eventfd.h>
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_readable_descriptor_and_a_timer_run_their_callbacks),
        cmocka_unit_test(a_cleared_timer_stays_quiet),
    };

    return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
