// Images as an artifact's exported program takes them: unsigned bytes, channels first.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

struct ImageShape {
  std::size_t channels, height, width;

  std::size_t bytes() const { return channels * height * width; }
};

// Reads a binary PGM (P5, one channel) or PPM (P6, three) of that shape, and appends its C×H×W bytes to `batch`.
// Throws std::runtime_error with the file's name, and with both shapes where they differ.
void append_image(const std::filesystem::path& path, const ImageShape& shape, std::vector<std::uint8_t>& batch);
