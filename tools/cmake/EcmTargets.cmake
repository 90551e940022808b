# EcmTargets.cmake - the kinds of target this repository knows.
#
#   ecm_library(<name> SOURCES ... [DEPENDS ...])        a folder's static library
#   ecm_program(<name> MAIN <main.c> DEPENDS ...)        an installed program: main.c and nothing else
#   ecm_unit_test(<name> SOURCES ... DEPENDS ...)        one cmocka program, one ctest, label unit
#   ecm_contract_test(<name> SOURCES ... DEPENDS ...)    the same, label contract
#   ecm_crash_test(<name> SOURCES ... DEPENDS ...)       the same, label crash
#   ecm_test_tool(<name> SOURCES ... DEPENDS ...)        a helper program that tests run; not a test
#   ecm_pytest(<name> <file.py>)                         an integration test, real parts, label integration
#   ecm_fuzz_test(<name> SOURCES ... DEPENDS ... [CORPUS <dir>])
#
# Every target gets the same language level and the same warnings. There is no second place
# where a flag is set.

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_C_FLAGS_RELEASE "-O2 -g") # no -DNDEBUG: assertions stay in the product
set(CMAKE_C_FLAGS_MINSIZEREL "-Os -g") # the firmware; assertions stay there too
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)

include(GNUInstallDirs)
option(ECM_SANITIZE "Build with AddressSanitizer and UBSan" OFF)
option(ECM_FUZZ "Build the libFuzzer targets (clang only)" OFF)
option(ECM_WERROR "Treat warnings as errors" ON)

add_library(ecm_flags INTERFACE)
target_include_directories(ecm_flags INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_definitions(ecm_flags INTERFACE
    _GNU_SOURCE ECM_VERSION="${PROJECT_VERSION}")
target_compile_options(ecm_flags INTERFACE
    -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wformat=2 -Wundef -Wvla
    -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition
    -Wwrite-strings -Wcast-qual -Wpointer-arith -Wswitch-enum
    # -Wformat-truncation depends on the level of optimisation, and a cut sentence is still a sentence.
    $<$<C_COMPILER_ID:GNU>:-Wno-format-truncation -Wlogical-op -Wduplicated-cond -Wduplicated-branches -Wjump-misses-init>
    $<$<CONFIG:Release>:-D_FORTIFY_SOURCE=2 -fstack-protector-strong -ffunction-sections -fdata-sections>
    $<$<BOOL:${ECM_WERROR}>:-Werror>)
target_link_options(ecm_flags INTERFACE $<$<CONFIG:Release>:-Wl,--gc-sections -Wl,-z,relro,-z,now>)
if(ECM_SANITIZE)
    target_compile_options(ecm_flags INTERFACE
        -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(ecm_flags INTERFACE -fsanitize=address,undefined)
endif()
if(ECM_FUZZ)
    target_compile_options(ecm_flags INTERFACE
        -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all)
    target_link_options(ecm_flags INTERFACE -fsanitize=address,undefined)
endif()

function(ecm_library name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;DEPENDS")
    add_library(${name} STATIC ${arg_SOURCES})
    target_link_libraries(${name} PRIVATE ecm_flags PUBLIC ${arg_DEPENDS})
endfunction()

function(ecm_program name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "MAIN" "DEPENDS")
    add_executable(${name} ${arg_MAIN})
    target_link_libraries(${name} PRIVATE ecm_flags ${arg_DEPENDS})
    install(TARGETS ${name} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endfunction()

function(ecm_test_tool name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;DEPENDS")
    add_executable(${name} ${arg_SOURCES})
    target_link_libraries(${name} PRIVATE ecm_flags ${arg_DEPENDS})
    set_target_properties(${name} PROPERTIES
        RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests/bin)
endfunction()

function(ecm_cmocka_test label timeout name)
    cmake_parse_arguments(PARSE_ARGV 3 arg "" "" "SOURCES;DEPENDS")
    ecm_test_tool(${name} SOURCES ${arg_SOURCES} DEPENDS ${arg_DEPENDS} PkgConfig::cmocka)
    add_test(NAME ${label}.${name} COMMAND ${name})
    set_tests_properties(${label}.${name} PROPERTIES LABELS ${label} TIMEOUT ${timeout})
endfunction()

# Seconds at the most on a machine whose disk others keep busy; alone none takes more than 9.
function(ecm_unit_test name)
    ecm_cmocka_test(unit 180 ${name} ${ARGN})
endfunction()

function(ecm_contract_test name)
    ecm_cmocka_test(contract 120 ${name} ${ARGN})
endfunction()

function(ecm_crash_test name)
    ecm_cmocka_test(crash 300 ${name} ${ARGN})
endfunction()

# An integration test finds the programs through ECM_BIN and the test tools through ECM_TEST_BIN.
function(ecm_pytest name file)
    cmake_parse_arguments(PARSE_ARGV 2 arg "" "LABEL;TIMEOUT" "")
    if(NOT arg_LABEL)
        set(arg_LABEL integration)
    endif()
    if(NOT arg_TIMEOUT)
        set(arg_TIMEOUT 300)
    endif()
    # A base folder of its own: sessions that share pytest's clear away each other's. Short, because
    # the path of a socket has 107 bytes at the most.
    string(MD5 tree ${PROJECT_BINARY_DIR})
    string(SUBSTRING ${tree} 0 6 tree)
    add_test(NAME ${arg_LABEL}.${name}
        COMMAND ${ECM_PYTHON} -m pytest -q -p no:cacheprovider
            --basetemp=/tmp/ecm-${tree}-${name} ${CMAKE_CURRENT_SOURCE_DIR}/${file})
    # A file that skips something and fails nothing counts as skipped, not as passed.
    set_tests_properties(${arg_LABEL}.${name} PROPERTIES
        LABELS ${arg_LABEL} TIMEOUT ${arg_TIMEOUT}
        SKIP_REGULAR_EXPRESSION "\n([0-9]+ passed, )?[0-9]+ skipped(, [0-9]+ [a-z]+)? in [0-9]"
        ENVIRONMENT "ECM_BIN=${PROJECT_BINARY_DIR}/bin;ECM_TEST_BIN=${PROJECT_BINARY_DIR}/tests/bin;ECM_SOURCE=${PROJECT_SOURCE_DIR};PYTHONDONTWRITEBYTECODE=1")
endfunction()

# With ECM_FUZZ: a libFuzzer program. Without: the same entry point replays its corpus as a unit test.
function(ecm_fuzz_test name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "CORPUS" "SOURCES;DEPENDS")
    if(ECM_FUZZ)
        ecm_test_tool(${name} SOURCES ${arg_SOURCES} DEPENDS ${arg_DEPENDS})
        target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    else()
        ecm_test_tool(${name} SOURCES ${arg_SOURCES} ${PROJECT_SOURCE_DIR}/tests/fuzz/replay.c
            DEPENDS ${arg_DEPENDS})
        add_test(NAME fuzz.${name} COMMAND ${name} ${arg_CORPUS})
        set_tests_properties(fuzz.${name} PROPERTIES LABELS fuzz TIMEOUT 120)
    endif()
endfunction()
