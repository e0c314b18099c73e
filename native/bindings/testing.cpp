// The submodule `testing`: functions that no caller but the tests needs.
#include "bindings/arrays.h"
#include "runtime/cpu_dispatch.h"

namespace {

using namespace gatecast::bind;
using nb::literals::operator""_a;

template <gatecast::Activation FUNCTION>
Out activation(In x) {
  if (x.ndim() != 1) throw nb::value_error("x must have one axis");
  const int64_t n = static_cast<int64_t>(x.shape(0));
  Out y = make({n});
  gatecast::kernels().activation(FUNCTION, x.data(), y.data(), n);
  return y;
}

}  // namespace

void gatecast::bind_testing(nb::module_& m) {
  m.def("exp", &activation<gatecast::Activation::exp>, "x"_a.noconvert());
  m.def("sigmoid", &activation<gatecast::Activation::sigmoid>, "x"_a.noconvert());
  m.def("tanh", &activation<gatecast::Activation::tanh>, "x"_a.noconvert());
}
