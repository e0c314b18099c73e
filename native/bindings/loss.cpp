// The Python binding of the losses (kernels/loss-inl.h).
#include "bindings/loss.h"

#include "runtime/cpu_dispatch.h"

namespace {

using namespace gatecast::bind;
using nb::literals::operator""_a;

// The sum of the losses, and `scale` times its gradient.
std::tuple<double, Out> loss(int kind, std::vector<float> parameters, In prediction, In target, In weight,
                             double scale) {
  const int lanes = lanes_of(prediction);
  const int64_t blocks = static_cast<int64_t>(prediction.shape(0)), T = static_cast<int64_t>(prediction.shape(1)),
                M = static_cast<int64_t>(prediction.shape(2));
  expect("prediction", prediction, {blocks, T, M, lanes});
  gatecast::Loss a = checked_loss(kind, parameters, M, {blocks, T, lanes}, target, weight);
  a.prediction = prediction.data();
  a.scale = static_cast<float>(scale);
  Out gradient = make({blocks, T, M, lanes});
  float* d = gradient.data();
  double sum = 0;
  {
    const WithoutLock without_lock;
    sum = gatecast::kernels().loss(a, d);
  }
  return {sum, std::move(gradient)};
}

}  // namespace

void gatecast::bind_losses(nanobind::module_& m) {
  m.def("loss", &loss, "kind"_a, "parameters"_a, "p"_a.noconvert(), "y"_a.noconvert(), "weight"_a.noconvert(),
        "scale"_a);
}
