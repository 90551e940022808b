/*
 * suite.h - cmocka with the headers it needs before it, included in one place.
 */
#ifndef ECM_TESTS_UNIT_SUITE_H
#define ECM_TESTS_UNIT_SUITE_H

/* clang-format off: the order is cmocka's demand. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#endif
