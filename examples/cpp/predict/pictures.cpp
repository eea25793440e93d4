#include "pictures.h"

#include <fstream>
#include <limits>
#include <stdexcept>
#include <string>

namespace {

std::runtime_error broken(const std::filesystem::path& path, const std::string& why) {
  return std::runtime_error(path.string() + " " + why);
}

// A number of the head; comments begin with # and go to the end of the line.
std::size_t number(std::istream& file) {
  file >> std::ws;
  while (file.peek() == '#') {
    file.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
    file >> std::ws;
  }
  std::size_t value = 0;
  file >> value;
  return value;
}

std::string text(std::size_t channels, std::size_t height, std::size_t width) {
  return std::to_string(channels) + "x" + std::to_string(height) + "x" + std::to_string(width);
}

}  // namespace

void append_picture(const std::filesystem::path& path, const Form& form, std::vector<std::uint8_t>& batch) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw broken(path, "cannot be opened");
  std::string kind(2, '\0');
  file.read(kind.data(), 2);
  const std::size_t channels = kind == "P5" ? 1 : kind == "P6" ? 3 : 0;
  const std::size_t width = number(file), height = number(file), highest = number(file);
  if (!file || channels == 0 || highest != 255) throw broken(path, "is no binary PGM or PPM of bytes");
  if (channels != form.channels || height != form.height || width != form.width)
    throw broken(path, "is " + text(channels, height, width) + ", the model takes " +
                           text(form.channels, form.height, form.width));
  file.get();  // the one space behind the head

  std::vector<std::uint8_t> rows(form.bytes());  // H×W×C, as the file has them
  file.read(reinterpret_cast<char*>(rows.data()), static_cast<std::streamsize>(rows.size()));
  if (static_cast<std::size_t>(file.gcount()) != rows.size()) throw broken(path, "ends too early");
  for (std::size_t channel = 0; channel < channels; ++channel)
    for (std::size_t pixel = 0; pixel < height * width; ++pixel) batch.push_back(rows[pixel * channels + channel]);
}
