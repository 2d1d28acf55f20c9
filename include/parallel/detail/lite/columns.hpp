// How many columns of a terminal a UTF-8 text takes, and where it may be cut.
//
// Letters take one column each, East Asian characters and pictographs two, combining marks none: as
// in M. Kuhn's wcwidth(), except that a block of Unicode is treated as a whole. A byte that is not
// valid UTF-8 takes one column, since terminals draw a replacement character for it.
#pragma once

#include <parallel/detail/lite/text.hpp>

#include <cstddef>

namespace parallel::detail {

/// The size of one character of a text.
struct text_character {
  std::size_t bytes;   // at least one
  std::size_t columns; // of a terminal
};

/// The columns of a character, given by its code point.
constexpr std::size_t columns_of(char32_t code) noexcept {
  struct range {
    char32_t first, last;
  };
  constexpr range combining[] = {{0x300, 0x36F},   {0x483, 0x489},   {0x591, 0x5BD},
                                 {0x610, 0x61A},   {0x64B, 0x65F},   {0x1AB0, 0x1AFF},
                                 {0x1DC0, 0x1DFF}, {0x200B, 0x200F}, {0x20D0, 0x20FF},
                                 {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F}, {0xFEFF, 0xFEFF}};
  constexpr range wide[] = {{0x1100, 0x115F},   {0x2E80, 0x303E},   {0x3041, 0xA4CF},
                            {0xA960, 0xA97C},   {0xAC00, 0xD7A3},   {0xF900, 0xFAFF},
                            {0xFE30, 0xFE6F},   {0xFF01, 0xFF60},   {0xFFE0, 0xFFE6},
                            {0x1F300, 0x1F64F}, {0x1F680, 0x1F6FF}, {0x1F900, 0x1FAFF},
                            {0x20000, 0x3FFFD}};
  for (const range& each : combining)
    if (each.first <= code && code <= each.last)
      return 0;
  for (const range& each : wide)
    if (each.first <= code && code <= each.last)
      return 2;
  return 1;
}

/// The character that begins at text[at]. A byte that begins no valid character counts as a
/// character.
constexpr text_character character_at(text_view text, std::size_t at) noexcept {
  constexpr text_character invalid = {1, 1};
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned first = byte(at);
  if (first < 0x80)
    return {1, 1};
  const std::size_t bytes = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  if (first < 0xC2 || first > 0xF4 || bytes > text.size() - at)
    return invalid;
  char32_t code = first & (0x7FU >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((byte(at + i) & 0xC0U) != 0x80)
      return invalid;
    code = code << 6 | (byte(at + i) & 0x3FU);
  }
  return {bytes, columns_of(code)};
}

/// The columns of a text of one line.
constexpr std::size_t columns_of(text_view text) noexcept {
  std::size_t columns = 0;
  for (std::size_t at = 0; at < text.size();) {
    const text_character next = character_at(text, at);
    at += next.bytes;
    columns += next.columns;
  }
  return columns;
}

/// How many bytes of a text fit into `columns` columns. Only whole characters count, together with
/// their combining marks.
constexpr std::size_t bytes_within(text_view text, std::size_t columns) noexcept {
  std::size_t at = 0;
  while (at < text.size()) {
    const text_character next = character_at(text, at);
    if (next.columns > columns)
      break;
    columns -= next.columns;
    at += next.bytes;
  }
  return at;
}

} // namespace parallel::detail
