package config

import (
	"path/filepath"
	"testing"
)

func TestTheExamplesOfTheGuideAreValid(t *testing.T) {
	files, err := filepath.Glob("../../../contrib/config/*.yaml")
	if err != nil || len(files) != 3 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, file := range files {
		if _, err := Load(file); err != nil {
			t.Error(err)
		}
	}
}
