// Package agreement keeps what every core's monitor holds a replica of (§4.7 of the
// paper: retyping and revoking need two phases, what needs no order needs one). Each
// core has one Machine, which is coordinator of its own operations and takes part in
// those of others.
//
// The Machine is pure: Step takes an event and says what to do. It knows no channel,
// no clock and no randomness, so that a seed replays a run (package simulate), and
// guests run it unchanged.
//
// What holds, whoever dies at whatever step: an operation takes effect at all cores
// that live on or at none; once its coordinator's program was told "committed", it is
// at all; nothing stays prepared for ever. Death itself is decided elsewhere (package
// membership): a core is fenced before anybody is told, and what it had recorded can
// be read then and changes no more. docs/reference/agreement.md has the messages, the
// table of failures and why each case is right.
package agreement
