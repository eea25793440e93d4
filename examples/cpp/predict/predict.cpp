// Predicts without Python: an artifact's model.onnx in OpenVINO, its classes from naiad.json.
//
//   predict ARTIFACT PICTURE...      a line a picture: name, label and score, separated by tabs, as `naiad predict` writes them
//
// The artifact is one of image classification; its program takes raw pixels, so there is nothing to prepare here.
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

#include "pictures.h"

namespace {

struct Record {
  Form form;
  std::vector<std::string> classes;
};

Record read_record(const std::filesystem::path& artifact) {
  std::ifstream file(artifact / "naiad.json");
  if (!file) throw std::runtime_error(artifact.string() + " is no artifact: it has no naiad.json");
  const auto values = nlohmann::json::parse(file);
  const auto& input = values.at("input");
  if (values.at("task") != "classification" || input.at("kind") != "image")
    throw std::runtime_error(artifact.string() + " is not of image classification, which this example is for");
  return {{input.at("channels"), input.at("height"), input.at("width")}, values.at("classes")};
}

// Scores of all pictures, one behind the other.
std::vector<float> run(const std::filesystem::path& artifact, const Form& form, std::vector<std::uint8_t>& batch) {
  ov::Core core;
  auto compiled = core.compile_model((artifact / "model.onnx").string(), "CPU",
                                     ov::hint::inference_precision(ov::element::f32));
  auto request = compiled.create_infer_request();
  const ov::Shape shape{batch.size() / form.bytes(), form.channels, form.height, form.width};
  request.set_input_tensor(ov::Tensor(ov::element::u8, shape, batch.data()));
  request.infer();
  const auto scores = request.get_output_tensor();
  return {scores.data<float>(), scores.data<float>() + scores.get_size()};
}

}  // namespace

int main(int count, char** words) try {
  if (count < 3) throw std::runtime_error("usage: predict ARTIFACT PICTURE...");
  const std::filesystem::path artifact = words[1];
  const auto record = read_record(artifact);
  std::vector<std::uint8_t> batch;
  for (int place = 2; place < count; ++place) append_picture(words[place], record.form, batch);
  const auto scores = run(artifact, record.form, batch);
  const auto classes = record.classes.size();
  for (int place = 2; place < count; ++place) {
    const auto first = scores.begin() + static_cast<std::ptrdiff_t>((place - 2) * classes);
    const auto best = std::max_element(first, first + static_cast<std::ptrdiff_t>(classes));
    std::printf("%s\t%s\t%.4f\n", words[place], record.classes[best - first].c_str(), *best);
  }
  return 0;
} catch (const std::exception& error) {
  std::cerr << "error: " << error.what() << '\n';
  return 2;
}
