package objectstest_test

import (
	"testing"

	"denybatch/internal/objects"
	"denybatch/internal/objects/objectstest"
)

func TestMemory(t *testing.T) {
	objectstest.Run(t, func(*testing.T) objects.Store { return objectstest.NewMemory() })
}
