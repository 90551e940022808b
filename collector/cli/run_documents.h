/*
 * run_documents.h - what a run sends out: statements and service-delivery files, one a provider.
 *
 * Files are named after the provider's id; bytes other than letters, digits, '.', '_' and '-' are
 * written as %XX, so that two providers never share a file.
 */
#ifndef ECM_COLLECTOR_CLI_RUN_DOCUMENTS_H
#define ECM_COLLECTOR_CLI_RUN_DOCUMENTS_H

#include "collector/cli/run_extras.h"

struct run_documents {
    struct session *session;
    const struct pay_run *run;
    const struct run_extras *extras;
    const char *run_id;
    const char *out; /* the folder */
};

/* statement_P1.txt and statement_P1.html: of the contract if there is one, else the first model. */
int documents_write_statements(const struct run_documents *documents, struct err *err);

/* Whether the template at path is sound; as documents_write_deliveries(). Before anything is paid. */
int documents_check_template(const char *path, struct err *err);

/*
 * delivery_P1.csv by the template at path, with a file reference from the store that was never
 * used before. ECM_EFORMAT: the template is refused, each problem is a line on standard error.
 */
int documents_write_deliveries(
    const struct run_documents *documents, const char *path, struct err *err);

#endif
