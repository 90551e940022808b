/* test_adjust.c - what a later run owes to an earlier one. */
#include "collector/pay/adjust.h"

#include <errno.h>

#include "tests/unit/suite.h"

#define HEADER "model,provider_id,funder,person_id,week,pence_per_hour,kind,pence\n"
#define ADJUSTED                                                                                   \
    "model,provider_id,funder,person_id,week,pence_per_hour,kind,old_pence,new_pence,"             \
    "adjustment_pence\n"

static void assert_adjusts(const char *olds, const char *news, const char *expected)
{
    struct text text = {0};

    assert_int_equal(adjust_write(&text, olds, news), 0);
    assert_string_equal(text_end(&text), expected);
    text_done(&text);
}

static void first_run_owes_nothing(void **state)
{
    (void)state;
    assert_adjusts(NULL, HEADER "A,P1,LA,S1,0,1529,,100\n", ADJUSTED);
}

static void changed_new_and_vanished_lines_are_posted_and_equal_ones_are_not(void **state)
{
    (void)state;
    assert_adjusts(HEADER
        "A,P1,LA,S1,0,1529,,100\nA,P1,LA,S2,0,1529,,200\nA,P1,LA,S3,0,1529,,300\n",
        HEADER "A,P1,LA,S3,0,1529,,300\nA,P1,LA,S1,0,1529,,150\nA,P1,LA,S4,0,1529,,400\n",
        ADJUSTED "A,P1,LA,S1,0,1529,,100,150,50\nA,P1,LA,S2,0,1529,,200,0,-200\n"
                 "A,P1,LA,S4,0,1529,,0,400,400\n");
}

static void line_that_becomes_capped_is_taken_back_and_posted_anew(void **state)
{
    (void)state;
    assert_adjusts(HEADER "C,P1,LA,,,1529,PLANNED,500\n", HEADER "C,P1,LA,,,1529,CAPPED,450\n",
        ADJUSTED "C,P1,LA,,,1529,CAPPED,0,450,450\nC,P1,LA,,,1529,PLANNED,500,0,-500\n");
}

static void what_are_no_lines_is_refused(void **state)
{
    static const char *const bad[] = {"", "nonsense\n", HEADER "A,P1,LA,S1,0,1529,,x\n",
        HEADER "A,P1,LA,S1,0,1529,,\n", HEADER "no comma\n", HEADER "A,-\n"};
    struct text text = {0};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(adjust_write(&text, bad[i], HEADER), -EINVAL);
    }
    text_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_run_owes_nothing),
        cmocka_unit_test(changed_new_and_vanished_lines_are_posted_and_equal_ones_are_not),
        cmocka_unit_test(line_that_becomes_capped_is_taken_back_and_posted_anew),
        cmocka_unit_test(what_are_no_lines_is_refused),
    };

    return cmocka_run_group_tests_name("adjust", tests, NULL, NULL);
}
