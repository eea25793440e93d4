// Predicts without Python: runs an artifact's model.onnx in OpenVINO, and reads its classes from naiad.json.
//
//   predict ARTIFACT IMAGE...      prints name, label and score of each image, separated by tabs, as `naiad predict` does
//
// The artifact must be of image classification. Its model takes raw pixels, so nothing is normalised here.
#include <algorithm>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>
#include <openvino/openvino.hpp>

#include "images.h"

namespace {

struct Manifest {
  ImageShape shape;
  std::vector<std::string> classes;
};

Manifest read_manifest(const std::filesystem::path& artifact) {
  std::ifstream file(artifact / "naiad.json");
  if (!file) throw std::runtime_error(artifact.string() + " is no artifact: it has no naiad.json");
  const auto values = nlohmann::json::parse(file);
  const auto& input = values.at("input");
  if (values.at("task") != "classification" || input.at("kind") != "image")
    throw std::runtime_error(artifact.string() + " is no image classifier, which this example needs");
  return {{input.at("channels"), input.at("height"), input.at("width")}, values.at("classes")};
}

// Returns the scores of all images, one after the other.
std::vector<float> run(const std::filesystem::path& artifact, const ImageShape& image_shape, std::vector<std::uint8_t>& batch) {
  ov::Core core;
  auto compiled = core.compile_model((artifact / "model.onnx").string(), "CPU",
                                     ov::hint::inference_precision(ov::element::f32));
  auto request = compiled.create_infer_request();
  const ov::Shape shape{batch.size() / image_shape.bytes(), image_shape.channels, image_shape.height, image_shape.width};
  request.set_input_tensor(ov::Tensor(ov::element::u8, shape, batch.data()));
  request.infer();
  const auto scores = request.get_output_tensor();
  return {scores.data<float>(), scores.data<float>() + scores.get_size()};
}

}  // namespace

int main(int count, char** words) try {
  if (count < 3) throw std::runtime_error("usage: predict ARTIFACT IMAGE...");
  const std::filesystem::path artifact = words[1];
  const auto manifest = read_manifest(artifact);
  std::vector<std::uint8_t> batch;
  for (int position = 2; position < count; ++position) append_image(words[position], manifest.shape, batch);
  const auto scores = run(artifact, manifest.shape, batch);
  const auto classes = manifest.classes.size();
  for (int position = 2; position < count; ++position) {
    const auto first = scores.begin() + static_cast<std::ptrdiff_t>((position - 2) * classes);
    const auto best = std::max_element(first, first + static_cast<std::ptrdiff_t>(classes));
    std::printf("%s\t%s\t%.4f\n", words[position], manifest.classes[best - first].c_str(), *best);
  }
  return 0;
} catch (const std::exception& error) {
  std::cerr << "error: " << error.what() << '\n';
  return 2;
}
