// The guide's SimpleNet in C++: images (B, 1, 28, 28) in, logits (B, 10) out.
#pragma once

#include <torch/torch.h>

struct SimpleNetImpl : torch::nn::Module {
  SimpleNetImpl() {
    register_module("conv1", conv1);
    register_module("conv2", conv2);
    register_module("fc1", fc1);
    register_module("fc2", fc2);
  }

  torch::Tensor forward(torch::Tensor x) {
    x = torch::max_pool2d(torch::relu(conv1(x)), 2);  // (B, 6, 12, 12)
    x = torch::max_pool2d(torch::relu(conv2(x)), 2);  // (B, 16, 4, 4)
    return fc2(torch::relu(fc1(x.flatten(1))));
  }

  torch::nn::Conv2d conv1{torch::nn::Conv2dOptions(1, 6, 5)};
  torch::nn::Conv2d conv2{torch::nn::Conv2dOptions(6, 16, 5)};
  torch::nn::Linear fc1{16 * 4 * 4, 256};
  torch::nn::Linear fc2{256, 10};
};
TORCH_MODULE(SimpleNet);
