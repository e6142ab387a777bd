// Package bad has what stubgen refuses.
package bad

import (
	"context"
	"net/http"
)

type NoDirective interface {
	M(ctx context.Context) error
}

//urpc:service
type NoInterface struct{}

//urpc:service
type Empty interface{}

//urpc:service -1
type Negative interface {
	M(ctx context.Context) error
}

//urpc:service 4095
type TooMany interface {
	M(ctx context.Context) error
	N(ctx context.Context) error
}

//urpc:servce
type Misspelt interface {
	M(ctx context.Context) error
}

//urpc:service
type Misplaced interface {
	//urpc:service
	M(ctx context.Context) error
}

//urpc:service
type Generic[T any] interface {
	M(ctx context.Context, v T) error
}

//urpc:service
type Embeds interface {
	NoDirective
}

//urpc:service
type NoContext interface {
	M(n int) error
}

//urpc:service
type NoError interface {
	M(ctx context.Context) int
}

//urpc:service
type NoResult interface {
	M(ctx context.Context)
}

//urpc:service
type Variadic interface {
	M(ctx context.Context, v ...int) error
}

//urpc:service
type Pointer interface {
	M(ctx context.Context, good int, bad *int) error
}

//urpc:service
type Map interface {
	M(ctx context.Context) (map[string]int, error)
}

//urpc:service
type Other interface {
	M(ctx context.Context, f func(), c chan int) error
}

//urpc:service
type Complex interface {
	M(ctx context.Context, v [4]complex128) error
}

//urpc:service
type Hidden interface {
	M(ctx context.Context, v hides) error
}

type hides struct {
	Seen   int
	hidden int
}

//urpc:service
type Nested interface {
	M(ctx context.Context, v []nests) error
}

type nests struct {
	Fine  int
	Wrong struct {
		Deep []any
	}
}

//urpc:service
type Recursive interface {
	M(ctx context.Context, v Tree) error
}

type Tree struct {
	Children []Tree
}

//urpc:service
type NoBytes interface {
	M(ctx context.Context, v []struct{}) error
}

//urpc:service
type Foreign interface {
	M(ctx context.Context, v http.Cookie, w http.Request) error
}

//urpc:service
type Unknown interface {
	M(ctx context.Context, v Missing) error
}
