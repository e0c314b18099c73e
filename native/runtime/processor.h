// What kernels ask about the processor beyond its instruction-set level. Answers change how fast a kernel is, and no
// bit of what it computes.
#pragma once

namespace gatecast {

// Whether shuffles of vectors have pipes of their own, next to those of multiply-adds, as on AMD's processors. Intel's
// 512-bit shuffles take turns with every second multiply-add.
bool shuffles_are_free() noexcept;
void set_shuffles_are_free(bool free) noexcept;  // for tests and measurements

}  // namespace gatecast
