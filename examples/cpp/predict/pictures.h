// Pictures as an artifact's program takes them: unsigned bytes, channels first.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

struct Form {
  std::size_t channels, height, width;

  std::size_t bytes() const { return channels * height * width; }
};

// Reads a binary PGM (P5, one channel) or PPM (P6, three) of that form, and appends its C×H×W bytes to `batch`.
// Throws std::runtime_error that names the file, with the form that it has and the one that is wanted.
void append_picture(const std::filesystem::path& path, const Form& form, std::vector<std::uint8_t>& batch);
