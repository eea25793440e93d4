// Trains SimpleNet under the container contract: data and hyperparameters under /opt/ml, the model into SM_MODEL_DIR,
// lines on stdout, the reason of a failure into /opt/ml/output/failure.
#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>

#include "idx.h"
#include "simplenet.h"

namespace {

std::string variable(const char* name, const std::string& otherwise) {
  const char* value = std::getenv(name);
  return value && *value ? value : otherwise;
}

// Hyperparameters arrive as SM_HP_<NAME>, as text.
double hyperparameter(const char* name, double otherwise) { return std::stod(variable(name, std::to_string(otherwise))); }

torch::Tensor normalised(const torch::Tensor& images) { return images.to(torch::kFloat32).div_(255).sub_(0.286).div_(0.353); }

double train_epoch(SimpleNet& net, torch::optim::Optimizer& optimizer, const Split& split, int64_t batch_size) {
  net->train();
  const auto order = torch::randperm(split.labels.size(0));
  double total = 0;
  for (const auto& indices : order.split(batch_size)) {
    optimizer.zero_grad();
    auto loss = torch::nn::functional::cross_entropy(
        net->forward(normalised(split.images.index_select(0, indices))), split.labels.index_select(0, indices));
    loss.backward();
    optimizer.step();
    total += loss.item<double>() * indices.size(0);
  }
  return total / split.labels.size(0);
}

double accuracy(SimpleNet& net, const Split& split) {
  torch::NoGradGuard no_grad;
  net->eval();
  int64_t right = 0;
  const auto images = split.images.split(1000), labels = split.labels.split(1000);
  for (size_t batch = 0; batch < images.size(); ++batch)
    right += net->forward(normalised(images[batch])).argmax(1).eq(labels[batch]).sum().item<int64_t>();
  return double(right) / split.labels.size(0);
}

void run() {
  const std::filesystem::path data = variable("SM_CHANNEL_TRAIN", variable("SM_CHANNEL_TRAINING", "/opt/ml/input/data/train"));
  const std::filesystem::path model = variable("SM_MODEL_DIR", "/opt/ml/model");
  const int epochs = int(hyperparameter("SM_HP_EPOCHS", 3));
  torch::set_num_threads(int(std::max(1.0, std::stod(variable("SM_NUM_CPUS", "1")))));
  torch::manual_seed(uint64_t(hyperparameter("SM_HP_SEED", 0)));

  const auto train = read_split(data, "train"), test = read_split(data, "t10k");
  SimpleNet net;
  torch::optim::SGD optimizer(
      net->parameters(), torch::optim::SGDOptions(hyperparameter("SM_HP_LR", 0.05)).momentum(0.9).nesterov(true));
  for (int epoch = 1; epoch <= epochs; ++epoch)
    std::cout << "epoch " << epoch << " | train loss " << train_epoch(net, optimizer, train, 64) << std::endl;
  std::cout << "test accuracy " << accuracy(net, test) << std::endl;
  torch::save(net, (model / "model.pt").string());
}

}  // namespace

int main() {
  try {
    run();
  } catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << std::endl;
    std::ofstream("/opt/ml/output/failure") << error.what();
    return 1;
  }
}
