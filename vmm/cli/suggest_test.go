package cli

import "testing"

func TestDidYouMean(t *testing.T) {
	for word, want := range map[string]string{
		"rnu":   `did you mean "run"? `,
		"benhc": `did you mean "bench"? `,
		"helo":  `did you mean "hello"? `,
		"xyzzy": "",
	} {
		if got := didYouMean(word, []string{"run", "bench", "hello"}); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
}
