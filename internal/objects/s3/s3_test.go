package s3_test

import (
	"testing"

	"denybatch/internal/objects"
	"denybatch/internal/objects/objectstest"
	"denybatch/internal/objects/objectstest/s3server"
	"denybatch/internal/objects/s3"
)

// beyondVersity are the rules that versitygw cannot keep: about keys that are folders of others, and about a Delete in the
// middle of a Replace, for which its DeleteObject does not wait.
var beyondVersity = []string{
	"Keys", "KeyIsPrefixOfAnother", "KeyBecomesPrefixOfOthers", "ListOrder", "ListPrefixAndAfter", "ListWhileOthersChange",
	"ReplaceAndDeleteTogether",
}

func TestConformanceVersity(t *testing.T) {
	t.Parallel()
	server := s3server.Start(t, s3server.Versity)
	objectstest.Run(t, func(t *testing.T) objects.Store {
		return s3.New(server.Client(), server.Bucket(t), "")
	}, beyondVersity...)
}

func TestConformanceMinistack(t *testing.T) {
	t.Parallel()
	server := s3server.Start(t, s3server.Ministack)
	objectstest.Run(t, func(t *testing.T) objects.Store {
		return s3.New(server.Client(), server.VersionedBucket(t), "state/of")
	})
}
