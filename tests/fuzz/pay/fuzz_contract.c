/* fuzz_contract.c - the notations inside a contract: any bytes, and what is accepted is usable. */
#include <assert.h>
#include <string.h>

#include "collector/pay/compose.h"
#include "collector/pay/contract_notation.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct contract_words words = {.id = "F",
        .version = 1,
        .valid_from = "2020-01-01",
        .cancellation = "0h:100",
        .price = {"rate"}};
    char text[CONTRACT_TEXT_SIZE] = "";
    struct contract contract;
    struct text problems = {0};
    int64_t before = 0;

    (void)memcpy(text, bytes, size < sizeof text ? size : sizeof text - 1);
    (void)memcpy(words.price[DAY_WEEKDAY], text, sizeof text);
    if (contract_compile(&words, &contract, &problems) == 0) {
        for (int64_t s = 0; s < 100000; s += 977) {
            int64_t pence = compose_price(contract_tariff(&contract, 0), 1658, s);

            assert(pence >= before); /* a longer visit never costs less */
            before = pence;
        }
        contract_describe(&problems, &contract);
    }
    (void)memcpy(words.bank_holidays, text, sizeof text);
    (void)memcpy(words.cancellation, text, sizeof text);
    (void)memcpy(words.valid_to, text, sizeof text);
    (void)contract_compile(&words, &contract, &problems);
    text_done(&problems);
    return 0;
}
