// Package sandbox takes from this process, for good, what it needs no more once its
// cores are about to run, so that who breaks out of a core into the VMM has little to go
// on with: privileges (capabilities(7), no_new_privs), system calls (seccomp(2)) and
// files, the network and other processes (landlock(7)). Cores that are processes get a
// list of system calls of their own.
//
// What Linux does not have is left out, and said (Held). docs/explanation/isolation.md
// tells what remains possible.
package sandbox
