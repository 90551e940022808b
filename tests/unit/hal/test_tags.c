/*
 * test_tags.c - reading type 2 and type 4 tags, NDEF, and the SUN message in a URI.
 */
#include <errno.h>
#include <string.h>

#include "hal/chip/ndef.h"
#include "hal/chip/sun.h"
#include "hal/chip/type2.h"
#include "hal/chip/type4.h"
#include "tests/unit/hal/rig.h"
#include "tests/unit/suite.h"

static const char uid[] = "04A1B2C3D4E5F6";

static int set_up(void **state)
{
    static struct rig rig;

    rig_init(&rig, RIG_SPI_IRQ, true);
    assert_int_equal(pn532_setup(&rig.reader.pn), 0);
    *state = &rig;
    return 0;
}

/* Lay tag on the reader and select it. Returns its number. */
static uint8_t select_tag(struct rig *rig, const struct emu_tag *tag)
{
    struct pn532_target target = {0};

    rig_place(rig, tag);
    assert_int_equal(pn532_start_search(&rig->reader.pn), 0);
    assert_int_equal(rig->link->ops->wait(rig->link, 100000), 1);
    assert_int_equal(pn532_take_target(&rig->reader.pn, &target), 0);
    return target.number;
}

static void a_type_2_message_of_any_size_is_read_whole(void **state)
{
    struct rig *rig = *state;

    for (size_t size = 0; size < 180; size++) {
        struct emu_tag tag = rig_tag(EMU_TAG_NTAG216, uid);
        uint8_t message[256];

        for (size_t i = 0; i < size; i++) {
            tag.ndef[i] = (uint8_t)(i + size);
        }
        tag.ndef_size = (uint8_t)size;
        assert_int_equal(
            type2_read_ndef(&rig->reader.pn, select_tag(rig, &tag), message, sizeof message), size);
        assert_memory_equal(message, tag.ndef, size);
        emu_pn532_remove_tag(&rig->emu);
    }
}

static void a_type_2_message_beyond_the_tag_is_refused(void **state)
{
    struct rig *rig = *state;
    struct emu_tag tag = rig_tag(EMU_TAG_ULTRALIGHT, uid);
    uint8_t message[256];
    uint8_t number = 0;

    tag.ndef_size = 200; /* an Ultralight has 48 bytes */
    number = select_tag(rig, &tag);
    assert_int_equal(type2_read_ndef(&rig->reader.pn, number, message, sizeof message), -EBADMSG);
    assert_int_equal(type2_read_ndef(&rig->reader.pn, number, message, 100), -EMSGSIZE);
}

static void a_type_4_message_of_any_size_is_read_whole(void **state)
{
    struct rig *rig = *state;

    for (size_t size = 0; size <= EMU_TAG_NDEF_MAX; size++) {
        struct emu_tag tag = rig_tag(EMU_TAG_NTAG424, uid);
        uint8_t message[256];

        for (size_t i = 0; i < size; i++) {
            tag.ndef[i] = (uint8_t)(i ^ size);
        }
        tag.ndef_size = (uint8_t)size;
        assert_int_equal(
            type4_read_ndef(&rig->reader.pn, select_tag(rig, &tag), message, sizeof message), size);
        assert_memory_equal(message, tag.ndef, size);
        emu_pn532_remove_tag(&rig->emu);
    }
}

static void a_type_4_message_too_large_for_the_caller_is_refused(void **state)
{
    struct rig *rig = *state;
    struct emu_tag tag = rig_tag(EMU_TAG_TYPE4, uid);
    uint8_t message[64];

    tag.ndef_size = 65;
    assert_int_equal(
        type4_read_ndef(&rig->reader.pn, select_tag(rig, &tag), message, sizeof message),
        -EMSGSIZE);
}

static void a_tag_that_left_is_no_device(void **state)
{
    struct rig *rig = *state;
    struct emu_tag tag = rig_tag(EMU_TAG_TYPE4, uid);
    uint8_t message[64];
    uint8_t number = select_tag(rig, &tag);

    emu_pn532_remove_tag(&rig->emu);
    assert_int_equal(type4_read_ndef(&rig->reader.pn, number, message, sizeof message), -ENODEV);
    assert_int_equal(type2_read_ndef(&rig->reader.pn, number, message, sizeof message), -ENODEV);
    assert_int_equal(type2_read_ndef(&rig->reader.pn, 2, message, sizeof message), -ENODEV);
}

static void raw_commands_reach_the_tag(void **state)
{
    struct rig *rig = *state;
    struct emu_tag tag = rig_tag(EMU_TAG_NTAG215, uid);
    const uint8_t get_version[] = {0x60};
    uint8_t version[8];
    const struct pn532_exchange exchange = {.tx = get_version,
        .tx_size = sizeof get_version,
        .rx = version,
        .rx_capacity = sizeof version,
        .timeout_us = 100000};

    (void)select_tag(rig, &tag);
    assert_int_equal(pn532_exchange_raw(&rig->reader.pn, &exchange), 8);
    assert_memory_equal(version, "\x00\x04\x04\x02\x01\x00\x11\x03", 8);
}

static void capability_containers_are_taken_apart(void **state)
{
    static const struct {
        const char *hex;
        int rc;
    } cases[] = {
        {"00 17 20 01 00 00 FF 04 06 E1 04 01 00 00 00 05 06 E1 05 00 80 82 83", 0},
        {"00 0F 20 01 00 00 FF 04 06 E1 04 01 00 00 00", 0},
        {"00 0F 20 01 00 00 FF 04 06 E1 04 01 00 00", -EBADMSG},    /* cut */
        {"00 0E 20 01 00 00 FF 04 06 E1 04 01 00 00 00", -EBADMSG}, /* says it is cut */
        {"00 0F 20 00 00 00 FF 04 06 E1 04 01 00 00 00", -EBADMSG}, /* reads nothing */
        {"00 0F 20 01 00 00 FF 05 06 E1 04 01 00 00 00", -ENOENT},  /* proprietary file */
        {"00 0F 20 01 00 00 FF 04 06 E1 04 01 00 FF 00", -ENOENT},  /* may not be read */
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct type4_container container = {0};
        uint8_t bytes[32];
        size_t size = rig_bytes(cases[i].hex, bytes, sizeof bytes);

        assert_int_equal(type4_parse_container(bytes, size, &container), cases[i].rc);
        if (cases[i].rc == 0) {
            assert_int_equal(container.file, 0xE104);
            assert_int_equal(container.file_size, 256);
            assert_int_equal(container.read_max, 256);
        }
    }
}

static void the_uri_is_found_among_records(void **state)
{
    static const struct {
        const char *hex;
        const char *uri;
    } cases[] = {
        {"D1 01 04 55 01 61 62 63", "http://www.abc"}, {"D1 01 04 55 00 61 62 63", "abc"},
        {"D1 01 01 55 04", "https://"}, {"D1 01 02 55 FF 61", "a"}, /* a prefix of the future */
        {"91 01 02 54 02 65 51 01 02 55 04 61", "https://a"},
        {"C1 01 00 00 00 02 55 04 61", "https://a"},    /* long form */
        {"D9 01 02 03 55 41 42 43 04 61", "https://a"}, /* with an id */
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t bytes[64];
        char uri[64];
        size_t size = rig_bytes(cases[i].hex, bytes, sizeof bytes);

        assert_int_equal(ndef_find_uri(bytes, size, uri, sizeof uri), strlen(cases[i].uri));
        assert_string_equal(uri, cases[i].uri);
    }
}

static void a_message_without_a_sound_uri_is_told_apart(void **state)
{
    static const struct {
        const char *hex;
        int rc;
    } cases[] = {
        {"", -ENOENT}, {"D1 01 04 54 01 61 62 63", -ENOENT}, /* text */
        {"D4 01 04 55 01 61 62 63", -ENOENT},                /* another family of types */
        {"D1 01 00 55", -ENOENT},                            /* not even a prefix */
        {"D1 01 04 55 01 61 62", -EBADMSG},                  /* cut */
        {"D1 01", -EBADMSG}, {"C1 01 FF FF FF FF 55 04 61", -EBADMSG},
        {"F1 01 04 55 01 61 62 63", -EBADMSG}, /* chunked */
        {"91 01 01 54 02", -ENOENT},           /* more was announced than came */
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t bytes[64];
        char uri[64];

        assert_int_equal(
            ndef_find_uri(bytes, rig_bytes(cases[i].hex, bytes, sizeof bytes), uri, sizeof uri),
            cases[i].rc);
    }
}

static void a_uri_that_does_not_fit_is_refused(void **state)
{
    uint8_t bytes[16];
    char uri[15];
    size_t size = rig_bytes("D1 01 04 55 01 61 62 63", bytes, sizeof bytes);

    (void)state;
    assert_int_equal(ndef_find_uri(bytes, size, uri, 14), -EMSGSIZE);
    assert_int_equal(ndef_find_uri(bytes, size, uri, 15), 14);
}

#define PICC "EF963FF7828658A599F3041510671E88"
#define MAC "94EED9EE65337086"

static void a_sun_message_is_found_under_every_known_name(void **state)
{
    static const char *const uris[] = {
        "https://a.example/?picc_data=" PICC "&cmac=" MAC,
        "https://a.example/t?e=" PICC "&c=" MAC,
        "https://a.example/t?p=" PICC "&m=" MAC,
        "https://a.example/t?picc=" PICC "&mac=" MAC,
        "https://a.example/t?x=1&c=" MAC "&enc=00&e=" PICC "&y",
        "https://a.example/t?e=" PICC "&c=94eed9ee65337086#top",
    };
    uint8_t picc[16];
    uint8_t mac[8];

    (void)state;
    (void)rig_bytes(PICC, picc, sizeof picc);
    (void)rig_bytes(MAC, mac, sizeof mac);
    for (size_t i = 0; i < sizeof uris / sizeof uris[0]; i++) {
        uint8_t got_picc[SUN_PICC_SIZE];
        uint8_t got_mac[SUN_MAC_SIZE];

        assert_int_equal(sun_from_uri(uris[i], strlen(uris[i]), got_picc, got_mac), 0);
        assert_memory_equal(got_picc, picc, sizeof picc);
        assert_memory_equal(got_mac, mac, sizeof mac);
    }
}

static void half_a_sun_message_is_none(void **state)
{
    static const char *const uris[] = {
        "", "https://a.example/", "https://a.example/?", "https://a.example/?e=" PICC,
        "https://a.example/?c=" MAC, "https://a.example/e=" PICC "&c=" MAC, /* no query */
        "https://a.example/#?e=" PICC "&c=" MAC "0",                        /* one digit too many */
        "https://a.example/?e=" PICC "&c=94EED9EE6533708",                  /* one too few */
        "https://a.example/?e=" PICC "&c=94EED9EE6533708G",
        "https://a.example/?e=07D9CA2545881D4BFDD920BE1603268C0714420DD893A497&c=" MAC, /* LRP */
        "https://a.example/?E=" PICC "&C=" MAC,
        "https://a.example/?x#?e=" PICC "&c=" MAC, /* in the fragment */
    };

    (void)state;
    for (size_t i = 0; i < sizeof uris / sizeof uris[0]; i++) {
        uint8_t picc[SUN_PICC_SIZE] = {0x5A};
        uint8_t mac[SUN_MAC_SIZE] = {0x5A};

        assert_int_equal(sun_from_uri(uris[i], strlen(uris[i]), picc, mac), -ENOENT);
        assert_int_equal(picc[0], 0x5A);
        assert_int_equal(mac[0], 0x5A);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_type_2_message_of_any_size_is_read_whole, set_up),
        cmocka_unit_test_setup(a_type_2_message_beyond_the_tag_is_refused, set_up),
        cmocka_unit_test_setup(a_type_4_message_of_any_size_is_read_whole, set_up),
        cmocka_unit_test_setup(a_type_4_message_too_large_for_the_caller_is_refused, set_up),
        cmocka_unit_test_setup(a_tag_that_left_is_no_device, set_up),
        cmocka_unit_test_setup(raw_commands_reach_the_tag, set_up),
        cmocka_unit_test(capability_containers_are_taken_apart),
        cmocka_unit_test(the_uri_is_found_among_records),
        cmocka_unit_test(a_message_without_a_sound_uri_is_told_apart),
        cmocka_unit_test(a_uri_that_does_not_fit_is_refused),
        cmocka_unit_test(a_sun_message_is_found_under_every_known_name),
        cmocka_unit_test(half_a_sun_message_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
