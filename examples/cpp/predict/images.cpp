#include "images.h"

#include <fstream>
#include <limits>
#include <stdexcept>
#include <string>

namespace {

std::runtime_error file_error(const std::filesystem::path& path, const std::string& reason) {
  return std::runtime_error(path.string() + " " + reason);
}

// Reads a number of the header and skips comments, which go from # to the end of the line.
std::size_t read_number(std::istream& file) {
  file >> std::ws;
  while (file.peek() == '#') {
    file.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
    file >> std::ws;
  }
  std::size_t value = 0;
  file >> value;
  return value;
}

std::string format_shape(std::size_t channels, std::size_t height, std::size_t width) {
  return std::to_string(channels) + "x" + std::to_string(height) + "x" + std::to_string(width);
}

}  // namespace

void append_image(const std::filesystem::path& path, const ImageShape& shape, std::vector<std::uint8_t>& batch) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw file_error(path, "cannot be opened");
  std::string kind(2, '\0');
  file.read(kind.data(), 2);
  const std::size_t channels = kind == "P5" ? 1 : kind == "P6" ? 3 : 0;
  const std::size_t width = read_number(file), height = read_number(file), highest = read_number(file);
  if (!file || channels == 0 || highest != 255) throw file_error(path, "is no binary PGM or PPM of bytes");
  if (channels != shape.channels || height != shape.height || width != shape.width)
    throw file_error(path, "is " + format_shape(channels, height, width) + ", but the model takes " +
                           format_shape(shape.channels, shape.height, shape.width));
  file.get();  // the single space after the header

  std::vector<std::uint8_t> rows(shape.bytes());  // H×W×C, as in the file
  file.read(reinterpret_cast<char*>(rows.data()), static_cast<std::streamsize>(rows.size()));
  if (static_cast<std::size_t>(file.gcount()) != rows.size()) throw file_error(path, "ends too early");
  for (std::size_t channel = 0; channel < channels; ++channel)
    for (std::size_t pixel = 0; pixel < height * width; ++pixel) batch.push_back(rows[pixel * channels + channel]);
}
