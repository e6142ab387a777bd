package ledger

// life is how often a core has entered, and whether it is still there.
type life struct {
	number uint64
	alive  bool
}

// lives are those of the cores. One behind its end has never entered.
type lives []life

func (l lives) of(core int) (n life) {
	if core >= 0 && core < len(l) {
		n = l[core]
	}
	return n
}

func (l *lives) set(core int, n life) {
	for core >= len(*l) {
		*l = append(*l, life{})
	}
	(*l)[core] = n
}

// entered returns how many cores ever have.
func (l lives) entered() (n int) {
	for _, one := range l {
		if one.number > 0 {
			n++
		}
	}
	return n
}
