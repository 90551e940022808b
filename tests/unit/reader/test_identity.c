/*
 * The page that says who a tag reader is: read as it was written, and nothing else is taken for one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "firmware/identity/identity.h"

static struct identity sample(void)
{
    struct identity identity = {
        .device_id = "PR-0007", .home_limit_s = 14400, .has_seed = true, .has_update_key = true};

    memset(identity.seed, 0x5a, sizeof identity.seed);
    memset(identity.update_key, 0xa5, sizeof identity.update_key);
    return identity;
}

static void what_was_written_is_read(void **state)
{
    const struct identity identity = sample();
    struct identity found;
    uint8_t page[IDENTITY_PAGE];

    (void)state;
    identity_put(page, &identity);
    memset(&found, 0, sizeof found);
    assert_true(identity_get(page, &found));
    assert_string_equal(found.device_id, "PR-0007");
    assert_int_equal(found.home_limit_s, 14400);
    assert_true(found.has_seed && found.has_update_key);
    assert_memory_equal(found.seed, identity.seed, sizeof found.seed);
    assert_memory_equal(found.update_key, identity.update_key, sizeof found.update_key);
}

static void a_reader_without_keys_has_none(void **state)
{
    const struct identity identity = {.device_id = "a"};
    struct identity found = {.has_seed = true, .has_update_key = true};
    uint8_t page[IDENTITY_PAGE];

    (void)state;
    identity_put(page, &identity);
    assert_true(identity_get(page, &found));
    assert_false(found.has_seed || found.has_update_key);
}

static void any_flipped_bit_is_seen(void **state)
{
    const struct identity identity = sample();
    uint8_t page[IDENTITY_PAGE];

    (void)state;
    identity_put(page, &identity);
    for (int bit = 0; bit < 8 * IDENTITY_PAGE; bit++) {
        struct identity found;

        page[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(identity_get(page, &found));
        page[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

static void a_blank_page_and_a_name_with_a_space_are_refused(void **state)
{
    struct identity identity = sample();
    struct identity found;
    uint8_t page[IDENTITY_PAGE];

    (void)state;
    memset(page, 0xff, sizeof page);
    assert_false(identity_get(page, &found));
    strcpy(identity.device_id, "PR 7");
    identity_put(page, &identity);
    assert_false(identity_get(page, &found));
    identity.device_id[0] = '\0';
    identity_put(page, &identity);
    assert_false(identity_get(page, &found));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_is_read),
        cmocka_unit_test(a_reader_without_keys_has_none),
        cmocka_unit_test(any_flipped_bit_is_seen),
        cmocka_unit_test(a_blank_page_and_a_name_with_a_space_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
