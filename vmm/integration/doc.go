// Package integration runs real guests on this machine's KVM: the built-in
// images, booted by vmm/multikernel as the command does. It has tests only.
//
// The tests are the lanes' (docs/howto/lanes.md): the same binary runs on the host's
// KVM and, with -test.short, in an emulated machine that is 5 to 20 times
// slower and has neither Go nor this source tree. No test asserts how long
// anything took; deadlines are there to end a hang. What was measured is
// logged.
package integration
