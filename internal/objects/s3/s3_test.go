package s3_test

import (
	"testing"

	"denybatch/internal/objects"
	"denybatch/internal/objects/objectstest"
	"denybatch/internal/objects/objectstest/s3server"
	"denybatch/internal/objects/s3"
)

// nested are the rules about keys that are folders of others, which versitygw cannot hold.
var nested = []string{
	"Keys", "KeyIsPrefixOfAnother", "KeyBecomesPrefixOfOthers", "ListOrder", "ListPrefixAndAfter", "ListWhileOthersChange",
}

func TestConformanceVersity(t *testing.T) {
	t.Parallel()
	server := s3server.Start(t, s3server.Versity)
	objectstest.Run(t, func(t *testing.T) objects.Store {
		return s3.New(server.Client(), server.Bucket(t), "")
	}, nested...)
}

func TestConformanceMinistack(t *testing.T) {
	t.Parallel()
	server := s3server.Start(t, s3server.Ministack)
	objectstest.Run(t, func(t *testing.T) objects.Store {
		return s3.New(server.Client(), server.VersionedBucket(t), "state/of")
	})
}
