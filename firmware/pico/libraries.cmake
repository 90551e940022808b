# Third-party sources that the firmware compiles, from ECM_PICO_PARTS: nanopb and the part of
# libsodium that makes SHA-256 and Ed25519. Debian has both only for its own machines.

find_program(NANOPB_GENERATOR NAMES nanopb_generator nanopb_generator.py REQUIRED)
set(nanopb ${ECM_PICO_PARTS}/nanopb)
set(generated ${CMAKE_CURRENT_BINARY_DIR}/generated)
set(proto ${PROJECT_SOURCE_DIR}/proto)

add_custom_command(
    OUTPUT ${generated}/ecm.pb.c ${generated}/ecm.pb.h
    COMMAND ${CMAKE_COMMAND} -E make_directory ${generated}
    COMMAND ${NANOPB_GENERATOR} -q -D ${generated} -I ${proto} ecm.proto
    DEPENDS ${proto}/ecm.proto ${proto}/ecm.options
    WORKING_DIRECTORY ${proto}
    COMMENT "Generating ecm.pb (nanopb) from ecm.proto"
    VERBATIM)
add_library(ecm_proto_pb STATIC ${generated}/ecm.pb.c ${generated}/ecm.pb.h
    ${nanopb}/pb_common.c ${nanopb}/pb_encode.c ${nanopb}/pb_decode.c)
target_include_directories(ecm_proto_pb SYSTEM PUBLIC ${generated} ${nanopb})

set(sodium ${ECM_PICO_PARTS}/libsodium/src/libsodium)
add_library(ecm_sodium STATIC
    ${sodium}/crypto_core/ed25519/ref10/ed25519_ref10.c
    ${sodium}/crypto_hash/sha256/cp/hash_sha256_cp.c
    ${sodium}/crypto_hash/sha256/hash_sha256.c
    ${sodium}/crypto_hash/sha512/cp/hash_sha512_cp.c
    ${sodium}/crypto_hash/sha512/hash_sha512.c
    ${sodium}/crypto_sign/ed25519/ref10/keypair.c
    ${sodium}/crypto_sign/ed25519/ref10/open.c
    ${sodium}/crypto_sign/ed25519/ref10/sign.c
    ${sodium}/crypto_verify/sodium/verify.c
    ${sodium}/sodium/utils.c)
# version.h is what its configure would write: of it only the version is missing here.
set(sodium_generated ${CMAKE_CURRENT_BINARY_DIR}/sodium)
file(WRITE ${sodium_generated}/sodium/version.h
    "#define SODIUM_VERSION_STRING \"1.0.18\"\n#define SODIUM_LIBRARY_VERSION_MAJOR 10\n"
    "#define SODIUM_LIBRARY_VERSION_MINOR 3\n#include \"sodium/export.h\"\n")
target_compile_definitions(ecm_sodium PRIVATE CONFIGURED=1 DEV_MODE=1 NATIVE_LITTLE_ENDIAN=1
    HAVE_WEAK_SYMBOLS=1)
target_compile_options(ecm_sodium PRIVATE -O2) # each start hashes the program
target_include_directories(ecm_sodium SYSTEM PUBLIC ${sodium_generated} ${sodium}/include
    PRIVATE ${sodium}/include/sodium)
add_library(PkgConfig::sodium ALIAS ecm_sodium) # the name it has on the host
