package names

import (
	"testing"

	"barreleye/guest/monitor/agreement"
)

func TestDescribe(t *testing.T) {
	lock, err := Lock(3, "a \x1b name")
	if err != nil {
		t.Fatal(err)
	}
	for op, want := range map[agreement.Op]string{
		lock:     `lock "a \x1b name" by core 3`,
		"":       "no operation on names: ",
		"\xff\n": "no operation on names: ff0a",
	} {
		if got := Describe(op); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	for k := opExport; k <= opArrive; k++ {
		if verbs[k] == "" {
			t.Errorf("operation %d has no verb", k)
		}
	}
}
