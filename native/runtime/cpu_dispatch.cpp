// See cpu_dispatch.h. A level is an x86-64 psABI micro-architecture level (v2, v3, v4) or the baseline of its
// architecture. Every feature that a level's -march may use is checked.
#include "runtime/cpu_dispatch.h"

#include <atomic>

namespace gatecast {

#define GATECAST_LEVEL(name)    \
  namespace name {              \
  extern const Kernels kernels; \
  }
#if defined(__x86_64__)
// A build may contain only some of the levels (CMake's GATECAST_LEVELS).
#if !defined(GATECAST_SOME_LEVELS)
#define GATECAST_ONLY_v2
#define GATECAST_ONLY_v3
#define GATECAST_ONLY_v4
#endif
GATECAST_LEVEL(v2)
GATECAST_LEVEL(v3)
GATECAST_LEVEL(v4)
#else
GATECAST_LEVEL(baseline)
#endif

namespace {

std::vector<const Kernels*> find_levels() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  std::vector<const Kernels*> supported;
  const bool v2 = __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt");
  const bool v3 = v2 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                  __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
  const bool v4 = v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                  __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
                  __builtin_cpu_supports("avx512vl");
#if defined(GATECAST_ONLY_v2)
  if (v2) supported.push_back(&v2::kernels);
#endif
#if defined(GATECAST_ONLY_v3)
  if (v3) supported.push_back(&v3::kernels);
#endif
#if defined(GATECAST_ONLY_v4)
  if (v4) supported.push_back(&v4::kernels);
#endif
  (void)v4;
  return supported;
#else
  return {&baseline::kernels};
#endif
}

const std::vector<const Kernels*>& available() {
  static const std::vector<const Kernels*> levels = find_levels();
  return levels;
}

std::atomic<const Kernels*> current{nullptr};

}  // namespace

std::vector<std::string> available_isas() {
  std::vector<std::string> names;
  for (const Kernels* k : available()) names.emplace_back(k->name);
  return names;
}

const Kernels& kernels() {
  return *current;
}

bool set_isa(const std::string& name) {
  for (const Kernels* k : available())
    if (name == k->name) {
      current = k;
      return true;
    }
  return false;
}

}  // namespace gatecast
