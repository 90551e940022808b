/* instant.c - see instant.h. */
#include "collector/cli/instant.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/pay/contract.h"

bool instant_read(const char *text, int64_t *ret_utc)
{
    static const char form[] = "0000-00-00T00:00:00Z";
    char date[11];
    int32_t day = 0;
    char *end = NULL;

    if (strlen(text) != sizeof form - 1) {
        errno = 0;
        *ret_utc = strtoll(text, &end, 10);
        return errno == 0 && end != text && *end == '\0' && *ret_utc >= 0;
    }
    for (size_t i = 0; i < sizeof form - 1; i++) {
        if (form[i] == '0' ? text[i] < '0' || text[i] > '9' : text[i] != form[i]) {
            return false;
        }
    }
    (void)snprintf(date, sizeof date, "%.10s", text);
    *ret_utc = (text[11] - '0') * 36000 + (text[12] - '0') * 3600 + (text[14] - '0') * 600 +
               (text[15] - '0') * 60 + (text[17] - '0') * 10 + (text[18] - '0');
    if (!contract_read_date(date, &day) || *ret_utc >= 86400 || text[14] > '5' || text[17] > '5') {
        return false;
    }
    *ret_utc += (int64_t)day * 86400;
    return true;
}
