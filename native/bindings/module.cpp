// The Python module: what this build and machine can do, settings, and the kernels' bindings.
#include "bindings/arrays.h"
#include "runtime/cpu_dispatch.h"
#include "runtime/thread_pool.h"

namespace {

using namespace gatecast::bind;
using nb::literals::operator""_a;
using Names = std::vector<std::string>;

Names split(const std::string& list) {
  Names names;
  for (size_t begin = 0; begin < list.size();) {
    const size_t end = std::min(list.find(' ', begin), list.size());
    names.push_back(list.substr(begin, end - begin));
    begin = end + 1;
  }
  return names;
}

// The lines of cells.def: name, gates, recurrent, gradients, states, saved.
std::vector<std::tuple<std::string, Names, Names, Names, Names, Names>> cells() {
  std::vector<std::tuple<std::string, Names, Names, Names, Names, Names>> rows;
  for (const gatecast::CellNames& c : gatecast::CELL_NAMES)
    rows.emplace_back(c.name, split(c.gates), split(c.recurrent), split(c.gradients), split(c.states), split(c.saved));
  return rows;
}

void set_num_threads(int n) {
  if (n < 1 || n > 256) throw nb::value_error("threads must lie in 1..256");
  const WithoutLock without_lock;
  gatecast::set_num_threads(n);
}

// Registered with atexit: daemon threads in kernels must not come back while the interpreter ends.
void end_all_kernels() {
  const nb::gil_scoped_release release;
  gatecast::end_all_kernels();
}

}  // namespace

NB_MODULE(_native, m) {
  nb::set_leak_warnings(false);  // arrays in module-level caches at exit are no leaks
  const Names isas = gatecast::available_isas();
  if (isas.empty()) throw nb::import_error("gatecast needs a processor with SSE4.2 and POPCNT (x86-64-v2)");
  gatecast::set_isa(isas.back());
  m.attr("LANES") = gatecast::LANES;
  m.attr("MAX_STACK_LAYERS") = gatecast::MAX_STACK_LAYERS;
  m.def("available_isas", &gatecast::available_isas);
  m.def("isa", [] { return std::string(gatecast::kernels().name); });
  m.def("set_isa", &gatecast::set_isa, "name"_a);
  m.def("num_threads", &gatecast::num_threads);
  m.def("set_num_threads", &set_num_threads, "n"_a);
  m.def("share_threads", &gatecast::share_threads, "change"_a);
  m.def("trim", &gatecast::trim);
  m.def("release_memory", &gatecast::release_memory);
  m.def("memory_requests", &gatecast::system_requests);
  m.def("cells", &cells);
  nb::module_::import_("atexit").attr("register")(nb::cpp_function(&end_all_kernels));
  gatecast::bind_recurrent(m);
  gatecast::bind_quantiles(m);
  gatecast::bind_losses(m);
  gatecast::bind_convolutions(m);
  gatecast::bind_stack(m);
  gatecast::bind_local_trend(m);
  gatecast::bind_smoothing(m);
  gatecast::bind_autoregression(m);
  nb::module_ testing = m.def_submodule("testing", "Functions that only the tests call.");
  gatecast::bind_testing(testing);
}
