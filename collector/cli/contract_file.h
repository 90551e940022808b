/*
 * contract_file.h - read a contract from its file (docs/CONTRACTS.md).
 *
 * Blocking: reads one small file. Threads: none of its own.
 */
#ifndef ECM_COLLECTOR_CLI_CONTRACT_FILE_H
#define ECM_COLLECTOR_CLI_CONTRACT_FILE_H

#include <stdio.h>

#include "collector/pay/contract.h"

/*
 * Read and check the contract at path. 0; ECM_ECONFIG when it was refused: every problem of the
 * file is one line on errors, "FILE: FIELD: what; permitted: what"; -errno when it cannot be read
 * (also said on errors).
 */
int contract_file_read(const char *path, struct contract *ret_contract, FILE *errors);

/* Write the contract as a file that reads back the same, each field after what is permitted. */
void contract_file_print(const struct contract *contract, FILE *out);

#endif
