// See processor.h.
#include "runtime/processor.h"

#include <atomic>

#include "runtime/platform.h"

namespace gatecast {
namespace {

std::atomic<bool> free_shuffles{platform::is_amd()};

}  // namespace

bool shuffles_are_free() noexcept {
  return free_shuffles.load(std::memory_order_relaxed);
}

void set_shuffles_are_free(bool free) noexcept {
  free_shuffles.store(free, std::memory_order_relaxed);
}

}  // namespace gatecast
