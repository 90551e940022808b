/*
 * contract_notation.h - the short notations inside a contract's fields. Inside pay/ only.
 *
 *     24h:0 0h:100                     cancellation: from so much notice on, percent
 *     rate 150%                        a price; see enum tariff_kind
 *     hour 16.58
 *     bands 15:5.00 30:10.00
 *     points 30:16.00 45:20.00 hour 24.00
 *     2026-04-03 2026-04-06            dates
 *
 * Each reader returns false for anything else; what it filled in by then means nothing.
 */
#ifndef ECM_COLLECTOR_PAY_CONTRACT_NOTATION_H
#define ECM_COLLECTOR_PAY_CONTRACT_NOTATION_H

#include "collector/pay/contract.h"

bool notation_read_cancels(const char *text, struct contract *contract);
bool notation_read_tariff(const char *text, struct tariff *ret_tariff);
bool notation_read_dates(
    const char *text, int32_t days[static CONTRACT_DATES_MAX], size_t *ret_count);

/* "16.58" to 1658: pounds with no or two digits of pence, at most 9,999.99. */
bool notation_read_money(const char *text, int64_t *ret_pence);

#endif
