// The instruction-set levels that were compiled in, and the one in use.
#pragma once

#include <string>
#include <vector>

#include "include/types.h"

namespace gatecast {

std::vector<std::string> levels();        // those that this machine can run, lowest first
const Kernels& kernels();                 // the level in use; none before the first use_level()
bool use_level(const std::string& name);  // false when the level is unknown here

}  // namespace gatecast
