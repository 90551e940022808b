/*
 * An update as the link brings it: asked for in the order in which it can be judged, taken, resumed
 * after every interruption, refused with a sentence. The gateway here is a file in memory.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "firmware/app/update.h"
#include "firmware/boot/boot.h"
#include "hal/fake/fake_flash.h"

enum {
    SLOT_SIZE = 8 * HAL_FLASH_SECTOR,
    PROGRAM_SIZE = 5 * HAL_FLASH_SECTOR + 700, /* its last block is a short one */
    FLASH_SIZE = 2 * HAL_FLASH_SECTOR + 2 * SLOT_SIZE,
    FILE_MAX = BUNDLE_HEADER + 2 * SLOT_SIZE,
    STEPS_MAX = 4000,
};

static const struct boot_layout layout = {
    .control = 0,
    .slot = {2 * HAL_FLASH_SECTOR, 2 * HAL_FLASH_SECTOR + SLOT_SIZE},
    .slot_size = SLOT_SIZE,
};
static const uint8_t seed[CRYPTO_SEED_SIZE] = {1, 2, 3};
static const uint8_t other_seed[CRYPTO_SEED_SIZE] = {4, 5, 6};

struct bench {
    struct fake_flash flash;
    struct update update;
    struct session_update_port port;
    uint8_t file[FILE_MAX];
    uint32_t file_size;
    uint8_t key[CRYPTO_KEY_SIZE];
};

static uint8_t program_byte(uint8_t slot, uint32_t at)
{
    return (uint8_t)(at * 7 + at / 256 + slot);
}

static void make_file(
    struct bench *bench, const uint8_t *signer, const char *board, uint32_t version)
{
    struct bundle bundle = {0};

    for (int i = 0; i < IMAGE_SLOTS; i++) {
        uint8_t slot = (uint8_t)i;
        struct image *image = &bundle.image[slot];
        struct crypto_sha256 hash;
        uint8_t bytes[PROGRAM_SIZE];

        for (uint32_t at = 0; at < PROGRAM_SIZE; at++) {
            bytes[at] = program_byte(slot, at);
        }
        *image = (struct image){
            .slot = slot, .offset = layout.slot[slot], .size = PROGRAM_SIZE, .version = version};
        strcpy(image->board, board);
        strcpy(image->version_text, "2.0.0");
        crypto_sha256_init(&hash);
        crypto_sha256_add(&hash, bytes, sizeof bytes);
        crypto_sha256_end(&hash, image->hash);
        bundle_sign(bench->file, &bundle, signer); /* for its offsets; the hashes come below */
        memcpy(bench->file + bundle_offset_of(&bundle, slot), bytes, sizeof bytes);
        bench->file_size = (uint32_t)bundle_offset_of(&bundle, slot) + PROGRAM_SIZE;
    }
    bundle_sign(bench->file, &bundle, signer);
}

static void start(struct bench *bench)
{
    struct receiver_conf conf = {.flash = &bench->flash.base,
        .layout = &layout,
        .board = "test",
        .running = 0,
        .version = 1000};

    memcpy(conf.key, bench->key, sizeof conf.key);
    assert_int_equal(update_open(&bench->update, &conf), 0);
    bench->port = update_port(&bench->update);
}

static int setup(void **state)
{
    static struct bench bench;

    memset(&bench, 0, sizeof bench);
    assert_int_equal(fake_flash_init(&bench.flash, FLASH_SIZE, 3), 0);
    crypto_public_key(seed, bench.key);
    make_file(&bench, seed, "test", 2000);
    start(&bench);
    *state = &bench;
    return 0;
}

static int teardown(void **state)
{
    fake_flash_done(&((struct bench *)*state)->flash);
    return 0;
}

static void offer(struct bench *bench)
{
    struct link_update_offer offered = {.size = bench->file_size};

    memset(offered.image_sha256, 0x77, sizeof offered.image_sha256);
    assert_int_equal(bench->port.offer(bench->port.user, &offered), 0);
}

/* Give it the next block it wants. false: it wants none. */
static bool serve(struct bench *bench)
{
    struct link_update_request request;

    if (!bench->port.wants(bench->port.user, &request)) {
        return false;
    }
    assert_true(request.size > 0 && request.size <= LINK_UPDATE_DATA_MAX);
    assert_true(request.offset + request.size <= bench->file_size);
    bench->port.block(bench->port.user, request.offset, bench->file + request.offset, request.size);
    return true;
}

static struct link_update_result result_of(struct bench *bench)
{
    struct link_update_result result = {.code = 1};

    for (int i = 0; i < STEPS_MAX && serve(bench); i++) {
    }
    assert_true(bench->port.result(bench->port.user, &result));
    return result;
}

static void assert_slot_b_is_whole(struct bench *bench)
{
    struct boot_choice choice;

    for (uint32_t i = 0; i < PROGRAM_SIZE; i++) {
        assert_int_equal(bench->flash.bytes[layout.slot[1] + IMAGE_PAGE + i], program_byte(1, i));
    }
    choice = boot_choose(&bench->flash.base, &layout);
    assert_int_equal(choice.slot, 1);
    assert_int_equal(choice.why, BOOT_WHY_TRIAL);
}

static void a_good_update_is_taken_and_then_a_restart_is_wanted(void **state)
{
    struct bench *bench = *state;
    struct link_update_result result;

    offer(bench);
    result = result_of(bench);
    assert_int_equal(result.code, 0);
    assert_false(update_wants_restart(&bench->update)); /* the gateway is to know first */
    bench->port.result_told(bench->port.user);
    assert_true(update_wants_restart(&bench->update));
    assert_false(bench->port.result(bench->port.user, &result));
    assert_slot_b_is_whole(bench);
}

static void the_header_comes_first_and_the_other_slot_is_never_asked_for(void **state)
{
    struct bench *bench = *state;
    struct link_update_request request;

    offer(bench);
    assert_true(bench->port.wants(bench->port.user, &request));
    assert_int_equal(request.offset, 0);
    assert_int_equal(request.size, BUNDLE_HEADER);
    assert_true(serve(bench));
    while (bench->port.wants(bench->port.user, &request)) {
        assert_true(request.offset >= BUNDLE_HEADER + PROGRAM_SIZE); /* the program for slot b */
        assert_true(serve(bench));
    }
}

static void an_update_goes_on_after_the_power_failed_at_every_block(void **state)
{
    struct bench *bench = *state;
    uint32_t blocks = 0;

    for (uint32_t served = 1; served < STEPS_MAX; served++) {
        struct link_update_result result;
        uint32_t i = 0;

        fake_flash_power_on(&bench->flash);
        start(bench);
        offer(bench);
        while (i < served && serve(bench)) {
            i++;
        }
        blocks = i > blocks ? i : blocks;
        if (bench->port.result(bench->port.user, &result)) {
            assert_int_equal(result.code, 0);
            assert_slot_b_is_whole(bench);
            assert_true(blocks >= 3);
            return;
        }
    }
    fail();
}

/* The power fails in each of the flash operations; each time it is only the sector that is lost. */
static void an_update_goes_on_after_the_power_failed_in_any_flash_operation(void **state)
{
    struct bench *bench = *state;
    struct link_update_result result;
    uint64_t unit = 3;
    int cuts = 0;

    for (;;) {
        fake_flash_power_on(&bench->flash);
        start(bench);
        offer(bench);
        bench->flash.cut_at = bench->flash.units + unit;
        for (int i = 0; i < STEPS_MAX && !bench->flash.is_dead && serve(bench); i++) {
        }
        if (!bench->flash.is_dead) {
            break;
        }
        cuts++;
        unit += 97; /* further each time: another point, and it gets through at last */
    }
    assert_true(cuts > 20);
    assert_true(bench->port.result(bench->port.user, &result));
    assert_int_equal(result.code, 0);
    assert_slot_b_is_whole(bench);
}

static void expect_refusal(struct bench *bench, int code, const char *sentence)
{
    struct link_update_result result;

    offer(bench);
    result = result_of(bench);
    assert_int_equal(result.code, code);
    assert_string_equal(result.text, sentence);
    bench->port.result_told(bench->port.user);
    assert_false(update_wants_restart(&bench->update));
}

static void what_is_not_for_us_is_refused_by_its_header_alone(void **state)
{
    struct bench *bench = *state;

    make_file(bench, other_seed, "test", 2000);
    expect_refusal(bench, -EACCES, "not signed with the key this reader knows");
    make_file(bench, seed, "another", 2000);
    expect_refusal(bench, -EXDEV, "for another board");
    make_file(bench, seed, "test", 999);
    expect_refusal(bench, -ESTALE, "older than what runs");
    make_file(bench, seed, "test", 1000);
    expect_refusal(bench, -EALREADY, "this version runs already");
    bench->file[0] ^= 1;
    expect_refusal(bench, -EBADMSG, "not a firmware bundle, or not all of one");
    assert_int_equal(bench->flash.programs, 0);
}

static void a_program_that_was_altered_is_not_taken(void **state)
{
    struct bench *bench = *state;

    bench->file[bench->file_size - 5] ^= 1;
    expect_refusal(bench, -EILSEQ, "the program is not the one that was signed");
    assert_int_not_equal(boot_choose(&bench->flash.base, &layout).slot, 1);
}

static void a_file_that_is_too_short_for_its_header_is_refused(void **state)
{
    struct bench *bench = *state;

    bench->file_size -= 300;
    expect_refusal(bench, -EBADMSG, "not a firmware bundle, or not all of one");
}

static void a_block_that_was_not_asked_for_changes_nothing(void **state)
{
    struct bench *bench = *state;
    struct link_update_request request;

    offer(bench);
    assert_true(serve(bench));
    assert_true(bench->port.wants(bench->port.user, &request));
    bench->port.block(bench->port.user, request.offset + 1024, bench->file, 1024);
    bench->port.block(bench->port.user, 0, bench->file, 256);
    {
        struct link_update_request again;

        assert_true(bench->port.wants(bench->port.user, &again));
        assert_int_equal(again.offset, request.offset);
    }
    assert_int_equal(result_of(bench).code, 0);
    assert_slot_b_is_whole(bench);
}

static void an_offer_that_is_withdrawn_is_forgotten(void **state)
{
    struct bench *bench = *state;
    struct link_update_request request;

    offer(bench);
    assert_true(serve(bench));
    bench->port.block(bench->port.user, 0, NULL, 0);
    assert_false(bench->port.wants(bench->port.user, &request));
    offer(bench);
    assert_int_equal(result_of(bench).code, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_good_update_is_taken_and_then_a_restart_is_wanted),
        TEST(the_header_comes_first_and_the_other_slot_is_never_asked_for),
        TEST(an_update_goes_on_after_the_power_failed_at_every_block),
        TEST(an_update_goes_on_after_the_power_failed_in_any_flash_operation),
        TEST(what_is_not_for_us_is_refused_by_its_header_alone),
        TEST(a_program_that_was_altered_is_not_taken),
        TEST(a_file_that_is_too_short_for_its_header_is_refused),
        TEST(a_block_that_was_not_asked_for_changes_nothing),
        TEST(an_offer_that_is_withdrawn_is_forgotten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
