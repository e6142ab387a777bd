package supervise

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// RestartNames and StrategyNames are what users write, by value.
var (
	RestartNames  = []string{Never: "never", OnFailure: "on-failure", Always: "always"}
	StrategyNames = []string{OneForOne: "one-for-one", OneForAll: "one-for-all", RestForOne: "rest-for-one"}
)

func (r Restart) String() string  { return RestartNames[r] }
func (s Strategy) String() string { return StrategyNames[s] }

// DefaultIntensity is that of a run that is not told another one.
var DefaultIntensity = Intensity{Restarts: 3, Within: 5 * time.Second}

// String writes it as ParseIntensity reads it: "3/5s".
func (i Intensity) String() string { return fmt.Sprintf("%d/%v", i.Restarts, i.Within) }

// ParseRestart reads the name of a restart type.
func ParseRestart(s string) (Restart, error) {
	i := slices.Index(RestartNames, s)
	if i < 0 {
		return 0, fmt.Errorf("no restart type %q: use %s", s, strings.Join(RestartNames, ", "))
	}
	return Restart(i), nil
}

// ParseStrategy reads the name of a strategy.
func ParseStrategy(s string) (Strategy, error) {
	i := slices.Index(StrategyNames, s)
	if i < 0 {
		return 0, fmt.Errorf("no strategy %q: use %s", s, strings.Join(StrategyNames, ", "))
	}
	return Strategy(i), nil
}

// ParseIntensity reads a number of restarts and a time: "3/5s".
func ParseIntensity(s string) (i Intensity, err error) {
	n, d, ok := strings.Cut(s, "/")
	if i.Restarts, err = strconv.Atoi(n); err == nil && ok {
		i.Within, err = time.ParseDuration(d)
	}
	if err != nil || !ok || i.Restarts < 0 || i.Within <= 0 {
		return Intensity{}, fmt.Errorf("no intensity %q: write restarts and a time, such as 3/5s", s)
	}
	return i, nil
}
