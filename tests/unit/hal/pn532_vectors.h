/*
 * pn532_vectors.h - command and answer frames of a PN532, byte by byte.
 *
 * Collected from UM0701-02, driver sources and public bus logs (libnfc, nfcpy, node-pn532,
 * libfreefare, proxmark3), checksums computed anew.
 */
#ifndef ECM_TESTS_UNIT_HAL_PN532_VECTORS_H
#define ECM_TESTS_UNIT_HAL_PN532_VECTORS_H

struct pn532_vector {
    const char *name;
    const char *tx;
    const char *rx;
};

static const struct pn532_vector pn532_vectors[] = {
    {"GetFirmwareVersion", "00 00 FF 02 FE D4 02 2A 00", "00 00 FF 06 FA D5 03 32 01 06 07 E8 00"},
    {"SAMConfiguration normal, timeout 0x14, IRQ", "00 00 FF 05 FB D4 14 01 14 01 02 00",
        "00 00 FF 02 FE D5 15 16 00"},
    {"SAMConfiguration 2-byte form (libnfc)", "00 00 FF 03 FD D4 14 01 17 00",
        "00 00 FF 02 FE D5 15 16 00"},
    {"SetParameters AutoATR_RES|AutoRATS", "00 00 FF 03 FD D4 12 14 06 00",
        "00 00 FF 02 FE D5 13 18 00"},
    {"RFConfiguration item1 RF off", "00 00 FF 04 FC D4 32 01 00 F9 00",
        "00 00 FF 02 FE D5 33 F8 00"},
    {"RFConfiguration item1 RF on", "00 00 FF 04 FC D4 32 01 01 F8 00",
        "00 00 FF 02 FE D5 33 F8 00"},
    {"RFConfiguration item2 timings 00 0B 0A", "00 00 FF 06 FA D4 32 02 00 0B 0A E3 00",
        "00 00 FF 02 FE D5 33 F8 00"},
    {"RFConfiguration item4 MaxRtyCOM 0", "00 00 FF 04 FC D4 32 04 00 F6 00",
        "00 00 FF 02 FE D5 33 F8 00"},
    {"RFConfiguration item5 retries FF 01 FF", "00 00 FF 06 FA D4 32 05 FF 01 FF F6 00",
        "00 00 FF 02 FE D5 33 F8 00"},
    {"RFConfiguration item5 retries 00 01 02 (libnfc finite)",
        "00 00 FF 06 FA D4 32 05 00 01 02 F2 00", "00 00 FF 02 FE D5 33 F8 00"},
    {"RFConfiguration item5 retries FF FF FF (libnfc infinite)",
        "00 00 FF 06 FA D4 32 05 FF FF FF F8 00", "00 00 FF 02 FE D5 33 F8 00"},
    {"InListPassiveTarget 106A", "00 00 FF 04 FC D4 4A 01 00 E1 00",
        "00 00 FF 0F F1 D5 4B 01 01 00 44 00 07 04 16 C6 C2 D7 38 81 61 00"},
    {"InListPassiveTarget none", "00 00 FF 04 FC D4 4A 01 00 E1 00",
        "00 00 FF 03 FD D5 4B 00 E0 00"},
    {"InListPassiveTarget NTAG424", "00 00 FF 04 FC D4 4A 01 00 E1 00",
        "00 00 FF 15 EB D5 4B 01 01 03 44 20 07 04 4B 17 12 5B 66 80 06 77 77 71 02 80 D0 00"},
    {"InDataExchange T2T READ page 4", "00 00 FF 05 FB D4 40 01 30 04 B7 00",
        "00 00 FF 13 ED D5 41 00 03 10 D1 01 0C 55 01 6E 78 70 2E 63 6F 6D 2F 61 50 00"},
    {"InDataExchange T2T error timeout", "00 00 FF 05 FB D4 40 01 30 04 B7 00",
        "00 00 FF 03 FD D5 41 01 E9 00"},
    {"InCommunicateThru GET_VERSION 60 -> NTAG213", "00 00 FF 03 FD D4 42 60 8A 00",
        "00 00 FF 0B F5 D5 43 00 00 04 04 02 01 00 0F 03 CB 00"},
    {"InCommunicateThru PWD_AUTH", "00 00 FF 07 F9 D4 42 1B FF FF FF FF D3 00",
        "00 00 FF 05 FB D5 43 00 00 00 E8 00"},
    {"InDataExchange SELECT NDEF app",
        "00 00 FF 10 F0 D4 40 01 00 A4 04 00 07 D2 76 00 00 85 01 01 00 6D 00",
        "00 00 FF 05 FB D5 41 00 90 00 5A 00"},
    {"InDataExchange SELECT CC", "00 00 FF 0A F6 D4 40 01 00 A4 00 0C 02 E1 03 55 00",
        "00 00 FF 05 FB D5 41 00 90 00 5A 00"},
    {"InDataExchange READ CC 15", "00 00 FF 08 F8 D4 40 01 00 B0 00 00 0F 2C 00",
        "00 00 FF 14 EC D5 41 00 00 17 20 01 00 00 FF 04 06 E1 04 01 00 00 00 90 00 33 00"},
    {"InDataExchange SELECT NDEF file", "00 00 FF 0A F6 D4 40 01 00 A4 00 0C 02 E1 04 54 00",
        "00 00 FF 05 FB D5 41 00 90 00 5A 00"},
    {"InDataExchange READ NLEN", "00 00 FF 08 F8 D4 40 01 00 B0 00 00 02 39 00",
        "00 00 FF 07 F9 D5 41 00 00 51 90 00 09 00"},
    {"InRelease all", "00 00 FF 03 FD D4 52 00 DA 00", "00 00 FF 03 FD D5 53 00 D8 00"},
    {"InDeselect all", "00 00 FF 03 FD D4 44 00 E8 00", "00 00 FF 03 FD D5 45 00 E6 00"},
    {"InAutoPoll poll FF period 01 type 00", "00 00 FF 05 FB D4 60 FF 01 00 CC 00",
        "00 00 FF 11 EF D5 61 01 10 0C 01 00 44 00 07 04 37 4B D2 9C 39 80 B4 00"},
    {"PowerDown wake SPI|HSU|I2C, GenIRQ 0", "00 00 FF 04 FC D4 16 B0 00 66 00",
        "00 00 FF 03 FD D5 17 00 14 00"},
    {"PowerDown wake SPI only", "00 00 FF 03 FD D4 16 20 F6 00", "00 00 FF 03 FD D5 17 00 14 00"},
    {"Diagnose comm line test libnfc", "00 00 FF 09 F7 D4 00 00 6C 69 62 6E 66 63 BE 00",
        "00 00 FF 09 F7 D5 01 00 6C 69 62 6E 66 63 BC 00"},
    {"DESFire AuthAES issue32", "00 00 FF 0A F6 D4 40 01 90 AA 00 00 01 00 00 B0 00",
        "00 00 FF 15 EB D5 41 00 8D B1 F0 47 07 5D 45 23 80 6A 42 13 90 43 11 80 91 AF C6 00"},
};

#endif
