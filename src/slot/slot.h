/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * slot.h - reserved bytes that eol-inject fills, one unit at a time.
 *
 *     #include "slot.h"
 *
 *     EOL_SLOT(auth_token, EOL_FIELD_TOKEN, 32);      file scope, once per slot
 *     EOL_SLOT(serial_no, EOL_FIELD_SERIAL, 24);
 *
 *     char token[32 + 1];
 *     int32_t length = EOL_SLOT_READ(auth_token, token, sizeof token);
 *     if (length >= 0)  ... token is a NUL-terminated string of `length` characters
 *
 * Needs C99 or C++11, <stdint.h> and <stddef.h>, and no library: every byte is
 * an ordinary array element, so padding and byte order of the machine play no part.
 *
 * Layout, all numbers little-endian on every machine:
 *
 *      0   8  magic, E O L S L O T 1
 *      8   2  field      1 token, 2 serial, 16 and up: columns of the token list
 *     10   2  capacity   bytes of payload
 *     12   2  length     bytes used; 0xFFFF: unfilled
 *     14   2  zero
 *     16   4  CRC-32/ISO-HDLC of the first `length` bytes of the payload; unfilled: 0xFFFFFFFF
 *     20   n  payload    bytes behind `length` are not covered; unfilled: all 0xFF
 *
 * An unfilled length, CRC and payload are all ones, so that a NOR flash can take the
 * value later without an erase. (Flash with ECC per granule can't: it is written once.)
 *
 * Linker script: keep the slots, in flash, in a place of their own if you can:
 *
 *     .eol_slot : ALIGN(4) { KEEP(*(.eol_slot .eol_slot.*)) } > FLASH
 *
 * Without KEEP a slot lives as long as some reachable code reads it. Without any rule
 * for .eol_slot.* the linker chooses the place, and older compilers mark a volatile
 * constant as writable, which may put it into RAM where nothing loads it.
 */
#ifndef EOL_SLOT_H
#define EOL_SLOT_H

#include <stddef.h>
#include <stdint.h>

#define EOL_FIELD_TOKEN 1
#define EOL_FIELD_SERIAL 2
#define EOL_FIELD_COLUMN(n) (16 + (n)) /* n counts from 0; the recipe names the column */

#define EOL_SLOT_HEADER 20

enum eol_slot_status {
    EOL_SLOT_FILLED = 0,
    EOL_SLOT_BLANK = -1,   /* as it left the compiler */
    EOL_SLOT_DAMAGED = -2, /* neither blank nor a payload whose CRC is right */
    EOL_SLOT_NO_ROOM = -3  /* EOL_SLOT_READ only: filled, but `out` is too small */
};

/* used:    the compiler keeps an object that nothing in this file refers to.
 * retain:  the linker keeps it without KEEP, where compiler, assembler and linker all
 *          know it. GCC says "known" and then warns on targets whose assembler can't,
 *          so it is asked for only with Clang; define EOL_SLOT_RETAIN to override.
 * section: one per slot, so that --gc-sections, KEEP and a recipe's `section` can
 *          tell slots apart.
 */
#ifndef EOL_SLOT_RETAIN
#if defined(__clang__) && defined(__has_attribute)
#if __has_attribute(retain) && defined(__ELF__)
#define EOL_SLOT_RETAIN __attribute__((retain))
#endif
#endif
#endif
#ifndef EOL_SLOT_RETAIN
#define EOL_SLOT_RETAIN
#endif

#if defined(__GNUC__) || defined(__clang__) || defined(__ICCARM__) || defined(__TI_COMPILER_VERSION__)
#define EOL_SLOT_ATTRIBUTES(name) __attribute__((used, section(".eol_slot." #name), aligned(4))) EOL_SLOT_RETAIN
#else
#error "slot.h: define EOL_SLOT_ATTRIBUTES for this compiler: keep the object, in its own section, aligned to 4"
#endif

/* C++ mangles nothing and gives external linkage inside extern "C"; the declaration in
 * front of the definition quiets -Wmissing-variable-declarations.
 */
#ifdef __cplusplus
#define EOL_SLOT_EXTERN extern "C"
#else
#define EOL_SLOT_EXTERN extern
#endif

/* EOL_SLOT(name, field, capacity): defines one slot at file scope.
 *
 * `capacity` is a plain decimal number (or a macro for one) out of the list of EOL_FF_n
 * below: C has no portable way to fill an array with anything but zero, so the ones are
 * spelled out. A token needs 32. In C++ the slot is usable from other files as
 * EOL_SLOT_DECLARE says.
 *
 * volatile: the value changes after compilation. Without it the compiler reads its own
 *           blank bytes instead of the flash, or drops the slot altogether.
 * array of numbers, not a string literal: literals are merged with other literals
 *           that end alike, and patching one would change the other.
 */
#define EOL_SLOT_DECLARE(name, capacity) EOL_SLOT_EXTERN volatile const uint8_t name[EOL_SLOT_HEADER + (capacity)]

#define EOL_SLOT(name, field, capacity) EOL_SLOT_EXPANDED(name, field, capacity)
#define EOL_SLOT_EXPANDED(name, field, capacity)                                              \
    EOL_SLOT_DECLARE(name, capacity);                                                         \
    EOL_SLOT_ATTRIBUTES(name) volatile const uint8_t name[EOL_SLOT_HEADER + (capacity)] = {   \
        0x45, 0x4F, 0x4C, 0x53, 0x4C, 0x4F, 0x54, 0x31,                                       \
        (uint8_t)((field) & 0xFF), (uint8_t)(((field) >> 8) & 0xFF),                          \
        (uint8_t)((capacity) & 0xFF), (uint8_t)(((capacity) >> 8) & 0xFF),                    \
        0xFF, 0xFF, 0, 0, EOL_FF_4, EOL_FF_##capacity}

/* What is in a slot: EOL_SLOT_FILLED, EOL_SLOT_BLANK or EOL_SLOT_DAMAGED. */
#define EOL_SLOT_STATE(name) eol_slot_state((name), sizeof(name))

/* Copies the payload and a NUL to `out`. Gives its length (0 and up), or
 * EOL_SLOT_BLANK, EOL_SLOT_DAMAGED, EOL_SLOT_NO_ROOM; then `out` is an empty string.
 */
#define EOL_SLOT_READ(name, out, out_size) eol_slot_read((name), sizeof(name), (out), (out_size))

static inline uint16_t eol_slot_u16(volatile const uint8_t *at)
{
    uint16_t low = at[0];
    return (uint16_t)(low | (uint16_t)(at[1] << 8));
}

/* CRC-32/ISO-HDLC, bit by bit: a slot is read once per boot, a table would cost more
 * flash than it saves time.
 */
static inline uint32_t eol_slot_crc(volatile const uint8_t *at, size_t length)
{
    uint32_t crc = 0xFFFFFFFFu;
    while (length-- > 0) {
        int bit;
        crc ^= *at++;
        for (bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ (0xEDB88320u & (0u - (crc & 1u)));
    }
    return crc ^ 0xFFFFFFFFu;
}

/* `size` is what the compiler reserved, header included: a damaged capacity never makes
 * the reader run past the slot.
 *
 * The magic is compared by its CRC. A memcmp with the magic itself would store those
 * eight bytes a second time, and eol-inject, which finds slots by them, would see two.
 */
static inline enum eol_slot_status eol_slot_state(volatile const uint8_t *slot, size_t size)
{
    volatile const uint8_t *payload = slot + EOL_SLOT_HEADER;
    size_t capacity, length, i;
    uint32_t stored;

    if (size < EOL_SLOT_HEADER || eol_slot_crc(slot, 8) != 0x9438DC6Eu)
        return EOL_SLOT_DAMAGED;
    capacity = eol_slot_u16(slot + 10);
    length = eol_slot_u16(slot + 12);
    if (capacity != size - EOL_SLOT_HEADER || eol_slot_u16(slot + 14) != 0)
        return EOL_SLOT_DAMAGED;

    stored = eol_slot_u16(slot + 16) | ((uint32_t)eol_slot_u16(slot + 18) << 16);
    if (length == 0xFFFFu) {
        /* All of it must be blank: power lost while the slot was written leaves a part. */
        if (stored != 0xFFFFFFFFu)
            return EOL_SLOT_DAMAGED;
        for (i = 0; i < capacity; i++)
            if (payload[i] != 0xFF)
                return EOL_SLOT_DAMAGED;
        return EOL_SLOT_BLANK;
    }
    if (length > capacity || eol_slot_crc(payload, length) != stored)
        return EOL_SLOT_DAMAGED;
    return EOL_SLOT_FILLED;
}

static inline int32_t eol_slot_read(volatile const uint8_t *slot, size_t size, char *out, size_t out_size)
{
    enum eol_slot_status state = eol_slot_state(slot, size);
    size_t length, i;

    if (out_size > 0)
        out[0] = '\0';
    if (state != EOL_SLOT_FILLED)
        return (int32_t)state;
    length = eol_slot_u16(slot + 12);
    if (length >= out_size)
        return (int32_t)EOL_SLOT_NO_ROOM;
    for (i = 0; i < length; i++)
        out[i] = (char)slot[EOL_SLOT_HEADER + i];
    out[length] = '\0';
    return (int32_t)length;
}

/* The capacities that EOL_SLOT takes. */
#define EOL_FF_4 0xFF, 0xFF, 0xFF, 0xFF
#define EOL_FF_8 EOL_FF_4, EOL_FF_4
#define EOL_FF_12 EOL_FF_8, EOL_FF_4
#define EOL_FF_16 EOL_FF_12, EOL_FF_4
#define EOL_FF_20 EOL_FF_16, EOL_FF_4
#define EOL_FF_24 EOL_FF_20, EOL_FF_4
#define EOL_FF_28 EOL_FF_24, EOL_FF_4
#define EOL_FF_32 EOL_FF_28, EOL_FF_4
#define EOL_FF_36 EOL_FF_32, EOL_FF_4
#define EOL_FF_40 EOL_FF_36, EOL_FF_4
#define EOL_FF_44 EOL_FF_40, EOL_FF_4
#define EOL_FF_48 EOL_FF_44, EOL_FF_4
#define EOL_FF_52 EOL_FF_48, EOL_FF_4
#define EOL_FF_56 EOL_FF_52, EOL_FF_4
#define EOL_FF_60 EOL_FF_56, EOL_FF_4
#define EOL_FF_64 EOL_FF_60, EOL_FF_4
#define EOL_FF_72 EOL_FF_64, EOL_FF_8
#define EOL_FF_80 EOL_FF_72, EOL_FF_8
#define EOL_FF_88 EOL_FF_80, EOL_FF_8
#define EOL_FF_96 EOL_FF_88, EOL_FF_8
#define EOL_FF_104 EOL_FF_96, EOL_FF_8
#define EOL_FF_112 EOL_FF_104, EOL_FF_8
#define EOL_FF_120 EOL_FF_112, EOL_FF_8
#define EOL_FF_128 EOL_FF_120, EOL_FF_8
#define EOL_FF_160 EOL_FF_128, EOL_FF_32
#define EOL_FF_192 EOL_FF_160, EOL_FF_32
#define EOL_FF_256 EOL_FF_192, EOL_FF_64

#endif /* EOL_SLOT_H */
