// See kernel_calls.h.
#include "runtime/kernel_calls.h"

#include <atomic>
#include <chrono>
#include <thread>

#include "runtime/platform.h"

namespace gatecast {
namespace {

constexpr auto PATIENCE = std::chrono::seconds(10);  // how long a kernel is waited for

std::atomic<int> running{0};         // threads from begin_kernel to left_kernel
std::atomic<bool> ending{false};     // the interpreter is ending
thread_local bool ends_all = false;  // this thread ends the interpreter, and still may use kernels

void sleep_if_ending() {
  if (!ending || ends_all) return;
  --running;
  for (;;) std::this_thread::sleep_for(std::chrono::hours(1));
}

}  // namespace

void begin_kernel() {
  // A forked child has none of its parent's threads.
  static const int registered = platform::at_fork(nullptr, nullptr, [] { running = 0; });
  (void)registered;
  ++running;
  sleep_if_ending();
}

void end_kernel() {
  sleep_if_ending();
}

void left_kernel() {
  --running;
}

void end_all_kernels() {
  ends_all = true;
  ending = true;
  const auto until = std::chrono::steady_clock::now() + PATIENCE;
  while (running > 0 && std::chrono::steady_clock::now() < until)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

}  // namespace gatecast
