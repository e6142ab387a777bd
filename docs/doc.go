// Package docs tests the documentation: README.md and the pages below docs.
// Every command that a page shows is executed, every link and anchor followed,
// and the references are compared with what they describe.
//
// What a page's blocks mean here:
//
//   - ```sh: each line is a command, which has to end with 0, or with N where
//     the line ends in "# exit code N".
//   - ```console: lines that start with "$ " are commands, the others what they
//     print (transcript_test.go says what may differ). A command that ends with
//     another code than 0 is followed by "$ echo $?".
//   - ```LANG file=NAME: the file NAME, written before the next command. Other
//     blocks of Go have to be Go.
//   - <!-- test: COMMAND --> prepares what a page takes for granted.
//
// The commands of a page run one after the other, first in an empty folder,
// with the command built from this tree on PATH. Anything that looks like a
// command elsewhere in a page is an error, and so is one that cannot run in a
// test and is not listed there (skip_test.go), with its reason.
package docs
