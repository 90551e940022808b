/* test_hash.c - SHA-256 by the examples of FIPS 180-4. */
#include "base/hash.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/suite.h"

static void hashes_are_those_of_the_standard(void **state)
{
    struct hash *hash = hash_new();
    char hex[HASH_HEX_SIZE];

    (void)state;
    assert_non_null(hash);
    hash_finish(hash, hex);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    hash_add(hash, "a", 1);
    hash_add(hash, "bc", 2);
    hash_finish(hash, hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    hash_free(hash);
}

static void a_million_bytes_hash_alike_in_pieces_of_any_size(void **state)
{
    static const size_t sizes[] = {1, 7, 16384, 16385, 1000000};
    char *bytes = malloc(1000000);
    struct hash *hash = hash_new();

    (void)state;
    assert_non_null(bytes);
    assert_non_null(hash);
    (void)memset(bytes, 'a', 1000000);
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        char hex[HASH_HEX_SIZE];

        for (size_t done = 0; done < 1000000; done += sizes[s]) {
            size_t left = 1000000 - done;

            hash_add(hash, bytes, left < sizes[s] ? left : sizes[s]);
        }
        hash_finish(hash, hex);
        assert_string_equal(
            hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    }
    hash_free(hash);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashes_are_those_of_the_standard),
        cmocka_unit_test(a_million_bytes_hash_alike_in_pieces_of_any_size),
    };

    return cmocka_run_group_tests_name("hash", tests, NULL, NULL);
}
