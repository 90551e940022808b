/* fuzz_template.c - templates of service-delivery files: any text. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "collector/pay/delivery.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char *text = malloc(size + 1);
    struct delivery_template columns;
    struct text problems = {0};
    size_t count = 0;

    if (text == NULL) {
        return 0;
    }
    if (size > 0) {
        (void)memcpy(text, bytes, size);
    }
    text[size] = '\0';
    count = delivery_read(text, &columns, &problems);
    assert((count == 0) == (problems.size == 0));
    assert(columns.count <= DELIVERY_COLUMNS_MAX);
    text_done(&problems);
    free(text);
    return 0;
}
