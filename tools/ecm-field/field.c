/*
 * field.c - see field.h.
 */
#include "tools/ecm-field/field.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

int field_report(int code, const struct err *err)
{
    if (code >= 0) {
        return 0;
    }
    (void)fprintf(stderr, "ecm-field: %s\n", err->text[0] != '\0' ? err->text : err_name(code));
    return code == ECM_ECORRUPT || code == -EIO || code == -ENOMEM ? EXIT_FAILED : EXIT_INPUT;
}

int field_read_file(
    const char *path, size_t size_max, uint8_t **ret_bytes, size_t *ret_size, struct err *err)
{
    FILE *file = fopen(path, "rbe");
    uint8_t *bytes = NULL;
    size_t size = 0;
    int rc = 0;

    if (file == NULL) {
        return err_set(err, -errno, "'%s': %s", path, strerror(errno));
    }
    bytes = malloc(size_max + 1);
    if (bytes == NULL) {
        rc = err_set(err, -ENOMEM, "'%s': out of memory", path);
    } else {
        size = fread(bytes, 1, size_max + 1, file);
        if (ferror(file) != 0) {
            rc = err_set(err, -EIO, "'%s': cannot be read", path);
        } else if (size > size_max) {
            rc = err_set(err, ECM_EFORMAT, "'%s': larger than %zu bytes", path, size_max);
        }
    }
    (void)fclose(file);
    if (rc < 0) {
        free(bytes);
        return rc;
    }
    *ret_bytes = bytes;
    *ret_size = size;
    return 0;
}

int field_write_file(const char *path, const uint8_t *bytes, size_t size, struct err *err)
{
    FILE *file = fopen(path, "wbe");
    size_t written = 0;

    if (file == NULL) {
        return err_set(err, -errno, "'%s': %s", path, strerror(errno));
    }
    written = fwrite(bytes, 1, size, file);
    if (fclose(file) != 0 || written != size) {
        return err_set(err, -EIO, "'%s': cannot be written", path);
    }
    return 0;
}

int field_parse_size(const char *text, uint64_t max, uint64_t *ret_value)
{
    char *end = NULL;
    unsigned long long value = 0;
    unsigned shift = 0;

    errno = 0;
    if (text[0] < '0' || text[0] > '9') {
        return ECM_EFORMAT;
    }
    value = strtoull(text, &end, 0);
    shift = *end == 'K' ? 10 : *end == 'M' ? 20 : 0;
    end += shift != 0 ? 1 : 0;
    if (errno != 0 || *end != '\0' || value > max >> shift) {
        return ECM_EFORMAT;
    }
    *ret_value = value << shift;
    return 0;
}

void field_hex(const uint8_t *bytes, size_t size, char *ret_text)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < size; i++) {
        ret_text[2 * i] = digits[bytes[i] >> 4];
        ret_text[2 * i + 1] = digits[bytes[i] & 15];
    }
    ret_text[2 * size] = '\0';
}

static int digit_of(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

int field_parse_hex(const char *text, uint8_t *ret_bytes, size_t size)
{
    if (strlen(text) != 2 * size) {
        return ECM_EFORMAT;
    }
    for (size_t i = 0; i < size; i++) {
        int high = digit_of(text[2 * i]);
        int low = digit_of(text[2 * i + 1]);

        if (high < 0 || low < 0) {
            return ECM_EFORMAT;
        }
        ret_bytes[i] = (uint8_t)(high << 4 | low);
    }
    return 0;
}
