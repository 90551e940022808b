/* err.c - see err.h. */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *err_name(int code)
{
    const char *name = NULL;

    switch (code) {
    case 0:
        return "OK";
    case ECM_EFORMAT:
        return "ECM_EFORMAT";
    case ECM_ECORRUPT:
        return "ECM_ECORRUPT";
    case ECM_EFULL:
        return "ECM_EFULL";
    case ECM_ECONFIG:
        return "ECM_ECONFIG";
    case ECM_EPROTO:
        return "ECM_EPROTO";
    }
    name = strerrorname_np(-code);
    return name != NULL ? name : "unknown";
}

int err_set(struct err *err, int code, const char *format, ...)
{
    va_list args;

    if (err == NULL) {
        return code;
    }
    va_start(args, format);
    (void)vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    return code;
}

int err_wrap(struct err *err, int code, const char *format, ...)
{
    struct err inner;
    va_list args;
    int used = 0;

    if (err == NULL) {
        return code;
    }
    inner = *err;
    va_start(args, format);
    used = vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    if (used >= 0 && (size_t)used < sizeof err->text) {
        size_t room = sizeof err->text - (size_t)used;

        (void)snprintf(err->text + used, room, ": %.*s", (int)room, inner.text);
    }
    return code;
}
