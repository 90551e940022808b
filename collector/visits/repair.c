/* repair.c - the names of the repairs, and how a site chooses among them; see repair.h. */
#include "collector/visits/repair.h"

#include <string.h>

static const char *const rule_names[REPAIR_COUNT] = {
    [REPAIR_DIRECTION] = "direction",
    [REPAIR_LEAVING] = "leaving",
    [REPAIR_ARRIVAL] = "arrival",
    [REPAIR_BOUNDARY] = "boundary",
};

static const char *const policy_names[] = {
    [REPAIR_OFF] = "off", [REPAIR_HOLD] = "hold", [REPAIR_PAY] = "pay"};

static const char *const basis_names[] = {
    [BASIS_TAPS_AND_PLAN] = "taps_and_plan",
    [BASIS_OTHER_CARER] = "other_carer",
    [BASIS_USUAL_LENGTH] = "usual_length",
    [BASIS_PLAN] = "plan",
    [BASIS_OWN_TAPS] = "own_taps",
};

const char *repair_rule_name(enum repair_rule rule)
{
    return rule < REPAIR_COUNT ? rule_names[rule] : "?";
}

const char *repair_policy_name(enum repair_policy policy)
{
    return policy <= REPAIR_PAY ? policy_names[policy] : "?";
}

const char *repair_basis_name(enum repair_basis basis)
{
    return basis <= BASIS_OWN_TAPS ? basis_names[basis] : "?";
}

bool repair_is_on(const struct repair_params *params)
{
    for (int rule = 0; rule < REPAIR_COUNT; rule++) {
        if (params->policies[rule] != REPAIR_OFF) {
            return true;
        }
    }
    return false;
}

static bool is_word(const char *at, size_t size, const char *word)
{
    return strlen(word) == size && memcmp(at, word, size) == 0;
}

/* One "name" or "name:policy" of size characters. */
static bool parse_one(uint8_t policies[REPAIR_COUNT], const char *at, size_t size)
{
    const char *colon = memchr(at, ':', size);
    size_t name_size = colon == NULL ? size : (size_t)(colon - at);
    enum repair_policy policy = REPAIR_HOLD;
    bool is_found = false;

    if (colon != NULL && is_word(colon + 1, size - name_size - 1, "pay")) {
        policy = REPAIR_PAY;
    } else if (colon != NULL && !is_word(colon + 1, size - name_size - 1, "hold")) {
        return false;
    }
    for (int rule = 0; rule < REPAIR_COUNT; rule++) {
        if (is_word(at, name_size, rule_names[rule]) || is_word(at, name_size, "all")) {
            policies[rule] = (uint8_t)policy;
            is_found = true;
        }
    }
    return is_found;
}

const char *repair_parse(struct repair_params *params, const char *text)
{
    uint8_t policies[REPAIR_COUNT] = {REPAIR_OFF};
    const char *at = text;

    if (strcmp(text, "none") != 0) {
        for (;;) {
            size_t size = strcspn(at, ",");

            if (!parse_one(policies, at, size)) {
                return at;
            }
            if (at[size] == '\0') {
                break;
            }
            at += size + 1;
        }
    }
    (void)memcpy(params->policies, policies, sizeof policies);
    return NULL;
}
