/*
 * sun.c - find two query parameters by name and read their hexadecimal digits.
 */
#include "hal/chip/sun.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

static const char *const picc_names[] = {"picc_data", "picc", "e", "p"};
static const char *const mac_names[] = {"cmac", "mac", "c", "m"};

enum { NAME_COUNT = 4 };

struct text {
    const char *start;
    size_t size;
};

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return -1;
}

static bool read_hex(struct text text, uint8_t *bytes, size_t count)
{
    if (text.size != count * 2) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        int high = hex_digit(text.start[2 * i]);
        int low = hex_digit(text.start[2 * i + 1]);

        if (high < 0 || low < 0) {
            return false;
        }
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static bool is_one_of(struct text name, const char *const names[NAME_COUNT])
{
    for (size_t i = 0; i < NAME_COUNT; i++) {
        if (strlen(names[i]) == name.size && memcmp(names[i], name.start, name.size) == 0) {
            return true;
        }
    }
    return false;
}

/* Split the next "name=value" off query. False at its end. */
static bool next_parameter(struct text *query, struct text *ret_name, struct text *ret_value)
{
    const char *end = NULL;
    const char *equals = NULL;
    size_t size = 0;

    if (query->size == 0) {
        return false;
    }
    end = memchr(query->start, '&', query->size);
    size = end != NULL ? (size_t)(end - query->start) : query->size;
    equals = memchr(query->start, '=', size);
    *ret_name =
        (struct text){query->start, equals != NULL ? (size_t)(equals - query->start) : size};
    *ret_value = (struct text){query->start + size, 0};
    if (equals != NULL) {
        *ret_value = (struct text){equals + 1, size - ret_name->size - 1};
    }
    if (end != NULL) {
        size++;
    }
    query->start += size;
    query->size -= size;
    return true;
}

int sun_from_uri(
    const char *uri, size_t size, uint8_t ret_picc[SUN_PICC_SIZE], uint8_t ret_mac[SUN_MAC_SIZE])
{
    const char *mark = size > 0 ? memchr(uri, '?', size) : NULL;
    struct text query;
    struct text name;
    struct text value;
    uint8_t picc[SUN_PICC_SIZE];
    uint8_t mac[SUN_MAC_SIZE];
    bool has_picc = false;
    bool has_mac = false;

    if (mark == NULL) {
        return -ENOENT;
    }
    query = (struct text){mark + 1, size - (size_t)(mark - uri) - 1};
    mark = query.size > 0 ? memchr(query.start, '#', query.size) : NULL;
    if (mark != NULL) {
        query.size = (size_t)(mark - query.start);
    }
    while (next_parameter(&query, &name, &value)) {
        if (!has_picc && is_one_of(name, picc_names)) {
            has_picc = read_hex(value, picc, sizeof picc);
        } else if (!has_mac && is_one_of(name, mac_names)) {
            has_mac = read_hex(value, mac, sizeof mac);
        }
    }
    if (!has_picc || !has_mac) {
        return -ENOENT;
    }
    memcpy(ret_picc, picc, sizeof picc);
    memcpy(ret_mac, mac, sizeof mac);
    return 0;
}
