// See cpu_dispatch.h. A level is an x86-64 psABI micro-architecture level (v2, v3, v4) or the baseline of its
// architecture.
#include "runtime/cpu_dispatch.h"

#include <atomic>

#include "runtime/platform.h"

namespace gatecast {

#define GATECAST_LEVEL(name)    \
  namespace name {              \
  extern const Kernels kernels; \
  }
// A build contains the levels that CMake's GATECAST_LEVELS names.
#if defined(GATECAST_HAS_baseline)
GATECAST_LEVEL(baseline)
#endif
#if defined(GATECAST_HAS_v2)
GATECAST_LEVEL(v2)
#endif
#if defined(GATECAST_HAS_v3)
GATECAST_LEVEL(v3)
#endif
#if defined(GATECAST_HAS_v4)
GATECAST_LEVEL(v4)
#endif

namespace {

std::vector<const Kernels*> find_levels() {
  std::vector<const Kernels*> supported;
#if defined(GATECAST_HAS_baseline)
  supported.push_back(&baseline::kernels);
#endif
  [[maybe_unused]] const int level = platform::x86_64_level();
#if defined(GATECAST_HAS_v2)
  if (level >= 2) supported.push_back(&v2::kernels);
#endif
#if defined(GATECAST_HAS_v3)
  if (level >= 3) supported.push_back(&v3::kernels);
#endif
#if defined(GATECAST_HAS_v4)
  if (level >= 4) supported.push_back(&v4::kernels);
#endif
  return supported;
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
