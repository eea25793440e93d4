// Files of the MNIST family: images and labels as unsigned bytes, uncompressed.
#pragma once

#include <filesystem>

#include <torch/types.h>

struct Split {
  torch::Tensor images;  // uint8 (N, 1, H, W)
  torch::Tensor labels;  // int64 (N,)
};

// Reads <folder>/<prefix>-images-idx3-ubyte and -labels-idx1-ubyte. Throws std::runtime_error that names the file.
Split read_split(const std::filesystem::path& folder, const std::string& prefix);
