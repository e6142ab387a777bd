// Package routes says over which monitors a message goes from one core to others. With
// few cores each monitor speaks to every other one. With many, each speaks to its
// neighbours in a Tree only: N-1 channels in place of N(N-1)/2, and what is for all
// leaves a core in as many messages as it has neighbours.
//
// A Tree is fixed for a run: it says what is near to what. Who lives changes; a Table is
// one core's way through the tree in one view. All cores that are in the same view have
// tables that fit together, so what is sent, taken and passed on within one view arrives.
package routes
