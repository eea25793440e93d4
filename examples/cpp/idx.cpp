#include "idx.h"

#include <array>
#include <fstream>
#include <stdexcept>
#include <vector>

namespace {

std::runtime_error broken(const std::filesystem::path& path, const std::string& why) {
  return std::runtime_error(path.string() + " " + why);
}

torch::Tensor read_idx(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw broken(path, "cannot be opened");
  std::array<unsigned char, 4> magic{};
  file.read(reinterpret_cast<char*>(magic.data()), magic.size());
  if (!file || magic[0] != 0 || magic[1] != 0 || magic[2] != 8) throw broken(path, "is no IDX file of bytes");

  std::vector<int64_t> shape;
  for (int axis = 0; axis < magic[3]; ++axis) {
    std::array<unsigned char, 4> size{};  // big-endian
    file.read(reinterpret_cast<char*>(size.data()), size.size());
    shape.push_back((int64_t{size[0]} << 24) | (size[1] << 16) | (size[2] << 8) | size[3]);
  }
  auto values = torch::empty(shape, torch::kUInt8);
  file.read(reinterpret_cast<char*>(values.data_ptr<uint8_t>()), values.numel());
  if (file.gcount() != values.numel()) throw broken(path, "ends too early");
  return values;
}

}  // namespace

Split read_split(const std::filesystem::path& folder, const std::string& prefix) {
  auto images = read_idx(folder / (prefix + "-images-idx3-ubyte"));
  auto labels = read_idx(folder / (prefix + "-labels-idx1-ubyte"));
  if (images.dim() != 3 || labels.dim() != 1 || images.size(0) != labels.size(0))
    throw broken(folder, "holds images and labels that do not belong together");
  return {images.unsqueeze(1), labels.to(torch::kInt64)};
}
