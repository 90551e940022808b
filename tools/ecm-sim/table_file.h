/* table_file.h - one CSV file of a folder that is made up, with its header row. */
#ifndef ECM_TOOLS_SIM_TABLE_FILE_H
#define ECM_TOOLS_SIM_TABLE_FILE_H

#include <stdio.h>

struct err;

/* Make folder/name and write header. NULL with err. */
FILE *table_file_create(const char *folder, const char *name, const char *header, struct err *err);

/* Close it. -EIO with err when anything written to it failed. */
int table_file_finish(FILE *file, struct err *err);

#endif
