package s3

import (
	"context"
	"fmt"
	"iter"
	"net/url"
	"strings"
	"time"

	"denybatch/internal/objects"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// List implements [objects.Store]. It asks for 1,000 objects at a time and leaves Version empty.
func (s *Store) List(ctx context.Context, prefix, after string) iter.Seq2[objects.Info, error] {
	return func(yield func(objects.Info, error) bool) {
		for page, err := range s.pages(ctx, prefix, after) {
			if err != nil {
				yield(objects.Info{}, fmt.Errorf("list %s: %w", prefix, err))
				return
			}
			for _, info := range page {
				if !yield(info, nil) {
					return
				}
			}
		}
	}
}

// pages yields a listing page by page, and ends with its first error.
func (s *Store) pages(ctx context.Context, prefix, after string) iter.Seq2[[]objects.Info, error] {
	input := &s3.ListObjectsV2Input{Bucket: &s.bucket, Prefix: s.key(prefix), EncodingType: types.EncodingTypeUrl}
	if after != "" {
		input.StartAfter = s.key(after)
	}
	return func(yield func([]objects.Info, error) bool) {
		for more := true; more; {
			out, err := s.page(ctx, input)
			if err != nil {
				yield(nil, err)
				return
			}
			infos, err := s.infos(out)
			if !yield(infos, err) || err != nil {
				return
			}
			input.ContinuationToken = out.NextContinuationToken
			more = aws.ToBool(out.IsTruncated)
		}
	}
}

func (s *Store) page(ctx context.Context, input *s3.ListObjectsV2Input) (*s3.ListObjectsV2Output, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return s.client.ListObjectsV2(ctx, input, retrying)
}

// infos describes the objects of a page whose keys are denybatch's.
func (s *Store) infos(out *s3.ListObjectsV2Output) ([]objects.Info, error) {
	infos := make([]objects.Info, 0, len(out.Contents))
	for _, object := range out.Contents {
		key, err := decode(aws.ToString(object.Key), out.EncodingType)
		if err != nil {
			return nil, err
		}
		key = strings.TrimPrefix(key, s.prefix)
		if objects.CheckKey(key) != nil {
			continue
		}
		infos = append(infos, objects.Info{
			Key: key, ETag: unquote(object.ETag), Size: aws.ToInt64(object.Size),
			Modified: aws.ToTime(object.LastModified).Truncate(time.Second), // as reading it says
		})
	}
	return infos, nil
}

// decode returns the key that a listing shows as shown.
func decode(shown string, encoding types.EncodingType) (string, error) {
	if encoding != types.EncodingTypeUrl {
		return shown, nil
	}
	return url.QueryUnescape(shown)
}
