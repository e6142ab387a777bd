package cli

import (
	"os"
	"testing"
)

// TestImagesAreDescribed: each image that is built in says in a line what it does.
func TestImagesAreDescribed(t *testing.T) {
	dirs, err := os.ReadDir("../../images")
	if err != nil {
		t.Fatal(err)
	}
	images := 0
	for _, d := range dirs {
		if d.Name() == "internal" { // what several of them share
			continue
		}
		images++
		if descriptions[d.Name()] == "" {
			t.Errorf("image %s has no description", d.Name())
		}
	}
	if len(descriptions) != images {
		t.Errorf("%d descriptions of %d images", len(descriptions), images)
	}
}
