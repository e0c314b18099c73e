// Calls of kernels that run without the interpreter's lock, and their end when the interpreter ends.
//
// A daemon thread that comes back from a kernel while the interpreter ends cannot have the lock any more: Python before
// 3.14 then ends the thread by unwinding its stack, which a destructor or a catch-all handler of C++ turns into an
// abort of the process. So the interpreter first waits for the kernels that run, and threads that come back later, or
// begin another kernel, sleep until the process ends.
#pragma once

namespace gatecast {

// Marks the beginning of a kernel; sleeps for ever if the interpreter is ending and this thread is not the one that
// ends it. The caller does not hold the interpreter's lock.
void begin_kernel();

// Likewise at the end of a kernel, before the caller takes the lock.
void end_kernel();

// Marks that the caller has the lock again.
void left_kernel();

// Called once, by the thread that ends the interpreter, without its lock: waits until no other thread is in a kernel,
// or for some seconds.
void end_all_kernels();

}  // namespace gatecast
