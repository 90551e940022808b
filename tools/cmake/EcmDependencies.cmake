# EcmDependencies.cmake - every library we take from the system, each named once.

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
pkg_check_modules(mosquitto REQUIRED IMPORTED_TARGET libmosquitto>=2.0.11)
pkg_check_modules(protobufc REQUIRED IMPORTED_TARGET libprotobuf-c>=1.4)
pkg_check_modules(sqlite3 REQUIRED IMPORTED_TARGET sqlite3>=3.40)
pkg_check_modules(crypto REQUIRED IMPORTED_TARGET libcrypto>=3.0)
pkg_check_modules(sodium REQUIRED IMPORTED_TARGET libsodium>=1.0.18)
pkg_check_modules(inih REQUIRED IMPORTED_TARGET inih)
pkg_check_modules(jansson REQUIRED IMPORTED_TARGET jansson>=2.13)
pkg_check_modules(gpiod REQUIRED IMPORTED_TARGET libgpiod>=1.6)
# libev has no .pc file.
find_path(LIBEV_INCLUDE_DIR ev.h REQUIRED)
find_library(LIBEV_LIBRARY ev REQUIRED)
add_library(ecm_libev INTERFACE)
target_include_directories(ecm_libev SYSTEM INTERFACE ${LIBEV_INCLUDE_DIR})
target_link_libraries(ecm_libev INTERFACE ${LIBEV_LIBRARY})
find_program(PROTOC_C protoc-c REQUIRED)
find_program(NANOPB_GENERATOR NAMES nanopb_generator nanopb_generator.py REQUIRED)
find_package(nanopb REQUIRED CONFIG)

if(BUILD_TESTING)
    pkg_check_modules(cmocka REQUIRED IMPORTED_TARGET cmocka>=1.1.5)
    pkg_check_modules(umockdev REQUIRED IMPORTED_TARGET umockdev-1.0>=0.17)
    # Debian's own interpreter first: it is the one that sees Debian's pytest.
    find_program(ECM_PYTHON python3 PATHS /usr/bin NO_DEFAULT_PATH)
    find_program(ECM_PYTHON python3 REQUIRED)
endif()
