// The instruction-set levels of this build, and the one in use.
#pragma once

#include <string>
#include <vector>

#include "include/types.h"

namespace gatecast {

std::vector<std::string> available_isas();  // what this machine can run, lowest first
const Kernels& kernels();                   // the level in use; none before the first set_isa()
bool set_isa(const std::string& name);      // false when it is not one of available_isas()

}  // namespace gatecast
