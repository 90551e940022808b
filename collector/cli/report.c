/* report.c - how a command ends; see cli.h. */
#include <errno.h>
#include <stdio.h>

#include "base/err.h"
#include "collector/cli/cli.h"

int cli_report(int code, const struct err *err)
{
    if (code >= 0) {
        return 0;
    }
    (void)fprintf(stderr, "ecm-pay: %s\n", err->text[0] != '\0' ? err->text : err_name(code));
    switch (code) {
    case ECM_EFORMAT:
    case ECM_ECONFIG:
    case -ENOENT:
    case -ENOTDIR:
    case -EINVAL:
    case -EOVERFLOW:
        return EXIT_INPUT;
    default:
        return EXIT_FAILED;
    }
}
