/* test_tally.c - an account that does not come out is noticed. */
#include "collector/pay/tally.h"

#include <string.h>

#include "tests/unit/suite.h"

struct fixture {
    struct dataset dataset;
    struct pay_tallies tallies;
};

static void setup(struct fixture *fx)
{
    struct provider_row row = {.contract_minutes = 0};

    assert_int_equal(dataset_init(&fx->dataset), 0);
    assert_int_equal(dataset_intern(&fx->dataset, "P2", 2, &row.provider_id), 0);
    assert_int_equal(dataset_add_provider(&fx->dataset, &row), 0);
    assert_int_equal(dataset_intern(&fx->dataset, "P1", 2, &row.provider_id), 0);
    assert_int_equal(dataset_add_provider(&fx->dataset, &row), 0);
    assert_int_equal(tallies_init(&fx->tallies, &fx->dataset), 0);
    fx->tallies.rows[1] = (struct pay_tally){.provider_id = fx->tallies.rows[1].provider_id,
        .planned_s = 100,
        .paid_s = 60,
        .held_s = 20,
        .missed_s = 15,
        .cancelled_s = 10,
        .difference_s = -5};
}

static void teardown(struct fixture *fx)
{
    tallies_done(&fx->tallies);
    dataset_done(&fx->dataset);
}

static void providers_are_in_the_order_of_their_ids(void **state)
{
    struct fixture fx;

    (void)state;
    setup(&fx);
    assert_string_equal(dataset_text(&fx.dataset, fx.tallies.rows[0].provider_id), "P1");
    assert_string_equal(dataset_text(&fx.dataset, fx.tallies.rows[1].provider_id), "P2");
    teardown(&fx);
}

/* One second too many in any of the six, and the provider is named. */
static void one_second_off_is_noticed_wherever_it_is(void **state)
{
    struct pay_problem problem = {""};
    struct fixture fx;
    int64_t *numbers[6];

    (void)state;
    setup(&fx);
    numbers[0] = &fx.tallies.rows[1].planned_s;
    numbers[1] = &fx.tallies.rows[1].paid_s;
    numbers[2] = &fx.tallies.rows[1].held_s;
    numbers[3] = &fx.tallies.rows[1].missed_s;
    numbers[4] = &fx.tallies.rows[1].cancelled_s;
    numbers[5] = &fx.tallies.rows[1].difference_s;
    assert_true(tallies_hold(&fx.tallies, &fx.dataset, &problem));
    for (size_t i = 0; i < 6; i++) {
        ++*numbers[i];
        assert_false(tallies_hold(&fx.tallies, &fx.dataset, &problem));
        assert_non_null(strstr(problem.text, "provider P2"));
        --*numbers[i];
    }
    teardown(&fx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(providers_are_in_the_order_of_their_ids),
        cmocka_unit_test(one_second_off_is_noticed_wherever_it_is),
    };

    return cmocka_run_group_tests_name("tally", tests, NULL, NULL);
}
