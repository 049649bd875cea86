package cloud

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
)

// Source is whom our events come from. Rules on the bus match it.
const Source = "denybatch"

// Bus is the account's default event bus.
type Bus struct{ Client *eventbridge.Client }

// Put puts one event there. An event that the bus refuses is an error, too.
func (b Bus) Put(ctx context.Context, detailType string, detail any) error {
	text, err := json.Marshal(detail)
	if err != nil {
		return fmt.Errorf("event %q: %w", detailType, err)
	}
	out, err := b.Client.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{{
		Source: aws.String(Source), DetailType: &detailType, Detail: aws.String(string(text)),
	}}})
	if err != nil {
		return fmt.Errorf("event %q: %w", detailType, err)
	}
	for _, e := range out.Entries {
		if e.ErrorCode != nil {
			return fmt.Errorf("event %q was refused: %s: %s", detailType, *e.ErrorCode, aws.ToString(e.ErrorMessage))
		}
	}
	if out.FailedEntryCount > 0 {
		return fmt.Errorf("event %q was refused", detailType)
	}
	return nil
}
