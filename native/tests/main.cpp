// Runs the tests of the suites named as arguments, or all: exit code 1 if one fails.
#include <cmath>
#include <cstdio>
#include <cstring>
#include <exception>
#include <mutex>

#include "tests/test.h"

namespace gatecast::testing {
namespace {

struct Test {
  const char *suite, *name;
  void (*run)();
};
std::vector<Test>& tests() {
  static std::vector<Test> all;
  return all;
}
std::mutex counting;
int64_t checks = 0, failed_checks = 0;
constexpr int64_t MAX_PRINTED = 20;

bool wanted(const Test& test, int count, char** suites) {
  for (int i = 1; i < count; ++i)
    if (std::strcmp(suites[i], test.suite) == 0) return true;
  return count <= 1;
}

}  // namespace

Registered::Registered(const char* suite, const char* name, void (*run)()) {
  tests().push_back({suite, name, run});
}

void check(bool passed, const char* file, int line, const std::string& what) {
  const std::lock_guard lock(counting);
  ++checks;
  if (passed) return;
  if (failed_checks++ < MAX_PRINTED) std::printf("%s:%d: %s\n", file, line, what.c_str());
}

void check_close(double got, double want, double tolerance, const char* file, int line, const std::string& what) {
  const bool passed = std::fabs(got - want) <= tolerance * (1 + std::fabs(want));
  check(passed, file, line, passed ? "" : what + ": got " + std::to_string(got) + ", expected " + std::to_string(want));
}

std::vector<float> random_numbers(int64_t n, uint64_t seed) {
  std::vector<float> numbers(static_cast<size_t>(n));
  uint64_t state = seed * 0x9E3779B97F4A7C15u + 1;
  for (float& number : numbers) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    number = static_cast<float>(state >> 40) / static_cast<float>(1 << 23) - 1;
  }
  return numbers;
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

int run(int count, char** suites) {
  const std::vector<std::string> levels = available_isas();
  if (levels.empty()) {
    std::printf("this machine runs none of the levels of this build\n");
    return 1;
  }
  set_isa(levels.back());
  int ran = 0, failures = 0;
  for (const Test& test : tests()) {
    if (!wanted(test, count, suites)) continue;
    const int64_t before = failed_checks;
    ++ran;
    try {
      test.run();
    } catch (const std::exception& error) {
      check(false, test.suite, 0, error.what());
    }
    if (failed_checks == before) continue;
    ++failures;
    std::printf("FAILED %s %s\n", test.suite, test.name);
  }
  std::string names;
  for (const std::string& level : levels) names += " " + level;
  std::printf("%d tests, %lld checks, %d failed; levels:%s\n", ran, static_cast<long long>(checks), failures,
              names.c_str());
  return failures || !ran;
}

}  // namespace gatecast::testing

int main(int count, char** suites) {
  return gatecast::testing::run(count, suites);
}
